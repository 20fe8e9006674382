"""From the program back to Python text.

Expressions become syntax trees that astor prints; statements are laid out here, with the line each came from beside it.

    emit_expression(Call(operator.mul, (x, Const(2.0))), names)
'x * 2.0'
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import functools
import itertools
import math
import operator
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from types import EllipsisType, NoneType
from typing import Any

import astor  # type: ignore[import-untyped]
import numpy as np

from retrograd.runtime import emitted, fallback, numerics
from retrograd.runtime.errors import REFUSALS, DifferentiationError

from .analysis.ownership import LIST_CHANGES
from .builder import type_of
from .intrinsics import Emitted
from .ir import (
    Aggregate,
    Atom,
    Block,
    Call,
    Const,
    For,
    Function,
    If,
    Let,
    Raise,
    Ref,
    Region,
    SliceAtom,
    Stmt,
    Undefined,
    Var,
    While,
    asks_whether_completed,
    definitions,
    raises_again,
    reads,
    vars_of,
    walk,
)
from .operators import BINARY_FUNCTIONS, COMPARE_FUNCTIONS, SYNTAX, UNARY_FUNCTIONS
from .types import BOOL, ArrayT, ListT, ScalarT, is_hashable, is_object

COMMENT_COLUMN = 56


@functools.cache
def canonical_names() -> dict[int, str]:
    """What a library function is called in emitted text."""
    names: dict[int, str] = {}
    spaces = [
        ("", emitted),
        ("", numerics),
        ("math.", math),
        ("np.fft.", np.fft),
        ("np.linalg.", np.linalg),
        ("np.", np),
        ("", builtins),
    ]
    for prefix, module in spaces:
        for name in dir(module):
            value = getattr(module, name)
            own = getattr(value, "__module__", None) in (numerics.__name__, emitted.__name__)
            if callable(value) and not name.startswith("_") and (module not in (numerics, emitted) or own):
                names[id(value)] = prefix + name
    for name in ("absolute", "power", "remainder", "divide", "arctan2", "arcsin", "arccos", "arctan"):
        names[id(getattr(np, name))] = {"absolute": "np.abs"}.get(name, f"np.{name}")
    return names


@dataclass
class Emitter:
    """Prints one function.  ``scope`` collects the objects its text refers to by name."""

    names: dict[Var, str]
    updates: set[int]
    scope: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    sources: list[Any] = field(default_factory=list)
    depth: int = 1
    last: Any = None

    @property
    def expressions(self) -> dict[Any, Any]:
        """Calls that are printed as syntax."""
        return EXPRESSIONS

    def prepare(self, fn: Function) -> None:
        """What a dialect wants to know of the whole program."""

    def unset(self, var: Var) -> ast.expr:
        """What a value is called with where no path has bound it."""
        return ast.Constant(None)

    # -- expressions --------------------------------------------------------------------------------------

    def name(self, var: Var) -> ast.expr:
        return ast.Name(self.names[var], ast.Load())

    def expr(self, atom: Atom) -> ast.expr:
        if isinstance(atom, Var):
            return self.name(atom)
        if isinstance(atom, Const):
            return self.constant(atom.value)
        if isinstance(atom, Ref):
            return self.reference(atom.value, atom.text)
        if isinstance(atom, Call):
            return self.call(atom)
        if isinstance(atom, SliceAtom):
            return ast.Slice(*(self.optional(p) for p in (atom.start, atom.stop, atom.step)))
        if isinstance(atom, Aggregate):
            return self.aggregate(atom)
        return ast.Constant(None)

    def optional(self, atom: Atom) -> ast.expr | None:
        return None if isinstance(atom, Const) and atom.value is None else self.expr(atom)

    def constant(self, value: Any) -> ast.expr:
        if isinstance(value, float) and not math.isfinite(value):
            inf = ast.Attribute(ast.Name("np", ast.Load()), "nan" if math.isnan(value) else "inf", ast.Load())
            return ast.UnaryOp(ast.USub(), inf) if value < 0 else inf
        if isinstance(value, (int, float)) and not isinstance(value, bool) and (value < 0 or str(value)[0] == "-"):
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        if type(value) in (NoneType, bool, int, float, complex, str, bytes, EllipsisType):
            return ast.Constant(value)
        if isinstance(value, tuple):
            return ast.Tuple([self.constant(v) for v in value], ast.Load())
        return self.reference(value, "constant")

    def aggregate(self, atom: Aggregate) -> ast.expr:
        items = [self.expr(item) for item in atom.items]
        if atom.kind is tuple:
            return ast.Tuple(items, ast.Load())
        if atom.kind is list:
            return ast.List(items, ast.Load())
        if atom.kind is dict:
            return ast.Dict([self.constant(k) for k in atom.keys or ()], items)
        keywords = [ast.keyword(k, v) for k, v in zip(atom.keys or (), items)]
        kind = self.reference(atom.kind, atom.kind.__name__)
        if _constructs(atom):
            return ast.Call(kind, [], keywords)
        return ast.Call(self.reference(emitted.made, "made"), [kind], keywords)

    def reference(self, value: Any, text: str) -> ast.expr:
        """A name for an object from outside: the library's own name, or one bound in the module's scope."""
        known = canonical_names().get(id(value))
        if known is None and text.startswith(("np.", "math.")):
            known = text
        if known is None:
            known = text.replace(".", "_")
            while known in self.scope and self.scope[known] is not value:
                known += "_"
            self.scope[known] = value
        elif "." not in known and not hasattr(builtins, known):
            self.scope[known] = value
        return ast.parse(known, mode="eval").body

    def call(self, call: Call) -> ast.expr:
        fn, args = call.fn, call.args
        if fn in BINARY_FUNCTIONS and len(args) == 2:
            return ast.BinOp(self.expr(args[0]), SYNTAX[fn](), self.expr(args[1]))
        if fn in UNARY_FUNCTIONS:
            return ast.UnaryOp(SYNTAX[fn](), self.expr(args[0]))
        if fn in COMPARE_FUNCTIONS:
            return ast.Compare(self.expr(args[0]), [SYNTAX[fn]()], [self.expr(args[1])])
        special = self.expressions.get(fn) if is_hashable(fn) else None
        if special is not None:
            return special(self, call)
        style, _, name = call.form.partition(":")
        if style == "attribute":
            return ast.Attribute(self.expr(args[0]), name, ast.Load())
        keywords = [ast.keyword(k, self.expr(a)) for k, a in call.kwargs]
        if style == "method":
            return ast.Call(
                ast.Attribute(self.expr(args[0]), name, ast.Load()), [self.argument(a) for a in args[1:]], keywords
            )
        text = getattr(fn, "__name__", type(fn).__name__)
        passed = [self.argument(a) for a in args]
        if isinstance(fn, Emitted) and fn.unpacks:
            passed[0] = ast.Starred(passed[0], ast.Load())
        return ast.Call(self.reference(fn, text if text.isidentifier() else "function"), passed, keywords)

    def argument(self, atom: Atom) -> ast.expr:
        """An operand of a call; an index with colons is written ``np.s_[...]`` there."""
        parts = atom.items if isinstance(atom, Aggregate) and atom.kind is tuple else (atom,)
        if not any(isinstance(part, SliceAtom) for part in parts):
            return self.expr(atom)
        return ast.Subscript(ast.parse("np.s_", mode="eval").body, self.expr(atom), ast.Load())

    # -- lines --------------------------------------------------------------------------------------------

    def text(self, node: ast.AST) -> str:
        ast.fix_missing_locations(node)
        printed = astor.to_source(node, pretty_source="".join, pretty_string=lambda s, *a, **k: repr(s)).strip()
        printed = printed if _means(printed, node) else ast.unparse(node)
        return _without_outer_parentheses(str(printed)) if isinstance(node, ast.expr) else str(printed)

    def line(self, text: str, loc: Any = None) -> None:
        self.lines.append("    " * self.depth + text)
        self.sources.append(loc)

    def assign(self, target: str, value: ast.expr, loc: Any = None) -> None:
        self.line(self.text(ast.Assign([ast.Name(target, ast.Store())], value)), loc)

    # -- statements ---------------------------------------------------------------------------------------

    def begin(self, fn: Function) -> None:
        """The lines before the first statement: names that some path leaves unbound, and that are read all the same."""
        bound = {self.names[p] for p in fn.params}
        for var in fn.options.get("unset", ()):
            if self.names[var] not in bound:
                self.assign(self.names[var], self.unset(var))
                bound.add(self.names[var])

    def block(self, block: Block, copies: Iterable[tuple[Var, Atom]], leave: Any = None) -> bool:
        """Statements, then the hand-over of yields; ``leave`` says how a loop's go-flag is spelt."""
        stmts = list(block.stmts)
        tail = stmts[-1] if stmts else None
        copies = list(copies)
        start = len(self.lines)
        if leave is not None and isinstance(tail, If) and leave.go in tail.results:
            self.stmts(stmts[:-1])
            self.breaking_if(tail, copies, leave.go)
            return len(self.lines) > start
        self.stmts(stmts)
        go = self.kept(leave.go, copies) if leave is not None else None
        self.copy(copies)
        if go is not None:
            self.leave(go)
        return len(self.lines) > start

    def stmts(self, stmts: Iterable[Stmt]) -> None:
        """Statements in order; the branch that handles a ``try`` block's failure is printed as its ``except`` clause."""
        pending = list(stmts)
        while pending:
            stmt = pending.pop(0)
            if isinstance(stmt, Region):
                follows = pending[0] if pending else None
                self.region(stmt, pending.pop(0) if asks_whether_completed(follows, stmt) else None)  # type: ignore[arg-type]
            elif isinstance(stmt, Let) and (parts := self.parts_of(stmt, pending)):
                del pending[: len(parts)]
                self.unpack(stmt, parts)
            else:
                self.stmt(stmt)

    def parts_of(self, row: Let, following: list[Stmt]) -> list[Let]:
        """The statements that take a row apart, if nothing else reads it."""
        parts = list(itertools.takewhile(lambda s: _is_part(s, row), following))
        return parts if len(parts) == self.counts[row.var] else []  # type: ignore[return-value]

    def unpack(self, row: Let, parts: list[Let]) -> None:
        """``x, y = tape.pop()``."""
        names = {part.call.args[1].value: self.names[part.var] for part in parts}  # type: ignore[union-attr]
        targets = ", ".join(names.get(k, "_") for k in range(len(row.var.type.items)))
        self.line(f"{targets} = {self.text(self.call(row.call))}", row.loc)

    def region(self, stmt: Region, handler: If | None = None) -> None:
        if stmt.catch is None:
            self.with_(stmt)
            return
        ok = stmt.results[0]
        asked = self.counts[ok] > (1 if handler is not None else 0)
        self.header("try:", stmt)
        moves = [*zip(stmt.results[1:], stmt.body.yields[1:])]
        self.indented(lambda: self.block(stmt.body, moves) or self.line("pass"))
        for kind in self.passed_on(stmt) if not raises_again(handler) else ():
            self.line(f"except {self.text(self.reference(kind, kind.__name__))}:")
            self.indented(lambda: self.line("raise"))
        error = stmt.error if stmt.error is not None and self.counts[stmt.error] else None
        inside = error is not None and handler is not None and self.ends_with(error, handler)
        caught = "" if error is None else f" as {self.names[error]}{'' if inside else '_'}"
        self.line(f"except {self.text(self.expr(stmt.catch))}{caught}:")  # type: ignore[arg-type]
        self.indented(lambda: self.failed(stmt, handler, asked, None if inside else error))
        mark = len(self.lines)
        self.line("else:")
        self.indented(lambda: self.completed(ok, handler, asked))
        if len(self.lines) == mark + 1:
            del self.lines[mark:], self.sources[mark:]

    def passed_on(self, stmt: Region) -> list[type[Exception]]:
        """Errors of Retrograd's that no handler of the user's may see."""
        return [DifferentiationError] if _catches_refusals(stmt) else []

    def ends_with(self, error: Var, handler: If) -> bool:
        """Is a name bound by ``except ... as`` read by no one after that clause, at whose end Python unbinds it?"""
        others = {*handler.results, *definitions(handler.orelse)}
        handed_on = any(self.names.get(v) == self.names[error] for v in others)
        return not handed_on and Counter(reads(handler.orelse))[error] == self.counts[error]

    def failed(self, stmt: Region, handler: If | None, asked: bool, error: Var | None) -> None:
        start = len(self.lines)
        if asked:
            self.assign(self.names[stmt.results[0]], ast.Constant(False))
        if error is not None:
            self.line(f"{self.names[error]} = {self.names[error]}_")
        if handler is not None:
            self.block(handler.orelse, zip(handler.results, handler.orelse.yields))
        if len(self.lines) == start:
            self.line("pass")

    def completed(self, ok: Var, handler: If | None, asked: bool) -> None:
        if asked:
            self.assign(self.names[ok], ast.Constant(True))
        if handler is not None:
            self.block(handler.then, zip(handler.results, handler.then.yields))

    def with_(self, stmt: Region) -> None:
        moves = [*zip(stmt.results, stmt.body.yields)]
        if stmt.context is None:
            self.block(stmt.body, moves)
            return
        target = f" as {self.names[stmt.target]}" if stmt.target is not None else ""
        self.header(f"with {self.text(self.expr(stmt.context))}{target}:", stmt)
        self.indented(lambda: self.block(stmt.body, moves) or self.line("pass"))

    def kept(self, go: Atom, copies: Iterable[tuple[Var, Atom]]) -> Atom:
        """A question under a name of its own, if it reads what is handed over before it is asked."""
        written = {self.names[t] for t, s in copies if t in self.names and not self.same(t, s)}
        if not any(self.names.get(v) in written for v in vars_of(go)):
            return go
        var = Var("go", BOOL)
        taken = set(self.names.values())
        self.names[var] = next(name for k in itertools.count(1) if (name := f"go{k}" if k > 1 else "go") not in taken)
        self.assign(self.names[var], self.expr(go))
        return var

    def leave(self, go: Atom) -> None:
        if isinstance(go, Const):
            if not go.value:
                self.line("break")
            return
        self.line(f"if {self.negated(go)}:")
        self.indented(lambda: self.line("break"))

    def breaking_if(self, stmt: If, copies: list[Any], go: Atom) -> None:
        """An ``if`` at the end of a loop's body, some of whose branches leave the loop."""
        at = stmt.results.index(go)  # type: ignore[arg-type]
        rest = [k for k in range(len(stmt.results)) if k != at]
        ends = stmt.then.yields[at], stmt.orelse.yields[at]

        def side(block: Block, end: Atom) -> bool:
            own = [(stmt.results[k], block.yields[k]) for k in rest]
            before = len(self.lines)
            tail = block.stmts[-1] if block.stmts else None
            if isinstance(tail, If) and end in tail.results:
                self.stmts(block.stmts[:-1])
                self.breaking_if(tail, [*own, *copies], end)
            else:
                self.stmts(block.stmts)
                go = self.kept(end, [*own, *copies])
                self.copy(own)
                self.copy(copies)
                self.leave(go)
            return len(self.lines) > before

        leaves = [isinstance(e, Const) and not e.value for e in ends]
        if leaves[1] and not leaves[0]:
            self.header(f"if {self.negated(stmt.cond)}:", stmt)
            self.indented(lambda: side(stmt.orelse, ends[1]) or self.line("pass"))
            side(stmt.then, ends[0])
            return
        self.header(f"if {self.condition(stmt.cond)}:", stmt)
        self.indented(lambda: side(stmt.then, ends[0]) or self.line("pass"))
        if leaves[0]:
            side(stmt.orelse, ends[1])
            return
        self.optional_else(lambda: side(stmt.orelse, ends[1]))

    def condition(self, cond: Atom) -> str:
        return self.text(self.expr(cond))

    def negated(self, cond: Atom) -> str:
        tree = self.expr(cond)
        twice = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
        return self.text(tree.operand if twice else ast.UnaryOp(ast.Not(), tree))  # type: ignore[attr-defined]

    def optional_else(self, body: Any) -> None:
        mark = len(self.lines)
        self.line("else:")
        self.indented(body)
        if len(self.lines) == mark + 1:
            del self.lines[mark:], self.sources[mark:]

    def indented(self, body: Any) -> None:
        self.depth += 1
        body()
        self.depth -= 1

    def header(self, text: str, stmt: Any) -> None:
        self.line(text, stmt.loc)

    def copy(self, copies: Iterable[tuple[Var, Atom]]) -> None:
        """Hand values over, all at once where order would matter."""
        moves = [
            (self.names[t], self.expr(s))
            for t, s in copies
            if t in self.names and not isinstance(s, Undefined) and not self.same(t, s)
        ]
        targets = {t for t, _ in moves}
        tangled = any(isinstance(n, ast.Name) and n.id in targets - {t} for t, s in moves for n in ast.walk(s))
        if tangled:
            left = ast.Tuple([ast.Name(t, ast.Store()) for t, _ in moves], ast.Store())
            self.line(self.text(ast.Assign([left], ast.Tuple([s for _, s in moves], ast.Load()))).replace("(", "(", 1))
            return
        for target, source in moves:
            self.assign(target, source)

    def same(self, target: Var, source: Atom) -> bool:
        return isinstance(source, Var) and self.names[source] == self.names[target]

    def stmt(self, stmt: Stmt) -> None:
        if isinstance(stmt, Let):
            self.let(stmt)
        elif isinstance(stmt, If):
            self.branch(stmt)
        elif isinstance(stmt, For):
            self.for_(stmt)
        elif isinstance(stmt, While):
            self.while_(stmt)
        elif isinstance(stmt, Region):
            self.region(stmt)
        else:
            self.raise_(stmt)

    def let(self, stmt: Let) -> None:
        call, target = stmt.call, self.names[stmt.var]
        if call.fn is numerics.store:
            self.store(stmt, target)
        elif call.fn is emitted.add_at:
            self.add_at(stmt, target)
        elif call.fn is emitted.truncate:
            tape, n = (self.text(self.expr(a)) for a in call.args)
            self.line(f"del {tape}[{n}:]")
        elif call.fn in LIST_CHANGES:
            self.update(stmt, target)
            self.line(self.text(LIST_STATEMENTS[call.fn](self, ast.Name(target, ast.Load()), stmt)), stmt.loc)
        elif call.fn is emitted.push:
            self.line(f"{self.names[call.args[0]]}.append({self.text(self.expr(call.args[1]))})")  # type: ignore[index]
        elif id(stmt) in self.updates and call.fn in BINARY_FUNCTIONS and self.names.get(call.args[0]) == target:  # type: ignore[arg-type]
            self.augment(stmt, ast.Name(target, ast.Store()), call.fn, call.args[1])
        elif stmt.var in self.unread:
            self.line(self.text(ast.Expr(self.call(call))), stmt.loc)
        else:
            self.assign(target, self.call(call), stmt.loc)

    unread: frozenset[Var] = frozenset()

    def update(self, stmt: Let, target: str) -> None:
        """A store writes the array it is given; a copy of the reference is printed if the name changes."""
        first = stmt.call.args[0]
        if not (isinstance(first, Var) and self.names[first] == target):
            self.assign(target, self.expr(first))

    def augment(self, stmt: Let, left: ast.expr, fn: Any, value: Atom) -> None:
        """``left += value``, and the like; what is negative is subtracted."""
        if not stmt.forward:
            fn, value = _with_sign(fn, value)
        self.line(self.text(ast.AugAssign(left, SYNTAX[fn](), self.expr(value))), stmt.loc)

    def store(self, stmt: Let, target: str) -> None:
        self.update(stmt, target)
        key, value = self.expr(stmt.call.args[1]), self.expr(stmt.call.args[2])
        node = ast.Assign([ast.Subscript(ast.Name(target, ast.Load()), key, ast.Store())], value)
        v = stmt.call.args[2]
        if isinstance(v, Call) and v.fn in BINARY_FUNCTIONS and len(v.args) == 2:
            old = v.args[0]
            whole = stmt.call.args[1] == Const(Ellipsis) and old == stmt.call.args[0]
            part = (
                isinstance(old, Call)
                and old.fn is operator.getitem
                and old.args[0] == stmt.call.args[0]
                and _same_atom(old.args[1], stmt.call.args[1])
            )
            if whole or part:
                left: Any = (
                    ast.Name(target, ast.Store())
                    if whole
                    else ast.Subscript(ast.Name(target, ast.Load()), key, ast.Store())
                )
                self.augment(stmt, left, v.fn, v.args[1])
                return
        self.line(self.text(node), stmt.loc)

    def add_at(self, stmt: Let, target: str) -> None:
        self.update(stmt, target)
        _, key, value = stmt.call.args
        if stmt.call.form == "add_once":
            part = ast.Subscript(ast.Name(target, ast.Load()), self.expr(key), ast.Store())
            self.augment(stmt, part, operator.add, value)
            return
        add = ast.parse("np.add.at", mode="eval").body
        node = ast.Expr(ast.Call(add, [ast.Name(target, ast.Load()), self.argument(key), self.expr(value)], []))
        self.line(self.text(node), stmt.loc)

    def branch(self, stmt: If) -> None:
        then = list(zip(stmt.results, stmt.then.yields))
        orelse = list(zip(stmt.results, stmt.orelse.yields))
        mark = len(self.lines)
        self.header(f"if {self.condition(stmt.cond)}:", stmt)
        body = len(self.lines)
        self.indented(lambda: self.block(stmt.then, then))
        if len(self.lines) == body:
            del self.lines[mark:], self.sources[mark:]
            self.header(f"if {self.negated(stmt.cond)}:", stmt)
            self.indented(lambda: self.block(stmt.orelse, orelse) or self.line("pass"))
            return
        if self.is_elif(stmt):
            self.elif_(stmt.orelse.stmts[0], orelse)  # type: ignore[arg-type]
            return
        self.optional_else(lambda: self.block(stmt.orelse, orelse))

    def is_elif(self, stmt: If) -> bool:
        own = stmt.orelse
        if len(own.stmts) != 1 or not isinstance(own.stmts[0], If):
            return False
        return all(
            isinstance(y, Undefined) or (isinstance(y, Var) and self.names[y] == self.names[r])
            for r, y in zip(stmt.results, own.yields)
        )

    def elif_(self, stmt: If, copies: Any) -> None:
        mark = len(self.lines)
        self.branch(stmt)
        if self.lines[mark].lstrip().startswith("if "):
            self.lines[mark] = self.lines[mark].replace("if ", "elif ", 1)

    def loop_start(self, stmt: Any) -> None:
        skip = 1 if stmt.breaks else 0
        self.copy(zip(stmt.args[skip:], stmt.inits[skip:]))

    def loop_body(self, stmt: Any, first: Any = None) -> None:
        skip = 1 if stmt.breaks else 0
        copies = list(zip(stmt.args[skip:], stmt.body.yields[skip:]))

        def body() -> None:
            start = len(self.lines)
            if first is not None:
                first()
            self.block(stmt.body, copies, _Leave(stmt.body.yields[0]) if stmt.breaks else None)
            if len(self.lines) == start:
                self.line("pass")

        self.indented(body)

    def loop_end(self, stmt: Any) -> None:
        skip = 1 if stmt.breaks else 0
        self.copy(zip(stmt.results[skip:], stmt.args[skip:]))

    def needs_flag(self, stmt: Any) -> bool:
        return stmt.breaks and stmt.results and stmt.results[0] in self.read

    read: frozenset[Var] = frozenset()
    counts: Counter[Var] = field(default_factory=Counter)

    def for_(self, stmt: For) -> None:
        self.loop_start(stmt)
        flag = self.needs_flag(stmt)
        if flag:
            self.assign(self.names[stmt.results[0]], ast.Constant(True))
        self.header(f"for {self.targets(stmt)} in {self.iterable(stmt)}:", stmt)
        self.with_flag(stmt, flag)
        self.loop_end(stmt)

    def with_flag(self, stmt: Any, flag: bool, first: Any = None) -> None:
        """The body; if the code after the loop asks how it ended, each ``break`` notes it first."""
        start = len(self.lines)
        self.loop_body(stmt, first)
        if not flag:
            return
        name, depth = self.names[stmt.results[0]], self.depth + 1
        lines, sources = [], []
        loops = 0
        for line, source in zip(self.lines[start:], self.sources[start:]):
            indent = len(line) - len(line.lstrip())
            if loops and indent <= loops:
                loops = 0
            if line.strip() == "break" and not loops:
                lines.append(" " * indent + f"{name} = False")
                sources.append(None)
            if line.lstrip().startswith(("for ", "while ")) and not loops and indent >= 4 * depth:
                loops = indent
            lines.append(line)
            sources.append(source)
        self.lines[start:], self.sources[start:] = lines, sources

    def targets(self, stmt: For) -> str:
        used = set(reads(stmt.body))
        names = [self.names[t] if stmt.forward or t in used else "_" for t in stmt.each.targets]
        inner = ", ".join(names)
        if stmt.each.kind == "range":
            return inner
        if stmt.index in used:
            return f"{self.names[stmt.index]}, {inner if len(names) == 1 else f'({inner})'}"
        return inner

    def iterable(self, stmt: For) -> str:
        operands = [self.text(self.expr(a)) for a in stmt.each.operands]
        if stmt.each.kind == "range":
            header = f"range({', '.join(operands)})"
        else:
            header = operands[0] if len(operands) == 1 else f"zip({', '.join(operands)})"
            if stmt.index in set(reads(stmt.body)):
                header = f"enumerate({header})"
        return f"reversed({header})" if stmt.each.backwards else header

    def while_(self, stmt: While) -> None:
        self.loop_start(stmt)
        flag = self.needs_flag(stmt)
        if flag:
            self.assign(self.names[stmt.results[0]], ast.Constant(True))
        if not stmt.head.stmts:
            self.header(f"while {self.condition(stmt.head.yields[0])}:", stmt)
            self.with_flag(stmt, flag)
        else:
            self.header("while True:", stmt)

            def first() -> None:
                for inner in stmt.head.stmts:
                    self.stmt(inner)
                self.line(f"if {self.negated(stmt.head.yields[0])}:")
                self.indented(lambda: self.line("break"))

            self.with_flag(stmt, False, first)
            if flag:
                raise AssertionError("a loop with a long condition and a break whose ending is asked for")
        self.loop_end(stmt)

    def raise_(self, stmt: Raise) -> None:
        if stmt.call is not None and stmt.call.fn is emitted.same_error:
            self.line(f"raise {self.text(self.expr(stmt.call.args[0]))}", stmt.loc)
            return
        self.line(self.text(ast.Raise(self.call(stmt.call), None)) if stmt.call else "raise", stmt.loc)


