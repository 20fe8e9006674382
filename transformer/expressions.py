"""Lowering of expressions: one function for each kind of syntax, listed in ``EXPRESSIONS``."""

from __future__ import annotations

import ast
import operator
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime.errors import UntypedValue
from retrograd.runtime.rules import ATTRIBUTES

from . import calls
from .builder import type_of
from .ir import Aggregate, Atom, Call, Const, Ref, SliceAtom, Undefined, Var
from .operators import BINARY, COMPARE, UNARY
from .types import OPAQUE, AggregateT, ArrayT, ConstT, ListT, NumberT, OpaqueT, ScalarT, abstract, is_numeric
from .values import BoundMethod, Compiletime, LocalFunction

if TYPE_CHECKING:
    from .lower import Lowering


def expression(low: Lowering, node: ast.expr, hint: str = "") -> Any:
    """The atom an expression evaluates to, its computations written to the builder."""
    lower = EXPRESSIONS.get(type(node))
    if lower is None:
        raise low.unsupported(node, f"{REFUSED.get(type(node), type(node).__name__)} cannot be differentiated")
    return lower(low, node, hint)


def constant(low: Lowering, node: ast.Constant, hint: str) -> Atom:
    return Const(node.value)


def name(low: Lowering, node: ast.Name, hint: str) -> Any:
    value = low.lookup(node.id, node)
    if isinstance(value, Undefined):
        raise low.unsupported(
            node, f"{node.id} may be unbound here", f"Give {node.id} a value on every path before this line."
        )
    return value


def binary(low: Lowering, node: ast.BinOp, hint: str) -> Any:
    left, right = low.expr(node.left), low.expr(node.right)
    low.at(node)
    return arithmetic(low, BINARY[type(node.op)], left, right, node, hint)


def arithmetic(low: Lowering, fn: Any, left: Any, right: Any, node: ast.AST, hint: str = "") -> Any:
    """An operator on two atoms: numbers, or sequences joined and repeated."""
    if isinstance(left, Aggregate) and isinstance(right, Aggregate) and fn is operator.add and left.kind is right.kind:
        return Aggregate(left.kind, left.items + right.items)
    if fn is operator.mul and isinstance(left, Aggregate) and isinstance(right, Const):
        return Aggregate(left.kind, left.items * right.value)
    if fn is operator.mod and isinstance(type_of(left), ConstT):
        return low.build.let(_call(fn, left, right), type_of(Const("")), hint)
    for side in (left, right):
        if isinstance(side, Compiletime) or isinstance(side, Aggregate):
            raise low.unsupported(node, "an operator on this kind of value cannot be differentiated")
        if isinstance(type_of(side), (AggregateT, ListT)):
            raise low.unsupported(node, "arithmetic on a list or tuple cannot be differentiated", "Use np.array(...).")
    return low.build.call(fn, left, right, hint=hint, form="operator")


def _call(fn: Any, *args: Any) -> Any:
    return Call(fn, args, (), "operator")


def unary(low: Lowering, node: ast.UnaryOp, hint: str) -> Any:
    value = low.expr(node.operand)
    low.at(node)
    if isinstance(node.op, ast.USub) and isinstance(value, Ref) and type(value.value) is float:
        return Const(-value.value)  # -np.inf
    if isinstance(node.op, ast.Not):
        known = low.truth(value)
        if known is not None:
            return Const(not known)
    return low.build.call(UNARY[type(node.op)], value, hint=hint, form="operator")


def boolean(low: Lowering, node: ast.BoolOp, hint: str) -> Any:
    """``a and b``: the operands themselves, the second only if needed (L1)."""
    return _boolean(low, isinstance(node.op, ast.And), node.values, node, hint)


def _boolean(low: Lowering, conjunction: bool, values: list[ast.expr], node: ast.AST, hint: str) -> Any:
    first = low.expr(values[0])
    if len(values) == 1:
        return first
    known = low.truth(first)
    if known is not None:
        return _boolean(low, conjunction, values[1:], node, hint) if known == conjunction else first

    def rest() -> Any:
        return _boolean(low, conjunction, values[1:], node, "")

    def keep() -> Any:
        return first

    return low.choose(first, rest if conjunction else keep, keep if conjunction else rest, node, hint)


def ternary(low: Lowering, node: ast.IfExp, hint: str) -> Any:
    test = low.expr(node.test)
    known = low.truth(test)
    if known is not None:
        return low.expr(node.body if known else node.orelse, hint)
    return low.choose(test, lambda: low.expr(node.body), lambda: low.expr(node.orelse), node, hint)


def compare(low: Lowering, node: ast.Compare, hint: str) -> Any:
    return _compare(low, low.expr(node.left), list(zip(node.ops, node.comparators)), node, hint)


