"""Lowering of lists, tuples and dicts: operators, methods and comprehensions.

A container whose parts are known is an ``Aggregate``; a list whose length only the run knows is a value of its own, changed
by ``append`` and the like, each of which makes a new value of the same list (see ``heap``).
"""

from __future__ import annotations

import ast
import dataclasses
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted

from . import tables
from .boxes import append_to_item, as_held, put_in
from .builder import type_of
from .ir import Aggregate, Call, Const, Ref, SliceAtom, Var
from .loops import unrolled
from .operators import COMPARE
from .types import INT, OPAQUE, AggregateT, ArrayT, ListT, OpaqueT, RangeT, ScalarT, is_numeric, join, join_all
from .values import BoundMethod, Compiletime, Stream, is_iterator

if TYPE_CHECKING:
    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]
SEQUENCES = (list, tuple)


def kind_of(atom: Any) -> Any:
    """list, tuple or dict, for containers; else None."""
    t = type_of(atom) if not isinstance(atom, Compiletime) else None
    return t.kind if isinstance(t, (AggregateT, ListT)) else None


def parts_of(low: Lowering, atom: Any, node: ast.AST) -> list[Any] | None:
    """The items of a container of known length."""
    if isinstance(atom, Aggregate):
        return list(atom.items)
    t = type_of(atom)
    return low.unpack_all(atom, node) if isinstance(t, AggregateT) and t.kind in SEQUENCES else None


# -- operators --------------------------------------------------------------------------------------------


def joined(low: Lowering, fn: Any, left: Any, right: Any, node: ast.AST, hint: str) -> Any:
    """``xs + ys`` and ``xs * n``; None where neither is meant."""
    kinds = kind_of(left), kind_of(right)
    if fn is operator.add and kinds[0] in SEQUENCES and kinds[0] is kinds[1]:
        parts = parts_of(low, left, node), parts_of(low, right, node)
        if parts[0] is not None and parts[1] is not None:
            return Aggregate(kinds[0], (*parts[0], *parts[1]))
        lists = _both_lists(low, left, right, node)
        return low.build.call(operator.add, *lists, hint=hint, form="operator", type=_joined_type(left, right))
    if fn is operator.mul and kinds[1] in SEQUENCES and kinds[0] is None:
        left, right, kinds = right, left, (kinds[1], kinds[0])
    if fn is operator.mul and kinds[0] in SEQUENCES and kinds[1] is None and _is_count(right):
        return _repeated(low, left, right, node, hint)
    return None


def _is_count(atom: Any) -> bool:
    t = type_of(atom)
    return isinstance(t, ScalarT) and t.dtype.kind in "iu"


def _both_lists(low: Lowering, left: Any, right: Any, node: ast.AST) -> list[Any]:
    made = [low.as_list(x) for x in (left, right)]
    if any(m is None for m in made):
        raise low.unsupported(node, "lists of unlike items, one of unknown length, cannot be joined", "Use arrays.")
    return made


def _joined_type(left: Any, right: Any) -> Any:
    types = [type_of(x) for x in (left, right)]
    kind = types[0].kind
    items = [t.item if isinstance(t, ListT) else join_all(t.items) for t in types]
    return join(ListT(kind, items[0]), ListT(kind, items[1]))


def _repeated(low: Lowering, xs: Any, count: Any, node: ast.AST, hint: str) -> Any:
    parts = parts_of(low, xs, node)
    if parts is not None and isinstance(count, Const):
        return Aggregate(kind_of(xs), tuple(parts) * count.value)
    made = low.as_list(xs)
    if made is None or not isinstance(type_of(made).item, ScalarT):
        raise low.unsupported(
            node, "a list of arrays or lists, repeated an unknown number of times, holds the same object many times",
            "Use a list comprehension, or np.zeros((n, m)).",
        )  # fmt: skip
    return low.build.call(emitted.repeat, made, count, hint=hint, form="operator", type=type_of(made))


