"""The likelihood of a linear model with normal noise of unknown scale."""

import numpy as np

WRT = ("beta", "log_s")
SIZES = (10, 1000)


def args(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal(20), 0.3, rng.standard_normal((n, 20)), rng.standard_normal(n)


def gaussian(beta, log_s, x, y):
    s = np.exp(log_s)
    r = (y - x @ beta) / s
    return 0.5 * np.sum(r**2) + len(y) * log_s


def gaussian_value_and_grad(beta, log_s, x, y):
    s = np.exp(log_s)
    r = (y - x @ beta) / s
    value = 0.5 * np.sum(r**2) + len(y) * log_s
    log_s_bar = len(y) - r @ r
    beta_bar = -x.T @ (r / s)
    return value, (beta_bar, log_s_bar)
