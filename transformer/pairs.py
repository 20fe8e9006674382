"""Which of the user's functions are emitted as functions of their own, and not inlined where they are called?

Those that call themselves, and long ones that are called at several places with the same types.  The callee is lowered
once for a signature: its arguments' structure and types, the literals among them, the functions among them and what
those capture.  What it captures becomes arguments.  It must leave everything as it was and return memory of its
own; any other function is inlined, where the heap sees what it does (M1).

The types of a recursive function's result are found from below (T3): the first time, the paths that recur
count for nothing, and then the result is what it was the time before, until that does not change.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from retrograd.runtime.errors import DifferentiationError

from .analysis.activity import is_structural
from .analysis.ownership import is_external, memory_of, roots_of
from .analysis.purity import is_pure
from .builder import leaves, refill, type_of
from .checked import symbols_of
from .definitions import Definition, UserCall
from .infer import LengthT, ShapeT
from .intrinsics import Intrinsic, free
from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    Function,
    Let,
    Ref,
    Stmt,
    Undefined,
    Var,
    definitions,
    map_blocks,
    reads,
    vars_of,
    walk,
)
from .snapshot import Snapshot
from .types import AggregateT, ArrayT, Axis, ListT, OpaqueT, ScalarT, fresh_axis, join, known_length
from .values import Bottom, BoundMethod, Compiletime, LocalFunction, Partial

if TYPE_CHECKING:
    from .lower import Lowering
    from .values import Frame

LONG = 12  # statements
PASSES = 8
NESTED = 4  # signatures of one function that may wait for each other


@dataclass
class Plan:
    """What is known of the user's functions from earlier attempts to lower the program."""

    separate: set[ast.AST] = field(default_factory=set)
    recursive: set[ast.AST] = field(default_factory=set)
    inlined: dict[ast.AST, str] = field(default_factory=dict)  # and why


class Replan(Exception):
    """Lower the whole program again: this function is to be treated otherwise."""

    def __init__(self, tree: ast.AST, *, recursive: bool = False, inline: str = "") -> None:
        self.tree, self.recursive, self.inline = tree, recursive, inline

    def enter(self, plan: Plan) -> None:
        if self.inline:
            plan.inlined[self.tree] = self.inline
            return
        plan.separate.add(self.tree)
        if self.recursive:
            plan.recursive.add(self.tree)


@dataclass
class Activation:
    """A call before it is lowered: of what code, with what its names hold."""

    source: Any
    globals: dict[str, Any]
    cells: dict[str, Any]
    env: dict[str, Any]
    parent: Frame | None
    qualname: str


@dataclass(eq=False)
class Callee:
    """A function that is lowered on its own, for one signature."""

    tree: ast.AST
    definition: Definition
    params: tuple[Var, ...]
    loc: Any
    place: int  # among the open ones
    types: tuple[Any, ...] | None = None  # of the results; None until a path that returns is known
    shape: Atom | None = None  # the result, with a Var or a literal at each leaf
    root: int = 0  # the outermost open callee that its program calls
    asked: bool = False
    captured: tuple[Var, ...] = ()
    used: tuple[int, ...] = ()  # the parameters that the program reads
    body: Block = Block()
    computes_nothing: bool = False  # its result is an argument or a literal


