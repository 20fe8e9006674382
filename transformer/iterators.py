"""What does ``next(it)`` give?

An iterator that the function makes is an object that counts the items it has given:

    it = iter(xs)               it = Walk(xs, len(xs), len(xs), 0)
    y = next(it)                if it.at >= it.length: raise StopIteration
                                y = xs[it.at]; it.at = it.at + 1

What ``zip``, ``enumerate`` or a generator expression makes is one only where ``next`` is called of the name it is bound to.
"""

from __future__ import annotations

import ast
import inspect
import operator
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from retrograd.runtime import emitted

from . import calls, spelt
from .builder import leaves, type_of
from .expressions import arithmetic, item
from .ir import Aggregate, Call, Const, Ref, Var
from .loops import COMPREHENSIONS, ENDLESS, endless_item
from .types import AggregateT, ArrayT, ListT, RangeT, ScalarT
from .values import Compiletime, Iterator, LocalFunction, Stream, is_iterator

if TYPE_CHECKING:
    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


# -- as they are written ----------------------------------------------------------------------------------


class Walk(Iterator):
    """Over what can be indexed, and what lies side by side with it."""

    def __init__(self, items, lengths, length, at):  # type: ignore[no-untyped-def]
        self.items, self.lengths, self.length, self.at = items, lengths, length, at

    def __next__(self):  # type: ignore[no-untyped-def]
        if self.at >= self.length:
            raise StopIteration
        found = item_at(self.items, self.at, self.lengths)
        self.at = self.at + 1
        return found

    def more(self):  # type: ignore[no-untyped-def]
        return self.at < self.length


class Mapped(Iterator):
    """What a generator expression makes of the items of another, when it is asked."""

    def __init__(self, source, function):  # type: ignore[no-untyped-def]
        self.source, self.function = source, function

    def __next__(self):  # type: ignore[no-untyped-def]
        return self.function(self.source.__next__())

    def more(self):  # type: ignore[no-untyped-def]
        return self.source.more()


def next_or(iterator, default):  # type: ignore[no-untyped-def]
    return iterator.__next__() if iterator.more() else default


def next_of_object_or(iterator, default):  # type: ignore[no-untyped-def]
    try:
        return iterator.__next__()
    except StopIteration:
        return default


def item_at(items, at, lengths):  # type: ignore[no-untyped-def]
    """An item of what is as long as it was."""
    return items[at]


# -- where they are made ----------------------------------------------------------------------------------


def made(low: Lowering, value: Any, node: ast.AST) -> Any:
    """The iterator over a value, which starts at its first item."""
    if is_iterator(value):
        return value
    t = type_of(value) if not isinstance(value, Compiletime) else None
    own = inspect.getattr_static(t.kind, "__iter__", None) if isinstance(t, AggregateT) else None
    if isinstance(t, AggregateT) and isinstance(own, FunctionType):
        return calls.call_object(low, own, "__iter__", (value,), {}, node, "")
    lengths = _lengths(low, value, node)
    return _new(low, Walk, items=value, lengths=lengths, length=_least(low, lengths, node), at=Const(0))


def _lengths(low: Lowering, value: Any, node: ast.AST) -> Any:
    """How long the sequences are that lie side by side."""
    t = type_of(value) if not isinstance(value, Compiletime) else None
    if isinstance(value, Stream) and value.kind == "zip":
        return Aggregate(tuple, tuple(_lengths(low, part, node) for part in value.args))
    if isinstance(value, Stream) and value.kind == "enumerate":
        return _lengths(low, value.args[0], node)
    if isinstance(value, Stream) and value.kind == "range":
        return _length_of_range(low, value.args)
    if isinstance(value, Stream) and value.kind in ENDLESS:
        return Const(sys.maxsize)
    if isinstance(t, AggregateT) and t.kind in (list, tuple):
        return Const(len(t.items))
    if isinstance(t, ListT) or (isinstance(t, ArrayT) and t.ndim):
        return low.build.call(len, value)
    raise low.unsupported(node, "an iterator over this kind of value", "Make a list of it first: iter(list(...)).")


def _length_of_range(low: Lowering, args: Args) -> Any:
    if all(isinstance(a, Const) for a in args):
        return Const(len(range(*(a.value for a in args))))
    return low.build.call(len, low.build.let(Call(range, args), RangeT()))


