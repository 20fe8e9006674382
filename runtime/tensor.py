"""What is a tensor?  An array with PyTorch's interface and a place in the graph.

>>> from retrograd.runtime import operators
>>> x = Tensor._make(np.ones(2, np.float32)).requires_grad_()
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 2.])
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from retrograd.runtime import dtypes, engine, modes, printing
from retrograd.runtime.dtypes import CPU, Size
from retrograd.runtime.graph import (
    Edge,
    Node,
    Variable,
    edge_of,
    memory_of,
    requires_grad,
)
from retrograd.runtime.traced import TracedArray

IMPLICIT = "grad can be implicitly created only for scalar outputs"
NO_GRAD_FN = "element {} of tensors does not require grad and does not have a grad_fn"
NUMPY_REQUIRES_GRAD = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
NONLEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the "
    "leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)
NONLEAF_FLAG = (
    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph "
    "that doesn't require differentiation use var_no_grad = var.detach()."
)
DETACH_VIEW = (
    "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and "
    "gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
    "these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
    "torch/optim/optimizer.py as the solution."
)
GRAD_DTYPE = (
    "attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. The gradient must match the "
    "tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific "
    "dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient "
    "may break downstream systems that assume they match."
)
DEEPCOPY = (
    "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you "
    "were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
    "https://github.com/pytorch/pytorch/pull/103001"
)
CREATE_GRAPH = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which "
    "can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use "
    "this function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid "
    "the leak."
)
SCALAR_WARNING = (
    "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
    "Consider using tensor.detach() first."
)
INFERENCE_FLAG = "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."

_SIZES = "grad_output[{i}] has a shape of {got} and output[{i}] has a shape of {expected}."


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away."""

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.hooks, self.id = hooks, id(self)

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def add_hook(hooks: dict[int, Any], hook: Callable[..., Any]) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


