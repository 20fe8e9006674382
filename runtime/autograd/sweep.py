"""What is the derivative of these outputs with respect to those inputs?

>>> from retrograd.runtime.creation import tensor
>>> x = tensor([1.0, 2.0], requires_grad=True)
>>> grad((x * x).sum(), x)
(tensor([2., 4.]),)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrograd.runtime import engine
from retrograd.runtime.graph import Edge, edge_of
from retrograd.runtime.operators import stack
from retrograd.runtime.tensor import Tensor, as_bar, run_backward, seeded
from retrograd.runtime.traced import TracedArray

UNUSED = (
    "The differentiated Tensor at index {} appears to not have been used in the graph. Set allow_unused=True if this is "
    "the desired behavior."
)
NOT_DIFFERENTIATED = "One of the differentiated Tensors does not require grad"


def _sequence(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _matched(gradients: Any, count: int) -> tuple[Any, ...]:
    gradients = (None,) * count if gradients is None else _sequence(gradients)
    if len(gradients) != count:
        raise RuntimeError(f"got {count} tensors and {len(gradients)} gradients")
    return gradients


def _wanted(inputs: Sequence[Any]) -> list[Edge]:
    edges = [edge_of(x) if isinstance(x, Tensor) else tuple(x) for x in inputs]  # a GradientEdge is (node, index)
    if any(edge is None for edge in edges):
        raise RuntimeError(NOT_DIFFERENTIATED)
    return edges  # type: ignore[return-value]


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The derivatives of ``outputs`` times ``grad_outputs`` with respect to ``inputs``, added over the outputs."""
    outputs, inputs = _sequence(outputs), _sequence(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if is_grads_batched:
        return _batched(outputs, inputs, grad_outputs, retain_graph, create_graph, allow_unused, materialize_grads)
    roots, seeds = seeded(outputs, _matched(grad_outputs, len(outputs)), create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    found = engine.run(roots, seeds, _wanted(inputs), retain, TracedArray if create_graph else None)
    pairs = enumerate(zip(inputs, found, strict=True))
    return tuple(_result(i, x, bar, allow_unused, materialize_grads) for i, (x, bar) in pairs)


def _result(i: int, x: Tensor, bar: Any, allow_unused: bool | None, materialize: bool) -> Tensor | None:
    if bar is not None:
        return as_bar(bar)
    if materialize:
        return Tensor._make(np.zeros_like(x._value))
    if not allow_unused:
        raise RuntimeError(UNUSED.format(i))
    return None


def _batched(outputs: Any, inputs: Any, grad_outputs: Any, retain: Any, create: bool, *unused: Any) -> Any:
    """One sweep for each entry along the first axis of the given gradients, stacked."""
    gradients = _matched(grad_outputs, len(outputs))
    count = len(gradients[0])
    rows: list[Any] = [
        grad(outputs, inputs, [g[i] for g in gradients], retain or i + 1 < count, create, materialize_grads=True)
        for i in range(count)
    ]
    return tuple(stack([row[k] for row in rows]) for k in range(len(inputs)))


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate the derivatives of several tensors into the ``grad`` of the leaves."""
    tensors = _sequence(tensors)
    run_backward(tensors, _matched(grad_tensors, len(tensors)), retain_graph, create_graph, inputs)

