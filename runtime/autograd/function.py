"""How does one give a derivative by hand?  PyTorch's ``autograd.Function``.

>>> from retrograd.runtime.creation import tensor
>>> class Cube(Function):
...     @staticmethod
...     def forward(ctx, x):
...         ctx.save_for_backward(x)
...         return x**3
...     @staticmethod
...     def backward(ctx, z_bar):
...         (x,) = ctx.saved_tensors
...         return 3 * x**2 * z_bar
>>> x = tensor([2.0], requires_grad=True)
>>> Cube.apply(x).backward()
>>> x.grad
tensor([12.])
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd.runtime import modes
from retrograd.runtime.graph import (
    FREED,
    Node,
    Saved,
    Variable,
    edge_of,
    join_view,
    meta_of,
    next_sequence,
    rebase,
    requires_grad,
)
from retrograd.runtime.tensor import Tensor, as_bar, from_bar
from retrograd.runtime.traced import TracedArray

LEGACY = (
    "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with "
    "static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
)
INSTANCE = (
    "{} should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class "
    "itself. Instantiating an autograd function will raise an error in a future version of PyTorch."
)
NO_BACKWARD = (
    "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode "
    "AD."
)
NOT_AN_INPUT = (
    "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated should be passed "
    "to ctx.mark_dirty()."
)
LEAF_USED = "a leaf Variable that requires grad has been used in an in-place operation."


class FunctionNode(Node):
    """The node of a ``Function``, and its ``ctx``: what ``forward`` keeps for ``backward``."""

    function: type[Function]

    def __init__(self) -> None:
        super().__init__((), ())
        self.kept: list[tuple[Any, Any, Saved | None]] | None = []
        self.dirty: tuple[Any, ...] = ()
        self.constant: tuple[Any, ...] = ()
        self.materialize = True
        self.needs_input_grad: tuple[bool, ...] = ()
        self.outputs: list[Any] = []

    # -- what forward calls --

    def save_for_backward(self, *tensors: Any) -> None:
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(tensor).__name__}"
                )
        self.to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        self.constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        self.materialize = value

    # -- what backward reads --

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        if self.kept is None:
            raise RuntimeError(FREED)
        return tuple(self._restored(value, edge, saved) for value, edge, saved in self.kept)

    saved_variables = saved_tensors

    def _restored(self, value: Any, edge: Any, saved: Saved | None) -> Any:
        if value is None:
            return None
        if saved is not None:
            saved.check()
        if isinstance(edge, int):  # an output of this very node
            return Tensor._make(value, self, edge)
        return edge._restored() if isinstance(edge, _Leaf) else Tensor._make(value, *(edge or (None, 0)))

    def keep(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Save what ``save_for_backward`` was given, as of now."""
        assert self.kept is not None
        for tensor in getattr(self, "to_save", ()):
            if tensor is None:
                self.kept.append((None, None, None))
                continue
            position = next((i for i, z in enumerate(outputs) if z is tensor), None)
            place: Any = edge_of(tensor) if position is None else position
            if position is None and tensor._node is None:
                place = _Leaf(tensor)
            self.kept.append((tensor._value, place, Saved(tensor)))
        self.to_save = ()

    # -- the node --

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        cotangents = [self._cotangent(i, bar) for i, bar in enumerate(bars)]
        backward = self.function._backward_method()
        found = backward(self, *cotangents)
        return self._checked(found if isinstance(found, tuple | list) else (found,), lift)

    def _cotangent(self, i: int, bar: Any) -> Tensor | None:
        if bar is not None:
            return as_bar(bar)
        return Tensor._make(np.zeros(*self.meta[i])) if self.materialize else None

    def _checked(self, found: Sequence[Any], lift: type[Variable] | None) -> Sequence[Any]:
        expected = len(self.edges)
        extra = found[expected:]
        if len(found) < expected or any(bar is not None for bar in extra):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got {len(found)})"
            )
        return [self._along(bar, edge, lift) for bar, edge in zip(found, self.edges, strict=False)]

    def _along(self, bar: Any, edge: Any, lift: type[Variable] | None) -> Any:
        if bar is None or edge is None:
            return None
        if not isinstance(bar, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(bar).__name__})")
        return from_bar(bar, TracedArray._make(0.0) if lift is not None else 0.0)

    @property
    def sums(self) -> bool:
        return True

    def misfit(self, index: int, got: tuple[int, ...], expected: tuple[int, ...]) -> Exception:
        return RuntimeError(
            f"Function {self.name()} returned an invalid gradient at index {index} - got {list(got)} but expected shape "
            f"compatible with {list(expected)}"
        )

    def release(self) -> None:
        self.kept = None


