"""The passes, in order.

``PRIMAL`` prepares the user's program, ``JOINT`` simplifies both sweeps together, ``finish`` makes prose of the result.
Each pass is pure: a program in, a program (or a fact about it) out.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.custom import one_scalar
from retrograd.runtime.errors import ArgumentError, Location

from .adjoint.forward import forward
from .adjoint.reverse import Sweeps, reverse
from .analysis.activity import activity, varied
from .analysis.ownership import (
    check_aliases,
    class_refs,
    is_external,
    is_view,
    memory_of,
    own_stores,
    reachable,
    roots_of,
    written_values,
)
from .analysis.recording import record
from .analysis.unbound import maybe_unbound
from .analysis.updates import updates_in_place
from .builder import Builder, type_of
from .checked import Cotangents, born_in_loops, emit_checked, is_checked
from .dialect import PYTHON, Dialect
from .emit import Text, emit, names_taken
from .intrinsics import Asserted, Emitted, Intrinsic, expand, holds_intrinsics, with_records
from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    Function,
    If,
    Let,
    Region,
    Stmt,
    Var,
    blocks_of,
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
from .simplify.copies import read_originals, without_needless_copies
from .simplify.cse import merge_common
from .simplify.dce import eliminate_dead
from .simplify.fold import fold_temporaries
from .simplify.laws import apply_laws
from .simplify.parts import keep_in_place, leave_unread
from .simplify.quotients import drop_quotients
from .simplify.shapes import shapes_by_name
from .simplify.stores import whole_stores
from .simplify.sums import gather_sums
from .symbolic.statements import shorter_statements
from .types import OPAQUE, AggregateT, ArrayT, ListT, NumberT, ScalarT, carried, described, is_inexact
from .verify import Stage, verified

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
    (shapes_by_name, "a temporary is not kept for its shape"),
    (keep_in_place, "what is taken out of a cotangent and put back stays there"),
    (leave_unread, "a row of a cotangent is not zeroed if nobody reads it again"),
]


@dataclass(frozen=True)
class Written:
    """A finished function: its text, its program, which parameters its stores reach; in checked mode, what runs (T6)."""

    text: Text
    program: Function
    written: frozenset[Var]
    checked: Text | None = None
    ignored: tuple[str, ...] = ()  # the arguments to differentiate by on which the result does not depend
    beside: dict[Emitted, Written] = field(default_factory=dict)  # the functions it calls, and those that they call

    @property
    def calls(self) -> dict[Emitted, None]:
        """The emitted functions that it calls."""
        texts = (self.text, self.checked) if self.checked else (self.text,)
        return {value: None for text in texts for value in text.scope.values() if isinstance(value, Emitted)}

    @property
    def source(self) -> str:
        """The whole text: what is called, then what calls it."""
        return "\n\n".join(w.text.source for w in (*reversed(self.beside.values()), self))


def prepare(fn: Function) -> tuple[Function, set[Var]]:
    """The user's program, checked for aliasing and tidied; a derivative's program is trusted and made the primal."""
    verified(fn.params, fn.body, "lowering")
    derived = bool(fn.options.get("derived"))
    if derived:
        fn = replace(fn, body=promoted(fn.body))
    written = set() if derived else check_aliases(fn)
    return replace(fn, body=run(PRIMAL, fn.params, fn.body)), written


def run(passes: list[Pass], params: Iterable[Var], block: Block, stage: Stage = Stage()) -> Block:
    """Each pass in turn, and in checked mode a look at what it left."""
    for change, _ in passes:
        block = verified(params, change(block), change, stage)
    return block


def promoted(block: Block) -> Block:
    """Derivative code as the primal of another derivative."""
    return Block(tuple(map_blocks(replace(s, forward=True), promoted) for s in block.stmts), block.yields)


def sweep(
    fn: Function, wrt: tuple[Var, ...], seed: Callable[[Atom], tuple[Atom, Atom]], masked: bool = False
) -> Sweeps:
    """Reverse mode: ``seed(result)`` gives the part of the result that is differentiated, and its cotangent.

    A ``masked`` seed may be a zero that says "not selected" (R6).
    """
    root, cotangent = seed(fn.result)
    active = activity(fn, wrt, (root,))
    if holds_intrinsics(fn.body):
        fn = replace(fn, body=with_records(fn.body, active))
        active = activity(fn, wrt, (root,))
    low = Lowering(Builder(apply_laws))
    low.build.calls.update({s.var: s.call for s in walk(fn.body) if isinstance(s, Let)})
    statements = shorter_statements(fn.body, active)
    sweeps = reverse(replace(fn, body=replace(fn.body, yields=(root,))), wrt, active, cotangent, low, masked, statements)
    return replace(sweeps, ignored=ignored(fn, wrt, active))


def ignored(fn: Function, wrt: tuple[Var, ...], active: set[Var]) -> tuple[str, ...]:
    """The arguments on which the result does not depend, unless the user says that this is meant (``stop_gradient``)."""
    stopped = [s.call for s in walk(fn.body) if isinstance(s, Let) and s.call.fn is emitted.stop_gradient]

    def is_meant(var: Var) -> bool:
        moved = varied(fn, (var,)) if stopped else set()
        return any(v in moved for call in stopped for atom in call.atoms() for v in vars_of(atom))

    unused = () if fn.options.get("derived") else tuple(v for v in wrt if v not in active)
    return tuple(var.hint for var in unused if not is_meant(var))


def join(
    sweeps: Sweeps, result: Atom, dialect: Dialect = PYTHON, outlives: bool = False
) -> tuple[Block, Block]:
    """Both sweeps simplified together, records in place: the forward part and the reverse part.

    Records that outlive the forward sweep are copies of what the caller can reach (M4).
    """
    whole = Block((*sweeps.forward.stmts, *sweeps.reverse), (result, *sweeps.bars))
    params = (*sweeps.primal.params, *sweeps.trips.values(), *vars_of(sweeps.seeds[0]))
    stage = Stage(joint=True, recorded=False, cotangents=sweeps.cotangents)
    verified(params, whole, reverse, stage)
    if holds_intrinsics(whole):
        whole = expand(whole)
        stage = replace(stage, visible=branch_values(whole))
    whole = run(JOINT, params, whole, stage)
    whole = read_originals(gather_sums(whole, lambda v: sweeps.hints.get(v, v.hint)))
    whole = eliminate_dead(whole)
    verified(params, whole, gather_sums, stage)
    ahead = tuple(s for s in whole.stmts if s.forward)
    back = tuple(s for s in whole.stmts if not s.forward)
    written = written_values(sweeps.primal.params, Block(ahead, whole.yields))
    kept = reachable(sweeps.primal.params, Block(ahead, whole.yields[:1])) if outlives else frozenset()
    fwd, rev = record(Block(ahead, whole.yields[:1]), back, written, sweeps.trips, sweeps.hints, whole.yields[1:], kept)
    params = (*sweeps.primal.params, *vars_of(sweeps.seeds[0]))
    verified(params, Block((*fwd.stmts, *rev), whole.yields), record, replace(stage, recorded=True))
    return dialect.tapes(fwd, Block(rev, whole.yields[1:]))


def gradient(
    fn: Function, wrt: tuple[Var, ...], value: bool, aux: bool, single: bool, dialect: Dialect = PYTHON
) -> Written:
    """One program that computes the gradient, and the value if it is wanted."""
    fn, written = prepare(with_scalar_root(fn, aux))

    def seed(result: Atom) -> tuple[Atom, Atom]:
        root = _first(result, fn.loc) if aux else result
        if not is_inexact(type_of(root)):
            activity(fn, wrt)  # a call of which nothing is known is the better explanation
        require_scalar(fn.name, root, fn.loc)
        return root, Const(1.0)

    sweeps = sweep(fn, wrt, seed)
    fwd, rev = join(sweeps, fn.result, dialect)
    owned = own_stores(fn.params, Block((*fwd.stmts, *rev.stmts), (fwd.yields[0], *rev.yields)))  # what was copied to be written is ours
    copies, final = fresh_results(owned.yields[1:], fn.params, Block(owned.stmts, owned.yields[:1]), Block(), dialect)
    stmts = [*owned.stmts, *copies]
    grads: Atom = final[0] if single else Aggregate(tuple, tuple(final))
    result = owned.yields[0]
    if value:
        out: Atom = Aggregate(tuple, (result, grads))
    elif aux:
        assert isinstance(result, Aggregate)
        out = Aggregate(tuple, (grads, result.items[1]))
    else:
        out = grads
    suffix = "value_and_grad" if value else "grad"
    program = Function(f"{fn.name}_{suffix}", fn.params, Block(tuple(stmts), (out,)), fn.loc)
    made = finish(program, sweeps.hints, written, len(fwd.stmts), sweeps.cotangents, dialect)
    return replace(made, ignored=sweeps.ignored)


def with_scalar_root(fn: Function, aux: bool) -> Function:
    """A result whose rank is not known before the run is held to be a scalar when it is there."""
    root = _first(fn.result, fn.loc) if aux else fn.result
    if not isinstance(type_of(root), NumberT):
        return fn
    checked = Var(root.hint if isinstance(root, Var) else "", type_of(root))
    check = Let(checked, Call(Asserted(one_scalar, fn.name), (root,)))
    result = Aggregate(tuple, (checked, *fn.result.items[1:])) if isinstance(fn.result, Aggregate) else checked
    return replace(fn, body=Block((*fn.body.stmts, check), (result,)))


def _first(result: Atom, where: Location | None) -> Atom:
    if isinstance(result, Aggregate) and len(result.items) == 2:
        return result.items[0]
    raise ArgumentError(
        "with has_aux=True the function returns a pair: (what to differentiate, anything else)", where=where,
        remedy="Return (loss, extras), or leave has_aux out.",
    )  # fmt: skip


def require_scalar(name: str, root: Atom, where: Location | None) -> None:
    t = type_of(root)
    if isinstance(t, NumberT) or (isinstance(t, (ScalarT, ArrayT)) and t.ndim == 0 and t.dtype.kind in "biufc"):
        if not isinstance(t, NumberT) and t.dtype.kind == "c":
            raise ArgumentError(
                f"grad of {name}: the result is complex", where=where, remedy="Return a real number, or use rg.vjp."
            )
        return
    raise ArgumentError(
        f"grad of {name}: the result is {described(t)}, not a scalar", where=where,
        remedy="Reduce it to a number (np.sum, np.mean), or use rg.jacobian or rg.vjp; a pair (loss, extras) wants has_aux=True.",
    )


def fresh_results(
    bars: tuple[Atom, ...], params: tuple[Var, ...], fwd: Block, rev: Block, dialect: Dialect = PYTHON
) -> tuple[list[Stmt], list[Atom]]:
    """Returned cotangents are the caller's: writeable, and distinct from each other and from every argument (M5)."""
    joined = Block((*fwd.stmts, *rev.stmts), ())
    roots = roots_of(params, joined)
    calls = {s.var: s.call for s in walk(joined) if isinstance(s, Let)}
    taken: set[Any] = {root for y in fwd.yields for v in vars_of(y) for root in memory_of(v, roots)}
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
        mine = memory_of(var, roots)
        if is_view(var, calls) or mine & taken or not mine or any(is_external(r) for r in mine):
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
    first, second, sweeps = halves(fn, wrt, seed_like(fn.result), copy_inputs, dialect)
    primal = finish(first, sweeps.hints, written, 0, sweeps.cotangents, dialect)
    adjoint = finish(second, sweeps.hints, set(), 0, sweeps.cotangents, dialect)
    return replace(primal, ignored=sweeps.ignored), adjoint


