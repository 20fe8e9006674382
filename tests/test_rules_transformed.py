"""Does each rule survive the source transformer?  Every sample of the rule table, through ``rg.vjp`` and ``rg.jvp``.

The samples are written out as a module of functions, one call each: float arguments become parameters, everything else is
a literal or a global.  The reference is that of test_rules.py: differences of the primitive itself.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import math
import operator
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import DifferentiationError
from retrograd.runtime.rules import text
from retrograd.runtime.rules.rule import table
from tests.refused_samples import REFUSED
from tests.rule_samples import SAMPLES, Sample
from tests.test_rules import active, bound, call, close, direction, inner, leaves, mapped, moved, richardson

EACH = pytest.mark.parametrize("at", range(len(SAMPLES)), ids=[s.id for s in SAMPLES])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

LITERALS = (bool, int, str, type(None))


# -- the samples as source --------------------------------------------------------------------------------


class Writer:
    """Writes one sample as a function; what has no literal becomes a global."""

    def __init__(self, at: int, sample: Sample) -> None:
        self.at, self.sample = at, sample
        self.parameters: list[Any] = []
        self.globals: list[str] = []

    def parameter(self, leaf: Any) -> str:
        self.parameters.append(leaf)
        return f"a{len(self.parameters) - 1}"

    def moving(self, value: Any) -> str:
        """An active argument: its arrays are parameters, its lists and tuples are displayed."""
        if isinstance(value, (tuple, list)):
            parts = ", ".join(map(self.moving, value))
            return f"[{parts}]" if isinstance(value, list) else f"({parts},)"
        return self.parameter(value)

    def still(self, value: Any, path: str) -> str:
        if type(value) in LITERALS:
            return repr(value)
        if value is Ellipsis:
            return "..."
        if isinstance(value, (tuple, list)):
            parts = ", ".join(self.still(v, f"{path}[{k}]") for k, v in enumerate(value))
            return f"[{parts}]" if isinstance(value, list) else f"({parts},)" if value else "()"
        self.globals.append(f"g{self.at}_{len(self.globals)} = {path}")
        return self.globals[-1].partition(" ")[0]

    def key(self, value: Any, path: str) -> str:
        """What stands in a subscript: slices with colons."""
        if isinstance(value, tuple):
            return ", ".join(self.key(v, f"{path}[{k}]") for k, v in enumerate(value)) or "()"
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return ":".join("" if p is None else self.still(p, path) for p in parts)
        return self.still(value, path)

    def argument(self, name: str, value: Any, path: str) -> str:
        return self.moving(value) if name in active(self.sample) else self.still(value, path)

    def names(self) -> list[str]:
        """The rule's names of the positional arguments."""
        found, arguments = bound(self.sample)
        names = [p for p in found.signature.parameters if p in arguments.arguments]
        variadic = next((p.name for p in found.signature.parameters.values() if p.kind is p.VAR_POSITIONAL), "")
        return [*names[: names.index(variadic)], *[variadic] * len(self.sample.args)] if variadic in names else names

    def text(self) -> str:
        named = zip(self.names(), self.sample.args)
        args = [self.argument(name, v, f"SAMPLES[{self.at}].args[{k}]") for k, (name, v) in enumerate(named)]
        kwargs = [
            f"{k}={self.argument(k, v, f'SAMPLES[{self.at}].kwargs[{k!r}]')}" for k, v in self.sample.kwargs.items()
        ]
        expression = f"p{self.at}({', '.join(args + kwargs)})"
        if self.sample.primitive is operator.getitem:
            expression = f"{args[0]}[{self.key(self.sample.args[1], f'SAMPLES[{self.at}].args[1]')}]"
        parameters = ", ".join(f"a{k}" for k in range(len(self.parameters)))
        lines = [*self.globals, f"p{self.at} = SAMPLES[{self.at}].primitive", "", ""]
        return "\n".join([*lines, f"def f{self.at}({parameters}):", f"    return {expression}", "", ""])


