"""What do mutable things hold at this point of the program?

Lowering turns mutation into new values.  Names, list items and attributes keep *handles*; the heap says what the thing
behind a handle holds now, on the present path.  The thing behind a handle is its ``ident``: an ``Ident`` for a list, a dict or
an object made by the program, the first ``Var`` for an array or a parameter.  A view is not held but made again
from what its base holds now, and a store through it is a store into the base (M1).

>>> heap = Heap(Builder())
>>> xs = heap.new(list, (Const(1),))
>>> heap.write(xs, Aggregate(list, (Const(1), Const(2)), None, xs.ident))
>>> heap.now(xs).items
(1, 2)
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import AliasedMutation
from retrograd.runtime.rules import lookup

from .analysis.ownership import shares, sharing
from .builder import Builder
from .ir import Aggregate, Atom, Call, Const, SliceAtom, Var
from .types import BOOL, AggregateT, ArrayT, ListT, ScalarT
from .values import BoundMethod, Maybe, Partial, Stream, Super, Unknown

DEPTH = 40


class Ident:
    """One mutable thing.  Things that may be one of several others name them as ``sources``."""

    __slots__ = ("hint", "sources")

    def __init__(self, *sources: Any, hint: str = "") -> None:
        self.sources, self.hint = sources, hint


@dataclass(frozen=True)
class View:
    """``fn(base, *args, **kwargs)``, which shows the base's memory; made when the base held ``version``."""

    base: Atom
    fn: Any
    args: tuple[Atom, ...]
    kwargs: tuple[tuple[str, Atom], ...]
    form: str
    version: Atom
    sure: bool  # else it may be a copy, which only the run can tell
    asked: Atom | None = None  # whether it is a view, asked of the run

    @property
    def order(self) -> Atom:
        """The order in which a reshape reads its base."""
        given = dict(self.kwargs).get("order", Const("C"))
        at = LAYOUT.get(self.fn, 0) - 1  # behind the arguments that say nothing of the order
        return self.args[at] if 0 <= at < len(self.args) else given

    def made(self, build: Builder, base: Atom, hint: str) -> Atom:
        """The view of what its base holds now."""
        if self.fn is getattr and isinstance(base, Var) and isinstance(base.type, AggregateT) and base.type.keys is not None:
            name = self.args[0].value  # type: ignore[union-attr]
            return build.attribute(base, name, base.type.items[base.type.keys.index(name)], hint)
        if isinstance(self.fn, Piece):
            pieces = build.call(self.fn.of, base, *self.args, **dict(self.kwargs))
            return build.call(operator.getitem, pieces, Const(self.fn.number), hint=hint, form="operator")
        return build.call(self.fn, base, *self.args, hint=hint, form=self.form, **dict(self.kwargs))


@dataclass(frozen=True)
class Piece:
    """One of the views that ``np.split`` returns in a list: the list is the program's, the pieces are the array's memory."""

    of: Any
    number: int

    @property
    def __name__(self) -> str:
        return str(self.of.__name__)


class TooDeep(Exception):
    """An object that contains itself, or views of views without end."""


