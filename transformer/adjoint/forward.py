"""Forward mode: the program of a directional derivative.

Each statement is followed by the statement of its tangent; branches and loops carry tangents beside the values they
belong to.  The result has no tapes, which is why reverse mode can be applied to it (H1).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import NoRule, placed

from ..analysis.ownership import IN_PLACE
from ..analysis.purity import MOVES, cannot_raise, is_pure
from ..builder import type_of
from ..intrinsics import Intrinsic
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
    Region,
    Stmt,
    Undefined,
    Var,
    While,
    asks_whether_completed,
    defined_by,
    is_shield,
    raises_again,
    reads,
    rebuild,
    substitute,
    vars_of,
)
from ..lower import Lowering
from ..types import AggregateT, ArrayT, ListT, NumberT, OpaqueT, ScalarT, carried, is_inexact, same_shape
from . import context, lists
from .reverse import _has_complex, is_masking


@dataclass
class Forward:
    """One forward sweep: ``dots`` holds the tangent of each active value."""

    low: Lowering
    active: set[Var]
    dots: dict[Var, Atom] = field(default_factory=dict)
    masked: set[Any] = field(default_factory=set)
    guarded: bool = False  # would a handler of the user's catch what a tangent raises?

    @property
    def build(self) -> Any:
        return self.low.build

    def is_active(self, atom: Atom) -> bool:
        return any(v in self.dots for v in vars_of(atom))

    def dot(self, atom: Atom) -> Atom:
        """The tangent of an atom, zeros where it is not active."""
        if isinstance(atom, Var) and atom in self.dots:
            return self.dots[atom]
        if isinstance(atom, Aggregate):
            return Aggregate(atom.kind, tuple(map(self.dot, atom.items)), atom.keys)
        return self.zeros(atom)

    def zeros(self, atom: Atom) -> Atom:
        t = type_of(atom)
        if isinstance(t, AggregateT):
            keys = t.labels
            parts = tuple(self.zeros(self._part(atom, t, key)) for key in keys)
            return Aggregate(t.kind, parts, t.keys)
        if isinstance(t, ListT):
            return lists.zeros(self.build, atom, t)
        if isinstance(t, ScalarT) and is_inexact(t):
            return context.zero(self.low, t)
        if not is_inexact(t):
            return Const(0.0)
        return self.build.call(np.zeros_like, atom, type=t)

    def _part(self, atom: Atom, t: AggregateT, key: Any) -> Atom:
        if isinstance(atom, Aggregate):
            return atom.items[atom.keys.index(key) if atom.keys is not None else key]
        if t.keys is not None and t.kind is not dict:
            return self.build.let(Call(getattr, (atom, Const(key)), (), f"attribute:{key}"), t.items[t.keys.index(key)])
        return self.build.call(operator.getitem, atom, Const(key), form="operator")

    def hint(self, var: Var) -> str:
        return f"{var.hint}_dot" if var.hint else ""

    def bind(self, var: Var, dot: Atom) -> None:
        """Make ``dot`` the tangent of ``var``, in its shape and dtype."""
        t, u = type_of(dot), var.type
        if isinstance(u, ScalarT) and isinstance(t, ArrayT):
            dot = self.build.call(numerics.unbroadcast, dot, var, type=carried(u))
        elif isinstance(t, (NumberT, OpaqueT)) and isinstance(u, (ArrayT, ScalarT)):
            fitted = numerics.broadcast_like if isinstance(u, ArrayT) else numerics.unbroadcast
            dot = self.build.call(fitted, dot, var, type=carried(u))
        elif isinstance(u, ArrayT) and isinstance(t, (ArrayT, ScalarT)) and not same_shape(t, u):
            dot = self.build.call(numerics.broadcast_like, dot, var, type=ArrayT(t.dtype, u.shape))
        self.dots[var] = dot

    # -- statements ---------------------------------------------------------------------------------------

    def block(self, stmts: tuple[Stmt, ...]) -> None:
        for stmt, follows in zip(stmts, (*stmts[1:], None)):
            self.build.loc = stmt.loc
            if isinstance(stmt, Let):
                self.build.add(stmt)
                self.build.calls[stmt.var] = stmt.call
                if stmt.var in self.active and self.is_active(Aggregate(tuple, stmt.call.atoms())):
                    with placed(stmt.loc):
                        self.tangent(stmt)
            elif isinstance(stmt, If):
                self.branch(stmt)
            elif isinstance(stmt, Region):
                self.region(stmt, asks_whether_completed(follows, stmt) and not raises_again(follows))
            elif isinstance(stmt, (For, While)):
                self.loop(stmt)
            else:
                self.build.add(stmt)

    def tangent(self, stmt: Let) -> None:
        """The tangent of one computation; in a ``try`` block, out of reach of the user's handlers (L3)."""
        together = isinstance(stmt.call.fn, Intrinsic) and stmt.call.fn.together
        if not self.guarded or together:
            self.let(stmt)
            return
        before = dict(self.dots)
        with self.build.block() as stmts:
            self.let(stmt)
        if all(isinstance(s, Let) and (s.call.fn in MOVES or cannot_raise(s)) for s in stmts):
            self.build.extend(stmts)
        else:
            self.shield(stmt, stmts, [v for v, dot in self.dots.items() if before.get(v) is not dot])

    def shield(self, stmt: Let, stmts: list[Stmt], moved: list[Var]) -> None:
        """Write down the statements under ``uncaught``, which hands over the tangents of ``moved``."""
        made = {v for s in stmts for v in defined_by(s)}
        results: dict[Var, Var] = {}

        def handed_over(var: Var) -> Var:
            if var not in made:
                return var
            if var not in results:
                results[var] = Var(var.hint, var.type)
                if var in self.masked:
                    self.masked.add(results[var])
            return results[var]

        for var in moved:
            self.dots[var] = rebuild(self.dots[var], handed_over)
        body = Block(tuple(stmts), tuple(results))
        made_of = Region(tuple(results.values()), body, None, None, Call(emitted.uncaught, ()), None, True, stmt.loc, None, False)
        earlier = self.build.take_since(is_shield, _may_come_first)
        if earlier and not set(earlier[0].results) & set(reads(Block(tuple(earlier[1:])))):
            first, *between = earlier
            self.build.extend([*between, _together(first, made_of)])
        else:
            self.build.extend([*earlier, made_of])

    def let(self, stmt: Let) -> None:
        call = stmt.call
        if isinstance(call.fn, Intrinsic):
            call.fn.forward(self, stmt)
            return
        special = SPECIAL.get(call.fn)
        if special is not None and special(self, stmt) is not NotImplemented:
            return
        rule = context.rule_of(stmt)
        if rule.kind == "constant":
            return
        env = context.bind(rule, call, stmt.loc)
        for name, atom in env.items():
            if name not in rule.inputs and name not in rule.inert and self.is_active(atom):
                raise NoRule(
                    f"{rule.name} has no derivative with respect to {name}, which is active", where=stmt.loc,
                    remedy="Pass a constant there, e.g. rg.stop_gradient(...).",
                )  # fmt: skip
        if rule.partials and not _has_complex(call):
            self.elementwise(stmt, rule, env)
            return
        if rule.pushforward is None:
            raise NoRule(
                f"{rule.name} has no forward rule", where=stmt.loc, remedy="Use reverse mode (rg.grad, rg.vjp), or give its rule a jvp."
            )
        dots = [self.dot(env[name]) for name in rule.inputs]
        parts = context.inline(self.low, rule.pushforward, (*dots, stmt.var), env)
        pieces = parts.items if isinstance(parts, Aggregate) and len(rule.inputs) > 1 else (parts,)
        total: Atom | None = None
        for name, part in zip(rule.inputs, pieces):
            if self.is_active(env[name]):
                total = part if total is None else self.add(total, part, stmt.var)
        if total is not None:
            self.bind(stmt.var, total)
            if is_masking(call.fn) or _is_padding(stmt) or self._takes_nothing(stmt, [env[name] for name in rule.inputs]):
                self.masked.add(self.dots[stmt.var])

    def _takes_nothing(self, stmt: Let, inputs: list[Atom]) -> bool:
        """May entries of the result be made of what does not move alone?"""
        joins = stmt.call.fn in JOINING
        found = [self.may_be_nothing(atom) for atom in inputs if joins or self.is_active(atom)]
        return any(found) if joins else all(found)

    def add(self, a: Atom, b: Atom, var: Var) -> Atom:
        if isinstance(a, Aggregate) and isinstance(b, Aggregate):
            return Aggregate(a.kind, tuple(self.add(x, y, var) for x, y in zip(a.items, b.items)), a.keys)
        return self.build.call(operator.add, a, b, hint=self.hint(var), form="operator")

    def operands(self, stmt: Let, rule: Any, scope: dict[str, Atom]) -> dict[str, Atom]:
        """The operands of a partial; in a ``try`` block those of a quotient too divide as the statement does, by an int as well (L3)."""
        if self.guarded and stmt.call.fn in (operator.truediv, np.divide):
            return context.as_numpy(self.low, stmt, scope, "fi")
        return context.as_numpy(self.low, stmt, scope) if rule.singular else scope

    def elementwise(self, stmt: Let, rule: Any, env: dict[str, Atom]) -> None:
        scope = {**env, "z": stmt.var}
        terms = []
        for at, name in enumerate(rule.inputs):
            if self.is_active(env[name]):
                slope = context.partial(self.low, rule, at, self.operands(stmt, rule, scope))
                dot = self.dot(env[name])
                strong = context.is_singular(rule, env) and dot in self.masked
                terms.append((dot, slope, numerics.strong if strong else operator.mul))
        total: Atom | None = None
        for k, (dot, slope, fn) in enumerate(terms):
            hint = self.hint(stmt.var) if k == len(terms) - 1 == 0 else ""
            term = self.build.call(fn, dot, slope, hint=hint, form="operator" if fn is operator.mul else "call")
            total = (
                term
                if total is None
                else self.build.call(operator.add, total, term, hint=self.hint(stmt.var), form="operator")
            )
        if total is not None:
            self.bind(stmt.var, total)
            if is_masking(stmt.call.fn) or all(dot in self.masked for dot, _, _ in terms):
                self.masked.add(self.dots[stmt.var])

    # -- control flow -------------------------------------------------------------------------------------

    def branch(self, stmt: If) -> None:
        outer = self.dots
        sides = []
        nothing: set[int] = set()
        for block in (stmt.then, stmt.orelse):
            self.dots = dict(outer)
            with self.build.block() as stmts:
                self.block(block.stmts)
                wanted = [k for k, r in enumerate(stmt.results) if r in self.active]
                nothing.update(k for k in wanted if self.may_be_nothing(block.yields[k]))
                ends = {k: self.end(block.yields[k]) for k in wanted}
            sides.append((stmts, ends))
        self.dots = outer
        (a_stmts, a), (b_stmts, b) = sides
        new, then, orelse = [], [], []
        for k, r in enumerate(stmt.results):
            if r in self.active:
                var = Var(self.hint(r), carried(r.type))
                self.dots[r] = var
                if k in nothing:
                    self.masked.add(var)
                new.append(var)
                then.append(a[k])
                orelse.append(b[k])
        self.build.add(
            replace(stmt, results=(*stmt.results, *new), then=Block(tuple(a_stmts), (*stmt.then.yields, *then)),
                    orelse=Block(tuple(b_stmts), (*stmt.orelse.yields, *orelse)))
        )  # fmt: skip

    def region(self, stmt: Region, handled: bool) -> None:
        """``handled``: would an error of a tangent end in a handler of the user's?"""
        outer = dict(self.dots)
        at = [k for k, r in enumerate(stmt.results) if r in self.active]
        around, self.guarded = self.guarded, self.guarded or handled
        with self.build.block() as stmts:
            self.block(stmt.body.stmts)
            ends = tuple(self.end(stmt.body.yields[k]) for k in at)
        self.guarded = around
        new = tuple(Var(self.hint(stmt.results[k]), carried(stmt.results[k].type)) for k in at)
        self.masked.update(dot for k, dot in zip(at, new) if self.may_be_nothing(stmt.body.yields[k]))
        self.dots = outer
        self.dots.update(zip((stmt.results[k] for k in at), new))
        body = Block(tuple(stmts), (*stmt.body.yields, *ends))
        self.build.add(replace(stmt, results=(*stmt.results, *new), body=body))

    def may_be_nothing(self, atom: Atom) -> bool:
        """Is the tangent, or a part of it, a zero that says "does not move" on some path (R6)?"""
        if isinstance(atom, Aggregate):
            return any(map(self.may_be_nothing, atom.items))
        if not self.is_active(atom):
            return not isinstance(atom, Undefined) and not self._is_empty(atom)
        return self.dots.get(atom) in self.masked  # type: ignore[call-overload]

    def _is_empty(self, atom: Atom) -> bool:
        """Is it a list to be filled?"""
        call = self.build.calls.get(atom) if isinstance(atom, Var) else None
        return call is not None and call.fn is list and all(isinstance(a, Aggregate) and not a.items for a in call.args)

    def spread(self, var: Var, *atoms: Atom) -> None:
        """The tangent of ``var`` may be nothing where that of one of these may be."""
        if any(map(self.may_be_nothing, atoms)):
            self.masked.add(self.dots[var])

    def end(self, atom: Atom) -> Atom:
        return atom if isinstance(atom, Undefined) else lists.as_plain(self.build, self.dot(atom))

    def carried(self, stmt: Any) -> tuple[list[int], list[Var], list[Atom], list[Var]]:
        at = [k for k, arg in enumerate(stmt.args) if arg in self.active]
        args = [Var(self.hint(stmt.args[k]), carried(stmt.args[k].type)) for k in at]
        inits = [self.end(stmt.inits[k]) for k in at]
        results = [Var(self.hint(stmt.results[k]), carried(stmt.results[k].type)) for k in at]
        for k, arg, result in zip(at, args, results):
            if self.may_be_nothing(stmt.inits[k]):
                self.masked.update((arg, result))
        return at, args, inits, results

    def loop_body(self, stmt: Any, at: list[int], args: list[Var]) -> Block:
        for k, arg in zip(at, args):
            self.dots[stmt.args[k]] = arg
        with self.build.block() as stmts:
            if isinstance(stmt, For) and stmt.each.kind == "sequence":
                self.targets(stmt)
            self.block(stmt.body.stmts)
            ends = tuple(self.end(stmt.body.yields[k]) for k in at)
        return Block(tuple(stmts), (*stmt.body.yields, *ends))

    def targets(self, stmt: For) -> None:
        for target, seq in zip(stmt.each.targets, stmt.each.operands):
            if target in self.active and self.is_active(seq):
                self.dots[target] = self.build.call(
                    operator.getitem, self.dot(seq), stmt.index, hint=self.hint(target), form="operator"
                )
                self.spread(target, seq)

    def loop(self, stmt: For | While) -> None:
        at, args, inits, results = self.carried(stmt)
        outer = dict(self.dots)
        body = self.loop_body(stmt, at, args)
        while stopped := self.stopped(stmt, at, args):  # what one iteration stops is nothing in the next
            self.masked.update(stopped)
            self.dots = dict(outer)
            body = self.loop_body(stmt, at, args)
        self.masked.update(result for arg, result in zip(args, results) if arg in self.masked)
        self.close(stmt, outer, at, args, inits, results, body)

    def stopped(self, stmt: For | While, at: list[int], args: list[Var]) -> set[Var]:
        """The tangents that may be nothing at the end of the body, and were taken for others at its start."""
        return {arg for k, arg in zip(at, args) if arg not in self.masked and self.may_be_nothing(stmt.body.yields[k])}

    def close(self, stmt: Any, outer: Any, at: Any, args: Any, inits: Any, results: Any, body: Block) -> None:
        self.dots = outer
        for k, r in zip(at, results):
            self.dots[stmt.results[k]] = r
        self.build.add(
            replace(
                stmt,
                args=(*stmt.args, *args),
                inits=(*stmt.inits, *inits),
                results=(*stmt.results, *results),
                body=body,
            )
        )


