"""What kind of thing is a value: dtype, axes with symbolic lengths, structure (T1-T5).

>>> abstract(np.ones((3, 1)), "x")
float64[x.0, 1]
>>> broadcast((Axis("n", False),), (ONE,))
(Axis(symbol='n', one=False),)
"""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

LIST_BY_STRUCTURE = 16
DEPTH = 8  # of objects in objects
#: What classes have that are not written in Python.
OF_C = (types.WrapperDescriptorType, types.MethodDescriptorType, types.MemberDescriptorType)


@dataclass(frozen=True, slots=True)
class Axis:
    """A length that is known by name only.  ``one``: is it 1?  True, False, or None for maybe."""

    symbol: str
    one: bool | None


ONE = Axis("1", True)


def known_length(axis: Axis) -> int | None:
    """The length of an axis whose name says it: ``=4``."""
    return int(axis.symbol[1:]) if axis.symbol[0] == "=" and "|" not in axis.symbol else None


@dataclass(frozen=True, slots=True)
class ArrayT:
    """``type(x) is np.ndarray`` of a native dtype."""

    dtype: np.dtype
    shape: tuple[Axis, ...]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"{self.dtype}[{', '.join(axis.symbol for axis in self.shape)}]"


@dataclass(frozen=True, slots=True)
class ScalarT:
    """A Python scalar (``weak``), a NumPy scalar (not ``weak``), or either (None).

    ``number`` marks a value that is an int on some paths and a float on others (T3).
    """

    dtype: np.dtype
    weak: bool | None = True
    number: bool = False

    ndim = 0
    shape = ()

    def __repr__(self) -> str:
        return f"{'number' if self.number else self.dtype}{ {True: '', False: '!', None: '?'}[self.weak]}"


@dataclass(frozen=True, slots=True)
class NumberT:
    """A number or array whose rank is not known; every choice about it is made at run time."""

    dtype: np.dtype | None = None


@dataclass(frozen=True, slots=True)
class ConstT:
    """A string, None, an ellipsis: its value is part of its type."""

    value: Any


@dataclass(frozen=True, slots=True)
class AggregateT:
    """Parts known one by one; ``kind`` is tuple, list, dict or a dataclass."""

    kind: Any
    items: tuple[Any, ...]
    keys: tuple[Any, ...] | None = None

    @property
    def labels(self) -> Any:
        """What each part is found under: keys, field names, or positions."""
        return self.keys if self.keys is not None else range(len(self.items))


@dataclass(frozen=True, slots=True)
class ListT:
    """A list or tuple of likes."""

    kind: Any
    item: Any


@dataclass(frozen=True, slots=True)
class DictT(ListT):
    """A dict whose keys only the run knows, of values of one type; ``kind`` is dict, ``key`` the type of the keys."""

    key: Any = None


@dataclass(frozen=True, slots=True)
class RangeT:
    pass


@dataclass(frozen=True, slots=True)
class OpaqueT:
    """Anything else.  An active value never is one (A3)."""

    cls: Any = None


FLOAT = ScalarT(np.dtype(float), True)
INT = ScalarT(np.dtype(int), True)
BOOL = ScalarT(np.dtype(bool), True)
OPAQUE = OpaqueT()
NATIVE = "biufc"


