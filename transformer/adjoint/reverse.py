"""The reverse sweep: from a program and its active values to the program of its pullback.

Statements are met last to first; each hands the cotangent of what it defines to what it reads.  A branch is
reversed branch by branch, a loop becomes a loop over the iterations that ran, backwards, which carries the cotangents
of carried values and accumulates those of values from outside (L2).  The sweep reads forward values freely;
``analysis.recording`` then decides how each of them gets there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import NoRule, placed
from retrograd.runtime.rules import lookup

from ..analysis.ownership import READ_ONLY, shares
from ..analysis.poles import poles
from ..builder import type_of
from ..intrinsics import Intrinsic
from ..ir import (
    UNDEFINED,
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    Each,
    For,
    Function,
    If,
    Let,
    Region,
    SliceAtom,
    Stmt,
    Undefined,
    Var,
    While,
    bound_inside,
    definitions,
    reads,
    vars_of,
)
from ..lower import Lowering
from ..scopes import ARITHMETIC
from ..simplify.helpers import ALL
from ..simplify.switches import is_on, note
from ..symbolic.statements import Statement
from ..types import INT, AggregateT, ArrayT, ListT, NumberT, ScalarT, equal_shapes, is_inexact, is_object, same_shape
from . import context, lists

CONSTANT, CANCELS, ZEROS = "constant cotangent", "what cancels", "zeros are not added"
NUMBERS, WHOLE = "numbers into parts", "a part that is all"
Place = tuple[Var, tuple[Any, ...]]  # a value, or a part of a container: (params, ("w",))


@dataclass
class Reverse:
    """One reverse sweep.  ``bars`` holds the cotangent of each place so far, in the present scope."""

    low: Lowering
    active: set[Var]
    bars: dict[Place, Atom] = field(default_factory=dict)
    trips: dict[Any, Var] = field(default_factory=dict)
    hints: dict[Var, str] = field(default_factory=dict)
    begun: set[Var] = field(default_factory=set)  # what is called like a sum that starts with it
    masked: set[Any] = field(default_factory=set)
    places: dict[Var, tuple[Place, ...]] = field(default_factory=dict)
    poles: frozenset[Var] = frozenset()  # the values that may be infinite or NaN where nobody selects them
    primals: frozenset[Var] = frozenset()  # the values of the forward sweep
    statements: Mapping[Var, Statement] = field(default_factory=dict)  # those whose partials are known as a formula, by value
    outside: frozenset[Any] = frozenset()  # cotangents made before the present branch or body, which may not run

    @property
    def build(self) -> Any:
        return self.low.build

    # -- accumulation -------------------------------------------------------------------------------------

    def is_active(self, atom: Atom) -> bool:
        return any(v in self.active for v in vars_of(atom))

    def accumulate(self, atom: Atom, g: Atom, path: tuple[Any, ...] = (), masked: bool = False) -> None:
        """Add ``g`` to the cotangent of ``atom``, in its shape and dtype."""
        if isinstance(atom, Aggregate):
            self._accumulate_parts(atom, g, masked)
            return
        if not isinstance(atom, Var) or atom not in self.active or (isinstance(g, Const) and g.value is None):
            return
        t = self.type_at(atom, path)
        if isinstance(t, AggregateT):
            for at, (key, item) in enumerate(zip(t.labels, t.items)):
                if is_inexact(item):
                    self.accumulate(atom, self._part(g, at, key), (*path, key), masked)
            return
        place = (atom, path)
        if isinstance(t, ListT):
            g = lists.as_cotangent(self.build, g, t)
        else:
            g = context.fit(self.low, g, self.value_at(atom, path))
        before = self.bars.get(place)
        if masked and isinstance(g, Var) and (before is None or before in self.masked):
            self.masked.add(g)
        if before is not None and self._cancels(before, g):
            del self.bars[place]
            return
        self.bars[place] = g if before is None else self._add(before, g, place)

    def _cancels(self, a: Atom, b: Atom) -> bool:
        """a + -a: as if nothing had reached the place"""
        (sign, one), (other_sign, other) = self._signed(a), self._signed(b)
        found = sign != other_sign and self._same(one, other) and is_on(CANCELS)
        if found:
            note(CANCELS)
        return found

    def _signed(self, atom: Atom, sign: int = 1) -> tuple[int, Atom]:
        """What a cotangent is, or is the negative of; numbers in the place of arrays of them."""
        if isinstance(atom, Const) and type(atom.value) is float:
            return (sign, atom) if atom.value > 0 else (-sign, Const(-atom.value))
        call = self.build.calls.get(atom) if isinstance(atom, Var) else None
        if call is not None and call.fn is operator.neg:
            return self._signed(call.args[0], -sign)
        number = self._spread(atom)
        return (sign, atom) if number is None else self._signed(number, sign)

    def _spread(self, atom: Atom) -> Atom | None:
        """The number of which an array is made."""
        call = self.build.calls.get(atom) if isinstance(atom, Var) else None
        spread = call is not None and call.fn is numerics.broadcast_like and isinstance(type_of(call.args[0]), ScalarT)
        return call.args[0] if call is not None and spread else None

    def _same(self, a: Atom, b: Atom) -> bool:
        """Are two cotangents the same number or array, computed once or twice?"""
        if a is b or (isinstance(a, Const) and a == b):
            return True
        x, y = (self.build.calls.get(v) if isinstance(v, Var) else None for v in (a, b))
        return x is not None and x.fn is operator.getitem and x == y

    def _part(self, g: Atom, at: int, key: Any) -> Atom:
        """The cotangent of one part of a container; that of a dataclass may be a tuple."""
        if isinstance(g, Aggregate):
            return g.items[list(g.labels).index(key) if g.kind is dict else at]
        t = type_of(g)
        if isinstance(t, AggregateT) and t.keys is not None and t.kind is not dict:
            return self.build.let(Call(getattr, (g, Const(key)), (), f"attribute:{key}"), t.items[at])  # type: ignore[no-any-return]
        return self.build.call(operator.getitem, g, Const(key))  # type: ignore[no-any-return]

    def _add(self, before: Atom, g: Atom, place: Place) -> Atom:
        t = self.type_at(*place)
        if isinstance(t, ListT):
            return lists.add(self.build, before, g, t)
        total = self._added_to(before, g)
        if total is None:
            total = self.build.call(operator.add, before, g, form="operator")
        if before in self.masked and g in self.masked and isinstance(total, Var):
            self.masked.add(total)
        if isinstance(before, Var) and before not in self.hints:
            self.name(before, place)
            self.begun.add(before)
        self.name(total, place)
        return total

    def _added_to(self, before: Atom, g: Atom) -> Atom | None:
        """zeros[k] += v; zeros + g -> g[k] += v"""
        parts: list[Call] = []
        zeros = self.build.calls.get(before)
        while zeros is not None and zeros.fn is emitted.add_at:
            parts.append(zeros)
            zeros = self.build.calls.get(zeros.args[0])
        made = self.build.calls.get(g) if self.build.is_new(g) else None
        if not parts or zeros is None or zeros.fn is not np.zeros_like or made is None or shares(made) or made.fn in READ_ONLY:
            return None
        t, u = type_of(before), type_of(g)
        if not isinstance(u, ArrayT) or t.dtype != u.dtype or not same_shape(t, u) or not is_on(ZEROS):
            return None
        note(ZEROS)
        total = g
        for part in reversed(parts):
            total = self.build.call(emitted.add_at, total, *part.args[1:], form=part.form, type=u)
        return total

    def accumulate_nested(self, atom: Atom, g: Atom) -> None:
        """Add a cotangent that may be of a container."""
        if isinstance(atom, Var) and isinstance(atom.type, AggregateT):
            _accumulate_nested(self, atom, (), g)
        else:
            self.accumulate(atom, g)

    def _accumulate_parts(self, atom: Aggregate, g: Atom, masked: bool) -> None:
        t = type_of(g)
        by_name = atom.keys is not None and isinstance(t, (AggregateT, ListT)) and t.kind is dict
        keys = atom.keys if by_name else range(len(atom.items))
        for key, item in zip(keys, atom.items):
            if self.is_active(item):
                part = self.build.call(operator.getitem, g, Const(key))
                self.accumulate(item, part, (), masked)

    def name(self, bar: Atom, place: Place) -> None:
        """Give a cotangent the name of what it belongs to."""
        var, path = place
        if isinstance(bar, Var) and bar not in self.outside and place not in self.places.get(bar, ()):
            self.places[bar] = (*self.places.get(bar, ()), place)
        hint = str(path[-1]) if path and isinstance(path[-1], str) else var.hint
        if hint and isinstance(bar, Var) and bar not in self.primals and not bar.hint and self._is_nameless(bar):
            self.hints[bar] = f"{hint}_bar"

    def _is_nameless(self, bar: Var) -> bool:
        """Has it no name, or that of a sum that it is only the beginning of?"""
        begins = bar in self.begun
        self.begun.discard(bar)
        return begins or bar not in self.hints

    @staticmethod
    def type_at(var: Var, path: tuple[Any, ...]) -> Any:
        t = var.type
        for key in path:
            t = t.items[t.keys.index(key) if t.keys is not None else key]
        return t

    def value_at(self, var: Var, path: tuple[Any, ...]) -> Atom:
        value: Atom = var
        t = var.type
        for key in path:
            if t.keys is not None and t.kind is not dict:
                inner = t.items[t.keys.index(key)]
                value = self.build.let(Call(getattr, (value, Const(key)), (), f"attribute:{key}"), inner)
            else:
                value = self.build.call(operator.getitem, value, Const(key), form="operator")
            t = type_of(value)
        return value

    def zeros(self, place: Place, like: Atom | None = None) -> Atom:
        """A zero cotangent; ``like`` is another cotangent of the place, which spares reading its value."""
        t = self.type_at(*place)
        if isinstance(t, AggregateT):
            return self.build.let(Call(emitted.zero_items, (self.value_at(*place),)), context.cotangent(t))  # type: ignore[no-any-return]
        if isinstance(t, ScalarT):
            return context.zero(self.low, t)
        if isinstance(t, ListT):
            return lists.zeros(self.build, like if like is not None else self.value_at(*place), t)
        if like is not None:
            return self.build.call(np.zeros_like, like, type=t)  # type: ignore[no-any-return]
        made = self.build.call(np.zeros_like, self.value_at(*place), type=t)
        self.name(made, place)
        return made

    # -- blocks -------------------------------------------------------------------------------------------

    def block(self, stmts: Iterable[Stmt]) -> None:
        left = list(stmts)
        while left:
            stmt = left.pop()
            guarded = left.pop() if left and _asks_whether_completed(stmt, left[-1]) else None
            self.build.loc = stmt.loc
            with placed(stmt.loc):
                self.statement(stmt, guarded)

    def statement(self, stmt: Stmt, guarded: Any = None) -> None:
        if isinstance(stmt, Let):
            self.let(stmt)
        elif isinstance(stmt, If):
            self.branch(stmt, guarded)
        elif isinstance(stmt, (For, While)):
            self.loop(stmt)
        elif isinstance(stmt, Region):
            self.region(stmt)

    def take(self, var: Var) -> Any:
        """The finished cotangent of a value at its definition; None if nothing reached it."""
        if isinstance(var.type, AggregateT):
            return self._take_container(var)
        bar = self.bars.pop((var, ()), None)
        if bar is not None:
            self.name(bar, (var, ()))
        return bar

    def _take_container(self, var: Var) -> Any:
        found = {path: self.bars.pop((var, path)) for v, path in list(self.bars) if v is var}
        return self._nest(var.type, found, ()) if found else None

    def _nest(self, t: Any, found: dict[Any, Atom], path: tuple[Any, ...]) -> Atom:
        if not isinstance(t, AggregateT):
            return found.get(path, Const(None))
        keys = t.labels
        parts = tuple(self._nest(item, found, (*path, key)) for key, item in zip(keys, t.items))
        if is_object(t) or t.kind is dict:
            return Aggregate(dict, parts, t.keys)
        return Aggregate(tuple if t.keys is not None else t.kind, parts)

    # -- one computation ----------------------------------------------------------------------------------

    def let(self, stmt: Let) -> None:
        if stmt.var not in self.active:
            return
        z_bar = self.take(stmt.var)
        if z_bar is None:
            return
        call = stmt.call
        if isinstance(call.fn, Intrinsic):
            call.fn.reverse(self, stmt, z_bar)
            return
        if stmt.var in self.statements and z_bar not in self.masked:
            self._by_formula(self.statements[stmt.var], z_bar)
            return
        special = SPECIAL.get(call.fn)
        if special is not None and special(self, stmt, z_bar) is not NotImplemented:
            return
        rule = context.rule_of(stmt)
        env = context.bind(rule, call, stmt.loc)
        self._refuse_unruled(stmt, rule, env)
        masked = z_bar in self.masked or is_masking(call.fn)
        if rule.partials and rule.written_pullback is None or (rule.partials and not _has_complex(call)):
            self._elementwise(stmt, rule, env, z_bar, masked)
            return
        assert rule.pullback is not None, f"{rule.name} has a pullback: rules are entered by theirs"
        gs = context.inline(self.low, rule.pullback, (z_bar, stmt.var), env)
        parts = gs.items if isinstance(gs, Aggregate) and len(rule.inputs) > 1 else (gs,)
        for name, g in zip(rule.inputs, parts):
            if self.is_active(env[name]):
                self.accumulate(env[name], g, (), masked)

    def _refuse_unruled(self, stmt: Let, rule: Any, env: dict[str, Atom]) -> None:
        for name, atom in env.items():
            if name not in rule.inputs and name not in rule.inert and self.is_active(atom):
                raise NoRule(
                    f"{rule.name} has no derivative with respect to {name}, which is active", where=stmt.loc,
                    remedy="Pass a constant there, e.g. rg.stop_gradient(...).",
                )  # fmt: skip

    def _elementwise(self, stmt: Let, rule: Any, env: dict[str, Atom], z_bar: Atom, masked: bool) -> None:
        scope = {**env, "z": stmt.var}

        def handed_on(at: int, times: Any) -> Atom:
            slope = context.partial(self.low, rule, at, scope)
            if _has_complex(stmt.call) or _is_complex(stmt.var):
                slope = self.build.call(numerics.conj, slope)
            return self.build.call(times, z_bar, slope, form="operator" if times is operator.mul else "call")  # type: ignore[no-any-return]

        for at, name in enumerate(rule.inputs):
            if self.is_active(env[name]):
                strong = z_bar in self.masked and (context.is_singular(rule, env) or self._reads_pole(rule, at, scope))
                if strong and isinstance(type_of(z_bar), ScalarT):
                    g = self._unless_zero(z_bar, lambda at=at: handed_on(at, operator.mul))  # type: ignore[misc]
                else:
                    g = handed_on(at, numerics.strong if strong else operator.mul)
                self.accumulate(env[name], g, (), masked)

    def _by_formula(self, whole: Statement, z_bar: Atom) -> None:
        """The cotangents of all that a statement reads, at once; what it computes on the way gets none."""

        def call(fn: Any, *args: Atom) -> Atom:
            form = "operator" if fn.__module__ == operator.mul.__module__ else "call"
            return self.build.call(fn, *args, form=form)  # type: ignore[no-any-return]

        for leaf, slope in whole.slopes(call):
            self.accumulate(leaf, call(operator.mul, z_bar, slope))

    def _unless_zero(self, z_bar: Atom, make: Callable[[], Atom]) -> Atom:
        """``make() if z_bar else 0.0``: at a structural zero the partial is not even computed, which might raise (R6, L3)."""
        with self.build.block() as stmts:
            g = make()
        if not stmts:
            return g
        result = Var("", context.cotangent(type_of(g)))
        blocks = Block(tuple(stmts), (g,)), Block((), (context.zero(self.low, result.type),))
        self.build.add(If((result,), z_bar, *blocks, self.build.loc, None, False))
        return result

    def _reads_pole(self, rule: Any, at: int, scope: dict[str, Atom]) -> bool:
        """Does a partial read a value that may be infinite or NaN?"""
        return any(v in self.poles for name in context.read_by_partial(rule, at, scope) for v in vars_of(scope[name]))

    # -- branches -----------------------------------------------------------------------------------------

    def branch(self, stmt: If, guarded: Region | None = None) -> None:
        """A branch; of a ``try`` block that ended just before, and whether it did is asked, the way on which it did."""
        incoming = [self.take(r) if r in self.active else None for r in stmt.results]
        if all(b is None for b in incoming) and not self._has_active(stmt) and (guarded is None or not self._is_active_region(guarded)):
            return
        before, outside = self.bars, self.outside
        self.outside = outside | {bar for bar in (*before.values(), *incoming) if isinstance(bar, Var)}
        paths = []
        for block in (stmt.then, stmt.orelse):
            self.bars = dict(before)
            with self.build.block() as stmts:
                for bar, y in zip(incoming, block.yields):
                    if bar is not None:
                        self.accumulate(y, bar, (), bar in self.masked)
                self.block(block.stmts)
                if guarded is not None and block is stmt.then:
                    self._completed(guarded)
            paths.append((self.bars, stmts))
        made = {*definitions(guarded.body), *guarded.results} if guarded is not None else set()
        self.bars = {place: bar for place, bar in before.items() if place[0] not in made}
        self._merge(stmt, paths, [b for b in incoming if b is not None], made)
        self.outside = outside

    def _has_active(self, stmt: If) -> bool:
        return any(v in self.active for block in (stmt.then, stmt.orelse) for v in definitions(block))

    def _is_active_region(self, stmt: Region) -> bool:
        return any(v in self.active for v in (*stmt.results, *definitions(stmt.body)))

    def _merge(self, stmt: If, paths: list[Any], incoming: list[Atom], made: set[Var]) -> None:
        (a, a_stmts), (b, b_stmts) = paths
        inside = made | set(definitions(stmt.then)) | set(definitions(stmt.orelse))
        results, then, orelse = [], [], []
        for place in dict.fromkeys([*a, *b]):
            if place[0] in inside:
                continue
            if a.get(place) is b.get(place):
                self.bars[place] = a[place]
                continue
            result = Var("", context.cotangent(self.type_at(*place)))
            ends = []
            if any(place not in bars or bars[place] in self.masked for bars, _ in paths):
                self.masked.add(result)  # one side may hand on nothing
            for bars, stmts in paths:
                with self.build.block() as extra:
                    end = bars[place] if place in bars else self.zeros(place, self._outer_bar(place, (a, b), incoming))
                    self.name(end, place)
                stmts += extra
                ends.append(end)
            self.name(result, place)
            results.append(result)
            then.append(ends[0])
            orelse.append(ends[1])
            self.bars[place] = result
        for place in [p for p in self.bars if p not in a and p not in b]:  # cancelled on both sides
            del self.bars[place]
        if results or a_stmts or b_stmts:
            self.build.add(
                If(tuple(results), stmt.cond, Block(tuple(a_stmts), tuple(then)), Block(tuple(b_stmts), tuple(orelse)),
                   stmt.loc, stmt.tag, False)
            )  # fmt: skip

    def _outer_bar(self, place: Place, sides: Any, incoming: list[Atom]) -> Atom | None:
        """A cotangent of the place that exists before the branch: zeros can be shaped after it."""
        found = [bars[place] for bars in sides if place in bars]
        known = next((bar for bar in found for known in incoming if bar is known), None)
        # on the other side the branch's result, and so its cotangent, may have another shape
        alike = known is not None and equal_shapes(type_of(known), self.type_at(*place))
        return self.bars.get(place) or (known if alike else None)

    def region(self, stmt: Region) -> None:
        """A ``try`` block is reversed if it completed; a ``with`` block under its context, if that governs arithmetic."""
        if stmt.catch is not None and not stmt.certain:
            nothing = Block((), (UNDEFINED,) * len(stmt.results))
            self.branch(If(stmt.results, stmt.results[0], stmt.body, nothing, stmt.loc, None, True, stmt.tag))
            return
        self._completed(stmt)

    def _completed(self, stmt: Region) -> None:
        incoming = [self.take(r) if r in self.active else None for r in stmt.results]
        before = dict(self.bars)
        with self.build.block() as stmts:
            for bar, y in zip(incoming, stmt.body.yields):
                if bar is not None:
                    self.accumulate(y, bar, (), bar in self.masked)
            self.block(stmt.body.stmts)
        changed = [place for place, bar in self.bars.items() if before.get(place) is not bar]
        results = []
        for place in changed:
            self.name(self.bars[place], place)
            results.append(Var("", context.cotangent(self.type_at(*place))))
            self.name(results[-1], place)
        body = Block(tuple(stmts), tuple(self.bars[place] for place in changed))
        self.bars.update(zip(changed, results))
        entered = stmt.context if isinstance(stmt.context, Call) and stmt.context.fn in ARITHMETIC else None
        self.build.add(Region(tuple(results), body, None, None, entered, None, True, stmt.loc, stmt.tag, False))

    # -- loops --------------------------------------------------------------------------------------------

    def loop(self, stmt: For | While) -> None:
        carried = [k for k, arg in enumerate(stmt.args) if arg in self.active]
        incoming = {k: self.take(stmt.results[k]) for k in carried}
        free = self._free_places(stmt)
        if not carried and not free:
            return
        outer = self.bars
        inits, args, places = [], [], []
        for k in carried:
            self._carry(incoming[k], (stmt.results[k], ()), (stmt.args[k], ()), inits, args, places)
        for place in free:
            self._carry(outer.get(place), place, place, inits, args, places)
        yields, stmts = self._loop_body(stmt, carried, free, args)
        steady = (k for k in range(len(carried)) if yields[k] is args[k] and args[k] not in self.masked)
        fixed = {k: inits[k] for k in steady if isinstance(inits[k], Const) and inits[k].value}
        if fixed and is_on(CONSTANT):
            found = self._loop_body(stmt, carried, free, [fixed.get(k, arg) for k, arg in enumerate(args)])
            if all(found[0][k] == bar for k, bar in fixed.items()):
                note(CONSTANT)
                yields, stmts = found
        idle = {k for k in range(len(carried), len(args)) if yields[k] is args[k]}
        idle |= {k for k, bar in fixed.items() if yields[k] == bar}
        ends = {k: inits[k] for k in range(len(carried)) if k in idle}
        args, inits, yields, places = (
            [x for k, x in enumerate(xs) if k not in idle] for xs in (args, inits, yields, places)
        )
        results = [Var("", a.type) for a in args]
        for result, arg, place in zip(results, args, places):
            self.name(result, place)
            if arg in self.masked:
                self.masked.add(result)
        each, index = self._backwards(stmt)
        self.build.add(
            For(
                tuple(results),
                tuple(args),
                tuple(inits),
                each,
                index,
                Block(tuple(stmts), tuple(yields)),
                False,
                stmt.loc,
                stmt.tag,
                False,
            )
        )
        self.bars = outer
        made = iter(results)
        finals = [ends[k] if k in ends else next(made) for k in range(len(carried))]
        for place, result in zip(places[len(carried) - len(ends) :], made):
            self.bars[place] = result
        for k, final in zip(carried, finals):
            self.accumulate(stmt.inits[k], final)

    def _carry(
        self, start: Atom | None, origin: Place, place: Place, inits: list[Any], args: list[Any], places: list[Any]
    ) -> None:
        """A cotangent goes round; zeros to start with may be all there is, in the first pass or after none (R6)."""
        arg = Var("", context.cotangent(self.type_at(*place)))
        if start is None or start in self.masked:
            self.masked.add(arg)
        start = self._whole(start, origin[0]) if start is not None else self.zeros(origin)
        self.name(start, place)
        self.name(arg, place)
        inits.append(start)
        args.append(arg)
        places.append(place)

    def _whole(self, bar: Atom, var: Var, path: tuple[Any, ...] = ()) -> Atom:
        """The cotangent of a container with zeros where nothing reached a part."""
        t = self.type_at(var, path)
        if isinstance(bar, Aggregate) and isinstance(t, AggregateT):
            return replace(bar, items=tuple(self._whole(b, var, (*path, key)) for b, key in zip(bar.items, t.labels)))
        missing = isinstance(bar, Const) and bar.value is None and is_inexact(t)
        return self.zeros((var, path)) if missing else bar

    def _free_places(self, stmt: For | While) -> list[Place]:
        """The active places from outside that the loop reads, in order of first reading."""
        own = set(definitions(Block((stmt,), ()))) | set(bound_inside(stmt))
        seen: dict[Place, None] = {}
        for var in reads(stmt.body):
            if var in self.active and var not in own:
                seen.update(((var, path), None) for path in self._paths(var))
        if isinstance(stmt, For) and stmt.each.kind == "sequence":
            for target, seq in zip(stmt.each.targets, stmt.each.operands):
                if isinstance(seq, Var) and seq in self.active and target in self.active:
                    seen[(seq, ())] = None
        return list(seen)

    def _paths(self, var: Var) -> list[tuple[Any, ...]]:
        if not isinstance(var.type, AggregateT):
            return [()]
        return list(_inexact_paths(var.type, ()))

    def _loop_body(
        self, stmt: Any, carried: list[int], free: list[Place], args: Sequence[Any]
    ) -> tuple[list[Atom], list[Stmt]]:
        self.bars = {}
        with self.build.block() as stmts:
            for place, arg in zip(free, args[len(carried) :]):
                self.bars[place] = arg
            for k, arg in zip(carried, args):
                y = stmt.body.yields[k]
                if not isinstance(y, Undefined):
                    self.accumulate(y, arg)
            self.block(stmt.body.stmts)
            if isinstance(stmt, For):
                self._targets(stmt)
            yields: list[Atom] = []
            for k in carried:
                bar = self.take(stmt.args[k])
                bar = bar if bar is not None else self._zero_carried_again(stmt, k, args[carried.index(k)])
                yields.append(self._whole(bar, stmt.args[k]))
            yields += [self.bars[place] if place in self.bars else self.zeros(place) for place in free]
            for place, y in zip(free, yields[len(carried) :]):
                self.name(y, place)
        return yields, stmts

    def _zero_carried_again(self, stmt: Any, k: int, arg: Var) -> Atom:
        if isinstance(arg.type, ScalarT):
            return context.zero(self.low, arg.type)
        if isinstance(arg.type, ListT):
            return self.zeros((stmt.args[k], ()))
        if same_shape(stmt.args[k].type, type_of(stmt.body.yields[k])):
            return self.build.call(np.zeros_like, arg, type=arg.type)
        if isinstance(stmt.inits[k], Undefined):
            name = stmt.args[k].hint or "a value"
            raise NoRule(
                f"{name} has another shape in each iteration, and is read after the loop", where=stmt.loc,
                remedy=f"Bind {name} before the loop, or use it inside.",
            )  # fmt: skip
        return self.zeros((stmt.args[k], ()))

    def _targets(self, stmt: For) -> None:
        """Cotangents of loop variables go to the rows they came from."""
        if stmt.each.kind != "sequence":
            return
        for target, seq in zip(stmt.each.targets, stmt.each.operands):
            if target in self.active:
                bar = self.take(target)
                if bar is not None and isinstance(seq, Var):
                    self.accumulate_at(seq, stmt.index, bar)

    def _backwards(self, stmt: For | While) -> tuple[Each, Var]:
        if isinstance(stmt, While) or stmt.breaks:
            trips = self.trips.setdefault(stmt.tag, Var("trips", INT))
            if isinstance(stmt, For) and stmt.each.kind == "range" and len(stmt.each.operands) == 1:
                return Each("range", (trips,), stmt.each.targets, True), stmt.index
            index = stmt.index if isinstance(stmt, For) else Var("", INT)
            return Each("range", (trips,), (index,), True), Var("", INT)
        if stmt.each.kind == "range":
            return replace(stmt.each, backwards=True), stmt.index
        lengths = [self.build.call(len, s) for s in stmt.each.operands if not isinstance(s, Undefined)]
        count = lengths[0]
        for other in lengths[1:]:
            if other is not count:
                count = self.build.let(Call(min, (count, other)), INT)
        return Each("range", (count,), (stmt.index,), True), Var("", INT)

    # -- parts of arrays ----------------------------------------------------------------------------------

    def accumulate_at(self, x: Var, key: Atom, g: Atom) -> None:
        """Add ``g`` to a part of the cotangent of ``x``, in place on an array made for it."""
        if isinstance(x.type, ListT):
            lists.getitem_reverse(self, Let(x, Call(operator.getitem, (x, key))), g)
            return
        place = (x, ())
        before = self.bars.get(place)
        if before is None:
            before = self.zeros(place)
            self.masked.add(before)
        before = context.as_stored(self.low, before, x, self.masked)
        self.name(before, place)
        number = self._spread(g)
        if number is not None and is_on(NUMBERS):
            note(NUMBERS)
            g = number
        form = "add_once" if _selects_once(key) else "add_at"
        total = self.build.call(emitted.add_at, before, key, g, form=form, type=type_of(before))
        self.name(total, place)
        if before in self.masked:
            self.masked.add(total)
        self.bars[place] = total


def _inexact_paths(t: Any, path: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    if isinstance(t, AggregateT):
        keys = t.labels
        for key, item in zip(keys, t.items):
            yield from _inexact_paths(item, (*path, key))
    elif is_inexact(t):
        yield path


def _has_complex(call: Call) -> bool:
    return any(_is_complex(a) or (isinstance(type_of(a), NumberT) and type_of(a).dtype is None) for a in call.args)


def _is_complex(atom: Atom) -> bool:
    t = type_of(atom)
    return isinstance(t, (ArrayT, ScalarT)) and t.dtype.kind == "c"


# -- computations that are not rules' business ------------------------------------------------------------


def _getitem(sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
    container, key = stmt.call.args
    if not isinstance(container, Var):
        sweep.accumulate(container, z_bar)
        return
    t = container.type
    if isinstance(t, ListT):
        lists.getitem_reverse(sweep, stmt, z_bar)
        return
    if isinstance(t, AggregateT) and isinstance(key, Const):
        at = key.value
        if isinstance(at, int) and t.kind is not dict:
            at = range(len(t.items))[at]
            at = t.keys[at] if t.keys is not None else at
        _accumulate_nested(sweep, container, (at,), z_bar)
    elif isinstance(t, ArrayT):
        whole = _as_whole(sweep, key, t, z_bar, stmt.var)
        if whole is not None:
            sweep.accumulate(container, whole, (), z_bar in sweep.masked)
            return
        g = context.fit(sweep.low, z_bar, stmt.var)
        sweep.accumulate_at(container, key, g)
    elif isinstance(t, ScalarT):  # read once, or under a mask not at all
        keys = key.items if isinstance(key, Aggregate) else (key,)
        sweep.accumulate(container, z_bar, (), z_bar in sweep.masked or not all(isinstance(k, Const) for k in keys))
    else:
        g = sweep.build.call(numerics.scatter_add, z_bar, key, container)
        sweep.accumulate(container, g, (), True)


def _as_whole(sweep: Reverse, key: Atom, t: ArrayT, z_bar: Atom, part: Var) -> Atom | None:
    """The cotangent of x from that of ``x[:, 0]`` where the second axis has length 1: all of x was read."""
    keys = key.items if isinstance(key, Aggregate) and key.kind is tuple else (key,)
    if len(keys) > t.ndim or not is_on(WHOLE):
        return None
    first = [isinstance(k, Const) and k.value in (0, -1) and type(k.value) is int for k in keys]
    if not any(first) or not all(k == ALL or (one and axis.one is True) for k, one, axis in zip(keys, first, t.shape)):
        return None
    note(WHOLE)
    number = sweep._spread(z_bar)
    if number is not None or isinstance(part.type, ScalarT):
        return number if number is not None else z_bar
    g = context.fit(sweep.low, z_bar, part)
    back = tuple(Const(None) if one else ALL for one in first)
    while back[-1] == ALL:
        back = back[:-1]
    return sweep.build.call(operator.getitem, g, Aggregate(tuple, back) if len(back) > 1 else back[0], form="operator")  # type: ignore[no-any-return]


def _accumulate_nested(sweep: Reverse, container: Var, path: tuple[Any, ...], g: Atom) -> None:
    if isinstance(g, Aggregate):
        t = sweep.type_at(container, path)
        keys = t.keys if t.keys is not None else range(len(g.items))
        for key, part in zip(keys, g.items):
            _accumulate_nested(sweep, container, (*path, key), part)
    else:
        sweep.accumulate(container, g, path)


def _getattr(sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
    owner, name = stmt.call.args
    if isinstance(owner, Var) and isinstance(name, Const):
        _accumulate_nested(sweep, owner, (name.value,), z_bar)


def _store(sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
    """``z = store(a, key, v)``: the part's cotangent goes to ``v`` and is zeroed in that of ``a`` (M2)."""
    a, key, v = stmt.call.args
    if isinstance(key, Const) and key.value is Ellipsis:  # the whole array: x += v, written as x[...] = x + v
        sweep.accumulate(v, z_bar, (), z_bar in sweep.masked)
        return
    build, given = sweep.build, z_bar
    z_bar = context.as_stored(sweep.low, z_bar, stmt.var, sweep.masked)
    if sweep.is_active(v):
        if _selects_once(key):
            part = build.call(operator.getitem, z_bar, key, form="operator")
            if isinstance(type_of(part), ArrayT) and sweep.is_active(a):
                part = build.call(np.copy, part, form="method:copy")
        else:
            part = build.call(numerics.gather_stored, z_bar, key, v, type=type_of(v))
        if z_bar in sweep.masked and isinstance(part, Var):
            sweep.masked.add(part)
        sweep.accumulate(v, part, (), z_bar in sweep.masked)
    if sweep.is_active(a):
        rest = build.call(numerics.store, z_bar, key, Const(0.0), form="store", type=type_of(z_bar))
        if z_bar is not given:  # a scalar again
            rest = build.call(operator.getitem, rest, Aggregate(tuple, ()), form="operator")
        sweep.masked.add(rest)
        sweep.accumulate(a, rest, (), True)


