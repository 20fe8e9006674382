"""Is the closed form the function's own, and are its derivatives those of the function?

The references are the plain function in Python, and mpmath's numerical differentiation of its closed form.
"""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from retrograd.runtime.errors import ArgumentError, DifferentiationError, NoRule, UnsupportedSyntax
from retrograd.transformer.symbolic import Verification, VerificationError, symbolic, unroll
from retrograd.transformer.symbolic.formulas import SPECIAL, formula

GRAVITY = 9.81
COEFFICIENTS = [0.5, -1.25, 3.0]
TABLE = np.array([2.0, 3.0, 5.0])


# -- functions as people write them -----------------------------------------------------------------------


def polynomial(x, y):
    return 3 * x**2 * y - y**3 / 7 + x


def pendulum(length, angle):
    return math.sqrt(length / GRAVITY) * (1 + math.sin(angle / 2) ** 2 / 4)


def bell(x, mu, sigma):
    z = (x - mu) / sigma
    return np.exp(-0.5 * z * z) / (sigma * np.sqrt(2 * np.pi))


def mixed(x, y):
    return np.arctan2(y, x) + np.log1p(x * x) * np.tanh(y) - np.expm1(x * y) + np.log2(3 + np.cos(x))


def with_default(x, n=3, scale=0.5):
    return scale * x**n


def power_loop(x, n):
    z = 1.0
    for k in range(n):
        z = z * (x + k)
    return z


def nested(x, y, n):
    total = 0.0
    for i in range(n):
        for j in range(i):
            if (i + j) % 2 == 0:
                total += math.sin(x * i) * y**j
            else:
                total -= x * y
    return total


def newton(a):
    x = a
    for _ in range(3):
        x = 0.5 * (x + a / x)
    return x


def countdown(x, n):
    z = x
    while n > 0:
        z = z * x + n
        n = n - 1
    return z


def horner(x):
    total = 0.0
    for c in COEFFICIENTS:
        total = total * x + c
    return total


def looked_up(x):
    return TABLE[0] * x + TABLE[2] * x**2


def square(u):
    return u * u


def distance(x, y, along=square):
    return math.sqrt(square(x) + along(y))


def closure(x):
    def inner(u):
        return math.exp(-u) * x

    return inner(x) + (lambda t: t**3)(x)


def pair(x, y):
    a, b = x + y, x - y
    a, b = b * a, a / (2 + b * b)
    return a * b


POINTS: dict[Callable[..., Any], tuple[tuple[Any, ...], tuple[float, ...]]] = {
    polynomial: ((), (0.7, -1.3)),
    pendulum: ((), (2.1, 0.4)),
    bell: ((), (0.3, -0.2, 1.7)),
    mixed: ((), (0.8, 0.6)),
    with_default: ((), (1.3, 0.5)),
    power_loop: ((1.0, 4), (0.9,)),
    nested: ((1.0, 1.0, 4), (0.35, 1.2)),
    newton: ((), (2.3,)),
    countdown: ((1.0, 4), (0.6,)),
    horner: ((), (1.4,)),
    looked_up: ((), (-0.6,)),
    closure: ((), (0.8,)),
    pair: ((), (0.5, 1.1)),
}


def call(f: Callable[..., Any], form: Any, point: tuple[float, ...]) -> float:
    return f(**form.constants, **dict(zip(form.symbols, point)))


@pytest.mark.parametrize("f", POINTS, ids=lambda f: f.__name__)
def test_the_value_is_the_functions(f: Callable[..., Any]) -> None:
    examples, point = POINTS[f]
    form = symbolic(f, *examples)
    assert float(form.at(*point)[0]) == pytest.approx(float(call(f, form, point)), rel=1e-13)


@pytest.mark.parametrize("f", POINTS, ids=lambda f: f.__name__)
def test_derivatives_agree_with_numerical_differentiation(f: Callable[..., Any]) -> None:
    examples, point = POINTS[f]
    form = symbolic(f, *examples)
    check_derivatives(form, point)


