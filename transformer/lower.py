"""From syntax to typed single-assignment form, specialised on the argument types (T1-T4).

Lowering is an abstract run of the function: names hold atoms, calls of the user's own functions are entered,
what is known before the run is folded (flags, ``is None``, axes), and everything else is written down with
its type.  Paths that meet merge the values on which they differ; a jump (``return``, ``break``, ``continue``)
takes the statements after it into the branch that does not jump, so no jump is left in the result.
"""

from __future__ import annotations

import ast
import enum
import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import ArgumentError, DifferentiationError, Location, UnsupportedSyntax
from retrograd.runtime.graph import Variable

from . import boxes, iterators, library, loops, scopes, stores, tables  # noqa: F401  (library enters the functions it knows)
from .builder import Builder, leaves, refill, type_of
from .containers import Collect
from .expressions import expression, local_function
from .heap import DEPTH, Heap, TooDeep, is_mutable, open_parameter
from .ir import (
    UNDEFINED,
    Aggregate,
    Block,
    Call,
    Const,
    Function,
    If,
    Raise,
    Ref,
    Stmt,
    Undefined,
    Var,
    definitions,
    vars_of,
)
from .jumps import own_nodes
from .parse import Source, parse
from .raising import Entered, Guarded, Left, NoneCaught
from .snapshot import Snapshot
from .types import (
    INT,
    AggregateT,
    ArrayT,
    ConstT,
    ListT,
    NumberT,
    OpaqueT,
    ScalarT,
    abstract,
    full_name,
    holds_numbers,
    is_counting,
    is_inexact,
    is_numeric,
    join,
    join_all,
    kind_of_number,
    with_lengths,
)
from .values import (
    Again,
    Bottom,
    Choice,
    Compiletime,
    Detail,
    Frame,
    HowFar,
    LocalFunction,
    Maybe,
    Stream,
    SurelyRaises,
    Unknown,
    is_iterator,
)

FALLS, JUMPS, DEAD, RAISES = "falls", "jumps", "dead", "raises"
INLINE_DEPTH = 40
RECURSION_LIMIT = 20_000


class Demand(Exception):
    """Inference needs the value of an int argument: specialise on it (T4)."""

    def __init__(self, var: Var) -> None:
        self.var = var


class MoreDetail(Exception):
    """Types are not enough: specialise on the lengths of arrays, on ints and tuples of ints (T4)."""


@dataclass
class Path:
    """One of two paths: the names of all active calls, the heap, what was written down, and how it ended."""

    envs: dict[int, dict[str, Any]]
    contents: dict[Any, Any]
    known: dict[Var, bool]
    stmts: list[Stmt]
    ending: Any
    guarded: tuple[Stmt, ...] = ()  # of the block that completed, if that is why this path is taken


