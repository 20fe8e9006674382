"""What are a tensor's numbers?  PyTorch's dtypes, sizes and type promotion over NumPy's.

>>> float32, float32.is_floating_point
(torch.float32, True)
>>> promoted(int64, float32)
torch.float32
>>> Size([2, 3])
torch.Size([2, 3])
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np


class dtype:
    """One of PyTorch's number types; NumPy takes it wherever it takes a dtype."""

    __slots__ = ("name", "dtype", "tensor_name")

    def __init__(self, name: str, numpy_name: str, tensor_name: str) -> None:
        self.name, self.dtype, self.tensor_name = name, np.dtype(numpy_name), tensor_name

    is_floating_point = property(lambda self: self.dtype.kind == "f")
    is_complex = property(lambda self: self.dtype.kind == "c")
    is_signed = property(lambda self: self.dtype.kind in "ifc")
    itemsize = property(lambda self: self.dtype.itemsize)

    @property
    def c_name(self) -> str:
        """The name error messages use: ``double``, ``Float`` without its tensor."""
        return self.tensor_name.removesuffix("Tensor")

    def to_real(self) -> dtype:
        return of(np.empty(0, self.dtype).real.dtype)

    def to_complex(self) -> dtype:
        return of(np.result_type(self.dtype, np.complex64))

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, dtype):
            return self.dtype == other.dtype
        return isinstance(other, np.dtype | type) and bool(self.dtype == other)

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return of, (self.dtype,)


# name, NumPy's name, the class name in error messages, other names
_ROWS = [
    ("float16", "float16", "HalfTensor", ("half",)),
    ("float32", "float32", "FloatTensor", ("float",)),
    ("float64", "float64", "DoubleTensor", ("double",)),
    ("complex64", "complex64", "ComplexFloatTensor", ("cfloat",)),
    ("complex128", "complex128", "ComplexDoubleTensor", ("cdouble",)),
    ("uint8", "uint8", "ByteTensor", ()),
    ("uint16", "uint16", "UInt16Tensor", ()),
    ("uint32", "uint32", "UInt32Tensor", ()),
    ("uint64", "uint64", "UInt64Tensor", ()),
    ("int8", "int8", "CharTensor", ()),
    ("int16", "int16", "ShortTensor", ("short",)),
    ("int32", "int32", "IntTensor", ("int",)),
    ("int64", "int64", "LongTensor", ("long",)),
    ("bool", "bool", "BoolTensor", ()),
]

# Every public name of a dtype, aliases included.
NAMES: dict[str, dtype] = {}
_BY_NUMPY: dict[np.dtype[Any], dtype] = {}
for _name, _numpy_name, _tensor_name, _aliases in _ROWS:
    _BY_NUMPY[np.dtype(_numpy_name)] = NAMES[_name] = dtype(_name, _numpy_name, _tensor_name)
    NAMES.update(dict.fromkeys(_aliases, NAMES[_name]))

float16, float32, float64 = NAMES["float16"], NAMES["float32"], NAMES["float64"]
complex64, complex128 = NAMES["complex64"], NAMES["complex128"]
int64, bool_ = NAMES["int64"], NAMES["bool"]

_PYTHON_TYPES = {float: float64, int: int64, bool: bool_, complex: complex128}
_DEFAULT: ContextVar[dtype] = ContextVar("retrograd_default_dtype", default=float32)


def of(value: Any) -> dtype:
    """The dtype of a NumPy dtype, a Python number type, or a dtype itself."""
    if isinstance(value, dtype):
        return value
    if value in _PYTHON_TYPES:
        return _PYTHON_TYPES[value]
    numpy_dtype = np.dtype(value)
    try:
        return _BY_NUMPY[numpy_dtype.newbyteorder("=")]
    except KeyError:
        kinds = ", ".join(sorted({row.name for row in _BY_NUMPY.values()}))
        raise TypeError(
            f"can't convert np.ndarray of type {numpy_dtype.type.__name__}. The only supported types are: {kinds}."
        ) from None


