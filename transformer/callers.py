"""Python functions that call another: what is differentiated in place of a function that has no source, or whose ``*args`` are counted."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from retrograd.runtime.rules import lookup

from .compile import load
from .emit import Text

Parameter = inspect.Parameter


def caller_of(f: Any) -> FunctionType:
    """A function that calls ``f``: a derivative, or a function with a rule of its own, to be differentiated."""
    known = lookup(f)
    signature = inspect.signature(f) if known is None else known.signature
    return _calling(f, list(signature.parameters.values()))


def caller_with(f: Any, count: int) -> FunctionType:
    """``f`` with a parameter for each of ``count`` positional arguments: ``*xs`` becomes ``xs_0, xs_1``."""
    made: list[Parameter] = []
    for p in inspect.signature(f).parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            names = _unlike(p.name, count - len(made), inspect.signature(f).parameters)
            if names:
                made = [q.replace(default=q.empty) for q in made]
            made += [Parameter(name, Parameter.POSITIONAL_ONLY if _only(made) else Parameter.POSITIONAL_OR_KEYWORD) for name in names]
        else:
            made.append(p)
    return _calling(f, made)


def _only(made: list[Parameter]) -> bool:
    return bool(made) and made[-1].kind is Parameter.POSITIONAL_ONLY


def _unlike(name: str, count: int, taken: Iterable[str]) -> list[str]:
    while any(f"{name}_{k}" in taken for k in range(count)):
        name += "_"
    return [f"{name}_{k}" for k in range(count)]


def _calling(f: Any, params: list[Parameter]) -> FunctionType:
    bare = [p.replace(annotation=p.empty, default=p.empty) for p in params]
    clean = "".join(c if c.isalnum() else "_" for c in getattr(f, "__name__", "f")).strip("_")
    name = clean if clean.isidentifier() and not keyword.iskeyword(clean) else "function"
    called = "called"
    while called in {p.name for p in params}:
        called += "_"
    passed = ", ".join(_passed(p) for p in bare)
    source = f"def {name}{inspect.Signature(bare)}:\n    return {called}({passed})\n"
    made: FunctionType = load(Text(source, {called: f}, ()), name)  # type: ignore[assignment]
    made.__defaults__ = tuple(p.default for p in params if _has_default(p, False)) or None
    made.__kwdefaults__ = {p.name: p.default for p in params if _has_default(p, True)}
    return made


def _passed(p: Parameter) -> str:
    if p.kind is p.KEYWORD_ONLY:
        return f"{p.name}={p.name}"
    stars: dict[Any, str] = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}
    return stars.get(p.kind, "") + p.name


def _has_default(p: Parameter, named: bool) -> bool:
    return p.default is not p.empty and (p.kind is p.KEYWORD_ONLY) == named


# -- arguments that are counted ---------------------------------------------------------------------------


def counts_beyond(f: Any, wrt: Any) -> bool:
    """Does a number in ``wrt`` mean an argument that ``*args`` takes?"""
    try:
        params = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return False
    at = next((k for k, p in enumerate(params) if p.kind is p.VAR_POSITIONAL), None)
    asked = [wrt] if isinstance(wrt, (int, str)) else list(wrt)
    return at is not None and any(isinstance(k, int) and not 0 <= k < at for k in asked)


class ByCount:
    """A derivative of a function of ``*args`` by some of them: one for each number of arguments it is called with."""

    def __init__(self, f: Any, make: Callable[[FunctionType], Any], extra: int, retrograd: Any) -> None:
        self.f, self.make, self.extra = f, make, extra
        self.__name__ = getattr(f, "__name__", "f")
        self.__retrograd__ = retrograd
        self._made: dict[int, Any] = {}

    def of(self, args: tuple[Any, ...]) -> Any:
        count = len(args) - self.extra
        if count not in self._made:
            self._made[count] = self.make(caller_with(self.f, count))
        return self._made[count]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.of(args)(*args, **kwargs)

    def emitted(self, *args: Any, **kwargs: Any) -> str:
        return self.of(args).emitted(*args, **kwargs)  # type: ignore[no-any-return]


__all__ = ["ByCount", "caller_of", "caller_with", "counts_beyond"]
