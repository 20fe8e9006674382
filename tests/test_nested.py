"""Are derivatives taken inside a differentiated function right, in both modes and to any order? (H1, H3)

The reference is always numeric: Richardson differences of the outer function, run as plain Python, where the inner
derivative is this library's own; and where a closed form is stated, differences of that too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import ArgumentError, DifferentiationError, UnsupportedSyntax
from tests import oracle
from tests.test_zoo import REQUIRED, is_scalar, one_in, plain, rng_of
from tests.test_zoo import wrt_of as wrt_of_program
from tests.zoo import Program

ROWS: list[Any] = []


def row(*args: Any, closed: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Enter a function with a derivative inside; ``closed`` is the same function without one."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        ROWS.append(pytest.param(function, args, closed, id=function.__name__))
        return function

    return enter


@row(1.5, closed=lambda x: 2 * x**3)
def the_captured_variable_counts(x):
    return x * rg.grad(lambda y: x * y * y)(x)


@row(0.7, 1.3, closed=lambda x, c: c * np.cos(x) * c * x)
def local_def(x, c):
    def inner(y):
        return c * np.sin(y)

    return rg.grad(inner)(x) * c * x


def quartic(y, scale=1.0):
    return scale * y**4


SLOPE = rg.grad(quartic)
BOTH = rg.value_and_grad(quartic, wrt=("y", "scale"))
PRODUCT = rg.hvp(quartic)
ENERGY = rg.differentiable(lambda x, k: k * np.sum(x**2))


@row(0.8, closed=lambda x: 4 * x**3 * x)
def global_function(x):
    return rg.grad(quartic)(x) * x


@row(0.8, 0.3, closed=lambda x, s: 4 * s * x**3 * x)
def prebuilt(x, s):
    return SLOPE(x, s) * x


@row(0.8, 0.3, closed=lambda x, s: s * x**4 * 4 * s * x**3 + x**4)
def prebuilt_value_and_grad(x, s):
    value, (y_bar, scale_bar) = BOTH(x, scale=s)
    return value * y_bar + scale_bar


@row(0.8, 0.3, 1.1, closed=lambda x, s, v: 12 * s * x**2 * v)
def prebuilt_hvp(x, s, v):
    return PRODUCT(x, s, v)


@row(np.array([0.5, -0.3]), 1.2, closed=lambda x, k: np.sum((2 * k * x) ** 2))
def of_a_differentiable_function(x, k):
    return np.sum(rg.grad(ENERGY, wrt="x")(x, k) ** 2)


@row(1.3, closed=lambda x: 6 * x * x)
def twice(x):
    return rg.grad(rg.grad(lambda y: y**3))(x) * x


@row(0.9, closed=lambda x: 24 * x * x)
def three_times(x):
    return rg.grad(rg.grad(rg.grad(lambda y: y**4)))(x) * x


@row(1.1, 0.4, closed=lambda x, c: 12 * c * x**5 + 0 * c)
def a_gradient_inside_a_gradient(x, c):
    def inner(y):
        return x * y * rg.grad(lambda z: c * z * z * y)(y)  # 2 c x y^3

    return rg.grad(inner)(x) * 2 * x * x


@row(1.3, closed=lambda x: 1.0 + 0 * x)
def perturbation_confusion(x):
    return rg.grad(lambda x: x * rg.grad(lambda y: x + y)(2.0))(x)


@row(0.7, closed=lambda x: x * x * 2)
def perturbation_confusion_in_forward_mode(x):
    def inner(a):
        return rg.jvp(lambda b: a * x * b, (a,), (1.0,))[1] * a

    return rg.grad(inner)(x) * 1.0


@row(1.4, 0.6, closed=lambda x, c: x * np.sin(c) * np.cos(x) + c)
def by_the_second_argument(x, c):
    def inner(a, y):
        return a * np.sin(y) * np.sin(c)

    return rg.grad(inner, wrt=1)(x, x) + c


@row(np.array([0.3, 0.5, -0.2]), closed=lambda x: np.sum((np.cos(x) * x) ** 2))
def of_arrays(x):
    return np.sum(rg.grad(lambda y: np.sum(np.sin(y) * x))(x) ** 2)


@row(np.array([[1.0, 0.2], [0.3, 2.0]]), np.array([0.4, -1.0]))
def of_matrices(a, x):
    g = rg.grad(lambda y: y @ a @ y + np.sum(np.exp(y)))(x)
    return g @ g


@row(0.9, 4, closed=lambda x, n: sum((i + 1) * 2 * x * x for i in range(n)))
def in_a_loop(x, n):
    total = 0.0
    for i in range(n):
        total = total + x * rg.grad(lambda y: (i + 1) * y * y)(x)
    return total


@row(0.9, 3)
def a_gradient_descent(x, n):
    """The inner derivative at values that the loop carries."""
    y = x
    for _ in range(n):
        y = y - 0.1 * rg.grad(lambda z: (z - x) ** 4 + z * z * x)(y)
    return y


@row(np.array([0.9, -0.4]), 3)
def a_gradient_descent_on_arrays(x, n):
    y = 2 * x
    for _ in range(n):
        y = y - 0.1 * rg.grad(lambda z: np.sum((z - x) ** 4 + z * z * x))(y)
    return np.sum(y)


@row(0.7, 1.5)
def in_a_branch(x, c):
    if x < 1:
        y = rg.grad(lambda z: c * z**3)(x)
    else:
        y = x
    return y * x


@row(0.7, 4)
def a_loop_inside(x, n):
    def inner(y):
        for _ in range(n):
            y = y + 0.3 * np.sin(y * x)
        return y

    return rg.grad(inner)(x) * x


@row(0.7, 5)
def a_while_loop_and_a_branch_inside(x, n):
    def inner(y):
        k = 0
        while k < n:
            if y > 0.9:
                y = y * x
            else:
                y = y + 0.2 * np.exp(y)
            k = k + 1
        return y

    return rg.grad(inner)(x) * x


@row(np.array([0.5, 0.2, -0.7]))
def a_store_inside(x):
    def inner(y):
        u = np.zeros_like(y)
        u[0] = y[0] * x[1]
        for i in range(1, len(y)):
            u[i] = u[i - 1] * y[i] + np.sin(y[i])
        return np.sum(u**2)

    g = rg.grad(inner)(x)
    return g @ x


@row({"w": np.array([0.5, 0.2]), "b": 0.3}, np.array([1.0, -2.0]))
def containers(params, x):
    def loss(p):
        return np.sum((p["w"] * x + p["b"]) ** 3)

    g = rg.grad(loss)(params)
    return np.sum(g["w"] ** 2) + g["b"] * params["b"]


@row((0.5, 0.2), 1.5)
def tuples_are_opened(pair, c):
    a, b = rg.grad(lambda p: c * p[0] ** 2 * p[1] ** 3)(pair)
    return a * b


@row(0.5, 0.2)
def several_arguments(a, b):
    f_a, f_b = rg.grad(lambda a, b: a**2 * b**3, wrt=(0, 1))(a, b)
    return f_a * f_b


@row(0.5)
def auxiliary_results(x):
    (value, extra), slope = rg.value_and_grad(lambda y: (y**3, y * x), has_aux=True)(x)
    slope2, extra2 = rg.grad(lambda y: (y**3, y * x), has_aux=True)(x)
    return value * extra + slope * slope2 * extra2


@row(0.8, 0.6, closed=lambda x, v: x**3 * 3 * x**2 * v)
def a_jvp(x, v):
    value, dot = rg.jvp(lambda y: y**3, (x,), (v,))
    return value * dot


@row(np.array([0.8, 0.1]), np.array([0.6, -1.0]), 0.5)
def a_jvp_of_two_arguments(x, v, c):
    value, dot = rg.jvp(lambda y, z: np.sin(y) * z * c, (x, 2.0), (v, c))
    return np.sum(value * dot)


@row(np.array([0.8, 0.1]), np.array([0.6, -1.0]))
def a_vjp(x, w):
    value, pullback = rg.vjp(lambda y: np.sin(y) * x, x)
    (y_bar,) = pullback(w * value)
    return np.sum(y_bar * value)


@row(np.array([0.8, 0.1]), 0.3)
def a_vjp_of_a_pair(x, c):
    (p, q), pullback = rg.vjp(lambda y, z: (np.sum(y * z), np.exp(y)), x, c)
    y_bar, z_bar = pullback((c, q))
    return np.sum(y_bar**2) + z_bar * p


@row(0.8, 0.3)
def dicts_in_another_order(x, c):
    value, pullback = rg.vjp(lambda y: {"a": y**2, "b": y**3 * c}, x)
    (first,) = pullback({"b": 0.5, "a": x})
    _, dot = rg.jvp(lambda p: p["a"] ** 2 * p["b"], ({"a": x, "b": c},), ({"b": 1.0, "a": x},))
    return first * value["b"] + dot


@row(np.array([0.3, -0.6]))
def a_store_after_the_inner_derivative(x):
    """The outer reverse sweep evaluates it again, with the old contents."""
    u = x * 1.0
    g = rg.grad(lambda y: np.sum(u * y**3))(x)
    u[0] = 5.0
    return np.sum(g * u)


@row(np.array([0.3, -0.6]))
def stores_on_both_sides(x):
    u = x * x
    u[1] = x[0]
    g = rg.grad(lambda y: np.sum(u * y**3))(x)
    u[0] = g[1]
    h = rg.grad(lambda y: np.sum(u * y**3))(u)
    return np.sum(g * u) + np.sum(h)


@row(np.array([0.3, -0.6]))
def a_store_into_the_argument_itself(x):
    def inner(y):
        y[0] = y[1] * x[0]
        return np.sum(y**3)

    u = x * 2
    g = rg.grad(inner)(u)
    return np.sum(g * u) + np.sum(rg.grad(inner)(x.copy()))


@row(np.array([0.3, -0.6]))
def a_cotangent_that_is_a_captured_array(x):
    g = rg.grad(lambda y: np.sum(x * y))(x)
    g[0] = x[1]
    return np.sum(g * x)


@row(np.array([0.3, -0.6]), 2)
def stores_in_a_loop(x, n):
    u = np.zeros(n)
    for i in range(n):
        u[i] = rg.grad(lambda y: np.sum(y**3) * x[0] + np.sum(u))(x)[1] * (i + 1)
    return np.sum(u**2)


@row(np.array([0.3, -0.6]), np.array([[1.0], [2.0], [0.5]]))
def broadcast_arguments(x, c):
    return np.sum(rg.grad(lambda y: np.sum((y * c) ** 2))(x) ** 2)


@row(np.array([0.5]), np.array([0.3, -0.6]))
def broadcast_from_length_one(x, c):
    return np.sum(rg.grad(lambda y: np.sum((y * c) ** 2))(x) ** 2)


@row(np.array([0.3, -0.6]), 3)
def a_pullback_in_a_loop(x, n):
    value, pullback = rg.vjp(lambda y: np.sin(y) * x, x)
    for _ in range(n):
        (value,) = pullback(value)
    return np.sum(value)


@row(0.8)
def an_early_return_inside(x):
    def inner(y):
        for _ in range(4):
            y = y * 1.5 * x
            if y > 1:
                return y * y
        return y

    return rg.grad(inner)(x)


@row(0.7)
def a_while_loop_on_the_value(x):
    def inner(y):
        while y < 3:
            y = y * 1.7
        return y * x

    return rg.grad(inner)(x) * 2


@row(0.6, 3)
def loops_at_every_level(x, n):
    def outer(z):
        def inner(y):
            for _ in range(n):
                y = y + 0.1 * np.sin(y * z)
            return y * x

        total = 0.0
        for _ in range(2):
            total = total + rg.grad(inner)(z) * z
        return total

    return rg.grad(outer)(x)


@row(np.array([0.3, -0.6]), 3)
def a_jacobian_in_a_loop(x, n):
    y = x
    for _ in range(n):
        j = rg.jacobian(lambda z: z**2 * x)(y)
        y = y - 0.05 * (j @ y)
    return np.sum(y)


@row(np.array([0.8, 0.1]), 0.7)
def a_jacobian(x, c):
    j = rg.jacobian(lambda y: np.array([y[0] * y[1], np.sin(y[0]) * c, y[1] ** 3]))(x)
    return np.sum(j**2)


@row(np.array([0.8, 0.1, -0.4]))
def a_hessian(x):
    h = rg.hessian(lambda y: np.sum(y**4) + y[0] * y[1] * y[2])(x)
    return np.sum(h * h)


@row(0.8)
def a_scalar_hessian(x):
    return rg.hessian(lambda y: y**5)(x) * x


@row(np.array([0.8, 0.1]), np.array([0.3, 0.9]))
def an_hvp(x, v):
    return np.sum(rg.hvp(lambda y: np.sum(y**4) * y[0])(x, v * x) ** 2)


@row(0.7, 1.2)
def through_a_helper(x, c):
    def newton(f, start):
        y = start
        for _ in range(3):
            y = y - f(y) / rg.grad(f)(y)
        return y

    return newton(lambda y: y**3 - x * c, 1.0)


@row(np.array([0.3, -0.6]), 0.9)
def the_result_is_written_to(x, c):
    g = rg.grad(lambda y: np.sum(c * y**3))(x)
    g[0] = g[1] * c
    return np.sum(g * x)


def wrt_of(args: tuple[Any, ...]) -> tuple[int, ...]:
    return oracle.float_arguments(args)


@pytest.mark.parametrize(("function", "args", "closed"), ROWS)
class TestEveryRow:
    def test_reverse_mode(self, function: Any, args: Any, closed: Any) -> None:
        wrt = wrt_of(args)
        value, bars = rg.value_and_grad(function, wrt=wrt)(*args)
        assert np.allclose(value, function(*args), rtol=1e-13, atol=0)
        found = np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])
        oracle.assert_close(found, oracle.gradient(function, args, wrt, 1.0))
        if closed is not None:
            assert np.isclose(value, closed(*args), rtol=1e-12)
            oracle.assert_close(found, oracle.gradient(closed, args, wrt, 1.0))

    def test_forward_mode(self, function: Any, args: Any, closed: Any) -> None:
        wrt, rng = wrt_of(args), np.random.default_rng(0)
        direction = tuple(oracle.random_like(args[i], rng) for i in wrt)
        value, dot = rg.jvp(function, args, direction, wrt=wrt)
        assert np.allclose(value, function(*args), rtol=1e-13, atol=0)
        oracle.assert_close(np.array([dot]), oracle.directional(function, args, direction, wrt))

    def test_second_order(self, function: Any, args: Any, closed: Any) -> None:
        wrt, rng = wrt_of(args), np.random.default_rng(0)
        direction = tuple(oracle.random_like(args[i], rng) for i in wrt)
        gradient = rg.grad(function, wrt=wrt)

        def flat(*values: Any) -> np.ndarray:
            bars = gradient(*values)
            return np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])

        found = rg.hvp(function, wrt=wrt)(*args, direction)
        vector = [oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, found, strict=True)]
        oracle.assert_close(np.concatenate(vector), oracle.directional(flat, args, direction, wrt), rtol=1e-6)

    def test_arguments_are_unchanged(self, function: Any, args: Any, closed: Any) -> None:
        kept = oracle.map_leaves(np.copy, args)
        value, pullback = rg.vjp(function, *args, wrt=wrt_of(args))
        first = oracle.map_leaves(np.copy, pullback(1.0))
        assert oracle.flat(args).tolist() == oracle.flat(kept).tolist()
        assert oracle.flat(pullback(1.0)).tolist() == oracle.flat(first).tolist()


# -- derivatives of derivatives, from outside -------------------------------------------------------------


def test_derivatives_of_derivatives() -> None:
    x = 0.7
    assert np.isclose(rg.grad(rg.grad(lambda y: y**5))(x), 20 * x**3)
    assert np.isclose(rg.grad(rg.grad(rg.grad(lambda y: y**5)))(x), 60 * x**2)
    assert np.isclose(rg.jvp(rg.grad(lambda y: y**5), (x,), (1.0,))[1], 20 * x**3)
    np.testing.assert_allclose(rg.jacobian(rg.grad(lambda y: np.sum(y**3)))(np.array([1.0, 2.0])), np.diag([6.0, 12.0]))
    assert np.isclose(rg.grad(rg.hvp(lambda y: y**5))(x, 2.0), 120 * x**2)
    h = rg.hessian(lambda y: np.sum(y**3 * y[0]))
    np.testing.assert_allclose(rg.jacobian(rg.grad(lambda y: np.sum(y**3 * y[0])))(np.array([1.0, 2.0])), h(np.array([1.0, 2.0])))


def test_a_decorated_gradient() -> None:
    @rg.grad
    def slope(y):
        return y**4

    assert np.isclose(rg.grad(lambda x: slope(x) * x)(0.5), 16 * 0.5**3)


def test_stop_gradient_stops_every_derivative() -> None:
    def h(x):
        return rg.grad(lambda y: y * rg.stop_gradient(y) * x)(x) * x

    estimate = oracle.gradient(lambda x, held: held * x * x, (0.7, 0.7), (0,), 1.0)
    oracle.assert_close(np.array([rg.grad(h)(0.7)]), estimate)


# -- what is refused, and how -----------------------------------------------------------------------------


def test_effects_inside_are_refused_by_name() -> None:
    def noisy(x):
        def inner(y):
            print(y)
            return y * y

        return rg.grad(inner)(x)

    with pytest.raises(UnsupportedSyntax, match=r"test_nested.py:\d+: print inside .* more than once"):
        rg.grad(noisy)(1.0)


def test_random_numbers_inside_are_refused_by_name() -> None:
    def noisy(x):
        return rg.grad(lambda y: y * np.random.normal())(x)

    with pytest.raises(UnsupportedSyntax, match="normal inside"):
        rg.grad(noisy)(1.0)


def test_a_store_to_a_captured_array_is_refused() -> None:
    def storing(x):
        u = np.zeros(2)

        def inner(y):
            u[0] = y
            return y * u[0]

        return rg.grad(inner)(x)

    with pytest.raises(DifferentiationError, match="changes u, a variable from outside"):
        rg.grad(storing)(1.0)


def test_integers_and_vectors_are_refused() -> None:
    with pytest.raises(ArgumentError, match="to differentiate is an int"):
        rg.grad(lambda x: x * rg.grad(lambda y: y * y)(2))(1.0)
    with pytest.raises(ArgumentError, match="not a scalar"):
        rg.grad(lambda x: np.sum(rg.grad(lambda y: y * y)(x)))(np.ones(2))


def test_the_emitted_text_reads_well() -> None:
    def h(x):
        slope = rg.grad(lambda y: x * y * y)(x)
        return slope * x

    gradient = rg.grad(h)
    assert gradient(1.5) == 13.5
    assert "tape" not in rg.source(gradient)


# -- the zoo --------------------------------------------------------------------------------------------------

SMOOTH = [p for p in REQUIRED if p.smooth and is_scalar(plain(p))]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@one_in(2, SMOOTH)
def test_the_gradient_of_every_program_is_differentiated(program: Program) -> None:
    """``vjp`` and ``jvp`` of ``rg.grad(f)`` along ``v`` are both the Hessian along ``v``."""
    wrt, rng = wrt_of_program(program), rng_of(program)
    direction = tuple(oracle.random_like(program.args[i], rng) for i in wrt)
    gradient = rg.grad(program.function, wrt=wrt)
    if runs_once_only(gradient, program):
        pytest.skip("it acts on the world, and is refused by name (H3)")
    expected = rg.hvp(program.function, wrt=wrt)(*program.fresh_args(), direction)
    along = tuple(without_ints(program.args[i], d) for i, d in zip(wrt, direction, strict=True))
    value, pullback = rg.vjp(gradient, *program.fresh_args(), wrt=wrt)
    _, dots = rg.jvp(gradient, program.fresh_args(), direction, wrt=wrt)
    want = stacked(program, wrt, expected)
    np.testing.assert_allclose(stacked(program, wrt, pullback(along)), want, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(stacked(program, wrt, dots), want, rtol=1e-9, atol=1e-9)
    again = gradient(*program.fresh_args())
    np.testing.assert_allclose(stacked(program, wrt, value), stacked(program, wrt, again), rtol=1e-12, atol=1e-12)


def runs_once_only(gradient: Any, program: Program) -> bool:
    try:
        rg.vjp(gradient, *program.fresh_args(), wrt=wrt_of_program(program))
    except UnsupportedSyntax as refusal:
        return "would run more than once" in str(refusal)
    return False


def stacked(program: Program, wrt: Any, bars: Any) -> np.ndarray:
    return np.concatenate([oracle.cotangent_vector(program.args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


def without_ints(tree: Any, direction: Any) -> Any:
    return oracle.map_leaves(lambda leaf, d: d if oracle.is_float(leaf) else None, tree, direction)
