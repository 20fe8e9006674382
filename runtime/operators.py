"""Which operations does a tensor have?  Tables of rows: PyTorch's name, NumPy's function, the node's name.

Every row gives a function (``exp(x)``), a method (``x.exp()``) and, where it makes sense, the in-place
method (``x.exp_()``).  No derivative is written here: they come from the rules of the primitives.

>>> x = Tensor([0.0, 1.0]).requires_grad_()
>>> x.exp() * 2
tensor([2.0000, 5.4366], grad_fn=<MulBackward0>)
"""

from __future__ import annotations

import math
import operator
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrograd.runtime import dtypes, engine, modes
from retrograd.runtime.graph import (
    FREED,
    Node,
    Saved,
    Variable,
    apply,
    edge_of,
    meta_of,
    node_class,
    record,
    requires_grad,
    source,
)
from retrograd.runtime.tensor import Tensor
from retrograd.runtime.traced import TracedArray, is_basic, same, store, update
from retrograd.runtime.traced import clone as copied

Scalar = bool | int | float | complex
Dim = int | Sequence[int] | None

# -------------------------------------------------------------------------------- operands and promotion


_DIRECT = frozenset([Tensor, float, int, bool, complex])


def as_operand(value: Any) -> Any:
    """What arithmetic takes: a tensor, a Python number, or an array made a tensor; else NotImplemented."""
    if type(value) in _DIRECT or isinstance(value, Tensor):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and not isinstance(value, Variable):
        return Tensor._make(value)
    return NotImplemented


def recast(tensor: Tensor, wanted: dtypes.dtype) -> Tensor:
    """The same place in the graph with values of another dtype; the engine casts the cotangent back."""
    if tensor._value.dtype == wanted.dtype:
        return tensor
    edge = edge_of(tensor)
    return Tensor._make(tensor._value.astype(wanted.dtype), *(edge or (None, 0)))


def floating(d: dtypes.dtype) -> dtypes.dtype:
    return d if d.dtype.kind in "fc" else dtypes.get_default_dtype()


def unify(*operands: Any, to_float: bool = False) -> list[Any]:
    """Operands of one dtype, chosen by PyTorch's rules; Python numbers stay what they are."""
    arrays = [o._value for o in operands if isinstance(o, Tensor)]
    scalars = [o for o in operands if not isinstance(o, Tensor)]
    common = dtypes.result_dtype(arrays, scalars)
    if to_float:
        common = floating(common)
    return [recast(o, common) if isinstance(o, Tensor) else o for o in operands]


def _unified_pair(a: Any, b: Any, to_float: bool) -> Sequence[Any]:
    """``unify`` with the usual cases first: same dtype, or a float tensor and a real number."""
    if isinstance(a, Tensor):
        dtype = a._value.dtype
        alike = b._value.dtype == dtype if isinstance(b, Tensor) else type(b) is not complex
        if alike and (dtype.kind == "f" or (dtype.kind == "c")):
            return a, b
    elif isinstance(b, Tensor) and b._value.dtype.kind in "fc" and type(a) is not complex:
        return a, b
    return unify(a, b, to_float=to_float)


def mismatch(a: Any, b: Any) -> RuntimeError:
    """The error of two shapes that do not broadcast."""
    x, y = np.shape(getattr(a, "_value", a)), np.shape(getattr(b, "_value", b))
    for k in range(1, min(len(x), len(y)) + 1):
        if x[-k] != y[-k] and 1 not in (x[-k], y[-k]):
            dim = max(len(x), len(y)) - k
            return RuntimeError(
                f"The size of tensor a ({x[-k]}) must match the size of tensor b ({y[-k]}) at non-singleton dimension {dim}"
            )
    return RuntimeError(f"shapes {x} and {y} do not broadcast")


def arithmetic(primitive: Callable[..., Any], a: Any, b: Any, name: str, to_float: bool = False) -> Any:
    a, b = _unified_pair(a, b, to_float)
    try:
        return apply(primitive, (a, b), name=name, face=Tensor)
    except ValueError as error:
        if "broadcast" in str(error):
            raise mismatch(a, b) from None
        raise


def _dims(dim: Dim) -> Any:
    return tuple(dim) if isinstance(dim, list) else dim


def _out_of_range(error: Exception, tensor: Tensor, dim: Any) -> Exception:
    n = max(tensor._value.ndim, 1)
    return IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")


def _axis(tensor: Tensor, dim: int, extra: int = 0) -> int:
    """A dimension counted from the front, or PyTorch's IndexError."""
    n = max(tensor._value.ndim + extra, 1)
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


# ------------------------------------------------------------------------------ operations of several rules


class FusedNode(Node):
    """One node for a function of several primitives: the pullback traces it again on the saved inputs."""

    __slots__ = ("function", "inputs", "static", "versions")

    def __init__(
        self, function: Callable[..., Any], inputs: Sequence[Any], static: dict[str, Any], result: Any
    ) -> None:
        edges = tuple(edge_of(v) if isinstance(v, Variable) else None for v in inputs)
        super().__init__(edges, (meta_of(result),))
        self.function, self.static = function, static
        self.inputs: Sequence[Any] | None = [v._value if isinstance(v, Variable) else v for v in inputs]
        self.versions = [Saved(v) for v in inputs if isinstance(v, Variable)]

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        if self.inputs is None:
            raise RuntimeError(FREED)
        for saved in self.versions:
            saved.check()
        inputs = [self._entered(i, lift) for i in range(len(self.inputs))]
        wanted = [(v._node, 0) for v in inputs if isinstance(v, Variable)]
        with modes.enable_grad():
            result = self.function(*inputs, **self.static)
        edge = edge_of(result) if isinstance(result, Variable) else None
        found = iter(engine.run([edge], [bars[0]], wanted, lift=lift, retain=lift is not None) if edge else [None] * len(wanted))
        return [None if edge is None else next(found) for edge in self.edges]

    def _entered(self, i: int, lift: type[Variable] | None) -> Any:
        assert self.inputs is not None
        value, edge = self.inputs[i], self.edges[i]
        if edge is None:
            return value
        if lift is None:
            return source(TracedArray, value)
        with modes.enable_grad():
            return record(value, (lift._make(value, *edge),), same, "AliasBackward0", same)

    def release(self) -> None:
        self.inputs, self.versions = None, []


def fused(function: Callable[..., Any], name: str, *operands: Any, **static: Any) -> Any:
    """``function(*operands, **static)`` as one operation called ``name``."""
    values = [o._value if isinstance(o, Variable) else o for o in operands]
    with np.errstate(all="ignore"):
        value = np.asarray(function(*values, **static))
    if modes.GRAD.get() and any(isinstance(o, Variable) and requires_grad(o) for o in operands):
        node = node_class(name, FusedNode)(function, operands, static, value)  # type: ignore[call-arg,arg-type]
        return Tensor._wrap(value, node, 0)
    return Tensor._wrap(value)


