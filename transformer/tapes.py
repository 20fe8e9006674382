"""How are tapes kept?  In plain Python one list holds what an iteration records; under Numba a tape is an array if it may be.

    x_tape = []                               tape = []
    y_tape = []                               for i in range(n):
    for i in range(n):                            tape.append((x, y))
        x_tape.append(x)
        y_tape.append(y)

An array where the number of iterations is known when the loop starts (L2):

    x_tape = []                               x_tape = np.empty(max(n, 0))
    for i in range(n):                        for i in range(n):
        x_tape.append(x)                          x_tape[i] = x

A tape of floats that one statement fills, inside loops that cannot leave early and whose headers do not change while
the outermost of them runs.  Everything else stays a list, whose items Numba types by what is appended.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from retrograd.runtime import emitted

from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    Let,
    Ref,
    Stmt,
    Var,
    While,
    blocks_of,
    bound_inside,
    defined_by,
    definitions,
    map_blocks,
    reads,
    vars_of,
)
from .simplify.switches import is_on, note
from .types import AggregateT, ArrayT, ListT, ScalarT, fresh_axis

#: Element types that a tape is allocated with; other scalars may be wider in Numba than in NumPy.
DTYPES = {np.dtype(float): None, np.dtype(complex): np.complex128}


@dataclass(frozen=True, eq=False)
class Place:
    """A statement and the loops around it, outermost first."""

    stmt: Let
    loops: tuple[For | While, ...]


def places(block: Block, loops: tuple[For | While, ...] = ()) -> Iterator[Place]:
    """Every ``Let`` inside, with the loops around it."""
    for stmt in block.stmts:
        if isinstance(stmt, Let):
            yield Place(stmt, loops)
        inside = (*loops, stmt) if isinstance(stmt, (For, While)) else loops
        for inner in blocks_of(stmt):
            yield from places(inner, inside)


def array_tapes(forward: Block, reverse: Block) -> tuple[Block, Block]:
    """Both sweeps with arrays for tapes where that may be."""
    changed: dict[int, tuple[Stmt, ...]] = {}
    pushes, pops = _by_tape(forward, emitted.push), _by_tape(reverse, emitted.pop)
    for opened in forward.stmts:
        if isinstance(opened, Let) and opened.var in pushes and _is_number_tape(opened.var):
            changed.update(_as_array(opened, pushes[opened.var], pops.get(opened.var, [])))
    return _replaced(forward, changed), _replaced(reverse, changed)


def _by_tape(block: Block, fn: object) -> dict[Var, list[Place]]:
    found: dict[Var, list[Place]] = {}
    for place in places(block):
        if place.stmt.call.fn is fn:
            found.setdefault(place.stmt.call.args[0], []).append(place)  # type: ignore[arg-type]
    return found


def _is_number_tape(tape: Var) -> bool:
    item = tape.type.item if isinstance(tape.type, ListT) else None
    return isinstance(item, ScalarT) and item.dtype in DTYPES and not item.number


def _as_array(opened: Let, pushes: list[Place], pops: list[Place]) -> dict[int, tuple[Stmt, ...]]:
    """What becomes of a tape's opening, its push and its pops; nothing if it stays a list."""
    push = pushes[0]
    if len(pushes) != 1 or not _known_on_entry(push.loops) or not all(_mirrors(pop, push) for pop in pops):
        return {}
    loops: tuple[For, ...] = push.loops  # type: ignore[assignment]
    dtype = opened.var.type.item.dtype
    tape = Var(opened.var.hint, ArrayT(dtype, tuple(fresh_axis() for _ in loops)))
    key = _tuple([_iteration(loop) for loop in loops])
    out: dict[int, tuple[Stmt, ...]] = {id(opened): (_opening(tape, loops, dtype),)}
    out[id(push.stmt)] = (_access(push.stmt, emitted.record, tape, key, push.stmt.call.args[1]),)
    out.update({id(pop.stmt): (_access(pop.stmt, operator.getitem, tape, key),) for pop in pops})
    return out


