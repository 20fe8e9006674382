"""A quotient of Python's numbers that nobody reads goes, if the next thing that can fail divides by the same number.

    y = x / t; x_bar = k / t / t        ->      x_bar = k / t / t           (y is not read)

Dividing by zero raises, so such a quotient is not simply dead (L4); but then the next division raises the same.
"""

from __future__ import annotations

import operator
from collections import Counter

from ..analysis.purity import is_pure, is_total
from ..ir import Atom, Block, Let, Stmt, Var, map_blocks, reads
from .switches import is_on, note

NAME = "quotient for its error"


def drop_quotients(block: Block) -> Block:
    """The block without quotients that are there for their divisor alone, where that divides again."""
    return _without(block, Counter(reads(block))) if is_on(NAME) else block


def _without(block: Block, uses: Counter[Var]) -> Block:
    kept: list[Stmt] = []
    divisor: Atom | None = None  # of the next statement that can fail, if that is a division
    for stmt in reversed(block.stmts):
        if isinstance(stmt, Let) and stmt.call.fn is operator.truediv and not is_total(stmt):
            if stmt.call.args[1] is divisor and not uses[stmt.var]:
                note(NAME)
                continue
            divisor = stmt.call.args[1]
        elif not (isinstance(stmt, Let) and is_pure(stmt.call) and is_total(stmt)):
            divisor = None
        kept.append(map_blocks(stmt, lambda inner: _without(inner, uses)))
    return Block(tuple(reversed(kept)), block.yields)
