"""Which function does ``x.sum()`` call?  The methods and attributes of an array, as primitives.

>>> METHODS["sum"] is np.sum
True

Each takes the array first and then the method's own arguments in their order.  Of those in ``VARIADIC``
the method also takes its tuple unpacked: ``x.reshape(2, 3)`` is ``np.reshape(x, (2, 3))``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

_SAME_NAME = (
    "sum mean prod max min var std cumsum cumprod dot trace diagonal reshape ravel transpose swapaxes squeeze repeat"
    " take sort argmax argmin argsort any all nonzero round conj conjugate searchsorted argpartition"
)
_OWN = "flatten copy astype item clip"

VARIADIC = frozenset({"reshape", "transpose"})

#: ``x.sort()`` sorts in place: it is a store, not ``np.sort``.
_IN_PLACE = frozenset({"sort"})

METHODS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _SAME_NAME.split() if name not in _IN_PLACE},
    **{name: getattr(np.ndarray, name) for name in _OWN.split()},
    "__getitem__": operator.getitem,
    "__len__": len,
    "__abs__": operator.abs,
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__float__": float,
}

ATTRIBUTES: dict[str, Callable[..., Any]] = {
    "T": np.transpose,
    "mT": np.matrix_transpose,
    "real": np.real,
    "imag": np.imag,
    "shape": np.shape,
    "ndim": np.ndim,
    "size": np.size,
    "dtype": np.result_type,
}
