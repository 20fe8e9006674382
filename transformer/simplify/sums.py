"""The cotangent of a number is one sum, in one statement, with what its terms have in common taken out.

    y_bar = y_bar + a; ...; y_bar = y_bar - b       ->      ...; y_bar = y_bar + (a - b)
    g * (b * u) + (g * u) * b                       ->      2 * (g * (b * u))
    g * a - g * b                                   ->      g * (a - b)
    1.0 * n - x                                     ->      n - x           (n an int, x a float)

Only derivative code on floats, whose order of summation is free; an array is cheaper to add to in place.  Where the
chain is finite so is the result (R7): a like term counts double only beside its twin, which is as large, and factors
are taken out of products as they stand, so no product is formed that the chain does not form; but a sum of such
factors may overflow where each of them is within a factor of their number of the largest float.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..builder import operand, type_of
from ..infer import infer
from ..ir import Atom, Block, Call, Const, Let, Stmt, Var, map_blocks, reads, walk
from ..types import ScalarT
from .switches import is_on, note

ADD, SUB, NEG, MUL = operator.add, operator.sub, operator.neg, operator.mul
GATHERED, LIKE, COMMON, ONES = "sums are gathered", "like terms", "common factor", "one times a count"
DEPTH = 6  # of the products that are looked into


@dataclass(frozen=True)
class Term:
    """``sign`` times a value."""

    sign: int
    atom: Atom


def gather_sums(block: Block, name: Callable[[Var], str]) -> Block:
    """The block with each sum of numbers in one statement; ``name(var)`` is what a value will be called."""
    calls = {s.var: s for s in walk(block) if isinstance(s, Let)}
    return _Gatherer(name, Counter(reads(block)), calls).block(block)


@dataclass
class _Gatherer:
    name: Callable[[Var], str]
    counts: Counter[Var]
    lets: dict[Var, Let]
    here: dict[Var, Let] = field(default_factory=dict)  # the sums of the present block
    absorbed: set[Var] = field(default_factory=set)
    made: list[Stmt] = field(default_factory=list)
    loc: Any = None

    def block(self, block: Block) -> Block:
        stmts = [map_blocks(s, self.block) for s in block.stmts]
        self.here = {s.var: s for s in stmts if isinstance(s, Let) and _is_sum(s)}
        self.absorbed = set()
        out: list[Stmt] = []
        for stmt in reversed(stmts):
            if isinstance(stmt, Let) and stmt.var in self.absorbed:
                continue
            if isinstance(stmt, Let) and stmt.var in self.here and stmt.call.fn is not NEG:
                out += reversed(self.sum(stmt))
            else:
                out.append(stmt)
        return Block(tuple(reversed(out)), block.yields)

    # -- one sum ------------------------------------------------------------------------------------------

    def sum(self, stmt: Let) -> list[Stmt]:
        absorbed: list[Var] = []
        terms = self.terms(stmt.call, 1, stmt.var, absorbed)
        self.made = []
        self.loc = stmt.loc
        applied = {GATHERED} if any(map(self.name, absorbed)) else set()
        for name, law in ((LIKE, self.like_terms), (COMMON, self.common_factor)):
            while is_on(name) and (found := law(terms)) is not None:
                terms = found
                applied.add(name)
        if is_on(ONES) and (plain := _without_ones(terms, self.lets)) != terms:
            terms = plain
            applied.add(ONES)
        if not applied:
            return [stmt]
        call = self.total(terms)
        if infer(call.fn, tuple(map(operand, call.args)), {}) != stmt.var.type:
            return [stmt]
        for name in applied:
            note(name)
        self.absorbed.update(absorbed)
        return [*self.made, replace(stmt, call=call)]

    def terms(self, call: Call, sign: int, root: Var, absorbed: list[Var]) -> list[Term]:
        signs = {ADD: (1, 1), SUB: (1, -1), NEG: (-1,)}[call.fn]
        out: list[Term] = []
        for one, atom in zip(signs, call.args):
            inner = self.here.get(atom) if isinstance(atom, Var) else None
            if inner is not None and self.counts[atom] == 1 and self.fits(inner.var, root):  # type: ignore[index]
                absorbed.append(inner.var)
                out += self.terms(inner.call, sign * one, root, absorbed)
            else:
                out.append(Term(sign * one, atom))
        return out

    def fits(self, inner: Var, root: Var) -> bool:
        """Is it a part of the sum, and nothing with a name of its own?"""
        return is_on(GATHERED) and self.name(inner) in ("", self.name(root))

    def total(self, terms: list[Term]) -> Call:
        """The sum as it is written: what is added to first, then the rest."""
        if len(terms) == 1:
            only = terms[0]
            if only.sign < 0 and (times := self.number_times(only.atom)) is not None:
                return replace(self.call_of(only.atom), args=(Const(-times), self.lets[only.atom].call.args[1]))  # type: ignore[index]
            return Call(NEG, (only.atom,), (), "operator") if only.sign < 0 else self.call_of(only.atom)
        base = next((t for t in terms if t.sign > 0), None)
        rest = [t for t in terms if t is not base]
        if base is None:
            return Call(NEG, (self.chain(terms),), (), "operator")
        if all(t.sign < 0 for t in rest):
            return Call(SUB, (base.atom, self.chain(rest)), (), "operator")
        return Call(ADD, (base.atom, self.chain(rest)), (), "operator")

    def chain(self, terms: list[Term]) -> Atom:
        """The sum of terms; that of terms of one sign is without it."""
        lead = next((t for t in terms if t.sign > 0), terms[0])
        out = lead.atom
        for term in terms:
            if term is not lead:
                out = self.let(ADD if term.sign == lead.sign else SUB, out, term.atom)
        return out

    def let(self, fn: Any, *args: Atom) -> Var:
        var = Var("", infer(fn, tuple(map(operand, args)), {}))
        made = Let(var, Call(fn, args, (), "operator"), self.loc, False)
        self.made.append(made)
        self.lets[var] = made
        self.counts[var] = 1
        return var

    def number_times(self, atom: Atom) -> float | None:
        """The number, if this is a product with one that was just written down."""
        last = self.made[-1] if self.made else None
        if not isinstance(last, Let) or last.var is not atom or last.call.fn is not MUL:
            return None
        return last.call.args[0].value if isinstance(last.call.args[0], Const) else None

    def call_of(self, atom: Atom) -> Call:
        """A computation that was just written down, to be the whole of its statement."""
        last = self.made.pop()
        assert isinstance(last, Let) and last.var is atom
        return last.call

    # -- what terms have in common ------------------------------------------------------------------------

    def like_terms(self, terms: list[Term]) -> list[Term] | None:
        """x + x -> 2 * x, also where x is a product of the same factors in another order"""
        seen: dict[Any, Term] = {}
        for term in terms:
            key = self.monomial(term)
            twin = seen.setdefault(key, term) if key is not None else term
            if twin is not term and (term.atom is twin.atom or self.is_spare(term.atom) and self.is_spare(twin.atom)):
                kept = max((twin, term), key=lambda t: self.shares_factor(t, terms, (twin, term)))
                double = Term(term.sign, self.let(MUL, Const(2), kept.atom))
                return [double if t is twin else t for t in terms if t is not term]
        return None

    def monomial(self, term: Term) -> Any:
        """The sign, the coefficient and the factors of a product; another value is its own only factor."""
        if not isinstance(term.atom, Var) or not _is_float(term.atom):
            return None
        number, factors = self.factors(term.atom, DEPTH)
        return (term.sign, number, tuple(sorted(map(id, factors))))

    def factors(self, atom: Atom, depth: int) -> tuple[float, list[Var]]:
        if isinstance(atom, Const):
            return atom.value, []
        parts = self.product(atom) if depth else None
        if parts is None:
            return 1.0, [atom]  # type: ignore[list-item]
        (a, left), (b, right) = (self.factors(p, depth - 1) for p in parts)
        return a * b, left + right

    def product(self, atom: Atom) -> tuple[Atom, Atom] | None:
        """The two factors of a number that is a product."""
        made = self.lets.get(atom) if isinstance(atom, Var) else None
        if made is None or made.call.fn is not MUL or not all(map(_is_factor, made.call.args)):
            return None
        return made.call.args  # type: ignore[return-value]

    def is_spare(self, atom: Atom) -> bool:
        """Is it a product of derivative code that nobody else reads?"""
        made = self.lets.get(atom) if isinstance(atom, Var) else None
        return made is not None and not made.forward and self.counts[made.var] == 1

    def shares_factor(self, term: Term, terms: list[Term], twins: tuple[Term, Term]) -> bool:
        mine = self.quotients(term)
        return any(set(mine) & set(self.quotients(t)) for t in terms if t not in twins)

    def quotients(self, term: Term) -> dict[Var, tuple[float | None, Atom]]:
        """For each factor that can be taken out: what stays, and what that is multiplied by."""
        parts = self.product(term.atom) if self.is_spare(term.atom) else None
        if parts is None:
            return {}
        number, inner = (None, parts) if not isinstance(parts[0], Const) else (parts[0].value, self.product(parts[1]))
        if inner is None or (number is not None and not self.is_spare(parts[1])):
            return {}
        a, b = inner
        return {g: (number, other) for g, other in ((a, b), (b, a)) if isinstance(g, Var)}

    def common_factor(self, terms: list[Term]) -> list[Term] | None:
        """g * a + g * b -> g * (a + b)"""
        options = [(term, self.quotients(term)) for term in terms]
        shared = Counter(g for _, found in options for g in found)
        g = next((g for g, n in shared.most_common(1) if n > 1), None)
        if g is None:
            return None
        group = [(term, found[g]) for term, found in options if g in found]
        inside = [Term(t.sign, other if c is None else self.let(MUL, Const(c), other)) for t, (c, other) in group]
        sign = max(t.sign for t in inside)
        whole = Term(sign, self.let(MUL, g, self.chain(inside)))
        members = {id(t) for t, _ in group}
        first = group[0][0]
        return [whole if t is first else t for t in terms if t is first or id(t) not in members]


def _is_sum(stmt: Let) -> bool:
    """Is it a sum of derivative code, of floats?"""
    call = stmt.call
    if stmt.forward or call.fn not in (ADD, SUB, NEG) or call.kwargs:
        return False
    return _is_float(stmt.var) and all(isinstance(type_of(a), ScalarT) for a in call.args)


def _is_float(atom: Atom) -> bool:
    t = type_of(atom)
    return isinstance(t, ScalarT) and t.dtype.kind == "f" and not t.number


def _is_factor(atom: Atom) -> bool:
    return _is_float(atom) or (isinstance(atom, Const) and type(atom.value) in (int, float))


def _without_ones(terms: list[Term], lets: dict[Var, Let]) -> list[Term]:
    """The terms with counts as they are, beside a float that makes a float of the sum."""
    if not any(_is_float(t.atom) and _times_one(t.atom, lets) is None for t in terms):
        return terms
    return [replace(t, atom=_times_one(t.atom, lets) or t.atom) for t in terms]


def _times_one(atom: Atom, lets: dict[Var, Let]) -> Atom | None:
    made = lets.get(atom) if isinstance(atom, Var) else None
    if made is None or made.forward or made.call.fn is not MUL or made.call.args[0] != Const(1.0):
        return None
    t = type_of(made.call.args[1])
    return made.call.args[1] if isinstance(t, ScalarT) and t.dtype.kind == "i" else None
