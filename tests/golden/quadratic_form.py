"""A quadratic form: x is used twice, the product with A is shared."""

import numpy as np

WRT = ("x", "a")
SIZES = (10, 300)


def args(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal(n), rng.standard_normal((n, n))


def quadratic_form(x, a):
    return x @ a @ x


def quadratic_form_value_and_grad(x, a):
    t = x @ a
    value = t @ x
    x_bar = t + a @ x
    a_bar = np.outer(x, x)
    return value, (x_bar, a_bar)
