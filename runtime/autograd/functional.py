"""Jacobians, Hessians and their products, of functions of tensors.

>>> from retrograd.runtime.creation import tensor
>>> hessian(lambda x: (x**3).sum(), tensor([1.0, 2.0]))
tensor([[ 6.,  0.],
        [ 0., 12.]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd.runtime import modes
from retrograd.runtime.autograd.sweep import grad
from retrograd.runtime.operators import stack
from retrograd.runtime.tensor import Tensor

SINGLE_OUTPUT = (
    "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
)
SINGLE_INPUT = (
    "The vector v can only be None if the input to the user-provided function is a single Tensor with a single element."
)
INDEPENDENT = (
    "Output {} of the user-provided function does not require gradients. The outputs must be computed in a differentiable "
    "manner from the input when running in strict mode."
)


def _tuple(value: Any, name: str, caller: str) -> tuple[tuple[Tensor, ...], bool]:
    """The tensors, and whether they came as a tuple."""
    given = isinstance(value, tuple)
    for i, item in enumerate(value if given else (value,)):
        if not isinstance(item, Tensor):
            what = f"element at index {i} of the {name}" if given else f"given {name}"
            if name == "outputs of the user-provided function":
                what = "given outputs of the user-provided function"
            raise TypeError(
                f"The {name} given to {caller} must be either a Tensor or a tuple of Tensors but the {what} has type "
                f"{type(item)}."
            )
    return (value if given else (value,)), given


def _fresh(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs to differentiate: views of the user's, or leaves of their own."""
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.clone().requires_grad_() for x in inputs)
    return tuple(x.detach().clone().requires_grad_() for x in inputs)


def _called(func: Callable[..., Any], inputs: Any, create_graph: bool, caller: str) -> Any:
    given, many_in = _tuple(inputs, "inputs", caller)
    with modes.enable_grad():
        fresh = _fresh(given, create_graph)
        result = func(*fresh)
        outputs, many_out = _tuple(result, "outputs of the user-provided function", caller)
    return fresh, many_in, outputs, many_out


def _settled(value: Any, create_graph: bool) -> Any:
    if isinstance(value, tuple):
        return tuple(_settled(v, create_graph) for v in value)
    return value if create_graph else value.detach()


def _unpacked(values: tuple[Any, ...], many: bool) -> Any:
    return values if many else values[0]


def _grads(outputs: Any, inputs: Any, v: Any, create_graph: bool, retain: bool = True) -> tuple[Tensor, ...]:
    """``grad`` where outputs may be constant and inputs unused: zeros for these."""
    pairs = [(z, b) for z, b in zip(outputs, v, strict=True) if z.requires_grad]
    if not pairs:
        return tuple(Tensor._make(np.zeros_like(x._value)) for x in inputs)
    outputs, bars = zip(*pairs, strict=True)
    return grad(outputs, inputs, bars, retain, create_graph, True, materialize_grads=True)  # type: ignore[return-value]


def _checked_vector(v: Any, like: tuple[Tensor, ...], message: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(message)
        return (Tensor._make(np.ones_like(like[0]._value)),)
    v = v if isinstance(v, tuple) else (v,)
    if len(v) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
    for i, (x, z) in enumerate(zip(v, like, strict=True)):
        if x.shape != z.shape:
            prefix = f"Entry {i} in " if len(like) > 1 else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {z.shape} but got {x.shape}.")
    return v


def _refuse_independent(outputs: tuple[Tensor, ...], strict: bool) -> None:
    for i, z in enumerate(outputs):
        if strict and not z.requires_grad:
            raise RuntimeError(INDEPENDENT.format(i))


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value, and ``v`` times the Jacobian."""
    fresh, many_in, outputs, many_out = _called(func, inputs, create_graph, "vjp")
    _refuse_independent(outputs, strict)
    v = _checked_vector(v, outputs, SINGLE_OUTPUT)
    with modes.enable_grad():
        found = _grads(outputs, fresh, v, create_graph)
    return _settled(_unpacked(outputs, many_out), create_graph), _settled(_unpacked(found, many_in), create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value, and the Jacobian times ``v``: the derivative of a vjp by its vector."""
    fresh, _, outputs, many_out = _called(func, inputs, create_graph, "jvp")
    _refuse_independent(outputs, strict)
    v = _checked_vector(v, fresh, SINGLE_INPUT)
    with modes.enable_grad():
        dummies = tuple(Tensor._make(np.zeros_like(z._value)).requires_grad_() for z in outputs)
        pulled = _grads(outputs, fresh, dummies, create_graph=True)
        found = _grads(pulled, dummies, v, create_graph)
    return _settled(_unpacked(outputs, many_out), create_graph), _settled(_unpacked(found, many_out), create_graph)


def _row(z: Tensor, inputs: tuple[Tensor, ...], index: int, create_graph: bool) -> tuple[Tensor, ...]:
    seed = np.zeros(z.numel(), z._value.dtype)
    seed[index] = 1
    return _grads((z,), inputs, (Tensor._make(seed.reshape(z._value.shape)),), create_graph)


def _jacobian_of(z: Tensor, inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """One sweep for each entry of the output."""
    rows = [_row(z, inputs, i, create_graph) for i in range(z.numel())]
    if not rows:
        return tuple(Tensor._make(np.zeros((*z.shape, *x.shape), x._value.dtype)) for x in inputs)
    return tuple(stack([row[k] for row in rows]).reshape(*z.shape, *x.shape) for k, x in enumerate(inputs))


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of every entry of every output by every entry of every input."""
    fresh, many_in, outputs, many_out = _called(func, inputs, create_graph, "jacobian")
    _refuse_independent(outputs, strict)
    with modes.enable_grad():
        found = tuple(_unpacked(_jacobian_of(z, fresh, create_graph), many_in) for z in outputs)
    return _settled(_unpacked(found, many_out), create_graph)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a scalar function: the Jacobian of its gradient."""
    _, many = _tuple(inputs, "inputs", "hessian")

    def gradient(*xs: Tensor) -> Any:
        z = _scalar(func(*xs), "hessian")
        return _grads((z,), xs, (Tensor._make(np.ones_like(z._value)),), create_graph=True)

    found = jacobian(gradient, inputs if many else (inputs,), create_graph, strict)
    return found if many else found[0][0]


def _scalar(z: Any, caller: str) -> Tensor:
    outputs, many = _tuple(z, "outputs of the user-provided function", caller)
    if many or outputs[0].numel() != 1:
        if many:
            raise RuntimeError(f"The function given to {caller} should return a single Tensor")
        raise RuntimeError(f"The Tensor returned by the function given to {caller} should contain a single element")
    return outputs[0]


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """The value of a scalar function, and ``v`` times its Hessian."""
    fresh, many, outputs, _ = _called(func, inputs, create_graph, "vhp")
    z = _scalar(outputs[0], "vhp")
    v = _checked_vector(v, fresh, SINGLE_INPUT)
    with modes.enable_grad():
        first = _grads((z,), fresh, (Tensor._make(np.ones_like(z._value)),), create_graph=True)
        found = _grads(first, fresh, v, create_graph)
    return _settled(z, create_graph), _settled(_unpacked(found, many), create_graph)


hvp = vhp  # the Hessian is symmetric