def as_operand(low: Lowering, side: Any, other: Any, node: ast.AST) -> Any:
    """A list beside an array in arithmetic is an array; beside a number it is the user's error."""
    from .calls import primitive

    if kind_of(side) is None:
        return side
    if kind_of(side) in SEQUENCES and is_numeric(type_of(other)) and not isinstance(type_of(other), (ScalarT,)):
        return primitive(low, np.array, (side,), {}, node)
    if kind_of(side) in SEQUENCES and isinstance(type_of(other), ScalarT) and type_of(other).weak is False:
        return primitive(low, np.array, (side,), {}, node)
    raise low.unsupported(node, "arithmetic on a list, tuple or dict cannot be differentiated", "Use np.array(...).")


def compared(low: Lowering, op: ast.cmpop, left: Any, right: Any, node: ast.AST) -> Any:
    """``==`` of containers part by part; an array beside a list compares as arrays do."""
    from .expressions import comparison

    if kind_of(left) is None or kind_of(right) is None:
        sides = [as_operand(low, a, b, node) for a, b in ((left, right), (right, left))]
        return comparison(low, op, *sides, node)
    if not isinstance(op, (ast.Eq, ast.NotEq)):
        return _ordered(low, op, left, right, node)
    equal = isinstance(op, ast.Eq)
    if type_of(left).kind is not type_of(right).kind or len(type_of(left).items) != len(type_of(right).items):
        return Const(not equal)
    result: Any = Const(True)
    for x, y in zip(low.unpack_all(left, node), low.unpack_all(right, node)):
        test = comparison(low, ast.Eq(), x, y, node)
        if isinstance(test, Const):
            if not test.value:
                return Const(not equal)
            continue
        result = test if isinstance(result, Const) else low.build.call(emitted.both, result, test, type=type_of(test))
    if isinstance(result, Const):
        return Const(bool(result.value) == equal)
    return result if equal else low.build.call(operator.not_, result, form="operator")


def _ordered(low: Lowering, op: ast.cmpop, left: Any, right: Any, node: ast.AST) -> Any:
    """``<`` of sequences: that of the first parts that differ, else that of the lengths."""
    from .expressions import comparison

    sides = [parts_of(low, side, node) if kind_of(side) in SEQUENCES else None for side in (left, right)]
    if sides[0] is None or sides[1] is None or kind_of(left) is not kind_of(right):
        raise low.unsupported(node, "the order of two containers cannot be asked here", "Compare their parts.")

    def rest(at: int) -> Any:
        if at == min(map(len, sides)):  # type: ignore[arg-type]
            return Const(bool(COMPARE[type(op)](*map(len, sides))))  # type: ignore[arg-type]
        x, y = sides[0][at], sides[1][at]
        same = comparison(low, ast.Eq(), x, y, node)
        if isinstance(same, Const):
            return rest(at + 1) if same.value else comparison(low, op, x, y, node)
        return low.choose(same, lambda: rest(at + 1), lambda: comparison(low, op, x, y, node), node)

    return rest(0)


def item_of(low: Lowering, container: Any, key: Any, node: ast.AST, hint: str) -> Any:
    """An item of a container of known parts, at an index that only the run knows."""
    from .stores import as_run_time_list, hashable_key

    if kind_of(container) is dict and not tables.known_key(key):
        low.need(key)
        return tables.item(low, tables.held_table(low, container, node), key, hint)
    if kind_of(container) is dict:
        known = hashable_key(low, key, node)
        return low.build.call(operator.getitem, container, Const(known), hint=hint)
    low.need(key)
    for part in key.items if isinstance(key, Aggregate) else ():
        low.need(part)
    if isinstance(container, Aggregate) and container.ident is not None and kind_of(container) is list:
        container = as_run_time_list(low, container, node)
    elif isinstance(container, Aggregate):
        made = low.as_list(container)
        if made is None:
            raise low.unsupported(node, "an index into unlike items must be known before the run", "Choose with if/elif.")
        container = made
    made = low.build.call(operator.getitem, container, key, hint=hint, form="operator")
    low.heap.watch(made, operator.getitem, (container, key), (), "operator")
    return made


