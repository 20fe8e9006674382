"""Branches: if, elif, ternaries, and/or, chained comparisons; the branch taken is differentiated."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(1.2,))
def if_else(x):
    if x > 0:
        y = x**2
    else:
        y = -x
    return y * x


@program(args=(-0.8,))
def if_without_else(x):
    y = np.sin(x)
    if x < 0:
        y = y * x
    return y + x


@program(args=(2.5, 0.4))
def elif_chain(x, y):
    if x < 0:
        z = y
    elif x < 1:
        z = x * y
    elif x < 3:
        z = x**2 * y
    else:
        z = np.exp(y)
    return z - y


@program(args=(0.3, -1.1))
def ternary(x, y):
    low = x if x < y else y
    return (low * 3 if low < 0 else low**2) + x * y


@program(args=(0.4, 2.0))
def and_or_conditions(x, y):
    if (x > 0 and y > 1) or x * y < -3:
        return x * y**2
    return x + y


@program(args=(0.5,))
def chained_comparison(x):
    if 0 < x <= 1 < 2:
        return x**3
    return -x


# Not wrt y: no difference around 0.0 ever takes the branch that is taken at 0.0.
@program(args=(0.7, 0.0), wrt=("x",))
def or_returns_an_operand(x, y):
    z = y or x
    return z * z * 3 + (x and z)


@program(args=(0.9, True))
def flag_argument(x, square):
    if square:
        return x * x
    return x


@program(args=(0.9, "cubic"))
def string_argument(x, kind):
    if kind == "linear":
        return x
    elif kind == "cubic":
        return x**3
    else:
        return x * 0


@program(args=(0.6, None))
def none_argument(x, y):
    if y is None:
        y = 2 * x
    return x * y


@program(args=(1.4, 0.2))
def nested_branches(x, y):
    if x > 1:
        if y > 0:
            z = x * y
        else:
            z = x
        z = z * x
    else:
        z = y
    return z


@program(args=(normal(4),))
def branch_on_a_reduction(x):
    if np.sum(x) > 100:
        return x * 2
    elif not np.any(x > 50):
        return np.tanh(x) * x
    return x


@program(args=(1.1, 2.3))
def branches_bind_different_names(x, y):
    if x < y:
        a = x * y
        b = a + x
    else:
        b = y
        a = b * b
    return a * b


@program(args=(0.5, -0.5))
def builtin_max_and_min(x, y):
    return max(x, y, 0.1) * min(x, y) + max(x * y, -3.0)


@program(args=(1.5,))
def value_on_one_branch_only(x):
    scale = 1.0
    if x > 1:
        scale = x * x
    return scale * 3


@program(args=(positive(3), 2))
def branch_on_an_integer(x, n):
    if n % 2 == 0:
        return np.sum(x) ** 2 / n
    return np.sum(x)


@program(args=(normal(3), 0.5))
def assertion_and_pass(x, c):
    assert c > 0, "c must be positive"
    if c > 10:
        pass
    else:
        x = x * c
    return x


@program(args=(1.0, 2.0))
def names_bound_beside_a_nested_return(a, r):
    s = a * r
    if a > r:
        s += a
    elif a == r:
        return a * 3.0
    else:
        parts = [a * r, r]
        s += parts[0] * parts[1]
    return s * a