class Tensor(Variable):
    """PyTorch's tensor, on the CPU, on NumPy's memory."""

    _grad: Tensor | None = None
    _post_hooks: dict[int, Callable[..., Any]] | None = None
    _grad_is_own = False

    def __init__(self, *data: Any, device: Any = None, dtype: Any = None) -> None:
        """``Tensor([1, 2])`` and ``Tensor(2, 3)``, of the default dtype."""
        own = dtypes.get_default_dtype().dtype
        sizes = data[0] if len(data) == 1 and isinstance(data[0], Size) else data
        if len(sizes) and all(isinstance(n, int) and not isinstance(n, bool) for n in sizes):
            self._value = np.zeros(sizes, own)
        else:
            given = data[0] if data else []
            self._value = np.array(given._value if isinstance(given, Variable) else given, own)

    @classmethod
    def _wrap(cls, value: Any, node: Node | None = None, index: int = 0) -> Any:
        if type(value) is np.ndarray:
            made = cls._make(value, node, index)
        elif isinstance(value, np.ndarray | np.generic) or node is not None:
            made = cls._make(np.asarray(value), node, index)
        else:
            return value
        if modes.INFERENCE.get():
            made._inference = True
        return made

    def _face(self) -> type[Variable]:
        return Tensor

    # -- facts --

    @property
    def shape(self) -> Size:
        return Size(self._value.shape)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self._value.shape[dim]

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.of(self._value.dtype)

    ndim = property(lambda self: self._value.ndim)
    device = property(lambda self: CPU)
    itemsize = property(lambda self: self._value.itemsize)
    nbytes = property(lambda self: self._value.nbytes)
    is_cuda = is_sparse = is_quantized = is_meta = property(lambda self: False)
    layout = property(lambda self: "torch.strided")
    names = property(lambda self: (None,) * self._value.ndim)
    output_nr = property(lambda self: self._index)
    _version = property(lambda self: memory_of(self).version)

    def dim(self) -> int:
        return self._value.ndim

    ndimension = dim

    def numel(self) -> int:
        return self._value.size

    nelement = numel

    def element_size(self) -> int:
        return self._value.itemsize

    def stride(self, dim: int | None = None) -> Any:
        strides = tuple(s // self._value.itemsize for s in self._value.strides)
        return strides if dim is None else strides[dim]

    def storage_offset(self) -> int:
        base = self._base._value if self._base is not None else self._value
        return (self.data_ptr() - base.__array_interface__["data"][0]) // self._value.itemsize

    def data_ptr(self) -> int:
        return self._value.__array_interface__["data"][0]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        return self._value.flags.c_contiguous

    def is_floating_point(self) -> bool:
        return self._value.dtype.kind == "f"

    def is_complex(self) -> bool:
        return self._value.dtype.kind == "c"

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_conj(self) -> bool:
        return False

    is_neg = is_conj

    def is_inference(self) -> bool:
        return self._inference

    def is_same_size(self, other: Tensor) -> bool:
        return self.shape == other.shape

    def get_device(self) -> int:
        return -1

    def _is_view(self) -> bool:
        return self._base is not None

    # -- the graph --

    @property
    def requires_grad(self) -> bool:
        return requires_grad(self)

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        if edge_of(self) is not None and self._node is not None:
            if not requires_grad:
                raise RuntimeError(NONLEAF_FLAG)
            return self
        if requires_grad and self._value.dtype.kind not in "fc":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if requires_grad and self._inference and not modes.INFERENCE.get():
            raise RuntimeError(INFERENCE_FLAG)
        self._requires = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        edge_of(self)
        return self._node

    @grad_fn.setter
    def grad_fn(self, value: object) -> None:
        raise AttributeError("attribute 'grad_fn' of 'torch._C.TensorBase' objects is not writable")

    @grad_fn.deleter
    def grad_fn(self) -> None:
        raise AttributeError("attribute 'grad_fn' of 'torch._C.TensorBase' objects is not writable")

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @is_leaf.setter
    def is_leaf(self, value: object) -> None:
        raise AttributeError("attribute 'is_leaf' of 'torch._C.TensorBase' objects is not writable")

    @property
    def retains_grad(self) -> bool:
        node = self.grad_fn
        return node is not None and node.retained is not None and self._index in node.retained

    @property
    def grad(self) -> Tensor | None:
        if self._grad is None and self._node is not None and not self.retains_grad:
            warnings.warn(NONLEAF_GRAD, UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            self._check_grad(value)
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def _check_grad(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value.dtype != self.dtype:
            raise RuntimeError(GRAD_DTYPE.format(value.dtype.c_name.lower(), self.dtype.c_name))
        if value.shape != self.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )

    def _accumulate(self, bar: Any, lift: type[Variable] | None) -> None:
        """Add what arrived at this leaf to its ``grad``; in place unless that is to be differentiated."""
        if lift is not None and isinstance(bar, Variable):
            arrived = tensor_of(bar)
            self._grad = arrived if self._grad is None else self._grad + arrived
        elif self._grad is None:
            self._grad = Tensor._make(np.array(bar))
        elif requires_grad(self._grad):
            self._grad = Tensor._make(self._grad._value + bar)
        else:
            np.add(self._grad._value, bar, out=self._grad._value)
            memory_of(self._grad).version += 1
        for hook in list((self._post_hooks or {}).values()):
            hook(self)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the derivative of this tensor (times ``gradient``) to the ``grad`` of every leaf it came from."""
        run_backward([self], [gradient], retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        node = self.grad_fn
        if node is None:
            return
        node.retained = {} if node.retained is None else node.retained
        node.retained[self._index] = self._keep

    def _keep(self, bar: Any, lift: type[Variable] | None) -> None:
        arrived = tensor_of(bar) if isinstance(bar, Variable) else Tensor._make(np.array(bar))
        self._grad = arrived if self._grad is None else self._grad + arrived

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook`` with this tensor's gradient whenever it is known; what it returns replaces it."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        edge = edge_of(self)
        assert edge is not None
        node, index = edge
        if self._node is None:
            self._hooked = node  # a leaf holds its accumulator weakly; one with hooks must stay
        node.tensor_hooks = {} if node.tensor_hooks is None else node.tensor_hooks
        hooks = node.tensor_hooks.setdefault(index, {})
        return add_hook(hooks, lambda bar: hooked(hook, bar))

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        self._post_hooks = {} if self._post_hooks is None else self._post_hooks
        return add_hook(self._post_hooks, hook)

    # -- the values without the graph --

    def detach(self) -> Tensor:
        """The same memory, without history."""
        apart = Tensor._make(self._value)
        apart._memory, apart._inference = memory_of(self), self._inference
        return apart

    def detach_(self) -> Tensor:
        if self._base is not None:
            raise RuntimeError(DETACH_VIEW)
        self._node, self._index, self._requires = None, 0, False
        return self

    @property
    def data(self) -> Tensor:
        return Tensor._make(self._value)

    @data.setter
    def data(self, value: Tensor) -> None:
        if self.requires_grad and value._value.dtype.kind not in "fc":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._value = value._value

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The array itself: writing to it writes to the tensor."""
        if self.requires_grad and not force:
            raise RuntimeError(NUMPY_REQUIRES_GRAD)
        return self._value

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        if self.requires_grad:
            raise RuntimeError(NUMPY_REQUIRES_GRAD)
        return np.array(self._value, dtype=dtype, copy=copy)

    def item(self) -> Any:
        if self._value.size != 1:
            raise RuntimeError(f"a Tensor with {self._value.size} elements cannot be converted to Scalar")
        return self._value.item()

    def tolist(self) -> Any:
        return self._value.tolist()

    def _scalar(self) -> Any:
        if self._value.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if self.requires_grad:
            warnings.warn(SCALAR_WARNING, UserWarning, stacklevel=3)
        return self._value.item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self._value.size != 1 or self._value.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._value.item())

    def __bool__(self) -> bool:
        if self._value.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        if self._value.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._value.item())

    def __len__(self) -> int:
        if self._value.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._value)

    def __iter__(self) -> Iterator[Any]:
        if self._value.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self._value == (item._value if isinstance(item, Variable) else item)))

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(DEEPCOPY)
        copied = type(self)._make(self._value.copy())
        copied._requires = self._requires
        if self._grad is not None:
            copied._grad = self._grad.__deepcopy__(memo)
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError(DEEPCOPY)
        return _rebuilt, (type(self), self._value, self._requires)

    # -- printing --

    def __repr__(self) -> str:
        return printing.shown(self._value, _suffixes(self))

    def __format__(self, spec: str) -> str:
        return format(self._value.item(), spec) if self._value.ndim == 0 and spec else repr(self)