@functools.cache
def writers() -> tuple[Writer, ...]:
    return tuple(Writer(at, sample) for at, sample in enumerate(SAMPLES))


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The samples as functions with source, in a file of their own."""
    path = Path(tmp_path_factory.mktemp("samples")) / "samples_as_source.py"
    path.write_text("from tests.rule_samples import SAMPLES\n\n" + "\n".join(w.text() for w in writers()))
    spec = importlib.util.spec_from_file_location("samples_as_source", path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


# -- one sample -------------------------------------------------------------------------------------------


def steps(sample: Sample, seed: int) -> dict[str, Any]:
    """A direction for each active argument, in its own precision."""
    moving = active(sample)
    found = {x: direction(value, seed + k) for k, (x, value) in enumerate(moving.items())}
    return {x: mapped(lambda v, a: np.asarray(v).astype(np.asarray(a).dtype)[()], found[x], moving[x]) for x in moving}


def in_order(at: int, by_name: dict[str, Any]) -> list[Any]:
    """The leaves of the active arguments in the order of the function's parameters."""
    names = [name for name in [*writers()[at].names(), *SAMPLES[at].kwargs] if name in by_name]
    return [leaf for name in dict.fromkeys(names) for leaf in leaves(by_name[name])]


def same_numbers(a: Any, b: Any) -> bool:
    pairs = list(zip(leaves(a), leaves(b), strict=True))
    return all(np.shape(x) == np.shape(y) and np.array_equal(x, y, equal_nan=True) for x, y in pairs)


def derivatives(module: ModuleType, at: int) -> tuple[Any, Any, Any, dict[str, Any], Any]:
    """Value, cotangents, their seed, the direction and the tangent along it."""
    sample, function = SAMPLES[at], getattr(module, f"f{at}")
    parameters = in_order(at, active(sample))
    z = call(sample)
    z_bar, v = direction(z, 7), steps(sample, 11)
    with np.errstate(all="ignore"):
        value, pullback = rg.vjp(function, *parameters)
        bars = pullback(z_bar)
        again, tangent = rg.jvp(function, tuple(parameters), tuple(in_order(at, v)))
    assert same_numbers(value, z) and same_numbers(again, z), "another value"
    return z, bars, z_bar, v, tangent


@EACH
def test_a_sample_as_source(module: ModuleType, at: int) -> None:
    sample = SAMPLES[at]
    if not active(sample):
        pytest.skip("nothing moves")
    try:
        z, bars, z_bar, v, tangent = derivatives(module, at)
    except DifferentiationError as error:
        assert sample.id in REFUSED, f"refused, and not in the table: {error}"
        return
    assert sample.id not in REFUSED, "no longer refused: remove its row"
    parameters = in_order(at, active(sample))
    for bar, leaf in zip(bars, parameters, strict=True):
        assert np.shape(bar) == np.shape(leaf) and np.asarray(bar).dtype == np.asarray(leaf).dtype
    backward, forward = inner(tuple(bars), tuple(in_order(at, v))), inner(z_bar, tangent)
    assert close(forward, backward, abs(forward), sample), ("modes", forward, backward)
    if not sample.kink:
        compare_with_differences(sample, z_bar, v, backward, tangent)


def compare_with_differences(sample: Sample, z_bar: Any, v: dict[str, Any], backward: float, tangent: Any) -> None:
    expected = richardson(lambda h: moved(sample, v, h))
    reference = inner(z_bar, expected)
    scale = abs(reference) + math.sqrt(inner(expected, expected))
    assert close(backward, reference, scale, sample), ("reverse", backward, reference)
    for a, b in zip(leaves(tangent), expected, strict=True):
        size = float(np.max(np.abs(b), initial=0.0))
        for p, q in zip(np.ravel(a), np.ravel(b), strict=True):
            assert close(p.real, q.real, size, sample) and close(p.imag, q.imag, size, sample), ("forward", a, b)