def _least(low: Lowering, lengths: Any, node: ast.AST) -> Any:
    known = [n.value for n in leaves(lengths) if isinstance(n, Const)]
    others = [n for n in leaves(lengths) if not isinstance(n, Const)]
    if known and (not others or min(known) < sys.maxsize):
        others.append(Const(min(known)))
    return others[0] if len(others) == 1 else calls.BUILTINS[min](low, tuple(others), {}, node, "")


def _new(low: Lowering, kind: type, **parts: Any) -> Any:
    new = low.heap.new(kind, tuple(parts.values()), tuple(parts))
    low.heap.spelt.add(new.ident)
    return new


def generator(low: Lowering, node: ast.GeneratorExp) -> Any:
    """A generator expression whose items are asked for one by one."""
    first = node.generators[0]
    if len(node.generators) > 1 or first.ifs:
        raise low.unsupported(node, "next() of a generator expression with if, or with two for", "Make a list of it first: iter([...]).")
    source = made(low, low.expr(first.iter), first.iter)
    name = "item_of_generator"
    body = [ast.Assign([first.target], ast.Name(name, ast.Load())), ast.Return(node.elt)]
    args = ast.arguments([], [ast.arg(name)], None, [], [], None, [])
    tree = ast.fix_missing_locations(ast.copy_location(ast.FunctionDef("generator", args, body, []), node))
    low.frame.escapes = True
    return _new(low, Mapped, source=source, function=LocalFunction(tree, low.frame))


def assigned(low: Lowering, stmt: ast.Assign) -> Any:
    """The iterator that is bound here to a name of which ``next`` is called or which is read again; None for any other value."""
    if not isinstance(stmt.value, (ast.GeneratorExp, ast.Call)):
        return None
    kind = _given_once(low, stmt.value)
    again = kind is not None and _is_read_again(low, stmt)
    if not again and not _is_asked(low, stmt.targets):
        return None
    if again and kind not in (ast.GeneratorExp, zip, enumerate):
        raise low.unsupported(stmt.value, "an iterator that is read more than once", "Make a list of it: list(...).")
    if isinstance(stmt.value, ast.GeneratorExp):
        return generator(low, stmt.value)
    value = low.expr(stmt.value, maybe=True)
    return made(low, value, stmt.value) if isinstance(value, Stream) else value


#: What gives its items once, in Python; here some of these are computed when they are made.
ONCE = (zip, enumerate, map, filter, reversed)


def _given_once(low: Lowering, node: ast.expr) -> Any:
    """What makes the value, if its items are given once; else None."""
    if isinstance(node, ast.GeneratorExp):
        return ast.GeneratorExp
    known = low.expr(node.func) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
    return next((kind for kind in ONCE if isinstance(known, Ref) and known.value is kind), None)


def _is_read_again(low: Lowering, stmt: ast.Assign) -> bool:
    """Is the name that is bound read at two places, in a loop further in, or after what it is made of may have changed?"""
    name = stmt.targets[0].id if len(stmt.targets) == 1 and isinstance(stmt.targets[0], ast.Name) else None
    tree = low.frame.source.tree
    reads = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)]
    if name is None or not reads:
        return False
    loops = (loop for loop in ast.walk(tree) if isinstance(loop, (ast.For, ast.While, *COMPREHENSIONS)))
    inner = any(_holds(loop, reads[0]) and not _holds(loop, stmt) and not _is_walked_by(loop, reads[0]) for loop in loops)
    return len(reads) > 1 or inner or _changes(stmt, reads[0], tree)


def _holds(outer: ast.AST, node: ast.AST) -> bool:
    return any(each is node for each in ast.walk(outer))


def _is_walked_by(loop: Any, read: ast.Name) -> bool:
    """Is it what the loop goes over?"""
    return read is (loop.iter if isinstance(loop, ast.For) else loop.generators[0].iter if isinstance(loop, COMPREHENSIONS) else None)


def _changes(stmt: ast.Assign, read: ast.Name, tree: ast.AST) -> bool:
    """Is anything bound or stored between that the items are computed from?"""
    names = {node.id for node in ast.walk(stmt.value) if isinstance(node, ast.Name)}
    between = [node for node in ast.walk(tree) if hasattr(node, "lineno") and stmt.end_lineno < node.lineno < read.lineno]
    stored = (node for node in between if isinstance(getattr(node, "ctx", None), ast.Store))
    return read.lineno < stmt.lineno or any(not isinstance(node, ast.Name) or node.id in names for node in stored)


