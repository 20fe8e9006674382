"""An Euler integrator that stores its trajectory: each element is written once, so nothing is recorded."""

import numpy as np

WRT = ("rate", "start")
SIZES = (10, 1000)


def args(n):
    return 0.9, 0.2, 5.0 / n, n


def euler(rate, start, h, n):
    u = np.zeros(n + 1)
    u[0] = start
    for i in range(n):
        u[i + 1] = u[i] + h * rate * u[i] * (1 - u[i])
    return np.mean(u**2)


def euler_value_and_grad(rate, start, h, n):
    u = np.zeros(n + 1)
    u[0] = start
    for i in range(n):
        u[i + 1] = u[i] + h * rate * u[i] * (1 - u[i])
    value = np.mean(u**2)
    u_bar = 2 / u.size * u
    rate_bar = 0.0
    for i in reversed(range(n)):
        u_i = u[i]
        t_bar = u_bar[i + 1]
        rate_bar += t_bar * h * u_i * (1 - u_i)
        u_bar[i] += t_bar * (1 + h * rate * (1 - 2 * u_i))
    start_bar = u_bar[0]
    return value, (rate_bar, start_bar)