class Lowering:
    """The state of one lowering: the program so far, the frame, and what the result depends on."""

    def __init__(self, build: Builder | None = None) -> None:
        self.build = build or Builder()
        self.heap = Heap(self.build)
        self.frame: Any = None
        self.node: ast.AST | None = None
        self.captures: dict[Any, tuple[Var, Any]] = {}
        self.truths: dict[Var, bool] = {}  # what is known of the truth of values that are not known
        self.conditional = 0  # inside how many branches of the expression being lowered
        self.guarded = 0  # and inside how many try blocks
        self.guards: dict[Any, tuple[Any, Any]] = {}
        self.top: Any = None
        self.demandable: set[Var] = set()
        self.frames: list[Frame] = []
        self.escaped: list[Frame] = []
        self.depth = 0
        self.loop_depth = 0
        self.late: list[ast.stmt] = []  # how the outermost loop here is left by ``return``, which is run after it
        self.facts: dict[Var, tuple[dict[Var, bool], dict[Var, bool]]] = {}  # what is None where a test holds, and where not
        self.passes: list[int] = [0]  # how much had been written down when each loop around this point began its pass
        self.caught: list[Var] = []
        self.detail = Detail.TYPES_ALONE
        self.one_by_one = False  # are the statements of try blocks guarded one by one?
        self.through_calls = False  # and those of functions that are called there?
        self.entering: Any = None  # the guard of the function that is called next, and the frame of the try block
        self.called_in_try = False
        self.boxes = False  # do containers that lists hold exist at run time, because one is changed there?
        self.opens = False  # are containers that come from outside read by their parts, because one is changed?
        self.prologue: list[Stmt] = []
        self.variables: list[Var] = []  # the parameters
        self.notes: list[Any] = []  # what became of each call, for ``explain``
        self.separation: Any = None  # which functions are lowered on their own; None: none
        self.hint = ""  # the name that the result of the present call will have

    def again(self, flag: str) -> Lowering:
        """A lowering of the same, from the start, with one more flag set."""
        new = Lowering()
        new.detail, new.one_by_one, new.opens, new.boxes = self.detail, self.one_by_one, self.opens, self.boxes
        new.through_calls = self.through_calls
        new.separation = self.separation.again() if self.separation is not None else None
        setattr(new, flag, True)
        return new

    # -- places and errors --------------------------------------------------------------------------------

    def at(self, node: ast.AST) -> None:
        """Remember where the next computations come from."""
        self.node = node
        if hasattr(node, "lineno") and self.frame is not None and not self.build.quiet:
            self.build.loc = self.location(node)

    def location(self, node: ast.AST) -> Location | None:
        return self.frame.source.location(node) if self.frame is not None and self.frame.source is not None else None

    def error(
        self, kind: type[DifferentiationError], node: ast.AST, message: str, remedy: str = ""
    ) -> DifferentiationError:
        return kind(message, where=self.location(node), remedy=remedy)

    def unsupported(self, node: ast.AST, message: str, remedy: str = "") -> DifferentiationError:
        return self.error(UnsupportedSyntax, node, message, remedy)

    # -- names --------------------------------------------------------------------------------------------

    def lookup(self, name: str, node: ast.AST) -> Any:
        """What a name holds now."""
        return self.now(self.handle(name, node))

    def now(self, atom: Any) -> Any:
        try:
            return self.heap.now(atom)
        except TooDeep:
            raise self.unsupported(
                self.node or self.frame.source.tree, f"an object that contains itself, or more than {DEPTH} views of each other",
                "Pass what it refers to as an argument; copy views: .copy().",
            ) from None  # fmt: skip

    def handle(self, name: str, node: ast.AST) -> Any:
        frame = self.frame.notes.get(name, self.frame) if self.frame is not None else None
        while frame is not None:
            if name in frame.env:
                return frame.env[name]
            if name in frame.cells:
                return self.in_cell(frame.cells, name, node)
            if frame.parent is None:
                break
            frame = frame.parent
        if frame is not None and name in frame.globals:
            getter = _Global(frame.globals, name)
            return self.found(frame.globals[name], name, node, key=(id(frame.globals), name), getter=getter)
        builtins = (frame.globals if frame else {}).get("__builtins__", __builtins__)
        table = builtins if isinstance(builtins, dict) else vars(builtins)
        if name in table:
            return Ref(table[name], name)
        return UNDEFINED

    def in_cell(self, cells: dict[str, Any], name: str, node: ast.AST) -> Any:
        cell = cells[name]
        try:
            value = cell.cell_contents
        except ValueError:
            return UNDEFINED
        getter = _TopCell(list(cells).index(name)) if cells is self.top else _Cell(cell)
        return self.found(value, name, node, key=("cell", id(cell)), getter=getter)

    def found(
        self, value: Any, text: str, node: ast.AST, key: Any = None, owner: Any = None, getter: Any = None
    ) -> Any:
        """A value from outside: functions, classes and modules by identity, flags by value, data as an input (C2)."""
        if isinstance(value, Variable):
            raise self.error(ArgumentError, node, f"{text} is a Tensor from outside", f"Pass {text} as an argument.")
        key = key or ("value", text, id(owner.value) if isinstance(owner, Ref) else id(value))
        if isinstance(owner, Ref):
            if _is_library(owner.value):
                return Ref(value, text)
            getter = _Attribute(owner.value, text.rpartition(".")[2])
        getter = getter or _Constant(value)
        t = abstract(value, f"{text}@{len(self.captures)}")  # another name than an argument's, or a callee's global's
        if self.detail is Detail.VALUES:
            t = with_lengths(t, value)
            if is_counting(value):
                self.guards[key] = (getter, value)
                return literal(value)
        if isinstance(t, (ConstT, OpaqueT)):
            self.guards[key] = (getter, value)
            return literal(value) if isinstance(t, ConstT) else Ref(value, text)
        if type(value) is tuple and not holds_numbers(t):  # of classes, functions, names
            self.guards[key] = (getter, value)
            return Aggregate(tuple, tuple(self.found(v, f"{text}[{k}]", node) for k, v in enumerate(value)))
        if isinstance(getter, _Constant) and isinstance(t, ScalarT) and t.weak:
            return Const(value)
        if key not in self.captures:
            self.captures[key] = (Var(text.rpartition(".")[2], t), getter)
            self.open_from_outside(self.captures[key][0])
        return self.captures[key][0]

    def open_from_outside(self, var: Var) -> None:
        """Containers that come in are things like those that the function makes, where one of them is changed."""
        if self.opens:
            with self.build.resume(self.prologue):
                self.heap.open(var)

    def own_part(self, array: Any) -> Any:
        """An array about to be written; one that is in a container from outside is copied when the function starts."""
        part = self.heap.ident(array)
        others = [v for v in self.heap.parts if v is not part]
        if part not in self.heap.parts or part in self.heap.openings:
            return array
        outside = [v for v in (*self.variables, *(v for v, _ in self.captures.values())) if isinstance(v.type, ArrayT)]
        with self.build.resume(self.prologue):
            self.build.let(Call(emitted.expect_apart, (part, Aggregate(tuple, (*others, *outside)))), type_of(Const(None)))
            copy = self.build.call(emitted.copy_in_layout, part, hint=part.hint, type=part.type)
        self.heap.openings[part] = copy
        self.heap.owner[copy] = part
        return copy if array is part else array

    def bind(self, name: str, value: Any) -> None:
        frame = self.frame.notes.get(name, self.frame)
        while name in frame.outer_names:
            frame = frame.parent
            if frame is None or (frame.parent is None and name not in frame.env):
                raise self.unsupported(
                    self.node, f"a write to the captured variable {name}", "Return the value instead."  # type: ignore[arg-type]
                )
        frame.env[name] = value
        self.heap.count((id(frame), name))

    def expr(self, node: ast.expr, hint: str = "", maybe: bool = False) -> Any:
        """The value of an expression; one that may be None is taken not to be, unless the reader asks (``maybe``)."""
        value = expression(self, node, hint)
        if not maybe and isinstance(value, Aggregate) and value.kind is Maybe:
            self.at(node)
            value = self.some(value)
        if isinstance(value, Unknown):
            raise self.error(value.kind, node, value.reason, value.remedy)
        return value

    def some(self, value: Any) -> Any:
        """What may be None, where it must not be: the run makes sure."""
        value = self.now(value) if isinstance(value, Aggregate) and value.kind is Maybe else value
        if not isinstance(value, Aggregate) or value.kind is not Maybe:
            return value
        flag, known = value.items
        self.build.let(Call(emitted.expect_some, (flag,)), type_of(Const(None)))
        self.heap.known[flag] = False
        return known

    def need_detail(self) -> None:
        """Start again with more known of what comes from outside, unless that was tried."""
        if self.detail is Detail.TYPES:
            raise MoreDetail

    # -- what is known ------------------------------------------------------------------------------------

    def truth(self, atom: Any) -> bool | None:
        """Is the value true?  None when only the run can tell."""
        if isinstance(atom, Const):
            return bool(atom.value)
        if isinstance(atom, Var) and atom in self.truths:
            return self.truths[atom]
        if isinstance(atom, Aggregate):
            return bool(atom.items)
        if isinstance(atom, Ref):
            return True if callable(atom.value) else bool(atom.value)
        if isinstance(atom, Compiletime):
            return True
        t = type_of(atom)
        if isinstance(t, ConstT):
            return bool(t.value)
        return bool(t.items) if isinstance(t, AggregateT) else None

    def need(self, atom: Any) -> None:
        if isinstance(atom, Var) and atom in self.demandable:
            raise Demand(atom)

    def unpack_all(self, value: Any, node: ast.AST) -> list[Any]:
        """The parts of a value whose length is known."""
        if is_iterator(value) and (left := loops.unrolled(self, value, node)) is not None:
            return left
        if isinstance(value, Aggregate) and not is_iterator(value):
            return list(value.items) if value.kind is not dict else [Const(k) for k in value.keys or ()]
        t = type_of(value)
        if isinstance(t, AggregateT) and t.kind is not dict:
            return [self.part_of(value, k) for k in range(len(t.items))]
        if (
            isinstance(t, ArrayT)
            and t.ndim
            and t.shape[0].symbol.startswith("=")
            or (isinstance(t, ArrayT) and t.ndim and t.shape[0].one)
        ):
            n = 1 if t.shape[0].one else int(t.shape[0].symbol[1:])
            return [self.build.call(operator.getitem, value, Const(k)) for k in range(n)]
        if isinstance(t, ArrayT) and t.ndim:
            self.need_detail()
        kind = kind_of_number(t)
        if kind is not None and self.is_caught and not (isinstance(t, ArrayT) and t.ndim):
            what = "iteration over a 0-d array" if kind is np.ndarray else f"cannot unpack non-iterable {full_name(kind)} object"
            raise SurelyRaises(TypeError, what)
        raise self.unsupported(node, "unpacking a value whose length is not known before the run", "Index it instead.")

    def part_of(self, container: Any, at: int, hint: str = "") -> Any:
        """A part of a container of known length, which may show the memory of what the container was made of."""
        part = self.build.call(operator.getitem, container, Const(at), hint=hint)
        self.heap.watch(part, operator.getitem, (container, Const(at)), (), "call")
        return part

    def unpack_mapping(self, value: Any, node: ast.AST) -> dict[str, Any]:
        if isinstance(value, Aggregate) and value.kind is dict:
            return dict(zip(value.keys or (), value.items))
        t = type_of(value)
        if isinstance(t, AggregateT) and t.kind is dict:
            return {k: self.build.call(operator.getitem, value, Const(k)) for k in t.keys or ()}
        raise self.unsupported(
            node, "a mapping whose keys are not known before the run", "Use a dict with literal keys, or pass the values one by one."
        )

    # -- functions ----------------------------------------------------------------------------------------

    def enter(self, source: Source, globals_: dict[str, Any], cells: dict[str, Any], env: dict[str, Any],
              node: ast.AST | None, parent: Any = None, qualname: str = "") -> Any:  # fmt: skip
        """The result of a call of a Python function, an atom: the call is one statement, or the body is lowered in its place."""
        self.called_in_try = self.called_in_try or bool(self.guarded)
        if self.separation is not None and self.entering is None:
            made = self.separation.call(self, source, globals_, cells, env, node, parent, qualname)
            if made is not NotImplemented:
                return made
        if self.depth > INLINE_DEPTH:
            why = self.separation.plan.inlined.get(source.tree, "") if self.separation is not None else ""
            raise self.unsupported(
                node or source.tree, f"recursion in {qualname} is not differentiated{': ' * bool(why)}{why}",
                "Let it change nothing and return new values of one kind, or write it as a loop.",
            )  # fmt: skip
        return self.activate(source, globals_, cells, env, parent, qualname)

    @contextmanager
    def inlining(self) -> Iterator[None]:
        """No function is lowered on its own."""
        separation, self.separation = self.separation, None
        try:
            yield
        finally:
            self.separation = separation

    def activate(self, source: Source, globals_: dict[str, Any], cells: dict[str, Any], env: dict[str, Any],
                 parent: Any = None, qualname: str = "") -> Any:  # fmt: skip
        """Run a function's body abstractly; its result is an atom."""
        outer, loop_depth, late, loc = self.frame, self.loop_depth, self.late, self.build.loc
        self._unroll_recursion(source, env)
        self.frame = Frame(source, globals_, cells, env, parent, qualname, _outer_names(source.tree))
        self.frames.append(self.frame)
        self.depth, self.loop_depth, self.late = self.depth + 1, 0, []
        entering, self.entering = self.entering, None
        try:
            return self._body(source.tree, env, entering)
        finally:
            self.frames.pop()
            if self.frame.escapes:
                self.escaped.append(self.frame)
            self.frame, self.depth, self.loop_depth, self.late = outer, self.depth - 1, loop_depth, late
            self.build.loc = loc

    def _body(self, tree: Any, env: dict[str, Any], entering: Any = None) -> Any:
        if isinstance(tree, ast.Lambda):
            return self.expr(tree.body, "")
        _refuse_generators(self, tree)
        env["$ret"] = UNDEFINED
        self.block((scopes.guarded_body(self, tree, *entering) if entering else tree.body) + self._no_result(tree))
        result = self.now(self.frame.env["$ret"])
        if isinstance(result, Unknown):
            raise self.error(result.kind, last_return(tree), result.reason, result.remedy)
        return Const(None) if isinstance(result, Undefined) else result

    def _no_result(self, tree: Any) -> list[ast.stmt]:
        """The ``return`` at the end of a body, where it matters that nothing is returned there."""
        end = ast.copy_location(ast.Return(None), tree.body[-1])
        return [end] if self.must_have_result(tree) and not must_jump(tree.body) else []

    def must_have_result(self, tree: Any) -> bool:
        """Is it the outermost function, and one that returns a value elsewhere?  Where it returns None there is no derivative."""
        returns = [n for n in own_nodes(tree) if isinstance(n, ast.Return)]
        guards = any(isinstance(n, (ast.Try, ast.With)) for n in own_nodes(tree))
        return len(self.frames) == 1 and not guards and not all(map(_returns_none, returns))

    def _unroll_recursion(self, source: Source, env: dict[str, Any]) -> None:
        """A function that calls itself unrolls once the ints it counts with are known."""
        if any(frame.source.tree is source.tree for frame in self.frames):
            for var in [v for v in self.demandable if isinstance(v, Var)]:
                raise Demand(var)

    # -- statements ---------------------------------------------------------------------------------------

    @property
    def is_caught(self) -> bool:
        """May what is surely raised here be caught, and is it surely reached?  Elsewhere a refusal says more."""
        return bool(self.guarded) and not self.conditional

    def block(self, stmts: list[ast.stmt]) -> str:
        """Lower statements in order; says whether control falls out at the end."""
        outside, self.conditional = self.conditional, 0
        try:
            return self._block(stmts)
        except SurelyRaises as surely:
            self.build.add(Raise(Call(surely.kind, (Const(surely.message),)), self.build.loc, self.build.forward))
            self.frame.env["$falls"] = Const(False)
            return RAISES
        finally:
            self.conditional = outside

    def _block(self, stmts: list[ast.stmt]) -> str:
        env = self.frame.env
        env["$falls"] = Const(True)
        for at, stmt in enumerate(stmts):
            self.at(stmt)
            if self.late and stmt is self.late[0]:
                return self.jump(self.late[-1])
            if isinstance(stmt, ast.If):
                return self.branch(stmt, stmts[at + 1 :])
            scope = SCOPES.get(type(stmt))
            if scope is not None:
                return str(scope(self, stmt, stmts[at + 1 :]))
            if isinstance(stmt, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
                return self.jump(stmt)
            if isinstance(stmt, Collect):
                stmt.run()
                continue
            if isinstance(stmt, (ast.For, ast.While)):
                self.run_loop(stmt)
                if contains(stmt.body + stmt.orelse, ast.Return):
                    return self.after_return(stmts[at + 1 :])
                self.frame.env["$falls"] = Const(True)
                continue
            self.statement(stmt)
        return FALLS

    def run_loop(self, stmt: ast.For | ast.While) -> None:
        """A loop; where nothing is known yet of a result in it, it is one that is not entered."""
        if self.separation is None or not self.separation.is_guessing:
            loops.loop(self, stmt)
            return
        before = Snapshot(self)
        try:
            with self.build.aside() as stmts:
                loops.loop(self, stmt)
        except Bottom:
            before.restore()
            self.frame.env.setdefault("$returned", Const(False))
        else:
            self.build.extend(stmts)

    def statement(self, stmt: ast.stmt) -> None:
        lower = STATEMENTS.get(type(stmt))
        if lower is None:
            what = REFUSED.get(type(stmt), type(stmt).__name__)
            raise self.unsupported(stmt, f"{what} cannot be differentiated", REMEDIES.get(type(stmt), "Move it out of the function."))
        lower(self, stmt)

    def jump(self, stmt: ast.stmt) -> str:
        env = self.frame.env
        if isinstance(stmt, ast.Raise):
            self.raise_(stmt)
            env["$falls"] = Const(False)
            return RAISES
        if isinstance(stmt, ast.Return) and _returns_none(stmt) and self.must_have_result(self.frame.source.tree):
            self.build.add(Raise(Call(emitted.nothing_returned, ()), self.location(stmt), self.build.forward))
            env["$falls"] = Const(False)
            return RAISES
        if isinstance(stmt, ast.Return):
            if not isinstance(stmt, Left) and stmt not in self.late:
                self.return_(stmt)
            env["$returned"] = Const(True)
        if not isinstance(stmt, ast.Continue):
            env["$go"] = Const(False)
        env["$falls"] = Const(False)
        return DEAD if isinstance(stmt, ast.Return) else JUMPS

    def return_(self, stmt: ast.Return) -> None:
        self.frame.env["$ret"] = self.expr(stmt.value, "", maybe=True) if stmt.value is not None else Const(None)

    def run_late(self, stmts: list[ast.stmt]) -> None:
        """What a loop left by ``return`` would have done on the way."""
        for stmt in stmts:
            self.at(stmt)
            if isinstance(stmt, ast.Return):
                self.return_(stmt)
            else:
                self.statement(stmt)

    def raise_(self, stmt: ast.Raise) -> None:
        node = stmt.exc
        call: Call
        if node is None:
            if not self.caught:
                raise self.unsupported(stmt, "a bare raise outside a handler", "Name the exception: raise ValueError(...).")
            call = Call(emitted.same_error, (self.caught[-1],))
        elif isinstance(node, ast.Call) and isinstance(cls := self.expr(node.func), Ref) and isinstance(cls.value, type):
            args = tuple(self.expr(a) for a in node.args)
            call = Call(cls.value, args, tuple((k.arg or "", self.expr(k.value)) for k in node.keywords))
        else:
            error = self.expr(node)
            call = Call(error.value, ()) if isinstance(error, Ref) else Call(emitted.same_error, (error,))
        self.build.add(Raise(call, self.location(stmt), self.build.forward))

    def branch(self, stmt: ast.If, rest: list[ast.stmt]) -> str:
        """``if``, with the statements after it taken into the branches where a jump makes that needed."""
        test = self.expr(stmt.test)
        known = self.truth(test)
        if known is not None:
            return self.block((stmt.body if known else stmt.orelse) + rest)
        if not may_jump(stmt.body) and not may_jump(stmt.orelse):
            self.fork(test, stmt.body, stmt.orelse, stmt)
            return self.block(rest)
        ends = must_jump(stmt.body), must_jump(stmt.orelse)
        if any(ends):
            return self.fork(
                test, stmt.body if ends[0] else stmt.body + rest, stmt.orelse if ends[1] else stmt.orelse + rest, stmt
            )
        self.fork(test, stmt.body, stmt.orelse, stmt)
        return self.when(self.frame.env["$falls"], rest, stmt)

    def may_jump(self, stmts: list[ast.stmt]) -> bool:
        return may_jump(stmts)

    def must_jump(self, stmts: list[ast.stmt]) -> bool:
        return must_jump(stmts)

    def when(self, falls: Any, rest: list[ast.stmt], node: ast.AST) -> str:
        """The statements after a point that some paths have jumped over."""
        if isinstance(falls, Const):
            return self.block(rest) if falls.value else JUMPS
        return self.fork(falls, rest, [], node, skip="orelse")

    def after_return(self, rest: list[ast.stmt]) -> str:
        """After a loop that may have returned: leave the enclosing loop too, or go on."""
        env = self.frame.env
        returned = env.get("$returned", Const(False))
        env["$falls"] = Const(True)
        late = self.late if not self.loop_depth else []
        if isinstance(returned, Const):
            if returned.value:
                self.run_late(late)
                env["$go"], env["$falls"] = Const(False), Const(False)
                return DEAD
            return self.block(rest)

        def leave() -> str:
            self.run_late(late)
            self.frame.env["$go"] = self.frame.env["$falls"] = Const(False)
            return JUMPS

        return self.fork_with(returned, leave, lambda: self.block(rest), None)

    def fork(self, test: Any, then: list[ast.stmt], orelse: list[ast.stmt], node: ast.AST, skip: str = "") -> str:
        def skipped() -> str:
            self.frame.env["$falls"] = Const(False)
            return JUMPS

        return self.fork_with(
            test, lambda: self.block(then), skipped if skip == "orelse" else lambda: self.block(orelse), node
        )

    @staticmethod
    def merged_type(left: Any, right: Any) -> Any:
        if isinstance(left, Undefined):
            return type_of(right)
        return type_of(left) if isinstance(right, Undefined) else join(type_of(left), type_of(right))

    def as_list(self, value: Any) -> Any:
        """A list whose length only the run knows; None if it cannot be one."""
        t = type_of(value) if not isinstance(value, Compiletime) else None
        if isinstance(t, ListT):
            return value
        if isinstance(t, AggregateT) and t.kind is dict:
            return tables.as_table(self, value)
        if not isinstance(t, AggregateT) or t.kind not in (list, tuple):
            return None
        whole = self.now(value)
        items = (boxes.type_in_list(self, item) for item in t.items) if isinstance(whole, Aggregate) else t.items
        item = join_all(items)
        if isinstance(item, OpaqueT):
            return None
        return boxes.list_of(self, whole, ListT(t.kind, item))

    def fork_with(self, test: Any, then: Callable[[], str], orelse: Callable[[], str], node: ast.AST | None) -> str:
        """Two paths, each lowered from the present state, and the values on which they differ merged."""
        loc = self.location(node) if node is not None else self.build.loc
        return self.join_paths(test, *self.paths(*self.told(test, then, orelse), RAISES), loc, node)

    def told(self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """The two ways, each of which knows what the test says of values that may be None."""
        told = self.facts.get(test) if isinstance(test, Var) else None
        if told is None:
            return then, orelse

        def way(run: Callable[[], Any], facts: dict[Var, bool]) -> Callable[[], Any]:
            def go() -> Any:
                self.heap.known.update(facts)
                return run()

            return go

        return way(then, told[0]), way(orelse, told[1])

    def join_paths(self, test: Any, a: Path, b: Path, loc: Location | None, node: ast.AST | None) -> str:
        """Write down a branch whose two sides have been lowered, and go on where they meet."""
        if RAISES in (a.ending, b.ending):
            return self.after_raise(test, a, b, loc)
        if a.ending == DEAD and not self.loop_depth:
            self._forget(a, b)
        if b.ending == DEAD and not self.loop_depth:
            self._forget(b, a)
        self.add_if(test, self.merge(a, b, node), a.stmts, b.stmts, loc)
        if a.ending == b.ending:
            return str(a.ending)
        return FALLS if FALLS in (a.ending, b.ending) else JUMPS

    def after_raise(self, test: Any, a: Path, b: Path, loc: Location | None) -> str:
        """A path that raises goes nowhere: the other one goes on, outside the branch."""
        raising, other = (a, b) if a.ending == RAISES else (b, a)
        blocks = (a.stmts, []) if raising is a else ([], b.stmts)
        self.add_if(test, [], *blocks, loc)
        if other.ending == RAISES:
            self.build.extend(other.stmts)
            return RAISES
        self.adopt(other)
        return str(other.ending)

    def adopt(self, path: Path) -> None:
        """Go on where a path ended."""
        for frame in self.all_frames():
            if id(frame) in path.envs:
                frame.env.clear()
                frame.env.update(path.envs[id(frame)])
        self.heap.contents, self.heap.known = path.contents, path.known
        self.build.extend(path.stmts)

    def all_frames(self) -> list[Frame]:
        """Every activation whose names can still be read."""
        return [*self.escaped, *self.frames]

    def paths(self, then: Callable[[], Any], orelse: Callable[[], Any], bottom: Any = UNDEFINED) -> list[Path]:
        """Run both from the present state; one on which nothing is known yet of a result ends in ``bottom``."""
        made = [self.known_path(run) for run in (then, orelse)]
        if made == [None, None]:
            raise Bottom
        return [path or self.path(lambda: bottom) for path in made]

    def known_path(self, run: Callable[[], Any]) -> Path | None:
        before = Snapshot(self)
        try:
            return self.path(run)
        except Bottom:
            before.restore()
            return None

    def path(self, run: Callable[[], Any]) -> Path:
        """Run from the present state, and come back to it."""
        before = [(frame, frame.env) for frame in self.all_frames()]
        contents, known = self.heap.contents, self.heap.known
        for frame, env in before:
            frame.env = dict(env)
        self.heap.contents, self.heap.known = dict(contents), dict(known)
        try:
            with self.build.block() as stmts:
                ending = run()
            return Path({id(frame): frame.env for frame in self.all_frames()}, self.heap.contents, self.heap.known, stmts, ending)
        finally:
            for frame, env in before:
                frame.env = env
            self.heap.contents, self.heap.known = contents, known

    def merge(self, a: Path, b: Path, node: ast.AST | None) -> list[Any]:
        """Merge the two states into the present one; returns what the ``If`` must define."""
        merger = Merger(self, a, b, node)
        merger.state()
        return merger.yields

    def add_if(
        self, test: Any, yields: list[Any], a_stmts: list[Any], b_stmts: list[Any], loc: Location | None
    ) -> None:
        self.build.add(
            If(tuple(v for v, _, _ in yields), test, Block(tuple(a_stmts), tuple(x for _, x, _ in yields)),
               Block(tuple(b_stmts), tuple(y for _, _, y in yields)), loc, None, self.build.forward)
        )  # fmt: skip

    def _forget(self, left: Path, other: Path) -> None:
        """A path that has left the function: its variables are read by no one, its result is."""
        mine, theirs = left.envs[id(self.frame)], other.envs[id(self.frame)]
        inside = set(definitions(Block(tuple(other.stmts))))

        def seen(atom: Any) -> Any:
            hidden = not isinstance(atom, Compiletime) and any(v in inside for v in vars_of(atom))
            return UNDEFINED if hidden else atom

        left.envs[id(self.frame)] = {
            **{k: seen(v) for k, v in theirs.items() if not k.startswith("$")},
            **{k: v for k, v in mine.items() if k.startswith("$")},
        }

    def choose(
        self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any], node: ast.AST, hint: str = ""
    ) -> Any:
        """``then() if test else orelse()`` as a value."""
        self.conditional += 1
        try:
            a, b = self.paths(*self.told(test, then, orelse))
        finally:
            self.conditional -= 1
        merger = Merger(self, a, b, node)
        value = merger.meet(a.ending, b.ending, hint)
        merger.state()
        if merger.yields or a.stmts or b.stmts:
            self.add_if(test, merger.yields, a.stmts, b.stmts, self.build.loc)
        return value


@dataclass
class Merger:
    """Two paths meet: what is the same stays, what differs becomes a value that the ``If`` defines."""

    low: Lowering
    a: Path
    b: Path
    node: ast.AST | None

    def __post_init__(self) -> None:
        self.yields: list[Any] = []
        self.made: dict[Any, Any] = {}
        self.merged: list[Aggregate] = []

    def state(self) -> None:
        """The names of every activation that both paths know, and the heap."""
        for frame in self.low.all_frames():
            if id(frame) in self.a.envs and id(frame) in self.b.envs:
                self.names(frame)
        self.things()

    def names(self, frame: Frame) -> None:
        left, right = self.a.envs[id(frame)], self.b.envs[id(frame)]
        merged = {n: self.meet(left.get(n, UNDEFINED), right.get(n, UNDEFINED), n) for n in dict.fromkeys([*left, *right])}
        frame.env.clear()
        frame.env.update(merged)

    def things(self) -> None:
        """What the heap holds: things that one path alone made are held as it left them."""
        left, right, merged = self.a.contents, self.b.contents, {}
        made = [self._made_on(p) if any(isinstance(i, Var) and i not in q.contents for i in p.contents) else frozenset()
                for p, q in ((self.a, self.b), (self.b, self.a))]  # fmt: skip
        for ident in dict.fromkeys([*left, *right]):
            older = isinstance(ident, Var) and not any(ident in own for own in made)
            default = self.low.heap.openings.get(ident, ident) if older else None
            x, y = left.get(ident, default), right.get(ident, default)
            merged[ident] = self.contents(ident, x, y) if x is not None and y is not None else (x or y)
        self.low.heap.contents = {**merged, **{thing.ident: thing for thing in self.merged if thing.ident is not None}}

    @staticmethod
    def _made_on(path: Path) -> frozenset[Var]:
        return frozenset(definitions(Block((*path.guarded, *path.stmts))))

    def contents(self, ident: Any, x: Any, y: Any) -> Any:
        if x is y:
            return x
        hint = getattr(ident, "hint", "")
        if isinstance(x, Aggregate) and isinstance(y, Aggregate) and _alike(x, y):
            items = tuple(self.meet(m, n, "") for m, n in zip(x.items, y.items))
            return Aggregate(x.kind, items, x.keys, ident)
        if isinstance(x, Var) and isinstance(y, Aggregate) and x is ident:
            return self.contents(ident, self.opened(self.a, x), y)
        if isinstance(y, Var) and isinstance(x, Aggregate) and y is ident:
            return self.contents(ident, x, self.opened(self.b, y))
        made = self.differing(x, y, hint, None)
        if isinstance(made, Var):
            self.low.heap.owner[made] = ident
        return made

    def opened(self, path: Path, var: Var) -> Any:
        with self.low.build.resume(path.stmts):
            return open_parameter(self.low.build, var) if isinstance(var.type, AggregateT) else var

    def now(self, path: Path, atom: Any) -> Any:
        """What a handle means at the end of a path."""
        contents, self.low.heap.contents = self.low.heap.contents, path.contents
        with self.low.build.resume(path.stmts):
            value = self.low.now(atom)
        self.low.heap.contents = contents
        return value

    def meet(self, left: Any, right: Any, name: str) -> Any:
        """One value from two paths: the same, or a new one that the ``If`` defines."""
        heap = self.low.heap
        if left is right or _equal(left, right):
            return left
        same = heap.ident(left)
        if same is not None and same is heap.ident(right):
            return left
        if isinstance(left, Stream) and loops.same_thing(self.low, left, right):
            return left
        key = (id(left), id(right))
        if key not in self.made:
            ends = self.now(self.a, left), self.now(self.b, right)
            self.made[key] = (self.differing(*ends, name, (same, heap.ident(right))), left, right)
        return self.made[key][0]

    def differing(self, left: Any, right: Any, name: str, sources: Any) -> Any:
        pair = [left, right]
        if any(map(is_none_or_maybe, pair)) and all(may_be_maybe(p, bool(self.low.loop_depth)) for p in pair):
            return self.meet_maybes(*map(as_maybe, pair), name)
        if isinstance(left, LocalFunction) and left.same(right):
            return left
        if any(isinstance(p, (*Compiletime, Ref)) for p in pair) and not all(_is_number(p) for p in pair):
            if any(isinstance(p, Undefined) for p in pair):
                return left if isinstance(right, Undefined) else right
            if isinstance(left, Ref) and left == right:
                return left
            choice = self.choice(left, right) if not name.startswith("$") else None
            return choice if choice is not None else _disagreement(pair, name)
        if any(isinstance(p, Aggregate) for p in pair):
            return self.containers(left, right, name, sources)
        t = self.low.merged_type(left, right)
        var = Var(name if name.isidentifier() else "", t)
        if isinstance(t, ListT) and isinstance(left, Var) and isinstance(right, Var):
            self.places(var, left, right)
        self.yields.append((var, left, right))
        return var

    def meet_maybes(self, left: Aggregate, right: Aggregate, name: str) -> Aggregate:
        """None on one path, and a number or a container of numbers on the other."""
        return Aggregate(Maybe, (self.meet(left.items[0], right.items[0], ""), self.meet(left.items[1], right.items[1], name)))

    def places(self, var: Var, left: Var, right: Var) -> None:
        """What both paths left where it was is there."""
        heap = self.low.heap
        (*facts, places), (*other, others) = ((a, b, c) for a, b, *c in map(heap.known_places, (left, right)))
        for table, one, its in zip((heap.unlike, heap.beginnings), facts, other):
            table[var] = one if one is its else var
        heap.places[var] = tuple(p if p == q else (var, d) for d, (p, q) in enumerate(zip(places, others)))

    def choice(self, left: Any, right: Any) -> Choice | None:
        """A function that is one on one path and another on the other; which of them is a number like any other."""
        given = [p.functions if isinstance(p, Choice) else (p,) for p in (left, right)]
        functions = max(given, key=len)
        for known in given:
            if len(known) == 1 and not _among(known[0], functions):
                functions += known
        if not all(len(known) == 1 or known is functions[: len(known)] or known == functions[: len(known)] for known in given):
            return None
        if not all(map(_is_plain_function, functions)):
            return None
        var = Var("", INT)
        places = [p.index if isinstance(p, Choice) else Const(_place(p, functions)) for p in (left, right)]
        self.yields.append((var, *places))
        return Choice(var, functions)

    def containers(self, left: Any, right: Any, name: str, sources: Any) -> Any:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Undefined):
                blank = refill(other, iter([UNDEFINED] * len(leaves(other))))
                return self.parts(*((blank, other) if one is left else (other, blank)), sources)
        if any(map(self.low.heap.is_held_by_run, (left, right))):
            return self.differing(*(self.boxed(p, x) for p, x in ((self.a, left), (self.b, right))), name, None)
        ends = [self.opened(p, x) if isinstance(x, Var) else x for p, x in ((self.a, left), (self.b, right))]
        if all(isinstance(p, Aggregate) for p in ends) and _alike(*ends):
            return self.parts(*ends, sources)
        made = [self.as_list(p, x) for p, x in ((self.a, left), (self.b, right))]
        if any(m is None for m in made) or made[0].type.kind is not made[1].type.kind:
            return Unknown(
                f"{name or 'this container'} has one structure on one path and another on the other",
                "Give it the same parts on both paths.",
            )
        return self.differing(*made, name, None)

    def boxed(self, path: Path, value: Any) -> Any:
        """A container that is held by the run on one path is so on the other."""
        if not self.low.boxes and isinstance(value, Aggregate) and is_mutable(value.kind):
            raise Again("boxes")
        contents, self.low.heap.contents = self.low.heap.contents, path.contents
        with self.low.build.resume(path.stmts):
            made = boxes.boxed(self.low, value)
        self.low.heap.contents = contents
        return made

    def parts(self, left: Aggregate, right: Aggregate, sources: Any) -> Aggregate:
        items = tuple(self.meet(x, y, "") for x, y in zip(left.items, right.items))
        found = tuple(s for s in sources or () if s is not None)
        self.merged.append(self.low.heap.new(left.kind, items, left.keys, *found))
        return self.merged[-1]

    def as_list(self, path: Path, value: Any) -> Any:
        """A list as the run holds it, whatever its length."""
        contents, self.low.heap.contents = self.low.heap.contents, path.contents
        with self.low.build.resume(path.stmts):
            made = self.low.as_list(value)
        self.low.heap.contents = contents
        return made