def _catches_refusals(stmt: Region) -> bool:
    """Would a handler of the user's see errors of Retrograd's, which the user's function does not raise (L3)?"""
    return stmt.catches(*REFUSALS) and any(map(_may_refuse, calls_of(stmt.body)))


def _may_refuse(call: Call) -> bool:
    own = getattr(call.fn, "__module__", None) == fallback.__name__
    return own or isinstance(call.fn, Emitted) or (is_hashable(call.fn) and call.fn in emitted.REFUSING)


def _with_sign(fn: Any, value: Atom) -> tuple[Any, Atom]:
    """x += -c * y  ->  x -= c * y    (to the bit)"""
    opposite = {operator.add: operator.sub, operator.sub: operator.add}.get(fn)
    if opposite is None or not isinstance(value, Call) or value.kwargs:
        return fn, value
    if value.fn is operator.neg:
        return opposite, value.args[0]
    first = value.args[0] if value.fn is operator.mul else None
    if isinstance(first, Const) and type(first.value) in (int, float) and first.value < 0:
        return opposite, replace(value, args=(Const(-first.value), *value.args[1:]))
    return fn, value


def _is_part(stmt: Stmt, row: Let) -> bool:
    """Is it one of the values that were recorded together?"""
    return isinstance(stmt, Let) and stmt.call.form == "unpack" and stmt.call.args[0] is row.var