@dataclass
class Heap:
    """``contents`` belongs to the present path and is copied where paths part; the rest only grows."""

    build: Builder
    contents: dict[Any, Any] = field(default_factory=dict)
    openings: dict[Var, Any] = field(default_factory=dict)  # what came in: containers by their parts, arrays in them as copies
    parts: dict[Var, None] = field(default_factory=dict)  # arrays in containers that came in
    apart: dict[Any, set[Any]] = field(default_factory=dict)  # things that may be several others, but never the same one
    owner: dict[Var, Any] = field(default_factory=dict)
    views: dict[Var, View] = field(default_factory=dict)
    writes: Counter[Any] = field(default_factory=Counter)  # how often each thing was written, and each name bound
    moments: list[tuple[Any, dict[int, int] | None]] = field(default_factory=list)  # and when; None: it only got another form
    watchers: int = 0  # how many guarded blocks ask when
    embedded: set[Any] = field(default_factory=set)  # things that lists of unknown length hold, as they were when they were put in
    places: dict[Var, tuple[Any, ...]] = field(default_factory=dict)  # which things a list has where, see ``places_of``
    unlike: dict[Var, Any] = field(default_factory=dict)  # lists of which no two items are the same thing
    beginnings: dict[Var, Any] = field(default_factory=dict)  # the same of a list that only got longer
    boxes: set[Any] = field(default_factory=set)  # containers that exist at run time
    born: dict[Any, int] = field(default_factory=dict)  # how much had been written down when a thing was made
    defaults: dict[Any, Any] = field(default_factory=dict)  # what makes the values that a defaultdict does not have
    spelt: set[Any] = field(default_factory=set)  # lists and dicts that stand for another class
    known: dict[Var, bool] = field(default_factory=dict)  # on the present path: which values are None, and which are not
    counted: set[Var] = field(default_factory=set)  # ints that are not negative

    # -- handles ------------------------------------------------------------------------------------------

    def new(self, kind: Any, items: tuple[Atom, ...], keys: Any = None, *sources: Any, hint: str = "") -> Aggregate:
        """A list, dict or object that is no other; tuples and the like have no identity."""
        if not is_mutable(kind):
            return Aggregate(kind, items, keys)
        made = Aggregate(kind, items, keys, Ident(*sources, hint=hint))
        if self.embedded.intersection(sources):
            self.embedded.add(made.ident)
        self.contents[made.ident] = made
        self.born[made.ident] = len(self.build.numbers)
        return made

    def is_new(self, var: Any, since: int) -> bool:
        """Is it memory of its own that was made since, and is put into a list for the first time?"""
        ident = self.ident(var)
        call = self.build.calls.get(var)
        fresh = ident in self.born or (call is not None and (call.fn in BOXES or not shares(call)))
        return fresh and ident not in self.embedded and self.born.get(ident, self.build.numbers.get(ident, -1)) >= since

    def copied(self, atom: Any) -> Any:
        """A container with an identity of its own, all the way down, and the same leaves."""
        if not isinstance(atom, Aggregate):
            return atom
        return self.new(atom.kind, tuple(map(self.copied, atom.items)), atom.keys)

    def ident(self, handle: Any) -> Any:
        """The thing behind a handle; None if it cannot change."""
        if isinstance(handle, Var):
            return self.owner.get(handle, handle)
        return handle.ident if isinstance(handle, Aggregate) else None

    def open(self, var: Var) -> None:
        """A container that came in is by its parts from the start, and so are those in it."""
        if isinstance(var.type, AggregateT) and (is_mutable(var.type.kind) or any(map(holds_memory, var.type.items))):
            self.openings[var] = open_parameter(self.build, var)
            for part in self.openings[var].items:
                if isinstance(part, Var):
                    self.open(part)
                    self.parts.update({part: None} if isinstance(part.type, ArrayT) else {})

    def content(self, ident: Any, default: Any = None) -> Any:
        """What the thing holds on the present path."""
        found = self.contents.get(ident)
        return found if found is not None else self.openings.get(ident, default)

    def count(self, key: Any, changed: bool = True) -> None:
        """A thing was written, or a name bound."""
        self.writes[key] += changed
        if self.watchers:
            self.moments.append((key, self.build.moment() if changed else None))

    def write(self, handle: Any, content: Any, changed: bool = True) -> None:
        """From here on, every handle of the thing finds ``content``."""
        ident = self.ident(handle)
        self.count(ident, changed)
        if changed:
            self._forget_others(ident)
        self.contents[ident] = content
        if isinstance(content, Var):
            self.owner[content] = ident

    def is_older(self, ident: Any, things: set[Any]) -> bool:
        """Is it one of these things, or did it come in?"""
        return ident in things or ident in self.openings

    def may_be(self, one: Any, other: Any) -> bool:
        """May two handles lead to one thing?"""
        if one is other:
            return True
        if other in self.apart.get(one, ()):
            return False
        sources = getattr(one, "sources", ()), getattr(other, "sources", ())
        return any(self.may_be(s, other) for s in sources[0]) or any(self.may_be(one, s) for s in sources[1])

    def are_apart(self, one: Any, other: Any) -> None:
        """Two things that may be several others are never the same one."""
        self.apart.setdefault(one, set()).add(other)
        self.apart.setdefault(other, set()).add(one)

    def _forget_others(self, ident: Any) -> None:
        """What may be the thing that is written is not known from here on."""
        for other in [i for i in self.contents if i is not ident and getattr(i, "sources", ())]:
            if self.may_be(other, ident):
                self.contents[other] = Unknown(
                    f"{other.hint or 'a container'} may be one that was changed since, which depends on the run",
                    "Change each in its own branch, or copy it first.",
                    AliasedMutation,
                )

    # -- reading ------------------------------------------------------------------------------------------

    def now(self, atom: Any, depth: int = 0) -> Any:
        """What is behind a handle at this point, through and through."""
        if depth > DEPTH:
            raise TooDeep
        if isinstance(atom, Var):
            return self._var_now(atom, depth)
        if isinstance(atom, Aggregate):
            return self._aggregate_now(atom, depth)
        if isinstance(atom, SliceAtom):
            return atom
        return self._callable_now(atom, depth)

    def _var_now(self, var: Var, depth: int) -> Any:
        found = self.content(self.owner.get(var, var))
        if isinstance(found, Aggregate):  # a parameter, opened by a store
            return self._aggregate_now(found, depth)
        current = var if found is None else found
        view = self.views.get(current) if isinstance(current, Var) else None
        return current if view is None else self._view_now(current, view, depth)

    def _view_now(self, var: Var, view: View, depth: int) -> Any:
        base = self.now(view.base, depth + 1)
        if base is view.version or not self.in_place(view, base):
            return var
        if isinstance(base, Unknown):
            return base
        if view.asked is not None:
            return self._chosen(var, view, base)
        if not view.sure:
            return Unknown(
                f"whether {var.hint or 'this'} is a view of an array that was written since is known only at run time",
                "Copy it where it is made: .copy().",
            )
        made = view.made(self.build, base, var.hint)
        if isinstance(made, Var) and made not in self.views:
            self.views[made] = replace(view, version=base)
        return made

    # -- which things a list has where ----------------------------------------------------------------------

    def places_of(self, xs: Any) -> tuple[Any, ...]:
        """A name for which things a list has where, one for which things those have where, and so on.

        Two lists with the same name have the same things in the same places, whatever is in the things: an item of the one
        is that of the other.
        """
        known = self.places.get(xs)
        if known is not None:
            return known
        view = self.views.get(xs)
        if view is not None and is_item_view(view):
            return (*self.places_of(view.version)[1:], (xs, NESTED))
        return tuple((xs, depth) for depth in range(NESTED))

    def keeps_places(self, made: Any, xs: Any, depth: int | None = None) -> None:
        """The list ``made`` has the same things in the same places as ``xs``, down to a depth."""
        depth = NESTED if depth is None else depth
        self.places[made] = (*self.places_of(xs)[:depth], *((made, d) for d in range(depth, NESTED)))
        if depth:
            self.beginnings[made] = self.beginning_of(xs)
            self.unlike[made] = self.unlike.get(xs, made)

    def is_last(self, value: Any, xs: Any) -> None:
        """What was put into a list as its last item is a view of it."""
        if value in self.boxes and value not in self.views:
            self.views[value] = View(xs, operator.getitem, (Const(-1),), (), "operator", xs, True)

    def is_longer(self, made: Any, xs: Any, new: bool) -> None:
        """The list ``made`` has the things of ``xs`` in the same places, and a ``new`` one or another behind them."""
        self.unlike[made] = UNLIKE if new and self.are_unlike(xs) else made
        self.places[made] = ((made, 0), *self.places_of(xs)[1:])
        self.beginnings[made] = self.beginning_of(xs)

    def beginning_of(self, xs: Any) -> Any:
        return self.beginnings.get(xs, xs)

    def known_places(self, xs: Any) -> tuple[Any, ...]:
        return (self.unlike.get(xs, xs), self.beginning_of(xs), *self.places_of(xs))

    def are_unlike(self, xs: Any) -> bool:
        """Is each item of a list known to be another thing than the others?"""
        t = xs.type.item if isinstance(xs.type, ListT) else None
        return self.unlike.get(xs) is UNLIKE or isinstance(t, ScalarT)

    def in_place(self, view: View, base: Any) -> bool:
        """Is the item that was taken still where it was?  If not, it is what it was: who changes it is seen to share it (M1)."""
        if not is_item_view(view) or not isinstance(base, Var):
            return True
        if self.places_of(base)[0] == self.places_of(view.version)[0]:
            return True
        key = view.args[0]
        from_front = key in self.counted or (isinstance(key, Const) and type(key.value) is int and key.value >= 0)
        return from_front and self.beginning_of(base) is self.beginning_of(view.version)

    def view_of(self, var: Any) -> View | None:
        """The view that a value is, if a store through it reaches what it shows."""
        view = self.views.get(var)
        return view if view is not None and self.in_place(view, self.now(view.base)) else None

    def _chosen(self, var: Var, view: View, base: Atom) -> Atom:
        """What a view or copy holds after its base was written."""
        made = self.build.call(np.where, view.asked, view.made(self.build, base, ""), var, hint=var.hint)
        self.views[made] = replace(view, version=base)
        self.owner[made] = self.ident(var)
        return made

    def _aggregate_now(self, atom: Aggregate, depth: int) -> Any:
        current = self.content(atom.ident, atom) if atom.ident is not None else atom
        if not isinstance(current, Aggregate):
            return self.now(current, depth + 1) if current is not atom else current
        items = tuple(self.now(item, depth + 1) for item in current.items)
        if current.kind is Maybe:
            return self._resolved(replace(current, items=items))
        same = all(x is y for x, y in zip(items, current.items))
        return current if same else replace(current, items=items)

    def _resolved(self, maybe: Aggregate) -> Any:
        """None, or the value, where the present path tells which."""
        flag, value = maybe.items
        is_none = flag.value if isinstance(flag, Const) else self.known.get(flag)  # type: ignore[call-overload]
        return maybe if is_none is None else Const(None) if is_none else value

    def _callable_now(self, value: Any, depth: int) -> Any:
        if isinstance(value, (BoundMethod, Super)):
            return replace(value, owner=self.now(value.owner, depth + 1))
        if isinstance(value, (Stream, Partial)):
            return replace(value, args=tuple(self.now(a, depth + 1) for a in value.args))
        return value

    def watch(self, result: Any, fn: Any, args: tuple[Any, ...], kwargs: Any, form: str) -> None:
        """Remember that a result shows its first operand's memory, if it does."""
        base = args[0] if args else None
        if not (isinstance(result, Var) and isinstance(base, Var)) or result is base or result in self.views:
            return
        if not all(holds_memory(v.type) or self._is_shown(v, result) for v in (result, base)):
            return
        in_order = fn in LAYOUT and not kwargs and len(args) <= LAYOUT[fn] and self.in_order(base)
        shared = "view" if in_order else sharing(fn, args, kwargs)
        if shared != "fresh":
            self.views[result] = View(base, fn, args[1:], tuple(kwargs), form, base, shared == "view")

    def _is_shown(self, var: Var, result: Var) -> bool:
        """Is it a tuple of what may be views?"""
        holds = isinstance(var.type, AggregateT) and any(map(holds_memory, var.type.items))
        return holds and (var is result or var in self.views)

    def in_order(self, var: Var) -> bool:
        """Does the array surely lie in C order in memory of its own?"""
        call = self.build.calls.get(self.owner.get(var, var))
        if call is None:
            return False
        rule = lookup(call.fn)
        one_axis = isinstance(var.type, ArrayT) and var.type.ndim == 1
        asked = len(call.args) > IN_ORDER.get(call.fn, 0) or any(name == "order" for name, _ in call.kwargs)
        return (call.fn in IN_ORDER and not asked) or (one_axis and rule is not None and rule.sharing == "fresh")

    # -- views or copies, which only the run can tell -------------------------------------------------------

    def settle(self, array: Any) -> None:
        """The array is about to be written: what may be a copy of it is kept as it is, beside the question whether it is one."""
        for var in [v for v, view in self.views.items() if self.is_open(v, view)]:
            if self.contents.get(self.ident(var)) is None and self._root(var) is self.ident(array):
                self.ask(var, self.build.call(np.copy, var, hint=var.hint))

    def is_open(self, var: Var, view: View) -> bool:
        known = view.fn in LAYOUT and view.order in (Const("C"), Const("F"))
        return known and not view.sure and view.asked is None and self.build.is_straight() and self.build.has(var)

    def ask(self, var: Any, content: Any) -> View:
        """Ask the run whether a view is one, while neither it nor its base was written; it holds ``content`` now."""
        view = self.views[var]
        asked = self.build.let(Call(np.may_share_memory, (var, view.version)), BOOL)
        self.write(var, content)
        self.views[content] = replace(view, asked=asked)
        return self.views[content]

    def _root(self, var: Any) -> Any:
        """The thing of which an array is a view of a view."""
        while isinstance(var, Var) and var in self.views:
            var = self.views[var].base
        return self.ident(var)

    def is_held_by_run(self, var: Any) -> bool:
        """Is it a container that exists at run time: an item of a list, or one that was put into one?"""
        return isinstance(var, Var) and (self.ident(var) in self.boxes or var in self.boxes or self.is_item(var))

    def embed(self, atom: Any) -> None:
        """A list of unknown length holds this from here on: a change of it would not be seen there."""
        if isinstance(atom, Var) and holds_memory(atom.type):
            self.embedded.add(self.ident(atom))
        if isinstance(atom, Aggregate):
            if atom.ident is not None:
                self.embedded.add(atom.ident)
            for item in atom.items:
                self.embed(item)

    def is_embedded(self, atom: Any) -> bool:
        """Does a list of unknown length hold this, or a part of it?"""
        return isinstance(atom, Aggregate) and (atom.ident in self.embedded or any(map(self.is_embedded, atom.items)))

    def is_item(self, var: Var) -> bool:
        """Is it an item of a list of unknown length, or of such an item?"""
        view, call = self.views.get(var), self.build.calls.get(var)
        base = view.base if view is not None else call.args[0] if call is not None and call.fn in (operator.getitem, getattr) else None
        return isinstance(base, Var) and (isinstance(base.type, ListT) or self.is_item(base))

    # -- who else holds it --------------------------------------------------------------------------------

    def reaches(self, roots: Iterable[Any], wanted: set[Any], known: frozenset[Any] = frozenset()) -> bool:
        """Does one of the handles lead to what is, or may be, one of the things?  Those that are ``known`` to are not counted."""
        seen: set[Any] = set()
        pending = list(roots)
        while pending:
            atom = pending.pop()
            ident = self.ident(atom)
            if ident is not None and ident not in known and any(self.may_be(ident, thing) for thing in wanted):
                return True
            if ident is not None and ident not in seen:
                seen.add(ident)
                pending += _parts(self.content(ident))
            pending += _parts(atom)
            if isinstance(atom, Var) and atom in self.views:
                pending.append(self.views[atom].base)
        return False


