"""Which forward values does the reverse sweep need that are no longer there, and how do they get there?

In straight-line code every value is still there under a name of its own.  Inside loops a value read by the mirror
iteration is recomputed where that costs a few scalar operations (a record costs about two), and otherwise taped:
pushed where it is defined, popped at the top of the mirror iteration (to-be-recorded analysis).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted

from ..ir import (
    Atom,
    Block,
    Call,
    Const,
    Each,
    For,
    If,
    Let,
    Region,
    Stmt,
    Undefined,
    Var,
    While,
    operands_of,
    reads,
    substitute,
    vars_of,
    walk,
)
from ..simplify.switches import is_on, note
from ..types import INT, AggregateT, ArrayT, ListT, NumberT, ScalarT, equal_shapes
from .ownership import class_refs
from .purity import is_pure
from .unbound import maybe_unbound
from .writeonce import read_again

LENGTHS = {len, np.shape, np.ndim, np.size}
CHEAP = LENGTHS | {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.floordiv, operator.mod,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.not_,
}  # fmt: skip
VIEWS = {operator.getitem, np.transpose, getattr}
AGAIN, END = "written once is read again", "length at the end"
DEPTH = 4
MOST_STEPS = 3  # of arithmetic on floats, to compute again what one record would bring back


@dataclass
class Recorder:
    """What is pushed after which definition, and which tapes there are."""

    written: set[Var]
    trips: dict[Any, Var]
    hints: dict[Var, str]
    sources: dict[Any, Any] = field(default_factory=dict)
    exposed: frozenset[Var] = frozenset()
    unbound: set[Var] = field(default_factory=set)  # on some path
    pushes: dict[Var, Var] = field(default_factory=dict)
    tapes: list[Var] = field(default_factory=list)
    again: dict[Var, Var] = field(default_factory=dict)  # reads of rows that nobody overwrites, and the array they are in
    ends: dict[Var, Var] = field(default_factory=dict)  # arrays that go round, and what is as long and still there

    # -- the decision -------------------------------------------------------------------------------------

    def cheap(self, stmt: Let) -> bool:
        call = stmt.call
        if not is_pure(call):
            return False
        if call.fn in CHEAP or (call.fn is operator.pow and isinstance(call.args[1], Const)):
            return isinstance(stmt.var.type, ScalarT) or call.fn in (np.shape,)
        if call.fn in VIEWS:
            return not any(v in self.written for v in vars_of(call.args[0])) and not isinstance(stmt.var.type, ListT)
        return False

    def recipe(self, var: Var, scope: Scope, depth: int = DEPTH) -> list[Let] | None:
        """The statements that recompute ``var`` from what is at hand; None if it must be taped."""
        if var in scope.available:
            return []
        stmt = scope.lets.get(var)
        if stmt is None or depth == 0 or not (var in self.again or self.cheap(stmt)):
            return None
        if stmt.call.fn in LENGTHS and stmt.call.args[0] in self.ends:
            note(END)
            return [replace(stmt, call=replace(stmt.call, args=(self.ends[stmt.call.args[0]],)), forward=False)]
        read = stmt.call.atoms()
        if var in self.again:
            read = read[1:]
            stmt = replace(stmt, call=replace(stmt.call, args=(self.again[var], *read)))
            note(AGAIN)
        steps: list[Let] = []
        for atom in read:
            for operand in vars_of(atom):
                more = self.recipe(operand, scope, depth - 1)
                if more is None:
                    return None
                steps += more
        return [*steps, replace(stmt, forward=False)]

    def plan(self, needed: Iterable[Var], scope: Scope) -> list[Stmt]:
        """The statements at the top of a mirror block that bring back ``needed``, in order of definition."""
        restore: list[Stmt] = []
        for var in needed:
            if var in scope.available:
                continue
            steps = self.recipe(var, scope)
            if steps is None or len({s.var for s in steps if _is_arithmetic(s)} - scope.available) > MOST_STEPS:
                steps = [self.tape(var)]
            for step in steps:
                if step.var not in scope.available:
                    restore.append(step)
                    scope.available.add(step.var)
        return restore

    def tape(self, var: Var) -> Let:
        if var not in self.pushes:
            item = None if var in self.unbound else var.type
            tape = Var(f"{var.hint or self.hints.get(var, 't')}_tape", ListT(list, item))
            self.pushes[var] = tape
            self.tapes.append(tape)
        return Let(var, Call(emitted.pop, (self.pushes[var],)), None, False)


def _is_arithmetic(stmt: Let) -> bool:
    return stmt.call.fn not in VIEWS and getattr(stmt.var.type, "dtype", INT.dtype).kind in "fc"


@dataclass
class Scope:
    """One forward block seen from its mirror: its definitions, and the values at hand."""

    lets: dict[Var, Let]
    available: set[Var]


def directly_defined(block: Block, trips: dict[Any, Var]) -> list[Var]:
    """The values a block defines itself, in order; loops' insides and branches' insides apart."""
    out: list[Var] = []
    for stmt in block.stmts:
        out += _made(stmt, trips)
    return out


def _made(stmt: Stmt, trips: dict[Any, Var]) -> list[Var]:
    """The values a statement defines, the count of a loop's iterations among them."""
    if isinstance(stmt, Let):
        return [stmt.var]
    counted = [trips[stmt.tag]] if isinstance(stmt, (For, While)) and stmt.tag in trips else []
    return [*getattr(stmt, "results", ()), *counted]


