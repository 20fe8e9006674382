"""Lowering of assignment: to names, to items, to slices, and in place.

A store into an array is written as the array that it makes: ``u[i] = v`` becomes ``u = store(u, i, v)``, which
is printed in place where no other live name sees the memory and refused where one does (``analysis.ownership``).
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

from retrograd.runtime import emitted, numerics
from retrograd.runtime.errors import AliasedMutation

from .builder import type_of
from .expressions import arithmetic, item
from .ir import Aggregate, Call, Const, SliceAtom
from .operators import BINARY
from .types import ArrayT, NumberT, ScalarT, is_inexact

if TYPE_CHECKING:
    from .lower import Lowering


def assign_to(low: Lowering, target: ast.expr, value: Any) -> None:
    if isinstance(target, ast.Name):
        low.bind(target.id, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        unpack(low, target, value)
    elif isinstance(target, ast.Subscript):
        store(low, target, value)
    else:
        raise low.unsupported(target, "a store into an attribute cannot be differentiated", "Use a local variable.")


def unpack(low: Lowering, target: ast.Tuple | ast.List, value: Any) -> None:
    """``a, (b, *c) = value``."""
    names = target.elts
    starred = [k for k, n in enumerate(names) if isinstance(n, ast.Starred)]
    parts = _parts(low, value, len(names), bool(starred), target)
    if starred:
        at, extra = starred[0], len(parts) - len(names) + 1
        parts[at : at + extra] = [Aggregate(list, tuple(parts[at : at + extra]))]
    if len(parts) != len(names):
        raise low.unsupported(target, f"{len(parts)} values cannot be unpacked into {len(names)} names")
    for element, part in zip(names, parts):
        assign_to(low, element.value if isinstance(element, ast.Starred) else element, part)


def _parts(low: Lowering, value: Any, count: int, starred: bool, node: ast.AST) -> list[Any]:
    t = type_of(value)
    hints = [e.id if isinstance(e, ast.Name) else "" for e in node.elts]  # type: ignore[attr-defined]
    if isinstance(t, ArrayT) and t.ndim and not starred:
        # the user's unpacking would raise on another length, and so must this
        low.build.let(Call(emitted.expect_length, (value, Const(count))), type_of(Const(None)))
        return [low.build.call(operator.getitem, value, Const(k), hint=hints[k]) for k in range(count)]
    if (
        not isinstance(value, Aggregate)
        and hasattr(t, "items")
        and t.kind is not dict
        and not starred
        and len(t.items) == count
    ):
        return [low.build.call(operator.getitem, value, Const(k), hint=hints[k]) for k in range(count)]
    return low.unpack_all(value, node)


def store(low: Lowering, target: ast.Subscript, value: Any) -> None:
    container = low.expr(target.value)
    key = low.expr(target.slice)
    low.at(target)
    rebind(low, target, container, key, value)


def rebind(low: Lowering, target: ast.Subscript, container: Any, key: Any, value: Any) -> None:
    """``container[key] = value``, as a new value of the name at the bottom of ``target``."""
    t = type_of(container)
    if not isinstance(t, ArrayT):
        raise low.unsupported(
            target, "a store into a list, a dict or an unknown object cannot be differentiated",
            "Store into an array, or build a new container.",
        )  # fmt: skip
    v = type_of(value)
    if not isinstance(v, (ArrayT, ScalarT, NumberT)):
        raise low.unsupported(target, "only numbers and arrays can be stored into an array")
    if t.dtype.kind in "biu" and is_inexact(v):
        raise low.error(
            AliasedMutation, target, f"a float is stored into an array of {t.dtype}, which truncates it",
            "Make the array with dtype=float.",
        )  # fmt: skip
    hint = target.value.id if isinstance(target.value, ast.Name) else ""
    stored = low.build.call(numerics.store, container, key, value, hint=hint, form="store", type=t)
    _rebind_base(low, target.value, stored)


def _rebind_base(low: Lowering, base: ast.expr, stored: Any) -> None:
    if isinstance(base, ast.Name):
        if base.id not in low.frame.env:
            raise low.error(
                AliasedMutation, base, f"a store into the global or captured array {base.id}",
                "Pass the array as an argument and return it.",
            )  # fmt: skip
        _same_object(low, low.frame.env[base.id], stored)
        low.bind(base.id, stored)
        return
    if isinstance(base, ast.Subscript):
        container, key = low.expr(base.value), low.expr(base.slice)
        keys = key.items if isinstance(key, Aggregate) else (key,)
        if all(isinstance(k, SliceAtom) or isinstance(type_of(k), ScalarT) or (isinstance(k, Const)) for k in keys):
            rebind(low, base, container, key, stored)
            return
    raise low.unsupported(base, "a store through this expression cannot be differentiated", "Store into a named array.")


def augment(low: Lowering, stmt: ast.AugAssign) -> None:
    """``x += v``: a new value for numbers, in place for arrays."""
    op = BINARY[type(stmt.op)]
    target = stmt.target
    if isinstance(target, ast.Name):
        old = low.lookup(target.id, target)
        value = low.expr(stmt.value)
        low.at(stmt)
        low.bind(target.id, _augmented(low, op, old, value, stmt, target))
    elif isinstance(target, ast.Subscript):
        container, key = low.expr(target.value), low.expr(target.slice)
        old = item(low, container, key, target)
        value = low.expr(stmt.value)
        low.at(stmt)
        rebind(low, target, container, key, arithmetic(low, op, old, value, stmt))
    else:
        raise low.unsupported(target, "a store into an attribute cannot be differentiated", "Use a local variable.")


def _augmented(low: Lowering, op: Any, old: Any, value: Any, stmt: ast.AugAssign, target: ast.Name) -> Any:
    t = type_of(old)
    if not isinstance(t, ArrayT):
        return arithmetic(low, op, old, value, stmt, target.id)
    if t.dtype.kind in "biu" and is_inexact(type_of(value)):
        raise low.error(
            AliasedMutation, stmt, "a float is added in place to an array of ints", "Make the array with dtype=float."
        )
    if target.id not in low.frame.env:
        raise low.error(
            AliasedMutation,
            stmt,
            f"the global or captured array {target.id} is changed in place",
            "Make a copy of it first.",
        )
    new = arithmetic(low, op, old, value, stmt)
    stored = low.build.call(numerics.store, old, Const(Ellipsis), new, hint=target.id, form="store", type=t)
    _same_object(low, old, stored)
    return stored


def _same_object(low: Lowering, old: Any, stored: Any) -> None:
    """Every name of the array holds what the store made of it."""
    low.origins[stored] = low.origin(old)
    low.replace_everywhere(old, stored)
