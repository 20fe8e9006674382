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
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

#: Statements that raise nothing themselves.
QUIET = (ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.FunctionDef)


def is_simple(stmt: ast.stmt) -> bool:
    """Is it guarded as a whole?"""
    return not isinstance(stmt, (ast.If, ast.For, ast.While, ast.Return, *QUIET))


def one_by_one(stmt: ast.Try) -> list[ast.stmt]:
    """The statements that stand for a ``try`` without ``finally``."""
    guard = Guard(stmt)
    start = guard.set(guard.caught, ast.Constant(0), stmt)
    return [start, *guard.block(stmt.body, in_loop=False), *guard.dispatch()]


@dataclass
class Guard:
    """The rewriting of one ``try``, which may be inside another."""

    stmt: ast.Try
    outer: Guard | None = None

    @property
    def caught(self) -> str:
        return self.name("caught")

    def name(self, what: str, at: ast.AST | None = None) -> str:
        """No name of the user's has a dollar in it."""
        place = at if at is not None else self.stmt
        return f"${what}_{place.lineno}_{place.col_offset}"  # type: ignore[attr-defined]

    # -- parts of syntax ----------------------------------------------------------------------------------

    def set(self, name: str, value: ast.expr, at: ast.AST) -> ast.stmt:
        return _placed(ast.Assign([ast.Name(name, ast.Store())], value), at)

    def when(self, nothing_caught: bool, then: list[ast.stmt], at: ast.AST) -> list[ast.stmt]:
        test = ast.Compare(ast.Name(self.caught, ast.Load()), [ast.Eq() if nothing_caught else ast.NotEq()], [ast.Constant(0)])
        return [_placed(ast.If(test, then, []), at)] if then else []

    def guarded(self, body: ast.stmt, orelse: list[ast.stmt], in_loop: bool) -> ast.stmt:
        """``body`` alone; what follows it where it raised nothing is its ``orelse``, or, in a loop, what follows this."""
        leave: list[ast.stmt] = [_placed(ast.Break(), body)] if in_loop else []
        handlers = [ast.ExceptHandler(h.type, h.name, [*note, *leave]) for h, note in self.notes(body)]
        return _placed(ast.Try([body], handlers, orelse, []), body)

    def notes(self, at: ast.AST) -> list[tuple[ast.ExceptHandler, list[ast.stmt]]]:
        """Each handler that may be meant, and what is noted then; one further out is none of this ``try``."""
        found = []
        for k, handler in enumerate(self.stmt.handlers):
            note = [self.set(self.caught, ast.Constant(k + 1), at)]
            if handler.name:
                note.append(self.set(self.name("error"), ast.Name(handler.name, ast.Load()), at))
            found.append((handler, note))
        for handler, note in self.outer.notes(at) if self.outer is not None else ():
            found.append((handler, [*note, self.set(self.caught, ast.Constant(-1), at)]))
        return found

    # -- the body -----------------------------------------------------------------------------------------

    def block(self, stmts: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        if not stmts:
            return []
        first, rest = stmts[0], self.block(stmts[1:], in_loop)
        if isinstance(first, QUIET):
            return [first, *rest]
        if isinstance(first, ast.Return):
            return self.returned(first, in_loop)
        rewrite: Callable[[ast.stmt, bool], list[ast.stmt]] | None = COMPOUND.get(type(first))
        if rewrite is None:
            return self.then(first, rest, in_loop)
        made = rewrite(self, first, in_loop)  # type: ignore[call-arg, arg-type]
        if in_loop:
            return [*made, *rest]
        return [*made, *self.when(True, rest, first)]

    def then(self, stmt: ast.stmt, following: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        """A statement, and what follows it if it raises nothing."""
        if in_loop:
            return [self.guarded(stmt, [], True), *following]
        return [self.guarded(stmt, following, False)]

    def returned(self, stmt: ast.Return, in_loop: bool) -> list[ast.stmt]:
        if stmt.value is None:
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
        leave = self.when(False, [_placed(ast.Break(), stmt)], stmt) if in_loop else []
        return self.then(self.set(name, stmt.iter, stmt.iter), [again, *leave], in_loop)

    def repeat(self, stmt: ast.While, in_loop: bool) -> list[ast.stmt]:
        name = self.name("test", stmt)
        stop = _placed(ast.If(ast.UnaryOp(ast.Not(), ast.Name(name, ast.Load())), [ast.Break()], []), stmt)
        body = [*self.then(self.set(name, stmt.test, stmt.test), [], True), stop, *self.block(stmt.body, True)]
        again = _placed(ast.While(ast.Constant(True), body, []), stmt)
        return [again, *(self.when(False, [_placed(ast.Break(), stmt)], stmt) if in_loop else [])]

    def inner(self, stmt: ast.Try, in_loop: bool) -> list[ast.stmt]:
        if stmt.finalbody or not can_be_taken_apart(stmt):
            return self.then(stmt, [], in_loop)
        guard = Guard(stmt, self)
        start = guard.set(guard.caught, ast.Constant(0), stmt)
        leave = self.when(False, [_placed(ast.Break(), stmt)], stmt) if in_loop else []
        return [start, *guard.block(stmt.body, in_loop=False), *guard.dispatch(in_loop), *leave]

    # -- what comes after it ------------------------------------------------------------------------------

    def dispatch(self, in_loop: bool = False) -> list[ast.stmt]:
        """The handler that is meant, or the ``else`` of the ``try``; both are part of the body of the ``try`` further out."""
        ways = self.when(True, self.outside(self.stmt.orelse, in_loop), self.stmt)
        for k, handler in reversed(list(enumerate(self.stmt.handlers))):
            test = ast.Compare(ast.Name(self.caught, ast.Load()), [ast.Eq()], [ast.Constant(k + 1)])
            named = [self.set(handler.name, ast.Name(self.name("error"), ast.Load()), handler)] if handler.name else []
            ways = [_placed(ast.If(test, [*named, *self.outside(handler.body, in_loop), *self.unnamed(handler)], ways), handler)]
        return ways

    def unnamed(self, handler: ast.ExceptHandler) -> list[ast.stmt]:
        """At its end, Python unbinds the name of a handler's exception, whatever it holds by then."""
        if not handler.name:
            return []
        gone = _placed(ast.Delete([ast.Name(handler.name, ast.Del())]), handler)
        return [self.set(handler.name, ast.Constant(None), handler), gone]

    def outside(self, stmts: list[ast.stmt], in_loop: bool) -> list[ast.stmt]:
        return self.outer.block(stmts, in_loop) if self.outer is not None else stmts


COMPOUND = {ast.If: Guard.branch, ast.For: Guard.loop, ast.While: Guard.repeat, ast.Try: Guard.inner}


def _placed(node: ast.stmt, at: ast.AST) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(node, at))


def can_be_taken_apart(stmt: ast.Try) -> bool:
    """Is every part of it one that the rewriting knows?"""
    loops = [node for node in ast.walk(ast.Module(stmt.body, [])) if isinstance(node, ast.While)]
    again = [node for handler in stmt.handlers for node in ast.walk(handler) if isinstance(node, ast.Raise) and node.exc is None]
    return not any(loop.orelse for loop in loops) and not again


__all__ = ["can_be_taken_apart", "is_simple", "one_by_one"]