def _sigmoid(x: Any) -> Any:
    # e of a negative number in both branches, so that nothing overflows
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _softmax(x: Any, axis: int) -> Any:
    e = np.exp(x - np.max(_plain(x), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int) -> Any:
    shifted = x - np.max(_plain(x), axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    peak = np.max(_plain(x), axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0)
    total = np.log(np.sum(np.exp(x - peak), axis=axis, keepdims=True)) + peak
    return total if keepdims else np.squeeze(total, axis=axis)


def _plain(x: Any) -> Any:
    """The value without its history: a shift that cancels needs no derivative."""
    return x._value if isinstance(x, Variable) else x


def _softplus(x: Any, beta: float, threshold: float) -> Any:
    return np.where(x * beta > threshold, x, np.logaddexp(x * beta, 0) / beta)


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _p_norm(x: Any, p: float, axis: Any, keepdims: bool) -> Any:
    if axis is None:
        flat = np.linalg.norm(np.reshape(x, (-1,)), p)
        return np.reshape(flat, (1,) * np.ndim(x)) if keepdims else flat
    if isinstance(axis, int):
        return np.linalg.norm(x, p, axis, keepdims=keepdims)
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


# name: function of one array, node name
FUSED_UNARY: dict[str, tuple[Callable[..., Any], str]] = {
    "sigmoid": (_sigmoid, "SigmoidBackward0"),
    "relu": (lambda x: np.where(x > 0, x, 0), "ReluBackward0"),
    "rsqrt": (lambda x: 1 / np.sqrt(x), "RsqrtBackward0"),
    "frac": (lambda x: x - np.trunc(x), "FracBackward0"),
    "logit": (lambda x: np.log(x / (1 - x)), "LogitBackward0"),
    "silu": (lambda x: x * _sigmoid(x), "SiluBackward0"),
    "logsigmoid": (lambda x: -np.logaddexp(-x, 0), "LogSigmoidBackward0"),
}

# name, NumPy's function, node: integers become floats first
UNARY_FLOAT: dict[str, tuple[Callable[..., Any], str]] = {
    "exp": (np.exp, "Exp"), "exp2": (np.exp2, "Exp2"), "expm1": (np.expm1, "Expm1"), "log": (np.log, "Log"),
    "log2": (np.log2, "Log2"), "log10": (np.log10, "Log10"), "log1p": (np.log1p, "Log1P"), "sqrt": (np.sqrt, "Sqrt"),
    "sin": (np.sin, "Sin"), "cos": (np.cos, "Cos"), "tan": (np.tan, "Tan"), "asin": (np.arcsin, "Asin"),
    "acos": (np.arccos, "Acos"), "atan": (np.arctan, "Atan"), "sinh": (np.sinh, "Sinh"), "cosh": (np.cosh, "Cosh"),
    "tanh": (np.tanh, "Tanh"), "asinh": (np.arcsinh, "Asinh"), "acosh": (np.arccosh, "Acosh"),
    "atanh": (np.arctanh, "Atanh"), "reciprocal": (np.reciprocal, "Reciprocal"), "deg2rad": (np.deg2rad, "Mul"),
    "rad2deg": (np.rad2deg, "Mul"), "angle": (np.angle, "Angle"),
}  # fmt: skip

UNARY: dict[str, tuple[Callable[..., Any], str]] = {
    "neg": (np.negative, "Neg"), "abs": (np.abs, "Abs"), "square": (np.square, "Pow"),
    "nan_to_num": (np.nan_to_num, "NanToNum"), "conj": (np.conj, "Conj"), "positive": (np.positive, "Positive"),
}  # fmt: skip

# Steps: PyTorch records them, with a derivative of zero.
STEPS: dict[str, Callable[..., Any]] = {
    "sign": np.sign, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc,
}  # fmt: skip

ALIASES = {
    "negative": "neg", "absolute": "abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "multiply": "mul", "subtract": "sub", "divide": "div", "true_divide": "div",
    "swapaxes": "transpose", "swapdims": "transpose", "clip": "clamp", "not_equal": "ne", "greater": "gt",
    "greater_equal": "ge", "less": "lt", "less_equal": "le", "fix": "trunc", "arctan2": "atan2", "conj_physical": "conj",
    "moveaxis": "movedim",
}  # fmt: skip

# name, NumPy's function, node, whether integers become floats
BINARY: dict[str, tuple[Callable[..., Any], str, bool]] = {
    "mul": (np.multiply, "MulBackward0", False), "remainder": (np.remainder, "RemainderBackward1", False),
    "fmod": (np.fmod, "FmodBackward1", False), "maximum": (np.maximum, "MaximumBackward0", False),
    "minimum": (np.minimum, "MinimumBackward0", False), "fmax": (np.fmax, "FmaxBackward0", False),
    "fmin": (np.fmin, "FminBackward0", False), "atan2": (np.arctan2, "Atan2Backward0", True),
    "hypot": (np.hypot, "HypotBackward0", True), "logaddexp": (np.logaddexp, "LogaddexpBackward0", True),
    "copysign": (np.copysign, "CopysignBackward0", True), "floor_divide": (np.floor_divide, "NotImplemented", False),
    "bitwise_and": (np.bitwise_and, "", False), "bitwise_or": (np.bitwise_or, "", False),
    "bitwise_xor": (np.bitwise_xor, "", False), "logical_and": (np.logical_and, "", False),
    "logical_or": (np.logical_or, "", False), "logical_xor": (np.logical_xor, "", False),
    "eq": (np.equal, "", False), "ne": (np.not_equal, "", False), "lt": (np.less, "", False),
    "le": (np.less_equal, "", False), "gt": (np.greater, "", False), "ge": (np.greater_equal, "", False),
}  # fmt: skip

PREDICATES = {
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit,
    "logical_not": np.logical_not, "bitwise_not": np.invert,
}  # fmt: skip

OPERATIONS: dict[str, Callable[..., Any]] = {}


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the public interface whose first argument is a tensor: also a method."""
    OPERATIONS[function.__name__.rstrip("_")] = function
    return function


def _define(name: str, function: Callable[..., Any]) -> None:
    function.__name__ = function.__qualname__ = name
    OPERATIONS[name] = function


def _unary_float(primitive: Callable[..., Any], node: str) -> Callable[..., Any]:
    name = f"{node}Backward0"

    def function(input: Tensor) -> Any:
        if input._value.dtype.kind not in "fc":
            input = recast(input, dtypes.get_default_dtype())
        return apply(primitive, (input,), name=name, face=Tensor)

    return function


def _unary(primitive: Callable[..., Any], node: str) -> Callable[..., Any]:
    name = f"{node}Backward0"
    return lambda input: apply(primitive, (input,), name=name, face=Tensor)


def _step(primitive: Callable[..., Any], stem: str) -> Callable[..., Any]:
    def function(input: Tensor) -> Any:
        if input.is_complex():
            raise RuntimeError(f"{stem}() is not defined for complex tensors")
        value = np.asarray(primitive(input._value))
        return record(value, (input,), _flat, f"{stem.capitalize()}Backward0", _flat, face=Tensor)

    return function


def _flat(bar: Any, *inputs: Any) -> tuple[Any]:
    """The pullback of a step: zero wherever it has a derivative."""
    return (np.zeros(np.shape(bar)),)


def _binary(primitive: Callable[..., Any], name: str, to_float: bool) -> Callable[..., Any]:
    def function(input: Any, other: Any) -> Any:
        other = as_operand(other)
        if other is NotImplemented:
            return NotImplemented
        return arithmetic(primitive, input, other, name, to_float)

    return function


def _fused_unary(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda input: fused(function, name, recast(input, floating(input.dtype)))


for _name, (_primitive, _node) in UNARY_FLOAT.items():
    _define(_name, _unary_float(_primitive, _node))
for _name, (_primitive, _node) in UNARY.items():
    _define(_name, _unary(_primitive, _node))
for _name, _primitive in STEPS.items():
    _define(_name, _step(_primitive, _name))
for _name, (_function, _node) in FUSED_UNARY.items():
    _define(_name, _fused_unary(_function, _node))
for _name, (_primitive, _node, _to_float) in BINARY.items():
    _define(_name, _binary(_primitive, _node, _to_float))
for _name, _primitive in PREDICATES.items():
    _define(_name, _unary(_primitive, _name))


# --------------------------------------------------------------------------------------------- arithmetic


def _scaled(other: Any, alpha: Scalar) -> Any:
    return other if alpha == 1 else other * alpha


@operation
def add(input: Any, other: Any, *, alpha: Scalar = 1) -> Any:
    other = as_operand(other)
    return other if other is NotImplemented else arithmetic(np.add, input, _scaled(other, alpha), "AddBackward0")


@operation
def sub(input: Any, other: Any, *, alpha: Scalar = 1) -> Any:
    other = as_operand(other)
    return other if other is NotImplemented else arithmetic(np.subtract, input, _scaled(other, alpha), "SubBackward0")


@operation
def rsub(input: Any, other: Any, *, alpha: Scalar = 1) -> Any:
    other = as_operand(other)
    return other if other is NotImplemented else arithmetic(np.subtract, other, _scaled(input, alpha), "RsubBackward1")


@operation
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    other = as_operand(other)
    if other is NotImplemented:
        return NotImplemented
    if rounding_mode is None:
        return arithmetic(np.divide, input, other, "DivBackward0", to_float=True)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    if rounding_mode == "floor":
        return OPERATIONS["floor_divide"](input, other)
    exact = arithmetic(np.divide, input, other, "DivBackward1", to_float=True)
    return recast(OPERATIONS["trunc"](exact), unify(input, other)[0].dtype)


@operation
def pow_(input: Any, exponent: Any) -> Any:
    exponent = as_operand(exponent)
    if exponent is NotImplemented:
        return NotImplemented
    if isinstance(exponent, int) and exponent < 0 and input._value.dtype.kind in "iub":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return arithmetic(np.power, input, exponent, f"PowBackward{int(isinstance(exponent, Tensor))}")


@operation
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1) -> Any:
    return fused(lambda x, a, b: x + value * a * b, "AddcmulBackward0", *unify(input, tensor1, tensor2))


@operation
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1) -> Any:
    return fused(lambda x, a, b: x + value * a / b, "AddcdivBackward0", *unify(input, tensor1, tensor2))


@operation
def lerp(input: Tensor, end: Tensor, weight: Any) -> Any:
    name = f"LerpBackward{int(isinstance(weight, Tensor))}"
    return fused(lambda x, y, w: x + w * (y - x), name, *unify(input, end, weight))


@operation
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Any:
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    name = f"ClampBackward{int(not isinstance(min, Tensor) and not isinstance(max, Tensor))}"
    given = [b for b in (min, max) if b is not None]
    input, *bounds = unify(input, *given)
    low, high = (bounds + [None])[:2] if min is not None else (None, bounds[0])
    return apply(np.clip, (input, low, high), name=name, face=Tensor)


@operation
def clamp_min(input: Tensor, min: Any) -> Any:
    return apply(np.clip, (*unify(input, min), None), name="ClampMinBackward0", face=Tensor)


@operation
def clamp_max(input: Tensor, max: Any) -> Any:
    input, high = unify(input, max)
    return apply(np.clip, (input, None, high), name="ClampMaxBackward0", face=Tensor)


@operation
def round_(input: Tensor, *, decimals: int = 0) -> Any:
    return _step(lambda x: np.round(x, decimals), "round")(input)


@operation
def xlogy(input: Tensor, other: Any) -> Any:
    x, y = unify(input, other, to_float=True)
    return fused(lambda x, y: np.where(x == 0, 0, x * np.log(np.where(x == 0, 1, y))), "XlogyBackward0", x, y)


@operation
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return fused(_softplus, "SoftplusBackward0", input, beta=beta, threshold=threshold)


# --------------------------------------------------------------------------------------------- reductions


def _reduce(primitive: Callable[..., Any], input: Tensor, dim: Dim, keepdim: bool, stem: str, **more: Any) -> Any:
    dim = _dims(dim)
    name = f"{stem}Backward{int(dim is not None)}"
    args = (input,) if dim is None else (input, dim)
    keywords = {"keepdims": True, **more} if keepdim else more
    try:
        return apply(primitive, args, keywords, name=name, face=Tensor)
    except np.exceptions.AxisError as error:
        raise _out_of_range(error, input, dim) from None


@operation
def sum_(input: Tensor, dim: Dim = None, keepdim: bool = False, *, axis: Dim = None, dtype: Any = None) -> Any:
    input = input if dtype is None else to(input, dtype)
    return _reduce(np.sum, input, axis if dim is None else dim, keepdim, "Sum")


@operation
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Any:
    name = "NansumBackward0"
    return fused(
        lambda x: np.sum(np.where(np.isnan(_plain(x)), 0, x), axis=_dims(dim), keepdims=keepdim), name, input
    )


@operation
def mean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, axis: Dim = None, dtype: Any = None) -> Any:
    input = input if dtype is None else to(input, dtype)
    if input._value.dtype.kind not in "fc":
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {input.dtype.c_name}"
        )
    return _reduce(np.mean, input, axis if dim is None else dim, keepdim, "Mean")


@operation
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    return _reduce(np.prod, input if dtype is None else to(input, dtype), dim, keepdim, "Prod")


def _spread(
    primitive: Callable[..., Any], stem: str, input: Tensor, dim: Any, unbiased: Any, correction: Any, keepdim: bool
) -> Any:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    ddof = (1 if unbiased in (None, True) else 0) if correction is None else correction
    keywords = {"axis": _dims(dim), "ddof": ddof, "keepdims": keepdim}
    return apply(primitive, (input,), keywords, name=f"{stem}Backward0", face=Tensor)


@operation
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    return _spread(np.var, "Var", input, dim, unbiased, correction, keepdim)


@operation
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    return _spread(np.std, "Std", input, dim, unbiased, correction, keepdim)


@operation
def var_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False) -> Any:
    return var(input, dim, unbiased, keepdim), mean(input, dim, keepdim)


@operation
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    order = 2 if p in ("fro", None) else p
    axis = _dims(dim)
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    return fused(_p_norm, "LinalgVectorNormBackward0", input, p=order, axis=axis, keepdims=keepdim)


@operation
def dist(input: Tensor, other: Tensor, p: float = 2) -> Any:
    x, y = unify(input, other)
    return fused(lambda x, y: _p_norm(x - y, p, None, False), "DistBackward0", x, y)


@operation
def all_(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Any:
    return _reduce(np.all, input, dim, keepdim, "All")


@operation
def any_(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Any:
    return _reduce(np.any, input, dim, keepdim, "Any")


@operation
def count_nonzero(input: Tensor, dim: Dim = None) -> Any:
    return Tensor._wrap(np.asarray(np.count_nonzero(input._value, axis=_dims(dim))))


@operation
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    return Tensor._wrap(np.asarray(np.argmax(input._value, axis=dim, keepdims=keepdim)))


@operation
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    return Tensor._wrap(np.asarray(np.argmin(input._value, axis=dim, keepdims=keepdim)))


@operation
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    keys = -input._value if descending else input._value
    return Tensor._wrap(np.argsort(keys, axis=dim, kind="stable"))


def _pair(name: str) -> Any:
    made = namedtuple(name, ["values", "indices"])  # noqa: PYI024
    made.__repr__ = lambda self: (  # type: ignore[method-assign,assignment]
        f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"
    )
    return made


_PAIRS = {name: _pair(name) for name in ("max", "min", "sort", "topk", "median", "kthvalue", "cummax", "cummin", "mode")}


def _selected(input: Tensor, positions: np.ndarray[Any, Any], dim: int, keepdim: bool, name: str) -> tuple[Any, Any]:
    """The entries at these positions along ``dim``, and the positions."""
    values = apply(np.take_along_axis, (input, positions, dim), name=name, face=Tensor)
    if keepdim:
        return values, Tensor._make(positions)
    node = values._node
    flat = apply(np.squeeze, (values, dim), name=name, face=Tensor) if node is not None else values.squeeze(dim)
    return flat, Tensor._make(np.squeeze(positions, dim))


def _extreme(name: str, along: Callable[..., Any], both: str) -> Callable[..., Any]:
    whole = getattr(np, name)
    stem = name.capitalize()

    def function(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, Tensor) or other is not None:
            return OPERATIONS[both](input, dim if other is None else other)
        if dim is None:
            return apply(whole, (input,), name=f"{stem}Backward1", face=Tensor)
        if input._value.ndim == 0:
            return _PAIRS[name](input, Tensor._make(np.asarray(0)))
        positions = along(input._value, axis=_axis(input, dim), keepdims=True)
        return _PAIRS[name](*_selected(input, positions, dim, keepdim, f"{stem}Backward0"))

    return function


_define("max", _extreme("max", np.argmax, "maximum"))
_define("min", _extreme("min", np.argmin, "minimum"))


@operation
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Any:
    return apply(np.max, (input,), {"axis": _dims(dim), "keepdims": keepdim}, name="AmaxBackward0", face=Tensor)


@operation
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Any:
    return apply(np.min, (input,), {"axis": _dims(dim), "keepdims": keepdim}, name="AminBackward0", face=Tensor)


@operation
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    positions = argsort(input, dim, descending)._value
    values = apply(np.take_along_axis, (input, positions, dim), name="SortBackward0", face=Tensor)
    return _PAIRS["sort"](values, Tensor._make(positions))


@operation
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    positions = np.take(argsort(input, dim, largest)._value, np.arange(k), axis=dim)
    values = apply(np.take_along_axis, (input, positions, dim), name="TopkBackward0", face=Tensor)
    return _PAIRS["topk"](values, Tensor._make(positions))


@operation
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    positions = np.take(argsort(input, dim)._value, [k - 1], axis=dim)
    return _PAIRS["kthvalue"](*_selected(input, positions, dim, keepdim, "KthvalueBackward0"))


@operation
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of the two middle entries, as PyTorch has it."""
    if dim is None:
        flat = flatten(input)
        position = np.argsort(flat._value, kind="stable")[(flat._value.size - 1) // 2]
        return apply(operator.getitem, (flat, (position, Ellipsis)), name="MedianBackward0", face=Tensor)
    middle = (input._value.shape[dim] - 1) // 2
    positions = np.take(argsort(input, dim)._value, [middle], axis=dim)
    return _PAIRS["median"](*_selected(input, positions, dim, keepdim, "MedianBackward1"))


@operation
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Any:
    return apply(np.cumsum, (input, _axis(input, dim)), name="CumsumBackward0", face=Tensor)


@operation
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Any:
    return apply(np.cumprod, (input, _axis(input, dim)), name="CumprodBackward0", face=Tensor)


@operation
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Any:
    return fused(_logsumexp, "LogsumexpBackward0", input, axis=_dims(dim), keepdims=keepdim)


@operation
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Any:
    return fused(_softmax, "SoftmaxBackward0", input if dtype is None else to(input, dtype), axis=dim)


@operation
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Any:
    return fused(_log_softmax, "LogSoftmaxBackward0", input if dtype is None else to(input, dtype), axis=dim)


@operation
def trace(input: Tensor) -> Any:
    return apply(np.trace, (input,), name="TraceBackward0", face=Tensor)


@operation
def diff(input: Tensor, n: int = 1, dim: int = -1) -> Any:
    return apply(np.diff, (input, n, dim), name="SubBackward0", face=Tensor)


# ------------------------------------------------------------------------------------------------- shapes


def _sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """``x.view(2, 3)`` and ``x.view((2, 3))`` alike."""
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    return tuple(operator.index(n) for n in sizes)


def _fitting(input: Tensor, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes with -1 resolved, or PyTorch's error."""
    total, known = input._value.size, math.prod(n for n in sizes if n != -1)
    if -1 in sizes and known and total % known == 0:
        return tuple(total // known if n == -1 else n for n in sizes)
    if -1 in sizes or known != total:
        raise RuntimeError(f"shape '{list(sizes)}' is invalid for input of size {total}")
    return sizes


def _shaped(input: Tensor, sizes: tuple[int, ...], name: str) -> Any:
    return apply(np.reshape, (input, sizes), name=name, face=Tensor)


@operation
def view(input: Tensor, *sizes: Any) -> Any:
    if len(sizes) == 1 and isinstance(sizes[0], dtypes.dtype):
        if requires_grad(input):
            raise RuntimeError("view(dtype) has no derivative; use to(dtype) to convert values")
        return Tensor._make(input._value.view(sizes[0].dtype))
    shape = _fitting(input, _sizes(sizes))
    if not np.may_share_memory(np.reshape(input._value, shape), input._value) and input._value.size:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return _shaped(input, shape, "ViewBackward0")


@operation
def reshape(input: Tensor, *shape: Any) -> Any:
    sizes = _fitting(input, _sizes(shape))
    shared = input._value.flags.c_contiguous
    return _shaped(input, sizes, "ViewBackward0" if shared else "UnsafeViewBackward0")


@operation
def view_as(input: Tensor, other: Tensor) -> Any:
    return view(input, other.shape)


@operation
def reshape_as(input: Tensor, other: Tensor) -> Any:
    return reshape(input, other.shape)


@operation
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Any:
    if input._value.ndim == 0:
        return reshape(input, 1)
    start, end = _axis(input, start_dim), _axis(input, end_dim)
    sizes = input._value.shape
    return input if start == end else reshape(input, *sizes[:start], math.prod(sizes[start : end + 1]), *sizes[end + 1 :])


@operation
def ravel(input: Tensor) -> Any:
    return reshape(input, -1)


@operation
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Any:
    dim = _axis(input, dim)
    return view(input, *input._value.shape[:dim], *sizes, *input._value.shape[dim + 1 :])


@operation
def t(input: Tensor) -> Any:
    if input._value.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input._value.ndim}D")
    return apply(np.transpose, (input,), name="TBackward0", face=Tensor)


@operation
def transpose(input: Tensor, dim0: int, dim1: int) -> Any:
    axes = _axis(input, dim0), _axis(input, dim1)
    return apply(np.swapaxes, (input, *axes), name="TransposeBackward0", face=Tensor)


@operation
def permute(input: Tensor, *dims: Any) -> Any:
    return apply(np.transpose, (input, _sizes(dims)), name="PermuteBackward0", face=Tensor)


@operation
def movedim(input: Tensor, source: Any, destination: Any) -> Any:
    return apply(np.moveaxis, (input, source, destination), name="PermuteBackward0", face=Tensor)


@operation
def unsqueeze(input: Tensor, dim: int) -> Any:
    return apply(np.expand_dims, (input, _axis(input, dim, 1)), name="UnsqueezeBackward0", face=Tensor)


@operation
def squeeze(input: Tensor, dim: Any = None) -> Any:
    if dim is None:
        return apply(np.squeeze, (input,), name="SqueezeBackward0", face=Tensor)
    given = dim if isinstance(dim, tuple | list) else (dim,)
    axes = tuple(_axis(input, d) for d in given)
    axes = tuple(d for d in axes if input._value.ndim and input._value.shape[d] == 1)
    name = f"SqueezeBackward{2 if isinstance(dim, tuple | list) else 1}"
    return apply(np.squeeze, (input, axes), name=name, face=Tensor)


@operation
def expand(input: Tensor, *sizes: Any) -> Any:
    wanted, own = _sizes(sizes), input._value.shape
    if len(wanted) < len(own):
        raise RuntimeError(
            f"expand({tensor_kind(input)}{{{list(own)}}}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor ({len(own)})"
        )
    padded = (1,) * (len(wanted) - len(own)) + own
    shape = tuple(n if w == -1 else w for w, n in zip(wanted, padded, strict=True))
    for i, (w, n) in enumerate(zip(shape, padded, strict=True)):
        if n not in (1, w):
            raise RuntimeError(
                f"The expanded size of the tensor ({w}) must match the existing size ({n}) at non-singleton dimension {i}.  "
                f"Target sizes: {list(shape)}.  Tensor sizes: {list(own)}"
            )
    return apply(np.broadcast_to, (input, shape), name="ExpandBackward0", face=Tensor)


def tensor_kind(input: Tensor) -> str:
    return f"torch.{input.dtype.tensor_name}"


@operation
def expand_as(input: Tensor, other: Tensor) -> Any:
    return expand(input, other.shape)


@operation
def broadcast_to(input: Tensor, size: Sequence[int]) -> Any:
    return expand(input, *size)


@operation
def repeat(input: Tensor, *sizes: Any) -> Any:
    return apply(np.tile, (input, _sizes(sizes)), name="RepeatBackward0", face=Tensor)


@operation
def tile(input: Tensor, *dims: Any) -> Any:
    return apply(np.tile, (input, _sizes(dims)), name="RepeatBackward0", face=Tensor)


@operation
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Any:
    times = repeats._value if isinstance(repeats, Tensor) else repeats
    return apply(np.repeat, (input, times, dim), name="ViewBackward0", face=Tensor)


@operation
def flip(input: Tensor, *dims: Any) -> Any:
    flipped = apply(np.flip, (input, _sizes(dims)), name="FlipBackward0", face=Tensor)
    return _apart(flipped)


def _apart(result: Tensor) -> Tensor:
    """NumPy's view where PyTorch makes a copy: memory of its own."""
    made = Tensor._make(result._value.copy(), result._node, result._index)
    return made


@operation
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Any:
    return apply(np.roll, (input, shifts, dims), name="RollBackward0", face=Tensor)


@operation
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    return _apart(apply(np.rot90, (input, k, tuple(dims)), name="Rot90Backward0", face=Tensor))


@operation
def tril(input: Tensor, diagonal: int = 0) -> Any:
    return apply(np.tril, (input, diagonal), name="TrilBackward0", face=Tensor)


@operation
def triu(input: Tensor, diagonal: int = 0) -> Any:
    return apply(np.triu, (input, diagonal), name="TriuBackward0", face=Tensor)


@operation
def diag(input: Tensor, diagonal: int = 0) -> Any:
    name = "DiagonalBackward0_copy" if input._value.ndim == 2 else "DiagEmbedBackward0"
    return _apart(apply(np.diag, (input, diagonal), name=name, face=Tensor))


@operation
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    view = apply(np.diagonal, (input, offset, dim1, dim2), name="DiagonalBackward0", face=Tensor)
    view._value.flags.writeable = input._value.flags.writeable  # NumPy's diagonals are read-only views
    return view


# ----------------------------------------------------------------------------------------------- indexing


def _bare_index(key: Any) -> Any:
    if isinstance(key, Tensor):
        value = key._value
        if value.dtype.kind == "f":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return int(value) if value.ndim == 0 and value.dtype.kind in "iu" else value
    if isinstance(key, tuple):
        return tuple(_bare_index(k) for k in key)
    if isinstance(key, list) and any(isinstance(k, Tensor) for k in key):
        return [_bare_index(k) for k in key]
    if isinstance(key, slice):
        if key.step is not None and key.step <= 0:
            raise ValueError("step must be greater than zero")
        return slice(_bare_index(key.start), _bare_index(key.stop), _bare_index(key.step))
    return key


def _index_name(key: Any) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    if not is_basic(key):
        return "IndexBackward0"
    if any(isinstance(k, int | np.integer) for k in parts):
        return "SelectBackward0"
    if any(isinstance(k, slice) for k in parts):
        return "SliceBackward0"
    return "UnsqueezeBackward0" if None in parts else "AliasBackward0"


def _view_key(key: Any) -> Any:
    """A basic index ends in an ellipsis, so that one entry is a 0-d view, not a copied number."""
    if not is_basic(key):
        return key
    parts = key if isinstance(key, tuple) else (key,)
    return parts if any(k is Ellipsis for k in parts) else (*parts, Ellipsis)


def _index_error(error: IndexError, input: Tensor, key: Any) -> IndexError:
    if input._value.ndim == 0:
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number"
        )
    words = str(error).split()
    if "bounds" in words and "axis" in words:
        index, dim, size = words[1], words[words.index("axis") + 1], words[-1]
        return IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")
    return IndexError(f"too many indices for tensor of dimension {input._value.ndim}")


def getitem(input: Tensor, key: Any) -> Any:
    key = _bare_index(key)
    try:
        return apply(operator.getitem, (input, _view_key(key)), name=_index_name(key), face=Tensor)
    except IndexError as error:
        raise _index_error(error, input, key) from None


def setitem(input: Tensor, key: Any, value: Any) -> None:
    if modes.GRAD.get() and input._base is None and input._requires and input._node is None:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if isinstance(value, np.ndarray) and not isinstance(value, Variable):
        value = Tensor._make(value)
    try:
        store(input, _bare_index(key), value)
    except IndexError as error:
        raise _index_error(error, input, key) from None


@operation
def select(input: Tensor, dim: int, index: int) -> Any:
    return getitem(input, (slice(None),) * _axis(input, dim) + (index,))


@operation
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Any:
    dim, start = _axis(input, dim), int(start)
    size = input._value.shape[dim]
    begin = start + size if start < 0 else start
    if not 0 <= begin <= begin + length <= size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return getitem(input, (slice(None),) * dim + (slice(begin, begin + length),))


@operation
def index_select(input: Tensor, dim: int, index: Tensor) -> Any:
    return apply(np.take, (input, index._value, dim), name="IndexSelectBackward0", face=Tensor)


@operation
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Any:
    dim = _axis(input, dim)
    grid = [np.arange(n).reshape([-1 if i == j else 1 for j in range(index.ndim)]) for i, n in enumerate(index.shape)]
    key = tuple(index._value if i == dim else g for i, g in enumerate(grid))
    return apply(operator.getitem, (input, key), name="GatherBackward0", face=Tensor)


@operation
def take(input: Tensor, index: Tensor) -> Any:
    return apply(np.take, (input, index._value), name="TakeBackward0", face=Tensor)


@operation
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Any:
    return apply(np.take_along_axis, (input, indices._value, dim), name="GatherBackward0", face=Tensor)


@operation
def masked_select(input: Tensor, mask: Tensor) -> Any:
    shape = np.broadcast_shapes(input._value.shape, mask._value.shape)
    wide = input if input._value.shape == shape else expand(input, *shape)
    key = np.broadcast_to(mask._value, shape)
    return apply(operator.getitem, (wide, key), name="MaskedSelectBackward0", face=Tensor)


@operation
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Any:
    return apply(np.where, (mask._value, *_held(value, input)), name="MaskedFillBackward0", face=Tensor)


def _held(value: Any, input: Tensor) -> tuple[Any, Tensor]:
    """A fill value in the input's own dtype."""
    return (recast(value, input.dtype) if isinstance(value, Tensor) else input._value.dtype.type(value)), input


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """Entries of ``input`` where the condition holds, of ``other`` elsewhere."""
    if input is None:
        return nonzero(condition, as_tuple=True)
    x, y = (as_operand(v) for v in (input, other))
    if isinstance(x, Tensor) or isinstance(y, Tensor):
        x, y = unify(x, y)
    else:
        common = dtypes.result_dtype([], [x, y]).dtype
        x, y = common.type(x), common.type(y)
    return apply(np.where, (condition._value, x, y), name="WhereBackward0", face=Tensor)


_define("where", lambda input, condition, other: where(condition, input, other))


@operation
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    found = tuple(Tensor._make(i) for i in np.nonzero(input._value))
    return found if as_tuple else Tensor._make(np.argwhere(input._value))


def _pieces(input: Tensor, ends: Iterable[int], dim: int, name: str) -> tuple[Any, ...]:
    dim, start, pieces = _axis(input, dim), 0, []
    for end in ends:
        key = (slice(None),) * dim + (slice(start, end), Ellipsis)
        pieces.append(_of_several(apply(operator.getitem, (input, key), name=name, face=Tensor)))
        start = end
    return tuple(pieces)


def _of_several(view: Tensor) -> Tensor:
    """A view that must not be written to: its siblings came from the same call."""
    view._origin = "multi"
    return view


@operation
def split(input: Tensor, split_size_or_sections: Any, dim: int = 0) -> Any:
    length = input._value.shape[_axis(input, dim)]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        return _pieces(input, [*range(step, length, step), length], dim, "SplitBackward0")
    return split_with_sizes(input, split_size_or_sections, dim)


@operation
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> Any:
    ends = np.cumsum(split_sizes).tolist()
    length = input._value.shape[_axis(input, dim)]
    if not ends or ends[-1] != length:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={list(split_sizes)}"
        )
    return _pieces(input, ends, dim, "SplitWithSizesBackward0")


@operation
def chunk(input: Tensor, chunks: int, dim: int = 0) -> Any:
    return split(input, -(-input._value.shape[_axis(input, dim)] // chunks), dim)


@operation
def unbind(input: Tensor, dim: int = 0) -> Any:
    dim = _axis(input, dim)
    keys = ((slice(None),) * dim + (i, Ellipsis) for i in range(input._value.shape[dim]))
    return tuple(
        _of_several(apply(operator.getitem, (input, key), name="UnbindBackward0", face=Tensor)) for key in keys
    )


def _together(primitive: Callable[..., Any], tensors: Sequence[Tensor], dim: int, name: str) -> Any:
    return apply(primitive, (unify(*tensors), dim), name=name, face=Tensor)


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Any:
    """One tensor after another along an existing dimension."""
    dim = dim if axis is None else axis
    tensors = [x for x in tensors if x._value.shape != (0,)] or list(tensors)
    first = tensors[0]._value.shape
    for i, x in enumerate(tensors):
        for d, (m, n) in enumerate(zip(first, x._value.shape, strict=True)):
            if m != n and d != dim % len(first):
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {m} but got size {n} for "
                    f"tensor number {i} in the list."
                )
    return _together(np.concatenate, tensors, dim, "CatBackward0")


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    """Tensors of one shape along a new dimension."""
    for x in tensors[1:]:
        if x.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(x.shape)} at entry {list(tensors).index(x)}"
            )
    return _together(np.stack, tensors, dim, "StackBackward0")


def hstack(tensors: Sequence[Tensor]) -> Any:
    return cat([reshape(x, -1) if x.ndim == 0 else x for x in tensors], int(tensors[0].ndim > 1))


def vstack(tensors: Sequence[Tensor]) -> Any:
    return cat([reshape(x, 1, -1) if x.ndim < 2 else x for x in tensors], 0)


def _scattered(name: str, input: Tensor, key: Any, source: Any, add: bool) -> Any:
    """The input with ``source`` written or added at a key, as a new tensor."""
    if not add:
        result = clone(input)
        setitem_named(result, key, source, name)
        return result
    src = source if isinstance(source, Tensor) else None
    value = input._value.copy()
    np.add.at(value, key, src._value if src is not None else source)
    inputs = (input, src)

    def pullback(bar: Any, *_: Any) -> tuple[Any, Any]:
        return bar, None if src is None else bar[key]

    return record(value, inputs, pullback, name, pullback, face=Tensor)


def setitem_named(input: Tensor, key: Any, value: Any, name: str) -> None:
    store(input, key, value, name)


def _along(dim: int, index: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    """The key of the entries that ``scatter`` writes to."""
    grid = [np.arange(n).reshape([-1 if i == j else 1 for j in range(index.ndim)]) for i, n in enumerate(index.shape)]
    return tuple(index if i == dim else g for i, g in enumerate(grid))


def _cut(source: Any, index: Tensor) -> Any:
    """The part of ``source`` that belongs to the index."""
    if isinstance(source, Tensor) and source.shape != index.shape:
        return getitem(source, tuple(slice(0, n) for n in index.shape))
    return source


@operation
def scatter(input: Tensor, dim: int, index: Tensor, src: Any) -> Any:
    return _scattered("ScatterBackward0", input, _along(_axis(input, dim), index._value), _cut(src, index), add=False)


@operation
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Any:
    return _scattered("ScatterAddBackward0", input, _along(_axis(input, dim), index._value), _cut(src, index), add=True)


def _at(input: Tensor, dim: int, index: Tensor) -> tuple[Any, ...]:
    return (slice(None),) * _axis(input, dim) + (index._value,)


@operation
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Scalar = 1) -> Any:
    return _scattered("IndexAddBackward0", input, _at(input, dim, index), _scaled(source, alpha), add=True)


@operation
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Any:
    return _scattered("IndexCopyBackward0", input, _at(input, dim, index), source, add=False)


@operation
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Any:
    return _scattered("IndexFillBackward0", input, _at(input, dim, index), value, add=False)


@operation
def index_put(input: Tensor, indices: Sequence[Tensor], values: Any, accumulate: bool = False) -> Any:
    return _scattered("IndexPutBackward0", input, tuple(i._value for i in indices), values, add=accumulate)


# ------------------------------------------------------------------------------------- copies and types


@operation
def clone(input: Tensor, *, memory_format: Any = None) -> Any:
    return copied(input)


@operation
def contiguous(input: Tensor, memory_format: Any = None) -> Any:
    return input if input._value.flags.c_contiguous else copied(input, "C")


@operation
def to(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **ignored: Any) -> Any:
    for argument in args:
        if isinstance(argument, Tensor):
            dtype = argument.dtype
        elif isinstance(argument, bool):
            pass  # non_blocking
        elif isinstance(argument, str | dtypes.device):
            dtypes.device(str(argument))
        elif argument is not None:
            dtype = argument
    wanted = input.dtype if dtype is None else dtypes.of(dtype)
    if wanted == input.dtype:
        return copied(input) if copy else input
    with np.errstate(invalid="ignore"):
        value = input._value.astype(wanted.dtype)
    if wanted.dtype.kind not in "fc":
        return Tensor._wrap(value)
    return record(value, (input,), same, "ToCopyBackward0", same, face=Tensor)


for _name in ("half", "float", "double", "short", "int", "long", "bool", "cfloat", "cdouble"):
    _define(_name, lambda input, wanted=dtypes.NAMES[_name]: to(input, wanted))


@operation
def type_(input: Tensor, dtype: Any = None) -> Any:
    if dtype is None:
        return tensor_kind(input)
    if isinstance(dtype, str):
        dtype = next(d for d in dtypes.NAMES.values() if dtype == f"torch.{d.tensor_name}")
    return to(input, dtype)


@operation
def type_as(input: Tensor, other: Tensor) -> Any:
    return to(input, other.dtype)


@operation
def cpu(input: Tensor) -> Any:
    return input


@operation
def alias(input: Tensor) -> Any:
    return getitem(input, Ellipsis)


@operation
def resolve_conj(input: Tensor) -> Any:
    return input


OPERATIONS["resolve_neg"] = resolve_conj


@operation
def real(input: Tensor) -> Any:
    if not input.is_complex():
        return input
    return apply(np.real, (input,), name="SelectBackward0", face=Tensor)


@operation
def imag(input: Tensor) -> Any:
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return apply(np.imag, (input,), name="SelectBackward0", face=Tensor)


def complex_(real: Tensor, imag: Tensor) -> Any:
    """The complex tensor with these parts."""
    return fused(lambda re, im: re + _unit(re) * im, "ComplexBackward0", real, imag)


def _unit(like: Any) -> Any:
    return np.complex64(1j) if np.asarray(_plain(like)).dtype == np.float32 else 1j


@operation
def view_as_real(input: Tensor) -> Any:
    return stack([real(input), imag(input)], -1)


@operation
def view_as_complex(input: Tensor) -> Any:
    return complex_(getitem(input, (Ellipsis, 0)), getitem(input, (Ellipsis, 1)))


# ------------------------------------------------------------------------------------------------ products


_MATMUL_NAMES = {(2, 2): "MmBackward0", (2, 1): "MvBackward0", (1, 1): "DotBackward0", (1, 2): "SqueezeBackward4"}


def _same_dtype(x: Tensor, y: Tensor) -> None:
    if x._value.dtype != y._value.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {x.dtype.c_name.lower()} != {y.dtype.c_name.lower()}"
        )


