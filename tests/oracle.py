"""What is the derivative, asked of the original function alone?

Richardson-extrapolated central differences with an error estimate, on the plain Python function: nothing here
knows of Retrograd (SOUNDNESS O1).  Arguments and results may be nested tuples, lists, dicts and dataclasses;
`leaves` and `rebuild` turn them into float vectors and back.

>>> estimate = gradient(lambda x: x["a"] ** 2, ({"a": 3.0},), wrt=(0,))
>>> bool(abs(estimate.value[0] - 6.0) <= estimate.error[0])
True
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Vector = np.ndarray


class NotSmooth(AssertionError):
    """The differences do not settle: the program has a kink or a jump at this point."""


# -- nested containers ------------------------------------------------------------------------------------


def children(tree: Any) -> list[Any] | None:
    """The parts of a container, in a fixed order; None for a leaf."""
    if isinstance(tree, dict):
        return list(tree.values())
    if isinstance(tree, (tuple, list)):
        return list(tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [getattr(tree, field.name) for field in dataclasses.fields(tree)]
    return None


def with_children(tree: Any, parts: Sequence[Any]) -> Any:
    """The same container around other parts."""
    if isinstance(tree, dict):
        return dict(zip(tree, parts, strict=True))
    if hasattr(tree, "_fields"):
        return type(tree)(*parts)
    if isinstance(tree, (tuple, list)):
        return type(tree)(parts)
    return dataclasses.replace(tree, **dict(zip((f.name for f in dataclasses.fields(tree)), parts, strict=True)))


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    parts = children(tree)
    if parts is None:
        return function(tree, *others)
    columns = [children(other) for other in others]
    return with_children(tree, [map_leaves(function, *row) for row in zip(parts, *columns, strict=True)])


def every_leaf(tree: Any) -> Iterator[Any]:
    parts = children(tree)
    if parts is None:
        yield tree
    else:
        for part in parts:
            yield from every_leaf(part)


def is_float(leaf: Any) -> bool:
    """Can this leaf be differentiated with respect to?"""
    if isinstance(leaf, (bool, np.bool_)):
        return False
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.kind in "fc"
    return isinstance(leaf, (float, complex, np.floating, np.complexfloating))


def holds_floats(tree: Any) -> bool:
    return any(is_float(leaf) for leaf in every_leaf(tree))


def leaves(tree: Any) -> list[Any]:
    """The float leaves of a container, in order."""
    return [leaf for leaf in every_leaf(tree) if is_float(leaf)]


def flat(tree: Any) -> Vector:
    """All float leaves, as one real vector; a complex leaf gives its real parts, then its imaginary parts."""
    parts = [_real_vector(np.asarray(leaf)) for leaf in leaves(tree)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _real_vector(array: np.ndarray) -> Vector:
    entries = array.ravel()
    if entries.dtype.kind == "c":
        return np.concatenate([entries.real, entries.imag]).astype(float)
    return entries.astype(float)


def rebuild(tree: Any, vector: Vector) -> Any:
    """The container again, its float leaves taken from `vector` with their own types and layouts."""
    position = 0

    def taken(leaf: Any) -> Any:
        nonlocal position
        if not is_float(leaf):
            return leaf
        width = _real_vector(np.asarray(leaf)).size
        entries = vector[position : position + width]
        position += width
        return _like(leaf, entries)

    return map_leaves(taken, tree)


def _like(leaf: Any, entries: Vector) -> Any:
    dtype = np.asarray(leaf).dtype
    if dtype.kind == "c":
        half = entries.size // 2
        entries = entries[:half] + 1j * entries[half:]
    if isinstance(leaf, np.ndarray):
        array = np.empty_like(leaf)
        array[...] = entries.reshape(leaf.shape)
        return array
    return type(leaf)(entries[0])


def cotangent_vector(tree: Any, bar: Any) -> Vector:
    """The float leaves of `bar` where `tree` has float leaves: a cotangent holds None or 0 for the others."""
    parts: list[Vector] = []

    def collect(leaf: Any, leaf_bar: Any) -> Any:
        if is_float(leaf):
            array = np.asarray(leaf_bar)
            assert array.shape == np.shape(leaf), f"cotangent of shape {array.shape} for a leaf of {np.shape(leaf)}"
            complex_leaf = np.asarray(leaf).dtype.kind == "c"
            parts.append(_real_vector(array.astype(complex) if complex_leaf else array))
        return leaf

    walk_pair(collect, tree, bar)
    return np.concatenate(parts) if parts else np.zeros(0)


def walk_pair(visit: Callable[[Any, Any], Any], tree: Any, bar: Any) -> None:
    """Visit every leaf with its part of the cotangent; containers without floats are passed over."""
    parts = children(tree)
    if parts is None:
        visit(tree, bar)
    elif holds_floats(tree):
        bars = children(bar)
        assert bars is not None and len(bars) == len(parts), f"a cotangent {type(bar)} for {type(tree)}"
        for part, part_bar in zip(parts, bars, strict=True):
            walk_pair(visit, part, part_bar)


def random_like(tree: Any, rng: np.random.Generator) -> Any:
    """Standard normal numbers in the float leaves: a direction, or a seed."""
    return rebuild(tree, rng.standard_normal(flat(tree).size))


def float_arguments(args: Sequence[Any]) -> tuple[int, ...]:
    """The positions of the arguments that hold floats."""
    return tuple(i for i, arg in enumerate(args) if holds_floats(arg))


def positions(function: Callable[..., Any], args: Sequence[Any], wrt: Any = None) -> tuple[int, ...]:
    """`wrt` as positions: an index, a name, or a tuple of them; None for every argument that holds floats."""
    if wrt is None:
        return float_arguments(args)
    names = list(inspect.signature(function).parameters)
    entries = wrt if isinstance(wrt, tuple) else (wrt,)
    return tuple(names.index(entry) if isinstance(entry, str) else entry for entry in entries)


# -- differences ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A derivative and, entry by entry, how far from it the truth may be."""

    value: Vector
    error: Vector


