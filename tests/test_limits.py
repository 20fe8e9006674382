"""Is everything that is refused refused at its place, in the words of docs/limits.md, with a remedy that works?"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime import traced
from retrograd.runtime.errors import DifferentiationError
from retrograd.transformer import expressions, lower
from tests import oracle
from tests.limits.page import PAGE, page
from tests.limits.programs import THEMES
from tests.limits.sites import Site, sites
from tests.limits.table import REWRITTEN, Program, outcome

PROGRAMS = [program for theme in THEMES for program in theme.programs]
BUILT_IN = (SyntaxError, TypeError, NotImplementedError, RuntimeError, ImportError)

#: Places in the code that no program reaches, and why they are there all the same.
UNREACHABLE = {
    "transformer/adjoint/context.py:rule_of": "activity refuses a call without a rule before any sweep is made",
    "transformer/analysis/ownership.py:own_stores": "a round inserts a copy that a store needs; the bound is for an error in the pass",
    "transformer/loops.py:settle": "types widen to Any after a few joins (T3); the bound is for an error in the pass",
}

pytestmark = pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")

each = pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in PROGRAMS])
each_site = pytest.mark.parametrize("site", [pytest.param(s, id=s.key) for s in sites()])


# -- the programs -----------------------------------------------------------------------------------------


@each
def test_it_is_refused_as_the_code_says(program: Program) -> None:
    made = outcome(program)
    assert len(made.sites) == 1, "one place in the code makes the error"
    (site,) = made.sites
    assert type(made.error).__name__ == site.kind
    assert site.says(made.error.message, made.error.remedy)
    assert isinstance(made.error, (*BUILT_IN, DifferentiationError))


@each
def test_it_is_refused_at_its_place(program: Program) -> None:
    line, number, mark, under = program.marked
    where = outcome(program).error.where
    if mark == "--":
        assert where is None or not where.text, "no line of a program is at fault"
        return
    assert where is not None, "the error names no place"
    assert (where.file, where.line) == (inspect.getsourcefile(program.marked_in), number)
    assert outcome(program).carets == under
    _, shown, carets = str(outcome(program).error).splitlines()[:3]
    assert shown.startswith("    " + line)
    assert carets == " " * (4 + where.column) + "^" * len(under)


@each
def test_it_says_what_to_write_instead(program: Program) -> None:
    remedy = outcome(program).error.remedy
    assert remedy.endswith((".", ")")) and remedy[0].isupper(), remedy
    assert str(outcome(program).error).endswith("  " + remedy)


@pytest.mark.parametrize("program", [pytest.param(p, id=p.name) for p in PROGRAMS if p.function in REWRITTEN])
def test_the_remedy_works(program: Program) -> None:
    function, args = REWRITTEN[program.function], program.args
    value, pullback = rg.vjp(function, *copy.deepcopy(args))
    assert oracle.bit_equal(np.asarray(value), np.asarray(function(*copy.deepcopy(args))))
    bars = [bar for arg, bar in zip(args, _all_bars(args, pullback(1.0)), strict=True) if oracle.holds_floats(arg)]
    floats = [arg for arg in args if oracle.holds_floats(arg)]
    found = np.concatenate([oracle.cotangent_vector(arg, bar) for arg, bar in zip(floats, bars, strict=True)])
    oracle.assert_close(found, oracle.gradient(function, copy.deepcopy(args)), what=program.name)


def _all_bars(args: Any, bars: Any) -> list[Any]:
    """The cotangents in the order of the arguments, those without floats apart."""
    given = iter(bars)
    return [next(given) if oracle.holds_floats(arg) else None for arg in args]


# -- the code ---------------------------------------------------------------------------------------------


@each_site
def test_a_program_reaches_it(site: Site) -> None:
    reached = any(site in outcome(program).sites for program in PROGRAMS)
    excused = f"{site.file}:{site.function}" in UNREACHABLE
    assert reached != excused, "a program is wanted" if not reached else "it is reached: take it out of UNREACHABLE"


@each_site
def test_it_has_a_remedy(site: Site) -> None:
    assert all(site.remedies), f"{site.file}:{site.at} says nothing about what to write instead"


def test_excuses_are_for_places_that_exist() -> None:
    assert set(UNREACHABLE) <= {f"{site.file}:{site.function}" for site in sites()}


def test_every_row_of_a_table_of_words_has_a_program() -> None:
    messages = {outcome(program).error.message for program in PROGRAMS}
    remedies = {outcome(program).error.remedy for program in PROGRAMS}
    assert {f"{what} cannot be differentiated" for what in (*lower.REFUSED.values(), *expressions.REFUSED.values())} <= messages
    assert {*lower.REMEDIES.values(), *traced.REMEDIES.values(), traced.STORE} <= remedies


def test_the_page_is_what_the_generator_writes() -> None:
    assert PAGE.read_text() == page(), "python -m tests.limits"
