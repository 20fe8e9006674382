"""Is what was silently wrong elsewhere right here: value, both modes, every `wrt`, second order, call after call?

The rows are in tests/silent_wrong/.  The reference is the plain function under Richardson differences (O1).
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import retrograd as rg
import retrograd.torch_names as torch
from retrograd.runtime.errors import DifferentiationError
from retrograd.runtime.fallback import traced
from tests import oracle
from tests.silent_wrong import ITEMS, ROWS, Row
from tests.silent_wrong.gaps import NOT_YET

ANSWERED = [r for r in ROWS if not r.refused]
REFUSED = [r for r in ROWS if r.refused]

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def each(rows: list[Row]) -> Any:
    return pytest.mark.parametrize("row", [pytest.param(r, id=r.id, marks=gap(r.id)) for r in rows])


def gap(name: str) -> list[Any]:
    return [pytest.mark.xfail(reason="not yet right, see tests/silent_wrong/gaps.py")] if name in NOT_YET else []


def plain(row: Row, args: tuple[Any, ...] | None = None) -> Any:
    """The value, with what the function writes outside of its arguments taken back."""
    with np.errstate(all="ignore"), outside_kept(row):
        return row.function(*copy.deepcopy(row.args if args is None else args))


class outside_kept:  # noqa: N801  (used as a statement)
    """Globals and cells that the function writes are what they were, afterwards."""

    def __init__(self, row: Row) -> None:
        fn = row.function
        cells = [cell.cell_contents for cell in fn.__closure__ or ()]
        named = [v for v in vars(__import__(fn.__module__, fromlist=["_"])).values() if isinstance(v, (list, dict))]
        named += [v for v in fn.__globals__.values() if isinstance(v, np.ndarray)]
        self.arrays = [a for a in oracle.every_leaf([*cells, *named]) if isinstance(a, np.ndarray) and a.flags.writeable]

    def __enter__(self) -> outside_kept:
        self.before = [a.copy() for a in self.arrays]
        return self

    def __exit__(self, *_: object) -> None:
        for array, old in zip(self.arrays, self.before, strict=True):
            array[...] = old

    def changed(self) -> bool:
        return any(a.tobytes() != old.tobytes() for a, old in zip(self.arrays, self.before, strict=True))


def wrt_of(row: Row) -> tuple[int, ...]:
    return oracle.positions(row.function, row.args, row.wrt)


def every_wrt(row: Row) -> list[tuple[int, ...]]:
    """All arguments at once, and each alone."""
    together = wrt_of(row)
    return [together, *((i,) for i in together if len(together) > 1)]


def rng_of(row: Row) -> np.random.Generator:
    return np.random.default_rng(row.number)


def is_scalar(value: Any) -> bool:
    return oracle.is_float(value) and np.shape(value) == () and np.asarray(value).dtype.kind == "f"


def vector(row: Row, wrt: tuple[int, ...], bars: tuple[Any, ...]) -> np.ndarray:
    assert isinstance(bars, tuple) and len(bars) == len(wrt)
    return np.concatenate([oracle.cotangent_vector(row.args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


def is_single(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype == np.float32


def tolerance(row: Row) -> dict[str, float]:
    single = any(np.asarray(leaf).dtype == np.float32 for leaf in oracle.leaves(row.args))
    return {"rtol": 1e-4, "atol": 1e-4} if single else {}


def estimate(row: Row, wrt: tuple[int, ...], seed: Any) -> oracle.Estimate:
    """Differences of the function, in double precision."""
    args = oracle.map_leaves(lambda v: v.astype(np.float64) if is_single(v) else v, row.args)

    def function(*moved: Any) -> Any:
        return plain(row, moved)

    with np.errstate(all="ignore"):
        return oracle.gradient(function, args, wrt, seed)


def expected(row: Row, wrt: tuple[int, ...], seed: Any) -> oracle.Estimate:
    """The convention at a kink, differences elsewhere."""
    if not row.kink:
        return estimate(row, wrt, seed)
    known, at = np.asarray(row.gradient, float), 0
    parts = {}
    for i in wrt_of(row):
        width = oracle.flat(row.args[i]).size
        parts[i], at = known[at : at + width], at + width
    value = np.concatenate([parts[i] for i in wrt]) * oracle.flat(seed)
    return oracle.Estimate(value, np.zeros_like(value))


def test_every_kind_has_a_row() -> None:
    assert sorted({row.number for row in ROWS}) == list(ITEMS)


@each(ANSWERED)
def test_reverse_mode(row: Row) -> None:
    """Value to the bit, cotangents for every `wrt`, of the primal's shape and dtype; nothing outside is changed."""
    value = plain(row)
    seed = oracle.random_like(value, rng_of(row))
    for wrt in every_wrt(row):
        args, kept = row.fresh_args(), copy.deepcopy(seed)
        with outside_kept(row) as outside, quiet(row):
            found, pullback = rg.vjp(row.function, *args, wrt=wrt)
            bars = pullback(seed)
            assert not outside.changed(), "an array outside was changed"
        assert oracle.bit_equal(found, value), f"{found!r}, expected {value!r}"
        oracle.assert_close(vector(row, wrt, bars), expected(row, wrt, seed), what=f"reverse by {wrt}", **tolerance(row))
        assert oracle.bit_equal(args, row.args), "an argument was changed"
        assert oracle.bit_equal(seed, kept), "the seed was changed"
        assert_dtypes(row, wrt, bars)


