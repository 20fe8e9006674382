"""How long does each of several functions take, next to the others?

Processor time, so that other programs on the machine count less; interleaved, so that what remains hits all alike;
the least of many batches, so that what remains is left out.

>>> fast, slow = least_times([lambda: None, lambda: sum(range(2000))], seconds=0.02)
>>> fast < slow
True
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

Thunk = Callable[[], Any]
BATCH_SECONDS = 1e-3


def duration(thunk: Thunk, calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        thunk()
    return time.process_time() - begin


def calls_a_batch(thunk: Thunk) -> int:
    """Enough calls for the clock: doubled until a batch lasts."""
    calls = 1
    while duration(thunk, calls) < BATCH_SECONDS:
        calls *= 2
    return calls


def least_times(thunks: Sequence[Thunk], seconds: float = 0.5) -> list[float]:
    """Seconds per call of each thunk: the least over interleaved batches; `seconds` is for each of them."""
    calls = [calls_a_batch(thunk) for thunk in thunks]
    least = [float("inf")] * len(thunks)
    end = time.perf_counter() + seconds * len(thunks)
    while time.perf_counter() < end:
        for k, thunk in enumerate(thunks):
            least[k] = min(least[k], duration(thunk, calls[k]) / calls[k])
    return least


def in_words(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
