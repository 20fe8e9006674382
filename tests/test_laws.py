"""Is every law of simplification needed, and does none of them change a number?

A law that applies in fewer than three programs of the zoo is tried too little to be trusted; the golden programs, whose
text the laws were made for, do not count.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.transformer.checked import checked
from retrograd.transformer.simplify import laws
from tests import oracle
from tests.test_zoo import REQUIRED, is_scalar, plain, rng_of, vector, wrt_of
from tests.zoo import Program

ENOUGH = 3
SAMPLED = 12  # programs per law whose numbers are compared

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
each_law = pytest.mark.parametrize("law", laws.NAMES)


def derivatives(program: Program) -> dict[str, np.ndarray]:
    """Every derivative that is emitted for a program, as flat vectors."""
    args, wrt, rng = program.fresh_args(), wrt_of(program), rng_of(program)
    value = plain(program)
    seed, direction = oracle.random_like(value, rng), tuple(oracle.random_like(args[i], rng) for i in wrt)
    found = {"pullback": vector(args, wrt, rg.vjp(program.function, *program.fresh_args(), wrt=wrt)[1](seed))}
    tangent = rg.jvp(program.function, program.fresh_args(), direction, wrt=wrt)[1]
    found["pushforward"] = oracle.cotangent_vector(value, tangent)
    if is_scalar(value):
        found["gradient"] = vector(args, wrt, rg.grad(program.function, wrt=wrt)(*program.fresh_args()))
    if is_scalar(value) and program.smooth:
        products: Any = rg.hvp(program.function, wrt=wrt)(*program.fresh_args(), direction)
        found["hessian times vector"] = vector(args, wrt, products)
    return found


@cache
def applying() -> dict[str, list[Program]]:
    """For each law the programs in whose derivatives it applies."""
    found: dict[str, list[Program]] = {name: [] for name in laws.NAMES}
    with checked(False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for program in REQUIRED:
            with laws.applied() as names:
                derivatives(program)
            for name in names:
                found[name].append(program)
    return found


@each_law
def test_each_law_is_needed(law: str) -> None:
    assert len(applying()[law]) >= ENOUGH, "tried too little: add programs to the zoo, or remove the law"


@each_law
def test_a_law_switched_off_changes_no_number(law: str) -> None:
    for program in applying()[law][:SAMPLED]:
        expected = derivatives(program)
        with laws.without(law):
            for kind, found in derivatives(program).items():
                oracle.assert_same(found, expected[kind], rtol=1e-9, atol=1e-11, what=f"{program.name}: {kind}")


@each_law
def test_a_law_switched_off_does_not_apply(law: str) -> None:
    program = applying()[law][0]
    with laws.without(law), laws.applied() as names:
        derivatives(program)
    assert law not in names


def test_a_law_that_does_not_exist_cannot_be_switched_off() -> None:
    with pytest.raises(KeyError, match="no such law"), laws.without("a * b -> b * c"):
        pass


# -- special values (R7) ----------------------------------------------------------------------------------

SPECIAL = (0.0, -0.0, 5e-324, 1e-200, 1e-5, 1.0, -1.0, 3.0, 1e5, 1e150, -1e200, 8e307, np.inf, -np.inf, np.nan)
DRAWS = 60
#: Laws of sums and products; the others take no computation away.
ALGEBRA = ["like terms", "common factor", "sums are gathered", "one times a count", "what cancels", "weights sum to one",
           "quotient undone", "constants together", "plus negative", "constant cotangent"]  # fmt: skip


def with_special_values(program: Program, rng: np.random.Generator) -> tuple[Any, ...]:
    """The arguments of a program with floats exchanged for special ones."""

    def exchanged(x: Any) -> Any:
        if isinstance(x, float):
            return float(rng.choice(SPECIAL))
        if isinstance(x, np.ndarray) and x.dtype == np.dtype(float):
            return rng.choice(SPECIAL, x.shape) if rng.random() < 0.5 else np.full(x.shape, rng.choice(SPECIAL))
        return x

    return tuple(map(exchanged, program.fresh_args()))


def may_run_on(program: Program) -> bool:
    """May it take for ever at other values than its own?"""
    return "while" in inspect.getsource(program.function)


def outcome_at(derivative: Any, program: Program, args: tuple[Any, ...]) -> np.ndarray | None:
    """The gradient as a flat vector; None where the program, or its derivative, raises."""
    try:
        return vector(args, wrt_of(program), derivative(*copy.deepcopy(args)))
    except (ArithmeticError, ValueError, IndexError):
        return None


@pytest.mark.parametrize("law", ALGEBRA)
def test_a_law_is_finite_wherever_the_chain_is(law: str) -> None:
    compared = 0
    for program in [p for p in applying()[law] if is_scalar(plain(p)) and not may_run_on(p)][:SAMPLED]:
        rng = rng_of(program)
        shorter, chain = (rg.grad(program.function, wrt=wrt_of(program)) for _ in range(2))
        with checked(False), np.errstate(all="ignore"):
            shorter(*program.fresh_args())
            with laws.without(law):
                chain(*program.fresh_args())
            for _ in range(DRAWS):
                args = with_special_values(program, rng)
                expected, found = (outcome_at(g, program, args) for g in (chain, shorter))
                if expected is not None:
                    assert found is not None, f"{program.name}{args}"
                    lost = np.isfinite(expected) & ~np.isfinite(found)
                    assert not lost.any(), f"{program.name}{args}: {found}, without the law {expected}"
                    compared += int(np.isfinite(expected).sum())
    assert compared > DRAWS
