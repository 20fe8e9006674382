"""Fold temporaries back into the expressions that use them, as a person would have written it.

    t = y * z; s = np.sum(t)        ->      s = np.sum(y * z)
    t = n - 1; f(t); g(t)           ->      f(n - 1); g(n - 1)

Values the user named keep their statements.  What reads an array is not moved across a store into its memory, what may
raise an error of the user's is not moved into the reverse sweep.  A record that is read once is taken from its tape
where it is read: nobody else asks that tape.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted

from ..analysis.ownership import IN_PLACE, Roots, memory_of, roots_of
from ..analysis.purity import cannot_raise, is_pure, is_safe
from ..ir import (
    Atom,
    Block,
    Call,
    Const,
    For,
    If,
    Let,
    Raise,
    Region,
    Stmt,
    Var,
    While,
    blocks_of,
    is_shield,
    map_blocks,
    operands_of,
    reads,
    rebuild,
    substitute_stmt,
    vars_of,
    walk,
)
from ..types import AggregateT, ScalarT
from .switches import is_on, note

MAX_OPERATIONS = 14
KEPT = {list, dict, emitted.boxed, emitted.fresh_copy, emitted.copy_in_layout, emitted.fresh_list, *IN_PLACE}
#: One step on Python numbers is repeated rather than named.
REPEATED = {operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, len, np.size}
RECORDS = {list, emitted.push, emitted.pop, emitted.truncate, emitted.kept, np.copy, np.empty}
CHOICES = {emitted.choose, emitted.both, emitted.either}


def fold_temporaries(block: Block, named: Callable[[Var], bool], params: Iterable[Var] = ()) -> Block:
    """The block with temporaries nested in their uses; ``named(var)`` tells which names must stay."""
    roots = roots_of(params, block)
    for _ in range(3):
        lets = [s for s in walk(block) if isinstance(s, Let)]
        pops = Counter(s.call.args[0] for s in lets if s.call.fn is emitted.pop)
        block = Folder(named, roots, Counter(reads(block)), pops).block(_as_expressions(block))
    return block


def _as_expressions(block: Block) -> Block:
    """An ``If`` that only chooses a value becomes a conditional expression."""
    stmts = tuple(_as_expression(map_blocks(s, _as_expressions)) for s in block.stmts)
    return Block(stmts, block.yields)


def _as_expression(stmt: Stmt) -> Stmt:
    if not isinstance(stmt, If) or len(stmt.results) != 1 or stmt.then.stmts or stmt.orelse.stmts:
        return stmt
    then, orelse = stmt.then.yields[0], stmt.orelse.yields[0]
    if not all(isinstance(a, (Var, Const, Call)) for a in (then, orelse)):
        return stmt
    return Let(stmt.results[0], _choice(stmt.cond, then, orelse), stmt.loc, stmt.forward)


def _choice(cond: Atom, then: Atom, orelse: Atom) -> Call:
    if then == Const(False) and orelse == Const(True):  # 0.0 and 1.0 would not do
        return Call(operator.not_, (cond,), (), "operator")
    if orelse is cond:
        return Call(emitted.both, (cond, then))
    if then is cond:
        return Call(emitted.either, (cond, orelse))
    return Call(emitted.choose, (cond, then, orelse))


@dataclass(frozen=True)
class Folder:
    """One round: whose memory each value is, how often each is read, how many statements take from each tape."""

    named: Callable[[Var], bool]
    roots: Roots
    counts: Counter[Var]
    pops: Counter[Any]

    def block(self, block: Block) -> Block:
        pending: dict[Var, Let] = {}
        here = Counter(v for s in block.stmts for a in operands_of(s) for v in vars_of(a))
        here.update(v for a in block.yields for v in vars_of(a))
        left = Counter(here)
        both = len({s.forward for s in block.stmts if not _is_record(s)}) > 1
        out: list[Stmt] = []

        def use(var: Var) -> Atom:
            left[var] -= 1
            let = pending.get(var)
            if left[var] == 0:
                pending.pop(var, None)
            return var if let is None else let.call

        for stmt in block.stmts:
            stmt = map_blocks(stmt, self.block)
            if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE and stmt.call.args[0] in pending:
                out.append(pending.pop(stmt.call.args[0]))  # type: ignore[arg-type]
            if _chooses(stmt):
                out += _flush(pending, lambda let: _takes_records(let.call))
            stmt = _with_operands(stmt, use)
            if is_shield(stmt):  # a handler may be meant by what is computed before it
                out += _flush(pending, lambda let: not cannot_raise(let))
            if not stmt.forward and not _is_record(stmt):
                out += _flush(pending, lambda let: let.forward and not is_safe(let.call))
            if _writes(stmt):
                out += _flush(pending, lambda let: self.is_written(let.call, stmt))
            if isinstance(stmt, Let) and self.may_fold(stmt, here, both):
                pending[stmt.var] = stmt
            else:
                out.append(stmt)
        yields = tuple(rebuild(y, use) for y in block.yields)
        return Block((*out, *_flush(pending, lambda let: True)), yields)

    def may_fold(self, stmt: Let, here: Counter[Var], both: bool) -> bool:
        """``both``: does the block hold both sweeps, of which the reverse one raises no error of the user's?"""
        call, times = stmt.call, here[stmt.var]
        if self.counts[stmt.var] != times or not times or call.fn in KEPT or operations(call) > MAX_OPERATIONS:
            return False
        if call.fn is emitted.pop:
            return times == 1 and self.pops[call.args[0]] == 1 and not isinstance(stmt.var.type, AggregateT)
        if self.named(stmt.var) or call.form == "unpack" or not (is_pure(call) or call.fn in CHOICES):
            return False
        return times == 1 or (_is_repeated(stmt, times) and (not both or is_safe(call)))

    def is_written(self, call: Call, by: Stmt) -> bool:
        """Does a statement write what a computation reads?"""
        read = [v for a in call.atoms() for v in vars_of(a) if not isinstance(v.type, ScalarT)]
        written = _written_by(by)
        if written is None:
            return bool(read)
        mine = frozenset().union(*(memory_of(v, self.roots) for v in read))
        return any(v in read or memory_of(v, self.roots) & mine for v in written)


