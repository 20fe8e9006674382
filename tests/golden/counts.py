"""How much does a piece of code do?  Statements and operations, counted on its syntax.

>>> statements("def f(x):\\n    a, b = 1.0, x\\n    return a * b")
3
>>> operations("def f(x):\\n    return -2.0 * x[0] + np.sin(x)")
4
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

# What is not work: definitions, imports, and text.
FREE = (ast.FunctionDef, ast.Import, ast.ImportFrom, ast.Pass, ast.Global, ast.Nonlocal)


def source_of(function: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(function))


def statements(text: str) -> int:
    """Statements in `text`.  A tuple assigned from a tuple counts once per element."""
    return sum(_weight(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt))


def _weight(statement: ast.stmt) -> int:
    if isinstance(statement, FREE) or _is_text(statement):
        return 0
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Tuple):
        if isinstance(statement.targets[0], ast.Tuple):
            return len(statement.value.elts)
    return 1


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def operations(text: str) -> int:
    """Operators, calls, comparisons and subscripts in `text`; a negated literal is a literal."""
    return sum(_operations(node) for node in ast.walk(ast.parse(text)))


def _operations(node: ast.AST) -> int:
    if isinstance(node, (ast.BinOp, ast.Call, ast.AugAssign, ast.Subscript, ast.IfExp)):
        return 1
    if isinstance(node, ast.Compare):
        return len(node.ops)
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.UnaryOp):
        return 0 if isinstance(node.operand, ast.Constant) else 1
    return 0
