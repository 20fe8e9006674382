"""Lowering of ``try``, ``with`` and ``match``.

A guarded block becomes a ``Region``: what it bound is handed over when it completes.  A handler is the other branch of the question
whether it did; what the block changed before it raised is not known there, and reading it is refused (L3).
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import SourceUnavailable
from retrograd.runtime.rules import lookup

from . import calls
from .analysis.purity import cannot_raise
from .builder import type_of
from .ir import (
    UNDEFINED,
    Aggregate,
    Block,
    Call,
    Const,
    If,
    Let,
    Raise,
    Ref,
    Region,
    Stmt,
    Undefined,
    Var,
    defined_by,
)
from .parse import parse
from .raising import (
    CalleeGuard,
    Entered,
    Guard,
    Guarded,
    NoneCaught,
    can_be_taken_apart,
    is_known_throughout,
    is_simple,
    one_by_one,
)
from .snapshot import Snapshot
from .types import BOOL, OPAQUE, AggregateT, ScalarT
from .values import BoundMethod, Choice, Compiletime, Frame, HowFar, LocalFunction, Partial, Stream, Unknown

if TYPE_CHECKING:
    from .lower import Lowering

Run = Callable[[], str]
CONTROL = ("$falls", "$go", "$ret", "$returned")
#: Contexts that the reverse sweep enters again: they govern arithmetic.
ARITHMETIC = {np.errstate}


# -- the state after a guarded block ----------------------------------------------------------------------


class Lifted:
    """The state at the end of a block, its values handed over as results of the block's statement."""

    def __init__(self, low: Lowering, body: Run) -> None:
        before = len(low.heap.moments)
        low.heap.watchers += 1
        try:
            self.low, self.path = low, low.path(body)
        finally:
            low.heap.watchers -= 1
        self.moments = low.heap.moments[before:]
        path = self.path
        # what only an inner block saw is held by nobody any more
        self.visible = {v for stmt in path.stmts for v in defined_by(stmt)}
        self.results: dict[Var, Var] = {}
        self.envs = {key: {n: self.lift(a) for n, a in env.items()} for key, env in path.envs.items()}
        self.contents = {ident: self.lift(a) for ident, a in path.contents.items()}
        for var, made in self.results.items():
            if low.heap.owner[made] is var and not isinstance(var.type, ScalarT):  # made in the block, and not seen outside it by itself
                self.contents.setdefault(var, made)

    def lift(self, atom: Any) -> Any:
        if isinstance(atom, Var):
            return self.lifted(atom) if atom in self.visible else atom
        if isinstance(atom, Aggregate):
            items = tuple(map(self.lift, atom.items))
            changed = any(x is not y for x, y in zip(items, atom.items))
            return dataclasses.replace(atom, items=items) if changed else atom
        if isinstance(atom, (Stream, Partial)):
            return dataclasses.replace(atom, args=tuple(map(self.lift, atom.args)))
        if isinstance(atom, Choice):
            return dataclasses.replace(atom, index=self.lift(atom.index))
        return dataclasses.replace(atom, owner=self.lift(atom.owner)) if isinstance(atom, BoundMethod) else atom

    def lifted(self, var: Var) -> Var:
        if var not in self.results:
            made = self.results[var] = Var(var.hint, var.type)
            heap = self.low.heap
            heap.owner[made] = heap.owner.get(var, var)
            view = heap.views.get(var)
            if view is not None:
                heap.views[made] = dataclasses.replace(
                    view, base=self.lift(view.base), version=self.lift(view.version), args=tuple(map(self.lift, view.args))
                )
        return self.results[var]

    def install(self) -> None:
        """Go on as after a block that completed."""
        for frame in self.low.all_frames():
            if id(frame) in self.envs:
                frame.env.update(self.envs[id(frame)])
        self.low.heap.contents = dict(self.contents)

    def spoil(self) -> None:
        """Go on as after a block that raised somewhere: what it may have changed by then is not known."""
        as_before = self._changed_by_no_statement_that_raises()
        for frame in self.low.all_frames():
            for name, value in self.path.envs.get(id(frame), {}).items():
                changed = name not in CONTROL and frame.env.get(name, UNDEFINED) is not value
                if changed and (id(frame), name) not in as_before:
                    frame.env[name] = _uncertain(name)
        contents = self.low.heap.contents
        for ident, value in self.path.contents.items():
            before = contents.get(ident, ident if isinstance(ident, Var) else None)
            if before is not None and before is not value and ident not in as_before:
                contents[ident] = _uncertain(getattr(ident, "hint", ""))

    def _changed_by_no_statement_that_raises(self) -> set[Any]:
        """The names and things that were changed when nothing could raise any more, or only got another form."""
        stmts = self.path.stmts
        risks = [k for k, stmt in enumerate(stmts) if may_raise(stmt)]
        last = risks[-1] if risks else -1
        early = {key for key, moment in self.moments if moment is not None and moment.get(id(stmts), 0) <= last}
        return {key for key, _ in self.moments} - early


