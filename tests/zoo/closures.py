"""Functions inside functions: captured variables, nonlocal, recursion, defaults, variadic arguments, generators consumed on the spot."""

import functools

import numpy as np

from tests.zoo.table import normal, program


@program(args=(0.7,))
def nonlocal_counter(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * x

    add(x)
    for k in range(3):
        add(2.0 * k)
    return total


@program(args=(0.7, 3))
def closure_made_by_a_function(x, n):
    def power(k):
        def f(v):
            return v**k * x

        return f

    fs = [power(k) for k in (1, 2)]
    return sum(f(x) for f in fs) * n


@program(args=(0.7,))
def counter_with_state(x):
    def make():
        state = {"n": 0.0}

        def tick(v):
            state["n"] += v
            return state["n"]

        return tick

    tick = make()
    tick(x)
    return tick(x * x) * tick(1.0)


def _fact(n, x):
    return 1.0 if n == 0 else x * n * _fact(n - 1, x)


@program(args=(0.7, 4))
def recursion(x, n):
    return _fact(n, x)


@program(args=(0.7,))
def mutual_recursion(x):
    def even(n, v):
        return v if n == 0 else odd(n - 1, v * x)

    def odd(n, v):
        return v * 2 if n == 0 else even(n - 1, v + x)

    return even(5, x)


@program(args=(0.7, 1.1, 2.0), later=True)
def variadic(*values):
    total = 1.0
    for v in values:
        total = total * v
    return total


def _keywords(a, /, b=2.0, *rest, scale=1.0, **named):
    return a * b * scale + sum(rest) + sum(named.values())


@program(args=(0.7, 1.1))
def call_forms(x, y):
    options = {"scale": x, "extra": y}
    args = (x, y, 3.0)
    return _keywords(*args, **options) + _keywords(x) + _keywords(y, scale=x)


@functools.cache
def _cached(k):
    return k * 2.5


def _squared(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) ** 2

    return wrapper


@_squared
def _decorated(a, b=1.0):
    return a * b + a


@program(args=(0.7,))
def decorated_helpers(x):
    return _decorated(x, b=_cached(2)) * x


@program(args=(normal(4), 0.1))
def function_as_argument(x, h):
    def derivative(f, v):
        return (f(v + h) - f(v - h)) / (2 * h)

    return np.sum(derivative(np.sin, x)) + derivative(lambda t: t**3, x[0])


@program(args=(0.5, 4))
def while_with_a_walrus(x, n):
    k = 0
    while (y := x * k) < 1.2 and k < n:
        k += 1
    return y * x


@program(args=(0.7,))
def lambda_in_a_loop(x):
    total = 0.0
    for f in (np.sin, lambda v: v * v, abs):
        total += f(x)
    return total


_scale = {"mild": 0.5, "hot": 2.0}


@program(args=(0.7, "hot"))
def string_flags(x, kind="mild"):
    if kind not in _scale:
        raise KeyError(kind)
    if kind.startswith("h"):
        x = x**2
    return x * _scale[kind] if kind == "hot" else x


@program(args=(0.7, None), later=True)
def optional_arguments(x, y=None):
    if y is None:
        y = x * 2
    z = None
    for k in range(3):
        z = x if z is None else z * y
    return z


@program(args=(normal(3),))
def print_and_assert(x):
    assert len(x) > 1, "too short"
    s = f"{x[0]:.3f}"
    assert isinstance(s, str)
    return np.sum(x * x)