def richardson(line: Callable[[float], Vector], step: float = 2e-2, levels: int = 7) -> Estimate:
    """The derivative of `line` at 0, by Ridders' method: halved steps, even powers of the error removed in turn.

    Of all entries of the tableau the one with the smallest error estimate is kept, per component.
    """
    best = error = None
    previous: list[Vector] = []
    scale = 0.0
    for level in range(levels):
        h = step / 2**level
        ahead, behind = line(h), line(-h)
        scale = np.maximum(scale, np.maximum(np.abs(ahead), np.abs(behind)))
        row = [(ahead - behind) / (2 * h)]
        for k in range(level):
            row.append(row[k] + (row[k] - previous[k]) / (4 ** (k + 1) - 1))
            distance = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - previous[k]))
            distance = distance + 4 * np.finfo(float).eps * scale / h
            if best is None:
                best, error = row[k + 1], distance
            else:
                better = distance < error
                best, error = np.where(better, row[k + 1], best), np.where(better, distance, error)
        previous = row
    return Estimate(np.asarray(best), np.asarray(error))


def directional(
    function: Callable[..., Any], args: Sequence[Any], direction: Sequence[Any], wrt: Any = None, step: float = 2e-2
) -> Estimate:
    """The derivative of the flattened result along `direction` (one tangent per `wrt` argument)."""
    where = positions(function, args, wrt)
    bases = [flat(args[i]) for i in where]
    slopes = [flat(tangent) for tangent in direction]

    def line(h: float) -> Vector:
        return flat(_call_at(function, args, where, [b + h * s for b, s in zip(bases, slopes, strict=True)]))

    return richardson(line, step)


def gradient(
    function: Callable[..., Any], args: Sequence[Any], wrt: Any = None, seed: Any = None, step: float = 2e-2
) -> Estimate:
    """The gradient of <seed, result> with respect to all `wrt` arguments, as one flat vector.

    Without a seed the result must be a scalar.
    """
    where = positions(function, args, wrt)
    bases = [flat(args[i]) for i in where]
    weight = flat(seed) if seed is not None else None

    def weighted(vectors: Sequence[Vector]) -> Vector:
        result = flat(_call_at(function, args, where, vectors))
        if weight is None:
            assert result.size == 1, "a gradient needs a scalar result, or a seed"
            return result
        return np.asarray([np.dot(result, weight)])

    estimates = [
        richardson(lambda h, a=a, j=j: weighted([_moved(b, j, h) if k == a else b for k, b in enumerate(bases)]), step)
        for a, base in enumerate(bases)
        for j in range(base.size)
    ]
    if not estimates:
        return Estimate(np.zeros(0), np.zeros(0))
    return Estimate(np.concatenate([e.value for e in estimates]), np.concatenate([e.error for e in estimates]))