def _means(text: str, node: ast.AST) -> bool:
    """astor 0.8 loses some parentheses (``not (a if c else b)``); what it prints must parse to what was meant."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    found: Any = tree.body[0] if len(tree.body) == 1 else None
    if isinstance(node, ast.expr):
        found = getattr(found, "value", None)
    return found is not None and _shape(found) == _shape(node)


def _shape(node: ast.AST) -> str:
    return ast.dump(node).replace("ctx=Store()", "ctx=Load()").replace(", type_params=[]", "")


def _without_outer_parentheses(text: str) -> str:
    if not text.startswith("(") or not text.endswith(")"):
        return text
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0 and at < len(text) - 1:
            return text
    inner = text[1:-1]
    return text if not inner or _is_tuple(text) else inner


def _is_tuple(text: str) -> bool:
    return isinstance(ast.parse(text, mode="eval").body, ast.Tuple)


@dataclass(frozen=True)
class _Leave:
    go: Atom


def _same_atom(a: Atom, b: Atom) -> bool:
    if isinstance(a, Aggregate) and isinstance(b, Aggregate):
        return len(a.items) == len(b.items) and all(map(_same_atom, a.items, b.items))
    if isinstance(a, SliceAtom) and isinstance(b, SliceAtom):
        return all(_same_atom(x, y) for x, y in ((a.start, b.start), (a.stop, b.stop), (a.step, b.step)))
    return a is b or (isinstance(a, Const) and a == b) or (isinstance(a, Call) and isinstance(b, Call) and a == b)


# -- calls that are printed as syntax ---------------------------------------------------------------------


def _subscript(e: Emitter, call: Call) -> ast.expr:
    key = call.args[1]
    if isinstance(key, Aggregate) and key.kind is tuple and key.items:
        return ast.Subscript(e.expr(call.args[0]), ast.Tuple([e.expr(k) for k in key.items], ast.Load()), ast.Load())
    return ast.Subscript(e.expr(call.args[0]), e.expr(key), ast.Load())


def _if_expression(e: Emitter, call: Call) -> ast.expr:
    return ast.IfExp(e.expr(call.args[0]), e.expr(call.args[1]), e.expr(call.args[2]))


def _boolean(op: type[ast.boolop]) -> Any:
    def print_(e: Emitter, call: Call) -> ast.expr:
        return ast.BoolOp(op(), [e.expr(a) for a in call.args])

    return print_


def _pop(e: Emitter, call: Call) -> ast.expr:
    return ast.Call(ast.Attribute(e.expr(call.args[0]), "pop", ast.Load()), [], [])


def _append(e: Emitter, xs: ast.expr, stmt: Let) -> ast.AST:
    return ast.Expr(ast.Call(ast.Attribute(xs, "append", ast.Load()), [e.expr(stmt.call.args[1])], []))


def _drop_last(e: Emitter, xs: ast.expr, stmt: Let) -> ast.AST:
    return ast.Expr(ast.Call(ast.Attribute(xs, "pop", ast.Load()), [], []))


def _set_item(e: Emitter, xs: ast.expr, stmt: Let) -> ast.AST:
    return ast.Assign([ast.Subscript(xs, e.expr(stmt.call.args[1]), ast.Store())], e.expr(stmt.call.args[2]))


def _set_in(e: Emitter, xs: ast.expr, stmt: Let) -> ast.AST:
    whole, path, value = stmt.call.args
    place = _inside(e, xs, type_of(whole), path.items)
    if stmt.call.fn is emitted.append_in:
        return ast.Expr(ast.Call(ast.Attribute(place, "append", ast.Load()), [e.expr(value)], []))
    place.ctx = ast.Store()  # type: ignore[attr-defined]
    return ast.Assign([place], e.expr(value))


def _inside(e: Emitter, xs: ast.expr, t: Any, path: tuple[Atom, ...]) -> ast.expr:
    """``xs[i].x``."""
    for key in path:
        xs = ast.Attribute(xs, key.value, ast.Load()) if is_object(t) else ast.Subscript(xs, e.expr(key), ast.Load())  # type: ignore[union-attr]
        t = t.item if isinstance(t, ListT) else t.items[list(t.labels).index(key.value)]  # type: ignore[union-attr]
    return xs


def _get_in(e: Emitter, call: Call) -> ast.expr:
    return _inside(e, e.expr(call.args[0]), type_of(call.args[0]), call.args[1].items)  # type: ignore[union-attr]


def _without(e: Emitter, xs: ast.expr, stmt: Let) -> ast.AST:
    return ast.Delete([ast.Subscript(xs, e.expr(stmt.call.args[1]), ast.Del())])


def _dict(e: Emitter, call: Call) -> ast.expr:
    if len(call.args) == 1 and isinstance(call.args[0], Aggregate) and call.args[0].kind is dict:
        return e.expr(call.args[0])
    return ast.Call(ast.Name("dict", ast.Load()), [e.expr(a) for a in call.args], [])


def _boxed(e: Emitter, call: Call) -> ast.expr:
    return e.expr(call.args[0])


def _constructs(atom: Aggregate) -> bool:
    """Does the constructor only store what it is given, one attribute each?"""
    if issubclass(atom.kind, tuple):
        return True
    if not dataclasses.is_dataclass(atom.kind) or hasattr(atom.kind, "__post_init__"):
        return False
    generated = getattr(atom.kind, "__dataclass_params__").init and "__init__" in vars(atom.kind)
    fields = dataclasses.fields(atom.kind)
    return bool(generated) and all(f.init for f in fields) and set(atom.keys or ()) <= {f.name for f in fields}


def _add_to_item(e: Emitter, xs: ast.expr, stmt: Let) -> ast.AST:
    _, key, g = stmt.call.args
    t = stmt.var.type.item
    place, part = (ast.Subscript(xs, e.expr(key), ctx) for ctx in (ast.Store(), ast.Load()))
    if isinstance(t, ScalarT) and not isinstance(key, SliceAtom):
        return ast.AugAssign(place, ast.Add(), e.expr(g))
    if isinstance(t, ArrayT) and not isinstance(key, SliceAtom):
        return ast.Assign([place], ast.BinOp(part, ast.Add(), e.expr(g)))
    return ast.Assign([place], ast.Call(e.reference(emitted.add_items, "add_items"), [part, e.expr(g)], []))


LIST_STATEMENTS: dict[Any, Any] = {
    emitted.append: _append, emitted.drop_last: _drop_last, emitted.set_item: _set_item, emitted.set_in: _set_in,
    emitted.append_in: _set_in, emitted.without: _without,
    emitted.add_to_item: _add_to_item,
}  # fmt: skip


def _repeat(e: Emitter, call: Call) -> ast.expr:
    return ast.BinOp(e.expr(call.args[0]), ast.Mult(), e.expr(call.args[1]))


def _copy(e: Emitter, call: Call) -> ast.expr:
    return ast.Call(ast.parse("np.copy", mode="eval").body, [e.expr(call.args[0])], [])


def _list(e: Emitter, call: Call) -> ast.expr:
    if not call.args:
        return ast.List([], ast.Load())
    if isinstance(call.args[0], Aggregate) and call.args[0].kind is list:
        return e.expr(call.args[0])
    return ast.Call(ast.Name("list", ast.Load()), [e.expr(a) for a in call.args], [])


def _format(e: Emitter, call: Call) -> ast.expr:
    return ast.Call(ast.Attribute(e.expr(call.args[0]), "format", ast.Load()), [e.expr(a) for a in call.args[1:]], [])


def _call_value(e: Emitter, call: Call) -> ast.expr:
    return ast.Call(
        e.expr(call.args[0]), [e.expr(a) for a in call.args[1:]], [ast.keyword(k, e.expr(a)) for k, a in call.kwargs]
    )


EXPRESSIONS: dict[Any, Any] = {
    operator.getitem: _subscript,
    emitted.choose: _if_expression,
    emitted.both: _boolean(ast.And),
    emitted.either: _boolean(ast.Or),
    emitted.pop: _pop,
    emitted.boxed: _boxed,
    dict: _dict,
    emitted.get_in: _get_in,
    emitted.fresh_copy: _copy,
    emitted.repeat: _repeat,
    emitted.call_value: _call_value,
    list: _list,
    str.format: _format,
}


# -- a whole function -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    """Emitted source, what its names refer to, and the user's location of each of its lines."""

    source: str
    scope: dict[str, Any]
    sources: tuple[Any, ...]


