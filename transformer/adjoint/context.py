"""How is a rule's text made part of the program?

Pullbacks and partials are ordinary Python: they are entered like any user function, with the primitive's atoms as
their arguments.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.errors import NoRule
from retrograd.runtime.rules import lookup
from retrograd.runtime.rules.rule import Rule

from ..builder import type_of
from ..ir import Aggregate, Atom, Call, Const, Let, Ref, Var
from ..lower import Lowering
from ..parse import Source, parse
from ..types import ArrayT, DictT, ListT, NumberT, ScalarT, carried, is_numeric, surely_equal
from ..values import Frame


@functools.lru_cache(maxsize=1024)
def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def bind(rule: Rule, call: Call, where: Any) -> dict[str, Atom]:
    """The primitive's arguments by the rule's parameter names (R1)."""
    kwargs = {k: v for k, v in call.kwargs if k in rule.params or not (isinstance(v, Const) and v.value is None)}
    variadic = [p for p in rule.signature.parameters.values() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    try:
        bound = rule.signature.bind(*call.args, **kwargs)
    except TypeError as error:
        raise NoRule(
            f"the rule of {rule.name} does not cover this call: {error}", where=where,
            remedy=f"It covers {rule.name}{rule.signature}.",
        ) from error  # fmt: skip
    env = dict(bound.arguments)
    for parameter in variadic:
        if parameter.kind is parameter.VAR_POSITIONAL:
            env[parameter.name] = Aggregate(tuple, tuple(bound.arguments.get(parameter.name, ())))
    for name, parameter in rule.signature.parameters.items():
        if name not in env:
            env[name] = Const(parameter.default)
    if rule.real_only and any(_is_complex(a) for a in call.args):
        raise NoRule(
            f"the rule of {rule.name} is for real arguments", where=where, remedy="Take np.real and np.imag first."
        )
    return env


def _is_complex(atom: Atom) -> bool:
    t = type_of(atom)
    return isinstance(t, (ArrayT, ScalarT)) and t.dtype.kind == "c"


def partial(low: Lowering, rule: Rule, at: int, env: dict[str, Atom]) -> Atom:
    """One partial derivative of an elementwise rule, evaluated at the primitive's arguments."""
    tree = _expression(rule.partials[at])
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - set(env)
    scope = {name: rule.resolve(name) for name in names}
    outer, quiet = low.frame, low.build.quiet
    low.build.quiet = True
    low.frame = Frame(Source(ast.Lambda(), "", ()), scope, {}, dict(env), None, rule.name)
    try:
        return low.expr(tree)
    finally:
        low.frame, low.build.quiet = outer, quiet


def as_numpy(low: Lowering, stmt: Let, scope: dict[str, Atom], kinds: str = "f") -> dict[str, Atom]:
    """The operands as NumPy has them where the result is NumPy's: among Python's floats ``1 / 0.0`` would raise."""
    if not isinstance(stmt.var.type, ScalarT) or stmt.var.type.weak or (stmt.var.type.weak is None and "i" not in kinds):
        return scope
    return {name: low.build.call(np.float64, atom) if _is_python_number(atom, kinds) else atom for name, atom in scope.items()}


def _is_python_number(atom: Atom, kinds: str) -> bool:
    t = type_of(atom)
    written = isinstance(atom, Var) or (isinstance(atom, Const) and "i" in kinds and atom.value == 0)
    return written and isinstance(t, ScalarT) and t.dtype.kind in kinds and t.dtype.itemsize == 8 and t.weak is not False


def read_by_partial(rule: Rule, at: int, scope: dict[str, Atom]) -> set[str]:
    """Which of the primitive's operands and its result a partial reads."""
    return {n.id for n in ast.walk(_expression(rule.partials[at])) if isinstance(n, ast.Name)} & set(scope)


def inline(low: Lowering, fn: Callable[..., Any], args: Sequence[Atom], env: dict[str, Atom]) -> Any:
    """Enter a pullback or pushforward: positional cotangents or tangents and ``z`` first, then the parameters by name."""
    source = parse(fn)  # type: ignore[arg-type]
    names = [a.arg for a in source.tree.args.posonlyargs + source.tree.args.args]
    scope = {**dict(zip(names, args)), **env}
    loc, quiet = low.build.loc, low.build.quiet
    low.build.quiet = True
    result = low.enter(source, fn.__globals__, {}, scope, None, None, fn.__name__)  # type: ignore[attr-defined]
    low.build.loc, low.build.quiet = loc, quiet
    return result


