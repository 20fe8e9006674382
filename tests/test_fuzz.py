"""Does everything hold for random programs?  A bounded, repeatable part of what `python -m tests.fuzz` searches."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, note, settings

from tests.fuzz.check import Discarded
from tests.fuzz.programs import Program, programs, shown
from tests.fuzz.run import judged

pytestmark = pytest.mark.filterwarnings("ignore")


def hold(program: Program) -> None:
    note(shown(program))
    try:
        judged(program)
    except Discarded:
        assume(False)


@settings(max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs(program: Program) -> None:
    hold(program)


@pytest.mark.fuzz
@settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_many_random_programs(program: Program) -> None:
    hold(program)