class Separation:
    """The callees of one lowering."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.callees: dict[Any, Callee] = {}
        self.open: list[tuple[ast.AST, Callee]] = []
        self.waiting: list[Callee] = []  # whose program calls an open one
        self.sites: dict[Any, set[ast.AST | None]] = {}
        self.alive: list[Any] = []  # what signatures know by identity
        self.names: Counter[str] = Counter()

    def again(self) -> Separation:
        return Separation(self.plan)

    @property
    def is_guessing(self) -> bool:
        return any(callee.types is None for _, callee in self.open)

    def unique(self, name: str) -> str:
        """The name of an emitted function; the second of that name has a number."""
        self.names[name] += 1
        return name if self.names[name] == 1 else f"{name}_{self.names[name]}"

    # -- the decision -------------------------------------------------------------------------------------

    def call(self, low: Lowering, source: Any, globals_: dict[str, Any], cells: dict[str, Any], env: dict[str, Any],
             node: ast.AST | None, parent: Frame | None, qualname: str) -> Any:  # fmt: skip
        """The atom that the call returns, or ``NotImplemented`` if it is inlined."""
        act, tree = Activation(source, globals_, cells, env, parent, qualname), source.tree
        if tree in self.plan.inlined or not isinstance(tree, ast.FunctionDef) or low.build.quiet:
            return NotImplemented
        recurs = any(frame.source.tree is tree for frame in low.frames)
        if tree not in self.plan.separate and not recurs and (node is None or length(tree) < LONG):
            return NotImplemented
        given = {name: low.now(atom) for name, atom in act.env.items()}
        signature = Signature(low, self.alive, tree in self.plan.recursive)
        key = signature.of(tree, act, given)
        if key is None:
            return NotImplemented
        if tree not in self.plan.separate:
            sites = self.sites.setdefault(key, set())
            sites.add(node)
            if recurs or len(sites) > 1:
                raise Replan(tree, recursive=recurs)
            return NotImplemented
        callee = self.callees.get(key) or self.lowered(low, act, given, key, signature)
        return NotImplemented if callee.computes_nothing else self.applied(low, callee, signature)

    # -- the callee's program -----------------------------------------------------------------------------

    def lowered(self, low: Lowering, act: Activation, given: dict[str, Any], key: Any, signature: Signature) -> Callee:
        tree = act.source.tree
        if sum(open_ is tree for open_, _ in self.open) >= NESTED:
            raise Replan(tree, inline="each call has arguments of other types")
        name = act.qualname.rpartition(".")[2]
        name = self.unique(("" if low.frames else "_") + (name if name.isidentifier() else "function"))
        params = tuple(Var(hint, t) for hint, t in signature.leaves)
        definition = Definition(name, self.unique, None, lambda: program_of(callee))
        place = len(self.open)
        callee = Callee(tree, definition, params, act.source.location(tree), place, root=place)
        self.callees[key] = callee
        self.open.append((tree, callee))
        before = Snapshot(low)
        try:
            self.settle(low, act, given, callee)
        except DifferentiationError as error:
            before.restore()
            raise Replan(tree, inline=error.message) from error
        except Bottom:
            self.forget(lambda c: c is callee or (c in self.waiting and c.place > place))
            before.restore()
            raise
        finally:
            del self.open[place:]
        self.close(callee)
        return callee

    def forget(self, is_gone: Callable[[Callee], bool]) -> None:
        """What was lowered with a result in mind that has changed since is lowered again."""
        self.callees = {key: c for key, c in self.callees.items() if not is_gone(c)}
        self.waiting = [c for c in self.waiting if not is_gone(c)]

    def settle(self, low: Lowering, act: Activation, given: dict[str, Any], callee: Callee) -> None:
        """Lower the body until the type of its result does not change."""
        for _ in range(PASSES):
            callee.asked, callee.root = False, callee.place
            before = callee.types
            self.run(low, act, given, callee)
            if not callee.asked or callee.types == before:
                return
            self.forget(lambda c: c in self.waiting and c.place > callee.place)
        raise Replan(callee.tree, inline="the type of its result does not settle")

    def run(self, low: Lowering, act: Activation, given: dict[str, Any], callee: Callee) -> None:
        """One pass over the body, which must leave everything as it was."""
        own: set[Any] = set()
        frames, older = {id(f) for f in low.all_frames()}, set(low.heap.contents)
        escaped, writes = len(low.escaped), Counter(low.heap.writes)
        fresh = iter(callee.params)

        def body() -> Any:
            env = {name: self.parameter(low, atom, callee.tree, fresh, own) for name, atom in given.items()}
            return low.activate(act.source, act.globals, act.cells, env, act.parent, act.qualname)

        with low.build.program():
            path = low.path(body)
        del low.escaped[escaped:]
        inside = set(definitions(Block(tuple(path.stmts))))
        for changes in low.heap.writes - writes:
            if isinstance(changes, tuple):
                is_older = changes[0] in frames
            else:
                is_older = changes in older or changes in own or (isinstance(changes, Var) and changes not in inside)
            if is_older:
                raise Replan(callee.tree, inline="it changes what it is given, or a variable from outside")
        self.take(callee, path.ending, path.stmts)

    def parameter(self, low: Lowering, atom: Any, tree: ast.AST, fresh: Iterator[Var], own: set[Any]) -> Any:
        """The argument as the callee sees it: a parameter in the place of each value, containers of its own."""

        def seen(part: Any) -> Any:
            return self.parameter(low, part, tree, fresh, own)

        if isinstance(atom, BoundMethod):
            return changed(atom, owner=seen(atom.owner))
        if isinstance(atom, Partial):
            return changed(atom, args=tuple(map(seen, atom.args)), kwargs=tuple((k, seen(a)) for k, a in atom.kwargs))
        if isinstance(atom, Aggregate):
            made = low.heap.new(atom.kind, tuple(map(seen, atom.items)), atom.keys)
            own.add(made.ident)
            return made
        return next(fresh) if is_value(atom, tree in self.plan.recursive) else atom

    def take(self, callee: Callee, result: Any, stmts: list[Stmt]) -> None:
        """What came out: the statements, and the result by its parts."""
        recursive = callee.tree in self.plan.recursive
        parts = leaves(result)
        outs = [p for p in parts if is_value(p, recursive)]
        types: tuple[Any, ...] = tuple(map(type_of, outs))
        if callee.types is not None and len(types) == len(callee.types):
            types = tuple(map(join, callee.types, types))
        unclear = any(isinstance(p, (*Compiletime, Undefined)) for p in parts) or any(isinstance(t, OpaqueT) for t in types)
        if unclear or not outs or _is_shared(result) or not _alike(callee.shape, result, recursive):
            raise Replan(callee.tree, inline="it does not always return values of one kind")
        whole = not isinstance(result, Aggregate)
        callee.types, callee.shape = types, result
        callee.definition.result = types[0] if whole else AggregateT(tuple, types)
        callee.body = Block(tuple(stmts), (outs[0] if whole else Aggregate(tuple, tuple(outs)),))

    # -- calls --------------------------------------------------------------------------------------------

    def applied(self, low: Lowering, callee: Callee, signature: Signature) -> Any:
        """The statement of a call, and its result by its parts."""
        waits = next((at for at, (_, c) in enumerate(self.open) if c is callee), None)
        if waits is None and callee in self.waiting:
            waits = callee.root
        if waits is not None:
            callee.asked = True
            for _, between in self.open[waits:]:
                between.root = min(between.root, waits)
        if callee.types is None:
            raise Bottom
        passed = signature.atoms if waits is not None else [signature.atoms[k] for k in callee.used]
        args = (*passed, *callee.captured)
        lengths = Lengths({symbol for v in callee.captured for symbol in symbols_of(v.type)})
        for param, atom in zip(callee.params, signature.atoms, strict=True):
            lengths.match(param.type, type_of(atom))
        types = tuple(map(lengths.here, callee.types))
        whole = not isinstance(callee.shape, Aggregate)
        hint, low.hint = low.hint, ""
        call = Call(UserCall(callee.definition), args)
        made = low.build.let(call, types[0] if whole else AggregateT(tuple, types), hint if whole else "")
        if whole:
            return made
        outs = iter([low.build.call(operator.getitem, made, Const(k), form="unpack") for k in range(len(types))])
        filled = (next(outs) if is_value(p, signature.recursive) else p for p in leaves(callee.shape))
        return low.heap.copied(refill(callee.shape, filled))

    # -- when a callee, and all that wait for it, are done ------------------------------------------------

    def close(self, callee: Callee) -> None:
        if callee.root < callee.place:
            self.waiting.append(callee)
            return
        group = [callee, *(c for c in self.waiting if c.root >= callee.place)]
        self.waiting = [c for c in self.waiting if c not in group]
        by_definition = {c.definition: c for c in group}
        self.capture(group, by_definition)
        for one in group:
            one.body = _completed(one.body, by_definition)
            one.used = tuple(range(len(one.params)))
        recurs = len(group) > 1 or callee.asked
        if not recurs:
            read = set(reads(callee.body))
            callee.used = tuple(k for k, p in enumerate(callee.params) if p in read)
        callee.computes_nothing = not recurs and not callee.body.stmts
        self.judge(group)
        if not recurs and not callee.computes_nothing and not callee.definition.fresh:
            raise Replan(callee.tree, inline="it may return what it is given")

    def capture(self, group: list[Callee], by_definition: dict[Definition, Callee]) -> None:
        """What each reads from outside, through the others too."""
        own = {c.definition: {*c.params, *definitions(c.body)} for c in group}
        found = {c.definition: dict.fromkeys(free(c.body, c.params)) for c in group}
        size = -1
        while size != sum(map(len, found.values())):
            size = sum(map(len, found.values()))
            for one in group:
                for stmt in walk(one.body):
                    op = stmt.call.fn if isinstance(stmt, Let) else None
                    if isinstance(op, UserCall) and op.of in by_definition:
                        more = {v: None for v in found[op.of] if v not in own[one.definition]}
                        found[one.definition].update(more)
        for one in group:
            one.captured = tuple(found[one.definition])

    def judge(self, group: list[Callee]) -> None:
        """Have they effects, and is what they return their own?"""
        calls = [s.call for c in group for s in walk(c.body) if isinstance(s, Let)]
        pure = all(is_pure(call) or (is_structural(call) and not isinstance(call.fn, Intrinsic)) for call in calls)
        for one in group:
            one.definition.pure = pure
        while others := [c for c in group if c.definition.fresh and not _is_own(c.body)]:
            for one in others:
                one.definition.fresh = False
        for one in group:
            one.definition.apart = one.definition.fresh and _are_apart(one.body)


def program_of(callee: Callee) -> Function:
    params = (*(callee.params[k] for k in callee.used), *callee.captured)
    return Function(callee.definition.name, params, callee.body, callee.loc)


def _completed(block: Block, group: dict[Definition, Callee]) -> Block:
    """The block with what the callees capture among the arguments of their calls."""
    out: list[Stmt] = []
    for stmt in block.stmts:
        if isinstance(stmt, Let) and isinstance(stmt.call.fn, UserCall) and stmt.call.fn.of in group:
            stmt = changed(stmt, call=changed(stmt.call, args=(*stmt.call.args, *group[stmt.call.fn.of].captured)))
        out.append(map_blocks(stmt, lambda b: _completed(b, group)))
    return Block(tuple(out), block.yields)


def _is_own(body: Block) -> bool:
    """Is the memory of the result nobody else's?"""
    roots = roots_of(free(body), body)
    results = [v for y in body.yields for v in vars_of(y) if not isinstance(v.type, ScalarT)]
    return all(v in roots and not any(map(is_external, memory_of(v, roots))) for v in results)


