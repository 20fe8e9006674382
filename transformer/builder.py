"""How is a program written down?  One call at a time, each typed as it is made.

Both sweeps are built with it.  On the way it folds what is known (constants, tuples' items, ranks) and, for
derivative code only, applies the laws of ``simplify``; the primal is never touched by algebra.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from retrograd.runtime.errors import Location

from .infer import SliceT, Static, infer
from .ir import Aggregate, Atom, Block, Call, Const, Let, Ref, SliceAtom, Stmt, Var, defined_by
from .types import OPAQUE, AggregateT, ArrayT, ListT, ScalarT, abstract

PURE_BUILTINS = (
    {getattr(operator, n) for n in operator.__all__}
    | {
        abs,
        bool,
        complex,
        float,
        int,
        len,
        max,
        min,
        pow,
        round,
        isinstance,
        tuple,
        str,
        getattr,
        sorted,
        divmod,
    }
    | {f for f in vars(math).values() if callable(f)}
)


def type_of(atom: Atom) -> Any:
    """The type of an atom; a literal's is that of its value."""
    if isinstance(atom, Var):
        return atom.type
    if isinstance(atom, Const):
        return abstract(atom.value)
    if isinstance(atom, Ref):
        return abstract(atom.value)
    if isinstance(atom, Aggregate):
        return AggregateT(atom.kind, tuple(map(type_of, atom.items)), atom.keys)
    return OPAQUE

#: Functions that ask what kind of thing a value is.
QUESTIONS = {np.isscalar, np.iscomplexobj, np.isrealobj}
#: Functions of types that say something about types.
OF_TYPES = {np.issubdtype, np.dtype, np.finfo, np.iinfo, np.promote_types, np.can_cast}


def operand(atom: Atom) -> Any:
    """An argument as inference wants it: a type, or a ``Static`` value."""
    if isinstance(atom, Const) or (isinstance(atom, Ref) and not isinstance(abstract(atom.value), ListT)):
        return Static(atom.value)
    if isinstance(atom, SliceAtom):
        return SliceT(operand(atom.start), operand(atom.stop), operand(atom.step))
    if isinstance(atom, Aggregate):
        parts = tuple(map(operand, atom.items))
        if all(isinstance(p, Static) for p in parts) and atom.kind is tuple:
            return Static(tuple(p.value for p in parts))
        if any(isinstance(p, (Static, SliceT)) for p in parts) and atom.kind is tuple:
            return AggregateT(atom.kind, parts, atom.keys)
        return AggregateT(atom.kind, tuple(map(type_of, atom.items)), atom.keys)
    return type_of(atom)


