"""Loops over ranges: steps, negative steps, zero trips, nests, loop-carried values."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(0.9, 1.2, 5))
def simulate(theta, x, n):
    for i in range(n):
        x = x + 0.1 * np.sin(theta * x)
    return x


@program(args=(1.1, 0))
def zero_trips(x, n):
    y = 2 * x
    for i in range(n):
        y = y * x
    return y


@program(args=(0.7,))
def constant_range(x):
    total = 0.0
    for k in range(1, 5):
        total += x**k / k
    return total


@program(args=(0.7, 9))
def range_with_a_step(x, n):
    y = x
    for k in range(1, n, 3):
        y = y * x + k
    return y


@program(args=(0.8, 6))
def range_backwards(x, n):
    y = x
    for k in range(n, 0, -2):
        y = np.sin(y) * k + x
    return y


@program(args=(0.4, 3, 2))
def nested_loops(x, n, m):
    y = x
    for i in range(n):
        for j in range(i, i + m):
            y = y + x * np.cos(y) * (j + 1) / 10
        y = y * x
    return y


@program(args=(normal(3), 3))
def array_carried(x, n):
    h = x
    for i in range(n):
        h = np.tanh(h + 0.5 * x)
    return h


@program(args=(0.5, 1.5, 4))
def two_carried(a, b, n):
    for i in range(n):
        c = a * b
        a = a + 0.1 * c
        b = b - 0.2 * c
    return a * b


@program(args=(1.1, 4))
def counter_used_as_a_value(x, n):
    total = x
    for i in range(n):
        total += i * x
        total = total * (1 + i / 10)
    return total


@program(args=(0.6, 3))
def bound_rebound_in_the_body(x, n):
    y = x
    for i in range(n):
        n = 2
        y = y * x + n
    return y


@program(args=(0.6, 4))
def loop_variable_after_the_loop(x, n):
    y = 1.0
    for i in range(n):
        y = y * x
    return y * i


@program(args=(0.6, 5))
def branch_in_a_loop(x, n):
    y = x
    for i in range(n):
        if i % 2 == 0:
            y = y * x
        else:
            y = np.sin(y) + x
    return y


@program(args=(0.6, 5))
def branch_on_the_carried_value(x, n):
    y = x
    for i in range(n):
        if y < 1:
            y = y * 1.7
        else:
            y = y - x**2
    return y


@program(args=(1.3, 4))
def repeated_squaring(x, n):
    for i in range(n):
        x = 0.5 * x * x
    return x


@program(args=(0.5, 3))
def two_loops_in_sequence(x, n):
    y = x
    for i in range(n):
        y = y + x * y
    z = y
    for i in range(2 * n):
        z = z - 0.1 * y * z
    return z


@program(args=(positive(4),))
def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


@program(args=(0.7, 4))
def carry_looks_constant_at_first(x, n):
    y = 1.0
    for i in range(n):
        if i > 1:
            y = y * x
    return y


@program(args=(0.3, 5))
def integer_accumulator(x, n):
    count = 0
    total = 0
    for i in range(n):
        count += i
        total += x * count
    return total


@program(args=(0.9, 0.1, 2.0, 0.05, 6))
def rk4(a, b, y, h, n):
    for i in range(n):
        k1 = a * y - b * y**2
        u = y + h / 2 * k1
        k2 = a * u - b * u**2
        u = y + h / 2 * k2
        k3 = a * u - b * u**2
        u = y + h * k3
        k4 = a * u - b * u**2
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


@program(args=(0.7, 3))
def loop_inside_a_branch(x, n):
    if x > 0:
        y = x
        for i in range(n):
            y = y * np.exp(-y)
    else:
        y = -x
    return y


@program(args=(0.8, 3))
def loop_else(x, n):
    y = x
    for i in range(n):
        y = y * x
    else:
        y = y + x
    return y
