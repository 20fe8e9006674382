"""Which functions of the standard library are differentiated as the loops that they are?

Each is written here in the Python that lowering knows, and entered in place of the call: over lists, arrays and ranges, unrolled
where their lengths are known.  What they return is a list where Python's is an iterator.
"""

from __future__ import annotations

import collections
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from . import calls
from .builder import type_of
from .ir import Aggregate, Const
from .types import AggregateT, ListT, OpaqueT
from .values import Compiletime, Stream, is_iterator

if TYPE_CHECKING:
    import ast

    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


# -- as they are written ----------------------------------------------------------------------------------


def accumulate(iterable, func=None, *, initial=None):  # type: ignore[no-untyped-def]
    items = list(iterable)
    if initial is not None:
        total, rest = initial, items
    elif len(items) == 0:
        return []
    else:
        total, rest = items[0], items[1:]
    out = [total]
    for item in rest:
        total = total + item if func is None else func(total, item)
        out.append(total)
    return out


def chain(*iterables):  # type: ignore[no-untyped-def]
    out = []
    for items in iterables:
        for item in items:
            out.append(item)
    return out


def from_iterable(iterables):  # type: ignore[no-untyped-def]
    return [item for items in iterables for item in items]


def pairwise(iterable):  # type: ignore[no-untyped-def]
    items = list(iterable)
    return list(zip(items[:-1], items[1:]))


def pairs_of(xs, ys):  # type: ignore[no-untyped-def]
    return [(x, y) for x in xs for y in ys]


def triples_of(xs, ys, zs):  # type: ignore[no-untyped-def]
    return [(x, y, z) for x in xs for y in ys for z in zs]


def combinations_of_two(iterable):  # type: ignore[no-untyped-def]
    items = list(iterable)
    return [(items[i], items[j]) for i in range(len(items)) for j in range(i + 1, len(items))]


def permutations_of_two(iterable):  # type: ignore[no-untyped-def]
    items = list(iterable)
    return [(items[i], items[j]) for i in range(len(items)) for j in range(len(items)) if i != j]


def islice(iterable, start, stop, step):  # type: ignore[no-untyped-def]
    return list(iterable)[start:stop:step]


def first_of(iterable):  # type: ignore[no-untyped-def]
    for item in iterable:
        return item
    raise StopIteration


def first_or(iterable, default):  # type: ignore[no-untyped-def]
    for item in iterable:
        return item
    return default


def index_of(items, wanted):  # type: ignore[no-untyped-def]
    for k, item in enumerate(items):
        if item == wanted:
            return k
    raise ValueError("the value is not in the list")


def count_of(items, wanted):  # type: ignore[no-untyped-def]
    n = 0
    for item in items:
        if item == wanted:
            n += 1
    return n


def remove_from(items, wanted):  # type: ignore[no-untyped-def]
    del items[index_of(items, wanted)]


def sorted_by(iterable, key, reverse):  # type: ignore[no-untyped-def]
    items = list(iterable)
    if reverse:  # what is equal stays in its order
        items = items[::-1]
    order = np.argsort(np.array([key(item) for item in items]), kind="stable")
    out = [items[k] for k in order]
    return out[::-1] if reverse else out


def itself(x):  # type: ignore[no-untyped-def]
    return x


# -- where they are called --------------------------------------------------------------------------------


def no_iterators(low: Lowering, args: Args, node: ast.AST) -> None:
    """What takes its items one by one, perhaps not all of them, and perhaps later."""
    if any(map(is_iterator, args)):
        raise low.unsupported(node, "an iterator that is also asked by next() or a loop", "Make a list of what is left first: list(it).")


