"""Are the partials of a statement that come as a formula shorter, as exact, and without poles of their own?"""

from __future__ import annotations

import operator

import mpmath
import numpy as np
import pytest

import retrograd as rg
from retrograd.transformer.simplify.switches import applied, without
from retrograd.transformer.symbolic.statements import PARTIALS, Formula, Leaf, Operation, Step, _repeated
from retrograd.transformer.types import ScalarT
from tests.golden.counts import operations


def saturation(x):
    return 3.5 * x / (0.3 + x)


def odds(p):
    return p / (1 - p)


def hill(x):
    return x * x / (1 + x * x)


def inverse_square(x):
    return 2.5 / (x * x)


SHORTER = [saturation, odds, hill, inverse_square]


def emitted(f, *args, by_rules=False):
    with without(*([PARTIALS] if by_rules else [])):
        return rg.source(rg.value_and_grad(f), *args)


@pytest.mark.parametrize("f", SHORTER)
@pytest.mark.parametrize("x", [0.7, np.float64(0.7), np.array(0.7)], ids=["python", "numpy", "0-d"])
def test_a_formula_takes_fewer_operations(f, x):
    assert operations(emitted(f, x)) < operations(emitted(f, x, by_rules=True))


@pytest.mark.parametrize("f", SHORTER)
@pytest.mark.parametrize("x", [0.7, -3.0, 1e-9, 1e9])
def test_it_is_exact_to_the_last_digits(f, x):
    assert rg.grad(f)(x) == pytest.approx(_exact(f, x), rel=1e-14)


def _exact(f, x):
    with mpmath.workdps(80):
        return float(mpmath.diff(f, mpmath.mpf(x), h=mpmath.mpf(10) ** -25 * abs(mpmath.mpf(x))))


def test_it_is_more_exact_where_the_terms_of_the_rules_cancel():
    x = 1e9
    with without(PARTIALS):
        by_rules = rg.grad(saturation)(x)
    exact = _exact(saturation, x)
    assert abs(rg.grad(saturation)(x) / exact - 1) < 1e-15 < abs(by_rules / exact - 1)


def test_no_pole_where_the_rules_have_none():
    """The slope by x of (x - y) * a * b * c is value / (x - y), which is shorter, but for the pole."""
    from retrograd.transformer.symbolic.partials import _expressions, _product, symbol

    minus, times, t = operator.sub, operator.mul, ScalarT(np.dtype(float))
    operations = [Operation(minus, (Leaf(0), Leaf(1))), *(Operation(times, (Step(k), Leaf(k + 2))) for k in range(3))]
    asked = Formula(tuple(operations), (t,) * 5, (0,), (0,))
    values = _expressions(asked)
    x, y, a, b, c = map(symbol, range(5))
    assert _product(asked, values, set(), a * b * c) == a * b * c
    assert _product(asked, values, {x - y}, a * b * c) != a * b * c  # the statement divides by it anyway


def test_no_overflow_where_the_rules_have_none():
    """R7: the slope by v is w * w / r**3, which is shorter, but infinity by infinity where w * w overflows."""

    def f(v, w):
        return v / np.sqrt(w * w - v * v)

    with np.errstate(over="ignore"):
        assert rg.grad(f, wrt=(0, 1))(np.float64(1e100), np.float64(1e200)) == (0.0, 0.0)


def test_no_sum_that_the_rules_do_not_form():
    """2 * (t - 200 * (y - t * t) * t - 1) is one operation shorter, and loses all digits near the minimum at (1, 1)."""

    def rosenbrock(t, y):
        return (1 - t) ** 2 + 100 * (y - t * t) ** 2

    t = 1 + 2.0**-40
    assert rg.grad(rosenbrock)(t, t * t) == pytest.approx(2.0**-39, rel=1e-9)


def test_what_was_not_selected_stays_zero():
    """R6: at x == -0.3 both arms are computed, one is taken."""

    def f(x):
        return np.sum(np.where(x > 0, 3.5 * x / (0.3 + x), 2.0 * x))

    with np.errstate(all="ignore"):
        np.testing.assert_allclose(rg.grad(f)(np.array([-0.3, 0.7])), [2.0, 3.5 * 0.3], rtol=1e-12)


