"""Values that exist only while lowering: they are looked through, never computed.

A bound method becomes a call, ``zip(a, b)`` becomes the header of a loop, a ``def`` inside a function is
inlined where it is called.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from retrograd.runtime.errors import UnsupportedSyntax

from .ir import Aggregate, Atom
from .parse import FunctionNode, Source


class Detail(enum.Enum):
    """How much is known of what a function is called with?"""

    TYPES = enum.auto()  # and more may be asked for
    VALUES = enum.auto()  # lengths of arrays, ints, and tuples of ints as well
    TYPES_ALONE = enum.auto()  # because more does not help


@dataclass(eq=False)
class Frame:
    """One activation while lowering: whose code, and what its names hold now."""

    source: Source
    globals: dict[str, Any]
    cells: dict[str, Any]
    env: dict[str, Any] = field(default_factory=dict)
    parent: Frame | None = None
    qualname: str = ""
    outer_names: frozenset[str] = frozenset()  # declared nonlocal
    escapes: bool = False  # a function made here may outlive the activation
    notes: dict[str, Frame] = field(default_factory=dict)  # whose names say what was caught, in a guarded call


@dataclass(frozen=True, eq=False)
class LocalFunction:
    """A ``def`` or ``lambda`` met while lowering; free names are looked up in the frame that made it."""

    tree: FunctionNode
    frame: Frame
    defaults: tuple[Atom, ...] = ()
    kw_defaults: tuple[tuple[str, Atom], ...] = ()

    def same(self, other: Any) -> bool:
        return isinstance(other, LocalFunction) and other.tree is self.tree and other.frame is self.frame


@dataclass(frozen=True)
class BoundMethod:
    """``x.sum`` before it is called."""

    owner: Atom
    name: str


@dataclass(frozen=True)
class Partial:
    """``functools.partial(f, ...)``, and derivatives of functions: a callable with some of it fixed."""

    fn: Any
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Derivative:
    """``rg.grad(f)`` inside a differentiated function, and other callables made of functions."""

    kind: str
    fn: Any
    wrt: Any = 0

    def apply(self, low: Any, args: Any, kwargs: Any, node: Any, hint: str) -> Any:
        """The atom that calling it gives."""
        raise NotImplementedError


@dataclass(frozen=True)
class Stream:
    """Something a loop can run over: kind is range, zip, enumerate, reversed, items, values or keys."""

    kind: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Super:
    """``super()``: an object seen as one of the classes that come after ``cls``."""

    owner: Atom
    cls: Any


@dataclass(frozen=True)
class Choice:
    """One of several functions, by a number that the run knows."""

    index: Atom
    functions: tuple[Any, ...]


class Iterator:
    """What ``next`` may be called of: an object of the program's, see ``iterators.py``."""


class HowFar(UnsupportedSyntax):
    """A value that depends on how far a ``try`` block got before it raised."""


class Maybe(tuple):
    """The kind of a value that is None or not, as the run says: the parts are whether it is, and what it is if it is not."""


class Again(Exception):
    """Lowering starts again, with a flag of it set: what was met asks for another reading of the whole."""

    def __init__(self, flag: str) -> None:
        self.flag = flag


class SurelyRaises(Exception):
    """The statement being lowered raises, whenever the run gets there."""

    def __init__(self, kind: type[Exception], message: str) -> None:
        self.kind, self.message = kind, message


class Bottom(Exception):
    """The result of a function whose first lowering is not done: this path tells nothing of its type yet."""


@dataclass(frozen=True)
class Unknown:
    """What a name holds where paths disagree beyond what a value can express; reading it is an error, with this reason."""

    reason: str
    remedy: str = ""
    kind: Any = UnsupportedSyntax


def is_iterator(atom: Any) -> bool:
    return isinstance(atom, Aggregate) and isinstance(atom.kind, type) and issubclass(atom.kind, Iterator)


Compiletime = (LocalFunction, BoundMethod, Partial, Derivative, Stream, Super, Choice, Unknown)
