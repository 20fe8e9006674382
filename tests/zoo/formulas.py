"""Formulas of statistics and physics, whose derivatives are what the laws of simplification tidy."""

import math

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(positive(4), 1.3, normal(4)))
def normal_log_density(y, s, m):
    z = (y - m) / s
    return -0.5 * np.sum(z**2) - 4 * np.log(s)


@program(args=(normal(4), positive(4)))
def chi_square(x, s):
    r = x / s
    return np.sum(r * r)


@program(args=(normal(4), positive(4)))
def ratio_of_roots(x, s):
    t = np.sqrt(s)
    return np.sum(x * x / t) / np.sum(t)


@program(args=(positive(3), positive(3, seed=1)))
def inverse_square(r, q):
    return np.sum(q / r**2) + np.sum(1 / r)


@program(args=(positive(3), 0.4))
def lorentzian(x, width):
    u = 1 / (1 + (x / width) ** 2)
    return np.sum(u * u)


def _clipped_slope(x):
    return x * x if x > 0 else 0.0 * x


@program(args=(0.8, -0.3), smooth=False)
def helper_that_may_be_flat(x, y):
    return _clipped_slope(x) + _clipped_slope(y) + x * y


@program(args=(1.2, 0.4))
def sum_of_what_was_not_taken(x, y):
    if x > 1:
        z = x * y
    else:
        z = y
    return z + x + z * z


@program(args=(positive(4), 0.7))
def half_life(t, rate):
    return np.sum(np.exp(-rate * t)) / rate - np.mean(-t)


@program(args=(positive(4), 2.0))
def coulomb(r, q):
    return -np.sum(q / r) / (4 * math.pi)


@program(args=(positive(4), positive(4, seed=1)))
def relative_entropy(p, q):
    return np.sum(p * (np.log(p) - np.log(q))) - np.mean(np.log(p + q))


@program(args=(normal(3),))
def energy_of_exponentials(x):
    return 0.5 * np.sum(np.exp(x) ** 2)


@program(args=(normal(3), positive(3), normal(3, seed=1)))
def weighted_residuals(x, sigma, data):
    r = (x - data) / sigma
    return 0.5 * np.sum(r**2) + np.sum(np.log(sigma))


@program(args=(positive(3), 0.7))
def energy_of_decay(t, rate):
    return 0.5 * np.sum(np.exp(-rate * t) ** 2)


def _hinge(x):
    return x * x if x > 0 else 0.0


@program(args=(0.8,), smooth=False)
def hinge_on_either_side(x):
    return 0.5 * _hinge(x) + _hinge(1.0 - x)


@program(args=(0.8, 1.4), smooth=False)
def two_hinges(x, y):
    return _hinge(x - y) + _hinge(y - x) * x


@program(args=(0.8, 1.4), smooth=False)
def slope_beside_a_product(x, y):
    return _clipped_slope(x) + x * y


@program(args=(positive(3), positive(3, seed=1)))
def quotient_by_a_negative(x, y):
    t = -y
    return np.sum(x / t) + np.sum(np.sqrt(x) / t)


@program(args=(normal(2, 3),))
def sums_along_either_axis(x):
    return np.sum(np.sum(x * x, axis=0) ** 2) * np.sum(np.sum(x * x, axis=1) ** 3)
