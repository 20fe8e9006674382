"""Lowering of functions whose meaning is known: Python's built-ins, NumPy's that write, array methods that do more than compute."""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import inspect
import math
import operator
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted, numerics, standins
from retrograd.runtime.errors import NoRule

from . import calls, containers, spelt, stores, tables
from .analysis.ownership import class_refs
from .builder import type_of
from .calls import Args, Kwargs, call, primitive
from .expressions import arithmetic, attribute_of, comparison, item
from .heap import Piece, View, is_mutable
from .ir import Aggregate, Call, Const, Ref, SliceAtom, Var
from .loops import unrolled
from .types import BOOL, INT, AggregateT, ArrayT, ConstT, DictT, ListT, NumberT, OpaqueT, RangeT, ScalarT, is_object
from .values import BoundMethod, Compiletime, Derivative, LocalFunction, Partial, Stream, Super

if TYPE_CHECKING:
    from .lower import Lowering


# -- NumPy functions and methods that write ---------------------------------------------------------------


def _copyto(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    mask = kwargs.get("where")
    value = args[1] if mask is None else primitive(low, np.where, (mask, args[1], args[0]), {}, node)
    stores.set_item(low, args[0], Const(Ellipsis), value, node)
    return Const(None)


def _at(sign: int) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``np.add.at(a, key, v)``: every index counts as often as it occurs."""
        array, key, value = args
        if not isinstance(type_of(array), ArrayT) or array in low.heap.views:
            return NotImplemented
        stores.refuse_truncation(low, type_of(array), value, node)
        value = value if sign > 0 else low.build.call(operator.neg, value, form="operator")
        made = low.build.call(emitted.add_at, array, key, value, hint=array.hint, form="add_at", type=type_of(array))
        low.heap.write(array, made)
        return Const(None)

    return lower


def _fill_diagonal(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t = type_of(args[0])
    if len(args) > 2 or kwargs or not isinstance(t, ArrayT) or t.ndim != 2:
        return NotImplemented
    shape = low.build.call(np.shape, args[0], form="attribute:shape")
    sides = [low.build.call(operator.getitem, shape, Const(k), form="operator") for k in (0, 1)]
    at = low.build.call(np.arange, low.build.call(min, *sides))
    stores.set_item(low, args[0], Aggregate(tuple, (at, at)), args[1], node)
    return Const(None)


def _putmask(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if not isinstance(type_of(args[2]), ScalarT):
        return NotImplemented
    stores.set_item(low, args[0], args[1], args[2], node)
    return Const(None)


def _fill(low: Lowering, array: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    if not isinstance(type_of(array), ArrayT):
        return NotImplemented
    stores.set_item(low, array, Const(Ellipsis), args[0], node)
    return Const(None)


def _sort_in_place(low: Lowering, array: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    if not isinstance(type_of(array), ArrayT):
        return NotImplemented
    stores.set_item(low, array, Const(Ellipsis), primitive(low, np.sort, (array, *args), kwargs, node), node)
    return Const(None)


def _setflags(low: Lowering, array: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """Protecting an array from writes changes no number."""
    return Const(None) if isinstance(type_of(array), ArrayT) else NotImplemented


def _tolist(low: Lowering, array: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """The items as Python numbers, in lists in lists."""
    t = type_of(array)
    if isinstance(t, ScalarT):
        return primitive(low, np.ndarray.item, (array,), {}, node, "", "method:item")
    if not isinstance(t, ArrayT):
        return NotImplemented
    if not t.ndim:
        return primitive(low, np.ndarray.item, (array,), {}, node, "", "method:item")
    made = low.heap.new(list, ())

    def add(item: Any) -> None:
        containers.method(low, BoundMethod(low.now(made), "append"), (_tolist(low, item, (), {}, node),), {}, node)

    containers.for_each(low, array, add, node)
    return low.now(made)


# -- NumPy functions by another name ----------------------------------------------------------------------


def _svd(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """Without the factors, the singular values alone."""
    wanted = args[2] if len(args) > 2 else kwargs.get("compute_uv", Const(True))
    if len(args) > 3 or "hermitian" in kwargs or not isinstance(wanted, Const):
        return NotImplemented
    if wanted.value:
        left = {k: v for k, v in kwargs.items() if k != "compute_uv"}
        return primitive(low, np.linalg.svd, args[:2], left, node, hint)
    return primitive(low, np.linalg.svdvals, args[:1], {}, node, hint)


def _complex(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``complex(re, im)``."""
    parts = [*args, *(kwargs[k] for k in ("real", "imag") if k in kwargs)]
    if len(parts) != len(args) + len(kwargs) or list(kwargs) == ["imag"] or all(isinstance(p, Const) for p in parts):
        return NotImplemented
    fn = numerics.complex_of if len(parts) == 2 else complex
    return primitive(low, fn, tuple(parts), {}, node, hint)


def _einsum(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.einsum("ij,jk->ik", a, b)``."""
    if args and not isinstance(type_of(args[0]), ConstT):
        raise low.error(NoRule, node, "np.einsum has a rule for the string form only", 'Write np.einsum("ij,jk->ik", a, b).')
    return NotImplemented


def _split(fn: Any, axis_of: Callable[[int], int] | None = None) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """A list of the program's own, of views of the array."""
        parameters = ("ary", "indices_or_sections", "axis")
        given = {**dict(zip(parameters, args)), **kwargs}
        array, sections, axis = (given.pop(name, Const(0)) for name in parameters)
        if given or isinstance(array, Compiletime) or not isinstance(type_of(array), ArrayT) or not isinstance(array, Var):
            return NotImplemented
        if axis_of is not None:
            axis = Const(axis_of(type_of(array).ndim))
        if isinstance(sections, Aggregate):
            sections = Aggregate(tuple, sections.items)
        passed = (sections,) if isinstance(axis, Const) and axis.value == 0 else (sections, axis)
        pieces = low.build.call(fn, array, *passed, hint=hint)
        t = type_of(pieces)
        if not isinstance(t, AggregateT):
            return primitive(low, fn, (array, *passed), {}, node, hint)
        parts = [low.build.call(operator.getitem, pieces, Const(k), form="operator") for k in range(len(t.items))]
        for k, part in enumerate(parts):
            low.heap.views[part] = View(array, Piece(fn, k), (sections, axis), (), "call", array, True)
        return low.heap.new(list, tuple(parts), hint=hint)

    return lower


def _interp(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.interp`` between knots that are given as lists."""

    def as_array(atom: Any) -> Any:
        known = not isinstance(atom, Compiletime) and containers.kind_of(atom) in containers.SEQUENCES
        return primitive(low, np.array, (atom,), {}, node) if known else atom

    return primitive(low, np.interp, tuple(map(as_array, args)), {k: as_array(v) for k, v in kwargs.items()}, node, hint)


def _vectorised(low: Lowering, target: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """The function of each item, its arguments broadcast; ``np.vectorize`` returns an array whatever the rank."""
    fn = Ref(calls.of_items(target), getattr(target, "__name__", "vectorised"))
    bound = calls.bound(low, inspect.signature(fn.value), args, kwargs, node, fn.text)
    args = tuple(v if not calls.is_default(v) else low.found(v.value, k, node) for k, v in bound.items())
    types = [type_of(a) if not isinstance(a, Compiletime) else None for a in args]
    if not all(isinstance(t, (ArrayT, ScalarT, ConstT)) for t in types):
        raise low.unsupported(node, "a vectorised function of anything but numbers and arrays", "Call the function in a loop.")
    moving = [k for k, t in enumerate(types) if isinstance(t, ArrayT) and t.ndim]
    args = tuple(  # of an array of no axes, the number
        low.build.call(operator.getitem, a, Aggregate(tuple, ()), form="operator") if isinstance(t, ArrayT) and not t.ndim else a
        for a, t in zip(args, types)
    )
    if not moving:
        made = call(low, fn, args, {}, node, hint)
        return primitive(low, np.array, (made,), {}, node, hint) if type(target) is np.vectorize else made
    columns = {k: args[k] for k in moving}
    if len(moving) > 1:
        whole = primitive(low, np.broadcast_arrays, tuple(columns.values()), {}, node)
        columns = {k: low.build.call(operator.getitem, whole, Const(at), form="operator") for at, k in enumerate(moving)}
    made = low.heap.new(list, ())

    def add(item: Any) -> None:
        items = dict(zip(moving, item.items if len(moving) > 1 else (item,)))
        value = call(low, fn, tuple(items.get(k, a) for k, a in enumerate(args)), {}, node)
        containers.method(low, BoundMethod(low.now(made), "append"), (value,), {}, node)

    flat = tuple(primitive(low, np.ravel, (c,), {}, node) for c in columns.values())
    containers.for_each(low, Stream("zip", flat) if len(moving) > 1 else flat[0], add, node)
    shape = low.build.call(np.shape, columns[moving[0]], form="attribute:shape")
    return primitive(low, np.reshape, (primitive(low, np.array, (low.now(made),), {}, node), shape), {}, node, hint)


# -- dataclasses and copies -------------------------------------------------------------------------------


def _parts(low: Lowering, value: Any, node: ast.AST) -> list[Any]:
    """The attributes of an object, items of a list or values of a dict."""
    value = low.now(value)
    if isinstance(value, Aggregate):
        return list(value.items)
    t = type_of(value)
    by_name = is_object(t)
    return [attribute_of(low, value, name, node) for name in t.keys] if by_name else low.unpack_all(value, node)


def _unpacked(kind: type) -> Callable[..., Any]:
    """``dataclasses.astuple`` and ``asdict``: of dataclasses within, too; arrays are copied."""

    def convert(low: Lowering, value: Any, node: ast.AST) -> Any:
        t = type_of(value)
        if not isinstance(t, AggregateT):
            return _deep_copy(low, value, node)
        parts = tuple(convert(low, part, node) for part in _parts(low, value, node))
        if not dataclasses.is_dataclass(t.kind):
            return low.heap.new(t.kind, parts, t.keys) if t.kind in (list, dict) else Aggregate(t.kind, parts, t.keys)
        return Aggregate(tuple, parts) if kind is tuple else low.heap.new(dict, parts, t.keys)

    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        known = len(args) == 1 and not kwargs and isinstance(type_of(args[0]), AggregateT)
        return convert(low, args[0], node) if known else NotImplemented

    return lower


def _replaced(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``dataclasses.replace``."""
    t = type_of(args[0])
    if not isinstance(t, AggregateT) or not dataclasses.is_dataclass(t.kind):
        return NotImplemented
    parts = dict(zip(t.keys or (), _parts(low, args[0], node)))
    return calls.construct(low, t.kind, (), {**parts, **kwargs}, node, hint)


def _fields(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t = type_of(args[0])
    kind = t.kind if isinstance(t, AggregateT) else getattr(args[0], "value", None)
    if not dataclasses.is_dataclass(kind):
        return NotImplemented
    return Aggregate(tuple, tuple(Ref(field, f"field_{field.name}") for field in dataclasses.fields(kind)))


def _copied(deep: bool) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``copy.copy`` and ``copy.deepcopy`` of numbers, arrays, and containers and objects of them."""
        if len(args) != 1 or kwargs or isinstance(args[0], Compiletime):
            return NotImplemented
        if deep:
            return _deep_copy(low, args[0], node)
        t = type_of(args[0])
        if isinstance(t, AggregateT) and is_mutable(t.kind) and "__copy__" not in calls.defined(t.kind):
            return low.heap.new(t.kind, tuple(_parts(low, args[0], node)), t.keys, hint=hint)
        return _leaf_copy(low, args[0], node, deep=False)

    return lower


def _deep_copy(low: Lowering, value: Any, node: ast.AST) -> Any:
    t = type_of(value)
    if isinstance(t, AggregateT) and "__deepcopy__" not in calls.defined(t.kind):
        parts = tuple(_deep_copy(low, part, node) for part in _parts(low, value, node))
        return low.heap.new(t.kind, parts, t.keys) if is_mutable(t.kind) else Aggregate(t.kind, parts, t.keys)
    return _leaf_copy(low, value, node, deep=True)


def _leaf_copy(low: Lowering, value: Any, node: ast.AST, deep: bool) -> Any:
    t = type_of(value)
    if isinstance(t, (ScalarT, ConstT)):
        return value
    if isinstance(t, ArrayT):
        return primitive(low, np.copy, (value,), {"order": Const("K")}, node)
    if isinstance(t, ListT) and deep:
        made = low.build.let(Call(emitted.fresh_list, (value, *class_refs(t))), t)
        low.heap.unlike[made] = low.heap.unlike.get(value, made)
        return made
    if isinstance(t, ListT):
        return low.build.let(Call(t.kind, (value,)), t)
    raise low.unsupported(node, "a copy of this kind of value cannot be differentiated", "Copy its parts.")


# -- built-in functions -----------------------------------------------------------------------------------


def _stream(kind: str) -> Callable[..., Any]:
    def make(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        spelt.no_iterators(low, args, node)
        if kind == "enumerate":
            return Stream(kind, (args[0], args[1] if len(args) > 1 else kwargs.get("start", Const(0))))
        return Stream(kind, args)

    return make


def _length(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if isinstance(args[0], Stream):
        return NotImplemented
    t = type_of(args[0])
    return Const(len(t.items)) if isinstance(t, AggregateT) else primitive(low, len, args, kwargs, node, hint)


#: What a number or an array of unknown rank may be.
NUMBERS = (np.ndarray, bool, int, float, complex, *(np.dtype(c).type for c in np.typecodes["AllInteger"] + "?efdFD"))


def _isinstance(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    asked = args[1]
    if isinstance(asked, Var) or (isinstance(asked, Aggregate) and not all(isinstance(c, Ref) for c in asked.items)):
        return low.build.let(Call(isinstance, args), BOOL)
    classes = asked.value if isinstance(asked, Ref) else tuple(c.value for c in asked.items)
    t = type_of(args[0])
    if isinstance(t, ArrayT):
        return Const(issubclass(np.ndarray, classes))
    if isinstance(t, ScalarT):
        return _scalar_isinstance(low, args[0], t, classes)
    if isinstance(t, AggregateT):
        return Const(issubclass(t.kind, classes))
    if isinstance(t, ListT):
        return Const(issubclass(t.kind, classes))
    if isinstance(args[0], (Const, Ref)):
        return Const(isinstance(args[0].value, classes))
    if isinstance(args[0], LocalFunction):
        return Const(issubclass(FunctionType, classes))
    if isinstance(t, OpaqueT) and t.cls is not None:
        return Const(issubclass(t.cls, classes))
    if isinstance(t, NumberT):
        answers = {issubclass(c, classes) for c in NUMBERS}
        if len(answers) == 1:
            return Const(answers.pop())
    if isinstance(t, (OpaqueT, NumberT)) and not isinstance(args[0], Compiletime):
        return low.build.let(Call(isinstance, (args[0], Ref(classes, "classes"))), BOOL)
    raise low.unsupported(
        node, "isinstance of a value whose type is not known before the run", "Use callable(...), or test the value itself."
    )


def _scalar_isinstance(low: Lowering, x: Any, t: ScalarT, classes: Any) -> Any:
    python, numpy = type(t.dtype.type(0).item()), t.dtype.type
    kinds = [c for c, on in ((python, t.weak is not False), (numpy, t.weak is not True)) if on]
    answers = {issubclass(c, classes) for c in (NUMBERS[1:] if t.number else kinds)}
    if len(answers) == 1:
        return Const(answers.pop())
    return low.build.let(Call(isinstance, (x, Ref(classes, "classes"))), BOOL)


def _hasattr(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t, name = type_of(args[0]), args[1].value
    if isinstance(t, ArrayT):
        return Const(hasattr(np.ndarray, name))
    if isinstance(t, ScalarT) and t.weak is not None:
        return Const(hasattr(t.dtype.type(0).item() if t.weak else t.dtype.type(0), name))
    if isinstance(t, AggregateT):
        return Const(name in (t.keys or ()) and t.kind is not dict or hasattr(t.kind, name))
    if isinstance(args[0], (Const, Ref)):
        return Const(hasattr(args[0].value, name))
    return NotImplemented


def _callable(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if isinstance(args[0], (LocalFunction, BoundMethod, Partial, Derivative)):
        return Const(True)
    return Const(callable(args[0].value)) if isinstance(args[0], (Const, Ref)) else Const(False)


def _extreme(fn: Any, op: Any) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``max(a, b)`` follows the branch taken: ``b if b > a else a``."""
        key, default = kwargs.get("key"), kwargs.get("default")
        rank = (lambda part: call(low, key, (part,), {}, node)) if key is not None else (lambda part: part)
        parts = list(args) if len(args) > 1 else unrolled(low, args[0], node)
        if parts is None:
            return _extreme_of_list(low, op, _as_sequence(low, args[0], node), rank, default, node)
        if not parts and default is not None:
            return default
        if parts and all(isinstance(p, Const) for p in parts) and key is None:
            return Const(fn(p.value for p in parts))
        if not parts:
            raise low.unsupported(node, f"{fn.__name__} of an empty sequence", "Give a default: max(xs, default=0.0).")
        best = parts[0]
        for part in parts[1:]:
            best = _better(low, op, part, best, rank, node, hint)
        return best

    return lower


def _better(low: Lowering, op: Any, part: Any, best: Any, rank: Any, node: ast.AST, hint: str = "") -> Any:
    test = comparison(low, op(), rank(part), rank(best), node)
    known = low.truth(test)
    if known is not None:
        return part if known else best
    return low.choose(test, lambda: part, lambda: best, node, hint)


def _extreme_of_list(low: Lowering, op: Any, items: Any, rank: Any, default: Any, node: ast.AST) -> Any:
    """The first item, or a better one that a loop over all of them meets."""
    t = type_of(items) if not isinstance(items, Compiletime) else None
    if not isinstance(t, (ArrayT, ListT)) or default is not None:
        raise low.unsupported(node, "max or min of a sequence of unknown length", "Make a list of it first.")
    first = low.build.call(operator.getitem, items, Const(0), form="operator")
    if isinstance(t, ArrayT) and t.ndim != 1:
        raise low.unsupported(node, "max or min over the rows of a matrix", "Use np.max or np.min.")
    return _loop_over(low, items, first, lambda best, item: _better(low, op, item, best, rank, node), node)


def _truths(name: str) -> Callable[..., Any]:
    conjunction = name == "all"

    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``any`` and ``all``, of which only the truth is used."""
        spelt.no_iterators(low, args, node)
        parts = unrolled(low, args[0], node)
        combine = emitted.both if conjunction else emitted.either

        def step(found: Any, item: Any) -> Any:
            known = low.truth(item)
            if known is not None:
                return found if known == conjunction else Const(not conjunction)
            return low.build.call(combine, found, low.build.call(bool, item, type=BOOL), type=BOOL)

        start: Any = Const(conjunction)
        if parts is None:
            return _loop_over(low, args[0], low.build.let(Call(bool, (start,)), BOOL), step, node)
        for part in parts:
            start = step(start, part) if not isinstance(start, Const) else _first_truth(low, start, part, conjunction)
        return start

    return lower


def _first_truth(low: Lowering, found: Any, item: Any, conjunction: bool) -> Any:
    if found.value != conjunction:
        return found
    known = low.truth(item)
    return Const(known) if known is not None else low.build.call(bool, item, type=BOOL)


def _loop_over(low: Lowering, items: Any, start: Any, step: Callable[[Any, Any], Any], node: ast.AST) -> Any:
    """``step(...step(step(start, a), b)...)`` by a loop over the items."""
    hidden = low.frame.env.get("%total")
    low.frame.env["%total"] = start

    def body(item: Any) -> None:
        low.frame.env["%total"] = step(low.now(low.frame.env["%total"]), item)

    containers.for_each(low, items, body, node)
    total = low.now(low.frame.env.pop("%total"))
    if hidden is not None:
        low.frame.env["%total"] = hidden
    return total


def _reduce(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``functools.reduce``."""
    parts = unrolled(low, args[1], node)
    if parts is None:
        if len(args) < 3:
            raise low.unsupported(node, "reduce over a sequence of unknown length without a start", "Give a start value.")
        return _loop_over(low, args[1], args[2], lambda total, item: call(low, args[0], (total, item), {}, node), node)
    parts = [*args[2:], *parts]
    total = parts[0]
    for part in parts[1:]:
        total = call(low, args[0], (total, part), {}, node)
    return total


def _sorted(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``sorted`` of floats is ``np.sort``, item by item; of known values it is known."""
    parts = unrolled(low, args[0], node)
    flag = kwargs.get("reverse", Const(False))
    if not isinstance(flag, Const) or set(kwargs) - {"reverse", "key"}:
        return NotImplemented
    if parts is not None and all(isinstance(p, Const) for p in parts) and "key" not in kwargs:
        return Aggregate(list, tuple(map(Const, sorted((p.value for p in parts), reverse=flag.value))))
    key = kwargs.get("key", Const(None))
    rank = (lambda part: part) if isinstance(key, Const) else (lambda part: call(low, key, (part,), {}, node))
    if parts is None:
        if not spelt.is_of_numbers(low, args[0]) and isinstance(key, Const):
            raise low.unsupported(node, "sorted of containers in a sequence of unknown length", "Give a key that is a number: key=...")
        by = Ref(spelt.itself, "itself") if isinstance(key, Const) else key
        return spelt.enter(low, spelt.sorted_by, (_as_sequence(low, args[0], node), by, flag), {}, node)
    made = [(rank(part), part) for part in parts]
    for end in range(len(parts) - 1, 0, -1):  # a sorting network: comparisons and exchanges in a fixed order
        for k in range(end):
            made[k], made[k + 1] = _in_order(low, made[k], made[k + 1], ast.Gt() if flag.value else ast.Lt(), node)
    return Aggregate(list, tuple(part for _, part in made))


def _in_order(low: Lowering, a: Any, b: Any, op: ast.cmpop, node: ast.AST) -> Any:
    """Two parts, each behind what it is sorted by; exchanged if the second comes first."""
    test = comparison(low, op, b[0], a[0], node)
    if isinstance(test, Const):
        return (b, a) if test.value else (a, b)
    alike = a[0] is a[1] and b[0] is b[1]
    pairs = [Aggregate(tuple, tuple(x[1] if alike else Aggregate(tuple, x) for x in pair)) for pair in ((b, a), (a, b))]
    first, second = low.choose(test, lambda: pairs[0], lambda: pairs[1], node).items
    return ((first, first), (second, second)) if alike else (first.items, second.items)


def _as_sequence(low: Lowering, items: Any, node: ast.AST) -> Any:
    """What can be indexed: a list of the keys of a dict, of what an iterator gives."""
    if isinstance(items, Stream) or tables.is_table(items):
        return low.now(calls.BUILTINS[list](low, (items,), {}, node, ""))
    return items


def _filter(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    spelt.no_iterators(low, args, node)
    out = low.heap.new(list, ())

    def keep(item: Any) -> None:
        test = item if isinstance(args[0], Const) else call(low, args[0], (item,), {}, node)
        known = low.truth(test)
        if known is None:
            path = low.paths(lambda: containers.method(low, BoundMethod(low.now(out), "append"), (item,), {}, node), lambda: None)
            low.add_if(test, low.merge(*path, node), path[0].stmts, path[1].stmts, low.build.loc)
        elif known:
            containers.method(low, BoundMethod(low.now(out), "append"), (item,), {}, node)

    containers.for_each(low, args[1], keep, node)
    return low.now(out)


def _divmod(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    return Aggregate(tuple, tuple(arithmetic(low, op, *args, node) for op in (operator.floordiv, operator.mod)))


def _print(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    return low.build.let(Call(print, args, tuple(kwargs.items())), type_of(Const(None)))


def _same_array(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.asarray`` of what is an array already is that array."""
    t = type_of(args[0]) if not isinstance(args[0], Compiletime) else None
    dtype = args[1] if len(args) > 1 else kwargs.get("dtype", Const(None))
    if not isinstance(t, ArrayT) or set(kwargs) - {"dtype"} or len(args) > 2:
        return NotImplemented
    if isinstance(dtype, Const) and dtype.value is None:
        return args[0]
    asked = getattr(dtype, "value", None)
    try:
        return args[0] if asked is not None and np.dtype(asked) == t.dtype else NotImplemented
    except TypeError:
        return NotImplemented


def _at_least(rank: int, added: dict[int, tuple[Any, ...]]) -> Callable[..., Any]:
    def make(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``np.atleast_2d`` and the like: an array of that rank is itself, one of a lower rank is seen with more axes."""
        t = type_of(args[0]) if len(args) == 1 and not kwargs and not isinstance(args[0], Compiletime) else None
        if not isinstance(t, ArrayT) or not isinstance(args[0], Var):
            return NotImplemented
        if t.ndim >= rank:
            return args[0]
        return item(low, args[0], Aggregate(tuple, added[t.ndim]), node, hint) if t.ndim in added else NotImplemented

    return make


def _array(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.array(x, ndmin=2)``: a copy, seen with more axes in front."""
    least = kwargs.get("ndmin")
    if not isinstance(least, Const):
        return NotImplemented
    made = primitive(low, np.array, args, {k: v for k, v in kwargs.items() if k != "ndmin"}, node, hint)
    t = type_of(made)
    if not isinstance(t, ArrayT) or t.ndim >= least.value:
        return made if isinstance(t, ArrayT) else NotImplemented
    return item(low, made, Aggregate(tuple, (*[NEW] * (least.value - t.ndim), Const(Ellipsis))), node, hint)


def _converted(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str, asked: Any) -> Any:
    """``np.float64(x)`` of an array of that dtype is ``x`` itself, not a copy."""
    t = type_of(args[0]) if len(args) == 1 and not kwargs and not isinstance(args[0], Compiletime) else None
    return args[0] if isinstance(t, ArrayT) and t.ndim and t.dtype == asked else NotImplemented


def _nan_to_num(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.nan_to_num(x, copy=False)`` is a store into ``x``."""
    asked = args[1] if len(args) > 1 else kwargs.get("copy", Const(True))
    t = type_of(args[0]) if args and not isinstance(args[0], Compiletime) else None
    if not isinstance(t, ArrayT) or (isinstance(asked, Const) and asked.value):
        return NotImplemented
    if not isinstance(asked, Const):
        raise low.unsupported(node, "np.nan_to_num with a copy= that is not known before the run", "Write copy=True or copy=False.")
    rest = {k: v for k, v in kwargs.items() if k != "copy"}
    made = primitive(low, np.nan_to_num, (args[0], Const(True), *args[2:]), rest, node, hint)
    stores.set_item(low, args[0], Const(Ellipsis), made, node)
    return low.now(args[0])


def _cov(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.cov(m, y)`` is that of both sets of variables in one array."""
    if not (len(args) > 1 or "y" in kwargs) or set(kwargs) - {"y", "rowvar", "bias", "ddof"}:
        return NotImplemented
    return call(low, Ref(standins.joint_cov, "cov"), args, kwargs, node, hint)


NEW, ALL = Const(None), SliceAtom(Const(None), Const(None), Const(None))


def _sum(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``sum`` adds from the left, starting at 0, as Python does."""
    start = args[1] if len(args) > 1 else kwargs.get("start", Const(0))
    parts = unrolled(low, args[0], node)
    if parts is None:
        return _sum_loop(low, args[0], start, node)
    total: Any = start
    for part in parts:
        total = arithmetic(low, operator.add, total, part, node) if not _is_zero(total) else _from_zero(low, part, node)
    return total


def _is_zero(atom: Any) -> bool:
    return isinstance(atom, Const) and atom.value == 0 and type(atom.value) is int


def _from_zero(low: Lowering, part: Any, node: ast.AST) -> Any:
    return arithmetic(low, operator.add, Const(0), part, node)


def _sum_loop(low: Lowering, items: Any, start: Any, node: ast.AST) -> Any:
    return _loop_over(low, items, start, lambda total, item: arithmetic(low, operator.add, total, item, node), node)


def _product(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``math.prod`` multiplies from the left, starting at 1."""
    start = kwargs.get("start", Const(1))
    parts = unrolled(low, args[0], node)
    if parts is None:
        return _loop_over(low, args[0], start, lambda total, item: arithmetic(low, operator.mul, total, item, node), node)
    return functools.reduce(lambda total, part: arithmetic(low, operator.mul, total, part, node), parts, start)


def _container(kind: type) -> Callable[..., Any]:
    def make(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        if kind is dict and args and tables.is_table(args[0]):
            return tables.method(low, BoundMethod(args[0], "copy"), (), {}, node)
        if kind is dict and args and containers.kind_of(args[0]) is not dict:
            return _dict_of_pairs(low, args[0], kwargs, node, hint)
        if kind is dict:
            table = {**(low.unpack_mapping(args[0], node) if args else {}), **kwargs}
            return Aggregate(dict, tuple(table.values()), tuple(table))
        if not args:
            return Aggregate(kind, ())
        parts = unrolled(low, args[0], node)
        if parts is None:
            t = type_of(args[0]) if not isinstance(args[0], Compiletime) else None
            if isinstance(t, RangeT) or (isinstance(args[0], Stream) and args[0].kind == "range"):
                return low.build.let(
                    Call(kind, (low.build.let(Call(range, args[0].args), RangeT()),)), ListT(kind, INT)
                )
            if isinstance(t, DictT):
                return low.build.let(Call(kind, (args[0],)), ListT(kind, t.key))
            if isinstance(t, ListT):
                return low.build.let(Call(kind, (args[0],)), ListT(kind, t.item))
            made = low.heap.new(list, (), hint=hint)
            containers.extend(low, made, args[0], node)
            made = low.now(made)
            return made if kind is list else low.build.let(Call(kind, (made,)), ListT(kind, type_of(made).item))
        return Aggregate(kind, tuple(parts))

    return make


def _dict_of_pairs(low: Lowering, pairs: Any, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    made = low.heap.new(dict, (), (), hint=hint)

    def put(pair: Any) -> None:
        key, value = low.unpack_all(pair, node)
        stores.set_item(low, low.now(made), key, value, node)

    known = unrolled(low, pairs, node)
    if known is None:
        containers.for_each(low, pairs, put, node)
    for pair in known or ():
        put(pair)
    for name, value in kwargs.items():
        stores.set_item(low, low.now(made), Const(name), value, node)
    return low.now(made)


def _map(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    spelt.no_iterators(low, args, node)
    columns = [unrolled(low, a, node) for a in args[1:]]
    if any(c is None for c in columns):
        out = low.heap.new(list, ())
        rows = args[1] if len(args) == 2 else Stream("zip", args[1:])

        def add(item: Any) -> None:
            row = (item,) if len(args) == 2 else tuple(item.items)
            value = call(low, args[0], row, {}, node)
            containers.method(low, BoundMethod(low.now(out), "append"), (value,), {}, node)

        containers.for_each(low, rows, add, node)
        return low.now(out)
    return Aggregate(list, tuple(call(low, args[0], row, {}, node) for row in zip(*columns)))  # type: ignore[arg-type]


def _getattr(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if not isinstance(args[1], Const):
        raise low.unsupported(
            node, "getattr with a computed name cannot be differentiated", "Write the name out, or keep the values in a dict or array."
        )
    return attribute_of(low, args[0], args[1].value, node, hint)


def _setattr(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if not isinstance(args[1], Const):
        raise low.unsupported(
            node, "setattr with a computed name cannot be differentiated", "Write the name out, or keep the values in a dict or array."
        )
    stores.set_attribute(low, args[0], args[1].value, args[2], node)
    return Const(None)


def _partial(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    return Partial(args[0], args[1:], tuple(kwargs.items()))


def _type(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t = type_of(args[0])
    if isinstance(t, ArrayT):
        return Ref(np.ndarray, "np.ndarray")
    if isinstance(t, ScalarT) and t.weak is not None and not t.number:
        cls = type(t.dtype.type(0).item()) if t.weak else t.dtype.type
        return Ref(cls, cls.__name__)
    return Ref(t.kind, t.kind.__name__) if isinstance(t, AggregateT) else NotImplemented


def _super(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``super()``: the attributes of the classes after this one."""
    if args:
        return Super(args[1], args[0].value)
    cell = low.frame.cells.get("__class__")
    first = low.frame.source.tree.args
    names = [a.arg for a in (*first.posonlyargs, *first.args)]
    if cell is None or not names:
        raise low.unsupported(node, "super() outside a method", "Write super(Class, self).")
    return Super(low.now(low.frame.env[names[0]]), cell.cell_contents)


calls.OBJECTS["vectorised"] = _vectorised
calls.ARRAY_METHODS.update(fill=_fill, sort=_sort_in_place, setflags=_setflags, tolist=_tolist)

calls.BUILTINS.update({
    range: _stream("range"),
    zip: _stream("zip"),
    enumerate: _stream("enumerate"),
    reversed: _stream("reversed"),
    len: _length,
    isinstance: _isinstance,
    hasattr: _hasattr,
    callable: _callable,
    max: _extreme(max, ast.Gt),
    min: _extreme(min, ast.Lt),
    sum: _sum,
    math.prod: _product,
    tuple: _container(tuple),
    list: _container(list),
    dict: _container(dict),
    map: _map,
    getattr: _getattr,
    setattr: _setattr,
    type: _type,
    functools.partial: _partial,
    functools.reduce: _reduce,
    any: _truths("any"),
    all: _truths("all"),
    sorted: _sorted,
    filter: _filter,
    divmod: _divmod,
    print: _print,
    super: _super,
    dataclasses.astuple: _unpacked(tuple),
    dataclasses.asdict: _unpacked(dict),
    dataclasses.replace: _replaced,
    dataclasses.fields: _fields,
    copy.copy: _copied(deep=False),
    copy.deepcopy: _copied(deep=True),
    np.linalg.svd: _svd,
    np.interp: _interp,
    np.einsum: _einsum,
    np.split: _split(np.split),
    np.array_split: _split(np.array_split),
    np.vsplit: _split(np.split, lambda ndim: 0),
    np.hsplit: _split(np.split, lambda ndim: min(ndim - 1, 1)),
    np.dsplit: _split(np.split, lambda ndim: 2),
    complex: _complex,
    np.copyto: _copyto,
    np.add.at: _at(1),
    np.subtract.at: _at(-1),
    np.fill_diagonal: _fill_diagonal,
    np.putmask: _putmask,
    np.place: _putmask,
    np.asarray: _same_array,
    np.asanyarray: _same_array,
    **{kind: functools.partial(_converted, asked=np.dtype(kind)) for kind in (np.float32, np.float64, np.complex64, np.complex128)},
    np.cov: _cov,
    np.nan_to_num: _nan_to_num,
    np.array: _array,
    np.atleast_1d: _at_least(1, {0: (NEW,)}),
    np.atleast_2d: _at_least(2, {0: (NEW, NEW), 1: (NEW, ALL)}),
    np.atleast_3d: _at_least(3, {0: (NEW, NEW, NEW), 1: (NEW, ALL, NEW), 2: (ALL, ALL, NEW)}),
})
