"""Is a callee that cannot be transformed recorded rightly, or refused by name? (A1-A3)  And does ``explain`` say so?"""

from __future__ import annotations

import ctypes
import math
import re
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import (
    AliasedMutation,
    ArgumentError,
    DifferentiationError,
    NoRule,
    UnsupportedSyntax,
    UntypedValue,
)
from tests import oracle

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def elsewhere(text: str, **scope: Any) -> Any:
    """A function whose source cannot be found."""
    space = {"np": np, **scope}
    exec(text, space)
    return space["g"]


hidden = elsewhere("def g(x, k=2.0):\n    return np.sin(x) * k if np.sum(x) > 0 else x * k")
hidden_sum = elsewhere("def g(parts, scale):\n    return sum(np.sum(p['a'] ** 2) * scale for p in parts)")
hidden_pair = elsewhere("def g(x):\n    return x, x")
hidden_write = elsewhere("def g(x):\n    x[0] = 1.0\n    return x * 2")
hidden_int = elsewhere("def g(x):\n    return 3")
hidden_none = elsewhere("def g(x):\n    SEEN.append(1)", SEEN=[])


def generated(x):
    """Its generator cannot be transformed, and so this function is recorded."""

    def terms():
        for k in range(3):
            yield x ** (k + 1)

    return sum(terms())


def tried(x):
    try:
        return x / 0 if x > 1e9 else np.exp(x)
    except ZeroDivisionError:
        return x


def recursive(x, depth):
    return x if np.sum(x) > 50 else recursive(x * (1.5 + depth), depth)


def appended(x):
    out = []
    with np.errstate(all="ignore"):
        for v in x:
            out.append(v * v)
    return sum(out)


def options(x, p=(1.0, 2.0), *, q=3.0):
    with np.errstate(all="ignore"):
        return x * p[0] * q


def variadic(*xs, **named):
    with np.errstate(all="ignore"):
        return sum(xs) * named["k"]


ROWS = [
    pytest.param(lambda x: np.sum(x * hidden(x * x)), (np.array([0.3, 0.4]),), id="array"),
    pytest.param(lambda x: x * hidden(x, k=x), (0.7,), id="scalar-and-keyword"),
    pytest.param(lambda x: float_or_not(x), (0.7,), id="branch"),
    pytest.param(lambda x, n: looped(x, n), (np.array([0.3, 0.4]), 3), id="loop"),
    pytest.param(lambda x, y: hidden_sum([{"a": x, "n": 1}, {"a": y, "n": 2}], y[0]), (np.ones(2), np.array([0.2, 0.5])), id="containers"),
    pytest.param(lambda x: x * hidden_int(x), (0.7,), id="an-int-result"),
    pytest.param(lambda x: generated(x) * x, (0.7,), id="generator"),
    pytest.param(lambda x: tried(x) * x, (0.7,), id="try"),
    pytest.param(lambda x: np.sum(recursive(x, 0.5)), (np.array([0.7, 1.0]),), id="recursion"),
    pytest.param(lambda x: appended(x) * x[0], (np.array([0.3, -0.6]),), id="an-error-inside-a-loop"),
    pytest.param(lambda x: np.sum(options(x) + options(x, [x[0], 1.0], q=x[1])), (np.array([0.3, -0.6]),), id="defaults"),
    pytest.param(lambda x: np.sum(variadic(x, x * 2, k=x[0])), (np.array([0.3, -0.6]),), id="variadic"),
    pytest.param(lambda x: np.sum(hidden(x)[1:] * hidden(x)[0]), (np.array([0.3, -0.6]),), id="indexed"),
    pytest.param(lambda x, c: np.sum(hidden(x) * c), (np.array([1.2]), np.array([[1.0, 3.0], [2.0, 1.0]])), id="broadcast"),
    pytest.param(lambda x: hidden(hidden(x)) + np.sum(hidden(np.array([x, 2.0]))), (0.7,), id="chained"),
]


