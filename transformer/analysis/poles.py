"""Which values may be infinite or NaN at points where nobody selects them?

    poles(where(x > 0, log(x) * y, 0))                       # log(x) and the product
{log(x), log(x) * y}

A cotangent that is 0 because nothing was selected must stay 0 against a partial that reads one of these (R6).
"""

from __future__ import annotations

from retrograd.runtime.rules import lookup

from ..ir import Block, Let, Stmt, Var, vars_of, walk
from ..types import is_inexact
from .activity import flows, passes_derivatives


def poles(block: Block) -> frozenset[Var]:
    """The results of functions with poles, and of functions that overflow, and what is computed from them."""
    found: set[Var] = set()
    stmts = list(walk(block))
    size = -1
    while size != len(found):
        size = len(found)
        for stmt in stmts:
            found.update(_reached(stmt, found))
    return frozenset(found)


def _reached(stmt: Stmt, found: set[Var]) -> list[Var]:
    if not isinstance(stmt, Let):
        return [target for target, source in flows(stmt) if any(v in found for v in vars_of(source))]
    call = stmt.call
    if not is_inexact(stmt.var.type) or not passes_derivatives(call):
        return []
    rule = lookup(call.fn)
    begins = rule is not None and rule.unbounded
    return [stmt.var] if begins or any(v in found for atom in call.atoms() for v in vars_of(atom)) else []
