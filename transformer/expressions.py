"""Lowering of expressions: one function for each kind of syntax, listed in ``EXPRESSIONS``."""

from __future__ import annotations

import ast
import inspect
import operator
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import UntypedValue
from retrograd.runtime.rules import ATTRIBUTES

from . import calls, containers, tables
from .builder import type_of
from .ir import Aggregate, Atom, Call, Const, Ref, SliceAtom, Undefined, Var
from .operators import BINARY, COMPARE, UNARY
from .types import (
    BOOL,
    OPAQUE,
    AggregateT,
    ArrayT,
    ConstT,
    DictT,
    ListT,
    NumberT,
    OpaqueT,
    ScalarT,
    abstract,
    full_name,
    is_hashable,
    is_numeric,
    is_object,
    kind_of_number,
)
from .values import BoundMethod, Compiletime, LocalFunction, Maybe, Partial, Super, SurelyRaises, Unknown, is_iterator

if TYPE_CHECKING:
    from .lower import Lowering


def expression(low: Lowering, node: ast.expr, hint: str = "") -> Any:
    """The atom an expression evaluates to, its computations written to the builder."""
    lower = EXPRESSIONS.get(type(node))
    if lower is None:
        what = REFUSED.get(type(node), type(node).__name__)
        raise low.unsupported(node, f"{what} cannot be differentiated", "Collect the values in a list first.")
    value = lower(low, node, hint)
    if isinstance(value, Aggregate) and value.ident is None:
        return low.heap.new(value.kind, value.items, value.keys, hint=hint)
    return value


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
    return arithmetic(low, BINARY[type(node.op)], low.now(left), right, node, hint)


def arithmetic(low: Lowering, fn: Any, left: Any, right: Any, node: ast.AST, hint: str = "") -> Any:
    """An operator on two atoms: numbers, or sequences joined and repeated."""
    if isinstance(type_of(left), (AggregateT, ListT)) or isinstance(type_of(right), (AggregateT, ListT)):
        special = overloaded(low, fn, left, right, node) or containers.joined(low, fn, left, right, node, hint)
        if special is not None:
            return special
    if fn is operator.mod and isinstance(type_of(left), ConstT):
        return low.build.let(_call(fn, left, right), type_of(Const("")), hint)
    for side in (left, right):
        if isinstance(side, Compiletime):
            raise low.unsupported(
                node, "an operator on a function or iterator cannot be differentiated", "Call the function, or make a list of the iterator."
            )
    plain = {AggregateT, ListT} & {type(type_of(side)) for side in (left, right)}
    if plain:
        left, right = (containers.as_operand(low, side, other, node) for side, other in ((left, right), (right, left)))
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
    made = low.build.call(UNARY[type(node.op)], value, hint=hint, form="operator")
    if isinstance(node.op, ast.Not) and isinstance(value, Var) and value in low.facts:
        low.facts[made] = low.facts[value][::-1]
    return made


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

    others: list[Any] = []

    def rest() -> Any:
        others.append(_boolean(low, conjunction, values[1:], node, ""))
        return others[0]

    def keep() -> Any:
        return first

    made = low.choose(first, rest if conjunction else keep, keep if conjunction else rest, node, hint)
    if isinstance(made, Var) and low.truth(others[0]) is (not conjunction):
        low.truths[made] = not conjunction  # whichever operand it is
    _conclude(low, conjunction, made, [first, *others])
    return made


def _conclude(low: Lowering, conjunction: bool, whole: Any, parts: list[Any]) -> None:
    """Where ``a and b`` holds, both say what they say; where ``a or b`` does not, neither does."""
    if not isinstance(whole, Var) or whole in parts:
        return
    told: dict[Var, bool] = {}
    for part in parts:
        told.update(low.facts.get(part, ({}, {}))[0 if conjunction else 1] if isinstance(part, Var) else {})
    if told:
        low.facts[whole] = (told, {}) if conjunction else ({}, told)


def ternary(low: Lowering, node: ast.IfExp, hint: str) -> Any:
    test = low.expr(node.test)
    known = low.truth(test)
    if known is not None:
        return low.expr(node.body if known else node.orelse, hint, maybe=True)
    return low.choose(test, lambda: low.expr(node.body, maybe=True), lambda: low.expr(node.orelse, maybe=True), node, hint)


