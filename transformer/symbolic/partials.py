"""Has a statement shorter partials as a formula than by the rules?

>>> t = ScalarT(np.dtype(float))                                                    # x / (x + k)
>>> total, quotient = Operation(operator.add, (Leaf(0), Leaf(1))), Operation(operator.truediv, (Leaf(0), Step(0)))
>>> for operation in shorter_partials(Formula((total, quotient), (t, t), (0,), (0,))).operations:
...     print(operation.fn.__name__, operation.operands)
truediv (Leaf(at=1), Step(at=0))
truediv (Step(at=2), Step(at=0))

SymPy differentiates the statement as a whole; what the statement has computed already is read, not computed again.
A slope is used only if it is one product: a sum that the rules do not form could cancel digits where theirs do not,
near a minimum say.  Nor may it have a pole of its own, and it is held against the rules at random and special points,
and against the exact slope where the two differ.  It must spare operations after every other simplification.  On any
doubt the rules stand.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy

from ..adjoint.reverse import reverse
from ..analysis.activity import activity
from ..builder import Builder
from ..ir import Atom, Block, Const, Function, Let, Var
from ..lower import Lowering
from ..pipeline import JOINT, run
from ..simplify.dce import eliminate_dead
from ..simplify.laws import apply_laws
from ..simplify.sums import gather_sums
from ..types import ScalarT
from .formulas import formula
from .numeric import evaluate
from .statements import POWERS, Formula, Leaf, Operand, Operation, Partials, Statement, Step

#: How much dearer than a product an operation is, other than these.
FUNCTION = 10
CHEAP = frozenset({operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, np.square})
COSTS: dict[Any, int] = {np.sqrt: 2, math.sqrt: 2}
#: What SymPy writes, and what computes it.
WRITTEN: dict[Any, str] = {
    sympy.exp: "exp", sympy.log: "log", sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan",
    sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.tanh: "tanh",
}  # fmt: skip
#: What is finite for every finite argument, but for overflow.
ENTIRE = frozenset({sympy.Add, sympy.Mul, sympy.exp, sympy.sin, sympy.cos, sympy.sinh, sympy.cosh, sympy.tanh, sympy.atan})
NONE = Partials((), ())
LARGEST_PRODUCT = 4  # x**4 is (x * x) * (x * x)


class NotWritten(ValueError):
    """An expression that is not one product of what is at hand."""


@lru_cache(maxsize=4096)
def shorter_partials(asked: Formula) -> Partials | None:
    """The partials of the formula that cost less than the rules' and are as good, or None."""
    return Context().run(_shorter, asked)  # whichever laws are switched off, and without a note of those that apply


def _shorter(asked: Formula) -> Partials | None:
    values = _expressions(asked)
    if values is None:
        return None
    exact = [sympy.diff(values[-1], symbol(leaf)) for leaf in asked.wanted]
    poles = _factors(pole for expression in (*values, *exact) for pole in _poles(expression))
    forms: list[Any] = []
    for slope in exact:
        form = _product(asked, values, poles, slope)
        if form is None:
            return None
        forms.append(form)
    found = _written(asked, forms)
    shorter = _cost(_derivative(asked, asked.kinds, found)) < _cost(_derivative(asked, asked.kinds))
    return found if shorter and _holds(asked, found, exact) else None


def symbol(leaf: int) -> sympy.Symbol:
    return sympy.Symbol(f"v{leaf}", real=True)


def computed(step: int) -> sympy.Symbol:
    return sympy.Symbol(f"s{step}", real=True)


def _expressions(asked: Formula) -> list[Any] | None:
    """The value of each operation as an expression of the leaves."""
    values: list[Any] = []

    def expression(operand: Operand, exponent: bool) -> Any:
        if isinstance(operand, Const):
            return _number(operand.value, exponent)
        return symbol(operand.at) if isinstance(operand, Leaf) else values[operand.at]

    for fn, operands in asked.operations:
        known = formula(fn)
        if known is None:
            return None
        values.append(known(*(expression(o, fn in POWERS and k == 1) for k, o in enumerate(operands))))
    return None if values[-1].is_number else values


