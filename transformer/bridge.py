"""How does a transformed function take part in a graph that is being recorded?  As one node.

A ``@differentiable`` function is still the user's function.  Called with a Tensor or a traced array it runs its emitted
primal, and the pullback of the one node that it leaves in the graph is its emitted adjoint.

>>> from retrograd.runtime.creation import tensor
>>> area = differentiable(lambda r: np.pi * r**2)
>>> area(2.0) == np.pi * 4
True
>>> r = tensor(2.0, requires_grad=True)
>>> area(r).backward()
>>> r.grad
tensor(12.5664)
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from retrograd.runtime import modes
from retrograd.runtime.errors import AliasedMutation, ArgumentError, NoRule
from retrograd.runtime.graph import Saved, Variable, node_name, record, requires_grad
from retrograd.runtime.structure import Path, at, labels, leaves, mapped, part

from . import api, pipeline
from .builder import type_of
from .types import AggregateT, ListT

# -- values with variables in them -------------------------------------------------------------------------


#: Types that hold no variable, told at once.
LEAVES = frozenset([np.ndarray, np.float64, np.float32, float, int, bool, complex, str, type(None)])


def holds_variable(value: Any) -> bool:
    """Is there a Tensor or a traced array anywhere inside?"""
    if type(value) in LEAVES:
        return False
    if isinstance(value, Variable):
        return True
    found = labels(value)
    return found is not None and any(holds_variable(part(value, label)) for label in found)


def plain(value: Any) -> Any:
    """The value without its place in the graph, in containers too; a tensor without axes is a NumPy scalar."""
    return mapped(lambda _, leaf: _bare(leaf._value) if isinstance(leaf, Variable) else leaf, value)


def _bare(value: Any) -> Any:
    return value[()] if isinstance(value, np.ndarray) else value


def read_only(value: Any) -> Any:
    """The same, where the arrays of variables cannot be written to: nobody would count the write."""

    def view(_: Path, leaf: Any) -> Any:
        if not isinstance(leaf, Variable):
            return leaf
        seen = _bare(leaf._value)
        if isinstance(seen, np.ndarray):
            seen = seen.view()
            seen.flags.writeable = False
        return seen

    return mapped(view, value)


# -- one call ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Input:
    """A variable among the arguments whose derivative may be asked for: the parameter and the path inside it."""

    name: str
    path: Path
    variable: Variable


@dataclass(frozen=True, eq=False)
class Crossing:
    """One call of a transformed function with variables: everything its pullback needs."""

    bridge: Bridge
    names: tuple[str, ...]
    inputs: tuple[Input, ...]
    values: tuple[Any, ...]
    adjoint: Callable[..., Any]
    record: tuple[Any, ...]
    value: Any
    seeds: api.Seeds

    @property
    def outputs(self) -> list[int]:
        """Which inexact parts of the result are: an int where the types allow a float has no derivative."""
        return [k for k, leaf in enumerate(self.seeds.leaves(self.value)) if np.asarray(leaf).dtype.kind in "fc"]

    def seeded(self, bars: Sequence[Any]) -> list[Any]:
        """A cotangent for every inexact part of the result, in its dtype."""
        given = dict(zip(self.outputs, bars, strict=True))
        return [_seed(given.get(k), leaf) for k, leaf in enumerate(self.seeds.leaves(self.value))]

    def pullback(self, *bars: Any) -> tuple[Any, ...]:
        return self.chosen(self.adjoint(*self.record, *self.seeded(bars)))

    def chosen(self, found: Sequence[Any]) -> tuple[Any, ...]:
        """Of the cotangents of whole arguments, those of the variables in them."""
        bars = dict(zip(self.names, found, strict=True))
        return tuple(at(bars[entry.name], entry.path) for entry in self.inputs)

    def traced(self, watched: Sequence[Saved]) -> Callable[..., Any]:
        """The pullback once more, as an operation that has a pullback of its own."""

        def pullback(*given: Any) -> Any:
            for saved in watched:
                saved.check()
            bars = plain(given[: len(self.outputs)])
            return record(self.pullback(*bars), given, self.second(bars), f"{self.bridge.node}Backward0")

        return pullback

    def second(self, bars: Sequence[Any]) -> Callable[..., Any]:
        """The pullback of the pullback: the gradient of the directional derivative along ``v`` (H1)."""

        def pullback(*v: Any) -> tuple[Any, ...]:
            tangents = [self.direction(name, v) for name in self.names]
            run = self.bridge.tangents(self.names).at(self.values)
            (dot, kept), adjoint, seeds = run(*tangents)
            dots = seeds.leaves(dot)
            found = adjoint(*kept, *(_seed(bar, leaf) for bar, leaf in zip(self.seeded(bars), dots, strict=True)))
            return (*(_like(dots[k], self.seeds.leaves(self.value)[k]) for k in self.outputs), *self.chosen(found))

        return pullback

    def direction(self, name: str, v: Sequence[Any]) -> Any:
        """The tangent of one argument: ``v`` at its variables, zeros elsewhere."""
        given = {entry.path: bar for entry, bar in zip(self.inputs, v, strict=True) if entry.name == name}
        value = self.values[self.bridge.target.names.index(name)]
        return mapped(lambda path, leaf: _seed(given.get(path), leaf) if _inexact(leaf) else leaf, value)


def _inexact(leaf: Any) -> bool:
    return isinstance(leaf, float | complex) or getattr(getattr(leaf, "dtype", None), "kind", "") in ("f", "c")


def _holds_list(t: Any) -> bool:
    return isinstance(t, ListT) or (isinstance(t, AggregateT) and any(map(_holds_list, t.items)))


def _seed(bar: Any, leaf: Any) -> Any:
    """A cotangent of the very type of its value: Python's numbers where that is one."""
    if type(leaf) in (float, complex):
        return type(leaf)(0 if bar is None else np.asarray(bar)[()])
    return api.seed_of(bar, leaf)


