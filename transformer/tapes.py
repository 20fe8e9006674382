"""Where may a tape be an array?  Where the number of iterations is known when the loop starts (L2).

    x_tape = []                               x_tape = np.empty(max(n, 0))
    for i in range(n):                        for i in range(n):
        x_tape.append(x)                          x_tape[i] = x

A tape of floats that one statement fills, inside loops that cannot leave early and whose headers do not change while
the outermost of them runs.  Everything else stays a list, whose items Numba types by what is appended.
"""

from __future__ import annotations

import operator
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
    definitions,
    map_blocks,
    vars_of,
)
from .types import ArrayT, ListT, ScalarT, fresh_axis

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
