"""Straight-line programs: scalars and arrays, no control flow."""

import math

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(1.3, 0.7))
def scalar_polynomial(x, y):
    return x**3 - 2 * x * y + y / 4


@program(args=(0.6, 1.7))
def scalar_math(x, y):
    return math.sin(x) * math.exp(-y) + math.log(y) * math.sqrt(x) - math.atan2(y, x)


@program(args=(0.8,))
def numpy_on_a_scalar(x):
    return np.tanh(x) + np.exp(-x * x) * np.cos(3 * x)


@program(args=(positive(4),))
def elementwise_chain(x):
    y = np.sqrt(x)
    z = np.log(1 + y)
    return np.sin(z) / (1 + np.exp(-x))


@program(args=(normal(3), 0.3, normal(5, 3, seed=1), np.array([0.0, 1.0, 1.0, 0.0, 1.0])), wrt=("w", "b"))
def logistic_loss(w, b, x, y):
    z = x @ w + b
    p = 1 / (1 + np.exp(-z))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@program(args=(positive(3), positive(3, seed=1)))
def powers(x, y):
    return x**2 + x**-1.5 + x**y + 2.0**x


@program(args=(1.4, 2.2))
def division_and_negation(x, y):
    return -(x / y) + y / (x - 5) - (-x)


@program(args=(1.7, 5.3))
def floor_and_modulo(x, y):
    return y % x + y // x * x


@program(args=(normal(3),))
def constant_terms(x):
    scale = 2 * 3 - 1
    offset = np.ones(3)
    return np.sum(scale * x + offset * scale)


@program(args=(normal(2, 3),))
def method_calls(x):
    return x.T.sum(axis=0).mean() + (x * x).sum() + x.reshape(-1)[2]


@program(args=(0.4, 3))
def integer_exponent_argument(x, n):
    return x**n + n * x


@program(args=(normal(3), positive(3)))
def result_is_an_array(x, y):
    return np.arctan(x) * y + np.sinh(x) - np.cosh(y)


@program(args=(positive(3),))
def stable_forms(x):
    return np.log1p(x) + np.expm1(x) + np.logaddexp(x, 2 * x) + np.hypot(x, 3.0)


@program(args=(normal(3), 2.5), wrt=("x",))
def only_one_argument_is_active(x, c):
    return np.sum(np.exp(c) * x * c)


@program(args=(0.5,))
def fixed_arity_helpers(x):
    return abs(x - 2) + pow(x, 3) + float(x) + round(2.7) * x


@program(args=(normal(2, 2, seed=3), normal(2, 2, seed=4)))
def long_expression(a, b):
    return ((a + b) * (a - b) / (1 + a * a) - np.exp(a * b / 4)) * np.cos(a) ** 2
