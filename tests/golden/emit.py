"""Prints the emitted source of every golden program as one JSON object; run as a process of its own.

A fresh process, without checked mode, so that the text does not depend on what other tests did before.
"""

from __future__ import annotations

import json
import sys

import retrograd as rg
from tests.golden import GOLDENS, Golden


def emitted(golden: Golden) -> str:
    """The joint adjoint, as `rg.source` gives it after one call."""
    derivative = rg.value_and_grad(golden.primal, wrt=golden.wrt)
    derivative(*golden.args(golden.sizes[0]))
    text: str = rg.source(derivative)
    return text.rstrip() + "\n"


def attempt(golden: Golden) -> dict[str, str]:
    try:
        return {"text": emitted(golden)}
    except Exception as error:  # reported by the test of this program, not by all of them
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    json.dump({golden.name: attempt(golden) for golden in GOLDENS}, sys.stdout)
