"""Where may ``x_bar = x_bar + g`` be printed ``x_bar += g``?  Where the array is owned and read by nobody else (M5)."""

from __future__ import annotations

import operator

from ..ir import Block, Let, Var, walk
from ..types import ArrayT, ScalarT, same_shape
from .liveness import liveness
from .ownership import Roots, is_external, memory_of, roots_of


def updates_in_place(params: tuple[Var, ...], block: Block) -> set[int]:
    """The additions (by ``id``) whose first operand may be written."""
    roots = roots_of(params, block)
    live = liveness(block)
    return {id(s) for s in walk(block) if isinstance(s, Let) and _may_update(s, roots, live.after[id(s)])}


def _may_update(stmt: Let, roots: Roots, after: set[Var]) -> bool:
    if stmt.call.fn not in (operator.add, operator.sub, operator.mul, operator.truediv) or not stmt.call.args:
        return False
    first = stmt.call.args[0]
    if not isinstance(first, Var):
        return False
    if isinstance(first.type, ScalarT) and isinstance(stmt.var.type, ScalarT):
        return True
    if stmt.forward or not (isinstance(first.type, ArrayT) and isinstance(stmt.var.type, ArrayT)):
        return False  # a 0-d array plus a scalar is a scalar
    if first.type.dtype != stmt.var.type.dtype:
        return False
    if not same_shape(first.type, stmt.var.type):
        return False
    mine = memory_of(first, roots)
    if not mine or any(is_external(root) for root in mine):
        return False
    readers = {v for v in after if v is not stmt.var and memory_of(v, roots) & mine}
    return not readers and first not in after