def is_none_or_maybe(atom: Any) -> bool:
    return (isinstance(atom, Const) and atom.value is None) or (isinstance(atom, Aggregate) and atom.kind is Maybe)


def may_be_maybe(atom: Any, in_loop: bool) -> bool:
    """Is it None, or what has a derivative; or a number, in a loop, which carries it to where it is another?"""
    if is_none_or_maybe(atom):
        return True
    t = type_of(atom) if not isinstance(atom, (*Compiletime, Undefined)) else None
    return t is not None and (is_inexact(t) or (in_loop and isinstance(t, ScalarT)))


def as_maybe(atom: Any) -> Aggregate:
    if isinstance(atom, Aggregate) and atom.kind is Maybe:
        return atom
    is_none = is_none_or_maybe(atom)
    return Aggregate(Maybe, (Const(is_none), UNDEFINED if is_none else atom))


def _alike(x: Aggregate, y: Aggregate) -> bool:
    return (x.kind, x.keys, len(x.items)) == (y.kind, y.keys, len(y.items))


def _equal(left: Any, right: Any) -> bool:
    """The same literal, or tuples of the same."""
    if isinstance(left, Aggregate) and isinstance(right, Aggregate):
        return left.ident is right.ident and _alike(left, right) and all(map(_equal, left.items, right.items))
    if left is right:
        return True
    return not isinstance(left, (Var, Aggregate, *Compiletime)) and bool(left == right)