def check_derivatives(form: Any, point: tuple[float, ...]) -> None:
    """Gradient and Hessian against mpmath's differences of the value, which the plain function vouches for."""
    n = len(point)
    value = sympy.lambdify(list(form.symbols.values()), form.value, "mpmath")
    hessian = sympy.lambdify(list(form.symbols.values()), form.hessian, "mpmath")
    with mpmath.workdps(50):
        at = tuple(map(mpmath.mpf, point))
        _, slopes = form.at(*point, digits=50)
        second = hessian(*at)
        for i in range(n):
            assert close(slopes[i], mpmath.diff(value, at, unit(n, i)))
            for j in range(n):
                order = tuple(a + b for a, b in zip(unit(n, i), unit(n, j)))
                assert close(second[i, j], mpmath.diff(value, at, order))


def unit(n: int, i: int) -> tuple[int, ...]:
    return tuple(int(k == i) for k in range(n))


def close(found: Any, expected: Any) -> bool:
    return bool(abs(found - expected) <= mpmath.mpf(10) ** -15 * (1 + abs(expected)))


@pytest.mark.parametrize("f", POINTS, ids=lambda f: f.__name__)
def test_the_emitted_adjoint_agrees_with_the_closed_form(f: Callable[..., Any]) -> None:
    examples, _ = POINTS[f]
    report = symbolic(f, *examples).verify(points=6)
    assert report.checked == 6
    assert report.largest_error < 1e-8


# -- one call of each formula, against the primitive itself -----------------------------------------------

UNARY = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh sqrt square"
    " cbrt sinc absolute fabs sign floor ceil trunc negative positive reciprocal degrees radians rad2deg"
).split()
BINARY = (
    "add subtract multiply divide power float_power arctan2 hypot maximum minimum fmax fmin logaddexp logaddexp2"
    " remainder fmod copysign floor_divide heaviside"
).split()


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("x", [0.37, -0.41])
def test_functions_of_one_number(name: str, x: float) -> None:
    with np.errstate(invalid="ignore"):
        expected = getattr(np, name)(x)
    if math.isnan(expected):
        return
    symbol = sympy.Symbol("x", real=True)
    found = sympy.lambdify([symbol], formula(getattr(np, name))(symbol), "mpmath")(mpmath.mpf(x))
    assert float(found) == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("x, y", [(0.37, 1.6), (1.9, 1.6), (5.3, 1.6), (-2.2, 0.7), (0.9, -0.4), (0.5, 0.5)])
