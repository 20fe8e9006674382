"""Logistic regression: the loss that opens the README."""

import numpy as np

WRT = ("w", "b")
SIZES = (10, 1000)


def args(n):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 20))
    return rng.standard_normal(20) / 5, 0.1, x, (x[:, 0] > 0).astype(float)


def logistic_loss(w, b, x, y):
    z = x @ w + b
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_loss_value_and_grad(w, b, x, y):
    z = x @ w + b
    e = np.exp(-z)
    p = 1 / (1 + e)
    q = 1 - p
    value = -np.mean(y * np.log(p) + (1 - y) * np.log(q))
    p_bar = -(y / p - (1 - y) / q) / p.size
    z_bar = p_bar * p**2 * e
    w_bar = x.T @ z_bar
    b_bar = np.sum(z_bar)
    return value, (w_bar, b_bar)
