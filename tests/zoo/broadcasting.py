"""Broadcasting: where a cotangent needs a sum, and where it does not."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(normal(3, 4), normal(4, seed=1)))
def row_added_to_matrix(x, b):
    return np.tanh(x + b)


@program(args=(normal(3, 1), normal(1, 4, seed=1)))
def outer_sum(x, y):
    return np.sin(x + y) * x


@program(args=(normal(3, 4), 1.5))
def scalar_times_matrix(x, c):
    return c * x + x / c


@program(args=(normal(3, 4), normal(3, 4, seed=1)))
def same_rank(x, y):
    return np.sum(x * y)


@program(args=(normal(2, 3, 4), normal(3, 1, seed=1), normal(4, seed=2)))
def three_ranks(x, y, z):
    return np.sum(x * y + np.exp(z) * y)


@program(args=(normal(4), normal(3, seed=1)))
def newaxis_outer(x, y):
    return np.exp(-((x[:, None] - y[None, :]) ** 2)).sum(axis=1)


@program(args=(normal(3, 4),))
def centred(x):
    return np.sum((x - x.mean(axis=0)) ** 3)


@program(args=(normal(3, 4),))
def normalised_rows(x):
    return x / np.sum(np.exp(x), axis=1, keepdims=True)


@program(args=(np.array(1.3), normal(3)))
def zero_dimensional_array(a, x):
    return a * x + a


@program(args=(normal(2), normal(3, 2, seed=1)))
def explicit_broadcast(x, y):
    return np.broadcast_to(x, (3, 2)) * y


@program(args=(np.float64(0.7), positive(3)))
def numpy_scalar(a, x):
    return np.sum(a**2 * np.log(x)) * a


@program(args=(normal(3), normal(3, seed=1), normal(3, seed=2)))
def mean_of_products(x, y, z):
    return np.mean(x * y) + np.mean(y * z, axis=0)
