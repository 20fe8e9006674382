"""Are functions that are emitted as functions of their own right, and emitted once?

The zoo's own modes run here with every function that has a signature taken out of its callers.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import UnsupportedSyntax
from retrograd.transformer import pairs
from tests import oracle
from tests.test_zoo import REQUIRED, Program, assert_right, each, gradient_of, plain, rng_of
from tests.zoo.recursion import adaptive, integral, long_helper

CALLING = [p for p in REQUIRED if p.name.split(".")[0] in ("calls", "closures", "objects", "containers", "tuples", "exits", "scopes")]

pytestmark = pytest.mark.filterwarnings("ignore")


@each(CALLING)
def test_every_function_on_its_own(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "LONG", 1)
    assert_right(program, program.args)
    expected = plain(program)
    args = program.fresh_args()
    value, pullback = rg.vjp(program.function, *args, wrt=oracle.positions(program.function, program.args, program.wrt))
    seed = oracle.random_like(expected, rng_of(program))
    first = pullback(seed)
    assert oracle.bit_equal(value, gradient_of(program, program.args, seed)[0])
    spoil(args)
    assert oracle.bit_equal(pullback(seed), first), "M4, M7: a second pullback, after the arguments were written"


def spoil(tree: object) -> None:
    for array in (leaf for leaf in oracle.every_leaf(tree) if isinstance(leaf, np.ndarray) and leaf.flags.writeable):
        array[...] = 7


def test_a_pair_is_emitted_once_for_a_signature() -> None:
    text = rg.source(rg.grad(long_helper), np.array([1.0, 2.0]), 0.7, 0.3, 0.4, 0.2)
    assert text.count("def rates_primal(") == text.count("def rates_adjoint(") == 1
    assert text.count("rates_primal(") == text.count("rates_adjoint(") == 1 + 4


def test_a_function_called_once_or_short_is_inlined() -> None:
    def helper(x):
        return np.sin(x) * x

    def f(x):
        return helper(x) + helper(2.0 * x)

    assert "helper" not in rg.source(rg.grad(f), 0.5)


def test_a_recursion_as_deep_as_pythons_own() -> None:
    def count(x, n):
        return x if n == 0 else count(x, n - 1) + 0.001 * x

    assert rg.grad(count)(2.0, 400) == pytest.approx(1.4)
    oracle.assert_close(np.array([rg.grad(integral)(2.5)]), oracle.gradient(integral, (2.5,)))


def test_a_seed_that_means_not_selected_meets_a_pole_in_the_callee() -> None:
    """R6: the callee's adjoint is told that its seed may be such a zero."""

    def root(x, n):
        return np.sqrt(x) if n == 0 else root(x * 1.0, n - 1)

    def f(x):
        return np.sum(np.where(x > 0, root(x, 2), 1.0 + x))

    x = np.array([0.0, 4.0])
    np.testing.assert_array_equal(rg.grad(f)(x), [1.0, 0.25])
    np.testing.assert_array_equal(rg.jvp(f, (x,), (np.array([1.0, 0.0]),))[1], 1.0)


def test_a_callee_sees_the_captured_value_of_each_call() -> None:
    def f(x, y):
        return adaptive(lambda t: x * t * t, 0.0, 1.0, 1e-6) - adaptive(lambda t: y * t, 0.0, 1.0, 1e-6)

    assert rg.grad(f, wrt=(0, 1))(2.0, 3.0) == pytest.approx((1 / 3, -1 / 2))


def test_a_captured_name_may_be_bound_anew_between_two_calls() -> None:
    def f(x):
        scale = x

        def go(y, n):
            return y if n == 0 else go(y * scale, n - 1)

        first = go(x, 2)
        scale = x * x
        return first + go(x, 2)

    assert rg.value_and_grad(f)(1.5) == pytest.approx((1.5**3 + 1.5**5, 3 * 1.5**2 + 5 * 1.5**4))


def test_lengths_that_a_callee_makes_are_each_calls_own() -> None:
    """T1: two calls that select differently many entries do not share a length."""

    def chosen(x, limit, n):
        return x[x > limit] if n == 0 else chosen(x * 1.0, limit, n - 1)

    def f(x):
        low, high = chosen(x, 0.0, 1), chosen(x, 1.0, 1)
        return np.sum(low * high) + np.sum(low)

    x = np.array([-1.0, 0.5, 2.0])
    oracle.assert_close(rg.grad(f)(x), oracle.gradient(f, (x,)))


def picked(x, limit):
    a = x * 1.5
    b = a - limit
    c = b * b
    d = c + a
    e = np.sin(d)
    f = e * x
    g = f + a
    h = g * 0.5
    i = h - b
    j = i * i
    k = j + x
    if np.sum(k) < 0.0:
        raise ValueError("never")
    return k[x > limit]


def test_lengths_that_a_long_function_makes_are_each_calls_own() -> None:
    def f(x, limits):
        low, high = picked(x, limits[0]), picked(x, limits[1])
        return np.sum(low * high) + np.sum(low)

    args = (np.array([-1.0, 0.5, 2.0]), (0.0, 1.0))
    assert rg.source(rg.grad(f), *args).count("def picked_primal(") == 1
    oracle.assert_close(rg.grad(f)(*args), oracle.gradient(f, args, wrt=0))


def test_a_long_function_may_return_what_it_is_given() -> None:
    """M1: what is written through the result is written to the argument."""

    def f(u, x):
        v = handed_back(u, x)
        w = handed_back(u * 2.0, x * x)
        v[0] = x * w[1]
        return np.sum(u * w)

    args = (np.array([0.3, 0.7]), 1.3)
    oracle.assert_close(np.array([rg.grad(f, wrt="x")(*copy.deepcopy(args))]), oracle.gradient(f, args, wrt=1))


def handed_back(u, x):
    a = x * x
    b = a + 1.0
    c = np.sin(b)
    d = c * a
    e = d * 2.0
    f = e + c
    g = f * x
    h = g - a
    i = h * h
    if i < 0.0:
        raise ValueError("never")
    return u


def test_a_recursion_that_changes_its_argument_is_refused() -> None:
    def drain(u, total):
        if u[0] < 0.1:
            return total
        u[0] *= 0.5
        return drain(u, total + u[0] * u[1])

    with pytest.raises(UnsupportedSyntax, match="recursion in .*drain.*changes what it is given"):
        rg.grad(drain)(np.array([1.0, 2.0]), 0.0)