def assert_dtypes(row: Row, wrt: tuple[int, ...], bars: tuple[Any, ...]) -> None:
    for i, bar in zip(wrt, bars, strict=True):
        pairs: list[tuple[Any, Any]] = []
        oracle.walk_pair(lambda leaf, leaf_bar: pairs.append((leaf, leaf_bar)), row.args[i], bar)  # noqa: B023
        for leaf, leaf_bar in pairs:
            if oracle.is_float(leaf):
                assert np.asarray(leaf_bar).dtype == np.asarray(leaf).dtype, "a cotangent of another dtype"


def quiet(row: Row) -> Any:
    """Without the warning that is this row's own subject."""
    return warnings.catch_warnings(action="ignore", category=rg.UnusedInput) if row.ignores else nullcontext()


@each([r for r in ANSWERED if is_scalar(plain(r))])
def test_gradient(row: Row) -> None:
    """The joint program, against the numbers that are known and against differences."""
    seed = oracle.random_like(plain(row), rng_of(row)) * 0 + 1
    for wrt in every_wrt(row):
        with outside_kept(row), quiet(row):
            value, bars = rg.value_and_grad(row.function, wrt=wrt)(*row.fresh_args())
            alone = rg.grad(row.function, wrt=wrt)(*row.fresh_args())
        assert oracle.bit_equal(value, plain(row))
        oracle.assert_close(vector(row, wrt, bars), expected(row, wrt, seed), what=f"by {wrt}", **tolerance(row))
        oracle.assert_same(vector(row, wrt, alone), vector(row, wrt, bars), what="grad")
    if row.gradient is not None:
        with outside_kept(row), quiet(row):
            bars = rg.grad(row.function, wrt=wrt_of(row))(*row.fresh_args())
        np.testing.assert_allclose(vector(row, wrt_of(row), bars), row.gradient, rtol=1e-6, atol=1e-12)


@each([r for r in ANSWERED if not r.once])
def test_forward_mode(row: Row) -> None:
    """<z_bar, jvp(v)> == <vjp(z_bar), v>, for every `wrt` (R5)."""
    value, rng = plain(row), rng_of(row)
    seed = oracle.random_like(value, rng)
    for wrt in every_wrt(row):
        direction = tuple(oracle.random_like(row.args[i], rng) for i in wrt)
        with outside_kept(row), quiet(row):
            bars = rg.vjp(row.function, *row.fresh_args(), wrt=wrt)[1](seed)
            args = row.fresh_args()
            found, tangent = rg.jvp(row.function, args, direction, wrt=wrt)
        assert oracle.bit_equal(found, value) and oracle.bit_equal(args, row.args)
        left = np.dot(oracle.flat(seed), oracle.cotangent_vector(value, tangent))
        right = np.dot(vector(row, wrt, bars), np.concatenate([oracle.flat(d) for d in direction]))
        np.testing.assert_allclose(left, right, rtol=tolerance(row).get("rtol", 1e-10), atol=1e-6 if tolerance(row) else 1e-12)


@each(ANSWERED)
def test_call_after_call(row: Row) -> None:
    """A pullback called twice, and a derivative called twice with the caller writing in between (M4, M7)."""
    args, wrt = row.fresh_args(), wrt_of(row)
    seed = oracle.random_like(plain(row), rng_of(row))
    made = rg.vjp(row.function, wrt=wrt)
    with outside_kept(row), quiet(row):
        value, pullback = made(*args)
        first = copy.deepcopy(pullback(seed))
        for array in (a for a in oracle.every_leaf((args, value)) if isinstance(a, np.ndarray)):
            array.fill(0)
        assert oracle.bit_equal(pullback(seed), first), "a second pullback differs"
        value, pullback = made(*row.fresh_args())
        assert oracle.bit_equal(value, plain(row))
        assert oracle.bit_equal(pullback(seed), first), "a second call differs"


