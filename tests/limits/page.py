"""The page that users read: what is refused, with which words, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator

from .programs import THEMES
from .sites import ROOT
from .table import Program, Theme, outcome

PAGE = ROOT / "docs" / "limits.md"

INTRODUCTION = """\
# What is refused, and what to write instead

<!-- Written by `python -m tests.limits` from the code and from the programs in tests/limits/programs. -->

Retrograd differentiates Python by reading it. What it cannot prove that it differentiates rightly, it does not guess at: it raises an
error that names the file, the line, the construct (the carets under the line) and what to write instead. What is not refused has to be
right: a wrong gradient without an error is a bug, please report it. A function that is only called by yours, and that cannot be
transformed, is recorded as it runs (`rg.explain` says which were, and why).

Every row below is a program in `tests/limits/programs`. A test runs it, and holds the error against this page: its class, its place, its
carets, its words. Many of the programs are there a second time, rewritten as the error says, and those are held against finite
differences. All errors are a `retrograd.DifferentiationError`; each is also the built-in that its name suggests (`SyntaxError`,
`TypeError`, `NotImplementedError`, `RuntimeError`).

The example is the line that is refused. Which functions of NumPy and SciPy have rules is another matter: a call of one that has none is
`NoRule`. What `rg.symbolic` refuses is what has no closed form, and its errors say so.
"""


def page() -> str:
    return "\n".join([INTRODUCTION, *map(_section, THEMES)])


def _section(theme: Theme) -> str:
    head = ["| what is said | error | what to write instead | example |", "|---|---|---|---|"]
    return "\n".join([f"## {theme.title}", "", theme.about, "", *head, *_rows(theme), ""])


def _rows(theme: Theme) -> Iterator[str]:
    """One row for each thing that is said: the first program stands for others that are told the same."""
    seen = set()
    for program in theme.programs:
        made = outcome(program)
        told = made.sites, made.error.remedy
        if told not in seen:
            seen.add(told)
            yield _row(program)


def _row(program: Program) -> str:
    error = outcome(program).error
    cells = _plain(error.message), f"`{type(error).__name__}`", _plain(error.remedy), _code(program.shown or program.marked[0])
    return "| " + " | ".join(cells) + " |"


def _plain(text: str) -> str:
    """Text with nothing in it that Markdown would take for its own."""
    text = " ".join(text.split())
    for character in "\\`*_[]<>|":
        text = text.replace(character, "\\" + character)
    return text


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text.replace('|', chr(92) + '|')}{fence}"
