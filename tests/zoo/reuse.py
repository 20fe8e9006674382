"""Second uses of values, redefinitions, dead code, results that ignore an input."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(0.8,))
def used_many_times(x):
    y = np.sin(x)
    z = y * y
    return y + z * y + x * z


@program(args=(0.8, 1.3))
def redefinition(x, y):
    x = x * y
    x = np.sin(x) + y
    y = x * x
    return x * y


@program(args=(normal(3),))
def array_used_twice(x):
    y = np.exp(x)
    return np.sum(y * y) + np.sum(y) * y


@program(args=(0.8,))
def diamond(x):
    a = x * x
    b = np.sin(a)
    c = np.cos(a)
    return b * c + a


@program(args=(0.8, 0.3))
def dead_code(x, y):
    unused = np.exp(x) * y
    z = x * 2
    unused = z
    return z * x


@program(args=(0.8, 0.3))
def dead_code_with_a_pole(x, y):
    unused = np.arccos(x - x) + np.sqrt(y * 0.0)
    return x * y


@program(args=(normal(3), 1.5))
def result_is_an_input(x, y):
    return x, y * 2


@program(args=(0.8, 1.5))
def result_ignores_an_input(x, y):
    return x * x + 0 * y


@program(args=(normal(3),))
def same_result_twice(x):
    y = np.tanh(x)
    return y, y


@program(args=(0.8,))
def subtraction_of_itself(x):
    return x - x + x * x / x


@program(args=(normal(3), normal(3, seed=1)))
def identity_chain(x, y):
    a = x
    b = a
    c = b * y
    a = y
    return c * a + b


@program(args=(positive(3),))
def redefined_in_terms_of_results(x):
    s = np.sum(x)
    x = x / s
    s = np.sum(x**2)
    x = x * s
    return np.log(x) * s


@program(args=(0.5, 4))
def reused_after_the_loop(x, n):
    y = x
    z = np.sin(x)
    for i in range(n):
        y = y * z + x
    return y * z