def _add_at(sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
    """``np.add.at(a, key, v)``: what was added takes the cotangent of where it went."""
    a, key, v = stmt.call.args
    if sweep.is_active(v):
        whole = context.as_stored(sweep.low, z_bar, stmt.var, sweep.masked)
        sweep.accumulate(v, sweep.build.call(operator.getitem, whole, key, form="operator"), (), z_bar in sweep.masked)
    sweep.accumulate(a, z_bar, (), z_bar in sweep.masked)


def _selects_once(key: Atom) -> bool:
    """Basic indices and masks name each entry at most once."""
    keys = key.items if isinstance(key, Aggregate) and key.kind is tuple else (key,)
    for k in keys:
        t = type_of(k)
        if (
            isinstance(k, (Const, SliceAtom))
            or isinstance(t, ScalarT)
            or (isinstance(t, ArrayT) and t.dtype.kind == "b")
        ):
            continue
        return False
    return True


def _container(sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
    sweep.accumulate(stmt.call.args[0], z_bar)


def _copied(sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
    sweep.accumulate(stmt.call.args[0], z_bar, (), z_bar in sweep.masked)


def _added(sweep: Reverse, stmt: Let, z_bar: Atom) -> Any:
    return lists.concatenated_reverse(sweep, stmt, z_bar) if isinstance(stmt.var.type, ListT) else NotImplemented


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
    emitted.copy_in_layout: _copied,
    operator.add: _added,
    **lists.REVERSE,
}

#: Primitives whose cotangents hold zeros that mean "not selected" (R6).
MASKING = {
    np.where,
    np.maximum,
    np.minimum,
    np.clip,
    np.max,
    np.min,
    np.amax,
    np.amin,
    np.select,
    np.sort,
    np.fmax,
    np.fmin,
    np.nan_to_num,
    np.nansum,
    np.nanmean,
    np.nanprod,
    np.nanmin,
    np.nanmax,
    np.nanvar,
    np.nanstd,
    np.ndarray.clip,
}


def is_masking(fn: Any) -> bool:
    """Is the function one of these, under any of its names?"""
    rule = lookup(fn)
    return fn in MASKING or (rule is not None and rule.primitive in MASKING)


# -- the whole function -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sweeps:
    """A program and its pullback, not yet joined: ``bars`` are the cotangents of ``wrt``, in order."""

    primal: Function
    forward: Block
    reverse: tuple[Stmt, ...]
    seeds: tuple[Atom, ...]
    bars: tuple[Atom, ...]
    trips: dict[Any, Var]
    hints: dict[Var, str]
    cotangents: dict[Var, tuple[tuple[str, Any], ...]]  # of which primals each is one: their names and types
    ignored: tuple[str, ...] = ()  # the arguments to differentiate by on which the result does not depend


def reverse(
    fn: Function,
    wrt: tuple[Var, ...],
    active: set[Var],
    seed: Atom,
    low: Lowering,
    masked: bool = False,
    statements: Mapping[Var, Statement] | None = None,
) -> Sweeps:
    """The reverse sweep of ``fn`` from the cotangent ``seed`` of its result; of ``statements`` the partials are known as formulas."""
    for var in wrt:
        lists.refuse_objects(var.hint, var.type)
    low.build.forward = False
    sweep = Reverse(low, active, poles=poles(fn.body), primals=frozenset({*fn.params, *definitions(fn.body)}),
                    statements=statements or {})  # fmt: skip
    with low.build.block() as stmts:
        low.build.loc = None
        sweep.masked.update(vars_of(seed) if masked else ())
        sweep.accumulate(fn.result, _as_array(low, fn.result, seed), (), masked)
        sweep.block(fn.body.stmts)
        bars = tuple(_final(sweep, var) for var in wrt)
    return Sweeps(fn, fn.body, tuple(stmts), (seed,), bars, sweep.trips, sweep.hints, _cotangents(sweep))


def _as_array(low: Lowering, result: Atom, seed: Atom) -> Atom:
    """The seed 1.0 of a 0-d array is such an array, which can be indexed."""
    if isinstance(seed, Const) and isinstance(type_of(result), ArrayT):
        return low.build.call(np.full_like, result, seed)
    return seed


def _cotangents(sweep: Reverse) -> dict[Var, tuple[tuple[str, Any], ...]]:
    return {
        bar: tuple((".".join(map(str, (var.hint, *path))), sweep.type_at(var, path)) for var, path in places)
        for bar, places in sweep.places.items()
    }


def _final(sweep: Reverse, var: Var) -> Atom:
    return _final_at(sweep, var, ())


def _final_at(sweep: Reverse, var: Var, path: tuple[Any, ...]) -> Atom:
    t = sweep.type_at(var, path)
    if isinstance(t, AggregateT):
        keys = t.labels
        parts = tuple(_final_at(sweep, var, (*path, key)) for key in keys)
        return Aggregate(t.kind, parts, t.keys)
    if not is_inexact(t):
        return Const(None)
    bar = sweep.bars.get((var, path))
    if bar is None:
        return sweep.zeros((var, path))
    sweep.name(bar, (var, path))
    return context.of_dtype(sweep.low, bar, t) if isinstance(t, ScalarT) else bar


def _asks_whether_completed(stmt: Stmt, before: Stmt) -> bool:
    """Is it the branch after a ``try`` block?"""
    guarded = isinstance(before, Region) and before.catch is not None and not before.certain
    return guarded and isinstance(stmt, If) and stmt.cond is before.results[0]
