"""How is a function differentiated that cannot be transformed?  By recording it, at each call.

>>> value, pull = traced(lambda x, n: x**n, (True, False), 3.0, 2)
>>> value, pull(1.0)
(9.0, (6.0,))
"""

from __future__ import annotations

import linecache
import os
import traceback
from collections.abc import Callable, Iterator
from types import CellType
from typing import Any

import numpy as np

from retrograd.runtime import engine, modes
from retrograd.runtime.custom import Alike
from retrograd.runtime.errors import AliasedMutation, ArgumentError, DifferentiationError, Location, UntypedValue
from retrograd.runtime.graph import Variable, edge_of, source
from retrograd.runtime.structure import Path, leaves, mapped
from retrograd.runtime.traced import TracedArray, is_differentiable


def traced(
    fn: Callable[..., Any], active: tuple[bool, ...], *args: Any, **kwargs: Any
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """``value, pull`` of a call: the active arguments are lifted out of containers and recorded.

    ``active`` tells which arguments are, positional ones first; ``pull(value_bar)`` returns a cotangent for each of those.
    """
    given = (*args, *kwargs.values())
    _refuse_other_ways(fn, [value for on, value in zip(active, given, strict=True) if on])
    entered = tuple(mapped(_entered if on else _shown, value) for on, value in zip(active, given, strict=True))
    before = list(leaves(entered))
    with modes.enable_grad():
        try:
            result = fn(*entered[: len(args)], **dict(zip(kwargs, entered[len(args) :], strict=True)))
        except Exception as error:
            refusal = _refusal_in(error)
            if refusal is None:
                raise
            refusal.add_note(f"{name_of(fn)} was recorded as it ran, because it could not be transformed: rg.explain says why.")
            raise refusal.at(_place(refusal)) from None
    _refuse_writes(fn, entered)
    _refuse_changes(fn, entered, before)
    value = one_result(result, name_of(fn))
    return value, Pull(result, [e for on, e in zip(active, entered, strict=True) if on])


def _refusal_in(error: BaseException | None) -> DifferentiationError | None:
    """NumPy puts an error of its own on top of what is raised while it converts a value."""
    while error is not None and not isinstance(error, DifferentiationError):
        error = error.__cause__
    return error


def _place(error: BaseException) -> Location | None:
    """The innermost line that is neither NumPy's nor this library's, and can be shown."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        raw = linecache.getline(frame.filename, frame.lineno or 0)
        if raw.strip() and not frame.filename.startswith(NOT_THE_USERS):
            end = frame.end_colno if frame.end_lineno == frame.lineno else None
            return Location.spanning(frame.filename, frame.lineno or 0, raw, frame.colno or 0, end or len(raw.rstrip().encode()))
    return None


NOT_THE_USERS = (os.path.dirname(__file__), os.path.dirname(np.__file__))


def untraced(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The call where nothing is active; it cannot write to the caller's arrays, of which nobody would know."""
    given = [mapped(_shown, a) for a in args], {k: mapped(_shown, v) for k, v in kwargs.items()}
    before = list(leaves(given))
    result = fn(*given[0], **given[1])
    _refuse_changes(fn, given, before)
    return one_result(result, name_of(fn))


def name_of(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _entered(path: Path, leaf: Any) -> Any:
    """An active leaf: its own copy, at the start of a graph."""
    if not is_differentiable(leaf):
        return _shown(path, leaf)
    return source(TracedArray, leaf.copy(order="K") if isinstance(leaf, np.ndarray) else leaf)


def _shown(path: Path, leaf: Any) -> Any:
    """A leaf that may be read only."""
    if type(leaf) is np.ndarray:
        leaf = leaf.view()
        leaf.flags.writeable = False
    return leaf


def _refuse_other_ways(fn: Callable[..., Any], active: list[Any]) -> None:
    """An active array that the function also reads from a cell or a global would enter it without a derivative (A3)."""
    arrays = [leaf for _, leaf in leaves(active) if type(leaf) is np.ndarray]
    for name, value in _outside(fn):
        for _, leaf in leaves(value) if arrays else ():
            if type(leaf) is np.ndarray and any(np.may_share_memory(leaf, other) for other in arrays):
                raise ArgumentError(
                    f"{name_of(fn)}, which is recorded as it runs, reads {name}, which is the memory of an active argument",
                    remedy=f"Pass {name} as an argument, or a copy of it as a constant.",
                )


def _outside(fn: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What a function reads from its cells and its module, by name."""
    code = fn.__code__
    for name, cell in zip(code.co_freevars, fn.__closure__ or (), strict=True):
        if cell != _EMPTY:
            yield name, cell.cell_contents
    for name in code.co_names:
        if name in fn.__globals__:
            yield name, fn.__globals__[name]


_EMPTY = CellType()


def _refuse_writes(fn: Callable[..., Any], entered: Any) -> None:
    for _, leaf in leaves(entered):
        if isinstance(leaf, Variable) and leaf._memory is not None and leaf._memory.version:
            raise AliasedMutation(
                f"{name_of(fn)}, which is recorded as it runs, writes to its argument",
                remedy=f"Copy the argument inside {name_of(fn)} first, and return the result.",
            )


def _refuse_changes(fn: Callable[..., Any], given: Any, before: list[Any]) -> None:
    """A list or dict that the function changes is a copy of the caller's, who would never know."""
    after = list(leaves(given))
    if len(after) != len(before) or any(p != q or a is not b for (p, a), (q, b) in zip(before, after)):
        raise AliasedMutation(
            f"{name_of(fn)}, which could not be transformed, changes a list or dict that it was given",
            remedy=f"Return the new values from {name_of(fn)} instead.",
        )


def one_result(result: Any, name: str) -> Any:
    """A number or array with memory of its own, or None; an error otherwise, as emitted code counts on that."""
    value = result._value if isinstance(result, Variable) else result
    if type(value) is np.ndarray:
        return value.copy(order="K")
    if value is None or isinstance(value, (bool, int, float, complex, np.generic)):
        return value
    raise UntypedValue(
        f"{name}, which could not be transformed, returned a {type(value).__name__}",
        remedy="Return one number or array from it; rg.explain says why it was not transformed.",
    )


class Pull:
    """The pullback of one recorded call; it may be called any number of times."""

    def __init__(self, result: Any, entered: list[Any]) -> None:
        self.edge = edge_of(result) if isinstance(result, Variable) else None
        self.value = result._value if isinstance(result, Variable) else result
        self.entered = entered

    def __call__(self, value_bar: Any) -> tuple[Any, ...]:
        variables = [leaf for _, leaf in leaves(self.entered) if isinstance(leaf, Variable)]
        found = iter(self._bars(variables, value_bar))
        return tuple(mapped(lambda _, leaf: next(found) if isinstance(leaf, Variable) else None, e) for e in self.entered)

    def _bars(self, variables: list[Variable], value_bar: Any) -> list[Any]:
        """Zeros where the result does not depend on an argument."""
        if self.edge is None:
            return [Alike(v._value).zeros() for v in variables]
        seed = np.array(np.broadcast_to(value_bar, np.shape(self.value)), np.asarray(self.value).dtype)
        wanted = [edge for v in variables if (edge := edge_of(v)) is not None]
        found = engine.run([self.edge], [seed], wanted, retain=True)
        return [_like(v._value, bar) for v, bar in zip(variables, found, strict=True)]


def _like(value: Any, bar: Any) -> Any:
    alike = Alike(value)
    if bar is None:
        return alike.zeros()
    return np.array(bar) if alike.kind is np.ndarray else alike.kind(np.asarray(bar)[()])