def get_default_dtype() -> dtype:
    return _DEFAULT.get()


def set_default_dtype(d: Any) -> None:
    """The dtype of Python floats; complex numbers follow it."""
    chosen = of(d)
    if not chosen.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, but got {chosen}")
    _DEFAULT.set(chosen)


def default_complex() -> dtype:
    return get_default_dtype().to_complex()




def _category(d: dtype) -> int:
    """bool, integer, float, complex: what promotion ranks before precision."""
    return {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}[d.dtype.kind]


def promoted(a: dtype, b: dtype) -> dtype:
    """PyTorch's common type: integers never widen floats (``int64 + float32 -> float32``)."""
    if _category(a) == _category(b) or {_category(a), _category(b)} == {2, 3}:
        return of(np.promote_types(a.dtype, b.dtype))
    return a if _category(a) > _category(b) else b


def scalar_dtype(value: Any) -> dtype:
    """The type a Python number stands for in promotion."""
    if isinstance(value, bool | np.bool_):
        return bool_
    if isinstance(value, int | np.integer):
        return int64
    return default_complex() if isinstance(value, complex | np.complexfloating) else get_default_dtype()


def result_dtype(arrays: list[np.ndarray[Any, Any]], scalars: list[Any]) -> dtype:
    """Arrays with axes decide; 0-d arrays and then Python numbers count only if of a higher kind."""
    groups: list[list[dtype]] = [
        [of(a.dtype) for a in arrays if a.ndim],
        [of(a.dtype) for a in arrays if not a.ndim],
        [scalar_dtype(s) for s in scalars],
    ]
    result: dtype | None = None
    for group in groups:
        common: dtype | None = None
        for d in group:
            common = d if common is None else promoted(common, d)
        if common is not None and (result is None or _category(common) > _category(result)):
            result = common if result is None else _lifted(result, common)
    assert result is not None
    return result


def _lifted(result: dtype, higher: dtype) -> dtype:
    """A complex scalar lifts a float tensor to the complex type of the tensor's own precision."""
    return result.to_complex() if higher.is_complex and result.is_floating_point else higher


class Size(tuple[int, ...]):
    """A shape, printed as PyTorch prints it."""

    def __new__(cls, lengths: Any = ()) -> Size:
        return super().__new__(cls, lengths)

    def numel(self) -> int:
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))


@dataclass(frozen=True)
class device:
    """Where a tensor lives: always the CPU."""

    type: str = "cpu"
    index: int | None = None

    def __post_init__(self) -> None:
        if str(self.type).split(":")[0] != "cpu":
            raise RuntimeError(f"tensors are NumPy arrays and live on the cpu; no device '{self.type}'")
        object.__setattr__(self, "type", "cpu")

    def __repr__(self) -> str:
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"

    def __str__(self) -> str:
        return "cpu"


CPU = device("cpu")


class finfo:
    """The limits of a floating-point dtype."""

    def __init__(self, type: dtype | None = None) -> None:
        self.of = type or get_default_dtype()
        if not (self.of.is_floating_point or self.of.is_complex):
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{self.of}'")
        limits = np.finfo(self.of.dtype)
        self.bits = limits.bits
        self.min, self.max, self.eps = float(limits.min), float(limits.max), float(limits.eps)
        self.tiny = self.smallest_normal = float(limits.tiny)
        self.resolution, self.dtype = float(limits.resolution), self.of.to_real().name

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={getattr(self, k):g}" for k in ("resolution", "min", "max", "eps", "smallest_normal", "tiny"))
        return f"finfo({shown}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype."""

    def __init__(self, type: dtype) -> None:
        limits = np.iinfo(of(type).dtype)
        self.bits, self.min, self.max, self.dtype = limits.bits, int(limits.min), int(limits.max), of(type).name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