def _is_asked(low: Lowering, targets: list[ast.expr]) -> bool:
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return any(_is_next_of(node, names) for node in ast.walk(low.frame.source.tree)) if names else False


def _is_next_of(node: ast.AST, names: set[str]) -> bool:
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Name) or node.func.id != "next":
        return False
    return isinstance(node.args[0], ast.Name) and node.args[0].id in names


# -- where they are asked ---------------------------------------------------------------------------------


def _iter(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if len(args) != 1 or isinstance(node.args[0], ast.GeneratorExp):  # type: ignore[attr-defined]
        raise low.unsupported(node, "iter() of a function or of a generator expression", "Write a loop, or make a list first: iter([...]).")
    return made(low, args[0], node)


def _next(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t = type_of(args[0]) if not isinstance(args[0], Compiletime) else None
    method = inspect.getattr_static(t.kind, "__next__", None) if isinstance(t, AggregateT) else None
    if is_iterator(args[0]):
        _expect_as_long(low, args[0], node)
    if isinstance(method, FunctionType) and len(args) == 1:
        return calls.call_object(low, method, "__next__", args, {}, node, hint)
    if isinstance(method, FunctionType):
        return calls.enter(low, next_or if is_iterator(args[0]) else next_of_object_or, args, {}, node)
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], (ast.Call, ast.GeneratorExp)):  # nobody else has it
        return spelt.enter(low, spelt.first_of if len(args) == 1 else spelt.first_or, args, {}, node)
    raise low.unsupported(node, "next() of what is no iterator made here", "Make one where its items are known: it = iter(xs).")


def _item_at(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    items, at, lengths = args
    if not isinstance(items, Stream):
        return item(low, items if isinstance(at, Const) else _of_numbers(low, items), at, node, hint)
    if items.kind == "zip":
        return Aggregate(tuple, tuple(_item_at(low, (part, at, n), {}, node, "") for part, n in zip(items.args, lengths.items)))
    if items.kind == "enumerate":
        number = arithmetic(low, operator.add, items.args[1], at, node)
        return Aggregate(tuple, (number, _item_at(low, (items.args[0], at, lengths), {}, node, "")))
    if items.kind in ENDLESS:
        return endless_item(low, items, at)
    start, step = (items.args[0] if len(items.args) > 1 else Const(0)), (items.args[2] if len(items.args) > 2 else Const(1))
    return arithmetic(low, operator.add, start, arithmetic(low, operator.mul, at, step, node), node)


def _of_numbers(low: Lowering, items: Any) -> Any:
    """A list or tuple of numbers that came in as an argument, as one of which the run picks an item."""
    if not isinstance(items, Var) or not isinstance(items.type, AggregateT):
        return items
    numbers = low.as_list(items) if all(isinstance(t, ScalarT) for t in items.type.items) else None
    return items if numbers is None else numbers


def _expect_as_long(low: Lowering, iterator: Any, node: ast.AST) -> None:
    """The lists that an iterator goes over are as long as they were when it was made."""
    first, *rest = low.now(iterator).items
    if iterator.kind is Mapped:
        _expect_as_long(low, first, node)
        return
    for items, length in _side_by_side(first, rest[0]):
        t = type_of(items) if not isinstance(items, Stream) else None
        if isinstance(t, AggregateT) and Const(len(t.items)) != length:
            raise low.unsupported(node, "an iterator over a list that gets longer or shorter", "Make it over a copy: iter(list(xs)).")
        if isinstance(t, ListT):
            low.build.let(Call(emitted.expect_as_long, (low.build.call(len, items), length)), type_of(Const(None)))


def _side_by_side(items: Any, lengths: Any) -> list[tuple[Any, Any]]:
    if isinstance(items, Stream) and items.kind == "zip":
        return [pair for part, n in zip(items.args, lengths.items) for pair in _side_by_side(part, n)]
    if isinstance(items, Stream) and items.kind == "enumerate":
        return _side_by_side(items.args[0], lengths)
    return [(items, lengths)]


calls.BUILTINS.update({iter: _iter, next: _next, item_at: _item_at})
