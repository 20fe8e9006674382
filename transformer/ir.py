"""What is a program, once Python's text is left behind?

A typed, structured single-assignment form.  Every value is defined once, has a type, and computations are
calls on atoms; control flow is nested blocks that yield values.  A variable of the user's becomes as many
``Var`` as it has definitions; where paths meet, the ``If`` or the loop names the merged value.

>>> x = Var("x", None)
>>> print(Let(Var("y", None), Call(operator.mul, (x, Const(2.0)))))
y = mul(x, 2.0)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Union

from retrograd.runtime.emitted import same_error, uncaught
from retrograd.runtime.errors import Location

# -- atoms ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class Var:
    """A value with a single definition.  ``hint`` is the name the user would recognise, or empty."""

    hint: str
    type: Any

    def __repr__(self) -> str:
        return self.hint or f"t{id(self) % 9973}"


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of the program text."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Const) and type(other.value) is type(self.value) and repr(other) == repr(self)

    def __hash__(self) -> int:
        return hash((type(self.value), repr(self.value)))

    def __repr__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Ref:
    """An object found by name at transform time: a module, a function, a class, ``np.pi``."""

    value: Any
    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A tuple, list, dict or dataclass whose parts are known one by one.

    ``kind`` is the constructor (tuple, list, dict or a dataclass); ``keys`` are None for sequences.
    """

    kind: Any
    items: tuple[Atom, ...]
    keys: tuple[Any, ...] | None = None
    ident: Any = field(default=None, compare=False, repr=False)  # while lowering: which mutable thing it is

    @property
    def labels(self) -> Any:
        """What each part is found under: keys, field names, or positions."""
        return self.keys if self.keys is not None else range(len(self.items))


@dataclass(frozen=True, slots=True)
class SliceAtom:
    """``start:stop:step`` inside an index."""

    start: Atom
    stop: Atom
    step: Atom


@dataclass(frozen=True, slots=True)
class Undefined:
    """The value of a name on a path that did not bind it."""


UNDEFINED = Undefined()
Atom = Union["Var", "Const", "Ref", "Aggregate", "SliceAtom", "Undefined", "Call"]

# -- computations -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """One computation.  ``form`` tells how the user wrote it: a call, ``method:sum`` or ``attribute:T``."""

    fn: Callable[..., Any]
    args: tuple[Atom, ...]
    kwargs: tuple[tuple[str, Atom], ...] = ()
    form: str = "call"

    def atoms(self) -> tuple[Atom, ...]:
        return self.args + tuple(atom for _, atom in self.kwargs)

    def __repr__(self) -> str:
        inside = [repr(a) for a in self.args] + [f"{k}={a!r}" for k, a in self.kwargs]
        return f"{getattr(self.fn, '__name__', self.fn)}({', '.join(inside)})"


# -- statements -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class Let:
    """``var = call``; the only statement that computes."""

    var: Var
    call: Call
    loc: Location | None = None
    forward: bool = True

    def __repr__(self) -> str:
        return f"{self.var!r} = {self.call!r}"


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Statements, then the values handed to whoever holds the block."""

    stmts: tuple[Stmt, ...] = ()
    yields: tuple[Atom, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class If:
    results: tuple[Var, ...]
    cond: Atom
    then: Block
    orelse: Block
    loc: Location | None = None
    mirror: Any = None  # the ``tag`` of the statement this one reverses
    forward: bool = True
    tag: Any = field(default_factory=object)


@dataclass(frozen=True, eq=False, slots=True)
class Each:
    """What a ``for`` runs over: a range, or sequences side by side; ``backwards`` in a reverse sweep."""

    kind: str  # "range" | "sequence"
    operands: tuple[Atom, ...]
    targets: tuple[Var, ...]
    backwards: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class For:
    """``args`` start as ``inits``; the body yields their next values; ``results`` are the last ones.

    With ``breaks``, the first carried value says whether to go on.  ``index`` counts the iterations.
    """

    results: tuple[Var, ...]
    args: tuple[Var, ...]
    inits: tuple[Atom, ...]
    each: Each
    index: Var
    body: Block
    breaks: bool = False
    loc: Location | None = None
    mirror: Any = None
    forward: bool = True
    tag: Any = field(default_factory=object)


@dataclass(frozen=True, eq=False, slots=True)
class While:
    """``head`` yields the condition; both blocks see ``args``."""

    results: tuple[Var, ...]
    args: tuple[Var, ...]
    inits: tuple[Atom, ...]
    head: Block
    body: Block
    breaks: bool = False
    loc: Location | None = None
    forward: bool = True
    tag: Any = field(default_factory=object)


@dataclass(frozen=True, eq=False, slots=True)
class Region:
    """A guarded block: ``try`` if ``catch`` names exceptions, ``with`` if there is a ``context``.

    What the body yields is handed over when it completes; with ``catch`` the first result says whether it did, and ``error`` is
    the exception if it did not.  It is ``certain`` to have completed, afterwards, if every handler raises.
    """

    results: tuple[Var, ...]
    body: Block
    catch: Atom | None = None
    error: Var | None = None
    context: Atom | None = None
    target: Var | None = None
    certain: bool = False
    loc: Location | None = None
    mirror: Any = None
    forward: bool = True
    tag: Any = field(default_factory=object)

    def catches(self, *kinds: type[BaseException]) -> bool:
        """Is one of these errors among those that its handlers are for?"""
        caught = self.catch.items if isinstance(self.catch, Aggregate) else (self.catch,)
        return any(isinstance(c, Ref) and issubclass(kind, c.value) for c in caught for kind in kinds)


def is_shield(stmt: Stmt) -> bool:
    """Are these tangents in a ``try`` block, whose errors no handler of the user's sees?"""
    return isinstance(stmt, Region) and isinstance(stmt.context, Call) and stmt.context.fn is uncaught


