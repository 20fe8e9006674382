"""Whose memory is it?  Where may a store be done in place?  (M1, M4-M6)

A store is written as the array it makes.  It is printed in place where its operand's memory is the program's own and
nobody reads it later under another name.  In the user's program such a reader is aliasing, which is refused; where
only the reverse sweep, or the caller, still needs the old contents, a copy is made first.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import AliasedMutation
from retrograd.runtime.rules import lookup

from ..intrinsics import Emitted, Intrinsic
from ..ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    Function,
    If,
    Let,
    Ref,
    SliceAtom,
    Stmt,
    Var,
    While,
    definitions,
    map_blocks,
    substitute_stmt,
    vars_of,
    walk,
)
from ..simplify.dce import eliminate_dead
from ..types import AggregateT, ArrayT, ListT, NumberT, OpaqueT, ScalarT, classes_in
from .activity import flows
from .exchange import Exchange
from .liveness import Liveness, liveness

LIST_CHANGES = {
    emitted.append, emitted.drop_last, emitted.without, emitted.set_item, emitted.set_in, emitted.append_in, emitted.add_to_item,
}  # fmt: skip
#: Calls that are printed as writes into their first operand.
IN_PLACE = {numerics.store, emitted.add_at, *LIST_CHANGES}
#: Calls that make a container of their own, of what they are given.
CONTAINERS = {list, tuple, dict, emitted.repeat, emitted.boxed}
Roots = dict[Var, frozenset[Any]]
EXTERNAL = "external"
#: Results that must not be written, whatever they were made of.
READ_ONLY = {numerics.broadcast_like, numerics.unreduce, np.broadcast_to}


#: Results of their own, whatever the rules say of other forms of the call.
FRESH = {
    emitted.fresh_copy, emitted.copy_in_layout, emitted.fresh_list, emitted.kept, emitted.zero_items,
    emitted.zero_last, emitted.zero_of, emitted.zero_in, emitted.drop_in,
    np.copy, np.ndarray.astype, np.ndarray.tolist, np.zeros_like, np.array,
}  # fmt: skip


def is_external(root: Any) -> bool:
    """Is it memory that somebody outside the program also has?"""
    return isinstance(root, tuple) and (root[0] == EXTERNAL or (root[0] in (ITEM, OLDER) and is_external(root[1])))


# A list is memory of its own; what it holds is other memory: ``(HELD, r)`` among the roots of a list says that it holds ``r``,
# and ``(ITEM, r)`` is an item of the list ``r`` that was there when the program met it.
HELD, ITEM, OLDER = "held", "item", "older"


def held(roots: Iterable[Any]) -> frozenset[Any]:
    """One level is told apart, so that there are finitely many roots."""
    return frozenset(root if _is_held(root) else (HELD, root) for root in roots)


def items_of(roots: Iterable[Any]) -> frozenset[Any]:
    """The roots of what a list holds, and of what that may hold."""
    out: set[Any] = set()
    for root in roots:
        if _is_held(root):
            out |= {root, root[1]}
        else:
            out.add(root if isinstance(root, tuple) and root[0] == ITEM else (ITEM, root))
    return frozenset(out)


def own_of(roots: Iterable[Any]) -> frozenset[Any]:
    """The memory of a value itself, not of what it holds."""
    return frozenset(root for root in roots if not _is_held(root))


def reach(roots: Iterable[Any]) -> frozenset[Any]:
    """The memory of a value and of all that it holds."""
    out: set[Any] = set()
    for root in roots:
        while _is_held(root):
            root = root[1]
        out.add(root)
    return frozenset(out)


def memory_of(var: Var, roots: Roots) -> frozenset[Any]:
    """All memory that can be read through a value: of a container, that of its items too."""
    found = roots.get(var, frozenset())
    if isinstance(var.type, (ArrayT, ScalarT, NumberT)):
        return reach(found)
    return reach(found) | reach(items_of(found))


def _is_held(root: Any) -> bool:
    return isinstance(root, tuple) and root[0] == HELD


def _older(root: Any, inside: set[Var]) -> Any:
    """An allocation of an earlier iteration is not the one that the same statement makes now."""
    if isinstance(root, tuple) and root[0] in (HELD, ITEM):
        return (root[0], _older(root[1], inside))
    return (OLDER, root) if root in inside else root


def _param_of(root: Any) -> Any:
    while isinstance(root, tuple):
        root = root[1]
    return root


def is_basic(key: Any) -> bool:
    """Slices, ints, ``None`` and ``...`` select a view."""
    keys = key.items if isinstance(key, Aggregate) and key.kind is tuple else (key,)
    return all(
        isinstance(k, SliceAtom)
        or (isinstance(k, Const) and (k.value is None or k.value is Ellipsis or type(k.value) is int))
        or (isinstance(k, (Var, Call)) and not _picks_copies(k))
        for k in keys
    )


def _picks_copies(key: Any) -> bool:
    """Is it an array, a list or a bool, which select a copy?"""
    t = key.type if isinstance(key, Var) else None
    return isinstance(t, (ArrayT, ListT, AggregateT)) or (isinstance(t, ScalarT) and t.dtype.kind == "b")


def sharing(fn: Any, args: tuple[Atom, ...], kwargs: Iterable[tuple[str, Atom]]) -> str:
    """Is the result of a call memory of its own (``fresh``), a ``view`` of the first operand, or ``maybe`` one?"""
    if fn is operator.getitem:
        if _is_array(args[0]):
            return _sharing_of_key(args[1])
        return "fresh" if isinstance(args[1], SliceAtom) else "view"  # a slice of a list is a list of its own
    if fn is getattr:
        return "view"
    if fn is np.diff:
        times = args[1] if len(args) > 1 else dict(kwargs).get("n", Const(1))
        return "fresh" if isinstance(times, Const) and times.value else "maybe"
    if fn in (np.array, np.meshgrid) and not _is_copying(dict(kwargs).get("copy", Const(True))):
        return "maybe"
    rule = lookup(fn)
    return "fresh" if rule is None or fn is np.ndarray.astype else rule.sharing


def _is_copying(asked: Any) -> bool:
    return isinstance(asked, Const) and asked.value is True


def _sharing_of_key(key: Any) -> str:
    keys = key.items if isinstance(key, Aggregate) and key.kind is tuple else (key,)
    unknown = any(isinstance(k, Var) and isinstance(k.type, (OpaqueT, NumberT)) for k in keys)
    return "maybe" if unknown and is_basic(key) else ("view" if is_basic(key) else "fresh")


def is_view(var: Any, calls: dict[Var, Call]) -> bool:
    """May a value be a part of other memory?  What stores have made is the memory they wrote."""
    while var in calls and calls[var].fn in IN_PLACE:
        var = calls[var].args[0]
    return var in calls and shares(calls[var])


def shares(call: Call) -> bool:
    """May the result be memory of an operand?"""
    if call.fn is operator.getitem and _is_array(call.args[0]) and not is_basic(call.args[1]):
        return False
    if isinstance(call.fn, (Intrinsic, Emitted)):
        return not call.fn.fresh
    rule = lookup(call.fn)
    if call.fn in FRESH:
        return False
    return rule is None or sharing(call.fn, call.args, call.kwargs) != "fresh"


def roots_of(params: Iterable[Var], block: Block) -> Roots:
    """The allocations each value may be, or be a view of."""
    roots: dict[Var, frozenset[Any]] = {p: frozenset({(EXTERNAL, p)}) for p in params}
    stmts = list(walk(block))
    apart = {s.var for s in stmts if isinstance(s, Let) and isinstance(s.call.fn, Intrinsic) and s.call.fn.apart}
    changed = True
    while changed:
        changed = False
        for stmt in stmts:
            for var, found in _contributions(stmt, roots, apart):
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


def _is_array(atom: Any) -> bool:
    return isinstance(atom, Var) and isinstance(atom.type, ArrayT)


def _is_list(atom: Any) -> bool:
    return isinstance(atom, Var) and isinstance(atom.type, ListT)


def _contents(atoms: Iterable[Atom], roots: Roots) -> frozenset[Any]:
    """What a new list of these parts, or a copy of this list, holds."""
    out: frozenset[Any] = frozenset()
    for atom in atoms:
        found = _union((atom,), roots)
        out |= items_of(found) if _is_list(atom) else found
    return out


def _itself(stmt: Let, roots: Roots) -> frozenset[Any]:
    """A slice of a list is a new list of the same items."""
    if not isinstance(stmt.var.type, ListT) or not isinstance(stmt.call.args[-1], SliceAtom):
        return frozenset()
    return frozenset({stmt.var}) | held(items_of(_union(stmt.call.args[:1], roots)))


def _taken(call: Call, roots: frozenset[Any]) -> frozenset[Any]:
    """A part of a container that holds other memory may be that memory."""
    holds = call.fn in (operator.getitem, getattr) and any(map(_is_held, roots))
    return roots | items_of(roots) if holds else roots


def _contributions(stmt: Stmt, roots: Roots, apart: set[Var]) -> Iterable[tuple[Var, frozenset[Any]]]:
    if isinstance(stmt, Let):
        call = stmt.call
        if call.fn is emitted.push:
            tape, value = call.args
            yield from ((t, held(_union((value,), roots))) for t in vars_of(tape))
        elif isinstance(stmt.var.type, ScalarT):
            yield stmt.var, frozenset()
        elif call.form == "unpack" and call.args[0] in apart:
            yield stmt.var, frozenset({stmt.var})
        elif call.fn in LIST_CHANGES:
            put = () if call.fn is emitted.without else call.args[2 if len(call.args) > 2 else 1 :]
            yield stmt.var, _union(call.args[:1], roots) | held(_union(put, roots))
        elif call.fn in IN_PLACE:
            yield stmt.var, _union(call.args[:1], roots)
        elif call.fn in CONTAINERS or (call.fn is operator.add and isinstance(stmt.var.type, ListT)):
            numbers = isinstance(stmt.var.type, ListT) and isinstance(stmt.var.type.item, ScalarT)
            yield stmt.var, frozenset({stmt.var}) | (frozenset() if numbers else held(_contents(call.args, roots)))
        elif call.fn is emitted.pop or (call.fn is operator.getitem and _is_list(call.args[0])):
            yield stmt.var, items_of(_union(call.args[:1], roots)) | _itself(stmt, roots)
        elif call.fn in READ_ONLY:
            yield stmt.var, _union(call.args[:1], roots) | {(EXTERNAL, stmt.var)}
        elif shares(call):
            found = _taken(call, _union(call.atoms(), roots))
            if not found or lookup(call.fn) is None:  # an array made of a scalar shares with nothing
                found |= {stmt.var}
            is_list = isinstance(stmt.var.type, ListT)
            yield stmt.var, frozenset({stmt.var}) | held(reach(found)) if is_list else found
        else:
            yield stmt.var, frozenset({stmt.var})
        return
    if isinstance(stmt, For) and stmt.each.kind == "sequence":
        for target, seq in zip(stmt.each.targets, stmt.each.operands):
            if not isinstance(target.type, ScalarT):
                found = _union((seq,), roots)
                yield target, items_of(found) if _is_list(seq) else found
    if isinstance(stmt, (For, While)):
        inside = set(definitions(stmt.body))
        for arg, end in zip(stmt.args, stmt.body.yields):
            if not isinstance(arg.type, ScalarT):
                yield arg, frozenset(_older(root, inside) for root in _union((end,), roots))
        pairs = [*zip(stmt.args, stmt.inits), *zip(stmt.results, stmt.args)]
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
            written |= _written_by(stmt, roots)
    return {var for var in roots if memory_of(var, roots) & written}


def _written_by(stmt: Let, roots: Roots) -> frozenset[Any]:
    """The memory that a store changes: of a list, the list itself, or with ``set_in`` what it holds."""
    found = _union(stmt.call.args[:1], roots)
    if stmt.call.fn is emitted.expect_alone:
        return reach(items_of(found)) - own_of(found)
    if stmt.call.fn in (emitted.set_in, emitted.append_in):
        return own_of(found) | reach(items_of(found))
    return own_of(found)


def reachable(params: Iterable[Var], block: Block) -> frozenset[Var]:
    """The values whose memory the caller can reach: that of arguments, and of what is returned."""
    roots = roots_of(params, block)
    memory = {v: frozenset(map(_at_any_time, memory_of(v, roots))) for v in roots}
    returned = frozenset().union(*(memory.get(v, frozenset()) for atom in block.yields for v in vars_of(atom)))
    return frozenset(v for v, own in memory.items() if own & returned or any(map(is_external, own)))


def _at_any_time(root: Any) -> Any:
    """The allocation, whichever iteration made it."""
    return _at_any_time(root[1]) if isinstance(root, tuple) and root[0] == "older" else root


# -- the user's program -----------------------------------------------------------------------------------


def check_aliases(fn: Function) -> set[Var]:
    """Refuse a store that another live name would see; returns the parameters that are written."""
    roots = roots_of(fn.params, fn.body)
    stores = [s.var for s in walk(fn.body) if isinstance(s, Let) and s.call.fn in (*IN_PLACE, emitted.expect_alone)]
    live = liveness(eliminate_dead(fn.body, stores), contents=True)
    exchange = exchange_of(fn.body, roots)
    written: set[Var] = set()
    for stmt in walk(fn.body):
        if isinstance(stmt, Let) and stmt.call.fn in (*IN_PLACE, emitted.expect_alone):
            own = _written_by(stmt, roots)
            written |= {_param_of(root) for root in own if is_external(root)}
            seen = _witness(stmt, own, roots, live, exchange, _of_the_list(stmt, roots))
            if seen is not None:
                raise AliasedMutation(
                    f"this store changes memory that {seen.hint or 'another value'} also sees", where=stmt.loc,
                    remedy="Make a copy before the store: u = u.copy().",
                )  # fmt: skip
    return written


def _of_the_list(stmt: Let, roots: Roots) -> set[Var]:
    """The values that are the list an item of which is about to be written: they see it by way of the list."""
    if stmt.call.fn is not emitted.expect_alone:
        return set()
    own = own_of(_union(stmt.call.args[:1], roots))
    return {v for v, found in roots.items() if isinstance(v.type, ListT) and own_of(found) & own}


def exchange_of(block: Block, roots: Roots) -> Exchange:
    """Which arrays are apart, by their allocations and by how loops hand them on."""

    def is_part(call: Call) -> bool:
        return bool(call.args) and _is_array(call.args[0]) and (call.fn in IN_PLACE or sharing(call.fn, call.args, call.kwargs) == "view")

    def is_other(x: Var, y: Var) -> bool:
        mine, theirs = (frozenset(map(_at_any_time, memory_of(v, roots))) for v in (x, y))
        return not mine & theirs

    return Exchange(block, is_part, is_other)


def _witness(
    stmt: Let, own: frozenset[Any], roots: Roots, live: Liveness, exchange: Exchange, later: frozenset[Var] | set[Var] = frozenset()
) -> Var | None:
    """A value read later that may share the stored memory; what is made ``later`` is not there yet."""
    for var in live.after[id(stmt)]:
        if var is not stmt.var and var not in later and not isinstance(var.type, ScalarT) and memory_of(var, roots) & own:
            if not exchange.apart(stmt.call.args[0], var):
                return var
    return None


def overlap(a: Atom, b: Atom, roots: Roots) -> bool:
    """May two operands be the same memory?  What a call computes afresh is nobody else's."""
    if any(isinstance(atom, Call) and not shares(atom) for atom in (a, b)):
        return False
    mine, theirs = _union((a,), roots), _union((b,), roots)
    return bool(mine & theirs) or (any(map(is_external, mine)) and any(map(is_external, theirs)))


