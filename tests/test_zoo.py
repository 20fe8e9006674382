"""Is every derivative of every program in the zoo right, in both modes and to second order?

The reference is the plain function under Richardson differences (oracle.py); nothing is compared with a second
hand derivation.  A program that is "later" may be refused with a `DifferentiationError`, but never be wrong.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import DifferentiationError
from tests import oracle
from tests.zoo import PROGRAMS, Program

REQUIRED = [p for p in PROGRAMS if not p.later]
LATER = [p for p in PROGRAMS if p.later]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def each(programs: list[Program]) -> Any:
    return pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in programs])


def one_in(n: int, programs: list[Program]) -> Any:
    """``each``, of which all but one in ``n`` are left to ``make everything``: they are slow."""
    chosen = [p for p in programs if zlib.crc32(p.name.encode()) % n == 0]
    return pytest.mark.parametrize(
        "program", [pytest.param(p, id=p.name, marks=[] if p in chosen else pytest.mark.long) for p in programs]
    )


def rng_of(program: Program) -> np.random.Generator:
    return np.random.default_rng(sum(map(ord, program.name)))


def wrt_of(program: Program) -> tuple[int, ...]:
    return oracle.positions(program.function, program.args, program.wrt)


def plain(program: Program, args: tuple[Any, ...] | None = None) -> Any:
    with np.errstate(all="ignore"):
        return program.function(*copy.deepcopy(program.args if args is None else args))


def is_scalar(value: Any) -> bool:
    return oracle.is_float(value) and np.shape(value) == () and oracle.flat(value).size == 1


def gradient_of(program: Program, args: tuple[Any, ...], seed: Any) -> tuple[Any, tuple[Any, ...]]:
    """Value and cotangents by reverse mode, on copies of the arguments."""
    value, pullback = rg.vjp(program.function, *copy.deepcopy(args), wrt=wrt_of(program))
    return value, pullback(seed)


def assert_right(program: Program, args: tuple[Any, ...]) -> None:
    """Value, cotangents and tangent at `args`, against the plain function."""
    wrt, rng, expected = wrt_of(program), rng_of(program), plain(program, args)
    seed = oracle.random_like(expected, rng)
    direction = tuple(oracle.random_like(args[i], rng) for i in wrt)

    value, bars = gradient_of(program, args, seed)
    assert oracle.bit_equal(value, expected), f"value {value!r}, expected {expected!r}"
    with np.errstate(all="ignore"):
        estimate = oracle.gradient(program.function, args, wrt, seed)
    oracle.assert_close(vector(args, wrt, bars), estimate, what="reverse")
    assert_modes_agree(program, args, seed, bars, direction)


def assert_modes_agree(
    program: Program, args: tuple[Any, ...], seed: Any, bars: tuple[Any, ...], direction: tuple[Any, ...]
) -> None:
    """<z_bar, jvp(v)> == <vjp(z_bar), v>."""
    wrt = wrt_of(program)
    primals = tuple(copy.deepcopy(args))
    value, tangent = jvp(program, primals, direction)
    assert oracle.bit_equal(value, plain(program, args)), f"value {value!r} in forward mode"
    left = oracle.flat(seed) * oracle.cotangent_vector(value, tangent)
    right = vector(args, wrt, bars) * np.concatenate([oracle.flat(d) for d in direction])
    size = np.abs(left).sum() + np.abs(right).sum()
    assert abs(left.sum() - right.sum()) <= 1e-11 * size + 1e-13, f"{left.sum()} forward, {right.sum()} reverse"


def jvp(program: Program, primals: tuple[Any, ...], direction: tuple[Any, ...]) -> tuple[Any, Any]:
    return rg.jvp(program.function, primals, direction, wrt=wrt_of(program))


def vector(args: tuple[Any, ...], wrt: tuple[int, ...], bars: tuple[Any, ...]) -> np.ndarray:
    assert isinstance(bars, tuple) and len(bars) == len(wrt), f"{len(wrt)} cotangents wanted, got {bars!r}"
    return np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


# -- one question a test ----------------------------------------------------------------------------------


@each(REQUIRED)
def test_the_value_is_bit_equal(program: Program) -> None:
    expected = plain(program)
    value, _ = gradient_of(program, program.args, oracle.random_like(expected, rng_of(program)))
    assert oracle.bit_equal(value, expected), f"{value!r}, expected {expected!r}"


@each(REQUIRED)
def test_reverse_mode_is_right(program: Program) -> None:
    seed = oracle.random_like(plain(program), rng_of(program))
    _, bars = gradient_of(program, program.args, seed)
    with np.errstate(all="ignore"):
        estimate = oracle.gradient(program.function, program.args, wrt_of(program), seed)
    oracle.assert_close(vector(program.args, wrt_of(program), bars), estimate, what=program.name)


@each([p for p in REQUIRED if is_scalar(plain(p))])
def test_grad_and_value_and_grad_are_right(program: Program) -> None:
    """The joint program, which is what most people call, against differences."""
    wrt = wrt_of(program)
    with np.errstate(all="ignore"):
        estimate = oracle.gradient(program.function, program.args, wrt)
    value, bars = rg.value_and_grad(program.function, wrt=wrt)(*program.fresh_args())
    assert oracle.bit_equal(value, plain(program))
    oracle.assert_close(vector(program.args, wrt, bars), estimate, what="value_and_grad")
    alone = rg.grad(program.function, wrt=wrt)(*program.fresh_args())
    oracle.assert_same(vector(program.args, wrt, alone), vector(program.args, wrt, bars), what="grad")


@each(REQUIRED)
def test_forward_and_reverse_mode_agree(program: Program) -> None:
    rng, wrt = rng_of(program), wrt_of(program)
    seed = oracle.random_like(plain(program), rng)
    direction = tuple(oracle.random_like(program.args[i], rng) for i in wrt)
    _, bars = gradient_of(program, program.args, seed)
    assert_modes_agree(program, program.args, seed, bars, direction)


@each(REQUIRED)
def test_cotangents_have_the_primals_dtype(program: Program) -> None:
    _, bars = gradient_of(program, program.args, oracle.random_like(plain(program), rng_of(program)))
    for i, bar in zip(wrt_of(program), bars, strict=True):
        pairs = zip(oracle.leaves(program.args[i]), cotangent_leaves(program.args[i], bar), strict=True)
        for leaf, leaf_bar in pairs:
            assert np.asarray(leaf_bar).dtype == np.asarray(leaf).dtype


def cotangent_leaves(tree: Any, bar: Any) -> list[Any]:
    """The parts of a cotangent that stand where the primal holds floats."""
    marked: list[Any] = []
    oracle.walk_pair(lambda leaf, leaf_bar: marked.append(leaf_bar) if oracle.is_float(leaf) else None, tree, bar)
    return marked


@each(REQUIRED)
def test_inputs_are_unchanged(program: Program) -> None:
    args = program.fresh_args()
    seed = oracle.random_like(plain(program), rng_of(program))
    kept = copy.deepcopy(seed)
    _, pullback = rg.vjp(program.function, *args, wrt=wrt_of(program))
    pullback(seed)
    assert oracle.bit_equal(args, program.args), "an argument was changed"
    assert oracle.bit_equal(seed, kept), "the seed was changed"


def arrays(tree: Any) -> list[np.ndarray]:
    return [leaf for leaf in oracle.every_leaf(tree) if isinstance(leaf, np.ndarray)]


@each(REQUIRED)
def test_cotangents_are_the_callers_own(program: Program) -> None:
    """Writeable, and distinct from each other, the arguments, the seed and the value (M5)."""
    args, wrt = program.fresh_args(), wrt_of(program)
    seed = oracle.random_like(plain(program), rng_of(program))
    value, pullback = rg.vjp(program.function, *args, wrt=wrt)
    found = arrays(pullback(seed))
    assert all(array.flags.writeable for array in found)
    assert not shared(found, arrays((args, seed, value, pullback(seed))))
    if is_scalar(value):
        value, bars = rg.value_and_grad(program.function, wrt=wrt)(*args)
        assert not shared(arrays(bars), arrays((args, value)))


def shared(own: list[np.ndarray], others: list[np.ndarray]) -> bool:
    """Does any array share memory with another of its list, or with one of the other list?"""
    return any(np.may_share_memory(a, b) for i, a in enumerate(own) for b in (*own[:i], *others))


@each(REQUIRED)
def test_the_pullback_does_not_see_later_writes(program: Program) -> None:
    """Between the two calls the caller may write to the arguments and to the value (M4)."""
    args, wrt = program.fresh_args(), wrt_of(program)
    seed = oracle.random_like(plain(program), rng_of(program))
    expected = gradient_of(program, program.args, seed)[1]
    value, pullback = rg.vjp(program.function, *args, wrt=wrt)
    for array in arrays((args, value)):
        array.fill(0)
    assert oracle.bit_equal(pullback(seed), expected)


@each(REQUIRED)
def test_the_second_call_gives_the_same(program: Program) -> None:
    seed = oracle.random_like(plain(program), rng_of(program))
    value, pullback = rg.vjp(program.function, *program.fresh_args(), wrt=wrt_of(program))
    first = copy.deepcopy(pullback(seed))
    assert oracle.bit_equal(pullback(seed), first), "a second pullback differs"
    assert oracle.bit_equal(gradient_of(program, program.args, seed), (value, first)), "a second call differs"


# -- axes of length 1 (T1) --------------------------------------------------------------------------------


def shortened(program: Program) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The arguments with one axis of one array cut to length 1, wherever the plain function still runs."""
    count = sum(1 for _ in oracle.every_leaf(program.args))
    for position in range(count):
        leaf = list(oracle.every_leaf(program.args))[position]
        if not isinstance(leaf, np.ndarray):
            continue
        for axis in (a for a in range(leaf.ndim) if leaf.shape[a] > 1):
            args = replaced(program.args, position, np.take(leaf, [0], axis=axis))
            if runs(program, args):
                yield f"{program.name}-leaf{position}-axis{axis}", args