def test_functions_of_two_numbers(name: str, x: float, y: float) -> None:
    with np.errstate(invalid="ignore"):
        expected = getattr(np, name)(x, y)
    if math.isnan(expected):
        return
    symbols = sympy.symbols("x y", real=True)
    found = sympy.lambdify(symbols, formula(getattr(np, name))(*symbols), "mpmath")(mpmath.mpf(x), mpmath.mpf(y))
    assert float(found) == pytest.approx(float(expected), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", sorted(SPECIAL))
def test_special_functions(name: str) -> None:
    special = pytest.importorskip("scipy.special")
    primitive = getattr(special, name)
    places = (0.3,) if primitive.nin == 1 else (2, 0.3)
    symbols = sympy.symbols("x y", real=True)[: len(places)]
    found = sympy.lambdify(symbols, formula(primitive)(*symbols), "mpmath")(*map(mpmath.mpf, places))
    assert complex(found) == pytest.approx(float(primitive(*places)), rel=1e-12)


def test_every_special_function_with_a_rule_has_a_formula() -> None:
    """A new row must be declared in the table, or named here."""
    from retrograd.runtime.rules.special import PARTIALS

    without = {"betainc", "eval_chebyt", "lpmv", "spherical_in", "spherical_jn", "spherical_kn", "spherical_yn"}
    assert set(PARTIALS) == set(SPECIAL) | without


def test_every_elementwise_rule_of_numpy_has_a_formula() -> None:
    """A new row must be declared in one of the tables, or named here; functions of derivative code have no need."""
    from retrograd.runtime.rules import table
    complex_numbers, jumps_to_even = {np.complex64, np.complex128}, {math.remainder}
    without = {
        primitive
        for primitive, rule in table()
        if rule.kind == "elementwise" and rule.namespace in (np, math) and formula(primitive) is None
        if not primitive.__module__.startswith("retrograd.")
    }
    assert without <= complex_numbers | jumps_to_even


# -- branches, kinks and domains --------------------------------------------------------------------------


def bent(x, y):
    if x < y:
        z = x**2
    elif x > 2 * y + 3:
        z = y * 5
    else:
        z = x * y
    return z * 2


def early(x):
    if x < -1:
        return 0.0
    if -1 <= x <= 1 and x != 0.5:
        return (x + 1) ** 2
    return 4 * x


def clipped(x):
    return np.clip(3 * x, -1.0, 1.0) * x


def chosen(x):
    return np.where(x > 0, np.sin(x), x**2)


def extremes(x, y):
    return max(x, y, 0.25) - min(x * y, 1.0) + abs(x - y)


def flag(x, signed):
    return -x if signed else x


def truths(x):
    inside = x > 0 and x < 1
    return inside * x**2 + (not inside) * x


BRANCHES: list[tuple[Callable[..., Any], list[tuple[float, ...]]]] = [
    (bent, [(0.5, 1.0), (9.0, 1.0), (2.0, 1.0)]),
    (early, [(-2.0,), (0.25,), (3.0,)]),
    (clipped, [(-2.0,), (0.125,), (2.0,)]),
    (chosen, [(-1.5,), (1.5,)]),
    (extremes, [(0.5, 1.5), (2.0, 0.75), (-1.0, -2.0), (0.1, 0.2)]),
    (truths, [(-0.5,), (0.5,), (1.5,)]),
]


@pytest.mark.parametrize("f, points", BRANCHES, ids=lambda v: getattr(v, "__name__", ""))
def test_branches_on_both_sides(f: Callable[..., Any], points: list[tuple[float, ...]]) -> None:
    form = symbolic(f)
    for point in points:
        assert float(form.at(*point)[0]) == pytest.approx(float(f(*point)), rel=1e-14)
        check_derivatives(form, point)


@pytest.mark.parametrize("f", [bent, early, clipped, chosen, extremes, truths], ids=lambda f: f.__name__)
def test_branches_verify(f: Callable[..., Any]) -> None:
    assert symbolic(f).verify(points=8).checked == 8


def test_a_branch_is_a_piecewise() -> None:
    x = sympy.Symbol("x", real=True)
    assert symbolic(chosen).value == sympy.Piecewise((sympy.sin(x), x > 0), (x**2, True))
    assert symbolic(chosen).gradient["x"] == sympy.Piecewise((sympy.cos(x), x > 0), (2 * x, True))


def test_a_known_branch_is_taken() -> None:
    x = sympy.Symbol("x", real=True)
    assert symbolic(flag, 1.0, True).value == -x
    assert symbolic(flag, 1.0, False).value == x


def slope_at(f: Callable[..., Any], *point: float) -> tuple[float, ...]:
    return tuple(map(float, symbolic(f).at(*point)[1]))


def test_kinks_keep_the_librarys_conventions() -> None:
    assert slope_at(lambda x: abs(x), 0.0) == (0.0,)
    assert slope_at(lambda x: np.abs(np.log(x)), 1.0) == (0.0,)
    assert slope_at(lambda x, y: np.maximum(x, y), 2.0, 2.0) == (0.5, 0.5)
    assert slope_at(lambda x, y: np.minimum(x, y), 2.0, 2.0) == (0.5, 0.5)
    assert slope_at(lambda x, y: max(x, y), 2.0, 2.0) == (1.0, 0.0)
    assert slope_at(lambda x: np.clip(x, 0.0, 1.0), 1.0) == (1.0,)
    assert slope_at(lambda x, y, z: np.maximum(np.maximum(x, y), z), 1.0, 1.0, 1.0) == (0.25, 0.25, 0.5)


def test_jumps_are_flat() -> None:
    assert slope_at(lambda x: x * math.floor(x) + np.sign(x), 2.5) == (2.0,)
    assert slope_at(lambda x, y: x % y, 7.5, 2.0) == (1.0, -3.0)
    assert symbolic(lambda x: abs(x) * x).hessian.subs({"x": 1}).has(sympy.DiracDelta) is False


def guarded(x, y):
    if x <= 0:
        raise ValueError("x must be positive")
    if y > 0:
        assert x < 3, "too far"
    return math.log(x) * y


def test_raising_narrows_the_domain() -> None:
    form = symbolic(guarded)
    x, y = form.symbols.values()
    assert form.value == sympy.log(x) * y
    for point, inside in [((1.0, 1.0), True), ((-1.0, 1.0), False), ((4.0, 1.0), False), ((4.0, -1.0), True)]:
        assert bool(form.domain.subs(dict(zip((x, y), point)))) is inside
    report = form.verify(points=[(1.0, 1.0), (-1.0, 1.0), (4.0, 1.0), (4.0, -1.0)])
    assert (report.checked, report.skipped) == (2, 2)


def leaving(x, n):
    z = x
    for k in range(n):
        if z > 5:
            break
        if z < -5:
            return -z
        z = z * 2 + k
    else:
        z = z + 0.5
    return z


@pytest.mark.parametrize("x", [7.0, 2.1, 0.3, -0.9, -7.0])
def test_a_loop_that_may_be_left(x: float) -> None:
    form = symbolic(leaving, 1.0, 3)
    assert float(form.at(x)[0]) == leaving(x, 3)
    check_derivatives(form, (x,))


# -- parameters -------------------------------------------------------------------------------------------


def test_parameters_are_symbols_or_constants() -> None:
    form = symbolic(power_loop, 1.0, 2)
    assert list(form.symbols) == ["x"] and form.constants == {"n": 2}
    assert list(symbolic(power_loop, n=2).symbols) == ["x"]
    assert symbolic(with_default).constants == {"n": 3}
    assert list(symbolic(with_default, 1.0, 2.0).symbols) == ["x", "n", "scale"]
    assert list(symbolic(polynomial, np.float64(1.0)).symbols) == ["x", "y"]


def test_keyword_only_parameters() -> None:
    def scaled(x, *, rate, n=2):
        return rate * x**n

    form = symbolic(scaled)
    assert form.gradient["rate"] == form.symbols["x"] ** 2


def test_numbers_keep_their_looks() -> None:
    assert str(symbolic(lambda x: 0.5 * x**2.0 + 0.1 * x + np.pi).value) == "x**2/2 + 0.1*x + pi"


def test_globals_are_read_when_asked() -> None:
    x = sympy.Symbol("x", real=True)
    assert symbolic(horner).value == (x / 2 - sympy.Rational(5, 4)) * x + 3


def test_parameters_named_like_functions() -> None:
    form = symbolic(lambda sin, pi: math.sin(sin) * pi)
    assert float(form.at(0.5, 2.0)[0]) == pytest.approx(2 * math.sin(0.5))


# -- errors -----------------------------------------------------------------------------------------------


def unknown_bound(x, n):
    for _ in range(int(n)):
        x = x * 2
    return x


def unknown_while(x):
    while x > 1:
        x = x / 2
    return x


def endless(x):
    k = 0
    while k < 10**6:
        k = k + 1
    return x * k


def too_many(x):
    for _ in range(10_000):
        x = x + 1.0
    return x


def explosive(x):
    for _ in range(40):
        x = math.sin(x) * math.cos(x) + x
    return x


def array(x):
    return np.sum(np.array([x, x]))


def unknown_function(x):
    return x * math.remainder(x, 2.0)


def maybe_nothing(x):
    if x > 0:
        return x
    return None


def sequence(x):
    return x, x


def never(x):
    raise ValueError(x)


def by_zero(x):
    return x + 1.0 / (0.0 * 2)


REFUSED = {
    unknown_bound: (UnsupportedSyntax, "for _ in range", "example argument"),
    unknown_while: (UnsupportedSyntax, "while x > 1", "example argument"),
    endless: (UnsupportedSyntax, "while k < 10", "fewer iterations"),
    too_many: (UnsupportedSyntax, "for _ in range", "fewer iterations"),
    explosive: (UnsupportedSyntax, "math.cos(x)", "fewer iterations"),
    array: (UnsupportedSyntax, "np.array", "components"),
    unknown_function: (NoRule, "math.remainder", "rg.grad"),
    maybe_nothing: (ArgumentError, "def maybe_nothing", "one number"),
    sequence: (ArgumentError, "def sequence", "one number"),
    by_zero: (UnsupportedSyntax, "0.0 * 2", "Guard"),
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_what_has_no_closed_form_is_refused_with_place_and_remedy(f: Callable[..., Any]) -> None:
    kind, text, remedy = REFUSED[f]
    with pytest.raises(kind) as caught:
        symbolic(f)
    assert caught.value.where is not None
    assert caught.value.where.file == __file__
    assert text in caught.value.where.text
    assert remedy in str(caught.value)


def test_always_raising_is_refused() -> None:
    with pytest.raises(UnsupportedSyntax, match="raises for every argument"):
        symbolic(never)


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="every parameter"):
        symbolic(lambda x: x, 1)
    with pytest.raises(ArgumentError, match="ndarray"):
        symbolic(lambda x: x, np.ones(3))
    with pytest.raises(ArgumentError, match="one by one"):
        symbolic(lambda *xs: xs[0])
    with pytest.raises(ArgumentError, match="too many"):
        symbolic(lambda x: x, 1.0, 2.0)


def test_the_cap_is_a_number_of_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unroll, "MAX_TRIPS", 4)
    assert symbolic(power_loop, 1.0, 4).value is not None
    with pytest.raises(UnsupportedSyntax, match="at most 4"):
        symbolic(power_loop, 1.0, 5)