def fit(low: Lowering, g: Atom, x: Atom) -> Atom:
    """The cotangent ``g`` with the shape and dtype of ``x``: sums over broadcast axes where types show them (T1)."""
    t, u = type_of(g), type_of(x)
    if not is_numeric(t) or not is_numeric(u) or isinstance(t, NumberT) or isinstance(u, NumberT):
        return low.build.call(numerics.unbroadcast, g, x)
    if isinstance(u, ScalarT):
        return _to_scalar(low, g, t, u)
    if t.ndim < u.ndim or any(m.one is True and n.one is not True for m, n in zip(t.shape[t.ndim - u.ndim :], u.shape)):
        if isinstance(t, ScalarT) or t.ndim <= u.ndim:
            g = low.build.call(numerics.broadcast_like, g, x, type=ArrayT(t.dtype, u.shape))
            t = type_of(g)
    lead = t.ndim - u.ndim
    kept = t.shape[lead:]
    if any(n.one is None and not surely_equal(m, n) for m, n in zip(kept, u.shape)):
        return low.build.call(numerics.unbroadcast, g, x)
    if lead:
        g = low.build.call(np.sum, g, axis=_axes(range(lead)))
    ones = [k for k, (m, n) in enumerate(zip(kept, u.shape)) if n.one is True and m.one is not True]
    if ones:
        g = low.build.call(np.sum, g, axis=_axes(ones), keepdims=Const(True))
    return _to_dtype(low, g, u)


def cotangent(t: Any) -> Any:
    """The type of a cotangent that several statements may make; that of a list or tuple is a list, to be added to in place."""
    return ListT(list, carried(t.item)) if isinstance(t, ListT) and not isinstance(t, DictT) else carried(t)


def zero(low: Lowering, t: ScalarT | NumberT) -> Atom:
    """Zero in the dtype of a primal; a Python number where that is a Python number's, or nothing is known of it."""
    if t.dtype is None:
        return Const(0.0)
    if t.dtype in (np.dtype(float), np.dtype(complex)):
        return Const(t.dtype.type(0).item())
    return low.build.call(t.dtype.type, Const(0.0), type=ScalarT(t.dtype, False))


def is_singular(rule: Rule, env: dict[str, Atom]) -> bool:
    """May a partial be infinite where its operands are not?  That of a square never is."""
    is_square = rule.primitive is np.power and env["y"] == Const(2)
    return rule.singular and not is_square


def as_stored(low: Lowering, bar: Atom, x: Atom, masked: set[Any]) -> Atom:
    """The cotangent or tangent of an array with entries to read and write: that of a 0-d array may be a scalar until then."""
    t = type_of(x)
    if not isinstance(t, ArrayT) or t.shape or isinstance(type_of(bar), ArrayT):
        return bar
    made = low.build.call(np.array, bar, type=t)  # a copy: a seed may be the caller's own 0-d array (M5)
    if bar in masked:
        masked.add(made)
    return made


def of_dtype(low: Lowering, bar: Atom, t: ScalarT) -> Atom:
    """A cotangent to be handed out: that of a ``np.float32`` is one too, where a Python number did until now."""
    u = type_of(bar)
    if t.dtype in (np.dtype(float), np.dtype(complex)) or (isinstance(u, ScalarT) and u.weak is False):
        return bar
    return low.build.call(t.dtype.type, bar, type=ScalarT(t.dtype, False))


def _axes(axes: Any) -> Atom:
    axes = tuple(axes)
    return Const(axes[0]) if len(axes) == 1 else Aggregate(tuple, tuple(map(Const, axes)))


def _to_scalar(low: Lowering, g: Atom, t: Any, u: ScalarT) -> Atom:
    if isinstance(t, ArrayT):
        g = low.build.call(np.sum, g)
    return _to_dtype(low, g, u)


def _to_dtype(low: Lowering, g: Atom, u: Any) -> Atom:
    t = type_of(g)
    if t.dtype.kind == "c" and u.dtype.kind != "c":
        g = low.build.call(np.real, g)
        t = type_of(g)
    if t.dtype == u.dtype or (isinstance(t, ScalarT) and t.weak and u.dtype.kind in "fc" and isinstance(u, ScalarT)):
        return g
    if u.dtype.kind not in "fc":
        return g
    if isinstance(t, ScalarT):
        return low.build.call(u.dtype.type, g, type=ScalarT(u.dtype, False))
    return low.build.call(
        np.ndarray.astype,
        g,
        Ref(u.dtype.type, f"np.{u.dtype.name}"),
        form="method:astype",
        type=ArrayT(u.dtype, t.shape),
    )


def rule_of(stmt: Let) -> Rule:
    rule = lookup(stmt.call.fn)
    if rule is None:
        name = getattr(stmt.call.fn, "__name__", str(stmt.call.fn))
        raise NoRule(f"no derivative rule for {name}", where=stmt.loc, remedy="Register one with rg.rule.")
    return rule
