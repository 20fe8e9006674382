"""Which entries of an array are written once, row after row, and so need neither a record nor a zero?

    for i in range(n):                          for i in reversed(range(n)):
        u[i + 1] = f(u[i])                          ... u[i] ...             # as it was read: nobody writes row i again
                                                    part = u_bar[i + 1]      # no u_bar[i + 1] = 0: nobody reads it again

Rows are told apart by the loop's counter plus a constant.  The counter runs upwards from a known start, so that no index
is negative and none of two rows with different counters is written twice.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from retrograd.runtime import emitted, numerics

from ..ir import Aggregate, Atom, Block, Const, For, Let, Stmt, Var, blocks_of, operands_of, vars_of, walk
from ..types import ArrayT
from .ownership import IN_PLACE

Lets = dict[Var, Let]


def lets_of(block: Block) -> Lets:
    return {s.var: s for s in walk(block) if isinstance(s, Let)}


def start_of(loop: For) -> int | None:
    """The smallest value of the counter of a loop that counts upwards; a mirror loop runs through the same values."""
    operands = loop.each.operands
    if loop.each.kind != "range" or len(loop.each.targets) != 1:
        return None
    step = operands[2] if len(operands) > 2 else Const(1)
    start = operands[0] if len(operands) > 1 else Const(0)
    known = isinstance(start, Const) and isinstance(step, Const) and type(start.value) is type(step.value) is int
    return start.value if known and step.value > 0 else None  # type: ignore[union-attr]


def row_of(key: Atom, counter: Var, lets: Lets) -> int | None:
    """``c`` where an index, or the first of several, is the counter plus ``c``."""
    first = key.items[0] if isinstance(key, Aggregate) and key.kind is tuple and key.items else key
    return _offset(first, counter, lets)


def _offset(atom: Atom, counter: Var, lets: Lets) -> int | None:
    if atom is counter:
        return 0
    made = lets.get(atom) if isinstance(atom, Var) else None
    if made is None or made.call.fn not in (operator.add, operator.sub) or made.call.kwargs:
        return None
    a, b = made.call.args
    if made.call.fn is operator.add and isinstance(a, Const):
        a, b = b, a
    inner = _offset(a, counter, lets)
    if inner is None or not isinstance(b, Const) or type(b.value) is not int:
        return None
    return inner + b.value if made.call.fn is operator.add else inner - b.value


@dataclass(frozen=True)
class Chain:
    """The states of a carried array within one iteration, first to last, and what changes each into the next."""

    states: tuple[Var, ...]
    changes: tuple[Let, ...]

    def place(self, var: Any) -> int:
        return self.states.index(var)


def chain_of(loop: For, at: int) -> Chain | None:
    """How a carried array changes in an iteration, if only by stores that stand in the loop's body itself."""
    states, changes = [loop.args[at]], []
    for stmt in loop.body.stmts:
        if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE and stmt.call.args[0] is states[-1]:
            states.append(stmt.var)
            changes.append(stmt)
    if not isinstance(states[0].type, ArrayT) or loop.body.yields[at] is not states[-1]:
        return None
    return Chain(tuple(states), tuple(changes))


def users(block: Block, values: Iterable[Var]) -> Iterator[tuple[Stmt, Var]]:
    """The statements that read any of the values."""
    wanted = set(values)
    for stmt in walk(block):
        for atom in operands_of(stmt):
            yield from ((stmt, v) for v in vars_of(atom) if v in wanted)
        for inner in _yields(stmt):
            yield from ((stmt, v) for v in vars_of(inner) if v in wanted)


def _yields(stmt: Stmt) -> Iterator[Atom]:
    for inner in blocks_of(stmt):
        yield from inner.yields


# -- what was read can be read again ----------------------------------------------------------------------


def read_again(forward: Block) -> dict[Var, Var]:
    """For each read of a row that no later store writes: the array that holds it to the end."""
    lets = lets_of(forward)
    found: dict[Var, Var] = {}
    for loop in forward.stmts:
        if isinstance(loop, For) and not loop.each.backwards and start_of(loop) is not None:
            for at, result in enumerate(loop.results):
                chain = chain_of(loop, at)
                if chain is not None and chain.changes and not _changed_later(forward, result):
                    found.update({read: result for read in _lasting_reads(loop, chain, lets)})
    return found


