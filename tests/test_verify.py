"""Does the verifier find a program that is none, and name the pass that made it?"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime import numerics
from retrograd.runtime.errors import CheckFailed
from retrograd.transformer import pipeline
from retrograd.transformer.checked import checked
from retrograd.transformer.ir import Aggregate, Block, Call, Const, Each, For, If, Let, Var, While
from retrograd.transformer.types import BOOL, FLOAT, INT, OPAQUE, AggregateT, ArrayT, Axis, ListT, NumberT, ScalarT
from retrograd.transformer.verify import Stage, admits, problems

F4 = ScalarT(np.dtype("f4"), False)
NUMBER = ScalarT(np.dtype(float), None, number=True)
ROW, ANY_ROW = ArrayT(np.dtype(float), (Axis("n", False),)), ArrayT(np.dtype(float), (Axis("m", None),))

x, c = Var("x", FLOAT), Var("c", BOOL)
JOINT = Stage(joint=True)


def let(var: Var, *operands: Any, fn: Any = operator.neg, forward: bool = True) -> Let:
    return Let(var, Call(fn, operands), None, forward)


def loop(body: Block, args: Any = (), inits: Any = (), results: Any = (), **facts: Any) -> For:
    return For(results, args, inits, Each("range", (Const(3),), (Var("i", INT),)), Var("k", INT), body, **facts)


def found(*stmts: Any, yields: Any = (), stage: Stage = Stage()) -> str:
    return "\n".join(problems((x, c), Block(stmts, yields), stage))


def values(n: int = 3, t: Any = FLOAT) -> list[Var]:
    return [Var("abcdefg"[k], t) for k in range(n)]


def test_a_program_has_no_problems() -> None:
    a, b, r = values()
    choice = If((r,), c, Block((let(a, x),), (a,)), Block((let(b, x),), (b,)))
    assert found(choice, yields=(r,)) == ""


def test_a_value_is_defined_once() -> None:
    a, *_ = values()
    assert "a is defined twice" in found(let(a, x), let(a, x))


def test_a_value_is_defined_before_it_is_read() -> None:
    a, b, _ = values()
    assert "a is read by b = neg(a)" in found(let(b, a), let(a, x))
    assert "a is read by a yield" in found(yields=(Aggregate(tuple, (x, a)),))


def test_a_branch_keeps_its_values_to_itself() -> None:
    a, b, _ = values()
    inside = If((), c, Block((let(a, x),)), Block())
    assert "a is read" in found(inside, let(b, a))
    assert found(inside, yields=(a,), stage=Stage(visible=frozenset({a}))) == ""


@pytest.mark.parametrize("then, orelse", [(0, 1), (1, 0), (2, 1)])
def test_branches_yield_as_many_values_as_there_are_results(then: int, orelse: int) -> None:
    r, *_ = values()
    assert "1 names for" in found(If((r,), c, Block((), (x,) * then), Block((), (x,) * orelse)))


def test_loops_carry_as_many_values_as_they_start_with() -> None:
    a, r, _ = values()
    for change in ({"inits": ()}, {"results": ()}, {"body": Block()}):
        whole = loop(Block((), (a,)), (a,), (x,), (r,))
        assert found(whole) == "" and "names for" in found(replace(whole, **change))


def test_a_loop_that_breaks_carries_a_flag() -> None:
    assert "no flag" in found(loop(Block(), breaks=True))


def test_a_while_has_one_condition() -> None:
    assert "condition" in found(While((), (), (), Block((), ()), Block()))


def test_what_is_merged_has_the_type_of_the_merge() -> None:
    r = Var("r", INT)
    assert "merges x" in found(If((r,), c, Block((), (x,)), Block((), (Const(1),))))
    a = Var("a", INT)
    assert "merges" in found(loop(Block((), (a,)), (a,), (x,), (Var("r", INT),)))


def test_the_forward_sweep_reads_nothing_of_the_reverse_sweep() -> None:
    a, b, _ = values()
    stmts = let(a, x, forward=False), let(b, a)
    assert "of the reverse sweep" in found(*stmts, stage=JOINT) and found(*stmts) == ""


@pytest.mark.parametrize(
    "fn, operands", [(operator.add, 1), (operator.neg, 2), (operator.getitem, 1), (numerics.store, 2), (operator.lt, 3)]
)
def test_calls_have_their_operands(fn: Any, operands: int) -> None:
    assert f"has {operands} operands" in found(let(Var("a", FLOAT), *(x,) * operands, fn=fn))


def test_operands_are_atoms() -> None:
    assert "not an atom" in found(let(Var("a", FLOAT), 1.0))
    assert "not a call" in found(Let(Var("a", FLOAT), Call(3, (x,))))  # type: ignore[arg-type]
    assert "not a call" in found(Let(Var("a", FLOAT), Call(operator.neg, (x,), (), "shouted")))


def test_a_mirror_sees_its_forward_block_until_records_are_made() -> None:
    a, b, _ = values()
    ahead = loop(Block((let(a, x),)))
    back = loop(Block((let(b, a, forward=False),)), mirror=ahead.tag, forward=False)
    back = replace(back, each=ahead.each, index=ahead.index)  # binds the loop variables of the forward loop again
    assert found(ahead, back, stage=Stage(recorded=False)) == ""
    assert "a is read" in found(ahead, back)


def test_a_cotangent_has_the_rank_and_dtype_of_its_primal() -> None:
    bar = Var("bar", ROW)
    stage = Stage(cotangents={bar: (("x", ROW),)})
    assert found(let(bar, x), stage=stage) == ""
    for t in (FLOAT, F4, ArrayT(np.dtype("f4"), ROW.shape), ArrayT(np.dtype(float), ())):
        assert "is a cotangent of x" in found(let(bar, x), stage=Stage(cotangents={bar: (("x", t),)}))


ADMITTED = [
    (OPAQUE, FLOAT), (NumberT(None), ROW), (NUMBER, INT), (NUMBER, FLOAT), (ANY_ROW, ROW),
    (ListT(list, FLOAT), AggregateT(list, (FLOAT, FLOAT))), (ScalarT(np.dtype("f4"), None), FLOAT),
]  # fmt: skip
REFUSED = [
    (FLOAT, OPAQUE), (FLOAT, NumberT(None)), (INT, FLOAT), (FLOAT, NUMBER), (ROW, ANY_ROW), (F4, FLOAT), (ROW, FLOAT),
    (ListT(list, FLOAT), AggregateT(tuple, (FLOAT,))), (AggregateT(tuple, (FLOAT,)), AggregateT(tuple, (FLOAT, FLOAT))),
]  # fmt: skip


@pytest.mark.parametrize("t, u", ADMITTED)
def test_a_wider_type_admits_a_narrower_one(t: Any, u: Any) -> None:
    assert admits(t, u)


@pytest.mark.parametrize("t, u", REFUSED)
def test_a_narrower_type_admits_no_wider_one(t: Any, u: Any) -> None:
    assert not admits(t, u)


# -- between the passes -----------------------------------------------------------------------------------


def without_the_first_statement(block: Block) -> Block:
    return Block(block.stmts[1:], block.yields)


def product(x):
    y = np.sin(x)
    return np.sum(y * y)


@pytest.mark.parametrize("passes", ["PRIMAL", "JOINT"])
def test_the_pass_that_broke_the_program_is_named(passes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [*getattr(pipeline, passes), (without_the_first_statement, "breaks it")]
    monkeypatch.setattr(pipeline, passes, broken)
    with checked(), pytest.raises(CheckFailed, match="after without_the_first_statement the program is ill-formed"):
        rg.grad(product)(np.ones(3))


def test_unchecked_programs_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def untouched(*_: Any) -> Any:
        raise AssertionError("verified without being asked")

    monkeypatch.setattr("retrograd.transformer.verify.problems", untouched)
    with checked(False):
        rg.grad(product)(np.ones(3))
