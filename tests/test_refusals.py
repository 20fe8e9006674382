"""Is refused what cannot be right, and made anew what was made for something else?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import AliasedMutation, ArgumentError, NoRule
from retrograd.runtime.rules import rule
from retrograd.runtime.rules.rule import _TABLE
from tests import oracle


def _scaled(x, scale):
    return x * scale


def _scaled_pullback(z_bar, z, x, scale):
    x_bar = z_bar * scale
    return x_bar


@pytest.fixture
def one_sided() -> Iterator[None]:
    """A primitive whose rule has no cotangent for its second argument."""
    rule(_scaled, linear=("x",), name="_scaled", probe=True)(_scaled_pullback)
    yield
    del _TABLE[_scaled]


@pytest.mark.usefixtures("one_sided")
def test_an_active_argument_without_a_rule_is_refused() -> None:
    assert rg.grad(lambda x: _scaled(x, 3.0))(2.0) == 3.0
    with pytest.raises(NoRule, match="no derivative with respect to scale"):
        rg.grad(lambda x: _scaled(x, x))(2.0)
    with pytest.raises(NoRule, match="no derivative with respect to scale"):
        rg.jvp(lambda x: _scaled(x, x), (2.0,), (1.0,))


def _writes_its_first(u, v):
    u[0] = v[0] * v[1]
    return np.sum(u * v)


def test_written_arguments_may_not_share_memory() -> None:
    derivative = rg.grad(_writes_its_first, wrt=("u", "v"))
    x = np.arange(4.0)
    derivative(x[:2].copy(), x[2:].copy())
    with pytest.raises(AliasedMutation, match="share memory"):
        derivative(x, x)


def test_a_cotangent_has_the_shape_of_the_value() -> None:
    _, pullback = rg.vjp(lambda x: x * x, np.ones(3))
    with pytest.raises(ArgumentError, match="shape"):
        pullback(np.ones((3, 3)))


def test_a_complex_result_has_no_gradient() -> None:
    with pytest.raises(ArgumentError, match="complex"):
        rg.grad(lambda x: x * 1j)(2.0)


# -- what was made for something else ---------------------------------------------------------------------


def _power(x, n):
    return 1.0 if n == 0 else x * _power(x, n - 1)


def test_a_gradient_made_for_one_count_is_not_used_for_another() -> None:
    derivative = rg.grad(_power)
    assert [derivative(2.0, n) for n in (3, 2, 3)] == [12.0, 4.0, 12.0]


def _inner(x):
    return x * x


def _inner_anew(x):
    return x * x * x


def _outer(x):
    return _inner(x) + x


def test_a_gradient_of_a_callee_that_was_exchanged_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    derivative = rg.grad(_outer)
    assert derivative(2.0) == 5.0
    monkeypatch.setitem(globals(), "_inner", _inner_anew)
    assert derivative(2.0) == 13.0


# -- what precision cannot show in differences ------------------------------------------------------------


def _single_precision(x):
    u = np.ones(3, np.float32)
    u += np.full(3, 0.1)
    return np.sum(u) * x


def test_an_augmented_assignment_keeps_the_dtype() -> None:
    value, _ = rg.vjp(_single_precision, 2.0)
    assert oracle.bit_equal(value, _single_precision(2.0))
