"""Whose shape is it?  That of a temporary is asked of the named value it was computed from.

    t = r ** 2; ... np.mean(t); ... t.size       ->      ... np.mean(r ** 2); ... r.size

Elementwise operands that the types prove to have the result's shape (T1) answer as well, and the temporary need not be
kept for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules import lookup

from ..analysis.liveness import SHAPE_ONLY
from ..analysis.ownership import IN_PLACE
from ..ir import Atom, Block, Call, Let, Stmt, Var, map_blocks, operands_of, vars_of, walk
from ..types import ArrayT, same_shape
from .switches import is_on, note

NAME = "shapes by name"
LIKE = {np.zeros_like, np.ones_like, np.empty_like}  # these ask for the dtype too


def shapes_by_name(block: Block) -> Block:
    """The block whose derivative code asks named values for the shapes of temporaries."""
    return _Shapes(block).block(block) if is_on(NAME) else block


class _Shapes:
    def __init__(self, block: Block) -> None:
        stmts = list(walk(block))
        self.lets = {s.var: s for s in stmts if isinstance(s, Let)}
        self.stored = {s.call.args[0] for s in self.lets.values() if s.call.fn in IN_PLACE}
        self.kept = {v for atom in block.yields for v in vars_of(atom)}
        for stmt in stmts:
            if not stmt.forward:
                asked = _asked(stmt)
                self.kept |= {v for atom in operands_of(stmt) for v in vars_of(atom) if v is not asked}

    def block(self, block: Block) -> Block:
        return Block(tuple(map(self.stmt, block.stmts)), block.yields)

    def stmt(self, stmt: Stmt) -> Stmt:
        var = _asked(stmt)
        if var is None or stmt.forward or var in self.kept:
            return map_blocks(stmt, self.block)
        named = self.named(var)
        call: Call = stmt.call  # type: ignore[union-attr]
        if named is None or (call.fn in LIKE and named.type.dtype != var.type.dtype):
            return stmt
        note(NAME)
        return replace(stmt, call=replace(call, args=tuple(named if a is var else a for a in call.args)))

    def named(self, var: Var) -> Var | None:
        """The named value that has the shape of a temporary."""
        made = self.lets.get(var)
        rule = lookup(made.call.fn) if made is not None and made.forward and not var.hint else None
        if rule is None or rule.kind != "elementwise":
            return None
        for operand in made.call.args:  # type: ignore[union-attr]
            if isinstance(operand, Var) and isinstance(operand.type, ArrayT) and same_shape(var.type, operand.type):
                found = operand if operand.hint else self.named(operand)
                if found is not None and found not in self.stored:
                    return found
        return None


def _asked(stmt: Stmt) -> Any:
    """The array whose shape, and nothing else, a statement reads."""
    if not isinstance(stmt, Let):
        return None
    call = stmt.call
    at = 1 if call.fn is numerics.broadcast_like else 0 if call.fn in SHAPE_ONLY else None
    found: Atom | None = call.args[at] if at is not None and len(call.args) > at else None
    return found if isinstance(found, Var) and isinstance(found.type, ArrayT) else None
