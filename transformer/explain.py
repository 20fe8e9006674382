"""What became of each call in a function: transformed, traced, constant, or refused, and why?

>>> def helper(y):
...     return y * y
>>> report = explain(lambda x: helper(x) + 1.0, 2.0)      # in a file, with the number of each line
>>> report.verdicts["helper"]
'transformed'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from retrograd.runtime.errors import DifferentiationError, Location
from retrograd.runtime.rules import lookup

from . import api
from .analysis.activity import activity, is_structural, varied
from .custom import ConstantCall, CustomCall
from .fallback import Note, TracedCall
from .intrinsics import Intrinsic
from .ir import Function, Let, Var, definitions, vars_of, walk
from .nested import Cotangents


@dataclass(frozen=True)
class Explanation:
    """A report, line by line; ``str`` of it is for reading, ``verdicts`` has the verdict by the callee's name."""

    name: str
    signature: str
    wrt: tuple[str, ...]
    notes: tuple[Note, ...]
    active: tuple[str, ...]
    problem: str = ""

    @property
    def verdicts(self) -> dict[str, str]:
        return {note.name.rpartition(".")[2]: note.verdict for note in self.notes}

    def __str__(self) -> str:
        lines = [f"{self.name}({self.signature}), with respect to {', '.join(self.wrt) or 'nothing'}"]
        lines += _table([(_place(n.where), n.name, n.verdict + (f": {n.reason}" if n.reason else "")) for n in self.notes])
        lines.append(f"  active: {', '.join(self.active) or 'nothing'}")
        return "\n".join([*lines, *([f"  refused: {self.problem}"] if self.problem else [])])

    __repr__ = __str__


def explain(f: Callable[..., Any], *args: Any, wrt: api.Wrt | None = None, **kwargs: Any) -> Explanation:
    """Which callees of ``f`` were transformed, traced or treated as constant at these arguments, and why.

    ``wrt`` defaults to every argument that holds floats.  What cannot be differentiated at all is reported, not raised.

    >>> print(explain(lambda x: x * abs(x), 2.0))
    <lambda>(x: float64), with respect to x
      active: x
    """
    target = f.target if isinstance(f, api.Transformed) else api.target_of(f)
    values = target.arrange(args, kwargs)
    names = api.default_wrt(target, values) if wrt is None else api.wrt_names(target, wrt)[0]
    try:
        special, _ = api.specialise(target, values, names)
    except DifferentiationError as error:
        return Explanation(target.fn.__name__, ", ".join(target.names), names, (), (), str(error))
    shown = ", ".join(f"{n}: {special.types[n]}" for n in target.names)
    notes, active, problem = _judged(special.program, special.by_name(names), special.notes)
    return Explanation(target.fn.__name__, shown, names, notes, active, problem)


def _judged(program: Function, wrt: tuple[Var, ...], entered: Iterable[Note]) -> tuple[tuple[Note, ...], tuple[str, ...], str]:
    moved = varied(program, wrt)
    calls = [note for s in walk(program.body) if isinstance(s, Let) and (note := _note(s, moved)) is not None]
    notes = sorted(_settled(entered, calls), key=lambda n: (n.where.file, n.where.line) if n.where else ("", 0))
    try:
        active, problem = activity(program, wrt), ""
    except DifferentiationError as error:
        active, problem = set(), str(error)
    order = [*program.params, *definitions(program.body)]
    return tuple(notes), tuple(dict.fromkeys(v.hint for v in order if v in active and v.hint)), problem


def _settled(entered: Iterable[Note], calls: list[Note]) -> list[Note]:
    """One note for each call; what the finished program says of it is the last word."""
    found = {(note.where, note.name.rpartition(".")[2]): note for note in entered}
    for note in calls:
        key = (note.where, note.name)
        before = next((k for k in found if k[1] == note.name and _same_line(k[0], note.where)), key)
        found[before] = note
    return list(found.values())


def _same_line(a: Location | None, b: Location | None) -> bool:
    return a is not None and b is not None and (a.file, a.line) == (b.file, b.line)


def _note(stmt: Let, moved: set[Var]) -> Note | None:
    """The verdict on a call that the transformer does not look into."""
    fn, name = stmt.call.fn, getattr(stmt.call.fn, "__name__", str(stmt.call.fn))
    moving = any(v in moved for a in stmt.call.atoms() for v in vars_of(a))
    if isinstance(fn, TracedCall):
        verdict = "traced" if moving else "called as it is"
        return Note(stmt.loc, name, verdict, fn.reason if moving else f"nothing active reaches it; {fn.reason}")
    if isinstance(fn, ConstantCall):
        return Note(stmt.loc, name, "constant", "declared with rg.constant")
    if isinstance(fn, CustomCall):
        return Note(stmt.loc, name, "derivative by hand", "custom_vjp" if fn.target.fwd is not None else "custom_jvp")
    if isinstance(fn, Cotangents):
        return Note(stmt.loc, fn.fn.name, "differentiated", "a derivative inside")
    if isinstance(fn, Intrinsic) or lookup(fn) is not None or is_structural(stmt.call):
        return None
    return Note(stmt.loc, name, "refused" if moving else "called as it is", "it has no rule" if moving else "nothing active reaches it")


def _place(where: Location | None) -> str:
    return "" if where is None else f"{where.file.rpartition('/')[2]}:{where.line}"


def _table(rows: list[tuple[str, str, str]]) -> list[str]:
    widths = [max((len(r[k]) for r in rows), default=0) for k in (0, 1)]
    return [f"  {place:<{widths[0]}}  {name:<{widths[1]}}  {verdict}".rstrip() for place, name, verdict in rows]


__all__ = ["Explanation", "explain"]