def _may_come_first(stmt: Stmt) -> bool:
    """May a statement run before the tangents of those in front of it?  Not one that writes what they read."""
    return isinstance(stmt, Let) and is_pure(stmt.call) and stmt.call.fn not in IN_PLACE


def _together(first: Region, second: Region) -> Region:
    """One block of the two."""
    handed_over = dict(zip(first.results, first.body.yields))
    after = substitute(second.body, lambda v: handed_over.get(v, v))
    body = Block((*first.body.stmts, *after.stmts), (*first.body.yields, *after.yields))
    return replace(first, results=(*first.results, *second.results), body=body)


# -- computations that are not rules' business ------------------------------------------------------------


def _getitem(sweep: Forward, stmt: Let) -> None:
    container, key = stmt.call.args
    dot = sweep.dot(container)
    if isinstance(type_of(container), ScalarT):
        dot = sweep.build.call(np.asarray, dot)
    sweep.bind(stmt.var, sweep.build.call(operator.getitem, dot, key, hint=sweep.hint(stmt.var), form="operator"))
    sweep.spread(stmt.var, container)


def _getattr(sweep: Forward, stmt: Let) -> None:
    owner, name = stmt.call.args
    dot = sweep.dot(owner)
    if isinstance(dot, Aggregate) and isinstance(name, Const):
        sweep.dots[stmt.var] = dot.items[(dot.keys or ()).index(name.value)]
    elif isinstance(t := type_of(dot), AggregateT) and t.kind is dict:
        sweep.dots[stmt.var] = sweep.build.call(operator.getitem, dot, name, hint=sweep.hint(stmt.var), form="operator")
    else:
        sweep.dots[stmt.var] = sweep.build.let(
            Call(getattr, (dot, name), (), stmt.call.form), stmt.var.type, sweep.hint(stmt.var)
        )
    sweep.spread(stmt.var, owner)


