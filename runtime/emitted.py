"""What emitted code needs besides NumPy: operations that exist only between the passes, and their plain meaning."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from retrograd.runtime.errors import AliasedMutation, ArgumentError, DifferentiationError, TangentError, UntypedValue
from retrograd.runtime.rules.rule import constant, lookup, register


def add_at(a: np.ndarray, key: Any, g: Any) -> np.ndarray:
    """``a`` with ``g`` added at ``key``, each index counted as often as it occurs; printed as ``a[key] += g``."""
    out = a.copy()
    np.add.at(out, key, g)
    return out


def expect_some(is_none: bool) -> None:
    """What is used here is not None, which it may be elsewhere."""
    if is_none:
        raise UntypedValue("a value is None here, which has no derivative", remedy="Ask first: if x is not None.")


def expect_as_long(now: int, before: int) -> None:
    """The list that an iterator goes over is as long as it was."""
    if now != before:
        raise AliasedMutation("an iterator over a list that got longer or shorter", remedy="Make it over a copy: iter(list(xs)).")


def expect_length(x: Any, n: int) -> None:
    """Raise what Python's unpacking raises when ``x`` does not have ``n`` items."""
    if len(x) != n:
        few = len(x) < n
        raise ValueError(
            f"not enough values to unpack (expected {n}, got {len(x)})"
            if few
            else f"too many values to unpack (expected {n})"
        )


def set_in_number(x: Any, key: Any, value: Any) -> None:
    """Raise what Python raises for a store into an item of a number."""
    x[key] = value


def call_value(fn: Any, *args: Any, **kwargs: Any) -> Any:
    """``fn(*args)`` of a function known only at run time."""
    return fn(*args, **kwargs)


def append(xs: list[Any], value: Any) -> list[Any]:
    """``xs`` with one more item; printed as ``xs.append(value)``."""
    return [*xs, value]


def drop_last(xs: list[Any]) -> list[Any]:
    """``xs`` without its last item; printed as ``xs.pop()``."""
    return xs[:-1]


def set_item(xs: list[Any], key: int, value: Any) -> list[Any]:
    """``xs`` with one item exchanged; printed as ``xs[key] = value``."""
    out = copy.copy(xs)
    out[key] = value
    return out


