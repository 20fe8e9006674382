"""Is a value what emitted code takes it for?  In checked mode emitted code asks this after each statement (T6).

A description of a type says what may be asked of a value; lengths known by name only are bound where they are
first met, and must be the same wherever they are met again in the same call.

>>> n, lengths = Axis("n", one=False), {}
>>> mismatch(np.ones(3), Array(np.dtype(float), (n,)), lengths), lengths
('', {'n': 3})
>>> mismatch(np.ones(4), Array(np.dtype(float), (n,)), lengths)
'axis 0 has length 4, but n is 3'
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import CheckFailed, Location

Lengths = dict[str, int]

# -- descriptions of types --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """A length: what it is called, and whether it is 1 (None for maybe).  Only a ``fixed`` name stands for one length."""

    symbol: str
    one: bool | None = None
    fixed: bool = True

    def mismatch(self, at: int, length: int, lengths: Lengths) -> str:
        if self.one is not None and self.one != (length == 1):
            return f"axis {at} has length {length}, but {self.symbol} is {'' if self.one else 'not '}1"
        if self.fixed and self.symbol.startswith("="):
            return "" if length == int(self.symbol[1:]) else f"axis {at} has length {length}, not {self.symbol[1:]}"
        if self.fixed and not self.one and lengths.setdefault(self.symbol, length) != length:
            return f"axis {at} has length {length}, but {self.symbol} is {lengths[self.symbol]}"
        return ""


@dataclass(frozen=True)
class Anything:
    """Nothing is claimed."""

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        return ""


@dataclass(frozen=True)
class Array:
    dtype: np.dtype
    axes: tuple[Axis, ...]

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        if type(value) is not np.ndarray:
            return "it is not an array"
        if value.dtype != self.dtype:
            return f"its dtype is {value.dtype}"
        return _shape_mismatch(self.axes, value.shape, lengths)


@dataclass(frozen=True)
class Scalar:
    """A Python scalar, a NumPy scalar, or (None) either; a ``number`` may be an int where it says float (T3)."""

    dtype: np.dtype
    python: bool | None = None
    number: bool = False
    length: Axis | None = None

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        if not isinstance(value, (bool, int, float, complex, np.generic)):
            return "it is not a scalar"
        is_python = type(value) in (bool, int, float, complex)
        if self.python is not None and is_python != self.python:
            return f"it is a {'Python' if is_python else 'NumPy'} scalar"
        if not self._has_dtype(np.dtype(type(value)) if is_python else value.dtype, is_python):
            return f"it is a {type(value).__name__}"
        return self.length.mismatch(0, int(value), lengths) if self.length is not None else ""

    def _has_dtype(self, found: np.dtype, is_python: bool) -> bool:
        kinds = "biuf" if self.number else self.dtype.kind if is_python else ""  # a Python scalar takes any precision
        return found == self.dtype or found.kind in kinds


@dataclass(frozen=True)
class Number:
    """A number or an array of numbers, of any rank."""

    dtype: np.dtype | None = None

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        if not isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
            return "it is not a number"
        found = np.asarray(value).dtype
        return "" if self.dtype is None or found == self.dtype else f"its dtype is {found}"


@dataclass(frozen=True)
class Constant:
    """A value that is part of its type."""

    value: Any

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        same = type(value) is type(self.value) and (value is self.value or value == self.value)
        return "" if same else "it has another value"


@dataclass(frozen=True)
class Parts:
    """A container whose parts are known one by one: by key, by attribute (``fields``) or by position."""

    kind: type
    labels: tuple[Any, ...]
    items: tuple[Any, ...]
    fields: bool = False

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        if type(value) is not self.kind:
            return f"it is a {type(value).__name__}"
        if not self.fields and len(value) != len(self.items):
            return f"it has {len(value)} parts"
        if self.kind is dict and tuple(value) != self.labels:
            return f"its keys are {tuple(value)}"
        found = ((k, self._part(value, k), item) for k, item in zip(self.labels, self.items))
        return _first(f"its part {k!r}: {why}" for k, v, item in found if (why := item.mismatch(v, lengths)))

    def _part(self, value: Any, label: Any) -> Any:
        return getattr(value, label) if self.fields else value[label]


@dataclass(frozen=True)
class Likes:
    """A list, tuple or dict, of any length, of values of one type."""

    kind: type
    item: Any

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        if type(value) is not self.kind:
            return f"it is a {type(value).__name__}"
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return _first(f"its part {k}: {why}" for k, v in parts if (why := self.item.mismatch(v, {})))


@dataclass(frozen=True)
class Instance:
    """An object of which only the class is known."""

    cls: type

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        return "" if isinstance(value, self.cls) else f"it is a {type(value).__name__}"


@dataclass(frozen=True)
class Cotangent:
    """A value with the shape and dtype of the primal it belongs to; any scalar is as good as another, or as a 0-d array,
    and a real one as a complex one.
    """

    primal: Array | Scalar

    def mismatch(self, value: Any, lengths: Lengths) -> str:
        if self.primal.dtype.kind == "c" and isinstance(value, (float, np.floating)):
            return ""
        if isinstance(self.primal, Array) and (self.primal.axes or isinstance(value, np.ndarray)):
            return self.primal.mismatch(value, lengths)
        if isinstance(self.primal, Array):
            return Scalar(self.primal.dtype).mismatch(value, lengths)
        return Scalar(self.primal.dtype, None, self.primal.number).mismatch(value, lengths)


def mismatch(value: Any, wanted: Any, lengths: Lengths) -> str:
    """What is wrong with ``value`` as a ``wanted``; empty if nothing is.  Binds the lengths met for the first time."""
    return str(wanted.mismatch(value, lengths))


def _shape_mismatch(axes: tuple[Axis, ...], shape: tuple[int, ...], lengths: Lengths) -> str:
    if len(axes) != len(shape):
        return f"it has {len(shape)} axes"
    return _first(why for k, (axis, n) in enumerate(zip(axes, shape)) if (why := axis.mismatch(k, n, lengths)))


def _first(complaints: Iterable[str]) -> str:
    return next(iter(complaints), "")


# -- what emitted code calls ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """One row of a function's table: the value's name, its type, and the user's line."""

    name: str
    type: Any
    wanted: Any
    what: str = ""
    loc: Location | None = None


