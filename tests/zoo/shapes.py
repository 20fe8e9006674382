"""Lengths that only the run knows: joined on branches, sized by values, shrinking in loops; arrays without axes."""

import numpy as np

from tests.zoo.table import normal, positive, program

scale = np.array([0.5, 1.0, 2.0])


def _scaled(y):
    return np.sum(scale * y)


@program(args=(normal(4),))
def argument_named_as_a_callees_global(scale):
    return _scaled(np.ones(3)) * np.sum(scale**2)


@program(args=(normal(4), normal(2, seed=1), -1.0), wrt=("x", "y"))
def length_of_one_or_the_other(x, y, c):
    n = len(x) if c > 0 else len(y)
    return np.sum(np.ones(n)) * np.sum(x) * np.sum(y)


@program(args=(normal(4), normal(2, seed=1)))
def the_longer_length(x, y):
    n = max(len(x), len(y))
    return np.sum(np.ones(n)) * np.sum(x) * np.sum(y)


@program(args=(normal(4), normal(1, seed=1), -1.0), wrt=("x", "y"))
def one_or_the_other_both_ways(x, y, c):
    u = x if c > 0 else y
    v = y if c > 0 else x
    return np.sum(u * v * v)


@program(args=(normal(4), normal(2, seed=1), 1.0), wrt=("x", "y"))
def one_of_two_lengths(x, y, c):
    v = x if c > 0 else y
    return np.sum(v**2)


@program(args=(normal(4), 2))
def repeated_by_an_argument(x, k):
    a = np.repeat(x, k)
    b = np.repeat(x, k + 1)
    return np.sum(a) + np.sum(b**2)


@program(args=(normal(5),))
def two_masks(x):
    a = x[x > 0]
    b = x[x > 0.5]
    return np.sum(a**2) * (1 + np.sum(b))


@program(args=(normal(5),))
def mask_in_a_loop(x):
    s = 0.0
    for i in range(3):
        a = x[x > 0.4 * i - 0.5]
        b = a * a
        for _ in range(2):
            b = b * a
        s = s + np.sum(b)
    return s


@program(args=(np.array([0.5, 0.0, -1.5]),), smooth=False)
def entries_that_are_not_zero(x):
    i = np.nonzero(x - 0.5)[0]
    return np.sum((x[i] - 0.5) ** 2)


@program(args=(normal(5), 2))
def cut_in_two(x, k):
    a = x[:k]
    b = x[k:]
    return np.sum(a) * np.sum(b * b)


@program(args=(normal(5),))
def shrinking(x):
    while len(x) > 2:
        x = x[1:] * x[:-1]
    return np.sum(x)


@program(args=(0.5,), smooth=False)
def zero_or_one(x):
    y = 0.0 if x > 1 else 1.0
    return y + 0 * x


@program(args=(np.array(1.5),))
def powers_of_an_array_without_axes(a):
    s = a
    for _ in range(3):
        s = s * a
    return s


@program(args=(0.3,))
def complex_iteration(x):
    z = 1j * x
    for _ in range(2):
        z = z * z + x
    return np.abs(z)


@program(args=(positive(3), 0))
def exponent_that_is_zero(x, n):
    return np.sum(x**n) + np.sum(x)


@program(args=(positive(3), 2.5))
def exponent_that_is_an_argument(x, n):
    return np.sum(x**n)


@program(args=(normal(4),))
def mask_as_floats(x):
    return np.sum((x > 0).astype(float) * x * x)


@program(args=(normal(3, 2), normal(3, 2, seed=1)))
def joined_along_the_second_axis(x, y):
    return np.concatenate([x, y * x], axis=1) @ np.arange(4.0)


@program(args=(2.0, 3))
def an_integer_slope(x, n):
    return n * x


@program(args=(0.7, 0.3))
def rows_of_numbers(x, y):
    return np.vstack((x, x * y, y * 2.0))
