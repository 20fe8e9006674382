"""Which kinds of programs were differentiated wrongly elsewhere, without an error?  The table that `@item` fills.

A row is a plain NumPy function with arguments.  Rows of one number are the spellings of one kind of bug.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: The kinds of bugs collected from the trackers of other systems are numbered 1 to 64.
ITEMS = range(1, 65)


@dataclass(frozen=True)
class Row:
    """One spelling of one kind of bug.

    rule      the rule of the soundness notes that it tests
    wrt       indices or names; None for every argument that holds floats, and then each alone too
    gradient  the expected numbers, where they are known: one per entry of the arguments
    smooth    twice differentiable there, so that second derivatives can be asked
    kink      no derivative there: `gradient` is the convention of docs/conventions.md, not the limit of differences
    once      differentiable once: its second derivative is refused (H3)
    ignores   the argument that does not matter, of which a warning speaks
    traced    the bug is in a rule, so the function is recorded as it runs too, and run on Tensors
    refused   the error that is the right answer, and a part of its message
    """

    number: int
    rule: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: Any = None
    gradient: Any = None
    smooth: bool = True
    kink: bool = False
    once: bool = False
    ignores: str = ""
    traced: bool = False
    refused: tuple[type[Exception], str] | None = None

    @property
    def id(self) -> str:
        return f"{self.number}-{self.function.__name__}"

    def fresh_args(self) -> tuple[Any, ...]:
        return copy.deepcopy(self.args)


ROWS: list[Row] = []


def item(number: int, rule: str, *args: Any, **asked: Any) -> Callable[..., Any]:
    """Enter a function as a spelling of one kind of bug, unchanged."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        ROWS.append(Row(number, rule, function, args, **asked))
        return function

    return enter


def vector(*entries: float) -> np.ndarray:
    return np.array(entries, float)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal numbers, the same ones every time."""
    return np.random.default_rng(seed).standard_normal(shape)
