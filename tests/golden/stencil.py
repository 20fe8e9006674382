"""A slice updated in place from its neighbours: the old values are those of x, which is still there."""

import numpy as np

WRT = ("x", "c")
SIZES = (10, 10_000)


def args(n):
    return np.random.default_rng(0).standard_normal(n), 0.3


def stencil(x, c):
    u = x.copy()
    u[1:-1] += c * u[2:] * u[:-2]
    return np.sum(u**3)


def stencil_value_and_grad(x, c):
    u = x.copy()
    u[1:-1] += c * u[2:] * u[:-2]
    value = np.sum(u**3)
    x_bar = 3 * u**2
    t_bar = x_bar[1:-1] * x[2:]
    c_bar = t_bar @ x[:-2]
    s_bar = c * x_bar[1:-1] * x[:-2]
    x_bar[:-2] += c * t_bar
    x_bar[2:] += s_bar
    return value, (x_bar, c_bar)
