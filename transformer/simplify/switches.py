"""Which rewrites are on, and which of them applied?  Every rewrite of derivative code has a name, and can be switched off by it.

    with without("sign out of product"):
        g = retrograd.grad(f)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_off: ContextVar[frozenset[str]] = ContextVar("rewrites switched off", default=frozenset())
_applied: ContextVar[set[str]] = ContextVar("rewrites that applied", default=set())

#: The rewrites of whole programs, and what each is; those of single calls are the rows of ``laws.LAWS``.
REWRITES: dict[str, str] = {
    "one step is repeated": "t = n - 1; f(t); g(t) -> f(n - 1); g(n - 1)",
    "records together": "x_tape.append(x); y_tape.append(y) -> tape.append((x, y))",
    "shapes by name": "t = r ** 2; t.size -> r.size",
    "sums are gathered": "b = b + x; ...; b = b + y -> ...; b = b + (x + y)",
    "like terms": "g * (b * u) + (g * u) * b -> 2 * (g * (b * u))",
    "common factor": "g * a - g * b -> g * (a - b)",
    "one times a count": "1.0 * n - x -> n - x",
}
NAMES: set[str] = set(REWRITES)


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Switch rewrites off by name, inside a ``with``."""
    unknown = set(names) - NAMES
    if unknown:
        raise KeyError(f"no such law: {', '.join(sorted(unknown))}")
    token = _off.set(_off.get() | set(names))
    try:
        yield
    finally:
        _off.reset(token)


@contextmanager
def applied() -> Iterator[set[str]]:
    """The names of the rewrites that apply inside a ``with``."""
    names: set[str] = set()
    token = _applied.set(names)
    try:
        yield names
    finally:
        _applied.reset(token)


def is_on(name: str) -> bool:
    return name not in _off.get()


def note(name: str) -> None:
    """A rewrite applied."""
    _applied.get().add(name)