def _is_plain_function(atom: Any) -> bool:
    """A function that holds no value of the path on which it was found."""
    if isinstance(atom, LocalFunction):
        return not atom.defaults and not atom.kw_defaults
    return isinstance(atom, Ref) and callable(atom.value) and not is_numeric(abstract(atom.value))


def _place(function: Any, functions: tuple[Any, ...]) -> int:
    return next(k for k, f in enumerate(functions) if f is function or f == function)


def _among(function: Any, functions: tuple[Any, ...]) -> bool:
    return any(f is function or f == function for f in functions)


def _disagreement(pair: list[Any], name: str) -> Unknown:
    how_far = next((p for p in pair if isinstance(p, Unknown) and p.kind is HowFar), None)
    if how_far is not None:
        return how_far
    if name.startswith("$ret"):
        return Unknown("which kind of value is returned here depends on the run", "Return values of one kind.")
    if any(isinstance(p, Unknown) for p in pair):
        return next(p for p in pair if isinstance(p, Unknown))
    return Unknown(
        f"which function {name or 'this'} is depends on the run", "Call each in its own branch."
    )


# -- where data from outside is read, at each call (C2) ---------------------------------------------------


@dataclass(frozen=True)
class _Global:
    scope: dict[str, Any]
    name: str

    def __call__(self, fn: Any) -> Any:
        return self.scope[self.name]


