"""Drop what nobody reads: statements, merged values, carried values.

t = np.mean(x)          ->      (nothing, if t is not read: np.mean cannot fail)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..analysis.purity import has_effect, is_droppable, is_total, may_warn
from ..ir import (
    Atom,
    Block,
    For,
    If,
    Let,
    Raise,
    Region,
    Stmt,
    Var,
    While,
    blocks_of,
    defined_by,
    definitions,
    is_shield,
    operands_of,
    vars_of,
    walk,
)


def eliminate_dead(block: Block, keep: Iterable[Atom] = ()) -> Block:
    """The block without dead statements; ``keep`` are atoms read elsewhere, beside its yields."""
    live = _live(block, [*keep, *block.yields])
    return Block(_sweep(block.stmts, live), block.yields)


def _live(block: Block, roots: list[Atom]) -> set[Var]:
    live: set[Var] = set()
    _mark(roots, live)
    size = -1
    while size != len(live):
        size = len(live)
        for stmt in reversed(list(walk(block))):
            _visit(stmt, live)
    return live


def _mark(atoms: Iterable[Atom], live: set[Var]) -> None:
    for atom in atoms:
        live.update(vars_of(atom))


def _visit(stmt: Stmt, live: set[Var]) -> None:
    if isinstance(stmt, Let):
        if stmt.var in live or not is_droppable(stmt):
            _mark(operands_of(stmt), live)
    elif isinstance(stmt, Raise):
        _mark(operands_of(stmt), live)
    elif isinstance(stmt, If):
        _visit_branch(stmt, live)
    elif isinstance(stmt, Region):
        _visit_region(stmt, live)
    else:
        _visit_loop(stmt, live)


def _visit_branch(stmt: If, live: set[Var]) -> None:
    for result, a, b in zip(stmt.results, stmt.then.yields, stmt.orelse.yields):
        if result in live:
            _mark((a, b), live)
    if _branch_needed(stmt, live):
        _mark((stmt.cond,), live)


def _visit_region(stmt: Region, live: set[Var]) -> None:
    for result, end in zip(stmt.results, stmt.body.yields):
        if result in live:
            _mark((end,), live)
    if _region_needed(stmt, live):
        _mark(operands_of(stmt), live)
    if stmt.catch is not None and stmt.results[0] in live:  # whether it completes depends on all that may raise (L4)
        warned = stmt.catches(FloatingPointError)
        for inner in _may_end(stmt.body):
            if isinstance(inner, Let) and (not is_total(inner) or (warned and may_warn(inner))):
                live.add(inner.var)
                _mark(operands_of(inner), live)


def _may_end(block: Block) -> Iterable[Stmt]:
    """The statements whose errors the handlers of a ``try`` block see."""
    for stmt in block.stmts:
        if not is_shield(stmt):
            yield stmt
            for inner in blocks_of(stmt):
                yield from _may_end(inner)


def _region_needed(stmt: Region, live: set[Var]) -> bool:
    if any(v in live for v in defined_by(stmt)) or has_effect(Block((stmt,))):
        return True
    return any(v in live for v in definitions(stmt.body))


def _kept_region(stmt: Region, live: set[Var]) -> Stmt | None:
    if not _region_needed(stmt, live):
        return None
    at = [k for k, r in enumerate(stmt.results) if r in live or (stmt.catch is not None and k == 0)]
    body = Block(_sweep(stmt.body.stmts, live), tuple(stmt.body.yields[k] for k in at))
    return replace(stmt, results=tuple(stmt.results[k] for k in at), body=body)


def _branch_needed(stmt: If, live: set[Var]) -> bool:
    if any(r in live for r in stmt.results) or has_effect(stmt.then) or has_effect(stmt.orelse):
        return True
    return any(v in live for block in (stmt.then, stmt.orelse) for v in definitions(block))


def _visit_loop(stmt: For | While, live: set[Var]) -> None:
    for arg, init, end, result in zip(stmt.args, stmt.inits, stmt.body.yields, stmt.results):
        if result in live:
            live.add(arg)
        if arg in live:
            _mark((init, end), live)
    if stmt.breaks:
        live.add(stmt.args[0])
        _mark((stmt.body.yields[0],), live)
    if _loop_needed(stmt, live):
        if isinstance(stmt, For):
            _mark(stmt.each.operands, live)
        else:
            _mark(stmt.head.yields, live)


def _loop_needed(stmt: For | While, live: set[Var]) -> bool:
    if has_effect(stmt.body) or any(a in live for a in stmt.args[1 if stmt.breaks else 0 :]):
        return True
    if isinstance(stmt, While) and has_effect(stmt.head):
        return True
    return any(v in live for v in definitions(stmt.body))


def _sweep(stmts: tuple[Stmt, ...], live: set[Var]) -> tuple[Stmt, ...]:
    kept = (_kept(stmt, live) for stmt in stmts)
    return tuple(stmt for stmt in kept if stmt is not None)


def _kept(stmt: Stmt, live: set[Var]) -> Stmt | None:
    if isinstance(stmt, Let):
        return stmt if stmt.var in live or not is_droppable(stmt) else None
    if isinstance(stmt, Raise):
        return stmt
    if isinstance(stmt, If):
        return _kept_branch(stmt, live)
    if isinstance(stmt, Region):
        return _kept_region(stmt, live)
    if not _loop_needed(stmt, live) and not any(r in live for r in stmt.results):
        return None
    at = [k for k, arg in enumerate(stmt.args) if arg in live]
    body = Block(_sweep(stmt.body.stmts, live), tuple(stmt.body.yields[k] for k in at))
    changes = {
        "args": tuple(stmt.args[k] for k in at),
        "inits": tuple(stmt.inits[k] for k in at),
        "results": tuple(stmt.results[k] for k in at),
        "body": body,
    }
    if isinstance(stmt, While):
        changes["head"] = Block(_sweep(stmt.head.stmts, live), stmt.head.yields)
    return replace(stmt, **changes)  # type: ignore[arg-type]


def _kept_branch(stmt: If, live: set[Var]) -> Stmt | None:
    if not _branch_needed(stmt, live):
        return None
    at = [k for k, r in enumerate(stmt.results) if r in live]
    then = Block(_sweep(stmt.then.stmts, live), tuple(stmt.then.yields[k] for k in at))
    orelse = Block(_sweep(stmt.orelse.stmts, live), tuple(stmt.orelse.yields[k] for k in at))
    if not at and not then.stmts and not orelse.stmts:
        return None
    return replace(stmt, results=tuple(stmt.results[k] for k in at), then=then, orelse=orelse)