def halves(
    fn: Function, wrt: tuple[Var, ...], seed: Atom, outlives: bool, dialect: Dialect = PYTHON, masked: bool = False
) -> tuple[Function, Function, Sweeps]:
    """The two programs before they are printed.  Where the record ``outlives`` the call, whoever reads it may read it again,
    after the caller has written the arguments."""
    sweeps = sweep(fn, wrt, lambda result: (result, seed), masked)
    for stmt in walk(sweeps.forward) if outlives else ():
        if isinstance(stmt, Let) and isinstance(stmt.call.fn, Intrinsic):
            stmt.call.fn.outlive()
    fwd, rev = join(sweeps, fn.result, dialect, outlives)
    seeds = list(vars_of(seed))
    inside = set(definitions(rev))
    wanted = {v for v in reads(rev) if v not in inside and v not in seeds}
    direct = {*fn.params, *(v for s in fwd.stmts for v in defined_by(s))} - maybe_unbound(fwd)
    record_vars = [v for v in dict.fromkeys((*fn.params, *definitions(fwd))) if v in wanted]  # so both call them by the same names
    stmts = list(fwd.stmts)
    exposed = reachable(fn.params, fwd)
    kept: list[Atom] = []
    for var in record_vars:
        if outlives and var in exposed and isinstance(var.type, (ArrayT, NumberT, AggregateT, ListT)):
            sure = var in direct  # else None, where its branch is not taken
            saved = Var("", var.type if sure else OPAQUE)
            plain = sure and isinstance(var.type, ArrayT)
            call = Call(np.copy, (var,)) if plain else Call(emitted.kept, (var, *class_refs(var.type)))
            stmts.append(Let(saved, call, None, False))
            kept.append(saved)
        else:
            kept.append(var)
    record_atom = Aggregate(tuple, tuple(kept))
    primal = Function(f"{fn.name}_primal", fn.params, Block(tuple(stmts), (Aggregate(tuple, (fwd.yields[0], record_atom)),)), fn.loc,
                      "", {"unset": [v for v in record_vars if v not in direct]})  # fmt: skip
    renamed, openers = _opened_tapes(record_vars) if outlives else ({}, [])
    back = substitute(rev, lambda v: renamed.get(v, v))
    copies, final = fresh_results(back.yields, (*record_vars, *seeds), Block(), back, dialect)
    stmts = [*openers, *back.stmts, *copies]
    adjoint = Function(
        f"{fn.name}_adjoint", (*record_vars, *seeds), Block(tuple(stmts), (Aggregate(tuple, tuple(final)),)), fn.loc,
        "", {"optional": frozenset(record_vars) - direct, "born in loops": born_in_loops(fn.params, fn.body)},
    )  # fmt: skip
    return primal, adjoint, sweeps