@dataclass(frozen=True)
class _Cell:
    cell: Any

    def __call__(self, fn: Any) -> Any:
        return self.cell.cell_contents


@dataclass(frozen=True)
class _TopCell:
    """A cell of the differentiated function itself: of whichever function object shares the code (C3)."""

    index: int

    def __call__(self, fn: Any) -> Any:
        return fn.__closure__[self.index].cell_contents


@dataclass(frozen=True)
class _Attribute:
    owner: Any
    name: str

    def __call__(self, fn: Any) -> Any:
        return getattr(self.owner, self.name)


@dataclass(frozen=True)
class _Constant:
    value: Any

    def __call__(self, fn: Any) -> Any:
        return self.value


def literal(value: Any) -> Any:
    """A known value: written out, or by its name where it is a member of an enumeration."""
    if type(value) is tuple:
        return Aggregate(tuple, tuple(map(literal, value)))
    return Ref(value, str(value)) if isinstance(value, enum.Enum) else Const(value)


def _is_number(atom: Any) -> bool:
    return isinstance(type_of(atom), (ScalarT, ArrayT, NumberT)) if not isinstance(atom, Compiletime) else False


LIBRARIES = ("numpy", "math", "operator", "scipy", "cmath", "builtins")


def _is_library(value: Any) -> bool:
    name = getattr(value, "__name__", "") if isinstance(value, type(ast)) else getattr(value, "__module__", "") or ""
    return name.split(".")[0] in LIBRARIES or isinstance(value, np.ufunc)


