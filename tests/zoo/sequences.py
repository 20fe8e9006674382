"""Loops over things: rows, elements, lists, tuples, zip, enumerate, reversed."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(normal(4),))
def over_elements(x):
    total = 0.0
    for element in x:
        total += np.sin(element) * element
    return total


@program(args=(normal(3, 2),))
def over_rows(a):
    h = np.zeros(2)
    for row in a:
        h = np.tanh(h + row)
    return h


@program(args=([0.5, 1.5, -0.3], 0.8))
def over_a_list(values, x):
    y = x
    for v in values:
        y = y * v + x
    return y


@program(args=(normal(3), normal(3, seed=1)))
def over_zip(x, y):
    total = 0.0
    for a, b in zip(x, y):
        total += a * b**2
    return total


@program(args=(positive(4), 0.9))
def over_enumerate(c, x):
    total = 0.0
    for i, a in enumerate(c):
        total += a * x**i
    return total


@program(args=(normal(3), normal(3, seed=1)))
def over_enumerate_zip(x, y):
    total = 1.0
    for i, (a, b) in enumerate(zip(x, y), 1):
        total = total + i * a * b / (1 + total**2)
    return total


@program(args=(positive(4), 0.7))
def over_reversed(c, x):
    y = 0.0
    for a in reversed(c):
        y = y * x + a
    return y


@program(args=(0.7,))
def over_a_literal(x):
    y = x
    for factor in (1.0, 2.0, 0.5):
        y = y * factor + x * y
    return y


@program(args=(((0.4, normal(2)), (1.2, normal(2, seed=1))), normal(2, seed=2)))
def over_a_tuple_of_pairs(layers, x):
    for scale, shift in layers:
        x = np.tanh(scale * x + shift)
    return x


@program(args=([normal(3, 2), normal(2, 3, seed=1)], [normal(3), normal(2, seed=1)], normal(2, seed=2)))
def layers(weights, biases, x):
    for w, b in zip(weights, biases):
        x = np.tanh(w @ x + b)
    return x


@program(args=(normal(3), positive(2)))
def nested_over_arrays(x, y):
    total = 0.0
    for a in x:
        for b in y:
            total += np.exp(-a * a * b)
    return total


@program(args=({"a": 0.5, "b": 1.5}, 0.7))
def over_dict_items(rates, x):
    y = x
    for name, rate in rates.items():
        y = y + rate * np.sin(y)
    return y
