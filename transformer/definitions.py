"""What is a call of a user's function that is emitted as a function of its own?

A ``Definition`` is the callee's program, shared by all its calls.  A call is one statement of the caller's program
until the sweeps are made; then the forward sweep calls ``g_primal(args) -> value, record`` and the reverse sweep
``g_adjoint(record, value_bar) -> cotangents``, both emitted beside the caller, once for each set of active arguments.
Forward mode calls ``g_jvp(args, tangents) -> value, tangent``, which is a definition again, so that reverse mode can
be applied to it (H1).  A program may call itself: its definition is there before its program is.

>>> import retrograd as rg
>>> def power(x, n):
...     if n == 0:
...         return 1.0
...     return x * power(x, n - 1)
>>> rg.grad(power)(2.0, 5)
80.0
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from . import pipeline
from .adjoint import context
from .adjoint.reverse import is_masking
from .builder import type_of
from .emit import calls_of
from .intrinsics import Emitted, Intrinsic
from .ir import Aggregate, Atom, Block, Call, Const, For, Function, If, Let, Region, Var, While, vars_of, walk
from .types import OPAQUE, AggregateT, carried, is_inexact

if TYPE_CHECKING:
    from .adjoint.forward import Forward
    from .adjoint.reverse import Reverse


@dataclass(eq=False)
class Definition:
    """A callee's program, made when it is first asked for; what its callers must know is known before."""

    name: str
    names: Callable[[str], str]  # makes a name that no other emitted function has
    result: Any  # the result's type
    make: Callable[[], Function]
    pure: bool = True
    fresh: bool = True
    apart: bool = False
    _program: Function | None = None
    _variants: dict[tuple[int, ...], Variant] = field(default_factory=dict)
    _tangents: dict[Any, Definition] = field(default_factory=dict)
    _value: Value | None = None

    @property
    def program(self) -> Function:
        if self._program is None:
            self._program = changed(self.make(), name=self.name)
        return self._program

    def value(self) -> Value:
        """The plain function, where no derivative is wanted."""
        self._value = self._value or Value(self)
        return self._value

    def variant(self, wrt: tuple[int, ...]) -> Variant:
        """Primal and adjoint for cotangents of the arguments at these positions."""
        if wrt not in self._variants:
            self._variants[wrt] = Variant(self, wrt, self.names(f"{self.name}_primal"), self.names(f"{self.name}_adjoint"))
        return self._variants[wrt]

    def tangent(self, wrt: tuple[int, ...], masked: tuple[int, ...], guarded: bool) -> Definition:
        """The directional derivative: the arguments, then tangents of some of them, to the value and its tangent."""
        key = wrt, masked, guarded
        if key not in self._tangents:
            self._tangents[key] = Definition(
                self.names(f"{self.name}_jvp"), self.names, AggregateT(tuple, (self.result, _tangent_type(self.result))),
                lambda: self._differentiated(wrt, masked, guarded), self.pure, self.fresh,
            )  # fmt: skip
        return self._tangents[key]

    def _differentiated(self, wrt: tuple[int, ...], masked: tuple[int, ...], guarded: bool) -> Function:
        params = self.program.params
        moving = tuple(params[k] for k in wrt)
        unsure = frozenset(params[k] for k in masked)
        return pipeline.tangent(self.program, moving, True, tuple(carried(p.type) for p in moving), unsure, guarded)

    def may_mask(self) -> bool:
        """May a cotangent or tangent that comes out be a zero that says "not selected" (R6)?"""
        choices = (If, For, While, Region)
        return any(isinstance(s, choices) for s in walk(self.program.body)) or any(
            is_masking(call.fn) or isinstance(call.fn, Intrinsic) for call in calls_of(self.program.body)
        )


def _tangent_type(t: Any) -> Any:
    """Of the parts that have one; None stands for the others."""
    if isinstance(t, AggregateT):
        return AggregateT(t.kind, tuple(map(_tangent_type, t.items)), t.keys)
    return carried(t) if is_inexact(t) else type_of(Const(None))


# -- the emitted functions --------------------------------------------------------------------------------


