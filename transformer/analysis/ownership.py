"""Whose memory is it?  Where may a store be done in place?  (M1, M4-M6)

A store is written as the array it makes.  It is printed in place where its operand's memory is the program's own and
nobody reads it later under another name.  In the user's program such a reader is aliasing, which is refused; where
only the reverse sweep, or the caller, still needs the old contents, a copy is made first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import AliasedMutation
from retrograd.runtime.rules import lookup

from ..intrinsics import Intrinsic
from ..ir import (
    Atom,
    Block,
    Call,
    For,
    Function,
    If,
    Let,
    Stmt,
    Var,
    While,
    definitions,
    map_blocks,
    substitute_stmt,
    vars_of,
    walk,
)
from ..types import ArrayT, ScalarT
from .activity import flows
from .liveness import Liveness, liveness

LIST_CHANGES = {emitted.append, emitted.drop_last, emitted.set_item, emitted.set_in, emitted.add_to_item}
#: Calls that are printed as writes into their first operand.
IN_PLACE = {numerics.store, emitted.add_at, *LIST_CHANGES}
Roots = dict[Var, frozenset[Any]]
EXTERNAL = "external"
#: Results that must not be written, whatever they were made of.
READ_ONLY = {numerics.broadcast_like, numerics.unreduce, np.broadcast_to}


#: Results of their own, whatever the rules say of other forms of the call.
FRESH = {
    emitted.fresh_copy, emitted.fresh_list, emitted.zero_items, emitted.zero_last, emitted.zero_in, np.copy, np.ndarray.astype,
    np.ndarray.tolist, np.zeros_like, np.array,
}  # fmt: skip


def is_external(root: Any) -> bool:
    return isinstance(root, tuple) and root[0] == EXTERNAL


def _older(root: Any, inside: set[Var]) -> Any:
    """An allocation of an earlier iteration is not the one that the same statement makes now."""
    return ("older", root) if root in inside else root


def shares(call: Call) -> bool:
    """May the result be memory of an operand?"""
    if isinstance(call.fn, Intrinsic):
        return not call.fn.fresh
    rule = lookup(call.fn)
    if call.fn in FRESH:
        return False
    return rule is None or rule.sharing != "fresh"


def roots_of(params: Iterable[Var], block: Block) -> Roots:
    """The allocations each value may be, or be a view of."""
    roots: dict[Var, frozenset[Any]] = {p: frozenset({(EXTERNAL, p)}) for p in params}
    stmts = list(walk(block))
    changed = True
    while changed:
        changed = False
        for stmt in stmts:
            for var, found in _contributions(stmt, roots):
                if not found <= roots.get(var, frozenset()):
                    roots[var] = roots.get(var, frozenset()) | found
                    changed = True
    return roots


def _union(atoms: Iterable[Atom], roots: Roots) -> frozenset[Any]:
    out: frozenset[Any] = frozenset()
    for atom in atoms:
        for var in vars_of(atom):
            if not isinstance(var.type, ScalarT):
                out |= roots.get(var, frozenset())
    return out


def _contributions(stmt: Stmt, roots: Roots) -> Iterable[tuple[Var, frozenset[Any]]]:
    if isinstance(stmt, Let):
        call = stmt.call
        if call.fn is emitted.push:
            tape, value = call.args
            yield from ((t, _union((value,), roots)) for t in vars_of(tape))
        elif isinstance(stmt.var.type, ScalarT):
            yield stmt.var, frozenset()
        elif call.fn in LIST_CHANGES:  # the list holds what is put into it
            yield stmt.var, _union((call.args[0], *call.args[2 if len(call.args) > 2 else 1 :]), roots)
        elif call.fn in IN_PLACE:
            yield stmt.var, _union(call.args[:1], roots)
        elif call.fn in (list, tuple, emitted.repeat):
            yield stmt.var, frozenset({stmt.var}) | _union(call.args, roots)
        elif call.fn is emitted.pop:
            yield stmt.var, _union(call.args, roots)
        elif call.fn in READ_ONLY:
            yield stmt.var, frozenset({(EXTERNAL, stmt.var)})
        elif shares(call):
            yield stmt.var, _union(call.atoms(), roots) | (frozenset() if lookup(call.fn) else frozenset({stmt.var}))
        else:
            yield stmt.var, frozenset({stmt.var})
        return
    if isinstance(stmt, (For, While)):
        inside = set(definitions(stmt.body))
        for arg, end in zip(stmt.args, stmt.body.yields):
            if not isinstance(arg.type, ScalarT):
                yield arg, frozenset(_older(root, inside) for root in _union((end,), roots))
        pairs = [*zip(stmt.args, stmt.inits), *zip(stmt.results, stmt.args)]
        if isinstance(stmt, For) and stmt.each.kind == "sequence":
            pairs += [*zip(stmt.each.targets, stmt.each.operands)]
    else:
        pairs = flows(stmt)
    for target, source in pairs:
        if not isinstance(target.type, ScalarT):
            yield target, _union((source,), roots)


def written_values(params: Iterable[Var], block: Block) -> set[Var]:
    """The values whose memory some store writes: a record of one must be a copy (M4)."""
    roots = roots_of(params, block)
    written: frozenset[Any] = frozenset()
    for stmt in walk(block):
        if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE:
            written |= _union(stmt.call.args[:1], roots)
    return {var for var, own in roots.items() if own & written}


# -- the user's program -----------------------------------------------------------------------------------


def check_aliases(fn: Function) -> set[Var]:
    """Refuse a store that another live name would see; returns the parameters that are written."""
    roots = roots_of(fn.params, fn.body)
    live = liveness(fn.body, contents=True)
    written: set[Var] = set()
    for stmt in walk(fn.body):
        if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE:
            target = stmt.call.args[0]
            own = _union((target,), roots)
            written |= {root[1] for root in own if is_external(root)}
            seen = _witness(stmt, own, roots, live)
            if seen is not None:
                raise AliasedMutation(
                    f"this store changes memory that {seen.hint or 'another value'} also sees", where=stmt.loc,
                    remedy="Make a copy before the store: u = u.copy().",
                )  # fmt: skip
    return written


def _witness(stmt: Let, own: frozenset[Any], roots: Roots, live: Liveness) -> Var | None:
    """A value read later that may share the stored memory."""
    for var in live.after[id(stmt)]:
        if var is not stmt.var and isinstance(var.type, (ArrayT, type(None))) and roots.get(var, frozenset()) & own:
            return var
        if var is not stmt.var and not isinstance(var.type, (ArrayT, ScalarT)) and roots.get(var, frozenset()) & own:
            return var
    return None


# -- the joined program -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Copy:
    """A copy to insert: before a statement, of one operand."""

    stmt: int
    var: Var


def own_stores(params: tuple[Var, ...], block: Block, limit: int = 200) -> Block:
    """The program with the copies that make every store safe to print in place."""
    for _ in range(limit):
        wanted = _first_conflict(params, block)
        if wanted is None:
            return block
        block = _with_copy(block, wanted)
    raise AliasedMutation(
        "which copies this program's stores need is not settled", remedy="Copy the array before the store: u = u.copy()."
    )


def _first_conflict(params: tuple[Var, ...], block: Block) -> _Copy | None:
    roots = roots_of(params, block)
    live = liveness(block, contents=True)
    loops = {
        arg: (stmt, k) for stmt in walk(block) if isinstance(stmt, (For, While)) for k, arg in enumerate(stmt.args)
    }
    defs = {stmt.var: stmt for stmt in walk(block) if isinstance(stmt, Let)}
    merged = {r: (stmt, k) for stmt in walk(block) if isinstance(stmt, If) for k, r in enumerate(stmt.results)}
    results = {
        r: (stmt, k) for stmt in walk(block) if isinstance(stmt, (For, While)) for k, r in enumerate(stmt.results)
    }
    for stmt in walk(block):
        if not (isinstance(stmt, Let) and stmt.call.fn in IN_PLACE):
            continue
        target = stmt.call.args[0]
        own = _union((target,), roots)
        foreign = any(is_external(root) for root in own)
        seen = _witness(stmt, own, roots, live)
        if not foreign and seen is None:
            continue
        return _place_copy(stmt, target, defs, loops, merged, results, roots, own, foreign, live)
    return None


def _place_copy(stmt: Let, target: Any, defs: Any, loops: Any, merged: Any, results: Any, roots: Roots,
                own: frozenset[Any], foreign: bool, live: Liveness) -> _Copy:  # fmt: skip
    """Before the outermost loop that carries the array, if it is what came in that conflicts; else right here."""
    found: _Copy | None = None
    var, steps = target, 0
    while isinstance(var, Var) and steps < 1000:
        steps += 1
        if var in loops:
            loop, k = loops[var]
            init = loop.inits[k]
            outside = _union((init,), roots)
            others = live.after[id(loop)] | live.entry[id(loop)]
            clash = any(is_external(root) for root in outside) or any(
                v is not var and v not in loop.args and v not in loop.results and roots.get(v, frozenset()) & outside
                for v in others
            )
            if clash and isinstance(init, Var):
                found = _Copy(id(loop), init)
            var = init
        elif var in defs and defs[var].call.fn in IN_PLACE:
            var = defs[var].call.args[0]
        elif var in merged:
            choice, k = merged[var]
            var = choice.then.yields[k]
        elif var in results:
            loop, k = results[var]
            var = loop.args[k]
        else:
            break
    return found or _Copy(id(stmt), target)


def _with_copy(block: Block, wanted: _Copy) -> Block:
    out: list[Stmt] = []
    for stmt in block.stmts:
        if id(stmt) == wanted.stmt:
            copy = Var(wanted.var.hint, wanted.var.type)
            make = emitted.fresh_copy if isinstance(wanted.var.type, (ArrayT, ScalarT)) else emitted.fresh_list
            out.append(Let(copy, Call(make, (wanted.var,)), stmt.loc, stmt.forward))
            out.append(_reading(stmt, wanted.var, copy))
        else:
            out.append(map_blocks(stmt, lambda b: _with_copy(b, wanted)))
    return Block(tuple(out), block.yields)


def _reading(stmt: Stmt, old: Var, new: Var) -> Stmt:
    """The statement with its stored operand, or its starting values, taken from the copy."""
    if isinstance(stmt, Let):
        return replace(stmt, call=replace(stmt.call, args=(new, *stmt.call.args[1:])))
    if isinstance(stmt, (For, While)):
        return replace(stmt, inits=tuple(new if init is old else init for init in stmt.inits))
    return substitute_stmt(stmt, lambda v: new if v is old else v)