def asks_whether_completed(stmt: Stmt | None, region: Region) -> bool:
    """Is it the branch after a ``try`` block?"""
    return isinstance(stmt, If) and region.catch is not None and stmt.cond is region.results[0]


def raises_again(handler: Stmt | None) -> bool:
    """Of the branch after a ``try`` block: is an exception only passed on, in the end?"""
    last = handler.orelse.stmts[-1] if isinstance(handler, If) and handler.orelse.stmts else None
    return isinstance(last, Raise) and last.call is not None and last.call.fn is same_error


@dataclass(frozen=True, eq=False, slots=True)
class Raise:
    """``raise`` of the user's, or ``assert`` that failed; nothing after it in its block runs."""

    call: Call | None
    loc: Location | None = None
    forward: bool = True


Stmt = Union[Let, If, For, While, Region, Raise]


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A whole program: parameters in, the atom ``result`` out (the only yield of ``body``)."""

    name: str
    params: tuple[Var, ...]
    body: Block
    loc: Location | None = None
    doc: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Atom:
        return self.body.yields[0]


# -- traversal --------------------------------------------------------------------------------------------


def vars_of(atom: Atom) -> Iterator[Var]:
    """The values an atom mentions.

    >>> x = Var("x", None)
    >>> list(vars_of(Aggregate(tuple, (x, Const(1)))))
    [x]
    """
    if isinstance(atom, Var):
        yield atom
    elif isinstance(atom, Aggregate):
        for item in atom.items:
            yield from vars_of(item)
    elif isinstance(atom, SliceAtom):
        for item in (atom.start, atom.stop, atom.step):
            yield from vars_of(item)
    elif isinstance(atom, Call):  # a computation folded into the statement that reads it
        for item in atom.atoms():
            yield from vars_of(item)


def rebuild(atom: Atom, change: Callable[[Var], Atom]) -> Atom:
    """The atom with each of its values replaced."""
    if isinstance(atom, Var):
        return change(atom)
    if isinstance(atom, Aggregate):
        return replace(atom, items=tuple(rebuild(item, change) for item in atom.items))
    if isinstance(atom, SliceAtom):
        return SliceAtom(*(rebuild(part, change) for part in (atom.start, atom.stop, atom.step)))
    return rebuild_call(atom, change) if isinstance(atom, Call) else atom


def rebuild_call(call: Call, change: Callable[[Var], Atom]) -> Call:
    return Call(
        call.fn,
        tuple(rebuild(a, change) for a in call.args),
        tuple((k, rebuild(a, change)) for k, a in call.kwargs),
        call.form,
    )


def blocks_of(stmt: Stmt) -> tuple[Block, ...]:
    if isinstance(stmt, If):
        return stmt.then, stmt.orelse
    if isinstance(stmt, (For, Region)):
        return (stmt.body,)
    if isinstance(stmt, While):
        return stmt.head, stmt.body
    return ()


def operands_of(stmt: Stmt) -> tuple[Atom, ...]:
    """The atoms a statement itself reads, its blocks apart."""
    if isinstance(stmt, Let):
        return stmt.call.atoms()
    if isinstance(stmt, If):
        return (stmt.cond,)
    if isinstance(stmt, For):
        return stmt.inits + stmt.each.operands
    if isinstance(stmt, While):
        return stmt.inits
    if isinstance(stmt, Region):
        return tuple(atom for atom in (stmt.catch, stmt.context) if atom is not None)
    return stmt.call.atoms() if stmt.call else ()


def defined_by(stmt: Stmt) -> tuple[Var, ...]:
    """The values visible after a statement."""
    if isinstance(stmt, Let):
        return (stmt.var,)
    if isinstance(stmt, Region):
        return stmt.results + ((stmt.error,) if stmt.error is not None else ())
    return () if isinstance(stmt, Raise) else stmt.results


def bound_inside(stmt: Stmt) -> tuple[Var, ...]:
    """The values a loop binds for its own blocks."""
    if isinstance(stmt, For):
        return stmt.args + stmt.each.targets + (stmt.index,)
    if isinstance(stmt, Region):
        return (stmt.target,) if stmt.target is not None else ()
    return stmt.args if isinstance(stmt, While) else ()


def walk(block: Block) -> Iterator[Stmt]:
    """Every statement, outermost first."""
    for stmt in block.stmts:
        yield stmt
        for inner in blocks_of(stmt):
            yield from walk(inner)


def reads(block: Block) -> Iterator[Var]:
    """Every value read anywhere inside, yields included, with repetition."""
    for stmt in block.stmts:
        for atom in operands_of(stmt):
            yield from vars_of(atom)
        for inner in blocks_of(stmt):
            yield from reads(inner)
    for atom in block.yields:
        yield from vars_of(atom)


def definitions(block: Block) -> Iterator[Var]:
    """Every value defined anywhere inside."""
    for stmt in walk(block):
        yield from defined_by(stmt)
        yield from bound_inside(stmt)


def map_blocks(stmt: Stmt, change: Callable[[Block], Block]) -> Stmt:
    """The statement with each of its blocks rewritten."""
    if isinstance(stmt, If):
        return replace(stmt, then=change(stmt.then), orelse=change(stmt.orelse))
    if isinstance(stmt, (For, Region)):
        return replace(stmt, body=change(stmt.body))
    if isinstance(stmt, While):
        return replace(stmt, head=change(stmt.head), body=change(stmt.body))
    return stmt


def substitute(block: Block, change: Callable[[Var], Atom]) -> Block:
    """The block with every read replaced; definitions stay."""
    return Block(
        tuple(substitute_stmt(s, change) for s in block.stmts),
        tuple(rebuild(a, change) for a in block.yields),
    )


def substitute_stmt(stmt: Stmt, change: Callable[[Var], Atom]) -> Stmt:
    if isinstance(stmt, Let):
        return replace(stmt, call=rebuild_call(stmt.call, change))
    if isinstance(stmt, Raise):
        return replace(stmt, call=rebuild_call(stmt.call, change)) if stmt.call else stmt
    stmt = map_blocks(stmt, lambda b: substitute(b, change))
    if isinstance(stmt, If):
        return replace(stmt, cond=rebuild(stmt.cond, change))
    if isinstance(stmt, Region):
        return replace(stmt, context=rebuild(stmt.context, change)) if stmt.context is not None else stmt
    stmt = replace(stmt, inits=tuple(rebuild(a, change) for a in stmt.inits))
    if isinstance(stmt, For):
        operands = tuple(rebuild(a, change) for a in stmt.each.operands)
        stmt = replace(stmt, each=replace(stmt.each, operands=operands))
    return stmt


def show(block: Block, indent: int = 0) -> str:
    """The program as text, for eyes and for the verifier's messages."""
    pad, lines = "    " * indent, []
    for stmt in block.stmts:
        if isinstance(stmt, If):
            lines.append(f"{pad}{list(stmt.results)} = if {stmt.cond!r}:")
        elif isinstance(stmt, For):
            lines.append(f"{pad}{list(stmt.results)} = for {stmt.each} {list(zip(stmt.args, stmt.inits))}:")
        elif isinstance(stmt, Region):
            lines.append(f"{pad}{list(stmt.results)} = {stmt.context or 'try'!r}, except {stmt.catch!r}:")
        elif isinstance(stmt, While):
            lines.append(f"{pad}{list(stmt.results)} = while {list(zip(stmt.args, stmt.inits))}:")
        else:
            lines.append(f"{pad}{stmt!r}")
        lines += [show(inner, indent + 1) for inner in blocks_of(stmt)]
    lines.append(f"{pad}yield {list(block.yields)}")
    return "\n".join(lines)


__all__ = [name for name in dir() if not name.startswith("_") and name != "annotations"]
assert operator  # used by the doctest
