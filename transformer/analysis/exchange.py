"""Which two arrays are never the same one, though each may be either of two?

    u, v = x.copy(), np.zeros(3)
    for _ in range(n):
        v[1:-1] = 0.5 * (u[2:] + u[:-2])
        u, v = v, u                             # u and v exchange their memory, and never share it

Two values carried round a loop are apart if they start apart and end each pass apart, given that they began it so; two results of
a branch if they are on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..ir import Block, Call, For, If, Let, Var, While, walk
from ..types import ArrayT


@dataclass
class Exchange:
    """``through(call)`` says whether a result is memory of the first operand; ``disjoint`` whether two values surely share none."""

    block: Block
    through: Callable[[Call], bool]
    disjoint: Callable[[Var, Var], bool]
    origins: dict[Var, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for stmt in walk(self.block):
            if isinstance(stmt, Let):
                self.origins[stmt.var] = stmt.call
            elif isinstance(stmt, (For, While)):
                self.origins.update({arg: (stmt, k) for k, arg in enumerate(stmt.args)})
                self.origins.update({result: stmt.args[k] for k, result in enumerate(stmt.results)})
            elif isinstance(stmt, If):
                self.origins.update({result: (stmt, k) for k, result in enumerate(stmt.results)})

    def apart(self, x: Any, y: Any, assumed: frozenset[Any] = frozenset()) -> bool:
        """Are two arrays surely different memory?  ``assumed`` are the pairs that were so when the present pass began."""
        x, y = self._memory(x), self._memory(y)
        if not _is_array(x) or not _is_array(y) or x is y:
            return False
        pair = frozenset((x, y))
        if pair in assumed or self.disjoint(x, y):
            return True
        ends = self._ends(x, y)
        return bool(ends) and all(self.apart(a, b, assumed | {pair}) for a, b in ends)

    def _memory(self, x: Any) -> Any:
        """The value whose memory it is."""
        origin = self.origins.get(x) if isinstance(x, Var) else None
        while isinstance(origin, Var) or (isinstance(origin, Call) and self.through(origin)):
            x = origin if isinstance(origin, Var) else origin.args[0]
            origin = self.origins.get(x) if isinstance(x, Var) else None
        return x

    def _ends(self, x: Var, y: Var) -> list[tuple[Any, Any]]:
        """The pairs that must be apart for this one to be."""
        one, other = self.origins.get(x), self.origins.get(y)
        if isinstance(one, tuple) and isinstance(other, tuple) and one[0] is other[0]:
            stmt = one[0]
            return list(zip(_sources(stmt, one[1]), _sources(stmt, other[1])))
        for origin, other_one in ((one, y), (other, x)):
            if isinstance(origin, tuple) and not self._is_inside(other_one, origin[0]):
                return [(a, other_one) for a in _sources(*origin)]
        return []

    def _is_inside(self, var: Var, stmt: Any) -> bool:
        """Is a value made anew in each pass of a loop?"""
        if not isinstance(stmt, (For, While)):
            return False
        return any(var in (getattr(s, "var", None), *getattr(s, "results", ()), *getattr(s, "args", ())) for s in walk(stmt.body))


def _sources(stmt: Any, k: int) -> tuple[Any, Any]:
    """What the value is on each way to it: at the start and at the end of a pass, or on the two sides of a branch."""
    if isinstance(stmt, If):
        return stmt.then.yields[k], stmt.orelse.yields[k]
    return stmt.inits[k], stmt.body.yields[k]


def _is_array(x: Any) -> bool:
    return isinstance(x, Var) and isinstance(x.type, ArrayT)
