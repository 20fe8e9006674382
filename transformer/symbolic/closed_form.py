"""What are the value, the gradient and the Hessian of a function, as formulas?

>>> s = closed_form(lambda x, y: x * y**2, (), {})
>>> s.value, s.gradient
(x*y**2, {'x': y**2, 'y': 2*x*y})
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy import Abs, Heaviside, Max, Min, Piecewise, ceiling, floor, sign

from retrograd.runtime import emitted
from retrograd.runtime.errors import ArgumentError, Location, NoRule
from retrograd.transformer.api import Target, target_of
from retrograd.transformer.ir import Const, Function, Raise, walk
from retrograd.transformer.lower import lower
from retrograd.transformer.parse import parse
from retrograd.transformer.types import FLOAT

from .formulas import as_number, even_tie, less, more
from .numeric import evaluate
from .report import Verification
from .unroll import exact, is_symbolic, run

#: What does not move when its argument does, except where it jumps.
STEPS = (floor, ceiling, sign, Heaviside)
#: What SymPy leaves behind where it has no derivative.
LEFT_OVER = (sympy.Derivative, sympy.Subs, sympy.DiracDelta, sympy.re, sympy.im)


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """A function of real numbers as a formula.

    symbols    one real symbol for each parameter that is not a constant, by name
    constants  the parameters that are constants, by name
    value      the function's value
    domain     the condition on the symbols under which the function raises no error of its own
    """

    function: Callable[..., Any]
    name: str
    symbols: dict[str, sympy.Symbol]
    constants: dict[str, Any]
    value: sympy.Expr
    domain: Any
    where: Location | None = None

    @cached_property
    def gradient(self) -> dict[str, sympy.Expr]:
        """The partial derivative by each symbol, under the parameter's name."""
        return {name: self._by(self.value, symbol) for name, symbol in self.symbols.items()}

    @cached_property
    def hessian(self) -> sympy.Matrix:
        """The second derivatives, rows and columns in the order of ``symbols``."""
        symbols, first = list(self.symbols.values()), list(self.gradient.values())
        upper = {(i, j): self._by(first[i], symbols[j]) for i in range(len(first)) for j in range(i, len(first))}
        return sympy.Matrix(len(first), len(first), lambda i, j: upper[min(i, j), max(i, j)])

    def _by(self, expression: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
        found = partial(expression, symbol)
        if found.has(*LEFT_OVER):
            raise NoRule(
                f"{self.name}: the derivative by {symbol} has no closed form",
                where=self.where,
                remedy="rg.grad computes it from the derivative rules.",
            )
        return found

    def cse(self) -> tuple[list[tuple[sympy.Symbol, sympy.Expr]], list[sympy.Expr]]:
        """Value and gradient with their common parts named once, as ``sympy.cse`` returns them."""
        return sympy.cse([self.value, *self.gradient.values()])

    # -- numbers ------------------------------------------------------------------------------------------

    def at(self, *point: float, digits: int = 30) -> tuple[Any, tuple[Any, ...]]:
        """Value and gradient at the symbols' values, computed with so many digits by mpmath.

        >>> value, (slope,) = closed_form(lambda x: x**2, (), {}).at(3.0)
        >>> print(value, slope)
        9.0 6.0
        """
        with mpmath.workdps(digits):
            known: dict[Any, Any] = dict(zip(self.symbols.values(), map(mpmath.mpf, point), strict=True))
            value, *slopes = (evaluate(part, known) for part in (self.value, *self.gradient.values()))
            return mpmath.mpmathify(value), tuple(map(mpmath.mpmathify, slopes))

    def verify(
        self,
        points: int | Iterable[Sequence[float]] = 16,
        seed: int = 0,
        *,
        against: Callable[..., Any] | None = None,
        rtol: float = 1e-8,
    ) -> Verification:
        """Hold the function and its emitted adjoint against the closed form.

        ``points`` is how many to draw, or the points themselves, each with one number a symbol.  ``against``
        computes ``(value, gradient tuple)`` from the function's arguments: ``rg.value_and_grad`` if not given.
        Raises ``VerificationError`` at the first number that differs; points outside the domain are counted.

        >>> def area(x, y):
        ...     return x * y**2
        >>> print(closed_form(area, (), {}).verify(points=4))
        area: value and gradient agree with the closed form at 4 points (largest relative error ...)
        """
        from .verify import verify

        return verify(self, points, seed, against or self._adjoint(), rtol)

    def _adjoint(self) -> Callable[..., Any]:
        from retrograd.transformer.api import value_and_grad

        return value_and_grad(self.function, wrt=tuple(self.symbols))

    # -- text ---------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        lines = [f"{self._head} = {self.value}"]
        lines += [f"d{self.name}/d{name} = {slope}" for name, slope in self.gradient.items()]
        return "\n".join(lines)

    @property
    def _head(self) -> str:
        return f"{self.name}({', '.join(self.symbols)})"

    def latex(self) -> str:
        """Value and gradient as LaTeX, one aligned line each."""
        f = self._latex_name()
        symbols = {name: sympy.latex(symbol) for name, symbol in self.symbols.items()}
        lines = [f"{f}({', '.join(symbols.values())}) &= {sympy.latex(self.value)}"]
        for name, slope in self.gradient.items():
            lines.append(f"\\frac{{\\partial {f}}}{{\\partial {symbols[name]}}} &= {sympy.latex(slope)}")
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def _latex_name(self) -> str:
        name = "f" if self.name == "<lambda>" else self.name
        return name if len(name) == 1 else f"\\operatorname{{{name.replace('_', chr(92) + '_')}}}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


# -- calculus ---------------------------------------------------------------------------------------------


def partial(expression: Any, symbol: Any) -> Any:
    """The derivative by ``symbol``, with the library's conventions at kinks and jumps.

    >>> x = sympy.Symbol("x", real=True)
    >>> partial(Abs(x), x), partial(x * floor(x), x), partial(Max(x, 0), x)
    (sign(x), floor(x), Piecewise((0, x < 0), (1, x > 0), (1/2, True)))
    """
    expression = _with_slopes(expression)
    frozen = {step: sympy.Dummy("step", real=True) for step in expression.atoms(*STEPS)}
    slope = sympy.diff(expression.xreplace(frozen), symbol)
    slope = slope.xreplace({dummy: step for step, dummy in frozen.items()})
    return slope.replace(RealAbs, Abs)


class RealAbs(sympy.Function):
    """``Abs`` of what is real because every value of the program is, though SymPy cannot prove it."""

    def fdiff(self, argindex: int = 1) -> Any:
        return sign(self.args[0])


def _with_slopes(expression: Any) -> Any:
    """The expression with its kinks as functions that have a slope."""
    expression = expression.replace(lambda e: isinstance(e, Max), lambda e: _pieces(more, e))
    expression = expression.replace(lambda e: isinstance(e, Min), lambda e: _pieces(less, e))
    return expression.replace(Abs, RealAbs)


def _pieces(wins: Any, extreme: Any) -> Any:
    """A maximum of plain arguments by cases; of others as it is, for the cases would multiply (its slope is a step)."""
    if any(arg.has(Max, Min, Piecewise) for arg in extreme.args):
        return extreme
    return even_tie(wins, *extreme.args)


# -- from a function --------------------------------------------------------------------------------------


def closed_form(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> ClosedForm:
    """The closed form of ``f``; ``symbolic`` says how its parameters are read."""
    target = _plain_target(f)
    constants = _constants(target, args, kwargs)
    names = [name for name in target.names if name not in constants]
    where = _definition(target)
    if not names:
        raise ArgumentError(
            f"every parameter of {target.fn.__name__} is a constant, so there is nothing to differentiate by",
            where=where,
            remedy="Give floats as examples of the parameters that vary: rg.symbolic(f, 1.0).",
        )
    symbols = {name: sympy.Symbol(name, real=True) for name in names}
    value, domain = _run(target, symbols, constants, where)
    return ClosedForm(target.fn, target.fn.__name__, symbols, constants, value, domain, where)


def _plain_target(f: Callable[..., Any]) -> Target:
    target = target_of(f)
    variadic = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    if target.bound or any(p.kind in variadic for p in target.signature.parameters.values()):
        raise ArgumentError(
            f"the parameters of {target.fn.__name__} cannot be named one by one",
            remedy="Wrap it: rg.symbolic(lambda x, y: f(x, y)).",
        )
    return target


def _constants(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The parameters whose example, or else default, is not a float."""
    try:
        given = target.signature.bind_partial(*args, **kwargs).arguments
    except TypeError as error:
        raise ArgumentError(f"{target.fn.__name__}(): {error}") from None
    defaults = {n: p.default for n, p in target.signature.parameters.items() if p.default is not p.empty}
    examples = {**defaults, **given}
    return {name: _constant(name, examples[name]) for name in target.names if not _varies(examples.get(name, 0.0))}


def _varies(example: Any) -> bool:
    return isinstance(example, (float, np.floating))


def _constant(name: str, example: Any) -> Any:
    if isinstance(example, np.integer):
        return int(example)
    if example is None or isinstance(example, (bool, int, str)):
        return example
    raise ArgumentError(
        f"the example of {name!r} is of type {type(example).__name__}, not a number",
        remedy="rg.symbolic is for functions of numbers: write the components out as parameters.",
    )


def _definition(target: Target) -> Location:
    source = parse(target.fn)
    line = source.tree.lineno
    return Location(source.file, line, source.lines[line - 1].strip())


def _run(target: Target, symbols: dict[str, Any], constants: dict[str, Any], where: Location) -> tuple[Any, Any]:
    types = {name: Const(constants[name]) if name in constants else FLOAT for name in target.names}
    program, low = lower(target.fn, types)
    bindings = {var: symbols[var.hint] for var in program.params[: len(symbols)]}
    bindings |= {var: exact(getter(target.fn)) for var, getter in low.captures.values()}
    result = run(program, bindings)
    if not is_symbolic(result.value) or _may_return_nothing(program):
        raise ArgumentError(
            f"{target.fn.__name__} does not return a number on every path",
            where=where,
            remedy="rg.symbolic is for functions that return one number.",
        )
    return as_number(result.value), result.domain


def _may_return_nothing(program: Function) -> bool:
    return any(isinstance(s, Raise) and s.call is not None and s.call.fn is emitted.nothing_returned for s in walk(program.body))
