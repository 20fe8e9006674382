"""Tuples: unpacking, swaps, cycles, several results."""

import numpy as np

from tests.zoo.table import normal, program


@program(args=(0.6, 1.4))
def unpack(x, y):
    a, b = x * y, x + y
    (c, d), e = (a, b), a * b
    return c * d + e


@program(args=(0.6, 1.4))
def two_results(x, y):
    return x * y, np.sin(x) + y


@program(args=(0.6, 1.4, 3))
def swap_in_a_loop(x, y, n):
    for i in range(n):
        x, y = y, x + 0.5 * y
    return x - y**2


@program(args=(0.6, 1.4, -0.3, 4))
def three_cycle_in_a_loop(a, b, c, n):
    for i in range(n):
        a, b, c = b, c * a, a + b
    return a * b + c


@program(args=(0.5, 5))
def fibonacci(x, n):
    a, b = x, x * x
    for _ in range(n):
        a, b = b, a + b
    return b


@program(args=(normal(3),))
def unpack_an_array(p):
    a, b, c = p
    return a * np.exp(-b * b) + c


@program(args=((0.4, 1.1), 0.7))
def unpack_an_argument(pair, x):
    left, right = pair
    return left * x**2 + right * x


@program(args=(0.7,))
def chained_assignment(x):
    a = b = x * x
    a = a * x
    return a + b


@program(args=(0.7, 1.3))
def index_a_tuple(x, y):
    t = (x * y, x + y, 3)
    return t[0] * t[-2] * t[2]


@program(args=(0.7, normal(2)))
def nested_result(x, v):
    return (x * x, (v * x, [x + 1.0])), v


@program(args=(0.7, 1.3))
def starred_unpacking(x, y):
    first, *rest = (x, y, x * y)
    return first * rest[1] + rest[0]
