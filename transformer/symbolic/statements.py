"""Which elementwise computations of a program are one statement, whose partials may be shorter as a formula?

    z = x / (x + k)      by the rules    x_bar = z_bar / t - z_bar * x / t / t        (t = x + k)
                         as a formula    x_bar = z_bar * (k / t / t)

A value that the statement reads twice, once through more than sums and products, is where the rules, which see one
operation at a time, may miss what the terms have in common.  Elsewhere they are as short as a formula, and SymPy is
not asked.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograd.runtime.rules.elementwise import ROWS

from ..builder import type_of
from ..ir import Atom, Block, Const, Let, Var, blocks_of, reads
from ..simplify.switches import is_on, note
from ..types import ArrayT, Axis, ScalarT, equal_shapes

PARTIALS = "partials of a statement"
MOST_OPERATIONS = 16  # in a statement that SymPy is asked about
MOST_LEAVES = 5
POWERS = frozenset({operator.pow, pow, np.power, math.pow})
SUMS = frozenset({operator.add, operator.sub, operator.neg, np.add, np.subtract, np.negative})
PRODUCTS = SUMS | {operator.mul, np.multiply}
QUOTIENTS = frozenset({operator.truediv, np.divide})
#: What changes the type of a number is no part of a formula.
CASTS = frozenset({float, complex, np.float64, np.float32, np.complex128, np.complex64})
#: Python's functions with an infinite slope: their rules divide as NumPy does, where ``/`` would raise.
INFINITE = frozenset({math.sqrt, math.asin, math.acos, math.acosh, math.atan2, getattr(math, "cbrt", math.sqrt)})
ELEMENTWISE = (frozenset(p for row in ROWS for p in row.primitives) | POWERS) - CASTS


@dataclass(frozen=True)
class Leaf:
    """What a statement reads that it does not compute, by its place among those."""

    at: int


@dataclass(frozen=True)
class Step:
    """What one of the operations computes, by its place among them."""

    at: int


Operand = Leaf | Step | Const


@dataclass(frozen=True)
class Operation:
    """One function of what came before."""

    fn: Callable[..., Any]
    operands: tuple[Operand, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.fn, self.operands))


@dataclass(frozen=True)
class Formula:
    """A statement without its names: two of the same formula and kinds have the same partials.

    operations  from the first to the one that gives the statement's value
    kinds       the type of each leaf, the lengths of arrays apart
    wanted      the leaves to differentiate by
    repeated    those of them that are read more than once, and by more than sums and products
    """

    operations: tuple[Operation, ...]
    kinds: tuple[ScalarT | ArrayT, ...]
    wanted: tuple[int, ...]
    repeated: tuple[int, ...]


@dataclass(frozen=True)
class Partials:
    """The slopes of a formula by its wanted leaves, after ``operations`` that go on from those of the formula."""

    operations: tuple[Operation, ...]
    slopes: tuple[Operand, ...]


@dataclass(frozen=True)
class Statement:
    """A computation in the program at hand: the formula, the operations that are its own, and its leaves."""

    formula: Formula
    lets: tuple[Let, ...]
    leaves: tuple[Var, ...]
    partials: Partials

    def slopes(self, call: Callable[..., Atom]) -> list[tuple[Var, Atom]]:
        """The slope by each wanted leaf, computed by ``call(fn, *atoms)``."""
        values: list[Atom] = [let.var for let in self.lets]

        def atom(operand: Operand) -> Atom:
            if isinstance(operand, Const):
                return operand
            return self.leaves[operand.at] if isinstance(operand, Leaf) else values[operand.at]

        for fn, operands in self.partials.operations:
            values.append(call(fn, *map(atom, operands)))
        return [(self.leaves[at], atom(slope)) for at, slope in zip(self.formula.wanted, self.partials.slopes)]


def shorter_statements(block: Block, active: set[Var]) -> dict[Var, Statement]:
    """The statements whose partials are shorter as a formula, by the value of each."""
    if not is_on(PARTIALS):
        return {}
    found = {}
    for lets in _candidates(block, active, Counter(reads(block))):
        formula, leaves = _described(lets, active)
        if formula.repeated and len(leaves) <= MOST_LEAVES and (partials := _partials(formula)) is not None:
            note(PARTIALS)
            found[lets[-1].var] = Statement(formula, lets, leaves, partials)
    return found


def _partials(formula: Formula) -> Partials | None:
    from .partials import shorter_partials  # SymPy

    return shorter_partials(formula)


def _candidates(block: Block, active: set[Var], uses: Counter[Var]) -> Iterator[tuple[Let, ...]]:
    """The groups of elementwise operations on one line, each of whose values is read within the group alone, but for the last."""
    known: dict[Var, Let] = {}
    taken: set[Var] = set()
    for stmt in block.stmts:
        if isinstance(stmt, Let) and _is_elementwise(stmt):
            known[stmt.var] = stmt
        for inner in blocks_of(stmt):
            yield from _candidates(inner, active, uses)
    for root in reversed(known.values()):
        if root.var in active and root.var not in taken:
            group = _group(root, known, uses)
            taken.update(let.var for let in group)
            if 1 < len(group) <= MOST_OPERATIONS:
                yield group


def _is_elementwise(stmt: Let) -> bool:
    t, call = stmt.var.type, stmt.call
    real = isinstance(t, (ScalarT, ArrayT)) and t.dtype.kind == "f" and not getattr(t, "number", False)
    if not real or call.kwargs or not _is_among(call.fn, ELEMENTWISE) or not all(_is_operand(a, t.dtype) for a in call.args):
        return False
    of_python = isinstance(t, ScalarT) and t.weak is not False
    if call.fn in POWERS:
        return isinstance(call.args[1], Const) and (not of_python or float(call.args[1].value).is_integer())
    return not (of_python and call.fn in INFINITE)


def _is_among(fn: Any, functions: Iterable[Any]) -> bool:
    try:
        return fn in functions
    except TypeError:  # an unhashable callable of the user's
        return False


def _is_operand(atom: Atom, dtype: np.dtype) -> bool:
    if isinstance(atom, Const):
        return type(atom.value) in (int, float) and math.isfinite(atom.value)
    t = type_of(atom)
    return isinstance(atom, Var) and isinstance(t, (ScalarT, ArrayT)) and t.dtype == dtype and not getattr(t, "number", False)


def _group(root: Let, known: dict[Var, Let], uses: Counter[Var]) -> tuple[Let, ...]:
    """What the value of ``root`` is computed from on the same line, in its shape, and nobody else reads."""
    group = {root.var: root}
    inside: Counter[Var] = Counter()
    for let in reversed(known.values()):
        alone = let.var in inside and inside[let.var] == uses[let.var]
        if alone and same_line(let, root) and equal_shapes(let.var.type, root.var.type) or let is root:
            group[let.var] = let
            inside.update(a for a in let.call.args if isinstance(a, Var))
    return tuple(let for var, let in known.items() if var in group)


def same_line(a: Let, b: Let) -> bool:
    """Do both stand for what is written on one line?"""
    return a.loc is not None and b.loc is not None and (a.loc.file, a.loc.line) == (b.loc.file, b.loc.line)


def _described(lets: tuple[Let, ...], active: set[Var]) -> tuple[Formula, tuple[Var, ...]]:
    steps = {let.var: Step(k) for k, let in enumerate(lets)}
    leaves: dict[Var, Leaf] = {}

    def operand(atom: Any) -> Operand:
        if isinstance(atom, Const):
            return atom
        return steps.get(atom) or leaves.setdefault(atom, Leaf(len(leaves)))

    operations = tuple(Operation(let.call.fn, tuple(map(operand, let.call.args))) for let in lets)
    kinds = tuple(_kind(leaf.type) for leaf in leaves)
    wanted = tuple(k for k, leaf in enumerate(leaves) if leaf in active)
    return Formula(operations, kinds, wanted, _repeated(operations, wanted)), tuple(leaves)


def _kind(t: ScalarT | ArrayT) -> ScalarT | ArrayT:
    """The type without the names of its lengths: all that is not of length 1 is taken to be as long."""
    if isinstance(t, ScalarT):
        return t
    return ArrayT(t.dtype, tuple(axis if axis.one else Axis(f"n{k}", axis.one) for k, axis in enumerate(t.shape, -t.ndim)))


def _repeated(operations: tuple[Operation, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Which leaves are read more than once, and by more than sums and products?"""
    paths: list[Counter[tuple[Leaf, bool]]] = []  # by operation: how often it depends on a leaf, and whether through more
    for fn, operands in operations:
        through: Counter[tuple[Leaf, bool]] = Counter()
        for at, operand in enumerate(operands):
            curved = fn not in PRODUCTS and not (at == 0 and fn in QUOTIENTS)
            for (leaf, before), count in _paths(operand, paths).items():
                through[leaf, curved or before] += count
        paths.append(through)
    return tuple(k for k in wanted if _is_repeated(Leaf(k), operations, paths))


def _paths(operand: Operand, paths: list[Counter[tuple[Leaf, bool]]]) -> Counter[tuple[Leaf, bool]]:
    if isinstance(operand, Step):
        return paths[operand.at]
    return Counter({(operand, False): 1}) if isinstance(operand, Leaf) else Counter()


def _is_repeated(leaf: Leaf, operations: tuple[Operation, ...], paths: list[Counter[tuple[Leaf, bool]]]) -> bool:
    """Is it, in one term of the sum that the statement is?  The slope of two terms is seldom one product."""
    here: Operand = Step(len(operations) - 1)
    while isinstance(here, Step) and operations[here.at].fn in SUMS:
        terms = [o for o in operations[here.at].operands if any(key[0] == leaf for key in _paths(o, paths))]
        if len(terms) != 1:
            return False
        here = terms[0]
    found = _paths(here, paths)
    return found[leaf, True] > 0 and found[leaf, True] + found[leaf, False] > 1