class _Leaf:
    """A saved leaf is given back itself."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def _restored(self) -> Tensor:
        return self.tensor


FunctionCtx = FunctionNode


@functools.cache
def _node_class(function: type[Function]) -> type[FunctionNode]:
    return type(f"{function.__name__}Backward", (FunctionNode,), {"function": function, "__module__": __name__})


class Function:
    """A function with its own derivative: subclass it with static ``forward`` and ``backward``, call ``apply``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(INSTANCE.format(type(self)), DeprecationWarning, stacklevel=2)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(LEGACY)

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(NO_BACKWARD)

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @classmethod
    def _backward_method(cls) -> Callable[..., Any]:
        return cls.vjp if cls.vjp is not Function.vjp else cls.backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record one node whose pullback is ``backward``."""
        ctx = _node_class(cls)()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and requires_grad(a) for a in args)
        recording = modes.GRAD.get() and any(ctx.needs_input_grad)
        result = cls._run_forward(ctx, args, kwargs)
        several = isinstance(result, tuple)
        outputs = list(result) if several else [result]
        outputs = _finished(ctx, args, outputs, recording)
        return tuple(outputs) if several else outputs[0]

    @classmethod
    def _run_forward(cls, ctx: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with modes.no_grad():
            if not hasattr(cls, "setup_context"):
                return cls.forward(ctx, *args, **kwargs)
            arguments = inspect.signature(cls.forward).bind(*args, **kwargs)
            arguments.apply_defaults()
            result = cls.forward(*arguments.args)
            cls.setup_context(ctx, arguments.args, result)
            return result


class InplaceFunction(Function):
    """The old name of a Function that writes to its inputs."""


def _finished(ctx: FunctionNode, args: tuple[Any, ...], outputs: list[Any], recording: bool) -> list[Any]:
    """Give the outputs their place in the graph."""
    inputs = [a for a in args if isinstance(a, Tensor)]
    for tensor in ctx.dirty:
        if not any(tensor is a for a in inputs):
            warnings.warn(NOT_AN_INPUT, UserWarning, stacklevel=4)
        elif recording and tensor._node is None and tensor._requires:
            raise RuntimeError(LEAF_USED)
    if not recording:
        return outputs
    ctx.edges = tuple(edge_of(a) if isinstance(a, Tensor) else None for a in args)
    ctx.seq = next_sequence()  # after its inputs: the sweep goes by age
    ctx.meta = tuple(meta_of(z._value) if isinstance(z, Tensor) else ((), np.dtype(float)) for z in outputs)
    raw = list(outputs)
    placed = [_placed(ctx, i, z, inputs) for i, z in enumerate(outputs)]
    ctx.keep(args, [p if z in inputs_set(inputs) else z for p, z in zip(placed, raw, strict=True)])
    return placed


def inputs_set(tensors: Sequence[Tensor]) -> set[Tensor]:
    return set(tensors)


def _placed(ctx: FunctionNode, i: int, z: Any, inputs: Sequence[Tensor]) -> Any:
    if not isinstance(z, Tensor) or any(z is c for c in ctx.constant) or z._value.dtype.kind not in "fc":
        return z
    if any(z is d for d in ctx.dirty):
        rebase(z, (ctx, i))
        return z
    owner = next((a for a in inputs if z is a or z._base is a), None)
    if owner is None:
        z._node, z._index = ctx, i
        return z
    view = Tensor._make(z._value, ctx, i)  # an input returned as it is, or a view of it
    join_view(view, owner, (lambda base: base, (), {}))
    view._origin = "function"
    return view


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A ``backward`` whose own derivative is refused."""

    @functools.wraps(backward)
    def wrapper(ctx: Any, *bars: Any) -> Any:
        with modes.no_grad():
            found = backward(ctx, *bars)
        if not modes.GRAD.get() or not any(isinstance(b, Tensor) and requires_grad(b) for b in bars):
            return found
        results = found if isinstance(found, tuple) else (found,)
        refused = tuple(_refusing(r) if isinstance(r, Tensor) else r for r in results)
        return refused if isinstance(found, tuple) else refused[0]

    return wrapper


class _Once(Node):
    __slots__ = ()

    def pull(self, bars: list[Any], lift: Any) -> Sequence[Any]:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def _refusing(result: Tensor) -> Tensor:
    node = _Once((), (meta_of(result._value),))
    return Tensor._make(result._value, node, 0)
