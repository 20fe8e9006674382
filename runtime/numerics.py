"""What do rules and emitted code share?  The few functions with choices in them; NumPy only.

Each is a primitive with a rule of its own (``rules/helpers.py``), so higher order works.  None writes to
an argument, and a result may be a view of one where its docstring says so.

>>> unbroadcast(np.ones((2, 3)), np.zeros((1, 3)))
array([[2., 2., 2.]])
>>> unbroadcast(np.ones((2, 3)), 0.0)
6.0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from retrograd.runtime.errors import NoRule

Axis = int | tuple[int, ...] | None

#: Arguments of which a function uses only shape, rank, structure or dtype: positions by name.
SHAPE_ONLY: dict[str, tuple[int, ...]] = {
    "np.shape": (0,),
    "np.ndim": (0,),
    "np.size": (0,),
    "np.zeros_like": (0,),
    "np.ones_like": (0,),
    "np.full_like": (0,),
    "numerics.unbroadcast": (1,),
    "numerics.broadcast_like": (1,),
    "numerics.unreduce": (1,),
    "numerics.count": (0,),
    "numerics.selected_count": (1,),
    "numerics.freedom": (0,),
    "numerics.uncentred_rows": (1,),
    "numerics.scatter_add": (2,),
    "numerics.scatter_along_axis": (3,),
    "numerics.gather_stored": (2,),
    "numerics.split_like": (1,),
    "numerics.unstack_like": (1,),
    "numerics.split_axes": (1,),
    "numerics.instantiate": (1,),
    "numerics.unpad": (1,),
    "numerics.undiff": (1,),
    "numerics.unrepeat": (1,),
    "numerics.untile": (1,),
    "numerics.cast_like": (1,),
    "numerics.spread_weights": (1,),
    "numerics.gather_weights": (1,),
    "numerics.spread_tangent": (1, 2),
    "numerics.refit": (1,),
    "numerics.fft_length": (0,),
    "numerics.half_weights": (0,),
    "numerics.unselect": (2,),
    "numerics.reshape_back": (1,),
    "numerics.unmeshgrid": (1, 2),
    "numerics.column_sums": (1,),
    "numerics.positions": (0,),
    "numerics.nowhere": (0,),
    "numerics.put_back": (2,),
    "numerics.ungradient": (1,),
    "numerics.unbroadcast_each": (1, 2),
    "numerics.unitem": (2,),
    "numerics.unalong": (1,),
    "numerics.untrapezoid": (1,),
    "numerics.untake": (3,),
    "numerics.undiagonal": (1,),
    "numerics.untrace": (1,),
    "numerics.undiag": (1,),
    "numerics.rows_like": (1,),
    "numerics.spread_stored": (2,),
}


# -- shapes and dtypes ---------------------------------------------------------------------------------


def cast_like(g: Any, x: Any) -> Any:
    """``g`` as the dtype of ``x``: its real part where ``x`` is real; a Python scalar where ``x`` is one."""
    if isinstance(x, (float, int)) and not isinstance(x, np.generic):
        return float(np.real(g))
    if isinstance(x, complex) and not isinstance(x, np.generic):
        return complex(g)
    g, dtype = np.asarray(g) if np.ndim(g) else np.asarray(g)[()], np.asarray(x).dtype
    if dtype.kind not in "fc":
        return g
    if dtype.kind == "f" and g.dtype.kind == "c":
        g = g.real
    return g if g.dtype == dtype else g.astype(dtype)


def unbroadcast(g: Any, x: Any) -> Any:
    """The cotangent ``g``, summed over the axes that ``x`` was broadcast along.  May be ``g`` itself."""
    shape = np.shape(x)
    if np.shape(g) != shape:
        g = _sum_to(np.asarray(g), shape)
    return cast_like(g, x)


def _sum_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    extra = g.ndim - len(shape)
    if extra < 0:
        raise ValueError(f"a cotangent of shape {g.shape} cannot belong to a value of shape {shape}")
    stretched = tuple(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1)
    axes = tuple(range(extra)) + stretched
    return (np.add.reduce(g, axis=axes) if axes else g).reshape(shape)


def broadcast_like(g: Any, x: Any) -> Any:
    """``g`` broadcast to the shape of ``x``: a read-only view."""
    return np.broadcast_to(g, np.shape(x)) if np.shape(g) != np.shape(x) else g


def unreduce(g: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The cotangent of a reduction, spread over the axes of ``x`` it was reduced along: a read-only view."""
    if axis is not None and not keepdims and np.ndim(g) < np.ndim(x):
        g = np.expand_dims(g, _axes(x, axis))
    return broadcast_like(g, x)


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    """The reduced axes as a sorted tuple of non-negative numbers."""
    rank = np.ndim(x)
    if axis is None:
        return tuple(range(rank))
    return tuple(sorted(i % rank for i in (axis if isinstance(axis, (tuple, list)) else (axis,))))


def count(x: Any, axis: Axis = None) -> int:
    """How many entries of ``x`` a reduction along ``axis`` brings together."""
    shape = np.shape(x)
    return math.prod(shape) if axis is None else math.prod(shape[i] for i in _axes(x, axis))


def spread_weights(weights: Any, a: Any, axis: Axis = None) -> Any:
    """The weights of ``np.average`` in the shape of ``a``; ones if there are none."""
    if weights is None:
        return np.ones(np.shape(a))
    if np.shape(weights) == np.shape(a):
        return np.asarray(weights)
    if np.ndim(weights) != 1 or not isinstance(axis, int):
        raise NoRule(
            "np.average has a rule for weights of the array's shape, or a vector of them along one axis",
            remedy="Write np.sum(a * weights) / np.sum(weights).",
        )
    return np.broadcast_to(
        np.reshape(weights, [-1 if i == axis % np.ndim(a) else 1 for i in range(np.ndim(a))]), np.shape(a)
    )


def spread_tangent(dot: Any, weights: Any, a: Any, axis: Axis = None) -> Any:
    """The tangent of the weights in the shape of ``a``; zeros if there are none."""
    return np.zeros(np.shape(a)) if weights is None or dot is None else spread_weights(dot, a, axis)


def gather_weights(g: Any, weights: Any, axis: Axis = None) -> Any:
    """The cotangent of the weights, from one in the shape of the array; None if there are none."""
    if weights is None or np.shape(weights) == np.shape(g):
        return None if weights is None else cast_like(g, weights)
    assert isinstance(axis, int)
    others = tuple(i for i in range(np.ndim(g)) if i != axis % np.ndim(g))
    return cast_like(np.sum(g, axis=others), weights)


def given(x: Any) -> float:
    """1 if an optional argument was given."""
    return float(x is not None)


def merge_axes(x: Any, axis: Axis = None) -> Any:
    """``x`` with the reduced axes moved to the end and flattened into one."""
    x = np.asarray(x)
    axes = _axes(x, axis)
    kept = [i for i in range(x.ndim) if i not in axes]
    return x.transpose([*kept, *axes]).reshape([x.shape[i] for i in kept] + [count(x, axis)])


def split_axes(g: Any, x: Any, axis: Axis = None) -> Any:
    """Undo ``merge_axes(x, axis)``."""
    axes = _axes(x, axis)
    order = [i for i in range(np.ndim(x)) if i not in axes] + list(axes)
    return np.asarray(g).reshape([np.shape(x)[i] for i in order]).transpose(np.argsort(order))


def conj(x: Any) -> Any:
    """The complex conjugate; ``x`` itself, not a copy, where it is real."""
    if isinstance(x, (float, int)):
        return x
    return np.conj(x) if np.iscomplexobj(x) else x


def real(x: Any) -> Any:
    """The real part; ``x`` itself where it is real."""
    return np.real(x) if np.iscomplexobj(x) else x


