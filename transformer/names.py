"""What is each value called in the emitted text?

Values that flow into one another (a loop variable and its next value, the two sides of an ``if``) share a name unless
they are needed at the same time; then the later one gets a fresh name and a copy is printed.  The user's names come
first: colouring of the interference graph, with names for colours.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from .analysis.activity import merges
from .analysis.liveness import Liveness
from .analysis.ownership import IN_PLACE
from .ir import Block, Call, For, If, Let, Region, Var, While, bound_inside, defined_by, reads, vars_of, walk

#: What a temporary is called, by what computes it.
SHORT = {np.exp: "e", np.sqrt: "r", np.zeros_like: "zeros", len: "n", np.max: "peak"}
RESERVED = frozenset(keyword.kwlist) | {"np", "math", "operator"}


@dataclass
class Naming:
    """A partition of values into names."""

    params: tuple[Var, ...]
    hints: dict[Var, str]
    leader: dict[Var, Var] = field(default_factory=dict)
    members: dict[Var, list[Var]] = field(default_factory=dict)
    clashes: dict[Var, set[Var]] = field(default_factory=dict)
    order: list[Var] = field(default_factory=list)

    def add(self, var: Var) -> None:
        if var not in self.leader:
            self.leader[var] = var
            self.members[var] = [var]
            self.clashes[var] = set()
            self.order.append(var)

    def find(self, var: Var) -> Var:
        while self.leader[var] is not var:
            self.leader[var] = self.leader[self.leader[var]]
            var = self.leader[var]
        return var

    def clash(self, var: Var, others: Iterable[Var]) -> None:
        for other in others:
            if other is not var and other in self.clashes and var in self.clashes:
                self.clashes[var].add(other)
                self.clashes[other].add(var)

    def hint(self, var: Var) -> str:
        return self.hints.get(var, var.hint)

    def interferes(self, a: Var, b: Var) -> bool:
        return any(self.find(other) is b for m in self.members[a] for other in self.clashes[m])

    def join(self, a: object, b: object) -> None:
        """Give two values one name if nothing needs both at once and the user did not name them differently."""
        if not (isinstance(a, Var) and isinstance(b, Var)) or a not in self.leader or b not in self.leader:
            return
        a, b = self.find(a), self.find(b)
        if a is b or self.interferes(a, b) or self._both_params(a, b) or not self._agree(a, b):
            return
        self.leader[b] = a
        self.members[a] += self.members.pop(b)

    def _both_params(self, a: Var, b: Var) -> bool:
        return any(m in self.params for m in self.members[a]) and any(m in self.params for m in self.members[b])

    def _agree(self, a: Var, b: Var) -> bool:
        hints = {self.hint(m) for m in (*self.members[a], *self.members[b])} - {""}
        return len(hints) < 2

    # -- colouring ----------------------------------------------------------------------------------------

    def colours(self, taken: frozenset[str], made_by: Callable[[Var], object]) -> dict[Var, str]:
        names: dict[Var, str] = {}
        for param in self.params:
            cls = self.find(param)
            names[cls] = self._free(
                cls, _identifier(self.hint(param) or "t"), names, taken if not param.hint else frozenset()
            )
        classes = dict.fromkeys(self.find(v) for v in self.order)
        for named in (True, False):
            for cls in classes:
                hint = next((h for m in self.members[cls] if (h := self.hint(m))), "")
                if cls not in names and bool(hint) == named:
                    base = hint or SHORT.get(made_by(cls), "t")  # type: ignore[call-overload]
                    names[cls] = self._free(cls, _identifier(base), names, taken)
        return {v: names[self.find(v)] for v in self.order}

    def _free(self, cls: Var, base: str, names: dict[Var, str], taken: frozenset[str]) -> str:
        used = {names[c] for m in self.members[cls] for o in self.clashes[m] if (c := self.find(o)) in names}
        count, name = 1, base
        while name in used or name in taken or name in RESERVED:
            count += 1
            name = f"{base}{count}" if not base[-1].isdigit() else f"{base}_{count}"
        return name


def _identifier(text: str) -> str:
    clean = "".join(c if c.isalnum() or c == "_" else "_" for c in text)
    return clean if clean and not clean[0].isdigit() else f"v{clean}"


def assign_names(params: tuple[Var, ...], block: Block, hints: dict[Var, str], taken: frozenset[str]) -> dict[Var, str]:
    """A name for every value of the program."""
    naming = Naming(params, hints)
    live = Liveness()
    entry = live.block(block, set()) | set(params) & set(reads(block))
    for param in params:
        naming.add(param)
    for param in params:
        naming.clash(param, params)
    _collect(block, naming)
    for var in entry:
        naming.clash(var, entry)
    _clashes(block, naming, live)
    _joins(block, naming)
    calls = {s.var: s.call.fn for s in walk(block) if isinstance(s, Let)}
    return naming.colours(taken, lambda v: next((calls[m] for m in naming.members[v] if m in calls), None))


def _collect(block: Block, naming: Naming) -> None:
    for stmt in walk(block):
        for var in (*bound_inside(stmt), *defined_by(stmt)):
            naming.add(var)


def _clashes(block: Block, naming: Naming, live: Liveness) -> None:
    for stmt in walk(block):
        after = live.after[id(stmt)]
        made = defined_by(stmt)
        for var in made:
            naming.clash(var, after)
            naming.clash(var, made)
        if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE:  # the array is given its name before the rest is computed
            naming.clash(stmt.var, {v for a in stmt.call.args[1:] for v in vars_of(a)} - {stmt.call.args[0]})
        if isinstance(stmt, (For, While)):
            inside = bound_inside(stmt)
            entry = live.entry[id(stmt)] | set(after) - set(made)
            used = set(reads(stmt.body)) | (set(reads(stmt.head)) if isinstance(stmt, While) else set())
            bound = [
                v for v in inside if v in stmt.args or v in used or isinstance(stmt, For) and v in stmt.each.targets
            ]
            kept = _kept_targets(stmt, used)
            for var in bound:
                naming.clash(var, (o for o in (*entry, *bound) if kept.get(var) is not o and kept.get(o) is not var))
            _clash_headers(stmt, naming)
            _clash_flag(stmt, naming, after)
            # what a loop hands over lives on when its body ends
            for target in stmt.each.targets if isinstance(stmt, For) else ():
                naming.clash(target, after - set(made))


def _kept_targets(stmt: For | While, used: set[Var]) -> dict[Var, Var]:
    """What goes round only to be there after the loop, and the target whose last value it is."""
    targets = stmt.each.targets if isinstance(stmt, For) else ()
    return {arg: end for arg, end in zip(stmt.args, stmt.body.yields) if isinstance(end, Var) and end in targets and arg not in used}


def _clash_headers(stmt: For | While, naming: Naming) -> None:
    """A loop's header is evaluated after its carried values got their starting values."""
    if isinstance(stmt, For):
        header = {v for atom in stmt.each.operands for v in vars_of(atom)}
        for arg, init in zip(stmt.args, stmt.inits):
            naming.clash(arg, header - {init} if isinstance(init, Var) else header)


