"""Runtime helpers with choices, folded where types make the choice: ``x.T @ z_bar``, not ``matmul_right(...)``.

unreduce(g, x, axis=0)      ->      g broadcast to x's axes
matmul_left(g, y, 2)        ->      g @ y.T
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from retrograd.runtime import numerics

from ..builder import type_of
from ..ir import Aggregate, Atom, Call, Const, SliceAtom
from ..types import AggregateT, ArrayT, ListT, ScalarT, same_shape

ALL = SliceAtom(Const(None), Const(None), Const(None))


def _array(atom: Atom) -> ArrayT | None:
    t = type_of(atom)
    return t if isinstance(t, ArrayT) else None


def _is_real(atom: Atom) -> bool:
    t = type_of(atom)
    return isinstance(t, (ArrayT, ScalarT)) and t.dtype.kind != "c"


def identity_if_real(b: Any, x: Atom, hint: str = "") -> Atom | None:
    return x if _is_real(x) else None


def broadcast_like(b: Any, g: Atom, x: Atom, hint: str = "") -> Atom | None:
    t, u = type_of(g), type_of(x)
    if isinstance(t, (ArrayT, ScalarT)) and isinstance(u, (ArrayT, ScalarT)) and same_shape(t, u):
        return g
    return None


def unreduce(
    b: Any, g: Atom, x: Atom, axis: Atom = Const(None), keepdims: Atom = Const(False), hint: str = ""
) -> Atom | None:
    u = type_of(x)
    if isinstance(u, ScalarT):
        return g
    if not isinstance(u, ArrayT) or not isinstance(axis, (Const, Aggregate)) or not isinstance(keepdims, Const):
        return None
    axes = _axes(axis, u.ndim)
    if axes is None:
        return None
    if axes != tuple(range(u.ndim)) and not keepdims.value:
        key = tuple(Const(None) if k in axes else ALL for k in range(u.ndim))
        while key and key[-1] is ALL:
            key = key[:-1]
        g = b.call(operator.getitem, g, Aggregate(tuple, key) if len(key) > 1 else key[0], form="operator")
    t = type_of(g)
    if not isinstance(t, (ArrayT, ScalarT)):
        return None
    return b.call(numerics.broadcast_like, g, x, hint=hint, type=ArrayT(t.dtype, u.shape))  # type: ignore[no-any-return]


def _axes(axis: Atom, ndim: int) -> tuple[int, ...] | None:
    if isinstance(axis, Const):
        if axis.value is None:
            return tuple(range(ndim))
        values: Any = axis.value if isinstance(axis.value, tuple) else (axis.value,)
    else:
        assert isinstance(axis, Aggregate)
        if not all(isinstance(k, Const) for k in axis.items):
            return None
        values = tuple(k.value for k in axis.items)  # type: ignore[union-attr]
    return tuple(sorted(k % ndim for k in values)) if ndim else ()


def count(b: Any, x: Atom, axis: Atom = Const(None), hint: str = "") -> Atom | None:
    t = _array(x)
    if t is None:
        return Const(1) if isinstance(type_of(x), ScalarT) else None
    axes = _axes(axis, t.ndim) if isinstance(axis, (Const, Aggregate)) else None
    if axes is None:
        return None
    known = [
        int(t.shape[k].symbol[1:]) if t.shape[k].symbol.startswith("=") else 1
        for k in axes
        if t.shape[k].one or t.shape[k].symbol.startswith("=")
    ]
    if len(known) == len(axes):
        return Const(int(np.prod(known, dtype=int)))
    if len(axes) == t.ndim:
        return b.call(np.size, x, hint=hint, form="attribute:size")  # type: ignore[no-any-return]
    if len(axes) == 1:
        shape = b.call(np.shape, x, form="attribute:shape")
        return b.call(operator.getitem, shape, Const(axes[0]), hint=hint, form="operator")  # type: ignore[no-any-return]
    return None


def transposed(b: Any, x: Atom) -> Atom:
    return b.call(np.transpose, x)  # type: ignore[no-any-return]


def swap_last(b: Any, x: Atom, hint: str = "") -> Atom | None:
    t = _array(x)
    return transposed(b, x) if t is not None and t.ndim == 2 else None


def _matmul(b: Any, x: Atom, y: Atom, hint: str) -> Atom:
    return b.call(operator.matmul, x, y, hint=hint, form="operator")  # type: ignore[no-any-return]


def _outer(b: Any, x: Atom, y: Atom, hint: str) -> Atom:
    return b.call(np.outer, x, y, hint=hint)  # type: ignore[no-any-return]


def _scaled(b: Any, z_bar: Atom, x: Atom, hint: str) -> Atom:
    return b.call(operator.mul, z_bar, x, hint=hint, form="operator")  # type: ignore[no-any-return]


def _rank(ndim: Atom) -> Any:
    return ndim.value if isinstance(ndim, Const) else None


def _is_flat(factor: Atom, ndim: Atom) -> bool:
    """Are both factors real vectors or matrices?"""
    t = _array(factor)
    return t is not None and isinstance(ndim, Const) and t.ndim <= 2 and ndim.value <= 2 and _is_real(factor)


def matmul_left(b: Any, z_bar: Atom, y: Atom, ndim_x: Atom, hint: str = "") -> Atom | None:
    """The cotangent of ``x`` in ``x @ y`` for vectors and matrices."""
    if not _is_flat(y, ndim_x):
        return None
    if type_of(y).ndim == 1:
        return _scaled(b, z_bar, y, hint) if _rank(ndim_x) == 1 else _outer(b, z_bar, y, hint)
    return _matmul(b, y, z_bar, hint) if _rank(ndim_x) == 1 else _matmul(b, z_bar, transposed(b, y), hint)


def matmul_right(b: Any, z_bar: Atom, x: Atom, ndim_y: Atom, hint: str = "") -> Atom | None:
    """The cotangent of ``y`` in ``x @ y`` for vectors and matrices."""
    if not _is_flat(x, ndim_y):
        return None
    if type_of(x).ndim == 1:
        return _scaled(b, z_bar, x, hint) if _rank(ndim_y) == 1 else _outer(b, x, z_bar, hint)
    return _matmul(b, transposed(b, x), z_bar, hint)


def dot_left(b: Any, z_bar: Atom, y: Atom, ndim_a: Atom, hint: str = "") -> Atom | None:
    return matmul_left(b, z_bar, y, ndim_a, hint) if _dot_is_matmul(y, ndim_a) else None


def dot_right(b: Any, z_bar: Atom, a: Atom, ndim_b: Atom, hint: str = "") -> Atom | None:
    return matmul_right(b, z_bar, a, ndim_b, hint) if _dot_is_matmul(a, ndim_b) else None


def _dot_is_matmul(other: Atom, ndim: Atom) -> bool:
    """Scalars, and arrays of three axes and more, ``np.dot`` treats in its own way."""
    t = _array(other)
    return t is not None and t.ndim in (1, 2) and isinstance(ndim, Const) and ndim.value in (1, 2)


def inner(b: Any, z_bar: Atom, other: Atom, ndim: Atom, hint: str = "") -> Atom | None:
    t = _array(other)
    if t is not None and t.ndim == 1 and isinstance(ndim, Const) and ndim.value == 1 and _is_real(other):
        return b.call(operator.mul, z_bar, other, hint=hint, form="operator")  # type: ignore[no-any-return]
    return None


def reduced_exponent(b: Any, x: Atom, y: Atom, hint: str = "") -> Atom | None:
    if isinstance(y, Const) and isinstance(y.value, (int, float)) and y.value >= 1:
        return Const(y.value - 1)
    return None


def reshape_back(b: Any, g: Atom, x: Atom, order: Atom = Const("C"), hint: str = "") -> Atom | None:
    if not isinstance(order, Const) or order.value != "C" or _array(x) is None or _array(g) is None:
        return None
    shape = b.call(np.shape, x, form="attribute:shape")
    return b.call(
        np.reshape, g, shape, hint=hint, form="method:reshape", type=ArrayT(type_of(g).dtype, type_of(x).shape)
    )  # type: ignore[no-any-return]


def inverse_order(b: Any, axes: Atom, hint: str = "") -> Atom | None:
    if isinstance(axes, Const) and axes.value is None:
        return Const(None)
    if isinstance(axes, Aggregate) and all(isinstance(a, Const) for a in axes.items):
        order = numerics.inverse_order(tuple(a.value for a in axes.items))  # type: ignore[union-attr]
        return Aggregate(tuple, tuple(map(Const, order)))
    return None


def instantiate(b: Any, g: Atom, z: Atom, hint: str = "") -> Atom | None:
    if isinstance(g, Const) and g.value is None:
        t = type_of(z)
        return Const(0.0) if isinstance(t, ScalarT) else b.call(np.zeros_like, z, hint=hint)  # type: ignore[no-any-return]
    if isinstance(g, Aggregate):
        t = type_of(z)
        if not isinstance(t, AggregateT):
            return None
        parts = (b.call(operator.getitem, z, Const(k), form="operator") for k in range(len(g.items)))
        return Aggregate(g.kind, tuple(b.call(numerics.instantiate, p, q) for p, q in zip(g.items, parts)))
    return g


def _is_list_of_floats(t: Any) -> bool:
    return isinstance(t, ListT) and t.kind is list and isinstance(t.item, ScalarT) and t.item.dtype == np.dtype(float)


def unstack_like(b: Any, g: Atom, arrays: Atom, axis: Atom = Const(0), hint: str = "") -> Atom | None:
    if isinstance(type_of(arrays), (ArrayT, ScalarT)) and axis == Const(0):
        return g
    if _is_list_of_floats(type_of(arrays)) and isinstance(axis, Const) and axis.value == 0:
        return b.let(Call(np.ndarray.tolist, (g,), (), "method:tolist"), ListT(list, ScalarT(np.dtype(float), None)), hint)  # type: ignore[no-any-return]
    if not isinstance(arrays, Aggregate) or not isinstance(axis, Const):
        return None
    parts = []
    for k, item in enumerate(arrays.items):
        key: Atom = Const(k)
        if axis.value > 0:
            key = Aggregate(tuple, (*(ALL,) * axis.value, Const(k)))
        elif axis.value < 0:
            key = Aggregate(tuple, (Const(Ellipsis), Const(k))) if axis.value == -1 else None  # type: ignore[assignment]
        if key is None:
            return None
        part = b.call(operator.getitem, g, key, form="operator")
        parts.append(b.call(numerics.unstack_like, part, item) if isinstance(item, Aggregate) else part)
    return Aggregate(arrays.kind, tuple(parts))


def matmul(b: Any, x: Atom, y: Atom, hint: str = "") -> Atom | None:
    return _matmul(b, x, y, hint)


def transpose(b: Any, x: Atom, axes: Atom = Const(None), hint: str = "") -> Atom | None:
    t = _array(x)
    if isinstance(axes, Const) and axes.value is None and t is not None:
        return b.let(Call(np.transpose, (x,), (), "attribute:T"), ArrayT(t.dtype, t.shape[::-1]), hint)  # type: ignore[no-any-return]
    return None


HELPERS: dict[Any, Any] = {
    np.matmul: matmul,
    np.transpose: transpose,
    numerics.conj: identity_if_real,
    numerics.real: identity_if_real,
    numerics.broadcast_like: broadcast_like,
    numerics.unreduce: unreduce,
    numerics.count: count,
    numerics.swap_last: swap_last,
    numerics.matmul_left: matmul_left,
    numerics.matmul_right: matmul_right,
    numerics.dot_left: dot_left,
    numerics.dot_right: dot_right,
    numerics.inner_left: inner,
    numerics.inner_right: inner,
    numerics.reduced_exponent: reduced_exponent,
    numerics.reshape_back: reshape_back,
    numerics.inverse_order: inverse_order,
    numerics.instantiate: instantiate,
    numerics.unstack_like: unstack_like,
}
