"""The laws of derivative code, applied as it is written; never to the primal.

Each row of ``LAWS`` is a rewrite with a name, and can be switched off by it:

    with without("sign out of product"):
        g = retrograd.grad(f)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograd.runtime import numerics

from ..builder import type_of
from ..infer import Static, infer
from ..ir import Aggregate, Atom, Call, Const, Var
from ..types import ArrayT, ScalarT, is_inexact, same_shape
from . import switches
from .helpers import ALL, HELPERS
from .switches import applied, is_on, note, without

MUL, ADD, SUB, DIV, NEG, POW = operator.mul, operator.add, operator.sub, operator.truediv, operator.neg, operator.pow

QUOTIENTS = (DIV, numerics.quotient)


class Terms:
    """What the laws may ask about atoms, and how they write what they found."""

    def __init__(self, build: Any, hint: str) -> None:
        self.build, self.hint = build, hint

    def of(self, atom: Atom, *fns: Any) -> tuple[Atom, ...] | None:
        """The operands of ``atom`` if one of ``fns`` computed it."""
        call: Call | None = self.build.calls.get(atom) if isinstance(atom, Var) else None
        return call.args if call is not None and call.fn in fns and not call.kwargs else None

    def quotient(self, atom: Atom) -> tuple[Any, Atom, Atom] | None:
        """How ``atom`` was divided, and what by what: two of Python's floats may have been divided as NumPy divides."""
        for fn in QUOTIENTS:
            parts = self.of(atom, fn)
            if parts:
                return fn, *parts
        return None

    def negated(self, atom: Atom) -> Atom | None:
        """What ``atom`` is the negative of."""
        if isinstance(atom, Const) and isinstance(atom.value, (int, float)) and not isinstance(atom.value, bool):
            return Const(-atom.value) if str(atom.value).startswith("-") else None
        parts = self.of(atom, NEG, np.negative)
        return parts[0] if parts else None

    def call(self, fn: Any, *args: Atom, **kwargs: Atom) -> Atom:
        return self.build.call(
            fn, *args, hint=self.hint, form="operator" if fn in (MUL, ADD, SUB, DIV, NEG, POW) else "call", **kwargs
        )  # type: ignore[no-any-return]

    def inner(self, fn: Any, *args: Atom) -> Atom:
        return self.build.call(fn, *args, form="operator" if fn in (MUL, ADD, SUB, DIV, NEG, POW) else "call")  # type: ignore[no-any-return]


def is_const(atom: Atom, value: float) -> bool:
    return isinstance(atom, Const) and type(atom.value) in (int, float) and atom.value == value


def is_number(atom: Atom) -> bool:
    return isinstance(atom, Const) and type(atom.value) in (int, float)


def is_scalar(atom: Atom) -> bool:
    return isinstance(type_of(atom), ScalarT)


def is_weak(atom: Atom) -> bool:
    """May it be a Python number?"""
    t = type_of(atom)
    return isinstance(t, ScalarT) and t.weak is not False


def is_array(atom: Atom) -> bool:
    return isinstance(type_of(atom), ArrayT)


def keeps_type(fn: Any, args: tuple[Atom, ...], result: Atom) -> bool:
    """Is the call's own type the type of ``result``?  (dtype and axes: a law never changes what a value is)"""
    made, found = infer(fn, tuple(_operand(a) for a in args), {}), type_of(result)
    if isinstance(made, ScalarT) and isinstance(found, ScalarT):
        return made.dtype == found.dtype or (found.weak is not False and made.dtype.kind == found.dtype.kind == "f")
    return (
        isinstance(made, ArrayT) and isinstance(found, ArrayT) and made.dtype == found.dtype and same_shape(made, found)
    )


def _operand(atom: Atom) -> Any:
    return Static(atom.value) if isinstance(atom, Const) else type_of(atom)


# -- products ---------------------------------------------------------------------------------------------


