"""Is the list of planted faults in order?  Planting them all takes minutes: ``python -m tests.faults``."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import FAULTS, Fault, caught, copy_of_the_tree, planted
from tests.layout import ROOT

each = pytest.mark.parametrize("fault", [pytest.param(f, id=f"{k}: {f.breaks}") for k, f in enumerate(FAULTS)])


@each
def test_the_line_is_there_once_and_the_fault_still_parses(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text()
    made = planted(text, fault)
    assert made != text and ast.parse(made)


@each
def test_its_tests_are_there(fault: Fault) -> None:
    files = [part for part in fault.tests if part.startswith("tests/")]
    assert files and all((ROOT / file).exists() for file in files)


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 40 and len({(f.file, f.old, f.new) for f in FAULTS}) == len(FAULTS)


def test_a_line_that_is_gone_is_an_error() -> None:
    with pytest.raises(LookupError, match="found 0 times"):
        planted("nothing of the kind", FAULTS[0])


@pytest.mark.filterwarnings("ignore")
def test_a_fault_is_caught_and_what_is_none_survives(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    fault = next(f for f in FAULTS if f.breaks == "a cotangent of any shape is taken")
    assert caught(tree, fault, whole_suite=False) == "its own tests"
    assert caught(tree, replace(fault, new=fault.old), whole_suite=False) == ""
    assert (tree / fault.file).read_text() == (ROOT / fault.file).read_text()