def item_from_outside(low: Lowering, container: Ref, key: Any, node: ast.AST, hint: str) -> Any:
    """An item of an object that is not the program's: looked up now where the key is known."""
    if container.value is np.r_ or container.value is np.c_:
        return _concatenated(low, container, key, node, hint)
    known = hashable(low, key, node)
    try:
        return low.found(container.value[known], f"{container.text}[{known!r}]", node)
    except (KeyError, IndexError, TypeError):  # the user's own error, where the run gets here
        return low.build.let(Call(operator.getitem, (container, key), (), "operator"), OPAQUE, hint)


def hashable(low: Lowering, key: Any, node: ast.AST) -> Any:
    from .stores import hashable_key

    return key.value if isinstance(key, Ref) else hashable_key(low, key, node)


def _concatenated(low: Lowering, container: Ref, key: Any, node: ast.AST, hint: str) -> Any:
    """``np.r_[a, b]`` and ``np.c_[a, b]`` of numbers and arrays."""
    from .calls import primitive

    parts = list(key.items) if isinstance(key, Aggregate) and key.kind is tuple else [key]
    parts = [_as_pieces(low, p, node) for p in parts]
    types = [type_of(p) if not isinstance(p, (SliceAtom, *Compiletime)) else None for p in parts]
    if not all(isinstance(t, (ArrayT, ScalarT)) for t in types) or {t.dtype for t in types if isinstance(t, ArrayT)} - JOINED:
        raise low.unsupported(node, f"{container.text} of strings, or of other than float64 and int64", "Use np.concatenate.")
    ranks = {t.ndim for t in types}
    if container.value is np.c_ and max(ranks) <= 2:
        return primitive(low, np.column_stack, (Aggregate(tuple, tuple(parts)),), {}, node, hint)
    if container.value is np.r_ and ranks <= {0, 1}:
        whole = [p if t.ndim else low.build.call(np.atleast_1d, p) for p, t in zip(parts, types)]
        return primitive(low, np.concatenate, (Aggregate(tuple, tuple(whole)),), {}, node, hint)
    raise low.unsupported(node, f"{container.text} of matrices cannot be differentiated", "Use np.concatenate.")


def _as_pieces(low: Lowering, part: Any, node: ast.AST) -> Any:
    """A list among the parts of ``np.r_`` is an array, and a slice a range of numbers."""
    from .calls import primitive

    if isinstance(part, SliceAtom):
        first = Const(0) if part.start == Const(None) else part.start
        step = Const(1) if part.step == Const(None) else part.step
        if isinstance(step, Const) and isinstance(step.value, complex):
            return primitive(low, np.linspace, (first, part.stop, Const(int(abs(step.value)))), {}, node)
        return part if part.stop == Const(None) else primitive(low, np.arange, (first, part.stop, step), {}, node)
    if not isinstance(part, Compiletime) and isinstance(type_of(part), (AggregateT, ListT)):
        return primitive(low, np.array, (low.now(part),), {}, node)
    return part


#: The dtypes that ``np.r_`` joins as ``np.concatenate`` does, numbers among them.
JOINED = {np.dtype(float), np.dtype(int)}


# -- methods ----------------------------------------------------------------------------------------------


def method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """A method of a list, tuple or dict."""
    fn = dataclasses.replace(fn, owner=as_held(low, fn.owner)) if fn.name in CHANGING else fn
    kind = kind_of(fn.owner)
    known = isinstance(type_of(fn.owner), AggregateT)
    if kind is dict and known and fn.name in BY_KEY and args and not tables.known_key(args[0]):
        low.need(args[0])
        fn, known = dataclasses.replace(fn, owner=tables.held_table(low, fn.owner, node, fn.name != "get")), False
    if kind is dict and known and fn.name == "update" and any(map(tables.is_table, args)):
        fn, known = dataclasses.replace(fn, owner=tables.held_table(low, fn.owner, node, changes=True)), False
    if kind is dict and not known:
        return tables.method(low, fn, args, kwargs, node)
    if kind is None:
        raise low.unsupported(node, f"{fn.name} of items whose type is not known before the run", "Use items of one type.")
    table = {list: LIST if known else RUN_TIME_LIST, tuple: TUPLE, dict: DICT}[kind]
    lower = table.get(fn.name)
    if lower is None:
        what = f"{kind.__name__}.{fn.name}"
        raise low.unsupported(
            node, f"{what} cannot be differentiated" + ("" if known else " on a list of unknown length"),
            "Build a new container.",
        )  # fmt: skip
    return lower(low, fn.owner, args, kwargs, node)


