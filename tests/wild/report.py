"""How many programs nobody wrote for differentiation are differentiated, and are they right?

`python -m tests.wild.report` prints a row per function and counts by outcome, by refused construct and by package;
`--write` renews `outcomes.json`, to which the test holds every later change.
The reference is the original function under Richardson differences.  Where these disagree with the gradient, differences at much
smaller steps decide: wide ones skip the periods of a fast oscillation, and see the jumps of a result that is rounded.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import retrograd as rg
from retrograd.runtime.errors import DifferentiationError
from tests import oracle
from tests.wild import draw

#: From worst to best.  A crash is an exception that is no located refusal.
OUTCOMES = ("wrong", "crashed", "refused", "traced", "transformed")
#: The first steps of the differences, the next where the ones before disagree.
STEPS = (2e-2, 2e-5)
TABLE = draw.HERE / "outcomes.json"


@dataclass(frozen=True)
class Outcome:
    """What became of one function; `why` is the first line of the error, or what is wrong."""

    drawn: draw.Drawn
    outcome: str
    why: str = ""


def outcome_of(drawn: draw.Drawn) -> Outcome:
    """The gradient and the tangent of one function, held against differences."""
    function, args = draw.found(drawn), draw.arguments(drawn)
    try:
        with draw.quiet(), np.errstate(all="ignore"):
            bars, complaint = reverse_mode(drawn, function, args)
            try:
                complaint = complaint or forward_mode(drawn, function, args, bars)
            except DifferentiationError as refusal:
                if "traced" not in rg.explain(function, *args).verdicts.values():
                    raise
                return Outcome(drawn, "wrong" if complaint else "traced", complaint or _first_line(refusal))
    except DifferentiationError as refusal:
        return Outcome(drawn, "refused", _first_line(refusal))
    except Exception as crash:  # reported, and not accepted by the test
        return Outcome(drawn, "crashed", f"{type(crash).__name__}: {_first_line(crash)}")
    return Outcome(drawn, "wrong", complaint) if complaint else Outcome(drawn, "transformed")


def reverse_mode(drawn: draw.Drawn, function: Any, args: tuple[Any, ...]) -> tuple[np.ndarray, str]:
    """The gradient, and what is wrong with it or with the value; empty if nothing is."""
    expected, wrt = draw.result_of(function, args), tuple(range(len(args)))
    seed = draw.seed_of(drawn, expected)
    value, pullback = rg.vjp(function, *copy.deepcopy(args), wrt=wrt)
    bars = np.concatenate([oracle.cotangent_vector(a, bar) for a, bar in zip(args, pullback(seed), strict=True)])
    complaint = "" if oracle.bit_equal(value, expected) else f"value {value!r}, not {expected!r}"
    for step in STEPS if not complaint else ():
        estimate = oracle.gradient(function, args, wrt, seed, step)
        complaint = _distance("gradient", bars, estimate.value, 4 * estimate.error)
        if not complaint:
            break
    return bars, complaint


def forward_mode(drawn: draw.Drawn, function: Any, args: tuple[Any, ...], bars: np.ndarray) -> str:
    """What is wrong with the tangent, against the gradient; a traced function has none."""
    expected = draw.result_of(function, args)
    direction = tuple(oracle.random_like(a, np.random.default_rng(drawn.seed + 2)) for a in args)
    _, tangent = rg.jvp(function, copy.deepcopy(args), direction, wrt=tuple(range(len(args))))
    forward = np.dot(oracle.flat(draw.seed_of(drawn, expected)), oracle.cotangent_vector(expected, tangent))
    slopes = np.concatenate([oracle.flat(d) for d in direction])
    return _distance("tangent", forward, np.dot(bars, slopes), 1e-9 * np.abs(bars * slopes).sum())


def _distance(what: str, actual: Any, expected: Any, error: Any) -> str:
    allowed = error + 1e-7 * np.max(np.abs(expected))
    return "" if np.all(np.abs(actual - expected) <= allowed) else f"{what} {actual}, differences give {expected}"


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0]


# -- the table --------------------------------------------------------------------------------------------


def recorded() -> dict[str, str]:
    """The outcome each function had when the table was last written."""
    return json.loads(TABLE.read_text())


def worse(outcome: str, than: str) -> bool:
    return OUTCOMES.index(outcome) < OUTCOMES.index(than)


def construct(why: str) -> str:
    """The error without its place and without the names in it, for counting."""
    return re.sub(r"'[^']*'|\b\d+\b", "_", re.sub(r"^\S+:\d+: ", "", why))


def summary(outcomes: Iterable[Outcome]) -> str:
    rows = list(outcomes)
    lines = [f"{len(rows)} functions of {len({o.drawn.package for o in rows})} packages"]
    counts = Counter(o.outcome for o in rows)
    lines += [f"{counts[name]:5} {counts[name] / len(rows):6.1%} {name}" for name in reversed(OUTCOMES)]
    lines += ["", "not transformed, by construct"]
    lines += [f"{n:5} {why}" for why, n in Counter(construct(o.why) for o in rows if o.why).most_common()]
    lines += ["", "transformed, by package"]
    for package in sorted({o.drawn.package for o in rows}):
        own = [o.outcome for o in rows if o.drawn.package == package]
        lines.append(f"{own.count('transformed'):5} of {len(own)} {package}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="renew outcomes.json")
    parser.add_argument("only", nargs="*", help="report only functions whose name contains one of these")
    options = parser.parse_args()
    rows = [d for d in draw.load() if not options.only or any(part in d.name for part in options.only)]
    outcomes = []
    for drawn in rows:
        outcomes.append(outcome_of(drawn))
        print(f"{outcomes[-1].outcome:12} {drawn.name}  {outcomes[-1].why}", flush=True)
    print("\n" + summary(outcomes))
    if options.write:
        TABLE.write_text(json.dumps({o.drawn.name: o.outcome for o in outcomes}, indent=0) + "\n")


if __name__ == "__main__":
    main()
