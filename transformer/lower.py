"""From syntax to typed single-assignment form, specialised on the argument types (T1-T4).

Lowering is an abstract run of the function: names hold atoms, calls of the user's own functions are entered,
what is known before the run is folded (flags, ``is None``, axes), and everything else is written down with
its type.  Paths that meet merge the values on which they differ; a jump (``return``, ``break``, ``continue``)
takes the statements after it into the branch that does not jump, so no jump is left in the result.
"""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from retrograd.runtime.errors import ArgumentError, DifferentiationError, Location, UnsupportedSyntax
from retrograd.runtime.graph import Variable

from . import loops, stores
from .builder import Builder, leaves, refill, same_structure, type_of
from .expressions import expression, local_function
from .ir import UNDEFINED, Aggregate, Block, Call, Const, Function, If, Raise, Ref, Undefined, Var, rebuild
from .parse import Source, parse
from .types import INT, AggregateT, ArrayT, ConstT, ListT, NumberT, OpaqueT, ScalarT, abstract, join
from .values import Compiletime, Frame, LocalFunction

FALLS, JUMPS, DEAD = "falls", "jumps", "dead"
INLINE_DEPTH = 40
RECURSION_LIMIT = 20_000


class Demand(Exception):
    """Inference needs the value of an int argument: specialise on it (T4)."""

    def __init__(self, var: Var) -> None:
        self.var = var


