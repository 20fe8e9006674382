"""What holds in every test: emitted code checks itself (T6); the golden files can be written anew."""

import os
from pathlib import Path

os.environ.setdefault("RETROGRAD_CHECKED", "1")  # before the first import of retrograd
os.environ.setdefault("MPLBACKEND", "Agg")
# what Numba compiled for the tests is found again by the next run, as long as the text is the same
os.environ.setdefault("RETROGRAD_CACHE", str(Path(__file__).parent.parent / ".pytest_cache" / "retrograd"))

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/emitted/ anew")


#: What is asked for and not yet true.  Each row is an open gap, named.
KNOWN_GAPS = {
    # the numbers are right (RETROGRAD_CHECKED=0); checked mode claims one kind of scalar too many
    "is_differentiated[containers.nested_tuple_argument]": "claims about the parts of containers in nested derivatives",
    "is_differentiated[containers.list_argument]": "claims about the parts of containers in nested derivatives",
    "is_differentiated[shapes.powers_of_an_array_without_axes]": "claims about arrays without axes in nested derivatives",
}


def pytest_collection_modifyitems(items):
    for item in items:
        for part, reason in KNOWN_GAPS.items():
            if part in item.nodeid:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
