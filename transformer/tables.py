"""Lowering of dicts whose keys only the run knows.

    for word in words:
        seen[word] = seen.get(word, 0.0) + weight * x

Such a dict is a value like a list of unknown length (``DictT``): a store makes a new value of the same dict, its cotangent is a
dict.  The keys have no derivative; in the cotangent a key that the dict does not have (yet) stands for nothing.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from retrograd.runtime import emitted

from . import boxes
from .builder import type_of
from .ir import Aggregate, Call, Const, Ref, Var
from .types import BOOL, AggregateT, DictT, ListT, OpaqueT, is_inexact, join, join_all
from .values import Again, BoundMethod, Compiletime, Stream

if TYPE_CHECKING:
    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def is_table(atom: Any) -> bool:
    return not isinstance(atom, Compiletime) and isinstance(type_of(atom), DictT)


def key_type(low: Lowering, key: Any, node: ast.AST) -> Any:
    t = type_of(key) if not isinstance(key, Compiletime) else OpaqueT()
    if is_inexact(t):
        raise low.unsupported(node, "a dict whose keys are floats, which would have a derivative", "Use ints, strings, or tuples of them.")
    return t


def as_table(low: Lowering, value: Any) -> Any:
    """The same dict as the run holds it; None if its values are of different kinds."""
    t = type_of(value)
    if isinstance(t, DictT):
        return value
    assert isinstance(t, AggregateT), "a dict of known keys"
    whole = low.now(value)
    parts = tuple(boxes.put_in(low, part)[0] for part in whole.items) if isinstance(whole, Aggregate) else ()
    whole = Aggregate(dict, parts, whole.keys) if isinstance(whole, Aggregate) else whole
    item = join_all(type_of(whole).items)
    if isinstance(item, OpaqueT):
        return None
    return low.build.let(Call(dict, (whole,)), DictT(dict, item, join_all(type_of(Const(k)) for k in t.keys or ())))


def held_table(low: Lowering, container: Any, node: ast.AST, changes: bool = False) -> Any:
    """The dict is held by the run from here on."""
    if changes and isinstance(container, Var) and not is_table(container) and not low.opens:
        raise Again("opens")
    made = as_table(low, container)
    if made is None:
        raise low.unsupported(
            node, "a key that only the run knows, in a dict whose values are of different kinds", "Use one dict for each kind of value."
        )
    if isinstance(container, Aggregate) and container.ident is not None:
        low.heap.write(container, made, changed=False)
    elif changes and made is not container:
        raise low.unsupported(node, "a new key of a dict that is held elsewhere", "Make a copy of it first: dict(table).")
    return made


def known_key(key: Any) -> bool:
    """Is the key known before the run?"""
    if isinstance(key, Aggregate) and key.kind is tuple:
        return all(map(known_key, key.items))
    return isinstance(key, (Const, Ref))


def with_key(t: DictT, key: Any, value: Any) -> Any:
    """The type of a dict after a store; None if it has none."""
    item = value if t.item is None else join(t.item, value)
    return None if isinstance(item, OpaqueT) else DictT(dict, item, key if t.key is None else join(t.key, key))


def contains(low: Lowering, table: Any, key: Any) -> Any:
    if type_of(table).item is None:  # nothing was put in on any path to this point
        return Const(False)
    return low.build.let(Call(operator.contains, (table, key)), BOOL)


def item(low: Lowering, table: Any, key: Any, hint: str = "") -> Any:
    made = low.build.call(operator.getitem, table, key, hint=hint, form="operator")
    low.heap.watch(made, operator.getitem, (table, key), (), "operator")
    return made


def keys(low: Lowering, table: Any) -> Any:
    """The keys, as a list, in the order in which they were put in."""
    return low.build.let(Call(list, (table,)), ListT(list, type_of(table).key or OpaqueT()))


# -- methods ----------------------------------------------------------------------------------------------


def method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    lower = METHODS.get(fn.name)
    if lower is None:
        raise low.unsupported(node, f"dict.{fn.name} cannot be differentiated on a dict of unknown keys", "Build a new dict.")
    return lower(low, fn.owner, args, kwargs, node)


def _get(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    default = args[1] if len(args) > 1 else Const(None)
    asked = contains(low, table, args[0])
    if isinstance(asked, Const):
        return default
    return low.choose(asked, lambda: item(low, table, args[0]), lambda: default, node)


def _setdefault(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    put_default(low, table, args[0], lambda: args[1], node)
    return item(low, low.now(table), args[0])


def put_default(low: Lowering, table: Any, key: Any, make: Callable[[], Any], node: ast.AST) -> None:
    """``if key not in table: table[key] = make()``."""
    from .stores import set_item

    def put() -> str:
        set_item(low, low.now(table), key, make(), node)
        return "falls"

    asked = contains(low, table, key)
    if isinstance(asked, Const):
        put()
    else:
        low.fork_with(asked, lambda: "falls", put, node)


def _pop(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    if len(args) > 1:
        raise low.unsupported(node, "dict.pop with a default, of a key that only the run knows", "Ask first: if key in table.")
    value = item(low, table, args[0])
    remove(low, table, args[0])
    return value


def remove(low: Lowering, table: Any, key: Any) -> None:
    low.heap.write(table, low.build.call(emitted.without, table, key, hint=table.hint, form="store", type=type_of(table)))


def _copy(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return low.build.let(Call(dict, (table,)), type_of(table))


def _clear(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    low.heap.write(table, low.build.let(Call(dict, (Aggregate(dict, (), ()),)), type_of(table), table.hint))
    return Const(None)


def _update(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    from .containers import for_each
    from .stores import set_item

    for more in args:
        pairs = Stream("items", (more,))
        for_each(low, pairs, lambda pair: set_item(low, low.now(table), pair.items[0], pair.items[1], node), node)
    for name, value in kwargs.items():
        set_item(low, low.now(table), Const(name), value, node)
    return Const(None)


def _view(kind: str) -> Any:
    return lambda low, table, args, kwargs, node: Stream(kind, (table,))


METHODS: dict[str, Callable[..., Any]] = {
    "get": _get, "setdefault": _setdefault, "pop": _pop, "copy": _copy, "clear": _clear, "update": _update,
    "items": _view("items"), "keys": _view("keys"), "values": _view("values"),
}  # fmt: skip
