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
    "what is put back stays": "part = u_bar[k]; u_bar[k] = 0; u_bar[k] += part + v -> u_bar[k] += v",
    "the original is read": "u = x.copy(); u[k] = v; ... old u[j] -> ... x[j]",
    "a part is not copied": "part = u_bar[k].copy() -> part = u_bar[k]",
    "written once is read again": "u[i + 1] = f(u[i]) needs no record of u[i]",
    "written once is not zeroed": "part = u_bar[i + 1]; u_bar[i + 1] = 0 -> part = u_bar[i + 1]",
    "what cancels": "b + -b -> nothing",
    "zeros are not added": "zeros[k] += v; zeros + g -> g[k] += v",
    "numbers into parts": "b[k] += an array of the number s -> b[k] += s",
    "a part that is all": "b[:, 0] += g -> b + g[:, None]    (b has one column)",
    "constant cotangent": "total_bar = 1.0; for ...: f(total_bar) -> for ...: f(1.0)",
    "length at the end": "for ...: for i in range(len(u)): u[i] = ...: the sweep back asks the u of the end for its length",
    "records together": "x_tape.append(x); y_tape.append(y) -> tape.append((x, y))",
    "shapes by name": "t = r ** 2; t.size -> r.size",
    "sums are gathered": "b = b + x; ...; b = b + y -> ...; b = b + (x + y)",
    "like terms": "g * (b * u) + (g * u) * b -> 2 * (g * (b * u))",
    "common factor": "g * a - g * b -> g * (a - b)",
    "quotient for its error": "y = x / t; x_bar = k / t / t -> x_bar = k / t / t    (y is not read)",
    "partials of a statement": "z = x / (x + k): z_bar / t - z_bar * x / t / t -> z_bar * (k / t / t)    (t = x + k)",
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
