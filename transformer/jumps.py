"""Where does control go, as far as the syntax tells?"""

from __future__ import annotations

import ast
from collections.abc import Iterator


def own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, nested functions apart."""
    stack = list(ast.iter_child_nodes(tree))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack += ast.iter_child_nodes(node)


PLAIN = (ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute,
         ast.Subscript, ast.Slice, ast.Call, ast.keyword, ast.Tuple, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context)  # fmt: skip


def late_return(stmt: ast.For | ast.While) -> list[ast.stmt]:
    """The ``return`` of a loop, and what leads to it, that may as well run after the loop, where every name still is what it was.

    It is the only one, and no ``try`` or ``with`` is left on the way.  The sweep back then starts where the loop ended, and
    need not ask in each pass whether it was there.
    """
    nodes = list(own_nodes(stmt))
    if sum(isinstance(node, ast.Return) for node in nodes) != 1 or any(isinstance(node, (ast.Try, ast.With)) for node in nodes):
        return []
    block = next(b for node in (stmt, *nodes) for b in _blocks(node) if b and isinstance(b[-1], ast.Return))
    found: list[ast.stmt] = []
    for last in reversed(block):
        if not all(isinstance(node, PLAIN) for node in ast.walk(last)):
            break
        found.insert(0, last)
    return found


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def is_left_by_return(stmt: ast.For | ast.While) -> bool:
    """Is it a ``while True`` without a ``break``?  What comes after it is not reached."""
    if not isinstance(stmt, ast.While) or not isinstance(stmt.test, ast.Constant) or not stmt.test.value:
        return False
    return not any(map(_breaks, stmt.body))


def _breaks(stmt: ast.stmt) -> bool:
    """Does it hold a ``break`` of the loop around it?"""
    if isinstance(stmt, ast.Break):
        return True
    inside = stmt.orelse if isinstance(stmt, (ast.For, ast.While)) else _statements(stmt)
    return any(map(_breaks, inside))


def _statements(stmt: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(stmt, (ast.FunctionDef, ast.ClassDef)):
        return
    for node in ast.iter_child_nodes(stmt):
        if isinstance(node, ast.stmt):
            yield node
        elif isinstance(node, (ast.ExceptHandler, ast.match_case)):
            yield from node.body