def _compare(low: Lowering, left: Any, rest: list[Any], node: ast.AST, hint: str) -> Any:
    (op, comparator), *more = rest
    right = low.expr(comparator)
    low.at(node)
    first = comparison(low, op, left, right, node, hint)
    if not more:
        return first
    known = low.truth(first)
    if known is not None:
        return _compare(low, right, more, node, hint) if known else first
    return low.choose(first, lambda: _compare(low, right, more, node, ""), lambda: first, node, hint)


def comparison(low: Lowering, op: ast.cmpop, left: Any, right: Any, node: ast.AST, hint: str = "") -> Any:
    if isinstance(op, (ast.Is, ast.IsNot)):
        return Const(_identical(low, left, right, node) == isinstance(op, ast.Is))
    if isinstance(op, (ast.In, ast.NotIn)):
        return _membership(low, left, right, isinstance(op, ast.In), node)
    if isinstance(left, Ref) and isinstance(right, Ref):
        return Const(bool(COMPARE[type(op)](left.value, right.value)))
    if isinstance(type_of(left), ConstT) != isinstance(type_of(right), ConstT) and isinstance(op, (ast.Eq, ast.NotEq)):
        if not isinstance(type_of(left), OpaqueT) and not isinstance(type_of(right), OpaqueT):
            return Const(isinstance(op, ast.NotEq))
    return low.build.call(COMPARE[type(op)], left, right, hint=hint, form="operator")


def _identical(low: Lowering, left: Any, right: Any, node: ast.AST) -> bool:
    if isinstance(left, (Const, Ref)) and isinstance(right, (Const, Ref)):
        return left.value is right.value
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Const) and other.value in (None, True, False, Ellipsis):
            if isinstance(one, (Aggregate, *Compiletime)) or not isinstance(type_of(one), OpaqueT):
                return False
    if left is right:
        return True
    raise low.unsupported(
        node, "whether two values are the same object is not known before the run", "Compare values with ==."
    )


def _membership(low: Lowering, left: Any, right: Any, positive: bool, node: ast.AST) -> Any:
    values = None
    if isinstance(right, Aggregate):
        values = list(right.keys) if right.kind is dict and right.keys is not None else right.items
    elif isinstance(type_of(right), AggregateT) and type_of(right).kind is dict:
        values = [Const(k) for k in type_of(right).keys]
    elif isinstance(right, (Const, Ref)):
        values = [Const(v) for v in right.value]
    if values is not None and isinstance(left, Const):
        plain = [v.value if isinstance(v, (Const, Ref)) else v for v in values]
        if all(not isinstance(v, Var) for v in plain):
            return Const((left.value in plain) == positive)
    raise low.unsupported(node, "membership in a container whose contents are not known before the run")


def sequence(low: Lowering, node: ast.Tuple | ast.List, hint: str) -> Any:
    items: list[Any] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            items += low.unpack_all(low.expr(element.value), element)
        else:
            items.append(low.expr(element))
    return Aggregate(tuple if isinstance(node, ast.Tuple) else list, tuple(items))


def dictionary(low: Lowering, node: ast.Dict, hint: str) -> Any:
    keys: list[Any] = []
    for key in node.keys:
        known = low.expr(key) if key is not None else None
        if not isinstance(known, Const):
            raise low.unsupported(node, "a dict whose keys are not literals cannot be differentiated")
        keys.append(known.value)
    return Aggregate(dict, tuple(low.expr(v) for v in node.values), tuple(keys))


def subscript(low: Lowering, node: ast.Subscript, hint: str) -> Any:
    container = low.expr(node.value)
    key = low.expr(node.slice)
    low.at(node)
    return item(low, container, key, node, hint)


def item(low: Lowering, container: Any, key: Any, node: ast.AST, hint: str = "") -> Any:
    if isinstance(container, Ref) and not is_numeric(abstract(container.value)):
        return low.found(container.value[key.value], f"{container.text}[{key.value!r}]", node)
    if isinstance(container, Aggregate) and not isinstance(key, (Const, SliceAtom)):
        container = low.demand(container, key, node)
        if isinstance(container, Aggregate):  # the key became known
            key = container.items[1]
            container = container.items[0]
    if isinstance(container, Compiletime):
        raise low.unsupported(node, "indexing this kind of value cannot be differentiated")
    return low.build.call(operator.getitem, container, key, hint=hint, form="operator")


def slice_(low: Lowering, node: ast.Slice, hint: str) -> Any:
    parts = (low.expr(p) if p is not None else Const(None) for p in (node.lower, node.upper, node.step))
    return SliceAtom(*parts)


def attribute(low: Lowering, node: ast.Attribute, hint: str) -> Any:
    owner = low.expr(node.value)
    low.at(node)
    return attribute_of(low, owner, node.attr, node, hint)


