"""Does checked mode find what is wrong, and nothing else?  (T6)

The zoo runs in checked mode, which shows that it complains about nothing that is right; here it meets what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime import checks
from retrograd.runtime.errors import CheckFailed, DifferentiationError
from retrograd.runtime.rules import rule
from retrograd.runtime.rules.rule import _TABLE
from retrograd.transformer import api, infer
from retrograd.transformer.api import checked
from retrograd.transformer.checked import describe
from retrograd.transformer.types import FLOAT, INT, ONE, AggregateT, ArrayT, Axis, ConstT, ListT, abstract

F8, F4 = np.dtype(float), np.dtype("f4")
N = Axis("n", False)

WRONG = [
    (ArrayT(F8, (N,)), np.ones(3, "f4"), "dtype"),
    (ArrayT(F8, (N,)), np.ones((3, 3)), "axes"),
    (ArrayT(F8, (N,)), np.ones(1), "not 1"),
    (ArrayT(F8, (ONE,)), np.ones(3), "1 is 1"),
    (ArrayT(F8, (Axis("=4", False),)), np.ones(3), "not 4"),
    (ArrayT(F8, (N, N)), np.ones((3, 4)), "n is 3"),
    (ArrayT(F8, ()), np.float64(1), "not an array"),
    (FLOAT, 1, "int"),
    (FLOAT, np.float64(1), "NumPy scalar"),
    (abstract(np.float32(1)), np.float64(1), "float64"),
    (INT, True, "bool"),
    (ConstT("a"), "b", "another value"),
    (AggregateT(tuple, (FLOAT, FLOAT)), (1.0,), "1 parts"),
    (AggregateT(dict, (FLOAT,), ("a",)), {"b": 1.0}, "keys"),
    (AggregateT(tuple, (FLOAT, INT)), (1.0, 1.0), "part 1"),
    (ListT(list, FLOAT), [1.0, 2], "part 1"),
]


@pytest.mark.parametrize(("claimed", "value", "why"), WRONG)
def test_a_wrong_value_is_found(claimed: Any, value: Any, why: str) -> None:
    assert why in checks.mismatch(value, describe(claimed), {})


@pytest.mark.parametrize(
    "value", [1.0, 2, True, 1j, np.float32(1), np.ones((2, 1)), np.array(1.0), (1.0, [2, "a"]), {"a": None}, range(3)]
)
def test_a_value_has_its_own_type(value: Any) -> None:
    assert checks.mismatch(value, describe(abstract(value)), {}) == ""


def test_a_joined_length_is_not_one_length() -> None:
    joined = describe(ArrayT(F8, (Axis("m|n", False),)))
    lengths: dict[str, int] = {}
    assert not checks.mismatch(np.ones(3), joined, lengths) and not checks.mismatch(np.ones(4), joined, lengths)


# -- whole programs ---------------------------------------------------------------------------------------


@contextmanager
def entered(table: dict[Any, Any], key: Any, value: Any) -> Iterator[None]:
    """A table with one row changed."""
    missing = object()
    before = table.get(key, missing)
    table[key] = value
    try:
        yield
    finally:
        table.pop(key) if before is missing else table.__setitem__(key, before)


def running_sum(x):
    total = np.cumsum(x)
    return np.sum(total * total)


def gradient(function: Any, *args: Any) -> Any:
    with checked():
        return rg.grad(function)(*args)


def test_a_wrong_type_rule_is_found_with_the_users_line() -> None:
    with entered(infer.SPECIAL, np.cumsum, lambda a, *_: ArrayT(F4, a.shape)):
        with pytest.raises(CheckFailed, match=r"(?s)'total' of .*test_checked.py:\d+ .*float32\[x.0\].*float64\[3\]") as found:
            gradient(running_sum, np.ones(3))
    assert "report" in str(found.value) and not isinstance(found.value, DifferentiationError)


def test_a_wrong_length_is_found() -> None:
    with entered(infer.SPECIAL, np.cumsum, lambda a, *_: ArrayT(F8, (ONE,))):
        with pytest.raises(CheckFailed, match="length 3"):
            gradient(running_sum, np.ones(3))


def _twice(x):
    return x * 2.0


def _view(x):
    return x[:]


def _doubling(x):
    y = _twice(x)
    return np.sum(y * y)


def _viewing(x):
    y = _view(x)
    return np.sum(y * y)


@contextmanager
def with_rule(primitive: Any, pullback: Any, **facts: Any) -> Iterator[None]:
    rule(primitive, linear=("x",), name=primitive.__name__, probe=True, **facts)(pullback)
    try:
        yield
    finally:
        del _TABLE[primitive]


def _twice_pullback(z_bar, z, x):
    x_bar = z_bar * 2.0
    return x_bar


def _view_pullback(z_bar, z, x):
    x_bar = z_bar
    return x_bar


def _reduced_pullback(z_bar, z, x):
    x_bar = _half(z_bar)
    return x_bar


def _half(g):
    return g[: len(g) // 2]


def _vandal_pullback(z_bar, z, x):
    x_bar = _overwritten(z_bar)
    return x_bar


def _overwritten(g):
    g *= 2.0
    return g.copy()


def test_a_rule_that_is_right_passes() -> None:
    with with_rule(_twice, _twice_pullback), with_rule(_view, _view_pullback, sharing="view"):
        np.testing.assert_allclose(gradient(_doubling, np.ones(2)), [8, 8])
        np.testing.assert_allclose(gradient(_viewing, np.ones(2)), [2, 2])


def test_a_view_called_fresh_is_found() -> None:
    with with_rule(_view, _view_pullback), pytest.raises(CheckFailed, match="memory shared"):
        gradient(_viewing, np.ones(2))


def test_what_is_found_in_a_try_block_is_not_caught_there() -> None:
    def guarded(x):
        try:
            y = _viewing(x)
        except AssertionError:
            y = np.sum(x)
        return y

    with with_rule(_view, _view_pullback), pytest.raises(CheckFailed, match="memory shared"):
        gradient(guarded, np.ones(2))


def test_a_fresh_result_called_view_is_found() -> None:
    with with_rule(_twice, _twice_pullback, sharing="view"), pytest.raises(CheckFailed, match="memory of its own"):
        gradient(_doubling, np.ones(2))


@contextmanager
def primitive(function: Any) -> Iterator[None]:
    """A function the transformer calls and does not enter."""
    with with_rule(function, _view_pullback):
        yield


def test_a_cotangent_of_another_shape_is_found() -> None:
    def type_of_x(g):
        return g  # claims the shape of the primal, as a wrong rule would

    with primitive(_half), entered(infer.SPECIAL, _half, type_of_x), with_rule(_twice, _reduced_pullback):
        with pytest.raises(CheckFailed, match="length 2"):
            gradient(_doubling, np.ones(4))


def test_a_rule_that_writes_its_cotangent_is_found() -> None:
    def elsewhere(x):
        y = _twice(x)
        return np.sum(y * np.sin(y))

    with primitive(_overwritten), with_rule(_twice, _vandal_pullback):
        with pytest.raises(CheckFailed, match="operand was written"):
            gradient(elsewhere, np.ones(3))


# -- how it is switched -----------------------------------------------------------------------------------


def test_the_text_shown_is_the_plain_text() -> None:
    with checked():
        there = rg.source(rg.grad(running_sum), np.ones(3))
    with checked(False):
        assert there == rg.source(rg.grad(running_sum), np.ones(3))
    assert "retrograd_checks" not in there


@pytest.mark.parametrize("on", [True, False])
def test_what_runs_is_as_switched(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    load = api.load
    monkeypatch.setattr(api, "load", lambda text, name: texts.append(text.source) or load(text, name))
    with checked(on):
        rg.grad(running_sum)(np.ones(3))
    assert [("retrograd_checks" in text) for text in texts] == [on]


def test_uninitialised_shadows_hold_nan() -> None:
    array = np.empty(3)
    checks.Checker(()).poison(array)
    assert np.isnan(array).all()


def nonzero_then_masked(x):
    return np.sum(x[np.nonzero(x)[0]]) * np.sum(x[x > 0])


def test_two_lengths_given_by_values_are_not_the_same() -> None:
    """The answer remembered for one call is not that of the next: their lengths differ."""
    first, second = (infer.infer(np.nonzero, (abstract(np.ones(3)),), {}) for _ in range(2))
    assert first.items[0].shape != second.items[0].shape
    np.testing.assert_allclose(gradient(nonzero_then_masked, np.array([2.0, 0.0, -1.0])), [3, 0, 2])


def test_the_gradient_of_a_numpy_scalar_is_one() -> None:
    assert type(gradient(lambda x: x, np.float32(2))) is np.float32


def test_a_branch_zero_has_the_shape_of_its_own_argument() -> None:
    """The cotangent of the array that was not chosen was shaped like that of the other."""

    def chosen(x, y, c):
        v = x if c > 0 else y
        return np.sum(v)

    bars = rg.grad(chosen, wrt=("x", "y"))(np.ones(4), np.ones(2), -1.0)
    assert [bar.shape for bar in bars] == [(4,), (2,)]


def test_a_shape_that_changes_in_the_loop_and_is_read_after_it_is_refused() -> None:
    def last(x):
        for i in range(3):
            t = x[x > 0.1 * i]
        return np.sum(t**2)

    with pytest.raises(DifferentiationError, match="Bind t before the loop"):
        gradient(last, np.array([1.0, 0.15, -1.0]))