def names_taken(block: Block) -> frozenset[str]:
    """Names that library references will use in the text."""
    known = canonical_names()
    found = {"np", "math", "reversed", "range", "enumerate", "zip"}
    for stmt in walk(block):
        for call in _calls(stmt):
            text = known.get(id(call.fn), getattr(call.fn, "__name__", "function"))
            found.add(text.split(".")[0])
        for atom in _refs(stmt):
            found.add(known.get(id(atom.value), atom.text.replace(".", "_")).split(".")[0])
    return frozenset(found)


def calls_of(block: Block) -> Iterable[Call]:
    """Every computation in a block, those nested in others too."""
    return (call for stmt in walk(block) for call in _calls(stmt))


def _calls(stmt: Stmt) -> Iterable[Call]:
    if isinstance(stmt, (Let, Raise)) and stmt.call is not None:
        yield from _nested(stmt.call)
    elif isinstance(stmt, If) and isinstance(stmt.cond, Call):
        yield from _nested(stmt.cond)
    elif isinstance(stmt, Region) and isinstance(stmt.context, Call):
        yield from _nested(stmt.context)
    elif isinstance(stmt, (For, While)):
        for atom in (*stmt.inits, *(stmt.each.operands if isinstance(stmt, For) else stmt.head.yields)):
            if isinstance(atom, Call):
                yield from _nested(atom)