def one_times(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a * 1 -> a"""
    for one, other in ((a, b), (b, a)):
        if is_const(one, 1) and keeps_type(MUL, (a, b), other):
            return other
    return None


def constants_first(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """(c * a) * d -> (c * d) * a"""
    for one, other in ((a, b), (b, a)):
        parts = t.of(other, MUL)
        if is_number(one) and parts and is_number(parts[0]):
            return t.call(MUL, Const(parts[0].value * one.value), parts[1])  # type: ignore[union-attr]
    if is_number(b) and not is_number(a):
        return t.call(MUL, b, a)
    return None


def constants_together(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """(c * a) * (d * b) -> (c * d) * (a * b)    (|c|, |d| >= 1: no overflow that was not there; a, b no ints)"""
    left, right = t.of(a, MUL), t.of(b, MUL)
    if left and right and t.build.is_new(a) and t.build.is_new(b):
        c, d = left[0], right[0]
        large = all(is_number(n) and abs(n.value) >= 1 for n in (c, d))  # type: ignore[union-attr]
        if large and all(is_inexact(type_of(x)) for x in (left[1], right[1])):
            return t.call(MUL, Const(c.value * d.value), t.inner(MUL, left[1], right[1]))  # type: ignore[union-attr]
    return None


def sign_out_of_product(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a * -b -> -(a * b)"""
    if is_const(a, -1) and keeps_type(MUL, (a, b), b):
        return t.call(NEG, b)
    if is_const(b, -1) and keeps_type(MUL, (a, b), a):
        return t.call(NEG, a)
    for one, other in ((a, b), (b, a)):
        inner = t.negated(one)
        if inner is not None and not is_number(one):
            first, second = (inner, other) if one is a else (other, inner)
            return t.call(NEG, t.inner(MUL, first, second))
    return None


def times_reciprocal(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a * (1 / b) -> a / b"""
    for one, other in ((b, a), (a, b)):
        parts = t.quotient(one)
        if parts is None or not is_const(parts[1], 1) or not t.build.is_new(one):
            continue
        fn, _, divisor = parts
        if keeps_type(MUL, (a, b), t.build.blank(fn, other, divisor)):
            return t.call(fn, other, divisor)
    return None


def quotient_undone(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a * (b / a) -> b;  the same of c * a;  sum(b / a) * a -> sum(b)    (finite at 0 and at inf, too)"""
    for one, other in ((a, b), (b, a)):
        quotient, parts = t.of(other, *QUOTIENTS), t.of(one, MUL)
        factor, divisor = parts if parts and is_number(parts[0]) and t.build.is_new(one) else (Const(1.0), one)
        if quotient and isinstance(divisor, Var) and quotient[1] is divisor and t.build.is_new(other):
            if keeps_type(MUL, (a, b), quotient[0]):
                return t.call(MUL, factor, quotient[0])
        summed = t.of(other, np.sum)
        inner = t.of(summed[0], DIV) if summed and len(summed) == 1 else None
        if inner and inner[1] is one and isinstance(one, Var) and is_scalar(one) and t.build.is_new(other):
            if keeps_type(MUL, (a, b), t.build.blank(np.sum, inner[0])):
                return t.call(np.sum, inner[0])
    return None


def constant_over(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a * (c / b) -> c * a / b    (|c| < 1: no overflow that was not there)"""
    for one, other in ((b, a), (a, b)):
        parts = t.quotient(one)
        if parts and is_number(parts[1]) and abs(parts[1].value) < 1 and t.build.is_new(one):  # type: ignore[union-attr]
            return t.call(parts[0], t.inner(MUL, parts[1], other), parts[2])
    return None


def square(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a * a -> a ** 2"""
    return t.call(POW, a, Const(2)) if a is b and isinstance(a, Var) and is_array(a) else None


def scalar_out_of_product(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """(s * a) * b -> s * (a * b)    (s a scalar, a and b arrays)"""
    for one, other, flip in ((a, b, False), (b, a, True)):
        parts = t.of(one, MUL)
        if parts and is_array(other) and is_scalar(parts[0]) and is_array(parts[1]) and t.build.is_new(one):
            inner = t.inner(MUL, other, parts[1]) if flip else t.inner(MUL, parts[1], other)
            return t.call(MUL, parts[0], inner)
        parts = t.of(one, DIV)
        if (
            parts
            and is_array(other)
            and is_array(parts[0])
            and is_scalar(parts[1])
            and t.build.is_new(one)
            and _same(parts[0], other)
        ):
            inner = t.inner(MUL, other, parts[0]) if flip else t.inner(MUL, parts[0], other)
            return t.call(DIV, inner, parts[1])
    return None


def _same(a: Atom, b: Atom) -> bool:
    return same_shape(type_of(a), type_of(b))


# -- quotients --------------------------------------------------------------------------------------------


def sign_out_of_quotient(t: Terms, a: Atom, b: Atom, fn: Any = DIV) -> Atom | None:
    """-a / b -> -(a / b)"""
    inner = t.negated(a)
    if inner is not None and not is_number(a):
        return t.call(NEG, t.inner(fn, inner, b))
    inner = t.negated(b)
    if inner is not None and not is_number(b):
        return t.call(NEG, t.inner(fn, a, inner))
    return None


def reciprocal_over(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """(1 / b) / b -> (1 / b) ** 2    (of an array: a Python float's may overflow, and raise)"""
    parts = t.of(a, DIV)
    return t.call(POW, a, Const(2)) if parts and is_const(parts[0], 1) and parts[1] is b and not is_weak(a) else None


def factor_cancelled(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """(c * a) / a -> c;  (c * a ** n) / a -> c * a ** (n - 1)    (finite at 0 and at inf, too)"""
    rest = _without_factor(t, a, b) if isinstance(b, Var) else None
    return rest if rest is not None and keeps_type(DIV, (a, b), rest) else None


def _without_factor(t: Terms, product: Atom, factor: Var) -> Atom | None:
    """What times ``factor`` is the product; None if it is not a product of it."""
    if product is factor:
        return t.inner(numerics.broadcast_like, Const(1.0), factor) if is_array(factor) else Const(1.0)
    if not t.build.is_new(product):
        return None
    raised = t.of(product, POW)
    if raised and raised[0] is factor and is_number(raised[1]) and raised[1].value >= 2:  # type: ignore[union-attr]
        return t.inner(POW, factor, Const(raised[1].value - 1))  # type: ignore[union-attr]
    parts = t.of(product, MUL)
    for one, other, first in ((parts[1], parts[0], False), (parts[0], parts[1], True)) if parts else ():
        rest = _without_factor(t, one, factor)
        if rest is not None:
            return t.inner(MUL, *((rest, other) if first else (other, rest)))
    quotient = t.of(product, DIV)
    rest = _without_factor(t, quotient[0], factor) if quotient else None
    return None if rest is None else t.inner(DIV, rest, quotient[1])  # type: ignore[index]


def scalar_out_of_quotient(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """(s * a) / b -> s * (a / b)    (s a scalar, a and b arrays)"""
    parts = t.of(a, MUL)
    if parts and is_array(b) and is_scalar(parts[0]) and is_array(parts[1]) and t.build.is_new(a):
        return t.call(MUL, parts[0], t.inner(DIV, parts[1], b))
    return None


# -- sums -------------------------------------------------------------------------------------------------


def plus_zero(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a + 0 -> a"""
    for zero, other in ((a, b), (b, a)):
        if is_const(zero, 0) and keeps_type(ADD, (a, b), other):
            return other
    return None


def plus_negative(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a + -b -> a - b;  a + -c * b -> a - c * b"""
    minus_a, minus_b = _opposite(t, a), _opposite(t, b)
    if minus_a is not None and minus_b is not None:
        return t.call(NEG, t.inner(ADD, minus_a(), minus_b()))
    if minus_b is not None:
        return t.call(SUB, a, minus_b())
    if minus_a is not None:
        return t.call(SUB, b, minus_a())
    return None


def _opposite(t: Terms, atom: Atom) -> Callable[[], Atom] | None:
    """How to write the negative of what is negative by its own text."""
    inner = t.negated(atom)
    if inner is not None:
        return None if is_number(atom) else lambda: inner
    parts = t.of(atom, MUL)
    if parts and is_number(parts[0]) and parts[0].value < 0 and t.build.is_new(atom):  # type: ignore[union-attr]
        return lambda: t.inner(MUL, Const(-parts[0].value), parts[1])  # type: ignore[union-attr]
    return None


def common_scalar(t: Terms, a: Atom, b: Atom, fn: Any = ADD) -> Atom | None:
    """s * a + s * b -> s * (a + b), and with minus    (s a scalar, a and b arrays)"""
    left, right = t.of(a, MUL), t.of(b, MUL)
    if left and right and left[0] is right[0] and is_scalar(left[0]) and is_array(left[1]) and is_array(right[1]):
        if isinstance(left[0], Var) and t.build.is_new(a) and t.build.is_new(b):
            return t.call(MUL, left[0], t.inner(fn, left[1], right[1]))
    return None


# -- signs, powers ----------------------------------------------------------------------------------------


def double_negative(t: Terms, a: Atom) -> Atom | None:
    """--a -> a"""
    if is_number(a):
        return Const(-a.value)  # type: ignore[union-attr]
    return t.negated(a)


def sign_of_constant(t: Terms, a: Atom) -> Atom | None:
    """-(c * a) -> (-c) * a;  -(a - b) -> b - a"""
    parts = t.of(a, MUL)
    if parts and is_number(parts[0]) and t.build.is_new(a):
        return t.call(MUL, Const(-parts[0].value), parts[1])  # type: ignore[union-attr]
    return None


def broadcast_of_negative(t: Terms, a: Atom) -> Atom | None:
    """-broadcast(s) -> broadcast(-s)    (s a scalar)"""
    parts = t.of(a, numerics.broadcast_like)
    if not parts or not is_scalar(parts[0]):
        return None
    inner = t.inner(NEG, parts[0])
    return t.build.call(numerics.broadcast_like, inner, parts[1], type=ArrayT(type_of(inner).dtype, type_of(a).shape))  # type: ignore[no-any-return]


def first_power(t: Terms, a: Atom, b: Atom) -> Atom | None:
    """a ** 1 -> a"""
    return a if is_const(b, 1) and keeps_type(POW, (a, b), a) else None


# -- sums over axes ---------------------------------------------------------------------------------------


def sign_out_of_sum(t: Terms, a: Atom) -> Atom | None:
    """sum(-a) -> -sum(a)"""
    inner = t.negated(a)
    return t.call(NEG, t.inner(np.sum, inner)) if inner is not None else None


def scalar_out_of_sum(t: Terms, a: Atom) -> Atom | None:
    """sum(s * a) -> s * sum(a)    (s a scalar)"""
    parts = t.of(a, MUL)
    if parts and is_scalar(parts[0]) and is_array(parts[1]) and t.build.is_new(a):
        return t.call(MUL, parts[0], t.inner(np.sum, parts[1]))
    return None


def sum_of_products(t: Terms, a: Atom) -> Atom | None:
    """sum(a * b) -> a @ b    (vectors)"""
    parts = t.of(a, MUL)
    if parts and t.build.is_new(a) and all(is_array(p) and type_of(p).ndim == 1 for p in parts) and _same(*parts):
        if type_of(parts[0]).dtype == type_of(parts[1]).dtype and type_of(parts[0]).dtype.kind == "f":
            return t.build.call(operator.matmul, *parts, hint=t.hint, form="operator")  # type: ignore[no-any-return]
    return None


def sign_out_of_sum_along(build: Any, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], hint: str) -> Atom | None:
    """sum(-a, axis) -> -sum(a, axis)"""
    t = Terms(build, hint)
    inner = t.negated(args[0])
    return t.call(NEG, build.call(fn, inner, *args[1:], **kwargs)) if inner is not None else None


def weights_sum_to_one(build: Any, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], hint: str) -> Atom | None:
    """sum(g / sum(e) * e) -> g, also along an axis    (finite wherever each weighted term is)"""
    t = Terms(build, hint)
    parts = t.of(args[0], MUL) if len(args) == 1 else None
    if not parts or not build.is_new(args[0]):
        return None
    for share, e in (parts, parts[::-1]):
        found = _of_sum(t, share, e, kwargs)
        if found is not None:
            return found
    return None


def _of_sum(t: Terms, share: Atom, e: Atom, kwargs: dict[str, Atom]) -> Atom | None:
    """``g``, in the shape of ``share``, where that is ``g / sum(e)``."""
    opened = t.of(share, operator.getitem)
    quotient = t.of(opened[0] if opened else share, DIV)
    total = t.build.calls.get(quotient[1]) if quotient and isinstance(quotient[1], Var) else None
    if total is None or total.fn is not np.sum or total.args[0] is not e or len(total.args) > 1 or not is_array(e):
        return None
    g, (asked, summed) = quotient[0], (_along(kwargs), _along(dict(total.kwargs)))  # type: ignore[index]
    if asked is None or summed is None or asked[0] != summed[0]:
        return None
    axis, keeps = asked
    if axis is None:
        return g if not opened and is_scalar(share) and is_scalar(g) and not keeps else None
    where = tuple(Const(None) if k == axis % type_of(e).ndim else ALL for k in range(type_of(e).ndim))
    if not keeps or (not summed[1] and (opened is None or not _is_new_axis(opened[1], where))) or (summed[1] and opened):
        return None
    one = next(k for k, part in enumerate(where) if part is not ALL)
    if not is_array(share) or type_of(share).ndim != len(where) or type_of(share).shape[one].one is not True:
        return None
    if is_array(g):
        key = Aggregate(tuple, where)
        made = g if summed[1] else t.build.call(operator.getitem, g, key, hint=t.hint, form="operator")
        return made if same_shape(type_of(made), type_of(share)) else None
    return t.build.call(numerics.broadcast_like, g, share, type=ArrayT(type_of(share).dtype, type_of(share).shape))  # type: ignore[no-any-return]


def _along(kwargs: dict[str, Atom]) -> tuple[int | None, bool] | None:
    """The axis of a sum, and whether it stays."""
    axis, keeps = kwargs.get("axis", Const(None)), kwargs.get("keepdims", Const(False))
    known = isinstance(axis, Const) and isinstance(keeps, Const) and not set(kwargs) - {"axis", "keepdims"}
    return (axis.value, bool(keeps.value)) if known and (axis.value is None or type(axis.value) is int) else None  # type: ignore[union-attr]


def _is_new_axis(key: Atom, where: tuple[Atom, ...]) -> bool:
    """Does an index put an axis of length 1 there, and nothing else?  Slices at its end may be unsaid."""
    given = key.items if isinstance(key, Aggregate) else (key,)
    return given == where[: len(given)] and all(part == ALL for part in where[len(given) :])


# -- broadcasts -------------------------------------------------------------------------------------------


def broadcast_into(t: Terms, a: Atom, b: Atom, fn: Any = MUL) -> Atom | None:
    """broadcast(s) * a -> s * a    (where the result has the same axes)"""
    for one, other, first in ((a, b, True), (b, a, False)):
        parts = t.of(one, numerics.broadcast_like)
        if parts and is_array(other):
            args = (parts[0], other) if first else (other, parts[0])
            made = infer(fn, tuple(_operand(x) for x in args), {})
            whole = infer(fn, tuple(_operand(x) for x in (a, b)), {})
            if (
                isinstance(made, ArrayT)
                and isinstance(whole, ArrayT)
                and made.dtype == whole.dtype
                and same_shape(made, whole)
            ):
                return t.call(fn, *args)
    return None


def broadcast_outwards(t: Terms, a: Atom, b: Atom, fn: Any = MUL) -> Atom | None:
    """broadcast(s) * c -> broadcast(s * c)    (s and c scalars)"""
    for one, other, first in ((a, b, True), (b, a, False)):
        parts = t.of(one, numerics.broadcast_like)
        if parts and is_scalar(parts[0]) and is_scalar(other):
            inner = t.inner(fn, *((parts[0], other) if first else (other, parts[0])))
            return t.build.call(
                numerics.broadcast_like, inner, parts[1], type=ArrayT(type_of(inner).dtype, type_of(one).shape)
            )  # type: ignore[no-any-return]
    return None


def _for(fn: Any, law: Callable[..., Any]) -> Callable[..., Any]:
    def law_of_fn(t: Terms, a: Atom, b: Atom) -> Atom | None:
        return law(t, a, b, fn)  # type: ignore[no-any-return]

    law_of_fn.__doc__ = law.__doc__
    return law_of_fn


LAWS: dict[Any, list[tuple[str, Callable[..., Atom | None]]]] = {
    MUL: [
        ("one times", one_times), ("sign out of product", sign_out_of_product), ("constants first", constants_first),
        ("constants together", constants_together),
        ("broadcast outwards", _for(MUL, broadcast_outwards)), ("broadcast into", _for(MUL, broadcast_into)),
        ("times reciprocal", times_reciprocal), ("quotient undone", quotient_undone), ("constant over", constant_over),
        ("scalar out of product", scalar_out_of_product), ("square", square),
    ],
    DIV: [
        ("sign out of quotient", sign_out_of_quotient), ("factor cancelled", factor_cancelled), ("reciprocal over", reciprocal_over),
        ("broadcast outwards", _for(DIV, broadcast_outwards)), ("broadcast into", _for(DIV, broadcast_into)),
        ("scalar out of quotient", scalar_out_of_quotient),
    ],
    ADD: [
        ("plus zero", plus_zero), ("plus negative", plus_negative),
        ("broadcast into", _for(ADD, broadcast_into)), ("common scalar", common_scalar),
    ],
    numerics.quotient: [("sign out of quotient", _for(numerics.quotient, sign_out_of_quotient)), ("factor cancelled", factor_cancelled)],
    SUB: [("broadcast into", _for(SUB, broadcast_into)), ("common scalar", _for(SUB, common_scalar))],
    NEG: [
        ("double negative", double_negative), ("sign of constant", sign_of_constant),
        ("broadcast outwards", broadcast_of_negative),
    ],
    POW: [("first power", first_power)],
    np.sum: [("sign out of sum", sign_out_of_sum), ("scalar out of sum", scalar_out_of_sum), ("sum of products", sum_of_products)],
}  # fmt: skip
switches.NAMES |= {name for laws in LAWS.values() for name, _ in laws} | {"helpers by rank", "defaults unsaid", "weights sum to one"}
NAMES = sorted(switches.NAMES)

#: np.sum(x, axis=None, keepdims=False) -> np.sum(x)
NUMPY_DEFAULTS = {np.sum, np.mean, np.max, np.min, np.prod, np.cumsum}
SAID = {"axis": None, "keepdims": False}


Attempt = Callable[[Any, Any, tuple[Atom, ...], dict[str, Atom], str], Atom | None]


def _by_rank(build: Any, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], hint: str) -> Atom | None:
    return HELPERS[fn](build, *args, hint=hint, **kwargs)  # type: ignore[no-any-return]


def _unsaid(build: Any, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], hint: str) -> Atom | None:
    plain = {k: v for k, v in kwargs.items() if not (isinstance(v, Const) and k in SAID and v.value == SAID[k])}
    bare = args[:-1] if len(args) == 2 and args[1] == Const(None) else args
    if len(plain) == len(kwargs) and len(bare) == len(args):
        return None
    return build.call(fn, *bare, hint=hint, **plain)  # type: ignore[no-any-return]


def _on_terms(law: Callable[..., Atom | None]) -> Attempt:
    return lambda build, fn, args, kwargs, hint: law(Terms(build, hint), *args)


def _attempts(fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom]) -> Iterator[tuple[str, Attempt]]:
    """The laws for such a call, in the order in which they are tried."""
    if fn in HELPERS:
        yield "helpers by rank", _by_rank
    if fn in NUMPY_DEFAULTS:
        yield "defaults unsaid", _unsaid
    if fn is np.sum:
        yield "weights sum to one", weights_sum_to_one
        if kwargs:
            yield "sign out of sum", sign_out_of_sum_along
    if not kwargs and len(args) == (1 if fn in (NEG, np.sum) else 2):
        yield from ((name, _on_terms(law)) for name, law in LAWS.get(fn, ()))


def apply_laws(build: Any, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom], hint: str) -> Atom | None:
    """The first law that applies, or None."""
    for name, attempt in _attempts(fn, args, kwargs):
        found = attempt(build, fn, args, kwargs, hint) if is_on(name) else None
        if found is not None:
            note(name)
            return found
    return None


__all__ = ["LAWS", "NAMES", "applied", "apply_laws", "without"]
