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
from retrograd.runtime.rules.masked import masked
from retrograd.runtime.rules.rule import says_nothing
from retrograd.runtime.standins import STANDINS

from . import containers, stores
from .analysis.purity import reports
from .builder import type_of
from .ir import Aggregate, Call, Const, Ref, Var
from .parse import parse
from .types import (
    OPAQUE,
    AggregateT,
    ArrayT,
    ConstT,
    ListT,
    NumberT,
    OpaqueT,
    ScalarT,
    is_hashable,
)
from .values import BoundMethod, Choice, Compiletime, Derivative, LocalFunction, Partial

if TYPE_CHECKING:
    from .lower import Lowering

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def call(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str = "") -> Any:
    """The atom that ``fn(*args, **kwargs)`` returns; a new container is a thing of its own."""
    low.hint = hint
    made = _call(low, fn, args, kwargs, node, hint)
    if isinstance(made, Aggregate) and made.ident is None:
        return low.heap.new(made.kind, made.items, made.keys, hint=hint)
    return made


def _call(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    if isinstance(fn, LocalFunction):
        return _enter_local(low, fn, args, kwargs, node)
    if isinstance(fn, BoundMethod):
        return method(low, fn, args, kwargs, node, hint)
    if isinstance(fn, Choice):
        return _call_chosen(low, fn, args, kwargs, node, hint)
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


def _call_chosen(low: Lowering, fn: Choice, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """Each function is called on the path on which it is the one."""
    last = len(fn.functions) - 1
    if not last:
        return call(low, fn.functions[0], args, kwargs, node, hint)
    test = low.build.call(operator.eq, fn.index, Const(last), form="operator")
    rest = Choice(fn.index, fn.functions[:last])
    return low.choose(
        test, lambda: call(low, fn.functions[last], args, kwargs, node), lambda: _call_chosen(low, rest, args, kwargs, node, hint),
        node, hint,
    )  # fmt: skip


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
    if of_items(target) is not None:
        return OBJECTS["vectorised"](low, target, args, kwargs, node, hint)
    if isinstance(target, type):
        return construct(low, target, args, kwargs, node, hint)
    entered = _source_of_numpy(target, args, kwargs) if is_hashable(target) else None
    if entered is not None:
        return OBJECTS["function"](low, entered, args, kwargs, node, hint)
    if isinstance(target, FunctionType) and args and _is_generated_init(target, args[0]):
        return _fill_fields(low, target, args, kwargs, node)
    if isinstance(target, FunctionType) and not _of_numpy(target) and target.__module__ not in OPAQUE_MODULES:
        return OBJECTS["function"](low, target, args, kwargs, node, hint)
    if isinstance(inspect.getattr_static(type(target), "__call__", None), FunctionType):
        return call_object(low, type(target).__call__, text, (Ref(target, text), *args), kwargs, node, hint)
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


def of_items(target: Any) -> FunctionType | None:
    """The Python function of single items under ``np.vectorize`` or ``numba.vectorize``."""
    if type(target) is np.vectorize:
        plain = target.signature is None and not target.excluded and isinstance(target.pyfunc, FunctionType)
        return target.pyfunc if plain else None
    found = getattr(getattr(target, "_dispatcher", None), "py_func", None)
    return found if isinstance(found, FunctionType) else None


#: Plain Python modules whose functions act on the world, not on numbers.
OPAQUE_MODULES = {"warnings", "logging", "os", "sys", "time", "random", "json", "re", "threading", "inspect", "copy", "pprint"}


#: Functions of NumPy that are lowered from their own source: loops and sums of functions that have rules.
OWN_SOURCE = {
    np.polyval, np.polyder, np.polyadd, np.polysub, np.polyfit, np.unwrap, np.extract, np.put_along_axis, np.diag_indices_from,
    np.linalg.cross, np.linalg.outer, np.linalg.vector_norm, np.linalg.matrix_norm, np.linalg.trace, np.linalg.diagonal,
}  # fmt: skip


def _source_of_numpy(target: Any, args: Args, kwargs: Kwargs) -> FunctionType | None:
    """The Python function that a function of NumPy is lowered as; None if it is not, or not with these arguments."""
    if target in OWN_SOURCE:
        return target.__wrapped__  # type: ignore[no-any-return]
    found = STANDINS.get(target)
    try:
        if found is not None:
            inspect.signature(found).bind(*args, **kwargs)
    except TypeError:
        return None
    return found  # type: ignore[return-value]


def _of_numpy(target: Any) -> bool:
    return (getattr(target, "__module__", "") or "").split(".")[0] == "numpy"


# -- primitives -------------------------------------------------------------------------------------------


def primitive(
    low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str = "", form: str = "call"
) -> Any:
    """A call with a derivative rule, written down with its type."""
    _no_functions(low, (*args, *kwargs.values()), node)
    kwargs = _without_same_dtype(args, kwargs)
    args, kwargs, out = _taken_out(fn, args, kwargs)
    kwargs = {k: v for k, v in kwargs.items() if k not in ("where", "initial") or not _is_neutral(k, v)}
    if masked(fn, kwargs) is not fn:
        fn, form = masked(fn, kwargs), "call"
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


def _is_neutral(keyword: str, atom: Any) -> bool:
    return isinstance(atom, (Const, Ref)) and says_nothing(keyword, atom.value)


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
    mask = kwargs.pop("where", None) if isinstance(fn, np.ufunc) else None
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
            raise low.unsupported(
                node, "a function or iterator is passed to a call that cannot be transformed",
                "Make a list of an iterator; call a function in a loop instead.",
            )  # fmt: skip


def opaque(low: Lowering, fn: Any, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A call of which nothing is known; an active argument is refused later, by ``activity``, with its name."""
    _no_functions(low, (*args, *kwargs.values()), node)
    if not is_hashable(fn):
        raise low.error(
            NoRule, node, f"no derivative rule for {getattr(fn, '__name__', type(fn).__name__)}",
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


UNKNOWN_WRITERS = {np.put}


# -- the user's own functions -----------------------------------------------------------------------------


def enter(low: Lowering, fn: FunctionType, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """Inline a Python function: its parameters hold the arguments' atoms."""
    from .lower import cells_of

    source = parse(fn)
    env = bound(low, inspect.signature(fn, follow_wrapped=False), args, kwargs, node, fn.__name__)
    env = {k: v if not is_default(v) else low.found(v.value, k, node, key=(id(fn), k)) for k, v in env.items()}
    return low.enter(source, fn.__globals__, cells_of(fn), env, node, None, fn.__qualname__)


@dataclasses.dataclass(frozen=True)
class _Default:
    value: Any


def is_default(value: Any) -> bool:
    return isinstance(value, _Default)


def bound(
    low: Lowering, signature: inspect.Signature, args: Args, kwargs: Kwargs, node: ast.AST, name: str
) -> dict[str, Any]:
    try:
        found = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise low.unsupported(node, f"{name}(): {error}", f"Call it as {name}{signature}.") from error
    env: dict[str, Any] = {}
    for key, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            env[key] = Aggregate(tuple, found.arguments.get(key, ()))
        elif parameter.kind is parameter.VAR_KEYWORD:
            extra = found.arguments.get(key, {})
            env[key] = low.heap.new(dict, tuple(extra.values()), tuple(extra))
        else:
            env[key] = found.arguments[key] if key in found.arguments else _Default(parameter.default)
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
    env = bound(low, inspect.Signature(parameters), args, kwargs, node, getattr(fn.tree, "name", "<lambda>"))
    env = {k: v.value if is_default(v) else v for k, v in env.items()}
    source = dataclasses.replace(fn.frame.source, tree=fn.tree)
    return low.enter(
        source, fn.frame.globals, fn.frame.cells, env, node, fn.frame, getattr(fn.tree, "name", "<lambda>")
    )


def construct(low: Lowering, cls: type, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    """A dataclass or named tuple from its parts."""
    if dataclasses.is_dataclass(cls) and not hasattr(cls, "__post_init__"):
        names = tuple(f.name for f in dataclasses.fields(cls))
        env = bound(low, inspect.signature(cls), args, kwargs, node, cls.__name__)
        if tuple(env) == names:
            parts = (_field_value(low, cls, k, v, node) for k, v in env.items())
            return low.heap.new(cls, tuple(parts), names, hint=hint)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        env = bound(low, inspect.signature(cls), args, kwargs, node, cls.__name__)
        parts = (v if not is_default(v) else low.found(v.value, k, node) for k, v in env.items())
        return Aggregate(cls, tuple(parts), tuple(cls._fields))
    if _is_plain_class(cls):
        made = low.heap.new(cls, (), (), hint=hint)
        if cls.__init__ is not object.__init__:
            call_object(low, cls.__init__, f"{cls.__name__}.__init__", (made, *args), kwargs, node, "")
        return low.now(made)
    return opaque(low, cls, args, kwargs, node, hint)


def _is_generated_init(fn: FunctionType, owner: Any) -> bool:
    """Is it the ``__init__`` that ``@dataclass`` wrote for a class of this object?"""
    t = type_of(owner) if not isinstance(owner, Compiletime) else None
    return isinstance(t, AggregateT) and any(
        vars(base).get("__init__") is fn and "__dataclass_fields__" in vars(base) and fn.__code__.co_filename == "<string>"
        for base in t.kind.__mro__
    )


def _fill_fields(low: Lowering, fn: FunctionType, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
    """Each field is stored, and then the class has its say."""
    env = bound(low, inspect.signature(fn), args, kwargs, node, fn.__qualname__)
    owner, *fields = env.items()
    cls = type_of(owner[1]).kind
    for name, value in fields:
        if name in cls.__dataclass_fields__:
            stores.set_attribute(low, low.now(owner[1]), name, _field_value(low, cls, name, value, node), node)
    after = getattr(cls, "__post_init__", None)
    if after is not None:
        call_object(low, after, "__post_init__", (low.now(owner[1]),), {}, node, "")
    return Const(None)


def _field_value(low: Lowering, cls: type, name: str, value: Any, node: ast.AST) -> Any:
    """An argument of a dataclass, or its default: made anew where a factory makes it."""
    if not is_default(value):
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
        and "__getattr__" not in defined(cls)
        and "__getattribute__" not in defined(cls)
        and "__setattr__" not in defined(cls)
    )


def defined(cls: type) -> set[str]:
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
            result = _known_result(owner.value, fn.name, values)
            if isinstance(result, (str, bool, int, float)):
                return Const(result)
    member = low.build.let(Call(getattr, (owner, Const(fn.name)), (), f"attribute:{fn.name}"), OPAQUE)
    return low.build.let(Call(emitted.call_value, (member, *args), tuple(kwargs.items())), OPAQUE, hint)


def _known_result(owner: Any, name: str, args: list[Any]) -> Any:
    """What a method of a literal returns; None if it raises, which the run may never do, or does as the user's code does."""
    try:
        return getattr(owner, name)(*args)
    except Exception:
        return None


def _array_method(low: Lowering, fn: BoundMethod, args: Args, kwargs: Kwargs, node: ast.AST, hint: str) -> Any:
    target = METHODS.get(fn.name)
    if fn.name in ARRAY_METHODS:
        made = ARRAY_METHODS[fn.name](low, fn.owner, args, kwargs, node)
        if made is not NotImplemented:
            return made
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
    t = type_of(fn.owner)
    if fn.name in ("conjugate", "conj") and isinstance(t, ScalarT) and t.weak and not args and not kwargs:
        return low.build.call(target, fn.owner, hint=hint, form=f"method:{fn.name}", type=t)  # Python's, not NumPy's
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


#: How an object of this library is called: by the first entry of its ``__retrograd__``.
OBJECTS: dict[str, Callable[..., Any]] = {}

#: How a function whose meaning is known is lowered; ``NotImplemented`` says that this call of it is as any other.
BUILTINS: dict[Any, Callable[..., Any]] = {}

#: Methods of arrays that are lowered, not called.
ARRAY_METHODS: dict[str, Callable[..., Any]] = {}