def may_raise(stmt: Stmt) -> bool:
    if isinstance(stmt, If):
        return any(map(may_raise, (*stmt.then.stmts, *stmt.orelse.stmts)))
    return not (isinstance(stmt, Let) and cannot_raise(stmt))


def _uncertain(name: str) -> Unknown:
    return Unknown(
        f"how far the try block got before it raised decides what {name or 'this'} holds here",
        "Bind or change it before the try block, or in the handler.",
        HowFar,
    )


# -- try --------------------------------------------------------------------------------------------------


def guarded(low: Lowering, body: Run, classes: Any, node: ast.AST, completed: Run, failed: Callable[[Var], str]) -> str:
    """``body()`` under an ``except`` for ``classes``; then one of the two ways to go on."""
    lifted = Lifted(low, body)
    path = lifted.path
    if path.ending != "raises" and all(isinstance(s, Let) and cannot_raise(s) for s in path.stmts):
        low.adopt(path)
        ending = completed()
        return ending if path.ending == "falls" or ending != "falls" else str(path.ending)
    ok, error = Var("completed", BOOL), Var("error", OPAQUE)

    def then() -> str:
        lifted.install()
        if path.ending == "raises":
            return "raises"
        ending = completed()
        return ending if path.ending == "falls" or ending != "falls" else str(path.ending)

    def orelse() -> str:
        lifted.spoil()
        return failed(error)

    sides = low.paths(then, orelse)
    sides[0].guarded = tuple(path.stmts)
    block = Block(tuple(path.stmts), (Const(True), *lifted.results))
    results, loc = (ok, *lifted.results.values()), low.location(node)
    certain = sides[1].ending == "raises"
    low.build.add(Region(results, block, classes, error, None, None, certain, loc, None, low.build.forward))
    return low.join_paths(ok, *sides, loc, node)


def try_(low: Lowering, stmt: ast.Try, rest: list[ast.stmt]) -> str:
    """``try``.  Where it matters how far a body got, ``lower`` asks for its statements to be guarded one by one."""
    if low.one_by_one and (low.through_calls or stmt.finalbody or len(stmt.body) > 1 or not is_simple(stmt.body[0])):
        if can_be_taken_apart(stmt):
            may_enter = (lambda call: _may_enter(low, call)) if low.through_calls else None
            return low.block([*one_by_one(stmt, low.depth, may_enter), *rest])
        if len(stmt.body) > 1 and not stmt.finalbody:
            return _try(low, _first_statement_alone(stmt), rest)
    return _finally(low, stmt, rest) if stmt.finalbody else _try(low, stmt, rest)


def entered(low: Lowering, stmt: Entered, rest: list[ast.stmt]) -> str:
    """A call in a ``try`` block: what the function has done before it raises is known, where it is one of the user's."""
    call = stmt.assign.value
    assert isinstance(call, ast.Call)
    if not _is_of_the_user(low.expr(call.func)):
        return low.block([stmt.otherwise, *rest])
    before, low.entering = Snapshot(low), (stmt.guard, low.frame)
    try:
        with low.build.aside() as stmts:
            low.statement(stmt.assign)
        kept = low.entering is not None
    finally:
        low.entering = None
    if kept:  # a call that is not entered raises what it raises at once
        before.restore()
        return low.block([stmt.otherwise, *rest])
    low.build.extend(stmts)
    return low.block(rest)


def none_caught(low: Lowering, stmt: NoneCaught) -> None:
    low.bind(stmt.name, low.build.let(Call(emitted.none_caught, ()), OPAQUE))


