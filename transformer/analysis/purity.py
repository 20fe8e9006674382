"""Which computations have no effect, and which cannot fail?  (L4)

    is_pure(Call(np.exp, ())), is_pure(Call(print, ()))
(True, False)
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from retrograd.runtime import emitted, numerics
from retrograd.runtime.rules import lookup

from ..intrinsics import Emitted, Intrinsic
from ..ir import Aggregate, Atom, Block, Call, Const, Let, Raise, Region, SliceAtom, Var, blocks_of, is_shield
from ..types import AggregateT, ArrayT, ScalarT, is_hashable, is_numeric

PURE = {
    tuple, list, dict, getattr, range, str.format, repr, len, isinstance, min, max, int, float, bool, complex, round, divmod,
    emitted.none_caught, emitted.add_at, emitted.fresh_copy, emitted.copy_in_layout, emitted.fresh_list,
    numerics.store, np.ndarray.astype, np.zeros, np.ones, np.empty,
    *emitted.LIST_OPERATIONS,
} | {getattr(operator, name) for name in operator.__all__} | {np.float32, np.float64, np.complex128}  # fmt: skip
CAN_FAIL = {
    emitted.drop_last, emitted.without, emitted.set_item, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.getitem,
    divmod,
}  # fmt: skip


def is_pure(call: Call) -> bool:
    """May the call be dropped or moved, if it succeeds?"""
    fn = call.fn
    if fn in (emitted.choose, emitted.both, emitted.either):
        return True
    if isinstance(fn, (Intrinsic, Emitted)):
        return fn.pure
    if fn in (emitted.push, emitted.pop, emitted.truncate, print) or isinstance(fn, str):
        return False
    try:
        if fn in PURE:
            return True
    except TypeError:
        return False
    return lookup(fn) is not None or getattr(fn, "__module__", "") == numerics.__name__


#: What a program tells people on the way: it happens, and nothing comes of it.
REPORTS = {("logging", name) for name in "debug info warning warn error exception critical log".split()}
REPORTS |= {("warnings", "warn"), ("_warnings", "warn")}


def reports(fn: Any) -> bool:
    """Is it a call of ``logging`` or ``warnings``?"""
    return (getattr(fn, "__module__", None), getattr(fn, "__name__", None)) in REPORTS


def is_total(stmt: Let) -> bool:
    """Can it not raise, given that its operands exist?"""
    call = stmt.call
    if getattr(call.fn, "__module__", "") == math.__name__ or isinstance(call.fn, (Intrinsic, Emitted)):
        return False
    if call.fn in CAN_FAIL:
        plain = isinstance(stmt.var.type, ArrayT) and call.fn is not operator.getitem
        return plain or _picks_part(call) or _on_numpy_scalars(call)
    return True


def _picks_part(call: Call) -> bool:
    """Is it a part of a container whose parts are known?"""
    if call.fn is not operator.getitem or not isinstance(call.args[0], Var) or not isinstance(call.args[1], Const):
        return False
    t = call.args[0].type
    return isinstance(t, AggregateT) and call.args[1].value in t.labels


def _on_numpy_scalars(call: Call) -> bool:
    from ..builder import type_of

    if call.fn is operator.getitem:
        return False
    types = [type_of(a) for a in call.args]
    return any(isinstance(t, ArrayT) or (isinstance(t, ScalarT) and t.weak is False) for t in types)


def is_safe(call: Call) -> bool:
    """Can a whole expression not raise, given that its operands exist?"""
    from ..builder import type_of

    if getattr(call.fn, "__module__", "") == math.__name__ or isinstance(call.fn, (Intrinsic, Emitted)):
        return False
    if call.fn is operator.getitem and not (isinstance(type_of(call.args[0]), ArrayT) and _is_sliced(call.args[1])):
        return False
    if call.fn in CAN_FAIL - {operator.getitem} and not any(map(_is_of_numpy, call.args)):
        return False
    return all(is_safe(a) for a in call.atoms() if isinstance(a, Call))


def _is_sliced(key: Atom) -> bool:
    """An index that fits every array of its rank."""
    parts = key.items if isinstance(key, Aggregate) and key.kind is tuple else (key,)
    return all(isinstance(k, SliceAtom) or (isinstance(k, Const) and k.value in (None, Ellipsis)) for k in parts)


def _is_of_numpy(atom: Atom) -> bool:
    """Is it an array or a NumPy scalar, whose arithmetic warns where Python's raises?"""
    from ..builder import type_of

    if isinstance(atom, Call):
        own = isinstance(atom.fn, np.ufunc) or (getattr(atom.fn, "__module__", None) or "").startswith("numpy")
        return own or any(map(_is_of_numpy, atom.args))
    t = type_of(atom)
    return isinstance(t, ArrayT) or (isinstance(t, ScalarT) and t.weak is False)


def is_droppable(stmt: Let) -> bool:
    """May it go if nothing reads its result?"""
    return is_pure(stmt.call) and (not stmt.forward or is_total(stmt))


def has_effect(block: Block) -> bool:
    """Does anything inside have to run whether or not its results are read?"""
    return any(
        isinstance(s, Raise)
        or (isinstance(s, Region) and s.context is not None and not is_shield(s))
        or (isinstance(s, Let) and not is_droppable(s))
        or any(map(has_effect, blocks_of(s)))
        for s in block.stmts
    )


#: What only moves values from one place to another.
MOVES = {
    operator.getitem, getattr, numerics.store, np.zeros_like, np.zeros, np.empty, np.copy, tuple, list, dict, emitted.boxed,
    emitted.fresh_list, emitted.fresh_copy, emitted.append, emitted.drop_last, emitted.set_item, emitted.set_in, emitted.append_in,
    emitted.repeat, emitted.without,
}  # fmt: skip
SAFE = {getattr(operator, name) for name in "add sub mul neg lt le gt ge eq ne is_ is_not not_".split()}


def cannot_raise(stmt: Let) -> bool:
    """Arithmetic on Python numbers, division and powers apart; items of tuples whose parts are known."""
    from ..builder import type_of

    call = stmt.call
    if call.fn is operator.getitem and isinstance(t := type_of(call.args[0]), AggregateT) and isinstance(key := call.args[1], Const):
        return key.value in t.labels
    return stmt.call.fn in SAFE and all(
        isinstance(t := type_of(a), ScalarT) and t.weak is True and t.dtype.kind in "bif" for a in stmt.call.args
    )


def may_warn(stmt: Let) -> bool:
    """May NumPy raise a FloatingPointError in it, if ``np.errstate`` says so?"""
    return is_numeric(stmt.var.type) and is_hashable(stmt.call.fn) and stmt.call.fn not in MOVES and not cannot_raise(stmt)
