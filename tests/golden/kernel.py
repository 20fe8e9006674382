"""A closure: the inner function reads the bandwidth that the outer one computed."""

import numpy as np

WRT = ("x", "width")
SIZES = (10, 10_000)


def args(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal(n), 0.6


def kernel(x, width):
    scale = width * width + 0.1

    def density(centre):
        return np.sum(np.exp(-((x - centre) ** 2) / scale))

    return density(0.0) * density(1.0)


def kernel_value_and_grad(x, width):
    scale = width * width + 0.1
    x2 = x - 1.0
    e1 = np.exp(-(x**2) / scale)
    e2 = np.exp(-(x2**2) / scale)
    d1 = np.sum(e1)
    d2 = np.sum(e2)
    q1_bar = d2 * e1 / scale
    q2_bar = d1 * e2 / scale
    x_bar = -2 * (q1_bar * x + q2_bar * x2)
    scale_bar = (q1_bar @ x**2 + q2_bar @ x2**2) / scale
    width_bar = 2 * scale_bar * width
    return d1 * d2, (x_bar, width_bar)
