"""What holds in every test: checked mode is on, and the golden files can be written anew."""

import os

os.environ.setdefault("RETROGRAD_CHECKED", "1")  # before the first import of retrograd
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/emitted/ anew")