def _refuse_generators(low: Lowering, tree: ast.AST) -> None:
    if isinstance(tree, ast.AsyncFunctionDef):
        raise low.unsupported(tree, "a coroutine cannot be differentiated", REMEDIES[ast.AsyncFunctionDef])
    for node in own_nodes(tree):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            raise low.unsupported(node, "a generator cannot be differentiated", "Collect the values in a list first.")


def _outer_names(tree: ast.AST) -> frozenset[str]:
    return frozenset(name for node in own_nodes(tree) if isinstance(node, ast.Nonlocal) for name in node.names)


def _returns_none(stmt: ast.Return) -> bool:
    return stmt.value is None or (isinstance(stmt.value, ast.Constant) and stmt.value.value is None)


# -- jumps, read off the syntax ---------------------------------------------------------------------------


def contains(stmts: list[ast.stmt], kind: type | tuple[type, ...]) -> bool:
    """Is there such a statement here, nested functions apart?"""
    return any(isinstance(n, kind) for s in stmts for n in [s, *own_nodes(s)] if not isinstance(s, ast.FunctionDef))


JUMPING = (ast.Return, ast.Break, ast.Continue, ast.Raise)


def may_jump(stmts: list[ast.stmt]) -> bool:
    return any(isinstance(s, JUMPING) or any(map(may_jump, _ways(s))) or _returns_from_loop(s) for s in stmts)


