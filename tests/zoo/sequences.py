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


# -- sequences that change while a loop runs over them: each item is read when its turn comes --------------


@program(args=(normal(4),))
def array_that_moves(x):
    y = x * 1.0
    for e in y[::-1]:
        y -= e - 0.45
    return np.sum(y * x)


@program(args=(normal(4),))
def next_element_from_this_one(x):
    y = x * 1.0
    for i, e in enumerate(y):
        if i < 3:
            y[i + 1] = e * y[i + 1]
    return np.sum(y)


@program(args=(normal(3),))
def array_and_its_reverse(x):
    y = x * 1.0
    for a, b in zip(y, reversed(y)):
        y += a * b
    return np.sum(y)


@program(args=(normal(3),))
def known_list_that_moves(x):
    xs = [x[0], x[1], x[2]]
    for i, v in enumerate(xs):
        if i < 2:
            xs[i + 1] = v * 1.5
    return xs[2] + xs[1]


@program(args=(normal(3),))
def list_that_moves(x):
    xs = [v * 2 for v in x]
    for i, v in enumerate(xs):
        if i < 2:
            xs[i + 1] = v * xs[i + 1]
    return xs[2] + xs[1]


@program(args=(normal(2),))
def list_that_grows(x):
    xs = [x[0], x[1]]
    for v in xs:
        if len(xs) < 5:
            xs.append(v * 1.5)
    return sum(xs)


@program(args=(normal(3),))
def list_reversed_while_it_moves(x):
    xs = [v * 2 for v in x]
    for v in reversed(xs):
        xs[0] = xs[0] + v * xs[1]
    return xs[0]


@program(args=(normal(2),))
def dict_that_moves(x):
    d = {"a": x[0], "b": x[1]}
    for k, v in d.items():
        d["b"] = v * 2.0
    return d["b"]


@program(args=(normal(3),))
def slice_of_a_list_is_a_copy(x):
    xs = [v * 2 for v in x]
    s = xs[::-1]
    xs[0] = xs[1] * 5
    return s[2] * x[0] + s[0]
