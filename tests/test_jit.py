"""Is a compiled derivative the interpreted one, or else refused by line?

Four programs must compile at every size; of the zoo, whatever compiles must agree.  Values are those of `njit(f)` to
the last bit; gradients of the named programs are held against differences of the plain function.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
import pytest

import retrograd as rg
from examples import lotka_volterra
from retrograd.runtime import jitted, numerics
from retrograd.runtime.errors import CompilationFailed, DifferentiationError, MissingExtra
from retrograd.transformer import jit
from tests import oracle
from tests.golden import euler, rk4, rosenbrock, simulate
from tests.test_zoo import gradient_of, is_scalar, one_in, plain, rng_of, vector, wrt_of
from tests.zoo import PROGRAMS, Program

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::numba.core.errors.NumbaPerformanceWarning"),
]


def jitted_alone(f: Any) -> Any:
    """`njit(f)`, and of the functions it calls, as a user would write it."""
    scope = dict(f.__globals__)
    scope.update({
        name: jitted_alone(scope[name])
        for name in f.__code__.co_names
        if isinstance(scope.get(name), FunctionType) and scope[name].__module__ == f.__module__
    })  # fmt: skip
    alone = FunctionType(f.__code__, scope, f.__name__, f.__defaults__, f.__closure__)
    return numba.njit(error_model="numpy")(alone)


# -- the programs that must compile -----------------------------------------------------------------------

SERIES = np.random.default_rng(0).uniform(1.0, 3.0, (2, 5))
NAMED = [
    *(pytest.param(simulate.simulate, (0, 1), (0.7, 1.2, n), id=f"simulate-{n}") for n in (-1, 0, 1, 2, 9)),
    *(pytest.param(rosenbrock.rosenbrock, (0,), rosenbrock.args(n), id=f"rosenbrock-{n}") for n in (1, 2, 3, 10)),
    *(pytest.param(euler.euler, (0, 1), (0.9, 0.2, 0.1, n), id=f"euler-{n}") for n in (0, 1, 2, 10)),
    *(pytest.param(rk4.rk4, (0, 1, 2), (0.9, 0.4, 0.3, 0.1, n), id=f"rk4-{n}") for n in (0, 1, 10)),
    *(
        pytest.param(
            lotka_volterra.loss, (0,), (np.log([0.5, 0.02, 0.8, 0.02, 2.0, 1.0, 0.5]), *SERIES[:, :n]), id=f"lotka-{n}"
        )
        for n in (0, 1, 5)
    ),
]


@pytest.mark.parametrize(("f", "wrt", "args"), NAMED)
def test_the_named_programs_compile_and_are_right(f: Any, wrt: tuple[int, ...], args: tuple[Any, ...]) -> None:
    value, bars = rg.value_and_grad(f, wrt=wrt, jit=True)(*args)
    assert oracle.bit_equal(value, jitted_alone(f)(*args))
    oracle.assert_close(vector(args, wrt, bars), oracle.gradient(f, args, wrt), what=f.__name__)


def test_tapes_are_arrays_where_the_trip_count_is_known() -> None:
    text = source_of(simulate.simulate, (0, 1), (0.7, 1.2, 3))
    assert "x_tape = np.empty(max(n, 0))" in text and "range(n - 1, -1, -1)" in text
    nested = source_of(lotka_volterra.loss, 0, (np.zeros(7), *SERIES))
    assert "np.empty((" in nested and ".append(" not in nested


def test_tapes_are_lists_where_it_is_not() -> None:
    def newton(a: float) -> float:
        x = a
        while abs(x * x - a) > 1e-12 * a:
            x = 0.5 * (x + a / x)
        return x

    assert "x_tape.append(x)" in source_of(newton, 0, (2.0,))
    agrees(newton, (2.0,))


def source_of(f: Any, wrt: Any, args: tuple[Any, ...]) -> str:
    made = rg.value_and_grad(f, wrt=wrt, jit=True)
    made(*args)
    return str(rg.source(made))


def agrees(f: Any, args: tuple[Any, ...], rtol: float = 1e-9) -> tuple[Any, Any]:
    """Value and gradient with and without Numba are the same; returns those with it."""
    value, bar = rg.value_and_grad(f, jit=True)(*args)
    expected, expected_bar = rg.value_and_grad(f)(*args)
    np.testing.assert_allclose(value, expected, rtol=rtol)
    np.testing.assert_allclose(bar, expected_bar, rtol=rtol, atol=rtol)
    assert np.shape(bar) == np.shape(args[0]) and np.asarray(bar).dtype == np.asarray(args[0]).dtype
    return value, bar


# -- loops of every kind ----------------------------------------------------------------------------------


def strided(x: Any, n: int) -> Any:
    for i in range(7, n, -2):
        for k in range(2, i):
            x = x + 0.01 * np.sin(x * k) * i
    return x


def triangle(x: Any, n: int) -> Any:
    for i in range(n):
        for k in range(i):
            x = x + 0.1 * np.sin(x) * k
    return x


def leaves_early(x: Any, n: int) -> Any:
    for i in range(n):
        x = x * np.exp(0.1 * x)
        if x > 3.0:
            break
    return x


def reads_elements(x: Any, n: int) -> Any:
    s = 1.0
    for a in x[:n]:
        s = np.sin(s * a) + a
    return s


def rebinds_the_bound(x: Any, n: int) -> Any:
    for i in range(n):
        x = np.sin(x) * (i + 1)
        n = 1
    return x


def records_in_a_branch(x: Any, n: int) -> Any:
    for i in range(n):
        if i % 2:
            y = np.sin(x)
            x = x + y * y
        else:
            x = x * 0.9
    return x


@pytest.mark.parametrize("n", [-3, 0, 1, 2, 5])
@pytest.mark.parametrize("f", [strided, triangle, leaves_early, rebinds_the_bound, records_in_a_branch])
def test_loops_agree_at_every_length(f: Any, n: int) -> None:
    agrees(f, (0.8, n))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_loops_over_elements_agree(n: int) -> None:
    agrees(reads_elements, (np.linspace(0.2, 1.0, 4), n))


# -- the zoo ----------------------------------------------------------------------------------------------


SCALAR = [p for p in PROGRAMS if is_scalar(plain(p))]
OTHERS = [p for p in PROGRAMS if not is_scalar(plain(p))]


def attempt(call: Any) -> Any:
    """What a call returns; not to be differentiated, or compiled, is allowed if it is said."""
    try:
        return call()
    except CompilationFailed as refusal:
        assert "jit=True" in refusal.remedy
        pytest.xfail(f"not compiled: {refusal.message}")
    except DifferentiationError as refusal:
        pytest.xfail(f"not differentiated at all: {refusal}")


@one_in(4, SCALAR)
def test_gradients_of_the_zoo_agree_or_are_refused(program: Program) -> None:
    wrt, args = wrt_of(program), program.fresh_args()
    expected = attempt(lambda: rg.value_and_grad(program.function, wrt=wrt)(*program.fresh_args()))
    value, bars = attempt(lambda: rg.value_and_grad(program.function, wrt=wrt, jit=True)(*args))
    np.testing.assert_allclose(oracle.flat(value), oracle.flat(plain(program)), rtol=1e-12)
    np.testing.assert_allclose(vector(args, wrt, bars), vector(args, wrt, expected[1]), 1e-9, 1e-12)
    assert oracle.bit_equal(args, program.args), "an argument was changed"


@one_in(4, [*OTHERS, *SCALAR[::6]])
def test_pullbacks_of_the_zoo_agree_or_are_refused(program: Program) -> None:
    wrt, seed = wrt_of(program), oracle.random_like(plain(program), rng_of(program))
    _, expected = attempt(lambda: gradient_of(program, program.args, seed))

    def compiled() -> tuple[Any, Any, Any]:
        value, pullback = rg.vjp(program.function, *program.fresh_args(), wrt=wrt, jit=True)
        return value, pullback(seed), pullback(seed)

    value, bars, again = attempt(compiled)
    np.testing.assert_allclose(oracle.flat(value), oracle.flat(plain(program)), rtol=1e-12)
    np.testing.assert_allclose(vector(program.args, wrt, bars), vector(program.args, wrt, expected), 1e-9, 1e-12)
    assert oracle.bit_equal(again, bars), "a second pullback differs"


# -- other arguments, other modes -------------------------------------------------------------------------


def wave(x: Any, c: Any) -> Any:
    return np.sum(c * np.sin(x) ** 2) / 3


def power(x: Any, c: Any) -> Any:
    return np.sum(np.abs(x * c) ** 2)


def entries(x: Any) -> Any:
    return np.sin(x) * x


X = np.random.default_rng(1).uniform(0.5, 2.0, 6)


@pytest.mark.parametrize("x", [X, X[::2], X[::-1], X[:0], X[:1], X.reshape(2, 3).T, X.astype(np.float32)], ids=str)
@pytest.mark.parametrize("c", [2.0, 2, np.float32(2)], ids=repr)
def test_layouts_and_dtypes(x: Any, c: Any) -> None:
    agrees(wave, (x, c), rtol=1e-9 if np.float32 not in (x.dtype, type(c)) else 1e-5)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_complex_arguments(dtype: Any) -> None:
    agrees(power, ((X + 1j * X[::-1]).astype(dtype), 1.5), rtol=1e-5)


def test_another_dtype_after_the_first_call() -> None:
    gradient = rg.grad(wave, jit=True)
    assert gradient(X, 2.0).dtype == float
    assert gradient(X.astype(np.float32), 2.0).dtype == np.float32
    np.testing.assert_allclose(gradient(X[::2], 2.0), rg.grad(wave)(X[::2], 2.0))


def test_pushforwards_and_second_derivatives() -> None:
    v = X[::-1].copy()
    np.testing.assert_allclose(rg.jvp(wave, (X, 2.0), (v, 0.5), jit=True), rg.jvp(wave, (X, 2.0), (v, 0.5)))
    np.testing.assert_allclose(rg.hvp(wave, jit=True)(X, 2.0, v), rg.hvp(wave)(X, 2.0, v))
    np.testing.assert_allclose(rg.hessian(wave, jit=True)(X, 2.0), rg.hessian(wave)(X, 2.0))
    np.testing.assert_allclose(rg.jacobian(entries, jit=True)(X), rg.jacobian(entries)(X))


def test_containers_come_back_as_they_are() -> None:
    def model(p: Any, x: Any) -> Any:
        return np.sum(np.tanh(p["layers"][0] @ x + p["b"])), {"size": p["n"] * 2}

    p = {"layers": [np.ones((2, 6))], "b": np.zeros(2), "n": 3, "name": "net"}
    (value, aux), bar = rg.value_and_grad(model, has_aux=True, jit=True)(p, X)
    (expected, expected_aux), expected_bar = rg.value_and_grad(model, has_aux=True)(p, X)
    assert aux == expected_aux and list(bar) == list(p) and bar["n"] is None and bar["name"] is None
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(bar["layers"][0], expected_bar["layers"][0])


# -- functions that are jitted already --------------------------------------------------------------------


@numba.njit
def damped(x: Any, c: Any) -> Any:
    return x * np.exp(-c * x)


@numba.njit(fastmath=True)
def total(x: Any, c: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        s += damped(x[i], c)
    return s


def test_a_jitted_function_that_calls_another() -> None:
    value, bar = agrees(total, (X, 0.5))
    np.testing.assert_allclose(value, total(X, 0.5))
    assert jit.options_of(total, True)["fastmath"], "the function's own options are kept"


def test_options_of_numba() -> None:
    assert jit.options_of(wave, {"boundscheck": False}) == {"boundscheck": False, "error_model": "numpy"}
    np.testing.assert_allclose(rg.grad(wave, jit={"boundscheck": False})(X, 2.0), rg.grad(wave)(X, 2.0))


# -- what NumPy does and Numba does not -------------------------------------------------------------------


def smear(x: Any) -> Any:
    u = x.copy()
    u[1:] += u[:-1]
    return np.sum(u**2)


def mirror(x: Any) -> Any:
    u = x * 1.0
    u += u[::-1]
    return np.sum(u**3)


def centred_softmax(x: Any) -> Any:
    z = x.reshape(2, 3)
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return np.sum(np.log(p[:, 0])) + np.mean(z, axis=0)[1] + np.var(z, axis=-1)[0]


def twice_the_same_entry(x: Any) -> Any:
    rows, columns = np.array([0, 0, 1]), np.array([1, 1, 2])
    return np.sum(x.reshape(2, 3)[rows, columns] ** 2) + np.sum(x[np.array([0, 0, 5])])


@pytest.mark.parametrize("f", [smear, mirror, centred_softmax, twice_the_same_entry])
def test_it_means_what_numpy_means(f: Any) -> None:
    agrees(f, (X,))


# -- refusals and failures --------------------------------------------------------------------------------


def with_einsum(x: Any) -> Any:
    y = x * 2.0
    return np.einsum("i,i->", y, y)


def test_what_numba_cannot_compile_is_said_by_line() -> None:
    with pytest.raises(CompilationFailed, match="einsum") as raised:
        rg.grad(with_einsum, jit=True)(X)
    where, line = raised.value.where, with_einsum.__code__.co_firstlineno + 2
    assert (where.file, where.line) == (__file__, line) and "Leave out jit=True" in str(raised.value)
    assert isinstance(raised.value, RuntimeError)
    np.testing.assert_allclose(rg.grad(with_einsum)(X), 8 * X)


def past_the_end(x: Any, n: int) -> Any:
    s = 0.0
    for i in range(n):
        s += x[i] ** 2
    return s


def test_an_index_out_of_range_is_an_error() -> None:
    with pytest.raises(IndexError) as raised:
        rg.grad(past_the_end, jit=True)(X, 7)
    assert "jit=True" in raised.value.__notes__[0]


def only_positive(x: Any) -> Any:
    if x < 0:
        raise ValueError("negative")
    return x * x


def test_the_users_errors_name_the_users_line() -> None:
    with pytest.raises(ValueError, match="negative") as raised:
        rg.grad(only_positive, jit=True)(-1.0)
    assert raised.value.__notes__ == [
        f'{__file__}:{only_positive.__code__.co_firstlineno + 2}: raise ValueError("negative")'
    ]


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    jit.numba.cache_clear()
    with pytest.raises(MissingExtra, match=r"retrograd\[jit\]"):
        rg.grad(simulate.simulate, jit={"nogil": True})(0.7, 1.2, 3)


# -- the cache --------------------------------------------------------------------------------------------

ONCE = """
import retrograd as rg
from tests.golden.euler import euler
made = rg.value_and_grad(euler, wrt=("rate", "start"), jit=True)
made(0.9, 0.2, 0.1, 5)
print(sum(made._entries[0].run.dispatcher.stats.cache_hits.values()))
"""


def hits(cache: Path) -> int:
    root = str(Path(__file__).parent.parent)
    ran = subprocess.run(
        [sys.executable, "-c", ONCE], capture_output=True, text=True, check=True, cwd=root,
        env={**os.environ, "RETROGRAD_CACHE": str(cache), "PYTHONPATH": root},
    )  # fmt: skip
    return int(ran.stdout)


def test_a_second_process_finds_the_machine_code(tmp_path: Path) -> None:
    assert hits(tmp_path) == 0
    (file,) = tmp_path.glob("*.py")
    assert file.read_text().startswith("def euler_value_and_grad(rate, start, h, n):")
    assert hits(tmp_path) == 1


def test_programs_that_call_what_may_change_are_not_cached() -> None:
    assert jit.is_library(np.sin) and jit.is_library(numerics.strong)
    assert not jit.is_library(damped) and not jit.is_library(wave) and not jit.is_library(np.ones(2))


# -- the functions that emitted code calls ----------------------------------------------------------------

M = np.arange(6.0).reshape(2, 3) - 2
HELPERS = {
    "strong": (lambda g, p: numerics.strong(g, p), (np.array([0.0, 1.0]), np.array([np.inf, 2.0]))),
    "strong of numbers": (lambda g, p: numerics.strong(g, p), (0.0, np.inf)),
    "quotient": (lambda x, y: numerics.quotient(x, y), (1.5, 0.0)),
    "divide_or_zero": (lambda g, z: numerics.divide_or_zero(g, z), (M, np.abs(M))),
    "divide_or_zero of inf": (lambda g, z: numerics.divide_or_zero(g, z), (np.array([np.inf, 1.0]), np.zeros(2))),
    "same": (lambda x, y: numerics.same(x, y), (np.array([1.0, np.nan]), np.array([1.0, np.nan]))),
    "reduced_exponent": (lambda x, y: numerics.reduced_exponent(x, y), (np.array([0.0, 2.0]), np.array([0.0, 0.0]))),
    "safe_log": (lambda x: numerics.safe_log(x), (np.array([0.0, 2.0]),)),
    "phase": (lambda x, m: numerics.phase(x, m), (M, np.abs(M))),
    "inside": (lambda x: numerics.inside(x, -1.0, 2.0), (M,)),
    "inside from below": (lambda x: numerics.inside(x, None, 2.0), (M,)),
    "inside from above": (lambda x: numerics.inside(x, -1.0, None), (M,)),
    "unbroadcast one axis": (lambda g, x: numerics.unbroadcast(g, x), (M, np.ones((2, 1)))),
    "unbroadcast a new axis": (lambda g, x: numerics.unbroadcast(g, x), (M, np.ones(3))),
    "unbroadcast both": (lambda g, x: numerics.unbroadcast(g, x), (M, np.ones(1))),
    "unbroadcast nothing": (lambda g, x: numerics.unbroadcast(g, x), (M, M)),
    "unbroadcast to a number": (lambda g, x: numerics.unbroadcast(g, x), (M, 1.0)),
    "unbroadcast to 0-d": (lambda g, x: numerics.unbroadcast(g, x), (M, np.array(1.0))),
    "unbroadcast complex": (lambda g, x: numerics.unbroadcast(g, x), (M + 1j, np.ones(3))),
    "broadcast_like": (lambda g, x: numerics.broadcast_like(g, x), (np.ones((2, 1)), M)),
    "broadcast_like a number": (lambda g, x: numerics.broadcast_like(g, x), (2.0, M)),
    "count": (lambda x: numerics.count(x), (M,)),
    "swap_last": (lambda x: numerics.swap_last(x), (M,)),
    "as_matrix": (lambda x: numerics.as_matrix(x), (2.0,)),
    "norm_partial": (lambda x, z: numerics.norm_partial(x, z), (np.zeros(2), 0.0)),
    "solve": (lambda a, b: numerics.solve(a, b, 1), (M[:, :2], np.ones(2))),
    "outer_last": (lambda x, y: numerics.outer_last(x, y, 1), (np.arange(2.0), np.arange(3.0))),
    "outer_last of matrices": (lambda x, y: numerics.outer_last(x, y, 2), (M, M)),
    "gather": (lambda a, r, c: jitted.gather(a, (r, c)), (M, np.array([0, 1]), np.array([2, -1]))),
    "gather one row": (lambda a, c: jitted.gather(a, (1, c)), (M, np.array([2, 2]))),
    "sum_along": (lambda a: jitted.sum_along(a, -1, True), (M,)),
    "sum_along of flags": (lambda a: jitted.sum_along(a, 0, False), (M > 0,)),
    "mean_along": (lambda a: jitted.mean_along(a, 0, False), (M,)),
    "mean_along of integers": (lambda a: jitted.mean_along(a, 0, False), (M.astype(int),)),
    "mean_along of a vector": (lambda a: jitted.mean_along(a, 0, True), (M[0],)),
    "prod_along": (lambda a: jitted.prod_along(a, 1, False), (M,)),
    "max_along": (lambda a: jitted.max_along(a, 1, True), (M,)),
    "min_along": (lambda a: jitted.min_along(a, 0, False), (M.astype(np.float32),)),
    "var_along": (lambda a: jitted.var_along(a, 1, False), (M + 1j * M[::-1],)),
    "std_along": (lambda a: jitted.std_along(a, 1, False), (M,)),
}  # fmt: skip


@pytest.mark.parametrize("name", HELPERS)
@pytest.mark.filterwarnings("ignore")
def test_compiled_helpers_mean_what_they_say(name: str) -> None:
    helper, args = HELPERS[name]
    jit.numba()
    expected, found = helper(*args), numba.njit(error_model="numpy")(helper)(*args)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert np.shape(found) == np.shape(expected) and np.asarray(found).dtype == np.asarray(expected).dtype


ADDITIONS = {
    "rows": (M, np.array([0, 0, 1]), np.arange(9.0).reshape(3, 3)),
    "a row spread": (M, np.array([0, 0, 1]), np.arange(3.0)),
    "a number": (M, np.array([0, 0, -1]), 2.0),
    "one row": (M, 1, np.arange(3.0)),
    "pairs": (M, (np.array([0, 0, 1]), np.array([1, 1, 2])), np.arange(3.0)),
    "pairs with a number": (M, (np.array([0, 0, 1]), np.array([1, 1, 2])), 5.0),
    "pairs in one row": (M, (1, np.array([1, 1, 2])), np.arange(3.0)),
    "pairs spread": (M, (np.array([1]), np.array([1, 1, 2])), np.arange(3.0)),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_additions_count_repeated_indices(name: str) -> None:
    a, key, g = ADDITIONS[name]
    expected, found = a.copy(), a.copy()
    jitted.add_at(expected, key, g)
    jit.numba()
    numba.njit(lambda a, key, g: jitted.add_at(a, key, g))(found, key, g)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
