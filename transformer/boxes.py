"""How are containers changed that lists of unknown length hold?

What such a list holds exists at run time, where it may be held in several places: an object, a dict or a list that is put into one
becomes a value of the run, a *box*.  A store into it is a store into the list that it is an item of, by the way that leads to it
(``set_in``): that it is one thing of the list and no other is known or asked of the run, and that nobody else sees it is shown by
``analysis.ownership``.  Programs without such stores have no boxes (``Lowering.boxes``).
"""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING, Any

from retrograd.runtime import emitted

from .builder import type_of
from .heap import UNLIKE, holds_memory, is_mutable
from .ir import Aggregate, Call, Const, Var
from .types import OPAQUE, AggregateT, ListT, OpaqueT, join, join_all, plain
from .values import Compiletime

if TYPE_CHECKING:
    from .lower import Lowering


def put_in(low: Lowering, value: Any) -> tuple[Any, bool]:
    """What is about to be an item of a list of unknown length; and is it a thing that no list holds yet?"""
    if low.boxes and not isinstance(value, Compiletime):
        value = boxed(low, value)
    new = isinstance(value, Var) and holds_memory(value.type) and low.heap.is_new(value, low.passes[-1])
    low.heap.embed(value)
    return value, new


def as_held(low: Lowering, container: Any) -> Any:
    """A container that is about to be changed, as the lists have it that hold it."""
    held = low.boxes and isinstance(container, Aggregate) and container.ident in low.heap.embedded
    return boxed(low, container) if held else container


def boxed(low: Lowering, value: Any) -> Any:
    """The same container as a value of the run, which may be held in several places; so are the containers in it."""
    value = low.now(value)
    if not isinstance(value, Aggregate):
        return value
    parts = tuple(boxed(low, part) for part in value.items)
    whole = Aggregate(value.kind, parts, value.keys)
    if not is_mutable(value.kind):
        return whole
    item = join_all(map(type_of, parts)) if value.kind is list else OPAQUE
    if isinstance(item, OpaqueT):
        box = low.build.let(Call(emitted.boxed, (whole,)), plain(type_of(whole)), getattr(value.ident, "hint", ""))
    else:
        box = list_of(low, whole, ListT(list, item), getattr(value.ident, "hint", ""))
    low.heap.boxes.add(box)
    if value.ident is not None:
        low.heap.born[value.ident] = low.build.numbers[box]
        low.heap.write(value, box, changed=False)
    return box


def type_in_list(low: Lowering, t: Any) -> Any:
    """The type of what has type ``t`` once a list of unknown length holds it."""
    if not low.boxes or not isinstance(t, AggregateT):
        return t
    parts = tuple(type_in_list(low, item) for item in t.items)
    item = join_all(parts) if t.kind is list else OPAQUE
    return AggregateT(t.kind, parts, t.keys) if isinstance(item, OpaqueT) else ListT(list, item)


def list_of(low: Lowering, whole: Any, t: ListT, hint: str = "") -> Any:
    """A list of the run with these items."""
    if isinstance(whole, Aggregate):
        parts, new = zip(*(put_in(low, part) for part in whole.items)) if whole.items else ((), ())
        whole = Aggregate(whole.kind, parts)
        made = low.build.let(Call(t.kind, (whole,)), t, hint)
        low.heap.unlike[made] = UNLIKE if all(new) else made
        return made
    return low.build.let(Call(t.kind, (whole,)), t, hint)


def store_in_run(low: Lowering, container: Any, key: Any, value: Any, node: ast.AST) -> None:
    """A store into a container that exists at run time: through the lists and containers that it is in."""
    value, _ = put_in(low, value)
    xs, path = path_of(low, container, key)
    expect_alone(low, xs, path.items[:-1])
    t = with_item(type_of(xs), path.items, type_of(value))
    if t is None:
        raise low.unsupported(
            node, "a store that changes the kind of a part of an item of a list of unknown length", "Give it the same kind from the start."
        )
    made = low.build.call(emitted.set_in, xs, path, value, hint=xs.hint, type=t)
    low.heap.keeps_places(made, xs, len(path.items) - 1 if holds_memory(type_of(value)) else None)
    low.heap.write(xs, made)


def append_to_item(low: Lowering, container: Any, value: Any, node: ast.AST) -> None:
    """``xs[i].append(value)``."""
    value, _ = put_in(low, value)
    view = low.heap.view_of(container)
    xs, path = path_of(low, low.now(view.base), view.args[0])
    expect_alone(low, xs, path.items)
    t = with_item(type_of(xs), (*path.items, Const(0)), type_of(value))
    if t is None:
        raise low.unsupported(node, "a list of unknown length whose items are of different kinds", "Use one list for each kind.")
    made = low.build.call(emitted.append_in, xs, path, value, hint=xs.hint, type=t)
    low.heap.keeps_places(made, xs, len(path.items))
    low.heap.write(xs, made)


def expect_alone(low: Lowering, xs: Any, path: tuple[Any, ...]) -> None:
    """What is about to be written is one thing of the list, and no other: known, or asked of the run."""
    if path and not (len(path) == 1 and low.heap.are_unlike(xs)):
        low.build.let(Call(emitted.expect_alone, (xs, Aggregate(tuple, path))), type_of(Const(None)))


def path_of(low: Lowering, xs: Any, key: Any) -> tuple[Any, Aggregate]:
    """The outermost list that an item is in, and the way to it."""
    path = [key]
    view = low.heap.view_of(xs)
    while view is not None:
        xs, path = low.now(view.base), [view.args[0], *path]
        view = low.heap.view_of(xs)
    return xs, Aggregate(tuple, tuple(path))


def with_item(t: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The type of a container after a store into an item of its items; None if it has none."""
    if not path:
        made = join(t, value) if t is not None else value
        return None if isinstance(made, OpaqueT) and not isinstance(t, OpaqueT) else made
    if isinstance(t, ListT):
        item = with_item(t.item, path[1:], value)
        return None if item is None else dataclasses.replace(t, item=item)
    if not isinstance(t, AggregateT) or not isinstance(path[0], Const):
        return None
    at = list(t.labels).index(path[0].value)
    item = with_item(t.items[at], path[1:], value)
    return None if item is None else AggregateT(t.kind, (*t.items[:at], item, *t.items[at + 1 :]), t.keys)