def _is_repeated(stmt: Let, times: int) -> bool:
    """Is it a step that costs as much as its name?"""
    call = stmt.call
    if call.fn not in REPEATED or _takes_records(call) or not isinstance(stmt.var.type, ScalarT) or stmt.var.type.weak is False:
        return False
    is_index = stmt.var.type.dtype.kind == "i"
    if not is_on("one step is repeated") or times > 2 or operations(call) > (2 if is_index else 1):
        return False
    note("one step is repeated")
    return True


def _chooses(stmt: Stmt) -> bool:
    return isinstance(stmt, Let) and _holds(stmt.call, CHOICES)


def _takes_records(call: Call) -> bool:
    return _holds(call, {emitted.pop})


def _holds(call: Call, fns: set[Any]) -> bool:
    return call.fn in fns or any(_holds(a, fns) for a in call.atoms() if isinstance(a, Call))


def _is_record(stmt: Stmt) -> bool:
    return isinstance(stmt, Let) and stmt.call.fn in RECORDS


def _with_operands(stmt: Stmt, use: Any) -> Stmt:
    """Substitute in what the statement itself reads, not in its blocks."""
    if isinstance(stmt, (Let, Raise)):
        return substitute_stmt(stmt, use)
    if isinstance(stmt, If):
        return replace(stmt, cond=rebuild(stmt.cond, use))
    if isinstance(stmt, Region):
        return replace(stmt, context=rebuild(stmt.context, use)) if stmt.context is not None else stmt
    stmt = replace(stmt, inits=tuple(rebuild(a, use) for a in stmt.inits))
    if isinstance(stmt, For):
        stmt = replace(stmt, each=replace(stmt.each, operands=tuple(rebuild(a, use) for a in stmt.each.operands)))
    return stmt


def _flush(pending: dict[Var, Let], wanted: Callable[[Let], bool]) -> list[Let]:
    return [pending.pop(var) for var in list(pending) if wanted(pending[var])]


def _writes(stmt: Stmt) -> bool:
    return _written_by(stmt) != []


def _written_by(stmt: Stmt) -> list[Var] | None:
    """The values whose memory a statement may write; None for all of them."""
    if isinstance(stmt, Let):
        if stmt.call.fn in IN_PLACE:
            return list(vars_of(stmt.call.args[0]))
        tapes_only = stmt.call.fn in (emitted.push, emitted.pop, emitted.truncate)
        return [] if tapes_only or is_pure(stmt.call) else None
    if isinstance(stmt, (Raise, Region, While)):
        return None
    inner = [_written_by(s) for b in blocks_of(stmt) for s in b.stmts]
    return None if any(w is None for w in inner) else [v for w in inner for v in w or ()]


def operations(call: Call) -> int:
    return 1 + sum(operations(a) for a in call.atoms() if isinstance(a, Call))
