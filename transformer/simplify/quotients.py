"""A quotient of Python's numbers that nobody reads goes, if the next thing that can fail divides by the same number.

    y = x / t; x_bar = k / t / t        ->      x_bar = k / t / t           (y is not read)

Dividing by zero raises, so such a quotient is not simply dead (L4); but then the next division raises the same.
"""

from __future__ import annotations

import operator
from collections import Counter

from ..analysis.purity import is_pure, is_total
from ..ir import Block, Let, Stmt, Var, map_blocks, operands_of, reads, vars_of, walk
from ..symbolic.statements import same_line
from .switches import is_on, note

NAME = "quotient for its error"


def drop_quotients(block: Block) -> Block:
    """The block without quotients that are there for their divisor alone, where that divides again on the same line (L5)."""
    if not is_on(NAME):
        return block
    readers: dict[Var, list[Stmt]] = {}
    for stmt in walk(block):
        for var in {v for atom in operands_of(stmt) for v in vars_of(atom)}:
            readers.setdefault(var, []).append(stmt)
    return _without(block, Counter(reads(block)), readers)


def _without(block: Block, uses: Counter[Var], readers: dict[Var, list[Stmt]]) -> Block:
    kept: list[Stmt] = []
    next_one: Let | None = None  # the next statement that can fail, if that is a division
    for stmt in reversed(block.stmts):
        if isinstance(stmt, Let) and stmt.call.fn is operator.truediv and not is_total(stmt):
            if next_one is not None and _same_divisor(stmt, next_one) and not uses[stmt.var] and _on_line_of(stmt, next_one, readers):
                note(NAME)
                continue
            next_one = stmt
        elif not (isinstance(stmt, Let) and is_pure(stmt.call) and is_total(stmt)):
            next_one = None
        kept.append(map_blocks(stmt, lambda inner: _without(inner, uses, readers)))
    return Block(tuple(reversed(kept)), block.yields)


def _same_divisor(a: Let, b: Let) -> bool:
    return a.call.args[1] is b.call.args[1]


def _on_line_of(stmt: Let, other: Let, readers: dict[Var, list[Stmt]]) -> bool:
    """Will ``other`` be printed as of the line of ``stmt``, also as a part of what reads it?"""
    printed: Stmt = other
    while isinstance(printed, Let):
        if not same_line(stmt, printed):
            return False
        found = readers.get(printed.var, [])
        if len(found) != 1:
            return True
        printed = found[0]
    return True
