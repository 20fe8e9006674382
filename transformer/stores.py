"""Lowering of assignment: to names, to items and slices, to attributes, and in place.

A store is written as the value that it makes: ``u[i] = v`` becomes ``u = store(u, i, v)``, and the heap remembers that every
handle of ``u`` means the new value.  It is printed in place where nobody reads the old contents, copied where only the reverse
sweep does, and refused where a name that the heap does not know of would see it (``analysis.ownership``).
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import AliasedMutation

from . import calls, containers, tables
from .boxes import as_held, boxed, expect_alone, path_of, put_in, store_in_run, with_item
from .builder import type_of
from .expressions import arithmetic, attribute_of, item, no_attribute
from .heap import Piece, View, is_mutable, open_parameter
from .ir import UNDEFINED, Aggregate, Call, Const, Ref, SliceAtom, Var
from .operators import BINARY
from .types import OPAQUE, AggregateT, ArrayT, DictT, ListT, NumberT, OpaqueT, ScalarT, is_inexact, join, kind_of_number
from .values import Again, Compiletime

if TYPE_CHECKING:
    from .lower import Lowering


def assign_to(low: Lowering, target: ast.expr, value: Any) -> None:
    if isinstance(target, ast.Name):
        low.bind(target.id, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        unpack(low, target, low.now(value))
    elif isinstance(target, ast.Subscript):
        container, key = low.expr(target.value), low.expr(target.slice)
        low.at(target)
        set_item(low, container, key, low.now(value), target)
    else:
        assert isinstance(target, ast.Attribute)
        owner = low.expr(target.value)
        low.at(target)
        set_attribute(low, owner, target.attr, low.now(value), target)


def unpack(low: Lowering, target: ast.Tuple | ast.List, value: Any) -> None:
    """``a, (b, *c) = value``."""
    value = low.some(value)
    names = target.elts
    starred = [k for k, n in enumerate(names) if isinstance(n, ast.Starred)]
    parts = _parts(low, value, len(names), bool(starred), target)
    if starred:
        at, extra = starred[0], len(parts) - len(names) + 1
        parts[at : at + extra] = [low.heap.new(list, tuple(parts[at : at + extra]))]
    if len(parts) != len(names):
        raise low.unsupported(
            target, f"{len(parts)} values cannot be unpacked into {len(names)} names", "Name each, or write a, *rest = xs."
        )
    for element, part in zip(names, parts):
        assign_to(low, element.value if isinstance(element, ast.Starred) else element, part)


def _parts(low: Lowering, value: Any, count: int, starred: bool, node: ast.AST) -> list[Any]:
    t = type_of(value) if not isinstance(value, Compiletime) else None
    hints = [e.id if isinstance(e, ast.Name) else "" for e in node.elts]  # type: ignore[attr-defined]
    if (isinstance(t, ArrayT) and t.ndim or isinstance(t, (ListT, NumberT, OpaqueT))) and not starred:
        value = low.build.let(Call(tuple, (value,)), OPAQUE) if isinstance(t, OpaqueT) else value
        # the user's unpacking would raise on another length, and so must this
        low.build.let(Call(emitted.expect_length, (value, Const(count))), type_of(Const(None)))
        return [item(low, value, Const(k), node, hints[k]) for k in range(count)]
    if (
        isinstance(value, Var)
        and isinstance(t, AggregateT)
        and t.kind is not dict
        and not starred
        and len(t.items) == count
    ):
        return [low.part_of(value, k, hints[k]) for k in range(count)]
    return low.unpack_all(value, node)


# -- items ------------------------------------------------------------------------------------------------


def set_item(low: Lowering, container: Any, key: Any, value: Any, node: ast.AST) -> None:
    """``container[key] = value``."""
    container = as_held(low, container)
    t = type_of(container) if not isinstance(container, Compiletime) else None
    if isinstance(t, ArrayT):
        set_in_array(low, container, key, value, node)
    elif isinstance(t, AggregateT):
        set_in_container(low, container, key, value, node)
    elif isinstance(t, ListT):
        set_in_list(low, container, key, value, node)
    elif isinstance(t, ScalarT) and not isinstance(value, Compiletime):  # the user's TypeError, where the run gets here
        low.build.let(Call(emitted.set_in_number, (container, key, value)), type_of(Const(None)))
    else:
        raise low.unsupported(
            node, "a store into an item of this kind of value cannot be differentiated",
            "Store into an array, a list or a dict of known keys.",
        )  # fmt: skip


def set_in_array(low: Lowering, array: Any, key: Any, value: Any, node: ast.AST) -> None:
    t = type_of(array)
    value = as_numbers(low, value, node)
    refuse_truncation(low, t, value, node)
    view = low.heap.view_of(array)
    if view is None:
        array = low.own_part(array)
        low.heap.settle(array)
        stored = low.build.call(numerics.store, array, key, value, hint=array.hint, form="store", type=t)
        low.heap.write(array, stored)
    elif not view.sure and (view.asked is not None or low.heap.is_open(array, view)):
        copy = low.build.call(np.copy, array)
        write_if_view(low, array, low.build.call(numerics.store, copy, key, value, hint=array.hint, form="store", type=t), node)
    elif _is_whole(key):
        write_through(low, view, value, node)
    else:
        copy = low.build.call(np.copy, array)
        content = low.build.call(numerics.store, copy, key, value, form="store", type=t)
        write_through(low, view, content, node)


def _is_whole(key: Any) -> bool:
    return isinstance(key, Const) and key.value is Ellipsis


def as_numbers(low: Lowering, value: Any, node: ast.AST) -> Any:
    """What is stored, as NumPy sees it: a sequence becomes an array."""
    t = type_of(value) if not isinstance(value, Compiletime) else None
    if isinstance(t, (AggregateT, ListT)):
        return calls.primitive(low, np.array, (value,), {}, node)
    if not isinstance(t, (ArrayT, ScalarT, NumberT)):
        raise low.unsupported(node, "only numbers and arrays can be stored into an array", "Use a list for other things.")
    return value


def refuse_truncation(low: Lowering, t: ArrayT, value: Any, node: ast.AST) -> None:
    if t.dtype.kind in "biu" and is_inexact(type_of(value)):
        if getattr(type_of(value), "number", False):
            low.need_detail()  # of ints whose values are known it may be one
        raise low.error(
            AliasedMutation, node, f"a float is stored into an array of {t.dtype}, which truncates it",
            "Make the array with dtype=float.",
        )  # fmt: skip


# -- through views ----------------------------------------------------------------------------------------


def write_through(low: Lowering, view: View, content: Any, node: ast.AST) -> None:
    """A view has new contents: so has the part of its base that it shows."""
    base = low.now(view.base)
    back = _through_piece if isinstance(view.fn, Piece) else THROUGH.get(view.fn)
    if back is None or not view.sure:
        raise low.error(
            AliasedMutation, node, f"a store through the result of {getattr(view.fn, '__name__', 'a call')}, which may be a view",
            "Copy it where it is made: .copy().",
        )  # fmt: skip
    back(low, base, view, content, node)


def write_if_view(low: Lowering, array: Any, content: Any, node: ast.AST) -> None:
    """What may be a view or a copy has new contents; so has the base, if the run says that it is a view."""
    view, heap = low.heap.views[array], low.heap
    if view.asked is None:
        view = heap.ask(array, content)
    else:
        heap.write(array, content)
    base = low.now(view.base)
    whole = _reshaped(low, content, base, view)
    set_in_array(low, base, Const(Ellipsis), low.build.call(np.where, view.asked, whole, base), node)
    heap.views[content] = dataclasses.replace(view, version=low.now(view.base))


def _through_item(low: Lowering, base: Any, view: View, content: Any, node: ast.AST) -> None:
    made = low.heap.views.get(base) if not isinstance(type_of(base), ArrayT) else None
    if made is not None and made.fn is not operator.getitem:  # the list is new, what it holds is not
        raise low.error(
            AliasedMutation, node, f"a store through one of the results of {getattr(made.fn, '__name__', 'a call')}, which may be views",
            "Copy it where it is made: .copy().",
        )  # fmt: skip
    if isinstance(type_of(base), ListT):
        xs, path = path_of(low, base, view.args[0])
        expect_alone(low, xs, path.items)
        set_in_list(low, base, view.args[0], content, node, same=True)
        return
    if low.heap.is_held_by_run(base):
        if not low.boxes:
            raise Again("boxes")
        xs, path = path_of(low, base, view.args[0])
        expect_alone(low, xs, path.items)
        made = low.build.call(emitted.set_in, xs, path, content, hint=xs.hint, type=type_of(xs))
        low.heap.keeps_places(made, xs)
        low.heap.write(xs, made)
        return
    set_item(low, base, view.args[0], content, node)


def _through_piece(low: Lowering, base: Any, view: View, content: Any, node: ast.AST) -> None:
    t, axis = type_of(base), int(view.args[1].value)
    whole = SliceAtom(Const(None), Const(None), Const(None))
    start, stop = _ends(low, base, view)
    keys = (*(whole for _ in range(axis % t.ndim)), SliceAtom(start, stop, Const(None)))
    set_item(low, base, Aggregate(tuple, keys) if len(keys) > 1 else keys[0], content, node)


def _ends(low: Lowering, base: Any, view: View) -> tuple[Any, Any]:
    """Where a piece begins and ends, as ``np.split`` slices it."""
    sections, axis = view.args
    k = view.fn.number
    if isinstance(sections, Aggregate):
        ends = (Const(None), *sections.items, Const(None))
        return ends[k], ends[k + 1]
    count = sections.value
    shape = low.build.call(np.shape, base, form="attribute:shape")
    length = low.build.call(operator.getitem, shape, axis, form="operator")
    size, longer = (low.build.call(fn, length, Const(count), form="operator") for fn in (operator.floordiv, operator.mod))

    def end(number: int) -> Any:
        """The first ``longer`` pieces have one entry more."""
        if number in (0, count):
            return Const(None)
        before = low.build.call(operator.mul, size, Const(number), form="operator")
        if view.fn.of is np.split:
            return before
        return low.build.call(operator.add, before, low.build.call(min, longer, Const(number)), form="operator")

    return end(k), end(k + 1)


def _through_inverse(inverse: Any) -> Any:
    def back(low: Lowering, base: Any, view: View, content: Any, node: ast.AST) -> None:
        shown = view.made(low.build, base, "")
        alike = type_of(content) == type_of(shown)
        whole = content if alike else low.build.call(np.broadcast_to, content, low.build.call(np.shape, shown))
        set_in_array(low, base, Const(Ellipsis), inverse(low, whole, base, view), node)

    return back


def _untransposed(low: Lowering, whole: Any, base: Any, view: View) -> Any:
    axes = view.args[0] if view.args else dict(view.kwargs).get("axes", Const(None))
    if isinstance(axes, Const) and axes.value is None:
        return low.build.call(np.transpose, whole)
    order = [a.value for a in axes.items]
    return low.build.call(np.transpose, whole, Aggregate(tuple, tuple(Const(int(k)) for k in np.argsort(order))))


def _unswapped(low: Lowering, whole: Any, base: Any, view: View) -> Any:
    return low.build.call(np.swapaxes, whole, *view.args, **dict(view.kwargs))


def _reshaped(low: Lowering, whole: Any, base: Any, view: View) -> Any:
    order = {} if view.order == Const("C") else {"order": view.order}
    return low.build.call(np.reshape, whole, low.build.call(np.shape, base), **order)


#: How a store through a view reaches its base.
THROUGH: dict[Any, Any] = {
    operator.getitem: _through_item,
    getattr: _through_item,
    np.transpose: _through_inverse(_untransposed),
    np.swapaxes: _through_inverse(_unswapped),
    np.matrix_transpose: _through_inverse(lambda low, whole, base, view: low.build.call(np.matrix_transpose, whole)),
    np.reshape: _through_inverse(_reshaped),
    np.ravel: _through_inverse(_reshaped),
    np.squeeze: _through_inverse(_reshaped),
    np.expand_dims: _through_inverse(_reshaped),
}


# -- containers -------------------------------------------------------------------------------------------


def opened(low: Lowering, container: Any, node: ast.AST) -> Aggregate:
    """A container by its parts, about to be changed."""
    if low.heap.is_held_by_run(container) or low.heap.ident(container) in low.heap.embedded:
        if not low.boxes:
            raise Again("boxes")
        low.need_detail()
        raise low.unsupported(
            node, "a container that a list of unknown length holds gets other parts",
            "Give it all its parts before it is put in.",
        )  # fmt: skip
    if isinstance(container, Var):
        container = _opened_value(low, container, node)
    if container.ident is None or not is_mutable(container.kind):
        raise low.unsupported(node, f"a store into a {container.kind.__name__} cannot be differentiated", "Build a new one.")
    if getattr(container.ident, "sources", ()) and _is_held(low, container.ident):
        raise _which_of_two(low, node)
    return container


def _opened_value(low: Lowering, var: Var, node: ast.AST) -> Aggregate:
    """A container that a call returned, by its parts; one that came in is so from the start."""
    call = low.build.calls.get(var)
    if call is None or call.fn in (operator.getitem, getattr):
        if not low.opens:
            raise Again("opens")
        raise _which_of_two(low, node)
    container = open_parameter(low.build, var)
    low.heap.write(container, container)
    return container


def _which_of_two(low: Lowering, node: ast.AST) -> AliasedMutation:
    return low.error(
        AliasedMutation, node, "which of two containers is changed here depends on the run",
        "Change each in its own branch, or copy it first.",
    )  # fmt: skip


def _is_held(low: Lowering, ident: Any) -> bool:
    """Can anybody still see one of the things that this one may be, by another handle?"""
    roots = [atom for frame in low.all_frames() for atom in frame.env.values()]
    return low.heap.reaches(roots, {ident}, frozenset({ident}))


def change(low: Lowering, container: Any, items: Any, keys: Any, node: ast.AST) -> None:
    """The container holds these parts from here on."""
    container = opened(low, container, node)
    low.heap.write(container, Aggregate(container.kind, tuple(items), keys, container.ident))


def set_in_container(low: Lowering, container: Any, key: Any, value: Any, node: ast.AST) -> None:
    kind = type_of(container).kind
    if kind not in (list, dict):
        method = inspect.getattr_static(kind, "__setitem__", None)
        if method is None or kind is tuple:
            raise low.unsupported(node, f"a store into a {kind.__name__} cannot be differentiated", "Build a new one.")
        calls.call_object(low, method, "__setitem__", (container, key, value), {}, node, "")
        return
    if low.boxes and low.heap.is_held_by_run(container) and isinstance(key, Const) and key.value in type_of(container).labels:
        store_in_run(low, container, key, value, node)
        return
    if kind is dict and not tables.known_key(key):
        low.need(key)
        set_in_list(low, tables.held_table(low, container, node, changes=True), key, value, node)
        return
    container = opened(low, container, node)
    if kind is dict:
        _set_in_dict(low, container, key, value, node)
    elif isinstance(key, Const) and isinstance(key.value, int):
        items = list(container.items)
        if not -len(items) <= key.value < len(items):
            raise low.unsupported(node, f"the list has no item {key.value}", "Append to it: xs.append(x).")
        items[key.value] = value
        change(low, container, items, None, node)
    elif isinstance(key, SliceAtom) and isinstance(value, Aggregate) and _known_slice(key) is not None:
        items = list(container.items)
        items[_known_slice(key)] = value.items
        change(low, container, items, None, node)
    else:
        low.need(key)
        set_in_list(low, as_run_time_list(low, container, node), key, value, node)


def _known_slice(key: SliceAtom) -> Any:
    parts = (key.start, key.stop, key.step)
    return slice(*(p.value for p in parts)) if all(isinstance(p, Const) for p in parts) else None  # type: ignore[union-attr]


def _set_in_dict(low: Lowering, container: Aggregate, key: Any, value: Any, node: ast.AST) -> None:
    key = hashable_key(low, key, node)
    keys, items = list(container.keys or ()), list(container.items)
    if key in keys:
        items[keys.index(key)] = value
    else:
        keys.append(key)
        items.append(value)
    change(low, container, items, tuple(keys), node)


def hashable_key(low: Lowering, key: Any, node: ast.AST) -> Any:
    """The value of a dict key, which must be known before the run."""
    if isinstance(key, Const) or (isinstance(key, Ref) and isinstance(key.value, enum.Enum)):
        return key.value
    if isinstance(key, Aggregate) and key.kind is tuple:
        return tuple(hashable_key(low, k, node) for k in key.items)
    low.need(key)
    raise low.unsupported(node, "a dict key that is not known before the run", "Use a list or an array and an index.")


def as_run_time_list(low: Lowering, container: Any, node: ast.AST) -> Any:
    """The same list, held by the run from here on."""
    made = low.as_list(container)
    if made is None:
        raise low.unsupported(node, "an index into a list of unlike items must be known before the run", "Use one list for each kind.")
    low.heap.write(container, made, changed=False)
    return made


def set_in_list(low: Lowering, xs: Any, key: Any, value: Any, node: ast.AST, same: bool = False) -> None:
    """A store into a list of unknown length, or into an item of its items; ``same`` item as before, with new contents?"""
    if isinstance(key, SliceAtom) and not tables.is_table(xs):
        containers.set_slice(low, xs, key, value, node)
        return
    if isinstance(type_of(xs).item, ListT) and low.boxes:
        value = boxed(low, value)
    value, new = put_in(low, value)
    xs, path = path_of(low, xs, key)
    t = type_of(xs)
    expect_alone(low, xs, path.items[:-1])
    if len(path.items) == 1:
        if isinstance(t, DictT):
            t = tables.with_key(t, tables.key_type(low, key, node), type_of(value))
            if t is None:
                raise low.unsupported(
                    node, "a dict of unknown keys whose values are of different kinds", "Use one dict for each kind of value."
                )
        else:
            t = ListT(t.kind, join(t.item, type_of(value)) if t.item is not None else type_of(value))
        made = low.build.call(emitted.set_item, xs, key, value, hint=xs.hint, form="store", type=t)
    else:
        t = with_item(t, path.items, type_of(value)) or t
        made = low.build.call(emitted.set_in, xs, path, value, hint=xs.hint, type=t)
    low.heap.keeps_places(made, xs, None if same or isinstance(type_of(value), ScalarT) else len(path.items) - 1)
    if new and len(path.items) == 1 and not same:
        low.heap.unlike[made] = low.heap.unlike.get(xs, made)
    low.heap.write(xs, made)


# -- attributes -------------------------------------------------------------------------------------------


def set_attribute(low: Lowering, owner: Any, name: str, value: Any, node: ast.AST) -> None:
    """``owner.name = value`` of an object whose parts are known."""
    owner = as_held(low, owner)
    t = type_of(owner) if not isinstance(owner, Compiletime) else None
    kind = kind_of_number(t)
    if kind is not None and not hasattr(kind, name) and low.guarded:
        no_attribute(low, kind, name)
        return
    if not isinstance(t, AggregateT) or t.kind in (tuple, list, dict):
        raise low.unsupported(
            node, f"a store into the attribute {name} of this kind of value cannot be differentiated",
            "Use a local variable.",
        )  # fmt: skip
    member = inspect.getattr_static(t.kind, name, None)
    if isinstance(member, property) and member.fset is not None:
        calls.call_object(low, member.fset, name, (owner, value), {}, node, "")
        return
    if low.boxes and low.heap.is_held_by_run(owner) and name in (t.keys or ()) and is_mutable(t.kind):
        store_in_run(low, owner, Const(name), value, node)
        return
    owner = opened(low, owner, node)
    keys, items = list(owner.keys or ()), list(owner.items)
    if name in keys:
        items[keys.index(name)] = value
    else:
        keys.append(name)
        items.append(value)
    change(low, owner, items, tuple(keys), node)


# -- augmented assignment ---------------------------------------------------------------------------------


def augment(low: Lowering, stmt: ast.AugAssign) -> None:
    """``x += v``: a new value for numbers, in place for arrays and lists."""
    op, target = BINARY[type(stmt.op)], stmt.target
    if isinstance(target, ast.Name):
        old = low.expr(ast.copy_location(ast.Name(target.id, ast.Load()), target))
        new = _augmented(low, op, old, low.expr(stmt.value), stmt, target.id)
        if new is not None:
            low.bind(target.id, new)
        return
    container = low.expr(target.value)
    if isinstance(target, ast.Attribute):
        old = attribute_of(low, container, target.attr, target)
        new = _augmented(low, op, old, low.expr(stmt.value), stmt)
        if new is not None:
            set_attribute(low, low.now(container), target.attr, new, target)
        return
    key = low.expr(target.slice)
    old = item(low, container, key, target)
    value = low.expr(stmt.value)
    low.at(stmt)
    container = low.now(container)
    if isinstance(type_of(container), ArrayT):
        set_item(low, container, key, arithmetic(low, op, low.now(old), value, stmt), target)
        return
    new = _augmented(low, op, old, value, stmt)
    if new is not None:
        set_item(low, container, key, new, target)


def _augmented(low: Lowering, op: Any, old: Any, value: Any, stmt: ast.AugAssign, hint: str = "") -> Any:
    """The new value; None if the old one was changed in place."""
    low.at(stmt)
    old, value = low.now(old), low.now(value)
    t = type_of(old) if not isinstance(old, Compiletime) else None
    if isinstance(t, ArrayT):
        refuse_truncation(low, t, as_numbers(low, value, stmt), stmt)
        set_in_array(low, old, Const(Ellipsis), arithmetic(low, op, old, value, stmt), stmt)
        return None
    if isinstance(t, (AggregateT, ListT)) and t.kind is list and op is operator.add:
        containers.extend(low, old, value, stmt)
        return None
    if isinstance(t, AggregateT) and t.kind not in (tuple, list, dict):
        method = inspect.getattr_static(t.kind, f"__i{op.__name__.strip('_')}__", None)
        if method is not None:
            return calls.call_object(low, method, op.__name__, (old, value), {}, stmt, "")
    return arithmetic(low, op, old, value, stmt, hint)


# -- del --------------------------------------------------------------------------------------------------


def delete(low: Lowering, stmt: ast.Delete) -> None:
    for target in stmt.targets:
        if isinstance(target, ast.Name):
            low.frame.env[target.id] = UNDEFINED
        elif isinstance(target, ast.Subscript):
            delete_item(low, low.expr(target.value), low.expr(target.slice), target)
        else:
            raise low.unsupported(target, "del of an attribute cannot be differentiated", "Bind it to None instead.")


def delete_item(low: Lowering, container: Any, key: Any, node: ast.AST) -> None:
    if containers.kind_of(container) is dict and not tables.known_key(key):
        container = tables.held_table(low, container, node, changes=True)
    if isinstance(container, Var) and tables.is_table(container):
        tables.remove(low, container, key)
        return
    if containers.kind_of(container) is list and not (isinstance(type_of(container), AggregateT) and tables.known_key(key)):
        low.need(key)
        containers.delete_part(low, container, key, node)
        return
    if not isinstance(container, (Var, Aggregate)) or not isinstance(type_of(container), AggregateT):
        raise low.unsupported(node, "del of this kind of item cannot be differentiated", "Build a new list without it.")
    container = opened(low, container, node)
    keys, items = list(container.labels), list(container.items)
    at = hashable_key(low, key, node)
    where = keys.index(at if container.kind is dict or at >= 0 else at + len(items))
    del keys[where], items[where]
    change(low, container, items, tuple(keys) if container.keys is not None else None, node)


