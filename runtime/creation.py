"""How do tensors come into being?

>>> ones(2, 2, requires_grad=True)
tensor([[1., 1.],
        [1., 1.]], requires_grad=True)
>>> full((2,), 7), arange(3)
(tensor([7, 7]), tensor([0, 1, 2]))
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from retrograd.runtime import dtypes
from retrograd.runtime.dtypes import get_default_dtype
from retrograd.runtime.graph import Variable
from retrograd.runtime.modes import INFERENCE
from retrograd.runtime.tensor import Tensor

COPY_CONSTRUCT = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
)
CONSTRUCTOR_INT = "Only Tensors of floating point and complex dtype can require gradients"


def made(value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A leaf with these values."""
    array = np.asarray(value, None if dtype is None else dtypes.of(dtype).dtype)
    result = Tensor._make(array)
    result._inference = INFERENCE.get()
    if requires_grad:
        if array.dtype.kind not in "fc":
            raise RuntimeError(CONSTRUCTOR_INT)
        result._requires = True
    return result


def _bare(data: Any) -> Any:
    """Nested lists with the tensors in them taken out."""
    if isinstance(data, Variable):
        return data._value
    return [_bare(item) for item in data] if isinstance(data, list | tuple) else data


def _inferred(array: np.ndarray[Any, Any], data: Any) -> np.dtype[Any]:
    """Arrays keep their dtype; Python floats get the default one."""
    if isinstance(data, np.ndarray | np.generic) or array.dtype.kind in "iub":
        return array.dtype
    if array.size and _holds_arrays(data):
        return array.dtype
    return (get_default_dtype() if array.dtype.kind == "f" else dtypes.default_complex()).dtype


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return isinstance(data, np.ndarray | np.generic)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of this data."""
    if isinstance(data, Tensor):
        warnings.warn(COPY_CONSTRUCT, UserWarning, stacklevel=2)
    data = _bare(data)
    array = np.array(data)
    if array.dtype == object:
        raise ValueError("expected sequences of equal length, or numbers, in the data of a tensor")
    wanted = _inferred(array, data) if dtype is None else dtypes.of(dtype).dtype
    return made(array.astype(wanted, copy=False), None, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor on the same memory where that is possible."""
    if isinstance(data, Tensor):
        return data.to(dtype) if dtype is not None else data
    if isinstance(data, np.ndarray):
        return made(data, dtype)
    return tensor(data, dtype=dtype)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the memory of an array: writing to either writes to both."""
    if type(ndarray) is not np.ndarray:
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.of(ndarray.dtype)
    return made(ndarray)


asarray = as_tensor


def _sizes(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], tuple | list) else tuple(size)


def _sized(fill: Callable[[tuple[int, ...], np.dtype[Any]], Any], name: str, doc: str) -> Callable[..., Tensor]:
    def create(
        *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **ignored: Any
    ) -> Tensor:
        wanted = get_default_dtype() if dtype is None else dtypes.of(dtype)
        shape = _sizes(ignored.get("size", size) if not size else size)
        return made(fill(shape, wanted.dtype), None, requires_grad)

    create.__name__, create.__doc__ = name, doc
    return create


zeros = _sized(np.zeros, "zeros", "A tensor of zeros.")
ones = _sized(np.ones, "ones", "A tensor of ones.")
empty = _sized(np.zeros, "empty", "A tensor whose values do not matter; they are zeros.")


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    value = fill_value._value if isinstance(fill_value, Variable) else fill_value
    wanted = dtypes.scalar_dtype(value) if dtype is None else dtypes.of(dtype)
    return made(np.full(tuple(size), value, wanted.dtype), None, requires_grad)


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    wanted = get_default_dtype() if dtype is None else dtypes.of(dtype)
    return made(np.eye(n, m, dtype=wanted.dtype), None, requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``start, start + step, ...`` up to but without ``end``."""
    start, end = (0, start) if end is None else (start, end)
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    if dtype is None:
        whole = all(isinstance(v, int | np.integer) for v in (start, end, step))
        dtype = dtypes.int64 if whole else get_default_dtype()
    return made(np.arange(start, end, step).astype(dtypes.of(dtype).dtype), None, requires_grad)


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    wanted = get_default_dtype() if dtype is None else dtypes.of(dtype)
    return made(np.linspace(start, end, steps).astype(wanted.dtype), None, requires_grad)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    wanted = get_default_dtype() if dtype is None else dtypes.of(dtype)
    return made(np.logspace(start, end, steps, base=base).astype(wanted.dtype), None, requires_grad)


