"""Is every value of an emitted function what its type says?  Checked mode prints the question into the text (T6).

The checked text is the emitted text with calls of ``runtime.checks`` after each statement and around each nested
computation.  It is what runs when ``RETROGRAD_CHECKED`` is set; ``rg.source`` and the golden files show the plain text.

>>> describe(ArrayT(np.dtype(float), (Axis("n", None),)))
Array(dtype=dtype('float64'), axes=(Axis(symbol='n', one=None, fixed=True),))
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrograd.runtime import checks, emitted
from retrograd.runtime.rules import lookup

from .analysis.ownership import IN_PLACE, sharing
from .analysis.unbound import maybe_unbound
from .emit import Emitter, Text, emit
from .infer import LengthT
from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    For,
    Function,
    If,
    Let,
    Region,
    SliceAtom,
    Stmt,
    Var,
    While,
    blocks_of,
    bound_inside,
    defined_by,
    reads,
    vars_of,
    walk,
)
from .types import (
    AggregateT,
    ArrayT,
    Axis,
    ConstT,
    ListT,
    NumberT,
    OpaqueT,
    RangeT,
    ScalarT,
)

Cotangents = dict[Var, tuple[tuple[str, Any], ...]]  # for each cotangent: the primals it belongs to, name and type

_switched: ContextVar[bool | None] = ContextVar("checked mode", default=None)


def is_checked() -> bool:
    """Does what is emitted now check itself?  As switched by ``checked``, else as the environment says."""
    switched = _switched.get()
    return os.environ.get("RETROGRAD_CHECKED", "0") not in ("", "0") if switched is None else switched


@contextmanager
def checked(on: bool = True) -> Iterator[None]:
    """Emit checked code, or with ``on=False`` plain code, inside a ``with``; what is emitted already stays as it is.

    >>> with checked(False):
    ...     is_checked()
    False
    """
    token = _switched.set(on)
    try:
        yield
    finally:
        _switched.reset(token)


# -- what a type claims -----------------------------------------------------------------------------------


def describe(t: Any) -> Any:
    """A type as the run-time half reads it."""
    if isinstance(t, ArrayT):
        return checks.Array(t.dtype, tuple(map(_axis, t.shape)))
    if isinstance(t, LengthT):
        return checks.Scalar(t.dtype, True, False, _axis(t.axis))
    if isinstance(t, ScalarT):
        return checks.Scalar(t.dtype, t.weak, t.number)
    if isinstance(t, NumberT):
        return checks.Number(t.dtype)
    if isinstance(t, ConstT):
        return checks.Constant(t.value)
    if isinstance(t, AggregateT):
        labels = tuple(t.labels)
        return checks.Parts(t.kind, labels, tuple(map(describe, t.items)), t.keys is not None and t.kind is not dict)
    if isinstance(t, ListT):
        return checks.Likes(t.kind, _item(t.item))
    if isinstance(t, RangeT):
        return checks.Instance(range)
    return checks.Instance(t.cls) if isinstance(t, OpaqueT) and isinstance(t.cls, type) else checks.Anything()


def _item(t: Any) -> Any:
    """An item of a list of likes; whose scalar it is, is asked where the item is read."""
    if t is None:
        return checks.Anything()
    return checks.Scalar(t.dtype, None, t.number) if isinstance(t, ScalarT) else describe(t)


def _axis(axis: Axis) -> checks.Axis:
    """The name of a joined axis (``a|b``) says where its length comes from, not which length it is."""
    return checks.Axis(axis.symbol, axis.one, "|" not in axis.symbol)


def symbols_of(t: Any) -> Iterator[str]:
    """The lengths a type mentions by name, those of ``LengthT`` among them."""
    if isinstance(t, ArrayT):
        yield from (axis.symbol for axis in t.shape)
    elif isinstance(t, LengthT):
        yield t.axis.symbol
    elif isinstance(t, AggregateT):
        for item in t.items:
            yield from symbols_of(item)


def mentioned(block: Block) -> set[str]:
    """The lengths met anywhere in a block."""
    made = (v for stmt in walk(block) for v in (*defined_by(stmt), *bound_inside(stmt)))
    return {symbol for var in made for symbol in symbols_of(var.type)}


def own_symbols(block: Block) -> set[str]:
    """The lengths met in a block outside its loops: those that one run of the block fixes."""
    found: set[str] = set()
    for stmt in block.stmts:
        if isinstance(stmt, Let):
            found.update(symbols_of(stmt.var.type))
        elif isinstance(stmt, (If, Region)):
            for inner in blocks_of(stmt):
                found |= own_symbols(inner)
    return found


@dataclass(frozen=True)
class LoopLengths:
    """The lengths met anywhere in a loop, and those that one iteration fixes."""

    mentioned: set[str]
    own: set[str]


def lengths_of_loops(block: Block) -> dict[Any, LoopLengths]:
    loops = (s for s in walk(block) if isinstance(s, (For, While)))
    return {s.tag: LoopLengths(mentioned(Block((s,))), own_symbols(s.body)) for s in loops}


def born_in_loops(params: Iterable[Var], block: Block) -> set[str]:
    """The lengths whose first mention is inside a loop; another iteration, or the mirror loop, may have others."""
    known = {s for p in params for s in symbols_of(p.type)}
    born: set[str] = set()
    for stmt in block.stmts:
        if isinstance(stmt, (For, While)):
            born |= mentioned(Block((stmt,))) - known
        else:
            known |= mentioned(Block((stmt,))) - born
    return born


# -- which value was a nested computation? ----------------------------------------------------------------


@dataclass
class Origins:
    """The values of a program that folding has nested in their uses, by the ``id`` of the nested call."""

    defs: dict[Var, Let | If]
    blocks: dict[Any, Stmt]
    found: dict[int, Var] = field(default_factory=dict)

    def block(self, before: Block, after: Block) -> None:
        self.atoms(before.yields, after.yields)
        for stmt in after.stmts:
            if isinstance(stmt, Let):
                self.computation(stmt.var, stmt.call)
            elif isinstance(stmt, (If, For, While, Region)):
                self.structured(self.blocks[stmt.tag], stmt)

    def structured(self, before: Any, after: Any) -> None:
        if isinstance(after, If):
            self.atom(before.cond, after.cond)
        elif not isinstance(after, Region):
            self.atoms(before.inits, after.inits)
            if isinstance(after, For):
                self.atoms(before.each.operands, after.each.operands)
        for a, b in zip(blocks_of(before), blocks_of(after)):
            self.block(a, b)

    def computation(self, var: Var, call: Call) -> None:
        """The operands of the call, which computes ``var``, against those it had before folding."""
        made = self.defs.get(var)
        if isinstance(made, Let):
            self.atoms(made.call.atoms(), call.atoms())
        elif made is not None:
            self.atoms(_choice_operands(made, call), call.args)

    def atoms(self, before: Iterable[Atom], after: Iterable[Atom]) -> None:
        for a, b in zip(before, after):
            self.atom(a, b)

    def atom(self, before: Atom, after: Atom) -> None:
        if isinstance(after, Call) and isinstance(before, Var):
            self.found[id(after)] = before
            self.computation(before, after)
        elif isinstance(after, Aggregate) and isinstance(before, Aggregate):
            self.atoms(before.items, after.items)
        elif isinstance(after, SliceAtom) and isinstance(before, SliceAtom):
            self.atoms((before.start, before.stop, before.step), (after.start, after.stop, after.step))


def _choice_operands(choice: If, call: Call) -> tuple[Atom, ...]:
    """The operands of the conditional expression that an ``If`` was folded into."""
    cond, then, orelse = choice.cond, choice.then.yields[:1], choice.orelse.yields[:1]
    sides = {emitted.choose: (*then, *orelse), emitted.both: then, emitted.either: orelse}
    return (cond, *sides.get(call.fn, ()))


def origins(before: Block, after: Block) -> dict[int, Var]:
    """For each call that folding nested in another, by ``id``: the value it computes."""
    stmts = list(walk(before))
    defs: dict[Var, Let | If] = {s.var: s for s in stmts if isinstance(s, Let)}
    defs.update({s.results[0]: s for s in stmts if isinstance(s, If) and len(s.results) == 1})
    found = Origins(defs, {s.tag: s for s in stmts if isinstance(s, (If, For, While, Region))})
    found.block(before, after)
    return found.found


# -- printing ---------------------------------------------------------------------------------------------

CHECKS, LENGTHS, HELD = "retrograd_checks", "retrograd_lengths", "retrograd_held"
UNINITIALISED = {np.empty, np.empty_like}
QUIET = {emitted.push, list}


@dataclass
class CheckedEmitter(Emitter):
    """Prints one function with a check after each statement and around each nested computation."""

    origin: dict[int, Var] = field(default_factory=dict)
    cotangents: Cotangents = field(default_factory=dict)
    unbound: set[Var] = field(default_factory=set)
    born: set[str] = field(default_factory=set)
    claims: list[checks.Claim] = field(default_factory=list)
    loops: dict[Any, LoopLengths] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    nested: str = ""

    def passed_on(self, stmt: Region) -> list[type[Exception]]:
        return [*super().passed_on(stmt), *([checks.CheckFailed] if stmt.catches(checks.CheckFailed) else [])]

    # -- claims -------------------------------------------------------------------------------------------

    def claim(self, var: Var, wanted: Any, t: Any = None, what: str = "", loc: Any = None) -> int:
        shown = self.names.get(var) or var.hint or self.nested
        self.claims.append(checks.Claim(shown, t if t is not None else var.type, wanted, what, loc))
        return len(self.claims) - 1

    def claims_of(self, var: Var, loc: Any) -> Iterator[int]:
        """What must hold of a value: its own type, and that of each primal whose cotangent it is."""
        if var.type is not None:
            yield self.claim(var, describe(var.type), loc=loc)
        primals = {t: name for name, t in self.cotangents.get(var, ()) if isinstance(t, (ArrayT, ScalarT))}
        for t, name in primals.items():
            what = f"the cotangent of {name!r}," if name else "the cotangent"
            yield self.claim(var, checks.Cotangent(describe(t)), t, what, loc)

    def check(self, var: Var, loc: Any) -> None:
        if var in self.names and var not in self.unbound:
            for k in self.claims_of(var, loc):
                self.line(f"{CHECKS}.value({k}, {self.names[var]}, {LENGTHS})")

    def expr(self, atom: Atom) -> ast.expr:
        tree = super().expr(atom)
        var = self.origin.get(id(atom)) if isinstance(atom, Call) else None
        self.nested = f"{getattr(atom.fn, '__name__', 'call')}(...)" if isinstance(atom, Call) else ""
        for k in self.claims_of(var, self.last) if var is not None else ():
            function = ast.Attribute(ast.Name(CHECKS, ast.Load()), "value", ast.Load())
            tree = ast.Call(function, [ast.Constant(k), tree, ast.Name(LENGTHS, ast.Load())], [])
        return tree

    # -- statements ---------------------------------------------------------------------------------------

    def begin(self, fn: Function) -> None:
        self.scope[CHECKS] = None  # filled when all claims are known
        self.line(f"{LENGTHS} = {{}}")
        optional = fn.options.get("optional", frozenset())
        for param in fn.params:
            if param not in optional:
                self.check(param, fn.loc)
        self.known -= self.born
        super().begin(fn)

    def stmt(self, stmt: Stmt) -> None:
        self.last = stmt.loc
        held = self.hold(stmt)
        super().stmt(stmt)
        self.last = stmt.loc
        if isinstance(stmt, Let):
            self.after(stmt, held)
        elif isinstance(stmt, If):
            self.after_all(stmt.results, stmt.loc)
        elif isinstance(stmt, (For, While)):
            self.after_all(stmt.results[1 if stmt.breaks else 0 :], stmt.loc)

    def unpack(self, row: Let, parts: list[Let]) -> None:
        super().unpack(row, parts)
        self.after_all([part.var for part in parts], row.loc)

    def region(self, stmt: Region, handler: If | None = None) -> None:
        super().region(stmt, handler)
        if handler is not None:
            self.after_all(handler.results, handler.loc)
        if stmt.certain:
            self.after_all(stmt.results[1 if stmt.catch is not None else 0 :], stmt.loc)

    def after_all(self, results: Iterable[Var], loc: Any) -> None:
        for result in results:
            self.check(result, loc)

    def after(self, stmt: Let, held: bool) -> None:
        if held:
            k = self.claim(stmt.var, checks.Anything(), what="what is read by", loc=stmt.loc)
            self.line(f"{CHECKS}.unwritten({k}, {HELD})")
        if stmt.var in self.unread or stmt.call.fn in QUIET or _is_checked_itself(stmt.call):
            return
        if stmt.call.fn in UNINITIALISED and not stmt.forward:
            self.line(f"{CHECKS}.poison({self.names[stmt.var]})")
        self.check(stmt.var, stmt.loc)
        self.memory(stmt)

    def memory(self, stmt: Let) -> None:
        """Does the result share memory as the rule says?"""
        rule, target = lookup(stmt.call.fn), self.names[stmt.var]
        if rule is None or not isinstance(stmt.var.type, (ArrayT, NumberT)) or self.in_place(stmt):
            return
        operands = [self.names[a] for a in stmt.call.atoms() if isinstance(a, Var) and self.names[a] != target]
        shared = sharing(stmt.call.fn, stmt.call.args, stmt.call.kwargs) if rule.sharing == "fresh" else rule.sharing
        if shared == "fresh" and operands:
            k = self.claim(stmt.var, checks.Anything(), what="the fresh result", loc=stmt.loc)
            self.line(f"{CHECKS}.fresh({k}, {target}, ({', '.join(operands)},))")
        first = stmt.call.args[0] if stmt.call.args else None
        if shared == "view" and isinstance(first, Var) and self.names[first] != target:
            k = self.claim(stmt.var, checks.Anything(), what="the view", loc=stmt.loc)
            self.line(f"{CHECKS}.view({k}, {target}, {self.names[first]})")

    def in_place(self, stmt: Let) -> bool:
        return stmt.call.fn in IN_PLACE or id(stmt) in self.updates

    def hold(self, stmt: Stmt) -> bool:
        """Remember what a reverse statement reads, if it calls a function that could write it."""
        if not isinstance(stmt, Let) or stmt.forward or self.in_place(stmt) or not _calls_functions(stmt.call):
            return False
        read = sorted({self.names[v] for v in vars_of(stmt.call) if isinstance(v.type, (ArrayT, NumberT))})
        if read:
            self.line(f"{HELD} = {CHECKS}.snapshot({', '.join(read)})")
        return bool(read)

    # -- loops --------------------------------------------------------------------------------------------

    def loop_body(self, stmt: Any, first: Any = None) -> None:
        outer = self.known
        again = sorted(self.loops[stmt.tag].mentioned - outer)
        self.known = outer | self.loops[stmt.tag].own

        def opened() -> None:
            if again:
                self.line(f"{CHECKS}.forget({LENGTHS}, {tuple(again)!r})")
            self.after_all(self.carried(stmt), stmt.loc)
            if first is not None:
                first()

        super().loop_body(stmt, opened)
        self.known = outer

    def carried(self, stmt: Any) -> Iterator[Var]:
        """The values a loop's body finds bound: carried ones, and the loop variables that are printed."""
        yield from stmt.args[1 if stmt.breaks else 0 :]
        if isinstance(stmt, For):
            used = set(reads(stmt.body))
            yield from (t for t in stmt.each.targets if stmt.forward or t in used)


