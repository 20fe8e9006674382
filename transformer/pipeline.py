"""The passes, in order.

``PRIMAL`` prepares the user's program, ``JOINT`` simplifies both sweeps together, ``finish`` makes prose of the result.
Each pass is pure: a program in, a program (or a fact about it) out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from retrograd.runtime.errors import ArgumentError

from .adjoint.forward import forward
from .adjoint.reverse import Sweeps, reverse
from .analysis.activity import activity
from .analysis.ownership import check_aliases, is_external, own_stores, roots_of, shares, written_values
from .analysis.recording import record
from .analysis.updates import updates_in_place
from .builder import Builder, type_of
from .dialect import PYTHON, Dialect
from .emit import Text, emit, names_taken
from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    Function,
    Let,
    Stmt,
    Var,
    defined_by,
    definitions,
    map_blocks,
    reads,
    rebuild,
    substitute,
    vars_of,
    walk,
)
from .lower import Lowering
from .names import assign_names
from .simplify.cse import merge_common
from .simplify.dce import eliminate_dead
from .simplify.fold import fold_temporaries
from .simplify.laws import apply_laws
from .simplify.stores import whole_stores
from .types import AggregateT, ArrayT, ListT, NumberT, ScalarT, is_inexact

Pass = tuple[Callable[[Block], Block], str]

#: What is done to the user's program before it is differentiated; none of it changes a bit of its result.
PRIMAL: list[Pass] = [
    (whole_stores, "x += v on memory nobody else sees is x = x + v"),
    (merge_common, "what is computed twice is computed once"),
    (eliminate_dead, "what nobody reads, and cannot fail, goes"),
]

#: What is done to both sweeps together.
JOINT: list[Pass] = [
    (merge_common, "the reverse sweep reuses what the forward sweep computed"),
    (eliminate_dead, "cotangents nobody asked for go"),
]


@dataclass(frozen=True)
class Written:
    """A finished function: its text, its program, and which parameters its stores reach."""

    text: Text
    program: Function
    written: frozenset[Var]


def prepare(fn: Function) -> tuple[Function, set[Var]]:
    """The user's program, checked for aliasing and tidied; a derivative's program is trusted and made the primal."""
    derived = bool(fn.options.get("derived"))
    if derived:
        fn = replace(fn, body=promoted(fn.body))
    written = set() if derived else check_aliases(fn)
    body = fn.body
    for change, _ in PRIMAL:
        body = change(body)
    return replace(fn, body=body), written


def promoted(block: Block) -> Block:
    """Derivative code as the primal of another derivative."""
    return Block(tuple(map_blocks(replace(s, forward=True), promoted) for s in block.stmts), block.yields)


def sweep(fn: Function, wrt: tuple[Var, ...], seed: Callable[[Atom], tuple[Atom, Atom]]) -> Sweeps:
    """Reverse mode: ``seed(result)`` gives the part of the result that is differentiated, and its cotangent."""
    root, cotangent = seed(fn.result)
    active = activity(fn, wrt, (root,))
    low = Lowering(Builder(apply_laws))
    low.build.calls.update({s.var: s.call for s in walk(fn.body) if isinstance(s, Let)})
    return reverse(replace(fn, body=replace(fn.body, yields=(root,))), wrt, active, cotangent, low)


def join(sweeps: Sweeps, result: Atom, dialect: Dialect) -> tuple[Block, Block]:
    """Both sweeps simplified together, records in place: the forward part and the reverse part."""
    whole = Block((*sweeps.forward.stmts, *sweeps.reverse), (result, *sweeps.bars))
    for change, _ in JOINT:
        whole = change(whole)
    ahead = tuple(s for s in whole.stmts if s.forward)
    back = tuple(s for s in whole.stmts if not s.forward)
    written = written_values(sweeps.primal.params, Block(ahead, whole.yields))
    fwd, rev = record(Block(ahead, whole.yields[:1]), back, written, sweeps.trips, sweeps.hints, whole.yields[1:])
    return dialect.tapes(fwd, Block(rev, whole.yields[1:]))


def gradient(
    fn: Function, wrt: tuple[Var, ...], value: bool, aux: bool, single: bool, dialect: Dialect = PYTHON
) -> Written:
    """One program that computes the gradient, and the value if it is wanted."""
    fn, written = prepare(fn)

    def seed(result: Atom) -> tuple[Atom, Atom]:
        root = _first(result) if aux else result
        _require_scalar(fn.name, root)
        return root, Const(1.0)

    sweeps = sweep(fn, wrt, seed)
    fwd, rev = join(sweeps, fn.result, dialect)
    copies, final = _fresh_results(rev.yields, fn.params, fwd, rev, dialect)
    stmts = [*fwd.stmts, *rev.stmts, *copies]
    grads: Atom = final[0] if single else Aggregate(tuple, tuple(final))
    result = fwd.yields[0]
    if value:
        out: Atom = Aggregate(tuple, (result, grads))
    elif aux:
        assert isinstance(result, Aggregate)
        out = Aggregate(tuple, (grads, result.items[1]))
    else:
        out = grads
    suffix = "value_and_grad" if value else "grad"
    program = Function(f"{fn.name}_{suffix}", fn.params, Block(tuple(stmts), (out,)), fn.loc)
    return finish(program, sweeps.hints, written, len(fwd.stmts), dialect)


def _first(result: Atom) -> Atom:
    if isinstance(result, Aggregate) and len(result.items) == 2:
        return result.items[0]
    raise ArgumentError("with has_aux=True the function returns a pair: (what to differentiate, anything else)")


def _require_scalar(name: str, root: Atom) -> None:
    t = type_of(root)
    if isinstance(t, NumberT) or (isinstance(t, (ScalarT, ArrayT)) and t.ndim == 0 and t.dtype.kind in "biufc"):
        if not isinstance(t, NumberT) and t.dtype.kind == "c":
            raise ArgumentError(f"grad of {name}: the result is complex", remedy="Return a real number, or use rg.vjp.")
        return
    what = (
        f"an array with {t.ndim} axes"
        if isinstance(t, ArrayT)
        else f"a {getattr(getattr(t, 'kind', t), '__name__', 'value')}"
    )
    raise ArgumentError(
        f"grad of {name}: the result is {what}, not a scalar",
        remedy="Reduce it to a number (np.sum, np.mean), or use rg.jacobian or rg.vjp; a pair (loss, extras) wants has_aux=True.",
    )


def _fresh_results(
    bars: tuple[Atom, ...], params: tuple[Var, ...], fwd: Block, rev: Block, dialect: Dialect
) -> tuple[list[Stmt], list[Atom]]:
    """Returned cotangents are the caller's: writeable, and distinct from each other and from every argument (M5)."""
    joined = Block((*fwd.stmts, *rev.stmts), ())
    roots = roots_of(params, joined)
    calls = {s.var: s.call for s in walk(joined) if isinstance(s, Let)}
    taken: set[Any] = {root for y in fwd.yields for v in vars_of(y) for root in roots.get(v, ())}
    made: list[Stmt] = []

    def fresh(call: Call, var: Var) -> Var:
        copy = Var("", var.type)
        made.append(Let(copy, call, None, False))
        return copy

    def own(var: Var) -> Atom:
        cast = dialect.cast(var)
        if cast is not None:
            return fresh(cast, var)
        if not isinstance(var.type, (ArrayT, NumberT)):
            return var
        mine = roots.get(var, frozenset())
        is_view = var in calls and shares(calls[var])
        if is_view or mine & taken or not mine or any(is_external(r) for r in mine):
            return fresh(Call(np.array, (var,)), var)
        taken.update(mine)
        return var

    owned = [rebuild(bar, own) for bar in bars]
    return made, owned


