"""In which order do cotangents flow, and where do they gather?

>>> import numpy as np
>>> from retrograd.runtime.graph import Variable, apply, source
>>> x = source(Variable, np.array([1.0, 2.0]))
>>> z = apply(np.multiply, (x, x))
>>> run([(z._node, z._index)], [np.ones(2)], wanted=[(x._node, x._index)])
[array([2., 4.])]
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from retrograd.runtime import modes, numerics
from retrograd.runtime.graph import Edge, Node, Variable, apply, edge_meta, stand_in

Lift = type[Variable] | None


def run(
    roots: Sequence[Edge],
    seeds: Sequence[Any],
    wanted: Sequence[Edge] | None = None,
    retain: bool = False,
    lift: Lift = None,
    accumulate: bool = False,
) -> list[Any]:
    """Send the seeds back from the roots; what arrives at the ``wanted`` edges, None where nothing does.

    Without ``wanted``, every leaf accumulates; with ``accumulate`` too, the wanted leaves do.  ``lift``
    is the face under which the pullbacks themselves are recorded (``create_graph``).
    """
    order = backward_order(node for node, _ in roots)
    needed = None if wanted is None else _needed(order, {node for node, _ in wanted})
    flow = Flow(wanted or (), retain, lift, accumulate or wanted is None)
    for edge, seed in zip(roots, seeds, strict=True):
        flow.gather(edge, seed)
    with modes.set_grad_enabled(lift is not None), np.errstate(all="ignore"):
        while order:
            flow.visit(order.pop(), needed)
    return [flow.captured.get((id(node), index)) for node, index in wanted or ()]


def backward_order(roots: Iterable[Node]) -> list[Node]:
    """Every node reachable from the roots, the first to visit last.

    A node is made after the nodes its edges lead to, so its sequence number orders the graph.
    """
    stack = list(dict.fromkeys(roots))
    seen = set(stack)
    found = list(stack)
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge[0] not in seen:
                seen.add(edge[0])
                found.append(edge[0])
                stack.append(edge[0])
    found.sort(key=_sequence)
    return found


def _sequence(node: Node) -> int:
    return node.seq


def _needed(order: list[Node], targets: set[Node]) -> set[Node]:
    """The nodes on a path to a target; ``order`` has the ends of paths first."""
    needed: set[Node] = set(targets)
    for node in order:
        if any(edge is not None and edge[0] in needed for edge in node.edges):
            needed.add(node)
    return needed


class Flow:
    """The cotangents that have arrived so far, and where they go next."""

    def __init__(self, wanted: Sequence[Edge], retain: bool, lift: Lift, accumulate: bool) -> None:
        self.arrived: dict[Node, list[Any]] = {}
        self.captured: dict[tuple[int, int], Any] = {}
        self.wanted: dict[Node, list[int]] = {}
        for node, index in wanted:
            self.wanted.setdefault(node, []).append(index)
        self.retain, self.lift, self.accumulate = retain, lift, accumulate

    def gather(self, edge: Edge, bar: Any) -> None:
        """Add a cotangent to what has arrived at an edge."""
        node, index = edge
        slots = self.arrived.get(node)
        if slots is None:
            slots = self.arrived[node] = [None] * (len(node.meta) or 1)
        slots[index] = bar if slots[index] is None else slots[index] + bar

    def visit(self, node: Node, needed: set[Node] | None) -> None:
        bars = self.arrived.pop(node, None)
        if bars is None:
            return
        if node.__dict__:  # hooks, kept gradients
            self._at_outputs(node, bars)
        if node in self.wanted:
            for index in self.wanted[node]:
                self.captured[id(node), index] = bars[index]
        if needed is not None and not self._on_the_way(node, needed):
            return
        found = self._pulled(node, bars)
        for edge, bar in zip(node.edges, found, strict=True):
            if edge is not None and bar is not None and (needed is None or edge[0] in needed):
                self.gather(edge, fitted(bar, edge, node, self.lift))

    def _on_the_way(self, node: Node, needed: set[Node]) -> bool:
        if not node.edges:
            return node in needed and self.accumulate
        return any(edge is not None and edge[0] in needed for edge in node.edges)

    def _at_outputs(self, node: Node, bars: list[Any]) -> None:
        """Hooks of the tensors that this node made, then those that keep their cotangent."""
        if node.tensor_hooks is not None:
            for index, hooks in node.tensor_hooks.items():
                for hook in list(hooks.values()):
                    if bars[index] is not None:
                        bars[index] = hook(bars[index])
        if node.prehooks:
            for hook in list(node.prehooks.values()):
                bars[:] = hook(bars)
        if node.retained is not None:
            for index, keep in node.retained.items():
                if bars[index] is not None:
                    keep(bars[index], self.lift)

    def _pulled(self, node: Node, bars: list[Any]) -> Sequence[Any]:
        found = node.pull(bars, self.lift) if node.made_at is None else _explained(node, bars, self.lift)
        if not self.retain:
            node.release()
        if node.hooks:
            for hook in list(node.hooks.values()):
                found = hook(found, bars)
        return found


def _explained(node: Node, bars: list[Any], lift: Lift) -> Sequence[Any]:
    """Under anomaly detection: say where the failing operation was called."""
    try:
        found = node.pull(bars, lift)
        if modes.ANOMALY.get()[1]:
            _refuse_nan(node, found)
    except Exception:
        warnings.warn(
            f"Error detected in {type(node).__name__}. Traceback of forward call that caused the error:\n{node.made_at}",
            stacklevel=2,
        )
        raise
    return found


def _refuse_nan(node: Node, found: Sequence[Any]) -> None:
    for i, bar in enumerate(found):
        value = bar._value if isinstance(bar, Variable) else bar
        if value is not None and np.isnan(value).any():
            raise RuntimeError(f"Function '{type(node).__name__}' returned nan values in its {i}th output.")


def fitted(bar: Any, edge: Edge, node: Node, lift: Lift) -> Any:
    """The cotangent with the shape and dtype of the value it belongs to: summed over broadcast axes, its real part."""
    shape, dtype = edge_meta(edge)
    value = bar._value if isinstance(bar, Variable) else bar
    if isinstance(value, np.ndarray | np.generic) and value.dtype == dtype and value.shape == shape:
        return bar
    if np.shape(value) != shape and not (node.sums and _may_sum(np.shape(value), shape)):
        raise node.misfit(list(node.edges).index(edge), np.shape(value), shape)
    if lift is not None and isinstance(bar, Variable):
        return apply(numerics.unbroadcast, (bar, stand_in(shape, dtype)))
    return numerics.unbroadcast(np.asarray(value), stand_in(shape, dtype))


def _may_sum(larger: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a value of this shape may have been broadcast to the larger one."""
    if len(larger) < len(shape):
        return False
    tail = larger[len(larger) - len(shape) :]
    return all(n == 1 or n == m for n, m in zip(shape, tail, strict=True))