def overloaded(low: Lowering, fn: Any, left: Any, right: Any, node: ast.AST) -> Any:
    """The result of a user class's own operator; None if neither side has one."""
    for owner, other, names in ((left, right, DUNDERS.get(fn)), (right, left, REFLECTED.get(fn))):
        t = type_of(owner)
        if names and isinstance(t, AggregateT) and t.kind not in (tuple, list, dict):
            method = inspect.getattr_static(t.kind, names, None)
            if isinstance(method, types.FunctionType):
                return calls.call_object(low, method, names, (owner, other), {}, node, "")
    return None


def compare(low: Lowering, node: ast.Compare, hint: str) -> Any:
    asks = isinstance(node.ops[0], (ast.Is, ast.IsNot))
    return _compare(low, low.expr(node.left, maybe=asks), list(zip(node.ops, node.comparators)), node, hint)


def _compare(low: Lowering, left: Any, rest: list[Any], node: ast.AST, hint: str) -> Any:
    (op, comparator), *more = rest
    literal_set = isinstance(comparator, ast.Set) and isinstance(op, (ast.In, ast.NotIn))
    asks = isinstance(op, (ast.Is, ast.IsNot))
    right = Aggregate(tuple, tuple(map(low.expr, comparator.elts))) if literal_set else low.expr(comparator, maybe=asks)
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
        return _identity(low, left, right, isinstance(op, ast.Is), node)
    if isinstance(op, (ast.In, ast.NotIn)):
        return _membership(low, left, right, isinstance(op, ast.In), node)
    left, right = low.some(left), low.some(right)
    if isinstance(left, Aggregate) or isinstance(right, Aggregate):
        special = overloaded(low, COMPARE[type(op)], left, right, node)
        return special if special is not None else containers.compared(low, op, left, right, node)
    if isinstance(left, Ref) and isinstance(right, Ref):
        return Const(bool(COMPARE[type(op)](left.value, right.value)))
    if isinstance(type_of(left), ConstT) != isinstance(type_of(right), ConstT) and isinstance(op, (ast.Eq, ast.NotEq)):
        if not isinstance(type_of(left), OpaqueT) and not isinstance(type_of(right), OpaqueT):
            return Const(isinstance(op, ast.NotEq))
    return low.build.call(COMPARE[type(op)], left, right, hint=hint, form="operator")


