"""``x += v`` on memory of one's own is ``x = x + v``.

    x = store(x, ..., x + v)        ->      x = x + v       (same dtype and shape)

Aliases have been refused before this runs, so nobody can tell the difference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from retrograd.runtime import numerics
from retrograd.runtime.rules import lookup

from ..builder import type_of
from ..infer import is_elementwise
from ..ir import Block, Const, Let, Stmt, Var, map_blocks, substitute
from ..types import ArrayT, same_shape


def whole_stores(block: Block) -> Block:
    """The block with whole-array stores replaced by the value stored."""
    same: dict[Var, Var] = {}
    made = _block(block, same)

    def final(var: Var) -> Var:
        while var in same:
            var = same[var]
        return var

    return substitute(made, final)


def _block(block: Block, same: dict[Var, Var]) -> Block:
    out: list[Stmt] = []
    calls: dict[Var, int] = {}
    for stmt in block.stmts:
        stmt = map_blocks(stmt, lambda b: _block(b, same))
        if isinstance(stmt, Let) and _is_whole(stmt):
            value = stmt.call.args[2]
            at = calls.get(value)  # type: ignore[arg-type]
            if at is not None and _keeps_layout(stmt.call.args[0], value, out, calls):
                # made right here: it takes the name of the array it replaces
                made = out[at]
                assert isinstance(made, Let)
                out[at] = replace(made, var=stmt.var)
                same[made.var] = stmt.var
                del calls[made.var]
                continue
        out.append(stmt)
        if isinstance(stmt, Let):
            calls[stmt.var] = len(out) - 1
    return Block(tuple(out), block.yields)


def _keeps_layout(old: Any, value: Any, out: list[Stmt], calls: dict[Var, int]) -> bool:
    """Does the new array lie in memory as the old one does?  The order in which it is summed, and so its bits, depend on that."""
    if _spread(type_of(old)) < 2:
        return True
    at = calls.get(value)
    call = out[at].call if at is not None else None  # type: ignore[union-attr]
    if call is None or not is_elementwise(call.fn, lookup(call.fn)):
        return False
    wide = [atom for atom in call.atoms() if isinstance(atom, Var) and _spread(atom.type) >= 2]
    return bool(wide) and all(atom is old or _keeps_layout(old, atom, out, calls) for atom in wide)


def _spread(t: Any) -> int:
    """Over how many axes an array extends."""
    return sum(not axis.one for axis in t.shape) if isinstance(t, ArrayT) else 0


def _is_whole(stmt: Let) -> bool:
    if stmt.call.fn is not numerics.store or stmt.call.args[1] != Const(Ellipsis):
        return False
    old, new = type_of(stmt.call.args[0]), type_of(stmt.call.args[2])
    return isinstance(new, ArrayT) and old.dtype == new.dtype and same_shape(old, new)
