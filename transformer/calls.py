"""Lowering of calls: primitives with rules, built-ins, the user's own functions (entered), everything else (opaque)."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import operator
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import NoRule
from retrograd.runtime.rules import METHODS, lookup

from .builder import type_of
from .ir import Aggregate, Call, Const, Ref, Var
from .parse import parse
from .types import (
    INT,
    OPAQUE,
    AggregateT,
    ArrayT,
    ConstT,
    ListT,
    NumberT,
    OpaqueT,
    RangeT,
    ScalarT,
    is_hashable,
)
from .values import BoundMethod, Compiletime, Derivative, LocalFunction, Partial, Stream

if TYPE_CHECKING:
    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def call(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str = "") -> Any:
    """The atom that ``fn(*args, **kwargs)`` returns."""
    if isinstance(fn, LocalFunction):
        return _enter_local(low, fn, args, kwargs, node)
    if isinstance(fn, BoundMethod):
        return method(low, fn, args, kwargs, node, hint)
    if isinstance(fn, Partial):
        return call(low, fn.fn, (*fn.args, *args), {**dict(fn.kwargs), **kwargs}, node, hint)
    if isinstance(fn, Derivative):
        return fn.apply(low, args, kwargs, node, hint)
    if not isinstance(fn, Ref):
        raise low.unsupported(node, "the function called here is not known before the run", "Call it by name.")
    return call_object(low, fn.value, fn.text, args, kwargs, node, hint)


def call_object(low: Lowering, target: Any, text: str, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    known = getattr(target, "__retrograd__", None)
    if known is not None:
        return OBJECTS[known[0]](low, target, args, kwargs, node, hint)
    handler = BUILTINS.get(target) if is_hashable(target) else None
    if handler is not None:
        result = handler(low, args, kwargs, node, hint)
        if result is not NotImplemented:
            return result
    if lookup(target) is not None:
        return primitive(low, target, args, kwargs, node, hint)
    target = undecorated(target)
    if isinstance(target, MethodType):
        return call_object(low, target.__func__, text, (Ref(target.__self__, text), *args), kwargs, node, hint)
    if isinstance(target, functools.partial):
        fixed = tuple(low.found(a, f"{text}_arg{k}", node) for k, a in enumerate(target.args))
        named = {k: low.found(v, k, node) for k, v in target.keywords.items()}
        return call_object(low, target.func, text, (*fixed, *args), {**named, **kwargs}, node, hint)
    if isinstance(target, type):
        return construct(low, target, args, kwargs, node, hint)
    if isinstance(target, FunctionType) and not _of_numpy(target):
        return OBJECTS["function"](low, target, args, kwargs, node, hint)
    return opaque(low, target, args, kwargs, node, hint)


def undecorated(target: Any) -> Any:
    """The Python function under ``rg.differentiable``, ``lru_cache``, ``njit`` and the like."""
    if hasattr(target, "__retrograd_primal__"):
        return undecorated(target.__retrograd_primal__)
    if hasattr(target, "py_func"):
        return target.py_func
    if isinstance(target, functools._lru_cache_wrapper):
        return target.__wrapped__
    return target


def _of_numpy(target: Any) -> bool:
    return (getattr(target, "__module__", "") or "").split(".")[0] in ("numpy", "scipy")


# -- primitives -------------------------------------------------------------------------------------------


def primitive(
    low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str = "", form: str = "call"
) -> Any:
    """A call with a derivative rule, written down with its type."""
    _no_functions(low, (*args, *kwargs.values()), node)
    for name in ("out", "where"):
        if name in kwargs and not (isinstance(kwargs[name], Const) and kwargs[name].value is None):
            raise low.unsupported(
                node, f"{getattr(fn, '__name__', fn)}({name}=...) cannot be differentiated",
                "Assign the result instead." if name == "out" else "Use np.where(mask, ..., 0).",
            )  # fmt: skip
    result = low.build.call(fn, *args, hint=hint, form=form, **kwargs)
    if isinstance(type_of(result), OpaqueT):
        for atom in (*args, *kwargs.values()):
            for part in atom.items if isinstance(atom, Aggregate) else (atom,):
                low.need(part)
    return result


def _no_functions(low: Lowering, atoms: Any, node: ast.AST) -> None:
    for atom in atoms:
        if isinstance(atom, Compiletime):
            raise low.unsupported(node, "a function or iterator cannot be passed to this call")


def opaque(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A call of which nothing is known; an active argument is refused later, by ``activity``, with its name."""
    _no_functions(low, (*args, *kwargs.values()), node)
    if not is_hashable(fn):
        raise low.error(
            NoRule, node, f"no derivative rule for {getattr(fn, '__name__', fn)}",
            "Wrap it in a function, make that a primitive with rg.primitive, and register its rule with rg.rule.",
        )  # fmt: skip
    if _writes_arguments(fn):
        raise low.unsupported(
            node,
            f"{fn.__name__} writes into its argument and has no rule",
            "Store with x[i] = v, or build a new array.",
        )
    result = low.build.call(fn, *args, hint=hint, **kwargs)
    if isinstance(result, Var) and isinstance(result.type, OpaqueT):
        for atom in (*args, *kwargs.values()):
            if isinstance(atom, Var) and atom.type == INT and lookup(fn) is not None:
                low.need(atom)
    return result