def abstract(value: Any, path: str = "x", argument: bool = False) -> Any:
    """The type of a run-time value; ``path`` names its axes.  Plain objects are known by their attributes if they are arguments."""
    if type(value) is np.ndarray:
        return _array(value, path)
    if isinstance(value, (bool, int, float, complex)) and type(value) in (bool, int, float, complex):
        return ScalarT(np.dtype(type(value)), True)
    if isinstance(value, np.generic) and value.dtype.kind in NATIVE:
        return ScalarT(value.dtype, False)
    if value is None or value is Ellipsis or isinstance(value, (str, bytes, enum.Enum)):
        return ConstT(value)
    if type(value) in (tuple, list):
        return _sequence(value, path, argument)
    if type(value) is dict and all(isinstance(k, (str, int)) for k in value):
        items = tuple(abstract(v, f"{path}.{k}", argument) for k, v in value.items())
        return AggregateT(dict, items, tuple(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        items = tuple(abstract(v, f"{path}.{k}", argument) for k, v in zip(value._fields, value))
        return AggregateT(type(value), items, tuple(value._fields))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in dataclasses.fields(value))
        return AggregateT(type(value), tuple(abstract(getattr(value, n), f"{path}.{n}", argument) for n in names), names)
    if argument and _has_attributes(value) and path.count(".") < DEPTH:
        items = tuple(abstract(v, f"{path}.{k}", argument) for k, v in vars(value).items())
        if not any(isinstance(t, OpaqueT) for t in items):
            return AggregateT(type(value), items, tuple(vars(value)))
    return RangeT() if type(value) is range else OpaqueT(type(value))


def _has_attributes(value: Any) -> bool:
    """Is it an object of a class written in Python, all of whose state is in its attributes?"""
    if not hasattr(value, "__dict__") or type(value).__module__.partition(".")[0] in ("builtins", "numpy", "retrograd"):
        return False
    bases = type(value).__mro__[:-1]
    parts = [part for cls in bases for part in vars(cls).items()]
    return all(type(cls) is type for cls in bases) and not any(
        name in ("__slots__", "__getattr__", "__getattribute__") or isinstance(part, OF_C) for name, part in parts
    )


def _array(value: np.ndarray, path: str) -> Any:
    if value.dtype.kind not in NATIVE or not value.dtype.isnative:
        return OpaqueT(np.ndarray)
    axes = tuple(ONE if n == 1 else Axis(f"{path}.{k}", False) for k, n in enumerate(value.shape))
    return ArrayT(value.dtype, axes)


def _sequence(value: Any, path: str, argument: bool) -> Any:
    types = tuple(abstract(v, f"{path}.{k}", argument) for k, v in enumerate(value))
    if type(value) is tuple or len(value) <= LIST_BY_STRUCTURE:
        return AggregateT(type(value), types)
    return ListT(type(value), join_all(types))


def with_lengths(t: Any, value: Any) -> Any:
    """The type of a value, the lengths of its arrays included."""
    if isinstance(t, ArrayT):
        return ArrayT(t.dtype, tuple(ONE if n == 1 else Axis(f"={n}", False) for n in value.shape))
    if isinstance(t, AggregateT):
        by_item = t.kind is dict or t.keys is None
        parts = (value[k] if by_item else getattr(value, k) for k in t.labels)
        return AggregateT(t.kind, tuple(map(with_lengths, t.items, parts)), t.keys)
    return t


def described(t: Any) -> str:
    """What a value of this type is called in errors."""
    if isinstance(t, ArrayT):
        return f"an array of {t.dtype} with {t.ndim} {'axis' if t.ndim == 1 else 'axes'}"
    if isinstance(t, ScalarT):
        name = type(t.dtype.type(0).item()).__name__ if t.weak else t.dtype.name
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    kind = type(t.value) if isinstance(t, ConstT) else getattr(t, "kind", None)
    return f"a {kind.__name__}" if isinstance(kind, type) else "a value of a kind not known before the run"


def is_counting(value: Any) -> bool:
    """Is it an int, or a tuple of such?"""
    return type(value) in (int, bool) or (type(value) is tuple and all(map(is_counting, value)))


def is_hashable(value: Any) -> bool:
    """May it be looked up in a table of functions?"""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def is_inexact(t: Any) -> bool:
    """Can a value of this type carry a derivative?"""
    if isinstance(t, (ArrayT, ScalarT)):
        return t.dtype.kind in "fc"
    if isinstance(t, NumberT):
        return t.dtype is None or t.dtype.kind in "fc"
    if isinstance(t, AggregateT):
        return any(is_inexact(item) for item in t.items)
    return t.item is not None and is_inexact(t.item) if isinstance(t, ListT) else False


def classes_in(t: Any) -> list[type]:
    """The classes of the objects in a value that programs make."""
    if isinstance(t, ListT):
        return classes_in(t.item)
    if not isinstance(t, AggregateT):
        return []
    own = [t.kind] if is_object(t) else []
    return list(dict.fromkeys([*own, *(kind for item in t.items for kind in classes_in(item))]))


def is_object(t: Any) -> bool:
    """Is it an instance of a class, with attributes?"""
    return isinstance(t, AggregateT) and t.kind not in (tuple, list, dict) and not issubclass(t.kind, tuple)


def holds_numbers(t: Any) -> bool:
    """Is there a number or an array in it?"""
    if isinstance(t, AggregateT):
        return any(map(holds_numbers, t.items))
    return is_numeric(t) or (isinstance(t, ListT) and holds_numbers(t.item))


def is_numeric(t: Any) -> bool:
    return isinstance(t, (ArrayT, ScalarT, NumberT))


def kind_of_number(t: Any) -> type | None:
    """The class of a number or an array, where its type tells."""
    if isinstance(t, ArrayT):
        return np.ndarray
    if not isinstance(t, ScalarT) or t.number or t.weak is None:
        return None
    return type(t.dtype.type(0).item()) if t.weak else t.dtype.type


def full_name(kind: type) -> str:
    """A class as Python's errors call it."""
    return kind.__name__ if kind.__module__ == "builtins" else f"numpy.{kind.__name__}"


def is_scalar(t: Any) -> bool:
    return isinstance(t, ScalarT)


_fresh = 0


def fresh_axis(one: bool | None = None) -> Axis:
    """A length about which nothing is known."""
    global _fresh
    _fresh += 1
    return Axis(f"?{_fresh}", one)


# -- broadcasting -----------------------------------------------------------------------------------------


def broadcast(*shapes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes of an elementwise result whose operands have these axes."""
    rank = max(map(len, shapes), default=0)
    padded = [(ONE,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(_broadcast_axis(axes) for axes in zip(*padded))


def _broadcast_axis(axes: tuple[Axis, ...]) -> Axis:
    wide = [axis for axis in axes if axis.one is not True]
    if not wide:
        return ONE
    sure = [axis for axis in wide if axis.one is False]
    if sure:
        return sure[0]
    return wide[0] if all(surely_equal(axis, wide[0]) for axis in wide) else fresh_axis()


def surely_equal(a: Axis, b: Axis) -> bool:
    """Is it one length?  The name of a joined axis (``a|b``) says where a length comes from, not which one it is."""
    return a == b and (a.one is not None or "|" not in a.symbol)


def equal_shapes(a: Any, b: Any) -> bool:
    """Are the lengths equal, axis by axis, whether or not the two ever meet?"""
    known = isinstance(a, (ArrayT, ScalarT)) and isinstance(b, (ArrayT, ScalarT)) and a.ndim == b.ndim
    return known and all(m == n and "|" not in m.symbol for m, n in zip(a.shape, b.shape))


def same_shape(a: Any, b: Any) -> bool:
    """Are the lengths equal, axis by axis, given that the two meet in one operation?

    T1: two lengths that are both known not to be 1 and that meet elementwise are equal.
    """
    if not (isinstance(a, (ArrayT, ScalarT)) and isinstance(b, (ArrayT, ScalarT))) or a.ndim != b.ndim:
        return False
    return all(surely_equal(m, n) or (m.one is False and n.one is False) for m, n in zip(a.shape, b.shape))


# -- joins ------------------------------------------------------------------------------------------------


def join(a: Any, b: Any) -> Any:
    """The type of a value that is an ``a`` on one path and a ``b`` on another."""
    if a == b:
        return a if getattr(a, "axis", None) == getattr(b, "axis", None) else plain(a)
    if isinstance(a, ScalarT) and isinstance(b, ScalarT):
        return _join_scalars(a, b)
    if isinstance(a, ListT) and isinstance(b, ListT):
        return _join_lists(a, b)
    if isinstance(a, ArrayT) and isinstance(b, ArrayT) and a.ndim == b.ndim and a.dtype == b.dtype:
        return ArrayT(a.dtype, tuple(_join_axis(m, n) for m, n in zip(a.shape, b.shape)))
    if isinstance(a, AggregateT) and isinstance(b, AggregateT):
        if a.kind == b.kind and a.keys == b.keys and len(a.items) == len(b.items):
            return AggregateT(a.kind, tuple(map(join, a.items, b.items)), a.keys)
        return OPAQUE
    if is_numeric(a) and is_numeric(b):
        kinds = {_kind(a), _kind(b)}
        return NumberT(_dtype(a) if _dtype(a) == _dtype(b) else None) if kinds & {"f", "c", "?"} else OPAQUE
    return OPAQUE


def _join_lists(a: ListT, b: ListT) -> Any:
    """An empty list has items of no type yet."""
    if a.kind is not b.kind:
        return OPAQUE
    item = b.item if a.item is None else (a.item if b.item is None else join(a.item, b.item))
    if isinstance(item, OpaqueT):
        return OPAQUE
    if isinstance(a, DictT) and isinstance(b, DictT):
        return DictT(dict, item, b.key if a.key is None else a.key if b.key is None else join(a.key, b.key))
    return dataclasses.replace(a, item=item)


def join_all(types: Iterable[Any]) -> Any:
    """The type of a value that is any one of these; None where there are none."""
    out = None
    for t in types:
        out = t if out is None else join(out, t)
    return out


def carried(t: Any) -> Any:
    """The type of a cotangent or tangent that several statements may make: of a scalar, a Python number or a NumPy one;
    of a 0-d array, that or a NumPy scalar; of an object, a dict."""
    if isinstance(t, ScalarT):
        return dataclasses.replace(t, weak=None)
    if isinstance(t, ListT):
        return dataclasses.replace(t, item=carried(t.item))
    if isinstance(t, AggregateT):
        parts = tuple(carried(item) if is_inexact(item) else OPAQUE for item in t.items)
        return AggregateT(dict if is_object(t) else t.kind, parts, t.keys)
    return NumberT(t.dtype) if isinstance(t, ArrayT) and not t.shape else t


def plain(t: Any) -> Any:
    """The type without what it remembers of where a length came from."""
    if isinstance(t, ScalarT) and type(t) is not ScalarT:
        return ScalarT(t.dtype, t.weak, t.number)
    if isinstance(t, AggregateT):
        return AggregateT(t.kind, tuple(map(plain, t.items)), t.keys)
    return t


def _kind(t: Any) -> str:
    return t.dtype.kind if t.dtype is not None else "?"


def _dtype(t: Any) -> np.dtype | None:
    return t.dtype


def _join_axis(a: Axis, b: Axis) -> Axis:
    if a == b:
        return a
    # the symbol is made of its parts, those without names counted as one, so that a fixed point is reached
    parts = {"?" if part[0] == "?" else part for axis in (a, b) for part in axis.symbol.split("|")}
    name = "|".join(sorted(parts)) if len(parts) > 1 else f"?|{parts.pop()}"
    return Axis(name, False if a.one is False and b.one is False else None)


def _join_scalars(a: ScalarT, b: ScalarT) -> Any:
    weak = a.weak if a.weak == b.weak else None
    if a.dtype == b.dtype:
        return ScalarT(a.dtype, weak, a.number or b.number)
    kinds = a.dtype.kind + b.dtype.kind
    if set(kinds) <= set("biuf") and "f" in kinds:
        wide = a.dtype if a.dtype.kind == "f" else b.dtype
        if {a.dtype.kind, b.dtype.kind} != {"f"}:
            return ScalarT(wide, weak, number=True)
    if set(kinds) <= set("biu"):
        return ScalarT(np.result_type(a.dtype, b.dtype), weak)
    return NumberT(None)


# -- samples for probing (T2) -----------------------------------------------------------------------------


ITEMS = "number of items"  # among the lengths of a probe: how many items a list of unknown length has


def sample(t: Any, lengths: dict[str, int], weak: bool = True, count: int = 1) -> Any:
    """A small value of type ``t``: ones, with each symbolic length looked up in ``lengths``; ints and bools are ``count``."""
    if isinstance(t, ArrayT):
        ones = np.full(tuple(_sample_length(a, lengths) for a in t.shape), count if t.dtype.kind in "biu" else 1, t.dtype)
        # matrices are made regular, so that inverses and factors exist
        return ones + np.eye(*ones.shape[-2:], dtype=t.dtype) if ones.ndim > 1 and t.dtype.kind != "b" else ones
    if isinstance(t, ScalarT):
        python = t.weak if t.weak is not None else weak
        one = t.dtype.type(count if t.dtype.kind in "biu" else 1)
        return one.item() if python else one
    if isinstance(t, ConstT):
        return t.value
    if isinstance(t, AggregateT):
        return construct(t.kind, [sample(item, lengths, weak, count) for item in t.items], t.keys)
    if isinstance(t, DictT):
        return {k: sample(t.item, lengths, weak, count) for k in range(lengths.get(ITEMS, 2))}
    if isinstance(t, ListT):
        return t.kind([sample(t.item, lengths, weak, count)] * lengths.get(ITEMS, 2))
    raise TypeError(t)


def _sample_length(axis: Axis, lengths: dict[str, int]) -> int:
    known = known_length(axis)
    return 1 if axis.one else known if known is not None else lengths.get(axis.symbol, 1)


def construct(kind: Any, items: Any, keys: Any) -> Any:
    """A container from its parts."""
    if kind is dict:
        return dict(zip(keys, items))
    if keys is not None:
        return kind(**dict(zip(keys, items)))
    return kind(items)


def symbols(t: Any) -> set[str]:
    """The lengths a type leaves open."""
    if isinstance(t, ArrayT):
        return {axis.symbol for axis in t.shape if axis.one is not True and known_length(axis) is None}
    if isinstance(t, AggregateT):
        return set().union(*map(symbols, t.items))
    return symbols(t.item) if isinstance(t, ListT) else set()


def unit(t: Any, weak: bool = True) -> Any:
    """A sample with every axis of length 1, as elementwise functions are probed."""
    return sample(t, {}, weak)