def _is_checked_itself(call: Call) -> bool:
    """What comes out of a user's own function, which is called as it is, is looked at where it comes in."""
    home = getattr(call.fn, "__module__", None) or type(call.fn).__module__ or ""
    if lookup(call.fn) is not None:
        return False
    if home.startswith("retrograd.runtime."):
        return home.rpartition(".")[2] in ("custom", "fallback")
    return home.partition(".")[0] not in TRUSTED | {"retrograd", "scipy"}


#: Where functions come from that are known to leave their arguments alone.
TRUSTED = {"_operator", "operator", "numpy", "math", "builtins"}


def _calls_functions(call: Call) -> bool:
    """Is a function called that a rule, or its author, might have got wrong?"""
    home = (getattr(call.fn, "__module__", None) or type(call.fn).__module__).partition(".")[0]
    inner = [a for a in call.atoms() if isinstance(a, Call)]
    return home not in TRUSTED and call.fn not in QUIET or any(map(_calls_functions, inner))


def emit_checked(
    fn: Function, unfolded: Block, names: dict[Var, str], updates: set[int], cotangents: Cotangents
) -> Text:
    """The function as text that checks itself; ``unfolded`` is its body before temporaries were nested."""
    emitter = CheckedEmitter(
        names,
        updates,
        origin=origins(unfolded, fn.body),
        cotangents=cotangents,
        unbound=maybe_unbound(fn.body),
        born=born_in_loops(fn.params, unfolded) | fn.options.get("born in loops", set()),
        loops=lengths_of_loops(unfolded),
        known={s for p in fn.params for s in symbols_of(p.type)} | own_symbols(unfolded),
    )
    text = emit(fn, names, updates, emitter)
    text.scope[CHECKS] = checks.Checker(tuple(emitter.claims))
    return text


__all__ = ["checked", "describe", "emit_checked", "is_checked"]
