"""What emitted code needs besides NumPy: operations that exist only between the passes, and their plain meaning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from retrograd.runtime.rules.rule import constant, lookup, register


def add_at(a: np.ndarray, key: Any, g: Any) -> np.ndarray:
    """``a`` with ``g`` added at ``key``, each index counted as often as it occurs; printed as ``a[key] += g``."""
    out = a.copy()
    np.add.at(out, key, g)
    return out


def expect_length(x: Any, n: int) -> None:
    """Raise what Python's unpacking raises when ``x`` does not have ``n`` items."""
    if len(x) != n:
        few = len(x) < n
        raise ValueError(
            f"not enough values to unpack (expected {n}, got {len(x)})"
            if few
            else f"too many values to unpack (expected {n})"
        )


def call_value(fn: Any, *args: Any, **kwargs: Any) -> Any:
    """``fn(*args)`` of a function known only at run time."""
    return fn(*args, **kwargs)


def push(tape: list[Any], value: Any) -> None:
    """Record a value for the reverse sweep; printed as ``tape.append(value)``."""
    tape.append(value)


def pop(tape: list[Any]) -> Any:
    """The value recorded last; printed as ``tape.pop()``."""
    return tape.pop()


def fresh_copy(a: np.ndarray) -> np.ndarray:
    """A copy in the same memory layout, to be written."""
    return a.copy(order="K")


def kept(value: Any) -> Any:
    """A record of what may be an array, copied if it is one: the caller may write it before the pullback is called."""
    return fresh_copy(value) if isinstance(value, np.ndarray) else value


def choose(test: Any, then: Any, orelse: Any) -> Any:
    """``then if test else orelse``; printed as that, so that only one side is evaluated."""
    return then if test else orelse


def both(left: Any, right: Any) -> Any:
    """``left and right``."""
    return left and right


def either(left: Any, right: Any) -> Any:
    """``left or right``."""
    return left or right


def stop_gradient(x: Any) -> Any:
    """``x`` itself, through which no derivative flows."""
    return x


constant(stop_gradient)
register(replace(lookup(stop_gradient), sharing="maybe"))  # type: ignore[type-var]
