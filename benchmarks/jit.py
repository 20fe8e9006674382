"""How much slower than the compiled primal is the compiled gradient, and than the interpreted one how much faster?

    python benchmarks/jit.py [--seconds 0.3] [name ...]

For each program: `njit(f)`, value and gradient with `jit=True` as a multiple of that, the same interpreted as a multiple
of the compiled one, and the seconds that the first call took (little, if a run before left its machine code).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import retrograd as rg  # noqa: E402
from benchmarks.timing import in_words, least_times  # noqa: E402
from examples import lotka_volterra  # noqa: E402
from tests.golden import GOLDENS  # noqa: E402

SIZE = 10_000
#: The golden programs at other sizes than their own large one.
SIZES = {"simulate": SIZE, "rosenbrock": SIZE, "euler": SIZE, "rk4": SIZE, "pendulum": SIZE, "thermostat": SIZE}
PROGRAMS = ("simulate", "rosenbrock", "euler", "rk4", "pendulum", "thermostat", "newton", "heat", "recurrent",
            "logistic_loss", "network")  # fmt: skip


@dataclass(frozen=True)
class Case:
    name: str
    f: Callable[..., Any]
    wrt: Any
    args: tuple[Any, ...]


def cases() -> list[Case]:
    goldens = {golden.name: golden for golden in GOLDENS}
    chosen = [goldens[name] for name in PROGRAMS]
    return [
        Case("lotka_volterra", lotka_volterra.loss, 0, fur_record()),
        *(Case(g.name, g.primal, g.wrt, g.args(SIZES.get(g.name, g.sizes[1]))) for g in chosen),
    ]


def fur_record() -> tuple[Any, ...]:
    _, lynxes, hares = np.loadtxt(lotka_volterra.DATA, delimiter=",", skiprows=2, unpack=True)
    return lotka_volterra.first_guess(hares, lynxes), np.log(hares), np.log(lynxes)


def jitted(f: Any) -> Any:
    """`njit(f)`, and of the functions of its module that it calls."""
    scope = dict(f.__globals__)
    for name in f.__code__.co_names:
        if isinstance(scope.get(name), FunctionType) and scope[name].__module__ == f.__module__:
            scope[name] = jitted(scope[name])
    return numba.njit(error_model="numpy")(FunctionType(f.__code__, scope, f.__name__, f.__defaults__))


def row(case: Case, seconds: float) -> str:
    primal, interpreted = jitted(case.f), rg.value_and_grad(case.f, wrt=case.wrt)
    compiled = rg.value_and_grad(case.f, wrt=case.wrt, jit=True)
    value = primal(*case.args)
    begin = time.perf_counter()
    assert compiled(*case.args)[0] == value, f"{case.name}: the value differs from njit(f)'s"
    first = time.perf_counter() - begin
    calls = [lambda f=f: f(*case.args) for f in (primal, compiled, interpreted)]
    alone, gradient, slow = least_times(calls, seconds)
    return f"{case.name:16s} {in_words(alone):>12s} {gradient / alone:10.2f} {slow / gradient:12.1f} {first:10.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="time for each measurement")
    parser.add_argument("names", nargs="*", help="only these programs")
    options = parser.parse_args()
    print(f"{'program':16s} {'njit(f)':>12s} {'gradient':>10s} {'interpreted':>12s} {'first call':>12s}")
    for case in cases():
        if not options.names or case.name in options.names:
            print(row(case, options.seconds), flush=True)


if __name__ == "__main__":
    main()