def _number(value: float, exponent: bool) -> Any:
    """A number of the program: itself where it is whole or an exponent, else a name, so that no sum is rescaled by it."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 2**30):
        return sympy.Integer(value)
    if exponent:
        return sympy.Rational(value) if (8 * value).is_integer() else sympy.Float(value)
    return sympy.Symbol(f"k{value!r}", real=True)


# -- a slope as one product ---------------------------------------------------------------------------------


def _product(asked: Formula, values: list[Any], poles: set[Any], slope: Any) -> Any:
    """The slope as the shortest product of what is at hand, or None.

    Nothing divides, or is taken to a broken power, that does not in the statement or its slopes as they are defined.
    """
    names = {computed(k): value for k, value in enumerate(values)}
    costs: dict[Any, int] = {}
    for form in _forms(slope, values):
        if _factors(pole.xreplace(names) for pole in _poles(form)) <= poles:
            with suppress(NotWritten):
                costs[form] = sum(_cost_of(*operation) for operation in _written(asked, [form]).operations)
    return min(costs, key=lambda form: costs[form], default=None)


def _written(asked: Formula, forms: Iterable[Any]) -> Partials:
    """The slopes as operations; what they share is computed once."""
    writer = _Writer(asked)
    slopes = tuple(map(writer.operand, forms))
    return Partials(tuple(writer.operations), slopes)


def _forms(slope: Any, values: list[Any]) -> list[Any]:
    """A slope as SymPy differentiates it, as one fraction, and as a multiple of the statement's value."""
    value = values[-1]
    naming = _Naming(values)
    forms = [naming(slope), naming(sympy.together(slope))]
    if slope.is_rational_function():
        forms.append(naming(sympy.factor(slope)))
    if value.is_Mul or value.is_Pow:
        forms.append(computed(len(values) - 1) * naming(sympy.together(slope / value)))
    return list(dict.fromkeys(forms))


class _Naming:
    """Expressions with what is computed already by name, also as factors: ``x**3`` is ``s * x`` where ``s`` is ``x**2``."""

    def __init__(self, values: list[Any]) -> None:
        self.names = {value: computed(k) for k, value in reversed(list(enumerate(values))) if value.args}
        products = [(value, name) for value, name in self.names.items() if value.is_Mul or value.is_Pow]
        self.products = sorted(((*_powers(v), name) for v, name in products), key=lambda row: -len(row[1]))
        self.known: dict[Any, Any] = {}

    def __call__(self, expression: Any) -> Any:
        if expression not in self.known:
            self.known[expression] = self.names.get(expression) or self._named(expression)
        return self.known[expression]

    def _named(self, expression: Any) -> Any:
        if expression.is_Mul or expression.is_Pow:
            return self._product(*_powers(expression))
        return expression.func(*map(self, expression.args)) if expression.args else expression

    def _product(self, coefficient: Any, powers: dict[Any, Any]) -> Any:
        found = []
        for scale, parts, name in self.products:
            ratios = [powers.get(base, sympy.S.Zero) / exponent for base, exponent in parts.items()]
            times = min(ratios, key=abs) if all(r.is_Rational for r in ratios) else sympy.S.Zero
            times = sympy.Integer(int(times))
            worth = len(parts) > 1 or scale == 1 or coefficient == scale**times
            if times and worth and all(r * times > 0 for r in ratios):
                found.append(name**times)
                coefficient = coefficient / scale**times
                powers = {b: e - parts[b] * times if b in parts else e for b, e in powers.items()}
        rest = [self(base) ** self(exponent) for base, exponent in powers.items() if exponent != 0]
        return sympy.Mul(coefficient, *found, *rest)


def _poles(expression: Any) -> set[Any]:
    """What an expression divides by, takes the logarithm of, or takes to a broken power."""
    found = set()
    for part in sympy.preorder_traversal(expression):
        if part.is_Pow and not (part.exp.is_Integer and part.exp > 0):
            found.add(part.base)
        elif part.func not in ENTIRE and not part.is_Atom and not part.is_Pow:
            found.add(part)
    return {part for part in found if not part.is_number}


def _factors(expressions: Iterable[Any]) -> set[Any]:
    """What the expressions are products of powers of."""
    factors = (factor for expression in expressions for factor in sympy.Mul.make_args(expression))
    return {f.base if f.is_Pow and f.exp.is_number else f for f in factors if not f.is_number}


def _powers(product: Any) -> tuple[Any, dict[Any, Any]]:
    """The coefficient of a product, and the exponent of each of its factors."""
    coefficient, rest = product.as_coeff_Mul()
    return coefficient, {f.base if f.is_Pow else f: f.exp if f.is_Pow else sympy.S.One for f in sympy.Mul.make_args(rest)}


