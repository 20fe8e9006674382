"""How does a user give a derivative by hand?

``custom_vjp`` and ``custom_jvp`` give a Python function a pullback or a pushforward of its own, ``constant`` takes a function's
result as constant, ``primitive`` and ``rule`` enter a function in the table of rules.  All of them hold in transformed code, for
Tensors and for traced arrays.

>>> @custom_vjp
... def clipped(x):
...     return x
>>> clipped.defvjp(lambda x: (x, None), lambda residuals, z_bar: (np.clip(z_bar, -1.0, 1.0),))
>>> float(api.grad(lambda x: 5.0 * clipped(x))(2.0))
1.0
"""

from __future__ import annotations

import ast
import functools
import inspect
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import custom as by_hand
from retrograd.runtime import modes
from retrograd.runtime.errors import ArgumentError, DifferentiationError, Location, NoRule
from retrograd.runtime.graph import apply, node_name
from retrograd.runtime.rules.rule import rule as enter_rule
from retrograd.runtime.structure import at
from retrograd.runtime.traced import trace_vjp

from . import api, calls  # noqa: F401  (the examples use api)
from .analysis.activity import is_structural
from .analysis.ownership import is_external, memory_of, roots_of
from .analysis.purity import is_pure
from .bridge import active_inputs, as_one_node, face_of, holds_variable, passive, plain
from .builder import leaves, type_of
from .intrinsics import Asserted, Intrinsic, applied, free
from .ir import Aggregate, Atom, Block, Call, Const, Function, Let, Ref, Var, vars_of, walk
from .nested import Cotangents, Inner, inner_program, items, named, write
from .snapshot import Snapshot
from .types import OPAQUE, AggregateT, NumberT, OpaqueT, ScalarT, is_inexact
from .values import Compiletime

if TYPE_CHECKING:
    from .adjoint.forward import Forward
    from .adjoint.reverse import Reverse
    from .lower import Lowering


# -- the objects ------------------------------------------------------------------------------------------


class _Wrapper:
    """A function in other clothes: plain calls are its own."""

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f, updated=())
        self.f = f

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.__name__}>"  # type: ignore[attr-defined]


class Custom(_Wrapper):
    """A function with a derivative of its own; see ``custom_vjp`` and ``custom_jvp``."""

    def __init__(self, f: Callable[..., Any]) -> None:
        super().__init__(f)
        self.__retrograd__ = ("custom", f, None, False)
        self.fwd: Callable[..., Any] | None = None
        self.bwd: Callable[..., Any] | None = None
        self.jvp: Callable[..., Any] | None = None

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """``fwd(*args) -> (out, residuals)`` and ``bwd(residuals, out_bar) -> cotangents``, one for each argument.

        A cotangent may be None, which is zero.  The residuals may hold anything.
        """
        self.fwd, self.bwd = fwd, bwd

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """``jvp(primals, tangents) -> (out, out_dot)``, linear in the tangents; also usable as a decorator."""
        self.jvp = jvp
        return jvp

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if holds_variable(args) or (kwargs and holds_variable(kwargs)):
            return self._recorded(positional(self, args, kwargs))
        return self.f(*args, **kwargs)

    def _recorded(self, args: tuple[Any, ...]) -> Any:
        inputs = active_inputs(tuple(map(str, range(len(args)))), args) if modes.GRAD.get() else ()
        if not inputs:
            return passive(self.f, args, {})
        self.require()
        values = plain(args)
        value, pullback = self._pulled(values) if self.fwd is not None else self._transposed(values)

        def chosen(z_bar: Any) -> list[Any]:
            found = pullback(z_bar)
            return [at(found[int(entry.name)], entry.path) for entry in inputs]

        return as_one_node(value, inputs, chosen, node_name(self), face_of(args), values)

    def _pulled(self, values: tuple[Any, ...]) -> Any:
        value, kept = by_hand.run_forward(self, *values)
        return value, lambda z_bar: by_hand.run_backward(self, kept, z_bar)

    def _transposed(self, values: tuple[Any, ...]) -> Any:
        """The pullback of a function that has a pushforward: the transpose of a linear map, by tracing it."""
        jvp = self.jvp
        assert jvp is not None
        value = self.f(*values)
        zeros = by_hand.zeros_of(values)
        _, pullback = trace_vjp(lambda *tangents: jvp(values, tangents)[1], *zeros)
        return value, pullback

    def require(self) -> None:
        if self.fwd is None and self.jvp is None:
            raise NoRule(
                f"{self.__name__} was declared with a derivative of its own, which is missing",  # type: ignore[attr-defined]
                remedy=f"Call {self.__name__}.defvjp(fwd, bwd) or {self.__name__}.defjvp(jvp).",  # type: ignore[attr-defined]
            )