def record(forward: Block, reverse: tuple[Stmt, ...], written: set[Var], trips: dict[Any, Var], hints: dict[Var, str],
           extra: tuple[Atom, ...] = (), exposed: frozenset[Var] = frozenset()) -> tuple[Block, tuple[Stmt, ...]]:  # fmt: skip
    """Both sweeps with the records in place; ``exposed`` values may be written by the caller before they are read."""
    sources = {s.tag: s for s in walk(forward) if isinstance(s, (If, For, While, Region))}
    again = read_again(forward) if is_on(AGAIN) else {}
    ends = _ends(forward, {}, set(reads(Block(reverse, ())))) if is_on(END) else {}
    recorder = Recorder(written, trips, hints, sources, exposed, maybe_unbound(forward), again=again, ends=ends)
    lets = {s.var: s for s in forward.stmts if isinstance(s, Let)}
    new_reverse = _mirror_block(recorder, forward, Block(reverse, extra), lets, False, ())
    return _with_pushes(recorder, forward), new_reverse.stmts


def _ends(block: Block, outside: dict[Var, Var], read: set[Var]) -> dict[Var, Var]:
    """For the arrays that go round loops what they are in the end, where that is as long and ``read`` by the reverse sweep anyway."""
    found: dict[Var, Var] = {}
    for stmt in block.stmts:
        if isinstance(stmt, (For, While)):
            inside: dict[Var, Var] = {}
            for arg, init, result in zip(stmt.args, stmt.inits, stmt.results):
                last = outside.get(init) if isinstance(init, Var) and outside else result if result in read else None
                if last is not None and isinstance(init, Var) and isinstance(arg.type, ArrayT) and equal_shapes(arg.type, last.type):
                    inside[arg] = last
            found |= inside | (_ends(stmt.body, inside, read) if inside else {})
    return found


def _mirror_block(
    rec: Recorder, forward: Block, mirror: Block, lets: dict[Var, Let], looping: bool, bound: Iterable[Var]
) -> Block:
    """Bring back what ``mirror`` reads of ``forward``'s own definitions, then go into the nested blocks."""
    own = {s.var: s for s in forward.stmts if isinstance(s, Let)}
    scope_lets = {**lets, **own}
    restore: list[Stmt] = []
    if looping:
        stmts = tuple(_inner(rec, forward, s, scope_lets, looping) for s in mirror.stmts)
        mirror = Block(stmts, mirror.yields)
        used = set(reads(mirror))
        candidates = [*bound, *directly_defined(forward, rec.trips)]
        outside = _everything_but(used, forward, bound, rec.trips)
        needed = [v for v in candidates if v in used]
        restore = rec.plan(needed, Scope(own, outside))
        return _renamed(restore, mirror, rec.hints)
    stmts = tuple(_inner(rec, forward, s, scope_lets, looping) for s in mirror.stmts)
    return Block(stmts, mirror.yields)


