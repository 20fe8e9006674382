"""How close is emitted code to the adjoint that an expert writes?

    python benchmarks/goldens.py [--seconds 0.3] [name ...]

For each program in tests/golden: statements and operations of the emitted code over those of the hand-written one,
and its time over that of the hand-written one at a small and a large size; at the end the median and the worst.
The emitted code is called as a user calls it, so the time includes finding the specialisation for the arguments.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import retrograd as rg  # noqa: E402
from benchmarks.timing import in_words, least_times  # noqa: E402
from tests.golden import GOLDENS, Golden  # noqa: E402
from tests.golden.counts import operations, source_of, statements  # noqa: E402

HEADER = (
    f"{'program':22s} {'statements':>12s} {'operations':>12s}   "
    f"{'small: hand':>12s} {'ratio':>6s}   {'large: hand':>12s} {'ratio':>6s}"
)


@dataclass(frozen=True)
class Row:
    golden: Golden
    statements: tuple[int, int]
    operations: tuple[int, int]
    seconds: tuple[tuple[float, float], tuple[float, float]]

    def __str__(self) -> str:
        counted = "".join(f" {emitted:>5d} / {by_hand:<4d}" for emitted, by_hand in (self.statements, self.operations))
        timed = "".join(f"   {in_words(hand):>12s} {emitted / hand:6.2f}" for emitted, hand in self.seconds)
        return f"{self.golden.name:22s} {counted}{timed}"


def measured(golden: Golden, seconds: float) -> Row:
    derivative = rg.value_and_grad(golden.primal, wrt=golden.wrt)
    timed = tuple(times(derivative, golden, n, seconds) for n in golden.sizes)
    emitted, by_hand = rg.source(derivative), source_of(golden.by_hand)
    return Row(
        golden, (statements(emitted), statements(by_hand)), (operations(emitted), operations(by_hand)), timed
    )


def times(derivative: Callable[..., Any], golden: Golden, n: int, seconds: float) -> tuple[float, float]:
    args = golden.args(n)
    derivative(*args)
    emitted, by_hand = least_times([lambda: derivative(*args), lambda: golden.by_hand(*args)], seconds)
    return emitted, by_hand


def summary(what: str, ratios: list[float]) -> str:
    return f"{what:22s} median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}"


def print_fused(golden: Golden, seconds: float) -> None:
    """What another algorithm could reach: not an adjoint in two sweeps, so no bar."""
    fused = getattr(golden.module, f"{golden.name}_fused", None)
    if fused is not None:
        args = golden.args(golden.sizes[1])
        one_pass, by_hand = least_times([lambda: fused(*args), lambda: golden.by_hand(*args)], seconds)
        print(f"{golden.name + ' in one pass':22s} {one_pass / by_hand:.2f} of the hand-written two sweeps")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="time for each measurement")
    parser.add_argument("names", nargs="*", help="only these programs")
    options = parser.parse_args()

    print("emitted / hand-written, and emitted time over hand-written time\n")
    print(HEADER)
    rows = []
    for golden in GOLDENS:
        if options.names and golden.name not in options.names:
            continue
        try:
            rows.append(measured(golden, options.seconds))
        except rg.DifferentiationError as refusal:
            print(f"{golden.name:22s} refused: {str(refusal).splitlines()[0]}")
            continue
        print(rows[-1], flush=True)
        print_fused(golden, options.seconds)
    if rows:
        print()
        print(summary("statements", [r.statements[0] / r.statements[1] for r in rows]))
        print(summary("operations", [r.operations[0] / r.operations[1] for r in rows]))
        for k, size in enumerate(("small", "large")):
            print(summary(f"time, {size}", [r.seconds[k][0] / r.seconds[k][1] for r in rows]))


if __name__ == "__main__":
    main()
