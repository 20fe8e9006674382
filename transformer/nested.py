"""What is a derivative taken inside a differentiated function?

The inner function is lowered to a program of its own: its inputs are the arguments to differentiate, and whatever else
it reads from outside, the other arguments and captured variables.  Its gradient is one statement of the outer program,
``bars = cotangents(inputs, seed)``, with derivatives of its own (H1): the pullback of a gradient with cotangent ``v`` is the gradient
of the directional derivative along ``v`` with respect to *every* active input, and its tangent along ``u`` is the gradient
of the tangent along ``u``.  So every jvp moves inwards, no tape is ever differentiated, and reverse mode is outermost, once.

>>> api.grad(lambda x: x * api.grad(lambda y: x * y * y)(x))(1.5)
13.5
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import ArgumentError, placed

from . import api, calls, pipeline
from .analysis.activity import is_structural
from .analysis.purity import is_pure
from .builder import Builder, leaves, refill, type_of
from .intrinsics import Intrinsic, applied, copied, free, renamed
from .intrinsics import given as with_values
from .ir import Aggregate, Atom, Block, Call, Const, Function, Let, Ref, Var, definitions, rebuild, vars_of, walk
from .types import AggregateT, ArrayT, ScalarT, described, is_inexact
from .values import Compiletime, Derivative, LocalFunction

if TYPE_CHECKING:
    from .adjoint.forward import Forward
    from .adjoint.reverse import Reverse
    from .lower import Lowering, Path

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


# -- the gradient as one statement ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cotangents(Intrinsic):
    """``(inputs, seed) -> cotangents of wrt``: reverse mode over a program, as one call.

    ``seed`` is a cotangent of the program's result whose variables are further inputs of the call.
    """

    fn: Function
    wrt: tuple[Var, ...]
    seed: Atom

    pure, passes, fresh = True, True, True

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return f"gradient of {self.fn.name}"

    @property
    def params(self) -> tuple[Var, ...]:
        return (*self.fn.params, *vars_of(self.seed))

    @property
    def type(self) -> Any:
        """A NumPy scalar may stand for a Python number in a cotangent."""
        return AggregateT(tuple, tuple(_loose(v.type) for v in self.wrt))

    def call(self, args: dict[Var, Atom]) -> Call:
        return Call(self, tuple(args[p] for p in self.params))

    def expand(self, stmt: Let) -> Block:
        """The gradient's own two sweeps, records in place."""
        given = dict(zip(self.params, stmt.call.args, strict=True))
        fn, own = copied(self.fn)
        fn, _ = pipeline.prepare(fn)
        seed = rebuild(self.seed, lambda v: given[v])
        sweeps = pipeline.sweep(fn, tuple(own[v] for v in self.wrt), lambda result: (result, seed))
        fwd, rev = pipeline.join(sweeps, fn.result)
        copies, bars = pipeline.fresh_results(rev.yields, (*fn.params, *vars_of(seed)), fwd, rev)
        whole = Block((*fwd.stmts, *rev.stmts, *copies), (Aggregate(tuple, tuple(bars)),))
        hints = {v: Var(sweeps.hints[v], v.type) for v in definitions(whole) if v in sweeps.hints and not v.hint}
        return with_values(renamed(whole, hints), {own[p]: given[p] for p in self.fn.params})

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        """One reverse sweep over the directional derivative along ``z_bar`` (H1)."""
        given = dict(zip(self.params, stmt.call.args, strict=True))
        along = self._directions(sweep, stmt, z_bar)
        dot = pipeline.tangent(self.fn, tuple(along), value=False)
        given.update(_declared(sweep.build, dot.params[len(self.fn.params) :], along.values()))
        self._to_inputs(sweep, dot, given)
        self._to_seed(sweep, dot, given)

    def _directions(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> dict[Var, Atom]:
        bars = z_bar.items if isinstance(z_bar, Aggregate) else ()
        pairs = zip(self.wrt, bars, strict=True)
        return {
            v: _filled(sweep, stmt.var, (k,), bar) for k, (v, bar) in enumerate(pairs) if not _is_none(bar)
        }

    def _to_inputs(self, sweep: Reverse, dot: Function, given: dict[Var, Atom]) -> None:
        active = tuple(p for p in self.fn.params if sweep.is_active(given[p]))
        if not active:
            return
        inner = Cotangents(dot, active, self.seed)
        bars = sweep.build.let(inner.call(given), inner.type)
        for k, param in enumerate(active):
            sweep.accumulate(given[param], sweep.build.call(operator.getitem, bars, Const(k)))

    def _to_seed(self, sweep: Reverse, dot: Function, given: dict[Var, Atom]) -> None:
        """The cotangent of the seed is the directional derivative itself."""
        if not any(sweep.is_active(given[v]) for v in vars_of(self.seed)):
            return
        made = applied(dot, (given[p] for p in dot.params), forward=False)
        write(sweep.build, made)
        for var, atom in _paired(sweep.build, self.seed, made.yields[0]):
            sweep.accumulate(given[var], atom)

    def forward(self, sweep: Forward, stmt: Let) -> None:
        """The gradient of the tangent along the inputs' own, seeded with the seed and its tangent."""
        given = dict(zip(self.params, stmt.call.args, strict=True))
        moving = tuple(p for p in self.fn.params if sweep.is_active(given[p]))
        seed_moves = any(sweep.is_active(given[v]) for v in vars_of(self.seed))
        total: Atom | None = None
        if moving:
            dot = pipeline.tangent(self.fn, moving, value=False)
            given.update(_declared(sweep.build, dot.params[len(self.fn.params) :], (sweep.dot(given[p]) for p in moving)))
            inner = Cotangents(dot, self.wrt, self.seed)
            total = sweep.build.let(inner.call(given), inner.type)
        if seed_moves:
            seeds = tuple(vars_of(self.seed))
            dots = _declared(sweep.build, seeds, (sweep.dot(given[v]) for v in seeds))
            more = sweep.build.let(self.call({**given, **dots}), self.type)
            total = more if total is None else _sum(sweep.build, total, more)
        assert total is not None
        sweep.dots[stmt.var] = total


def _declared(build: Builder, params: Iterable[Var], values: Iterable[Atom]) -> dict[Var, Atom]:
    """Values for parameters; what may be a NumPy scalar becomes the Python number that the program was typed for."""
    return {p: _as_python(build, v) if _is_python(p.type) else v for p, v in zip(params, values, strict=True)}


def _is_python(t: Any) -> bool:
    return isinstance(t, ScalarT) and t.weak is True


def _as_python(build: Builder, atom: Atom) -> Atom:
    t = type_of(atom)
    return atom if not isinstance(t, ScalarT) or t.weak else build.call(complex if t.dtype.kind == "c" else float, atom)


def _is_none(atom: Atom) -> bool:
    return isinstance(atom, Const) and atom.value is None


def _loose(t: Any) -> Any:
    if isinstance(t, AggregateT):
        return AggregateT(t.kind, tuple(map(_loose, t.items)), t.keys)
    return ScalarT(t.dtype, None) if isinstance(t, ScalarT) and is_inexact(t) else t


def _filled(sweep: Reverse, var: Var, path: tuple[Any, ...], bar: Atom) -> Atom:
    """A cotangent with zeros where nothing arrived."""
    t = sweep.type_at(var, path)
    if isinstance(t, AggregateT) and isinstance(bar, Aggregate):
        parts = tuple(_filled(sweep, var, (*path, key), item) for key, item in zip(t.labels, bar.items, strict=True))
        return Aggregate(t.kind, parts, t.keys)
    return sweep.zeros((var, path)) if _is_none(bar) and is_inexact(t) else bar


def items(build: Builder, atom: Atom, like: Aggregate | None = None) -> list[Atom] | None:
    """The parts of a container, of a dict in the order of ``like``; None for a leaf or where the keys differ."""
    t = type_of(atom)
    if like is not None and like.kind is dict and isinstance(t, AggregateT):
        if t.kind is not dict or set(t.keys or ()) != set(like.keys or ()):
            return None
        return [build.call(operator.getitem, atom, Const(key), form="operator") for key in like.keys or ()]
    if isinstance(atom, Aggregate):
        return list(atom.items)
    if not isinstance(t, AggregateT):
        return None
    if t.keys is not None and t.kind is not dict:
        return [
            build.let(Call(getattr, (atom, Const(key)), (), f"attribute:{key}"), item) for key, item in zip(t.keys, t.items)
        ]
    return [build.call(operator.getitem, atom, Const(key), form="operator") for key in t.labels]


def _paired(build: Builder, seed: Atom, atom: Atom) -> Iterator[tuple[Var, Atom]]:
    """Each variable of a seed with the part of the atom that stands in its place."""
    if isinstance(seed, Var):
        yield seed, atom
    elif isinstance(seed, Aggregate):
        parts = items(build, atom, seed)
        if parts is None or len(parts) != len(seed.items):
            raise ArgumentError(
                "a cotangent has another structure than the result", remedy="Give it the structure and the keys of the result."
            )
        for one, other in zip(seed.items, parts):
            yield from _paired(build, one, other)


def _sum(build: Builder, a: Atom, b: Atom) -> Atom:
    left = items(build, a)
    right = items(build, b, a if isinstance(a, Aggregate) else None)
    if left is None or right is None:
        return build.call(operator.add, a, b, form="operator")
    t = type_of(a)
    return Aggregate(t.kind, tuple(_sum(build, x, y) for x, y in zip(left, right, strict=True)), t.keys)


def write(build: Builder, block: Block) -> None:
    """Append the statements of a block."""
    for stmt in block.stmts:
        build.add(stmt)
    build.calls.update({s.var: s.call for s in walk(block) if isinstance(s, Let)})


# -- the inner function as a program ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Inner:
    """An inner function as a program.  ``params`` are the inexact leaves of the arguments differentiated, then what it
    reads from outside; ``args`` are their values here; ``shapes`` the arguments themselves, one for each of ``wrt``."""

    program: Function
    wrt: tuple[Var, ...]
    args: dict[Var, Atom]
    shapes: tuple[Atom, ...]

    def bars(self, low: Lowering, seed: Atom, seeds: dict[Var, Atom], program: Function | None = None) -> list[Atom]:
        """The cotangents of the arguments, each in its argument's structure."""
        op = Cotangents(program or self.program, self.wrt, seed)
        seeds = _declared(low.build, seeds.keys(), seeds.values())
        made = low.build.let(op.call({**self.args, **seeds}), op.type)
        found = iter([low.build.call(operator.getitem, made, Const(k), form="operator") for k in range(len(self.wrt))])
        return [_cotangent_of(shape, found) for shape in self.shapes]

    def tangent(self, low: Lowering, node: ast.AST, tangents: list[Any], value: bool) -> tuple[Function, dict[Var, Atom]]:
        """The program of the directional derivative, and its inputs here."""
        program = pipeline.tangent(self.program, self.wrt, value)
        parts = [leaf for shape, t in zip(self.shapes, tangents, strict=True) for leaf in _tangents(low, node, shape, t)]
        return program, {**self.args, **_declared(low.build, program.params[len(self.program.params) :], parts)}


def _cotangent_of(shape: Atom, found: Iterator[Atom]) -> Atom:
    if isinstance(shape, Aggregate):
        return Aggregate(shape.kind, tuple(_cotangent_of(item, found) for item in shape.items), shape.keys)
    return next(found) if is_inexact(type_of(shape)) else Const(None)


def _tangents(low: Lowering, node: ast.AST, shape: Atom, tangent: Atom) -> Iterator[Atom]:
    """The tangent of every inexact leaf, checked against it as far as types tell."""
    if isinstance(shape, Aggregate):
        parts = items(low.build, tangent, shape)
        if parts is None or len(parts) != len(shape.items):
            raise low.error(
                ArgumentError, node, "a tangent has another structure than its argument", "Give it the structure of the argument."
            )
        for one, other in zip(shape.items, parts, strict=True):
            yield from _tangents(low, node, one, other)
    elif is_inexact(type_of(shape)):
        _check_tangent(low, node, type_of(shape), type_of(tangent))
        yield tangent


def _check_tangent(low: Lowering, node: ast.AST, t: Any, u: Any) -> None:
    if isinstance(t, ArrayT) and (not isinstance(u, ArrayT) or u.ndim != t.ndim):
        raise low.error(ArgumentError, node, f"the tangent of {described(t)} is {described(u)}", "Give it the shape of its argument.")


def inner_program(low: Lowering, node: ast.AST, fn: Any, args: Args, kwargs: Kwargs, slots: list[Any]) -> Inner:
    """Lower ``fn(*args, **kwargs)`` as a program of the arguments in ``slots``."""
    given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    variables: dict[Var, Atom] = {}
    shapes = tuple(given[slot] for slot in slots)
    for slot in slots:
        given[slot] = _opened(low, node, given[slot], _hint(fn, slot), variables)
    with low.build.program():
        path = low.path(
            lambda: low.some(calls.call(low, fn, tuple(given[k] for k in range(len(args))), {k: given[k] for k in kwargs}, node))
        )
    _refuse_changes(low, node, path, {*variables, *(thing for slot in slots for thing in _things(given[slot]))})
    result, stmts = path.ending, path.stmts
    if isinstance(result, Compiletime):
        raise low.unsupported(
            node, "a derivative of a function that returns a function", "Return what the function returns when it is called."
        )
    body = Block(tuple(stmts), (result,))
    _refuse_effects(low, node, body)
    captured = free(body, variables)
    program = Function(_name(fn), (*variables, *captured), body)
    return Inner(program, tuple(variables), {**variables, **{v: v for v in captured}}, shapes)


def _opened(low: Lowering, node: ast.AST, atom: Any, hint: str, variables: dict[Var, Atom]) -> Any:
    """The argument with a value of its own at each inexact leaf: it is not what a closure may have captured."""
    if isinstance(atom, Compiletime) or not is_inexact(type_of(atom)):
        raise low.error(
            ArgumentError, node, f"the argument {hint!r} to differentiate is {_shown(atom)}, which has no derivative",
            f"Pass floats, e.g. {hint}=float(...).",
        )  # fmt: skip
    fresh = []
    for leaf in leaves(atom):
        if is_inexact(type_of(leaf)):
            var = Var(hint, type_of(leaf))
            variables[var] = leaf
            leaf = var
        fresh.append(leaf)
    return low.heap.copied(refill(atom, iter(fresh)))


def _things(atom: Any) -> Iterator[Any]:
    """The containers in an argument, which are the inner function's own."""
    if isinstance(atom, Aggregate):
        yield atom.ident
        for item in atom.items:
            yield from _things(item)


def _shown(atom: Any) -> str:
    return "a function" if isinstance(atom, Compiletime) else described(type_of(atom))


def _refuse_changes(low: Lowering, node: ast.AST, path: Path, own: Iterable[Any]) -> None:
    """Names and things of the outer function must be after the call what they were before it."""
    changed = [
        name for frame in low.all_frames() for name, value in path.envs.get(id(frame), {}).items()
        if name in frame.env and frame.env[name] is not value and frame.env[name] != value and not name.startswith("$")
    ]  # fmt: skip
    inside = {*own, *definitions(Block(tuple(path.stmts)))}
    for ident, content in path.contents.items():
        older = ident in low.heap.contents or (isinstance(ident, Var) and ident not in inside)
        if older and ident not in inside and content is not low.heap.contents.get(ident, ident):
            changed.append(getattr(ident, "hint", "") or "a container")
    if changed:
        raise low.unsupported(
            node, f"the function differentiated here changes {changed[0]}, a variable from outside", "Return the value instead."
        )


def _refuse_effects(low: Lowering, node: ast.AST, body: Block) -> None:
    """The function runs again in the outer reverse sweep: what it does to the world would happen twice (H3)."""
    for stmt in walk(body):
        if isinstance(stmt, Let) and not is_pure(stmt.call) and not _is_plain(stmt.call):
            name = getattr(stmt.call.fn, "__name__", str(stmt.call.fn))
            raise low.unsupported(
                node, f"{name} inside a function differentiated here would run more than once",
                "Call it outside, and pass its result.",
            )  # fmt: skip


def _is_plain(call: Call) -> bool:
    """Containers and checks may be made again."""
    return call.fn is emitted.expect_length or (is_structural(call) and not isinstance(call.fn, Intrinsic))


def _name(fn: Any) -> str:
    own = getattr(fn.tree, "name", "inner") if isinstance(fn, LocalFunction) else getattr(fn, "text", "inner")
    return own.rpartition(".")[2] if own.rpartition(".")[2].isidentifier() else "inner"


def parameters(low: Lowering, node: ast.AST, fn: Any) -> list[str]:
    """The names of a function's parameters, in order."""
    if isinstance(fn, LocalFunction):
        a = fn.tree.args
        return [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    if isinstance(fn, Derivative):
        return parameters(low, node, fn.fn)
    if isinstance(fn, Ref):
        return list(inspect.signature(fn.value).parameters)
    raise low.unsupported(node, "a derivative of a method or partial function inside a differentiated function", "Wrap it: lambda x: f(x).")


def _hint(fn: Any, slot: Any) -> str:
    if isinstance(slot, str):
        return slot
    if isinstance(fn, LocalFunction):
        names = [p.arg for p in (*fn.tree.args.posonlyargs, *fn.tree.args.args)]
    else:
        names = list(inspect.signature(fn.value).parameters) if isinstance(fn, Ref) else []
    return names[slot] if slot < len(names) else "x"


def slot_of(low: Lowering, node: ast.AST, fn: Any, item: Any, args: Args, kwargs: Kwargs) -> Any:
    """Where the argument that one entry of ``wrt`` means was passed."""
    names, asked = parameters(low, node, fn), item
    if isinstance(item, str):
        if item in kwargs:
            return item
        item = names.index(item) if item in names else len(args)
    item = item % len(names) if item < 0 and names else item
    if item < len(args):
        return item
    if item < len(names) and names[item] in kwargs:
        return names[item]
    raise low.error(ArgumentError, node, f"wrt={asked!r}: no such argument is passed here", f"The parameters are {', '.join(names)}.")


# -- derivatives as values --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """Which derivative: what ``rg.grad(f, wrt=...)`` was asked for."""

    kind: str
    wrt: Any = None
    has_aux: bool = False

    @property
    def entries(self) -> list[Any]:
        wrt = 0 if self.wrt is None else self.wrt
        return [wrt] if isinstance(wrt, (int, str)) else list(wrt)

    @property
    def single(self) -> bool:
        return self.wrt is None or isinstance(self.wrt, (int, str))


@dataclass(frozen=True, eq=False)
class Nested(Derivative):
    """``rg.grad(f)`` before it is called."""

    request: Request = Request("grad")

    def apply(self, low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        return APPLY[self.request.kind](low, self.fn, self.request, args, kwargs, node)


@dataclass(frozen=True, eq=False)
class Pullback(Derivative):
    """The second result of ``rg.vjp(f, *args)``."""

    inner: Inner | None = None

    def apply(self, low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        assert self.inner is not None
        seed = pipeline.seed_like(self.inner.program.result)
        with placed(low.location(node)):
            seeds = {var: atom for var, atom in _paired(low.build, seed, args[0])}
        for var, atom in seeds.items():
            _check_tangent(low, node, var.type, type_of(atom))
        return Aggregate(tuple, tuple(self.inner.bars(low, seed, seeds)))


@dataclass(frozen=True, eq=False)
class Section(Derivative):
    """A function of one of its arguments, the others fixed."""

    args: Args = ()
    kwargs: tuple[tuple[str, Any], ...] = ()
    slot: Any = 0

    def apply(self, low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(self.args)), **dict(self.kwargs), self.slot: args[0]}
        positional = tuple(given[k] for k in range(len(self.args)))
        return calls.call(low, self.fn, positional, {k: given[k] for k, _ in self.kwargs}, node, hint)


def _inner(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Inner:
    slots = [slot_of(low, node, fn, entry, args, kwargs) for entry in request.entries]
    return inner_program(low, node, fn, args, kwargs, slots)


def _scalar(low: Lowering, inner: Inner, request: Request, node: ast.AST) -> Inner:
    """The program of the scalar that is differentiated."""
    result = inner.program.result
    if request.has_aux:
        found = items(low.build, result) if isinstance(result, Aggregate) else None
        if found is None or len(found) != 2:
            raise low.error(
                ArgumentError, node, "with has_aux=True the function returns a pair", "Return (loss, extras), or leave has_aux out."
            )
        result = found[0]
    pipeline.require_scalar(inner.program.name, result, low.location(node))
    program = replace(inner.program, body=replace(inner.program.body, yields=(result,)))
    return replace(inner, program=pipeline.with_scalar_root(program, False))


def _grads(low: Lowering, inner: Inner, request: Request) -> Atom:
    bars = inner.bars(low, Const(1.0), {})
    return bars[0] if request.single else Aggregate(tuple, tuple(bars))


def _grad(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    inner = _scalar(low, _inner(low, fn, request, args, kwargs, node), request, node)
    if not request.has_aux:
        return _grads(low, inner, request)
    value = calls.call(low, fn, args, kwargs, node)
    return Aggregate(tuple, (_grads(low, inner, request), value.items[1]))


def _value_and_grad(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    inner = _scalar(low, _inner(low, fn, request, args, kwargs, node), request, node)
    value = calls.call(low, fn, args, kwargs, node)
    return Aggregate(tuple, (value, _grads(low, inner, request)))


def _hvp(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    *primals, v = args
    inner = _scalar(low, _inner(low, fn, request, tuple(primals), kwargs, node), request, node)
    tangents = [v] if request.single else items(low.build, v) or []
    program, given = inner.tangent(low, node, tangents, value=False)
    bars = replace(inner, args=given).bars(low, Const(1.0), {}, program)
    return bars[0] if request.single else Aggregate(tuple, tuple(bars))


def _default_wrt(request: Request, args: Args) -> Request:
    if request.wrt is not None:
        return request
    return replace(request, wrt=tuple(k for k, a in enumerate(args) if not isinstance(a, Compiletime) and is_inexact(type_of(a))))


def _vjp(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    inner = _inner(low, fn, _default_wrt(request, args), args, kwargs, node)
    value = calls.call(low, fn, args, kwargs, node)
    return Aggregate(tuple, (value, Pullback("pullback", fn, 0, inner)))


def _jvp(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    primals, tangents = (items(low.build, a) for a in args)
    if primals is None or tangents is None:
        raise low.error(ArgumentError, node, "jvp takes a tuple of primals and a tuple of tangents", "Write rg.jvp(f, (x,), (x_dot,)).")
    asked = _default_wrt(request, tuple(primals))
    if len(tangents) == len(primals):
        names = parameters(low, node, fn)
        tangents = [tangents[names.index(e) if isinstance(e, str) else e] for e in asked.entries]
    inner = _inner(low, fn, asked, tuple(primals), {}, node)
    program, given = inner.tangent(low, node, tangents, value=True)
    made = applied(program, (given[p] for p in program.params), forward=True)
    write(low.build, made)
    return made.yields[0]


def _matrix(template: dict[tuple[int, int], Any]) -> Callable[..., Any]:
    """Jacobian or Hessian, by a small Python function that is lowered in its place."""

    def lower(low: Lowering, fn: Any, request: Request, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        if not request.single:
            raise low.unsupported(
                node, f"{request.kind} by several arguments inside a differentiated function", "Ask for one at a time: wrt=0, then wrt=1."
            )
        slot = slot_of(low, node, fn, request.entries[0], args, kwargs)
        x = {**dict(enumerate(args)), **kwargs}[slot]
        section = Section("section", fn, 0, args, tuple(kwargs.items()), slot)
        result = inner_program(low, node, section, (x,), {}, [0]).program.result
        ranks = getattr(type_of(result), "ndim", -1), getattr(type_of(x), "ndim", -1)
        if any(isinstance(type_of(a), ArrayT) and type_of(a).dtype != np.dtype(float) for a in (result, x)):
            ranks = (-1, -1)  # the templates fill arrays of float64
        if ranks not in template:
            raise low.unsupported(
                node, f"{request.kind} of {described(type_of(result))} by {described(type_of(x))} inside a differentiated function",
                "Use rg.vjp or rg.jvp, or flat arrays of float64.",
            )  # fmt: skip
        return calls.call(low, Ref(template[ranks], request.kind), (section, x), {}, node)

    return lower


def _slope(f, x):  # type: ignore[no-untyped-def]
    return api.grad(f)(x)


def _rows(f, x):  # type: ignore[no-untyped-def]
    value, pullback = api.vjp(f, x)
    rows = np.zeros((len(value), len(x)))
    for k in range(len(value)):
        seed = np.zeros_like(value)
        seed[k] = 1.0
        rows[k] = pullback(seed)[0]
    return rows


def _column(f, x):  # type: ignore[no-untyped-def]
    return api.jvp(f, (x,), (1.0,))[1]


def _curvature(f, x):  # type: ignore[no-untyped-def]
    return api.hvp(f)(x, 1.0)


def _curvatures(f, x):  # type: ignore[no-untyped-def]
    rows = np.zeros((len(x), len(x)))
    for k in range(len(x)):
        v = np.zeros_like(x)
        v[k] = 1.0
        rows[k] = api.hvp(f)(x, v)
    return rows


APPLY: dict[str, Callable[..., Any]] = {
    "grad": _grad, "value_and_grad": _value_and_grad, "hvp": _hvp, "vjp": _vjp, "jvp": _jvp,
    "jacobian": _matrix({(0, 0): _slope, (0, 1): _slope, (1, 0): _column, (1, 1): _rows}),
    "hessian": _matrix({(0, 0): _curvature, (0, 1): _curvatures}),
}  # fmt: skip


# -- how they are met while lowering ----------------------------------------------------------------------


def _maker(kind: str) -> Callable[..., Any]:
    """``rg.grad(f, ...)`` as it is called inside a function; vjp and jvp may be given their arguments at once."""

    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        options = {k: kwargs.pop(k) for k in ("wrt", "argnums", "has_aux") if k in kwargs}
        if not args:
            raise low.unsupported(node, f"{kind} without a function here", f"Write rg.{kind}(f, ...).")
        fn, rest = args[0], args[1:]
        if rest and kind not in ("vjp", "jvp"):
            options["wrt"], rest = rest[0], rest[1:]
        wrt = options.get("argnums", options.get("wrt", Const(None)))
        aux = options.get("has_aux", Const(False))
        nested = Nested(kind, fn, 0, Request(kind, _static(low, wrt, node), bool(_static(low, aux, node))))
        if not rest and not kwargs:
            return nested
        if kind == "jvp":  # primals and tangents, however they were passed
            rest, kwargs = (*rest, *kwargs.values()), {}
        return nested.apply(low, rest, kwargs, node, hint)

    return lower


def _static(low: Lowering, atom: Any, node: ast.AST) -> Any:
    if isinstance(atom, Const):
        return atom.value
    if isinstance(atom, Aggregate):
        return tuple(_static(low, item, node) for item in atom.items)
    raise low.unsupported(node, "wrt must be a literal here", "Write the position or the name of the argument: wrt=0.")


def named(f: Any) -> str:
    """What a function is called in emitted text."""
    own = getattr(f, "__name__", "")
    return own if own.isidentifier() else "function"


def prebuilt(low: Lowering, target: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A derivative made outside: ``dg = rg.grad(g)``, found as a global or captured variable."""
    kind, f, wrt, has_aux = target.__retrograd__
    return Nested(kind, Ref(f, named(f)), 0, Request(kind, wrt, has_aux)).apply(low, args, kwargs, node, hint)


calls.BUILTINS.update({getattr(api, kind): _maker(kind) for kind in APPLY})
calls.BUILTINS[api.stop_gradient] = lambda low, args, kwargs, node, hint: calls.primitive(
    low, emitted.stop_gradient, args, kwargs, node, hint
)
calls.OBJECTS.update(dict.fromkeys(APPLY, prebuilt))
