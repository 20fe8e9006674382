"""Is this still a program?  Asked between the passes in checked mode.

Every value is defined once and before it is read; blocks yield as many values as are taken; what is merged has the type of
the merge; no forward statement reads a reverse value; calls have their operands.

>>> x = Var("x", FLOAT)
>>> y, z = Var("y", FLOAT), Var("z", FLOAT)
>>> problems((x,), Block((Let(y, Call(operator.neg, (x,))),), (y,)))
[]
>>> problems((x,), Block((Let(y, Call(operator.neg, (z,))),), (y,)))
['z is read by y = neg(z), and not defined there']
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import CheckFailed

from .builder import type_of
from .checked import Cotangents, is_checked
from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    If,
    Let,
    Raise,
    Ref,
    Region,
    SliceAtom,
    Stmt,
    Undefined,
    Var,
    While,
    blocks_of,
    bound_inside,
    defined_by,
    definitions,
    operands_of,
    show,
    vars_of,
    walk,
)
from .operators import BINARY_FUNCTIONS, COMPARE_FUNCTIONS, UNARY_FUNCTIONS
from .types import FLOAT, AggregateT, ArrayT, Axis, ListT, NumberT, OpaqueT, ScalarT, is_numeric

ATOMS = (Var, Const, Ref, Aggregate, SliceAtom, Undefined, Call)
FORMS = {"call", "operator", "store", "add_at", "add_once", "method", "attribute", "unpack"}
#: How many operands the operations take that are printed as syntax.
OPERANDS: dict[Any, int] = {
    **dict.fromkeys(BINARY_FUNCTIONS, 2), **dict.fromkeys(COMPARE_FUNCTIONS, 2), **dict.fromkeys(UNARY_FUNCTIONS, 1),
    emitted.append: 2, emitted.drop_last: 1, emitted.without: 2, emitted.set_item: 3, emitted.set_in: 3, emitted.append_in: 3,
    emitted.add_to_item: 3, emitted.truncate: 2,
    operator.getitem: 2, getattr: 2, numerics.store: 3, emitted.add_at: 3, emitted.push: 2, emitted.pop: 1,
    emitted.fresh_copy: 1, emitted.choose: 3, emitted.both: 2, emitted.either: 2,
}  # fmt: skip

Forward = dict[Any, Stmt]  # the structured statements of the forward sweep, by tag


# -- may a value of one type stand for another? -----------------------------------------------------------


def admits(t: Any, u: Any) -> bool:
    """Is whatever has type ``u`` of type ``t`` too?  Lengths apart, which only the run can compare.

    >>> admits(NumberT(None), FLOAT), admits(FLOAT, NumberT(None))
    (True, False)
    """
    if t is None or isinstance(t, OpaqueT) or t == u:
        return True
    if isinstance(t, NumberT):
        return is_numeric(u) and (t.dtype is None or u.dtype == t.dtype or _is_weak(u))
    if isinstance(t, ScalarT):
        return isinstance(u, ScalarT) and _admits_scalar(t, u)
    if isinstance(t, ArrayT):
        same = isinstance(u, ArrayT) and (t.dtype, t.ndim) == (u.dtype, u.ndim)
        return same and all(map(_admits_axis, t.shape, u.shape))
    if isinstance(t, AggregateT):
        same = isinstance(u, AggregateT) and (t.kind, t.keys, len(t.items)) == (u.kind, u.keys, len(u.items))
        return same and all(map(admits, t.items, u.items))
    return isinstance(t, ListT) and _admits_items(t, u)


def _is_unbound(value: Atom) -> bool:
    """Is it nothing yet, which is called None where it is recorded, or a computation whose type is not at hand?"""
    return isinstance(value, (Undefined, Call)) or (isinstance(value, Const) and value.value is None)


def _is_weak(t: Any) -> bool:
    return isinstance(t, ScalarT) and t.weak is not False


def _admits_scalar(t: ScalarT, u: ScalarT) -> bool:
    kinds = "biuf" if t.number else t.dtype.kind if _is_weak(u) else ""
    return (t.dtype == u.dtype or u.dtype.kind in kinds) and (t.weak is None or t.weak == u.weak)


def _admits_axis(n: Axis, m: Axis) -> bool:
    return n.one is None or n.one == m.one


def _admits_items(t: ListT, u: Any) -> bool:
    if isinstance(u, ListT):
        return u.kind is t.kind and (u.item is None or admits(t.item, u.item))
    return isinstance(u, AggregateT) and u.kind is t.kind and all(admits(t.item, item) for item in u.items)


@dataclass(frozen=True)
class Stage:
    """How far a program has come.

    joint        both sweeps, told apart by ``forward``; forward mode mixes tangents in
    recorded     the reverse sweep reads what is on the tapes, not the forward values themselves
    visible      values read outside the branch that defines them: names outlive a branch
    cotangents   which values are cotangents of what
    """

    joint: bool = False
    recorded: bool = True
    visible: frozenset[Var] = frozenset()
    cotangents: Cotangents = field(default_factory=dict)


# -- one program ------------------------------------------------------------------------------------------


@dataclass
class Verifier:
    """Collects what is wrong.  Until records are made, a mirror block also sees what its forward block defines."""

    stage: Stage
    sources: Forward
    found: list[str] = field(default_factory=list)
    defined: set[Var] = field(default_factory=set)
    backward: set[Var] = field(default_factory=set)
    loops: int = 0

    def problem(self, text: str) -> None:
        self.found.append(text)

    # -- definitions and reads ----------------------------------------------------------------------------

    def define(self, variables: Iterable[Var], scope: set[Var], forward: bool) -> None:
        for var in variables:
            if var in self.defined:
                self.problem(f"{var!r} is defined twice")
            self.defined.add(var)
            scope.add(var)
            if not forward:
                self.backward.add(var)

    def read(self, atoms: Iterable[Atom], scope: set[Var], stmt: Stmt | None) -> None:
        for atom in atoms:
            self.atom(atom)
            for var in vars_of(atom):
                if var not in scope:
                    self.problem(f"{var!r} is read by {_headline(stmt)}, and not defined there")
                elif stmt is not None and stmt.forward and var in self.backward and self.stage.joint:
                    self.problem(f"the forward statement {_headline(stmt)} reads {var!r} of the reverse sweep")

    def atom(self, atom: Any) -> None:
        if not isinstance(atom, ATOMS):
            self.problem(f"{atom!r} is not an atom")
        elif isinstance(atom, Call):
            self.call(atom)

    def call(self, call: Call) -> None:
        if not (callable(call.fn) or isinstance(call.fn, str)) or call.form.partition(":")[0] not in FORMS:
            self.problem(f"{call!r} is not a call of a function")
        wanted = OPERANDS.get(call.fn)
        if wanted is not None and len(call.args) != wanted:
            self.problem(f"{call!r} has {len(call.args)} operands, not {wanted}")
        for inner in call.atoms():
            self.atom(inner)

    # -- statements ---------------------------------------------------------------------------------------

    def block(self, block: Block, outer: set[Var]) -> set[Var]:
        scope = set(outer)
        for stmt in block.stmts:
            self.stmt(stmt, scope)
        self.read(block.yields, scope, None)
        return scope

    def stmt(self, stmt: Stmt, scope: set[Var]) -> None:
        self.read(operands_of(stmt), scope, stmt)
        if isinstance(stmt, Let):
            self.call(stmt.call)
        elif isinstance(stmt, If):
            self.branch(stmt, scope)
        elif isinstance(stmt, (For, While)):
            self.loop(stmt, scope)
        elif isinstance(stmt, Region):
            self.region(stmt, scope)
        self.define(defined_by(stmt), scope, stmt.forward)

    def branch(self, stmt: If, scope: set[Var]) -> None:
        for at, inner in enumerate(blocks_of(stmt)):
            self.block(inner, scope | self.mirrored(stmt, at))
            self.count(f"the results of {_headline(stmt)}", stmt.results, inner.yields)
            self.merge(stmt.results, inner.yields, stmt)

    def region(self, stmt: Region, scope: set[Var]) -> None:
        inside = scope | self.mirrored(stmt, 0)
        self.define(bound_inside(stmt), inside, stmt.forward)
        self.block(stmt.body, inside)
        self.count(f"the results of {_headline(stmt)}", stmt.results, stmt.body.yields)
        self.merge(stmt.results, stmt.body.yields, stmt)
        if stmt.catch is not None and not stmt.results:
            self.problem(f"{_headline(stmt)} catches, and says nothing of how it ended")

    def loop(self, stmt: For | While, scope: set[Var]) -> None:
        for values in (stmt.inits, stmt.results, stmt.body.yields):
            self.count(f"the arguments of {_headline(stmt)}", stmt.args, values)
        if stmt.breaks and not stmt.args:
            self.problem(f"{_headline(stmt)} breaks, and carries no flag")
        inside = scope | self.mirrored(stmt, 0)
        again = self.rebound(stmt)
        self.define((v for v in bound_inside(stmt) if v not in again), inside, stmt.forward)
        inside |= again
        self.loops += 1
        if isinstance(stmt, While):
            self.block(stmt.head, inside)
            self.count(f"the condition of {_headline(stmt)}", (None,), stmt.head.yields)
        self.block(stmt.body, inside)
        self.loops -= 1
        self.merge(stmt.args, stmt.inits, stmt)
        self.merge(stmt.args, stmt.body.yields, stmt)
        self.merge(stmt.results, stmt.args, stmt)

    def rebound(self, stmt: Any) -> set[Var]:
        """The loop variables of the forward loop, which the loop that mirrors it binds again."""
        source = self.sources.get(getattr(stmt, "mirror", None))
        return set(bound_inside(source)) & set(bound_inside(stmt)) if source is not None else set()

    def mirrored(self, stmt: Any, at: int) -> set[Var]:
        """What a mirror block sees of the block it reverses: outside loops the values themselves, else their records."""
        source = self.sources.get(getattr(stmt, "mirror", None))
        if source is None or (self.stage.recorded and (self.loops or not isinstance(stmt, (If, Region)))):
            return set()
        if isinstance(source, Region) and at:
            return set()
        inner = blocks_of(source)[at if isinstance(stmt, If) else -1]
        return set(definitions(inner)) | set(bound_inside(source))

    def count(self, what: str, names: Any, values: Any) -> None:
        if len(names) != len(values):
            self.problem(f"{what}: {len(names)} names for {len(values)} values")

    def merge(self, targets: Iterable[Var], values: Iterable[Atom], stmt: Stmt) -> None:
        nested = bool(self.stage.visible)  # a nested derivative, written out as forward code
        for target, value in zip(targets, values):
            t, u = target.type, None if _is_unbound(value) else type_of(value)
            fits = u is None or (stmt.forward and admits(t, u)) or ((nested or not stmt.forward) and _may_be_cotangent(t, u))
            if not fits:
                self.problem(f"{_headline(stmt)} merges {value!r}, {type_of(value)}, into {target!r}, {target.type}")


def _headline(stmt: Stmt | None) -> str:
    if stmt is None:
        return "a yield"
    if isinstance(stmt, (Let, Raise)):
        return repr(stmt)
    return f"{type(stmt).__name__.lower()} {list(stmt.results)}"


def structured(block: Block) -> Forward:
    """The forward branches and loops of a program, by tag."""
    return {s.tag: s for s in walk(block) if isinstance(s, (If, For, While, Region)) and s.forward}


def problems(params: Iterable[Var], block: Block, stage: Stage = Stage()) -> list[str]:
    """All that is wrong with a program."""
    verifier = Verifier(stage, structured(block))
    scope = set(stage.visible)
    verifier.define(params, scope, True)
    verifier.block(block, scope)
    return [*dict.fromkeys(verifier.found), *_ill_typed(verifier.defined, stage.cotangents)]


def _ill_typed(defined: set[Var], cotangents: Cotangents) -> Iterator[str]:
    """Cotangents whose rank or dtype is not that of the primal they belong to."""
    for bar, primals in cotangents.items():
        for name, t in primals:
            if bar in defined and not _may_be_cotangent(t, bar.type):
                yield f"{bar!r}, {bar.type}, is a cotangent of {name or 'a value'}, {t}"


def _may_be_cotangent(primal: Any, bar: Any) -> bool:
    """Rank and dtype agree; lengths are the run's to compare."""
    if isinstance(primal, ArrayT) and isinstance(bar, ArrayT):
        return (bar.dtype, bar.ndim) == (primal.dtype, primal.ndim)
    if isinstance(primal, (ArrayT, ScalarT)) and isinstance(bar, ScalarT):
        kinds = "iuf" if getattr(primal, "number", False) else {"c": "fc"}.get(primal.dtype.kind, primal.dtype.kind)
        return primal.ndim == 0 and (_is_weak(bar) and bar.dtype.kind in kinds or bar.dtype == primal.dtype)
    if isinstance(primal, AggregateT) and isinstance(bar, AggregateT):
        return len(primal.items) == len(bar.items) and all(map(_may_be_cotangent, primal.items, bar.items))
    return not isinstance(primal, ScalarT) or not isinstance(bar, ArrayT)


def verified(params: Iterable[Var], block: Block, after: Any, stage: Stage = Stage()) -> Block:
    """The block itself; in checked mode, if it is a program."""
    found = problems(tuple(params), block, stage) if is_checked() else []
    if found:
        name = getattr(after, "__name__", after)
        raise CheckFailed("\n  ".join([f"after {name} the program is ill-formed:", *found]) + f"\n{show(block)}")
    return block


assert FLOAT  # used by the doctests