def _clash_flag(stmt: For | While, naming: Naming, after: set[Var]) -> None:
    """How a loop ended is noted before it starts and where it breaks: nothing in it may take the name."""
    if not stmt.breaks or stmt.results[0] not in after:
        return
    says = {v for v in (stmt.args[0], stmt.body.yields[0]) if isinstance(v, Var)}
    branches = [s for s in walk(stmt.body) if isinstance(s, If)]
    size = -1
    while size != len(says):
        size = len(says)
        says |= {end for inner in branches for result, end in merges(inner) if result in says and isinstance(end, Var)}
    inside = {v for s in walk(stmt.body) for v in (*bound_inside(s), *defined_by(s))} | set(bound_inside(stmt))
    naming.clash(stmt.results[0], inside - says)


def _joins(block: Block, naming: Naming) -> None:
    for stmt in walk(block):
        if isinstance(stmt, (For, While)):
            for arg, result in zip(stmt.args, stmt.results):
                naming.join(result, arg)
    for stmt in walk(block):
        if isinstance(stmt, (For, While)):
            for arg, init, end in zip(stmt.args, stmt.inits, stmt.body.yields):
                naming.join(arg, end)
                naming.join(arg, init)
        elif isinstance(stmt, Region):
            for result, end in zip(stmt.results, stmt.body.yields):
                naming.join(result, end)
        elif isinstance(stmt, If):
            for result, a, b in zip(stmt.results, stmt.then.yields, stmt.orelse.yields):
                naming.join(result, a)
                naming.join(result, b)
        elif isinstance(stmt, Let):
            _join_updates(stmt, naming)


def _join_updates(stmt: Let, naming: Naming) -> None:
    """``x_bar = x_bar + g`` and stores keep the name of what they update."""
    call: Call = stmt.call
    if call.args and isinstance(call.args[0], Var):
        first = call.args[0]
        same = naming.hint(first) and naming.hint(first) == naming.hint(stmt.var)
        if same or call.fn in IN_PLACE:
            naming.join(first, stmt.var)