def _store(sweep: Forward, stmt: Let) -> None:
    a, key, v = stmt.call.args
    dot = context.as_stored(sweep.low, sweep.dot(a), stmt.var, sweep.masked) if sweep.is_active(a) else sweep.zeros(stmt.var)
    sweep.dots[stmt.var] = sweep.build.call(
        numerics.store, dot, key, sweep.dot(v), hint=sweep.hint(stmt.var), form="store", type=stmt.var.type
    )
    is_whole = isinstance(key, Const) and key.value is Ellipsis
    sweep.spread(stmt.var, *((v,) if is_whole else (a, v)))


def _add_at(sweep: Forward, stmt: Let) -> None:
    a, key, v = stmt.call.args
    dot = context.as_stored(sweep.low, sweep.dot(a), stmt.var, sweep.masked) if sweep.is_active(a) else sweep.zeros(stmt.var)
    if not sweep.is_active(v):
        sweep.dots[stmt.var] = dot
        sweep.spread(stmt.var, a)
        return
    sweep.dots[stmt.var] = sweep.build.call(
        emitted.add_at, dot, key, sweep.dot(v), hint=sweep.hint(stmt.var), form="add_at", type=stmt.var.type
    )
    sweep.spread(stmt.var, a)


def _container(sweep: Forward, stmt: Let) -> None:
    dot = lists.as_plain(sweep.build, sweep.dot(stmt.call.args[0]))
    sweep.dots[stmt.var] = sweep.build.let(Call(stmt.call.fn, (dot,)), carried(stmt.var.type))
    sweep.spread(stmt.var, stmt.call.args[0])