@dataclass(frozen=True)
class Checker:
    """The claims about the values of one emitted function, asked by number."""

    claims: tuple[Claim, ...]

    def value(self, k: int, value: Any, lengths: Lengths) -> Any:
        """``value`` itself, if it has the type it is claimed to have."""
        claim = self.claims[k]
        why = claim.wanted.mismatch(value, lengths)
        return self.fail(claim, f"{_shown(value)}: {why}") if why else value

    def fresh(self, k: int, value: Any, operands: tuple[Any, ...]) -> None:
        """``value`` shares no memory with the arrays among the operands."""
        if any(_overlap(value, operand) for operand in operands):
            self.fail(self.claims[k], "memory shared with an operand")

    def view(self, k: int, value: Any, operand: Any) -> None:
        """``value`` shares the memory of the operand."""
        arrays = isinstance(value, np.ndarray) and isinstance(operand, np.ndarray)
        if arrays and value.size and not _overlap(value, operand):
            self.fail(self.claims[k], "memory of its own")

    def snapshot(self, *values: Any) -> tuple[Any, ...]:
        """What the arrays among the values hold now."""
        return tuple((v, v.tobytes()) for v in values if isinstance(v, np.ndarray) and v.dtype.kind in "biufc")

    def unwritten(self, k: int, before: tuple[Any, ...]) -> None:
        """No array of the snapshot has been written since."""
        if any(array.tobytes() != held for array, held in before):
            self.fail(self.claims[k], "an operand was written")

    def poison(self, value: Any) -> None:
        """Uninitialised memory holds NaN, so that reading it before it is written shows."""
        value.fill(np.nan)

    def forget(self, lengths: Lengths, symbols: tuple[str, ...]) -> None:
        """An iteration begins: these lengths may differ from those of the last one."""
        for symbol in symbols:
            lengths.pop(symbol, None)

    def fail(self, claim: Claim, found: str) -> None:
        raise CheckFailed(
            f"{claim.what or 'the value'} {claim.name!r}{_place(claim.loc)} should be {claim.type!r}, found {found}\n"
            "  This is a bug of Retrograd's, not of your program: please report it with the function that shows it."
        )


def _overlap(a: Any, b: Any) -> bool:
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.may_share_memory(a, b)


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return f"{type(value).__name__} {str(value)[:60]}"


def _place(loc: Location | None) -> str:
    return "" if loc is None else f" of {loc.file}:{loc.line} ({loc.text.strip()})" if loc.text else f" of {loc.file}:{loc.line}"
