"""How is the same program written for another reader: plain Python, or Numba?

A dialect says how tapes are kept, which calls are spelt otherwise, and how statements are printed.  Python's leaves
the rest as it is; Numba's differs where Numba does not take what NumPy takes.

    for i in reversed(range(n)):          for i in range(n - 1, -1, -1):
        x = x_tape.pop()                      x = x_tape[i]
"""

from __future__ import annotations

import ast
import importlib
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted, jitted
from retrograd.runtime.errors import CompilationFailed

from .analysis.ownership import overlap, roots_of
from .builder import type_of
from .emit import Emitter
from .flatten import flattened
from .ir import Aggregate, Atom, Block, Call, Const, For, Function, Let, Ref, Region, Stmt, Var, map_blocks, walk
from .operators import SYNTAX
from .tapes import array_tapes, tuple_tapes
from .types import ArrayT, ScalarT, is_hashable


@dataclass(frozen=True)
class Dialect:
    """``tapes`` is asked once both sweeps are joined, ``cast`` of each cotangent, ``program`` before printing."""

    emitter: type[Emitter]
    tapes: Callable[[Block, Block], tuple[Block, Block]]
    cast: Callable[[Var], Call | None]
    program: Callable[[Function], Function]


# -- Numba ------------------------------------------------------------------------------------------------


class NumbaEmitter(Emitter):
    """Prints what ``numba.njit`` takes."""

    def prepare(self, fn: Function) -> None:
        self.roots = roots_of(fn.params, fn.body)

    def unset(self, var: Var) -> ast.expr:
        """Numba wants one type on all paths."""
        return ast.Constant(var.type.dtype.type(0).item()) if isinstance(var.type, ScalarT) else super().unset(var)

    def augment(self, stmt: Let, left: ast.expr, fn: Any, value: Atom) -> None:
        """Numba's ``x[1:] += x[:-1]`` reads entries it has just written; NumPy's, and a plain assignment, do not."""
        if not overlap(stmt.call.args[0], value, self.roots):
            super().augment(stmt, left, fn, value)
            return
        whole = ast.BinOp(ast.parse(self.text(left), mode="eval").body, SYNTAX[fn](), self.expr(value))
        self.line(self.text(ast.Assign([left], whole)), stmt.loc)

    def let(self, stmt: Let, *_: Any) -> None:
        if stmt.call.fn is emitted.record:
            tape, key, value = map(self.expr, stmt.call.args)
            self.line(self.text(ast.Assign([ast.Subscript(tape, key, ast.Store())], value)), stmt.loc)
        else:
            super().let(stmt)

    def iterable(self, stmt: For) -> str:
        if not (stmt.each.backwards and stmt.each.kind == "range"):
            return super().iterable(stmt)
        operands = [self.expr(a) for a in stmt.each.operands]
        return f"range({', '.join(map(self.text, _backwards(operands)))})"

    def add_at(self, stmt: Let, target: str) -> None:
        if stmt.call.form == "add_once":
            super().add_at(stmt, target)
            return
        self.update(stmt, target)
        add = self.reference(jitted.add_at, "add_at")
        key, value = (self.argument(a) for a in stmt.call.args[1:])
        self.line(self.text(ast.Expr(ast.Call(add, [ast.Name(target, ast.Load()), key, value], []))), stmt.loc)


class PairsEmitter(NumbaEmitter):
    """Prints a program whose lists leave it, and enter the next one: typed lists, which need no conversion."""

    @property
    def expressions(self) -> dict[Any, Any]:
        return {**super().expressions, list: PairsEmitter.typed_list}

    def typed_list(self, call: Call) -> ast.expr:
        if call.args:
            return ast.Call(ast.Attribute(self.expr(call.args[0]), "copy", ast.Load()), [], [])
        return ast.Call(self.reference(importlib.import_module("numba.typed").List, "List"), [], [])


def _backwards(operands: list[ast.expr]) -> tuple[ast.expr, ...]:
    """The operands of the range that runs through another from its end."""
    if len(operands) == 1:
        return _less(operands[0], 1), _number(-1), _number(-1)
    if len(operands) == 2:
        start, stop = operands
        return _less(stop, 1), _less(start, 1), _number(-1)
    start, _, step = operands
    count = ast.Call(ast.Name("len", ast.Load()), [ast.Call(ast.Name("range", ast.Load()), operands, [])], [])
    last = ast.BinOp(start, ast.Add(), ast.BinOp(_less(count, 1), ast.Mult(), step))
    return last, ast.BinOp(start, ast.Sub(), step), ast.UnaryOp(ast.USub(), step)


def _number(value: int) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _less(node: ast.expr, by: int) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return _number(node.value - by)
    return ast.BinOp(node, ast.Sub(), ast.Constant(by))


# -- calls ------------------------------------------------------------------------------------------------


def numba_calls(block: Block) -> Block:
    """The program with every call that Numba does not take replaced by one that it does."""
    return Block(tuple(_statement(stmt) for stmt in block.stmts), block.yields)


def _statement(stmt: Stmt) -> Stmt:
    if not isinstance(stmt, Let):
        return map_blocks(stmt, numba_calls)
    other = SPELT.get(stmt.call.fn) if is_hashable(stmt.call.fn) else None
    return replace(stmt, call=(other and other(stmt.call)) or stmt.call)