def _renamed(restore: list[Stmt], mirror: Block, hints: dict[Var, str]) -> Block:
    """What is brought back gets a name of its own: the forward value may still be needed under its own."""
    fresh = {s.var: Var(hints.get(s.var, s.var.hint), s.var.type) for s in restore if isinstance(s, Let)}
    whole = substitute(Block((*restore, *mirror.stmts), mirror.yields), lambda v: fresh.get(v, v))
    opened = tuple(replace(s, var=fresh[s.var]) if isinstance(s, Let) and s.var in fresh else s for s in whole.stmts)
    return Block(opened, whole.yields)


def _everything_but(used: set[Var], forward: Block, bound: Iterable[Var], trips: dict[Any, Var]) -> set[Var]:
    own = set(directly_defined(forward, trips)) | set(bound)
    reachable = {v for s in forward.stmts for a in operands_of(s) for v in vars_of(a)}
    return (used | reachable) - own


def _inner(rec: Recorder, forward: Block, stmt: Stmt, lets: dict[Var, Let], looping: bool) -> Stmt:
    if isinstance(stmt, If) and stmt.mirror is not None:
        source = rec.sources[stmt.mirror]
        sides = (source.body, Block()) if isinstance(source, Region) else (source.then, source.orelse)
        then = _mirror_block(rec, sides[0], stmt.then, lets, looping, ())
        orelse = _mirror_block(rec, sides[1], stmt.orelse, lets, looping, ())
        return replace(stmt, then=then, orelse=orelse)
    if isinstance(stmt, Region) and stmt.mirror is not None:
        return replace(stmt, body=_mirror_block(rec, rec.sources[stmt.mirror].body, stmt.body, lets, looping, ()))
    if isinstance(stmt, For) and stmt.mirror is not None:
        return _mirror_loop(rec, stmt, rec.sources[stmt.mirror], lets)
    return stmt


def _mirror_loop(rec: Recorder, stmt: For, source: For | While, lets: dict[Var, Let]) -> For:
    bound = list(source.args)
    rebound = set(stmt.each.targets) | {stmt.index}
    target_lets: list[Let] = []
    if isinstance(source, For):
        if source.each.kind == "sequence":
            target_lets = [_target_let(t, s, source.index) for t, s in zip(source.each.targets, source.each.operands)]
        elif not set(source.each.targets) <= rebound:
            target_lets = [_range_let(source.each.targets[0], source.each, source.index)]
        if source.index not in rebound and not set(source.each.targets) & rebound:
            bound.append(source.index)
    body = Block((*target_lets, *source.body.stmts), source.body.yields)
    made = _mirror_block(rec, body, stmt.body, {}, True, [v for v in bound if v not in rebound])
    if isinstance(source, For) and source.index in set(reads(made)) and source.index not in rebound:
        stmt = replace(stmt, index=source.index)
    return replace(stmt, body=made)


def _target_let(target: Var, seq: Atom, index: Var) -> Let:
    return Let(target, Call(operator.getitem, (seq, index), (), "operator"), None, True)


def _range_let(target: Var, each: Each, index: Var) -> Let:
    """The loop variable of ``range(start, stop, step)`` from the count of iterations: taped, as any other value."""
    return Let(target, Call(_range_item, (*each.operands, index)), None, True)


def _range_item(*args: Any) -> int:
    raise NotImplementedError  # never emitted: not pure by name, so always taped


# -- pushing ----------------------------------------------------------------------------------------------


def _with_pushes(rec: Recorder, forward: Block) -> Block:
    made = _push_block(rec, forward)
    declared = tuple(Let(tape, Call(list, ()), None, False) for tape in rec.pushes.values())
    return Block(_place(declared, made.stmts), made.yields)