def _may_enter(low: Lowering, call: ast.Call) -> bool:
    """May it be a function of the user's, as far as is known before the block is lowered?"""
    head: ast.expr = call.func
    while isinstance(head, ast.Attribute):
        head = head.value
    if not isinstance(head, ast.Name):
        return False
    known = low.handle(head.id, head)
    if not isinstance(call.func, ast.Name):
        return not (isinstance(known, Ref) and isinstance(known.value, ModuleType)) or _is_of_the_user(low.expr(call.func))
    return isinstance(known, Undefined) or _is_of_the_user(known)


def _is_of_the_user(fn: Any) -> bool:
    """A function whose statements can be guarded; ``next`` is that of an object."""
    if isinstance(fn, Ref) and fn.value is next:
        return True
    tree = fn.tree if isinstance(fn, LocalFunction) else _tree_of(_function_of(fn))
    return isinstance(tree, ast.FunctionDef) and is_known_throughout(tree.body)


def _function_of(fn: Any) -> Any:
    if isinstance(fn, BoundMethod):
        t = type_of(fn.owner) if not isinstance(fn.owner, Compiletime) else None
        return inspect.getattr_static(t.kind, fn.name, None) if isinstance(t, AggregateT) else None
    return fn.value if isinstance(fn, Ref) and not hasattr(fn.value, "__retrograd__") else None


def _tree_of(fn: Any) -> ast.AST | None:
    """A function's definition; None of one that has a rule, or no source."""
    if not isinstance(fn, FunctionType) or lookup(fn) is not None:
        return None
    try:
        return parse(fn).tree
    except SourceUnavailable:
        return None


def guarded_body(low: Lowering, tree: ast.FunctionDef, caller: Guard, frame: Frame) -> list[ast.stmt]:
    """The statements of a function that is called in a ``try`` block of ``frame``, each under the handlers around the call."""
    guard, here = CalleeGuard(caller, low.depth), low.frame
    for k, (handler, note) in enumerate(caller.notes(tree)):
        low.frame = frame
        here.env[guard.kinds(k)] = Aggregate(tuple, tuple(_classes(low, handler)))
        low.frame = here
        for name in (target.id for part in note for target in part.targets):  # type: ignore[attr-defined]
            here.notes[name] = frame.notes.get(name, frame)
    here.notes[guard.caught] = frame.notes.get(guard.caught, frame)
    return guard.function(tree.body)


def guarded_alone(low: Lowering, stmt: Guarded, rest: list[ast.stmt]) -> str:
    return _try(low, stmt, rest)


def _first_statement_alone(stmt: ast.Try) -> ast.Try:
    """``try: a; b`` as ``try: a`` and, in its ``else``, ``try: b``."""
    later = ast.Try(stmt.body[1:], stmt.handlers, stmt.orelse, [])
    first = ast.Try(stmt.body[:1], stmt.handlers, [ast.copy_location(later, stmt.body[1])], [])
    return ast.copy_location(first, stmt)


def _try(low: Lowering, stmt: ast.Try, rest: list[ast.stmt]) -> str:
    ways = [stmt.body + stmt.orelse, *(h.body for h in stmt.handlers)]
    falling = [w for w in ways if not low.must_jump(w)]
    tail = rest if len(falling) == 1 else []
    own = stmt.orelse + (tail if falling and falling[0] is ways[0] else [])

    def completed() -> str:
        falls = low.frame.env["$falls"]
        if isinstance(falls, Const) and falls.value:
            return low.block(own) if own else "falls"
        return low.when(falls, own, stmt) if own and not isinstance(falls, Const) else "jumps"

    def failed(error: Var) -> str:
        return _handlers(low, stmt.handlers, error, [tail if falling and h.body is falling[0] else [] for h in stmt.handlers], stmt)

    jumps = low.may_jump([stmt])
    classes = _caught(low, stmt.handlers)
    ending = guarded(low, lambda: _tried(low, stmt.body), classes, stmt, completed, failed)
    if len(falling) == 1:
        return ending
    return low.when(low.frame.env["$falls"], rest, stmt) if jumps else low.block(rest)


def _tried(low: Lowering, body: list[ast.stmt]) -> str:
    low.guarded += 1
    try:
        return low.block(body)
    finally:
        low.guarded -= 1


