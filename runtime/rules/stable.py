"""Which partials are not the textbook form, and why?

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.maximum).partials
('where(x == y, 0.5, x > y)', 'where(x == y, 0.5, x < y)')
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import elementwise


def stable(*primitives: Callable[..., Any], partials: tuple[str, ...], **facts: Any) -> None:
    """Enter one hand-written row, for the math module and for NumPy."""
    for namespace in (math, np):
        own = [p for p in primitives if _home(p) is namespace]
        if own:
            elementwise(own[0].__name__, partials, *own, namespace=namespace, **facts)


def _home(primitive: Callable[..., Any]) -> ModuleType:
    return math if getattr(primitive, "__module__", "") == "math" else np


# y * z / x divides by zero at x == 0; y * x**(y - 1) is 0 * inf at x == y == 0
stable(
    np.power,
    np.float_power,
    operator.pow,
    operator.ipow,
    pow,
    math.pow,
    partials=("y*x**reduced_exponent(x, y)", "z*safe_log(x)"),
    singular=True,
)

# z/(3*x), the shortest form, is 0/0 at 0
stable(np.cbrt, partials=("0.3333333333333333/z**2",), singular=True, real_only=True)
if hasattr(math, "cbrt"):  # since Python 3.11; among Python floats its pole would raise
    stable(math.cbrt, partials=("quotient(0.3333333333333333, z * z)",), singular=True, real_only=True)

# x/z is 0/0 at the kink, where the minimum-norm subgradient is 0
stable(np.hypot, math.hypot, partials=("divide_or_zero(x, z)", "divide_or_zero(y, z)"), real_only=True)
stable(np.fabs, math.fabs, partials=("sign(x)",), real_only=True)


def _absolute_pullback(z_bar, z, x):
    """For complex ``x`` without a conjugate: |x| grows along x/|x|."""
    x_bar = z_bar * numerics.phase(x, z)
    return x_bar


def _absolute_pushforward(x_dot, z, x):
    contribution = numerics.real(numerics.conj(numerics.phase(x, z)) * x_dot)
    return contribution


stable(
    np.absolute,
    abs,
    operator.abs,
    partials=("sign(x)",),
    written_pullback=_absolute_pullback,
    written_pushforward=_absolute_pushforward,
)

# ties share evenly, so that the two partials of a maximum add up to 1 everywhere
stable(np.maximum, partials=("where(x == y, 0.5, x > y)", "where(x == y, 0.5, x < y)"), real_only=True)
stable(np.minimum, partials=("where(x == y, 0.5, x < y)", "where(x == y, 0.5, x > y)"), real_only=True)
# fmax and fmin pass over NaN
stable(
    np.fmax,
    partials=("where(x == y, 0.5, (x > y) | isnan(y))", "where(x == y, 0.5, (x < y) | isnan(x))"),
    real_only=True,
)
stable(
    np.fmin,
    partials=("where(x == y, 0.5, (x < y) | isnan(y))", "where(x == y, 0.5, (x > y) | isnan(x))"),
    real_only=True,
)

# exp(x)/(exp(x) + exp(y)) overflows; with a masked -inf in both arguments exp(x - z) is NaN, hence singular
stable(np.logaddexp, partials=("exp(x - z)", "exp(y - z)"), singular=True, real_only=True)
stable(np.logaddexp2, partials=("exp2(x - z)", "exp2(y - z)"), singular=True, real_only=True)

# a remainder is x - n*y with n an integer that jumps; its derivative is taken between the jumps
stable(np.remainder, operator.mod, operator.imod, partials=("1", "-(x // y)"), real_only=True)
stable(np.fmod, partials=("1", "-trunc(x/y)"), real_only=True)
# math.trunc raises where x/y overflows
stable(math.remainder, math.fmod, partials=("1", "(z - x)/y"), real_only=True)

# copysign(x, y) is |x| with a sign: it has the kink of abs
stable(np.copysign, math.copysign, partials=("sign(x)*copysign(1, y)", "0"), real_only=True)
stable(np.heaviside, partials=("0", "equal(x, 0)"), real_only=True)
stable(np.ldexp, math.ldexp, partials=("ldexp(1.0, y)", "0"), real_only=True)