@dataclass(eq=False)
class Value(Emitted):
    """``g``: the program itself."""

    of: Definition

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.of.name

    @property
    def pure(self) -> bool:  # type: ignore[override]
        return self.of.pure

    @property
    def fresh(self) -> bool:  # type: ignore[override]
        return self.of.fresh

    def written(self) -> pipeline.Written:
        fn, written = pipeline.prepare(self.of.program)
        return pipeline.finish(_text_of(self, fn), {}, written, 0, alone=True)


def _text_of(emitted: Emitted, fn: Function) -> Function:
    """The program under the name by which others call it."""
    return changed(fn, name=emitted.__name__, options={**fn.options, "emitted": emitted})


@dataclass(eq=False)
class Variant:
    """``g_primal`` and ``g_adjoint``: of one program, so made together.

    ``masked``: may a seed be a structural zero?  ``outlives``: may the record be read after others have written?
    """

    of: Definition
    wrt: tuple[int, ...]
    primal_name: str
    adjoint_name: str
    masked: bool = False
    outlives: bool = False
    _halves: tuple[Any, pipeline.Written, pipeline.Written] | None = None

    def __post_init__(self) -> None:
        self.primal, self.adjoint = Primal(self), Adjoint(self)

    def halves(self) -> tuple[pipeline.Written, pipeline.Written]:
        """Both, printed anew where a caller's sweep has since shown that more is asked of them."""
        if not self.is_settled():
            asked, (fn, written) = self.asked, pipeline.prepare(self.of.program)
            wrt = tuple(fn.params[k] for k in self.wrt)
            first, second, sweeps = pipeline.halves(fn, wrt, _seed_of(fn.result), self.outlives, masked=self.masked)
            second = changed(second, body=_bare(second.body))
            self._halves = (
                asked,
                pipeline.finish(_text_of(self.primal, first), sweeps.hints, written, 0, sweeps.cotangents, alone=True),
                pipeline.finish(_text_of(self.adjoint, second), sweeps.hints, (), 0, sweeps.cotangents, alone=True),
            )
        assert self._halves is not None
        return self._halves[1:]

    @property
    def asked(self) -> tuple[bool, bool]:
        return self.masked, self.outlives

    def is_settled(self) -> bool:
        return self._halves is not None and self._halves[0] == self.asked

    def bars_type(self, args: tuple[Atom, ...]) -> Any:
        types = tuple(context.cotangent(type_of(args[k])) for k in self.wrt)
        return types[0] if len(types) == 1 else AggregateT(tuple, types)


def _bare(block: Block) -> Block:
    """One cotangent is returned as it is."""
    (bars,) = block.yields
    return Block(block.stmts, bars.items if isinstance(bars, Aggregate) and len(bars.items) == 1 else (bars,))


def _seed_of(result: Atom) -> Atom:
    """The cotangent of a result, of the types that cotangents have between two sweeps."""

    def loose(atom: Atom) -> Atom:
        if isinstance(atom, Aggregate):
            return changed(atom, items=tuple(map(loose, atom.items)))
        return Var(atom.hint, context.cotangent(atom.type)) if isinstance(atom, Var) else atom

    return loose(pipeline.seed_like(result))


@dataclass(eq=False)
class Primal(Emitted):
    """``g_primal(args) -> value, record``."""

    of: Variant

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.of.primal_name

    @property
    def pure(self) -> bool:  # type: ignore[override]
        return self.of.of.pure

    def written(self) -> pipeline.Written:
        return self.of.halves()[0]

    def is_settled(self) -> bool:
        return self.of.is_settled()


@dataclass(eq=False)
class Adjoint(Emitted):
    """``g_adjoint(*record, value_bar) -> cotangents``, which are memory of their own (M5)."""

    of: Variant
    fresh, unpacks = True, True

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.of.adjoint_name

    def written(self) -> pipeline.Written:
        return self.of.halves()[1]

    def is_settled(self) -> bool:
        return self.of.is_settled()


