"""Compute once what is computed twice, in both sweeps.

    a = np.exp(z); ...; b = np.exp(z)       ->      a = np.exp(z); ... (b is a)

Never merged (L4): impure calls, allocations that a store may write, reads of memory across a write (a store makes
a new value, so such reads have different operands).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted

from ..analysis.ownership import IN_PLACE
from ..analysis.purity import is_pure
from ..ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    If,
    Let,
    Region,
    SliceAtom,
    Stmt,
    Var,
    While,
    is_shield,
    rebuild,
    rebuild_call,
)

ALLOCATIONS = {
    np.zeros,
    np.ones,
    np.empty,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    np.full,
    np.copy,
    np.array,
    np.arange,
    np.full_like,
    np.linspace,
    np.eye,
}
WRITES = {
    *IN_PLACE, emitted.fresh_copy, emitted.copy_in_layout, emitted.fresh_list, emitted.push, emitted.pop, emitted.repeat,
    emitted.boxed, emitted.zero_items, list, dict,
}  # fmt: skip


def merge_common(block: Block) -> Block:
    """The block with each repeated computation replaced by its first occurrence in scope."""
    return _Merger().block(block, {})


class _Merger:
    def __init__(self) -> None:
        self.same: dict[Var, Atom] = {}
        self.tables: dict[Any, dict[Any, Var]] = {}

    def now(self, var: Var) -> Atom:
        return self.same.get(var, var)

    def block(self, block: Block, table: dict[Any, Var]) -> Block:
        stmts = tuple(s for s in (self.stmt(s, table) for s in block.stmts) if s is not None)
        return Block(stmts, tuple(rebuild(y, self.now) for y in block.yields))

    def stmt(self, stmt: Stmt, table: dict[Any, Var]) -> Stmt | None:
        if isinstance(stmt, Let):
            return self.let(stmt, table)
        if isinstance(stmt, If):
            return self.branch(stmt, table)
        if isinstance(stmt, (For, While)):
            return self.loop(stmt, table)
        if isinstance(stmt, Region):
            return self.region(stmt, table)
        return replace(stmt, call=rebuild_call(stmt.call, self.now)) if stmt.call else stmt

    def let(self, stmt: Let, table: dict[Any, Var]) -> Stmt | None:
        call = rebuild_call(stmt.call, self.now)
        key = _key(call)
        if key is not None and key in table:
            found = table[key]
            if not (stmt.var.hint and not found.hint and stmt.forward):
                self.same[stmt.var] = found
                return None
        if key is not None:
            table[key] = stmt.var
        return replace(stmt, call=call)

    def branch(self, stmt: If, table: dict[Any, Var]) -> Stmt:
        tables = [dict(table), dict(table)]
        if stmt.mirror is not None:
            for k, own in enumerate(tables):
                own.update(self.tables.get((stmt.mirror, k), {}))
        cond = rebuild(stmt.cond, self.now)
        then, orelse = self.block(stmt.then, tables[0]), self.block(stmt.orelse, tables[1])
        self.tables[stmt.tag, 0], self.tables[stmt.tag, 1] = tables
        return replace(stmt, cond=cond, then=then, orelse=orelse)

    def region(self, stmt: Region, table: dict[Any, Var]) -> Stmt:
        inner = {} if stmt.context is not None and not is_shield(stmt) else dict(table)  # np.errstate may make an error of a value
        if stmt.mirror is not None:
            inner.update(self.tables.get((stmt.mirror, 0), {}))
        context = rebuild(stmt.context, self.now) if stmt.context is not None else None
        body = self.block(stmt.body, inner)
        self.tables[stmt.tag, 0] = inner
        return replace(stmt, body=body, context=context)

    def loop(self, stmt: For | While, table: dict[Any, Var]) -> Stmt:
        inner = dict(table)
        mirror = getattr(stmt, "mirror", None)
        if mirror is not None:
            inner.update(self.tables.get((mirror, 0), {}))
        inits = tuple(rebuild(a, self.now) for a in stmt.inits)
        if isinstance(stmt, While):
            head_table = dict(inner)
            stmt = replace(stmt, inits=inits, head=self.block(stmt.head, head_table), body=self._body(stmt, inner))
            return stmt
        operands = tuple(rebuild(a, self.now) for a in stmt.each.operands)
        return replace(stmt, inits=inits, each=replace(stmt.each, operands=operands), body=self._body(stmt, inner))

    def _body(self, stmt: For | While, table: dict[Any, Var]) -> Block:
        made = self.block(stmt.body, table)
        self.tables[stmt.tag, 0] = table
        return made


def _key(call: Call) -> Any:
    if call.fn in ALLOCATIONS or call.fn in WRITES or not is_pure(call):
        return None
    parts = tuple(map(_atom_key, call.args)) + tuple((k, _atom_key(a)) for k, a in call.kwargs)
    return None if any(p is None for p in parts) else (call.fn, parts)


def _atom_key(atom: Atom) -> Any:
    if isinstance(atom, Const):
        return atom
    if isinstance(atom, Var):
        return id(atom)
    if isinstance(atom, Aggregate):
        return (atom.kind, tuple(map(_atom_key, atom.items))) if atom.kind in (tuple, list) else None
    if isinstance(atom, SliceAtom):
        return ("slice", *map(_atom_key, (atom.start, atom.stop, atom.step)))
    return id(getattr(atom, "value", atom))
