"""Python's operators: the syntax of each, and the function it means.

>>> BINARY[ast.Add], SYNTAX[operator.add]
(<built-in function add>, <class 'ast.Add'>)
"""

from __future__ import annotations

import ast
import operator
from typing import Any

BINARY: dict[type[ast.AST], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
UNARY: dict[type[ast.AST], Any] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_, ast.Invert: operator.invert,
}  # fmt: skip
COMPARE: dict[type[ast.AST], Any] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip

#: The other way round, for printing.
SYNTAX: dict[Any, Any] = {fn: node for table in (BINARY, UNARY, COMPARE) for node, fn in table.items()}
BINARY_FUNCTIONS = frozenset(BINARY.values())
UNARY_FUNCTIONS = frozenset(UNARY.values())
COMPARE_FUNCTIONS = frozenset(COMPARE.values())