def pair(
    fn: Function, wrt: tuple[Var, ...], copy_inputs: bool = True, dialect: Dialect = PYTHON
) -> tuple[Written, Written]:
    """Two programs: ``primal(args) -> value, record`` and ``adjoint(record, seed) -> cotangents`` (M7)."""
    fn, written = prepare(fn)
    seed = seed_like(fn.result)
    sweeps = sweep(fn, wrt, lambda result: (result, seed))
    fwd, rev = join(sweeps, fn.result, dialect)
    seeds = list(vars_of(seed))
    inside = set(definitions(rev))
    record_vars = [v for v in dict.fromkeys(reads(rev)) if v not in inside and v not in seeds]
    direct = {v for s in fwd.stmts for v in defined_by(s)} | set(fn.params)
    visible = set(definitions(fwd)) | set(fn.params)
    record_vars = [v for v in record_vars if v in visible]
    stmts = list(fwd.stmts)
    roots = roots_of(fn.params, Block(tuple(stmts), ()))
    kept: list[Atom] = []
    for var in record_vars:
        exposed = isinstance(var.type, ArrayT) and (
            any(is_external(r) for r in roots.get(var, ())) or _returned_too(var, fwd, roots)
        )
        if copy_inputs and exposed:
            saved = Var("", var.type)
            stmts.append(Let(saved, Call(np.copy, (var,)), None, False))
            kept.append(saved)
        else:
            kept.append(var)
    record_atom = Aggregate(tuple, tuple(kept))
    primal = Function(f"{fn.name}_primal", fn.params, Block(tuple(stmts), (Aggregate(tuple, (fwd.yields[0], record_atom)),)), fn.loc,
                      "", {"unset": [v for v in record_vars if v not in direct]})  # fmt: skip
    first = finish(primal, sweeps.hints, written, len(fwd.stmts), dialect)

    renamed, openers = _opened_tapes(record_vars)
    back = substitute(rev, lambda v: renamed.get(v, v))
    copies, final = _fresh_results(back.yields, (*record_vars, *seeds), Block(), back, dialect)
    stmts = [*openers, *back.stmts, *copies]
    adjoint = Function(
        f"{fn.name}_adjoint", (*record_vars, *seeds), Block(tuple(stmts), (Aggregate(tuple, tuple(final)),)), fn.loc
    )
    second = finish(adjoint, sweeps.hints, set(), 0, dialect)
    return first, second