def test_the_table_of_refusals_names_samples() -> None:
    assert REFUSED.keys() <= {sample.id for sample in SAMPLES}


# -- Python's floats at the edges of a domain ----------------------------------------------------------------

EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-200, -1e-200, 5e-324, 1e200, -1e200, 1e308, 700.0, math.inf, -math.inf, math.nan)
FEW = (0.0, -0.0, 1.0, -2.0, 1e-200, 1e200, -1e200, math.inf)
#: The slope of ldexp is 2**y, whose overflow Python reports.
APART = {"ldexp"}
MATH = {f.name.removeprefix("math."): f for p, f in table() if f.namespace is math and f.kind == "elementwise"}
FORMULAS = {
    **{f"math.{name}({', '.join(f.params)})": f.params for name, f in MATH.items() if name not in APART},
    **{f"x {sign} y": ("x", "y") for sign in ("+", "-", "*", "/", "%", "**")},
    **{f"x ** {power}": ("x",) for power in ("0.5", "-0.5", "1.5", "0.25", "2", "-1", "-2")},
    **dict.fromkeys(("1 / x", "1 / x / x", "1 / math.sqrt(x)", "math.sqrt(x * x)", "math.sqrt(1 - x * x)", "abs(x)"), ("x",)),
}


def every_derivative(f: Any, params: tuple[str, ...]) -> Any:
    """First derivatives in both modes, and second ones."""
    every = tuple(range(len(params)))
    yield lambda *at: rg.grad(f, wrt=every)(*at)
    yield lambda *at: rg.jvp(f, at, (1.0,) * len(at))[1]
    for k in every:
        yield rg.grad(rg.grad(f, wrt=k), wrt=every[-1])
        yield lambda *at, k=k: rg.jvp(rg.grad(f, wrt=k), at, (1.0,) * len(at))[1]


@pytest.mark.parametrize("formula", FORMULAS)
def test_where_there_is_a_value_a_derivative_raises_nothing(formula: str) -> None:
    """Infinite or NaN at a pole, as NumPy's functions have it, where an operation on Python's floats would raise."""
    params = FORMULAS[formula]
    f = text.define(f"def f({', '.join(params)}):", [f"return {formula}"])
    found = list(every_derivative(f, params))
    for point in [(x,) for x in EDGES] if len(params) == 1 else itertools.product(FEW, FEW):
        if isinstance(value(f, point), float):
            for derivative in found:
                derivative(*point)


def value(f: Any, point: tuple[float, ...]) -> Any:
    """The function's own value; None where Python has none."""
    try:
        return f(*point)
    except (ArithmeticError, ValueError):
        return None


@pytest.mark.parametrize(
    "formula, at, expected",
    [
        ("math.sqrt(x)", 0.0, math.inf), ("math.sqrt(x)", -0.0, -math.inf),
        ("math.asin(x)", 1.0, math.inf), ("math.acos(x)", -1.0, -math.inf),
        ("math.acosh(x)", 1.0, math.inf), ("x ** 0.5", 0.0, math.inf), ("math.atan(x)", 1e200, 0.0), ("math.asinh(x)", 1e200, 0.0),
        ("math.erf(x)", 1e200, 0.0), ("math.atan2(x, 0.0)", 0.0, math.nan), ("1 / x", 1e-200, -math.inf),
        ("math.sqrt(x * x)", 0.0, math.nan),
        ("math.fmod(1e200, x)", 1e-200, -math.inf), ("(lambda y: y if x > 0 else 3 * x)(math.sqrt(x))", 0.0, 3.0),
    ],
)  # fmt: skip
def test_slopes_at_poles(formula: str, at: float, expected: float) -> None:
    f = text.define("def f(x):", [f"return {formula}"])
    for slope in (rg.grad(f)(at), rg.jvp(f, (at,), (1.0,))[1]):
        assert type(float(slope)) is float and (slope == expected or (slope != slope and expected != expected))