# -- which loops ------------------------------------------------------------------------------------------


def _known_on_entry(loops: tuple[For | While, ...]) -> bool:
    """Is it known when the outermost loop starts how often each one inside will run?"""
    if not loops:
        return False
    inside = {*bound_inside(loops[0]), *definitions(_body(loops[0]))}
    return all(isinstance(loop, For) and _runs_through(loop) and not inside & _header(loop) for loop in loops)


def _body(loop: For | While) -> Block:
    return Block((loop,), ())


def _runs_through(loop: For) -> bool:
    return not loop.breaks and len(loop.each.targets) == 1 and not loop.each.backwards


def _header(loop: For) -> set[Var]:
    return {var for atom in loop.each.operands for var in vars_of(atom)}


def _mirrors(pop: Place, push: Place) -> bool:
    """Do the loops around a pop run through the iterations of those around the push?"""
    tags = [loop.tag for loop in push.loops]
    return [getattr(loop, "mirror", None) for loop in pop.loops] == tags


# -- what is written --------------------------------------------------------------------------------------


def _opening(tape: Var, loops: tuple[For, ...], dtype: np.dtype) -> Let:
    kind = DTYPES[dtype]
    args = (_tuple([_trips(loop) for loop in loops]), *(() if kind is None else (Ref(kind, f"np.{kind.__name__}"),)))
    return Let(tape, Call(np.empty, args))


def _tuple(parts: list[Atom]) -> Atom:
    return parts[0] if len(parts) == 1 else Aggregate(tuple, tuple(parts))


def _trips(loop: For) -> Atom:
    """How often a loop runs, also where its range is empty."""
    operands = loop.each.operands
    if loop.each.kind == "sequence":
        return Call(len, operands)
    if len(operands) > 1:
        return Call(len, (Call(range, operands),))
    stop = operands[0]
    return Const(max(stop.value, 0)) if isinstance(stop, Const) else Call(max, (stop, Const(0)))


def _iteration(loop: For) -> Atom:
    """The number of the present iteration, from 0."""
    if loop.each.kind == "sequence":
        return loop.index
    target, operands = loop.each.targets[0], loop.each.operands
    if len(operands) == 1 or operands[0] == Const(0) and len(operands) == 2:
        return target
    passed = Call(operator.sub, (target, operands[0]), (), "operator")
    return passed if len(operands) == 2 else Call(operator.floordiv, (passed, operands[2]), (), "operator")


def _access(old: Let, fn: Callable[..., object], *args: Atom) -> Let:
    return replace(old, call=Call(fn, args, (), "operator"))


def _replaced(block: Block, changed: dict[int, tuple[Stmt, ...]]) -> Block:
    stmts: list[Stmt] = []
    for stmt in block.stmts:
        stmts += changed.get(id(stmt)) or (map_blocks(stmt, lambda inner: _replaced(inner, changed)),)
    return Block(tuple(stmts), block.yields)


# -- one tape for several values ----------------------------------------------------------------------------

TOGETHER = "records together"


def tuple_tapes(forward: Block, reverse: Block) -> tuple[Block, Block]:
    """Both sweeps with one tape, of tuples, for what one block records."""
    if not is_on(TOGETHER):
        return forward, reverse
    counts = Counter(reads(forward)) + Counter(reads(reverse))
    opened = {s.var for s in forward.stmts if isinstance(s, Let) and s.call.fn is list and not s.call.args}
    pops = {s.call.args[0]: (s, at) for s, at in _lets(reverse) if s.call.fn is emitted.pop}
    changed: dict[int, tuple[Stmt, ...]] = {}
    openings: dict[Var, tuple[Stmt, ...]] = {}

    def may_join(push: Let) -> bool:
        tape = push.call.args[0]
        return tape in opened and tape in pops and counts[tape] == 2 and tape.type.item is not None  # type: ignore[union-attr]

    for group in _groups(forward, may_join):
        for part in _same_mirror(group, pops):
            if len(part) > 1:
                note(TOGETHER)
                changed.update(_joined_records(part, pops, openings))
    changed.update({id(s): openings[s.var] for s in forward.stmts if isinstance(s, Let) and s.var in openings})
    return _exchanged(forward, changed), _exchanged(reverse, changed)


