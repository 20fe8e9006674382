"""What can go wrong, said once.  Every error names the place, the thing and the remedy.

>>> raise NoRule("no derivative rule for f", remedy="Register one with rg.rule.")
Traceback (most recent call last):
    ...
retrograd.runtime.errors.NoRule: no derivative rule for f
  Register one with rg.rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Location:
    """A place in the user's source: file, line, and the columns the caret underlines."""

    file: str
    line: int
    text: str = ""
    column: int = 0
    end_column: int = 0

    @classmethod
    def spanning(cls, file: str, line: int, raw: str, start: int, end: int) -> Location:
        """A part of a line, from column to column, which Python counts in bytes; the line is shown without its indentation."""
        indent = len(raw) - len(raw.lstrip())
        first, last = (len(raw.encode()[:at].decode(errors="ignore")) - indent for at in (start, end))
        return cls(file, line, raw.strip(), max(0, first), max(0, last))

    def caret(self) -> str:
        width = max(1, self.end_column - self.column)
        return f"    {self.text}\n    {' ' * self.column}{'^' * width}"


class DifferentiationError(Exception):
    """The base of everything Retrograd raises about a derivative."""

    def __init__(self, message: str, *, where: Location | None = None, remedy: str = "") -> None:
        self.message, self.where, self.remedy = message, where, remedy
        super().__init__(self._render())

    def at(self, where: Location | None) -> DifferentiationError:
        """The same error, at this place if it has none yet."""
        if self.where is None and where is not None:
            self.where = where
            self.args = (self._render(),)
        return self

    def _render(self) -> str:
        lines = [self.message]
        if self.where is not None:
            lines[0] = f"{self.where.file}:{self.where.line}: {self.message}"
            if self.where.text:
                lines.append(self.where.caret())
        if self.remedy:
            lines.append(f"  {self.remedy}")
        return "\n".join(lines)


@contextmanager
def placed(where: Location | None) -> Iterator[None]:
    """A refusal met in here is of what stands there, unless it names a place itself."""
    try:
        yield
    except DifferentiationError as refusal:
        raise refusal.at(where)


class UnsupportedSyntax(DifferentiationError, SyntaxError):
    """A construct of the language that is not differentiated."""

    def __str__(self) -> str:
        return self._render()


class NoRule(DifferentiationError, NotImplementedError):
    """A function without a derivative rule received an active value."""


class UntypedValue(DifferentiationError, TypeError):
    """An active value whose type could not be inferred."""


class ArgumentError(DifferentiationError, TypeError):
    """A wrong ``wrt``, an integer input, a result that is not a scalar."""


class AliasedMutation(DifferentiationError, RuntimeError):
    """A store into memory that another live name sees."""


class TangentError(DifferentiationError, ArithmeticError):
    """The tangent of a statement in a ``try`` block raised what the statement itself did not."""


class SourceUnavailable(DifferentiationError, RuntimeError):
    """The function's source cannot be found, or is not the code that runs."""


class MissingExtra(DifferentiationError, ImportError):
    """A feature whose optional dependency is not installed."""


class UnusedInput(UserWarning):
    """A gradient was asked for by an argument on which the result does not depend: it is zero.

    Silent where the argument goes through ``rg.stop_gradient``, which says that this is meant.
    """


class CheckFailed(AssertionError):
    """Checked mode found a value that is not what emitted code assumes: a bug of Retrograd's, never of the user's.

    Not a ``DifferentiationError``, which is a refusal.
    """


class CompilationFailed(DifferentiationError, RuntimeError):
    """A program that Numba does not compile."""


#: What is raised about a derivative, and so never by a function itself.
REFUSALS = (DifferentiationError, *DifferentiationError.__subclasses__())
