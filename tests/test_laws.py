"""Is every law of simplification needed, and does none of them change a number?

A law that applies in fewer than three programs of the zoo is tried too little to be trusted; the golden programs, whose
text the laws were made for, do not count.
"""

from __future__ import annotations

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