def _returns_from_loop(stmt: ast.stmt) -> bool:
    return isinstance(stmt, (ast.For, ast.While)) and contains(stmt.body + stmt.orelse, ast.Return)


def _ways(stmt: ast.stmt) -> list[list[ast.stmt]]:
    """The blocks inside a statement from which a jump leaves the statement itself."""
    if isinstance(stmt, ast.If):
        return [stmt.body, stmt.orelse]
    if isinstance(stmt, ast.With):
        return [stmt.body]
    if isinstance(stmt, ast.Try):
        return [stmt.body, stmt.orelse, stmt.finalbody, *(h.body for h in stmt.handlers)]
    return [case.body for case in stmt.cases] if isinstance(stmt, ast.Match) else []


def must_jump(stmts: list[ast.stmt]) -> bool:
    for stmt in stmts:
        if isinstance(stmt, JUMPING):
            return True
        if isinstance(stmt, ast.If) and must_jump(stmt.body) and must_jump(stmt.orelse):
            return True
        if isinstance(stmt, ast.Try) and not stmt.finalbody:
            if must_jump(stmt.body + stmt.orelse) and all(must_jump(h.body) for h in stmt.handlers):
                return True
    return False


# -- the other statements ---------------------------------------------------------------------------------


def assign(low: Lowering, stmt: ast.Assign) -> None:
    hint = next((t.id for t in stmt.targets if isinstance(t, ast.Name)), "")
    value = iterators.assigned(low, stmt) or low.expr(stmt.value, hint, maybe=True)
    for target in stmt.targets:
        low.at(stmt)
        stores.assign_to(low, target, value)


