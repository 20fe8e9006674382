"""A ``try`` whose handlers see how far its body got: its statements, guarded one by one (L3).

An exception is a jump. Each statement that may raise is a ``try`` of its own, whose handlers note which of the user's handlers is
meant and leave the body, by ``break`` where it is a loop; the rest runs where nothing was noted. The user's handlers come last, once.

    try:                        caught = 0
        for x in xs:            try:                                  # xs
            s += f(x)               it = xs
    except ValueError:          except ValueError:
        s = 0.0                     caught = 1
                                else:
                                    for x in it:
                                        try:
                                            s += f(x)
                                        except ValueError:
                                            caught = 1
                                            break
                                if caught == 1:
                                    s = 0.0

A ``finally`` is a handler of everything that raises again, and runs before each jump that leaves the block, as in CPython.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

#: Statements that raise nothing themselves.
QUIET = (ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.FunctionDef)


def is_note(name: str) -> bool:
    """Does it hold which handler is meant, or what was caught?"""
    return name.startswith(("$caught_", "$error_"))


class Guarded(ast.Try):
    """One statement and its handlers: nothing is left to be taken apart."""


class NoneCaught(ast.stmt):
    """The name that holds what was caught holds something from the start."""

    _fields = ()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class Left(ast.Return):
    """A function is left because of an exception: it returns nothing."""


class Last(ast.Try):
    """``try: B finally: F`` as ``try: B except BaseException as e: F; raise e else: F``."""


class Leaving(ast.stmt):
    """A jump out of the body of a ``try`` with ``finally``, whose ``guard`` does not see what the last block raises on the way."""

    _fields = ("last", "jump")

    def __init__(self, last: list[ast.stmt], jump: ast.stmt, guard: Guard) -> None:
        super().__init__()
        self.last, self.jump, self.guard = last, jump, guard


class Entered(ast.stmt):
    """``name = f(...)`` of a function that may change things before it raises: its statements are guarded as those around the call are.

    ``otherwise`` is what stands for it if ``f`` turns out to be none of the user's.
    """

    _fields = ("assign",)

    def __init__(self, assign: ast.Assign, guard: Guard, otherwise: ast.stmt) -> None:
        super().__init__()
        self.assign, self.guard, self.otherwise = assign, guard, otherwise


def is_simple(stmt: ast.stmt) -> bool:
    """Is it guarded as a whole?"""
    return not isinstance(stmt, (ast.If, ast.For, ast.While, ast.Try, ast.Return, *QUIET))


def one_by_one(stmt: ast.Try, depth: int, may_enter: Callable[[ast.Call], bool] | None) -> list[ast.stmt]:
    """The statements that stand for a ``try``; calls that ``may_enter`` a function are statements of their own."""
    guard = guard_of(stmt, depth, may_enter)
    return [*guard.start(), *guard.body(), *guard.dispatch()]


def guard_of(stmt: ast.Try, depth: int, may_enter: Callable[[ast.Call], bool] | None, outer: Guard | None = None) -> Guard:
    guard = Guard(stmt, depth, may_enter, outer)
    if stmt.finalbody:
        guard.stmt = _with_last(stmt, guard)
    return guard


def _with_last(stmt: ast.Try, guard: Guard) -> Last:
    """A ``try`` whose last block is in its handler, in its ``else``, and before each jump out of it."""
    inner: list[ast.stmt] = stmt.body
    if stmt.handlers:
        inner = [ast.copy_location(ast.Try(stmt.body, stmt.handlers, stmt.orelse, []), stmt)]
    name = guard.name("left")
    again = _placed(ast.Raise(ast.Name(name, ast.Load()), None), stmt)
    handler = ast.copy_location(ast.ExceptHandler(None, name, [*stmt.finalbody, again]), stmt)
    return ast.copy_location(Last(_leaving(inner, stmt.finalbody, guard), [handler], stmt.finalbody, []), stmt)


def _leaving(stmts: list[ast.stmt], last: list[ast.stmt], guard: Guard, in_loop: bool = False) -> list[ast.stmt]:
    """The statements with ``last`` before each jump out of them."""
    return [made for stmt in stmts for made in _left(stmt, last, guard, in_loop)]


def _left(stmt: ast.stmt, last: list[ast.stmt], guard: Guard, in_loop: bool) -> list[ast.stmt]:
    if isinstance(stmt, ast.Return) and stmt.value is not None:
        name = guard.name("returned", stmt)
        back = _placed(ast.Return(ast.Name(name, ast.Load())), stmt)
        return [guard.set(name, stmt.value, stmt), _placed(Leaving(last, back, guard), stmt)]
    if isinstance(stmt, (ast.Return, Leaving)) or (isinstance(stmt, (ast.Break, ast.Continue)) and not in_loop):
        return [_placed(Leaving(last, stmt, guard), stmt)]
    if not isinstance(stmt, tuple(COMPOUND)):
        return [stmt]
    fields = dict(ast.iter_fields(stmt))
    for name in ("body", "orelse", "finalbody"):
        if name in fields:
            inside = in_loop or (name == "body" and isinstance(stmt, (ast.For, ast.While)))
            fields[name] = _leaving(fields[name], last, guard, inside)
    if isinstance(stmt, ast.Try):
        fields["handlers"] = [_with_body(h, _leaving(h.body, last, guard, in_loop)) for h in stmt.handlers]
    return [ast.copy_location(type(stmt)(**fields), stmt)]


def _with_body(handler: ast.ExceptHandler, body: list[ast.stmt]) -> ast.ExceptHandler:
    return ast.copy_location(ast.ExceptHandler(handler.type, handler.name, body), handler)


@dataclass
class Guard:
    """The rewriting of one ``try``, which may be inside another."""

    stmt: ast.Try | None
    depth: int = 0  # in how many calls
    may_enter: Callable[[ast.Call], bool] | None = None
    outer: Guard | None = None

    @property
    def caught(self) -> str:
        return self.name("caught")

    def name(self, what: str, at: ast.AST | None = None) -> str:
        """No name of the user's has a dollar in it."""
        place = at if at is not None else self.stmt
        last = "_last" if isinstance(place, Last) else ""
        return f"${what}_{self.depth}_{place.lineno}_{place.col_offset}{last}"  # type: ignore[union-attr]

    # -- parts of syntax ----------------------------------------------------------------------------------

    def set(self, name: str, value: ast.expr, at: ast.AST) -> ast.stmt:
        return _placed(ast.Assign([ast.Name(name, ast.Store())], value), at)

    def start(self) -> list[ast.stmt]:
        """Nothing is caught yet."""
        assert self.stmt is not None
        found = [self.set(self.caught, ast.Constant(0), self.stmt)]
        if self.may_enter is not None and any(map(is_named, self.stmt.handlers)):  # a call may bind it: loops around that carry it
            found.append(_placed(NoneCaught(self.name("error")), self.stmt))
        return found

    def when(self, nothing_caught: bool, then: list[ast.stmt], at: ast.AST) -> list[ast.stmt]:
        test = ast.Compare(ast.Name(self.caught, ast.Load()), [ast.Eq() if nothing_caught else ast.NotEq()], [ast.Constant(0)])
        return [_placed(ast.If(test, then, []), at)] if then else []

    def leave(self, at: ast.AST) -> ast.stmt:
        """How a loop of the body is left."""
        return _placed(ast.Break(), at)

    def guarded(self, body: ast.stmt, orelse: list[ast.stmt], in_loop: bool) -> ast.stmt:
        """``body`` alone; what follows it where it raised nothing is its ``orelse``, or, in a loop, what follows this."""
        leave = [self.leave(body)] if in_loop else []
        handlers = [ast.ExceptHandler(h.type, h.name, [*note, *leave]) for h, note in self.notes(body)]
        return _placed(Guarded([body], handlers, orelse, []), body)

    def notes(self, at: ast.AST) -> list[tuple[ast.ExceptHandler, list[ast.stmt]]]:
        """Each handler that may be meant, and what is noted then; one further out is none of this ``try``."""
        found = []
        for k, handler in enumerate(self.stmt.handlers):
            note = [self.set(self.caught, ast.Constant(k + 1), at)]
            if is_named(handler):
                name = handler.name or self.name("raised")
                note.append(self.set(self.name("error"), ast.Name(name, ast.Load()), at))
                handler = ast.copy_location(ast.ExceptHandler(handler.type, name, handler.body), handler)
            found.append((handler, note))
        for handler, note in self.outer.notes(at) if self.outer is not None else ():
            found.append((handler, [*note, self.set(self.caught, ast.Constant(-1), at)]))
        return found

    # -- the body -----------------------------------------------------------------------------------------

    def body(self) -> list[ast.stmt]:
        assert self.stmt is not None
        return self.block(self.stmt.body, in_loop=False)

    def block(self, stmts: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        if not stmts:
            return []
        first, rest = stmts[0], self.block(stmts[1:], in_loop)
        if isinstance(first, QUIET):
            return [first, *rest]
        if isinstance(first, ast.Return):
            return self.returned(first, in_loop)
        if isinstance(first, Leaving):
            return Beyond(self, first.guard).block([*first.last, first.jump], in_loop)
        rewrite: Callable[[ast.stmt, bool], list[ast.stmt]] | None = COMPOUND.get(type(first))
        if rewrite is None:
            return self.then(first, rest, in_loop)
        made = rewrite(self, first, in_loop)  # type: ignore[call-arg, arg-type]
        if in_loop:
            return [*made, *rest]
        return [*made, *self.when(True, rest, first)]

    def then(self, stmt: ast.stmt, following: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        """A statement, and what follows it if it raises nothing."""
        parts = Calls(self, stmt).parts() if self.may_enter is not None else [stmt]
        for part in reversed(parts):
            following = self.after(part, following, in_loop)
        return following

    def after(self, stmt: ast.stmt, following: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        if isinstance(stmt, Entered):
            stmt.otherwise = self.guarded(stmt.assign, [], in_loop)
            return [stmt, *(self.when(False, [self.leave(stmt)], stmt) + following if in_loop else self.when(True, following, stmt))]
        if in_loop:
            return [self.guarded(stmt, [], True), *following]
        return [self.guarded(stmt, following, False)]

    def returned(self, stmt: ast.Return, in_loop: bool) -> list[ast.stmt]:
        if stmt.value is None or _is_own_name(stmt.value):
            return [stmt]
        name = self.name("returned", stmt)
        back = _placed(ast.Return(ast.Name(name, ast.Load())), stmt)
        return self.then(self.set(name, stmt.value, stmt.value), [back], in_loop)

    def branch(self, stmt: ast.If, in_loop: bool) -> list[ast.stmt]:
        name = self.name("test", stmt)
        sides = (self.block(stmt.body, in_loop), self.block(stmt.orelse, in_loop))
        choice = _placed(ast.If(ast.Name(name, ast.Load()), *sides), stmt)
        return self.then(self.set(name, stmt.test, stmt.test), [choice], in_loop)

    def loop(self, stmt: ast.For, in_loop: bool) -> list[ast.stmt]:
        name = self.name("items", stmt)
        body, orelse = self.block(stmt.body, True), self.block(stmt.orelse, in_loop)
        again = _placed(ast.For(stmt.target, ast.Name(name, ast.Load()), body, orelse), stmt)
        leave = self.when(False, [self.leave(stmt)], stmt) if in_loop else []
        return self.then(self.set(name, stmt.iter, stmt.iter), [again, *leave], in_loop)

    def repeat(self, stmt: ast.While, in_loop: bool) -> list[ast.stmt]:
        name = self.name("test", stmt)
        stop = _placed(ast.If(ast.UnaryOp(ast.Not(), ast.Name(name, ast.Load())), [ast.Break()], []), stmt)
        body = [*self.then(self.set(name, stmt.test, stmt.test), [], True), stop, *self.block(stmt.body, True)]
        again = _placed(ast.While(ast.Constant(True), body, []), stmt)
        return [again, *(self.when(False, [self.leave(stmt)], stmt) if in_loop else [])]

    def inner(self, stmt: ast.Try, in_loop: bool) -> list[ast.stmt]:
        if not can_be_taken_apart(stmt):
            return self.then(stmt, [], in_loop)
        guard = guard_of(stmt, self.depth, self.may_enter, self)
        leave = self.when(False, [self.leave(stmt)], stmt) if in_loop else []
        return [*guard.start(), *guard.body(), *guard.dispatch(in_loop), *leave]

    # -- what comes after it ------------------------------------------------------------------------------

    def dispatch(self, in_loop: bool = False) -> list[ast.stmt]:
        """The handler that is meant, or the ``else`` of the ``try``; both are part of the body of the ``try`` further out."""
        ways = self.when(True, self.outside(self.stmt.orelse, in_loop), self.stmt)
        for k, handler in reversed(list(enumerate(self.stmt.handlers))):
            test = ast.Compare(ast.Name(self.caught, ast.Load()), [ast.Eq()], [ast.Constant(k + 1)])
            named = [self.set(handler.name, ast.Name(self.name("error"), ast.Load()), handler)] if handler.name else []
            body = self.outside(_raising_again(handler.body, self.name("error")), in_loop)
            ways = [_placed(ast.If(test, [*named, *body, *self.unnamed(handler)], ways), handler)]
        return ways

    def unnamed(self, handler: ast.ExceptHandler) -> list[ast.stmt]:
        """At its end, Python unbinds the name of a handler's exception, whatever it holds by then."""
        if not handler.name:
            return []
        gone = _placed(ast.Delete([ast.Name(handler.name, ast.Del())]), handler)
        return [self.set(handler.name, ast.Constant(None), handler), gone]

    def outside(self, stmts: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        return self.outer.block(stmts, in_loop) if self.outer is not None else stmts


class Beyond(Guard):
    """The rewriting of what the body of ``inside`` does on its way out of the ``try`` of ``left``: those further out see what it raises."""

    def __init__(self, inside: Guard, left: Guard) -> None:
        super().__init__(inside.stmt, inside.depth, inside.may_enter, inside.outer)
        self.inside, self.left = inside, left

    def notes(self, at: ast.AST) -> list[tuple[ast.ExceptHandler, list[ast.stmt]]]:
        found = self.inside.notes(at)
        further = len(self.left.outer.notes(at)) if self.left.outer is not None else 0
        return found[len(found) - further :]

    def block(self, stmts: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        return super().block(stmts, in_loop) if self.left.outer is not None else stmts


class CalleeGuard(Guard):
    """The rewriting of a function that is entered in the body of a ``try``: where it raises, it is left, and the caller knows."""

    def __init__(self, caller: Guard, depth: int) -> None:
        super().__init__(None, depth, caller.may_enter)
        self.caller = caller

    @property
    def caught(self) -> str:
        return self.caller.caught

    def leave(self, at: ast.AST) -> ast.stmt:
        return _placed(Left(None), at)

    def kinds(self, at: int) -> str:
        """The name under which the classes of one of the caller's handlers are known here."""
        return f"$kinds_{at}"

    def notes(self, at: ast.AST) -> list[tuple[ast.ExceptHandler, list[ast.stmt]]]:
        found = []
        for k, (handler, note) in enumerate(self.caller.notes(at)):
            for part in note:
                if isinstance(part, ast.Assign) and isinstance(part.value, ast.Name) and part.value.id == handler.name:
                    part.value.id = "$raised"
            mine = ast.ExceptHandler(ast.Name(self.kinds(k), ast.Load()), handler.name and "$raised", handler.body)
            found.append((ast.copy_location(mine, at), note))
        return found

    def function(self, stmts: list[ast.stmt]) -> list[ast.stmt]:
        return self.block(stmts, in_loop=True)


class Calls:
    """A statement as several, each call of a function that may be entered by itself, in Python's order."""

    def __init__(self, guard: Guard, stmt: ast.stmt) -> None:
        self.guard, self.stmt = guard, stmt
        self.before: list[ast.stmt] = []

    def parts(self) -> list[ast.stmt]:
        stmt = self.stmt
        if isinstance(stmt, (ast.Assign, ast.Expr, ast.AnnAssign)) and stmt.value is not None:
            last = self.with_value(stmt) if self.splits(stmt.value) else stmt
            return [*self.before, last]
        if isinstance(stmt, ast.AugAssign) and isinstance(stmt.target, ast.Name) and self.splits(stmt.value):
            old = self.named(ast.Name(stmt.target.id, ast.Load()))
            last = self.with_value(stmt)
            whole = ast.AugAssign(ast.Name(old.id, ast.Store()), stmt.op, last.value)  # type: ignore[attr-defined]
            back = ast.Assign([stmt.target], ast.Name(old.id, ast.Load()))
            return [*self.before, _placed(whole, stmt), _placed(back, stmt)]
        return [stmt]

    def with_value(self, stmt: ast.stmt) -> ast.stmt:
        fields = dict(ast.iter_fields(stmt))
        fields["value"] = self.value(stmt.value)  # type: ignore[attr-defined]
        return _placed(type(stmt)(**fields), stmt)

    def splits(self, node: ast.AST) -> bool:
        return any(self.is_call(n) for n in _in_order(node))

    def is_call(self, node: ast.AST) -> bool:
        assert self.guard.may_enter is not None
        simple = isinstance(node, ast.Call) and not any(isinstance(a, ast.Starred) for a in node.args)
        return simple and all(k.arg for k in node.keywords) and self.guard.may_enter(node)  # type: ignore[attr-defined, arg-type]

    def named(self, value: ast.expr) -> ast.Name:
        """The value under a name of its own, computed now."""
        name = f"{self.guard.name('part', self.stmt)}_{len(self.before)}"
        self.before.append(self.guard.set(name, value, value if hasattr(value, "lineno") else self.stmt))
        return ast.copy_location(ast.Name(name, ast.Load()), self.stmt)

    def value(self, node: Any) -> Any:
        """The expression with each call in it replaced by the name of its result, and what comes before a call by a name."""
        if not isinstance(node, ast.AST) or not self.splits(node):
            return node
        places = _places(node)
        last = max((k for k, (_, _, child) in enumerate(places) if self.splits(child)), default=-1)
        fields = {name: list(v) if isinstance(v, list) else v for name, v in ast.iter_fields(node)}
        for k, (name, at, child) in enumerate(places):
            made = self.value(child) if k <= last else child
            if k < last and not isinstance(made, ast.Constant):
                made = self.named(made)
            if at is None:
                fields[name] = made
            else:
                fields[name][at] = made
        whole = ast.copy_location(type(node)(**fields), node)
        return self.entered(whole) if self.is_call(node) else whole

    def plain(self, value: ast.expr) -> ast.expr:
        return value if isinstance(value, (ast.Name, ast.Constant)) else self.named(self.value(value))

    def entered(self, call: Any) -> ast.Name:
        call.args = [self.plain(a) for a in call.args]
        call.keywords = [ast.keyword(k.arg, self.plain(k.value)) for k in call.keywords]
        result = self.named(call)
        assign = self.before.pop()
        assert isinstance(assign, ast.Assign)
        self.before.append(ast.copy_location(Entered(assign, self.guard, assign), self.stmt))
        return result


#: Expressions of which it is not sure that all parts are computed, once each.
CONDITIONAL = (ast.BoolOp, ast.IfExp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.JoinedStr)


def _places(node: ast.AST) -> list[tuple[str, int | None, ast.AST]]:
    """The parts of an expression in the order in which they are computed: field, place in it, part."""
    found: list[tuple[str, int | None, ast.AST]] = []
    for name, value in ast.iter_fields(node):
        if name == "keywords":
            continue  # of a call that is entered: named there
        parts = enumerate(value) if isinstance(value, list) else [(None, value)]
        found += [(name, at, part) for at, part in parts if isinstance(part, ast.expr)]
    return found


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    """The parts that are surely computed, once."""
    if isinstance(node, CONDITIONAL) or (isinstance(node, ast.Compare) and len(node.ops) > 1):
        return
    for _, _, part in _places(node):
        yield from _in_order(part)
    yield node


COMPOUND = {ast.If: Guard.branch, ast.For: Guard.loop, ast.While: Guard.repeat, ast.Try: Guard.inner}


def _placed(node: ast.stmt, at: ast.AST) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(node, at))


def is_named(handler: ast.ExceptHandler) -> bool:
    """Is what it caught needed?"""
    return handler.name is not None or any(map(_is_bare, _own(handler.body)))


def _is_bare(stmt: ast.AST) -> bool:
    return isinstance(stmt, ast.Raise) and stmt.exc is None


def _own(stmts: list[ast.stmt]) -> Iterator[ast.AST]:
    """The statements of a handler, those of handlers and functions in it apart."""
    for stmt in stmts:
        yield stmt
        if not isinstance(stmt, (ast.FunctionDef, Leaving)):
            yield from _own([s for s in ast.iter_child_nodes(stmt) if isinstance(s, (ast.stmt, ast.match_case))])  # type: ignore[misc]


def _raising_again(stmts: list[Any], error: str) -> list[Any]:
    """A bare ``raise`` names what it raises."""
    return [_naming(s, error) if isinstance(s, (ast.stmt, ast.match_case)) and any(map(_is_bare, _own([s]))) else s for s in stmts]  # type: ignore[list-item]


def _naming(node: Any, error: str) -> Any:
    if _is_bare(node):
        return _placed(ast.Raise(ast.Name(error, ast.Load()), None), node)
    fields = {name: _raising_again(value, error) if isinstance(value, list) else value for name, value in ast.iter_fields(node)}
    return ast.copy_location(type(node)(**fields), node)


def _is_own_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.startswith("$")


def is_known_throughout(body: list[ast.stmt]) -> bool:
    """Is every statement one that the rewriting knows?"""
    return not any(isinstance(n, ast.While) and n.orelse for n in ast.walk(ast.Module(body, [])))


def can_be_taken_apart(stmt: ast.Try) -> bool:
    """Is every part of it one that the rewriting knows?"""
    whole = [*stmt.body, *(s for h in stmt.handlers for s in h.body), *stmt.orelse] if stmt.finalbody else stmt.body
    return is_known_throughout(whole) and not (stmt.finalbody and any(map(_hides_jump, ast.walk(ast.Module(whole, [])))))


def _hides_jump(node: ast.AST) -> bool:
    """Is it guarded as a whole though it may be left by a jump?"""
    return isinstance(node, (ast.With, ast.Match)) and any(isinstance(n, (ast.Return, ast.Break, ast.Continue)) for n in ast.walk(node))


__all__ = [
    "CalleeGuard", "Entered", "Guard", "Guarded", "Left", "NoneCaught", "can_be_taken_apart", "is_known_throughout", "is_note", "is_simple",
    "one_by_one",
]  # fmt: skip
