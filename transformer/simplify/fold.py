"""Fold temporaries that are used once back into their expression, as a person would have written it.

    t = y * z; s = np.sum(t)        ->      s = np.sum(y * z)

Values the user named keep their statements.  What reads an array is not moved across a store.
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import replace
from typing import Any

from retrograd.runtime import emitted

from ..analysis.ownership import IN_PLACE
from ..analysis.purity import is_pure
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
    map_blocks,
    operands_of,
    reads,
    rebuild,
    substitute_stmt,
    vars_of,
)
from ..types import ScalarT

MAX_OPERATIONS = 14
KEPT = {list, emitted.fresh_copy, emitted.fresh_list, *IN_PLACE}


def fold_temporaries(block: Block, named: Any) -> Block:
    """The block with single-use temporaries nested in their uses; ``named(var)`` tells which names must stay."""
    for _ in range(3):
        counts = Counter(reads(block))
        block = _fold(_as_expressions(block), counts, named)
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


def _fold(block: Block, counts: Counter[Var], named: Any) -> Block:
    pending: dict[Var, Let] = {}
    here = Counter(v for s in block.stmts for a in operands_of(s) for v in vars_of(a))
    here.update(v for a in block.yields for v in vars_of(a))
    out: list[Stmt] = []

    def use(var: Var) -> Atom:
        let = pending.pop(var, None)
        return var if let is None else let.call

    for stmt in block.stmts:
        stmt = map_blocks(stmt, lambda b: _fold(b, counts, named))
        if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE and stmt.call.args[0] in pending:
            out.append(pending.pop(stmt.call.args[0]))  # type: ignore[arg-type]
        stmt = _with_operands(stmt, use)
        if _writes(stmt):
            out += _flush(pending)
        if isinstance(stmt, Let) and _may_fold(stmt, counts, here, named):
            pending[stmt.var] = stmt
        else:
            out.append(stmt)
    yields = tuple(rebuild(y, use) for y in block.yields)
    return Block((*out, *_flush(pending, everything=True)), yields)


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


def _flush(pending: dict[Var, Let], everything: bool = False) -> list[Let]:
    out = []
    for var in list(pending):
        if everything or _reads_memory(pending[var].call):
            out.append(pending.pop(var))
    return out


def _reads_memory(call: Call) -> bool:
    return any(not isinstance(v.type, ScalarT) for a in call.atoms() for v in vars_of(a))


def _writes(stmt: Stmt) -> bool:
    if isinstance(stmt, Let):
        return stmt.call.fn in IN_PLACE or not is_pure(stmt.call)
    return isinstance(stmt, (Raise, Region, While)) or any(_writes(s) for b in blocks_of(stmt) for s in b.stmts)


def _may_fold(stmt: Let, counts: Counter[Var], here: Counter[Var], named: Any) -> bool:
    if named(stmt.var) or counts[stmt.var] != 1 or here[stmt.var] != 1:
        return False
    if stmt.call.fn in KEPT or not (
        is_pure(stmt.call) or stmt.call.fn in (emitted.choose, emitted.both, emitted.either)
    ):
        return False
    return operations(stmt.call) <= MAX_OPERATIONS


def operations(call: Call) -> int:
    return 1 + sum(operations(a) for a in call.atoms() if isinstance(a, Call))