def _caught(low: Lowering, handlers: list[ast.ExceptHandler]) -> Any:
    """The classes that one ``except`` must name to see what any of the handlers would."""
    found: list[Any] = []
    for handler in handlers:
        found += _classes(low, handler)
    return found[0] if len(found) == 1 else Aggregate(tuple, tuple(found))


def _classes(low: Lowering, handler: ast.ExceptHandler) -> list[Any]:
    if handler.type is None:
        return [Ref(BaseException, "BaseException")]
    value = low.expr(handler.type)
    parts = list(value.items) if isinstance(value, Aggregate) else [value]
    flat = [p for part in parts for p in (part.items if isinstance(part, Aggregate) else (part,))]
    if not all(isinstance(p, Ref) for p in flat):
        raise low.unsupported(handler, "an exception class that is not known before the run", "Name the class.")
    return flat


def _handlers(low: Lowering, handlers: list[ast.ExceptHandler], error: Var, tails: list[Any], node: ast.AST) -> str:
    """The first handler whose classes fit."""
    handler, *others = handlers

    def run() -> str:
        return _handle(low, handler, error, tails[0])

    if not others:
        return run()
    classes = _classes(low, handler)
    asked = classes[0] if len(classes) == 1 else Aggregate(tuple, tuple(classes))
    test = low.build.let(Call(isinstance, (error, asked)), BOOL)
    return low.fork_with(test, run, lambda: _handlers(low, others, error, tails[1:], node), node)


def _handle(low: Lowering, handler: ast.ExceptHandler, error: Var, tail: list[ast.stmt]) -> str:
    low.caught.append(error)
    if handler.name:
        low.bind(handler.name, error)
    try:
        ending = low.block(handler.body)
    finally:
        low.caught.pop()
    if handler.name:
        low.frame.env[handler.name] = UNDEFINED
    return low.block(tail) if tail and ending == "falls" else ending


def _control(low: Lowering) -> dict[str, Any]:
    """Where the flow of control stands, to be gone back to after a block that comes in between."""
    return {name: low.frame.env[name] for name in CONTROL if name in low.frame.env}


def _finally(low: Lowering, stmt: ast.Try, rest: list[ast.stmt]) -> str:
    """The last block runs however the others end; an exception goes on after it."""
    inner: list[ast.stmt] = stmt.body + stmt.orelse
    if stmt.handlers:
        inner = [ast.copy_location(ast.Try(stmt.body, stmt.handlers, stmt.orelse, []), stmt)]

    def completed() -> str:
        control = _control(low)
        ending = low.block(stmt.finalbody)
        if ending == "falls":
            low.frame.env.update(control)
        return ending

    def failed(error: Var) -> str:
        low.bind("$left", error)
        again = ast.copy_location(ast.Raise(ast.copy_location(ast.Name("$left", ast.Load()), stmt), None), stmt)
        try:
            path = low.path(lambda: low.block([*stmt.finalbody, again]))
        except HowFar:
            if low.may_jump(stmt.finalbody) or any(isinstance(n, ast.Call) for s in stmt.finalbody for n in ast.walk(s)):
                raise  # else it only binds names that the exception leaves behind
            low.raise_(again)
            return "raises"
        low.adopt(path)
        return str(path.ending)

    ending = guarded(low, lambda: low.block(inner), Ref(BaseException, "BaseException"), stmt, completed, failed)
    if ending == "dead":
        return ending
    return low.when(low.frame.env["$falls"], rest, stmt) if low.may_jump([stmt]) else low.block(rest)


# -- with -------------------------------------------------------------------------------------------------


def with_(low: Lowering, stmt: ast.With, rest: list[ast.stmt]) -> str:
    ending = _with_items(low, list(stmt.items), stmt)
    if not low.may_jump(stmt.body):
        return low.block(rest)
    falls = low.frame.env["$falls"]
    if isinstance(falls, Const) and not falls.value:
        return ending
    return low.when(falls, rest, stmt)


def _with_items(low: Lowering, items: list[ast.withitem], stmt: ast.With) -> str:
    if not items:
        return low.block(stmt.body)
    first, *others = items

    def body() -> str:
        return _with_items(low, others, stmt)

    suppressed = _suppressed(low, first.context_expr)
    if suppressed is not None:
        inner: list[ast.stmt] = stmt.body
        if others:
            inner = [ast.copy_location(ast.With(others, stmt.body), stmt)]
        handler = ast.ExceptHandler(suppressed, None, [ast.Pass()])
        guarded_body = ast.copy_location(ast.Try(inner, [ast.copy_location(handler, stmt)], [], []), stmt)
        return try_(low, ast.fix_missing_locations(guarded_body), [])
    manager = low.expr(first.context_expr)
    if isinstance(type_of(manager), AggregateT):
        return _user_context(low, manager, first, body, stmt)
    return _library_context(low, manager, first, body, stmt)