def _added(sweep: Forward, stmt: Let) -> Any:
    return lists.concatenated_forward(sweep, stmt) if isinstance(stmt.var.type, ListT) else NotImplemented


SPECIAL: dict[Any, Any] = {
    operator.getitem: _getitem,
    getattr: _getattr,
    numerics.store: _store,
    emitted.add_at: _add_at,
    tuple: _container,
    list: _container,
    dict: _container,
    emitted.boxed: _container,
    emitted.fresh_list: _container,
    emitted.copy_in_layout: _container,
    operator.add: _added,
    **lists.FORWARD,
}


#: Primitives that put zeros beside the entries they are given.
PADDING = {np.pad, np.tril, np.triu, np.diag, np.diagflat}
#: Primitives whose result holds the entries of each operand, those of one that does not move too.
JOINING = {np.append, np.insert}


def _is_padding(stmt: Let) -> bool:
    """``np.diag`` puts zeros beside a vector, and takes the diagonal of a matrix."""
    x = type_of(stmt.call.args[0]) if stmt.call.fn in PADDING else None
    return x is not None and not (isinstance(x, ArrayT) and stmt.call.fn is np.diag and x.ndim == 2)


# -- the whole function -----------------------------------------------------------------------------------


def forward(
    fn: Function, wrt: tuple[Var, ...], active: set[Var], low: Lowering, value: bool,
    types: tuple[Any, ...] = (), masked: frozenset[Var] = frozenset(), guarded: bool = False,
) -> Function:  # fmt: skip
    """``(params, tangents of wrt) -> (value, tangent)``, or the tangent alone."""
    low.build.forward = False
    for var in wrt:
        lists.refuse_objects(var.hint, var.type)
    sweep = Forward(low, active | set(wrt), guarded=guarded)
    kinds = types or tuple(carried(var.type) if isinstance(var.type, ListT) else var.type for var in wrt)
    tangents = tuple(Var(f"{var.hint}_dot", t) for var, t in zip(wrt, kinds, strict=True))
    sweep.dots.update(zip(wrt, tangents))
    sweep.masked.update(dot for var, dot in zip(wrt, tangents) if var in masked)
    sweep.block(fn.body.stmts)
    dot = _result_dot(sweep, fn.result)
    out: Atom = Aggregate(tuple, (fn.result, dot)) if value else dot
    return Function(f"{fn.name}_jvp", (*fn.params, *tangents), low.build.finish(out), fn.loc)


def _result_dot(sweep: Forward, result: Atom) -> Atom:
    if isinstance(result, Aggregate):
        return Aggregate(result.kind, tuple(_result_dot(sweep, item) for item in result.items), result.keys)
    return sweep.dot(result) if is_inexact(type_of(result)) else Const(None)
