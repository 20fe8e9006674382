"""What of a function that cannot be transformed?  Where it is active it is recorded as it runs (A3).

A Python function whose source cannot be found, or that uses what is not differentiated, becomes one call of
``traced`` in emitted code, and its pullback another.  What it returns is known at run time only: one number or array.

>>> scope = {}
>>> exec("def made_elsewhere(y): return y * y", scope)
>>> square = scope["made_elsewhere"]
>>> api.grad(lambda x: square(x) * x)(2.0)
12.0
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

from retrograd.runtime import emitted
from retrograd.runtime import fallback as runtime
from retrograd.runtime.errors import DifferentiationError, Location, NoRule, SourceUnavailable, UnsupportedSyntax

from . import api, calls  # noqa: F401  (the example uses api)
from .builder import type_of
from .heap import is_mutable
from .intrinsics import Intrinsic
from .ir import Atom, Block, Call, Const, Let, Ref, Var, vars_of
from .nested import named
from .parse import parse
from .snapshot import Snapshot
from .types import OPAQUE, AggregateT, NumberT, is_inexact
from .values import Compiletime, HowFar

if TYPE_CHECKING:
    from .adjoint.forward import Forward
    from .adjoint.reverse import Reverse
    from .lower import Lowering


@dataclass(frozen=True)
class Note:
    """What became of one call of a user's function."""

    where: Location | None
    name: str
    verdict: str
    reason: str = ""


# -- the call as one statement --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TracedCall(Intrinsic):
    """A call of a function that could not be transformed, for ``reason``; the last arguments are its keywords'."""

    fn: FunctionType
    names: tuple[str, ...]
    reason: str
    pure = False  # nor fresh: the plain function may return its argument, or a view of it

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.fn.__name__

    def call(self, helper: Any, first: tuple[Atom, ...], args: tuple[Atom, ...]) -> Call:
        split = len(args) - len(self.names)
        return Call(helper, (Ref(self.fn, named(self.fn)), *first, *args[:split]), tuple(zip(self.names, args[split:])))

    def expand(self, stmt: Let) -> Block:
        result = Var(stmt.var.hint, stmt.var.type)
        return Block((Let(result, self.call(runtime.untraced, (), stmt.call.args), stmt.loc),), (result,))

    def recorded(self, stmt: Let, active: set[Var]) -> list[Let]:
        """``pair = (value, pull)`` in place of the value."""
        pair = Var("", AggregateT(tuple, (stmt.var.type, OPAQUE)))
        mask = tuple(any(v in active for v in vars_of(a)) for a in stmt.call.args)
        first = replace(stmt, var=pair, call=Call(WithPull(self, mask), stmt.call.args))
        return [first, replace(stmt, call=Call(operator.getitem, (pair, Const(0)), (), "operator"))]

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        raise AssertionError("an active call is recorded")

    def forward(self, sweep: Forward, stmt: Let) -> None:
        raise NoRule(
            f"{self.fn.__name__} was not transformed ({self.reason}): forward mode and second derivatives do not reach into it",
            where=stmt.loc, remedy="Rewrite it so that it can be transformed, or give it a derivative with rg.custom_jvp.",
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class WithPull(Intrinsic):
    """``(value, pull) = traced(fn, active, *args)``."""

    of: TracedCall
    mask: tuple[bool, ...]
    pure = False

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.of.fn.__name__

    def expand(self, stmt: Let) -> Block:
        result = Var(stmt.var.hint, stmt.var.type)
        return Block((Let(result, self.of.call(runtime.traced, (Const(self.mask),), stmt.call.args), stmt.loc),), (result,))

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        pull = sweep.build.call(operator.getitem, stmt.var, Const(1), form="operator", type=OPAQUE)
        moving = [a for a, on in zip(stmt.call.args, self.mask, strict=True) if on]
        call = Call(emitted.call_value, (pull, z_bar.items[0]))  # type: ignore[union-attr]
        bars = sweep.build.let(call, AggregateT(tuple, tuple(_bar_type(type_of(a)) for a in moving)))
        for k, arg in enumerate(moving):
            sweep.accumulate(arg, sweep.build.call(operator.getitem, bars, Const(k), form="operator"))

    def forward(self, sweep: Forward, stmt: Let) -> None:
        raise AssertionError("made for a reverse sweep only")


def _bar_type(t: Any) -> Any:
    """The type of a cotangent; where the argument holds no floats there is none."""
    if isinstance(t, AggregateT):
        return AggregateT(t.kind, tuple(map(_bar_type, t.items)), t.keys)
    return t if is_inexact(t) else OPAQUE


# -- lowering -------------------------------------------------------------------------------------------------


def enter(low: Lowering, fn: FunctionType, args: Any, kwargs: Any, node: ast.AST, hint: str) -> Any:
    """Transform a call of a Python function; where that cannot be done, keep the call and record it as it runs."""
    entering = low.entering
    try:
        with attempt(low):
            result = calls.enter(low, fn, args, kwargs, node)
    except HowFar:
        raise
    except (SourceUnavailable, UnsupportedSyntax) as error:
        if isinstance(error, UnsupportedSyntax):
            low.need_detail()
        low.entering = entering  # it is not entered
        return _kept(low, fn, args, kwargs, node, hint, error)
    low.notes.append(Note(low.location(node), fn.__qualname__, "transformed"))
    return result


@contextmanager
def attempt(low: Lowering) -> Iterator[None]:
    """What is lowered inside counts only if it succeeds."""
    before = Snapshot(low)
    try:
        with low.build.aside() as stmts:
            yield
    except DifferentiationError:
        before.restore()
        raise
    for stmt in stmts:
        low.build.add(stmt)


def _kept(low: Lowering, fn: FunctionType, args: Any, kwargs: Any, node: ast.AST, hint: str, error: DifferentiationError) -> Any:
    """One statement for the call, if its arguments exist at run time, it can return a number, and is no part of a recursion."""
    atoms = (*args, *kwargs.values())
    if any(isinstance(a, Compiletime) or _may_change(a) for a in atoms) or _is_lazy(fn) or _is_running(low, fn):
        raise error
    reason = _reason(error)
    low.notes.append(Note(low.location(node), fn.__qualname__, "traced", reason))
    if not any(is_inexact(type_of(a)) for a in atoms):
        return low.build.let(Call(fn, args, tuple(kwargs.items())), OPAQUE, hint)
    return low.build.let(Call(TracedCall(fn, tuple(kwargs), reason), atoms), NumberT(None), hint)


def _may_change(atom: Atom) -> bool:
    """An object that the function could change without anybody here knowing; lists and dicts are compared at run time."""
    return _holds_object(type_of(atom))


def _holds_object(t: Any) -> bool:
    if not isinstance(t, AggregateT):
        return False
    is_object = is_mutable(t.kind) and t.kind not in (list, dict) and not dataclasses.is_dataclass(t.kind)
    return is_object or any(map(_holds_object, t.items))


def _is_lazy(fn: FunctionType) -> bool:
    """A generator or coroutine returns no number; the function that runs it can be recorded as a whole."""
    return inspect.isgeneratorfunction(fn) or inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn)


def _is_running(low: Lowering, fn: FunctionType) -> bool:
    """The outermost call of a recursive function is the one to record."""
    try:
        tree = parse(fn).tree
    except SourceUnavailable:
        return False
    return any(frame.source is not None and frame.source.tree is tree for frame in low.frames)


def _reason(error: DifferentiationError) -> str:
    where = "" if error.where is None else f" (line {error.where.line})"
    return f"{error.message}{where}"


calls.OBJECTS["function"] = enter