def _place(declared: tuple[Let, ...], stmts: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
    """Each tape is declared right before the statement that first pushes on it."""
    out: list[Stmt] = []
    waiting = {d.var: d for d in declared}
    for stmt in stmts:
        used = set(reads(Block((stmt,), ())))
        for tape in [t for t in waiting if t in used]:
            out.append(waiting.pop(tape))
        out.append(stmt)
    return tuple(out)


def _unrecorded_on_failure(stmt: Region) -> list[Stmt]:
    """A ``try`` block, and after it, if it did not complete, what it recorded is forgotten (L3)."""
    pushes = {s.call.args[0]: None for s in walk(stmt.body) if isinstance(s, Let) and s.call.fn is emitted.push}
    if stmt.certain or not pushes:
        return [stmt]
    marks = {tape: Var("", INT) for tape in pushes}
    before = [Let(n, Call(len, (tape,)), None, False) for tape, n in marks.items()]
    undo = [Let(Var("", None), Call(emitted.truncate, (tape, n)), None, False) for tape, n in marks.items()]
    return [*before, stmt, If((), stmt.results[0], Block(), Block(tuple(undo)), None, None, False)]


def _push(rec: Recorder, var: Var, by: Stmt | None = None) -> list[Stmt]:
    tape = rec.pushes.get(var)
    if tape is None:
        return []
    out: list[Stmt] = []
    value: Atom = var
    may_be_unbound = isinstance(by, Region) and not by.certain and var is not by.results[0]
    if may_be_unbound:  # the block may have raised
        value = Var("", None)
        out.append(Let(value, Call(emitted.choose, (by.results[0], var, Const(None))), None, False))  # type: ignore[union-attr]
    if isinstance(var.type, (AggregateT, ArrayT, ListT, NumberT)) and (var in rec.written or var in rec.exposed):
        copy = Var("", var.type if not may_be_unbound else None)
        plain = isinstance(var.type, ArrayT) and not may_be_unbound
        call = Call(np.copy, (var,), (), "method:copy") if plain else Call(emitted.kept, (value, *class_refs(var.type)))
        out.append(Let(copy, call, None, False))
        value = copy
    return [*out, Let(Var("", None), Call(emitted.push, (tape, value)), None, False)]


def _push_block(rec: Recorder, block: Block, first: Iterable[Var] = ()) -> Block:
    out: list[Stmt] = [p for var in first for p in _push(rec, var)]
    for stmt in block.stmts:
        inside = _push_inside(rec, stmt)
        out += _unrecorded_on_failure(inside) if isinstance(inside, Region) else [inside]
        for var in _made(stmt, rec.trips):
            out += _push(rec, var, stmt)
    return Block(tuple(out), block.yields)


def _push_inside(rec: Recorder, stmt: Stmt) -> Stmt:
    if isinstance(stmt, If):
        return replace(stmt, then=_push_block(rec, stmt.then), orelse=_push_block(rec, stmt.orelse))
    if isinstance(stmt, Region):
        return replace(stmt, body=_push_block(rec, stmt.body))
    if isinstance(stmt, (For, While)):
        first = [*stmt.args, *(stmt.each.targets if isinstance(stmt, For) else ())]
        if isinstance(stmt, For):
            first.append(stmt.index)
        made: Any = replace(stmt, inits=_bound(rec, stmt), body=_push_block(rec, stmt.body, first))
        return _counted(rec, stmt, made)
    return stmt


def _bound(rec: Recorder, stmt: For | While) -> tuple[Atom, ...]:
    """A carried value that is pushed at the top of the body must be bound there, on the first iteration too."""
    pairs = zip(stmt.args, stmt.inits)
    return tuple(Const(None) if isinstance(init, Undefined) and arg in rec.pushes else init for arg, init in pairs)


def _counted(rec: Recorder, original: Any, stmt: Any) -> Stmt:
    """A loop that may end early counts the iterations that ran (L2)."""
    result = rec.trips.get(original.tag)
    if result is None:
        return stmt
    arg, nxt = Var("trips", INT), Var("trips", INT)
    step = Let(nxt, Call(operator.add, (arg, Const(1)), (), "operator"), None, False)
    body = Block((step, *stmt.body.stmts), (*stmt.body.yields, nxt))
    return replace(
        stmt, args=(*stmt.args, arg), inits=(*stmt.inits, Const(0)), results=(*stmt.results, result), body=body
    )
