"""Which formula does a primitive compute?

>>> formula(math.log2)(sympy.Symbol("x"))
log(x)/log(2)
>>> formula(np.maximum)(*sympy.symbols("x y"))
Max(x, y)

What ``runtime/rules/elementwise.py`` declares is read from there.  The rest are functions with a choice in them
(``BRANCHING``), whose rules are written by hand because they have no single expression, and SciPy's (``SPECIAL``).
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import sympy
from sympy import (
    Abs,
    And,
    Eq,
    Expr,
    Ge,
    Gt,
    Le,
    Lt,
    Max,
    Min,
    Ne,
    Not,
    Or,
    Piecewise,
    Xor,
    ceiling,
    exp,
    floor,
    log,
    sign,
    sqrt,
)
from sympy.logic.boolalg import Boolean

from retrograd.runtime.rules import lookup
from retrograd.runtime.rules.elementwise import ROWS

Formula = Callable[..., Any]
#: ``complex(x)`` leaves the real line, where symbols live.
COMPLEX = frozenset({np.complex128, np.complex64})
#: Into how many cases a condition may be opened.
MAX_CASES = 128
X, Y = sympy.Dummy("x"), sympy.Dummy("y")


def is_truth(value: Any) -> bool:
    """A SymPy symbol is a ``Boolean`` too; here it is a number."""
    return isinstance(value, Boolean) and not isinstance(value, Expr)


def as_condition(value: Any) -> Any:
    """What ``if value:`` tests."""
    return value if is_truth(value) else without_pieces(Ne(value, 0))


class TooManyCases(ValueError):
    """A condition on values with so many pieces that its cases cannot be listed."""


def without_pieces(condition: Any) -> Any:
    """The condition with its ``Piecewise`` values opened into cases.

    SymPy would do so inside every ``Piecewise`` that has this condition, by solving inequalities.

    >>> x = sympy.Symbol("x", real=True)
    >>> without_pieces(Gt(Piecewise((x, x > 0), (2, True)), 1))
    (x <= 0) | ((x > 0) & (x > 1))
    """
    return Or(*_cases(condition, sympy.true, itertools.count()))


def _cases(condition: Any, given: Any, visited: Iterator[int]) -> Iterator[Any]:
    """The cases in which the condition holds, those that contradict ``given`` left out."""
    if next(visited) >= MAX_CASES:
        raise TooManyCases(f"a condition on it has more than {MAX_CASES} cases")
    pieces = max(condition.atoms(Piecewise), key=_extent, default=None)
    if pieces is None:
        yield And(given, condition)
        return
    for value, holds in pieces.args:
        here = And(given, holds)
        if here != sympy.false:
            yield from _cases(condition.xreplace({pieces: value}), here, visited)
        given = And(given, Not(holds))


def _extent(expression: Any) -> tuple[Any, ...]:
    return expression.count_ops(), sympy.default_sort_key(expression)


def as_number(value: Any) -> Any:
    """True is 1 in arithmetic."""
    return Piecewise((1, value), (0, True)) if is_truth(value) else value


def _compared(relation: Formula) -> Formula:
    return lambda x, y: without_pieces(relation(x, y))


less, at_most = _compared(Lt), _compared(Le)
more, at_least = _compared(Gt), _compared(Ge)
same, other = _compared(Eq), _compared(Ne)


def maximum(x: Any, y: Any) -> Any:
    """Ties share evenly."""
    return _extreme(Max, x, y, 1)


def minimum(x: Any, y: Any) -> Any:
    return _extreme(Min, x, y, -1)


def _extreme(kind: Any, x: Any, y: Any, sense: int) -> Any:
    """``Max`` of a ``Max`` would flatten, and forget which two arguments were tied; the slope of ``Abs`` is even too."""
    if isinstance(x, kind) or isinstance(y, kind):
        return (x + y + sense * Abs(x - y)) / 2
    return kind(x, y)


def even_tie(wins: Any, x: Any, y: Any) -> Any:
    """Where ``x == y`` the value is their mean, which is either of them, and its slope the mean slope."""
    return Piecewise((x, wins(x, y)), (y, wins(y, x)), ((x + y) / 2, True))


def where(condition: Any, x: Any, y: Any) -> Any:
    return Piecewise((x, as_condition(condition)), (y, True))


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """The bounds count as inside; a ``high`` below ``low`` wins, as in NumPy."""
    above = [more(x, high)] if high is not None else []
    above += [more(low, high)] if high is not None and low is not None else []
    choices = [(high, Or(*above))] if above else []
    choices += [(low, less(x, low))] if low is not None else []
    return Piecewise(*choices, (x, True))


def trunc(x: Any) -> Any:
    return Piecewise((floor(x), at_least(x, 0)), (ceiling(x), True))


def copysign(x: Any, y: Any) -> Any:
    return Piecewise((Abs(x), at_least(y, 0)), (-Abs(x), True))


def heaviside(x: Any, at_zero: Any) -> Any:
    return Piecewise((0, less(x, 0)), (at_zero, same(x, 0)), (1, True))


def _of(names: str, *homes: Any) -> tuple[Callable[..., Any], ...]:
    return tuple(getattr(home, name) for home in homes for name in names.split() if hasattr(home, name))


#: Choices, steps and conditions: what the primitive computes for real arguments, NaN apart.
BRANCHING: tuple[tuple[tuple[Callable[..., Any], ...], Formula], ...] = (
    ((*_of("power float_power", np), *_of("pow ipow", operator), pow, math.pow), lambda x, y: x**y),
    (_of("cbrt", np, math), lambda x: sign(x) * Abs(x) ** sympy.Rational(1, 3)),
    (_of("hypot", np, math), lambda x, y: sqrt(x**2 + y**2)),
    ((*_of("fabs", np, math), np.absolute, abs, operator.abs), Abs),
    (_of("maximum fmax", np), maximum),
    (_of("minimum fmin", np), minimum),
    ((np.logaddexp,), lambda x, y: log(exp(x) + exp(y))),
    ((np.logaddexp2,), lambda x, y: log(2**x + 2**y) / log(2)),
    ((np.remainder, *_of("mod imod", operator)), lambda x, y: x - y * floor(x / y)),
    (_of("fmod", np, math), lambda x, y: x - y * trunc(x / y)),
    (_of("copysign", np, math), copysign),
    ((np.heaviside,), heaviside),
    ((np.sinc,), lambda x: sympy.sinc(sympy.pi * x)),
    (_of("ldexp", np, math), lambda x, y: x * 2**y),
    ((np.where,), where),
    ((np.clip,), clip),
    ((np.sign,), sign),
    (_of("floor", np, math), floor),
    (_of("ceil", np, math), ceiling),
    ((*_of("trunc fix", np, math), int), trunc),
    ((*_of("floor_divide", np), *_of("floordiv ifloordiv", operator)), lambda x, y: floor(x / y)),
    ((operator.lt, np.less), less),
    ((operator.le, np.less_equal), at_most),
    ((operator.gt, np.greater), more),
    ((operator.ge, np.greater_equal), at_least),
    ((operator.eq, np.equal), same),
    ((operator.ne, np.not_equal), other),
)


def _of_truths(connective: Formula) -> Formula:
    return lambda *values: connective(*map(as_condition, values))


#: Functions of truths.
LOGICAL: tuple[tuple[tuple[Callable[..., Any], ...], Formula], ...] = (
    ((operator.not_, np.logical_not), _of_truths(Not)),
    ((np.logical_and,), _of_truths(And)),
    ((np.logical_or,), _of_truths(Or)),
    ((np.logical_xor,), _of_truths(Xor)),
    ((bool, operator.truth), as_condition),
)
#: Functions that take a truth as such; others see the number it stands for.
TAKES_TRUTHS = frozenset({np.where, *(p for primitives, _ in LOGICAL for p in primitives)})

#: Functions of ``scipy.special`` by name: the module is not imported for them.
SPECIAL: dict[str, str] = {
    "erf": "erf(x)",
    "erfc": "erfc(x)",
    "erfinv": "erfinv(x)",
    "erfcinv": "erfinv(1 - x)",
    "ndtr": "(1 + erf(x/sqrt(2)))/2",
    "ndtri": "sqrt(2)*erfinv(2*x - 1)",
    "gamma": "gamma(x)",
    "gammaln": "loggamma(x)",
    "digamma": "polygamma(0, x)",
    "expit": "1/(1 + exp(-x))",
    "logit": "log(x/(1 - x))",
    "xlogy": "x*log(y)",
    "j0": "besselj(0, x)",
    "y0": "bessely(0, x)",
    "i0": "besseli(0, x)",
    "k0": "besselk(0, x)",
    "j1": "besselj(1, x)",
    "y1": "bessely(1, x)",
    "i1": "besseli(1, x)",
    "k1": "besselk(1, x)",
    "i0e": "exp(-Abs(x))*besseli(0, x)",
    "i1e": "exp(-Abs(x))*besseli(1, x)",
    "k0e": "exp(x)*besselk(0, x)",
    "k1e": "exp(x)*besselk(1, x)",
    "jn": "besselj(x, y)",
    "jv": "besselj(x, y)",
    "yn": "bessely(x, y)",
    "yv": "bessely(x, y)",
    "iv": "besseli(x, y)",
    "kn": "besselk(x, y)",
    "kv": "besselk(x, y)",
    "ive": "exp(-Abs(y))*besseli(x, y)",
    "kve": "exp(y)*besselk(x, y)",
    "beta": "gamma(x)*gamma(y)/gamma(x + y)",
    "betaln": "loggamma(x) + loggamma(y) - loggamma(x + y)",
    "poch": "gamma(x + y)/gamma(x)",
    "rgamma": "1/gamma(x)",
    "gammainc": "lowergamma(x, y)/gamma(x)",
    "gammaincc": "uppergamma(x, y)/gamma(x)",
    "cbrt": "sign(x)*Abs(x)**Rational(1, 3)",
    "exp2": "2**x",
    "exp10": "10**x",
    "expm1": "exp(x) - 1",
    "exprel": "(exp(x) - 1)/x",
    "log1p": "log(1 + x)",
    "cosm1": "cos(x) - 1",
    "xlog1py": "x*log(1 + y)",
    "log_expit": "-log(1 + exp(-x))",
    "log_ndtr": "log((1 + erf(x/sqrt(2)))/2)",
    "entr": "-x*log(x)",
    "rel_entr": "x*log(x/y)",
    "kl_div": "x*log(x/y) - x + y",
    "erfcx": "exp(x**2)*erfc(x)",
    "erfi": "erfi(x)",
    "dawsn": "sqrt(pi)/2*exp(-x**2)*erfi(x)",
    "exp1": "expint(1, x)",
    "expi": "Ei(x)",
    "expn": "expint(x, y)",
    "spence": "polylog(2, 1 - x)",
    "ellipk": "elliptic_k(x)",
    "ellipe": "elliptic_e(x)",
    "ellipkinc": "elliptic_f(x, y)",
    "ellipeinc": "elliptic_e(x, y)",
    "eval_legendre": "legendre(x, y)",
}


def formula(primitive: Callable[..., Any]) -> Formula | None:
    """The function on SymPy expressions that a primitive is, or None."""
    try:
        known = _known().get(primitive)
    except TypeError:  # unhashable callables have no formula
        return None
    return known or _of_scipy(primitive)


@cache
def _known() -> dict[Callable[..., Any], Formula]:
    declared = {p: _from_text(row.expression) for row in ROWS for p in row.primitives if p not in COMPLEX}
    written = {p: f for primitives, f in (*BRANCHING, *LOGICAL) for p in primitives}
    return declared | written


def _of_scipy(primitive: Callable[..., Any]) -> Formula | None:
    rule = lookup(primitive)
    if rule is None or getattr(rule.namespace, "__name__", "") != "scipy.special" or rule.kind != "elementwise":
        return None
    # by identity: the ufunc that digamma is calls itself psi
    texts = [text for name, text in SPECIAL.items() if getattr(rule.namespace, name, None) is primitive]
    return _from_text(texts[0]) if texts else None


@cache
def _from_text(text: str) -> Formula:
    template = sympy.sympify(text, locals={"x": X, "y": Y})
    arguments = [s for s in (X, Y) if template.has(s)]
    parameters = ", ".join(f"a{k}" for k in range(len(arguments)))

    def at(*values: Any) -> Any:
        if len(values) != len(arguments):
            raise TypeError(f"({parameters}) is what the formula {text} takes, not {len(values)} arguments")
        return template.xreplace(dict(zip(arguments, values)))

    return at