def _like(dot: Any, leaf: Any) -> Any:
    """A tangent in the shape and dtype of its value: it may be a plain 0 where nothing varies."""
    dtype, shape = np.asarray(leaf).dtype, np.shape(leaf)
    return np.broadcast_to(np.asarray(dot, dtype), shape).copy() if shape else dtype.type(dot)


def _own(leaf: Any, others: list[Any]) -> Any:
    """A result with memory of its own: nobody's write to an argument shows in it."""
    if not isinstance(leaf, np.ndarray):
        return leaf
    if any(isinstance(other, np.ndarray) and np.may_share_memory(leaf, other) for other in others):
        leaf = leaf.copy(order="K")
    others.append(leaf)
    return leaf


def active_inputs(names: Sequence[str], values: Sequence[Any]) -> tuple[Input, ...]:
    """The variables among the arguments whose derivative may be asked for."""
    return tuple(
        Input(name, path, leaf)
        for name, value in zip(names, values, strict=True)
        for path, leaf in leaves(value)
        if isinstance(leaf, Variable) and requires_grad(leaf)
    )


def passive(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """No derivative can be asked for: the user's function itself, on plain arrays."""
    face = face_of((args, kwargs))
    result = f(*read_only(args), **read_only(kwargs))
    others = [leaf for _, leaf in leaves(plain((args, kwargs)))]
    return mapped(lambda _, leaf: _wrapped(face, _own(leaf, others)), result)


def as_one_node(
    value: Any,
    inputs: tuple[Input, ...],
    pullback: Callable[[Any], Sequence[Any]],
    name: str,
    face: type[Variable],
    others: Any,
) -> Any:
    """Record a value whose ``pullback`` takes a cotangent in its structure and returns one for each input."""
    apart = [leaf for _, leaf in leaves(others)]
    own = mapped(lambda _, leaf: _own(leaf, apart), value)
    paths = [path for path, leaf in leaves(own) if _inexact(leaf)]

    def pull(*bars: Any) -> tuple[Any, ...]:
        given = {path: _seed(bar, at(own, path)) for path, bar in zip(paths, bars, strict=True)}
        return tuple(pullback(mapped(lambda path, leaf: given.get(path), own)))

    if not paths:
        return mapped(lambda _, leaf: _wrapped(face, leaf), own)
    made = record(tuple(at(own, path) for path in paths), [i.variable for i in inputs], pull, name, None, face)
    found = dict(zip(paths, made, strict=True))
    return mapped(lambda path, leaf: found[path] if path in found else _wrapped(face, leaf), own)


class Bridge:
    """A function as an operation of the graph."""

    def __init__(self, f: Any, wrt: api.Wrt | None) -> None:
        self.f, self.pullbacks = f, api.Pullbacks(f, wrt)
        self.target = self.pullbacks.target
        self.name = self.target.fn.__name__
        self.node = node_name(self.target.fn).removesuffix("Backward0")
        self._tangents: dict[tuple[str, ...], api.Transformed] = {}

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        values = self.target.arrange(args, kwargs)
        inputs = self.inputs(values) if modes.GRAD.get() else ()
        if not inputs:
            return passive(self.f, args, kwargs)
        crossing = self.cross(inputs, plain(values))
        return self.recorded(crossing, inputs, face_of(values))

    def inputs(self, values: tuple[Any, ...]) -> tuple[Input, ...]:
        """The active variables among the arguments; one that ``wrt`` leaves out is an error."""
        found = active_inputs(self.target.names, values)
        wrt = self.pullbacks.wrt
        left_out = [entry.name for entry in found if wrt is not None and entry.name not in wrt]
        if left_out:
            raise ArgumentError(
                f"{self.name}: the argument {left_out[0]!r} requires grad, but wrt={wrt} leaves it out",
                remedy=f"Add it to wrt, or pass {left_out[0]}.detach().",
            )
        return found

    def cross(self, inputs: tuple[Input, ...], values: tuple[Any, ...]) -> Crossing:
        """Run the emitted primal."""
        names = tuple(dict.fromkeys(entry.name for entry in inputs))
        made = self.pullbacks.pairs(names)
        entry, captured = made.found(values)
        if entry.written:
            raise AliasedMutation(
                f"{self.name} writes to its argument, and was called with a {_kind(inputs[0].variable)}",
                remedy="Make a copy first, inside the function: u = u.copy().",
            )
        (value, kept), adjoint, seeds = made.run(entry, values, captured)
        if _holds_list(seeds.type):
            raise NoRule(
                f"{self.name} returns a list whose length only the run knows, and was called with a {_kind(inputs[0].variable)}",
                remedy="Return an array: np.array(xs).",
            )
        return Crossing(self, names, inputs, values, adjoint, kept, value, seeds)

    def recorded(self, crossing: Crossing, inputs: tuple[Input, ...], face: type[Variable]) -> Any:
        """The result with one node behind all of its inexact parts."""
        others = [leaf for _, leaf in leaves(crossing.values)]
        parts = [_own(leaf, others) for leaf in crossing.seeds.leaves(crossing.value)]
        outputs = crossing.outputs
        if outputs:
            variables = [entry.variable for entry in inputs]
            watched = [Saved(v) for v in variables if isinstance(v._value, np.ndarray)]
            given = tuple(parts[k] for k in outputs)
            name = f"{self.node}Backward0"
            made = record(given, variables, crossing.pullback, name, crossing.traced(watched), face)
            for k, variable in zip(outputs, made, strict=True):
                parts[k] = variable
        return crossing.seeds.refilled(crossing.value, parts, lambda leaf: _wrapped(face, _own(leaf, others)))

    def tangents(self, names: tuple[str, ...]) -> Tangents:
        """Primal and adjoint of the directional derivative along these arguments."""
        if names not in self._tangents:
            self._tangents[names] = Tangents(self.f, names)
        return self._tangents[names]


class Tangents(api.Transformed):
    """``(args) -> (tangents -> ((y_dot, record), adjoint, seeds))``: the pair of the directional derivative."""

    def __init__(self, f: Any, names: tuple[str, ...]) -> None:
        super().__init__(f, self.pair, names, "tangent")

    def pair(self, special: api.Specialised) -> api.Built:
        variables = special.by_name(self.names)
        program = pipeline.tangent(special.program, variables, value=False)
        first, second = pipeline.pair(program, variables)
        primal, adjoint = api.loaded(first), api.loaded(second)
        seeds, count = api.Seeds(type_of(program.result)), len(special.program.params)

        def run(*values: Any) -> Any:
            return lambda *tangents: (primal(*values[:count], *tangents), adjoint, seeds)

        return api.Built(run, f"{first.source}\n\n{second.source}", bool(first.written))

    def at(self, values: tuple[Any, ...]) -> Any:
        entry, captured = self.found(values)
        return self.run(entry, values, captured)


def face_of(values: Any) -> type[Variable]:
    return next(leaf._face() for _, leaf in leaves(values) if isinstance(leaf, Variable))


def _kind(variable: Variable) -> str:
    return "Tensor" if type(variable).__name__ == "Tensor" else "traced array"


def _wrapped(face: type[Variable], leaf: Any) -> Any:
    return face._wrap(leaf) if isinstance(leaf, np.ndarray | np.generic) else leaf


# -- the decorator ----------------------------------------------------------------------------------------


class Differentiable:
    """The user's function, with its derivatives beside it; see ``differentiable``."""

    def __init__(self, f: Callable[..., Any], wrt: api.Wrt | None = None, **options: Any) -> None:
        functools.update_wrapper(self, f, updated=())
        self.__retrograd_primal__ = f
        self._wrt, self._options = wrt, options

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if holds_variable(args) or (kwargs and holds_variable(kwargs)):
            return self._bridge(args, kwargs)
        return self.__retrograd_primal__(*args, **kwargs)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __repr__(self) -> str:
        return f"<differentiable {self.__retrograd_primal__!r}>"

    @functools.cached_property
    def _bridge(self) -> Bridge:
        return Bridge(self.__retrograd_primal__, self._wrt)

    @functools.cached_property
    def grad(self) -> Callable[..., Any]:
        """``rg.grad`` of this function: with respect to ``wrt``, or to its first argument."""
        return api.grad(self.__retrograd_primal__, 0 if self._wrt is None else self._wrt, **self._options)  # type: ignore[no-any-return]

    @functools.cached_property
    def value_and_grad(self) -> Callable[..., Any]:
        """``rg.value_and_grad`` of this function."""
        return api.value_and_grad(self.__retrograd_primal__, 0 if self._wrt is None else self._wrt, **self._options)  # type: ignore[no-any-return]

    @functools.cached_property
    def vjp(self) -> Callable[..., Any]:
        """``value, pullback = f.vjp(*args)``."""
        return api.Pullbacks(self.__retrograd_primal__, self._wrt)

    @functools.cached_property
    def jvp(self) -> Callable[..., Any]:
        """``value, tangent = f.jvp(primals, tangents)``."""
        return api.Pushforwards(self.__retrograd_primal__, self._wrt)


def differentiable(f: Callable[..., Any] | None = None, /, *, wrt: api.Wrt | None = None, **options: Any) -> Any:
    """Mark a function as differentiable: called as before, it is the user's own function; called with Tensors it is
    one operation of their graph, whose pullback is the emitted adjoint.

    ``f.grad``, ``f.value_and_grad``, ``f.vjp`` and ``f.jvp`` are its derivatives with respect to ``wrt``; other options
    go to ``rg.grad``.  Arguments and results may be nested tuples, lists, dicts and dataclasses.  A function that
    writes to its arguments raises ``AliasedMutation`` when it is called with Tensors; a Tensor that requires grad in a
    place that ``wrt`` leaves out raises ``ArgumentError``.

    >>> @differentiable(wrt=("x", "y"))
    ... def product(x, y):
    ...     return x * y
    >>> product(3.0, 4.0), product.grad(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """
    if f is None:
        return lambda g: Differentiable(g, wrt, **options)
    return Differentiable(f, wrt, **options)


__all__ = ["Differentiable", "differentiable"]