def empty_strided(size: Any, stride: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros laid out in memory with these strides, counted in elements."""
    wanted = (get_default_dtype() if dtype is None else dtypes.of(dtype)).dtype
    extent = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if all(size) else 0
    strides = [s * wanted.itemsize for s in stride]
    return made(np.ndarray(tuple(size), wanted, np.zeros(extent, wanted), strides=strides), None, requires_grad)


# ------------------------------------------------------------------------------------------------- like


def _like(create: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    def create_like(
        input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **ignored: Any
    ) -> Tensor:
        return create(tuple(input.shape), dtype=dtype or input.dtype, requires_grad=requires_grad)

    create_like.__name__ = name
    return create_like


zeros_like, ones_like, empty_like = _like(zeros, "zeros_like"), _like(ones, "ones_like"), _like(empty, "empty_like")


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    return full(tuple(input.shape), fill_value, dtype=dtype or input.dtype, requires_grad=requires_grad)


# ----------------------------------------------------------------------------------------------- random


class Generator:
    """A source of random numbers; every thread starts from its own default one."""

    def __init__(self, device: Any = "cpu") -> None:
        self.seed_used = int(np.random.SeedSequence().entropy) % (1 << 63)  # type: ignore[arg-type,operator]
        self.source = np.random.default_rng(self.seed_used)

    def manual_seed(self, seed: int) -> Generator:
        self.seed_used, self.source = int(seed), np.random.default_rng(int(seed) % (1 << 64))
        return self

    def initial_seed(self) -> int:
        return self.seed_used

    def get_state(self) -> Any:
        return self.source.bit_generator.state

    def set_state(self, state: Any) -> Generator:
        self.source.bit_generator.state = state
        return self


_GENERATOR: ContextVar[Generator | None] = ContextVar("retrograd_generator", default=None)


def default_generator() -> Generator:
    found = _GENERATOR.get()
    if found is None:
        found = Generator()
        _GENERATOR.set(found)
    return found


def manual_seed(seed: int) -> Generator:
    """Start the default generator at ``seed``.  The numbers that follow are NumPy's, not PyTorch's."""
    return default_generator().manual_seed(seed)


def initial_seed() -> int:
    return default_generator().initial_seed()


def get_rng_state() -> Any:
    return default_generator().get_state()


def set_rng_state(state: Any) -> None:
    default_generator().set_state(state)


def _standard(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], draw: str) -> Any:
    """Standard normal or uniform numbers; complex ones have unit variance."""
    method = getattr(rng, draw)
    if dtype.kind == "c":
        parts = method((2, *shape))
        scale = np.sqrt(0.5) if draw == "standard_normal" else 1.0
        return (scale * (parts[0] + 1j * parts[1])).astype(dtype)
    return np.asarray(method(shape)).astype(dtype)


def _random(draw: str, name: str, doc: str) -> Callable[..., Tensor]:
    def create(
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        generator: Generator | None = None,
        **ignored: Any,
    ) -> Tensor:
        wanted = get_default_dtype() if dtype is None else dtypes.of(dtype)
        rng = (generator or default_generator()).source
        return made(_standard(rng, _sizes(size), wanted.dtype, draw), None, requires_grad)

    create.__name__, create.__doc__ = name, doc
    return create


randn = _random("standard_normal", "randn", "Numbers of mean 0 and variance 1.")
rand = _random("random", "rand", "Numbers uniform between 0 and 1.")
randn_like, rand_like = _like(randn, "randn_like"), _like(rand, "rand_like")


def randint(
    low: int, high: Any, size: Any = None, *, dtype: Any = None, device: Any = None, generator: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers from ``low`` up to but without ``high``."""
    if size is None:
        low, high, size = 0, low, high
    rng = (generator or default_generator()).source
    return made(rng.integers(low, high, tuple(size)), dtype or dtypes.int64, requires_grad)


def randperm(n: int, *, dtype: Any = None, generator: Any = None) -> Tensor:
    return made((generator or default_generator()).source.permutation(n), dtype or dtypes.int64)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None) -> Tensor:
    shape = tuple(size) if size is not None else np.broadcast_shapes(np.shape(_bare(mean)), np.shape(_bare(std)))
    return randn(shape, generator=generator) * std + mean


