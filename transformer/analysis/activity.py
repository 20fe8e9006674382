"""Which values depend on the inputs and reach the output?

Varied flows forward from ``wrt``, useful flows backward from the result; only values that are both, and that can
carry a derivative, get cotangents.

    sorted(v.hint for v in activity(example, {x}))          # y = x * n; m = n + 1; return y
['x', 'y']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from retrograd.runtime import emitted
from retrograd.runtime.errors import NoRule, UntypedValue
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
    Raise,
    Region,
    Stmt,
    Var,
    While,
    blocks_of,
    vars_of,
    walk,
)
from ..types import OpaqueT, is_inexact
from .purity import reports


def passes_derivatives(call: Call) -> bool:
    """Does a derivative flow through this call at all?"""
    if isinstance(call.fn, Intrinsic):
        return call.fn.passes
    rule = lookup(call.fn)
    return rule is None or rule.kind != "constant"


def varied(fn: Function, wrt: Iterable[Var]) -> set[Var]:
    """The values that depend on ``wrt``; a call without a rule that is reached is refused (A3)."""
    found = set(wrt)
    size = -1
    while size != len(found):
        size = len(found)
        _vary_block(fn.body, found)
    return found


def _vary_block(block: Block, found: set[Var]) -> None:
    for stmt in block.stmts:
        _vary(stmt, found)


def _vary(stmt: Stmt, found: set[Var]) -> None:
    if isinstance(stmt, Let):
        if is_inexact(stmt.var.type) or isinstance(stmt.var.type, OpaqueT):
            if _touches(stmt.call.atoms(), found) and passes_derivatives(stmt.call):
                found.add(stmt.var)
        return
    if isinstance(stmt, Raise):
        return
    for inner in blocks_of(stmt):
        _vary_block(inner, found)
    for target, source in flows(stmt):
        if _touches((source,), found) and (is_inexact(target.type) or isinstance(target.type, OpaqueT)):
            found.add(target)


def flows(stmt: Stmt) -> list[tuple[Var, Atom]]:
    """The copies that control flow makes: what each merged or carried value may be, and whose items a loop variable is."""
    if isinstance(stmt, For) and stmt.each.kind == "sequence":
        return [*merges(stmt), *zip(stmt.each.targets, stmt.each.operands)]
    return merges(stmt)


def merges(stmt: Stmt) -> list[tuple[Var, Atom]]:
    """What each merged or carried value may be."""
    if isinstance(stmt, Region):
        return [*zip(stmt.results, stmt.body.yields)]
    if isinstance(stmt, If):
        return [(r, y) for block in (stmt.then, stmt.orelse) for r, y in zip(stmt.results, block.yields)]
    if isinstance(stmt, (For, While)):
        pairs = [*zip(stmt.args, stmt.inits), *zip(stmt.args, stmt.body.yields)]
        return [*pairs, *zip(stmt.results, stmt.inits), *zip(stmt.results, stmt.body.yields), *zip(stmt.results, stmt.args)]
    return []


def _touches(atoms: Iterable[Atom], found: set[Var]) -> bool:
    return any(v in found for atom in atoms for v in vars_of(atom))


def useful(fn: Function, roots: Iterable[Atom]) -> set[Var]:
    """The values from which a derivative reaches ``roots``."""
    found = {v for atom in roots for v in vars_of(atom)}
    size = -1
    while size != len(found):
        size = len(found)
        for stmt in reversed(list(walk(fn.body))):
            _use(stmt, found)
    return found


def _use(stmt: Stmt, found: set[Var]) -> None:
    if isinstance(stmt, Let):
        if stmt.var in found and passes_derivatives(stmt.call):
            found.update(v for atom in stmt.call.atoms() for v in vars_of(atom))
        return
    for target, source in flows(stmt):
        if target in found:
            found.update(vars_of(source))


def activity(fn: Function, wrt: Iterable[Var], roots: Iterable[Atom] | None = None) -> set[Var]:
    """The values that get cotangents."""
    moved = varied(fn, wrt)
    active = moved & useful(fn, roots if roots is not None else (fn.result,))
    for stmt in walk(fn.body):
        if isinstance(stmt, Let) and (
            stmt.var in active or (_is_foreign(stmt.call) and _touches(stmt.call.atoms(), moved))
        ):
            refuse_unknown(stmt, moved)
    _refuse_unknown_result(fn, moved)
    return {v for v in active if is_inexact(v.type)}


def _refuse_unknown_result(fn: Function, moved: set[Var]) -> None:
    """A result that is a number on one path and something else on another would have no cotangent."""
    for var in vars_of(fn.result):
        if var in moved and isinstance(var.type, OpaqueT):
            raise UntypedValue(
                f"the type of what {fn.name} returns is not known before the run, and it is active", where=fn.loc,
                remedy="Return values of one type on every path, and raise an error instead of returning None.",
            )  # fmt: skip


def refuse_unknown(stmt: Let, moved: set[Var]) -> None:
    """An active value in a call without a rule, or of unknown type, is an error with a name."""
    call = stmt.call
    name = getattr(call.fn, "__name__", str(call.fn))
    if call.fn is emitted.call_value:
        name = "a method or function that is not known before the run"
    if call.form.startswith("attribute:") and call.fn is getattr:
        name = call.form.partition(":")[2]
        if is_inexact(stmt.var.type):
            return
    if lookup(call.fn) is None and not is_structural(call):
        raise NoRule(
            f"no derivative rule for {name}", where=stmt.loc,
            remedy="Write it with functions that have rules, register one with rg.rule, or pass its result as an argument.",
        )  # fmt: skip
    if isinstance(stmt.var.type, OpaqueT):
        raise NoRule(
            f"the type of this result of {name} is not known before the run, and it is active", where=stmt.loc,
            remedy="Give its arguments one type on every path, and pass shapes and axes as literals.",
        )  # fmt: skip


#: Calls that may see an active value because nothing differentiable comes of it.
HARMLESS = {
    print, str.format, repr, str, emitted.expect_length, emitted.expect_alone, emitted.expect_apart, emitted.expect_some,
    emitted.expect_as_long, emitted.set_in_number, isinstance, id, type, hash,
}  # fmt: skip


def _is_foreign(call: Call) -> bool:
    """A call of which nothing is known: what it does with an active value would be lost."""
    return lookup(call.fn) is None and not is_structural(call) and call.fn not in HARMLESS and not reports(call.fn)


STRUCTURAL: set[Callable[..., object]] = {
    tuple, list, getattr, dict, range, min, max, emitted.set_in, emitted.append_in, emitted.add_at, emitted.copy_in_layout,
    emitted.fresh_list,
    *emitted.LIST_OPERATIONS,
}  # fmt: skip


def is_structural(call: Call) -> bool:
    return isinstance(call.fn, Intrinsic) or call.fn in STRUCTURAL
