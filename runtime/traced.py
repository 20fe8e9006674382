"""How is a NumPy function traced as it stands?  By an array that is one to NumPy's eyes.

>>> import numpy as np
>>> value, pullback = trace_vjp(lambda x: np.sum(x**2), np.array([1.0, 3.0]))
>>> float(value), pullback(1.0)
(10.0, (array([2., 6.]),))

A ``TracedArray`` has NumPy's methods, promotion and printing; it raises wherever its value would leave the
graph, as a gradient would leave with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from retrograd.runtime import engine, modes
from retrograd.runtime.errors import AliasedMutation, ArgumentError, DifferentiationError
from retrograd.runtime.graph import (
    NO_KEYWORDS,
    Variable,
    apply,
    edge_of,
    node_class,
    overwrite,
    record,
    refuse_unsafe_write,
    requires_grad,
    snapshot,
)
from retrograd.runtime.graph import Source as SourceNode


class GradientLost(DifferentiationError, TypeError):
    """A traced value would become a plain number, and its derivative would be lost without a word."""


REMEDIES = {
    "float()": "Leave float() out: arithmetic on NumPy's numbers is differentiated.",
    "int()": "Integers have no derivative: take int() of a value that is not differentiated.",
    "complex()": "Write 1j * x: arithmetic is differentiated.",
    "an index": "Integers have no derivative: index with a value that is not differentiated.",
    "a function of math or a plain array": (
        "Use NumPy's function instead of math's, make the array with np.zeros_like(x) or np.stack([...]), and do not "
        "call np.asarray or np.array on it."
    ),
    "item()": "Index it instead: x[0] is differentiated.",
    "tolist()": "Iterate over it instead: list(x) is differentiated.",
    "tobytes()": "Bytes have no derivative: take those of a value that is not differentiated.",
    "view()": "Use x itself, or x.astype(...).",
    "out=": "Use the result instead: y = np.multiply(x, x).",
    "np.save": "Return the value, and save it outside.",
}
STORE = "Make the array with np.zeros_like(x), and store with v[i] = x."


def lost(how: str) -> GradientLost:
    return GradientLost(f"a differentiated value would lose its derivative in {how}", remedy=REMEDIES.get(how, STORE))


class TracedArray(Variable):
    """A value of NumPy code under tracing; ``isinstance`` takes it for what the plain value would be."""

    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 1000

    @classmethod
    def _wrap(cls, value: Any, node: Any = None, index: int = 0) -> Any:
        """Results without a derivative are plain, but float arrays stay traced: they may be written to."""
        if node is not None or (type(value) is np.ndarray and value.dtype.kind in "fc"):
            return cls._make(value, node, index)
        return value

    def _face(self) -> type[Variable]:
        return TracedArray

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return type(self._value)

    def _plain(self, how: str) -> Any:
        if requires_grad(self):
            raise lost(how)
        return self._value

    # -- where a gradient would leave (A2) --

    def __float__(self) -> float:
        return float(self._plain("a function of math or a plain array" if np.ndim(self._value) == 0 else "float()"))

    def __int__(self) -> int:
        return int(self._plain("int()"))

    def __complex__(self) -> complex:
        return complex(self._plain("complex()"))

    def __index__(self) -> int:
        return operator.index(self._plain("an index"))

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return np.array(self._plain("a function of math or a plain array"), dtype=dtype)

    def __trunc__(self) -> int:
        return int(self._plain("int()"))

    def item(self, *args: Any) -> Any:
        return np.asarray(self._plain("item()")).item(*args)

    def tolist(self) -> Any:
        return np.asarray(self._plain("tolist()")).tolist()

    def tobytes(self) -> bytes:
        return np.asarray(self._plain("tobytes()")).tobytes()

    @property
    def __array_interface__(self) -> Any:
        return np.asarray(self._plain("a function of math or a plain array")).__array_interface__

    # -- what has no derivative --

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return repr(self._value)

    def __str__(self) -> str:
        return str(self._value)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    def __contains__(self, item: Any) -> bool:
        return (item._value if isinstance(item, Variable) else item) in self._value

    def __iter__(self) -> Iterator[Any]:
        if np.ndim(self._value) == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self._value)))

    # -- indexing and in-place writes --

    def __getitem__(self, key: Any) -> Any:
        return apply(operator.getitem, (self, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        store(self, key, value)

    def __getattr__(self, name: str) -> Any:
        if name in PASSIVE:
            return getattr(self._value, name)
        if name in METHODS and hasattr(type(self._value), name):
            return _Method(METHODS[name], self)
        if name == "__array_struct__":  # NumPy asks for it before ``__array_interface__``, which says what is wrong
            raise AttributeError(name)
        getattr(self._value, name)  # the plain value's own AttributeError
        raise DifferentiationError(
            f"the attribute {name!r} of a traced {type(self._value).__name__} is not differentiated",
            remedy="Use the NumPy function of that name, or compute it from a value that is not differentiated.",
        )

    T = property(lambda self: apply(np.transpose, (self,)))
    mT = property(lambda self: apply(np.swapaxes, (self, -1, -2)))
    real = property(lambda self: apply(np.real, (self,)))
    imag = property(lambda self: apply(np.imag, (self,)))

    def conjugate(self) -> Any:
        value = self._value.conjugate()  # of a Python number a Python number
        return record(value, (self,), np.conj, "ConjBackward0", np.conj)

    conj = conjugate

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        if np.dtype(dtype).kind not in "fc":
            return self._value.astype(dtype, *args, **kwargs)  # a step function: no derivative
        value = self._value.astype(dtype, *args, **kwargs)
        return record(value, (self,), same, "AstypeBackward0", same)

    def copy(self, order: Any = "C") -> Any:
        return clone(self, order)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return clone(self, "C")

    def fill(self, value: Any) -> None:
        store(self, Ellipsis, value)

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        wanted = shape[0] if len(shape) == 1 else shape
        return apply(np.reshape, (self, wanted)) if order == "C" else apply(np.reshape, (self, wanted), {"order": order})

    def transpose(self, *axes: Any) -> Any:
        if not axes or axes == (None,):
            return apply(np.transpose, (self,))
        return apply(np.transpose, (self, axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes))

    def flatten(self, order: Any = "C") -> Any:
        return clone(apply(np.ravel, (self,) if order == "C" else (self, order)), "C")

    def view(self, *args: Any) -> Any:
        if args:
            raise lost("view()")
        return apply(np.reshape, (self, self._value.shape))

    def dot(self, other: Any) -> Any:
        return apply(np.dot, (self, other))


def same(bar: Any, *inputs: Any) -> tuple[Any]:
    """The pullback of a copy."""
    return (bar,)


def clone(x: Any, order: Any = "K") -> Any:
    """A copy with memory of its own."""
    value = np.array(x._value, order=order, copy=True) if isinstance(x._value, np.ndarray) else x._value
    return record(value, (x,), same, "CloneBackward0", same)


class _Method:
    """``x.sum`` of a traced value: NumPy's function with ``x`` as its first argument."""

    __slots__ = ("primitive", "owner")

    def __init__(self, primitive: Callable[..., Any], owner: TracedArray) -> None:
        self.primitive, self.owner = primitive, owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return apply(self.primitive, (self.owner, *args), kwargs)


