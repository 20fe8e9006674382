"""Is every function drawn from published packages right, and none worse off than it was?

The list and the reference are described in tests/wild; the packages are the extra `wild`.
"""

from __future__ import annotations

import pytest

from tests.wild import draw, report


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("drawn", [pytest.param(d, id=d.name) for d in draw.load()])
def test_a_function_from_the_wild(drawn: draw.Drawn) -> None:
    pytest.importorskip(drawn.package)
    outcome = report.outcome_of(drawn)
    assert outcome.outcome != "wrong", outcome.why
    before = report.recorded()[drawn.name]
    assert not report.worse(outcome.outcome, before), f"{outcome.outcome}, but was {before}: {outcome.why}"


def test_the_list_is_wide_enough() -> None:
    drawn = draw.load()
    assert len(drawn) >= 60 and len({d.package for d in drawn}) >= 12