@each([r for r in ANSWERED if r.smooth and not r.kink and not r.once and is_scalar(plain(r)) and not tolerance(r)])
def test_second_order(row: Row) -> None:
    """The Hessian times a vector against differences of the gradient, and twice the same (H1)."""
    for wrt in every_wrt(row):
        gradient = rg.grad(row.function, wrt=wrt)
        rng = rng_of(row)
        direction = tuple(oracle.random_like(row.args[i], rng) for i in wrt)

        def flat_gradient(*args: Any, wrt: Any = wrt, gradient: Any = gradient) -> np.ndarray:
            with outside_kept(row), quiet(row):
                return vector(row, wrt, gradient(*copy.deepcopy(args)))

        with outside_kept(row), quiet(row):
            product = rg.hvp(row.function, wrt=wrt)
            found = vector(row, wrt, product(*row.fresh_args(), direction))
            again = vector(row, wrt, product(*row.fresh_args(), direction))
        with np.errstate(all="ignore"):
            by_differences = oracle.directional(flat_gradient, row.args, direction, wrt)
        oracle.assert_close(found, by_differences, rtol=1e-6, what=f"second order by {wrt}")
        assert found.tobytes() == again.tobytes()


@each([r for r in ROWS if r.once])
def test_what_is_differentiable_once_says_so(row: Row) -> None:
    with pytest.raises(DifferentiationError, match="jvp|pushforward|second"):
        rg.hvp(row.function)(*row.fresh_args(), row.args[0])


@each(REFUSED)
def test_refusals(row: Row) -> None:
    """In every mode, at the line of the user's that does it."""
    kind, message = row.refused or (DifferentiationError, "")
    wrt = wrt_of(row)
    direction = tuple(row.args[i] for i in wrt)
    for derivative in (
        lambda: rg.grad(row.function, wrt=wrt)(*row.fresh_args()),
        lambda: rg.vjp(row.function, *row.fresh_args(), wrt=wrt),
        lambda: rg.jvp(row.function, row.fresh_args(), direction, wrt=wrt),
        lambda: rg.hvp(row.function, wrt=wrt)(*row.fresh_args(), direction),
    ):
        with pytest.raises(kind, match=message) as caught:
            derivative()
        assert caught.value.where is not None and caught.value.where.file.endswith(".py")


# -- the define-by-run half -------------------------------------------------------------------------------


@each([r for r in ANSWERED if r.traced])
def test_recorded_as_it_runs(row: Row) -> None:
    value, wrt = plain(row), wrt_of(row)
    seed = oracle.random_like(value, rng_of(row))
    found, pull = traced(row.function, tuple(i in wrt for i in range(len(row.args))), *row.fresh_args())
    assert oracle.bit_equal(found, value), f"{found!r}, expected {value!r}"
    oracle.assert_close(vector(row, wrt, pull(seed)), expected(row, wrt, seed), what="recorded", **tolerance(row))


def as_tensors(row: Row) -> tuple[list[Any], list[Any]]:
    args: list[Any] = list(row.fresh_args())
    leaves = []
    for i in wrt_of(row):
        dtype = torch.float32 if tolerance(row) and np.asarray(args[i]).dtype == np.float32 else torch.float64
        args[i] = torch.tensor(args[i], dtype=dtype, requires_grad=True)
        leaves.append(args[i])
    return args, leaves


@each([r for r in ANSWERED if r.traced])
def test_on_tensors(row: Row) -> None:
    args, leaves = as_tensors(row)
    z = row.function(*args)
    bars = torch.autograd.grad(z, leaves, allow_unused=True)
    found = tuple(np.zeros(leaf.shape) if bar is None else bar.numpy() for bar, leaf in zip(bars, leaves, strict=True))
    seed = np.ones(())
    oracle.assert_close(vector(row, wrt_of(row), found), expected(row, wrt_of(row), seed), what="tensors", **tolerance(row))


@each([r for r in ANSWERED if r.traced and r.smooth and not r.kink and not tolerance(r)])
def test_second_order_on_tensors(row: Row) -> None:
    wrt, rng = wrt_of(row), rng_of(row)
    direction = tuple(oracle.random_like(row.args[i], rng) for i in wrt)
    args, leaves = as_tensors(row)
    bars = torch.autograd.grad(row.function(*args), leaves, create_graph=True, allow_unused=True)
    along = sum((bar * torch.tensor(d, dtype=torch.float64)).sum() for bar, d in zip(bars, direction, strict=True) if bar is not None)
    if isinstance(along, int) or not along.requires_grad:
        found = tuple(np.zeros(leaf.shape) for leaf in leaves)
    else:
        products = torch.autograd.grad(along, leaves, allow_unused=True)
        found = tuple(np.zeros(v.shape) if p is None else p.numpy() for p, v in zip(products, leaves, strict=True))
    with quiet(row):
        by_source = vector(row, wrt, rg.hvp(row.function, wrt=wrt)(*row.fresh_args(), direction))
    oracle.assert_same(vector(row, wrt, found), by_source, rtol=1e-9, what="second order on tensors")


