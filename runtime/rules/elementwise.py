"""Which functions of one or two numbers are known by a formula?  One row each; SymPy differentiates.

>>> [row.expression for row in ROWS if row.name == "tanh"]
['tanh(x)']

After a change here run ``python -m retrograd.runtime.rules.derive``, which writes ``derived.py``.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrograd.runtime.rules.derived import PARTIALS, SINGULAR
from retrograd.runtime.rules.rule import elementwise


@dataclass(frozen=True)
class Row:
    """A function, its formula over ``x`` and ``y``, and the primitives that compute it."""

    name: str
    expression: str
    primitives: tuple[Callable[..., Any], ...]


def _optional(home: Any, *names: str) -> tuple[Callable[..., Any], ...]:
    """What this version of Python or NumPy has of these."""
    return tuple(getattr(home, name) for name in names if hasattr(home, name))


ROWS = (
    Row("add", "x + y", (np.add, operator.add, operator.iadd)),
    Row("subtract", "x - y", (np.subtract, operator.sub, operator.isub)),
    Row("multiply", "x * y", (np.multiply, operator.mul, operator.imul)),
    Row("divide", "x / y", (np.divide, operator.truediv, operator.itruediv)),
    Row("negative", "-x", (np.negative, operator.neg)),
    Row(
        "positive",
        "x",
        (np.positive, operator.pos, float, np.float64, np.float32, np.complex128, np.complex64, complex),
    ),
    Row("reciprocal", "1/x", (np.reciprocal,)),
    Row("square", "x**2", (np.square,)),
    Row("sqrt", "sqrt(x)", (np.sqrt, math.sqrt)),
    Row("exp", "exp(x)", (np.exp, math.exp)),
    Row("exp2", "2**x", (np.exp2, *_optional(math, "exp2"))),
    Row("expm1", "exp(x) - 1", (np.expm1, math.expm1)),
    Row("log", "log(x)", (np.log, math.log)),
    Row("log2", "log(x)/log(2)", (np.log2, math.log2)),
    Row("log10", "log(x)/log(10)", (np.log10, math.log10)),
    Row("log1p", "log(1 + x)", (np.log1p, math.log1p)),
    Row("sin", "sin(x)", (np.sin, math.sin)),
    Row("cos", "cos(x)", (np.cos, math.cos)),
    Row("tan", "tan(x)", (np.tan, math.tan)),
    Row("arcsin", "asin(x)", (np.arcsin, math.asin)),
    Row("arccos", "acos(x)", (np.arccos, math.acos)),
    Row("arctan", "atan(x)", (np.arctan, math.atan)),
    Row("sinh", "sinh(x)", (np.sinh, math.sinh)),
    Row("cosh", "cosh(x)", (np.cosh, math.cosh)),
    Row("tanh", "tanh(x)", (np.tanh, math.tanh)),
    Row("arcsinh", "asinh(x)", (np.arcsinh, math.asinh)),
    Row("arccosh", "acosh(x)", (np.arccosh, math.acosh)),
    Row("arctanh", "atanh(x)", (np.arctanh, math.atanh)),
    Row("arctan2", "atan2(x, y)", (np.arctan2, math.atan2)),
    Row("degrees", "180*x/pi", (np.degrees, np.rad2deg, math.degrees)),
    Row("radians", "pi*x/180", (np.radians, np.deg2rad, math.radians)),
    Row("erf", "erf(x)", (math.erf,)),
    Row("erfc", "erfc(x)", (math.erfc,)),
    Row("gamma", "gamma(x)", (math.gamma,)),
    Row("lgamma", "loggamma(x)", (math.lgamma,)),
)

#: Functions that NumPy or the math module do not define for complex arguments.
REAL_ONLY = frozenset({"arctan2", "degrees", "radians", "erf", "erfc", "gamma", "lgamma"})

#: Functions with a value at a point where their slope has a pole.
STEEP = frozenset({"sqrt", "arcsin", "arccos", "arccosh", "arctan2"})


class _OfPythonFloats(ast.NodeTransformer):
    """Spells a partial so that it raises nowhere among Python floats: ``1e200**2`` and, at a pole, ``/`` do."""

    def __init__(self, steep: bool) -> None:
        self.steep = steep

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow):
            return ast.BinOp(node.left, ast.Mult(), node.left)
        if isinstance(node.op, ast.Div) and self.steep:
            return ast.Call(ast.Name("quotient", ast.Load()), [node.left, node.right], [])
        return node


def of_python_floats(name: str, partial: str) -> str:
    """
    >>> of_python_floats("arcsin", "1/sqrt(1 - x**2)")
    'quotient(1, sqrt(1 - x * x))'
    """
    return ast.unparse(_OfPythonFloats(name in STEEP).visit(ast.parse(partial, mode="eval")))


def _enter(row: Row) -> None:
    for namespace in (np, math):
        own = [p for p in row.primitives if _is_math(p) == (namespace is math)]
        if own:
            facts = {"singular": row.name in SINGULAR, "real_only": row.name in REAL_ONLY}
            partials = PARTIALS[row.name]
            if namespace is math:
                partials = tuple(of_python_floats(row.name, partial) for partial in partials)
            elementwise(row.name, partials, *own, namespace=namespace, **facts)


def _is_math(primitive: Callable[..., Any]) -> bool:
    return getattr(primitive, "__module__", "") == "math"


for _row in ROWS:
    _enter(_row)
