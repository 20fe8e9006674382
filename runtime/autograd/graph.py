"""What can be asked of the graph itself?  PyTorch's ``autograd.graph``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from retrograd.runtime.graph import Node, edge_of, memory_of
from retrograd.runtime.tensor import RemovableHandle, Tensor, add_hook, as_bar, from_bar


class GradientEdge(NamedTuple):
    """A place where a gradient arrives: a node and which of its outputs."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    edge = edge_of(tensor)
    if edge is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*edge)


def increment_version(tensor: Tensor) -> None:
    """Tell the graph that the tensor's memory was written to."""
    memory_of(tensor).version += 1


def register_hook(node: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """``hook(grad_inputs, grad_outputs)`` after the node; what it returns replaces ``grad_inputs``."""
    node.hooks = {} if node.hooks is None else node.hooks

    def run(found: Sequence[Any], bars: Sequence[Any]) -> Sequence[Any]:
        result = hook(_shown(found), _shown(bars))
        if result is None:
            return found
        results = result if isinstance(result, tuple | list) else (result,)
        return [b if r is None else from_bar(r, b) for r, b in zip(results, found, strict=True)]

    return add_hook(node.hooks, run)


def register_prehook(node: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """``hook(grad_outputs)`` before the node; what it returns replaces them."""
    node.prehooks = {} if node.prehooks is None else node.prehooks

    def run(bars: Sequence[Any]) -> Sequence[Any]:
        result = hook(_shown(bars))
        if result is None:
            return bars
        results = result if isinstance(result, tuple | list) else (result,)
        return [b if r is None else from_bar(r, b) for r, b in zip(results, bars, strict=True)]

    return add_hook(node.prehooks, run)


def _shown(bars: Sequence[Any]) -> tuple[Tensor | None, ...]:
    return tuple(None if bar is None else as_bar(bar) for bar in bars)


Node.register_hook = register_hook  # type: ignore[attr-defined]
Node.register_prehook = register_prehook  # type: ignore[attr-defined]


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: str = "all"
) -> RemovableHandle:
    """Call ``fn`` when the gradients of all tensors (or of the first one) are known."""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    arrived: dict[int, Tensor] = {}

    def collect(i: int) -> Callable[[Tensor], None]:
        def hook(bar: Tensor) -> None:
            if mode == "any":
                if not arrived:
                    arrived[i] = bar
                    fn(bar)
                return
            arrived[i] = bar
            if len(arrived) == len(tensors):
                fn([arrived[k] for k in range(len(tensors))])
                arrived.clear()

        return hook

    handles = [tensor.register_hook(collect(i)) for i, tensor in enumerate(tensors)]
    return _Handles(handles)


class _Handles(RemovableHandle):
    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()