def _returned_too(var: Var, fwd: Block, roots: Any) -> bool:
    """A value the caller also gets: it may be written before the pullback is called."""
    mine = roots.get(var, frozenset())
    return any(mine & roots.get(v, frozenset()) for v in vars_of(fwd.yields[0]))


def _opened_tapes(record_vars: Iterable[Var]) -> tuple[dict[Var, Var], list[Stmt]]:
    """A pullback may run again: it pops from copies of the tapes."""
    renamed, stmts = {}, []
    for var in record_vars:
        if isinstance(var.type, ListT) and var.hint.endswith("_tape"):
            renamed[var] = Var(var.hint, var.type)
            stmts.append(Let(renamed[var], Call(list, (var,)), None, False))
    return renamed, stmts


def seed_like(result: Atom) -> Atom:
    """A cotangent for each inexact part of the result, as parameters."""
    return _seed(result, "")


def _seed(atom: Atom, path: str) -> Atom:
    if isinstance(atom, Aggregate):
        keys = atom.labels
        parts = tuple(_seed(item, f"{path}_{key}") for key, item in zip(keys, atom.items))
        return Aggregate(
            atom.kind if atom.keys is None or atom.kind is dict else tuple,
            parts,
            atom.keys if atom.kind is dict else None,
        )
    t = type_of(atom)
    if isinstance(t, AggregateT):
        keys = t.labels
        parts = tuple(
            Var(f"z{path}_{key}_bar", item) if is_inexact(item) else Const(None) for key, item in zip(keys, t.items)
        )
        return Aggregate(
            t.kind if t.keys is None or t.kind is dict else tuple, parts, t.keys if t.kind is dict else None
        )
    if not is_inexact(t):
        return Const(None)
    name = atom.hint if isinstance(atom, Var) and atom.hint and not path else f"z{path}"
    return Var(f"{name}_bar", t)


def tangent(fn: Function, wrt: tuple[Var, ...], value: bool = True) -> Function:
    """Forward mode: the program of ``(params, tangents) -> value, tangent``."""
    fn, _ = prepare(fn)
    active = activity(fn, wrt)
    low = Lowering(Builder(apply_laws))
    made = forward(fn, wrt, active, low, value)
    return replace(made, options={**made.options, "derived": True})


def finish(
    fn: Function, hints: dict[Var, str], written: Iterable[Var], seam: int, dialect: Dialect = PYTHON
) -> Written:
    """From a joined program to text: copies where stores need them, temporaries folded, names, print."""
    ahead = set(map(id, fn.body.stmts[:seam]))
    fn = dialect.program(replace(fn, body=eliminate_dead(fn.body)))
    body = own_stores(fn.params, fn.body)
    named = _named(hints)
    body = fold_temporaries(body, named)
    seam = next((k for k, s in enumerate(body.stmts) if not s.forward and not _is_record(s)), len(body.stmts))
    fn = replace(fn, body=body, options={**fn.options, "seam": seam if seam and ahead else -1})
    names = assign_names(fn.params, body, hints, names_taken(body))
    text = emit(fn, names, updates_in_place(fn.params, body), dialect.emitter)
    return Written(text, fn, frozenset(written))


def _is_record(stmt: Stmt) -> bool:
    return isinstance(stmt, Let) and stmt.call.fn is list and not stmt.call.args


def _named(hints: dict[Var, str]) -> Callable[[Var], bool]:
    def named(var: Var) -> bool:
        return bool(hints.get(var, var.hint))

    return named


__all__ = ["Written", "gradient", "pair", "tangent"]