# -- inputs that do not matter ----------------------------------------------------------------------------


@each([r for r in ROWS if r.ignores])
def test_an_input_that_does_not_matter_is_named(row: Row) -> None:
    """At the caller's line, once for each specialisation; not where nobody asked for that gradient (64)."""
    derivative = rg.grad(row.function, wrt=wrt_of(row))
    with pytest.warns(rg.UnusedInput, match=f"depend on {row.ignores}") as caught:
        derivative(*row.fresh_args())
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings(action="error"):
        derivative(*row.fresh_args())
        rg.vjp(row.function, *row.fresh_args())
    with pytest.warns(rg.UnusedInput, match=f"depend on {row.ignores}"):
        rg.vjp(row.function, *row.fresh_args(), wrt=wrt_of(row))


def _stopped(x, y):
    return np.sum(x) * rg.stop_gradient(y)


def _second_derivative_is_zero(x, y):
    return x * 2.0 + y


def test_what_is_meant_is_not_warned_of() -> None:
    with warnings.catch_warnings(action="error"):
        assert rg.grad(_stopped, wrt=("x", "y"))(np.ones(3), 2.0)[1] == 0.0
        assert rg.hvp(_second_derivative_is_zero, wrt=(0, 1))(1.0, 1.0, (1.0, 1.0)) == (0.0, 0.0)
        assert rg.grad(lambda x: x * rg.grad(lambda y: x + 0.0 * y)(x))(2.0) == 0.0


# -- what does not exist -----------------------------------------------------------------------------------


def _checkpointed(x):
    return np.sum(rg.checkpoint(np.sin)(x) ** 2)


def _full_of(x, a):
    return np.sum(x * np.full(3, a))


def test_there_is_no_checkpoint() -> None:
    """Item 17: what it may not do wrong it does not do at all; the error names the line."""
    with pytest.raises(DifferentiationError, match="checkpoint") as caught:
        rg.grad(_checkpointed)(np.ones(3))
    assert caught.value.where is not None and caught.value.where.file == __file__


def test_a_plain_array_made_of_a_recorded_value_is_refused() -> None:
    """Item 61: ``np.full`` does not ask its argument what to do (A2)."""
    with pytest.raises(DifferentiationError, match="lose its derivative"):
        traced(_full_of, (True, True), np.ones(3), 2.0)
    with pytest.raises(RuntimeError, match="requires grad"):
        _full_of(torch.ones(3), torch.tensor(2.0, requires_grad=True))


# -- what the table cannot say ----------------------------------------------------------------------------


def _by_name(name: str) -> Iterator[Row]:
    return (row for row in ROWS if row.function.__name__ == name)


def test_the_third_derivative_of_repeated_squaring() -> None:
    """x**8 has the third derivative 336 x**5 (39)."""
    (row,) = _by_name("repeated_squaring")
    third = rg.grad(rg.grad(rg.grad(row.function)))
    np.testing.assert_allclose(third(0.9, 3), 336 * 0.9**5, rtol=1e-12)


@pytest.mark.parametrize("name", ["branch_by_sign", "branch_by_sign_in_a_callee"])
def test_one_compiled_derivative_on_both_sides_of_a_branch(name: str) -> None:
    """Item 43: nothing of the first call's branch may be left in the second."""
    (row,) = _by_name(name)
    derivatives = (rg.grad(row.function), lambda x: rg.vjp(row.function, x)[1](1.0)[0], rg.hessian(row.function))
    tangents = rg.jvp(row.function)
    for derivative in (*derivatives, lambda x: tangents((x,), (1.0,))[1]):
        first = derivative(-0.7), derivative(0.7)
        assert (derivative(-0.7), derivative(0.7)) == first
        if derivative is not derivatives[2]:
            for x, found in zip((-0.7, 0.7), first, strict=True):
                oracle.assert_close(np.array([found]), oracle.gradient(row.function, (x,)))


@pytest.mark.parametrize("base", [-2.0, np.array([-2.0, 3.0])])
def test_the_exponent_of_a_negative_base_is_not_a_variable(base: Any) -> None:
    """Item 62, by docs/conventions.md: NaN in both modes, not a number; the base has its partial."""
    y = np.full(np.shape(base), 2.0) if np.ndim(base) else 2.0

    def power(x, y):
        return np.sum(x**y)

    x_bar, y_bar = rg.grad(power, wrt=(0, 1))(base, y)
    np.testing.assert_allclose(x_bar, 2 * base)
    assert np.array_equal(np.isnan(y_bar), np.asarray(base) < 0)
    assert np.isnan(rg.jvp(power, (base, y), (base * 0, y * 0 + 1))[1])
    np.testing.assert_allclose(rg.jvp(power, (base, y), (base * 0 + 1,), wrt=0)[1], np.sum(2 * base))
