"""Reductions, selections and what they do with axes."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(normal(3, 4),))
def sums(x):
    return np.sum(x, axis=0) * np.sum(x) + x.sum(axis=(0, 1))


@program(args=(normal(3, 4),))
def means(x):
    return np.mean(x, axis=1) ** 2 + x.mean()


@program(args=(positive(2, 3),))
def products(x):
    return np.prod(x, axis=1) + np.prod(x)


@program(args=(normal(3, 4),))
def maxima(x):
    return np.max(x, axis=1) + np.min(x) * x.max()


@program(args=(normal(5),))
def variance_and_deviation(x):
    return np.var(x) + np.std(x) * x[0]


@program(args=(normal(4),))
def cumulative_sum(x):
    return np.cumsum(x) ** 2


@program(args=(normal(3, 4),))
def log_sum_exp(x):
    m = np.max(x, axis=1, keepdims=True)
    return np.log(np.sum(np.exp(x - m), axis=1)) + m[:, 0]


@program(args=(normal(4), normal(4, seed=1)))
def where(x, y):
    return np.where(x > 0, x * y, y**2)


@program(args=(normal(4), normal(4, seed=1)))
def maximum_and_minimum(x, y):
    return np.maximum(x, 0.1) * np.minimum(x, y)


@program(args=(normal(5),))
def clip_and_abs(x):
    return np.clip(x, -0.4, 0.4) + np.abs(x)


@program(args=(normal(3),))
def unselected_branch_is_silent(x):
    return np.sum(np.where(x > 10, np.sqrt(x - 10), x * x))


@program(args=(normal(4), normal(4, seed=1)))
def weighted_average(x, w):
    weights = np.exp(w)
    return np.sum(weights * x) / weights.sum()


@program(args=(normal(3, 4),))
def negative_axis(x):
    return np.sum(x * x, axis=-1) - x.max(axis=-2).sum()


@program(args=(normal(5),))
def sorted_values(x):
    return np.sort(x)[1:3] * x[0]


@program(args=([0.3, 1.2, -0.5],))
def builtin_sum_of_a_list(values):
    return sum(values) ** 2


@program(args=(normal(3, 2), normal(3, 2, seed=1)))
def concatenation(x, y):
    return np.concatenate([x, y * x], axis=1) @ np.arange(4.0)


@program(args=(normal(3), 0.4))
def array_of_scalars(x, c):
    return np.array([c, x[0] * c, 2.0]) * x


@program(args=(normal(3), normal(3, seed=1)))
def stacking(x, y):
    return np.stack([x, y, x * y]).sum(axis=1)
