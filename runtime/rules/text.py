"""What does the source of a rule say?  Writing rules from partials, pruning them, and what they read.

A pullback pruned to one cotangent keeps only the lines that reach it:

>>> import inspect
>>> import numpy as np
>>> from retrograd.runtime.rules import lookup
>>> print(inspect.getsource(lookup(np.multiply).pullback_for(frozenset({"y"}))))
def multiply_pullback(z_bar, z, x, y, /):
    y_bar = z_bar * numerics.conj(x)
    return (None, y_bar)
<BLANKLINE>
"""

from __future__ import annotations

import ast
import builtins
import inspect
import itertools
import linecache
import math
import operator
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.errors import Location, UnsupportedSyntax

if TYPE_CHECKING:
    from retrograd.runtime.rules.rule import Rule

#: What the arguments of an elementwise function are called in its partials.
ARGUMENTS = ("x", "y", "w")

#: Everything the text of a rule may name.
GLOBALS: dict[str, Any] = {"np": np, "numerics": numerics, "math": math, "operator": operator}

_HOMES = (
    ("np", np),
    ("np.linalg", np.linalg),
    ("np.fft", np.fft),
    ("np.ndarray", np.ndarray),
    ("math", math),
    ("operator", operator),
    ("numerics", numerics),
    ("", builtins),
)
_serial = itertools.count()


@dataclass(frozen=True)
class Pruned:
    """A pullback that computes the wanted cotangents only, and what it still reads."""

    function: Callable[..., Any]
    reads: frozenset[str]
    reads_shape: frozenset[str]


def dotted(primitive: Callable[..., Any]) -> str:
    """The name under which rules call a primitive: ``np.linalg.inv``, ``math.sin``, ``abs``."""
    name = getattr(primitive, "__name__", "")
    for prefix, home in _HOMES:
        if vars(home).get(name) is primitive:
            return f"{prefix}.{name}" if prefix else name
    return name


def resolve(name: str, namespace: ModuleType) -> tuple[str, Any]:
    """The qualified text and the function behind a bare name in a partial."""
    for home in (namespace, np, numerics):
        if hasattr(home, name):
            prefix = {np: "np"}.get(home, home.__name__.rsplit(".", 1)[-1])
            return f"{prefix}.{name}", getattr(home, name)
    raise NameError(f"{name} is neither in {namespace.__name__} nor in numpy nor in numerics")


class _Qualify(ast.NodeTransformer):
    def __init__(self, namespace: ModuleType) -> None:
        self.namespace = namespace

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name):
            node.func = ast.parse(resolve(node.func.id, self.namespace)[0], mode="eval").body
        return node


def qualified(partial: str, namespace: ModuleType) -> str:
    """``cos(x)`` as rules write it: ``np.cos(x)``."""
    return ast.unparse(_Qualify(namespace).visit(ast.parse(partial, mode="eval")))


def _times(bar: str, partial: str, rule: Rule, conj: bool, strong: bool) -> str:
    """The text of ``bar`` times a partial, without a multiplication where none is needed."""
    if partial in ("1", "-1"):
        return bar if partial == "1" else f"-{bar}"
    code = qualified(partial, rule.namespace)
    if conj and _may_be_complex(rule, partial):
        code = f"numerics.conj({code})"
    if strong:
        return f"numerics.strong({bar}, {code})"
    if isinstance(ast.parse(code, mode="eval").body, ast.BinOp):
        code = f"({code})"
    return f"{bar} * {code}"


def _may_be_complex(rule: Rule, partial: str) -> bool:
    mentions = {node.id for node in ast.walk(ast.parse(partial)) if isinstance(node, ast.Name)}
    return rule.namespace is not math and not rule.real_only and bool(mentions & {"z", *rule.inputs})