def _are_apart(body: Block) -> bool:
    """Is the memory of each result its own?"""
    roots = roots_of(free(body), body)
    (result,) = body.yields
    parts = [memory_of(v, roots) for v in vars_of(result) if not isinstance(v.type, ScalarT)]
    return sum(map(len, parts)) == len(frozenset().union(*parts))


def _is_shared(result: Any) -> bool:
    """Is one container at two places of the result?"""
    idents = [part.ident for part in _containers(result) if part.ident is not None]
    return len(set(map(id, idents))) < len(idents)


def _containers(atom: Any) -> Iterator[Aggregate]:
    if isinstance(atom, Aggregate):
        yield atom
        for item in atom.items:
            yield from _containers(item)


def _alike(shape: Any, result: Any, recursive: bool) -> bool:
    """Have two passes found the same parts, values apart?"""
    if shape is None:
        return True
    if isinstance(shape, Aggregate) or isinstance(result, Aggregate):
        same = isinstance(shape, Aggregate) and isinstance(result, Aggregate) and (shape.kind, shape.keys) == (result.kind, result.keys)
        return same and len(shape.items) == len(result.items) and all(_alike(x, y, recursive) for x, y in zip(shape.items, result.items))
    values = is_value(shape, recursive), is_value(result, recursive)
    return values[0] == values[1] and (values[0] or shape == result)