def swap_last(x: Any) -> Any:
    """``x`` with its last two axes swapped: a view."""
    return np.swapaxes(x, -1, -2)


def instantiate(g: Any, z: Any) -> Any:
    """``g``, with zeros like ``z`` where an output's cotangent is absent."""
    if isinstance(z, (tuple, list)):
        return [instantiate(part, like) for part, like in zip(g or [None] * len(z), z, strict=True)]
    return np.zeros_like(z) if g is None else g


def reshape_back(g: Any, x: Any, order: Any = "C") -> Any:
    """The cotangent of ``x`` in ``np.reshape(x, shape, order)``."""
    if order not in ("C", "F"):
        raise NoRule(f"np.reshape has no rule for order={order!r}", remedy='Use order="C" or order="F".')
    return np.reshape(g, np.shape(x), order=order)


def inverse_order(axes: Any) -> Any:
    """The permutation of axes that undoes ``np.transpose(x, axes)``."""
    return None if axes is None else tuple(int(i) for i in np.argsort([i % len(axes) for i in axes]))


# -- zeros, kinks and poles ----------------------------------------------------------------------------


def strong(g: Any, partial: Any) -> Any:
    """``g * partial``, but 0 wherever ``g`` is 0, even if the partial is infinite or NaN there."""
    with np.errstate(all="ignore"):
        product = g * partial
    return np.where(np.equal(g, 0), 0, product)[()]


def quotient(x: Any, y: Any) -> Any:
    """``x / y`` as NumPy divides: of Python floats, too, infinite or NaN where ``y`` is 0."""
    return x / y if y else _at_pole(x, y)