def replaced(tree: Any, position: int, leaf: Any) -> Any:
    """The container with its leaf number `position` exchanged."""
    numbers = iter(range(10**6))
    return oracle.map_leaves(lambda old: leaf if next(numbers) == position else copy.copy(old), tree)


def runs(program: Program, args: tuple[Any, ...]) -> bool:
    try:
        result = plain(program, args)
    except (AssertionError, ValueError, IndexError, TypeError, np.linalg.LinAlgError):
        return False
    return bool(np.isfinite(oracle.flat(result)).all())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("program", "args"), [pytest.param(p, args, id=name) for p in REQUIRED for name, args in shortened(p)]
)
def test_an_axis_of_length_one(program: Program, args: tuple[Any, ...]) -> None:
    """With the signature cache warm: an adjoint made for longer axes must not be used here."""
    derivative = rg.vjp(program.function, wrt=wrt_of(program))
    for now in (program.args, args, program.args):
        seed = oracle.random_like(plain(program, now), rng_of(program))
        value, pullback = derivative(*copy.deepcopy(now))
        assert oracle.bit_equal(value, plain(program, now))
        alone = gradient_of(program, now, seed)[1]
        assert oracle.bit_equal(pullback(seed), alone), "another adjoint than that of these shapes was used"
    assert_right(program, args)


# -- second order -----------------------------------------------------------------------------------------


@each([p for p in REQUIRED if p.smooth and is_scalar(plain(p))])
def test_hessian_vector_products_are_right(program: Program) -> None:
    wrt, rng = wrt_of(program), rng_of(program)
    direction = tuple(oracle.random_like(program.args[i], rng) for i in wrt)
    gradient = rg.grad(program.function, wrt=wrt)

    def flat_gradient(*args: Any) -> np.ndarray:
        return vector(args, wrt, gradient(*copy.deepcopy(args)))

    estimate = oracle.directional(flat_gradient, program.args, direction, wrt)
    products = rg.hvp(program.function, wrt=wrt)(*program.fresh_args(), direction)
    oracle.assert_close(vector(program.args, wrt, products), estimate, rtol=1e-6, what=program.name)


# -- the wider language -----------------------------------------------------------------------------------


@each(LATER)
def test_later_programs_are_right_or_refused(program: Program) -> None:
    try:
        assert_right(program, program.args)
    except DifferentiationError as refusal:
        pytest.xfail(f"not yet: {refusal}")