def enter(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    no_iterators(low, args, node)
    return calls.enter(low, fn, args, kwargs, node)


def _spelt(fn: Any) -> Any:
    return lambda low, args, kwargs, node, hint: enter(low, fn, args, kwargs, node)


def known_items(low: Lowering, args: Args, node: ast.AST) -> list[list[Any]] | None:
    """The items of each argument, if all are known one by one."""
    from .loops import unrolled

    found = [unrolled(low, a, node) for a in args]
    return None if any(f is None for f in found) else found  # type: ignore[return-value]


def _tuples(low: Lowering, rows: Any) -> Any:
    return Aggregate(list, tuple(Aggregate(tuple, tuple(row)) for row in rows))


def _product(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    repeat = kwargs.get("repeat", Const(1))
    if not isinstance(repeat, Const):
        low.need(repeat)
        raise low.unsupported(node, "itertools.product as often as the run says", "Write the loops out.")
    args = args * repeat.value
    known = known_items(low, args, node)
    if known is not None:
        return _tuples(low, itertools.product(*known))
    if len(args) not in (2, 3):
        raise low.unsupported(node, "itertools.product of more than three sequences of unknown length", "Write the loops out.")
    return enter(low, pairs_of if len(args) == 2 else triples_of, args, {}, node)


def _choices(fn: Any, of_two: Any) -> Any:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        size = args[1] if len(args) > 1 else kwargs.get("r")
        known = known_items(low, args[:1], node)
        if known is not None and isinstance(size, Const):
            return _tuples(low, fn(known[0], size.value))
        if isinstance(size, Const) and size.value == 2:
            return enter(low, of_two, args[:1], {}, node)
        raise low.unsupported(node, f"itertools.{fn.__name__} of more than two of a sequence of unknown length", "Write the loops out.")

    return lower


def _islice(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    start, stop, step = (Const(None), args[1], Const(None)) if len(args) == 2 else (*args[1:], Const(None))[:3]
    return enter(low, islice, (args[0], start, stop, step), {}, node)


def _zip_longest(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    known = known_items(low, args, node)
    if known is None:
        raise low.unsupported(node, "itertools.zip_longest of sequences of unknown length", "Make them equally long, and use zip.")
    return _tuples(low, itertools.zip_longest(*known, fillvalue=kwargs.get("fillvalue", Const(None))))


def _endless(kind: str) -> Any:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        if kind == "repeat" and len(args) == 2 and isinstance(args[1], Const):
            return Aggregate(list, (args[0],) * args[1].value)
        if kind == "count" and len(args) < 2 and not kwargs:
            return Stream(kind, args or (Const(0),))
        if kind == "repeat" and len(args) == 1:
            return Stream(kind, args)
        raise low.unsupported(node, f"itertools.{kind} of this form", "Use range, or a list comprehension.")

    return lower


def _deque(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A deque without a bound is a list whose first item can be taken."""
    if len(args) > 1 or kwargs:
        raise low.unsupported(node, "a deque with maxlen", "Drop the first item where it gets too long: if len(q) > n: q.popleft().")
    made = calls.BUILTINS[list](low, args, {}, node, hint)
    made = low.heap.new(list, made.items, hint=hint) if isinstance(made, Aggregate) else made
    low.heap.spelt.add(low.heap.ident(made))
    return made


def _defaultdict(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A dict that makes what it is asked for."""
    made = calls.BUILTINS[dict](low, args[1:], kwargs, node, hint)
    made = low.heap.new(dict, made.items, made.keys, hint=hint) if isinstance(made, Aggregate) else made
    if args and not (isinstance(args[0], Const) and args[0].value is None):
        low.heap.defaults[low.heap.ident(made)] = args[0]
    low.heap.spelt.add(low.heap.ident(made))
    return made


def is_of_numbers(low: Lowering, items: Any) -> bool:
    """A sequence of unknown length that NumPy can sort."""
    t = type_of(items) if not isinstance(items, Compiletime) else None
    return not isinstance(t, ListT) or not isinstance(t.item, (AggregateT, ListT, OpaqueT))


calls.BUILTINS.update({
    itertools.accumulate: _spelt(accumulate),
    itertools.chain: _spelt(chain),
    itertools.chain.from_iterable: _spelt(from_iterable),
    itertools.pairwise: _spelt(pairwise),
    itertools.product: _product,
    itertools.combinations: _choices(itertools.combinations, combinations_of_two),
    itertools.permutations: _choices(itertools.permutations, permutations_of_two),
    itertools.islice: _islice,
    itertools.zip_longest: _zip_longest,
    itertools.count: _endless("count"),
    itertools.repeat: _endless("repeat"),
    collections.deque: _deque,
    collections.defaultdict: _defaultdict,
})  # fmt: skip
