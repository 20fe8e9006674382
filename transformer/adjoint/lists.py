"""How do cotangents and tangents go through lists whose length only the run knows?

The cotangent of a list is a list of the cotangents of its items; what makes a longer list of a list makes a shorter
cotangent of a cotangent.
"""

from __future__ import annotations

import operator
from typing import Any

from retrograd.runtime import emitted
from retrograd.runtime.errors import NoRule

from ..builder import type_of
from ..ir import Aggregate, Atom, Call, Const, Let, SliceAtom
from ..types import AggregateT, ArrayT, ListT, ScalarT, carried, classes_in, is_object
from .context import cotangent


def as_cotangent(build: Any, g: Atom, t: ListT) -> Atom:
    """A cotangent of a list or tuple, as a list."""
    u = type_of(g)
    if isinstance(u, ArrayT) or (isinstance(u, ListT) and u.kind is tuple):
        return build.let(Call(list, (g,)), cotangent(t))  # type: ignore[no-any-return]
    return g


def zeros(build: Any, xs: Atom, t: ListT) -> Atom:
    made = build.let(Call(emitted.zero_items, (xs,)), carried(t))
    return as_cotangent(build, made, t)


def refuse_objects(name: str, t: Any) -> None:
    """The cotangent of an object in a list is a dict, which nobody asked for by name."""
    if isinstance(t, ListT) and classes_in(t):
        (kind, *_) = classes_in(t)
        raise NoRule(f"a derivative with respect to {name}, a list of {kind.__name__} objects", remedy="Use one list for each attribute.")
    for item in t.items if isinstance(t, AggregateT) else ():
        refuse_objects(name, item)


def as_plain(build: Any, dot: Atom) -> Atom:
    """A tangent in which those of objects are dicts."""
    t = type_of(dot)
    if not isinstance(t, AggregateT) or not classes_in(t):
        return dot
    if isinstance(dot, Aggregate):
        parts = dot.items
    else:
        parts = tuple(
            build.attribute(dot, k, u) if is_object(t) else build.call(operator.getitem, dot, Const(k)) for k, u in zip(t.labels, t.items)
        )
    return Aggregate(dict if is_object(t) else t.kind, tuple(as_plain(build, p) for p in parts), t.keys)


def add(build: Any, x: Atom, y: Atom, t: ListT) -> Atom:
    return build.let(Call(emitted.add_items, (x, y)), cotangent(t))  # type: ignore[no-any-return]


# -- reverse ----------------------------------------------------------------------------------------------


def _last(sweep: Any, z_bar: Atom, t: ListT) -> Atom:
    return sweep.build.let(Call(operator.getitem, (z_bar, Const(-1)), (), "operator"), carried(t.item))  # type: ignore[no-any-return]


def append_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    xs, value = stmt.call.args
    if sweep.is_active(value):
        sweep.accumulate_nested(value, _last(sweep, z_bar, stmt.var.type))
    if sweep.is_active(xs):
        sweep.accumulate(xs, sweep.build.let(Call(emitted.drop_last, (z_bar,), (), "store"), cotangent(type_of(xs))))


def drop_last_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    (xs,) = stmt.call.args
    zero = sweep.build.let(Call(emitted.zero_last, (xs,)), carried(type_of(xs).item))
    sweep.accumulate(xs, sweep.build.let(Call(emitted.append, (z_bar, zero), (), "store"), cotangent(type_of(xs))))


def set_item_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    xs, key, value = stmt.call.args
    t = stmt.var.type
    if sweep.is_active(value):
        sweep.accumulate_nested(value, sweep.build.let(Call(operator.getitem, (z_bar, key), (), "operator"), carried(t.item)))
    if sweep.is_active(xs):
        part = sweep.build.let(Call(operator.getitem, (z_bar, key), (), "operator"), carried(t.item))
        zero = Const(0.0) if isinstance(t.item, ScalarT) else sweep.build.let(Call(emitted.zero_items, (part,)), carried(t.item))
        sweep.accumulate(xs, sweep.build.let(Call(emitted.set_item, (z_bar, key, zero), (), "store"), cotangent(type_of(xs))))