def _copy(call: Call) -> Call | None:
    """np.array(x), np.copy(x, "K")  ->  np.copy(x)"""
    source, *options = call.args
    if not all(isinstance(a, Const) and a.value in (None, True, "K") for a in (*options, *dict(call.kwargs).values())):
        return None
    fn = np.copy if isinstance(type_of(source), ArrayT) else call.fn
    return replace(call, fn=fn, args=(source,), kwargs=()) if call.form == "call" else None


def _without_defaults(call: Call) -> Call | None:
    """np.flip(x, None), np.ravel(x, "C")  ->  np.flip(x), np.ravel(x)"""
    kept = [a for a in call.args if not (isinstance(a, Const) and a.value in (None, "C"))]
    return replace(call, args=tuple(kept)) if kept != list(call.args) else None


def _reshape(call: Call) -> Call | None:
    """x.reshape(shape)  ->  np.ascontiguousarray(x).reshape(shape), where the layout may be another"""
    x, *shape = call.args
    order = [a for a in (*shape, *dict(call.kwargs).values()) if isinstance(a, Const) and isinstance(a.value, str)]
    if order not in ([], [Const("C")]) or not isinstance(type_of(x), ArrayT):
        return None
    sizes = tuple(a for a in shape if a not in order)
    return Call(np.reshape, (Call(np.ascontiguousarray, (x,)), *sizes), (), "method:reshape")


def _joined(call: Call) -> Call | None:
    """np.concatenate([x, y])  ->  np.concatenate((x, y))"""
    parts = call.args[0]
    if not isinstance(parts, Aggregate):
        return None
    rest = (*call.args[1:], *(a for name, a in call.kwargs if name == "axis"))
    return replace(call, args=(replace(parts, kind=tuple), *rest), kwargs=())


def _along(call: Call) -> Call | None:
    """np.max(x, axis=1)  ->  max_along(x, 1, False)"""
    options = dict(zip(("axis",), call.args[1:]), **dict(call.kwargs))
    axis, keepdims = options.pop("axis", Const(None)), options.pop("keepdims", Const(False))
    if options or len(call.args) > 2 or not (isinstance(axis, Const) and isinstance(keepdims, Const)):
        return None
    if axis.value is None:
        return _kept(replace(call, args=call.args[:1], kwargs=())) if keepdims.value else None
    if type(axis.value) is not int or (call.fn is np.sum and not keepdims.value):
        return None
    return Call(jitted.ALONG[call.fn], (call.args[0], axis, keepdims))


def _kept(call: Call) -> Call | None:
    """np.mean(x, keepdims=True)  ->  np.full((1, 1), np.mean(x))"""
    t = type_of(call.args[0])
    return Call(np.full, (Const((1,) * t.ndim), call)) if isinstance(t, ArrayT) else None


def _gather(call: Call) -> Call | None:
    """a[rows, columns]  ->  gather(a, (rows, columns))"""
    key = call.args[1]
    arrays = [k for k in key.items if isinstance(type_of(k), ArrayT)] if isinstance(key, Aggregate) else []
    return Call(jitted.gather, call.args) if len(arrays) > 1 else None


SPELT: dict[Any, Callable[[Call], Call | None]] = {
    np.array: _copy,
    emitted.copy_in_layout: _copy,
    np.copy: _copy,
    np.flip: _without_defaults,
    np.ravel: _without_defaults,
    np.reshape: _reshape,
    **dict.fromkeys((np.concatenate, np.stack, np.vstack, np.hstack, np.column_stack), _joined),
    operator.getitem: _gather,
    **dict.fromkeys(jitted.ALONG, _along),
}


def _to_narrow(bar: Var) -> Call | None:
    """A cotangent in single precision: Numba computes ``2.0 * x`` in double precision, unlike NumPy."""
    dtype = getattr(bar.type, "dtype", None)
    if dtype not in NARROW:
        return None
    if isinstance(bar.type, ScalarT):
        return Call(dtype.type, (bar,))
    return Call(np.ndarray.astype, (bar, Ref(dtype.type, f"np.{dtype.name}")), (), "method:astype")


NARROW = (np.dtype(np.float32), np.dtype(np.complex64))

# -- the two ----------------------------------------------------------------------------------------------


def _as_it_is(bar: Var) -> None:
    return None


def _same_program(fn: Function) -> Function:
    return fn


def _numba_program(fn: Function) -> Function:
    guarded = next((s for s in walk(fn.body) if isinstance(s, Region)), None)
    if guarded is not None:
        raise CompilationFailed(
            "a try or with block is not compiled", where=guarded.loc, remedy="Leave jit=True out: the interpreted derivative works."
        )
    fn = flattened(fn)
    return replace(fn, body=numba_calls(fn.body))


PYTHON = Dialect(Emitter, tuple_tapes, _as_it_is, _same_program)
NUMBA = Dialect(NumbaEmitter, array_tapes, _to_narrow, _numba_program)
NUMBA_PAIRS = replace(NUMBA, emitter=PairsEmitter)
