"""`python -m tests.fuzz --minutes N [--seed S]`: random programs for so long; failures are shrunk and printed as files."""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections import Counter

os.environ.setdefault("RETROGRAD_CHECKED", "1")

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.fuzz.check import Discarded
from tests.fuzz.programs import Program, programs, shown
from tests.fuzz.run import judged

ROUND = 40


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-shrink", action="store_true", help="print failures as they are found")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    end, at, tally, failures = time.monotonic() + 60 * options.minutes, options.seed, Counter[str](), []
    while time.monotonic() < end:
        found = one_round(at, tally, not options.no_shrink)
        if found:
            failures.append(found)
            print(found, flush=True)
        at += 1
    print(report(tally, len(failures)))
    return bool(failures)


def one_round(at: int, tally: Counter[str], shrink: bool = True) -> str:
    """The smallest program of a round that fails, as a file; empty if none does."""
    smallest: list[tuple[Program, str]] = []
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)

    @seeded(at)
    @settings(max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=phases)
    @given(programs())
    def search(program: Program) -> None:
        try:
            tally[judged(program)] += 1
        except Discarded as why:
            tally[f"discarded: {why}"] += 1
        except BaseException as error:
            smallest.append((program, f"{type(error).__name__}: {error}"))
            raise

    try:
        search()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or not smallest:
            raise
        program, why = smallest[-1]
        return f"# seed {at}\n{shown(program)}\n# " + "\n# ".join(why.splitlines()[:12])
    return ""


def report(tally: Counter[str], failures: int) -> str:
    total = sum(tally.values())
    kinds = Counter(key.partition(":")[0] for key in tally.elements())
    rows = [f"{total} programs, {failures} failures"]
    rows += [f"{count:6d}  {key}" for key, count in [*kinds.most_common(), *tally.most_common(40)]]
    return "\n".join(rows)


if __name__ == "__main__":
    raise SystemExit(main())
