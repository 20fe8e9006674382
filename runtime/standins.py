"""What do functions of NumPy compute, in terms of functions that have rules?  They are entered in place of the calls.

Each gives what NumPy gives, to the bit, for the parameters it names; a call with others is left alone.

>>> corrcoef(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 3.0]))[0, 1] == np.corrcoef([1, 2, 4], [1, 3, 3])[0, 1]
np.True_
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def joint_cov(m, y=None, rowvar=True, bias=False, ddof=None):  # type: ignore[no-untyped-def]
    """``np.cov`` of two sets of variables."""
    if y is None:
        return np.cov(m, rowvar=rowvar, bias=bias, ddof=ddof)
    first, second = np.atleast_2d(m), np.atleast_2d(y)
    if not rowvar and first.shape[0] != 1:
        first = first.T
    if not rowvar and second.shape[0] != 1:
        second = second.T
    return np.cov(np.concatenate((first, second), axis=0), bias=bias, ddof=ddof)


def corrcoef(x, y=None, rowvar=True):  # type: ignore[no-untyped-def]
    c = joint_cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    spread = np.sqrt(np.diag(c))
    c = c / spread[:, None]
    c = c / spread[None, :]
    return np.clip(c, -1, 1)


def ediff1d(ary, to_end=None, to_begin=None):  # type: ignore[no-untyped-def]
    flat = np.ravel(ary)
    steps = flat[1:] - flat[:-1]
    if to_begin is not None:
        steps = np.concatenate((np.ravel(to_begin), steps))
    if to_end is not None:
        steps = np.concatenate((steps, np.ravel(to_end)))
    return steps


def logspace(start, stop, num=50, endpoint=True, base=10.0):  # type: ignore[no-untyped-def]
    return np.power(base, np.linspace(start, stop, num, endpoint=endpoint))


def nancumsum(a, axis=None):  # type: ignore[no-untyped-def]
    return np.cumsum(np.where(np.isnan(a), 0, a), axis)


def nancumprod(a, axis=None):  # type: ignore[no-untyped-def]
    return np.cumprod(np.where(np.isnan(a), 1, a), axis)


def cumulative_sum(x, *, axis=None):  # type: ignore[no-untyped-def]
    return np.cumsum(x, axis)


def cumulative_prod(x, *, axis=None):  # type: ignore[no-untyped-def]
    return np.cumprod(x, axis)


def piecewise(x, condlist, funclist, *args, **kw):  # type: ignore[no-untyped-def]
    x = np.asanyarray(x)
    if not isinstance(condlist, (list, tuple)):
        condlist = [condlist]
    masks = [np.asarray(c, dtype=bool) for c in condlist]
    if len(masks) == len(funclist) - 1:
        masks = [*masks, ~np.any(masks, axis=0)]
    y = np.zeros_like(x)
    for mask, function in zip(masks, funclist):
        if callable(function):
            part = x[mask]
            if part.size > 0:
                y[mask] = function(part, *args, **kw)
        else:
            y[mask] = function
    return y


def cond(x):  # type: ignore[no-untyped-def]
    s = np.linalg.svdvals(x)
    return s[..., 0] / s[..., -1]


#: The function entered for each.
STANDINS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.corrcoef: corrcoef,
    np.ediff1d: ediff1d,
    np.logspace: logspace,
    np.nancumsum: nancumsum,
    np.nancumprod: nancumprod,
    np.cumulative_sum: cumulative_sum,
    np.cumulative_prod: cumulative_prod,
    np.piecewise: piecewise,
    np.linalg.cond: cond,
}