def is_value(atom: Any, recursive: bool) -> bool:
    """Is it handed over at run time?  A number is, to or from a function that calls itself: it counts something."""
    number = isinstance(atom, Const) and type(atom.value) in (int, float, complex)
    return isinstance(atom, Var) or (recursive and number)


def length(tree: ast.AST) -> int:
    """How many statements there are in a function."""
    return sum(isinstance(node, ast.stmt) for node in ast.walk(tree)) - 1


# -- signatures -------------------------------------------------------------------------------------------


class Unsettled(Exception):
    """An argument that no signature can hold."""


class Signature:
    """What one lowering of a function is good for; ``leaves`` are the hints and types of its parameters, ``atoms`` the arguments."""

    def __init__(self, low: Lowering, alive: list[Any], recursive: bool) -> None:
        self.low, self.alive, self.recursive = low, alive, recursive
        self.leaves: list[tuple[str, Any]] = []
        self.atoms: list[Atom] = []
        self.names = Names()
        self.seen: set[Any] = set()
        self.idents: set[Any] = set()

    def of(self, tree: ast.AST, act: Activation, given: dict[str, Any]) -> Any:
        """A key; None where there is none."""
        try:
            parts = tuple((name, self.part(atom, name)) for name, atom in given.items())
            return tree, parts, self.captures(tree, act.parent)
        except Unsettled:
            return None

    def identity(self, value: Any) -> int:
        self.alive.append(value)
        return id(value)

    def part(self, atom: Any, hint: str) -> Any:
        if is_value(atom, self.recursive):
            t = type_of(atom)
            t = self.names.plain(t, hint) if self.recursive else t
            self.leaves.append((hint, t))
            self.atoms.append(atom)
            return t
        if isinstance(atom, Aggregate):
            if atom.ident is not None and atom.ident in self.idents:
                raise Unsettled
            self.idents.add(atom.ident)
            named = atom.labels if atom.keys is not None else [f"{hint}_{k}" for k in atom.labels]
            items = tuple(self.part(item, str(label)) for label, item in zip(named, atom.items))
            return atom.kind, atom.keys, items
        if isinstance(atom, Const):
            return type(atom.value), repr(atom.value)
        if isinstance(atom, Ref):
            return self.identity(atom.value)
        return self.function(atom, hint)

    def function(self, atom: Any, hint: str) -> Any:
        if isinstance(atom, LocalFunction):
            key = self.identity(atom.tree), self.identity(atom.frame)
            if key in self.seen:
                return key
            self.seen.add(key)
            defaults = (*atom.defaults, *(value for _, value in atom.kw_defaults))
            return key, tuple(map(self.outside, defaults)), self.captures(atom.tree, atom.frame)
        if isinstance(atom, BoundMethod):
            return atom.name, self.part(atom.owner, hint)
        if isinstance(atom, Partial):
            given = [*atom.args, *(value for _, value in atom.kwargs)]
            return self.outside(atom.fn), tuple(self.part(a, hint) for a in given), tuple(k for k, _ in atom.kwargs)
        raise Unsettled

    def captures(self, tree: ast.AST, frame: Frame | None) -> Any:
        """What the names of the enclosing functions hold now."""
        found = []
        for name in sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}):
            at = frame
            while at is not None and name not in at.env:
                at = at.parent
            if at is not None:
                found.append((name, self.outside(self.low.now(at.env[name]))))
        return tuple(found)

    def outside(self, atom: Any) -> Any:
        """A value that is captured, not passed: this one and no other."""
        if isinstance(atom, Var):
            return self.identity(atom)
        if isinstance(atom, Aggregate):
            return atom.kind, atom.keys, self.identity(atom.ident), tuple(map(self.outside, atom.items))
        if isinstance(atom, Const):
            return type(atom.value), repr(atom.value)
        if isinstance(atom, Undefined):
            return None
        return self.identity(atom.value) if isinstance(atom, Ref) else self.captured_function(atom)

    def captured_function(self, atom: Any) -> Any:
        if isinstance(atom, LocalFunction):
            return self.function(atom, "")
        if isinstance(atom, BoundMethod):
            return atom.name, self.outside(atom.owner)
        raise Unsettled