# -- the call as one statement ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class UserCall(Intrinsic):
    """``value = g(args)``."""

    of: Definition
    together = True

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.of.name

    @property
    def pure(self) -> bool:  # type: ignore[override]
        return self.of.pure

    @property
    def fresh(self) -> bool:  # type: ignore[override]
        return self.of.fresh

    @property
    def apart(self) -> bool:  # type: ignore[override]
        return self.of.apart

    def expand(self, stmt: Let) -> Block:
        return _call(self.of.value(), stmt)

    def recorded(self, stmt: Let, active: set[Var]) -> list[Let]:
        """``value, record = g_primal(args)``."""
        wrt = tuple(k for k, arg in enumerate(stmt.call.args) if any(v in active for v in vars_of(arg)))
        if not wrt:
            return [stmt]
        pair, record = Var("", AggregateT(tuple, (stmt.var.type, OPAQUE))), Var(f"{self.of.name}_record", OPAQUE)
        first = changed(stmt, var=pair, call=Call(RecordedCall(self.of.variant(wrt), record), stmt.call.args))
        items = enumerate((stmt.var, record))
        return [first, *(Let(v, Call(operator.getitem, (pair, Const(k)), (), "unpack"), stmt.loc) for k, v in items)]

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        raise AssertionError("an active call is recorded")

    def forward(self, sweep: Forward, stmt: Let) -> None:
        """``value, tangent = g_jvp(args, tangents)`` in place of the call."""
        args, build = stmt.call.args, sweep.build
        wrt = tuple(k for k, arg in enumerate(args) if sweep.is_active(arg))
        dots = [sweep.dot(args[k]) for k in wrt]
        masked = tuple(k for k, dot in zip(wrt, dots) if any(v in sweep.masked for v in vars_of(dot)))
        op = UserCall(self.of.tangent(wrt, masked, sweep.guarded))
        build.take_last(stmt.var)
        pair = Var("", AggregateT(tuple, (stmt.var.type, _tangent_type(stmt.var.type))))
        for var, call in (
            (pair, Call(op, (*args, *dots))),
            (stmt.var, Call(operator.getitem, (pair, Const(0)), (), "unpack")),
        ):
            build.calls[var] = call
            build.add(Let(var, call, stmt.loc, stmt.forward))
        dot = build.call(operator.getitem, pair, Const(1), hint=sweep.hint(stmt.var), form="unpack")
        sweep.dots[stmt.var] = dot
        if masked or self.of.may_mask():
            sweep.masked.add(dot)


@dataclass(frozen=True, eq=False)
class RecordedCall(Intrinsic):
    """``value, record = g_primal(args)``, whose pullback is ``g_adjoint``."""

    of: Variant
    record: Var

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.of.of.name

    @property
    def pure(self) -> bool:  # type: ignore[override]
        return self.of.of.pure

    def expand(self, stmt: Let) -> Block:
        return _call(self.of.primal, stmt)

    def outlive(self) -> None:
        self.of.outlives = True

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        assert isinstance(z_bar, Aggregate)
        args, build = stmt.call.args, sweep.build
        seeds, masked = _seeds(sweep, stmt.var, (0,), z_bar.items[0])
        self.of.masked = self.of.masked or masked
        bars = build.let(Call(self.of.adjoint, (self.record, *seeds)), self.of.bars_type(args))
        unsure = masked or self.of.of.may_mask()
        count = len(self.of.wrt)
        each = [bars] if count == 1 else [build.call(operator.getitem, bars, Const(k), form="unpack") for k in range(count)]
        for k, bar in zip(self.of.wrt, each):
            sweep.accumulate(args[k], bar, (), unsure)

    def forward(self, sweep: Forward, stmt: Let) -> None:
        raise AssertionError("made for a reverse sweep only")


def _call(fn: Emitted, stmt: Let) -> Block:
    result = Var(stmt.var.hint, stmt.var.type)
    return Block((Let(result, Call(fn, stmt.call.args), stmt.loc),), (result,))


def _seeds(sweep: Reverse, var: Var, path: tuple[Any, ...], bar: Atom) -> tuple[tuple[Atom, ...], bool]:
    """The cotangent of each inexact part of a result, zeros where nothing arrived; and whether one of them may be masked."""
    t = sweep.type_at(var, path)
    if isinstance(t, AggregateT):
        bars = bar.items if isinstance(bar, Aggregate) else (Const(None),) * len(t.items)
        found = [_seeds(sweep, var, (*path, key), part) for key, part in zip(t.labels, bars, strict=True)]
        return tuple(seed for seeds, _ in found for seed in seeds), any(masked for _, masked in found)
    if not is_inexact(t):
        return (), False
    if isinstance(bar, Const) and bar.value is None:
        return (sweep.zeros((var, path)),), True
    return (bar,), any(v in sweep.masked for v in vars_of(bar))


__all__ = ["Definition", "UserCall"]
