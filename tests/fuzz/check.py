"""What has to hold for a random program?  Its own differences are the oracle (SOUNDNESS O1).

Value to the bit, cotangents and tangents against Richardson differences of the plain function, both modes against each
other, the tracer as a second opinion, each subset of laws the same numbers, the arguments as they were, a second call the same.
"""

from __future__ import annotations

import copy
import linecache
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import retrograd as rg
from retrograd.runtime.errors import CheckFailed, DifferentiationError
from retrograd.transformer.simplify.laws import NAMES, without
from tests import oracle
from tests.fuzz.programs import Program

SECONDS = 60
PLAIN_SECONDS = 5
_made = 0


class Discarded(Exception):
    """The plain program raises or never ends, or its differences do not settle: it asks nothing of us."""


def outcome(program: Program, rng: np.random.Generator) -> str:
    """``right`` or ``refused: why``; raises AssertionError where something is wrong, and Discarded."""
    function = load(program)
    expected = plain(function, program.args)
    seed = oracle.random_like(expected, rng)
    estimate = settled(function, program.args, seed)
    try:
        with time_limit(SECONDS):
            hold(function, program.args, expected, seed, estimate, rng)
    except DifferentiationError as refusal:
        assert not isinstance(refusal, CheckFailed), str(refusal)
        return f"refused: {reason(refusal)}"
    return "right"


def load(program: Program) -> Callable[..., Any]:
    """The function, with a source that can be found."""
    global _made
    _made += 1
    name = f"<fuzz {_made}>"
    linecache.cache[name] = (len(program.text), None, program.text.splitlines(True), name)
    scope: dict[str, Any] = {"__name__": f"fuzz{_made}"}
    exec(compile(program.text, name, "exec"), scope)
    return scope["f"]  # type: ignore[no-any-return]


def plain(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        with np.errstate(all="ignore"), time_limit(PLAIN_SECONDS):
            value = function(*copy.deepcopy(args))
    except Exception as error:
        raise Discarded(f"raises {type(error).__name__}") from error
    if not np.all(np.isfinite(oracle.flat(value))) or np.max(np.abs(oracle.flat(value)), initial=0) > 1e6:
        raise Discarded("is not finite")
    return value


def settled(function: Callable[..., Any], args: tuple[Any, ...], seed: Any) -> oracle.Estimate:
    """The gradient by differences, where two step lengths agree on it."""
    wrt = oracle.float_arguments(args)
    try:
        with np.errstate(all="ignore"), time_limit(SECONDS):
            estimate = oracle.gradient(function, args, wrt, seed)
    except Exception as error:  # another branch, taken a step away
        raise Discarded(f"raises {type(error).__name__} nearby") from error
    if not np.all(np.isfinite(estimate.value)) or np.any(estimate.error > 1e-7 * (1 + np.abs(estimate.value))):
        raise Discarded("is not smooth here")
    return estimate


def hold(function: Any, args: Any, expected: Any, seed: Any, estimate: oracle.Estimate, rng: np.random.Generator) -> None:
    """Everything that has to hold."""
    wrt = oracle.float_arguments(args)
    given = copy.deepcopy(args)
    value, pullback = rg.vjp(function, *given, wrt=wrt)
    bars = pullback(seed)
    assert oracle.bit_equal(value, expected), f"the value is {value!r}, not {expected!r}"
    assert oracle.bit_equal(given, args), f"an argument was changed: {given!r}"
    found = vector(args, wrt, bars)
    near("reverse mode", found, estimate)
    assert oracle.bit_equal(pullback(seed), bars), "a second pullback differs"
    again, pullback = rg.vjp(function, *copy.deepcopy(args), wrt=wrt)
    assert oracle.bit_equal((again, pullback(seed)), (value, bars)), "a second call differs"
    forward(function, args, wrt, seed, value, found, rng)
    same_without_laws(function, args, wrt, seed, found, rng)


def forward(function: Any, args: Any, wrt: Any, seed: Any, value: Any, bars: np.ndarray, rng: np.random.Generator) -> None:
    """<z_bar, jvp(v)> == <vjp(z_bar), v>."""
    direction = tuple(oracle.random_like(args[i], rng) for i in wrt)
    again, tangent = rg.jvp(function, copy.deepcopy(args), direction, wrt=wrt)
    assert oracle.bit_equal(again, value), f"the value is {again!r} in forward mode, not {value!r}"
    left = oracle.flat(seed) * oracle.cotangent_vector(value, tangent)
    right = bars * np.concatenate([oracle.flat(d) for d in direction])
    size = np.abs(left).sum() + np.abs(right).sum()
    assert abs(left.sum() - right.sum()) <= 1e-10 * size + 1e-12, f"modes differ: {left.sum()} forward, {right.sum()} reverse"


def same_without_laws(function: Any, args: Any, wrt: Any, seed: Any, bars: np.ndarray, rng: np.random.Generator) -> None:
    off = [name for name in NAMES if rng.random() < 0.5]
    with without(*off):
        _, pullback = rg.vjp(function, *copy.deepcopy(args), wrt=wrt)
        other = vector(args, wrt, pullback(seed))
    size = 1 + np.abs(bars)
    assert np.all(np.abs(other - bars) <= 1e-10 * size), f"another gradient without the laws {off}: {other}, not {bars}"


def vector(args: Any, wrt: Any, bars: Any) -> np.ndarray:
    return np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


def near(what: str, found: np.ndarray, estimate: oracle.Estimate) -> None:
    allowed = 10 * estimate.error + 1e-6 * (1 + np.abs(estimate.value))
    assert np.all(np.abs(found - estimate.value) <= allowed), f"{what} gives {found}, differences give {estimate.value}"


def reason(refusal: DifferentiationError) -> str:
    """A refusal without the names of this one program."""
    words = refusal.message.split()
    return " ".join(w if not any(c.isdigit() for c in w) and len(w) > 1 else "_" for w in words[:12])


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """A program that is not done in time is taken to hang."""

    def stop(*_: Any) -> None:
        raise AssertionError(f"not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