def _moved(vector: Vector, entry: int, by: float) -> Vector:
    moved = vector.copy()
    moved[entry] += by
    return moved


def _call_at(
    function: Callable[..., Any], args: Sequence[Any], where: Sequence[int], vectors: Sequence[Vector]
) -> Any:
    moved = copy.deepcopy(list(args))
    for i, vector in zip(where, vectors, strict=True):
        moved[i] = rebuild(args[i], vector)
    return function(*moved)


# -- complex step -----------------------------------------------------------------------------------------


def complex_step(function: Callable[..., Any], args: Sequence[Any], wrt: Any = None, step: float = 1e-30) -> Vector:
    """The gradient of an analytic scalar program, to the last bit.

    Raises `NotSmooth` where the imaginary part was thrown away: a cast, a comparison with it, `abs`.
    """
    where = positions(function, args, wrt)
    entries = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        for i in where:
            for j in range(flat(args[i]).size):
                entries.append(_imaginary_slope(function, args, i, j, step))
    return np.asarray(entries)


def _imaginary_slope(function: Callable[..., Any], args: Sequence[Any], i: int, j: int, step: float) -> float:
    moved = copy.deepcopy(list(args))
    moved[i] = _stepped(args[i], j, 1j * step)
    try:
        result = function(*moved)
    except np.exceptions.ComplexWarning as warning:
        raise NotSmooth("the program drops imaginary parts") from warning
    if not isinstance(result, (complex, np.complexfloating, np.ndarray)):
        raise NotSmooth("the program drops imaginary parts")
    return float(np.imag(result)) / step


def _stepped(tree: Any, entry: int, by: complex) -> Any:
    position = 0

    def stepped(leaf: Any) -> Any:
        nonlocal position
        if not is_float(leaf):
            return leaf
        start, position = position, position + np.size(leaf)
        if isinstance(leaf, np.ndarray):
            array = leaf.astype(complex)
            if start <= entry < position:
                array.reshape(-1)[entry - start] += by
            return array
        return complex(leaf) + by if start == entry else complex(leaf)

    return map_leaves(stepped, tree)


# -- comparison -------------------------------------------------------------------------------------------


def bit_equal(a: Any, b: Any) -> bool:
    """Equal in structure, type, dtype, shape and every bit (NaN equals NaN, 0.0 differs from -0.0)."""
    parts, others = children(a), children(b)
    if parts is not None or others is not None:
        return type(a) is type(b) and len(parts or ()) == len(others or ()) and all(map(bit_equal, parts, others))
    if isinstance(a, (np.ndarray, np.generic, float, complex)):
        x, y = np.asarray(a), np.asarray(b)
        return type(a) is type(b) and x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    return type(a) is type(b) and a == b


def assert_close(actual: Vector, expected: Estimate, rtol: float = 1e-7, atol: float = 1e-9, what: str = "") -> None:
    """`actual` lies within the estimate's own error, plus rounding.

    An estimate that is too vague to judge by raises `NotSmooth` instead of passing everything.
    """
    size = np.maximum(np.abs(expected.value), 1.0)
    vague = expected.error > 1e-4 * size
    if vague.any():
        raise NotSmooth(f"{what}: differences do not settle: {expected.value[vague]} +- {expected.error[vague]}")
    assert actual.shape == expected.value.shape, f"{what}: {actual.shape} entries, expected {expected.value.shape}"
    allowed = 4 * expected.error + atol + rtol * size
    wrong = ~(np.abs(actual - expected.value) <= allowed)
    assert not wrong.any(), (
        f"{what}: entries {np.flatnonzero(wrong).tolist()}: {actual[wrong]}, "
        f"but differences give {expected.value[wrong]} +- {expected.error[wrong]}"
    )


def assert_same(a: Vector, b: Vector, rtol: float = 1e-10, atol: float = 1e-12, what: str = "") -> None:
    """Two exact computations of one thing agree up to rounding."""
    assert a.shape == b.shape, f"{what}: {a.shape} against {b.shape}"
    size = np.maximum(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    assert np.all(np.abs(a - b) <= atol + rtol * size), f"{what}: {a} against {b}"