def annotated(low: Lowering, stmt: ast.AnnAssign) -> None:
    if stmt.value is not None:
        hint = stmt.target.id if isinstance(stmt.target, ast.Name) else ""
        stores.assign_to(low, stmt.target, low.expr(stmt.value, hint, maybe=True))


def effect(low: Lowering, stmt: ast.Expr) -> None:
    if not isinstance(stmt.value, ast.Constant):
        low.expr(stmt.value)


def assertion(low: Lowering, stmt: ast.Assert) -> None:
    test = low.expr(stmt.test)
    if low.truth(test) is True:
        return
    with low.build.block() as stmts:
        message = (low.expr(stmt.msg),) if stmt.msg is not None else ()
        low.build.add(Raise(Call(AssertionError, message), low.location(stmt), low.build.forward))
    low.build.add(If((), test, Block(), Block(tuple(stmts)), low.location(stmt), None, low.build.forward))


def define(low: Lowering, stmt: ast.FunctionDef) -> None:
    if stmt.decorator_list:
        raise low.unsupported(
            stmt, "a decorated function inside a function cannot be differentiated", "Define it at the top level of the module."
        )
    low.bind(stmt.name, local_function(low, stmt))


def import_(low: Lowering, stmt: ast.Import | ast.ImportFrom) -> None:
    """A local import: done once, when the function is transformed, as it would be at the first call."""
    scope: dict[str, Any] = {
        "__name__": low.frame.globals.get("__name__"),
        "__package__": low.frame.globals.get("__package__"),
    }
    exec(compile(ast.Module([stmt], []), low.frame.source.file, "exec"), scope)
    for alias in stmt.names:
        name = alias.asname or alias.name.split(".")[0]
        low.bind(
            name,
            Ref(scope[name], name)
            if callable(scope[name]) or isinstance(scope[name], type(ast))
            else low.found(scope[name], name, stmt),
        )


def nothing(low: Lowering, stmt: ast.stmt) -> None:
    pass


STATEMENTS: dict[type, Any] = {
    ast.Assign: assign, ast.AnnAssign: annotated, ast.AugAssign: stores.augment, ast.Expr: effect,
    ast.Assert: assertion, ast.FunctionDef: define, ast.Pass: nothing, ast.Delete: stores.delete,
    ast.Import: import_, ast.ImportFrom: import_, ast.Nonlocal: nothing,
    NoneCaught: scopes.none_caught,
}  # fmt: skip

#: Statements that hold statements, and take the rest of their block with them.
SCOPES: dict[type, Any] = {
    ast.Try: scopes.try_, Guarded: scopes.guarded_alone, Entered: scopes.entered, ast.With: scopes.with_, ast.Match: scopes.match,
}  # fmt: skip

REFUSED = {
    ast.TryStar: "except*", ast.Global: "a write to a global",
    ast.ClassDef: "a class inside a function", ast.AsyncFunctionDef: "a coroutine",
}  # fmt: skip
REMEDIES = {
    ast.Global: "Return the value instead.",
    ast.ClassDef: "Define the class at the top level of the module.",
    ast.AsyncFunctionDef: "Make it a plain function: def without async.",
    ast.TryStar: "Catch one exception with except.",
}


# -- the whole function -----------------------------------------------------------------------------------


def lower(
    fn: FunctionType, params: dict[str, Any], name: str = "", low: Lowering | None = None
) -> tuple[Function, Lowering]:
    """The program of ``fn`` for parameters bound to these types (or, if known, atoms)."""
    low = low or Lowering()
    refusal: UnsupportedSyntax | None = None
    while True:
        try:
            return _lower(fn, params, name, low)
        except Again as wanted:
            low = low.again(wanted.flag)
        except UnsupportedSyntax as unknown:
            if isinstance(unknown, HowFar) and not low.one_by_one:
                low = low.again("one_by_one")
            elif refusal is None and low.one_by_one and low.called_in_try:
                refusal, low = unknown, low.again("through_calls")
            elif refusal is None and not isinstance(unknown, HowFar):
                raise
            else:
                raise _said_plainly(refusal or unknown) from None


def _said_plainly(refusal: UnsupportedSyntax) -> UnsupportedSyntax:
    """What nobody asks any more how far a block got is a refusal like others."""
    if not isinstance(refusal, HowFar):
        return refusal
    return UnsupportedSyntax(refusal.message, where=refusal.where, remedy=refusal.remedy)


def _lower(fn: FunctionType, params: dict[str, Any], name: str, low: Lowering) -> tuple[Function, Lowering]:
    source = parse(fn)
    env: dict[str, Any] = {}
    variables: list[Var] = []
    for key, t in params.items():
        atom = literal(t.value) if isinstance(t, ConstT) else (t if isinstance(t, (Const, Ref)) else Var(key, t))
        if isinstance(atom, Var):
            variables.append(atom)
            low.variables.append(atom)
            low.open_from_outside(atom)
            if t == INT:
                low.demandable.add(atom)
        env[key] = atom
    cells = low.top = cells_of(fn)
    if sys.getrecursionlimit() < RECURSION_LIMIT:  # inlined calls nest deeply in this process's stack
        sys.setrecursionlimit(RECURSION_LIMIT)
    result = low.some(low.enter(source, fn.__globals__, cells, env, None, None, fn.__qualname__))
    if isinstance(result, Compiletime) or isinstance(result, Undefined):
        raise UnsupportedSyntax(
            f"{fn.__name__} returns a function or an iterator, which has no derivative", where=source.location(last_return(source.tree)),
            remedy="Return numbers or arrays: call the function, make a list of the iterator.",
        )  # fmt: skip
    if low.heap.reaches([result], low.heap.spelt):
        raise UnsupportedSyntax(
            f"{fn.__name__} returns a deque, a defaultdict or an iterator", where=source.location(last_return(source.tree)),
            remedy="Return a list or a dict of it: list(q), dict(d).",
        )  # fmt: skip
    captured = [var for var, _ in low.captures.values() if isinstance(var, Var)]
    body = low.build.finish(result)
    doc = fn.__doc__ or ""
    return Function(
        name or (fn.__name__ if fn.__name__.isidentifier() else "function"),
        (*variables, *captured),
        Block((*low.prologue, *body.stmts), body.yields),
        source.location(last_return(source.tree)),
        doc,
    ), low


def last_return(tree: Any) -> ast.AST:
    """What the function returns, as it is written."""
    if isinstance(tree, ast.Lambda):
        return tree.body
    returns = [n.value for n in own_nodes(tree) if isinstance(n, ast.Return) and n.value is not None]
    return max(returns, key=lambda n: n.lineno, default=tree)


def cells_of(fn: FunctionType) -> dict[str, Any]:
    """A function's closure, by name."""
    return dict(zip(fn.__code__.co_freevars, fn.__closure__ or ()))
