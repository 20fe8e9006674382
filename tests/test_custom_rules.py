"""Are derivatives that a user gives by hand honoured everywhere: reverse, forward, second order, Tensors, the tracer?

Where the hand-written derivative is the true one, the reference is Richardson differences; where it is another one on
purpose, the reference is differences of a function that has that derivative.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import ArgumentError, DifferentiationError, NoRule, UntypedValue
from retrograd.runtime.traced import trace_vjp
from tests import oracle

CALLS: list[str] = []
OFFSET = np.array([0.1, 0.2])


# -- functions with derivatives of their own; `as_if` has the same derivative by itself -----------------------


@rg.custom_vjp
def scaled(x, y):
    """Its pullback is that of ``3 * x * sin(y)``, which it is not."""
    return x * np.sin(y)


scaled.defvjp(
    lambda x, y: (x * np.sin(y), (x, y)),
    lambda residuals, z_bar: (3 * z_bar * np.sin(residuals[1]), 3 * z_bar * residuals[0] * np.cos(residuals[1])),
)


@rg.custom_jvp
def softplus(x):
    return np.log(1 + np.exp(x))


@softplus.defjvp
def _(primals, tangents):
    (x,), (x_dot,) = primals, tangents
    return softplus(x), x_dot / (1 + np.exp(-x))


@rg.custom_jvp
def looped(x, w, n):
    """A pushforward with a loop, a branch, and data from outside."""
    for _ in range(n):
        x = np.sin(x) * w
    return x + OFFSET


@looped.defjvp
def _(primals, tangents):
    x, w, n = primals
    x_dot, w_dot, _ = tangents
    for k in range(n):
        if k >= 0:
            x_dot = np.cos(x) * x_dot * w + np.sin(x) * w_dot
        x = np.sin(x) * w
    return x + OFFSET, x_dot + 0 * OFFSET


@rg.custom_jvp
def both_rules(x):
    return x**3


both_rules.defvjp(lambda x: (x**3, x), lambda x, z_bar: (3 * x**2 * z_bar,))
both_rules.defjvp(lambda primals, tangents: (primals[0] ** 3, 3 * primals[0] ** 2 * tangents[0]))


@rg.constant
def magnitude(x, floor=0.1):
    CALLS.append("magnitude")
    return max(math.sqrt(float(np.sum(x * x))), floor)


@rg.primitive
def cube(x):
    CALLS.append("cube")
    return x**3


@rg.rule(cube, pushforward=lambda x_dot, z, x: 3 * x**2 * x_dot)
def cube_rule(z_bar, z, x):
    x_bar = 3 * x**2 * z_bar
    return x_bar


@rg.primitive
def mixed(x, y, axis=None):
    return np.sum(x * y, axis=axis)


@rg.rule(mixed, bilinear=("x", "y"), broadcasts=True)
def mixed_rule(z_bar, z, x, y, axis=None):
    x_bar = np.expand_dims(z_bar, axis) * y
    y_bar = np.expand_dims(z_bar, axis) * x
    return x_bar, y_bar


def as_if_scaled(x, y):
    return 3 * x * np.sin(y)


X, Y = np.array([0.3, -0.8]), np.array([1.1, 0.4])

ROWS = [
    pytest.param(lambda x, y: np.sum(x * softplus(y * x)), (X, Y), id="jvp"),
    pytest.param(lambda x, y: np.sum(looped(x * y, y, 3) ** 2), (X, Y), id="jvp-with-loop"),
    pytest.param(lambda x, n: sum_of_softplus(x, n), (0.4, 3), id="jvp-in-a-loop"),
    pytest.param(lambda x: softplus(x) if x > 0 else x, (0.4,), id="jvp-in-a-branch"),
    pytest.param(lambda x: both_rules(x) * x, (0.4,), id="vjp-and-jvp"),
    pytest.param(lambda x: np.sum(cube(x * 2) * x), (X,), id="rule"),
    pytest.param(lambda x: x * rg.grad(lambda y: cube(y) * x)(x), (0.7,), id="rule-nested"),
    pytest.param(lambda x: x * rg.grad(lambda y: softplus(y) * x)(x), (0.7,), id="jvp-nested"),
    pytest.param(lambda a, b: np.sum(mixed(a, b, axis=1) ** 2), (np.outer(X, Y), np.outer(Y, X)), id="rule-bilinear"),
]


def sum_of_softplus(x, n):
    total = 0.0
    for k in range(n):
        x = softplus(x) * (k + 1)
        total = total + x
    return total


@pytest.mark.parametrize(("function", "args"), ROWS)
class TestEveryRow:
    def test_reverse_mode(self, function: Any, args: Any) -> None:
        wrt = oracle.float_arguments(args)
        value, bars = rg.value_and_grad(function, wrt=wrt)(*args)
        assert np.allclose(value, function(*args), rtol=1e-14)
        oracle.assert_close(stacked(args, wrt, bars), oracle.gradient(function, args, wrt, 1.0))

    def test_forward_mode(self, function: Any, args: Any) -> None:
        wrt, rng = oracle.float_arguments(args), np.random.default_rng(0)
        direction = tuple(oracle.random_like(args[i], rng) for i in wrt)
        _, dot = rg.jvp(function, args, direction, wrt=wrt)
        oracle.assert_close(np.array([dot]), oracle.directional(function, args, direction, wrt))

    def test_second_order(self, function: Any, args: Any) -> None:
        wrt, rng = oracle.float_arguments(args), np.random.default_rng(0)
        direction = tuple(oracle.random_like(args[i], rng) for i in wrt)
        gradient = rg.grad(function, wrt=wrt)
        found = rg.hvp(function, wrt=wrt)(*args, direction)
        estimate = oracle.directional(lambda *a: stacked(a, wrt, gradient(*a)), args, direction, wrt)
        oracle.assert_close(stacked(args, wrt, found), estimate, rtol=1e-6)

    def test_traced(self, function: Any, args: Any) -> None:
        wrt = oracle.float_arguments(args)
        if "grad" in function.__code__.co_names:
            pytest.skip("a derivative of traced arrays inside")
        _, pullback = trace_vjp(function, *args)
        bars = tuple(pullback(1.0)[i] for i in wrt)
        oracle.assert_close(stacked(args, wrt, bars), oracle.gradient(function, args, wrt, 1.0))


def stacked(args: Any, wrt: Any, bars: Any) -> np.ndarray:
    return np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


# -- a pullback of one's own ----------------------------------------------------------------------------------


def using_scaled(x, y):
    total = 0.0
    for k in range(3):
        total = total + np.sum(scaled(x * (k + 1), y)) * x[0]
    return total


def as_if_using_scaled(x, y, x0, value):
    """The same derivative: three times as much through ``scaled``, its value in the other factor."""
    total = 0.0
    for k in range(3):
        total = total + np.sum(as_if_scaled(x * (k + 1), y)) * x0 + np.sum(value[k]) * x[0]
    return total


def test_the_pullback_is_the_users() -> None:
    values = [X * (k + 1) * np.sin(Y) for k in range(3)]
    estimate = oracle.gradient(as_if_using_scaled, (X, Y, X[0], values), (0, 1), 1.0)
    value, bars = rg.value_and_grad(using_scaled, wrt=(0, 1))(X, Y)
    assert np.isclose(value, using_scaled(X, Y))
    oracle.assert_close(np.concatenate(bars), estimate)
    oracle.assert_close(np.concatenate(rg.vjp(using_scaled, X, Y)[1](1.0)), estimate)
    oracle.assert_close(np.concatenate(trace_vjp(using_scaled, X, Y)[1](1.0)), estimate)
    x, y = (rg.tensor(v, dtype=rg.float64, requires_grad=True) for v in (X, Y))
    using_scaled(x, y).backward()
    oracle.assert_close(np.concatenate([x.grad.numpy(), y.grad.numpy()]), estimate)


def test_no_jvp_no_forward_mode_and_no_second_derivative() -> None:
    for derivative in (
        lambda: rg.jvp(using_scaled, (X, Y), (X, Y)),
        lambda: rg.hvp(using_scaled)(X, Y, X),
        lambda: rg.grad(lambda x: np.sum(rg.grad(lambda z: np.sum(scaled(z, Y)))(x)))(X),
    ):
        with pytest.raises(NoRule, match=r"test_custom_rules.py:\d+: scaled has a custom vjp and no jvp"):
            derivative()
    x = rg.tensor(X, dtype=rg.float64, requires_grad=True)
    with pytest.raises(NoRule, match="second derivative"):
        rg.autograd.grad(scaled(x, Y).sum(), x, create_graph=True)


def test_an_inner_gradient_uses_the_pullback() -> None:
    """First order inside, constant outside: no second derivative is asked for."""
    value = rg.grad(lambda c: c * rg.grad(lambda z: np.sum(scaled(z, Y)))(X)[0])(2.0)
    assert np.isclose(value, 3 * np.sin(Y[0]))


def test_structures_nones_and_defaults() -> None:
    @rg.custom_vjp
    def pair(params, n, scale=2.0):
        return {"a": params["w"] * n, "b": (scale * params["b"], n)}

    pair.defvjp(
        lambda params, n, scale: (pair(params, n, scale), (n, scale)),
        lambda kept, bar: ({"w": bar["a"] * kept[0], "b": bar["b"][0] * kept[1]}, None, None),
    )

    def f(params, x):
        out = pair(params, 3)
        return np.sum(out["a"] * x) + out["b"][0] ** 2 * out["b"][1]

    args = ({"w": X, "b": 0.7}, Y)
    bars = rg.grad(f, wrt=(0, 1))(*args)
    oracle.assert_close(stacked(args, (0, 1), bars), oracle.gradient(f, args, (0, 1), 1.0))
    only_a = rg.grad(lambda params: np.sum(pair(params, 3)["a"]))(args[0])
    assert only_a["b"] == 0.0 and list(only_a["w"]) == [3.0, 3.0]


def test_the_function_runs_once_and_the_body_is_not_looked_into() -> None:
    seen = []

    @rg.custom_vjp
    def opaque(x):
        try:
            seen.append("body")
        finally:
            return math.sin(x)  # noqa: B012

    def fwd(x):
        seen.append("fwd")
        return math.sin(x), x

    opaque.defvjp(fwd, lambda x, z_bar: (math.cos(x) * z_bar,))
    assert np.isclose(rg.grad(lambda x: opaque(x) ** 2)(0.3), 2 * math.sin(0.3) * math.cos(0.3))
    assert seen == ["fwd"]


def test_residuals_are_not_the_callers_memory() -> None:
    square = rg.custom_vjp(lambda x: x * x)
    square.defvjp(lambda x: (x * x, x), lambda x, z_bar: (2 * x * z_bar,))
    x = X.copy()
    _, pullback = rg.vjp(lambda x: square(x), x)
    x[:] = 100.0
    np.testing.assert_allclose(pullback(np.ones(2))[0], 2 * X)

    def overwritten(x):
        u = x * 1.0
        y = square(u)
        u[0] = 7.0
        return np.sum(y) + u[0]

    np.testing.assert_allclose(rg.grad(overwritten)(X), 2 * X)


def test_a_wrong_pullback_is_an_error_that_names_it() -> None:
    wrong = rg.custom_vjp(lambda x, y: x * y)
    wrong.__name__ = "wrong"
    wrong.defvjp(lambda x, y: (x * y, None), lambda residuals, z_bar: (z_bar,))
    with pytest.raises(ArgumentError, match="bwd of wrong must return a tuple of 2 cotangents"):
        rg.grad(lambda x: wrong(x, 2.0))(1.0)
    wrong.defvjp(lambda x, y: (x * y, None), lambda residuals, z_bar: (np.ones(3), None))
    with pytest.raises(ArgumentError, match=r"shape \(3,\) for argument 0"):
        rg.grad(lambda x: wrong(x, 2.0))(1.0)


def test_a_missing_rule_is_an_error_that_names_it() -> None:
    @rg.custom_vjp
    def unfinished(x):
        return x

    with pytest.raises(NoRule, match="unfinished"):
        rg.grad(lambda x: unfinished(x) * 2)(1.0)


def test_it_is_called_as_it_is_where_nothing_is_active() -> None:
    assert rg.grad(lambda x, y: x * np.sum(scaled(y, y)))(1.0, Y) == np.sum(Y * np.sin(Y))
    assert scaled(2.0, 0.0) == 0.0


def test_derivatives_of_the_function_itself() -> None:
    assert np.isclose(rg.grad(scaled, wrt=(0, 1))(2.0, 0.5)[0], 3 * math.sin(0.5))
    assert np.isclose(rg.grad(rg.grad(softplus))(0.3), math.exp(0.3) / (1 + math.exp(0.3)) ** 2)
    assert rg.grad(cube)(2.0) == 12.0
    assert rg.grad(math.sin)(0.0) == 1.0


def test_a_derivative_given_anew_is_used() -> None:
    f = rg.custom_jvp(lambda x: x)
    f.defjvp(lambda primals, tangents: (primals[0], 2 * tangents[0]))
    g = rg.grad(lambda x: f(x) * 1.0)
    assert g(1.0) == 2.0
    f.defjvp(lambda primals, tangents: (primals[0], 3 * tangents[0]))
    assert g(1.0) == 3.0
    f.defvjp(lambda x: (x, None), lambda kept, z_bar: (5 * z_bar,))
    assert g(1.0) == 5.0


def test_a_rule_for_a_function_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    table = sys.modules["retrograd.runtime.rules.rule"]._TABLE
    monkeypatch.setitem(table, math.remainder, None)  # and out of it again after the test

    @rg.rule(math.remainder, linear=("x",))
    def remainder_rule(z_bar, z, x, y):
        x_bar = z_bar
        return x_bar

    assert rg.grad(lambda x: x * math.remainder(x, 1.0))(2.3) == math.remainder(2.3, 1.0) + 2.3


# -- constants -------------------------------------------------------------------------------------------------


def test_a_constant_is_called_as_it_is_and_has_no_derivative() -> None:
    def normalised(x):
        return np.sum(x**2) / magnitude(x)

    CALLS.clear()
    held = magnitude(X)
    value, x_bar = rg.value_and_grad(normalised)(X)
    assert CALLS == ["magnitude", "magnitude"] and value == normalised(X)
    oracle.assert_close(x_bar, oracle.gradient(lambda x: np.sum(x**2) / held, (X,), (0,), 1.0))
    oracle.assert_close(trace_vjp(normalised, X)[1](1.0)[0], oracle.gradient(lambda x: np.sum(x**2) / held, (X,), (0,), 1.0))
    x = rg.tensor(X, dtype=rg.float64, requires_grad=True)
    normalised(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), x_bar)
    v = np.array([0.2, 0.5])
    oracle.assert_close(rg.hvp(normalised)(X, v), oracle.directional(lambda x: 2 * x / held, (X,), (v,), (0,)))
    assert np.isclose(rg.jvp(normalised, (X,), (v,))[1], x_bar @ v)


def test_a_constant_that_cannot_be_transformed() -> None:
    @rg.constant
    def lookup(x):
        try:
            return {True: 2.0}[bool(x > 0)]
        except KeyError:
            return [1.0]

    assert rg.grad(lambda x: x * lookup(x))(3.0) == 2.0
    with pytest.raises(UntypedValue, match="lookup returned a list"):
        rg.grad(lambda x: x * lookup(x))(-3.0)


# -- rules ---------------------------------------------------------------------------------------------------


def test_a_primitive_is_not_looked_into() -> None:
    x = rg.tensor(X, dtype=rg.float64, requires_grad=True)
    y = cube(x)
    assert type(y.grad_fn).__name__ == "CubeBackward0"
    (g,) = rg.autograd.grad(y.sum(), x, create_graph=True)
    g.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * X)
    assert "cube(" in rg.source(rg.value_and_grad(lambda x: np.sum(cube(x))), X)


def test_rules_that_could_not_be_honoured_are_refused() -> None:
    def plain(x):
        return x

    with pytest.raises(ArgumentError, match="plain is a plain Python function"):
        rg.rule(plain)
    with pytest.raises(ArgumentError, match="reads the global OFFSET"):

        @rg.rule(rg.primitive(plain))
        def outside(z_bar, z, x):
            x_bar = z_bar * OFFSET
            return x_bar


def test_a_primitive_without_a_rule_is_refused_with_a_remedy() -> None:
    bare = rg.primitive(lambda x: x)
    with pytest.raises(DifferentiationError, match="rg.rule"):
        rg.grad(lambda x: bare(x) * 2)(1.0)
