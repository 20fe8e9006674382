"""Is made anew what was made for something else?  What is refused, and how, stands in tests/test_limits.py."""

from __future__ import annotations

import numpy as np
import pytest

import retrograd as rg
from tests import oracle


def _power(x, n):
    return 1.0 if n == 0 else x * _power(x, n - 1)


def test_a_gradient_made_for_one_count_is_not_used_for_another() -> None:
    derivative = rg.grad(_power)
    assert [derivative(2.0, n) for n in (3, 2, 3)] == [12.0, 4.0, 12.0]


def _one_of(pair, which):
    return np.sum(pair[which]) ** 2


def test_a_gradient_made_for_one_index_is_not_used_for_another() -> None:
    derivative = rg.grad(_one_of)
    found = [derivative((1.5, np.ones(2)), k) for k in (1, 0, 1)]
    assert [g[0] for g in found] == [0.0, 3.0, 0.0] and [list(g[1]) for g in found] == [[4.0, 4.0], [0.0, 0.0], [4.0, 4.0]]


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