@dataclass
class _Writer:
    """Binary operations that compute expressions, each written once."""

    asked: Formula
    operations: list[Operation] = field(default_factory=list)
    known: dict[Any, Operand] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known |= {symbol(k): Leaf(k) for k in range(len(self.asked.kinds))}
        numbers = {o.value for operation in self.asked.operations for o in operation.operands if isinstance(o, Const)}
        self.known |= {_number(value, False): Const(value) for value in numbers if _number(value, False).is_Symbol}
        self.known |= {computed(k): Step(k) for k in range(len(self.asked.operations))}

    def operand(self, expression: Any) -> Operand:
        if expression not in self.known:
            self.known[expression] = self._write(expression)
        return self.known[expression]

    def call(self, fn: Callable[..., Any], *operands: Operand) -> Operand:
        made = Operation(fn, operands)
        if made not in self.operations:
            self.operations.append(made)
        return Step(len(self.asked.operations) + self.operations.index(made))

    def _write(self, expression: Any) -> Operand:
        if expression.is_number:
            return _constant(expression)
        if expression.is_Mul:
            return self._product(expression)
        if expression.is_Pow:
            return self._power(expression.base, expression.exp)
        if expression.func in WRITTEN:
            return self.call(self._function(WRITTEN[expression.func]), self.operand(expression.args[0]))
        raise NotWritten(str(expression))

    def _function(self, name: str) -> Callable[..., Any]:
        """NumPy's function or Python's, whichever the statement itself uses."""
        homes = {getattr(o.fn, "__module__", None) for o in self.asked.operations}
        home = np if any(isinstance(o.fn, np.ufunc) for o in self.asked.operations) else math if "math" in homes else None
        if home is None:
            raise NotWritten(name)
        return getattr(home, name)  # type: ignore[no-any-return]

    def _product(self, expression: Any) -> Operand:
        coefficient, rest = expression.as_coeff_Mul()
        above, below = [], []
        for factor in sympy.Mul.make_args(rest):
            base, exponent = factor.as_base_exp()
            divides = exponent.is_number and exponent < 0 and base is not sympy.E
            (below if divides else above).append(base**-exponent if divides else factor)
        sign, size = (-1, -coefficient) if coefficient < 0 else (1, coefficient)
        factors = [self.operand(factor) for factor in above]
        if size != 1 or not factors:
            factors.insert(0, _constant(size))
        result = self._times(factors)
        for base in below:
            result = self._divided(result, base)
        return self.call(operator.neg, result) if sign < 0 else result

    def _times(self, factors: Sequence[Operand]) -> Operand:
        result = factors[0]
        for factor in factors[1:]:
            result = self.call(operator.mul, result, factor)
        return result

    def _divided(self, above: Operand, below: Any) -> Operand:
        """One division after the other: the product of the divisors may overflow (R7)."""
        base, exponent = below.as_base_exp()
        times = int(exponent) if exponent.is_Integer and exponent <= LARGEST_PRODUCT else 1
        divisor = self.operand(base if times > 1 else below)
        for _ in range(times):
            above = self.call(operator.truediv, above, divisor)
        return above

    def _power(self, base: Any, exponent: Any) -> Operand:
        if exponent.is_number and exponent < 0:
            return self._divided(Const(1.0), base**-exponent)
        if exponent.is_Integer and exponent <= LARGEST_PRODUCT:
            half = self.operand(base ** (exponent // 2))
            square = self.call(operator.mul, half, half)
            return self.call(operator.mul, square, self.operand(base)) if exponent % 2 else square
        if not exponent.is_number:
            raise NotWritten(f"{base}**{exponent}")
        return self.call(operator.pow, self.operand(base), _constant(exponent))


def _constant(number: Any) -> Const:
    if number.is_Integer and abs(number) < 2**53:
        return Const(int(number))
    value = complex(number)
    if value.imag or not math.isfinite(value.real):
        raise NotWritten(str(number))
    return Const(value.real)


# -- what it costs ------------------------------------------------------------------------------------------


def _derivative(asked: Formula, kinds: Iterable[Any], partials: Partials = NONE) -> tuple[Function, Var, Block]:
    """The reverse sweep of a program that is the statement alone: by the rules, or by the partials given."""
    build = Builder()
    leaves = tuple(Var(f"v{k}", kind) for k, kind in enumerate(kinds))
    values: list[Any] = []
    for operation in asked.operations:
        operands = (o if isinstance(o, Const) else (leaves if isinstance(o, Leaf) else values)[o.at] for o in operation.operands)
        values.append(build.call(operation.fn, *operands))
    fn = Function("statement", leaves, build.finish(values[-1]), None)
    lets = tuple(s for s in fn.body.stmts if isinstance(s, Let))
    wrt = tuple(leaves[k] for k in asked.wanted)
    seed = Var("z_bar", values[-1].type)
    active = activity(fn, wrt, (values[-1],))
    low = Lowering(Builder(apply_laws))
    low.build.calls.update({let.var: let.call for let in lets})
    known = {values[-1]: Statement(asked, lets, leaves, partials)} if partials.slopes else {}
    sweeps = reverse(fn, wrt, active, seed, low, statements=known)
    whole = Block((*fn.body.stmts, *sweeps.reverse), (values[-1], *sweeps.bars))
    whole = gather_sums(run(JOINT, (*leaves, seed), whole), lambda v: sweeps.hints.get(v, v.hint))
    return fn, seed, eliminate_dead(whole)


def _cost(made: tuple[Function, Var, Block]) -> float:
    """What the reverse sweep computes, a product being 1."""
    stmts = [s for s in made[2].stmts if not (isinstance(s, Let) and s.forward)]
    return sum(_cost_of(s.call.fn, s.call.args) if isinstance(s, Let) else math.inf for s in stmts)


def _cost_of(fn: Any, operands: Sequence[Any]) -> int:
    if fn in POWERS and operands[1] == Const(2):
        return 1
    return 1 if fn in CHEAP else COSTS.get(fn, FUNCTION)


# -- whether it holds ---------------------------------------------------------------------------------------


def _holds(asked: Formula, found: Partials, exact: list[Any]) -> bool:
    """Are the partials finite wherever the rules are, infinite where they are, and as accurate?"""
    kinds = [ScalarT(kind.dtype, True if _is_python(kind) else False) for kind in asked.kinds]
    rules, mine = _derivative(asked, kinds), _derivative(asked, kinds, found)
    known = 0
    for point in _points(asked):
        expected, made = _run(rules, point), _run(mine, point)
        if expected is None or not _is_finite(expected[0]):
            continue
        if made is None or not all(_agrees(*each, point) for each in zip(exact, expected[1:], made[1:])):
            return False
        known += all(map(_is_finite, expected))
    return known >= ENOUGH


def _agrees(slope: Any, a: Any, b: Any, point: list[Any]) -> bool:
    """Is a slope as good as the rules' is?"""
    if not _is_finite(a):
        return bool(a != a or a == b)
    return _is_finite(b) and (abs(a - b) <= CLOSE * abs(a) + TINY or _is_exact(slope, point, b))


#: So many points must be in the domain, of those that ``_points`` tries.
ENOUGH = 12
SPECIAL = (0.0, 1.0, -1.0, 1e-8, -1e8, 1e-200, 1e160, -1e300)
CLOSE = 16 * float(np.finfo(float).eps)
TINY = 1e-150  # below which a difference is one of underflow


def _points(asked: Formula) -> Iterator[list[Any]]:
    """Values for the leaves: of every size and sign, then with special values for one of them, and for all."""
    rng = np.random.default_rng(0)
    n = len(asked.kinds)

    def typed(values: Iterable[float]) -> list[Any]:
        return [float(v) if _is_python(kind) else np.float64(v) for v, kind in zip(values, asked.kinds)]

    for scale in (0.3, 1.0, 10.0, 1e3):
        for _ in range(4):
            yield typed(rng.normal(0.0, scale, n))
            yield typed(np.exp(rng.normal(0.0, 1.0, n)) * scale)
    for special in SPECIAL:
        for k in range(n):
            values = np.exp(rng.normal(0.0, 0.5, n))
            values[k] = special
            yield typed(values)
        yield typed([special] * n)


def _is_python(kind: Any) -> bool:
    return isinstance(kind, ScalarT) and kind.weak is not False


def _run(made: tuple[Function, Var, Block], point: list[Any]) -> list[Any] | None:
    """The value and the slopes at a point; None where Python's arithmetic raises."""
    fn, seed, whole = made
    env: dict[Var, Any] = dict(zip(fn.params, point)) | {seed: 1.0}

    def value(atom: Atom) -> Any:
        return env[atom] if isinstance(atom, Var) else atom.value  # type: ignore[union-attr]

    with np.errstate(all="ignore"), suppress(ArithmeticError, ValueError):
        for s in whole.stmts:
            assert isinstance(s, Let)
            env[s.var] = s.call.fn(*map(value, s.call.args), **{k: value(v) for k, v in s.call.kwargs})
        return [value(y) for y in whole.yields]
    return None


def _is_finite(value: Any) -> bool:
    return not isinstance(value, complex) and math.isfinite(value)


def _is_exact(slope: Any, point: list[float], b: float) -> bool:
    """Is it the slope to all but the last digits?  (the rules may be less exact, where terms cancel)"""
    names = {name: mpmath.mpf(float(name.name[1:])) for name in slope.free_symbols if name.name[0] == "k"}
    with mpmath.workdps(30):
        try:
            true = evaluate(slope, names | {symbol(k): mpmath.mpf(float(v)) for k, v in enumerate(point)})
            return bool(abs(b - true) <= 2 * CLOSE * abs(true) + TINY)
        except (ArithmeticError, ValueError, TypeError):
            return False


__all__ = ["shorter_partials"]
