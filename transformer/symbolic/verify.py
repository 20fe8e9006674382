"""Does the code that runs compute what the formula says?

The closed form is evaluated with many digits at random points, and compared with the function and its adjoint.
"""

from __future__ import annotations

import inspect
import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from retrograd.runtime.errors import ArgumentError

from .report import Verification, VerificationError

if TYPE_CHECKING:
    from .closed_form import ClosedForm

#: Where points are drawn, in turn: both signs, positive, within (0, 1), beyond 1.
INTERVALS = ((-2.0, 2.0), (0.1, 3.0), (0.05, 0.95), (1.05, 4.0))
#: How many points are tried for each one that is wanted.
PATIENCE = 40
DIGITS = 40
#: The rounding of a sum as large as the value, for derivatives that cancel to less.
CANCELLATION = 1e-12


def verify(
    form: ClosedForm,
    points: int | Iterable[Sequence[float]],
    seed: int,
    against: Callable[..., Any],
    rtol: float,
) -> Verification:
    """``ClosedForm.verify``, the adjoint given."""
    wanted, candidates = _candidates(form, points, seed)
    checked, tried, largest = 0, 0, 0.0
    for point in candidates:
        tried += 1
        error = _compare(form, point, against, rtol)
        if error is not None:
            checked, largest = checked + 1, max(largest, error)
        if checked == wanted:
            break
    if not checked:
        raise ArgumentError(
            f"{form.name} has a finite value and gradient at none of {tried} points",
            where=form.where,
            remedy="Pass points within its domain: verify(points=[(x, y), ...]).",
        )
    return Verification(form.name, checked, tried - checked, largest)


def _candidates(form: ClosedForm, points: Any, seed: int) -> tuple[int, Iterator[tuple[float, ...]]]:
    count = len(form.symbols)
    if isinstance(points, int):
        return points, itertools.islice(_drawn(count, seed), points * PATIENCE)
    given = [tuple(map(float, np.atleast_1d(point))) for point in points]
    for point in given:
        if len(point) != count:
            raise ArgumentError(f"a point of {form.name} has {count} numbers: {', '.join(form.symbols)}")
    return len(given), iter(given)


def _drawn(count: int, seed: int) -> Iterator[tuple[float, ...]]:
    random = np.random.default_rng(seed)
    for low, high in itertools.cycle(INTERVALS):
        yield tuple(random.uniform(low, high, count).tolist())


def _compare(form: ClosedForm, point: tuple[float, ...], against: Callable[..., Any], rtol: float) -> float | None:
    """The largest relative error at a point; None where function or closed form has no finite value."""
    arguments = dict(zip(form.symbols, point))
    plain = _quietly(form.function, form, arguments)
    exact = _closed(form, point)
    if plain is None or exact is None:
        return None
    value, slopes = _computed(form, arguments, against)
    pairs = [(None, plain, exact[0]), (None, value, exact[0])]
    pairs += list(zip(form.symbols, slopes, exact[1], strict=True))
    return max(_error(form, name, arguments, found, expected, exact[0], rtol) for name, found, expected in pairs)


def _bind(form: ClosedForm, arguments: dict[str, float]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The user's argument list: in order of the parameters, keyword-only ones by keyword."""
    values = {**form.constants, **arguments}
    signature = inspect.signature(form.function)
    bound = signature.bind_partial()
    bound.arguments.update({name: values[name] for name in signature.parameters})
    return bound.args, bound.kwargs


def _quietly(function: Callable[..., Any], form: ClosedForm, arguments: dict[str, float]) -> float | None:
    """The user's function at a point: None where it raises, or its result is not a finite real number."""
    args, kwargs = _bind(form, arguments)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = function(*args, **kwargs)
        except Exception:  # the function's own way of saying that the point is outside its domain
            return None
    return float(value) if not isinstance(value, complex) and math.isfinite(value) else None


def _closed(form: ClosedForm, point: tuple[float, ...]) -> tuple[Any, tuple[Any, ...]] | None:
    try:
        value, slopes = form.at(*point, digits=DIGITS)
    except (ZeroDivisionError, ValueError, OverflowError, TypeError):  # a pole, or a comparison off the real line
        return None
    numbers = [mpmath.re(number) for number in (value, *slopes)]
    return (numbers[0], tuple(numbers[1:])) if all(map(mpmath.isfinite, numbers)) else None


def _computed(form: ClosedForm, arguments: dict[str, float], against: Callable[..., Any]) -> tuple[Any, Sequence[Any]]:
    args, kwargs = _bind(form, arguments)
    value, slopes = against(*args, **kwargs)
    return value, slopes if isinstance(slopes, (tuple, list)) else (slopes,)


def _error(
    form: ClosedForm, name: str | None, arguments: dict[str, float], found: Any, expected: Any, value: Any, rtol: float
) -> float:
    """The relative error of one number; raises where it is more than rounding explains."""
    found = float(found)
    difference = abs(mpmath.mpf(found) - expected) if math.isfinite(found) else mpmath.inf
    step = abs(arguments[name]) if name is not None else 1.0
    rounding = CANCELLATION * abs(value) / (step or 1.0)
    if not difference <= rtol * abs(expected) + rounding:
        raise VerificationError(form.name, name, arguments, found, float(expected), form.where)
    return float(difference / abs(expected)) if abs(expected) > rounding else 0.0