def branch_values(block: Block) -> frozenset[Var]:
    """The values that branches define: their names outlive the branch, in a nested derivative that is written out."""
    branches = (s for s in walk(block) if isinstance(s, (If, Region)))
    return frozenset(v for s in branches for inner in blocks_of(s) for v in definitions(inner))


def _opened_tapes(record_vars: Iterable[Var]) -> tuple[dict[Var, Var], list[Stmt]]:
    """A pullback may run again: it pops from copies of the tapes."""
    renamed, stmts = {}, []
    for var in record_vars:
        if isinstance(var.type, ListT) and var.hint.endswith("tape"):
            renamed[var] = Var(var.hint, var.type)
            stmts.append(Let(renamed[var], Call(list, (var,)), None, False))
    return renamed, stmts


def seed_like(result: Atom) -> Atom:
    """A cotangent for each inexact part of the result, as parameters."""
    return _seed(result, "")


def _seed(atom: Atom, path: str) -> Atom:
    if isinstance(atom, Aggregate):
        parts = tuple(_seed(item, f"{path}_{key}") for key, item in zip(atom.labels, atom.items))
        return _seed_container(atom, parts)
    hint = atom.hint if isinstance(atom, Var) and not path else ""
    return _seed_of_type(type_of(atom), path, hint)


