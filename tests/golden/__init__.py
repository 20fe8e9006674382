"""Programs with an adjoint written by hand, the way an expert would: the bar for emitted code.

Each module holds the primal (named like the module), `args(n)`, `WRT`, `SIZES` (a small and a large `n`) and
`<name>_value_and_grad`, the hand-written adjoint; `MOST_STATEMENTS` where the emitted one may have more of them than
elsewhere, and why.  It returns what the emitted one must return: the value, and one
fresh cotangent per name in `WRT`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
EMITTED = HERE / "emitted"
MOST_STATEMENTS = 1.15
NOT_PROGRAMS = {"__init__", "counts", "emit"}


@dataclass(frozen=True)
class Golden:
    name: str
    primal: Callable[..., Any]
    by_hand: Callable[..., Any]
    args: Callable[[int], tuple[Any, ...]]
    wrt: str | tuple[str, ...]
    sizes: tuple[int, int]
    module: ModuleType
    most: float  # statements, of the hand-written adjoint's

    @property
    def emitted_file(self) -> Path:
        return EMITTED / f"{self.name}.py"


def load(name: str) -> Golden:
    module = importlib.import_module(f"{__name__}.{name}")
    by_hand = getattr(module, f"{name}_value_and_grad")
    return Golden(name, getattr(module, name), by_hand, module.args, module.WRT, module.SIZES, module,
                  getattr(module, "MOST_STATEMENTS", MOST_STATEMENTS))  # fmt: skip


GOLDENS = [load(path.stem) for path in sorted(HERE.glob("*.py")) if path.stem not in NOT_PROGRAMS]