def _lets(block: Block) -> Iterator[tuple[Let, Block]]:
    """Every ``Let`` inside, with the block it stands in."""
    for stmt in block.stmts:
        if isinstance(stmt, Let):
            yield stmt, block
        for inner in blocks_of(stmt):
            yield from _lets(inner)


def _groups(block: Block, may_join: Callable[[Let], bool], carried: dict[Var, Atom] | None = None) -> Iterator[list[Let]]:
    """The pushes of one block that may be made at the last of them: no carried value has its next value by then."""
    at = {v: k for k, s in enumerate(block.stmts) for v in defined_by(s)}
    nexts = carried or {}
    group: list[Let] = []
    for k, stmt in enumerate(block.stmts):
        if isinstance(stmt, Let) and stmt.call.fn is emitted.push and may_join(stmt):
            if any(at.get(nexts.get(p.call.args[1]), k) < k for p in group):  # type: ignore[arg-type]
                yield group
                group = []
            group.append(stmt)
        for inner in blocks_of(stmt):
            is_loop = isinstance(stmt, (For, While)) and inner is stmt.body
            yield from _groups(inner, may_join, dict(zip(stmt.args, stmt.body.yields)) if is_loop else None)  # type: ignore[union-attr]
    yield group


def _same_mirror(group: list[Let], pops: dict[Atom, tuple[Let, Block]]) -> Iterator[list[Let]]:
    """The pushes whose pops stand in one block."""
    by_block: dict[int, list[Let]] = {}
    for push in group:
        by_block.setdefault(id(pops[push.call.args[0]][1]), []).append(push)
    yield from by_block.values()


def _joined_records(
    group: list[Let], pops: dict[Atom, tuple[Let, Block]], openings: dict[Var, tuple[Stmt, ...]]
) -> dict[int, tuple[Stmt, ...]]:
    """What becomes of the openings, pushes and pops of tapes that are made one."""
    taken = [pops[push.call.args[0]][0] for push in group]
    row_type = AggregateT(tuple, tuple(pop.var.type for pop in taken))
    tape, row = Var("tape", ListT(list, row_type)), Var("", row_type)
    values = Aggregate(tuple, tuple(push.call.args[1] for push in group))
    out: dict[int, tuple[Stmt, ...]] = {id(s): () for s in (*group, *taken)}
    out[id(group[-1])] = (replace(group[-1], call=Call(emitted.push, (tape, values))),)
    parts = (replace(pop, call=Call(operator.getitem, (row, Const(k)), (), "unpack")) for k, pop in enumerate(taken))
    first = min(taken, key=lambda pop: next(k for k, s in enumerate(pops[group[0].call.args[0]][1].stmts) if s is pop))
    out[id(first)] = (Let(row, Call(emitted.pop, (tape,)), None, False), *parts)
    old = [push.call.args[0] for push in group]
    openings.update({t: () for t in old})  # type: ignore[misc]
    openings[old[0]] = (Let(tape, Call(list, ()), None, False),)  # type: ignore[index]
    return out


def _exchanged(block: Block, changed: dict[int, tuple[Stmt, ...]]) -> Block:
    stmts: list[Stmt] = []
    for stmt in block.stmts:
        stmts += changed[id(stmt)] if id(stmt) in changed else (map_blocks(stmt, lambda b: _exchanged(b, changed)),)
    return Block(tuple(stmts), block.yields)