# -- lengths of axes --------------------------------------------------------------------------------------


@dataclass
class Names:
    """The lengths of a recursive function's arguments, named by where they first occur: the next call's have other names."""

    found: dict[str, str] = field(default_factory=dict)

    def plain(self, t: Any, hint: str) -> Any:
        if isinstance(t, ArrayT):
            return ArrayT(t.dtype, tuple(self.axis(axis, f"{hint}.{k}") for k, axis in enumerate(t.shape)))
        if isinstance(t, ScalarT):
            return ScalarT(t.dtype, t.weak, t.number)
        if isinstance(t, AggregateT):
            return AggregateT(t.kind, tuple(self.plain(item, f"{hint}.{k}") for k, item in zip(t.labels, t.items)), t.keys)
        return changed(t, item=self.plain(t.item, f"{hint}.")) if isinstance(t, ListT) else t

    def axis(self, axis: Axis, name: str) -> Axis:
        if axis.one is True:
            return axis
        known = "|" not in axis.symbol
        return Axis(self.found.setdefault(axis.symbol, name) if known else name, axis.one)


class Lengths:
    """What the lengths that a callee knows by name are called at one of its calls; those in ``kept`` have one name everywhere."""

    def __init__(self, kept: set[str]) -> None:
        self.kept = kept
        self.known: dict[str, Axis] = {}

    def match(self, param: Any, arg: Any) -> None:
        if isinstance(param, ArrayT) and isinstance(arg, ArrayT):
            for p, a in zip(param.shape, arg.shape, strict=True):
                self.known.setdefault(p.symbol, a)
        elif isinstance(param, AggregateT) and isinstance(arg, AggregateT):
            for p, a in zip(param.items, arg.items, strict=True):
                self.match(p, a)

    def here(self, t: Any) -> Any:
        if isinstance(t, ArrayT):
            return ArrayT(t.dtype, tuple(map(self.axis, t.shape)))
        if isinstance(t, ShapeT):
            return ShapeT(tuple(map(self.axis, t.axes)))
        if isinstance(t, LengthT):
            return LengthT(self.axis(t.axis))
        if isinstance(t, AggregateT):
            return AggregateT(t.kind, tuple(map(self.here, t.items)), t.keys)
        return changed(t, item=self.here(t.item)) if isinstance(t, ListT) else t

    def axis(self, axis: Axis) -> Axis:
        if axis.one is True or known_length(axis) is not None or axis.symbol in self.kept:
            return axis
        if "|" in axis.symbol:
            return fresh_axis(axis.one)
        return self.known.setdefault(axis.symbol, fresh_axis(axis.one))


__all__ = ["Plan", "Replan", "Separation"]