def _at_pole(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        z = np.float64(x) / y
    return z if isinstance(x, np.generic) or isinstance(y, np.generic) else float(z)


def divide_or_zero(g: Any, z: Any) -> Any:
    """``g / z``, and 0 where ``z`` is 0: the minimum-norm subgradient of a norm at its kink."""
    at_kink = np.equal(z, 0)
    return np.where(at_kink, 0, g / np.where(at_kink, 1, z))[()]


def phase(x: Any, modulus: Any) -> Any:
    """``x / |x|``, and 0 at 0: the direction in which ``|x|`` grows."""
    return divide_or_zero(x, modulus) if np.iscomplexobj(x) else np.sign(x)


def safe_log(x: Any) -> Any:
    """``log(x)``, and 0 at 0: the partial of ``x**y`` by ``y`` is 0 there for every ``y >= 0``."""
    return np.log(np.where(np.equal(x, 0), 1, x)[()])


def reduced_exponent(x: Any, y: Any) -> Any:
    """``y - 1``, but 1 where ``x`` and ``y`` are both 0, so that ``y * x**reduced_exponent(x, y)`` is 0 there.

    Replacing it wherever ``y == 0`` would lose the mixed second derivative ``1/x`` of ``x**y``.
    """
    if isinstance(y, (int, float)) and y != 0:
        # among Python floats 0.0 ** -0.5 raises; of a NumPy scalar it is inf
        return y - 1 if y >= 1 or isinstance(x, (np.ndarray, np.generic)) else np.float64(y - 1)
    both = np.equal(x, 0) & np.equal(y, 0)
    return np.where(both, 1, np.asarray(y if isinstance(y, np.ndarray) else y * 1.0) - 1)[()]


def same(x: Any, y: Any) -> Any:
    """Where two values are equal, or both NaN."""
    return np.equal(x, y) | (np.not_equal(x, x) & np.not_equal(y, y))


def inside(a: Any, low: Any, high: Any) -> Any:
    """Where ``clip`` lets ``a`` through; its bounds count as inside."""
    above = True if low is None else np.greater_equal(a, low)
    below = True if high is None else np.less_equal(a, high)
    return above & below


def at_low(a: Any, low: Any, high: Any) -> Any:
    """Where the lower bound is the result of ``clip``: the upper one wins if they cross."""
    return low is not None and np.less(a, low) & (True if high is None else np.less_equal(low, high))


def at_high(a: Any, low: Any, high: Any) -> Any:
    """Where the upper bound is the result of ``clip``."""
    return high is not None and np.greater(a if low is None else np.maximum(a, low), high)


# -- products of vectors, matrices and tensors ---------------------------------------------------------


def matmul_left(z_bar: Any, y: Any, ndim_x: int) -> Any:
    """The cotangent of ``x`` in ``x @ y``; batch axes that ``x`` lacks are left to ``unbroadcast``.

    >>> matmul_left(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 2)
    array([[3., 4.],
           [6., 8.]])
    """
    y = conj(y)
    if ndim_x == 1 and np.ndim(y) == 1:
        return z_bar * y
    if ndim_x == 1:
        return _sum_batch(np.matmul(y, z_bar[..., None])[..., 0]) if np.ndim(y) > 2 else y @ z_bar
    if np.ndim(y) == 1:
        return np.asarray(z_bar)[..., :, None] * y
    return z_bar @ swap_last(y)


def matmul_right(z_bar: Any, x: Any, ndim_y: int) -> Any:
    """The cotangent of ``y`` in ``x @ y``; batch axes that ``y`` lacks are left to ``unbroadcast``."""
    x = conj(x)
    if np.ndim(x) == 1 and ndim_y == 1:
        return x * z_bar
    if ndim_y == 1:
        return _sum_batch(np.matmul(z_bar[..., None, :], x)[..., 0, :]) if np.ndim(x) > 2 else z_bar @ x
    if np.ndim(x) == 1:
        return x[:, None] * np.asarray(z_bar)[..., None, :]
    return swap_last(x) @ z_bar


def _sum_batch(x: np.ndarray) -> np.ndarray:
    """The sum over all axes but the last."""
    return np.sum(x, axis=tuple(range(x.ndim - 1)))


def dot_left(z_bar: Any, b: Any, ndim_a: int) -> Any:
    """The cotangent of ``a`` in ``np.dot(a, b)``."""
    b = conj(b)
    if ndim_a == 0:
        return np.sum(z_bar * b)
    if np.ndim(b) == 0:
        return z_bar * b
    if np.ndim(b) == 1:
        return np.multiply.outer(z_bar, b)
    rest = np.ndim(b) - 1
    inner = np.ndim(b) - 2
    return np.tensordot(z_bar, np.moveaxis(b, inner, -1), rest)


def dot_right(z_bar: Any, a: Any, ndim_b: int) -> Any:
    """The cotangent of ``b`` in ``np.dot(a, b)``."""
    a = conj(a)
    if ndim_b == 0:
        return np.sum(z_bar * a)
    if np.ndim(a) == 0:
        return z_bar * a
    lead = tuple(range(np.ndim(a) - 1))
    inner_first = np.tensordot(a, z_bar, (lead, lead))
    return np.moveaxis(inner_first, 0, ndim_b - 2) if ndim_b > 1 else inner_first


def inner_left(z_bar: Any, b: Any, ndim_a: int) -> Any:
    """The cotangent of ``a`` in ``np.inner(a, b)``."""
    b = conj(b)
    if ndim_a == 0:
        return np.sum(z_bar * b)
    return z_bar * b if np.ndim(b) == 0 else np.tensordot(z_bar, b, np.ndim(b) - 1)


def inner_right(z_bar: Any, a: Any, ndim_b: int) -> Any:
    """The cotangent of ``b`` in ``np.inner(a, b)``."""
    a = conj(a)
    if ndim_b == 0:
        return np.sum(z_bar * a)
    lead = tuple(range(np.ndim(a) - 1))
    return z_bar * a if np.ndim(a) == 0 else np.tensordot(z_bar, a, (lead, lead))


def tensordot_left(z_bar: Any, b: Any, ndim_a: int, axes: Any = 2) -> Any:
    """The cotangent of ``a`` in ``np.tensordot(a, b, axes)``."""
    summed_a, summed_b = _contracted(axes, ndim_a, np.ndim(b))
    free_a = [i for i in range(ndim_a) if i not in summed_a]
    free_b = [i for i in range(np.ndim(b)) if i not in summed_b]
    trailing = list(range(len(free_a), len(free_a) + len(free_b)))
    g = np.tensordot(z_bar, conj(b), (trailing, free_b))  # axes: free_a, then summed_b in order
    order = free_a + [a for _, a in sorted(zip(summed_b, summed_a, strict=True))]
    return np.transpose(g, np.argsort(order))


def tensordot_right(z_bar: Any, a: Any, ndim_b: int, axes: Any = 2) -> Any:
    """The cotangent of ``b`` in ``np.tensordot(a, b, axes)``."""
    summed_a, summed_b = _contracted(axes, np.ndim(a), ndim_b)
    free_a = [i for i in range(np.ndim(a)) if i not in summed_a]
    free_b = [i for i in range(ndim_b) if i not in summed_b]
    g = np.tensordot(conj(a), z_bar, (free_a, list(range(len(free_a)))))  # axes: summed_a in order, then free_b
    order = [b for _, b in sorted(zip(summed_a, summed_b, strict=True))] + free_b
    return np.transpose(g, np.argsort(order))


def _contracted(axes: Any, ndim_a: int, ndim_b: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        return list(range(ndim_a - axes, ndim_a)), list(range(axes))
    left, right = (list(s) if isinstance(s, (Sequence, np.ndarray)) else [s] for s in axes)
    return [i % ndim_a for i in left], [i % ndim_b for i in right]


def kron_left(z_bar: Any, b: Any, shape_a: tuple[int, ...]) -> Any:
    """The cotangent of ``a`` in ``np.kron(a, b)``."""
    blocks, rank = _blocks(z_bar, shape_a, np.shape(b))
    other = np.reshape(conj(b), (1,) * (rank - np.ndim(b)) + np.shape(b))
    g = np.tensordot(blocks, other, (list(range(1, 2 * rank, 2)), list(range(rank))))
    return np.reshape(g, shape_a)


def kron_right(z_bar: Any, a: Any, shape_b: tuple[int, ...]) -> Any:
    """The cotangent of ``b`` in ``np.kron(a, b)``."""
    blocks, rank = _blocks(z_bar, np.shape(a), shape_b)
    other = np.reshape(conj(a), (1,) * (rank - np.ndim(a)) + np.shape(a))
    g = np.tensordot(other, blocks, (list(range(rank)), list(range(0, 2 * rank, 2))))
    return np.reshape(g, shape_b)


def _blocks(z_bar: Any, shape_a: tuple[int, ...], shape_b: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """``z_bar`` with an axis of ``a`` and one of ``b`` where it has their product."""
    rank = max(len(shape_a), len(shape_b))
    a = (1,) * (rank - len(shape_a)) + tuple(shape_a)
    b = (1,) * (rank - len(shape_b)) + tuple(shape_b)
    return np.reshape(z_bar, [n for pair in zip(a, b, strict=True) for n in pair]), rank


def cross(a: Any, b: Any, axis: int | None = None) -> Any:
    """``np.cross`` of vectors with three entries along one axis, the same in both arguments."""
    axis = -1 if axis is None else axis
    if np.shape(a)[axis] != 3 or np.shape(b)[axis] != 3:
        raise NoRule("np.cross has a rule for vectors of three entries only", remedy="Append a zero to each vector.")
    if axis != -1 and np.ndim(a) != np.ndim(b):
        raise NoRule(
            "np.cross(axis=) has a rule for arguments of one rank", remedy="Move the vectors to the last axis."
        )
    return np.cross(a, b, axis=axis)


def einsum_pullback(z_bar: Any, subscripts: str, operands: Sequence[Any]) -> tuple[Any, ...]:
    """The cotangent of every operand of ``np.einsum(subscripts, *operands)``."""
    inputs, output = _subscripts(subscripts, operands)
    return tuple(_einsum_term(z_bar, inputs, output, operands, i) for i in range(len(operands)))


def einsum_pushforward(dots: Sequence[Any], subscripts: str, operands: Sequence[Any]) -> Any:
    """The tangent of ``np.einsum(subscripts, *operands)``: one operand at a time replaced by its tangent."""
    return sum(np.einsum(subscripts, *_replaced(operands, i, dot)) for i, dot in enumerate(dots))


def einsum_second(ws: Sequence[Any], g: Any, subscripts: str, operands: Sequence[Any]) -> tuple[Any, ...]:
    """The operands' cotangents when ``ws`` are those of the results of ``einsum_pullback``."""
    inputs, output = _subscripts(subscripts, operands)
    n = range(len(operands))
    return tuple(
        sum(
            (_einsum_term(g, inputs, output, _replaced(operands, i, ws[i]), j) for i in n if i != j),
            np.zeros(np.shape(operands[j])),
        )
        for j in n
    )


def einsum_mixed(dots: Sequence[Any], others: Sequence[Any], subscripts: str, operands: Sequence[Any]) -> Any:
    """The tangent of ``einsum_pushforward`` when the operands move by ``others``."""
    n = range(len(operands))
    both = (_replaced(_replaced(operands, i, dots[i]), j, others[j]) for i in n for j in n if i != j)
    return sum((np.einsum(subscripts, *pair) for pair in both), np.zeros(()))


def _replaced(items: Sequence[Any], index: int, item: Any) -> list[Any]:
    return [*items[:index], item, *items[index + 1 :]]


def _subscripts(subscripts: str, operands: Sequence[Any]) -> tuple[list[str], str]:
    """The letters of each operand and of the output, ellipses spelt out."""
    if not isinstance(subscripts, str):
        raise NoRule("np.einsum has a rule for the string form only", remedy='Write np.einsum("ij,jk->ik", a, b).')
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if not arrow:
        letters = [c for c in left if c.isalpha()]
        output = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return _spell_out(inputs, output, operands, subscripts)


def _spell_out(inputs: list[str], output: str, operands: Sequence[Any], text: str) -> tuple[list[str], str]:
    spare = [c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in text]
    ranks = [np.ndim(x) - len(s.replace("...", "")) if "..." in s else 0 for s, x in zip(inputs, operands, strict=True)]
    batch = "".join(spare[: max(ranks, default=0)])
    spelt = [s.replace("...", batch[len(batch) - r :]) for s, r in zip(inputs, ranks, strict=True)]
    return spelt, output.replace("...", batch)


def _einsum_term(z_bar: Any, inputs: list[str], output: str, operands: Sequence[Any], index: int) -> Any:
    """Contract the cotangent with every operand but one, into that one's letters."""
    letters, shape = inputs[index], np.shape(operands[index])
    others = [s for i, s in enumerate(inputs) if i != index]
    values = [conj(x) for i, x in enumerate(operands) if i != index]
    distinct = "".join(dict.fromkeys(letters))
    known = "".join(c for c in distinct if c in output or any(c in s for s in others))
    g = np.einsum(",".join([output, *others]) + "->" + known, z_bar, *values)
    g = np.expand_dims(g, [i for i, c in enumerate(distinct) if c not in known])
    sizes = [shape[letters.index(c)] for c in distinct]
    shrunk = tuple(i for i, n in enumerate(sizes) if n == 1 and g.shape[i] != 1)
    g = np.sum(g, axis=shrunk, keepdims=True) if shrunk else g
    g = g if list(g.shape) == sizes else np.broadcast_to(g, sizes)
    return g if distinct == letters else _onto_diagonal(g, letters, distinct, shape)


def _onto_diagonal(g: np.ndarray, letters: str, distinct: str, shape: tuple[int, ...]) -> np.ndarray:
    z = np.zeros(shape, g.dtype)
    np.einsum(f"{letters}->{distinct}", z)[...] = g  # a single operand without sums gives a writeable view
    return z


# -- indexing and stores -------------------------------------------------------------------------------


def scatter_add(g: Any, key: Any, x: Any) -> Any:
    """Zeros like ``x`` with ``g`` added at ``key``; entries selected twice receive twice.

    >>> scatter_add(np.array([1.0, 2.0, 4.0]), np.array([0, 0, 2]), np.zeros(3))
    array([3., 0., 4.])
    """
    if not isinstance(x, (np.ndarray, np.generic)):
        raise NoRule(
            f"an index into a {type(x).__name__} has no array rule",
            remedy="Make an array of it first: np.asarray(x)[key].",
        )
    z = np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else np.result_type(g))
    g = real(g) if z.dtype.kind == "f" and np.iscomplexobj(g) else g
    if selects_once(key):
        z[key] = g
    else:
        np.add.at(z, key, g)
    return z


def selects_once(key: Any) -> bool:
    """Whether a key cannot select an entry twice: slices, integers, masks."""
    return all(_selects_once(k) for k in (key if isinstance(key, tuple) else (key,)))


def _selects_once(key: Any) -> bool:
    if key is None or key is Ellipsis or isinstance(key, (slice, int, np.integer)):
        return True
    return isinstance(key, (np.ndarray, list)) and np.asarray(key).dtype == bool


def store(a: Any, key: Any, v: Any) -> Any:
    """A copy of ``a`` in which ``a[key] = v``."""
    z = np.array(a)
    z[key] = v
    return z


def gather_stored(g: Any, key: Any, v: Any) -> Any:
    """The cotangent of ``v`` in ``store(a, key, v)``: of entries written twice, the last write counts."""
    picked = np.asarray(g)[key]
    if not selects_once(key):
        turns = np.zeros(np.shape(g), np.intp)
        turn = np.arange(picked.size).reshape(picked.shape)
        turns[key] = turn
        picked = np.where(turns[key] == turn, picked, 0)
    return unbroadcast(picked, v)


def spread_stored(v: Any, key: Any, g: Any) -> Any:
    """Zeros like ``g`` in which ``v`` is stored at ``key``."""
    z = np.zeros(np.shape(g), np.asarray(v).dtype)
    z[key] = v
    return z


def scatter_along_axis(g: Any, indices: Any, axis: int | None, x: Any) -> Any:
    """Zeros like ``x`` with ``g`` added where ``np.take_along_axis(x, indices, axis)`` took from."""
    if axis is None:
        return np.reshape(scatter_along_axis(g, indices, 0, np.ravel(x)), np.shape(x))
    z = np.zeros(np.shape(x), np.result_type(g))
    g = np.broadcast_to(g, np.shape(g))
    axis %= z.ndim
    grid = [np.arange(n).reshape([-1 if i == j else 1 for j in range(z.ndim)]) for i, n in enumerate(np.shape(indices))]
    # an axis along which x or the indices have length 1 was broadcast
    grid = [k if z.shape[i] != 1 else np.zeros_like(k) for i, k in enumerate(grid)]
    grid[axis] = indices
    np.add.at(z, tuple(grid), g)
    return z


def take_key(indices: Any, axis: int | None) -> Any:
    """The key that makes ``x[key]`` the same as ``np.take(x, indices, axis)``, for ``axis`` not None."""
    assert axis is not None
    return (slice(None),) * axis + (indices,) if axis >= 0 else (Ellipsis, indices) + (slice(None),) * (-axis - 1)


def untake(g: Any, indices: Any, axis: int | None, x: Any) -> Any:
    """Zeros like ``x`` with ``g`` added where ``np.take(x, indices, axis)`` took from."""
    indices = np.asarray(indices)
    if axis is None:
        return np.reshape(scatter_add(g, indices, np.ravel(x)), np.shape(x))
    return scatter_add(g, take_key(indices, axis), np.asarray(x))


# -- sequences of arrays -------------------------------------------------------------------------------


def split_like(g: Any, arrays: Any, axis: int | None = 0) -> Any:
    """The cotangents of ``arrays`` in ``np.concatenate(arrays, axis)``, as views of ``g``."""
    if isinstance(arrays, np.ndarray):
        return np.stack(split_like(g, list(arrays), axis))
    if axis is None:
        ends = list(accumulate(np.size(x) for x in arrays))[:-1]
        return [np.reshape(p, np.shape(x)) for p, x in zip(np.split(g, ends), arrays, strict=True)]
    ends = list(accumulate(np.shape(x)[axis] for x in arrays))[:-1]
    return [cast_like(p, x) for p, x in zip(np.split(g, ends, axis), arrays, strict=True)]


def unstack_like(g: Any, arrays: Any, axis: int = 0) -> Any:
    """The cotangents of ``arrays`` in ``np.stack(arrays, axis)`` or ``np.array(arrays)``, nested as they are."""
    if isinstance(arrays, (tuple, list)):
        parts = [unstack_like(p, x) for p, x in zip(np.moveaxis(np.asarray(g), axis, 0), arrays, strict=True)]
        return tuple(parts) if isinstance(arrays, tuple) else parts
    if isinstance(arrays, np.ndarray) and axis != 0:
        return cast_like(np.moveaxis(g, axis, 0), arrays)
    return cast_like(g, arrays)


def stack_nested(arrays: Any, axis: int = 0) -> Any:
    """``np.stack``, of nested sequences too: the transpose of ``unstack_like``."""
    if isinstance(arrays, (tuple, list)):
        return np.stack([stack_nested(x) for x in arrays], axis)
    return np.moveaxis(arrays, 0, axis) if axis and np.ndim(arrays) else arrays


def raise_and_join(arrays: Any, rank: int, axis: int) -> Any:
    """What ``vstack``, ``hstack``, ``dstack`` and ``column_stack`` do: the transpose of ``rows_like``."""
    raised = [_raised(x, rank) for x in arrays]
    return np.concatenate(raised, axis if raised[0].ndim > 1 or axis == 0 else 0)


def rows_like(g: Any, arrays: Any, rank: int, axis: int) -> Any:
    """The cotangents of ``arrays`` in a concatenation along ``axis`` after each was raised to ``rank`` axes."""
    raised = [_raised(x, rank) for x in arrays]
    parts = split_like(g, raised, axis if np.ndim(g) > 1 or axis == 0 else 0)
    shaped = [cast_like(np.reshape(p, np.shape(x)), x) for p, x in zip(parts, arrays, strict=True)]
    return np.stack(shaped) if isinstance(arrays, np.ndarray) else tuple(shaped) if isinstance(arrays, tuple) else shaped


def _raised(x: Any, rank: int) -> np.ndarray:
    """As ``np.atleast_1d``, ``2d`` and ``3d`` do; rank -2 makes columns of vectors."""
    if rank == -2:
        return np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else np.asarray(x)
    return {1: np.atleast_1d, 2: np.atleast_2d, 3: np.atleast_3d}[rank](x)


# -- the transposes of linear shape functions ----------------------------------------------------------


def unpad(g: Any, x: Any, pad_width: Any, mode: str = "constant") -> Any:
    """The part of a padded array's cotangent that belongs to ``x``: a view."""
    if mode != "constant":
        raise NoRule(f"np.pad has no rule for mode={mode!r}", remedy="Index the array: x[np.array([...])].")
    if isinstance(pad_width, dict):
        raise NoRule("np.pad has no rule for a dict of widths", remedy="Write the widths as a sequence of pairs.")
    before = np.broadcast_to(pad_width, (np.ndim(x), 2))[:, 0]
    return g[tuple(slice(b, b + n) for b, n in zip(before, np.shape(x), strict=True))]


def undiff(g: Any, x: Any, n: int = 1, axis: int = -1) -> Any:
    """The cotangent of ``x`` in ``np.diff(x, n, axis)``."""
    if n >= np.shape(x)[axis] and n:
        return np.zeros(np.shape(x), np.result_type(g))
    g = np.moveaxis(np.asarray(g), axis, -1)
    for _ in range(n):
        edge = [(0, 0)] * (g.ndim - 1)
        g = np.pad(g, [*edge, (1, 0)]) - np.pad(g, [*edge, (0, 1)])
    return np.moveaxis(g, -1, axis)


def unrepeat(g: Any, x: Any, repeats: Any, axis: int | None = None) -> Any:
    """The cotangent of ``x`` in ``np.repeat(x, repeats, axis)``."""
    length = np.size(x) if axis is None else np.shape(x)[axis]
    owner = np.repeat(np.arange(length), repeats)
    return untake(g, owner, axis, np.zeros(np.shape(x), np.result_type(g)))


def untile(g: Any, x: Any, reps: Any) -> Any:
    """The cotangent of ``x`` in ``np.tile(x, reps)``."""
    reps = tuple(np.atleast_1d(reps))
    rank = max(len(reps), np.ndim(x))
    times = (1,) * (rank - len(reps)) + reps
    shape = (1,) * (rank - np.ndim(x)) + np.shape(x)
    g = np.reshape(g, [n for pair in zip(times, shape, strict=True) for n in pair])
    return np.reshape(np.sum(g, axis=tuple(range(0, 2 * rank, 2))), np.shape(x))


def undiagonal(g: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros like ``x`` with ``g`` on the diagonal that ``np.diagonal`` shows."""
    z = np.zeros(np.shape(x), np.result_type(g))
    rows, columns = np.shape(x)[axis1], np.shape(x)[axis2]
    n = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    i = np.arange(n)
    np.moveaxis(z, (axis1, axis2), (-2, -1))[..., i + max(-offset, 0), i + max(offset, 0)] = g
    return z


def untrace(g: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Zeros like ``x`` with ``g`` all along the diagonal that ``np.trace`` sums."""
    return undiagonal(np.asarray(g)[..., None], x, offset, axis1, axis2)


def undiag(g: Any, x: Any, k: int = 0) -> Any:
    """The cotangent of ``x`` in ``np.diag(x, k)``, which makes a matrix of a vector and the reverse."""
    return np.diagonal(g, k) if np.ndim(x) == 1 else undiagonal(g, x, k)


# -- recurrences, for products -------------------------------------------------------------------------


def recurrence(b: Any, a: Any) -> Any:
    """``s`` with ``s[0] = b[0]`` and ``s[i] = b[i] + a[i] * s[i-1]`` along the last axis.

    >>> recurrence(np.array([1.0, 1.0, 1.0]), np.array([5.0, 2.0, 3.0]))
    array([ 1.,  3., 10.])
    """
    b, a = np.broadcast_arrays(b, a)
    dtype = np.result_type(b, a)
    if b.ndim == 1:  # Python scalars are several times faster than one-element array operations
        pairs = zip(b.tolist(), a.tolist(), strict=True)
        steps = accumulate(pairs, lambda s, pair: (pair[0] + pair[1] * s[0], None))
        return np.array([s for s, _ in steps], dtype)
    s = b.astype(dtype)
    for i in range(1, s.shape[-1]):
        s[..., i] += a[..., i] * s[..., i - 1]
    return s


def centred_rows(m: Any, rowvar: bool = True) -> Any:
    """The variables of ``np.cov`` as rows, less their means."""
    rows = np.atleast_2d(m)
    rows = rows if rowvar or np.ndim(m) < 2 else rows.T
    return rows - np.mean(rows, axis=1, keepdims=True)


def uncentred_rows(g: Any, m: Any, rowvar: bool = True) -> Any:
    """The cotangent of ``m`` in ``centred_rows(m, rowvar)``."""
    centred = g - np.mean(g, axis=1, keepdims=True)
    return np.reshape(centred if rowvar or np.ndim(m) < 2 else centred.T, np.shape(m))


def freedom(m: Any, rowvar: bool = True, bias: bool = False, ddof: int | None = None) -> int:
    """By what ``np.cov`` divides: the number of observations less ``ddof``."""
    observations = np.shape(m)[-1 if rowvar or np.ndim(m) < 2 else 0]
    return int(observations - (ddof if ddof is not None else int(not bias)))


def shifted(x: Any, by: int, fill: float) -> Any:
    """``x`` moved by one place along the last axis (``by`` is 1 or -1), the free place filled."""
    z = np.full_like(x, fill)
    into, source = (slice(1, None), slice(None, -1)) if by > 0 else (slice(None, -1), slice(1, None))
    z[..., into] = x[..., source]
    return z


def masked_sum(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True, initial: Any = None) -> Any:
    """``np.sum`` with a mask."""
    return np.sum(a, axis, keepdims=keepdims, where=where, **_unless_none(initial))


def masked_mean(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """``np.mean`` with a mask."""
    return np.mean(a, axis, keepdims=keepdims, where=where)


def masked_prod(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True, initial: Any = 1) -> Any:
    """``np.prod`` with a mask."""
    return np.prod(a, axis, keepdims=keepdims, where=where, initial=initial)


def masked_max(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True, initial: Any = None) -> Any:
    """``np.max`` with a mask, or a value that competes."""
    return np.max(a, axis, keepdims=keepdims, where=where, **_unless_none(initial))


def masked_min(a: Any, axis: Axis = None, *, keepdims: bool = False, where: Any = True, initial: Any = None) -> Any:
    """``np.min`` with a mask, or a value that competes."""
    return np.min(a, axis, keepdims=keepdims, where=where, **_unless_none(initial))


def masked_var(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, where: Any = True) -> Any:
    """``np.var`` with a mask."""
    return np.var(a, axis, ddof=ddof, keepdims=keepdims, where=where)


def masked_std(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, where: Any = True) -> Any:
    """``np.std`` with a mask."""
    return np.std(a, axis, ddof=ddof, keepdims=keepdims, where=where)


def _unless_none(initial: Any) -> dict[str, Any]:
    return {} if initial is None else {"initial": initial}


def selected_count(where: Any, a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """How many entries of ``a`` a masked reduction brings together."""
    return np.sum(np.broadcast_to(where, np.shape(a)), axis=axis, keepdims=keepdims)


def sinc_slope(n: int, x: Any) -> Any:
    """The n-th derivative of ``np.sinc``: its series near 0, where the recurrence cancels."""
    x = np.asarray(x, np.float64)
    near = np.abs(x) <= 1
    return np.where(near, _sinc_series(n, np.where(near, x, 0)), _sinc_recurrence(n, np.where(near, 1, x)))[()]


def _sinc_series(n: int, x: np.ndarray) -> Any:
    """The sum of ``(-1)**k pi**(2k) x**(2k - n) / ((2k + 1) (2k - n)!)``."""
    first = (n + 1) // 2
    return sum((-1) ** k * np.pi ** (2 * k) / (2 * k + 1) / math.factorial(2 * k - n) * x ** (2 * k - n) for k in range(first, first + 18))


def _sinc_recurrence(n: int, x: np.ndarray) -> Any:
    """``(x sinc(x))' = cos(pi x)``, differentiated n - 1 times more."""
    if n == 0:
        return np.sinc(x)
    return (np.pi ** (n - 1) * np.sin(np.pi * x + n * np.pi / 2) - n * _sinc_recurrence(n - 1, x)) / x


def cumprod_before(x: Any) -> Any:
    """The product of all entries before each one, along the last axis."""
    return np.cumprod(shifted(x, 1, 1.0), -1) if np.shape(x)[-1] else x


def along(x: Any, axis: int | None) -> Any:
    """``x`` with the axis that a scan runs along moved to the end; flat if the axis is None."""
    return np.ravel(x) if axis is None else np.moveaxis(np.asarray(x), axis, -1)


def unalong(g: Any, x: Any, axis: int | None) -> Any:
    """Undo ``along(x, axis)``."""
    return np.reshape(g, np.shape(x)) if axis is None else np.moveaxis(g, -1, axis)


def untrapezoid(g: Any, y: Any, dx: float = 1.0, axis: int = -1) -> Any:
    """The cotangent of ``y`` in ``np.trapezoid(y, dx=dx, axis=axis)``."""
    n = np.shape(y)[axis]
    weights = np.full(n, float(dx)) if n > 1 else np.zeros(n)
    weights[:1] /= 2
    weights[-1:] /= 2
    return np.moveaxis(np.asarray(g)[..., None] * weights, -1, axis)


# -- rows for single functions -------------------------------------------------------------------------


def item(x: Any, *args: Any) -> Any:
    """``x.item(*args)``, also of NumPy scalars."""
    return np.asarray(x).item(*args)


def unitem(g: Any, args: tuple[Any, ...], x: Any) -> Any:
    """The cotangent of ``x`` in ``x.item(*args)``."""
    if not args:
        return np.full(np.shape(x), g)
    if len(args) == 1 and isinstance(args[0], (int, np.integer)):
        return np.reshape(scatter_add(g, args[0], np.ravel(x)), np.shape(x))
    return scatter_add(g, tuple(args[0]) if len(args) == 1 else args, x)


def ramp(num: int, endpoint: bool, rank: int) -> np.ndarray:
    """How much of ``stop`` there is in each entry of ``np.linspace``, along the first of ``rank`` axes."""
    steps = num - 1 if endpoint else num
    weight = np.arange(num) / max(steps, 1)
    return weight.reshape([-1] + [1] * (rank - 1))


def unmeshgrid(g: Any, outputs: Any, xi: Any, indexing: str, sparse: bool) -> tuple[Any, ...]:
    """The cotangents of the coordinate vectors of ``np.meshgrid``."""
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = [1, 0]
    return tuple(
        cast_like(np.reshape(np.sum(grid, axis=tuple(j for j in axes if j != i)), np.shape(x)), x)
        for grid, i, x in zip(instantiate(g, outputs), axes, xi, strict=True)
    )


def unbroadcast_each(g: Any, outputs: Any, args: Any) -> tuple[Any, ...]:
    """The cotangents of the arguments of ``np.broadcast_arrays``."""
    return tuple(unbroadcast(part, x) for part, x in zip(instantiate(g, outputs), args, strict=True))


def unmedian(g: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The cotangent of ``x`` in ``np.median``: the middle entry's, or the two middle entries' by halves."""
    merged = merge_axes(x, axis)
    n = merged.shape[-1]
    order = np.argsort(merged, axis=-1, kind="stable")
    middle = order[..., (n - 1) // 2 : n // 2 + 1]
    weights = np.zeros(merged.shape, np.result_type(g))
    np.put_along_axis(weights, middle, 1 / middle.shape[-1], -1)
    return unreduce(g, x, axis, keepdims) * split_axes(weights, x, axis)


def positions(x: Any) -> np.ndarray:
    """Where each entry of ``x`` is in its flat order: what moves entries moves these alike, and so says where they went."""
    return np.arange(np.size(x)).reshape(np.shape(x))


def nowhere(x: Any) -> np.ndarray:
    """The positions of entries that are none of another array's."""
    return np.full(np.shape(x), -1)


def put_back(g: Any, where: np.ndarray, x: Any) -> Any:
    """The cotangent of ``x``, entries of which were moved: each of ``g`` is added at its position, if it has one."""
    there = where >= 0
    flat = np.zeros(np.size(x), np.result_type(g))
    np.add.at(flat, where[there], np.broadcast_to(g, where.shape)[there])
    return cast_like(flat.reshape(np.shape(x)), x)


def pick(x: Any, where: np.ndarray) -> Any:
    """The entries of ``x`` at flat positions; 0 where a position is none of its."""
    return np.where(where < 0, 0, np.take(x, np.maximum(where, 0)))


def first_places(x: Any) -> np.ndarray:
    """Where ``np.unique`` finds its entries first."""
    return np.asarray(np.unique(x, return_index=True)[1])


def quantile_places(x: Any, q: Any, axis: Axis, keepdims: bool, method: str, upper: bool) -> np.ndarray:
    """The positions of the entries between which ``np.quantile`` interpolates: the lower or the upper ones."""
    if method != "linear":
        raise NoRule(f"np.quantile(method={method!r}) has no rule", remedy='Use method="linear".')
    order = np.argsort(merge_axes(x, axis), axis=-1, kind="stable")
    moved = np.take_along_axis(merge_axes(positions(x), axis), order, -1)
    at = np.floor(np.asarray(q) * (moved.shape[-1] - 1)).astype(int)
    found = moved[..., np.minimum(at + 1, moved.shape[-1] - 1) if upper else at]
    rank = np.ndim(q)
    found = np.moveaxis(found, range(found.ndim - rank, found.ndim), range(rank))
    return np.asarray(np.expand_dims(found, tuple(rank + k for k in _axes(x, axis)))) if keepdims else np.asarray(found)


def quantile_part(x: Any, q: Any, z: Any, axis: Axis) -> Any:
    """How far between them it goes, with the rank of the result."""
    exact = np.asarray(q) * (count(x, axis) - 1)
    return (exact - np.floor(exact)).reshape(np.shape(q) + (1,) * (np.ndim(z) - np.ndim(q)))


def ungradient(g: Any, f: Any, spacings: Sequence[Any], axis: Axis, edge_order: int) -> Any:
    """The cotangent of ``f`` in ``np.gradient``: the transposed differences along each axis."""
    axes = range(np.ndim(f)) if axis is None else axis if isinstance(axis, tuple) else (axis,)  # in the order given
    steps = [1.0] * len(axes) if not spacings else list(spacings) * (len(axes) if len(spacings) == 1 else 1)
    parts = g if isinstance(g, (tuple, list)) else (g,)
    total = np.zeros(np.shape(f), np.result_type(*parts))
    for part, k, step in zip(parts, axes, steps, strict=True):
        moved = np.moveaxis(np.asarray(part), k, -1)
        total += np.moveaxis(_transposed_differences(moved, _widths(step, moved.shape[-1]), edge_order), -1, k)
    return cast_like(total, f)


def _widths(step: Any, n: int) -> np.ndarray:
    return np.diff(step) if np.ndim(step) else np.full(n - 1, float(step))


def _transposed_differences(g: np.ndarray, h: np.ndarray, edge_order: int) -> np.ndarray:
    """Of second order inside: ``z[i] = a f[i-1] + b f[i] + c f[i+1]``; one-sided at both ends."""
    out, (p, q) = np.zeros(g.shape, g.dtype), (h[:-1], h[1:])
    inside = g[..., 1:-1]
    out[..., :-2] += inside * (-q / (p * (p + q)))
    out[..., 1:-1] += inside * ((q - p) / (p * q))
    out[..., 2:] += inside * (p / (q * (p + q)))
    for end, sign, ahead in ((0, 1, h[:2]), (-1, -1, h[::-1][:2])):
        for k, weight in enumerate(_one_sided(ahead, edge_order)):
            out[..., end + sign * k] += g[..., end] * weight * sign
    return out


def _one_sided(h: np.ndarray, edge_order: int) -> tuple[float, ...]:
    if edge_order == 1:
        return -1 / h[0], 1 / h[0]
    p, q = h
    return -(2 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))


def refit(g: Any, x: Any) -> Any:
    """``g`` cut, or filled up with zeros, at the end of each axis to the shape of ``x``."""
    for axis, n in enumerate(np.shape(x)):
        if np.shape(g)[axis] > n:
            g = np.take(g, range(n), axis)
        elif np.shape(g)[axis] < n:
            g = np.pad(g, [(0, n - m if i == axis else 0) for i, m in enumerate(np.shape(g))])
    return g


def dual_norm(norm: str | None) -> str:
    """How the adjoint of a Fourier transform is scaled."""
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, "ortho")


def fft_length(x: Any, n: int | None, axis: int) -> int:
    """The length along the axis that is transformed."""
    return np.shape(x)[axis] if n is None else n


def half_weights(z: Any, axis: int) -> np.ndarray:
    """How many frequencies of the full transform each one of ``np.fft.rfft(z)`` stands for."""
    n = np.shape(z)[axis]
    weights = np.full(n // 2 + 1, 2.0)
    weights[0] = 1
    weights[n // 2 :] = 1 if n % 2 == 0 else weights[n // 2 :]
    return weights.reshape([-1 if i == axis % np.ndim(z) else 1 for i in range(np.ndim(z))])


def unconvolve(g: Any, v: Any, n: int, mode: str = "full") -> Any:
    """The cotangent of an argument of length ``n`` in ``np.convolve`` with ``v``; convolution commutes."""
    m = len(v)
    start = {"full": 0, "same": (min(n, m) - 1) // 2, "valid": min(n, m) - 1}[mode]
    full = np.zeros(n + m - 1, np.result_type(g))
    full[start : start + len(g)] = g
    both = np.convolve(full, np.flip(conj(v)))  # entries m - 1 and on see all of v
    return both[m - 1 : m - 1 + n]


def _kept_by_correlate(n: int, m: int, mode: str) -> slice:
    """What ``np.correlate`` returns of the full correlation."""
    least, most = min(n, m), max(n, m)
    length = {"full": n + m - 1, "same": most, "valid": most - least + 1}[mode]
    start = (n + m - 1 - length) // 2 if n >= m or mode != "same" else n - 1 - (n - 1) // 2
    return slice(start, start + length)


def cut_correlation(full: Any, n: int, m: int, mode: str) -> Any:
    """The part of a full correlation of ``n`` with ``m`` entries that ``mode`` keeps."""
    return np.asarray(full)[_kept_by_correlate(n, m, mode)]


def uncut_correlation(g: Any, n: int, m: int, mode: str) -> Any:
    """``g`` where ``mode`` keeps the full correlation, zero elsewhere."""
    full = np.zeros(n + m - 1, np.result_type(g))
    full[_kept_by_correlate(n, m, mode)] = g
    return full


def vander_powers(z: Any, increasing: bool) -> Any:
    """The power to which ``np.vander`` raises each column."""
    powers = np.arange(np.shape(z)[-1])
    return powers if increasing else powers[::-1]


def segment(x: Any, xp: Any) -> Any:
    """The interval of ``xp`` in which ``np.interp`` finds ``x``: that on the left of a knot.

    Of knots that do not increase, whichever its search comes upon.
    """
    xp = np.asarray(xp)
    increasing = np.all(xp[1:] >= xp[:-1])
    at = np.searchsorted(xp, x) - 1 if increasing else np.floor(np.interp(x, xp, np.arange(len(xp)))).astype(int)
    return np.clip(at, 0, max(len(xp) - 2, 0))


def complex_of(re: Any, im: Any) -> complex:
    """``complex(re, im)``: unlike ``re + 1j * im``, right for infinities and signed zeros."""
    return complex(re, im)


def reads_knots(x: Any, xp: Any, left: Any, right: Any) -> Any:
    """Where ``np.interp`` answers with the values at the knots, not with ``left`` or ``right``."""
    return inside(x, None if left is None else xp[0], None if right is None else xp[-1])


def any_of(condlist: Sequence[Any]) -> Any:
    """Where at least one condition of ``np.select`` holds."""
    return np.logical_or.reduce(np.broadcast_arrays(*condlist))


def unselect(g: Any, condlist: Sequence[Any], choicelist: Sequence[Any]) -> list[Any]:
    """The cotangents of the choices in ``np.select``: the first condition that holds takes."""
    bars, left = [], np.ones(np.shape(g), bool)
    for condition, choice in zip(condlist, choicelist, strict=True):
        bars.append(unbroadcast(np.where(left & condition, g, 0), choice))
        left = left & ~np.asarray(condition)
    return bars


# -- linear algebra ------------------------------------------------------------------------------------


def solve(a: Any, b: Any, ndim_b: int) -> Any:
    """``np.linalg.solve`` for stacks of vectors (``ndim_b == 1``) or of matrices."""
    if ndim_b != 1:
        return np.linalg.solve(a, b)
    return np.linalg.solve(a, b) if np.ndim(b) == 1 else np.linalg.solve(a, b[..., None])[..., 0]


def outer_last(x: Any, y: Any, ndim_b: int) -> Any:
    """The product of two solutions of ``solve`` that is a stack of square matrices: ``x @ y^H``."""
    y = conj(y)
    return x[..., :, None] * y[..., None, :] if ndim_b == 1 else x @ swap_last(y)


def apply(a: Any, x: Any, ndim_b: int) -> Any:
    """``a`` times each solution of ``solve``."""
    return (a @ x[..., None])[..., 0] if ndim_b == 1 else a @ x


def reduced_svd(factors: Any) -> Any:
    """The factors of a singular value decomposition, if they are the reduced ones."""
    u, s, vh = factors
    if u.shape[-1] != s.shape[-1] or vh.shape[-2] != s.shape[-1]:
        raise NoRule("np.linalg.svd has a rule for the reduced factors", remedy="Pass full_matrices=False.")
    return factors


def columns(x: Any) -> Any:
    """One right-hand side, or one solution, as a matrix of one column."""
    return x[:, None] if np.ndim(x) == 1 else x


def weigh_columns(x: Any, weights: Any) -> Any:
    """Each column times its weight; 0 where ``np.linalg.lstsq`` has returned no residuals to weigh by."""
    return x * weights if np.size(weights) else np.zeros_like(x)


def column_sums(x: Any, like: Any) -> Any:
    """The sum of each column, where ``like`` has a place for it."""
    return np.sum(x, axis=0) if np.size(like) else np.zeros_like(like)


def reduced_qr(factors: Any, mode: str) -> Any:
    """The factors Q and R, if Q is no wider than it is tall and R is square."""
    if mode != "reduced" or np.shape(factors[1])[-1] != np.shape(factors[1])[-2]:
        raise NoRule(
            "np.linalg.qr has a rule for the reduced factors of matrices that are at least as tall as wide",
            remedy='Pass mode="reduced", and transpose a wide matrix.',
        )
    return factors


def identity_less(x: Any) -> Any:
    """``1 - x`` for square matrices ``x``."""
    return np.eye(np.shape(x)[-1]) - x


def if_tall(x: Any, u: Any, other: float) -> Any:
    """``x`` if the columns of ``u`` leave directions out, else ``other`` in its shape."""
    rows, columns = np.shape(u)[-2:]
    return x if rows > columns else np.full_like(x, other)


def hermitian(x: Any) -> Any:
    """The Hermitian part: the cotangent of a matrix of which a function sees only one triangle."""
    return (x + conj(swap_last(x))) / 2


def half_lower(x: Any) -> Any:
    """The lower triangle with half the diagonal (its real part)."""
    n = np.shape(x)[-1]
    lower = np.tril(x)
    diagonal = np.arange(n)
    lower[..., diagonal, diagonal] = np.real(lower[..., diagonal, diagonal]) / 2
    return lower


def on_diagonal(x: Any) -> Any:
    """Square matrices with ``x`` on the diagonal."""
    return x[..., None] * np.eye(np.shape(x)[-1], dtype=x.dtype)


def inverse_gaps(w: Any) -> Any:
    """``1 / (w[j] - w[i])`` at ``[i, j]``, and 0 on the diagonal."""
    gaps = w[..., None, :] - w[..., :, None]
    return divide_or_zero(np.ones_like(gaps), gaps) if _distinct(w) else _no_eigenvectors()


def _distinct(w: Any) -> bool:
    return np.shape(w)[-1] < 2 or bool(np.all(np.diff(w, axis=-1) != 0))


def _no_eigenvectors() -> Any:
    raise NoRule(
        "the eigenvectors of equal eigenvalues have no derivative",
        remedy="Use np.linalg.eigvalsh if only the eigenvalues are wanted: they have one.",
    )


def block_upper(a: Any, direction: Any) -> Any:
    """``[[a, direction], [0, a]]``: a power of it holds the derivative of the power along the direction."""
    n = np.shape(a)[-1]
    z = np.zeros((*np.shape(a)[:-2], 2 * n, 2 * n), np.result_type(a, direction))
    z[..., :n, :n], z[..., :n, n:], z[..., n:, n:] = a, direction, a
    return z


def upper_right(x: Any) -> Any:
    """The upper right quarter of square matrices: a view."""
    n = np.shape(x)[-1] // 2
    return x[..., :n, n:]


def in_upper_right(g: Any) -> Any:
    """Zeros with ``g`` as the upper right quarter."""
    return block_upper(np.zeros_like(g), g)


def block_diagonals(x: Any) -> Any:
    """The sum of the two square blocks on the diagonal."""
    n = np.shape(x)[-1] // 2
    return x[..., :n, :n] + x[..., n:, n:]


def from_lower(x: Any) -> Any:
    """The Hermitian matrix whose lower triangle is that of ``x``: all that NumPy reads of it."""
    lower, strict = np.tril(x), np.tril(x, -1)
    if np.iscomplexobj(x):
        lower = lower - 1j * np.imag(np.eye(np.shape(x)[-1]) * lower)
    return lower + conj(swap_last(strict))


def onto_lower(g: Any) -> Any:
    """The transpose of ``from_lower``."""
    if np.iscomplexobj(g):
        g = g - 1j * np.imag(np.eye(np.shape(g)[-1]) * g)
    return np.tril(g) + np.tril(conj(swap_last(g)), -1)


def as_matrix(x: Any) -> Any:
    """``x`` with two axes of length 1 appended."""
    return np.asarray(x)[..., None, None]


def norm_partial(x: Any, z: Any, ord: Any = None, axis: Axis = None) -> Any:
    """The partials of a vector norm, 0 at its kink; ``z`` is the norm spread to the shape of ``x``."""
    ord = _vector_order(x, ord, axis)
    if ord == 2:
        return divide_or_zero(x, z)
    if ord == 1:
        return np.sign(x)
    if ord in (np.inf, -np.inf):
        peak = np.equal(np.abs(x), z)
        return np.sign(x) * peak / np.sum(peak, axis=axis, keepdims=True)
    if ord == 0:
        return np.zeros_like(x)
    return np.sign(x) * divide_or_zero(np.abs(x), z) ** (ord - 1)


def norm_curvature(x: Any, z: Any, ord: Any = None, axis: Axis = None) -> Any:
    """The derivative of ``norm_partial`` by ``x``, ``z`` held fixed."""
    ord = _vector_order(x, ord, axis)
    if ord in (0, 1, np.inf, -np.inf):
        return np.zeros_like(x)
    if ord == 2:
        return divide_or_zero(np.ones_like(x), z)
    return (ord - 1) * divide_or_zero(np.abs(x), z) ** (ord - 2) * divide_or_zero(np.ones_like(x), z)


def norm_bend(x: Any, z: Any, ord: Any = None, axis: Axis = None) -> Any:
    """The derivative of ``norm_partial`` by ``z``, ``x`` held fixed."""
    order = _vector_order(x, ord, axis)
    if order in (0, 1, np.inf, -np.inf):
        return np.zeros_like(x)
    return (1 - order) * divide_or_zero(norm_partial(x, z, ord, axis), z)


def _vector_order(x: Any, ord: Any, axis: Axis) -> Any:
    reduced = np.ndim(x) if axis is None else len(_axes(x, axis))
    if ord is None or (ord == "fro" and reduced == 2):
        return 2
    if reduced != 1 or isinstance(ord, str):
        raise NoRule(
            f"np.linalg.norm(ord={ord!r}) of matrices has no rule",
            remedy='Use ord=None or ord="fro", or write the norm with np.linalg.svd or np.sum.',
        )
    return ord


def _trusted_inverse(a: np.ndarray) -> np.ndarray | None:
    """The inverse, unless a matrix is too near a singular one."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    return inverse if np.all(condition < 1e8) else None


def cofactor(a: Any, z: Any) -> Any:
    """The derivative of ``z = det(a)``, also where ``a`` is singular: the matrix of cofactors."""
    inverse = _trusted_inverse(np.asarray(a))
    if inverse is not None:
        return as_matrix(z) * swap_last(inverse)
    u, s, vh = np.linalg.svd(a)
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(s.shape[-1])], -1)
    # det(u) det(v) is the phase that the singular values lack
    phase = as_matrix(np.linalg.det(u) * np.linalg.det(vh))
    return swap_last((conj(swap_last(vh)) * others[..., None, :]) @ conj(swap_last(u))) * phase


# -- special functions ---------------------------------------------------------------------------------


def digamma(x: Any) -> Any:
    """The logarithmic derivative of the gamma function (Abramowitz and Stegun 6.3.5, 6.3.7 and 6.3.18)."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        reflected = _digamma_right(1 - x) - np.pi / np.tan(np.pi * x)
        poles = np.where((x <= 0) & (x == np.floor(x)), np.nan, reflected)
        return np.where(x > 0, _digamma_right(x), poles)[()]


#: B(2k) / (2k)!, for the Euler-Maclaurin sum.
_EULER_MACLAURIN = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of ``digamma``, for ``n >= 1``: ``(-1)**(n + 1) * n! * zeta(n + 1, x)``."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        return (-1) ** (n + 1) * math.factorial(n) * _zeta(n + 1, x)[()]


def _zeta(s: int, x: np.ndarray) -> np.ndarray:
    """Hurwitz's zeta function: terms up to 10, then Euler and Maclaurin (Abramowitz and Stegun 23.1.30)."""
    total = np.zeros_like(x)
    for _ in range(max(0, math.ceil(10 - np.min(x, initial=10.0, where=np.isfinite(x))))):
        total, x = np.where(x < 10, total + x**-s, total), np.where(x < 10, x + 1, x)
    total = total + x ** (1 - s) / (s - 1) + 0.5 * x**-s
    factor = s * x ** (-s - 1)
    for k, coefficient in enumerate(_EULER_MACLAURIN):
        total = total + coefficient * factor
        factor = factor * (s + 2 * k + 1) * (s + 2 * k + 2) / x**2
    return total


def _digamma_right(x: np.ndarray) -> np.ndarray:
    """For positive arguments: the recurrence up to 10, then the asymptotic series."""
    total = np.zeros_like(x)
    for _ in range(10):
        total, x = np.where(x < 10, total - 1 / x, total), np.where(x < 10, x + 1, x)
    y = 1 / x**2
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * 691 / 32760)))))
    return total + np.log(x) - 0.5 / x - series
