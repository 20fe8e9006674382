"""Which small programs must have right derivatives?  The table that `@program` fills.

A program is a plain NumPy function with representative arguments; it knows nothing of differentiation.
A new feature of the language adds a function to the zoo, and every test of the zoo finds it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Program:
    """One animal: the function, arguments to call it with, and what may be asked of it.

    wrt      indices or names; None for every argument that holds floats
    smooth   twice differentiable at its arguments, so that second derivatives can be asked
    later    not yet required: right, or refused with a located error
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: Any = None
    smooth: bool = True
    later: bool = False

    @property
    def name(self) -> str:
        return f"{self.function.__module__.rsplit('.', 1)[-1]}.{self.function.__name__}"

    def fresh_args(self) -> tuple[Any, ...]:
        return copy.deepcopy(self.args)


PROGRAMS: list[Program] = []


def program(args: tuple[Any, ...], wrt: Any = None, smooth: bool = True, later: bool = False) -> Callable[..., Any]:
    """Enter a function into the zoo, unchanged."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        PROGRAMS.append(Program(function, args, wrt, smooth, later))
        return function

    return enter


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal numbers, the same ones every time."""
    return np.random.default_rng(seed).standard_normal(shape)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between 0.5 and 2, the same ones every time."""
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape)


def definite(n: int, seed: int = 0) -> np.ndarray:
    """A well-conditioned symmetric positive definite matrix."""
    a = normal(n, n, seed=seed)
    return a @ a.T + n * np.eye(n)