# -- verify -----------------------------------------------------------------------------------------------


def test_a_right_gradient_passes() -> None:
    def by_hand(x, y):
        return polynomial(x, y), (6 * x * y + 1, 3 * x**2 - 3 * y**2 / 7)

    report = symbolic(polynomial).verify(points=10, seed=3, against=by_hand)
    assert isinstance(report, Verification)
    assert (report.checked, report.skipped) == (10, 0)


def planted(slopes: Callable[[float, float], tuple[float, float]]) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        symbolic(polynomial).verify(against=lambda x, y: (polynomial(x, y), slopes(x, y)))
    return caught.value


def test_a_wrong_gradient_is_caught() -> None:
    error = planted(lambda x, y: (6 * x * y + 1, 3 * x**2 + 3 * y**2 / 7))
    assert isinstance(error, DifferentiationError) and isinstance(error, AssertionError)
    assert error.input == "y"
    x, y = error.point["x"], error.point["y"]
    assert error.found == pytest.approx(3 * x**2 + 3 * y**2 / 7)
    assert error.expected == pytest.approx(3 * x**2 - 3 * y**2 / 7)
    for part in ("'y'", f"x={x!r}", f"y={y!r}", repr(error.found), repr(error.expected), "def polynomial"):
        assert part in str(error)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 0.0])