def elementwise_pullback(rule: Rule, strong: bool = False) -> Callable[..., Any]:
    """``x_bar = z_bar * partial`` for every input that has one."""
    live = [(x, p) for x, p in zip(rule.inputs, rule.partials, strict=True) if p != "0"]
    lines = [f"{x}_bar = {_times('z_bar', p, rule, conj=True, strong=strong)}" for x, p in live]
    names = {x for x, _ in live}
    results = [f"{x}_bar" if x in names else "None" for x in rule.inputs]
    head = f"def {_stem(rule)}_pullback(z_bar, z, {', '.join(rule.params)}, /):"
    return define(head, [*lines, f"return {_together(results)}"])


def elementwise_pushforward(rule: Rule) -> Callable[..., Any]:
    """``x_dot * partial`` for every input; an input without influence contributes None."""
    results = [
        "None" if p == "0" else _times(f"{x}_dot", p, rule, conj=False, strong=False)
        for x, p in zip(rule.inputs, rule.partials, strict=True)
    ]
    dots = ", ".join(f"{x}_dot" for x in rule.inputs)
    head = f"def {_stem(rule)}_pushforward({dots}, z, {', '.join(rule.params)}, /):"
    return define(head, [f"return {_together(results)}"])


def linear_pushforward(rule: Rule) -> Callable[..., Any]:
    """The primitive itself, one input replaced by its tangent (and, if linear, the other inputs by 0)."""
    parameters = rule.signature.parameters
    dots = ", ".join(f"{x}_dot" for x in rule.inputs)
    results = [f"{rule.name}({_arguments(rule, active)})" for active in rule.inputs]
    own = str(inspect.Signature(list(parameters.values())))[1:-1]
    scope = GLOBALS if "." in rule.name else {**GLOBALS, rule.name: rule.primitive}
    return define(f"def {_stem(rule)}_pushforward({dots}, z, {own}):", [f"return {_together(results)}"], scope)


def _arguments(rule: Rule, active: str) -> str:
    return ", ".join(_argument(rule, parameter, active) for parameter in rule.signature.parameters.values())


def _argument(rule: Rule, parameter: inspect.Parameter, active: str) -> str:
    name = parameter.name
    value = f"{name}_dot" if name == active else "0" if rule.kind == "linear" and name in rule.inputs else name
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{value}"
    return f"{name}={value}" if parameter.kind is parameter.KEYWORD_ONLY else value


def _stem(rule: Rule) -> str:
    return rule.name.rsplit(".", 1)[-1]


def _together(results: list[str]) -> str:
    return results[0] if len(results) == 1 else f"({', '.join(results)})"


def define(head: str, lines: list[str], globals_: dict[str, Any] | None = None) -> Callable[..., Any]:
    """The function with this text, known to ``inspect.getsource`` and tracebacks."""
    source = "\n".join([head, *(f"    {line}" for line in lines)]) + "\n"
    name = head.split("(")[0].removeprefix("def ")
    filename = f"<retrograd rule {name} {next(_serial)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope = dict(GLOBALS if globals_ is None else globals_)
    exec(compile(source, filename, "exec"), scope)
    return scope[name]


