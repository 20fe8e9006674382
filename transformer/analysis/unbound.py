"""Which values stand for a name that some path does not bind?

>>> found, x = Var("x", None), Var("x", None)
>>> maybe_unbound(Block((If((found,), Var("c", None), Block((), (x,)), Block((), (UNDEFINED,))),)))
{x}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrograd.runtime import emitted

from ..ir import UNDEFINED, Block, For, If, Let, Region, Undefined, Var, While, blocks_of, walk
from ..types import ListT


def maybe_unbound(block: Block) -> set[Var]:
    """The values that stand for a name some path does not bind."""
    found = {s.var for s in walk(block) if isinstance(s, Let) and s.call.fn is emitted.pop and _holds_nothing(s.call.args[0])}
    flows = list(_flows(block))
    size = -1
    while size != len(found):
        size = len(found)
        found |= {target for target, source in flows if isinstance(source, Undefined) or source in found}
    return found


def _holds_nothing(tape: Any) -> bool:
    """Was this recorded after a ``try`` block that may not have bound it?"""
    return isinstance(tape, Var) and isinstance(tape.type, ListT) and tape.type.item is None


def _flows(block: Block) -> Iterator[tuple[Var, Any]]:
    for stmt in walk(block):
        if isinstance(stmt, If):
            for inner in blocks_of(stmt):
                yield from zip(stmt.results, inner.yields)
        elif isinstance(stmt, (For, While)):
            for sources in (stmt.inits, stmt.body.yields):
                yield from zip(stmt.args, sources)
            yield from zip(stmt.results, stmt.args)
        elif isinstance(stmt, Region):
            yield from zip(stmt.results, stmt.body.yields)
            if not stmt.certain:
                yield from ((result, UNDEFINED) for result in stmt.results)
