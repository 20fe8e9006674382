"""Does the emitted code read, and cost, like what an expert would write?"""

from __future__ import annotations

import ast
import copy
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from tests import oracle
from tests.golden import EMITTED, GOLDENS, Golden
from tests.golden.counts import operations, source_of, statements

ROOT = Path(__file__).parent.parent

each = pytest.mark.parametrize("golden", [pytest.param(g, id=g.name) for g in GOLDENS])
each_size = pytest.mark.parametrize("size", [0, 1], ids=["small", "large"])


def bars_vector(golden: Golden, args: tuple[Any, ...], bars: Any) -> np.ndarray:
    wrt = oracle.positions(golden.primal, args, golden.wrt)
    bars = bars if isinstance(golden.wrt, tuple) else (bars,)
    return np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


@cache
def all_emitted(hash_seed: str) -> dict[str, dict[str, str]]:
    environment = {k: v for k, v in os.environ.items() if k != "RETROGRAD_CHECKED"} | {"PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.golden.emit"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def emitted(golden: Golden, hash_seed: str = "0") -> str:
    answer = all_emitted(hash_seed)[golden.name]
    assert "error" not in answer, answer["error"]
    return answer["text"]


# -- the references themselves ----------------------------------------------------------------------------


@each
def test_the_hand_written_adjoint_is_right(golden: Golden) -> None:
    args = golden.args(golden.sizes[0])
    value, bars = golden.by_hand(*copy.deepcopy(args))
    np.testing.assert_allclose(value, golden.primal(*copy.deepcopy(args)), rtol=1e-14)
    oracle.assert_close(bars_vector(golden, args, bars), oracle.gradient(golden.primal, args, golden.wrt))


@each
def test_the_hand_written_adjoint_leaves_its_arguments(golden: Golden) -> None:
    args = golden.args(golden.sizes[0])
    kept = copy.deepcopy(args)
    _, bars = golden.by_hand(*args)
    assert oracle.bit_equal(args, kept)
    for bar in filter(lambda b: isinstance(b, np.ndarray), oracle.every_leaf(bars)):
        assert bar.flags.writeable and not any(np.may_share_memory(bar, a) for a in oracle.every_leaf(args))


# -- the emitted code -------------------------------------------------------------------------------------


@each
@each_size
def test_emitted_and_hand_written_agree(golden: Golden, size: int) -> None:
    args = golden.args(golden.sizes[size])
    value, bars = rg.value_and_grad(golden.primal, wrt=golden.wrt)(*copy.deepcopy(args))
    _, expected = golden.by_hand(*copy.deepcopy(args))
    assert oracle.bit_equal(value, golden.primal(*copy.deepcopy(args)))
    oracle.assert_same(bars_vector(golden, args, bars), bars_vector(golden, args, expected))


@each
def test_emitted_text_is_the_committed_one(golden: Golden, request: pytest.FixtureRequest) -> None:
    text = emitted(golden)
    if request.config.getoption("--update-golden"):
        EMITTED.mkdir(exist_ok=True)
        golden.emitted_file.write_text(text)
    if not golden.emitted_file.exists():
        pytest.skip("no committed text; write it with --update-golden")
    assert text == golden.emitted_file.read_text(), "read the change like prose, then --update-golden"


@each
def test_emitted_text_is_always_the_same(golden: Golden) -> None:
    assert emitted(golden, "0") == emitted(golden, "12345")


@each
def test_emitted_text_has_few_statements(golden: Golden) -> None:
    by_hand = statements(source_of(golden.by_hand))
    assert statements(emitted(golden)) <= golden.most * by_hand, (
        f"{statements(emitted(golden))} statements, {by_hand} by hand "
        f"(operations: {operations(emitted(golden))}, {operations(source_of(golden.by_hand))} by hand)"
    )


@each
def test_emitted_text_has_no_dead_assignment(golden: Golden) -> None:
    """Every name that is assigned in a function is read in it."""
    for function in (n for n in ast.walk(ast.parse(emitted(golden))) if isinstance(n, ast.FunctionDef)):
        names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
        stored = {n.id for n in names if isinstance(n.ctx, ast.Store)} - loop_counters(function)
        read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
        assert not {name for name in stored - read if not name.startswith("_")}, "assigned and never read"


def loop_counters(function: ast.FunctionDef) -> set[str]:
    targets = [n.target for n in ast.walk(function) if isinstance(n, ast.For)]
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
