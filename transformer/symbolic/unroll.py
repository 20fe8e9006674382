"""What expression does a program compute?  It is run once, on symbols.

>>> import sympy
>>> from retrograd.transformer.lower import lower
>>> from retrograd.transformer.types import FLOAT
>>> def relu(x):
...     return x if x > 0 else 0.0
>>> program, _ = lower(relu, {"x": FLOAT})
>>> run(program, {program.params[0]: sympy.Symbol("x", real=True)}).value
Piecewise((x, x > 0), (0, True))

Loops are run as often as they say, branches become ``Piecewise``, and a path that raises narrows the domain.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from sympy import And, Implies, Not, Or, Piecewise

from retrograd.runtime.errors import DifferentiationError, Location, NoRule, UnsupportedSyntax
from retrograd.transformer.builder import PURE_BUILTINS
from retrograd.transformer.ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    Function,
    If,
    Let,
    Raise,
    Ref,
    SliceAtom,
    Stmt,
    Undefined,
    Var,
    While,
)

from .formulas import TAKES_TRUTHS, as_condition, as_number, formula, is_truth

#: How often a loop may go round, and how large an expression written out in full may get.
MAX_TRIPS = 512
MAX_SIZE = 10_000

#: Calls made for the reader, whose results no formula needs.
REMARKS = frozenset({print, format, str, repr, str.format})

NAMED = {math.pi: sympy.pi, math.e: sympy.E}


@dataclass(frozen=True)
class Missing:
    """A value that some paths do not have; reading it on one of them is an error, which says why.

    Where ``when`` holds it is ``value``.
    """

    why: str
    value: Any = None
    when: Any = sympy.false


@dataclass(frozen=True)
class Result:
    """A program's value, and the condition under which it raises nothing."""

    value: Any
    domain: Any


def run(program: Function, bindings: dict[Var, Any]) -> Result:
    """The value of the program where its parameters have these values."""
    machine = Machine(dict(bindings))
    yields = machine.block(program.body)
    if yields is None:
        raise UnsupportedSyntax(f"{program.name} raises for every argument, so it has no closed form")
    return Result(yields[0], And(*machine.domain))


# -- numbers ----------------------------------------------------------------------------------------------


