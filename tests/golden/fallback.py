"""A ``try`` block whose handler takes over where a division fails."""

import numpy as np

WRT = ("a", "b")
SIZES = (10, 10_000)


def args(n):
    rng = np.random.default_rng(0)
    return rng.standard_normal(n), 0.7


def slope(a, b):
    if b < 0.5:
        raise ZeroDivisionError
    return a / b


def fallback(a, b):
    scale = np.sum(a * a)
    try:
        y = slope(scale, b)
    except ZeroDivisionError:
        y = scale * b
    return y * b


def fallback_value_and_grad(a, b):
    scale = np.sum(a * a)
    try:
        if b < 0.5:
            raise ZeroDivisionError
        y = scale / b
        completed = True
    except ZeroDivisionError:
        y = scale * b
        completed = False
    value = y * b
    y_bar = b
    b_bar = y
    if completed:
        scale_bar = y_bar / b
        b_bar -= y_bar * y / b
    else:
        scale_bar = y_bar * b
        b_bar += y_bar * scale
    a_bar = 2 * scale_bar * a
    return value, (a_bar, b_bar)
