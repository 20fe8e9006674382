"""Statements and expressions that have no derivative here, names, and the flow of control."""

from __future__ import annotations

import numpy as np

from ..table import Theme, directional, rewritten

syntax = Theme("Syntax and the flow of control", "What a derivative of source code cannot see through, or cannot know before the run.")

RATE, ERRORS = 2.0, (ValueError, KeyError)


@syntax(2.0)
def generator(x):
    yield x  # <- yield x


@rewritten(generator)
def generator_as_a_list(x):
    return sum([x, x * x])


@syntax(2.0)
def generator_of_a_generator(x):
    yield from [x]  # <- yield from [x]


@syntax(2.0)
def generator_in_a_lambda(x):
    f = lambda: (yield x)  # <- yield x
    return f()


@syntax(2.0)
async def coroutine(x):  # <- async def coroutine(x)
    return x


@rewritten(coroutine)
def plain_function(x):
    return x


@syntax(2.0)
def coroutine_inside(x):
    async def step():  # <- async def step()
        return x

    return x


@syntax(2.0)
def write_to_a_global(x):
    global RATE  # <- global RATE
    RATE = 3.0
    return x * RATE


@rewritten(write_to_a_global)
def rate_returned(x):
    rate = 3.0
    return x * rate


def _counter():
    calls = 0

    def count(x):
        nonlocal calls
        calls += 1  # <- calls += 1
        return x * calls

    return count


@syntax(2.0)
def class_inside(x):
    class Pair:  # <- class Pair
        left = 1.0

    return x * Pair.left


@rewritten(class_inside)
def class_outside(x):
    return x * Rate.left


class Rate:
    left = 1.0


@syntax(2.0)
def several_exceptions(x):
    try:  # <- try
        y = 1.0 / x
    except* ValueError:
        y = 0.0
    return y


@rewritten(several_exceptions)
def one_exception(x):
    try:
        y = 1.0 / x
    except ValueError:
        y = 0.0
    return y


def _logged(f):
    return f


@syntax(2.0)
def decorated_inside(x):
    @_logged
    def double(y):  # <- def double(y)
        return 2.0 * y

    return double(x)


@rewritten(decorated_inside)
def wrapped_by_hand(x):
    def double(y):
        return 2.0 * y

    return double(x)


@syntax(2.0)
def deleted_name(x):
    y = x
    del y
    return y  # <- y


@rewritten(deleted_name)
def name_kept(x):
    y = x
    return y


@syntax(2.0)
def bare_raise(x):
    if x < 0:
        raise  # <- raise
    return x


@rewritten(bare_raise)
def named_raise(x):
    if x < 0:
        raise ValueError("x is negative")
    return x


@syntax(np.array([2.0, 3.0]))
def recursion(u):
    if u[0] < 0.1:
        return u[0] * u[1]
    u[0] /= 2
    return recursion(u)  # <- recursion(u)


@rewritten(recursion)
def recursion_without_changes(u):
    if u[0] < 0.1:
        return u[0] * u[1]
    return recursion_without_changes(np.array([u[0] / 2, u[1]]))


@syntax(2.0)
def function_returned(x):
    return lambda y: x * y  # <- lambda y: x * y


@rewritten(function_returned)
def function_called(x):
    return (lambda y: x * y)(2.0)


@syntax(2.0)
def kinds_returned(x):
    if x > 0:
        return np.sin
    return x  # <- x


@rewritten(kinds_returned)
def kind_returned(x):
    if x > 0:
        return np.sin(x)
    return x


@syntax(np.array([1.0, 2.0]))
def kinds_on_two_paths(u):
    f = u.sum if u[0] > 0 else u.mean  # <- u.sum if u[0] > 0 else u.mean
    return f()


@rewritten(kinds_on_two_paths)
def called_in_its_branch(u):
    return u.sum() if u[0] > 0 else u.mean()


@syntax(0.0, by=directional)
def tangent_that_raises_in_a_try_block(x):
    with np.errstate(all="raise"):
        try:
            y = np.sqrt(x)  # <- np.sqrt(x)
        except FloatingPointError:
            y = 2 * x
    return y


@rewritten(tangent_that_raises_in_a_try_block)
def point_without_a_tangent_apart(x):
    with np.errstate(all="raise"):
        try:
            y = np.sqrt(x) if x > 1 else 2 * x
        except FloatingPointError:
            y = 2 * x
    return y


@syntax(2.0)
def nothing_returned(x):
    if x < 3:
        return None  # <- return None
    return x


@rewritten(nothing_returned)
def number_returned(x):
    if x > 3:
        return 0.0
    return x


@syntax(2.0)
def exception_unknown(x):
    kind = ValueError if x > 1.0 else KeyError
    try:
        y = 1 / x
    except kind:  # <- except kind
        y = 0.0
    return y


def doubled_in_place(ys, k):
    ys[0] = ys[0] * 2.0
    ys[0] = ys[0] / k


@syntax(2.0)
def how_far_a_block_got(x):
    ys = [x]
    try:
        [doubled_in_place(ys, k) for k in (1, 0)]
    except ZeroDivisionError:
        ys[0] = ys[0] + 1.0  # <- ys
    return ys[0]


@rewritten(how_far_a_block_got)
def called_in_a_loop(x):
    ys = [x]
    try:
        for k in (1, 0):
            doubled_in_place(ys, k)
    except ZeroDivisionError:
        ys[0] = ys[0] + 1.0
    return ys[0]


class Swallows:
    def __init__(self, limit):
        self.limit = limit

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return self.limit > 1.0


@syntax(2.0)
def context_that_may_swallow(x):
    with Swallows(x):  # <- Swallows(x)
        y = 1 / x
    return y


@rewritten(context_that_may_swallow)
def swallowed_by_except(x):
    try:
        y = 1 / x
    except ZeroDivisionError:
        y = 0.0
    return y


@syntax(2.0)
def context_of_a_function(x):
    with (lambda: x):  # <- lambda: x
        y = 1 / x
    return y


@rewritten(context_of_a_function)
def context_that_is_one(x):
    with np.errstate(all="ignore"):
        y = 1 / x
    return y


@syntax(2.0, {"a": 1.0})
def isinstance_of_what(x, table):
    return x if isinstance(table.get, int) else 2 * x  # <- isinstance(table.get, int)