def _seed_of_type(t: Any, path: str, hint: str = "") -> Atom:
    if isinstance(t, AggregateT):
        return _seed_container(t, tuple(_seed_of_type(item, f"{path}_{key}") for key, item in zip(t.labels, t.items)))
    return Var(f"{hint or f'z{path}'}_bar", carried(t) if isinstance(t, ListT) else t) if is_inexact(t) else Const(None)


def _seed_container(like: Any, parts: tuple[Atom, ...]) -> Atom:
    """A dataclass has a tuple for its cotangent."""
    kind = like.kind if like.keys is None or like.kind is dict else tuple
    return Aggregate(kind, parts, like.keys if like.kind is dict else None)


def tangent(
    fn: Function, wrt: tuple[Var, ...], value: bool = True, types: tuple[Any, ...] = (), masked: frozenset[Var] = frozenset(),
    guarded: bool = False,
) -> Function:  # fmt: skip
    """Forward mode: the program of ``(params, tangents) -> value, tangent``.

    ``types`` are those of the tangents, where they are not those of what they belong to; the tangent of a ``masked``
    parameter may be a zero that says "does not move" (R6).  Of a ``guarded`` program a caller's ``try`` block sees what it raises.
    """
    fn, _ = prepare(fn)
    active = activity(fn, wrt)
    low = Lowering(Builder(apply_laws))
    made = forward(fn, wrt, active, low, value, types, masked, guarded)
    verified(made.params, made.body, forward)
    return replace(made, options={**made.options, "derived": True})