def without(xs: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """A dict without one of its keys; printed as ``del xs[key]``."""
    return {k: v for k, v in xs.items() if k != key}


def boxed(x: Any) -> Any:
    """A container that exists at run time, because others hold it; printed as the container itself."""
    return x


def made(kind: type, **parts: Any) -> Any:
    """An object of a class with these attributes, as its constructor left them."""
    out = object.__new__(kind)
    for name, value in parts.items():
        object.__setattr__(out, name, value)
    return out


def part(x: Any, key: Any) -> Any:
    """``x[key]`` of a list, tuple or dict, ``x.key`` of an object."""
    return x[key] if isinstance(x, (list, tuple, dict)) and not (isinstance(key, str) and hasattr(x, "_fields")) else getattr(x, key)


def set_in(xs: Any, path: tuple[Any, ...], value: Any) -> Any:
    """``xs[i].j = value`` in place, for items that occur once in their list: ``expect_alone`` was asked before, or it is known."""
    target = get_in(xs, path[:-1])
    if isinstance(target, (list, dict)):
        target[path[-1]] = value
    else:
        object.__setattr__(target, path[-1], value)
    return xs


def append_in(xs: Any, path: tuple[Any, ...], value: Any) -> Any:
    """``xs[i].append(value)`` in place, as ``set_in``."""
    get_in(xs, path).append(value)
    return xs


def expect_alone(xs: Any, path: tuple[Any, ...]) -> None:
    """The item at ``path``, about to be written, is memory that no other item of the list has."""
    item = get_in(xs, path)
    if isinstance(item, np.ndarray):
        alone = sum(np.may_share_memory(item, other) and np.shares_memory(item, other) for other in _arrays_in(xs)) == 1
    else:
        alone = sum(other is item for other in _things_in(xs)) == 1
    if not alone:
        raise AliasedMutation(
            "a store into an item of a list that shares its memory with another item", remedy="Copy each item before it is put in."
        )


def expect_apart(a: np.ndarray, others: Iterable[np.ndarray]) -> None:
    """An array in an argument, about to be written, is memory that no other array from outside has."""
    if any(np.may_share_memory(a, other) and np.shares_memory(a, other) for other in others):
        raise AliasedMutation(
            "a store into an array of an argument that shares its memory with another array", remedy="Copy the array before the call."
        )


def _parts_of(x: Any) -> Iterable[Any]:
    """What a container holds."""
    if isinstance(x, (list, tuple)):
        return x
    if isinstance(x, dict):
        return x.values()
    return vars(x).values() if hasattr(x, "__dict__") and not callable(x) and not isinstance(x, np.ndarray) else ()


def _things_in(xs: Any, inside: tuple[int, ...] = ()) -> Iterator[Any]:
    """Containers and objects, as often as there are ways to them."""
    for x in _parts_of(xs) if id(xs) not in inside else ():
        if not isinstance(x, (int, float, str, np.ndarray)):
            yield x
            yield from _things_in(x, (*inside, id(xs)))


def _arrays_in(xs: Any, inside: tuple[int, ...] = ()) -> Iterator[np.ndarray]:
    for x in _parts_of(xs) if id(xs) not in inside else ():
        if isinstance(x, np.ndarray):
            yield x
        elif not isinstance(x, (int, float, str)):
            yield from _arrays_in(x, (*inside, id(xs)))


def repeat(xs: Any, count: int) -> Any:
    """``xs * count``."""
    return xs * count


def add_items(x: Any, y: Any) -> Any:
    """The sum of two cotangents of a list, item by item; None stands for nothing."""
    if x is None or y is None:
        return y if x is None else x
    if isinstance(x, (list, tuple)):
        return type(x)(add_items(a, b) for a, b in zip(x, y, strict=True))
    if isinstance(x, dict):
        return {k: add_items(x.get(k), y.get(k)) for k in {**x, **y}}
    return x + y


def add_to_item(xs: list[Any], key: Any, g: Any) -> list[Any]:
    """``xs`` with ``g`` added to one item, or to those of a slice."""
    out = copy.copy(xs)
    out[key] = add_items(xs[key], g)
    return out


def zero_items(xs: Any) -> Any:
    """A zero cotangent for each item of a list."""
    if isinstance(xs, (list, tuple)):
        return type(xs)(zero_items(x) for x in xs)
    if isinstance(xs, dict):
        return {k: zero_items(v) for k, v in xs.items()}
    if hasattr(xs, "__dict__") and not isinstance(xs, np.ndarray):
        return {k: zero_items(v) for k, v in vars(xs).items()}
    return np.zeros_like(xs) if np.ndim(xs) else 0.0


def zero_of(xs: dict[Any, Any], key: Any) -> Any:
    """A zero cotangent for one value."""
    return zero_items(xs[key])


def zero_last(xs: Any) -> Any:
    """A zero cotangent for the last item."""
    return zero_items(xs[-1])


def unrepeat(g: Any, count: int) -> Any:
    """The cotangent of a list that was repeated: the sum over its copies."""
    n = len(g) // count if count > 0 else 0
    total = g[:n]
    for k in range(1, count):
        total = add_items(total, g[k * n : (k + 1) * n])
    return total


def zero_in(g: Any, path: tuple[Any, ...]) -> Any:
    """``g`` with a zero at ``path``, an item of an item of a list; nothing of ``g`` itself is written."""
    out = list(g) if isinstance(g, tuple) else g.copy()
    out[path[0]] = zero_items(g[path[0]]) if len(path) == 1 else zero_in(g[path[0]], path[1:])
    return tuple(out) if isinstance(g, tuple) else out


def drop_in(g: Any, path: tuple[Any, ...]) -> Any:
    """``g`` with an item of an item of a list shortened by one; nothing of ``g`` itself is written."""
    if not path:
        return g[:-1]
    out = list(g) if isinstance(g, tuple) else g.copy()
    out[path[0]] = drop_in(g[path[0]], path[1:])
    return tuple(out) if isinstance(g, tuple) else out


def get_in(xs: Any, path: tuple[Any, ...]) -> Any:
    """``xs[i][j]``."""
    for key in path:
        xs = part(xs, key)
    return xs


#: Operations on lists and on their cotangents: they compute and have no other effect.
LIST_OPERATIONS = {
    append, drop_last, set_item, without, repeat, add_items, add_to_item, zero_items, zero_last, unrepeat, zero_in, get_in,
    drop_in, boxed, zero_of,
}  # fmt: skip


def push(tape: list[Any], value: Any) -> None:
    """Record a value for the reverse sweep; printed as ``tape.append(value)``."""
    tape.append(value)


def pop(tape: list[Any]) -> Any:
    """The value recorded last; printed as ``tape.pop()``."""
    return tape.pop()


def record(tape: np.ndarray, key: Any, value: Any) -> None:
    """Record a value for the reverse sweep in a place of its own; printed as ``tape[key] = value``."""
    tape[key] = value


def no_attribute(kind: str, name: str) -> Any:
    """Raise what Python raises where a value has no such attribute."""
    raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name)


def fresh_copy(a: np.ndarray) -> np.ndarray:
    """A copy in the same memory layout, to be written."""
    return a.copy(order="K")


