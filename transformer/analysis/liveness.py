"""Which values are still read after each statement?

    liveness(Block((Let(a, f), Let(b, g_of_a)), (b,))).after[first]
{a}
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ..ir import (
    Atom,
    Block,
    Call,
    For,
    If,
    Let,
    Raise,
    Region,
    Stmt,
    Var,
    While,
    bound_inside,
    defined_by,
    operands_of,
    vars_of,
)

#: Calls that ask an array for its shape and not for its contents.
SHAPE_ONLY = {np.shape, np.ndim, np.size, len, np.zeros_like, np.ones_like, np.empty_like}


@dataclass
class Liveness:
    """``after``: the values live after a statement; ``entry``: those live at the start of a loop's body; ``sides``: those live at the
    start of either way of a branch; ``failing``: those live where an exception that is raised here is caught."""

    contents: bool = False
    after: dict[int, set[Var]] = field(default_factory=dict)
    entry: dict[int, set[Var]] = field(default_factory=dict)
    sides: dict[int, tuple[set[Var], set[Var]]] = field(default_factory=dict)
    failing: frozenset[Var] = frozenset()

    def _reads(self, atoms: Iterable[Atom]) -> Iterable[Var]:
        for atom in atoms:
            if self.contents and isinstance(atom, Call) and atom.fn in SHAPE_ONLY:
                continue
            yield from vars_of(atom) if not isinstance(atom, Call) else self._reads(atom.atoms())

    def _operands(self, stmt: Stmt) -> Iterable[Var]:
        if isinstance(stmt, Let):
            return self._reads((stmt.call,))
        return self._reads(operands_of(stmt))

    def block(self, block: Block, out: set[Var]) -> set[Var]:
        live = out | set(self._reads(block.yields))
        following: Stmt | None = None
        for stmt in reversed(block.stmts):
            self.after[id(stmt)] = set(live)
            live = self._before(stmt, live, following)
            following = stmt
        return live

    def _before(self, stmt: Stmt, live: set[Var], following: Stmt | None) -> set[Var]:
        live = live - set(defined_by(stmt)) if not isinstance(stmt, Raise) else set()
        if stmt.forward:
            live |= self.failing
        if isinstance(stmt, If):
            self.sides[id(stmt)] = self.block(stmt.then, live), self.block(stmt.orelse, live)
            live = set.union(*self.sides[id(stmt)])
        elif isinstance(stmt, Region):
            live = self._region(stmt, live, following)
        elif isinstance(stmt, (For, While)):
            live = self._loop(stmt, live)
        return live | set(self._operands(stmt))

    def _region(self, stmt: Region, live: set[Var], following: Stmt | None) -> set[Var]:
        """What is read where a block failed is live at its start, and after a statement of it only if a later one may raise."""
        completed = failed = live
        if stmt.catch is not None and isinstance(following, If) and following.cond is stmt.results[0]:
            completed, failed = (side - set(defined_by(stmt)) for side in self.sides[id(following)])
        before = self.failing
        self.failing = before | failed if stmt.catch is not None else before
        live = self.block(stmt.body, completed) | failed
        self.failing = before
        return live

    def _loop(self, stmt: For | While, live: set[Var]) -> set[Var]:
        bound = set(bound_inside(stmt))
        carried = set(stmt.args)
        into: set[Var] = set()
        while True:
            inside = self.block(stmt.body, live | (into - carried))
            if isinstance(stmt, While):
                inside = self.block(stmt.head, inside | live)
            if inside <= into:
                break
            into |= inside
        self.entry[id(stmt)] = set(into)
        return live | (into - bound)


def liveness(block: Block, contents: bool = False, out: Iterable[Var] = ()) -> Liveness:
    """Liveness of a whole program; ``contents`` leaves out reads of shapes."""
    found = Liveness(contents)
    found.block(block, set(out))
    return found