@pytest.mark.parametrize("x", [-0.3, 1.0])
def test_a_division_by_zero_raises_as_in_the_function(x):
    """L4: the value is not computed for its error alone, since the slope divides by the same number."""
    f = saturation if x < 0 else odds
    assert "\n    3.5 * x / " not in rg.source(rg.grad(f), 0.5)
    with pytest.raises(ZeroDivisionError):
        f(x)
    with pytest.raises(ZeroDivisionError):
        rg.grad(f)(x)


def test_a_division_whose_divisor_does_not_divide_again_raises_still():
    def f(x, y):
        _, w = 1.0 / y, 1.0 / x
        return w

    assert rg.grad(f)(2.0, 3.0) == -0.25
    with pytest.raises(ZeroDivisionError):
        rg.grad(f)(2.0, 0.0)


def test_a_division_by_zero_is_that_of_its_line():
    """L5: the slope divides too, but it is printed on the line of y."""

    def f(x):
        y = x * 2
        return y / (x - x)

    with pytest.raises(ZeroDivisionError) as caught:
        rg.grad(f)(1.0)
    assert caught.value.__notes__[-1].endswith("return y / (x - x)")


def test_a_slope_that_overflows_is_infinite():
    """R7: among Python's floats a power would raise where a quotient is infinite."""

    def f(x):
        return 1.0 / x

    assert rg.grad(f)(1e-200) == -np.inf
    assert rg.grad(inverse_square)(1e-120) == -np.inf


def test_a_value_that_is_read_elsewhere_is_not_a_part_of_the_statement():
    def f(x):
        t = 0.3 + x
        return x / t + t

    with applied() as names:
        assert rg.grad(f)(0.7) == pytest.approx(1.3)
    assert PARTIALS not in names


def test_nor_is_one_on_the_same_line():
    def f(x):
        y, t = x / (0.3 + x), 0.3 + x
        return y * t * t

    assert rg.grad(f)(0.7) == pytest.approx(2 * 0.7 + 0.3)


def test_by_several_values_at_once():
    def f(x, b):
        return x * x * x / (b * b * b)

    with applied() as names:
        x_bar, b_bar = rg.grad(f, wrt=(0, 1))(1.1, 1.7)
    assert x_bar == pytest.approx(3 * 1.1**2 / 1.7**3)
    assert b_bar == pytest.approx(-3 * 1.1**3 / 1.7**4)
    assert PARTIALS in names


def test_second_derivatives_go_through_it():
    assert rg.grad(rg.grad(saturation))(0.7) == pytest.approx(-2 * 3.5 * 0.3, rel=1e-12)
    assert rg.hessian(saturation)(0.7) == pytest.approx(-2 * 3.5 * 0.3, rel=1e-12)


def test_broadcast_leaves_are_summed():
    """T1: a number, a row and an axis of length 1 beside a matrix."""

    def f(x, k):
        return np.sum(x / (k + x))

    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 2.0, (2, 3))
    for k in (0.7, rng.uniform(0.5, 2.0, 3), rng.uniform(0.5, 2.0, (2, 1))):
        x_bar, k_bar = rg.grad(f, wrt=(0, 1))(x, k)
        slope = -x / (k + x) ** 2
        np.testing.assert_allclose(x_bar, k / (k + x) ** 2, rtol=1e-12)
        axes = {0: None, 1: 0, 2: 1}[np.ndim(k)]
        np.testing.assert_allclose(k_bar, slope.sum(axis=axes, keepdims=np.ndim(k) == 2), rtol=1e-12)


def test_sympy_is_not_asked_where_a_formula_cannot_be_shorter():
    product = (Operation(operator.mul, (Leaf(0), Leaf(1))), Operation(operator.add, (Step(0), Leaf(0))))
    assert _repeated(product, (0, 1)) == ()
    quotient = (*product, Operation(operator.truediv, (Step(1), Leaf(0))))
    assert _repeated(quotient, (0, 1)) == (0,)
