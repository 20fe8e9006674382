"""Which calls have a derivative that is a program, not a row of the table of rules?

An inner gradient, a function with a custom pullback, a traced call: each is one statement while the sweeps are made,
knows its own reverse and forward mode, and is written out (``expand``) just before records are placed.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    Function,
    If,
    Let,
    Region,
    Stmt,
    Var,
    While,
    bound_inside,
    defined_by,
    definitions,
    map_blocks,
    reads,
    rebuild,
    substitute,
    substitute_stmt,
    walk,
)

if TYPE_CHECKING:
    from .adjoint.forward import Forward
    from .adjoint.reverse import Reverse


class Intrinsic(ABC):
    """The function of such a call.  ``pure``: may it run again; ``passes``: does a derivative flow through it."""

    __name__ = "intrinsic"
    pure = True
    passes = True
    fresh = False  # is the result memory of its own?
    apart = False  # and are its parts memory of their own, each?
    together = False  # is its tangent computed by the call that computes it?

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("exists only between the passes")

    @abstractmethod
    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        """Hand the cotangent on to the arguments."""

    @abstractmethod
    def forward(self, sweep: Forward, stmt: Let) -> None:
        """Bind the tangent of the result."""

    @abstractmethod
    def expand(self, stmt: Let) -> Block:
        """Statements that compute the result, the only yield."""

    def recorded(self, stmt: Let, active: set[Var]) -> list[Let]:
        """What the forward sweep runs instead, where the pullback needs more than the result."""
        return [stmt]

    def outlive(self) -> None:
        """The caller may write its arguments, and the result, before the pullback runs, and may run it again (M4, M7)."""


class Emitted(ABC):
    """A function that is emitted beside the one that calls it, and is bound to its name when both are loaded.

    ``pure`` and ``fresh`` as of an intrinsic; ``unpacks``: is its first argument handed over item by item?
    """

    __name__ = "emitted"
    pure = True
    fresh = False
    unpacks = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("is bound when the emitted functions are loaded")

    @abstractmethod
    def written(self) -> Any:
        """The finished function."""

    def is_settled(self) -> bool:
        """Is it what it has to be, now that its callers are known?"""
        return True


@dataclass(frozen=True, eq=False)
class Asserted(Intrinsic):
    """``check(value, what)``: the value itself, or an error at run time."""

    check: Callable[[Any, str], Any]
    what: str

    def expand(self, stmt: Let) -> Block:
        result = Var(stmt.var.hint, stmt.var.type)
        return Block((Let(result, Call(self.check, (*stmt.call.args, Const(self.what))), stmt.loc),), (result,))

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        sweep.accumulate(stmt.call.args[0], z_bar)

    def forward(self, sweep: Forward, stmt: Let) -> None:
        sweep.bind(stmt.var, sweep.dot(stmt.call.args[0]))


def is_intrinsic(stmt: Stmt) -> bool:
    return isinstance(stmt, Let) and isinstance(stmt.call.fn, Intrinsic)


def holds_intrinsics(block: Block) -> bool:
    return any(map(is_intrinsic, walk(block)))


def with_records(block: Block, active: set[Var]) -> Block:
    """The program in which active intrinsics leave what their pullbacks need."""
    out: list[Stmt] = []
    for stmt in block.stmts:
        if isinstance(stmt, Let) and isinstance(stmt.call.fn, Intrinsic) and stmt.var in active:
            out += stmt.call.fn.recorded(stmt, active)
        else:
            out.append(map_blocks(stmt, lambda b: with_records(b, active)))
    return Block(tuple(out), block.yields)


# -- programs as values -----------------------------------------------------------------------------------


def copied(fn: Function) -> tuple[Function, dict[Var, Var]]:
    """The program with values of its own, and which is which."""
    fresh = {v: Var(v.hint, v.type) for v in dict.fromkeys((*fn.params, *definitions(fn.body)))}
    body = renamed(fn.body, fresh)
    return replace(fn, params=tuple(fresh[p] for p in fn.params), body=body), fresh


def renamed(block: Block, names: dict[Var, Var]) -> Block:
    """The block with definitions and reads renamed."""
    return _redefined(substitute(block, lambda v: names.get(v, v)), names)


def _redefined(block: Block, names: dict[Var, Var]) -> Block:
    return Block(tuple(_redefined_stmt(s, names) for s in block.stmts), block.yields)


def _redefined_stmt(stmt: Stmt, names: dict[Var, Var]) -> Stmt:
    def new(variables: Iterable[Var]) -> tuple[Var, ...]:
        return tuple(names.get(v, v) for v in variables)

    stmt = map_blocks(stmt, lambda b: _redefined(b, names))
    if isinstance(stmt, Let):
        return replace(stmt, var=names.get(stmt.var, stmt.var))
    if isinstance(stmt, If):
        return replace(stmt, results=new(stmt.results))
    if isinstance(stmt, Region):
        error, target = (names.get(v, v) if v is not None else None for v in (stmt.error, stmt.target))
        return replace(stmt, results=new(stmt.results), error=error, target=target)
    if isinstance(stmt, While):
        return replace(stmt, results=new(stmt.results), args=new(stmt.args))
    if isinstance(stmt, For):
        each = replace(stmt.each, targets=new(stmt.each.targets))
        index = names.get(stmt.index, stmt.index)
        return replace(stmt, results=new(stmt.results), args=new(stmt.args), each=each, index=index)
    return stmt


def marked(block: Block, forward: bool) -> Block:
    """The same statements as part of one sweep; what mirrored what is settled."""
    return Block(tuple(_marked(s, forward) for s in block.stmts), block.yields)


def _marked(stmt: Stmt, forward: bool) -> Stmt:
    stmt = replace(map_blocks(stmt, lambda b: marked(b, forward)), forward=forward)
    if isinstance(stmt, While):
        return replace(stmt, tag=object())
    return replace(stmt, mirror=None, tag=object()) if isinstance(stmt, (If, For, Region)) else stmt


def applied(fn: Function, args: Iterable[Atom], forward: bool) -> Block:
    """The statements of a program on these arguments, ready to be written into another."""
    own, _ = copied(fn)
    return marked(given(own.body, dict(zip(own.params, args, strict=True))), forward)


def given(block: Block, values: Mapping[Var, Atom]) -> Block:
    """The block with these values known; items of containers whose parts are known are read off."""
    return _Expansion(values).block(block)


def free(block: Block, bound: Iterable[Var] = ()) -> tuple[Var, ...]:
    """The values a block reads from outside, in order of first reading."""
    own = {*bound, *definitions(block)}
    return tuple(v for v in dict.fromkeys(reads(block)) if v not in own)


# -- writing them out -------------------------------------------------------------------------------------


def expand(block: Block) -> Block:
    """The block with every intrinsic written out."""
    while holds_intrinsics(block):
        expansion = _Expansion(write=True)
        block = expansion.block(block)
        block = distinct(renamed(block, expansion.names), set())
    return block


def distinct(block: Block, seen: set[Var]) -> Block:
    """The block with every value defined once: loops that mirrored one another no longer share their variables."""
    names: dict[Var, Var] = {}
    out: list[Stmt] = []
    for stmt in block.stmts:
        again = {v: Var(v.hint, v.type) for v in (*bound_inside(stmt), *defined_by(stmt)) if v in seen}
        stmt = _redefined_stmt(substitute_stmt(stmt, lambda v: again.get(v) or names.get(v, v)), again)
        names.update(again)
        seen.update((*bound_inside(stmt), *defined_by(stmt)))
        out.append(map_blocks(stmt, lambda b: distinct(b, seen)))
    return Block(tuple(out), tuple(rebuild(y, lambda v: names.get(v, v)) for y in block.yields))


class _Expansion:
    """``values`` holds what intrinsics and the items taken of their results have become."""

    def __init__(self, values: Mapping[Var, Atom] | None = None, write: bool = False) -> None:
        self.values: dict[Var, Atom] = dict(values or {})
        self.write = write
        self.names: dict[Var, Var] = {}
        self.made: set[Var] = set()

    def now(self, var: Var) -> Atom:
        return self.values.get(var, var)

    def block(self, block: Block) -> Block:
        stmts = tuple(made for stmt in block.stmts for made in self.stmt(stmt))
        return Block(stmts, tuple(rebuild(y, self.now) for y in block.yields))

    def stmt(self, stmt: Stmt) -> tuple[Stmt, ...]:
        if not isinstance(stmt, Let):
            return (map_blocks(_outer_reads(stmt, self.now), self.block),)
        stmt = substitute_stmt(stmt, self.now)  # type: ignore[assignment]
        if self.write and isinstance(stmt.call.fn, Intrinsic):
            return self.written_out(stmt)
        item = _item(stmt)
        if item is None:
            return (stmt,)
        self.stands_for(stmt.var, item)
        return ()

    def written_out(self, stmt: Let) -> tuple[Stmt, ...]:
        made = stmt.call.fn.expand(stmt)  # type: ignore[attr-defined]
        self.made.update(definitions(made))
        self.stands_for(stmt.var, made.yields[0])
        return marked(made, stmt.forward).stmts

    def stands_for(self, var: Var, atom: Atom) -> None:
        """Read ``atom`` for ``var``; a value made here takes the user's name for it."""
        self.values[var] = atom
        if isinstance(atom, Var) and atom in self.made and var.hint:
            self.names.setdefault(atom, Var(var.hint, atom.type))


def _outer_reads(stmt: Stmt, now: Any) -> Stmt:
    """The statement with what it reads itself replaced, its blocks apart."""
    empty = map_blocks(stmt, lambda b: Block())
    changed = substitute_stmt(empty, now)
    blocks = iter(_blocks_in_order(stmt))
    return map_blocks(changed, lambda b: next(blocks))


def _blocks_in_order(stmt: Stmt) -> list[Block]:
    found: list[Block] = []
    map_blocks(stmt, lambda b: found.append(b) or b)  # type: ignore[func-returns-value]
    return found


def _item(stmt: Let) -> Atom | None:
    """The part that indexing a container of known parts picks."""
    call: Call = stmt.call
    if call.fn not in (operator.getitem, getattr) or not isinstance(call.args[0], Aggregate):
        return None
    container, key = call.args
    found = list(container.labels)
    return container.items[found.index(key.value)] if isinstance(key, Const) and key.value in found else None