UNLIKE = "no two items are the same thing"
BOXES = {emitted.boxed, emitted.repeat, list}
NESTED = 6  # how many levels of lists in lists are told apart


def is_item_view(view: View) -> bool:
    """Is it an item of a list of unknown length, or of a container that exists at run time?"""
    return view.fn in (operator.getitem, getattr) and isinstance(view.base, Var) and isinstance(view.base.type, (ListT, AggregateT))


#: Views of what lies in C order, copies of what does not; and how many arguments they have before the order is asked for.
LAYOUT = {np.reshape: 2, np.ravel: 1}
#: Calls whose result lies in C order; and how many arguments they have before another order may be asked for.
IN_ORDER = {np.zeros: 2, np.ones: 2, np.empty: 2, np.full: 3, np.arange: 4, np.linspace: 7, np.eye: 4}


def _parts(atom: Any) -> list[Any]:
    if isinstance(atom, (Aggregate,)):
        return list(atom.items)
    if isinstance(atom, (Stream, Partial)):
        return list(atom.args)
    return [atom.owner] if isinstance(atom, (BoundMethod, Super)) else []


def is_mutable(kind: Any) -> bool:
    """Can a container of this kind change?"""
    if kind in (list, dict, set):
        return True
    if kind is tuple or issubclass(kind, tuple):
        return False
    params = getattr(kind, "__dataclass_params__", None)
    return params is None or not params.frozen


def holds_memory(t: Any) -> bool:
    """Can a value of this type be changed by a store into it?"""
    return isinstance(t, (ArrayT, ListT)) or (isinstance(t, AggregateT) and is_mutable(t.kind))


def open_parameter(build: Builder, var: Var) -> Aggregate:
    """A container that came in as a whole, by its parts, so that one can be exchanged."""
    t = var.type
    by_attribute = t.keys is not None and t.kind is not dict
    parts = []
    for label, item in zip(t.labels, t.items):
        if by_attribute:
            parts.append(build.attribute(var, label, item))
        else:
            parts.append(build.call(operator.getitem, var, Const(label), form="operator"))
    return Aggregate(t.kind, tuple(parts), t.keys, var)