@operation
def matmul(input: Tensor, other: Any) -> Any:
    other = as_operand(other)
    if other is NotImplemented:
        return NotImplemented
    _same_dtype(input, other)
    x, y = input._value, other._value
    name = _MATMUL_NAMES.get((x.ndim, y.ndim), "UnsafeViewBackward0")
    try:
        return apply(np.matmul, (input, other), name=name, face=Tensor)
    except ValueError:
        shown = ["x".join(map(str, a.shape)) for a in (x, y)]
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({shown[0]} and {shown[1]})") from None


def _of_ranks(*ranks: int) -> Callable[..., Any]:
    def product(input: Tensor, other: Tensor) -> Any:
        if (input.ndim, other.ndim) != ranks:
            raise RuntimeError(f"expected tensors of {ranks[0]} and {ranks[1]} dimensions, got {input.ndim} and {other.ndim}")
        result = matmul(input, other)
        return result

    return product


for _name, _ranks in {"mm": (2, 2), "mv": (2, 1), "dot": (1, 1)}.items():
    _define(_name, _of_ranks(*_ranks))


@operation
def bmm(input: Tensor, mat2: Tensor) -> Any:
    _same_dtype(input, mat2)
    return apply(np.matmul, (input, mat2), name="BmmBackward0", face=Tensor)


