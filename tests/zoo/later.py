"""Not yet required: constructs of the wider language.  Each is right, or refused with a located error."""

import contextlib

import numpy as np

from tests.zoo.table import normal, positive, program


class Spring:
    def __init__(self, stiffness):
        self.stiffness = stiffness

    @property
    def softness(self):
        return 1 / self.stiffness

    def energy(self, x):
        return 0.5 * self.stiffness * x * x


@program(args=(normal(3), 0.5))
def comprehension(x, c):
    return sum([c * a**2 for a in x if a < 10])


@program(args=(0.7, 4))
def appended_list(x, n):
    values = []
    for i in range(n):
        values.append(x**i)
    return np.array(values)


@program(args=(0.7,))
def try_except(x):
    try:
        y = x / 0.0 if x > 1 else x * x
    except ZeroDivisionError:
        y = x
    return y * x


@program(args=(0.7,))
def try_except_taken(x):
    y = x
    try:
        y = y * 3
        y = y / (1 - 1)
    except ZeroDivisionError:
        y = y * x
    finally:
        y = y + x
    return y


@program(args=(0.7,))
def with_errstate(x):
    with np.errstate(all="ignore"):
        y = np.log(x) * x
    return y


@program(args=(0.7,))
def with_suppress(x):
    y = x
    with contextlib.suppress(ZeroDivisionError):
        y = x * x
        y = y / (1 - 1)
    return y * x


@program(args=(0.7, 1.2))
def object_with_methods(k, x):
    spring = Spring(k)
    return spring.energy(x) * spring.softness


@program(args=(0.7,))
def object_state_changes(x):
    spring = Spring(x)
    first = spring.energy(2.0)
    spring.stiffness = x * x
    return first * spring.energy(1.5)


@program(args=(0.7, 1))
def match_statement(x, kind):
    match kind:
        case 0:
            return x
        case 1 | 2:
            return x**3
        case _:
            return -x


@program(args=(0.7,))
def walrus(x):
    if (y := x * x) < 1:
        return y * x
    return y


@program(args=(0.7, 1.1, 2.0), later=True)
def variadic(*values):
    total = 1.0
    for v in values:
        total = total * v
    return total


def _keywords(**named):
    return named["a"] * named["b"]


@program(args=(0.7, 1.1))
def keyword_dict(x, y):
    options = {"a": x, "b": y}
    return _keywords(**options) + _keywords(a=x, b=2.0)


@program(args=(normal(3),))
def generator_expression(x):
    return sum(a * a for a in x)


@program(args=(0.7, 3), later=True)
def dict_filled_in_a_loop(x, n):
    table = {}
    for i in range(n):
        table[i] = x ** (i + 1)
    return table[0] * table[n - 1]


@program(args=(positive(4),))
def out_keyword(x):
    y = np.empty_like(x)
    np.multiply(x, x, out=y)
    np.add(y, x, out=y)
    return y * x


@program(args=(normal(3), np.array([0, 1, 1, 2])))
def scatter_add(x, indices):
    u = np.zeros(3)
    np.add.at(u, indices, x[indices] ** 2)
    return u


@program(args=(0.7,))
def nonlocal_counter(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * x

    add(x)
    add(2.0)
    return total