class Builder:
    """A program in the making.  ``law`` rewrites derivative code; ``fold`` specialises runtime helpers."""

    def __init__(self, law: Callable[..., Atom | None] | None = None) -> None:
        self._open: list[list[Stmt]] = [[]]
        self._outermost = 1
        self.calls: dict[Var, Call] = {}
        self.made: set[Var] = set()
        self.numbers: dict[Var, int] = {}  # in which order values were written down
        self.law = law
        self.loc: Location | None = None
        self.forward = True
        self.quiet = False  # inside a rule's text, whose names are not the user's

    # -- writing ------------------------------------------------------------------------------------------

    def call(self, fn: Any, *args: Atom, hint: str = "", form: str = "call", type: Any = None, **kwargs: Atom) -> Atom:
        """``fn(*args, **kwargs)`` as a new value, or as what it is known to be."""
        known = self._known(fn, args, kwargs)
        if known is not None:
            return known
        if not self.forward and self.law is not None:
            known = self.law(self, fn, args, kwargs, hint)
            if known is not None:
                return known
        if type is None:
            type = infer(fn, tuple(map(operand, args)), {k: operand(v) for k, v in kwargs.items()})
        return self.let(Call(fn, tuple(args), tuple(kwargs.items()), form), type, hint)

    def let(self, call: Call, type: Any, hint: str = "") -> Var:
        var = Var("" if self.quiet else hint, type)
        self.calls[var] = call
        self.numbers[var] = len(self.numbers)
        if not self.forward:
            self.made.add(var)
        self.add(Let(var, call, self.loc, self.forward))
        return var

    def is_new(self, atom: Atom) -> bool:
        """Was it computed by derivative code, and so may be computed otherwise?"""
        return isinstance(atom, Var) and atom in self.made

    def blank(self, fn: Any, *args: Atom) -> Atom:
        """A value of the type the call would have, not written down."""
        return Var("", infer(fn, tuple(map(operand, args)), {}))

    def is_straight(self) -> bool:
        """Is what is written now outside of every branch and loop of its program?"""
        return len(self._open) == self._outermost

    @contextmanager
    def program(self) -> Iterator[None]:
        """The block opened next is that of a program of its own."""
        before, self._outermost = self._outermost, len(self._open) + 1
        try:
            yield
        finally:
            self._outermost = before

    @contextmanager
    def aside(self) -> Iterator[list[Stmt]]:
        """Statements that are part of what is written now, if all goes well."""
        before = self._outermost
        self._outermost += self.is_straight()
        try:
            with self.block() as stmts:
                yield stmts
        finally:
            self._outermost = before

    def has(self, var: Var) -> bool:
        """Is the value bound here, and not made in a branch or loop that is done?"""
        return any(var in defined_by(stmt) for stmts in self._open for stmt in stmts)

    def moment(self) -> dict[int, int]:
        """How many statements each open block has now."""
        return {id(stmts): len(stmts) for stmts in self._open}

    def add(self, stmt: Stmt) -> None:
        self._open[-1].append(stmt)

    @contextmanager
    def block(self) -> Iterator[list[Stmt]]:
        """Statements written inside go to the list this yields."""
        stmts: list[Stmt] = []
        self._open.append(stmts)
        try:
            yield stmts
        finally:
            self._open.pop()

    @contextmanager
    def resume(self, stmts: list[Stmt]) -> Iterator[None]:
        """Go on writing to a list of statements that was closed."""
        self._open.append(stmts)
        try:
            yield
        finally:
            self._open.pop()

    def take_last(self, atom: Atom) -> Atom:
        """A computation that was just written down, as an operand of what comes next."""
        last = self._open[-1][-1] if self._open[-1] else None
        if isinstance(last, Let) and last.var is atom:
            self._open[-1].pop()
            return last.call
        return atom

    def take_since(self, wanted: Callable[[Stmt], bool], passed: Callable[[Stmt], bool]) -> list[Stmt]:
        """The last statement that is ``wanted`` and what follows it, taken back; nothing if that may not be ``passed``."""
        here = self._open[-1]
        behind = list(itertools.takewhile(lambda s: passed(s) and not wanted(s), reversed(here)))
        at = len(here) - len(behind) - 1
        if at < 0 or not wanted(here[at]):
            return []
        taken, here[at:] = here[at:], []
        return taken

    def extend(self, stmts: Iterable[Stmt]) -> None:
        self._open[-1].extend(stmts)

    def attribute(self, owner: Atom, name: str, type: Any, hint: str = "") -> Var:
        """``owner.name`` of an object whose parts are known."""
        return self.let(Call(getattr, (owner, Const(name)), (), f"attribute:{name}"), type, hint or name)

    def finish(self, *yields: Atom) -> Block:
        return Block(tuple(self._open[-1]), yields)

    # -- folding ------------------------------------------------------------------------------------------

    def _known(self, fn: Any, args: tuple[Atom, ...], kwargs: dict[str, Atom]) -> Atom | None:
        if fn is operator.getitem:
            return self._item(*args)
        if fn is np.shape and isinstance(args[0], Aggregate):
            return None
        if fn in (np.ndim,):
            t = type_of(args[0])
            return Const(t.ndim) if hasattr(t, "ndim") else None
        if fn is len and isinstance(args[0], Aggregate):
            return Const(len(args[0].items))
        if fn in QUESTIONS and len(args) == 1:
            return self._answer(fn, type_of(args[0]))
        if fn in OF_TYPES and not kwargs and all(isinstance(a, (Const, Ref)) for a in args):
            return self._of_types(fn, args)
        if kwargs or not args or not all(isinstance(a, Const) for a in args) or fn not in PURE_BUILTINS:
            return None
        return self._folded(fn, [a.value for a in args if isinstance(a, Const)])

    @staticmethod
    def _answer(fn: Any, t: Any) -> Const | None:
        """What NumPy says of the kind of a value, where its type tells."""
        if not isinstance(t, (ArrayT, ScalarT)):
            return None
        if fn is np.isscalar:
            return Const(isinstance(t, ScalarT))
        return Const((t.dtype.kind == "c") == (fn is np.iscomplexobj))

    @staticmethod
    def _of_types(fn: Any, args: tuple[Any, ...]) -> Atom | None:
        try:
            result = fn(*(a.value for a in args))
        except Exception:  # the user's own error belongs to run time
            return None
        text = ", ".join(a.text if isinstance(a, Ref) else repr(a.value) for a in args)
        return Const(result) if isinstance(result, bool) else Ref(result, f"np.{fn.__name__}({text})")

    @staticmethod
    def _folded(fn: Any, values: list[Any]) -> Const | None:
        try:
            result = fn(*values)
        except Exception:  # the user's own error belongs to run time
            return None
        return Const(result) if type(result) in (bool, int, float, complex, str) else None

    def _item(self, container: Atom, key: Atom) -> Atom | None:
        if isinstance(container, Aggregate):
            if isinstance(key, Const):
                return pick(container, key.value)
            if isinstance(key, SliceAtom) and container.keys is None:
                parts = (key.start, key.stop, key.step)
                if all(isinstance(p, Const) for p in parts):
                    return Aggregate(container.kind, container.items[slice(*(p.value for p in parts))])
        if isinstance(container, Const) and isinstance(key, Const):
            return self._folded(operator.getitem, [container.value, key.value])
        return None


def pick(container: Aggregate, key: Any) -> Atom | None:
    """The part found under ``key``, if there is one."""
    if container.keys is not None and key in container.keys:
        return container.items[container.keys.index(key)]
    if isinstance(key, int) and container.kind is not dict and -len(container.items) <= key < len(container.items):
        return container.items[key]
    return None


def leaves(atom: Atom) -> list[Atom]:
    """The parts of an aggregate, depth first; other atoms are their own leaf."""
    if isinstance(atom, Aggregate):
        return [leaf for item in atom.items for leaf in leaves(item)]
    return [atom]


def refill(shape: Atom, parts: Iterator[Atom]) -> Atom:
    """An atom of the given structure with new leaves."""
    if isinstance(shape, Aggregate):
        return Aggregate(shape.kind, tuple(refill(item, parts) for item in shape.items), shape.keys)
    return next(parts)


def same_structure(a: Atom, b: Atom) -> bool:
    if isinstance(a, Aggregate) or isinstance(b, Aggregate):
        return (
            isinstance(a, Aggregate)
            and isinstance(b, Aggregate)
            and (a.kind, a.keys, len(a.items)) == (b.kind, b.keys, len(b.items))
            and all(map(same_structure, a.items, b.items))
        )
    return True