# -- the joined program -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Copy:
    """A copy to insert: before a statement, of one operand, which the caller may hold too."""

    stmt: int
    var: Var
    foreign: bool


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


def needs_copies(params: tuple[Var, ...], block: Block) -> bool:
    """Is there a store that a copy would have to make safe?"""
    return _first_conflict(params, block) is not None


def _first_conflict(params: tuple[Var, ...], block: Block) -> _Copy | None:
    roots = roots_of(params, block)
    live = liveness(block, contents=True)
    exchange = exchange_of(block, roots)
    loops = {
        arg: (stmt, k) for stmt in walk(block) if isinstance(stmt, (For, While)) for k, arg in enumerate(stmt.args)
    }
    defs = {stmt.var: stmt for stmt in walk(block) if isinstance(stmt, Let)}
    merged = {r: (stmt, k) for stmt in walk(block) if isinstance(stmt, If) for k, r in enumerate(stmt.results)}
    results = {
        r: (stmt, k) for stmt in walk(block) if isinstance(stmt, (For, While)) for k, r in enumerate(stmt.results)
    }
    later = set(defs)  # a record of a branch is read behind it, and so is live before it
    for stmt in walk(block):
        if not isinstance(stmt, Let):
            continue
        later.discard(stmt.var)
        if stmt.call.fn not in IN_PLACE:
            continue
        target = stmt.call.args[0]
        own = _written_by(stmt, roots)
        foreign = any(is_external(root) for root in own)
        seen = _witness(stmt, own, roots, live, exchange, later)
        if not foreign and seen is None:
            continue
        return _place_copy(stmt, target, defs, loops, merged, results, roots, own, foreign, live)
    return None