def _identity(low: Lowering, left: Any, right: Any, positive: bool, node: ast.AST) -> Any:
    """``a is b``: asked of the run where one of the two is of no known kind, and so inactive."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Aggregate) and one.kind is Maybe and isinstance(other, Const) and other.value is None:
            return _none_test(low, one.items[0], positive)
    unknown = [x for x in (left, right) if isinstance(x, Var) and isinstance(x.type, OpaqueT)]
    if unknown and left is not right and not any(isinstance(x, (Aggregate, *Compiletime)) for x in (left, right)):
        return low.build.let(Call(operator.is_ if positive else operator.is_not, (left, right), (), "operator"), BOOL)
    return Const(_identical(low, left, right, node) == positive)


def _none_test(low: Lowering, flag: Any, positive: bool) -> Any:
    """``x is None`` of what may be."""
    facts = {flag: True}, {flag: False}
    test = flag if positive else low.build.let(Call(operator.not_, (flag,), (), "operator"), BOOL)
    low.facts[test] = facts if positive else facts[::-1]
    return test


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
    """``a in b``: looked up where both are known, compared one by one where ``b`` is."""
    t = type_of(right) if not isinstance(right, Compiletime) else None
    values: Any = None
    if is_iterator(right):
        raise low.unsupported(node, "membership in an iterator", "Make a list of what is left first: list(it).")
    if isinstance(t, AggregateT) and t.kind is dict and not tables.known_key(left) and tables.as_table(low, right) is not None:
        right = tables.held_table(low, right, node)
        t = type_of(right)
    if isinstance(t, DictT):
        test = tables.contains(low, right, left)
        return test if positive else low.build.call(operator.not_, test, form="operator")
    if isinstance(t, AggregateT):
        values = [Const(k) for k in t.keys or ()] if t.kind is dict else low.unpack_all(right, node)
    elif isinstance(right, (Const, Ref)) and is_hashable(type(right.value)):
        if isinstance(left, (Const, Ref)):
            return Const((left.value in right.value) == positive)
        values = None if isinstance(right.value, str) else [Const(v) for v in right.value]
    if isinstance(t, OpaqueT) and isinstance(right, Var):
        test = low.build.let(Call(operator.contains, (right, left)), BOOL)
        return test if positive else low.build.call(operator.not_, test, form="operator")
    if values is None:
        raise low.unsupported(
            node, "membership in a container whose contents are not known before the run", "Use any(x == y for y in xs)."
        )
    if isinstance(left, (Const, Ref)) and all(isinstance(v, (Const, Ref)) for v in values):
        return Const((left.value in [v.value for v in values]) == positive)
    found: Any = Const(False)
    for value in reversed(values):
        test = comparison(low, ast.Eq(), left, value, node)
        found = low.build.call(emitted.either, test, found, type=BOOL) if not isinstance(test, Const) else (
            Const(True) if test.value else found
        )
    return found if positive else low.build.call(operator.not_, found, form="operator")


def set_of(low: Lowering, node: ast.Set | ast.SetComp, hint: str) -> Any:
    """A set is held by the run; what is in it has no derivative."""
    items = sequence(low, ast.copy_location(ast.List(node.elts, ast.Load()), node), "") if isinstance(node, ast.Set) else (
        containers.comprehension(low, node, "")
    )
    return low.build.let(Call(set, (low.now(items),)), OpaqueT(set), hint)


def sequence(low: Lowering, node: ast.Tuple | ast.List, hint: str) -> Any:
    items: list[Any] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            items += low.unpack_all(low.expr(element.value), element)
        else:
            items.append(low.expr(element))
    items = [low.now(i) for i in items]
    return Aggregate(tuple if isinstance(node, ast.Tuple) else list, tuple(items))


def dictionary(low: Lowering, node: ast.Dict, hint: str) -> Any:
    from .stores import hashable_key

    table: dict[Any, Any] = {}
    done: list[Any] = []
    for key, value in zip(node.keys, node.values):
        if key is None:
            table.update(low.unpack_mapping(low.expr(value), node))
        else:
            at = low.expr(key)
            if not tables.known_key(at):
                return _grown(low, table, at, node, list(zip(node.keys, node.values))[len(done) :])
            table[hashable_key(low, at, node)] = low.expr(value)
        done.append(key)
    return Aggregate(dict, tuple(table.values()), tuple(table))


def _grown(low: Lowering, known: dict[Any, Any], key: Any, node: ast.Dict, rest: list[Any]) -> Any:
    """A dict literal from its first key on that only the run knows; ``key`` is that one, already lowered."""
    from .stores import set_item

    made = low.heap.new(dict, tuple(known.values()), tuple(known))
    for at, (name, value) in enumerate(rest):
        if name is None:
            tables.method(low, BoundMethod(low.now(made), "update"), (low.expr(value),), {}, node)
        else:
            set_item(low, low.now(made), key if at == 0 else low.expr(name), low.expr(value), node)
    return low.now(made)


def subscript(low: Lowering, node: ast.Subscript, hint: str) -> Any:
    container = low.expr(node.value)
    key = low.expr(node.slice)
    low.at(node)
    return item(low, container, key, node, hint)


def item(low: Lowering, container: Any, key: Any, node: ast.AST, hint: str = "") -> Any:
    kind = kind_of_number(type_of(container)) if not isinstance(container, Compiletime) else None
    if kind in (bool, int, float, complex) and low.is_caught:
        raise SurelyRaises(TypeError, f"{kind.__name__!r} object is not subscriptable")
    if _is_one_number(container) and _is_place(key) and low.is_caught:
        raise SurelyRaises(IndexError, "invalid index to scalar variable.")
    if isinstance(container, Compiletime):
        raise low.unsupported(node, "an item of a function or iterator cannot be differentiated", "Make a list of it first: list(...).")
    if isinstance(container, Ref) and not is_numeric(abstract(container.value)):
        return containers.item_from_outside(low, container, key, node, hint)
    container = _with_default(low, container, key, node)
    t = type_of(container)
    if isinstance(t, AggregateT) and t.kind not in (tuple, list, dict) and not issubclass(t.kind, tuple):
        method = inspect.getattr_static(t.kind, "__getitem__", None)
        if method is not None:
            return calls.call_object(low, method, "__getitem__", (container, key), {}, node, hint)
    if isinstance(t, AggregateT) and not isinstance(key, (Const, SliceAtom)):
        return containers.item_of(low, container, key, node, hint)
    made = low.build.call(operator.getitem, container, key, hint=hint, form="operator")
    low.heap.watch(made, operator.getitem, (container, key), (), "operator")
    return made


def _is_one_number(container: Any) -> bool:
    """Is it a NumPy scalar, or an array without axes?"""
    t = type_of(container) if not isinstance(container, Compiletime) else None
    return isinstance(t, ArrayT) and t.ndim == 0 or isinstance(t, ScalarT) and t.weak is False and not t.number


def _is_place(key: Any) -> bool:
    return not isinstance(key, (Compiletime, Aggregate, SliceAtom)) and isinstance(t := type_of(key), ScalarT) and t.dtype.kind == "i"


def _with_default(low: Lowering, container: Any, key: Any, node: ast.AST) -> Any:
    """A ``defaultdict`` has what it is asked for."""
    factory = low.heap.defaults.get(low.heap.ident(container))
    if factory is None:
        return container
    from .stores import set_item

    def make() -> Any:
        return calls.call(low, factory, (), {}, node)

    if isinstance(container, Aggregate) and not tables.known_key(key):
        low.need(key)
        container = tables.held_table(low, container, node, changes=True)
    if tables.is_table(container):
        tables.put_default(low, container, key, make, node)
    elif key.value not in container.keys:
        set_item(low, container, key, make(), node)
    return low.now(container)


def slice_(low: Lowering, node: ast.Slice, hint: str) -> Any:
    parts = (low.expr(p) if p is not None else Const(None) for p in (node.lower, node.upper, node.step))
    return SliceAtom(*parts)


def attribute(low: Lowering, node: ast.Attribute, hint: str) -> Any:
    found = callee(low, node, hint)
    if isinstance(found, BoundMethod) and isinstance(type_of(found.owner), OpaqueT):
        return low.build.attribute(found.owner, node.attr, OPAQUE, hint)
    return found


def callee(low: Lowering, node: ast.Attribute, hint: str = "") -> Any:
    """An attribute that may be about to be called."""
    owner = low.expr(node.value)
    low.at(node)
    return attribute_of(low, owner, node.attr, node, hint)


def attribute_of(low: Lowering, owner: Any, attr: str, node: ast.AST, hint: str = "") -> Any:
    if isinstance(owner, Ref):
        try:
            value = getattr(owner.value, attr)
        except AttributeError as error:
            raise low.error(UntypedValue, node, str(error)) from error
        if isinstance(owner.value, (np.dtype, np.finfo, np.iinfo)):
            return _fact(low, value, f"{owner.text}.{attr}", hint)
        return low.found(value, f"{owner.text}.{attr}", node, owner=owner)
    if isinstance(owner, Super):
        return _inherited(low, owner, attr, node)
    if isinstance(owner, Aggregate):
        return _field(low, owner, attr, node)
    t = type_of(owner)
    if isinstance(t, AggregateT):
        if t.keys is not None and attr in t.keys and t.kind is not dict:
            made = low.build.attribute(owner, attr, t.items[t.keys.index(attr)], hint)
            if low.heap.is_held_by_run(owner):
                low.heap.watch(made, getattr, (owner, Const(attr)), (), f"attribute:{attr}")
            return made
        return _field(low, owner, attr, node)
    if attr == "dtype" and (isinstance(t, ArrayT) or (isinstance(t, ScalarT) and t.weak is False and not t.number)):
        return Ref(t.dtype, f"np.dtype(np.{t.dtype.type.__name__})")
    if isinstance(t, (ArrayT, ScalarT, NumberT)) and attr in ATTRIBUTES:
        made = low.build.call(ATTRIBUTES[attr], owner, hint=hint, form=f"attribute:{attr}")
        low.heap.watch(made, ATTRIBUTES[attr], (owner,), (), f"attribute:{attr}")
        return made
    if isinstance(t, (ArrayT, ScalarT, NumberT)) and attr == "flat":
        return low.build.call(np.ravel, owner, hint=hint)
    kind = kind_of_number(t)
    if kind is not None:
        if not hasattr(kind, attr) and low.guarded:
            return no_attribute(low, kind, attr, hint)
    return BoundMethod(owner, attr)


def no_attribute(low: Lowering, kind: type, attr: str, hint: str = "") -> Any:
    """What reading, or setting, an attribute does that no value of a kind has."""
    if low.is_caught:
        raise SurelyRaises(AttributeError, f"{full_name(kind)!r} object has no attribute {attr!r}")
    return low.build.let(Call(emitted.no_attribute, (Const(full_name(kind)), Const(attr))), OPAQUE, hint)


def _fact(low: Lowering, value: Any, text: str, hint: str) -> Any:
    """What a dtype says of itself: a number or a name, the same whenever it is asked."""
    if isinstance(value, np.generic):
        t = abstract(value)
        return low.build.call(type(value), Const(value.item()), hint=hint, type=t) if isinstance(t, ScalarT) else Ref(value, text)
    return Const(value) if isinstance(value, (bool, int, float, str)) else Ref(value, text)


def _inherited(low: Lowering, view: Super, attr: str, node: ast.AST) -> Any:
    t = type_of(view.owner)
    mro = (t.kind if isinstance(t, AggregateT) else t.cls).__mro__
    later = mro[mro.index(view.cls) + 1 :]
    found = next((vars(cls)[attr] for cls in later if attr in vars(cls)), None)
    if isinstance(found, property):
        return calls.call(low, Ref(found.fget, attr), (view.owner,), {}, node)
    if isinstance(found, types.FunctionType):
        return Partial(Ref(found, attr), (view.owner,))
    if attr == "__init__":  # of object
        return Ref(_nothing, attr)
    if found is not None and not hasattr(found, "__get__"):
        return low.found(found, attr, node, key=("inherited", view.cls, attr))
    raise low.error(
        UntypedValue, node, f"super() has no method or property {attr}", "Read it from the class that defines it: Base.name."
    )


def _nothing(*args: Any, **kwargs: Any) -> None:
    """``object.__init__``."""


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
    raise low.error(UntypedValue, node, f"{t.kind.__name__} has no attribute {attr}", f"Bind {attr} before this line, e.g. in __init__.")


def lambda_(low: Lowering, node: ast.Lambda, hint: str) -> Any:
    return local_function(low, node)


def local_function(low: Lowering, node: Any) -> LocalFunction:
    defaults = tuple(low.expr(d) for d in node.args.defaults)
    kw = tuple((a.arg, low.expr(d)) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults) if d is not None)
    low.frame.escapes = True
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
    return low.build.let(Call(str.format, (Const(template), *values)), OpaqueT(str), hint)


def call(low: Lowering, node: ast.Call, hint: str) -> Any:
    fn = callee(low, node.func) if isinstance(node.func, ast.Attribute) else low.expr(node.func)
    if isinstance(fn, Unknown):
        raise low.error(fn.kind, node, fn.reason, fn.remedy)
    args: list[Any] = []
    asks = _is_written_in_python(fn)  # and may ask itself whether what it is given is None
    for arg in node.args:
        if isinstance(arg, ast.Starred):
            args += low.unpack_all(low.expr(arg.value), arg)
        else:
            args.append(low.expr(arg, maybe=asks))
    kwargs: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            kwargs.update(low.unpack_mapping(low.expr(keyword.value), node))
        else:
            kwargs[keyword.arg] = low.expr(keyword.value, maybe=asks)
    low.at(node)
    args, kwargs = [low.now(a) for a in args], {k: low.now(a) for k, a in kwargs.items()}
    return calls.call(low, low.now(fn), tuple(args), kwargs, node, hint)


def _is_written_in_python(fn: Any) -> bool:
    """Is it a function of the user's, or a method of an object of theirs?"""
    if isinstance(fn, Partial):
        return _is_written_in_python(fn.fn)
    is_method = isinstance(fn, BoundMethod) and is_object(type_of(fn.owner))
    return isinstance(fn, LocalFunction) or is_method or (isinstance(fn, Ref) and type(fn.value) is types.FunctionType)


EXPRESSIONS: dict[type, Any] = {
    ast.Constant: constant, ast.Name: name, ast.BinOp: binary, ast.UnaryOp: unary, ast.BoolOp: boolean,
    ast.IfExp: ternary, ast.Compare: compare, ast.Tuple: sequence, ast.List: sequence, ast.Dict: dictionary,
    ast.Subscript: subscript, ast.Slice: slice_, ast.Attribute: attribute, ast.Lambda: lambda_,
    ast.NamedExpr: walrus, ast.JoinedStr: formatted, ast.Call: call, ast.ListComp: containers.comprehension,
    ast.GeneratorExp: containers.comprehension, ast.DictComp: containers.dict_comprehension,
    ast.Set: set_of, ast.SetComp: set_of,
}  # fmt: skip

DUNDERS = {
    getattr(operator, name): f"__{name.strip('_')}__"
    for name in "add sub mul truediv floordiv mod pow matmul lt le gt ge eq ne".split()
}
REFLECTED = {fn: f"__r{name.strip('_')}__" for fn, name in DUNDERS.items()}

REFUSED = {ast.Yield: "a generator", ast.YieldFrom: "a generator"}
