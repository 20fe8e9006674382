"""Rosenbrock's valley over the elements of an array: nothing is recorded, x is still there."""

import numpy as np

WRT = "x"
SIZES = (10, 1000)


def args(n):
    return (np.random.default_rng(0).uniform(0.5, 1.5, n),)


def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def rosenbrock_value_and_grad(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    x_bar = np.zeros_like(x)
    for i in reversed(range(len(x) - 1)):
        x_i = x[i]
        t_bar = 200.0 * (x[i + 1] - x_i**2)
        x_bar[i + 1] += t_bar
        x_bar[i] -= 2.0 * (t_bar * x_i + 1.0 - x_i)
    return total, x_bar


def rosenbrock_fused(x):
    """One pass, since the loop carries only a sum: what a reverse loop cannot reach, shown in the benchmark."""
    total = 0.0
    x_bar = np.zeros_like(x)
    for i in range(len(x) - 1):
        x_i = x[i]
        t = x[i + 1] - x_i**2
        d = 1.0 - x_i
        total += 100.0 * t**2 + d**2
        x_bar[i + 1] += 200.0 * t
        x_bar[i] -= 400.0 * t * x_i + 2.0 * d
    return total, x_bar
