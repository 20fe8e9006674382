"""Which values stand for a name that some path does not bind?

>>> from retrograd.transformer.ir import If
>>> found, x = Var("x", None), Var("x", None)
>>> maybe_unbound(Block((If((found,), Var("c", None), Block((), (x,)), Block((), (UNDEFINED,))),)))
{x}
"""

from __future__ import annotations

from typing import Any

import numpy as np

from retrograd.runtime import emitted

from ..ir import UNDEFINED, Atom, Block, Const, Let, Region, Stmt, Undefined, Var, walk
from ..types import ListT
from .activity import merges

#: Zeros like a value that no path bound are no zeros.
ZEROS = {np.zeros_like, emitted.zero_items}


def maybe_unbound(block: Block) -> set[Var]:
    """The values that stand for a name some path does not bind."""
    found = {s.var for s in walk(block) if isinstance(s, Let) and s.call.fn is emitted.pop and _holds_nothing(s.call.args[0])}
    flows = [pair for stmt in walk(block) for pair in _flows(stmt)]
    size = -1
    while size != len(found):
        size = len(found)
        found |= {target for target, source in flows if isinstance(source, Undefined) or source == Const(None) or source in found}
    return found


def _holds_nothing(tape: Any) -> bool:
    """Was this recorded after a ``try`` block that may not have bound it?"""
    return isinstance(tape, Var) and isinstance(tape.type, ListT) and tape.type.item is None


def _flows(stmt: Stmt) -> list[tuple[Var, Atom]]:
    """What each merged value may be; a ``try`` block that raised has bound nothing."""
    if isinstance(stmt, Let):
        return [(stmt.var, stmt.call.args[0])] if stmt.call.fn in ZEROS else []
    failed = [(result, UNDEFINED) for result in stmt.results] if isinstance(stmt, Region) and not stmt.certain else []
    return [*merges(stmt), *failed]