def _rebuilt(cls: type[Tensor], value: Any, requires: bool) -> Tensor:
    made = cls._make(value)
    made._requires = requires
    return made


def _suffixes(tensor: Tensor) -> list[str]:
    value, own = tensor._value, tensor.dtype
    suffixes = []
    if value.size == 0 and value.ndim != 1:
        suffixes.append(f"size={tuple(value.shape)}")
    usual = {dtypes.get_default_dtype(), dtypes.default_complex()}
    if value.size:
        usual |= {dtypes.int64, dtypes.bool_}
    if own not in usual:
        suffixes.append(f"dtype={own}")
    node = tensor.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name().removeprefix('torch::autograd::')}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    tangent = getattr(tensor, "_tangent", None)
    return suffixes if tangent is None else [*suffixes, f"tangent={tangent!r}"]


def tensor_of(variable: Variable) -> Tensor:
    """The tensor at a traced value's place in the graph."""
    return Tensor._make(np.asarray(variable._value), variable._node, variable._index)


def as_bar(bar: Any) -> Tensor:
    """A cotangent as users see it."""
    return tensor_of(bar) if isinstance(bar, Variable) else Tensor._make(np.asarray(bar))


def from_bar(tensor: Any, like: Any) -> Any:
    """A cotangent as the engine sees it: of the kind that ``like`` is."""
    if tensor is None:
        return None
    if isinstance(like, TracedArray):
        return TracedArray._make(tensor._value, *(edge_of(tensor) or (None, 0)))
    return tensor._value


def hooked(hook: Callable[[Tensor], Any], bar: Any) -> Any:
    """The cotangent after a user's hook."""
    result = hook(as_bar(bar))
    if result is None:
        return bar
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    value = bar._value if isinstance(bar, Variable) else bar
    if np.shape(result._value) != np.shape(value):
        raise RuntimeError(f"hook '{getattr(hook, '__name__', repr(hook))}' has changed the size of value")
    return from_bar(result, bar)


# ------------------------------------------------------------------------------------------- backward


def run_backward(
    outputs: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """``backward``: into the ``grad`` of all leaves, or of ``inputs``."""
    if inputs is not None:
        inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    roots, seeds = seeded(outputs, gradients, create_graph)
    if create_graph:
        warnings.warn(CREATE_GRAPH, UserWarning, stacklevel=3)
    wanted = None if inputs is None else _accumulated_edges(inputs)
    retain = create_graph if retain_graph is None else retain_graph
    lift = TracedArray if create_graph else None
    found = engine.run(roots, seeds, wanted, retain, lift, accumulate=True)
    for tensor, bar in zip(inputs or (), found, strict=True):
        if tensor._node is not None and bar is not None and not tensor.retains_grad:
            tensor._keep(bar, lift)


def _accumulated_edges(inputs: Sequence[Tensor]) -> list[Edge]:
    edges = [edge_of(t) for t in inputs]
    if any(edge is None for edge in edges):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return edges  # type: ignore[return-value]


def seeded(
    outputs: Sequence[Tensor], gradients: Sequence[Tensor | None], create_graph: bool = False
) -> tuple[list[Edge], list[Any]]:
    """Where the sweep starts, and with what."""
    roots, seeds = [], []
    for i, (output, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        gradient = _checked(i, output, gradient)
        edge = edge_of(output)
        if edge is None:
            raise RuntimeError(NO_GRAD_FN.format(i))
        roots.append(edge)
        seeds.append(_started(gradient, output, create_graph))
    return roots, seeds


def _started(gradient: Tensor | None, output: Tensor, create_graph: bool) -> Any:
    value = np.ones_like(output._value) if gradient is None else gradient._value.astype(output._value.dtype, copy=False)
    if not create_graph:
        return value
    return TracedArray._make(value, *((edge_of(gradient) if gradient is not None else None) or (None, 0)))


def _checked(i: int, output: Tensor, gradient: Any) -> Tensor | None:
    if gradient is None:
        _refuse_implicit(i, output)
        return None
    if not isinstance(gradient, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if gradient.shape != output.shape:
        raise RuntimeError("Mismatch in shape: " + _SIZES.format(i=i, got=gradient.shape, expected=output.shape))
    if gradient.is_complex() != output.is_complex():
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{i}] has a dtype of {gradient.dtype} and output[{i}] has a dtype of {output.dtype}."
        )
    return gradient


def _refuse_implicit(i: int, output: Tensor) -> None:
    if not output.requires_grad:
        raise RuntimeError(NO_GRAD_FN.format(i))
    if output._value.size != 1:
        raise RuntimeError(IMPLICIT)
    if not output.is_floating_point():
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {output.dtype}")


