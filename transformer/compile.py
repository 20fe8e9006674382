"""From text to a function that runs, and a guard that says when it applies.

The text is registered in ``linecache``, so tracebacks, ``pdb`` and ``inspect.getsource`` work on it.
"""

from __future__ import annotations

import itertools
import linecache
import math
import operator
import weakref
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from types import MethodType
from typing import Any

import numpy as np

from .emit import Text
from .intrinsics import Emitted
from .types import (
    LIST_BY_STRUCTURE,
    AggregateT,
    ArrayT,
    ConstT,
    ListT,
    OpaqueT,
    RangeT,
    ScalarT,
    abstract,
    known_length,
)

_counter = itertools.count(1)


def load(text: Text, name: str) -> Callable[..., Any]:
    """The emitted function; its text lives as long as it does (C3)."""
    file = f"<retrograd {name} {next(_counter)}>"
    scope: dict[str, Any] = {
        "np": np,
        "math": math,
        "operator": operator,
        **text.scope,
        "__name__": f"retrograd.emitted.{name}",
    }
    exec(compile(text.source, file, "exec"), scope)
    fn = scope[name]
    linecache.cache[file] = (len(text.source), None, text.source.splitlines(True), file)
    weakref.finalize(fn, linecache.cache.pop, file, None)
    fn.__retrograd_lines__ = text.sources
    return fn


def bind(texts: dict[Any, Text], functions: dict[Any, Callable[..., Any]]) -> None:
    """Functions emitted beside each other find each other under the names they call each other by."""
    for key, text in texts.items():
        others = {name: functions[value] for name, value in text.scope.items() if isinstance(value, Emitted)}
        functions[key].__globals__.update(others)


# -- guards -----------------------------------------------------------------------------------------------


@dataclass
class GuardWriter:
    """Writes a specialisation's guard as one Python expression (C5)."""

    scope: dict[str, Any]
    tests: list[str]

    def constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def test(self, path: str, t: Any) -> None:
        if isinstance(t, ArrayT):
            self.array(path, t)
        elif isinstance(t, ScalarT):
            cls = type(t.dtype.type(0).item()) if t.weak else t.dtype.type
            self.tests.append(f"type({path}) is {self.constant(cls)}")
        elif isinstance(t, ConstT):
            value = self.constant(t.value)
            one = t.value is None or t.value is Ellipsis or (callable(t.value) and not isinstance(t.value, MethodType))
            same = f"{path} is {value}" if one else f"{path} == {value}"
            self.tests.append(f"type({path}) is {self.constant(type(t.value))} and {same}")
        elif isinstance(t, AggregateT):
            self.aggregate(path, t)
        elif isinstance(t, ListT):
            check = self.constant(_list_guard(t))
            self.tests.append(f"{check}({path})")
        elif isinstance(t, OpaqueT):
            self.tests.append(f"type({path}) is {self.constant(t.cls)}")
        elif isinstance(t, RangeT):
            self.tests.append(f"type({path}) is range")

    def array(self, path: str, t: ArrayT) -> None:
        dtype = self.constant(t.dtype)
        tests = [f"type({path}) is ndarray", f"({path}.dtype is {dtype} or {path}.dtype == {dtype})"]
        if t.shape and all(axis.one or known_length(axis) is not None for axis in t.shape):
            tests.append(f"{path}.shape == {self.constant(tuple(1 if axis.one else known_length(axis) for axis in t.shape))}")
        elif not t.shape:
            tests.append(f"{path}.ndim == 0")
        elif t.ndim == 1:
            tests.append(f"({path}.ndim == 1 and len({path}) {'==' if t.shape[0].one else '!='} 1)")
        else:
            ones = [f"shape[{k}] {'==' if axis.one else '!='} 1" for k, axis in enumerate(t.shape)]
            tests.append(f"(len(shape := {path}.shape) == {t.ndim} and {' and '.join(ones)})")
        self.tests += tests

    def aggregate(self, path: str, t: AggregateT) -> None:
        self.tests.append(f"type({path}) is {self.constant(t.kind)}")
        if t.kind is dict:
            self.tests.append(f"tuple({path}) == {self.constant(t.keys)}")
        elif t.keys is None:
            self.tests.append(f"len({path}) == {len(t.items)}")
        elif not issubclass(t.kind, tuple) and not is_dataclass(t.kind):
            self.tests.append(f"tuple(vars({path})) == {self.constant(t.keys)}")
        keys = t.labels
        for key, item in zip(keys, t.items):
            text = repr(key) if type(key) in (int, str) else self.constant(key)
            self.test(f"{path}[{text}]" if t.kind is dict or t.keys is None else f"{path}.{key}", item)


def _list_guard(t: ListT) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return type(value) is t.kind and len(value) > LIST_BY_STRUCTURE and (
            abstract(value) == t or abstract(value, argument=True) == t
        )

    return check


def write_guard(names: tuple[str, ...], types: tuple[Any, ...], fixed: dict[str, Any]) -> Callable[..., bool]:
    """``guard(*values) -> bool``: are these the types, and the fixed ints, that were specialised on?"""
    writer = GuardWriter({"ndarray": np.ndarray}, [])
    safe = tuple(f"a{k}" for k in range(len(names)))
    for path, name, t in zip(safe, names, types):
        writer.test(path, t)
        if name in fixed:
            writer.tests.append(f"{path} == {writer.constant(fixed[name])}")
    source = f"def guard({', '.join(safe)}):\n    return {' and '.join(writer.tests) or 'True'}\n"
    exec(source, writer.scope)
    return writer.scope["guard"]  # type: ignore[no-any-return]