def _suppressed(low: Lowering, node: ast.expr) -> Any:
    """The classes of ``contextlib.suppress(...)``; None for any other context."""
    if not isinstance(node, ast.Call):
        return None
    fn = low.expr(node.func)
    if not (isinstance(fn, Ref) and fn.value is contextlib.suppress):
        return None
    return ast.copy_location(ast.Tuple(list(node.args), ast.Load()), node)


def _user_context(low: Lowering, manager: Any, item: ast.withitem, body: Run, stmt: ast.With) -> str:
    """An object of the user's: its methods are entered, its ``__exit__`` whether or not the body raises."""
    from .stores import assign_to

    kind = type_of(manager).kind
    value = calls.call_object(low, kind.__enter__, "__enter__", (manager,), {}, stmt, "")
    if item.optional_vars is not None:
        assign_to(low, item.optional_vars, value)

    def leave(*args: Any) -> Any:
        return calls.call_object(low, kind.__exit__, "__exit__", (low.now(manager), *args), {}, stmt, "")

    def completed() -> str:
        control = _control(low)
        leave(Const(None), Const(None), Const(None))
        low.frame.env.update(control)
        return "falls"

    def failed(error: Var) -> str:
        kind_of_error = low.build.let(Call(type, (error,)), OPAQUE)
        quiet = low.truth(leave(kind_of_error, error, Const(None)))
        if quiet:
            return "falls"
        if quiet is None:
            raise low.unsupported(item.context_expr, "a context whose __exit__ may or may not swallow an exception", "Use try/except.")
        low.build.add(Raise(Call(emitted.same_error, (error,)), low.location(stmt), low.build.forward))
        return "raises"

    return guarded(low, body, Ref(BaseException, "BaseException"), stmt, completed, failed)


def _library_context(low: Lowering, manager: Any, item: ast.withitem, body: Run, stmt: ast.With) -> str:
    """Any other context is entered as it is, around the block."""
    from .stores import assign_to

    if isinstance(manager, Compiletime):
        raise low.unsupported(
            item.context_expr, "a with block over a function or iterator cannot be differentiated", "Enter an object with __enter__."
        )
    target = Var("", OPAQUE) if item.optional_vars is not None else None

    def run() -> str:
        if item.optional_vars is not None:
            assign_to(low, item.optional_vars, target)
        return body()

    context = low.build.take_last(manager)
    lifted = Lifted(low, run)
    path = lifted.path
    block = Block(tuple(path.stmts), tuple(lifted.results))
    results = tuple(lifted.results.values())
    low.build.add(Region(results, block, None, None, context, target, True, low.location(stmt), None, low.build.forward))
    lifted.install()
    return str(path.ending)


# -- match ------------------------------------------------------------------------------------------------


def match(low: Lowering, stmt: ast.Match, rest: list[ast.stmt]) -> str:
    """The first case that fits, as a chain of branches."""
    subject = low.expr(stmt.subject)
    low.frame.env["%subject"] = subject
    jumps = low.may_jump([c for case in stmt.cases for c in case.body])
    ending = _cases(low, stmt.cases, subject, stmt)
    if not jumps:
        return low.block(rest)
    falls = low.frame.env["$falls"]
    return ending if isinstance(falls, Const) and not falls.value else low.when(falls, rest, stmt)


def _cases(low: Lowering, cases: list[ast.match_case], subject: Any, stmt: ast.Match) -> str:
    low.frame.env["$falls"] = Const(True)
    if not cases:
        return "falls"
    case, *others = cases
    bound: dict[str, Any] = {}
    test = _fits(low, case.pattern, subject, bound)

    def run() -> str:
        for name, value in bound.items():
            low.bind(name, value)
        if case.guard is None:
            return low.block(case.body)
        guard = low.expr(case.guard)
        return _either(low, guard, lambda: low.block(case.body), lambda: _cases(low, others, subject, stmt), stmt)

    return _either(low, test, run, lambda: _cases(low, others, subject, stmt), stmt)