WRITERS = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}


def _writes_arguments(fn: Any) -> bool:
    owner = getattr(fn, "__self__", None)
    return fn in WRITERS or (isinstance(owner, np.ufunc) and fn.__name__ == "at")


# -- the user's own functions -----------------------------------------------------------------------------


def enter(low: Lowering, fn: FunctionType, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """Inline a Python function: its parameters hold the arguments' atoms."""
    from .lower import cells_of

    source = parse(fn)
    env = _bound(low, inspect.signature(fn), args, kwargs, node, fn.__name__)
    env = {k: v if not _is_default(v) else low.found(v.value, k, node, key=(id(fn), k)) for k, v in env.items()}
    return low.enter(source, fn.__globals__, cells_of(fn), env, node, None, fn.__qualname__)


@dataclasses.dataclass(frozen=True)
class _Default:
    value: Any


def _is_default(value: Any) -> bool:
    return isinstance(value, _Default)


def _bound(
    low: Lowering, signature: inspect.Signature, args: Args, kwargs: Kwargs, node: ast.AST, name: str
) -> dict[str, Any]:
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise low.unsupported(node, f"{name}(): {error}") from error
    env: dict[str, Any] = {}
    for key, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            env[key] = Aggregate(tuple, bound.arguments.get(key, ()))
        elif parameter.kind is parameter.VAR_KEYWORD:
            extra = bound.arguments.get(key, {})
            env[key] = Aggregate(dict, tuple(extra.values()), tuple(extra))
        else:
            env[key] = bound.arguments[key] if key in bound.arguments else _Default(parameter.default)
    return env


def _enter_local(low: Lowering, fn: LocalFunction, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    a = fn.tree.args
    parameters = [inspect.Parameter(p.arg, inspect.Parameter.POSITIONAL_ONLY) for p in a.posonlyargs]
    parameters += [inspect.Parameter(p.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in a.args]
    for k, default in enumerate(reversed(fn.defaults)):
        parameters[-1 - k] = parameters[-1 - k].replace(default=default)
    if a.vararg:
        parameters.append(inspect.Parameter(a.vararg.arg, inspect.Parameter.VAR_POSITIONAL))
    kw = dict(fn.kw_defaults)
    parameters += [
        inspect.Parameter(p.arg, inspect.Parameter.KEYWORD_ONLY, default=kw.get(p.arg, inspect.Parameter.empty))
        for p in a.kwonlyargs
    ]
    if a.kwarg:
        parameters.append(inspect.Parameter(a.kwarg.arg, inspect.Parameter.VAR_KEYWORD))
    env = _bound(low, inspect.Signature(parameters), args, kwargs, node, getattr(fn.tree, "name", "<lambda>"))
    env = {k: v.value if _is_default(v) else v for k, v in env.items()}
    source = dataclasses.replace(fn.frame.source, tree=fn.tree)
    return low.enter(
        source, fn.frame.globals, fn.frame.cells, env, node, fn.frame, getattr(fn.tree, "name", "<lambda>")
    )


def construct(low: Lowering, cls: type, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A dataclass or named tuple from its parts."""
    if dataclasses.is_dataclass(cls) and not hasattr(cls, "__post_init__"):
        names = tuple(f.name for f in dataclasses.fields(cls))
        env = _bound(low, inspect.signature(cls), args, kwargs, node, cls.__name__)
        if tuple(env) == names:
            parts = (v if not _is_default(v) else low.found(v.value, k, node) for k, v in env.items())
            return Aggregate(cls, tuple(parts), names)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        env = _bound(low, inspect.signature(cls), args, kwargs, node, cls.__name__)
        parts = (v if not _is_default(v) else low.found(v.value, k, node) for k, v in env.items())
        return Aggregate(cls, tuple(parts), tuple(cls._fields))
    return opaque(low, cls, args, kwargs, node, hint)


# -- methods ----------------------------------------------------------------------------------------------


def method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    owner, t = fn.owner, type_of(fn.owner)
    if isinstance(t, (ArrayT, ScalarT, NumberT)):
        return _array_method(low, fn, args, kwargs, node, hint)
    if isinstance(t, AggregateT):
        return _aggregate_method(low, fn, t, args, kwargs, node)
    if isinstance(t, ConstT) and isinstance(owner, Const):
        values = [a.value for a in args if isinstance(a, Const)]
        if len(values) == len(args) and not kwargs:
            result = getattr(owner.value, fn.name)(*values)
            if isinstance(result, (str, bool, int, float)):
                return Const(result)
    if isinstance(t, ListT):
        raise low.unsupported(node, f"list.{fn.name} cannot be differentiated", "Use an array.")
    bound = low.build.let(Call(getattr, (owner, Const(fn.name)), (), f"attribute:{fn.name}"), OPAQUE)
    return low.build.let(Call(emitted.call_value, (bound, *args), tuple(kwargs.items())), OPAQUE, hint)


def _array_method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    target = METHODS.get(fn.name)
    if target is None:
        raise low.unsupported(
            node, f"the array method {fn.name} has no derivative rule", "Use a NumPy function instead."
        )
    if fn.name in ("reshape", "transpose") and (
        len(args) > 1 or (fn.name == "reshape" and args and not isinstance(args[0], Aggregate))
    ):
        args = (Aggregate(tuple, args),)
        if len(args[0].items) == 1 and not isinstance(type_of(args[0].items[0]), (ScalarT,)):
            args = args[0].items
    return primitive(low, target, (fn.owner, *args), kwargs, node, hint, f"method:{fn.name}")


def _aggregate_method(low: Lowering, fn: BoundMethod, t: AggregateT, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    if t.kind is dict:
        if fn.name in ("items", "keys", "values"):
            return Stream(fn.name, (fn.owner,))
        if fn.name == "get" and isinstance(args[0], Const):
            if args[0].value in (t.keys or ()):
                return low.build.call(operator.getitem, fn.owner, args[0])
            return args[1] if len(args) > 1 else Const(None)
    if t.kind in (tuple, list, dict):
        raise low.unsupported(node, f"{t.kind.__name__}.{fn.name} cannot be differentiated", "Build a new container.")
    member = inspect.getattr_static(t.kind, fn.name)
    target = getattr(t.kind, fn.name)
    if isinstance(member, (staticmethod, classmethod)):
        return call_object(low, target, fn.name, args, kwargs, node, "")
    return call_object(low, target, fn.name, (fn.owner, *args), kwargs, node, "")


# -- built-in functions -----------------------------------------------------------------------------------


def _stream(kind: str) -> Callable[..., Any]:
    def make(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        if kind == "enumerate":
            return Stream(kind, (args[0], args[1] if len(args) > 1 else kwargs.get("start", Const(0))))
        return Stream(kind, args)

    return make


def _length(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if isinstance(args[0], Stream):
        return NotImplemented
    t = type_of(args[0])
    return Const(len(t.items)) if isinstance(t, AggregateT) else primitive(low, len, args, kwargs, node, hint)


def _isinstance(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    asked = args[1]
    classes = asked.value if isinstance(asked, Ref) else tuple(c.value for c in asked.items)
    t = type_of(args[0])
    if isinstance(t, ArrayT):
        return Const(issubclass(np.ndarray, classes))
    if isinstance(t, ScalarT):
        return _scalar_isinstance(low, t, classes, node)
    if isinstance(t, AggregateT):
        return Const(issubclass(t.kind, classes))
    if isinstance(t, ListT):
        return Const(issubclass(t.kind, classes))
    if isinstance(args[0], (Const, Ref)):
        return Const(isinstance(args[0].value, classes))
    if isinstance(args[0], LocalFunction):
        return Const(issubclass(FunctionType, classes))
    raise low.unsupported(node, "isinstance of a value whose type is not known before the run")


def _scalar_isinstance(low: Lowering, t: ScalarT, classes: Any, node: ast.AST) -> Any:
    python, numpy = type(t.dtype.type(0).item()), t.dtype.type
    answers = {issubclass(c, classes) for c, on in ((python, t.weak is not False), (numpy, t.weak is not True)) if on}
    if len(answers) == 1 and not t.number:
        return Const(answers.pop())
    raise low.unsupported(
        node, "isinstance of a number whose kind depends on the run", "Convert it with float(...) first."
    )


def _hasattr(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t, name = type_of(args[0]), args[1].value
    if isinstance(t, ArrayT):
        return Const(hasattr(np.ndarray, name))
    if isinstance(t, ScalarT) and t.weak is not None:
        return Const(hasattr(t.dtype.type(0).item() if t.weak else t.dtype.type(0), name))
    if isinstance(t, AggregateT):
        return Const(name in (t.keys or ()) and t.kind is not dict or hasattr(t.kind, name))
    if isinstance(args[0], (Const, Ref)):
        return Const(hasattr(args[0].value, name))
    return NotImplemented


def _callable(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if isinstance(args[0], (LocalFunction, BoundMethod, Partial, Derivative)):
        return Const(True)
    return Const(callable(args[0].value)) if isinstance(args[0], (Const, Ref)) else Const(False)


def _extreme(fn: Any, op: Any) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``max(a, b)`` follows the branch taken: ``b if b > a else a``."""
        if kwargs:
            raise low.unsupported(node, f"{fn.__name__} with keywords cannot be differentiated")
        parts = list(args) if len(args) > 1 else low.unpack_all(args[0], node)
        if all(isinstance(p, Const) for p in parts):
            return Const(fn(p.value for p in parts))
        best = parts[0]
        for part in parts[1:]:
            test = low.build.call(op, part, best, form="operator")
            known = low.truth(test)
            if known is not None:
                best = part if known else best
            else:
                best = low.choose(test, lambda p=part: p, lambda b=best: b, node, hint)  # type: ignore[misc]
        return best

    return lower


def _sum(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``sum`` adds from the left, starting at 0, as Python does."""
    from .expressions import arithmetic
    from .loops import unrolled

    start = args[1] if len(args) > 1 else kwargs.get("start", Const(0))
    parts = unrolled(low, args[0], node)
    if parts is None:
        return _sum_loop(low, args[0], start, node)
    total: Any = start
    for part in parts:
        total = arithmetic(low, operator.add, total, part, node) if not _is_zero(total) else _from_zero(low, part, node)
    return total


def _is_zero(atom: Any) -> bool:
    return isinstance(atom, Const) and atom.value == 0 and type(atom.value) is int


def _from_zero(low: Lowering, part: Any, node: ast.AST) -> Any:
    from .expressions import arithmetic

    return arithmetic(low, operator.add, Const(0), part, node)


_SUM_LOOP = ast.parse("for item in items:\n    total = total + item").body[0]


def _sum_loop(low: Lowering, items: Any, start: Any, node: ast.AST) -> Any:
    loop = ast.fix_missing_locations(ast.copy_location(_SUM_LOOP, node))
    for inner in ast.walk(loop):
        if hasattr(inner, "lineno"):
            ast.copy_location(inner, node)
    env = low.frame.env
    low.frame.env = {"items": items, "total": start, "item": Const(0)}
    del low.frame.env["item"]
    try:
        low.block([loop])
        return low.frame.env["total"]
    finally:
        low.frame.env = env


def _container(kind: type) -> Callable[..., Any]:
    def make(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        if kind is dict:
            return Aggregate(dict, tuple(kwargs.values()), tuple(kwargs)) if not args else NotImplemented
        if not args:
            return Aggregate(kind, ())
        from .loops import unrolled

        parts = unrolled(low, args[0], node)
        if parts is None:
            t = type_of(args[0]) if not isinstance(args[0], Compiletime) else None
            if isinstance(t, RangeT) or (isinstance(args[0], Stream) and args[0].kind == "range"):
                return low.build.let(
                    Call(kind, (low.build.let(Call(range, args[0].args), RangeT()),)), ListT(kind, INT)
                )
            parts = low.unpack_all(args[0], node)
        return Aggregate(kind, tuple(parts))

    return make


def _map(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    from .loops import unrolled

    columns = [unrolled(low, a, node) for a in args[1:]]
    if any(c is None for c in columns):
        raise low.unsupported(node, "map over a sequence of unknown length cannot be differentiated", "Use a loop.")
    return Aggregate(list, tuple(call(low, args[0], row, {}, node) for row in zip(*columns)))  # type: ignore[arg-type]


def _getattr(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    from .expressions import attribute_of

    if not isinstance(args[1], Const):
        raise low.unsupported(node, "getattr with a computed name cannot be differentiated")
    return attribute_of(low, args[0], args[1].value, node, hint)


def _partial(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    return Partial(args[0], args[1:], tuple(kwargs.items()))


def _operator_call(fn: Any) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        from .expressions import arithmetic

        return arithmetic(low, fn, args[0], args[1], node, hint)

    return lower


def _type(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t = type_of(args[0])
    if isinstance(t, ArrayT):
        return Ref(np.ndarray, "np.ndarray")
    if isinstance(t, ScalarT) and t.weak is not None and not t.number:
        cls = type(t.dtype.type(0).item()) if t.weak else t.dtype.type
        return Ref(cls, cls.__name__)
    return Ref(t.kind, t.kind.__name__) if isinstance(t, AggregateT) else NotImplemented


#: How an object of this library is called: by the first entry of its ``__retrograd__``.
OBJECTS: dict[str, Callable[..., Any]] = {}

BUILTINS: dict[Any, Callable[..., Any]] = {
    range: _stream("range"),
    zip: _stream("zip"),
    enumerate: _stream("enumerate"),
    reversed: _stream("reversed"),
    len: _length,
    isinstance: _isinstance,
    hasattr: _hasattr,
    callable: _callable,
    max: _extreme(max, operator.gt),
    min: _extreme(min, operator.lt),
    sum: _sum,
    tuple: _container(tuple),
    list: _container(list),
    dict: _container(dict),
    map: _map,
    getattr: _getattr,
    type: _type,
    functools.partial: _partial,
}