def copy_in_layout(a: np.ndarray) -> np.ndarray:
    """A copy of the caller's array to be written, laid out like it: sums and products round as they do on the original (M6).

    Axes keep their order and direction, and where elements lie apart there are gaps too, the smallest.
    """
    if a.flags.forc or not a.flags.writeable:
        return a.copy(order="K")
    steps, extent, packed, here = [0] * a.ndim, a.itemsize, a.itemsize, 1
    for axis in sorted(range(a.ndim), key=lambda k: abs(a.strides[k])):
        stride, n = abs(a.strides[axis]), a.shape[axis]
        if stride < extent and n > 1:
            raise AliasedMutation(
                "an array whose elements share memory with each other is written", remedy="Pass a copy: np.array(x)."
            )
        steps[axis] = here if stride == packed else 2 * here
        extent, packed, here = extent + stride * (n - 1), stride * n, steps[axis] * n
    memory = np.empty(max(here, 1), a.dtype)
    out = np.lib.stride_tricks.as_strided(memory, a.shape, [step * a.itemsize for step in steps])
    out = out[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in a.strides)]
    out[...] = a
    return out


def fresh_list(xs: Any, *kinds: type) -> Any:
    """A copy of a list, and of the lists, arrays and objects of these classes in it, to be written.

    What is one thing in it is one thing in the copy.
    """
    return _Copies(kinds).fresh(xs)


class _Copies:
    def __init__(self, kinds: tuple[type, ...]) -> None:
        self.kinds = kinds
        self.made: dict[int, Any] = {}

    def fresh(self, xs: Any) -> Any:
        if id(xs) not in self.made:
            self.made[id(xs)] = self._copied(xs)
        return self.made[id(xs)]

    def _copied(self, xs: Any) -> Any:
        if isinstance(xs, tuple) and hasattr(xs, "_fields"):
            return type(xs)(*map(self.fresh, xs))
        if isinstance(xs, (list, tuple)):
            return type(xs)(map(self.fresh, xs))
        if isinstance(xs, dict):
            return {k: self.fresh(v) for k, v in xs.items()}
        if type(xs) in self.kinds or (dataclasses.is_dataclass(xs) and not isinstance(xs, type)):
            out = copy.copy(xs)
            for name, value in vars(xs).items():
                object.__setattr__(out, name, self.fresh(value))
            return out
        return self._copied_array(xs) if isinstance(xs, np.ndarray) else xs

    def _copied_array(self, a: np.ndarray) -> np.ndarray:
        """A copy; views of one array are views of one copy."""
        base = a.base
        if type(base) is not np.ndarray or base.base is not None:
            return fresh_copy(a)
        whole = self.fresh(base).reshape(-1, order="A")
        offset = a.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return np.ndarray(a.shape, a.dtype, whole, offset, a.strides)


def truncate(tape: list[Any], n: int) -> None:
    """Forget what a block that did not complete has recorded; printed as ``del tape[n:]``."""
    del tape[n:]


def same_error(error: BaseException) -> BaseException:
    """``raise error`` of what was caught."""
    return error


def none_caught() -> BaseException:
    """What stands for the exception of a ``try`` block before there is one."""
    return BaseException()


def kept(value: Any, *kinds: type) -> Any:
    """A record of what may be an array or a list, copied: it may be written before the record is read."""
    return fresh_list(value, *kinds)


class _Uncaught:
    """A context out of which no error comes that a handler of the user's is meant for."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, DifferentiationError):
            raise TangentError(
                f"the derivative of a statement in a try block raises {type(error).__name__} ({error}), where the statement does not",
                remedy="Move the statement out of the try block, or catch the point at which it has no derivative before it.",
            ) from error


_UNCAUGHT = _Uncaught()


def uncaught() -> _Uncaught:
    """``with uncaught():`` around tangents in a ``try`` block of the user's (L3)."""
    return _UNCAUGHT


def nothing_returned() -> ArgumentError:
    """The error of a derivative on a path where the function returns None."""
    return ArgumentError("the function returns None here, which has no derivative", remedy="Return a number on every path.")


#: What raises errors of Retrograd's where the user's function would go on.
REFUSING = {expect_some, expect_alone, expect_as_long, expect_apart, uncaught, nothing_returned}


def choose(test: Any, then: Any, orelse: Any) -> Any:
    """``then if test else orelse``; printed as that, so that only one side is evaluated."""
    return then if test else orelse


def both(left: Any, right: Any) -> Any:
    """``left and right``."""
    return left and right


def either(left: Any, right: Any) -> Any:
    """``left or right``."""
    return left or right


def stop_gradient(x: Any) -> Any:
    """``x`` itself, through which no derivative flows."""
    return x


constant(stop_gradient)
register(replace(lookup(stop_gradient), sharing="maybe"))  # type: ignore[type-var]