def attribute_of(low: Lowering, owner: Any, attr: str, node: ast.AST, hint: str = "") -> Any:
    if isinstance(owner, Ref):
        try:
            value = getattr(owner.value, attr)
        except AttributeError as error:
            raise low.error(UntypedValue, node, str(error)) from error
        return low.found(value, f"{owner.text}.{attr}", node, owner=owner)
    if isinstance(owner, Aggregate):
        return _field(low, owner, attr, node)
    t = type_of(owner)
    if isinstance(t, AggregateT):
        if t.keys is not None and attr in t.keys and t.kind is not dict:
            return low.build.let(_attribute_call(owner, attr), t.items[t.keys.index(attr)], hint or attr)
        return _field(low, owner, attr, node)
    if isinstance(t, (ArrayT, ScalarT, NumberT)) and attr in ATTRIBUTES:
        return low.build.call(ATTRIBUTES[attr], owner, hint=hint, form=f"attribute:{attr}")
    if isinstance(t, (ArrayT, ScalarT, NumberT)) and attr == "flat":
        return low.build.call(np.ravel, owner, hint=hint)
    return BoundMethod(owner, attr)


def _field(low: Lowering, owner: Any, attr: str, node: ast.AST) -> Any:
    t = type_of(owner)
    if isinstance(owner, Aggregate) and owner.keys is not None and attr in owner.keys and owner.kind is not dict:
        return owner.items[owner.keys.index(attr)]
    member = getattr(t.kind, attr, None) if t.kind not in (tuple, list, dict) else None
    if isinstance(member, property):
        return calls.call(low, Ref(member.fget, attr), (owner,), {}, node)
    if isinstance(member, (types.FunctionType, classmethod)) or t.kind in (tuple, list, dict):
        return BoundMethod(owner, attr)
    if member is not None:
        return low.found(member, attr, node)
    raise low.error(UntypedValue, node, f"{t.kind.__name__} has no attribute {attr}")


def _attribute_call(owner: Any, attr: str) -> Any:
    return Call(getattr, (owner, Const(attr)), (), f"attribute:{attr}")


def lambda_(low: Lowering, node: ast.Lambda, hint: str) -> Any:
    return local_function(low, node)


def local_function(low: Lowering, node: Any) -> LocalFunction:
    defaults = tuple(low.expr(d) for d in node.args.defaults)
    kw = tuple((a.arg, low.expr(d)) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults) if d is not None)
    return LocalFunction(node, low.frame, defaults, kw)


def walrus(low: Lowering, node: ast.NamedExpr, hint: str) -> Any:
    value = low.expr(node.value, node.target.id)
    low.bind(node.target.id, value)
    return value


def formatted(low: Lowering, node: ast.JoinedStr, hint: str) -> Any:
    """An f-string, as ``str.format`` on the same pieces."""
    template, values = "", []
    for part in node.values:
        if isinstance(part, ast.Constant):
            template += str(part.value).replace("{", "{{").replace("}", "}}")
        elif isinstance(part, ast.FormattedValue):
            conversion = "" if part.conversion == -1 else f"!{chr(part.conversion)}"
            spec = "".join(str(c.value) for c in part.format_spec.values) if part.format_spec else ""  # type: ignore[attr-defined]
            template += f"{{{conversion}{':' + spec if spec else ''}}}"
            values.append(low.expr(part.value))
    if not values:
        return Const(template.replace("{{", "{").replace("}}", "}"))
    return low.build.let(Call(str.format, (Const(template), *values)), OPAQUE, hint)


def call(low: Lowering, node: ast.Call, hint: str) -> Any:
    fn = low.expr(node.func)
    args: list[Any] = []
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            args += low.unpack_all(low.expr(arg.value), arg)
        else:
            args.append(low.expr(arg))
    kwargs: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            kwargs.update(low.unpack_mapping(low.expr(keyword.value), node))
        else:
            kwargs[keyword.arg] = low.expr(keyword.value)
    low.at(node)
    return calls.call(low, fn, tuple(args), kwargs, node, hint)


EXPRESSIONS: dict[type, Any] = {
    ast.Constant: constant, ast.Name: name, ast.BinOp: binary, ast.UnaryOp: unary, ast.BoolOp: boolean,
    ast.IfExp: ternary, ast.Compare: compare, ast.Tuple: sequence, ast.List: sequence, ast.Dict: dictionary,
    ast.Subscript: subscript, ast.Slice: slice_, ast.Attribute: attribute, ast.Lambda: lambda_,
    ast.NamedExpr: walrus, ast.JoinedStr: formatted, ast.Call: call,
}  # fmt: skip

REFUSED = {
    ast.ListComp: "a list comprehension", ast.SetComp: "a set comprehension", ast.DictComp: "a dict comprehension",
    ast.GeneratorExp: "a generator", ast.Await: "await", ast.Yield: "a generator", ast.YieldFrom: "a generator",
    ast.Set: "a set", ast.Starred: "a starred expression",
}  # fmt: skip
