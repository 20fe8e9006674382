"""A cotangent that is taken out of an array and put back into it stays where it is.

    part = u_bar[k]; u_bar[k] = 0; u_bar[j] += g; u_bar[k] += part + v      ->      u_bar[j] += g; u_bar[k] += v

This is what the reverse of ``u[k] += v`` comes to, which is linear in ``u[k]``.  Only additions may stand between, whose
order is free in derivative code.  A row whose cotangent nobody reads again is not zeroed either (``analysis.writeonce``).
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted, numerics

from ..analysis.writeonce import idle_zeroings
from ..builder import operand
from ..infer import infer
from ..ir import Atom, Block, Call, Const, Let, Stmt, Var, map_blocks, reads, substitute, walk
from .switches import is_on, note

ADD, SUB, NEG = operator.add, operator.sub, operator.neg
NAME, UNREAD = "what is put back stays", "written once is not zeroed"


def keep_in_place(block: Block) -> Block:
    """The block without stores of zeros that later additions undo."""
    if not is_on(NAME):
        return block
    lets = {s.var: s for s in walk(block) if isinstance(s, Let)}
    keeper = _Keeper(Counter(reads(block)), lets)
    made = keeper.block(block)
    return substitute(made, keeper.final) if keeper.same else block


def leave_unread(block: Block) -> Block:
    """The block without stores of zeros that nobody reads."""
    idle = idle_zeroings(block) if is_on(UNREAD) else set()
    if not idle:
        return block
    note(UNREAD)
    arrays = {s.var: s.call.args[0] for s in walk(block) if isinstance(s, Let) and s.var in idle}

    def final(var: Var) -> Atom:
        while var in arrays:
            var = arrays[var]  # type: ignore[assignment]
        return var

    return substitute(block, final)


@dataclass
class _Keeper:
    counts: Counter[Var]
    lets: dict[Var, Let]
    same: dict[Var, Var] = field(default_factory=dict)  # arrays that are not changed after all

    def final(self, var: Var) -> Atom:
        while var in self.same:
            var = self.same[var]
        return var

    def block(self, block: Block) -> Block:
        stmts = [map_blocks(s, self.block) for s in block.stmts]
        readers = {s.call.args[0]: s for s in stmts if isinstance(s, Let) and s.call.fn is emitted.add_at}
        changed: dict[int, list[Stmt]] = {}
        for stmt in stmts:
            if isinstance(stmt, Let) and _is_zeroing(stmt):
                changed.update(self.kept(stmt, readers))
        out: list[Stmt] = []
        for stmt in stmts:
            out += changed.get(id(stmt), [stmt])
        return Block(tuple(out), block.yields)

    def kept(self, zeroing: Let, readers: dict[Any, Let]) -> dict[int, list[Stmt]]:
        """What becomes of the store of zeros and of the addition that undoes it; nothing if there is none."""
        array, key, _ = zeroing.call.args
        back = self.put_back(zeroing.var, key, readers)
        if back is None:
            return {}
        made: list[Stmt] = []
        rest = self.without(back.call.args[2], array, key, made, back)
        if rest is None:
            return {}
        note(NAME)
        self.same[zeroing.var] = array  # type: ignore[assignment]
        if rest == Const(0.0):
            self.same[back.var] = back.call.args[0]  # type: ignore[assignment]
            return {id(zeroing): [], id(back): []}
        stays = replace(back, call=replace(back.call, args=(*back.call.args[:2], rest)))
        return {id(zeroing): [], id(back): [*made, stays]}

    def put_back(self, array: Var, key: Atom, readers: dict[Any, Let]) -> Let | None:
        """The addition at ``key`` that follows, with nothing but additions between."""
        while self.counts[array] == 1 and array in readers:
            found = readers[array]
            if found.call.form == "add_once" and found.call.args[1] == key:
                return found
            array = found.var
        return None

    def without(self, atom: Atom, array: Atom, key: Atom, made: list[Stmt], back: Let) -> Atom | None:
        """A sum without the part of ``array``, 0.0 if that is all; None if it is not in it."""
        stmt = self.lets.get(atom) if isinstance(atom, Var) else None
        if stmt is None or stmt.forward:
            return None
        call = stmt.call
        if call.fn is np.copy:
            return self.without(call.args[0], array, key, made, back)
        if call.fn is operator.getitem:
            return Const(0.0) if call.args == (array, key) else None
        if call.fn not in (ADD, SUB) or self.counts[stmt.var] != 1:
            return None
        first, second = call.args
        left = self.without(first, array, key, made, back)
        if left == Const(0.0):
            return second if call.fn is ADD else self.let(made, back, NEG, second)
        if left is not None:
            return self.let(made, back, call.fn, left, second)
        right = self.without(second, array, key, made, back) if call.fn is ADD else None
        if right == Const(0.0):
            return first
        return None if right is None else self.let(made, back, ADD, first, right)

    def let(self, made: list[Stmt], back: Let, fn: Any, *args: Atom) -> Var:
        var = Var("", infer(fn, tuple(map(operand, args)), {}))
        made.append(Let(var, Call(fn, args, (), "operator"), back.loc, False))
        return var


def _is_zeroing(stmt: Let) -> bool:
    return not stmt.forward and stmt.call.fn is numerics.store and stmt.call.args[2] == Const(0.0)
