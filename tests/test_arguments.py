"""Which arguments is a derivative taken by, when they are counted, named, or taken by ``*args``?"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import AliasedMutation, ArgumentError
from tests import oracle


def weighted(*xs: Any) -> Any:
    return xs[0] * xs[1] ** 2


def scaled(a: Any, b: Any = 2.0, *xs: Any, k: float = 1.0) -> Any:
    total = a * b
    for x in xs:
        total = total + x * a
    return total * k


@pytest.mark.parametrize(("wrt", "expected"), [(0, 9.0), (1, 12.0), (-1, 12.0), ((0, 1), (9.0, 12.0)), ("xs", (9.0, 12.0))])
def test_numbers_count_what_args_take(wrt: Any, expected: Any) -> None:
    assert rg.grad(weighted, wrt=wrt)(2.0, 3.0) == expected
    assert rg.value_and_grad(weighted, wrt=wrt)(2.0, 3.0) == (18.0, expected)


def test_every_mode_counts_alike() -> None:
    assert rg.grad(weighted)(2.0, 3.0) == 9.0
    assert rg.vjp(weighted, 2.0, 3.0)[1](1.0) == rg.vjp(weighted)(2.0, 3.0)[1](1.0) == (9.0, 12.0)
    assert rg.vjp(weighted, 2.0, 3.0, wrt=1)[1](1.0) == (12.0,)
    assert rg.vjp(weighted, 2.0, 3.0, wrt="xs")[1](1.0) == ((9.0, 12.0),)
    assert rg.jvp(weighted, (2.0, 3.0), (1.0, 1.0)) == (18.0, 21.0)
    assert rg.hvp(weighted, wrt=1)(2.0, 3.0, 1.0) == 4.0
    np.testing.assert_array_equal(rg.hessian(weighted, wrt=(0, 1))(2.0, 3.0), [[0.0, 6.0], [6.0, 4.0]])
    np.testing.assert_array_equal(rg.jacobian(lambda *x: x[0] * x[1], wrt=1)(np.ones(2), np.ones(2)), np.eye(2))


def test_parameters_before_and_behind_args() -> None:
    assert rg.grad(scaled)(3.0) == 2.0
    assert rg.grad(scaled, wrt=1)(3.0) == 3.0
    assert rg.grad(scaled, wrt=(0, 3))(3.0, 1.0, 4.0, 5.0, k=2.0) == (20.0, 6.0)
    assert rg.grad(scaled, wrt="b")(3.0, 1.0, 4.0, 5.0) == 3.0


def test_a_number_beyond_the_arguments_is_refused() -> None:
    with pytest.raises(ArgumentError, match="wrt=2: weighted has 2 parameters"):
        rg.grad(weighted, wrt=2)(2.0, 3.0)


def test_inside_a_differentiated_function() -> None:
    def f(x: Any) -> Any:
        return x * rg.grad(weighted, wrt=1)(x, 3.0)

    assert rg.grad(f)(2.0) == 24.0


def test_as_decorators_and_as_source() -> None:
    @rg.value_and_grad(wrt=(0, 1))
    def total(*v: Any) -> Any:
        return sum(v) * v[0]

    assert total(1.0, 2.0, 3.0) == (6.0, (7.0, 1.0))
    assert "xs_1_bar" in rg.source(rg.grad(weighted, wrt=1), 2.0, 3.0)


def test_methods_and_parameters_of_the_same_name() -> None:
    class Model:
        scale = 3.0

        def loss(self, *xs: Any) -> Any:
            return self.scale * xs[0] * xs[1]

    def clash(xs_0: Any, *xs: Any) -> Any:
        return xs_0 * xs[0]

    assert rg.grad(Model().loss, wrt=1)(2.0, 5.0) == 6.0
    assert rg.grad(clash, wrt=1)(2.0, 5.0) == 2.0


# -- what may be differentiated ---------------------------------------------------------------------------


class Cubic:
    def __init__(self, w: float) -> None:
        self.w = w

    def __call__(self, x: float) -> float:
        return self.w * x**3

    def value(self, x: float) -> float:
        return self.w * x**3


def test_partials_methods_and_objects_that_can_be_called() -> None:
    cubic = Cubic(2.0)
    assert rg.grad(functools.partial(scaled, 3.0), wrt="b")(b=1.0) == 3.0
    for f in (cubic, cubic.value, functools.partial(Cubic.value, cubic), lambda x: cubic(x)):
        assert rg.grad(f)(1.5) == 13.5
    df = rg.grad(cubic)
    assert df(1.0) == 6.0
    cubic.w = 5.0
    assert df(1.0) == 15.0


@pytest.mark.parametrize("what", [3.0, Cubic, max], ids=["number", "class", "builtin"])
def test_what_is_no_python_function_is_refused(what: Any) -> None:
    with pytest.raises(ArgumentError, match="is not a Python function"):
        rg.grad(what)


# -- functions and objects as arguments -------------------------------------------------------------------


def applied(f: Any, k: Any) -> Any:
    return k * f(2.0 * k)


FUNCTIONS = {
    "lambda": lambda x: x * x, "ufunc": np.sin, "math": math.exp, "partial": functools.partial(pow, 3.0), "object": Cubic(2.0),
    "method": Cubic(2.0).value, "builtin": abs, "derivative": rg.grad(lambda x: x**3),
}  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_as_arguments(f: Any) -> None:
    oracle.assert_close(np.array([rg.grad(applied, wrt="k")(f, 1.3)]), oracle.gradient(applied, (f, 1.3), wrt=1))
    value, tangent = rg.jvp(applied, (f, 1.3), (1.0,), wrt="k")
    oracle.assert_close(np.array([tangent]), oracle.gradient(applied, (f, 1.3), wrt=1))
    assert value == applied(f, 1.3)


def test_another_function_is_another_program() -> None:
    df = rg.grad(applied, wrt="k")
    assert [df(lambda x, n=n: x**n, 1.0) for n in (1, 2, 3)] == [4.0, 12.0, 32.0]


class Spring:
    def __init__(self, k: Any, rest: float, order: int = 2) -> None:
        self.k, self.rest, self.order = k, rest, order

    def energy(self, x: Any) -> Any:
        self.k = self.k * 2.0
        return np.sum(self.k * (x - self.rest) ** self.order)


def test_objects_as_arguments() -> None:
    """Gradients have the structure of the object; it is afterwards what it was (M6)."""
    spring = Spring(np.array([1.0, 2.0]), 0.5)
    bar, x_bar = rg.grad(lambda s, x: s.energy(x), wrt=(0, 1))(spring, 2.0)
    assert type(bar) is Spring
    np.testing.assert_allclose(bar.k, [4.5, 4.5])
    assert bar.rest == pytest.approx(-18.0)
    assert bar.order is None
    assert x_bar == pytest.approx(18.0)
    np.testing.assert_array_equal(spring.k, [1.0, 2.0])


@dataclasses.dataclass
class Box:
    x: Any


def changed_and_read(p: Any, q: Any, k: Any) -> Any:
    if isinstance(p, list):
        p[0] = 2 * p[0]
        return q[0] * k
    if isinstance(p, dict):
        p["x"] = 2 * p["x"]
        return q["x"] * k
    p.x = 2 * p.x
    return q.x * k


class Plain:
    def __init__(self) -> None:
        self.x = 3.0


@pytest.mark.parametrize("make", [lambda: [3.0], lambda: {"x": 3.0}, lambda: Box(3.0), Plain], ids=["list", "dict", "dataclass", "object"])
def test_one_container_as_two_arguments_may_not_be_changed(make: Any) -> None:
    """M1: the other name sees the change; a program for two containers would not."""
    one = make()
    df = rg.grad(changed_and_read, wrt="k")
    assert df(make(), make(), 1.0) == 3.0
    with pytest.raises(AliasedMutation, match="one container"):
        df(one, one, 1.0)


def test_an_array_and_an_object_that_holds_it_may_not_be_written() -> None:
    def f(box: Any, u: Any, k: Any) -> Any:
        u[0] = 5.0
        return box.x[0] * k

    u = np.ones(2)
    df = rg.grad(f, wrt="k")
    assert df(Box(np.ones(2)), u, 1.0) == 1.0
    with pytest.raises(AliasedMutation, match="share memory"):
        df(Box(u), u, 1.0)


def written_then_multiplied(u: Any) -> Any:
    u[0] = u[0] * 2.0
    return u @ u if u.ndim == 1 else np.sum(u @ u[0])


def written_in_a_list(us: Any) -> Any:
    us[0][0] = us[0][0] * 2.0
    return us[0] @ us[0] + us[1]


GRID = np.random.default_rng(0).standard_normal((200, 300))


@pytest.mark.parametrize("u", [GRID[0, ::3], GRID[0, ::-1], GRID[:, 5], GRID[:100:2, :150:3], GRID.T[:60:2, :90:3], GRID[:50, :50].T])
def test_a_written_argument_is_copied_as_it_is_laid_out(u: np.ndarray) -> None:
    """M6, law 2: how a product rounds depends on the strides of its operands."""
    before = u.copy()
    fresh = np.ndarray(u.shape, u.dtype, GRID.copy(), u.__array_interface__["data"][0] - GRID.__array_interface__["data"][0], u.strides)
    expected = written_then_multiplied(fresh)
    value, _ = rg.value_and_grad(written_then_multiplied)(u)
    assert value == expected
    assert rg.jvp(written_then_multiplied, (u,), (np.ones_like(u),))[0] == expected
    assert rg.vjp(written_then_multiplied, u)[0] == expected
    np.testing.assert_array_equal(u, before)


def test_so_is_one_in_a_list() -> None:
    u = GRID[0, ::3]
    value, _ = rg.value_and_grad(written_in_a_list)([u, 1.0])
    strided = np.repeat(u, 3)[::3]
    strided[0] *= 2.0
    assert value == strided @ strided + 1.0


def test_an_array_that_overlaps_itself_is_not_written() -> None:
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(5.0), 3, writeable=True)
    with pytest.raises(AliasedMutation, match="share memory with each other"):
        rg.grad(lambda w: written_then_multiplied(w[:, 0] * 1.0) + stored(w))(windows)


def stored(w: Any) -> Any:
    w[0, 1] = w[0, 0] * 3.0
    return np.sum(w)
