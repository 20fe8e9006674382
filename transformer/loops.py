"""Lowering of ``for`` and ``while``.

The names a body assigns are carried: the loop starts with their values, each pass yields the next ones.  Types of
carried values are found by lowering the body until they no longer change (T3).
"""

from __future__ import annotations

import ast
import itertools
import operator
import sys
from collections.abc import Iterator, KeysView, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted

from . import boxes, tables
from .builder import leaves, type_of
from .heap import UNLIKE, View, is_mutable, open_parameter
from .ir import UNDEFINED, Aggregate, Block, Call, Const, Each, For, Let, Ref, Undefined, Var, While, walk
from .jumps import is_left_by_return, late_return
from .raising import is_note
from .types import (
    BOOL,
    INT,
    OPAQUE,
    AggregateT,
    ArrayT,
    ConstT,
    DictT,
    ListT,
    NumberT,
    OpaqueT,
    RangeT,
    ScalarT,
    full_name,
    is_inexact,
    is_numeric,
    join,
    join_all,
    kind_of_number,
    plain,
)
from .values import Compiletime, LocalFunction, Maybe, Stream, SurelyRaises, Unknown, is_iterator

if TYPE_CHECKING:
    from .lower import Lowering

PASSES = 6
MOST_ADDED = 100  # items by which a list of known parts may grow under a loop


def loop(low: Lowering, stmt: ast.For | ast.While) -> None:
    outer_go = low.frame.env.get("$go", Const(True))
    low.frame.env["$go"] = Const(True)
    low.frame.env.setdefault("$returned", Const(False))
    low.late = late_return(stmt) if not low.loop_depth else low.late
    low.loop_depth += 1
    if isinstance(stmt, ast.While):
        while_(low, stmt)
    else:
        for_(low, stmt)
    low.loop_depth -= 1
    if is_left_by_return(stmt) and not isinstance(low.frame.env["$returned"], Const):
        low.frame.env["$returned"] = Const(True)
    finished = low.frame.env["$go"]
    low.frame.env["$go"] = outer_go
    if stmt.orelse:
        _orelse(low, finished, stmt)


def _orelse(low: Lowering, finished: Any, stmt: ast.For | ast.While) -> None:
    """A loop's ``else``: runs if no ``break`` ended it."""
    if isinstance(finished, Const):
        if finished.value:
            low.block(stmt.orelse)
        return
    low.fork(finished, stmt.orelse, [], stmt)


# -- what is carried --------------------------------------------------------------------------------------