def exact(value: Any) -> Any:
    """A number of the program as SymPy's: whole numbers and short binary fractions exactly, for their looks.

    >>> exact(2.0), exact(0.25), exact(0.1)
    (2, 1/4, 0.100000000000000)
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    if isinstance(value, int):
        return sympy.Integer(value)
    return _exact_float(value) if isinstance(value, float) else value


def _exact_float(value: float) -> Any:
    if math.isinf(value):
        return sympy.oo if value > 0 else -sympy.oo
    short = (value * 64).is_integer() and abs(value) < 1e6
    return sympy.Rational(value) if short else sympy.Float(value)


def plain(value: Any) -> Any:
    """The Python number or bool that a constant expression is; None for an expression in symbols."""
    if value in (sympy.true, sympy.false):
        return bool(value)
    return int(value) if isinstance(value, sympy.Integer) else None


def _partly(value: Any) -> Missing:
    """Any value as one that is there on some paths: a number is there on all."""
    if isinstance(value, Missing):
        return value
    return Missing("", value, sympy.true) if is_symbolic(value) else Missing("it is a number on one path only")


def implies(condition: Any, other: Any) -> bool:
    """Whether one condition is seen, not by solving anything, to imply another.

    The one under which a value was returned and the one under which the function has returned are built alike.
    """
    return condition == other or Implies(condition, other) == sympy.true


def is_symbolic(value: Any) -> bool:
    return isinstance(value, sympy.Expr) or is_truth(value)


# -- the run ----------------------------------------------------------------------------------------------


@dataclass
class Machine:
    """The state of a run: what names hold, on which path it is, and where it has been told not to go."""

    env: dict[Var, Any]
    path: list[Any] = field(default_factory=list)
    domain: list[Any] = field(default_factory=list)
    sizes: dict[Any, int] = field(default_factory=dict)

    def block(self, block: Block) -> list[Any] | None:
        """The values a block yields; None if it raises."""
        for stmt in block.stmts:
            if not RUN[type(stmt)](self, stmt):
                return None
        return [self.peek(atom) for atom in block.yields]

    def bind(self, names: Sequence[Var], values: Sequence[Any]) -> bool:
        self.env.update(zip(names, values))
        return True

    # -- reading ------------------------------------------------------------------------------------------

    def peek(self, atom: Atom) -> Any:
        """What an atom holds, ``Missing`` included."""
        if isinstance(atom, Var):
            return self.env[atom]
        if isinstance(atom, Const):
            return exact(atom.value)
        if isinstance(atom, Ref):
            return _referred(atom)
        if isinstance(atom, Aggregate):
            items = [self.peek(item) for item in atom.items]
            return dict(zip(atom.keys, items)) if atom.keys is not None else tuple(items)
        if isinstance(atom, SliceAtom):
            return slice(*(_index(self.peek(part)) for part in (atom.start, atom.stop, atom.step)))
        if isinstance(atom, Undefined):
            return Missing("it may be unbound here")
        return Missing("it is a function")

    def read(self, atom: Atom, loc: Location | None) -> Any:
        value = self.peek(atom)
        if isinstance(value, Missing) and implies(And(*self.path), value.when):
            return value.value
        if isinstance(value, Missing):
            name = getattr(atom, "hint", "") or "this value"
            raise UnsupportedSyntax(
                f"{name} has no closed form: {value.why}",
                where=loc,
                remedy="Give it a number on every path before this.",
            )
        return value

    def condition(self, atom: Atom, loc: Location | None) -> Any:
        value = self.read(atom, loc)
        if not is_symbolic(value):
            return sympy.true if value else sympy.false
        return as_condition(value)

    # -- statements ---------------------------------------------------------------------------------------

    def let(self, stmt: Let) -> bool:
        self.env[stmt.var] = self.call(stmt.call, stmt.loc)
        return True

    def branch(self, stmt: If) -> bool:
        condition = self.condition(stmt.cond, stmt.loc)
        if condition in (sympy.true, sympy.false):
            yields = self.block(stmt.then if condition == sympy.true else stmt.orelse)
        else:
            yields = self.fork(condition, stmt)
        return yields is not None and self.bind(stmt.results, yields)

    def fork(self, condition: Any, stmt: If) -> list[Any] | None:
        """Both paths; one that raises leaves the other, and a narrower domain."""
        then = self.under(condition, stmt.then)
        orelse = self.under(Not(condition), stmt.orelse)
        if then is None and orelse is None:
            return None
        if then is None or orelse is None:
            self.domain.append(Implies(And(*self.path), Not(condition) if then is None else condition))
            return orelse if then is None else then
        return [self.select(condition, a, b, stmt.loc) for a, b in zip(then, orelse)]

    def under(self, condition: Any, block: Block) -> list[Any] | None:
        self.path.append(condition)
        narrowed = len(self.domain)
        yields = self.block(block)
        if yields is None:  # whatever was asked on the way to the error is asked in vain
            del self.domain[narrowed:]
        self.path.pop()
        return yields

    def select(self, condition: Any, a: Any, b: Any, loc: Location | None) -> Any:
        """``a if condition else b``."""
        if a is b or (is_symbolic(a) and is_symbolic(b) and a == b):
            return a
        if is_truth(a) and is_truth(b):
            return self.sized(Or(And(condition, a), And(Not(condition), b)), loc)
        if is_symbolic(a) and is_symbolic(b):
            return self.sized(Piecewise((as_number(a), condition), (as_number(b), True)), loc)
        return self.select_partly(condition, _partly(a), _partly(b), loc)

    def select_partly(self, condition: Any, a: Missing, b: Missing, loc: Location | None) -> Any:
        """``a if condition else b``, of which one or both are there on some paths only."""
        always = implies(condition, a.when) and implies(Not(condition), b.when)
        when = sympy.true if always else self.sized(Or(And(condition, a.when), And(Not(condition), b.when)), loc)
        value = b.value if a.value is None else a.value
        if a.value is not None and b.value is not None:
            value = self.select(condition, a.value, b.value, loc)
        return value if when == sympy.true else Missing(a.why or b.why, value, when)

    def loop(self, stmt: For) -> bool:
        """The body for each item in turn."""
        columns = [_items(self.read(atom, stmt.loc), stmt.loc) for atom in self.each(stmt)]
        steps = list(zip(*columns))
        _check_trips(len(steps), stmt.loc)
        carried = [self.peek(atom) for atom in stmt.inits]
        going: Any = sympy.true
        for count, items in enumerate(reversed(steps) if stmt.each.backwards else steps):
            self.bind((*stmt.args, *stmt.each.targets, stmt.index), (*carried, *items, sympy.Integer(count)))
            carried, going = self.once(stmt, carried, going)
            if carried is None:
                return False
            if going == sympy.false:
                break
        return self.bind(stmt.results, carried)

    def each(self, stmt: For) -> tuple[Atom, ...]:
        if stmt.each.kind != "range":
            return stmt.each.operands
        bounds = [_bound(self.read(atom, stmt.loc), stmt.loc) for atom in stmt.each.operands]
        return (Ref(range(*bounds), "range"),)

    def once(self, stmt: For | While, carried: list[Any], going: Any) -> tuple[Any, Any]:
        """One pass: the next carried values, and the condition under which there is another."""
        after = self.block(stmt.body) if going == sympy.true else self.under(going, stmt.body)
        if after is None:
            if going != sympy.true:
                self.domain.append(Implies(And(*self.path), Not(going)))
                return carried, sympy.false
            return None, going
        if going != sympy.true:
            after = [self.select(going, new, old, stmt.loc) for new, old in zip(after, carried)]
        return after, And(going, as_condition(after[0])) if stmt.breaks else going

    def repeat(self, stmt: While) -> bool:
        """``while``, whose condition must be known each time it is asked."""
        carried: Any = [self.peek(atom) for atom in stmt.inits]
        going: Any = sympy.true
        for count in range(MAX_TRIPS + 1):
            self.bind(stmt.args, carried)
            head = self.block(stmt.head)
            if head is None:
                return False
            self.known(head[0], stmt)
            if going == sympy.false or as_condition(head[0]) == sympy.false:
                return self.bind(stmt.results, carried)
            carried, going = self.once(stmt, carried, going)
            if carried is None:
                return False
        raise _too_long(f"more than {MAX_TRIPS}", stmt.loc)

    def known(self, value: Any, stmt: While) -> None:
        if not is_symbolic(value) or as_condition(value) not in (sympy.true, sympy.false):
            raise UnsupportedSyntax(
                "how often this loop runs depends on the symbols, so it has no closed form",
                where=stmt.loc,
                remedy="Use a for loop over a range, its bound given as an example argument: rg.symbolic(f, 1.0, 10).",
            )

    def fail(self, stmt: Raise) -> bool:
        return False

    # -- computations -------------------------------------------------------------------------------------

    def call(self, call: Call, loc: Location | None) -> Any:
        if call.fn in REMARKS:
            return Missing("it is text")
        args = [self.read(atom, loc) for atom in call.args]
        kwargs = {name: self.read(atom, loc) for name, atom in call.kwargs}
        if call.fn in STRUCTURE:
            return self.structure(call, args, loc)
        if not all(is_symbolic(a) or a is None for a in (*args, *kwargs.values())):
            raise _not_scalar(call, loc)
        return self.scalar(call, args, kwargs, loc)

    def structure(self, call: Call, args: list[Any], loc: Location | None) -> Any:
        """Indexing, attributes and lengths of what is known part by part."""
        try:
            found = STRUCTURE[call.fn](*map(_index, args))
        except (TypeError, AttributeError):
            raise _not_scalar(call, loc) from None
        except (IndexError, KeyError) as error:
            raise UnsupportedSyntax(f"{type(error).__name__}: {error}", where=loc) from None
        return exact(found)

    def scalar(self, call: Call, args: list[Any], kwargs: dict[str, Any], loc: Location | None) -> Any:
        known = formula(call.fn)
        if known is None:
            return self.constant(call, args, kwargs, loc)
        if call.fn not in TAKES_TRUTHS:
            args = [as_number(a) for a in args]
        try:
            return self.sized(known(*args, **{k: v for k, v in kwargs.items() if v is not None}), loc)
        except (TypeError, ValueError) as error:
            raise _no_formula(call, loc, f": {error}") from None

    def constant(self, call: Call, args: list[Any], kwargs: dict[str, Any], loc: Location | None) -> Any:
        """A function without a formula, of whole numbers that are known: it is simply called."""
        values = [plain(a) for a in args]
        if kwargs or None in values or call.fn not in PURE_BUILTINS:
            raise _no_formula(call, loc)
        return exact(call.fn(*values))

    def sized(self, value: Any, loc: Location | None) -> Any:
        """The value, if it is a number (or a truth) and can be shown."""
        if value in (sympy.nan, sympy.zoo) or value.has(sympy.I):
            raise UnsupportedSyntax("this has no real value", where=loc, remedy="Guard it with an if.")
        if self.size(value) > MAX_SIZE:
            raise UnsupportedSyntax(
                f"the expression has more than {MAX_SIZE} parts here: it grows with every reuse of a value",
                where=loc,
                remedy="Ask for fewer iterations; rg.grad has no such limit.",
            )
        return value

    def size(self, value: Any) -> int:
        if value not in self.sizes:
            self.sizes[value] = 1 + sum(map(self.size, value.args))
        return self.sizes[value]


RUN: dict[type[Stmt], Callable[[Machine, Any], bool]] = {
    Let: Machine.let,
    If: Machine.branch,
    For: Machine.loop,
    While: Machine.repeat,
    Raise: Machine.fail,
}
STRUCTURE: dict[Any, Callable[..., Any]] = {
    operator.getitem: operator.getitem,
    builtins.getattr: getattr,
    builtins.len: len,
    builtins.range: range,
    builtins.list: list,
    builtins.tuple: tuple,
}


def _referred(atom: Ref) -> Any:
    """A name's value; ``math.pi`` is pi."""
    if isinstance(atom.value, float) and atom.value in NAMED and atom.text.split(".")[-1] in ("pi", "e"):
        return NAMED[atom.value]
    return exact(atom.value) if isinstance(atom.value, (bool, int, float, np.generic)) else atom.value


