"""What does a program in Numba's dialect call where Numba does not take NumPy's own name?

Plain Python meanings; ``runtime.overloads`` tells Numba how to compile them.

>>> total = np.zeros(2)
>>> add_at(total, np.array([0, 0]), 1.0)
>>> total
array([2., 0.])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd.runtime import numerics


def add_at(a: np.ndarray, key: Any, g: Any) -> None:
    """Add ``g`` to ``a`` at ``key``, in place, each index counted as often as it occurs."""
    np.add.at(a, key, g)


def gather(a: np.ndarray, key: Any) -> np.ndarray:
    """``a[key]`` where the key holds an array of integers for each axis: fresh memory."""
    return a[key]  # type: ignore[no-any-return]


def sum_to(g: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The cotangent ``g`` summed to the shape of ``x``: fresh memory."""
    return np.array(numerics.unbroadcast(g, x))


# -- reductions along one axis ----------------------------------------------------------------------------


def sum_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.sum(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


def mean_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.mean(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


def prod_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.prod(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


def max_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.max(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


def min_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.min(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


def var_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.var(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


def std_along(a: np.ndarray, axis: int, keepdims: bool) -> np.ndarray:
    return np.std(a, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]


#: NumPy's reductions, as they are called with an axis in Numba's dialect.
ALONG = {
    np.sum: sum_along,
    np.mean: mean_along,
    np.prod: prod_along,
    np.max: max_along,
    np.min: min_along,
    np.amax: max_along,
    np.amin: min_along,
    np.var: var_along,
    np.std: std_along,
}