def _changed_later(block: Block, result: Var) -> bool:
    return any(not isinstance(stmt, Let) or stmt.call.fn in IN_PLACE for stmt, _ in users(block, (result,)))


def _lasting_reads(loop: For, chain: Chain, lets: Lets) -> Iterator[Var]:
    start, counter = start_of(loop), loop.each.targets[0]
    assert start is not None
    rows = [row_of(c.call.args[1], counter, lets) if c.call.fn is numerics.store else None for c in chain.changes]
    if any(row is None for row in rows):
        return
    for stmt, var in users(loop.body, chain.states):
        if isinstance(stmt, Let) and stmt.call.fn is operator.getitem and stmt.call.args[0] is var:
            read, place = row_of(stmt.call.args[1], counter, lets), chain.place(var)
            if read is not None and read + start >= 0 and all(
                row > read if k >= place else row >= read  # type: ignore[operator]
                for k, row in enumerate(rows)
            ):
                yield stmt.var


# -- what nobody reads need not be zeroed -----------------------------------------------------------------


def idle_zeroings(whole: Block) -> set[Var]:
    """The results of stores of zeros into rows of cotangents that nobody reads afterwards."""
    lets = lets_of(whole)
    found: set[Var] = set()
    for loop in whole.stmts:
        if isinstance(loop, For) and not loop.forward and loop.each.backwards and start_of(loop) is not None:
            for at, result in enumerate(loop.results):
                chain = chain_of(loop, at)
                if chain is not None:
                    found.update(c.var for c in chain.changes if _is_idle(c, loop, chain, result, whole, lets))
    return found


def _is_idle(zeroing: Let, loop: For, chain: Chain, result: Var, whole: Block, lets: Lets) -> bool:
    if zeroing.call.fn is not numerics.store or zeroing.call.args[2] != Const(0.0):
        return False
    start, counter = start_of(loop), loop.each.targets[0]
    row = row_of(zeroing.call.args[1], counter, lets)
    if start is None or row is None:
        return False
    at = chain.place(zeroing.var)
    uses = [(stmt, var) for stmt, var in users(Block((loop,)), chain.states) if stmt is not loop]
    handed_on = sum(v in chain.states for y in loop.body.yields for v in vars_of(y))
    elsewhere = all(_is_elsewhere(stmt, var, chain, row, at, (start, counter, lets)) for stmt, var in uses)
    return handed_on == 1 and elsewhere and _reads_below(whole, result, row + start)


def _is_elsewhere(stmt: Stmt, var: Var, chain: Chain, row: int, at: int, where: tuple[int, Var, Lets]) -> bool:
    """Does a use of the cotangent not read the zeroed row, in this iteration from there on and in those to come?"""
    start, counter, lets = where
    if not isinstance(stmt, Let) or stmt.call.args[0] is not var:
        return False
    if stmt in chain.changes:
        return not any(v is var for a in stmt.call.args[1:] for v in vars_of(a))
    read = row_of(stmt.call.args[1], counter, lets) if stmt.call.fn is operator.getitem else None
    return read is not None and read + start >= 0 and (read < row or (read == row and chain.place(var) < at))


def _reads_below(whole: Block, result: Var, bound: int) -> bool:
    """Is the finished cotangent read in rows before ``bound`` alone?"""
    waiting, seen = [result], set()
    while waiting:
        var = waiting.pop()
        seen.add(var)
        for stmt, _ in users(whole, (var,)):
            if not isinstance(stmt, Let) or stmt.call.args[0] is not var:
                return False
            if stmt.call.fn in (operator.getitem, numerics.store, emitted.add_at) and not _is_below(stmt.call.args[1], bound):
                return False
            if stmt.call.fn in (numerics.store, emitted.add_at):
                waiting.append(stmt.var)
            elif stmt.call.fn is not operator.getitem:
                return False
        if any(v is var for y in whole.yields for v in vars_of(y)):
            return False
    return True


def _is_below(key: Atom, bound: int) -> bool:
    first = key.items[0] if isinstance(key, Aggregate) and key.kind is tuple and key.items else key
    return isinstance(first, Const) and type(first.value) is int and 0 <= first.value < bound