def _nested(call: Call) -> Iterable[Call]:
    yield call
    for atom in call.atoms():
        if isinstance(atom, Call):
            yield from _nested(atom)


def _refs(stmt: Stmt) -> Iterable[Ref]:
    for call in _calls(stmt):
        for atom in call.atoms():
            if isinstance(atom, Ref):
                yield atom


def emit(fn: Function, names: dict[Var, str], updates: set[int], emitter: Emitter | None = None) -> Text:
    """The function as text, printed by ``emitter`` if one is given."""
    emitter = emitter or Emitter(names, updates)
    emitter.scope[fn.name] = fn.options.get("emitted")  # nothing else is called so here
    emitter.prepare(fn)
    used = set(reads(fn.body))
    emitter.read = frozenset(used)
    emitter.counts = Counter(reads(fn.body))
    emitter.unread = frozenset(s.var for s in walk(fn.body) if isinstance(s, Let) and s.var not in used)
    emitter.begin(fn)
    seam = fn.options.get("seam", -1)
    emitter.stmts(fn.body.stmts[: max(seam, 0)])
    if seam >= 0:
        emitter.line("# reverse")
    emitter.stmts(fn.body.stmts[max(seam, 0) :])
    emitter.line("return " + _returned(emitter, fn.result))
    header = f"def {fn.name}({', '.join(names[p] for p in fn.params)}):"
    file = next((s.file for s in emitter.sources if s is not None), "")
    lines = [header, *_with_provenance(emitter.lines, emitter.sources, file)]
    del emitter.scope[fn.name]
    return Text("\n".join(lines) + "\n", emitter.scope, (None, *emitter.sources))


def _returned(e: Emitter, result: Atom) -> str:
    if isinstance(result, Aggregate) and result.kind is tuple and len(result.items) > 1:
        return ", ".join(e.text(e.expr(item)) for item in result.items)
    return e.text(e.expr(result))


def _with_provenance(lines: list[str], sources: list[Any], file: str) -> list[str]:
    """Each line with the number of the user's line it came from, where that changes."""
    column = min(max((len(line) for line in lines), default=0) + 2, COMMENT_COLUMN)
    out, last = [], None
    for line, loc in zip(lines, sources):
        mark = None if loc is None else (loc.file, loc.line)
        if mark is not None and mark != last:
            where = f"{loc.line}" if loc.file == file else f"{loc.file.rpartition('/')[2]}:{loc.line}"
            out.append(f"{line:<{column}}# {where}" if len(line) < column else f"{line}  # {where}")
            last = mark
        else:
            out.append(line)
    return out