def _either(low: Lowering, test: Any, then: Run, orelse: Run, node: ast.AST) -> str:
    known = low.truth(test)
    if known is not None:
        return then() if known else orelse()
    return low.fork_with(test, then, orelse, node)


def _fits(low: Lowering, pattern: ast.pattern, subject: Any, bound: dict[str, Any]) -> Any:
    """The question whether a pattern fits; names it binds are collected."""
    from .expressions import attribute_of, comparison

    if isinstance(pattern, ast.MatchValue):
        return comparison(low, ast.Eq(), subject, low.expr(pattern.value), pattern)
    if isinstance(pattern, ast.MatchSingleton):
        return comparison(low, ast.Is(), subject, Const(pattern.value), pattern)
    if isinstance(pattern, ast.MatchAs):
        test = Const(True) if pattern.pattern is None else _fits(low, pattern.pattern, subject, bound)
        if pattern.name:
            bound[pattern.name] = subject
        return test
    if isinstance(pattern, ast.MatchOr):
        return _joined(low, emitted.either, [_fits(low, p, subject, bound) for p in pattern.patterns], True)
    if isinstance(pattern, ast.MatchSequence):
        return _fits_sequence(low, pattern, subject, bound)
    if isinstance(pattern, ast.MatchMapping):
        return _fits_mapping(low, pattern, subject, bound)
    assert isinstance(pattern, ast.MatchClass)
    test = calls.call_object(low, isinstance, "isinstance", (subject, low.expr(pattern.cls)), {}, pattern, "")
    if not low.truth(test):
        return test
    names = [*getattr(low.expr(pattern.cls).value, "__match_args__", ())[: len(pattern.patterns)], *pattern.kwd_attrs]
    parts = [attribute_of(low, subject, n, pattern) for n in names]
    tests = [_fits(low, p, part, bound) for p, part in zip([*pattern.patterns, *pattern.kwd_patterns], parts)]
    return _joined(low, emitted.both, tests, False)


def _fits_sequence(low: Lowering, pattern: ast.MatchSequence, subject: Any, bound: dict[str, Any]) -> Any:
    t = type_of(subject) if not isinstance(subject, Compiletime) else None
    if not isinstance(t, AggregateT) or t.kind is dict:
        return Const(False)
    parts, stars = low.unpack_all(subject, pattern), [k for k, p in enumerate(pattern.patterns) if isinstance(p, ast.MatchStar)]
    if stars:
        extra = len(parts) - len(pattern.patterns) + 1
        if extra < 0:
            return Const(False)
        at = stars[0]
        star = pattern.patterns[at]
        if star.name:  # type: ignore[attr-defined]
            bound[star.name] = low.heap.new(list, tuple(parts[at : at + extra]))  # type: ignore[attr-defined]
        pairs = [*zip(pattern.patterns[:at], parts[:at]), *zip(pattern.patterns[at + 1 :], parts[at + extra :])]
    elif len(parts) != len(pattern.patterns):
        return Const(False)
    else:
        pairs = list(zip(pattern.patterns, parts))
    return _joined(low, emitted.both, [_fits(low, p, part, bound) for p, part in pairs], False)


def _fits_mapping(low: Lowering, pattern: ast.MatchMapping, subject: Any, bound: dict[str, Any]) -> Any:
    t = type_of(subject) if not isinstance(subject, Compiletime) else None
    if not isinstance(t, AggregateT) or t.kind is not dict or pattern.rest:
        return Const(False)
    table = low.unpack_mapping(subject, pattern)
    keys = [low.expr(k).value for k in pattern.keys]
    if not all(k in table for k in keys):
        return Const(False)
    return _joined(low, emitted.both, [_fits(low, p, table[k], bound) for k, p in zip(keys, pattern.patterns)], False)


def _joined(low: Lowering, fn: Any, tests: list[Any], stop: bool) -> Any:
    """``and`` or ``or`` of tests, folded where they are known."""
    result: Any = Const(not stop)
    for test in tests:
        if isinstance(test, Const):
            if bool(test.value) == stop:
                return Const(stop)
            continue
        result = test if isinstance(result, Const) else low.build.call(fn, result, test, type=BOOL)
    return result
