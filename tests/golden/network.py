"""A network with one hidden layer, tanh, and mean squared error."""

import numpy as np

WRT = ("w1", "b1", "w2", "b2")
SIZES = (8, 256)


def args(n):
    rng = np.random.default_rng(0)
    w1, b1 = rng.standard_normal((20, 32)) / 4, rng.standard_normal(32)
    w2, b2 = rng.standard_normal((32, 3)) / 4, rng.standard_normal(3)
    return w1, b1, w2, b2, rng.standard_normal((n, 20)), rng.standard_normal((n, 3))


def network(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)
    r = h @ w2 + b2 - y
    return np.mean(r**2)


def network_value_and_grad(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)
    r = h @ w2 + b2 - y
    value = np.mean(r**2)
    r_bar = 2 / r.size * r
    w2_bar = h.T @ r_bar
    b2_bar = np.sum(r_bar, axis=0)
    z_bar = r_bar @ w2.T * (1 - h**2)
    w1_bar = x.T @ z_bar
    b1_bar = np.sum(z_bar, axis=0)
    return value, (w1_bar, b1_bar, w2_bar, b2_bar)
