"""What number is an expression at a point, to many digits?

>>> x = sympy.Symbol("x", real=True)
>>> with mpmath.workdps(20):
...     print(evaluate(sympy.Piecewise((sympy.sqrt(x), x > 0), (1 / x, True)), {x: mpmath.mpf(2)}))
1.4142135623730950488

Every part is computed once, however often it occurs, and of a ``Piecewise`` only the piece that applies: an unrolled
loop is a small graph and a huge tree.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import sympy
from sympy import And, Implies, Not, Or, Piecewise


def evaluate(expression: Any, values: dict[Any, Any]) -> Any:
    """The number (or truth) that an expression is, in mpmath's present precision; ``values`` remembers its parts."""
    if expression not in values:
        values[expression] = _compute(expression, values)
    return values[expression]


def _compute(expression: Any, values: dict[Any, Any]) -> Any:
    special = LAZY.get(expression.func)
    if special is not None:
        return special(expression.args, values)
    return _operation(expression.func, len(expression.args), None if expression.args else expression)(
        *(evaluate(arg, values) for arg in expression.args)
    )


@cache
def _operation(function: Any, count: int, leaf: Any) -> Callable[..., Any]:
    """A function of so many numbers, as SymPy computes it with mpmath; a leaf is a function of none."""
    if leaf is not None:
        return sympy.lambdify([], leaf, "mpmath")
    arguments = sympy.symbols(f"a:{count}", cls=sympy.Dummy)
    return sympy.lambdify(arguments, function(*arguments, evaluate=False), "mpmath")


def _piece(args: Any, values: dict[Any, Any]) -> Any:
    for value, condition in args:
        if evaluate(condition, values):
            return evaluate(value, values)
    return mpmath.nan


LAZY: dict[Any, Callable[[Any, dict[Any, Any]], Any]] = {
    Piecewise: _piece,
    And: lambda args, values: all(evaluate(arg, values) for arg in args),
    Or: lambda args, values: any(evaluate(arg, values) for arg in args),
    Not: lambda args, values: not evaluate(args[0], values),
    Implies: lambda args, values: not evaluate(args[0], values) or evaluate(args[1], values),
}
