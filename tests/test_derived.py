"""Is the committed table of partials what SymPy derives from the declarations, and are the partials right?"""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
import sympy

import retrograd as rg
from retrograd.runtime.rules import derived, lookup
from retrograd.runtime.rules.elementwise import ROWS, Row
from tests import oracle


def test_the_committed_partials_are_the_derived_ones() -> None:
    derive = importlib.import_module("retrograd.runtime.rules.derive")
    assert derive.module_text(derive.declared()) == inspect.getsource(derived)


def test_declarations_are_read_as_they_are_entered() -> None:
    derive = importlib.import_module("retrograd.runtime.rules.derive")
    assert derive.declared() == [(row.name, row.expression) for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_declaration_is_what_its_primitives_compute(row: Row) -> None:
    """The formula, at twenty digits, against every primitive that claims it."""
    arguments = sympy.symbols("x y")[: len(derived.PARTIALS[row.name])]
    values = (1.3, 0.7) if row.name == "arccosh" else (0.6, 0.7)
    point = dict(zip(arguments, values, strict=False))
    names = dict(zip(("x", "y"), arguments, strict=False))
    expected = float(sympy.sympify(row.expression, locals=names).evalf(20, subs=point))
    for primitive in row.primitives:
        single = primitive in (np.float32, np.complex64)
        found = complex(primitive(*values[: len(arguments)])).real
        assert found == pytest.approx(expected, rel=1e-6 if single else 1e-14)


@pytest.mark.parametrize(
    "name, texts",
    [
        ("tanh", ("1 - z**2",)),
        ("sqrt", ("0.5/z",)),
        ("exp", ("z",)),
        ("tan", ("1 + z**2",)),
        ("divide", ("1/y", "-z/y")),
        ("multiply", ("y", "x")),
        ("sin", ("cos(x)",)),
        ("cos", ("-sin(x)",)),
        ("log", ("1/x",)),
    ],
)
def test_partials_are_what_an_expert_writes(name: str, texts: tuple[str, ...]) -> None:
    assert derived.PARTIALS[name] == texts


@pytest.mark.parametrize(
    "primitive, formula, points",
    [
        (np.power, "x**y", [(0.7, 1.3), (2.0, -0.5), (1.5, 0.0), (0.3, 1.0)]),
        (np.hypot, "sqrt(x**2 + y**2)", [(0.7, -1.3), (3.0, 4.0)]),
        (np.logaddexp, "log(exp(x) + exp(y))", [(0.7, -1.3), (2.0, 2.0)]),
        (np.logaddexp2, "log(2**x + 2**y)/log(2)", [(0.7, -1.3), (2.0, 2.0)]),
        (np.cbrt, "x**Rational(1, 3)", [(0.7, 0.0), (8.0, 0.0)]),
        (np.absolute, "sqrt(x**2)", [(0.7, 0.0), (-0.7, 0.0)]),
    ],
)
def test_stable_forms_equal_the_derived_ones(primitive: object, formula: str, points: list) -> None:
    symbols = sympy.symbols("x y", real=True)
    expression = sympy.sympify(formula, locals={"x": symbols[0], "y": symbols[1]})
    rule = lookup(primitive)
    for point in points:
        x = point[: len(rule.inputs)]
        bars = rule.pullback(1.0, primitive(*x), *x)
        bars = bars if isinstance(bars, tuple) else (bars,)
        for bar, symbol in zip(bars, symbols, strict=False):
            expected = sympy.diff(expression, symbol).evalf(20, subs=dict(zip(symbols, point, strict=True)))
            assert float(bar) == pytest.approx(float(expected), rel=1e-13, abs=1e-15)


def test_singular_rows_have_poles() -> None:
    assert {"log", "sqrt", "divide", "arcsin", "exp"} <= derived.SINGULAR
    assert not {"sin", "tanh", "arctan", "multiply", "add"} & derived.SINGULAR


def test_the_table_needs_no_sympy_and_no_scipy() -> None:
    code = "import sys, retrograd.runtime.rules; print(sorted({'sympy', 'scipy', 'numba'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


SPECIAL_POINTS = {
    "erfinv": (0.3,), "erfcinv": (0.7,), "ndtri": (0.3,), "logit": (0.3,), "ellipk": (0.3,), "ellipe": (0.3,), "ellipkinc": (0.8, 0.4),
    "ellipeinc": (0.8, 0.4), "betainc": (0.8, 1.4, 0.3), "lpmv": (1, 2.0, 0.4), "eval_legendre": (3, 0.4), "eval_chebyt": (3, 0.4),
    "spherical_jn": (2, 1.4), "spherical_yn": (2, 1.4), "spherical_in": (2, 1.4), "spherical_kn": (2, 1.4),
    "jn": (2, 1.4), "yn": (2, 1.4), "kn": (2, 1.4), "expn": (2, 1.4),
}  # fmt: skip


@pytest.mark.parametrize("name", importlib.import_module("retrograd.runtime.rules.special").PARTIALS)
def test_special_functions(name: str) -> None:
    special = pytest.importorskip("scipy.special")
    primitive = getattr(special, name)
    rule = lookup(primitive)
    point = SPECIAL_POINTS.get(name, (0.8, 1.4))[: len(rule.params)]
    bars = rule.pullback(1.0, primitive(*point), *point)
    bars = bars if isinstance(bars, tuple) else (bars,)

    def moved(i: int, step: float) -> float:
        return float(primitive(*(x + step if k == i else x for k, x in enumerate(point))))

    for i, bar in zip(map(rule.params.index, rule.inputs), bars, strict=True):
        if bar is None:  # by an order that is cut to an integer
            continue
        coarse, fine = ((moved(i, h) - moved(i, -h)) / (2 * h) for h in (1e-3, 5e-4))
        assert float(bar) == pytest.approx((4 * fine - coarse) / 3, rel=1e-8)


@pytest.mark.parametrize("name", importlib.import_module("retrograd.runtime.rules.special").ANALYTIC)
@pytest.mark.parametrize("point", [0.8 + 0.3j, -0.2 + 1.1j])
def test_complex_special_functions(name: str, point: complex) -> None:
    special = pytest.importorskip("scipy.special")
    primitive = getattr(special, name)
    step = 1e-4
    coarse, fine = ((primitive(point + h) - primitive(point - h)) / (2 * h) for h in (2 * step, step))
    (bar,) = rg.vjp(lambda z: primitive(z).real, point, wrt=(0,))[1](1.0)
    assert abs(bar - np.conj((4 * fine - coarse) / 3)) < 1e-8  # R4


def test_real_arguments_of_complex_special_functions() -> None:
    special = pytest.importorskip("scipy.special")

    def profile(x: float, width: float) -> float:
        return special.wofz((x + 1j * width) / 2).real + special.lambertw(x * width).real + special.wofz(x).imag

    expected = oracle.gradient(profile, (0.7, 0.4))
    oracle.assert_close(np.array(rg.grad(profile, wrt=(0, 1))(0.7, 0.4)), expected)


def test_special_functions_are_found_though_looked_up_before_scipy_was_loaded() -> None:
    pytest.importorskip("scipy.special")
    code = (
        "import numpy as np; from retrograd.runtime.rules import lookup; assert lookup(np.frexp) is None;"
        "import scipy.special; print(lookup(scipy.special.expit).partials)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "('z*(1 - z)',)"
