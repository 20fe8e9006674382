"""A sum of products of arrays of one shape: nothing to unbroadcast, nothing to compute."""

import numpy as np

WRT = ("x", "y")
SIZES = (10, 100_000)


def args(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal(n), rng.standard_normal(n)


def product_sum(x, y):
    return np.sum(x * y)


def product_sum_value_and_grad(x, y):
    value = np.sum(x * y)
    x_bar = y.copy()
    y_bar = x.copy()
    return value, (x_bar, y_bar)