def _changed(low: Lowering, xs: Any, items: Any, node: ast.AST, keys: Any = None) -> Any:
    from .stores import change

    change(low, xs, items, keys, node)
    return Const(None)


def _append(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return _changed(low, xs, [*low.unpack_all(xs, node), args[0]], node)


def extend(low: Lowering, xs: Any, more: Any, node: ast.AST) -> Any:
    """``xs.extend(more)``, ``xs += more``."""
    added = unrolled(low, more, node)
    if isinstance(type_of(xs), AggregateT) and added is not None:
        return _changed(low, xs, [*low.unpack_all(xs, node), *added], node)
    for_each(low, more, lambda item: method(low, BoundMethod(low.now(xs), "append"), (item,), {}, node), node)
    return Const(None)


def _extend(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return extend(low, xs, args[0], node)


def _insert(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    at = _known_int(low, args[0])
    if at is None:
        return _insert_at_run_time(low, _held_by_the_run(low, xs, node), args, kwargs, node)
    items = low.unpack_all(xs, node)
    items.insert(at, args[1])
    return _changed(low, xs, items, node)


def _pop(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    at = _known_int(low, args[0]) if args else -1
    if at is None:
        return _pop_at_run_time(low, _held_by_the_run(low, xs, node), args, kwargs, node)
    items = low.unpack_all(xs, node)
    if not -len(items) <= at < len(items):
        raise low.unsupported(node, "pop from a list that has no such item", "Ask for its length first: if len(xs) > k.")
    value = items.pop(at)
    _changed(low, xs, items, node)
    return value


def _known_int(low: Lowering, atom: Any) -> int | None:
    if isinstance(atom, Const) and isinstance(atom.value, int):
        return atom.value
    low.need(atom)
    return None


def _held_by_the_run(low: Lowering, xs: Any, node: ast.AST) -> Any:
    from .stores import as_run_time_list

    return as_run_time_list(low, xs, node)


def _clear(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return _changed(low, xs, [], node, () if kind_of(xs) is dict else None)


def _reverse(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return _changed(low, xs, low.unpack_all(xs, node)[::-1], node)


def _copy(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    t = type_of(xs)
    if t.kind is dict:
        table = low.unpack_mapping(xs, node)
        return Aggregate(dict, tuple(table.values()), tuple(table))
    return Aggregate(t.kind, tuple(low.unpack_all(xs, node)))


def _known_values(low: Lowering, xs: Any, wanted: Any, node: ast.AST) -> list[Any] | None:
    """The items of a sequence, if they and what is looked for among them are known before the run."""
    items = parts_of(low, xs, node)
    if items is None:
        return None
    return [i.value for i in items] if all(isinstance(i, (Const, Ref)) for i in (wanted, *items)) else None


def _index(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    values = _known_values(low, xs, args[0], node)
    if values is not None and args[0].value in values:
        return Const(values.index(args[0].value))
    from . import spelt

    return spelt.enter(low, spelt.index_of, (xs, args[0]), {}, node)


def _count(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    values = _known_values(low, xs, args[0], node)
    if values is not None:
        return Const(values.count(args[0].value))
    from . import spelt

    return spelt.enter(low, spelt.count_of, (xs, args[0]), {}, node)


def _remove(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    from . import spelt

    values = _known_values(low, xs, args[0], node)
    if values is not None and args[0].value in values:
        items = low.unpack_all(xs, node)
        del items[values.index(args[0].value)]
        return _changed(low, xs, items, node)
    return spelt.enter(low, spelt.remove_from, (xs, args[0]), {}, node)


def _sort(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """``xs.sort()`` is ``xs[:] = sorted(xs)``."""
    from .calls import BUILTINS

    made = low.now(BUILTINS[sorted](low, (xs, *args), kwargs, node, ""))
    if isinstance(made, Aggregate) and isinstance(type_of(xs), AggregateT):
        return _changed(low, xs, made.items, node)
    return _rewritten(low, xs if isinstance(xs, Var) else _held_by_the_run(low, xs, node), [made])


def _pop_left(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return method(low, BoundMethod(xs, "pop"), (Const(0),), {}, node)


def _append_left(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return method(low, BoundMethod(xs, "insert"), (Const(0), args[0]), {}, node)


def _stream(kind: str) -> Any:
    def make(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        return Stream(kind, (table,))

    return make


def _get(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    from .stores import hashable_key

    known = low.unpack_mapping(table, node)
    return known.get(hashable_key(low, args[0], node), args[1] if len(args) > 1 else Const(None))


def _setdefault(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    from .stores import hashable_key, set_item

    known, key = low.unpack_mapping(table, node), hashable_key(low, args[0], node)
    if key not in known:
        set_item(low, table, Const(key), args[1], node)
        return args[1]
    return known[key]


def _update(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    known = low.unpack_mapping(table, node)
    for arg in args:
        known.update(low.unpack_mapping(arg, node))
    known.update(kwargs)
    return _changed(low, table, list(known.values()), node, tuple(known))


def _pop_key(low: Lowering, table: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    from .stores import hashable_key

    known, key = low.unpack_mapping(table, node), hashable_key(low, args[0], node)
    if key not in known:
        if len(args) > 1:
            return args[1]
        raise low.unsupported(node, f"the dict has no key {key!r}", "Give a default: table.pop(key, None).")
    value = known.pop(key)
    _changed(low, table, list(known.values()), node, tuple(known))
    return value


def _append_at_run_time(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    if low.heap.view_of(xs) is not None:
        append_to_item(low, xs, args[0], node)
        return Const(None)
    t, value, new = type_of(xs), *put_in(low, args[0])
    item = type_of(value) if not isinstance(value, Compiletime) else OpaqueT()
    made = join(t, ListT(list, item))
    if isinstance(made, OpaqueT):
        raise low.unsupported(node, "a list of unknown length whose items are of different kinds", "Use one list for each kind.")
    longer = low.build.call(emitted.append, xs, value, hint=xs.hint, form="store", type=made)
    low.heap.is_longer(longer, xs, new)
    low.heap.write(xs, longer)
    low.heap.is_last(value, longer)
    return Const(None)


def _pop_at_run_time(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    if args and not (isinstance(args[0], Const) and args[0].value == -1):
        return _pop_from_middle(low, xs, args[0], node)
    value = low.build.call(operator.getitem, xs, Const(-1), form="operator")
    low.heap.write(xs, low.build.call(emitted.drop_last, xs, hint=xs.hint, form="store", type=type_of(xs)))
    return value


def _pop_from_middle(low: Lowering, xs: Any, key: Any, node: ast.AST) -> Any:
    """``xs.pop(k)`` is ``xs = xs[:k] + xs[k + 1 :]``."""
    at = _position(low, xs, key)
    value = item_of(low, xs, at, node, "")
    after = low.build.call(operator.add, at, Const(1), form="operator")
    _rewritten(low, xs, [_slice(low, xs, Const(None), at), _slice(low, xs, after, Const(None))])
    return value


def delete_part(low: Lowering, xs: Any, key: Any, node: ast.AST) -> None:
    """``del xs[k]``, ``del xs[a:b]``."""
    if isinstance(xs, Aggregate) and isinstance(key, SliceAtom) and all(isinstance(p, Const) for p in (key.start, key.stop, key.step)):
        items = low.unpack_all(xs, node)
        del items[slice(*(p.value for p in (key.start, key.stop, key.step)))]  # type: ignore[union-attr]
        _changed(low, xs, items, node)
        return
    xs = _held_by_the_run(low, xs, node) if isinstance(xs, Aggregate) else xs
    if isinstance(key, SliceAtom):
        set_slice(low, xs, key, Aggregate(list, ()), node)
    else:
        at = _position(low, xs, key)
        _rewritten(low, xs, [_slice(low, xs, Const(None), at), _slice(low, xs, _next_to(low, at), Const(None))])


def set_slice(low: Lowering, xs: Any, key: SliceAtom, value: Any, node: ast.AST) -> None:
    """``xs[a:b] = ys`` is ``xs = xs[:a] + ys + xs[b:]``, with both ends as the slice has them."""
    if not (isinstance(key.step, Const) and key.step.value in (None, 1)):
        raise low.unsupported(node, "a store into every other item of a list", "Store item by item, or use an array.")
    new = value if isinstance(value, Aggregate) and not value.items else _both_lists(low, value, xs, node)[0]
    places = low.build.let(Call(range, (low.build.call(len, xs),)), RangeT())
    cut = low.build.let(Call(operator.getitem, (places, key), (), "operator"), RangeT())
    start, stop = (low.build.attribute(cut, name, INT) for name in ("start", "stop"))
    end = low.build.call(max, start, stop)
    middle = [] if new is value and isinstance(value, Aggregate) else [new]
    _rewritten(low, xs, [_slice(low, xs, Const(None), start), *middle, _slice(low, xs, end, Const(None))])


def _next_to(low: Lowering, at: Any) -> Any:
    return low.build.call(operator.add, at, Const(1), form="operator")


def _position(low: Lowering, xs: Any, key: Any) -> Any:
    """An index counted from the front."""
    if isinstance(key, Const) and key.value >= 0:
        return key
    places = low.build.let(Call(range, (low.build.call(len, xs),)), RangeT())
    return low.build.let(Call(operator.getitem, (places, key), (), "operator"), INT)


def _slice(low: Lowering, xs: Any, start: Any, stop: Any, step: Any = Const(None)) -> Any:
    return low.build.let(Call(operator.getitem, (xs, SliceAtom(start, stop, step)), (), "operator"), type_of(xs))


def _rewritten(low: Lowering, xs: Any, parts: list[Any]) -> Any:
    """The list is from now on these lists, one behind the other."""
    whole = parts[0]
    for part in parts[1:]:
        whole = low.build.call(operator.add, whole, part, form="operator", hint=xs.hint, type=_joined_type(whole, part))
    low.heap.write(xs, whole)
    return Const(None)


def _insert_at_run_time(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """``xs.insert(k, x)`` is ``xs = xs[:k] + [x] + xs[k:]``."""
    one = _both_lists(low, Aggregate(list, (args[1],)), xs, node)[0]
    return _rewritten(low, xs, [_slice(low, xs, Const(None), args[0]), one, _slice(low, xs, args[0], Const(None))])


def _reverse_at_run_time(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return _rewritten(low, xs, [_slice(low, xs, Const(None), Const(None), Const(-1))])


def _copy_at_run_time(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    return low.build.let(Call(list, (xs,)), type_of(xs))


def _clear_at_run_time(low: Lowering, xs: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    low.heap.write(xs, low.build.let(Call(list, ()), type_of(xs), xs.hint))
    return Const(None)


BY_KEY = {"get", "setdefault", "pop"}
#: Methods that change the container.
CHANGING = {"append", "extend", "insert", "pop", "clear", "reverse", "sort", "remove", "popleft", "appendleft", "setdefault", "update"}

Table = dict[str, Callable[..., Any]]
TUPLE: Table = {"index": _index, "count": _count}
LIST: Table = {
    **TUPLE, "append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "clear": _clear, "reverse": _reverse, "copy": _copy,
    "remove": _remove, "sort": _sort, "popleft": _pop_left, "appendleft": _append_left,
}  # fmt: skip
DICT: Table = {
    "items": _stream("items"), "keys": _stream("keys"), "values": _stream("values"), "get": _get, "setdefault": _setdefault,
    "update": _update, "pop": _pop_key, "copy": _copy, "clear": _clear,
}  # fmt: skip
RUN_TIME_LIST: Table = {
    "append": _append_at_run_time, "extend": _extend, "pop": _pop_at_run_time, "copy": _copy_at_run_time, "clear": _clear_at_run_time,
    "insert": _insert_at_run_time, "reverse": _reverse_at_run_time, "index": _index, "count": _count, "remove": _remove, "sort": _sort,
    "popleft": _pop_left, "appendleft": _append_left,
}  # fmt: skip


# -- comprehensions ---------------------------------------------------------------------------------------


def comprehension(low: Lowering, node: Any, hint: str) -> Any:
    """``[e for x in xs if c]`` as a list that a loop fills; its names are its own."""
    result = "%list"

    def append() -> None:
        method(low, BoundMethod(low.now(low.frame.env[result]), "append"), (low.expr(node.elt),), {}, node)

    return _collected(low, node, result, low.heap.new(list, (), hint=hint), append)


def dict_comprehension(low: Lowering, node: ast.DictComp, hint: str) -> Any:
    from .stores import set_item

    def store() -> None:
        key = low.expr(node.key)
        set_item(low, low.now(low.frame.env["%dict"]), key, low.expr(node.value), node)

    return _collected(low, node, "%dict", low.heap.new(dict, (), ()), store)


def _collected(low: Lowering, node: Any, result: str, empty: Any, collect: Callable[[], None]) -> Any:
    """Loops around ``collect``, in a scope that keeps the names they bind to itself."""
    first = low.expr(node.generators[0].iter)  # read outside: it may have the name of a variable of the loops
    if is_iterator(first):
        raise low.unsupported(node, "a comprehension over an iterator", "Make a list of what is left first: list(it).")
    names = [n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)]
    names += [result, "%first"]
    hidden = {name: low.frame.env.pop(name) for name in names if name in low.frame.env}
    low.frame.env.update({result: empty, "%first": first})
    try:
        low.block([_nested_loops(node, collect)])
        return low.now(low.frame.env[result])
    finally:
        for name in names:
            low.frame.env.pop(name, None)
        low.frame.env.update(hidden)


class Collect(ast.stmt):
    """The innermost statement of a comprehension: ``run()`` adds one item."""

    _fields = ()

    def __init__(self, run: Callable[[], None]) -> None:
        super().__init__()
        self.run = run


def _nested_loops(node: Any, collect: Callable[[], None]) -> ast.stmt:
    body: ast.stmt = ast.copy_location(Collect(collect), node)
    for generator in reversed(node.generators):
        for test in reversed(generator.ifs):
            body = ast.copy_location(ast.If(test, [body], []), test)
        source = generator.iter if generator is not node.generators[0] else _named("%first", node)
        body = ast.copy_location(ast.For(generator.target, source, [body], []), node)
    return body


def _named(name: str, node: ast.AST) -> ast.expr:
    return ast.copy_location(ast.Name(name, ast.Load()), node)


def for_each(low: Lowering, items: Any, body: Callable[[Any], Any], node: ast.AST) -> None:
    """Run ``body(item)`` for each item of a value that is already lowered, as a loop where it must be one."""
    target, source = "%item", "%items"
    env = low.frame.env
    hidden = {name: env[name] for name in (target, source) if name in env}
    env[source] = items

    def run() -> None:
        body(low.now(low.frame.env[target]))

    loop = ast.For(ast.Name(target, ast.Store()), ast.Name(source, ast.Load()), [Collect(run)], [])
    for part in ast.walk(loop):
        ast.copy_location(part, node)
    try:
        low.block([loop])
    finally:
        for name in (target, source):
            low.frame.env.pop(name, None)
        low.frame.env.update(hidden)