PASSIVE = frozenset(
    ["shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides", "flags", "is_integer", "as_integer_ratio"]
)

# NumPy's methods that are functions of the same name with the same arguments.
METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        "sum mean prod max min std var cumsum cumprod ravel squeeze swapaxes repeat take diagonal trace clip round "
        "argmax argmin argsort all any nonzero searchsorted compress choose ptp"
    ).split()
}

# Python's operators: the method's stem and what computes it.
BINARY: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow, "matmul": operator.matmul,
}  # fmt: skip
COMPARISONS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")
}
UNARY: dict[str, Callable[..., Any]] = {"neg": operator.neg, "pos": operator.pos, "abs": operator.abs}


def _forward(primitive: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: apply(primitive, (self, other))


def _reflected(primitive: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: apply(primitive, (other, self))


def _inplace(primitive: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: TracedArray, other: Any) -> Any:
        if not isinstance(self._value, np.ndarray):
            return apply(primitive, (self, other))
        return update(self, _forward(primitive), (other,))

    return method


for _name, _primitive in BINARY.items():
    setattr(TracedArray, f"__{_name}__", _forward(_primitive))
    setattr(TracedArray, f"__r{_name}__", _reflected(_primitive))
    setattr(TracedArray, f"__i{_name}__", _inplace(_primitive))
for _name, _primitive in COMPARISONS.items():
    setattr(TracedArray, f"__{_name}__", _forward(_primitive))
for _name, _primitive in UNARY.items():
    setattr(TracedArray, f"__{_name}__", lambda self, primitive=_primitive: apply(primitive, (self,)))
TracedArray.__divmod__ = lambda self, other: (self // other, self % other)  # type: ignore[attr-defined]
TracedArray.__round__ = lambda self, digits=0: apply(np.round, (self, digits))  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------ in-place updates


def recording_of(target: Variable, args: tuple[Any, ...]) -> bool:
    return modes.GRAD.get() and any(isinstance(a, Variable) and requires_grad(a) for a in (target, *args))


def update(
    target: Any,
    operation: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] = NO_KEYWORDS,
    admit: Callable[[Any, Any], None] | None = None,
) -> Any:
    """``target = operation(target, *args)`` in the target's memory.

    The new value is computed from a copy of the old one, so nothing that was saved is falsified.
    """
    recording = recording_of(target, args)
    if recording:
        refuse_unsafe_write(target)
    before = snapshot(target) if recording else target
    others = tuple(before if a is target else a for a in args)
    after = operation(before, *others, **kwargs)
    value = after._value if isinstance(after, Variable) else after
    (admit or _same_kind)(target, value)
    overwrite(target, value, after if recording and isinstance(after, Variable) else None)
    return target


def _same_kind(target: Any, value: Any) -> None:
    """NumPy's condition for ``+=``: the result has the target's shape, and a kind that it can hold."""
    if np.shape(value) != np.shape(target._value):
        raise ValueError(
            f"non-broadcastable output operand with shape {np.shape(target._value)} doesn't match the broadcast shape "
            f"{np.shape(value)}"
        )
    if not np.can_cast(np.asarray(value).dtype, target._value.dtype, "same_kind"):
        raise TypeError(
            f"Cannot cast the result from dtype('{np.asarray(value).dtype}') to dtype('{target._value.dtype}') with "
            "casting rule 'same_kind'"
        )


def bare(key: Any) -> Any:
    """An index with the variables taken out."""
    if isinstance(key, Variable):
        return key._value
    if isinstance(key, tuple | list):
        return type(key)(bare(k) for k in key)
    if isinstance(key, slice):
        return slice(bare(key.start), bare(key.stop), bare(key.step))
    return key


def is_basic(key: Any) -> bool:
    """Whether indexing with this makes a view."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        k is None or k is Ellipsis or isinstance(k, slice) or (isinstance(k, int | np.integer) and not isinstance(k, bool))
        for k in parts
    )


def store(target: Any, key: Any, value: Any, name: str | None = None) -> None:
    """``target[key] = value``, recorded: the old value's part is lost, the new value's is gained."""
    key = _own(bare(key))
    recording = recording_of(target, (value,))
    plain = value._value if isinstance(value, Variable) else value
    if recording:
        refuse_unsafe_write(target)
        after = _stored(target, key, value, name)
        overwrite(target, after._value, after)
    else:
        target._value[key] = plain
        overwrite(target, target._value, None)


def _own(key: Any) -> Any:
    """An index that nobody else can change before the pullback reads it."""
    if isinstance(key, np.ndarray):
        return key.copy()
    return tuple(_own(k) for k in key) if isinstance(key, tuple) else list(key) if isinstance(key, list) else key


def _stored(target: Any, key: Any, value: Any, name: str | None) -> Any:
    before = snapshot(target)
    after = before._value.copy(order="K")
    after[key] = value._value if isinstance(value, Variable) else value
    name = name or ("CopySlices" if is_basic(key) else "IndexPutBackward0")
    inputs = (before, value if isinstance(value, Variable) else None)
    winners = None if is_basic(key) else _last_written(after.shape, key)
    shape = np.shape(inputs[1]._value) if inputs[1] is not None else None

    def pullback(bar: Any, *_: Any) -> tuple[Any, Any]:
        return _kept_part(bar, key), None if shape is None else _stored_part(bar, key, winners, shape)

    return record(after, inputs, pullback, name, pullback)


def _kept_part(bar: Any, key: Any) -> Any:
    left = bar.copy()
    left[key] = 0
    return left


def _stored_part(bar: Any, key: Any, winners: Any, shape: tuple[int, ...]) -> Any:
    """What the stored value gets: of entries written several times the last one, summed to the value's shape."""
    part = bar[key] if winners is None else bar[key] * winners
    extra = np.ndim(part) - len(shape)
    axes = tuple(i for i in range(np.ndim(part)) if i < extra or (shape[i - extra] == 1 and np.shape(part)[i] != 1))
    if extra < 0 or axes:
        part = np.reshape(np.sum(part, axis=axes) if axes else part, shape)
    return part


def _last_written(shape: tuple[int, ...], key: Any) -> Any:
    """1 where this entry of ``x[key]`` was not written over by a later entry; None if no entry was."""
    writer = np.empty(shape, np.int64)
    order = np.arange(writer[key].size).reshape(writer[key].shape)
    writer[key] = order
    won = writer[key] == order
    return None if won.all() else won.astype(np.float64)


# ----------------------------------------------------------------------------- functions of nested values


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same structure with ``function`` applied to every leaf."""
    if isinstance(value, dict):
        return {key: _mapped(function, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [_mapped(function, item) for item in value]
        if isinstance(value, list):
            return items
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return function(value)


def is_differentiable(value: Any) -> bool:
    """Floats, complex numbers and arrays of them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "fc"
    return isinstance(value, float | complex)


def _entered(value: Any) -> Any:
    """An input of a traced function: its own copy, so that the caller may change theirs."""
    if isinstance(value, Variable) or not is_differentiable(value):
        return value
    node = node_class("Source", SourceNode)((), ((np.shape(value), np.asarray(value).dtype),))
    return TracedArray._make(value.copy(order="K") if isinstance(value, np.ndarray) else value, node, 0)


def trace_vjp(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of an undecorated NumPy function, and its pullback.

    Arguments and results are floats, arrays, and nested tuples, lists and dicts of them.
    ``pullback(value_bar)`` takes cotangents in the structure of the result (None for none) and returns a
    tuple with the structure of every positional argument: None where there is nothing to differentiate.
    """
    return _pulled_back(function, args, kwargs, TracedArray)


def _pulled_back(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], face: type[Variable]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    traced = _mapped(_entered, args)
    inputs = [edge_of(v) if isinstance(v, Variable) else None for v in _leaves(traced)]
    with modes.enable_grad():
        result = function(*traced, **kwargs)
    _write_back(args, traced)
    value = _mapped(_plain_result, result)

    def pullback(value_bar: Any) -> tuple[Any, ...]:
        edges, seeds = _seeded(result, value_bar)
        wanted = [edge for edge in inputs if edge is not None]
        found = iter(engine.run(edges, seeds, wanted, retain=True))
        bars = iter([None if edge is None else next(found) for edge in inputs])
        return _mapped(lambda x: _bar_of(x, next(bars)), args)

    return value, pullback


def _plain_result(value: Any) -> Any:
    return value._value.copy() if isinstance(value, TracedArray) and isinstance(value._value, np.ndarray) else (
        value._value if isinstance(value, Variable) else value
    )


def _write_back(args: Any, traced: Any) -> None:
    """What the function wrote to its arguments is written to the caller's arrays, once."""
    arrays = [(a, t) for a, t in zip(_leaves(args), _leaves(traced), strict=True) if isinstance(a, np.ndarray)]
    written = [pair for pair in arrays if isinstance(t := pair[1], Variable) and t._memory is not None and t._memory.version]
    for pair in written:
        array, variable = pair
        if any(other is not pair and np.may_share_memory(array, other[0]) for other in arrays):
            raise AliasedMutation(
                "a traced function wrote to an argument that shares memory with another",
                remedy="Pass a copy of one of them.",
            )
        array[...] = variable._value


def _seeded(result: Any, value_bar: Any) -> tuple[list[Any], list[Any]]:
    """The edges of the result's active leaves and their cotangents."""
    outputs, bars = list(_leaves(result)), list(_leaves(value_bar))
    if len(outputs) != len(bars):
        raise ArgumentError(f"the result has {len(outputs)} leaves, its cotangent {len(bars)}", remedy="Give one for each, None for zeros.")
    edges, seeds = [], []
    for output, bar in zip(outputs, bars, strict=True):
        edge = edge_of(output) if isinstance(output, Variable) else None
        if edge is not None and bar is not None:
            edges.append(edge)
            seeds.append(_seed(bar, output._value))
    return edges, seeds


def _seed(bar: Any, value: Any) -> Any:
    if np.shape(bar) != np.shape(value):
        raise ArgumentError(
            f"a cotangent of shape {np.shape(bar)} for a result of shape {np.shape(value)}", remedy="Give it the shape of the result."
        )
    return np.array(bar, dtype=np.asarray(value).dtype)


def _bar_of(value: Any, bar: Any) -> Any:
    """An argument's cotangent: zeros where the result does not depend on it."""
    if not is_differentiable(value):
        return None
    if isinstance(value, np.ndarray):
        return np.zeros_like(value) if bar is None else np.array(bar)
    return type(value)(0 if bar is None else np.asarray(bar)[()])