def test_a_gradient_that_is_no_number_is_caught(wrong: float) -> None:
    assert planted(lambda x, y: (wrong, 3 * x**2 - 3 * y**2 / 7)).input == "x"


def test_a_slightly_wrong_gradient_is_caught() -> None:
    assert planted(lambda x, y: ((6 * x * y + 1) * (1 + 1e-6), 3 * x**2 - 3 * y**2 / 7)).input == "x"


def test_a_small_function_is_held_to_its_own_scale() -> None:
    def tiny(x):
        return 1e-12 * math.sin(x)

    with pytest.raises(VerificationError):
        symbolic(tiny).verify(against=lambda x: (tiny(x), (1.001e-12 * math.cos(x),)))


def test_a_wrong_value_is_caught() -> None:
    with pytest.raises(VerificationError, match="the value of polynomial") as caught:
        symbolic(polynomial).verify(against=lambda x, y: (polynomial(x, y) + 1e-3, (0.0, 0.0)))
    assert caught.value.input is None


def test_a_missing_derivative_is_caught() -> None:
    with pytest.raises(ValueError, match="argument"):
        symbolic(polynomial).verify(against=lambda x, y: (polynomial(x, y), (6 * x * y + 1,)))


def test_points_outside_the_domain_are_counted() -> None:
    report = symbolic(lambda x: math.sqrt(x)).verify(
        points=[(-1.0,), (4.0,)], against=lambda x: (math.sqrt(x), (0.5 / math.sqrt(x),))
    )
    assert (report.checked, report.skipped) == (1, 1)
    with pytest.raises(ArgumentError, match="at none of 2 points"):
        symbolic(lambda x: math.sqrt(x)).verify(points=[-1.0, -2.0], against=lambda x: (0.0, (0.0,)))


