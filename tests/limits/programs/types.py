"""Values whose kind only the run knows, and results that have no gradient."""

from __future__ import annotations

import numpy as np

import retrograd as rg

from ..table import Theme, rewritten

types = Theme(
    "Types and results",
    "A gradient is of one real number, by floats. Where the kind of an active value depends on the run, there is nothing to emit.",
)

U = np.array([1.0, 2.0, 3.0])


@types(2.0)
def complex_result(x):
    return x * 1j  # <- x * 1j


@rewritten(complex_result)
def real_result(x):
    return np.real(x * 1j * 1j)


@types(U)
def result_that_is_no_scalar(u):
    return u * 2  # <- u * 2


@rewritten(result_that_is_no_scalar)
def sum_of_the_result(u):
    return np.sum(u * 2)


@types(2.0)
def result_of_no_type(x):
    if x > 3:
        return "too large"
    return x  # <- x


@rewritten(result_of_no_type)
def result_of_one_type(x):
    if x > 3:
        raise ValueError("too large")
    return x


@types(2.0)
def value_of_no_type(x):
    y = x if x < 3 else "too large"
    return np.sin(y)  # <- np.sin(y)


@rewritten(value_of_no_type)
def value_of_one_type(x):
    y = x if x < 3 else 3.0
    return np.sin(y)


@types(2.0, by=lambda f, x: rg.grad(f, has_aux=True)(x))
def no_pair(x):
    return x * 2  # <- x * 2


@rewritten(no_pair)
def pair(x):
    return x * 2


@types(2)
def integer_argument(n):
    return n * 2  # --


@types(2.5)
def shape_that_changes(x):
    for k in range(int(x)):  # <- for k in range(int(x))
        rows = x * np.ones(k + 1)
    return np.sum(rows)


@rewritten(shape_that_changes)
def shape_inside_the_loop(x):
    total = 0.0
    for k in range(int(x)):
        total += np.sum(x * np.ones(k + 1))
    return total