def assigned(stmts: list[ast.stmt]) -> list[str]:
    """The names that statements may bind, in order."""
    names: dict[str, None] = {}
    for stmt in stmts:
        if isinstance(stmt, (ast.FunctionDef, ast.ClassDef)):
            names[stmt.name] = None
            continue
        for node in _outside_comprehensions(stmt):
            if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
                names[node.id] = None
            elif isinstance(node, ast.ExceptHandler) and node.name:
                names[node.name] = None
    return list(names)


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _outside_comprehensions(root: ast.AST) -> Any:
    """The nodes of a statement; what a comprehension binds is its own, but for ``:=``."""
    stack = [root]
    while stack:
        node = stack.pop(0)
        if isinstance(node, COMPREHENSIONS):
            stack += [n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
            continue
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            stack += ast.iter_child_nodes(node)


@dataclass(frozen=True)
class Slot:
    """A place whose content goes round: a name of an activation, or a thing on the heap (``frame`` is None)."""

    frame: Any
    name: Any

    @property
    def hint(self) -> str:
        name = self.name if self.frame is not None else getattr(self.name, "hint", "")
        return name if name.isidentifier() else ""


@dataclass(frozen=True)
class Fixed:
    """The plan of a part that the loop leaves alone."""

    atom: Any


@dataclass
class Carried:
    """What goes round: for each slot what it starts as, and the plan of its parts.

    A plan is a type, None for what is not bound yet, ``Fixed``, ``Unknown``, or an aggregate of plans.
    """

    low: Lowering
    inits: dict[Slot, Any] = field(default_factory=dict)
    plans: dict[Slot, Any] = field(default_factory=dict)
    own: set[Any] = field(default_factory=set)  # things that exist for one pass only
    embedded: set[Slot] = field(default_factory=set)  # what a pass leaves in a list of unknown length
    others: dict[Any, dict[Any, None]] = field(default_factory=dict)  # which things a place holds besides what it started with
    together: set[Any] = field(default_factory=set)  # pairs of places that may hold the same thing
    older: set[Any] = field(default_factory=set)  # the things there were before the loop
    moved: dict[Any, set[int]] = field(default_factory=dict)  # of which lists a pass changes which things are where

    def add(self, slot: Slot, init: Any, plan: Any) -> None:
        self.inits[slot], self.plans[slot] = init, plan

    def drop(self, slot: Slot) -> None:
        del self.inits[slot], self.plans[slot]

    def bind(self, atoms: dict[Slot, Any]) -> None:
        """Put values in their places."""
        for slot, atom in atoms.items():
            if slot.frame is not None:
                slot.frame.env[slot.name] = atom
            else:
                self.low.heap.contents[slot.name] = atom
                if isinstance(atom, Var):
                    self.low.heap.owner[atom] = slot.name

    def fresh(self) -> dict[Slot, Any]:
        """New values for every slot, as its plan says."""
        self.own = set()
        self.older = set(self.low.heap.contents)
        made = {slot: self._fresh(plan, self.inits[slot], slot, ()) for slot, plan in self.plans.items()}
        self._set_apart(made)
        for slot in self.embedded & made.keys():
            self.low.heap.embed(made[slot])
        return made

    def _fresh(self, plan: Any, init: Any, slot: Slot, path: tuple[int, ...], label: Any = None) -> Any:
        if plan is None:
            return UNDEFINED
        if isinstance(plan, Fixed):
            return plan.atom
        if isinstance(plan, Unknown):
            return plan
        if isinstance(plan, Aggregate):
            starts = init.items if isinstance(init, Aggregate) else [UNDEFINED] * len(plan.items)
            labels = plan.labels if plan.keys is not None else [None] * len(plan.items)
            parts = enumerate(zip(plan.items, starts, labels))
            items = tuple(self._fresh(p, i, slot, (*path, k), label) for k, (p, i, label) in parts)
            if not path and slot.frame is None:
                return Aggregate(plan.kind, items, plan.keys, slot.name)
            made = self.low.heap.new(plan.kind, items, plan.keys, *self._sources(init, slot, path))
            self.own.add(made.ident)
            return made
        named = not isinstance(init, Aggregate) or isinstance(plan, ListT)
        hint = label if isinstance(label, str) and label.isidentifier() else slot.hint
        var = Var(hint if named else "", plan)
        self.own.add(var)
        moved = self.moved.get((slot, path), set())
        if isinstance(plan, ListT) and isinstance(init, Var):
            self._keep_places(var, init, moved)
        elif isinstance(init, Aggregate) and not init.items and 0 not in moved:
            self.low.heap.unlike[var] = UNLIKE
        return var

    def _sources(self, init: Any, slot: Slot, path: tuple[int, ...]) -> list[Any]:
        """The things that a name may hold in some pass."""
        first = self.low.heap.ident(init) if isinstance(init, Aggregate) else None
        return list(dict.fromkeys([*([first] if first is not None else []), *self.others.get((slot, path), ())]))

    def changes_hands(self, args: dict[Slot, Any], ends: dict[Slot, Any]) -> bool:
        """Does a place end with a thing that it was not thought to hold, or two with one that were thought apart?"""
        held = [h for slot, plan in self.plans.items() for h in self._held(plan, args[slot], ends[slot], slot, ())]
        before = self._known()
        started = {arg: getattr(arg, "sources", ()) for _, arg, _ in held}
        for place, arg, end in held:
            others = self.others.setdefault(place, {})
            if end in started:
                others.update(dict.fromkeys(started[end] if end is not arg else ()))
            elif end is not None and end not in self.own:
                shared = frozenset(p for p, _, e in held if e is end)
                found = [end] if self.low.heap.is_older(end, self.older) else [shared] if len(shared) > 1 else []
                others.update(dict.fromkeys(found))
        for (place, _, end), (other, _, its) in itertools.combinations(held, 2):
            if end is not None and its is not None and self.low.heap.may_be(end, its):
                self.together.add((place, other))
        return self._known() > before

    def _known(self) -> int:
        return sum(map(len, self.others.values())) + len(self.together)

    def _set_apart(self, made: dict[Slot, Any]) -> None:
        """Places that start with different things, and exchange them at most, never hold the same one."""
        held = [h for slot, plan in self.plans.items() for h in self._held(plan, made[slot], self.inits[slot], slot, ())]
        for (place, thing, init), (other, its, its_init) in itertools.combinations(held, 2):
            same = init is not None and its_init is not None and self.low.heap.may_be(init, its_init)
            if not same and (place, other) not in self.together:
                self.low.heap.are_apart(thing, its)

    def _held(self, plan: Any, arg: Any, end: Any, slot: Slot, path: tuple[int, ...]) -> Iterator[Any]:
        """Where containers go round: the place, the thing that is there at the start of a pass, and the one at its end."""
        if not isinstance(plan, Aggregate) or not isinstance(arg, Aggregate):
            return
        heap = self.low.heap
        if is_mutable(plan.kind) and (path or slot.frame is not None):
            yield (slot, path), arg.ident, heap.ident(end) if isinstance(end, Aggregate) else None
        ends = end.items if isinstance(end, Aggregate) and len(end.items) == len(plan.items) else [None] * len(plan.items)
        for k, parts in enumerate(zip(plan.items, arg.items, ends)):
            yield from self._held(*parts, slot, (*path, k))

    def _keep_places(self, var: Var, init: Var, moved: set[int]) -> None:
        """A list that goes round has its things where they were, unless a pass moves them."""
        unlike, beginning, *places = self.low.heap.known_places(init)
        self.low.heap.unlike[var] = var if 0 in moved else unlike
        self.low.heap.beginnings[var] = var if 1 in moved else beginning
        self.low.heap.places[var] = tuple((var, d) if d + 2 in moved else place for d, place in enumerate(places))

    def hold_boxes(self) -> None:
        """What goes round as a container of the run is one before the loop."""
        for slot, plan in self.plans.items():
            if self.low.boxes and isinstance(plan, (AggregateT, ListT)) and isinstance(self.inits[slot], Aggregate):
                self.inits[slot] = boxes.boxed(self.low, self.inits[slot])

    def moves(self, args: dict[Slot, Any], ends: dict[Slot, Any]) -> bool:
        """Does the pass move things of lists that were thought to stay where they are?"""
        before = sum(map(len, self.moved.values()))
        for slot, plan in self.plans.items():
            self._moves(plan, args[slot], ends[slot], slot, ())
        return sum(map(len, self.moved.values())) > before

    def _moves(self, plan: Any, arg: Any, end: Any, slot: Slot, path: tuple[int, ...]) -> None:
        if isinstance(plan, Aggregate) and isinstance(arg, Aggregate) and isinstance(end, Aggregate):
            for k, parts in enumerate(zip(plan.items, arg.items, end.items)):
                self._moves(*parts, slot, (*path, k))
        elif isinstance(plan, ListT) and isinstance(arg, Var):
            was = self.low.heap.known_places(arg)
            now = self.low.heap.known_places(end) if isinstance(end, Var) else (end,) * len(was)
            self.moved.setdefault((slot, path), set()).update(d for d, (x, y) in enumerate(zip(was, now)) if x != y)

    def end(self, slot: Slot) -> Any:
        if slot.frame is None:
            return self.low.heap.contents.get(slot.name, slot.name)
        return slot.frame.env.get(slot.name, UNDEFINED)

    def closed(self, plan: Any, atom: Any) -> Any:
        """The value of a slot in the form its plan wants: parts looked up, lists made where lists are carried."""
        if isinstance(plan, (Fixed, Unknown)) or plan is None:
            return atom
        atom = self.low.now(atom)
        if isinstance(plan, Aggregate) and plan.kind is Maybe:
            from .lower import as_maybe

            atom = as_maybe(atom)
        if isinstance(plan, Aggregate) and isinstance(atom, Var) and isinstance(atom.type, AggregateT):
            atom = open_parameter(self.low.build, atom)
        if isinstance(plan, Aggregate) and isinstance(atom, Aggregate):
            items = tuple(self.closed(p, item) for p, item in zip(plan.items, atom.items))
            return Aggregate(atom.kind, items, atom.keys, atom.ident)
        if isinstance(plan, ListT) and isinstance(atom, Aggregate):
            return self.low.as_list(atom)
        if isinstance(plan, AggregateT) and isinstance(atom, Aggregate) and self.low.boxes:
            return boxes.boxed(self.low, atom)
        return atom


def flat(plan: Any, atom: Any) -> list[Any]:
    """The parts of a value that its plan carries, in order."""
    if plan is None or isinstance(plan, (Fixed, Unknown)):
        return []
    if isinstance(plan, Aggregate):
        parts = atom.items if isinstance(atom, Aggregate) else [UNDEFINED] * len(plan.items)
        return [leaf for p, item in zip(plan.items, parts) for leaf in flat(p, item)]
    return [atom]


def plan_of(low: Lowering, atom: Any) -> Any:
    """How a value is carried."""
    if isinstance(atom, Undefined):
        return None
    if isinstance(atom, Unknown):
        return atom
    if isinstance(atom, Aggregate):
        return Aggregate(atom.kind, tuple(plan_of(low, low.now(item)) for item in atom.items), atom.keys)
    if isinstance(atom, Compiletime) or (isinstance(atom, Ref) and not is_numeric(type_of(atom))):
        return Fixed(atom)
    t = plain(type_of(atom))
    return Fixed(_known(atom)) if isinstance(t, ConstT) else t


def _known(atom: Any) -> Any:
    """The result of a statement like ``xs.append(x)`` is None, in every pass."""
    return Const(None) if isinstance(atom, Var) and atom.type == ConstT(None) else atom


def unite(low: Lowering, plan: Any, end: Any, name: str) -> Any:
    """The plan that also holds ``end``."""
    if isinstance(plan, Unknown):
        return plan
    end = _known(end)
    if isinstance(plan, Fixed) and same_thing(low, plan.atom, end):
        return plan
    maybe = _united_maybes(low, plan, end, name)
    if maybe is not None:
        return maybe
    if isinstance(plan, Fixed):
        mine = plan_of(low, low.now(plan.atom))
        return _disagree(name) if isinstance(mine, Fixed) else unite(low, mine, end, name)
    end = low.now(end)
    if isinstance(plan, Aggregate) and isinstance(end, Var) and isinstance(end.type, AggregateT) and not low.heap.is_held_by_run(end):
        end = open_parameter(low.build, end)
    other = plan_of(low, end)
    if plan is None or other is None:
        return other if plan is None else plan
    if isinstance(other, Unknown):
        return other
    if isinstance(plan, Aggregate) and isinstance(end, Aggregate):
        if (plan.kind, plan.keys, len(plan.items)) == (end.kind, end.keys, len(end.items)):
            items = tuple(unite(low, p, item, name) for p, item in zip(plan.items, end.items))
            return Aggregate(plan.kind, items, plan.keys)
    if isinstance(plan, Aggregate) or isinstance(other, Aggregate):
        whole = join(*map(_type_of_plan, (plan, other))) if low.boxes else OPAQUE
        return whole if isinstance(whole, AggregateT) and is_mutable(whole.kind) else _united_lists(low, plan, other, name)
    return _disagree(name) if isinstance(other, Fixed) else join(plan, other)


def _united_maybes(low: Lowering, plan: Any, end: Any, name: str) -> Any:
    """The plan of what is None in some passes, and a number or a container of numbers in others."""
    from .lower import as_maybe, is_none_or_maybe, may_be_maybe

    end = low.now(end)
    is_none = isinstance(plan, Fixed) and is_none_or_maybe(plan.atom)
    is_maybe = isinstance(plan, Aggregate) and plan.kind is Maybe
    if not (is_none or is_maybe or is_none_or_maybe(end)) or not may_be_maybe(end, True):
        return None
    if not (is_none or is_maybe) and (plan is None or isinstance(plan, Fixed) or not _is_number(plan)):
        return None
    known = None if is_none else plan.items[1] if is_maybe else plan
    return Aggregate(Maybe, (BOOL, unite(low, known, as_maybe(end).items[1], name)))


def _is_number(plan: Any) -> bool:
    t = _type_of_plan(plan)
    return isinstance(t, ScalarT) or is_inexact(t)


def _united_lists(low: Lowering, plan: Any, other: Any, name: str) -> Any:
    lists = [_list_plan(low, p) for p in (plan, other)]
    if any(p is None for p in lists):
        return _disagree(name)
    return join(*lists)


def _list_plan(low: Lowering, plan: Any) -> Any:
    """A list of parts as a list of likes; None if it is no list, or its parts are unlike."""
    if isinstance(plan, ListT):
        return plan
    if isinstance(plan, Aggregate) and plan.kind is dict:
        item = join_all(boxes.type_in_list(low, _type_of_plan(p)) for p in plan.items)
        return None if isinstance(item, OpaqueT) else DictT(dict, item, join_all(type_of(Const(k)) for k in plan.keys or ()))
    if not isinstance(plan, Aggregate) or plan.kind is not list:
        return None
    item = join_all(boxes.type_in_list(low, _type_of_plan(p)) for p in plan.items)
    return None if isinstance(item, OpaqueT) else ListT(plan.kind, item)


def _type_of_plan(plan: Any) -> Any:
    if isinstance(plan, Aggregate):
        return AggregateT(plan.kind, tuple(map(_type_of_plan, plan.items)), plan.keys)
    if isinstance(plan, Fixed):
        return type_of(plan.atom) if not isinstance(plan.atom, Compiletime) else OPAQUE
    return OPAQUE if plan is None or isinstance(plan, Unknown) else plan


def _disagree(name: str) -> Unknown:
    return Unknown(
        f"{name or 'a container'} changes its kind or structure from one iteration to the next",
        "Use an array, or give it the same parts in every iteration.",
    )


def same_thing(low: Lowering, a: Any, b: Any) -> bool:
    if a is b:
        return True
    ident = low.heap.ident(a)
    if ident is not None and ident is low.heap.ident(b):
        return True
    if isinstance(a, LocalFunction):
        return a.same(b)
    if isinstance(a, Stream) and isinstance(b, Stream):  # the heap makes a stream anew whenever it is read
        return a.kind == b.kind and len(a.args) == len(b.args) and all(same_thing(low, x, y) for x, y in zip(a.args, b.args))
    if isinstance(a, Aggregate) and isinstance(b, Aggregate):
        return (a.kind, a.keys, len(a.items), a.ident) == (b.kind, b.keys, len(b.items), b.ident) and all(
            same_thing(low, x, y) for x, y in zip(a.items, b.items)
        )
    return not isinstance(a, (Var, Aggregate, *Compiletime)) and bool(a == b)


def start(low: Lowering, names: list[str]) -> Carried:
    """The names of the present activation that the body may bind."""
    carried = Carried(low)
    for name in (n for n in names if n not in low.frame.notes):
        init = low.now(low.frame.env.get(name, UNDEFINED))
        carried.add(Slot(low.frame, name), init, plan_of(low, init))
    return carried


def settle(low: Lowering, carried: Carried, run: Any, node: ast.AST) -> tuple[Any, dict[Slot, Any], dict[Slot, Any]]:
    """Lower the body until slots and plans are stable; returns what ``run`` made, the arguments and the yields.

    ``run(close)`` lowers the body and calls ``close()`` at its end.
    """
    for _ in range(PASSES * (len(carried.plans) + 8)):
        seen: dict[str, Any] = {}

        def attempt(seen: dict[str, Any] = seen) -> Any:
            args = carried.fresh()
            carried.bind(args)
            begun = {id(f): dict(f.env) for f in low.all_frames()}, dict(low.heap.contents)

            def close() -> None:
                ends = {slot: carried.end(slot) for slot in carried.plans}
                found = _discovered(low, carried, begun)
                wider = {s: unite(low, carried.plans[s], ends[s], s.hint) for s in carried.plans}
                seen.update(args=args, found=found, wider=wider, ends=ends)
                seen["closed"] = {s: carried.closed(wider[s], ends[s]) for s in ends}

            return run(close)

        low.passes.append(len(low.build.numbers))
        path = low.path(attempt)
        low.passes.pop()
        left = [s for s in carried.plans if _left_alone(low, carried, s, seen["args"][s], seen["ends"][s])]
        embedded = {s for s in carried.plans if low.heap.is_embedded(seen["ends"][s])} - carried.embedded
        carried.embedded |= embedded
        moves = carried.moves(seen["args"], seen["closed"]) | carried.changes_hands(seen["args"], seen["ends"])
        if not seen["found"] and not left and not embedded and not moves and seen["wider"] == carried.plans:
            low.build.extend(path.stmts)
            return path.ending, seen["args"], seen["closed"]
        carried.plans.update(seen["wider"])
        carried.hold_boxes()
        for slot in left:
            carried.drop(slot)
        for slot, init in seen["found"].items():
            carried.add(slot, init, _first_plan(low, slot, init))
    raise low.unsupported(node, "the types of this loop's variables do not settle", "Give each of them one type before the loop.")


def _order(carried: Carried) -> list[Slot]:
    """The flag that says whether to go on comes first."""
    return sorted(carried.plans, key=lambda s: s.name != "$go")


def _first_plan(low: Lowering, slot: Slot, init: Any) -> Any:
    if slot.frame is None and isinstance(init, Aggregate):
        return Aggregate(init.kind, tuple(map(Fixed, init.items)), init.keys)
    return plan_of(low, low.now(init))


def _left_alone(low: Lowering, carried: Carried, slot: Slot, arg: Any, end: Any) -> bool:
    """Is the slot the same at the end of a pass as at its start?"""
    if isinstance(carried.plans[slot], Unknown):
        return False
    if slot.frame is None:
        return end is arg or (isinstance(end, Aggregate) and _same_parts(low, end, arg))
    if same_thing(low, arg, end):
        return True
    init = carried.inits[slot]
    return not isinstance(end, (Var, Aggregate, Undefined)) and not isinstance(end, Compiletime) and end == init


def _same_parts(low: Lowering, end: Any, arg: Any) -> bool:
    return isinstance(arg, Aggregate) and len(end.items) == len(arg.items) and end.keys == arg.keys and all(
        same_thing(low, x, y) for x, y in zip(end.items, arg.items)
    )


CONTROL = ("$go", "$returned", "$ret")  # how a pass may end


def _discovered(low: Lowering, carried: Carried, begun: Any) -> dict[Slot, Any]:
    """The slots that the body changed without saying so: outer names, and things on the heap."""
    found: dict[Slot, Any] = {}
    for frame in low.all_frames():
        was = begun[0].get(id(frame), {})
        for name, value in was.items():
            slot = Slot(frame, name)
            control = frame is low.frame and name in CONTROL
            if slot not in carried.plans and (control or is_note(name) or not name.startswith("$")):
                if not same_thing(low, value, frame.env.get(name, UNDEFINED)):
                    found[slot] = value
    for ident, content in low.heap.contents.items():
        if content is begun[1].get(ident) or Slot(None, ident) in carried.plans or ident in carried.own:
            continue
        if ident in begun[1]:
            found[Slot(None, ident)] = begun[1][ident]
        elif isinstance(ident, Var) and _is_older(low, ident, begun):
            found[Slot(None, ident)] = low.heap.openings.get(ident, ident)
    return found


def _is_older(low: Lowering, var: Var, begun: Any) -> bool:
    """Was the value there before the loop?"""
    if any(var is captured for captured, _ in low.captures.values()):
        return True
    roots = [atom for env in begun[0].values() for atom in env.values()] + list(begun[1].values())
    return low.heap.reaches(roots, {var})


def _finish(low: Lowering, carried: Carried, args: dict[Slot, Any], ends: dict[Slot, Any]) -> tuple[Any, ...]:
    """Flat arguments, starting values, yields and results; the slots take the results."""
    flat_args, inits, yields, results = [], [], [], []
    final = carried.fresh()
    for slot in _order(carried):
        plan = carried.plans[slot]
        flat_args += flat(plan, args[slot])
        inits += flat(plan, carried.closed(plan, carried.inits[slot]))
        yields += flat(plan, ends[slot])
        results += flat(plan, final[slot])
    carried.bind(final)
    breaks = any(slot.name == "$go" for slot in carried.plans)
    return tuple(flat_args), tuple(inits), tuple(yields), tuple(results), breaks


# -- while ------------------------------------------------------------------------------------------------


def while_(low: Lowering, stmt: ast.While) -> None:
    walrus = any(isinstance(n, ast.NamedExpr) for n in ast.walk(stmt.test))
    body = stmt.body
    test = stmt.test
    if walrus:
        leave = ast.copy_location(
            ast.If(ast.UnaryOp(ast.Not(), stmt.test), [ast.copy_location(ast.Break(), stmt)], []), stmt
        )
        ast.fix_missing_locations(leave)
        body, test = [leave, *stmt.body], ast.copy_location(ast.Constant(True), stmt)
    before = low.path(lambda: low.expr(test))
    if low.truth(before.ending) is False:  # the body is never reached
        low.adopt(before)
        return
    carried = start(low, ["$go", "$returned", "$ret", *assigned([ast.copy_location(ast.Expr(test), stmt), *body])])

    def run(close: Any) -> tuple[Block, Block]:
        low.frame.env["$go"] = Const(True)
        with low.build.block() as head:
            cond = low.expr(test)
        with low.build.block() as stmts:
            low.block(body)
            close()
        return Block(tuple(head), (cond,)), Block(tuple(stmts))

    (head, block), args, ends = settle(low, carried, run, stmt)
    flat, inits, yields, results, breaks = _finish(low, carried, args, ends)
    low.build.add(
        While(results, flat, inits, head, Block(block.stmts, yields), breaks, low.location(stmt), low.build.forward)
    )


# -- for --------------------------------------------------------------------------------------------------


def for_(low: Lowering, stmt: ast.For) -> None:
    iterable = low.expr(stmt.iter)
    if is_iterator(iterable):
        _exhaust(low, stmt, iterable)
        return
    parts = unrolled(low, iterable, stmt)
    if parts is not None:
        _unroll(low, stmt, Items(iterable, iterable, parts, len(parts) + MOST_ADDED), 0)
        return
    run_for(low, stmt, iterable)


def _exhaust(low: Lowering, stmt: ast.For, iterator: Any) -> None:
    """``for x in it`` of an iterator that may have given items before, and may give more after a ``break``."""
    name = f"$iterator_{stmt.lineno}_{stmt.col_offset}"
    low.bind(name, iterator)
    low.frame.env["$next"] = Ref(next, "next")
    item = ast.Assign([stmt.target], ast.Call(ast.Name("$next", ast.Load()), [ast.Name(name, ast.Load())], []))
    loop = ast.While(_asked(name, "more"), [item, *stmt.body], [])
    while_(low, ast.fix_missing_locations(ast.copy_location(loop, stmt)))


def _asked(name: str, method: str) -> ast.Call:
    return ast.Call(ast.Attribute(ast.Name(name, ast.Load()), method, ast.Load()), [], [])


def _what_is_left(low: Lowering, iterator: Any, node: ast.AST) -> list[Any] | None:
    """The items that an iterator has not given yet, if it is known how many."""
    if Const(sys.maxsize) in leaves(iterator):
        return None
    low.frame.env["$iterator"] = iterator
    more, item = (ast.fix_missing_locations(ast.copy_location(_asked("$iterator", m), node)) for m in ("more", "__next__"))
    parts: list[Any] = []
    while (known := low.truth(low.expr(more))) is True:
        parts.append(low.expr(item))
    return None if known is None else parts


def unrolled(low: Lowering, iterable: Any, node: ast.AST) -> list[Any] | None:
    """The items, if they are known one by one; None for a loop that must run."""
    if is_iterator(iterable):
        return _what_is_left(low, iterable, node)
    if isinstance(iterable, Aggregate):
        return low.unpack_all(iterable, node)
    if isinstance(iterable, Stream):
        return _unrolled_stream(low, iterable, node)
    if isinstance(iterable, Ref):
        return _names_outside(low, iterable)
    t = type_of(iterable) if not isinstance(iterable, Compiletime) else None
    if isinstance(t, AggregateT):
        if t.kind is dict:
            return [Const(k) for k in t.keys or ()]
        return low.unpack_all(iterable, node)
    return None


@dataclass(frozen=True)
class _Listed:
    """The items of something outside, read again whenever they are checked (C2)."""

    value: Any

    def __call__(self, fn: Any) -> tuple[Any, ...]:
        return tuple(self.value)


def _names_outside(low: Lowering, iterable: Ref) -> list[Any] | None:
    """The keys of a mapping, or the items of a set, that is not the program's: names, whose values are part of the program."""
    if not isinstance(iterable.value, (Mapping, Set, KeysView)):
        return None
    names = tuple(iterable.value)
    if not all(isinstance(name, str) for name in names):
        return None
    low.guards["names", id(iterable.value)] = (_Listed(iterable.value), names)
    return [Const(name) for name in names]


def _unrolled_stream(low: Lowering, stream: Stream, node: ast.AST) -> list[Any] | None:
    if stream.kind in ("keys", "values", "items") and tables.is_table(stream.args[0]):
        return None
    if stream.kind in ("keys", "values", "items"):
        pairs = low.unpack_mapping(stream.args[0], node)
        made = {
            "keys": map(Const, pairs),
            "values": pairs.values(),
            "items": (_pair(Const(k), v) for k, v in pairs.items()),
        }
        return list(made[stream.kind])
    if stream.kind in ("range", *ENDLESS):
        return None
    if stream.kind == "zip" and any(map(is_endless, stream.args)) and not all(map(is_endless, stream.args)):
        return _unrolled_beside_endless(low, stream.args, node)
    inner = [unrolled(low, a, node) for a in (stream.args if stream.kind == "zip" else stream.args[:1])]
    if any(i is None for i in inner):
        return None
    if stream.kind == "zip":
        return [Aggregate(tuple, parts) for parts in zip(*inner)]  # type: ignore[arg-type]
    if stream.kind == "enumerate":
        first = stream.args[1].value if isinstance(stream.args[1], Const) else 0
        return [_pair(Const(first + k), v) for k, v in enumerate(inner[0] or [])]
    return list(reversed(inner[0] or []))


ENDLESS = ("count", "repeat")


def is_endless(atom: Any) -> bool:
    return isinstance(atom, Stream) and atom.kind in ENDLESS


def _unrolled_beside_endless(low: Lowering, args: tuple[Any, ...], node: ast.AST) -> list[Any] | None:
    """``zip`` of known parts and of what goes on for as long as they do."""
    inner = [None if is_endless(a) else unrolled(low, a, node) for a in args]
    if any(i is None and not is_endless(a) for i, a in zip(inner, args)):
        return None
    n = min(len(i) for i in inner if i is not None)
    columns = [i if i is not None else [endless_item(low, a, Const(k)) for k in range(n)] for i, a in zip(inner, args)]
    return [Aggregate(tuple, parts) for parts in zip(*columns)]


def endless_item(low: Lowering, stream: Stream, at: Any) -> Any:
    if stream.kind == "repeat":
        return low.now(stream.args[0])
    return low.build.call(operator.add, stream.args[0], at, form="operator")


def _pair(a: Any, b: Any) -> Aggregate:
    return Aggregate(tuple, (a, b))


@dataclass(frozen=True)
class Items:
    """What an unrolled loop runs over: ``parts`` when the sequence was ``version``, and how many there may ever be."""

    sequence: Any
    version: Any
    parts: list[Any]
    most: int

    def now(self, low: Lowering, stmt: ast.For) -> Items:
        """What the loop would run over if it began here: a body may have changed it."""
        version = low.now(self.sequence)
        if _is_unchanged(version, self.version):
            return self
        parts = unrolled(low, version, stmt)
        if parts is None or len(parts) > self.most:
            raise low.unsupported(
                stmt, "a loop over a list that it changes by more than is known before the run", "Loop over a copy: for x in list(xs)."
            )
        return replace(self, version=version, parts=parts)


def _is_unchanged(now: Any, before: Any) -> bool:
    if isinstance(now, Stream) and isinstance(before, Stream):  # the heap makes a stream anew whenever it is read
        return now.kind == before.kind and all(map(_is_unchanged, now.args, before.args))
    return now is before


def _unroll(low: Lowering, stmt: ast.For, items: Items, at: int) -> None:
    """The body once for each item, as the sequence is by then; after a pass that may have broken out, the rest is conditional."""
    from .stores import assign_to

    low.late = []  # after such a loop a name may be what no one value is
    k = at
    while k < len((items := items.now(low, stmt)).parts):
        assign_to(low, stmt.target, items.parts[k])
        low.frame.env["$go"] = Const(True)
        low.block(stmt.body)
        k += 1
        go = low.frame.env["$go"]
        if isinstance(go, Const):
            if not go.value:
                return
            continue

        def rest(items: Items = items, k: int = k) -> str:
            _unroll(low, stmt, items, k)
            return "falls"

        def stop() -> str:
            return "falls"

        low.fork_with(go, rest, stop, stmt)
        return


def run_for(low: Lowering, stmt: ast.For, iterable: Any) -> None:
    names = [
        "$go",
        "$returned",
        "$ret",
        *assigned([ast.copy_location(ast.Assign([stmt.target], ast.Constant(0)), stmt), *stmt.body]),
    ]
    carried = start(low, names)
    hints = _hints(stmt.target)

    def run(close: Any) -> tuple[Each, Var, Block]:
        from .stores import assign_to

        low.frame.env["$go"] = Const(True)
        index = Var("", INT)
        low.heap.counted.add(index)
        each, item = header(low, iterable, hints, index, stmt)
        with low.build.block() as stmts:
            assign_to(low, stmt.target, item())
            low.block(stmt.body)
            close()
        return each, index, Block(tuple(stmts))

    (each, index, block), args, ends = settle(low, carried, run, stmt)
    _refuse_lengths(low, each, block, stmt)
    flat, inits, yields, results, breaks = _finish(low, carried, args, ends)
    low.build.add(
        For(
            results,
            flat,
            inits,
            each,
            index,
            Block(block.stmts, yields),
            breaks,
            low.location(stmt),
            None,
            low.build.forward,
        )
    )


def _hints(target: ast.expr) -> Any:
    if isinstance(target, ast.Name):
        return target.id if target.id.isidentifier() else ""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [_hints(e) for e in target.elts]
    return ""


def _hint(hints: Any, at: int | None = None) -> Any:
    if at is None:
        return hints if isinstance(hints, str) else ""
    return hints[at] if isinstance(hints, list) and at < len(hints) else ""


def header(low: Lowering, iterable: Any, hints: Any, index: Var, node: ast.AST) -> tuple[Each, Any]:
    """What the loop runs over, and what one item is, to be asked inside the body."""
    if isinstance(iterable, Stream) and iterable.kind == "range":
        target = Var(_hint(hints), INT)
        if _counts_up(iterable.args):
            low.heap.counted.add(target)
        return Each("range", iterable.args, (target,)), lambda: target
    sequences: list[Any] = []
    targets: list[Var] = []
    value = _items(low, iterable, hints, index, sequences, targets, node)
    return Each("sequence", tuple(sequences), tuple(targets)), value


def _counts_up(args: tuple[Any, ...]) -> bool:
    """Has the range no negative ints?"""
    known = [isinstance(a, Const) and a.value >= 0 for a in args]
    return len(args) == 1 or (known[0] and all(known[2:]))


def _items(
    low: Lowering, iterable: Any, hints: Any, index: Var, sequences: list[Any], targets: list[Var], node: ast.AST
) -> Any:
    """Flatten ``zip`` and ``enumerate`` into sequences side by side."""
    if is_endless(iterable) and sequences:
        return lambda: endless_item(low, iterable, index)
    if isinstance(iterable, Stream) and iterable.kind == "zip":
        parts = [_items(low, a, _hint(hints, k), index, sequences, targets, node) for k, a in enumerate(iterable.args)]
        return lambda: Aggregate(tuple, tuple([part() for part in parts]))
    if isinstance(iterable, Stream) and iterable.kind == "enumerate":
        inner = _items(low, iterable.args[0], _hint(hints, 1), index, sequences, targets, node)
        return lambda: _pair(_counted(low, index, iterable.args[1], _hint(hints, 0)), inner())
    if isinstance(iterable, Stream) and iterable.kind == "reversed":
        return _items(low, _reversed(low, iterable.args[0], node), hints, index, sequences, targets, node)
    if tables.is_table(iterable) or (isinstance(iterable, Stream) and iterable.kind in ("keys", "values", "items")):
        return _entries(low, iterable, hints, index, sequences, targets, node)
    if isinstance(iterable, Stream) and iterable.kind == "range":
        t: Any = INT
        seq: Any = low.build.let(Call(range, iterable.args), RangeT())
    else:
        seq = _as_run_time_list(low, iterable)
        t = _item_type(low, seq, node)
    target = Var(_hint(hints), t)
    sequences.append(seq)
    targets.append(target)
    low.heap.watch(target, operator.getitem, (seq, index), (), "operator")
    return lambda: _item_now(low, seq, target, index, node)


def _entries(
    low: Lowering, iterable: Any, hints: Any, index: Var, sequences: list[Any], targets: list[Var], node: ast.AST
) -> Any:
    """The keys of a dict as they are when the loop begins; each value is read when its turn comes."""
    kind, table = (iterable.kind, iterable.args[0]) if isinstance(iterable, Stream) else ("keys", iterable)
    key_hint, hint = (_hint(hints, 0), _hint(hints, 1)) if kind == "items" else (_hint(hints), _hint(hints))
    key = _items(low, tables.keys(low, table), key_hint if kind != "values" else "", index, sequences, targets, node)

    def value() -> Any:
        return tables.item(low, low.now(table), key(), hint)

    return {"keys": key, "values": value, "items": lambda: _pair(key(), value())}[kind]


def _item_now(low: Lowering, seq: Any, target: Var, index: Var, node: ast.AST) -> Any:
    """The item of this pass: read when its turn comes, where earlier passes may have changed the sequence."""
    current = low.now(seq)
    if isinstance(current, Unknown):
        raise low.error(current.kind, node, current.reason, current.remedy)
    if current is seq or target in low.heap.views:
        return target
    return low.build.call(operator.getitem, current, index, hint=target.hint, form="operator")


def _refuse_lengths(low: Lowering, each: Each, block: Block, node: ast.AST) -> None:
    """A list that gets longer or shorter while a loop runs over it."""
    if each.kind == "range":
        return
    lists = {low.heap.ident(s) for operand in each.operands for s in _shown(low, operand) if isinstance(s.type, ListT)}
    for stmt in walk(block) if lists else ():
        if isinstance(stmt, Let) and stmt.call.fn not in SAME_LENGTH and low.heap.owner.get(stmt.var) in lists:
            raise low.unsupported(node, "a loop over a list that it makes longer or shorter", "Loop over a copy: for x in list(xs).")


def _shown(low: Lowering, atom: Any) -> list[Var]:
    """A sequence, and those that it is a view of."""
    found = []
    while isinstance(atom, Var):
        found.append(atom)
        view = low.heap.views.get(atom)
        atom = view.base if view is not None else None
    return found


#: How a list is changed without changing its length.
SAME_LENGTH = {emitted.set_item, emitted.set_in, emitted.append_in}


def _as_run_time_list(low: Lowering, iterable: Any) -> Any:
    """Known parts, beside a sequence of unknown length, as a list that the run holds."""
    known = not isinstance(iterable, Compiletime) and isinstance(type_of(iterable), AggregateT)
    made = low.as_list(iterable) if known else None
    return iterable if made is None else made


def _counted(low: Lowering, index: Var, start_at: Any, hint: str) -> Any:
    if isinstance(start_at, Const) and start_at.value == 0:
        return index
    return low.build.call(operator.add, index, start_at, hint=hint, form="operator")


def _reversed(low: Lowering, inner: Any, node: ast.AST) -> Any:
    if isinstance(inner, Stream) and inner.kind == "range":
        made = low.build.let(Call(range, inner.args), RangeT())
        return low.build.let(Call(operator.getitem, (made, _backwards()), (), "operator"), RangeT())
    if not isinstance(inner, Compiletime) and isinstance(type_of(inner), (ArrayT, ListT)):
        made = low.build.call(operator.getitem, inner, _backwards(), form="operator")
        if isinstance(made, Var) and isinstance(inner, Var):  # not the slice that stands for it, which of a list is a copy
            low.heap.views[made] = View(inner, operator.getitem, (_backwards(),), (), "operator", inner, True)
        return made
    raise low.unsupported(getattr(node, "iter", node), "reversed() of this cannot be differentiated", "Make a list of it first.")


def _backwards() -> Any:
    from .ir import SliceAtom

    return SliceAtom(Const(None), Const(None), Const(-1))


def _item_type(low: Lowering, iterable: Any, node: ast.AST) -> Any:
    t = type_of(iterable) if not isinstance(iterable, Compiletime) else None
    if isinstance(t, ArrayT) and t.ndim:
        return ScalarT(t.dtype, False) if t.ndim == 1 else ArrayT(t.dtype, t.shape[1:])
    if isinstance(t, ListT):
        return t.item
    if isinstance(t, RangeT):
        return INT
    if isinstance(t, NumberT):
        return t
    if isinstance(t, OpaqueT) or isinstance(iterable, Ref):
        return OpaqueT()
    kind = kind_of_number(t)
    if kind is not None and low.is_caught:
        what = "iteration over a 0-d array" if kind is np.ndarray else f"{full_name(kind)!r} object is not iterable"
        raise SurelyRaises(TypeError, what)
    raise low.unsupported(
        getattr(node, "iter", node), "a loop over this kind of value cannot be differentiated", "Loop over a range, an array or a list."
    )
