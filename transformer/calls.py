"""Lowering of calls: primitives with rules, built-ins, the user's own functions (entered), everything else (opaque)."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import operator
import sys
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import NoRule
from retrograd.runtime.rules import METHODS, lookup

from . import containers, stores
from .analysis.purity import reports
from .builder import type_of
from .ir import Aggregate, Call, Const, Ref, Var
from .loops import unrolled
from .parse import parse
from .types import (
    BOOL,
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
from .values import BoundMethod, Compiletime, Derivative, LocalFunction, Partial, Stream, Super

if TYPE_CHECKING:
    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def call(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str = "") -> Any:
    """The atom that ``fn(*args, **kwargs)`` returns; a new container is a thing of its own."""
    made = _call(low, fn, args, kwargs, node, hint)
    if isinstance(made, Aggregate) and made.ident is None:
        return low.heap.new(made.kind, made.items, made.keys, hint=hint)
    return made


def _call(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if isinstance(fn, LocalFunction):
        return _enter_local(low, fn, args, kwargs, node)
    if isinstance(fn, BoundMethod):
        return method(low, fn, args, kwargs, node, hint)
    if isinstance(fn, Partial):
        return call(low, fn.fn, (*fn.args, *args), {**dict(fn.kwargs), **kwargs}, node, hint)
    if isinstance(fn, Derivative):
        return fn.apply(low, args, kwargs, node, hint)
    if isinstance(fn, (Aggregate, Var)) and isinstance(type_of(fn), AggregateT):
        method_ = inspect.getattr_static(type_of(fn).kind, "__call__", None)
        if method_ is not None:
            return call_object(low, method_, "__call__", (fn, *args), kwargs, node, hint)
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
    if reports(target):
        _no_functions(low, (*args, *kwargs.values()), node)
        return low.build.let(Call(target, args, tuple(kwargs.items())), type_of(Const(None)))
    target = undecorated(target)
    if isinstance(target, MethodType):
        return call_object(low, target.__func__, text, (Ref(target.__self__, text), *args), kwargs, node, hint)
    if isinstance(target, functools.partial):
        fixed = tuple(low.found(a, f"{text}_arg{k}", node) for k, a in enumerate(target.args))
        named = {k: low.found(v, k, node) for k, v in target.keywords.items()}
        return call_object(low, target.func, text, (*fixed, *args), {**named, **kwargs}, node, hint)
    if isinstance(target, type):
        return construct(low, target, args, kwargs, node, hint)
    if isinstance(target, FunctionType) and not _of_numpy(target) and target.__module__ not in OPAQUE_MODULES:
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


#: Plain Python modules whose functions act on the world, not on numbers.
OPAQUE_MODULES = {"warnings", "logging", "os", "sys", "time", "random", "json", "re", "threading", "inspect", "copy", "pprint"}


def _of_numpy(target: Any) -> bool:
    return (getattr(target, "__module__", "") or "").split(".")[0] in ("numpy", "scipy")


# -- primitives -------------------------------------------------------------------------------------------


def primitive(
    low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str = "", form: str = "call"
) -> Any:
    """A call with a derivative rule, written down with its type."""
    _no_functions(low, (*args, *kwargs.values()), node)
    kwargs = _without_same_dtype(args, kwargs)
    args, kwargs, out = _taken_out(fn, args, kwargs)
    if out is not None:
        return _into(low, fn, args, kwargs, out, node)
    where = kwargs.get("where")
    if where is not None and isinstance(fn, np.ufunc) and not (isinstance(where, Const) and where.value in (None, True)):
        raise low.unsupported(
            node, f"{fn.__name__}(where=...) without out= leaves memory uninitialised", "Use np.where(mask, ..., 0)."
        )
    result = low.build.call(fn, *args, hint=hint, form=form, **kwargs)
    low.heap.watch(result, fn, args, tuple(kwargs.items()), form)
    if isinstance(type_of(result), OpaqueT):
        for atom in (*args, *kwargs.values()):
            for part in atom.items if isinstance(atom, Aggregate) else (atom,):
                low.need(part)
    return result


def _is_none(atom: Any) -> bool:
    return isinstance(atom, Const) and atom.value is None


def _without_same_dtype(args: Args, kwargs: Kwargs) -> Kwargs:
    """``dtype=float`` of a float array says nothing."""
    dtype, t = kwargs.get("dtype"), type_of(args[0]) if args else None
    if isinstance(dtype, (Const, Ref)) and isinstance(t, (ArrayT, ScalarT)) and _is_dtype(dtype.value, t.dtype) and t.dtype.kind in "fc":
        return {k: v for k, v in kwargs.items() if k != "dtype"}
    return kwargs


def _is_dtype(asked: Any, own: np.dtype) -> bool:
    try:
        return asked is not None and np.dtype(asked) == own
    except TypeError:
        return False


def _taken_out(fn: Any, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs, Any]:
    """The call without the array that its result goes to, and that array; ufuncs take it by position too."""
    kwargs = dict(kwargs)
    out = kwargs.pop("out", Const(None))
    if isinstance(fn, np.ufunc) and len(args) > fn.nin:
        args, out = args[: fn.nin], args[fn.nin]
    if isinstance(out, Aggregate) and len(out.items) == 1:
        out = out.items[0]
    return args, kwargs, None if _is_none(out) else out


def _into(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, out: Any, node: ast.AST) -> Any:
    """``fn(x, out=y)`` is a store into ``y`` (R1); with ``where=`` into the part of it that is selected."""
    mask = kwargs.pop("where", None)
    result = primitive(low, fn, args, kwargs, node)
    t, made = type_of(out), type_of(result)
    fits = isinstance(t, ArrayT) and isinstance(made, (ArrayT, ScalarT)) and np.can_cast(made.dtype, t.dtype, "same_kind")
    if not fits or not isinstance(out, Var):
        raise low.unsupported(
            node, f"{getattr(fn, '__name__', fn)}(out=...) of this type cannot be differentiated", "Assign the result instead."
        )
    if mask is not None and not (isinstance(mask, Const) and mask.value is True):
        result = primitive(low, np.where, (mask, result, out), {}, node)
    stores.set_item(low, out, Const(Ellipsis), result, node)
    return low.now(out)


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
            if isinstance(atom, Var) and lookup(fn) is not None:
                low.need(atom)
    return result


def _writes_arguments(fn: Any) -> bool:
    owner = getattr(fn, "__self__", None)
    return fn in UNKNOWN_WRITERS or (isinstance(owner, np.ufunc) and fn.__name__ == "at")


UNKNOWN_WRITERS = {np.put, np.put_along_axis}


def _copyto(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    mask = kwargs.get("where")
    value = args[1] if mask is None else primitive(low, np.where, (mask, args[1], args[0]), {}, node)
    stores.set_item(low, args[0], Const(Ellipsis), value, node)
    return Const(None)


def _at(sign: int) -> Callable[..., Any]:
    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``np.add.at(a, key, v)``: every index counts as often as it occurs."""
        array, key, value = args
        if not isinstance(type_of(array), ArrayT) or array in low.heap.views:
            return NotImplemented
        stores.refuse_truncation(low, type_of(array), value, node)
        value = value if sign > 0 else low.build.call(operator.neg, value, form="operator")
        made = low.build.call(emitted.add_at, array, key, value, hint=array.hint, form="add_at", type=type_of(array))
        low.heap.write(array, made)
        return Const(None)

    return lower