@operation
def outer(input: Tensor, vec2: Tensor) -> Any:
    return OPERATIONS["mul"](unsqueeze(input, 1), vec2)


@operation
def inner(input: Tensor, other: Tensor) -> Any:
    return apply(np.inner, tuple(unify(input, other)), name="ViewBackward0", face=Tensor)


@operation
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1) -> Any:
    return fused(lambda c, a, b: beta * c + alpha * (a @ b), "AddmmBackward0", *unify(input, mat1, mat2))


def einsum(equation: str, *operands: Any) -> Any:
    """Einstein's summation: ``einsum("ij,jk->ik", x, y)``."""
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    return apply(np.einsum, (equation, *unify(*operands)), name="ViewBackward0", face=Tensor)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Any:
    return apply(np.tensordot, (*unify(a, b), dims), name="ViewBackward0", face=Tensor)


@operation
def kron(input: Tensor, other: Tensor) -> Any:
    return apply(np.kron, tuple(unify(input, other)), name="UnsafeViewBackward0", face=Tensor)


@operation
def cross(input: Tensor, other: Tensor, dim: int = -1) -> Any:
    return apply(np.cross, tuple(unify(input, other)), {"axis": dim}, name="LinalgCrossBackward0", face=Tensor)


# ---------------------------------------------------------------------------------------------- comparison