def _index(value: Any) -> Any:
    return int(value) if isinstance(value, sympy.Integer) else value


def _bound(value: Any, loc: Location | None) -> int:
    if not isinstance(value, sympy.Integer):
        raise UnsupportedSyntax(
            f"the loop's bound {value} is not known, so the loop cannot be written out",
            where=loc,
            remedy="Give the bound as an example argument: rg.symbolic(f, 1.0, 10) makes the second parameter 10.",
        )
    return int(value)


def _items(sequence: Any, loc: Location | None) -> list[Any]:
    if not isinstance(sequence, (range, tuple, list, np.ndarray)):
        raise UnsupportedSyntax("a loop over this kind of value has no closed form", where=loc)
    _check_trips(len(sequence), loc)
    return [exact(item) for item in sequence]


def _check_trips(count: int, loc: Location | None) -> None:
    if count > MAX_TRIPS:
        raise _too_long(f"{count}", loc)


def _too_long(count: str, loc: Location | None) -> DifferentiationError:
    return UnsupportedSyntax(
        f"this loop runs {count} times; at most {MAX_TRIPS} iterations are written out",
        where=loc,
        remedy="Ask for fewer iterations; rg.grad has no such limit.",
    )


def _name(call: Call) -> str:
    home = getattr(call.fn, "__module__", "") or ""
    name = getattr(call.fn, "__name__", repr(call.fn))
    return name if home in ("builtins", "_operator") else f"{home}.{name}".lstrip(".")


def _not_scalar(call: Call, loc: Location | None) -> DifferentiationError:
    return UnsupportedSyntax(
        f"{_name(call)} of something that is not a number has no closed form here",
        where=loc,
        remedy="rg.symbolic is for functions of numbers: write the components out, or use rg.grad.",
    )


def _no_formula(call: Call, loc: Location | None, why: str = "") -> DifferentiationError:
    return NoRule(
        f"{_name(call)} has no formula{why}",
        where=loc,
        remedy="Write it with functions of math or NumPy that have one, or use rg.grad.",
    )