def float_or_not(x):
    if x > 0.5:
        y = hidden(x)
    else:
        y = x
    return y * y


def looped(x, n):
    total = 0.0
    for i in range(n):
        x = x + 0.1 * hidden(x) * (i + 1)
        total = total + np.sum(x**2)
    return total


@pytest.mark.parametrize(("function", "args"), ROWS)
class TestEveryRow:
    def test_reverse_mode(self, function: Any, args: Any) -> None:
        wrt = oracle.float_arguments(args)
        value, bars = rg.value_and_grad(function, wrt=wrt)(*args)
        assert oracle.bit_equal(value, function(*args))
        found = np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])
        oracle.assert_close(found, oracle.gradient(function, args, wrt, 1.0))

    def test_the_pullback_runs_twice(self, function: Any, args: Any) -> None:
        value, pullback = rg.vjp(function, *args, wrt=oracle.float_arguments(args))
        first = pullback(1.0)
        assert oracle.flat(first).tolist() == oracle.flat(pullback(1.0)).tolist()
        assert np.allclose(oracle.flat(pullback(2.0)), 2 * oracle.flat(first))

    def test_forward_mode_and_second_order_are_right_or_refused_by_name(self, function: Any, args: Any) -> None:
        wrt, rng = oracle.float_arguments(args), np.random.default_rng(0)
        direction = tuple(oracle.random_like(args[i], rng) for i in wrt)
        try:
            _, dot = rg.jvp(function, args, direction, wrt=wrt)
            oracle.assert_close(np.array([dot]), oracle.directional(function, args, direction, wrt))
        except NoRule as refusal:
            assert re.search(r"test_fallback.py:\d+: \w+ was not transformed \(", str(refusal))
            with pytest.raises(NoRule, match="was not transformed"):
                rg.hvp(function, wrt=wrt)(*args, direction)


def test_forward_mode_through_a_traced_call_is_refused_by_name() -> None:
    with pytest.raises(NoRule, match=r"test_fallback.py:\d+: g was not transformed \(the source of g is not available\)"):
        rg.jvp(lambda x: hidden(x), (0.5,), (1.0,))


def test_effects_happen_once() -> None:
    seen: list[str] = []
    noted = elsewhere("def g(x):\n    SEEN.append('run')\n    return x * x", SEEN=seen)
    assert rg.grad(lambda x: noted(x) * x)(2.0) == 12.0
    assert seen == ["run"]


def test_a_call_without_a_result_is_kept() -> None:
    def f(x):
        hidden_none(x)
        return x * x

    assert rg.grad(f)(2.0) == 4.0
    assert len(hidden_none.__globals__["SEEN"]) == 1


def test_nothing_active_is_a_plain_call() -> None:
    assert rg.grad(lambda x, y: x * hidden(y))(2.0, 0.5) == hidden(0.5)


def test_a_result_that_is_no_number_is_refused_by_name() -> None:
    with pytest.raises(UntypedValue, match="returned a tuple"):
        rg.grad(lambda x: np.sum(hidden_pair(x)))(np.ones(2))


def test_a_result_that_is_no_scalar_is_refused_at_run_time() -> None:
    with pytest.raises(ArgumentError, match=r"an array of shape \(2,\), not a scalar"):
        rg.grad(lambda x: hidden(x))(np.ones(2))


def test_writes_to_arguments_are_refused() -> None:
    x = np.ones(2)
    with pytest.raises(AliasedMutation, match="g, which is recorded as it runs, writes to its argument"):
        rg.grad(lambda x: np.sum(hidden_write(x)))(x)
    with pytest.raises(ValueError, match="read-only"):
        rg.grad(lambda y, x: y * np.sum(hidden_write(x)))(1.0, x)
    assert list(x) == [1.0, 1.0]


def test_a_result_that_may_be_its_argument_is_not_written_through() -> None:
    same = elsewhere("def g(x):\n    return x")

    def f(x):
        u = x * 1.0
        v = same(u)
        u[0] = 4.0
        return np.sum(u * v)

    with pytest.raises(AliasedMutation, match="v also sees"):
        rg.grad(f)(np.ones(2))