def positional(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in: a rule written by hand gets them so."""
    bound = inspect.signature(f).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise ArgumentError(
            f"{f.__name__} has keyword-only parameters, which a derivative of its own cannot have",
            remedy="Make them positional.",
        )
    return bound.args


def custom_vjp(f: Callable[..., Any]) -> Custom:
    """Give ``f`` a pullback of its own: ``f.defvjp(fwd, bwd)``, where ``fwd(*args) -> (out, residuals)`` and
    ``bwd(residuals, out_bar)`` returns a cotangent for each argument (None is zero).

    Derivatives through ``f`` use it, whatever ``f`` does inside.  Forward mode and second derivatives need ``f.defjvp`` too and
    raise ``NoRule`` without it.  The functions must have no effects.

    >>> @custom_vjp
    ... def safe_sqrt(x):
    ...     return np.sqrt(x)
    >>> safe_sqrt.defvjp(lambda x: (np.sqrt(x), x), lambda x, z_bar: (z_bar * 0.5 / np.sqrt(max(x, 1e-6)),))
    >>> float(api.grad(safe_sqrt)(0.0))
    500.0
    """
    return Custom(f)


def custom_jvp(f: Callable[..., Any]) -> Custom:
    """Give ``f`` a pushforward of its own: ``f.defjvp(jvp)``, where ``jvp(primals, tangents) -> (out, out_dot)``.

    Reverse mode transposes it, and derivatives of any order are derivatives of ``jvp``.

    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def _(primals, tangents):
    ...     (x,), (x_dot,) = primals, tangents
    ...     return log1pexp(x), x_dot * (1 - 1 / (1 + np.exp(x)))
    >>> float(api.grad(log1pexp)(100.0))
    1.0
    """
    return Custom(f)


class Constant(_Wrapper):
    """A function whose result has no derivative; see ``constant``."""

    def __init__(self, f: Callable[..., Any]) -> None:
        super().__init__(f)
        self.__retrograd__ = ("constant", f, None, False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if holds_variable(args) or (kwargs and holds_variable(kwargs)):
            return passive(self.f, args, kwargs)
        return self.f(*args, **kwargs)


def constant(f: Callable[..., Any]) -> Constant:
    """Take the result of ``f`` as constant: it is called as it is, and no derivative flows through it.

    >>> @constant
    ... def scale(x):
    ...     return abs(x)
    >>> float(api.grad(lambda x: x / scale(x))(-4.0))
    0.25
    """
    return Constant(f)


class Primitive(_Wrapper):
    """A function that derivatives do not look into; see ``primitive``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if holds_variable(args) or (kwargs and holds_variable(kwargs)):
            return apply(self, args, kwargs)
        return self.f(*args, **kwargs)


def primitive(f: Callable[..., Any]) -> Primitive:
    """Make ``f`` a primitive: what it does inside is not differentiated, its derivative is what ``rule`` says.

    It is typed by running it on small arrays: it must have no effects, and the rank and dtype of its result must
    depend on those of its arguments alone.

    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> @rule(cube, pushforward=lambda x_dot, z, x: 3 * x**2 * x_dot)
    ... def cube_rule(z_bar, z, x):
    ...     x_bar = 3 * x**2 * z_bar
    ...     return x_bar
    >>> api.grad(cube)(2.0)
    12.0
    """
    return Primitive(f)


def rule(primitive: Callable[..., Any], *aliases: Callable[..., Any], **facts: Any) -> Callable[..., Any]:
    """Register the derivative of a primitive: a function of a compiled library, or one made by ``primitive``.

    Decorates the pullback ``(z_bar, z, *parameters) -> cotangents``: single assignments and a return, one cotangent for each of
    ``inputs`` (default: the first parameter).  ``pushforward=`` serves forward mode and second derivatives; ``linear=`` or
    ``bilinear=`` give it for nothing; ``broadcasts=True`` has cotangents summed over broadcast axes.  See docs/adding-a-rule.md.
    Raises ``ArgumentError`` where the rule could not be honoured.
    """
    for each in (primitive, *aliases):
        if isinstance(each, FunctionType) and not _of_library(each):
            raise ArgumentError(
                f"{each.__name__} is a plain Python function: traced code would run its body and not see the rule",
                remedy="Decorate it with @rg.primitive first, or give it a derivative with rg.custom_vjp.",
            )
    enter = enter_rule(primitive, *aliases, **facts)

    def register(pullback: Callable[..., Any]) -> Callable[..., Any]:
        for function in (pullback, facts.get("pushforward")):
            _refuse_outside_data(function)
        return enter(pullback)

    return register


def _of_library(f: Any) -> bool:
    return (getattr(f, "__module__", "") or "").split(".")[0] in ("numpy", "scipy")


def _refuse_outside_data(function: Any) -> None:
    """A rule's text is inlined where its primitive is called: data it reads from its module would not be there."""
    if function is None:
        return
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if value is not None and not callable(value) and not isinstance(value, ModuleType):
            raise ArgumentError(
                f"the rule {function.__name__} reads the global {name}",
                remedy="Write the number into the rule, or make it a parameter of the primitive.",
            )


# -- in transformed code ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class CustomCall(Intrinsic):
    """A call of a ``Custom``: its own arguments, then what the pushforward reads from outside.

    ``tangent`` is the program ``(primals, tangents) -> out_dot``; ``problem`` why there is none.
    """

    target: Custom
    count: int
    tangent: Inner | None
    problem: DifferentiationError | None
    fresh: bool

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.target.__name__  # type: ignore[attr-defined, no-any-return]

    def expand(self, stmt: Let) -> Block:
        result = Var(stmt.var.hint, stmt.var.type)
        return Block((Let(result, Call(self.target, stmt.call.args[: self.count]), stmt.loc),), (result,))

    def recorded(self, stmt: Let, active: set[Var]) -> list[Let]:
        """``pair = (out, residuals)`` in place of ``out``, if there is a pullback that wants residuals."""
        if self.target.fwd is None:
            return [stmt]
        pair = Var("", AggregateT(tuple, (stmt.var.type, OPAQUE)))
        args = stmt.call.args[: self.count]
        first = replace(stmt, var=pair, call=Call(WithResiduals(self.target), args))
        return [first, replace(stmt, call=Call(operator.getitem, (pair, Const(0)), (), "operator"))]

    # -- forward mode --

    def forward(self, sweep: Forward, stmt: Let) -> None:
        program = self.program(stmt.loc)
        leaves_ = self.inputs(stmt)
        args = [*leaves_, *map(sweep.dot, leaves_), *stmt.call.args[self.count :]]
        made = applied(program, args, forward=False)
        write(sweep.build, made)
        dot = made.yields[0]
        if isinstance(dot, Aggregate):
            sweep.dots[stmt.var] = dot
        else:
            sweep.bind(stmt.var, dot)

    def inputs(self, stmt: Let) -> list[Atom]:
        """The inexact leaves of the arguments."""
        return [leaf for a in stmt.call.args[: self.count] for leaf in leaves(a) if is_inexact(type_of(leaf))]

    def program(self, loc: Location | None) -> Function:
        """``(primal leaves, tangent leaves, captured) -> out_dot``."""
        self.target.require()
        if self.target.jvp is None:
            raise NoRule(
                f"{self.__name__} has a custom vjp and no jvp: forward mode and second derivatives need one", where=loc,
                remedy=f"Give it one: {self.__name__}.defjvp(jvp), where jvp(primals, tangents) returns (out, out_dot).",
            )  # fmt: skip
        if self.problem is not None:
            raise self.problem
        assert self.tangent is not None
        return self.tangent.program

    # -- reverse mode, of a function with a pushforward only --

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        """The transpose of the pushforward, which is linear: its pullback at zero tangents."""
        program, primals = self.program(stmt.loc), self.inputs(stmt)
        tangents = program.params[len(primals) : 2 * len(primals)]
        wanted = [k for k, leaf in enumerate(primals) if sweep.is_active(leaf)]
        seed, seeds = _as_seed(z_bar)
        op = Cotangents(program, tuple(tangents[k] for k in wanted), seed)
        zeros = [_zeros(sweep, leaf) for leaf in primals]
        args = dict(zip(program.params, (*primals, *zeros, *stmt.call.args[self.count :]), strict=True))
        bars = sweep.build.let(op.call({**args, **seeds}), op.type)
        for place, k in enumerate(wanted):
            sweep.accumulate(primals[k], sweep.build.call(operator.getitem, bars, Const(place)))


def _zeros(sweep: Reverse, leaf: Atom) -> Atom:
    t = type_of(leaf)
    if isinstance(leaf, Var) and isinstance(t, AggregateT):
        paths = items(sweep.build, leaf) or []
        return Aggregate(t.kind, tuple(_zeros(sweep, item) for item in paths), t.keys)
    return Const(0.0) if isinstance(t, ScalarT) else sweep.build.call(np.zeros_like, leaf, type=t)


def _as_seed(z_bar: Atom) -> tuple[Atom, dict[Var, Atom]]:
    """A cotangent with variables for its parts, and what they stand for."""
    seeds: dict[Var, Atom] = {}

    def opened(atom: Atom) -> Atom:
        if isinstance(atom, Aggregate):
            return Aggregate(atom.kind, tuple(map(opened, atom.items)), atom.keys)
        if isinstance(atom, Const) and atom.value is None:
            return atom
        var = Var("", type_of(atom))
        seeds[var] = atom
        return var

    return opened(z_bar), seeds


@dataclass(frozen=True, eq=False)
class WithResiduals(Intrinsic):
    """``(out, kept) = fwd(*args)``, whose pullback is the user's."""

    target: Custom

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.target.__name__  # type: ignore[attr-defined, no-any-return]

    def reference(self) -> Ref:
        return Ref(self.target, named(self.target))

    def expand(self, stmt: Let) -> Block:
        result = Var(stmt.var.hint, stmt.var.type)
        call = Call(by_hand.run_forward, (self.reference(), *stmt.call.args))
        return Block((Let(result, call, stmt.loc),), (result,))

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        assert isinstance(z_bar, Aggregate)
        kept = sweep.build.call(operator.getitem, stmt.var, Const(1), form="operator", type=OPAQUE)
        call = Call(by_hand.run_backward, (self.reference(), kept, z_bar.items[0]))
        bars = sweep.build.let(call, AggregateT(tuple, tuple(type_of(a) for a in stmt.call.args)))
        for k, arg in enumerate(stmt.call.args):
            if sweep.is_active(arg):
                sweep.accumulate(arg, sweep.build.call(operator.getitem, bars, Const(k), form="operator"))

    def forward(self, sweep: Forward, stmt: Let) -> None:
        raise AssertionError("made for a reverse sweep only")


@dataclass(frozen=True, eq=False)
class ConstantCall(Intrinsic):
    """A call of a ``Constant``."""

    target: Constant
    names: tuple[str, ...]
    pure: bool
    fresh: bool
    passes = False

    @property
    def __name__(self) -> str:  # type: ignore[override]
        return self.target.__name__  # type: ignore[attr-defined, no-any-return]

    def expand(self, stmt: Let) -> Block:
        result = Var(stmt.var.hint, stmt.var.type)
        split = len(stmt.call.args) - len(self.names)
        kwargs = tuple(zip(self.names, stmt.call.args[split:]))
        return Block((Let(result, Call(self.target.f, stmt.call.args[:split], kwargs), stmt.loc),), (result,))

    def reverse(self, sweep: Reverse, stmt: Let, z_bar: Atom) -> None:
        raise AssertionError("no derivative flows here")

    def forward(self, sweep: Forward, stmt: Let) -> None:
        raise AssertionError("no derivative flows here")


# -- lowering ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """What lowering a function's body tells: its result's type, whether it has no effects, whether its result is its own."""

    type: Any = NumberT(None)
    pure: bool = False
    fresh: bool = False


def _facts(low: Lowering, f: Any, args: Any, kwargs: Any, node: ast.AST) -> Facts:
    """Lower the body, and forget it."""
    before = Snapshot(low)
    try:
        with low.inlining(), low.build.block() as stmts:
            result = calls.call(low, Ref(f, named(f)), args, kwargs, node)
    except DifferentiationError:  # its body is not for the transformer: that is why it has a rule of its own
        return Facts()
    finally:
        before.restore()
    body = Block(tuple(stmts))
    pure = all(is_pure(s.call) or is_structural(s.call) for s in walk(body) if isinstance(s, Let))
    if isinstance(result, Compiletime) or isinstance(type_of(result), OpaqueT):
        return Facts(pure=pure)
    return Facts(type_of(result), pure, _is_own(body, result))


def _is_own(body: Block, result: Atom) -> bool:
    roots = roots_of(free(body), body)
    return all(v in roots and not any(map(is_external, memory_of(v, roots))) for v in vars_of(result))


def checked(low: Lowering, var: Var, what: str) -> Atom:
    """The result of a call that could not be typed must be a number or an array."""
    return low.build.let(Call(Asserted(by_hand.one_array, what), (var,)), var.type, var.hint) if isinstance(var.type, NumberT) else var


def lower_custom(low: Lowering, target: Custom, args: Any, kwargs: Any, node: ast.AST, hint: str) -> Any:
    given = _positional_atoms(low, target, args, kwargs, node)
    _guard(low, target)
    facts = _facts(low, target.f, given, {}, node)
    inner, problem = _pushforward(low, target, given, node)
    captured = tuple(inner.args[p] for p in inner.program.params[len(inner.wrt) :]) if inner is not None else ()
    op = CustomCall(target, len(given), inner, problem, facts.fresh)
    return checked(low, low.build.let(Call(op, (*given, *captured)), facts.type, hint), target.__name__)  # type: ignore[attr-defined]


def _positional_atoms(low: Lowering, target: Any, args: Any, kwargs: Any, node: ast.AST) -> tuple[Any, ...]:
    try:
        bound = inspect.signature(target).bind(*args, **kwargs)
    except TypeError as error:
        raise low.unsupported(node, f"{target.__name__}(): {error}", f"Call it as {target.__name__}{inspect.signature(target)}.") from error
    given = bound.arguments
    for name, p in inspect.signature(target).parameters.items():
        if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD):
            raise low.unsupported(node, f"{target.__name__} has keyword-only parameters", "Make them positional.")
        if name not in given and p.kind is not p.VAR_POSITIONAL:
            given[name] = low.found(p.default, name, node, key=(id(target), name))
    out: list[Any] = []
    for name, p in inspect.signature(target).parameters.items():
        out += given.get(name, ()) if p.kind is p.VAR_POSITIONAL else [given[name]]
    _refuse_functions(low, out, node)
    return tuple(out)


