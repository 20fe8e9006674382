"""Explicit steps of the heat equation, in place: the Laplacian of each step is recorded, not the field."""

import numpy as np

WRT = ("u0", "r")
SIZES = (10, 1000)


def args(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal(n), 0.2, rng.standard_normal(n), 50


def heat(u0, r, target, steps):
    u = u0.copy()
    for k in range(steps):
        u[1:-1] = u[1:-1] + r * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum((u - target) ** 2)


def heat_value_and_grad(u0, r, target, steps):
    u = u0.copy()
    laplacian_tape = []
    for k in range(steps):
        laplacian = u[2:] - 2 * u[1:-1] + u[:-2]
        laplacian_tape.append(laplacian)
        u[1:-1] = u[1:-1] + r * laplacian
    d = u - target
    value = np.sum(d**2)
    u_bar = 2 * d
    r_bar = 0.0
    for k in reversed(range(steps)):
        t_bar = u_bar[1:-1]
        r_bar += t_bar @ laplacian_tape.pop()
        laplacian_bar = r * t_bar
        u_bar[1:-1] -= 2 * laplacian_bar
        u_bar[2:] += laplacian_bar
        u_bar[:-2] += laplacian_bar
    return value, (u_bar, r_bar)
