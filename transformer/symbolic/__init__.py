"""A function as a formula: ``symbolic`` gives its value, gradient and Hessian in closed form.

>>> symbolic(lambda x: x**3).gradient
{'x': 3*x**2}

SymPy is imported by the first call, not with the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .report import Verification, VerificationError

if TYPE_CHECKING:
    from .closed_form import ClosedForm


def symbolic(f: Callable[..., Any], *example_args: Any, **example_kwargs: Any) -> ClosedForm:
    """The value, gradient and Hessian of a scalar function as SymPy expressions.

    Every parameter is a real symbol, except one that is given an int, bool, string or None as an example (or has one
    as its default and is given nothing): it becomes a constant, so that it may bound a loop or be an exponent.
    Loops are unrolled, branches become ``Piecewise``, the functions that ``f`` calls are entered.

    Raises ``UnsupportedSyntax`` or ``NoRule``, with the place, for what has no closed form here: arrays, loops whose
    trip count depends on the symbols or exceeds the cap, functions without a known formula.

    >>> def power(x, n):
    ...     z = 1.0
    ...     for _ in range(n):
    ...         z = z * x
    ...     return z
    >>> s = symbolic(power, 2.0, 4)
    >>> s.value, s.gradient["x"], s.hessian
    (x**4, 4*x**3, Matrix([[12*x**2]]))
    >>> print(symbolic(lambda x, y: x * max(x, y)).latex())
    \\begin{aligned}
    f(x, y) &= x \\left(\\begin{cases} y & \\text{for}\\: x < y \\\\x & \\text{otherwise} \\end{cases}\\right) \\\\
    ...
    """
    from .closed_form import closed_form

    return closed_form(f, example_args, example_kwargs)


__all__ = ["Verification", "VerificationError", "symbolic"]
