"""Quotients that read a value above and below the line: what their slopes have in common only shows as a formula."""

import math

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(positive(4), 1.3, 0.6))
def michaelis_menten(s, top, half):
    return np.sum(top * s / (half + s))


@program(args=(1.4, 0.7, 2.0))
def saturation_of_a_number(s, half, top):
    return top * s / (half + s)


@program(args=(positive(4), positive(4, seed=1)))
def reduced_mass(a, b):
    return np.sum(a * b / (a + b))


@program(args=(positive(3), positive(3, seed=1)))
def lens(a, b):
    return 1 / (1 / a + 1 / b)


@program(args=(0.8, 4, 0.9))
def steps_to_saturation(x, n, k):
    total = 0.0
    for _ in range(n):
        x = x / (x + k)
        total += x * x
    return total


@program(args=(positive(2, 3), positive(3, seed=1), 0.5))
def saturation_of_rows(s, half, top):
    return np.sum(top * s / (half + s) * s)


@program(args=(normal(3), positive(3)))
def cubed_over_square(x, y):
    return x * x * x / (y * y)


@program(args=(1.2, 0.3))
def moebius_of_an_exponential(x, a):
    e = math.exp(a)
    return x * e / (x * e + 1.0)


@program(args=(positive(3), 0.4))
def relativistic(v, c):
    return np.sum(v / np.sqrt(c + v * v))


@program(args=(positive(3), np.array([0.5, 0.0, 1.5])), wrt="k")
def saturation_of_nothing(k, s):
    return np.sum(np.where(s > 0, s / (s + k), 0.0))


@program(args=(positive(4),))
def saturation_at_one_half(x):
    return np.sum(3.0 * x / (0.5 + x))


@program(args=(np.array([0.2, 0.7, 0.4]),))
def odds(p):
    return p / (1 - p)


@program(args=(positive(5),))
def hill(x):
    y = x * x / (1 + x * x)
    return y @ y


@program(args=(0.7, 5))
def map_of_a_number(x, n):
    for _ in range(n):
        x = 2.5 * x / (1 + x)
    return x


@program(args=(0.3, 1.1))
def two_leaves_of_three_by_formula(x, y):
    return y * x / (1.2 + x) + x


@program(args=(positive(3), 2.0))
def scaled_odds_in_a_branch(p, limit):
    total = 0.0
    for v in p:
        if v < limit:
            total = total + v / (limit - v)
    return total


@program(args=(0.3,))
def odds_of_a_number(p):
    return p / (1 - p)


@program(args=(1.4,))
def hill_of_a_number(x):
    return x * x * 2.5 / (0.7 + x * x)


@program(args=(1.4, 0.6))
def cubes_of_numbers(x, y):
    return x * x * x / (y * y)
