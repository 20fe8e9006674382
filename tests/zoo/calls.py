"""Calls of the user's own functions: nested, keywords, defaults, closures, lambdas, globals."""

import numpy as np

from tests.zoo.table import normal, positive, program

GRAVITY = 9.81
OFFSETS = np.array([0.1, -0.4, 0.3])


def square(x):
    return x * x


def affine(x, slope=2.0, offset=1.0):
    return slope * x + offset


def polar(x, y):
    return np.sqrt(x * x + y * y), np.arctan2(y, x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def clipped_square(x):
    if x < 0:
        return 0.0 * x
    return square(x)


def drag_step(state, drag, dt):
    position, speed = state
    acceleration = -GRAVITY - drag * speed * abs(speed)
    return position + dt * speed, speed + dt * acceleration


@program(args=(0.8,))
def one_helper(x):
    return square(x) + square(2 * x)


@program(args=(0.8, 1.1))
def nested_helpers(x, y):
    return square(affine(square(x), y))


@program(args=(0.8, 1.1))
def keyword_and_default_arguments(x, y):
    return affine(x) * affine(y, offset=x) + affine(offset=y, x=x, slope=3.0)


@program(args=(0.8, 1.1))
def helper_with_two_results(x, y):
    r, angle = polar(x, y)
    return r * angle


@program(args=(0.8,))
def helper_with_a_branch(x):
    return clipped_square(x) + clipped_square(-x) * 3


@program(args=(0.5, 4))
def helper_in_a_loop(x, n):
    y = x
    for i in range(n):
        y = affine(sigmoid(y), x)
    return y


@program(args=(1.5, 3.0, 0.05, 6))
def helper_with_a_state(height, speed, drag, n):
    state = (height, speed)
    for i in range(n):
        state = drag_step(state, drag, 0.02)
    return state[0] * state[1]


@program(args=(normal(3), 0.7))
def module_globals(x, c):
    return np.sum(GRAVITY * x * c + OFFSETS * x**2)


@program(args=(0.6, 1.7))
def nested_function(x, k):
    def inner(t):
        return np.sin(k * t) * x

    return inner(x) + inner(2.0)


@program(args=(0.6,))
def named_lambda(x):
    double = lambda t: 2 * t * x
    return double(x) + double(1.5)


@program(args=(normal(3),))
def helper_on_arrays(x):
    return np.sum(sigmoid(x) * square(x))


def _apply_twice(function, x):
    return function(function(x))


@program(args=(0.6,))
def function_as_an_argument(x):
    return _apply_twice(sigmoid, x) + _apply_twice(lambda t: t * t * x, x)


def _made(scale):
    def scaled(x):
        return np.sum(np.tanh(scale * x))

    return scaled


captures_a_number = program(args=(normal(3),))(_made(1.5))


def _rebinds_its_parameter(x):
    x = x * 2
    x = np.sin(x)
    return x


@program(args=(0.8,))
def helper_rebinds_its_parameter(x):
    return _rebinds_its_parameter(x) * x


@program(args=(0.7, positive(2)))
def same_helper_at_two_types(x, v):
    return square(x) * square(v)


def _power(x, n):
    if n == 0:
        return 1.0
    return x * _power(x, n - 1)


@program(args=(0.8, 4))
def recursion(x, n):
    return _power(x, n) + x


@program(args=(0.8,))
def default_argument_of_the_program(x, y=1.4):
    return x * y + y**2


@np.vectorize
def _ramp(t, slope=2.0):
    return t * t if t > 0.1 else slope * t


@np.vectorize
def _two_sided(t, u):
    if t > u:
        return t * u
    return t - 2 * u


@program(args=(normal(3),))
def vectorised_helpers(x):
    return np.sum(_ramp(x) * x) + np.sum(_two_sided(x[:, None], x[::-1])) + _ramp(x[0], slope=3.0) * 1.0


def _either(x, flag):
    return x if flag > 0 else np.sum(x)


@program(args=(normal(3), 1.0))
def unpacked_value_of_unknown_rank(x, flag):
    y = _either(x, flag)
    total = 0.0
    for v in y:
        total += v * v
    a, b, c = y
    return total + a * b * c


def _three(a, b, c):
    return a * b + c


@program(args=(normal(2, 3),))
def rows_as_arguments(m):
    return _three(*m[0]) * _three(*m[1]) + sum(_three(*row) for row in m)