def _fill_diagonal(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    t = type_of(args[0])
    if len(args) > 2 or kwargs or not isinstance(t, ArrayT) or t.ndim != 2:
        return NotImplemented
    shape = low.build.call(np.shape, args[0], form="attribute:shape")
    sides = [low.build.call(operator.getitem, shape, Const(k), form="operator") for k in (0, 1)]
    at = low.build.call(np.arange, low.build.call(min, *sides))
    stores.set_item(low, args[0], Aggregate(tuple, (at, at)), args[1], node)
    return Const(None)


def _putmask(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if not isinstance(type_of(args[2]), ScalarT):
        return NotImplemented
    stores.set_item(low, args[0], args[1], args[2], node)
    return Const(None)


def _fill(low: Lowering, array: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    stores.set_item(low, array, Const(Ellipsis), args[0], node)
    return Const(None)


def _sort_in_place(low: Lowering, array: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    stores.set_item(low, array, Const(Ellipsis), primitive(low, np.sort, (array, *args), kwargs, node), node)
    return Const(None)


#: Methods of arrays that write into them.
WRITING_METHODS = {"fill": _fill, "sort": _sort_in_place}


# -- the user's own functions -----------------------------------------------------------------------------


def enter(low: Lowering, fn: FunctionType, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """Inline a Python function: its parameters hold the arguments' atoms."""
    from .lower import cells_of

    source = parse(fn)
    env = _bound(low, inspect.signature(fn, follow_wrapped=False), args, kwargs, node, fn.__name__)
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
            env[key] = low.heap.new(dict, tuple(extra.values()), tuple(extra))
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
            parts = (_field_value(low, cls, k, v, node) for k, v in env.items())
            return low.heap.new(cls, tuple(parts), names, hint=hint)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        env = _bound(low, inspect.signature(cls), args, kwargs, node, cls.__name__)
        parts = (v if not _is_default(v) else low.found(v.value, k, node) for k, v in env.items())
        return Aggregate(cls, tuple(parts), tuple(cls._fields))
    if _is_plain_class(cls):
        made = low.heap.new(cls, (), (), hint=hint)
        if cls.__init__ is not object.__init__:
            call_object(low, cls.__init__, f"{cls.__name__}.__init__", (made, *args), kwargs, node, "")
        return low.now(made)
    return opaque(low, cls, args, kwargs, node, hint)


def _field_value(low: Lowering, cls: type, name: str, value: Any, node: ast.AST) -> Any:
    """An argument of a dataclass, or its default: made anew where a factory makes it."""
    if not _is_default(value):
        return value
    factory = cls.__dataclass_fields__[name].default_factory  # type: ignore[attr-defined]
    if factory is not dataclasses.MISSING:
        return call(low, Ref(factory, name), (), {}, node)
    return low.found(value.value, name, node)


#: Classes of these are opaque: what they do is not in their attributes.
LIBRARY_MODULES = sys.stdlib_module_names | {"numpy", "scipy", "numba"}


def _is_plain_class(cls: type) -> bool:
    """Is an object of this class its attributes and nothing more?"""
    return (
        type(cls) is type
        and cls.__module__.split(".")[0] not in LIBRARY_MODULES
        and cls.__new__ is object.__new__
        and not issubclass(cls, BaseException)
        and isinstance(cls.__init__, (FunctionType, type(object.__init__)))
        and "__getattr__" not in _defined(cls)
        and "__getattribute__" not in _defined(cls)
        and "__setattr__" not in _defined(cls)
    )


def _defined(cls: type) -> set[str]:
    return {name for base in cls.__mro__[:-1] for name in vars(base)}


# -- methods ----------------------------------------------------------------------------------------------


def method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    owner, t = fn.owner, type_of(fn.owner)
    if isinstance(t, (ArrayT, ScalarT, NumberT)):
        return _array_method(low, fn, args, kwargs, node, hint)
    if isinstance(t, (AggregateT, ListT)) and t.kind in (tuple, list, dict):
        return containers.method(low, fn, args, kwargs, node)
    if isinstance(t, AggregateT):
        return _aggregate_method(low, fn, t, args, kwargs, node)
    if isinstance(t, ConstT) and isinstance(owner, Const):
        values = [a.value for a in args if isinstance(a, Const)]
        if len(values) == len(args) and not kwargs:
            result = getattr(owner.value, fn.name)(*values)
            if isinstance(result, (str, bool, int, float)):
                return Const(result)
    bound = low.build.let(Call(getattr, (owner, Const(fn.name)), (), f"attribute:{fn.name}"), OPAQUE)
    return low.build.let(Call(emitted.call_value, (bound, *args), tuple(kwargs.items())), OPAQUE, hint)


def _array_method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    target = METHODS.get(fn.name)
    if fn.name in WRITING_METHODS and isinstance(type_of(fn.owner), ArrayT):
        return WRITING_METHODS[fn.name](low, fn.owner, args, kwargs, node)
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
    if issubclass(t.kind, tuple) and fn.name in ("_replace", "_asdict"):
        return _named_tuple_method(low, fn, t, kwargs, node)
    member = inspect.getattr_static(t.kind, fn.name)
    target = getattr(t.kind, fn.name)
    if isinstance(member, (staticmethod, classmethod)):
        return call_object(low, target, fn.name, args, kwargs, node, "")
    return call_object(low, target, fn.name, (fn.owner, *args), kwargs, node, "")


def _named_tuple_method(low: Lowering, fn: BoundMethod, t: AggregateT, kwargs: Kwargs, node: ast.AST) -> Any:
    parts = dict(zip(t.keys or (), low.unpack_all(fn.owner, node)))
    if fn.name == "_asdict":
        return Aggregate(dict, tuple(parts.values()), tuple(parts))
    return Aggregate(t.kind, tuple({**parts, **kwargs}.values()), t.keys)


def _super(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``super()``: the attributes of the classes after this one."""
    if args:
        return Super(args[1], args[0].value)
    cell = low.frame.cells.get("__class__")
    first = low.frame.source.tree.args
    names = [a.arg for a in (*first.posonlyargs, *first.args)]
    if cell is None or not names:
        raise low.unsupported(node, "super() outside a method")
    return Super(low.now(low.frame.env[names[0]]), cell.cell_contents)


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
    if isinstance(t, OpaqueT) and t.cls is not None:
        return Const(issubclass(t.cls, classes))
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
        key, default = kwargs.get("key"), kwargs.get("default")
        rank = (lambda part: call(low, key, (part,), {}, node)) if key is not None else (lambda part: part)
        parts = list(args) if len(args) > 1 else unrolled(low, args[0], node)
        if parts is None:
            return _extreme_of_list(low, op, args[0], rank, default, node)
        if not parts and default is not None:
            return default
        if parts and all(isinstance(p, Const) for p in parts) and key is None:
            return Const(fn(p.value for p in parts))
        if not parts:
            raise low.unsupported(node, f"{fn.__name__} of an empty sequence")
        best = parts[0]
        for part in parts[1:]:
            best = _better(low, op, part, best, rank, node, hint)
        return best

    return lower


def _better(low: Lowering, op: Any, part: Any, best: Any, rank: Any, node: ast.AST, hint: str = "") -> Any:
    test = low.build.call(op, rank(part), rank(best), form="operator")
    known = low.truth(test)
    if known is not None:
        return part if known else best
    return low.choose(test, lambda: part, lambda: best, node, hint)


def _extreme_of_list(low: Lowering, op: Any, items: Any, rank: Any, default: Any, node: ast.AST) -> Any:
    """The first item, or a better one that a loop over all of them meets."""
    t = type_of(items) if not isinstance(items, Compiletime) else None
    if not isinstance(t, (ArrayT, ListT)) or default is not None:
        raise low.unsupported(node, "max or min of a sequence of unknown length", "Make a list of it first.")
    first = low.build.call(operator.getitem, items, Const(0), form="operator")
    if isinstance(t, ArrayT) and t.ndim != 1:
        raise low.unsupported(node, "max or min over the rows of a matrix", "Use np.max or np.min.")
    return _loop_over(low, items, first, lambda best, item: _better(low, op, item, best, rank, node), node)


def _truths(name: str) -> Callable[..., Any]:
    conjunction = name == "all"

    def lower(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        """``any`` and ``all``, of which only the truth is used."""
        parts = unrolled(low, args[0], node)
        combine = emitted.both if conjunction else emitted.either

        def step(found: Any, item: Any) -> Any:
            known = low.truth(item)
            if known is not None:
                return found if known == conjunction else Const(not conjunction)
            return low.build.call(combine, found, low.build.call(bool, item, type=BOOL), type=BOOL)

        start: Any = Const(conjunction)
        if parts is None:
            return _loop_over(low, args[0], low.build.let(Call(bool, (start,)), BOOL), step, node)
        for part in parts:
            start = step(start, part) if not isinstance(start, Const) else _first_truth(low, start, part, conjunction)
        return start

    return lower


def _first_truth(low: Lowering, found: Any, item: Any, conjunction: bool) -> Any:
    if found.value != conjunction:
        return found
    known = low.truth(item)
    return Const(known) if known is not None else low.build.call(bool, item, type=BOOL)


def _loop_over(low: Lowering, items: Any, start: Any, step: Callable[[Any, Any], Any], node: ast.AST) -> Any:
    """``step(...step(step(start, a), b)...)`` by a loop over the items."""
    hidden = low.frame.env.get("%total")
    low.frame.env["%total"] = start

    def body(item: Any) -> None:
        low.frame.env["%total"] = step(low.now(low.frame.env["%total"]), item)

    containers.for_each(low, items, body, node)
    total = low.now(low.frame.env.pop("%total"))
    if hidden is not None:
        low.frame.env["%total"] = hidden
    return total


def _reduce(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``functools.reduce``."""
    parts = unrolled(low, args[1], node)
    if parts is None:
        if len(args) < 3:
            raise low.unsupported(node, "reduce over a sequence of unknown length without a start", "Give a start value.")
        return _loop_over(low, args[1], args[2], lambda total, item: call(low, args[0], (total, item), {}, node), node)
    parts = [*args[2:], *parts]
    total = parts[0]
    for part in parts[1:]:
        total = call(low, args[0], (total, part), {}, node)
    return total


def _sorted(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``sorted`` of floats is ``np.sort``, item by item; of known values it is known."""
    parts = unrolled(low, args[0], node)
    flag = kwargs.get("reverse", Const(False))
    if not isinstance(flag, Const) or set(kwargs) - {"reverse", "key"}:
        return NotImplemented
    if parts is not None and all(isinstance(p, Const) for p in parts) and "key" not in kwargs:
        return Aggregate(list, tuple(map(Const, sorted((p.value for p in parts), reverse=flag.value))))
    if parts is None or "key" in kwargs:
        raise low.unsupported(node, "sorted with a key, or of a sequence of unknown length", "Use np.sort or np.argsort.")
    made = parts
    for end in range(len(parts) - 1, 0, -1):  # a sorting network: comparisons and exchanges in a fixed order
        for k in range(end):
            test = low.build.call(operator.gt if flag.value else operator.lt, made[k + 1], made[k], form="operator")
            a, b = made[k], made[k + 1]
            pair = low.choose(
                test, lambda a=a, b=b: Aggregate(tuple, (b, a)), lambda a=a, b=b: Aggregate(tuple, (a, b)), node  # type: ignore[misc]
            )
            made[k], made[k + 1] = pair.items
    return Aggregate(list, tuple(made))


def _filter(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    out = low.heap.new(list, ())

    def keep(item: Any) -> None:
        test = item if isinstance(args[0], Const) else call(low, args[0], (item,), {}, node)
        known = low.truth(test)
        if known is None:
            path = low.paths(lambda: containers.method(low, BoundMethod(low.now(out), "append"), (item,), {}, node), lambda: None)
            low.add_if(test, low.merge(*path, node), path[0].stmts, path[1].stmts, low.build.loc)
        elif known:
            containers.method(low, BoundMethod(low.now(out), "append"), (item,), {}, node)

    containers.for_each(low, args[1], keep, node)
    return low.now(out)


def _next(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    raise low.unsupported(node, "next() of an iterator cannot be differentiated", "Index a list instead.")


def _divmod(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    from .expressions import arithmetic

    return Aggregate(tuple, tuple(arithmetic(low, op, *args, node) for op in (operator.floordiv, operator.mod)))


def _print(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    return low.build.let(Call(print, args, tuple(kwargs.items())), type_of(Const(None)))


def _same_array(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``np.asarray`` of what is an array already is that array."""
    t = type_of(args[0]) if not isinstance(args[0], Compiletime) else None
    dtype = args[1] if len(args) > 1 else kwargs.get("dtype", Const(None))
    if not isinstance(t, ArrayT) or set(kwargs) - {"dtype"} or len(args) > 2:
        return NotImplemented
    if isinstance(dtype, Const) and dtype.value is None:
        return args[0]
    asked = getattr(dtype, "value", None)
    try:
        return args[0] if asked is not None and np.dtype(asked) == t.dtype else NotImplemented
    except TypeError:
        return NotImplemented


def _sum(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """``sum`` adds from the left, starting at 0, as Python does."""
    from .expressions import arithmetic
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


def _sum_loop(low: Lowering, items: Any, start: Any, node: ast.AST) -> Any:
    from .expressions import arithmetic

    return _loop_over(low, items, start, lambda total, item: arithmetic(low, operator.add, total, item, node), node)


def _container(kind: type) -> Callable[..., Any]:
    def make(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
        if kind is dict:
            table = {**(low.unpack_mapping(args[0], node) if args else {}), **kwargs}
            return Aggregate(dict, tuple(table.values()), tuple(table))
        if not args:
            return Aggregate(kind, ())
        parts = unrolled(low, args[0], node)
        if parts is None:
            t = type_of(args[0]) if not isinstance(args[0], Compiletime) else None
            if isinstance(t, RangeT) or (isinstance(args[0], Stream) and args[0].kind == "range"):
                return low.build.let(
                    Call(kind, (low.build.let(Call(range, args[0].args), RangeT()),)), ListT(kind, INT)
                )
            if isinstance(t, ListT):
                return low.build.let(Call(kind, (args[0],)), ListT(kind, t.item))
            made = low.heap.new(list, (), hint=hint)
            containers.extend(low, made, args[0], node)
            made = low.now(made)
            return made if kind is list else low.build.let(Call(kind, (made,)), ListT(kind, type_of(made).item))
        return Aggregate(kind, tuple(parts))

    return make


def _map(low: Lowering, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    columns = [unrolled(low, a, node) for a in args[1:]]
    if any(c is None for c in columns):
        out = low.heap.new(list, ())
        rows = args[1] if len(args) == 2 else Stream("zip", args[1:])

        def add(item: Any) -> None:
            row = (item,) if len(args) == 2 else tuple(item.items)
            value = call(low, args[0], row, {}, node)
            containers.method(low, BoundMethod(low.now(out), "append"), (value,), {}, node)

        containers.for_each(low, rows, add, node)
        return low.now(out)
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
    functools.reduce: _reduce,
    any: _truths("any"),
    all: _truths("all"),
    sorted: _sorted,
    filter: _filter,
    next: _next,
    divmod: _divmod,
    print: _print,
    super: _super,
    np.copyto: _copyto,
    np.add.at: _at(1),
    np.subtract.at: _at(-1),
    np.fill_diagonal: _fill_diagonal,
    np.putmask: _putmask,
    np.place: _putmask,
    np.asarray: _same_array,
    np.asanyarray: _same_array,
}
