"""Where does Retrograd refuse a program, and with which words?  Read off its own source, so that no list is kept by hand.

A site is a place that makes an error of ``retrograd.runtime.errors``, or an ``Unknown`` that becomes one when it is read.  Holes
of an f-string are ``…``; a choice between two texts is one template for each.

>>> [site.messages for site in sites() if site.function == "_next"]
[('next() of what is no iterator made here',)]
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from retrograd.runtime import errors, traced

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("transformer", "runtime")
#: ``rg.symbolic`` has a table of its own in tests/test_symbolic.py.
ELSEWHERE = ("transformer/symbolic",)
HOLE = "…"

KINDS = frozenset(
    name
    for scope in (errors, traced)
    for name, kind in vars(scope).items()
    if isinstance(kind, type) and issubclass(kind, errors.DifferentiationError)
)
#: What becomes an ``UnsupportedSyntax``.
SYNTAX = frozenset(["unsupported", "Unknown", "HowFar"])


@dataclass(frozen=True)
class Site:
    """One refusal in the code; ``at`` is its first line there, ``to`` its last."""

    file: str
    function: str
    at: int
    to: int
    kind: str
    messages: tuple[str, ...]
    remedies: tuple[str, ...]
    deferred: bool = False

    @property
    def key(self) -> str:
        """What it is called in tables: the function that refuses, and the first of its words."""
        return f"{self.file}:{self.function}: {self.messages[0]}"

    def says(self, message: str, remedy: str) -> bool:
        """Is this error worded as this place words its errors?"""
        return _fits(self.messages, message) and _fits(self.remedies, remedy)


def _fits(templates: tuple[str, ...], text: str) -> bool:
    return any(re.fullmatch(".*".join(map(re.escape, t.split(HOLE))), text, re.DOTALL) for t in templates)


@cache
def sites() -> tuple[Site, ...]:
    """All of them, in the order of the files and lines."""
    names = sorted(path.relative_to(ROOT).as_posix() for place in PLACES for path in (ROOT / place).rglob("*.py"))
    ours = [name for name in names if not name.startswith(ELSEWHERE)]
    return tuple(site for name in ours for site in _in_scope(ast.parse((ROOT / name).read_text()), name, ""))


def _in_scope(node: ast.AST, file: str, function: str) -> Iterator[Site]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else function
        if isinstance(child, ast.Call):
            yield from _site(child, file, function)
        yield from _in_scope(child, file, inside)


def _site(call: ast.Call, file: str, function: str) -> Iterator[Site]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    args = list(call.args)
    if name == "error" and args and isinstance(args[0], ast.Name) and args[0].id in KINDS:
        kind, (message, remedy) = args[0].id, _texts(args[2:], call)
    elif name == "unsupported":
        kind, (message, remedy) = "UnsupportedSyntax", _texts(args[1:], call)
    elif name in KINDS or name in SYNTAX:
        given = args[2].id if name == "Unknown" and len(args) > 2 and isinstance(args[2], ast.Name) else name
        kind, (message, remedy) = "UnsupportedSyntax" if given in SYNTAX else given, _texts(args[:2] if given != name else args, call)
    else:
        return
    if any(m.strip(HOLE + " ") for m in message):  # else it hands on what another place has said
        yield Site(file, function, call.lineno, call.end_lineno or call.lineno, kind, message, remedy, name == "Unknown")


def _texts(args: list[ast.expr], call: ast.Call) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given = {k.arg: k.value for k in call.keywords}
    message = args[0] if args else given.get("message")
    remedy = args[1] if len(args) > 1 else given.get("remedy")
    return templates(message), templates(remedy) if remedy is not None else ("",)


def templates(node: ast.expr | None) -> tuple[str, ...]:
    """Every text that an expression may be, with holes where it computes one."""
    if isinstance(node, ast.Constant):
        return (str(node.value),)
    if isinstance(node, ast.JoinedStr):
        parts = [HOLE if isinstance(v, ast.FormattedValue) else v.value for v in node.values]  # type: ignore[attr-defined]
        return (re.sub(f"{HOLE}+", HOLE, "".join(parts)),)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return tuple(a + b for a in templates(node.left) for b in templates(node.right))
    if isinstance(node, ast.IfExp):
        return (*templates(node.body), *templates(node.orelse))
    return (HOLE,)