def test_an_active_array_that_comes_another_way_is_refused_by_name() -> None:
    weights = np.array([0.5, 0.2])
    by_global = elsewhere("def g(x):\n    return np.sum(x * W)", W=weights)
    with pytest.raises(ArgumentError, match="reads W, which is the memory of an active argument"):
        rg.grad(lambda w: by_global(w))(weights)
    make = elsewhere("def g(w):\n    def inner(x):\n        return np.sum(x * w)\n    return inner")
    with pytest.raises(ArgumentError, match="reads w, which is the memory"):
        rg.grad(with_cell(make(weights)))(weights)


def with_cell(inner):
    def f(x):
        return inner(x) * 2

    return f


def test_traced_code_that_loses_the_gradient_is_refused() -> None:
    by_math = elsewhere("def g(x):\n    return math.sin(x)", math=math)
    with pytest.raises(DifferentiationError, match="lose its derivative"):
        rg.grad(lambda x: by_math(x))(0.5)


def test_inside_an_inner_derivative_it_is_refused_by_name() -> None:
    with pytest.raises(DifferentiationError, match="g inside a function differentiated here"):
        rg.grad(lambda x: x * rg.grad(lambda y: hidden(y))(x))(0.5)


def test_a_c_function_without_a_rule_stays_refused() -> None:
    library = ctypes.pythonapi.PyFloat_AsDouble
    with pytest.raises(NoRule, match=r"test_fallback.py:\d+: no derivative rule for PyFloat_AsDouble(.*\n)*.*rg.rule"):
        rg.grad(lambda x: library(x) * 2)(1.0)
    with pytest.raises(NoRule, match="no derivative rule for nextafter"):
        rg.grad(lambda x: math.nextafter(x, 2.0) * x)(1.0)


def test_the_differentiated_function_itself_is_not_traced() -> None:
    with pytest.raises(UnsupportedSyntax):
        rg.grad(tried_itself)(1.0)


def tried_itself(x):
    yield x


# -- explain --------------------------------------------------------------------------------------------------


@rg.constant
def held(x):
    return 2.0


def helper(x):
    return hidden(x) + 1.0


def explained(x, n):
    y = helper(x) * held(x)
    z = generated(y)
    limit = hidden(float(n))
    return np.sum(y * z) * limit


def test_explain_says_what_became_of_each_call() -> None:
    report = rg.explain(explained, 0.7, 2)
    assert report.verdicts == {"helper": "transformed", "g": "called as it is", "held": "constant", "generated": "traced"}
    text = str(report)
    assert text.startswith("explained(x: float64, n: int64), with respect to x")
    assert "helper" in text and "transformed" in text
    assert "traced: the source of g is not available" in text
    assert "constant: declared with rg.constant" in text
    assert "called as it is: nothing active reaches it" in text
    assert "active: x, y, z" in text
    assert repr(report) == text
    lines = [line.split()[0] for line in text.splitlines()[1:-1]]
    assert all(line.startswith("test_fallback.py:") for line in lines)


def test_explain_reports_a_refusal() -> None:
    report = rg.explain(lambda x: math.nextafter(x, 2.0) * x, 1.0)
    assert report.verdicts == {"nextafter": "refused"}
    assert "refused: " in str(report) and "no derivative rule for nextafter" in report.problem
    assert "cannot be differentiated" in rg.explain(tried_itself, 1.0).problem


def test_explain_of_derivatives_by_hand_and_inside() -> None:
    soft = rg.custom_jvp(lambda x: x)
    soft.__name__ = "soft"
    soft.defjvp(lambda primals, tangents: (primals[0], tangents[0]))
    report = rg.explain(lambda x: soft(x) * rg.grad(lambda y: y * y)(x), 1.0)
    assert report.verdicts["soft"] == "derivative by hand"
    assert "differentiated" in report.verdicts.values()