def set_in_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    xs, path, value = stmt.call.args
    if sweep.is_active(value):
        sweep.accumulate_nested(value, sweep.build.let(Call(emitted.get_in, (z_bar, path)), cotangent(type_of(value))))
    if sweep.is_active(xs) and isinstance(type_of(value), ScalarT):
        sweep.accumulate_nested(xs, sweep.build.let(Call(emitted.set_in, (z_bar, path, Const(0.0))), cotangent(type_of(xs))))
    elif sweep.is_active(xs):
        sweep.accumulate_nested(xs, sweep.build.let(Call(emitted.zero_in, (z_bar, path)), cotangent(type_of(xs))))


def append_in_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    xs, path, value = stmt.call.args
    if sweep.is_active(value):
        inner = sweep.build.let(Call(emitted.get_in, (z_bar, path)), ListT(list, carried(type_of(value))))
        sweep.accumulate_nested(value, _last(sweep, inner, inner.type))
    if sweep.is_active(xs):
        sweep.accumulate_nested(xs, sweep.build.let(Call(emitted.drop_in, (z_bar, path)), cotangent(type_of(xs))))


def getitem_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    """``z = xs[k]``: the item's cotangent is added to the list's."""
    xs, key = stmt.call.args
    place = (xs, ())
    before = sweep.bars.get(place)
    if before is None:
        before = sweep.zeros(place)
    sweep.name(before, place)
    total = sweep.build.let(Call(emitted.add_to_item, (before, key, z_bar), (), "add_at"), type_of(before))
    sweep.name(total, place)
    sweep.bars[place] = total


def repeat_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    xs, count = stmt.call.args
    sweep.accumulate(xs, sweep.build.let(Call(emitted.unrepeat, (z_bar, count)), cotangent(type_of(xs))))


def concatenated_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    """``z = xs + ys``."""
    xs, ys = stmt.call.args
    none, n = Const(None), sweep.build.call(len, xs)
    for part, key in ((xs, SliceAtom(none, n, none)), (ys, SliceAtom(n, none, none))):
        if sweep.is_active(part):
            sweep.accumulate(part, sweep.build.let(Call(operator.getitem, (z_bar, key), (), "operator"), cotangent(type_of(part))))


def without_reverse(sweep: Any, stmt: Let, z_bar: Atom) -> None:
    xs, key = stmt.call.args
    zero = sweep.build.let(Call(emitted.zero_of, (xs, key)), carried(type_of(xs).item))
    sweep.accumulate(xs, sweep.build.let(Call(emitted.set_item, (z_bar, key, zero), (), "store"), cotangent(type_of(xs))))


REVERSE: dict[Any, Any] = {
    emitted.append: append_reverse,
    emitted.drop_last: drop_last_reverse,
    emitted.set_item: set_item_reverse,
    emitted.set_in: set_in_reverse,
    emitted.append_in: append_in_reverse,
    emitted.repeat: repeat_reverse,
    emitted.without: without_reverse,
}


# -- forward ----------------------------------------------------------------------------------------------


def same_forward(sweep: Any, stmt: Let) -> None:
    """The same change, made to the list of tangents with tangents."""
    call = stmt.call
    moved = {emitted.append: (0, 1), emitted.set_item: (0, 2), emitted.set_in: (0, 2), emitted.append_in: (0, 2)}.get(call.fn, (0,))
    args = tuple(as_plain(sweep.build, sweep.dot(a)) if k in moved else a for k, a in enumerate(call.args))
    sweep.dots[stmt.var] = sweep.build.let(Call(call.fn, args, call.kwargs, call.form), carried(stmt.var.type), sweep.hint(stmt.var))
    sweep.spread(stmt.var, *(a for k, a in enumerate(call.args) if k in moved))


def concatenated_forward(sweep: Any, stmt: Let) -> None:
    dots = tuple(map(sweep.dot, stmt.call.args))
    sweep.dots[stmt.var] = sweep.build.let(Call(operator.add, dots, (), "operator"), carried(stmt.var.type), sweep.hint(stmt.var))
    sweep.spread(stmt.var, *stmt.call.args)


FORWARD: dict[Any, Any] = dict.fromkeys(REVERSE, same_forward)