def finish(
    fn: Function,
    hints: dict[Var, str],
    written: Iterable[Var],
    seam: int,
    cotangents: Cotangents | None = None,
    dialect: Dialect = PYTHON,
    alone: bool = False,
) -> Written:
    """From a joined program to text: copies where stores need them, temporaries folded, names, print.

    Unless it stands ``alone``, the functions that it calls come with it.
    """
    ahead = set(map(id, fn.body.stmts[:seam]))
    tidied = eliminate_dead(drop_quotients(eliminate_dead(expand(fn.body))))
    fn = dialect.program(replace(fn, body=tidied))
    unset = (*fn.options.get("unset", ()), *_recorded_unbound(fn.body))
    visible = frozenset(unset) | branch_values(fn.body)
    stage = Stage(visible=visible, cotangents=cotangents or {})
    owned = verified(fn.params, own_stores(fn.params, fn.body), own_stores, stage)
    unfolded = verified(fn.params, without_needless_copies(fn.params, owned), without_needless_copies, stage)
    named = _named(hints, unfolded)
    body = verified(fn.params, fold_temporaries(unfolded, named, fn.params), fold_temporaries, stage)
    seam = next((k for k, s in enumerate(body.stmts) if not s.forward and not _is_record(s)), len(body.stmts))
    fn = replace(fn, body=body, options={**fn.options, "unset": unset, "seam": seam if seam and ahead else -1})
    names = assign_names(fn.params, body, _with_value(hints, fn), names_taken(body))
    updates = updates_in_place(fn.params, body)
    checked = emit_checked(fn, unfolded, names, updates, cotangents or {}) if is_checked() and dialect is PYTHON else None
    made = Written(emit(fn, names, updates, dialect.emitter(names, updates)), fn, frozenset(written), checked)
    return made if alone else replace(made, beside=written_beside(made))


def written_beside(made: Written) -> dict[Emitted, Written]:
    """The functions that a finished one calls, and those that they call, each once."""
    while True:
        found: dict[Emitted, Written] = {}
        pending = [made]
        while pending:
            for fn in pending.pop(0).calls:
                if fn not in found:
                    found[fn] = fn.written()
                    pending.append(found[fn])
        if all(each.is_settled() for each in found):
            return found


def _recorded_unbound(block: Block) -> list[Var]:
    """The values put on tapes also on paths that did not bind them."""
    pushed = [v for s in walk(block) if isinstance(s, Let) and s.call.fn is emitted.push for v in vars_of(s.call.args[1])]
    unbound = maybe_unbound(block) if pushed else set()
    return [v for v in dict.fromkeys(pushed) if v in unbound]


def _with_value(hints: dict[Var, str], fn: Function) -> dict[Var, str]:
    """What is returned beside its gradient is called ``value`` where the user gave it no name."""
    first = fn.result.items[0] if isinstance(fn.result, Aggregate) and fn.name.endswith("_value_and_grad") else None
    own = isinstance(first, Var) and first not in fn.params and not hints.get(first, first.hint)
    return {**hints, first: "value"} if own else hints  # type: ignore[dict-item]


def _is_record(stmt: Stmt) -> bool:
    return isinstance(stmt, Let) and stmt.call.fn is list and not stmt.call.args


def _named(hints: dict[Var, str], block: Block) -> Callable[[Var], bool]:
    """Does a value have a name?  That of a sum is not the name of what the sum starts with, where both are numbers."""
    lets = [s for s in walk(block) if isinstance(s, Let)]

    def name(var: Var) -> str:
        return hints.get(var, var.hint)

    sums = [s for s in lets if not s.forward and isinstance(s.var.type, ScalarT)]
    parts = {a for s in sums for a in _starts(s.call) if isinstance(a, Var) and name(a) == name(s.var)}
    starts = {s.var for s in lets if not s.forward and s.var in parts}
    return lambda var: bool(name(var)) and var not in starts


def _starts(call: Call) -> tuple[Atom, ...]:
    """What a sum starts with: x of ``x + y``, ``x - y`` and ``2 * x``."""
    if call.fn in (operator.add, operator.sub):
        return call.args[:1]
    return call.args[1:] if call.fn is operator.mul and call.args[0] == Const(2) else ()


__all__ = ["Written", "gradient", "pair", "tangent"]