class Lowering:
    """The state of one lowering: the program so far, the frame, and what the result depends on."""

    def __init__(self, build: Builder | None = None) -> None:
        self.build = build or Builder()
        self.frame: Any = None
        self.node: ast.AST | None = None
        self.captures: dict[Any, tuple[Var, Any]] = {}
        self.guards: dict[Any, tuple[Any, Any]] = {}
        self.top: Any = None
        self.demandable: set[Var] = set()
        self.frames: list[Frame] = []
        self.origins: dict[Var, Var] = {}
        self.depth = 0
        self.loop_depth = 0
        self.notes: list[Any] = []  # what became of each call, for ``explain``

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
        frame = self.frame
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
        t = abstract(value, text)
        if isinstance(t, (ConstT, OpaqueT)):
            self.guards[key] = (getter, value)
            return Const(value) if isinstance(t, ConstT) else Ref(value, text)
        if isinstance(getter, _Constant) and isinstance(t, ScalarT) and t.weak:
            return Const(value)
        if key not in self.captures:
            self.captures[key] = (Var(text.rpartition(".")[2], t), getter)
        return self.captures[key][0]

    def bind(self, name: str, value: Any) -> None:
        self.frame.env[name] = value

    def expr(self, node: ast.expr, hint: str = "") -> Any:
        return expression(self, node, hint)

    # -- what is known ------------------------------------------------------------------------------------

    def truth(self, atom: Any) -> bool | None:
        """Is the value true?  None when only the run can tell."""
        if isinstance(atom, Const):
            return bool(atom.value)
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

    def demand(self, container: Any, key: Any, node: ast.AST) -> Any:
        """An index into unlike parts must be known: ask for its value, or hold the parts at run time if they are alike."""
        self.need(key)
        item = None
        for part in container.items:
            item = type_of(part) if item is None else join(item, type_of(part))
        if item is None or isinstance(item, OpaqueT):
            raise self.unsupported(node, "an index into unlike items must be known before the run")
        return self.build.let(Call(container.kind, (container,)), ListT(container.kind, item))

    def need(self, atom: Any) -> None:
        if isinstance(atom, Var) and atom in self.demandable:
            raise Demand(atom)

    def unpack_all(self, value: Any, node: ast.AST) -> list[Any]:
        """The parts of a value whose length is known."""
        if isinstance(value, Aggregate):
            return list(value.items) if value.kind is not dict else [Const(k) for k in value.keys or ()]
        t = type_of(value)
        if isinstance(t, AggregateT) and t.kind is not dict:
            return [self.build.call(operator.getitem, value, Const(k)) for k in range(len(t.items))]
        if (
            isinstance(t, ArrayT)
            and t.ndim
            and t.shape[0].symbol.startswith("=")
            or (isinstance(t, ArrayT) and t.ndim and t.shape[0].one)
        ):
            n = 1 if t.shape[0].one else int(t.shape[0].symbol[1:])
            return [self.build.call(operator.getitem, value, Const(k)) for k in range(n)]
        raise self.unsupported(node, "unpacking a value whose length is not known before the run", "Index it instead.")

    def unpack_mapping(self, value: Any, node: ast.AST) -> dict[str, Any]:
        if isinstance(value, Aggregate) and value.kind is dict:
            return dict(zip(value.keys or (), value.items))
        t = type_of(value)
        if isinstance(t, AggregateT) and t.kind is dict:
            return {k: self.build.call(operator.getitem, value, Const(k)) for k in t.keys or ()}
        raise self.unsupported(node, "** of a mapping whose keys are not known before the run")

    # -- functions ----------------------------------------------------------------------------------------

    def enter(self, source: Source, globals_: dict[str, Any], cells: dict[str, Any], env: dict[str, Any],
              node: ast.AST | None, parent: Any = None, qualname: str = "") -> Any:  # fmt: skip
        """Run a function's body abstractly; its result is an atom."""
        if self.depth > INLINE_DEPTH:
            raise self.unsupported(
                node or source.tree, f"recursion in {qualname} is not differentiated", "Write it as a loop."
            )
        outer, loop_depth, loc = self.frame, self.loop_depth, self.build.loc
        self._unroll_recursion(source, env)
        self.frame = Frame(source, globals_, cells, env, parent, qualname)
        self.frames.append(self.frame)
        self.depth, self.loop_depth = self.depth + 1, 0
        try:
            tree = source.tree
            if isinstance(tree, ast.Lambda):
                return self.expr(tree.body, "")
            _refuse_generators(self, tree)
            env["$ret"] = UNDEFINED
            self.block(tree.body)
            result = self.frame.env["$ret"]
            return Const(None) if isinstance(result, Undefined) else result
        finally:
            self.frames.pop()
            self.frame, self.depth, self.loop_depth = outer, self.depth - 1, loop_depth
            self.build.loc = loc

    def _unroll_recursion(self, source: Source, env: dict[str, Any]) -> None:
        """A function that calls itself unrolls once the ints it counts with are known."""
        if any(frame.source.tree is source.tree for frame in self.frames):
            for var in [v for v in self.demandable if isinstance(v, Var)]:
                raise Demand(var)

    def origin(self, var: Var) -> Var:
        """The value whose object this one still is: stores make new values of the same array."""
        return self.origins.get(var, var)

    def replace_everywhere(self, old: Any, new: Any) -> None:
        """A store made ``new`` of ``old``: every name that held the array, in every active call, holds it still."""
        if not isinstance(old, Var):
            return
        for frame in self.frames:
            for name, value in list(frame.env.items()):
                if value is old:
                    frame.env[name] = new
                elif isinstance(value, Aggregate):
                    frame.env[name] = rebuild(value, lambda v: new if v is old else v)

    # -- statements ---------------------------------------------------------------------------------------

    def block(self, stmts: list[ast.stmt]) -> str:
        """Lower statements in order; says whether control falls out at the end."""
        env = self.frame.env
        env["$falls"] = Const(True)
        for at, stmt in enumerate(stmts):
            self.at(stmt)
            if isinstance(stmt, ast.If):
                return self.branch(stmt, stmts[at + 1 :])
            if isinstance(stmt, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
                return self.jump(stmt)
            if isinstance(stmt, (ast.For, ast.While)):
                loops.loop(self, stmt)
                if contains(stmt.body + stmt.orelse, ast.Return):
                    return self.after_return(stmts[at + 1 :])
                self.frame.env["$falls"] = Const(True)
                continue
            self.statement(stmt)
        return FALLS

    def statement(self, stmt: ast.stmt) -> None:
        lower = STATEMENTS.get(type(stmt))
        if lower is None:
            what = REFUSED.get(type(stmt), type(stmt).__name__)
            raise self.unsupported(stmt, f"{what} cannot be differentiated", REMEDIES.get(type(stmt), ""))
        lower(self, stmt)

    def jump(self, stmt: ast.stmt) -> str:
        env = self.frame.env
        if isinstance(stmt, ast.Raise):
            self.raise_(stmt)
            env["$falls"] = Const(False)
            return DEAD
        if isinstance(stmt, ast.Return):
            env["$ret"] = self.expr(stmt.value, "") if stmt.value is not None else Const(None)
            env["$returned"] = Const(True)
        if not isinstance(stmt, ast.Continue):
            env["$go"] = Const(False)
        env["$falls"] = Const(False)
        return DEAD if isinstance(stmt, ast.Return) else JUMPS

    def raise_(self, stmt: ast.Raise) -> None:
        if stmt.exc is None:
            raise self.unsupported(stmt, "a bare raise cannot be differentiated")
        node = stmt.exc
        call: Call
        if isinstance(node, ast.Call):
            cls = self.expr(node.func)
            call = Call(cls.value, tuple(self.expr(a) for a in node.args))
        else:
            call = Call(self.expr(node).value, ())
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
        if isinstance(returned, Const):
            if returned.value:
                env["$go"], env["$falls"] = Const(False), Const(False)
                return DEAD
            return self.block(rest)

        def leave() -> str:
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

    def fork_with(self, test: Any, then: Callable[[], str], orelse: Callable[[], str], node: ast.AST | None) -> str:
        """Two paths, each lowered from the present state, and the values on which they differ merged."""
        loc = self.location(node) if node is not None else self.build.loc
        (a, a_stmts, a_end), (b, b_stmts, b_end) = self.paths(then, orelse)
        if a_end == DEAD and not self.loop_depth:
            a[-1] = self._forget(a[-1], b[-1])
        if b_end == DEAD and not self.loop_depth:
            b[-1] = self._forget(b[-1], a[-1])
        yields = self.merge_frames(a, b, node)
        self.add_if(test, yields, a_stmts, b_stmts, loc)
        if a_end == b_end:
            return str(a_end)
        return FALLS if FALLS in (a_end, b_end) else JUMPS

    def paths(self, then: Callable[[], Any], orelse: Callable[[], Any]) -> list[Any]:
        """Run both from the present state; for each the environments of all active calls, statements and outcome."""
        before = [frame.env for frame in self.frames]
        out = []
        for run in (then, orelse):
            for frame, env in zip(self.frames, before):
                frame.env = dict(env)
            with self.build.block() as stmts:
                ending = run()
            out.append(([frame.env for frame in self.frames], stmts, ending))
        for frame, env in zip(self.frames, before):
            frame.env = env
        return out

    def merge_frames(self, a: list[Any], b: list[Any], node: ast.AST | None) -> list[Any]:
        """Merge the two states into the present one; returns what the ``If`` must define."""
        yields: list[Any] = []
        made: dict[Any, Any] = {}
        for frame, left, right in zip(self.frames, a, b):
            merged = {}
            for name in dict.fromkeys([*left, *right]):
                x, y = left.get(name, UNDEFINED), right.get(name, UNDEFINED)
                key = (x, y) if isinstance(x, Var) and isinstance(y, Var) else None
                if key is None or key not in made:
                    value = self.meet(x, y, name, yields, node)
                    if key is not None:
                        made[key] = value
                merged[name] = made[key] if key is not None else value
            frame.env.clear()
            frame.env.update(merged)
        return yields

    def add_if(
        self, test: Any, yields: list[Any], a_stmts: list[Any], b_stmts: list[Any], loc: Location | None
    ) -> None:
        self.build.add(
            If(tuple(v for v, _, _ in yields), test, Block(tuple(a_stmts), tuple(x for _, x, _ in yields)),
               Block(tuple(b_stmts), tuple(y for _, _, y in yields)), loc, None, self.build.forward)
        )  # fmt: skip

    def _forget(self, env: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        """A path that has left the function: its variables are read by no one, its result is."""
        return {k: (v if k.startswith("$") else other.get(k, UNDEFINED)) for k, v in env.items()}

    def meet(self, left: Any, right: Any, name: str, yields: list[Any], node: ast.AST | None) -> Any:
        """One value from two paths: the same, or a new one that the ``If`` defines."""
        if left is right or (not isinstance(left, Var) and not isinstance(left, Compiletime) and left == right):
            return left
        if isinstance(left, LocalFunction) and left.same(right):
            return left
        pair = [left, right]
        if any(isinstance(p, (*Compiletime, Ref)) for p in pair) and not all(_is_number(p) for p in pair):
            if any(isinstance(p, Undefined) for p in pair):
                return left if isinstance(right, Undefined) else right
            raise self.unsupported(
                node or self.node, f"which function {name} is depends on the run", "Call each in its own branch."
            )  # type: ignore[arg-type]
        if isinstance(left, Aggregate) and isinstance(right, Aggregate) and same_structure(left, right):
            parts = [self.meet(x, y, "", yields, node) for x, y in zip(leaves(left), leaves(right))]
            return refill(left, iter(parts))
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Undefined) and isinstance(other, Aggregate):
                return other
        t = self.merged_type(left, right)
        var = Var("" if name.startswith("$") else name, t)
        yields.append((var, left, right))
        if isinstance(left, Var) and isinstance(right, Var) and self.origin(left) is self.origin(right):
            self.origins[var] = self.origin(left)
        return var

    @staticmethod
    def merged_type(left: Any, right: Any) -> Any:
        if isinstance(left, Undefined):
            return type_of(right)
        return type_of(left) if isinstance(right, Undefined) else join(type_of(left), type_of(right))

    def choose(
        self, test: Any, then: Callable[[], Any], orelse: Callable[[], Any], node: ast.AST, hint: str = ""
    ) -> Any:
        """``then() if test else orelse()`` as a value."""
        (a, a_stmts, left), (b, b_stmts, right) = self.paths(then, orelse)
        own: list[Any] = []
        value = self.meet(left, right, hint, own, node)
        yields = own + self.merge_frames(a, b, node)
        if yields or a_stmts or b_stmts:
            self.add_if(test, yields, a_stmts, b_stmts, self.build.loc)
        return value


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


def _is_number(atom: Any) -> bool:
    return isinstance(type_of(atom), (ScalarT, ArrayT, NumberT)) if not isinstance(atom, Compiletime) else False


LIBRARIES = ("numpy", "math", "operator", "scipy", "cmath", "builtins")


def _is_library(value: Any) -> bool:
    name = getattr(value, "__name__", "") if isinstance(value, type(ast)) else getattr(value, "__module__", "") or ""
    return name.split(".")[0] in LIBRARIES or isinstance(value, np.ufunc)


def _refuse_generators(low: Lowering, tree: ast.AST) -> None:
    if isinstance(tree, ast.AsyncFunctionDef):
        raise low.unsupported(tree, "a coroutine cannot be differentiated")
    for node in _own_nodes(tree):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            raise low.unsupported(node, "a generator cannot be differentiated", "Collect the values in a list first.")


def _own_nodes(tree: ast.AST) -> Any:
    """The nodes of a function, nested functions apart."""
    stack = list(ast.iter_child_nodes(tree))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack += ast.iter_child_nodes(node)


# -- jumps, read off the syntax ---------------------------------------------------------------------------


def contains(stmts: list[ast.stmt], kind: type | tuple[type, ...]) -> bool:
    """Is there such a statement here, nested functions apart?"""
    return any(isinstance(n, kind) for s in stmts for n in [s, *_own_nodes(s)] if not isinstance(s, ast.FunctionDef))


def may_jump(stmts: list[ast.stmt]) -> bool:
    for stmt in stmts:
        if isinstance(stmt, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
            return True
        if isinstance(stmt, ast.If) and (may_jump(stmt.body) or may_jump(stmt.orelse)):
            return True
        if isinstance(stmt, (ast.For, ast.While)) and contains(stmt.body + stmt.orelse, ast.Return):
            return True
    return False


def must_jump(stmts: list[ast.stmt]) -> bool:
    for stmt in stmts:
        if isinstance(stmt, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
            return True
        if isinstance(stmt, ast.If) and must_jump(stmt.body) and must_jump(stmt.orelse):
            return True
    return False


# -- the other statements ---------------------------------------------------------------------------------


def assign(low: Lowering, stmt: ast.Assign) -> None:
    hint = next((t.id for t in stmt.targets if isinstance(t, ast.Name)), "")
    value = low.expr(stmt.value, hint)
    for target in stmt.targets:
        low.at(stmt)
        stores.assign_to(low, target, value)


def annotated(low: Lowering, stmt: ast.AnnAssign) -> None:
    if stmt.value is not None:
        hint = stmt.target.id if isinstance(stmt.target, ast.Name) else ""
        stores.assign_to(low, stmt.target, low.expr(stmt.value, hint))


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
        raise low.unsupported(stmt, "a decorated function inside a function cannot be differentiated")
    low.bind(stmt.name, local_function(low, stmt))


def delete(low: Lowering, stmt: ast.Delete) -> None:
    for target in stmt.targets:
        if not isinstance(target, ast.Name):
            raise low.unsupported(stmt, "del of an item or attribute cannot be differentiated")
        low.frame.env[target.id] = UNDEFINED


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
    ast.Assert: assertion, ast.FunctionDef: define, ast.Pass: nothing, ast.Delete: delete,
    ast.Import: import_, ast.ImportFrom: import_,
}  # fmt: skip

REFUSED = {
    ast.Try: "try/except", ast.With: "a with block", ast.Global: "a write to a global", ast.Nonlocal: "a nonlocal write",
    ast.Match: "match", ast.ClassDef: "a class inside a function", ast.AsyncFor: "async", ast.AsyncWith: "async",
    ast.AsyncFunctionDef: "a coroutine",
}  # fmt: skip
REMEDIES = {
    ast.Global: "Return the value instead.",
    ast.Nonlocal: "Return the value instead.",
    ast.Try: "Test for the condition before the call that raises.",
    ast.With: "Move the with block outside the differentiated function.",
    ast.Match: "Write it as if/elif.",
}


# -- the whole function -----------------------------------------------------------------------------------


def lower(
    fn: FunctionType, params: dict[str, Any], name: str = "", low: Lowering | None = None
) -> tuple[Function, Lowering]:
    """The program of ``fn`` for parameters bound to these types (or, if known, atoms)."""
    low = low or Lowering()
    source = parse(fn)
    env: dict[str, Any] = {}
    variables: list[Var] = []
    for key, t in params.items():
        atom = Const(t.value) if isinstance(t, ConstT) else (t if isinstance(t, (Const, Ref)) else Var(key, t))
        if isinstance(atom, Var):
            variables.append(atom)
            if t == INT:
                low.demandable.add(atom)
        env[key] = atom
    cells = low.top = cells_of(fn)
    if sys.getrecursionlimit() < RECURSION_LIMIT:  # inlined calls nest deeply in this process's stack
        sys.setrecursionlimit(RECURSION_LIMIT)
    result = low.enter(source, fn.__globals__, cells, env, None, None, fn.__qualname__)
    if isinstance(result, Compiletime) or isinstance(result, Undefined):
        raise UnsupportedSyntax(f"{fn.__qualname__} returns a function or an iterator, which has no derivative")
    captured = [var for var, _ in low.captures.values() if isinstance(var, Var)]
    doc = fn.__doc__ or ""
    return Function(
        name or (fn.__name__ if fn.__name__.isidentifier() else "function"),
        (*variables, *captured),
        low.build.finish(result),
        None,
        doc,
    ), low


def cells_of(fn: FunctionType) -> dict[str, Any]:
    """A function's closure, by name."""
    return dict(zip(fn.__code__.co_freevars, fn.__closure__ or ()))
