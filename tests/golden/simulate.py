"""A scalar recurrence: one value recorded in each iteration."""

import numpy as np

WRT = ("theta", "x")
SIZES = (10, 1000)


def args(n):
    return 0.9, 1.2, n


def simulate(theta, x, n):
    for i in range(n):
        x = x + 0.1 * np.sin(theta * x)
    return x


def simulate_value_and_grad(theta, x, n):
    x_tape = []
    for i in range(n):
        x_tape.append(x)
        x = x + 0.1 * np.sin(theta * x)
    value = x
    x_bar, theta_bar = 1.0, 0.0
    for i in reversed(range(n)):
        x = x_tape.pop()
        t_bar = 0.1 * x_bar * np.cos(theta * x)
        theta_bar += t_bar * x
        x_bar += t_bar * theta
    return value, (theta_bar, x_bar)