def bernoulli(input: Tensor, *, generator: Any = None) -> Tensor:
    rng = (generator or default_generator()).source
    return made((rng.random(input._value.shape) < input._value).astype(input._value.dtype))


def _drawn(draw: Callable[..., Any]) -> Callable[..., Tensor]:
    """An in-place fill with random numbers: nothing of the old value is left."""

    def method(self: Tensor, *args: Any, generator: Any = None) -> Tensor:
        rng = (generator or default_generator()).source
        return self.copy_(Tensor._make(np.asarray(draw(rng, self._value.shape, *args)).astype(self._value.dtype)))

    return method


Tensor.normal_ = _drawn(lambda rng, shape, mean=0.0, std=1.0: rng.normal(mean, std, shape))  # type: ignore[attr-defined]
Tensor.uniform_ = _drawn(lambda rng, shape, low=0.0, high=1.0: rng.uniform(low, high, shape))  # type: ignore[attr-defined]
Tensor.bernoulli_ = _drawn(lambda rng, shape, p=0.5: rng.random(shape) < p)  # type: ignore[attr-defined]
Tensor.bernoulli = bernoulli  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------- made of other tensors


def _new(create: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def method(self: Tensor, *args: Any, dtype: Any = None, **more: Any) -> Tensor:
        return create(*args, dtype=dtype or self.dtype, **more)

    return method


for _name, _create in {"zeros": zeros, "ones": ones, "empty": empty, "full": full, "tensor": tensor}.items():
    setattr(Tensor, f"new_{_name}", _new(_create))
Tensor.new = lambda self, *size: made(np.zeros(_sizes(size), self._value.dtype))  # type: ignore[attr-defined]


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Every coordinate of a grid, as a view with the grid's shape."""
    axes = _sizes(tensors)
    grids = [x.reshape([-1 if i == j else 1 for j in range(len(axes))]) for i, x in enumerate(axes)]
    shape = tuple(x.numel() for x in axes)
    spread = [g.expand(*shape) for g in grids]
    return tuple(g.transpose(0, 1) for g in spread) if indexing == "xy" else tuple(spread)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    shape = np.broadcast_shapes(*(x._value.shape for x in tensors))
    return tuple(x.expand(*shape) for x in tensors)


def is_tensor(obj: Any) -> bool:
    return isinstance(obj, Tensor)


def typed(name: str) -> type[Tensor]:
    """``FloatTensor`` and its like: a constructor of that dtype, and a class for ``isinstance``."""
    own = next(d for d in dtypes.NAMES.values() if d.tensor_name == name)

    class Meta(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, Tensor) and value.dtype == own

    def new(cls: Any, *data: Any) -> Tensor:
        if data and all(isinstance(n, int) for n in data):
            return zeros(*data, dtype=own)
        return tensor(data[0] if data else [], dtype=own)

    return Meta(name, (), {"__new__": new})  # type: ignore[return-value]


class Parameter(Tensor):
    """A tensor that requires grad unless told otherwise."""

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        return object.__new__(cls)

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        source = empty(0) if data is None else data
        self._value, self._requires = source._value, requires_grad

    @classmethod
    def _make(cls, value: Any, node: Any = None, index: int = 0) -> Any:
        made_ = object.__new__(cls)
        made_._value, made_._node, made_._index = value, node, index
        return made_

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

