"""Where is a function's source, and is it the code that runs?  (C1)

>>> parse(statistics.fmean).tree.name
'fmean'
"""

from __future__ import annotations
import __future__

import ast
import linecache
import re
import statistics
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from retrograd.runtime.errors import Location, SourceUnavailable

FunctionNode = ast.FunctionDef | ast.Lambda | ast.AsyncFunctionDef
FUTURES = sum(getattr(__future__, name).compiler_flag for name in ("annotations",))


@dataclass(frozen=True, eq=False)
class Source:
    """A function's syntax, and where it stands."""

    tree: FunctionNode
    file: str
    lines: tuple[str, ...]

    def location(self, node: ast.AST) -> Location:
        line = getattr(node, "lineno", 0)
        raw = self.lines[line - 1].rstrip("\n") if 0 < line <= len(self.lines) else ""
        header = len(_CLOSING.sub("", raw).encode()) if hasattr(node, "body") and not isinstance(node, ast.expr) else 0
        return Location.spanning(self.file, line, raw, getattr(node, "col_offset", 0), max(header, _end_on(node, line)))


#: What ends the first line of a statement that holds others.
_CLOSING = re.compile(r"\s*:?\s*(#.*)?$")


def _end_on(node: ast.AST, line: int) -> int:
    """Where the part of a node that is on its first line ends, in bytes; 0 where none of its parts is."""
    parts = [n for n in ast.walk(node) if getattr(n, "end_lineno", 0) == line]
    return max((n.end_col_offset for n in parts), default=0)  # type: ignore[attr-defined]


def parse(fn: FunctionType) -> Source:
    """The syntax of ``fn``; raises ``SourceUnavailable`` when it cannot be found or has changed."""
    return _parse_code(fn.__code__, tuple(linecache.getlines(fn.__code__.co_filename, fn.__globals__)))


@lru_cache(maxsize=2048)
def _parse_code(code: CodeType, lines: tuple[str, ...]) -> Source:
    if not lines:
        raise SourceUnavailable(
            f"the source of {code.co_name} is not available",
            remedy="Define the function in a file, or register a rule for it with rg.rule.",
        )
    tree = _module(code.co_filename, lines)
    candidates = [node for node in ast.walk(tree) if _may_be(node, code)]
    if len(candidates) > 1:
        candidates = [node for node in candidates if _spans(node) == _code_span(code)] or candidates
    if not candidates:
        raise _changed(code)
    _verify(tree, code)
    return Source(candidates[0], code.co_filename, lines)


@lru_cache(maxsize=64)
def _module(file: str, lines: tuple[str, ...]) -> ast.Module:
    try:
        return ast.parse("".join(lines), file)
    except SyntaxError as error:
        raise SourceUnavailable(
            f"{file} no longer parses: {error}", remedy="Import the module again, so that what is read is what runs."
        ) from error


def _may_be(node: ast.AST, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        first = min([node.lineno] + [d.lineno for d in node.decorator_list])
        return node.name == code.co_name and first == code.co_firstlineno
    return False


def _spans(node: Any) -> tuple[int, int, int, int]:
    body = node.body if isinstance(node, ast.Lambda) else node
    return body.lineno, body.col_offset, body.end_lineno, body.end_col_offset


def _code_span(code: CodeType) -> tuple[int, int, int, int] | None:
    """The smallest range that covers a lambda's instructions: that of its body."""
    places = [p for p in code.co_positions() if None not in p and p[1] >= p[0] and p[3] > 0]
    if not places:
        return None
    start = min((line, column) for line, _, column, _ in places)
    end = max((line, column) for _, line, _, column in places)
    return (*start, *end)


@lru_cache(maxsize=64)
def _compiled(file: str, tree_id: int, flags: int, tree: Any) -> tuple[CodeType, ...]:
    found, stack = [], [compile(tree, file, "exec", flags=flags, dont_inherit=True)]
    while stack:
        code = stack.pop()
        found.append(code)
        stack += [c for c in code.co_consts if isinstance(c, CodeType)]
    return tuple(found)


def _verify(tree: ast.Module, code: CodeType) -> None:
    """The file on disk must still be what was imported; pytest's rewritten asserts are left out."""
    twins = _compiled(code.co_filename, id(tree), code.co_flags & FUTURES, tree)
    same_place = [c for c in twins if c.co_name == code.co_name and c.co_firstlineno == code.co_firstlineno]
    if any(c.co_code == code.co_code and c.co_names == code.co_names for c in same_place):
        return
    if any("@pytest_ar" in name for name in code.co_names):
        return
    raise _changed(code)


def _changed(code: CodeType) -> SourceUnavailable:
    return SourceUnavailable(
        f"the source of {code.co_name} changed since it was imported", where=Location(code.co_filename, code.co_firstlineno),
        remedy="Import the module again, so that what is read is what runs.",
    )


assert statistics  # used by the doctest