@operation
def equal(input: Tensor, other: Tensor) -> Any:
    return bool(np.array_equal(input._value, other._value))


@operation
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Any:
    return bool(np.allclose(input._value, other._value, rtol, atol, equal_nan))


@operation
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    return Tensor._wrap(np.asarray(np.isclose(input._value, other._value, rtol, atol, equal_nan)))


@operation
def unique(input: Tensor) -> Any:
    return Tensor._wrap(np.unique(input._value))


# ----------------------------------------------------------------------------------------- in-place forms


def admit(target: Tensor, value: Any) -> None:
    """PyTorch's condition for writing a result into a tensor: its shape, and no lower kind."""
    shape, dtype = meta_of(value)
    if shape != target._value.shape:
        raise RuntimeError(
            f"output with shape {list(target._value.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    order = "buifc".index
    if max(order(dtype.kind), 1) > max(order(target._value.dtype.kind), 2 if dtype.kind in "ui" else 1):
        raise RuntimeError(
            f"result type {dtypes.of(dtype).c_name} can't be cast to the desired output type {target.dtype.c_name}"
        )


def _in_place(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return update(self, function, args, kwargs, admit)

    method.__name__ = method.__qualname__ = name
    return method


IN_PLACE = [
    *UNARY_FLOAT, *UNARY, *STEPS, *FUSED_UNARY, *BINARY, "add", "sub", "div", "pow", "addcmul", "addcdiv", "lerp", "clamp",
    "clamp_min", "clamp_max", "round", "masked_fill", "scatter", "scatter_add", "index_add", "index_copy", "index_fill",
    "index_put", "tril", "triu", "cumsum", "cumprod", "logical_not", "xlogy", "softplus",
]  # fmt: skip


def _fill(self: Tensor, value: Any) -> Any:
    """Write one value everywhere, recorded as ``name``."""
    if isinstance(value, Tensor) and value.ndim > 0:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
        )
    return _written(self, value, "FillBackward2")


def _written(self: Tensor, value: Any, name: str) -> Any:
    return update(self, lambda before, new: _replacement(before, new, name), (value,), admit=lambda *_: None)


def _replacement(before: Tensor, value: Any, name: str) -> Any:
    """A value of the target's shape and dtype in which nothing of the old one is left."""
    plain = value._value if isinstance(value, Variable) else value
    spread = np.array(np.broadcast_to(plain, before._value.shape), before._value.dtype)
    shape = np.shape(plain)

    def pullback(bar: Any, *_: Any) -> tuple[Any, Any]:
        return np.zeros(np.shape(bar)), _summed(bar, shape) if isinstance(value, Variable) else None

    inputs = (before, value if isinstance(value, Variable) else None)
    return record(spread, inputs, pullback, name, pullback, face=Tensor)


def _summed(bar: Any, shape: tuple[int, ...]) -> Any:
    extra = np.ndim(bar) - len(shape)
    axes = tuple(i for i, n in enumerate(np.shape(bar)) if i < extra or (shape[i - extra] == 1 and n != 1))
    return np.reshape(np.sum(bar, axis=axes), shape) if axes else bar


def _copy(self: Tensor, src: Any, non_blocking: bool = False) -> Any:
    src = src if isinstance(src, Variable) else Tensor._make(np.asarray(src))
    try:
        np.broadcast_shapes(self._value.shape, src._value.shape)
    except ValueError:
        raise mismatch(self, src) from None
    return _written(self, src, "CopyBackwards")


def _restructured(function: Callable[..., Any]) -> Callable[..., Any]:
    """``t_``, ``squeeze_``: the same memory in another shape, in place of the old one."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if self._base is None and self._requires and self._node is None and modes.GRAD.get():
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        before = Tensor._make(self._value, *(edge_of(self) or (None, 0)))
        before._memory = self._memory
        if self._base is not None:
            raise RuntimeError(
                "the shape of a view is not changed in place here; use the out-of-place form on the view instead"
            )
        after = function(before, *args, **kwargs)
        self._value, self._node, self._index = after._value, after._node, after._index
        return self

    return method


def _resize(self: Tensor, *sizes: Any) -> Any:
    if requires_grad(self):
        raise RuntimeError("cannot resize variables that require grad")
    self._value = np.resize(self._value, _sizes(sizes)) if self._value.size else np.zeros(_sizes(sizes), self._value.dtype)
    return self


def _set(self: Tensor, source: Tensor) -> Any:
    if requires_grad(self):
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    self._value = source._value
    return self


METHODS_IN_PLACE: dict[str, Callable[..., Any]] = {
    "zero_": lambda self: _written(self, 0, "ZeroBackward0"),
    "fill_": _fill,
    "copy_": _copy,
    "t_": _restructured(t),
    "transpose_": _restructured(transpose),
    "swapaxes_": _restructured(transpose),
    "swapdims_": _restructured(transpose),
    "squeeze_": _restructured(squeeze),
    "unsqueeze_": _restructured(unsqueeze),
    "resize_": _resize,
    "resize_as_": lambda self, other: _resize(self, other.shape),
    "set_": _set,
}

REFLECTED: dict[str, Callable[..., Any]] = {
    "__radd__": lambda self, other: add(self, other),
    "__rsub__": lambda self, other: rsub(self, other),
    "__rmul__": lambda self, other: OPERATIONS["mul"](self, other),
    "__rtruediv__": lambda self, other: _reversed(np.divide, other, self, "MulBackward0", True),
    "__rpow__": lambda self, other: _reversed(np.power, other, self, "PowBackward2"),
    "__rmod__": lambda self, other: _reversed(np.remainder, other, self, "RemainderBackward2"),
    "__rfloordiv__": lambda self, other: _reversed(np.floor_divide, other, self, "FloorDivideBackward0"),
    "__rmatmul__": lambda self, other: matmul(as_operand(other), self),
}


def _reversed(primitive: Callable[..., Any], other: Any, self: Tensor, name: str, to_float: bool = False) -> Any:
    other = as_operand(other)
    return other if other is NotImplemented else arithmetic(primitive, other, self, name, to_float)


OPERATORS = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "floordiv": "floor_divide", "mod": "remainder",
    "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}  # fmt: skip


def _compared(name: str) -> Callable[..., Any]:
    return lambda self, other: OPERATIONS[name](self, other)


def _attach() -> None:
    """Give the Tensor its methods and operators: one row, one method."""
    for alias_name, name in ALIASES.items():
        OPERATIONS[alias_name] = OPERATIONS[name]
    for name, function in OPERATIONS.items():
        if not hasattr(Tensor, name):
            setattr(Tensor, name, function)
    for name in IN_PLACE:
        setattr(Tensor, f"{name}_", _in_place(OPERATIONS[name], f"{name}_"))
    for alias_name, name in ALIASES.items():
        if name in IN_PLACE:
            setattr(Tensor, f"{alias_name}_", getattr(Tensor, f"{name}_"))
    for name, method in {**METHODS_IN_PLACE, **REFLECTED}.items():
        setattr(Tensor, name, method)
    for symbol, name in OPERATORS.items():
        setattr(Tensor, f"__{symbol}__", OPERATIONS[name])
        if name in IN_PLACE:
            setattr(Tensor, f"__i{symbol}__", getattr(Tensor, f"{name}_"))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", _compared(name))
    for symbol, name in {"neg": "neg", "pos": "positive", "abs": "abs", "invert": "bitwise_not"}.items():
        setattr(Tensor, f"__{symbol}__", OPERATIONS[name])
    Tensor.__getitem__ = getitem  # type: ignore[attr-defined]
    Tensor.__setitem__ = setitem  # type: ignore[attr-defined]
    Tensor.T = property(lambda self: apply(np.transpose, (self,), name="PermuteBackward0", face=Tensor))  # type: ignore[attr-defined]
    Tensor.mT = property(lambda self: transpose(self, -2, -1))  # type: ignore[attr-defined]
    Tensor.H = property(lambda self: OPERATIONS["conj"](transpose(self, -2, -1)))  # type: ignore[attr-defined]
    Tensor.real = property(real)  # type: ignore[attr-defined]
    Tensor.imag = property(imag)  # type: ignore[attr-defined]


_attach()
