"""What Numba is not given, or does not take."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..table import Theme, compiled

jit = Theme("jit=True", "Numba compiles less than Python runs. Without `jit=True` these programs are differentiated as they stand.")


def without_numba(f: Any, *args: Any) -> Any:
    """As on a machine where it is not installed."""
    from retrograd.transformer.jit import numba

    found = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "numba"}
    sys.modules["numba"] = None  # type: ignore[assignment]
    numba.cache_clear()
    try:
        return compiled(f, *args)
    finally:
        sys.modules.update(found)
        numba.cache_clear()


@jit(2.0, by=compiled)
def try_block(x):
    try:  # <- try
        y = 1 / x
    except ZeroDivisionError:
        y = 0.0
    return y


@jit(np.eye(2), by=compiled)
def einsum(a):
    return np.einsum("ij,ji->", a, a)  # <- np.einsum("ij,ji->", a, a)


@jit(2.0, by=without_numba)
def numba_is_missing(x):
    return x * x  # --