def test_the_same_seed_draws_the_same_points() -> None:
    assert seen(0) == seen(0) != seen(1)


def seen(seed: int) -> list[float]:
    points: list[float] = []

    def record(x):
        points.append(x)
        return x * x, (2 * x,)

    symbolic(lambda x: x * x).verify(points=4, seed=seed, against=record)
    return points


# -- text -------------------------------------------------------------------------------------------------


def test_latex() -> None:
    text = symbolic(bell).latex()
    assert text.startswith("\\begin{aligned}\n\\operatorname{bell}(x, \\mu, \\sigma) &= ")
    assert "\\frac{\\partial \\operatorname{bell}}{\\partial \\mu} &= " in text
    assert text.count("\\\\\n") == 3


def test_notebooks_show_latex() -> None:
    form = symbolic(chosen)
    assert form._repr_latex_() == f"$\\displaystyle {form.latex()}$"
    assert "\\begin{cases}" in form.latex()


def test_text() -> None:
    assert repr(symbolic(lambda x, y: x * y**2)) == "<lambda>(x, y) = x*y**2\nd<lambda>/dx = y**2\nd<lambda>/dy = 2*x*y"


def test_cse_names_common_parts() -> None:
    form = symbolic(bell)
    parts, expressions = form.cse()
    assert len(expressions) == 4
    for name, part in reversed(parts):
        expressions = [e.subs(name, part) for e in expressions]
    assert [sympy.lambdify(list(form.symbols.values()), e)(0.3, 0.1, 1.2) for e in expressions] == pytest.approx(
        [sympy.lambdify(list(form.symbols.values()), e)(0.3, 0.1, 1.2) for e in (form.value, *form.gradient.values())]
    )


def test_the_package_does_not_import_sympy() -> None:
    code = "import sys, retrograd.transformer.symbolic; print('sympy' in sys.modules, 'mpmath' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]
    assert importlib.util.find_spec("sympy") is not None


def rectified(x, n):
    for k in range(n):
        x = np.maximum(x, 0.1 * k) - 0.2 * x
    return x


def stepping(x, n):
    for k in range(n):
        if x > k:
            x = x - 1.5
        else:
            x = x * 1.1
    return x


def logistic_map(x, r, n):
    for _ in range(n):
        x = r * x * (1 - x)
    return x


@pytest.mark.parametrize("f, examples", [(rectified, (1.0, 8)), (stepping, (1.0, 4)), (logistic_map, (0.1, 2.0, 8))])
def test_loops_that_reuse_their_value_stay_quick(f: Callable[..., Any], examples: tuple[Any, ...]) -> None:
    """Such trees are huge, and the graphs behind them small: none of these may take minutes."""
    assert symbolic(f, *examples).verify(points=4).checked == 4
