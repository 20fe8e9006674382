"""Does a handler of the user's see what the function raises, and nothing else (L3)?"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import TangentError


def caught_by_its_name(x):
    try:
        y = np.sqrt(x)
    except FloatingPointError:
        y = 5.0 * x
    return y


def caught_by_everything(x):
    try:
        y = np.sqrt(x)
    except:  # noqa: E722
        y = 5.0 * x
    return y


def caught_and_named_otherwise(x):
    try:
        y = np.sqrt(x)
    except ArithmeticError:
        raise ValueError("no root") from None
    return y


def caught_by_a_context(x):
    y = 5.0 * x
    with contextlib.suppress(ArithmeticError):
        y = np.sqrt(x)
    return y


def caught_in_a_loop(x):
    y = x
    try:
        for _ in range(3):
            y = np.cbrt(y)
    except Exception:
        return 5.0 * x
    return y


def caught_far_out(x):
    try:
        try:
            y = np.sqrt(x)
        except KeyError:
            y = x
    except FloatingPointError:
        y = 5.0 * x
    return y


def root_of_power(x, n):
    return np.sqrt(x) if n == 0 else root_of_power(x * x, n - 1)


def caught_outside_of_a_recursion(x):
    try:
        y = root_of_power(x, 2)
    except FloatingPointError:
        y = 5.0 * x
    return y


PROGRAMS = [
    caught_by_its_name, caught_by_everything, caught_and_named_otherwise, caught_by_a_context, caught_in_a_loop, caught_far_out,
    caught_outside_of_a_recursion,
]  # fmt: skip
DERIVATIVES: dict[str, Callable[[Any, np.float64], Any]] = {
    "jvp": lambda f, x: rg.jvp(f, (x,), (1.0,)),
    "second": lambda f, x: rg.grad(rg.grad(f))(x),
    "hvp": lambda f, x: rg.hvp(f)(x, 1.0),
}


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_a_tangent_that_raises_is_not_caught(f: Callable[..., Any], name: str) -> None:
    with np.errstate(all="raise"):
        assert f(np.float64(0.0)) == 0.0
        with pytest.raises((TangentError, FloatingPointError)) as info:  # the latter is of a reverse sweep, which no handler sees
            DERIVATIVES[name](f, np.float64(0.0))
    assert name == "second" or (info.type is TangentError and "test_raising.py:" in str(info.value))


def test_outside_of_try_blocks_it_is_what_it_was() -> None:
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        rg.jvp(np.sqrt, (np.float64(0.0),), (1.0,))


def test_a_refusal_is_not_caught() -> None:
    """The check that a value is not None is not the user's."""

    def f(x, n):
        y = x * 2 if n > 2 else None
        try:
            z = [y]
            z = z[0] * 3
        except Exception:
            z = x
        return z

    with pytest.raises(rg.DifferentiationError, match="None"):
        rg.grad(f)(1.3, 1)


def name_unbound_in_the_end(x, n):
    err = 1.0
    y = x
    try:
        y *= 2.0
        y *= math.sqrt(1 - n)
    except ValueError as err:  # noqa: F841
        y = y * 3.0
    return y * err


def name_unbound_at_once(x, n):
    err = 1.0
    try:
        y = x * math.sqrt(1 - n)
    except ValueError as err:  # noqa: F841
        y = x
    return y * err


@pytest.mark.parametrize("f", [name_unbound_in_the_end, name_unbound_at_once])
def test_the_name_of_an_error_is_unbound_afterwards(f: Callable[..., Any]) -> None:
    for run in (f, rg.grad(f, wrt="x"), lambda *args: rg.jvp(f, args, (1.0,), wrt="x")):
        run(0.7, 0)
        with pytest.raises(UnboundLocalError, match="err"):
            run(0.7, 3)
