"""How do containers that Numba does not take get in and out of a program?  As the numbers and arrays in them.

    def f(p, x):                        def f(p_w, p_b, x):
        ... p["w"] ...                      ... p_w ...
        return {"w": w_bar, "b": b_bar}     return w_bar, b_bar

A dict, list, dataclass or named tuple whose parts are known one by one becomes a parameter for each part; so does a
tuple that holds one of them, or a text or None, which stay outside.  ``Ports`` does it to values at run time.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .builder import leaves, pick
from .ir import Aggregate, Atom, Block, Const, Function, Let, Stmt, Var, map_blocks, substitute, walk
from .types import AggregateT, ConstT, construct


@dataclass(frozen=True)
class Ports:
    """What a flattened program was given and returned before: types of parameters, and the atom of the result."""

    given: tuple[Any, ...]
    returned: Atom | None

    def flat(self, values: Sequence[Any]) -> Sequence[Any]:
        """The arguments of the flattened program."""
        if not any(map(is_opened, self.given)):
            return values
        return [leaf for t, value in zip(self.given, values) for leaf in _parts(t, value)]

    def result(self, value: Any) -> Any:
        """What the program returned, in its containers again."""
        return value if self.returned is None else _built(self.returned, iter(value))


def flattened(fn: Function) -> Function:
    """The program with a parameter and a result for each part of a container; ``options["ports"]`` tells which."""
    env: dict[Var, Atom] = {p: _opened(p) for p in fn.params if is_opened(p.type)}
    params = [leaf for p in fn.params for leaf in leaves(env.get(p, p)) if isinstance(leaf, Var)]
    body = _picked(fn.body, env)
    result = body.yields[0]
    is_flat = not _needs_ports(result)
    if not is_flat:
        parts = tuple(leaf for leaf in leaves(result) if not isinstance(leaf, Const))
        body = replace(body, yields=(Aggregate(tuple, parts),))
    ports = Ports(tuple(p.type for p in fn.params), None if is_flat else result)
    return replace(fn, params=tuple(params), body=body, options={**fn.options, "ports": ports})


# -- parameters -------------------------------------------------------------------------------------------


def is_opened(t: Any) -> bool:
    """Does it become a parameter for each part?"""
    return isinstance(t, AggregateT) and (t.kind is not tuple or any(map(_is_strange, t.items)))


def _is_strange(t: Any) -> bool:
    return isinstance(t, ConstT) or is_opened(t)


def _opened(var: Var) -> Atom:
    """The parts of a parameter, each a value of its own."""
    return _atom(var.type, var.hint)


def _atom(t: Any, name: str) -> Atom:
    if isinstance(t, ConstT):
        return Const(t.value)
    if not is_opened(t):
        return Var(name, t)
    return Aggregate(t.kind, tuple(_atom(item, f"{name}_{key}") for key, item in zip(t.labels, t.items)), t.keys)


def _parts(t: Any, value: Any) -> Iterator[Any]:
    if not is_opened(t):
        yield value
        return
    by_name = t.keys is not None and not issubclass(t.kind, (dict, tuple))
    for at, (key, item) in enumerate(zip(t.labels, t.items)):
        if not isinstance(item, ConstT):  # of a named tuple plain code hands over a tuple
            yield from _parts(item, getattr(value, key) if by_name else value[key if t.kind is dict else at])


# -- the program ------------------------------------------------------------------------------------------


def _picked(block: Block, env: dict[Var, Atom]) -> Block:
    """The block reading parts in place of containers."""
    for stmt in walk(block):
        part = _part(stmt, env)
        if part is not None:
            env[stmt.var] = part  # type: ignore[union-attr]
    return substitute(_without(block, env), lambda v: env.get(v, v))


def _part(stmt: Stmt, env: dict[Var, Atom]) -> Atom | None:
    if not isinstance(stmt, Let) or stmt.call.fn not in (operator.getitem, getattr):
        return None
    owner, key = stmt.call.args[:2]
    owner = env.get(owner, owner) if isinstance(owner, Var) else owner
    return pick(owner, key.value) if isinstance(owner, Aggregate) and isinstance(key, Const) else None


def _without(block: Block, env: dict[Var, Atom]) -> Block:
    kept = (s for s in block.stmts if not (isinstance(s, Let) and s.var in env))
    return Block(tuple(map_blocks(s, lambda inner: _without(inner, env)) for s in kept), block.yields)


# -- results ----------------------------------------------------------------------------------------------


def _needs_ports(atom: Atom) -> bool:
    if isinstance(atom, Aggregate):
        return atom.kind is not tuple or any(map(_needs_ports, atom.items))
    return isinstance(atom, Const) and isinstance(atom.value, (str, bytes, type(None), type(Ellipsis)))


def _built(atom: Atom, values: Iterator[Any]) -> Any:
    if isinstance(atom, Aggregate):
        return construct(atom.kind, [_built(item, values) for item in atom.items], atom.keys)
    return atom.value if isinstance(atom, Const) else next(values)