def _place_copy(stmt: Let, target: Any, defs: Any, loops: Any, merged: Any, results: Any, roots: Roots,
                own: frozenset[Any], foreign: bool, live: Liveness) -> _Copy:  # fmt: skip
    """Before the outermost loop that carries the array, if it is what came in that conflicts; else right here."""
    found: _Copy | None = None
    var, steps, after = target, 0, live.after[id(stmt)]
    while isinstance(var, Var) and steps < 1000 and var not in after:  # what is read after the store came from no earlier copy
        steps += 1
        if var in loops:
            loop, k = loops[var]
            init = loop.inits[k]
            outside = own_of(_union((init,), roots))
            others = live.after[id(loop)] | live.entry[id(loop)]
            clash = any(is_external(root) for root in outside) or any(
                v is not var and v not in loop.args and v not in loop.results and memory_of(v, roots) & outside
                for v in others
            )
            if clash and isinstance(init, Var):
                found = _Copy(id(loop), init, foreign)
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
    return found or _Copy(id(stmt), target, foreign)


def class_refs(t: Any) -> tuple[Ref, ...]:
    """The classes whose objects a copy must copy."""
    return tuple(Ref(kind, kind.__name__) for kind in classes_in(t))


def _with_copy(block: Block, wanted: _Copy) -> Block:
    out: list[Stmt] = []
    for stmt in block.stmts:
        if id(stmt) == wanted.stmt:
            copy = Var(wanted.var.hint, wanted.var.type)
            of_array = emitted.copy_in_layout if wanted.foreign and stmt.forward else emitted.fresh_copy
            make = of_array if isinstance(wanted.var.type, (ArrayT, ScalarT)) else emitted.fresh_list
            out.append(Let(copy, Call(make, (wanted.var, *class_refs(wanted.var.type))), stmt.loc, stmt.forward))
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
