"""How does Numba compile the functions that emitted code calls?  Imported when ``jit=True`` is first used.

Each ``overload`` looks at types, as Numba does, and returns the text for them, or None: then Numba names the call as
one it cannot compile.  Elementwise functions are stated for scalars, and spread over arrays by ``numba.vectorize``.

>>> import numba
>>> float(numba.njit(lambda g, x: numerics.strong(g, x))(0.0, np.inf))
0.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types, vectorize
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.extending import overload, register_jitable

from retrograd.runtime import emitted, jitted, numerics


def is_array(t: Any) -> bool:
    return isinstance(t, types.Array)


def is_scalar(t: Any) -> bool:
    return isinstance(t, (types.Number, types.Boolean))


def is_complex(t: Any) -> bool:
    return isinstance(getattr(t, "dtype", t), types.Complex)


def is_missing(t: Any) -> bool:
    """Is an argument None, or left out?"""
    return t is None or isinstance(t, types.NoneType) or (isinstance(t, types.Omitted) and t.value is None)


def known(t: Any) -> Any:
    """The value of a literal argument, or of a default; the type itself if it is known no further."""
    return getattr(t, "literal_value", getattr(t, "value", t))


# -- entry by entry ---------------------------------------------------------------------------------------


def each_of_one(fn: Callable[..., Any]) -> Callable[[Callable[..., Any]], None]:
    """Compile ``fn(x)`` as a function of scalars, spread over arrays."""

    def enter(of_scalar: Callable[..., Any]) -> None:
        one, many = register_jitable(of_scalar), vectorize(of_scalar)

        def chosen(x):
            inner = many if is_array(x) else one
            return (lambda x: inner(x)) if is_array(x) or is_scalar(x) else None

        overload(fn, strict=False)(chosen)

    return enter


def each_of_two(fn: Callable[..., Any]) -> Callable[[Callable[..., Any]], None]:
    """Compile ``fn(x, y)`` as a function of scalars, spread over arrays."""

    def enter(of_scalars: Callable[..., Any]) -> None:
        one, many = register_jitable(of_scalars), vectorize(of_scalars)

        def chosen(x, y):
            inner = many if is_array(x) or is_array(y) else one
            spread = all(is_array(t) or is_scalar(t) for t in (x, y))
            return (lambda x, y: inner(x, y)) if spread else None

        # the parameters of ``fn`` have names of their own, but are always given by position
        overload(fn, strict=False)(chosen)

    return enter


@each_of_two(numerics.strong)
def _strong(g, partial):
    return 0 * g if g == 0 else g * partial


@each_of_two(numerics.quotient)
def _quotient(x, y):
    return x / y


@each_of_two(numerics.divide_or_zero)
def _divide_or_zero(g, z):
    return g / z if z != 0 else 0 * z


@each_of_two(numerics.same)
def _same(x, y):
    return x == y or (x != x and y != y)


@each_of_two(numerics.reduced_exponent)
def _reduced_exponent(x, y):
    return y - y + 1 if x == 0 and y == 0 else y - 1


@each_of_one(numerics.safe_log)
def _safe_log(x):
    return np.log(x if x != 0 else x + 1)


@overload(numerics.phase)
def phase(x, modulus):
    if is_complex(x):
        return lambda x, modulus: numerics.divide_or_zero(x, modulus)
    return lambda x, modulus: np.sign(x)


@overload(numerics.conj)
def conj(x):
    return (lambda x: np.conj(x)) if is_complex(x) else (lambda x: x)


@overload(numerics.real)
def real(x):
    return (lambda x: np.real(x)) if is_complex(x) else (lambda x: x)


# -- where clip lets through ------------------------------------------------------------------------------


@overload(numerics.inside)
def inside(a, low, high):
    if is_missing(low):
        return lambda a, low, high: a <= high
    if is_missing(high):
        return lambda a, low, high: a >= low
    return lambda a, low, high: (a >= low) & (a <= high)


# -- shapes and dtypes ------------------------------------------------------------------------------------


@overload(numerics.cast_like)
def cast_like(g, x):
    if is_complex(g) and not is_complex(x):
        return lambda g, x: numerics.cast_like(np.real(g), x)
    dtype = getattr(x, "dtype", x)
    if not isinstance(dtype, (types.Float, types.Complex)) or getattr(g, "dtype", g) == dtype:
        return lambda g, x: g
    if is_array(g):
        return lambda g, x: g.astype(dtype)
    return lambda g, x: dtype(g)


@register_jitable
def folded(index, shape):
    """The entry that the one at ``index`` was broadcast from."""
    place = shape
    lead = len(index) - len(shape)
    for k in range(len(shape)):
        place = tuple_setitem(place, k, index[k + lead] if shape[k] != 1 else 0)
    return place


@overload(numerics.unbroadcast)
def unbroadcast(g, x):
    if is_scalar(x):
        return (lambda g, x: numerics.cast_like(np.sum(g), x)) if is_array(g) else _cast
    if is_complex(g) and not is_complex(x):
        return lambda g, x: numerics.unbroadcast(np.real(g), x)
    if not (is_array(g) and is_array(x)) or g.ndim < x.ndim:
        return None
    if x.ndim == 0:
        return lambda g, x: numerics.cast_like(np.asarray(np.sum(g)), x)
    return _unbroadcast_same if g.ndim == x.ndim else _sum_to


def _cast(g, x):
    return numerics.cast_like(g, x)


def _unbroadcast_same(g, x):
    return g.astype(x.dtype) if g.shape == x.shape else jitted.sum_to(g, x)


def _sum_to(g, x):
    return jitted.sum_to(g, x)


@overload(jitted.sum_to)
def sum_to(g, x):
    def impl(g, x):
        out = np.zeros(x.shape, x.dtype)
        for index in np.ndindex(g.shape):
            out[folded(index, x.shape)] += g[index]
        return out

    return impl


@overload(numerics.broadcast_like)
def broadcast_like(g, x):
    if is_scalar(x):
        return lambda g, x: g
    if is_scalar(g):
        return lambda g, x: np.full(x.shape, g)
    return (lambda g, x: np.broadcast_to(g, x.shape).copy()) if is_array(g) else None


@overload(numerics.unreduce)
def unreduce(g, x, axis=None, keepdims=False):
    if is_missing(axis) or is_scalar(g):
        return lambda g, x, axis=None, keepdims=False: numerics.broadcast_like(g, x)
    return None


@overload(numerics.count)
def count(x, axis=None):
    return (lambda x, axis=None: x.size) if is_missing(axis) and is_array(x) else None


@overload(numerics.swap_last)
def swap_last(x):
    return (lambda x: x.T) if is_array(x) and x.ndim == 2 else None


@overload(emitted.expect_length)
def expect_length(x, n):
    def impl(x, n):
        if len(x) < n:
            raise ValueError(f"not enough values to unpack (expected {n}, got {len(x)})")
        if len(x) > n:
            raise ValueError(f"too many values to unpack (expected {n})")

    return impl


# -- parts of arrays --------------------------------------------------------------------------------------


def is_indices(t: Any) -> bool:
    """Is it a vector or list of integers?"""
    flat = isinstance(t, types.List) or (is_array(t) and t.ndim == 1)
    return flat and isinstance(t.dtype, types.Integer)


@overload(jitted.add_at)
def add_at(a, key, g):
    if isinstance(key, types.BaseTuple) and _is_full(a, key):
        return _add_at_pairs if is_array(g) else _add_one_at_pairs
    if isinstance(key, types.Integer):
        return _add_at_one
    if is_indices(key) and is_array(a):
        return _add_one_at_rows if is_scalar(g) else _add_at_rows
    return None


def _is_full(a: Any, key: Any) -> bool:
    """Does the key hold integers, or vectors of them, for both axes of a matrix?"""
    return len(key) == 2 == a.ndim and all(is_indices(k) or isinstance(k, types.Integer) for k in key)


def _add_at_one(a, key, g):
    a[key] += g


def _add_one_at_rows(a, key, g):
    for k in range(len(key)):
        a[key[k]] += g


def _add_at_rows(a, key, g):
    rows = np.broadcast_to(g, (len(key), *a.shape[1:]))
    for k in range(len(key)):
        a[key[k]] += rows[k]


@register_jitable
def pair_count(key):
    return max(length(key[0]), length(key[1]))


def length(key: Any) -> int:
    raise NotImplementedError  # compiled only


def entry(key: Any, k: int) -> int:
    raise NotImplementedError  # compiled only


@overload(length)
def _length(key):
    return (lambda key: 1) if isinstance(key, types.Integer) else (lambda key: len(key))


@overload(entry)
def _entry(key, k):
    """The k-th integer of an index: its only one, if that is broadcast."""
    if isinstance(key, types.Integer):
        return lambda key, k: key
    return lambda key, k: key[k] if len(key) > 1 else key[0]


def _add_at_pairs(a, key, g):
    n = pair_count(key)
    entries = np.broadcast_to(g, (n,))
    for k in range(n):
        a[entry(key[0], k), entry(key[1], k)] += entries[k]


def _add_one_at_pairs(a, key, g):
    for k in range(pair_count(key)):
        a[entry(key[0], k), entry(key[1], k)] += g


@overload(jitted.gather)
def gather(a, key):
    def impl(a, key):
        out = np.empty(pair_count(key), a.dtype)
        for k in range(len(out)):
            out[k] = a[entry(key[0], k), entry(key[1], k)]
        return out

    return impl if _is_full(a, key) else None


# -- reductions along one axis ----------------------------------------------------------------------------


def along(fn: Callable[..., Any], reduced: Callable[..., Any]) -> None:
    """Compile ``fn(a, axis, keepdims)`` as ``reduced`` of the vectors along the axis."""

    def chosen(a, axis, keepdims):
        axis, keepdims = known(axis), known(keepdims)
        if not (is_array(a) and isinstance(axis, int) and isinstance(keepdims, bool) and -a.ndim <= axis < a.ndim):
            return None
        axis %= a.ndim
        flat = register_jitable(reduced) if a.ndim == 1 else _along(reduced, a, axis)
        if not keepdims:
            return lambda a, axis, keepdims: flat(a)
        if a.ndim == 1:
            return lambda a, axis, keepdims: np.full(1, flat(a))
        at = axis  # the parameter of the same name is not a constant
        return lambda a, axis, keepdims: np.expand_dims(flat(a), at)

    overload(fn, prefer_literal=True)(chosen)


def _along(reduced: Callable[..., Any], a: Any, axis: int) -> Any:
    return _along_matrix(reduced, a, axis) if a.ndim == 2 else _along_any(reduced, a, axis)


def _along_matrix(reduced: Callable[..., Any], a: Any, axis: int) -> Any:
    """What is below, for matrices: it compiles several times faster."""
    dtype = np.dtype(str(_dtype(reduced, a.dtype)))
    inner = register_jitable(reduced)

    def of_rows(a):
        out = np.empty(len(a), dtype)
        for k in range(len(out)):
            out[k] = inner(a[k])
        return out

    rows = register_jitable(of_rows)
    return rows if axis == 1 else register_jitable(lambda a: rows(a.T))


def _along_any(reduced: Callable[..., Any], a: Any, axis: int) -> Any:
    order = (*(i for i in range(a.ndim) if i != axis), axis)
    dtype = np.dtype(str(_dtype(reduced, a.dtype)))
    inner = register_jitable(reduced)

    @register_jitable
    def impl(a):
        moved = np.transpose(a, order)
        out = np.empty(moved.shape[:-1], dtype)
        for index in np.ndindex(moved.shape[:-1]):
            out[index] = inner(moved[index])
        return out

    return impl


def _dtype(reduced: Callable[..., Any], dtype: Any) -> Any:
    """What NumPy makes of entries of a type: means of integers are floats, sums of booleans integers."""
    if isinstance(dtype, types.Float) or (isinstance(dtype, types.Complex) and reduced not in (_var, _std)):
        return dtype
    if reduced in (_max, _min):
        return dtype
    return types.int64 if reduced in (_sum, _prod) and not isinstance(dtype, types.Complex) else types.float64


def _sum(v):
    return np.sum(v)


def _mean(v):
    return np.mean(v)


def _prod(v):
    return np.prod(v)


def _max(v):
    return np.max(v)


def _min(v):
    return np.min(v)


def _var(v):
    return np.var(v)


def _std(v):
    return np.std(v)


for _fn, _reduced in {
    jitted.sum_along: _sum, jitted.mean_along: _mean, jitted.prod_along: _prod, jitted.max_along: _max,
    jitted.min_along: _min, jitted.var_along: _var, jitted.std_along: _std,
}.items():  # fmt: skip
    along(_fn, _reduced)


# -- linear algebra ---------------------------------------------------------------------------------------


@overload(numerics.as_matrix)
def as_matrix(x):
    return (lambda x: np.full((1, 1), x)) if is_scalar(x) else None


@overload(numerics.norm_partial)
def norm_partial(x, z, ord=None, axis=None):
    if is_missing(ord) and is_missing(axis):
        return lambda x, z, ord=None, axis=None: numerics.divide_or_zero(x, z)
    return None


@overload(numerics.solve)
def solve(a, b, ndim_b):
    return (lambda a, b, ndim_b: np.linalg.solve(a, b)) if a.ndim == 2 and b.ndim <= 2 else None


@overload(numerics.apply)
def apply(a, x, ndim_b):
    return (lambda a, x, ndim_b: a @ x) if a.ndim == 2 and x.ndim <= 2 else None


@overload(numerics.outer_last)
def outer_last(x, y, ndim_b):
    if x.ndim == y.ndim == 1:
        return lambda x, y, ndim_b: np.outer(x, numerics.conj(y))
    return (lambda x, y, ndim_b: x @ numerics.conj(y).T) if x.ndim == y.ndim == 2 else None