def _refuse_functions(low: Lowering, atoms: Iterable[Any], node: ast.AST) -> None:
    if any(isinstance(atom, Compiletime) for atom in atoms):
        raise low.unsupported(
            node, "a function or iterator is passed to a function with a derivative of its own", "Pass numbers and arrays only."
        )


@dataclass(frozen=True)
class _Part:
    """A function of a ``Custom``, as a guard reads it."""

    target: Custom
    name: str

    def __call__(self, fn: Any) -> Any:
        return getattr(self.target, self.name)


def _guard(low: Lowering, target: Custom) -> None:
    """A derivative given anew is transformed anew."""
    for name in ("fwd", "bwd", "jvp"):
        low.guards["custom", id(target), name] = (_Part(target, name), getattr(target, name))


def _pushforward(low: Lowering, target: Custom, args: tuple[Any, ...], node: ast.AST) -> Any:
    """The pushforward as a program, lowered where the function is called; or why that failed."""
    if target.jvp is None or not any(is_inexact(type_of(a)) for a in args):
        return None, None
    primals = Aggregate(tuple, args)
    tangents = Aggregate(tuple, tuple(map(_placeholder, args)))
    before = Snapshot(low)
    try:
        with low.inlining():  # it may call the function itself, whose pushforward this is
            inner = inner_program(low, node, Ref(target.jvp, named(target)), (primals, tangents), {}, [0, 1])
        found = items(low.build, inner.program.result)
        if found is None or len(found) != 2:
            raise low.error(ArgumentError, node, f"the jvp of {target.__name__} must return (out, out_dot)", "Return both, as a tuple.")  # type: ignore[attr-defined]
    except DifferentiationError as error:
        before.restore()
        return None, error
    body = replace(inner.program.body, yields=(found[1],))
    return replace(inner, program=replace(inner.program, body=body)), None


def _placeholder(atom: Atom) -> Atom:
    """A tangent's structure: that of the primal where it is inexact, 0 elsewhere."""
    if isinstance(atom, Aggregate):
        return Aggregate(atom.kind, tuple(map(_placeholder, atom.items)), atom.keys)
    return atom if is_inexact(type_of(atom)) else Const(0)


def lower_constant(low: Lowering, target: Constant, args: Any, kwargs: Any, node: ast.AST, hint: str) -> Any:
    _refuse_functions(low, (*args, *kwargs.values()), node)
    facts = _facts(low, target.f, args, kwargs, node)
    op = ConstantCall(target, tuple(kwargs), facts.pure, facts.fresh)
    made = low.build.let(Call(op, (*args, *kwargs.values())), facts.type, hint)
    return checked(low, made, target.__name__)  # type: ignore[attr-defined]


calls.OBJECTS["custom"] = lower_custom
calls.OBJECTS["constant"] = lower_constant

__all__ = ["Custom", "constant", "custom_jvp", "custom_vjp", "primitive", "rule"]
