"""Which copies does the reverse sweep not need?

    u = x.copy(); u[k] = v; ... u_old[j]        ->      u = x.copy(); u[k] = v; ... x[j]
    part = u_bar[k].copy(); f(part)             ->      part = u_bar[k]; f(part)

What a copy held before it was written is still in what it was copied from; if that is written too, it is copied then
(``analysis.ownership``), which is one copy all the same.  A part that is copied before its array is written is the
array's own while nobody writes it.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from retrograd.runtime import emitted

from ..analysis.ownership import IN_PLACE, is_basic, memory_of, needs_copies, roots_of
from ..ir import Atom, Block, Call, Let, Stmt, Var, map_blocks, operands_of, substitute, substitute_stmt, vars_of, walk
from ..types import ArrayT
from .switches import is_on, note

ORIGINAL, NEEDLESS = "the original is read", "a part is not copied"
COPIES = {np.copy, np.array, np.ndarray.copy, emitted.copy_in_layout}


def read_originals(block: Block) -> Block:
    """The block whose reverse sweep reads originals in place of the old contents of their copies."""
    stores = [s for s in walk(block) if isinstance(s, Let) and s.forward and s.call.fn in IN_PLACE]
    stored = {s.call.args[0] for s in stores}
    copies = {s.var: s.call.args[0] for s in block.stmts if isinstance(s, Let) and s.var in stored and _is_copy(s)}
    if not copies or not is_on(ORIGINAL):
        return block
    views = {
        s.var: s
        for s in block.stmts
        if isinstance(s, Let) and s.forward and s.call.fn is operator.getitem and s.call.args[0] in copies and is_basic(s.call.args[1])
    }
    return _reading_originals(block, copies, views)


def _is_copy(stmt: Let) -> bool:
    """Is it a copy of an array, alike in all but memory and layout?"""
    call = stmt.call
    if not stmt.forward or call.fn not in COPIES or len(call.args) != 1 or call.kwargs:
        return False
    source = call.args[0]
    return isinstance(source, Var) and isinstance(source.type, ArrayT) and source.type == stmt.var.type


def _reading_originals(block: Block, copies: dict[Var, Atom], views: dict[Var, Let]) -> Block:
    again: dict[Var, Var] = {}
    out: list[Stmt] = []

    def original(var: Var) -> Atom:
        return copies.get(var, again.get(var, var))

    for stmt in block.stmts:
        if stmt.forward:
            out.append(stmt)
            continue
        for var in dict.fromkeys(_reads(stmt)):
            if var in views and var not in again:
                view = views[var]
                again[var] = Var("", var.type)
                out.append(replace(view, var=again[var], call=_of(view.call, copies), forward=False))
        out.append(substitute_stmt(stmt, original))
        if out[-1] is not stmt and any(v in copies or v in again for v in _reads(stmt)):
            note(ORIGINAL)
    return Block(tuple(out), tuple(block.yields))


def _of(call: Call, copies: dict[Var, Atom]) -> Call:
    return replace(call, args=(copies[call.args[0]], *call.args[1:]))  # type: ignore[index]


def _reads(stmt: Stmt) -> Iterable[Var]:
    for inner in walk(Block((stmt,))):
        for atom in operands_of(inner):
            yield from vars_of(atom)


def without_needless_copies(params: tuple[Var, ...], block: Block) -> Block:
    """The block without the copies of parts that no store makes necessary."""
    if not is_on(NEEDLESS):
        return block
    for copy in [s for s in walk(block) if isinstance(s, Let) and not s.forward and s.call.form == "method:copy"]:
        part = copy.call.args[0]
        if not isinstance(part, Var) or _is_handed_out(copy.var, params, block):
            continue
        tried = _replaced(block, copy, part)
        if not needs_copies(params, tried):
            note(NEEDLESS)
            block = tried
    return block


def _is_handed_out(var: Var, params: tuple[Var, ...], block: Block) -> bool:
    roots = roots_of(params, block)
    return any(var in memory_of(v, roots) for atom in block.yields for v in vars_of(atom))


def _replaced(block: Block, copy: Let, part: Var) -> Block:
    return substitute(_dropped(block, copy), lambda v: part if v is copy.var else v)


def _dropped(block: Block, copy: Let) -> Block:
    kept = (s for s in block.stmts if s is not copy)
    return Block(tuple(map_blocks(s, lambda inner: _dropped(inner, copy)) for s in kept), block.yields)