def function_ast(function: Callable[..., Any]) -> ast.FunctionDef:
    """The definition of a rule, without decorators and docstring; refused if it is not straight-line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise _not_straight_line(function, tree)
    tree.decorator_list = []
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    for statement in tree.body[:-1]:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise _not_straight_line(function, statement)
    if not (isinstance(tree.body[-1], ast.Return) and tree.body[-1].value is not None):
        raise _not_straight_line(function, tree.body[-1])
    return tree


def _not_straight_line(function: Callable[..., Any], node: ast.AST) -> UnsupportedSyntax:
    lines, first = inspect.getsourcelines(function)
    at = node.lineno - 1  # type: ignore[attr-defined]
    raw = textwrap.dedent("".join(lines)).splitlines()[at]
    end = node.end_col_offset if node.end_lineno == node.lineno else len(raw.rstrip(" :").encode())  # type: ignore[attr-defined]
    return UnsupportedSyntax(
        f"the rule {function.__name__} is not straight-line",
        where=Location.spanning(function.__code__.co_filename, first + at, raw, node.col_offset, end),  # type: ignore[attr-defined]
        remedy="Write single assignments and one return; put choices into a function that has a rule of its own.",
    )


def prune(rule: Rule, wanted: frozenset[str], strong: bool) -> Pruned:
    """Keep the lines of a pullback that reach the wanted cotangents."""
    pullback = rule.pullback
    if strong and rule.written_pullback is None and rule.partials:
        pullback = elementwise_pullback(rule, strong=True)
    if pullback is None:
        raise ValueError(f"{rule.name} has no pullback")
    tree = function_ast(pullback)
    kept = _slice(tree.body, _wanted_results(tree.body[-1], rule.inputs, wanted))
    function = define(f"def {tree.name}({ast.unparse(tree.args)}):", kept, pullback.__globals__)
    reads, shapes = _reads(kept, {"z", *rule.params})
    return Pruned(function, reads, shapes - reads)


def _wanted_results(last: ast.stmt, inputs: tuple[str, ...], wanted: frozenset[str]) -> ast.Return:
    assert isinstance(last, ast.Return) and last.value is not None
    if len(inputs) == 1:
        return last
    if not isinstance(last.value, ast.Tuple) or len(last.value.elts) != len(inputs):
        raise ValueError(f"a rule returns one cotangent for each of {', '.join(inputs)}")
    results = [r if x in wanted else ast.Constant(None) for x, r in zip(inputs, last.value.elts, strict=True)]
    return ast.Return(ast.Tuple(results, ast.Load()))


def _slice(body: list[ast.stmt], result: ast.Return) -> list[str]:
    needed, kept = set(_names(result)), [ast.unparse(result)]
    for statement in reversed(body[:-1]):
        target = ast.unparse(statement.targets[0])  # type: ignore[attr-defined]
        if target in needed:
            needed |= set(_names(statement))
            kept.append(ast.unparse(statement))
    return kept[::-1]


def fresh_cotangents(rule: Rule, lookup: Callable[[Any], Rule | None]) -> frozenset[str]:
    """The inputs whose cotangent is the result of an operation that allocates."""
    if rule.pullback is None:
        return frozenset()
    *lines, last = function_ast(rule.pullback).body
    values = {ast.unparse(s.targets[0]): s.value for s in lines if isinstance(s, ast.Assign)}
    assert isinstance(last, ast.Return)
    single = len(rule.inputs) == 1
    results = [last.value] if single or not isinstance(last.value, ast.Tuple) else last.value.elts
    named = ((x, values.get(ast.unparse(r), r)) for x, r in zip(rule.inputs, results, strict=True) if r is not None)
    return frozenset(x for x, value in named if _allocates(value, rule.pullback.__globals__, lookup))


def _allocates(value: ast.expr, globals_: dict[str, Any], lookup: Callable[[Any], Rule | None]) -> bool:
    if isinstance(value, ast.Call):
        called = lookup(eval(ast.unparse(value.func), globals_))
        return called is not None and called.sharing == "fresh"
    return isinstance(value, (ast.BinOp, ast.UnaryOp))


def _names(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


def _reads(lines: list[str], candidates: set[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Which candidates the lines read as values, and which in places where only the shape matters."""
    tree = ast.parse("\n".join(lines).replace("return ", "_ = ", 1) if lines else "")
    shape_only = {id(arg) for call in ast.walk(tree) if isinstance(call, ast.Call) for arg in _shape_arguments(call)}
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in candidates]
    values = frozenset(n.id for n in names if id(n) not in shape_only)
    return values, frozenset(n.id for n in names if id(n) in shape_only)


def _shape_arguments(call: ast.Call) -> Iterator[ast.AST]:
    positions = numerics.SHAPE_ONLY.get(ast.unparse(call.func), ())
    for argument in (call.args[i] for i in positions if i < len(call.args)):
        yield from argument.elts if isinstance(argument, ast.Tuple) else (argument,)
