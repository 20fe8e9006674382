"""What does a gradient cost, over the primal, by hand, here, and with HIPS autograd (if installed)?

    python benchmarks/versus.py [--seconds 0.3]

Ratios to the primal, all measured in one interleaved run; then what a cached gradient pays to find its
specialisation for four array arguments.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import retrograd as rg  # noqa: E402
from benchmarks.timing import in_words, least_times  # noqa: E402
from tests.golden.logistic_loss import args as logistic_args  # noqa: E402
from tests.golden.logistic_loss import logistic_loss, logistic_loss_value_and_grad  # noqa: E402
from tests.golden.rk4 import args as rk4_args  # noqa: E402
from tests.golden.rk4 import rk4, rk4_value_and_grad  # noqa: E402


def chain(x):
    y = np.tanh(x) * np.exp(-x)
    z = np.sqrt(1 + y * y) + np.log(2 + np.sin(x))
    return np.sum(z / (1 + x * x))


def chain_value_and_grad(x):
    t = np.tanh(x)
    e = np.exp(-x)
    y = t * e
    r = np.sqrt(1 + y * y)
    d = 2 + np.sin(x)
    z = r + np.log(d)
    q = 1 + x * x
    w = z / q
    value = np.sum(w)
    z_bar = 1 / q
    y_bar = z_bar * y / r
    x_bar = z_bar * (np.cos(x) / d - 2 * x * w) + y_bar * (e * (1 - t * t) - y)
    return value, x_bar


@dataclass(frozen=True)
class Case:
    name: str
    primal: Callable[..., Any]
    by_hand: Callable[..., Any]
    wrt: int | tuple[int, ...]
    args: tuple[Any, ...]


CASES = [
    Case("logistic loss, n = 10", logistic_loss, logistic_loss_value_and_grad, (0, 1), logistic_args(10)),
    Case("logistic loss, n = 1000", logistic_loss, logistic_loss_value_and_grad, (0, 1), logistic_args(1000)),
    Case("elementwise chain, n = 1e6", chain, chain_value_and_grad, 0, (np.linspace(-1.0, 3.0, 1_000_000),)),
    Case("Runge-Kutta, 200 steps", rk4, rk4_value_and_grad, (0, 1, 2), rk4_args(200)),
]


def hips_value_and_grad(case: Case) -> Callable[..., Any] | None:
    """HIPS autograd's gradient of the same code, its NumPy put in place of ours."""
    try:
        hips, hips_numpy = importlib.import_module("autograd"), importlib.import_module("autograd.numpy")
    except ImportError:
        return None
    swapped = FunctionType(case.primal.__code__, case.primal.__globals__ | {"np": hips_numpy})
    return hips.value_and_grad(swapped, case.wrt)


def measure(case: Case, seconds: float) -> None:
    ours, hips = rg.value_and_grad(case.primal, wrt=case.wrt), hips_value_and_grad(case)
    contestants = {"primal": case.primal, "by hand": case.by_hand, "retrograd": ours}
    if hips is not None:
        contestants["HIPS autograd"] = hips
    check_agreement(case, ours)
    times = least_times([lambda f=f: f(*case.args) for f in contestants.values()], seconds)
    print(f"{case.name:28s} primal {in_words(times[0]):>8s}", end="")
    for name, taken in list(zip(contestants, times))[1:]:
        print(f"   {name} {taken / times[0]:6.2f}x", end="")
    print(flush=True)


def check_agreement(case: Case, ours: Callable[..., Any]) -> None:
    """A fast wrong gradient is worth nothing."""
    bars, expected = ours(*case.args)[1], case.by_hand(*case.args)[1]
    if not isinstance(case.wrt, tuple):
        bars, expected = (bars,), (expected,)
    for bar, right in zip(bars, expected):
        np.testing.assert_allclose(bar, right, rtol=1e-9, atol=1e-12)


def four_arrays(a, b, c, d):
    return a[0] * b[0] + c[0] * d[0]


def four_arrays_value_and_grad(a, b, c, d):
    value = a[0] * b[0] + c[0] * d[0]
    a_bar, b_bar = np.zeros_like(a), np.zeros_like(b)
    c_bar, d_bar = np.zeros_like(c), np.zeros_like(d)
    a_bar[0], b_bar[0], c_bar[0], d_bar[0] = b[0], a[0], d[0], c[0]
    return value, (a_bar, b_bar, c_bar, d_bar)


def measure_dispatch(seconds: float) -> None:
    """Emitted code through `rg.value_and_grad`, less the same emitted code called directly."""
    args = tuple(np.ones(3) for _ in range(4))
    derivative = rg.value_and_grad(four_arrays, wrt=(0, 1, 2, 3))
    derivative(*args)
    direct = emitted_function(rg.source(derivative)) or four_arrays_value_and_grad
    what = "the hand-written gradient" if direct is four_arrays_value_and_grad else "the emitted function"
    dispatched, bare = least_times([lambda: derivative(*args), lambda: direct(*args)], seconds)
    cost = in_words(max(dispatched - bare, 0.0))
    print(f"\ndispatch, four arrays: {cost} a call ({in_words(dispatched)} against {in_words(bare)} for {what})")


def emitted_function(text: str) -> Callable[..., Any] | None:
    """The emitted text as a function of its own, if it stands alone."""
    space: dict[str, Any] = {"np": np}
    try:
        exec(text, space)
        function = [value for value in space.values() if isinstance(value, FunctionType)][-1]
        function(*(np.ones(3) for _ in range(4)))
    except Exception:  # it reads names that only its own module has
        return None
    return function


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="time for each contestant")
    options = parser.parse_args()
    print("value and gradient, over the primal\n")
    for case in CASES:
        measure(case, options.seconds)
    measure_dispatch(options.seconds)


if __name__ == "__main__":
    main()
