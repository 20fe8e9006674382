"""How is a refused program written down, run, and compared with what the code says?

A program is a plain function under the decorator of its theme.  The line that is refused ends in ``# <- text``, where ``text`` is what
the carets must cover; a line that ends in ``# --`` is only shown, because no line of the program is at fault.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import retrograd as rg
from retrograd.runtime.errors import DifferentiationError

from .sites import ROOT, Site, sites

MARK = re.compile(r"\s*# (<-|--) ?(.*)$")


def gradient(f: Callable[..., Any], *args: Any) -> Any:
    return rg.grad(f)(*args)


def plainly(f: Callable[..., Any], *args: Any) -> Any:
    """The program takes its derivatives itself."""
    return f(*args)


def directional(f: Callable[..., Any], *args: Any) -> Any:
    return rg.jvp(f, args, args)


def compiled(f: Callable[..., Any], *args: Any) -> Any:
    return rg.grad(f, jit=True)(*args)


@dataclass(eq=False)
class Program:
    """A function that is refused, called in one way on these arguments, and one that says the same and is not."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    by: Callable[..., Any]
    marked_in: Callable[..., Any]
    shown: str

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def marked(self) -> tuple[str, int, str, str]:
        """The marked line without its mark, its number, the kind of mark, and what the carets must cover."""
        lines, first = inspect.getsourcelines(self.marked_in)
        found = [(n, line, mark) for n, line in enumerate(lines, first) if (mark := MARK.search(line))]
        assert len(found) == 1, f"{self.name}: one line is marked, not {len(found)}"
        ((number, line, mark),) = found
        return line[: mark.start()].strip(), number, mark[1], mark[2].strip()


@dataclass(eq=False)
class Theme:
    """A group of programs, in the order of the page."""

    title: str
    about: str
    programs: list[Program] = field(default_factory=list)

    def __call__(self, *args: Any, by: Callable[..., Any] = gradient, at: Any = None, shown: str = "") -> Callable[[Any], Any]:
        """``at`` is the function that holds the mark, if it is another one; ``shown`` is the example, if the line does not say it."""

        def enter(function: Any) -> Any:
            self.programs.append(Program(function, args, by, at or function, shown))
            return function

        return enter


@dataclass(eq=False)
class Outcome:
    """What a program raised, and the places in the code that made the error."""

    error: DifferentiationError
    sites: tuple[Site, ...]

    @property
    def carets(self) -> str:
        """What of the line is underlined."""
        where = self.error.where
        return "" if where is None else where.text[where.column : where.end_column]


@cache
def outcome(program: Program) -> Outcome:
    with _makers() as made:
        try:
            program.by(program.function, *copy.deepcopy(program.args))
        except DifferentiationError as error:
            found = tuple(s for s in sites() if any(s.file == file and s.at <= line <= s.to for file, line in made[id(error)]))
            return Outcome(error, found or _deferred(error))
    raise AssertionError(f"{program.name} is not refused: take its row out")


def _deferred(error: DifferentiationError) -> tuple[Site, ...]:
    """An ``Unknown`` was made where paths met, and became an error where it was read: it is known by its words."""
    return tuple(s for s in sites() if s.deferred and s.says(error.message, error.remedy))


@contextmanager
def _makers() -> Iterator[dict[int, list[tuple[str, int]]]]:
    """The stack under which each error was made, by the identity of the error."""
    made: dict[int, list[tuple[str, int]]] = {}
    kept = []
    original = DifferentiationError.__init__

    def record(self: DifferentiationError, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        kept.append(self)  # so that no other error gets its identity
        made[id(self)] = list(_frames())

    DifferentiationError.__init__ = record  # type: ignore[method-assign]
    try:
        yield made
    finally:
        DifferentiationError.__init__ = original  # type: ignore[method-assign]


def _frames() -> Iterator[tuple[str, int]]:
    """Files of the project and lines, from the place that makes the error outwards to the first that is a site's own."""
    frame = inspect.currentframe()
    while frame is not None:
        path = Path(frame.f_code.co_filename).resolve()  # the package may be links
        if path.is_relative_to(ROOT):
            yield path.relative_to(ROOT).as_posix(), frame.f_lineno
        frame = frame.f_back


def rewritten(refused: Any) -> Callable[[Any], Any]:
    """The program under this decorator says what the refused one meant, and is differentiated."""

    def enter(function: Any) -> Any:
        REWRITTEN[refused] = function
        return function

    return enter


REWRITTEN: dict[Any, Any] = {}
