"""Which operations made this value?  Nodes, edges, and how an operation is recorded.

A ``Variable`` is a value with a place in the graph; its two faces are ``Tensor`` and ``TracedArray``.
``apply`` computes a primitive on plain values and, if a derivative may be asked for, records one node:
the rule, the values its pullback reads, and the edges to the nodes that made the inputs.

>>> import numpy as np
>>> x = source(Variable, 2.0)
>>> z = apply(np.sin, (x,))
>>> z._node, [edge[0].name() for edge in z._node.edges]
(<SinBackward0 ...>, ['Source'])
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from retrograd.runtime import modes, numerics
from retrograd.runtime.errors import DifferentiationError, NoRule
from retrograd.runtime.rules.masked import masked
from retrograd.runtime.rules.rule import Rule, lookup, says_nothing

Edge = tuple["Node", int]
Meta = tuple[tuple[int, ...], np.dtype[Any]]
Step = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

NO_KEYWORDS: dict[str, Any] = {}
next_sequence = itertools.count().__next__

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
    "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
    "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
    "saved tensors after calling backward."
)
MODIFIED = (
    "one of the variables needed for gradient computation has been modified by an inplace operation: [{what} "
    "{shape}]{output} is at version {now}; expected version {then} instead. Hint: enable anomaly detection to "
    "find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, "
    "check_nan=False)."
)
LEAF_INPLACE = "a leaf Variable that requires grad is being used in an in-place operation."
LEAF_VIEW_INPLACE = "a view of a leaf Variable that requires grad is being used in an in-place operation."
NO_GRAD_VIEW = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use "
    "case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
    "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if "
    "you want the inplace to be tracked)."
)
MULTI_VIEW = (
    "Output {index} of {name} is a view and is being modified inplace. This view is the output of a function that "
    "returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace "
    "the inplace operation by an out-of-place one."
)
FUNCTION_VIEW = (
    "Output {index} of {name} is a view and is being modified inplace. This view was created inside a custom Function "
    "(or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom "
    "backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You "
    "can fix this by cloning the output of the custom Function."
)
INFERENCE_SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
    "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in "
    "autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
)
INFERENCE_INPLACE = (
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal "
    "tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
)


class Memory:
    """How often the memory behind some variables was written to; views of it share this count."""

    __slots__ = ("version",)

    def __init__(self) -> None:
        self.version = 0


class Variable:
    """A value and the node that made it.  The class attributes are what most variables have."""

    _value: Any
    _node: Node | None = None  # what made it; None for a leaf
    _index: int = 0  # which of the node's outputs it is
    _requires: bool = False  # a leaf whose derivative is wanted
    _memory: Memory | None = None
    _base: Variable | None = None  # the variable whose memory this one is a view of
    _replay: tuple[Step, ...] = ()  # how the view is taken of the base
    _synced: Node | None = None  # the base's node when this view's own node was made
    _origin: str | None = None  # why the view must not be written to: "no_grad", "multi", "function"
    _accumulator: Any = None
    _inference: bool = False

    @classmethod
    def _make(cls, value: Any, node: Node | None = None, index: int = 0) -> Any:
        made = cls.__new__(cls)
        made._value, made._node, made._index = value, node, index
        return made

    @classmethod
    def _wrap(cls, value: Any, node: Node | None = None, index: int = 0) -> Any:
        """The face's own view of a result; faces override it."""
        return cls._make(value, node, index)

    def _face(self) -> type[Variable]:
        return type(self)


# ---------------------------------------------------------------------------------------------- nodes


class Node:
    """One recorded operation.  ``pull`` turns cotangents of its outputs into those along its edges."""

    __slots__ = ("edges", "seq", "meta", "unbounded", "__dict__", "__weakref__")

    # What few nodes have; such a node gets a dict for it.
    hooks: dict[int, Callable[..., Any]] | None = None
    prehooks: dict[int, Callable[..., Any]] | None = None
    tensor_hooks: dict[int, dict[int, Callable[..., Any]]] | None = None
    retained: dict[int, Callable[..., Any]] | None = None
    made_at: str | None = None
    extra: dict[str, Any] | None = None

    def __init__(self, edges: tuple[Edge | None, ...], meta: tuple[Meta, ...]) -> None:
        self.edges: tuple[Edge | None, ...] = edges
        self.meta, self.seq = meta, next_sequence()
        self.unbounded = any([edge is not None and edge[0].unbounded for edge in edges])  # may the value be infinite or NaN?
        if modes.ANOMALY.get()[0]:
            self.made_at = "".join(traceback.format_stack()[:-1])

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        raise NotImplementedError

    @property
    def sums(self) -> bool:
        """Whether the engine sums its cotangents over the axes that inputs were broadcast along."""
        return False

    def misfit(self, index: int, got: tuple[int, ...], expected: tuple[int, ...]) -> Exception:
        return DifferentiationError(
            f"{self.name()} returned a cotangent of shape {got} at index {index} for an input of shape {expected}",
            remedy="Give each cotangent the shape of its input.",
        )

    def release(self) -> None:
        """Let go of saved values; the edges stay."""

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return tuple((None, 0) if edge is None else edge for edge in self.edges)

    @property
    def metadata(self) -> dict[str, Any]:
        self.extra = {} if self.extra is None else self.extra
        return self.extra

    @property
    def requires_grad(self) -> bool:
        return True

    def _sequence_nr(self) -> int:
        return self.seq

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


@functools.cache
def node_class(name: str, kind: type[Node]) -> type[Node]:
    """The class of nodes called ``name``: ``<MulBackward0 object at 0x...>``."""
    return type(name, (kind,), {"__slots__": (), "__module__": "builtins"})


class Source(Node):
    """Where a traced function's input enters."""

    __slots__ = ()

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        return ()


class AccumulateGrad(Node):
    """The end of every path at a leaf: adds the cotangent to its ``grad``."""

    __slots__ = ("variable",)

    def __init__(self, variable: Any) -> None:
        self.variable = variable
        super().__init__((), ())

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        self.variable._accumulate(bars[0], lift)
        return ()

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"


AccumulateGrad.__module__ = "builtins"


def meta_of(value: Any) -> Meta:
    """Shape and dtype: what a cotangent of this value must have."""
    if isinstance(value, np.ndarray | np.generic):
        return value.shape, value.dtype
    array = np.asarray(value)
    return array.shape, array.dtype


def edge_meta(edge: Edge) -> Meta:
    node, index = edge
    return meta_of(node.variable._value) if isinstance(node, AccumulateGrad) else node.meta[index]


@functools.cache
def _blank(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    return np.full(1, np.nan if dtype.kind in "fc" else 0, dtype)


def stand_in(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """An array of this shape that takes no memory; reading a value from it would show as NaN."""
    return np.ndarray(shape, dtype, buffer=_blank(dtype), strides=(0,) * len(shape))


_SMALL = 256


def shape_only(value: Any) -> Any:
    """What to keep of a value whose shape alone is read."""
    if type(value) is np.ndarray and value.nbytes > _SMALL and value.dtype.kind in "fciub":
        return stand_in(value.shape, value.dtype)
    return value


# ---------------------------------------------------------------------------------------------- edges


def accumulator_of(variable: Variable) -> Node:
    """The leaf's one ``AccumulateGrad``; the leaf holds it weakly, as it is held by it."""
    found = variable._accumulator() if variable._accumulator is not None else None
    if found is None:
        found = AccumulateGrad(variable)
        variable._accumulator = weakref.ref(found)
    return found


def edge_of(variable: Variable) -> Edge | None:
    """Where this value's cotangent goes; None if it has none."""
    if variable._base is not None and variable._base._node is not variable._synced:
        _resync(variable)
    if variable._node is not None:
        return variable._node, variable._index
    return (accumulator_of(variable), 0) if variable._requires else None


def _resync(view: Variable) -> None:
    """The base was written to since this view was taken: it is now a view of the new base."""
    base = view._base
    assert base is not None
    edge = edge_of(base)
    view._synced, view._index = base._node, 0
    view._node = None if edge is None else ViewOf(edge, view._replay, meta_of(view._value))


def requires_grad(variable: Variable) -> bool:
    if variable._base is not None and variable._base._node is not variable._synced:
        _resync(variable)
    return variable._node is not None or variable._requires


def memory_of(variable: Variable) -> Memory:
    if variable._memory is None:
        variable._memory = Memory()
    return variable._memory


# ------------------------------------------------------------------------------------------- recording


class Variant:
    """A rule's pullback for one choice of wanted inputs, and what it reads."""

    __slots__ = ("rule", "wanted", "pullback", "reads", "shapes", "reads_z", "shapes_z")

    def __init__(self, rule: Rule, wanted: frozenset[str]) -> None:
        self.rule, self.wanted = rule, wanted
        self.pullback = rule.pullback_for(wanted)
        self.reads, self.shapes = rule.reads_for(wanted), rule.reads_shape_for(wanted)
        self.reads_z, self.shapes_z = "z" in self.reads, "z" in self.shapes


    @property
    def strong_pullback(self) -> Any:
        """What `where`, a mask or an index did not select contributes 0, never NaN (R6)."""
        return self.rule.pullback_for(self.wanted, strong=True)


class Plan:
    """How calls of one primitive are recorded: found once per rule."""

    __slots__ = ("rule", "params", "inputs", "positions", "simple", "quick", "variants", "name")

    def __init__(self, rule: Rule) -> None:
        self.rule, self.params, self.inputs = rule, rule.params, rule.inputs
        kinds = [rule.signature.parameters[name].kind for name in rule.inputs]
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.simple = all(kind in positional for kind in kinds) and not rule.real_only
        self.positions = tuple(rule.params.index(name) for name in rule.inputs)
        self.quick = self.simple and rule.kind == "elementwise" and rule.sharing == "fresh" and self.inputs == self.params
        self.variants: dict[tuple[bool, ...], Variant] = {}
        self.name = node_name(rule.primitive)

    def variant(self, wanted: tuple[bool, ...]) -> Variant:
        found = self.variants.get(wanted)
        if found is None:
            names = frozenset(name for name, want in zip(self.inputs, wanted, strict=True) if want)
            found = self.variants[wanted] = Variant(self.rule, names)
        return found


_PLANS: dict[Rule, Plan] = {}

# Where a node's name is not the primitive's with a capital: torch's names of the same operations.
NODE_NAMES = {
    "multiply": "Mul", "divide": "Div", "true_divide": "Div", "subtract": "Sub", "negative": "Neg", "power": "Pow",
    "absolute": "Abs", "getitem": "Index", "concatenate": "Cat", "maximum": "Maximum", "clip": "Clamp",
    "matmul": "Matmul", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "arcsinh": "Asinh", "arccosh": "Acosh",
    "arctanh": "Atanh", "arctan2": "Atan2", "log1p": "Log1P", "broadcast_to": "Expand", "expand_dims": "Unsqueeze",
    "fabs": "Abs", "conjugate": "Conj", "remainder": "Remainder", "mod": "Remainder",
    "strong": "Mul", "unbroadcast": "SumToSize",
}  # fmt: skip


def node_name(primitive: Callable[..., Any]) -> str:
    own = getattr(primitive, "__name__", type(primitive).__name__)
    stem = NODE_NAMES.get(own) or "".join(part.capitalize() for part in own.split("_") if part)
    return f"{stem}Backward0"


def plan_of(rule: Rule) -> Plan:
    found = _PLANS.get(rule)
    if found is None:
        found = _PLANS[rule] = Plan(rule)
    return found


class RuleNode(Node):
    """An operation of the table: its rule, the arguments as far as the pullback reads them, its result."""

    __slots__ = ("plan", "variant", "args", "kwargs", "z", "several", "versions", "layout")

    def __init__(self, edges: tuple[Edge | None, ...], meta: tuple[Meta, ...], plan: Plan, variant: Variant) -> None:
        super().__init__(edges, meta)
        self.plan, self.variant = plan, variant
        self.unbounded = self.unbounded or plan.rule.unbounded
        self.args: tuple[Any, ...] | None = None
        self.kwargs = NO_KEYWORDS
        self.z: Any = None
        self.several = False
        self.versions: tuple[Saved, ...] = ()
        self.layout: tuple[Place, ...] | None = None

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        if self.args is None:
            raise RuntimeError(FREED)
        for saved in self.versions:
            if saved.memory.version != saved.version:
                raise RuntimeError(saved.message())
        z_bar = self._together(bars) if self.several else bars[0]
        if lift is None:
            args = map(_as_numpy, self.args) if self.unbounded else self.args
            found = self.pullback(z_bar, self.z, *args, **self.kwargs)
        else:
            args, kwargs = self._lifted(lift)
            found = traceable(self.pullback)(z_bar, self._lifted_result(lift), *args, **kwargs)
        return self._along_edges(found)

    @property
    def pullback(self) -> Any:
        """The plain one where all that it may read is finite as far as its arguments are."""
        return self.variant.strong_pullback if self.unbounded else self.variant.pullback

    @property
    def sums(self) -> bool:
        return self.plan.rule.broadcasts

    def _together(self, bars: list[Any]) -> tuple[Any, ...]:
        """The cotangents of all outputs; of one that nothing used, zeros."""
        filled = (np.zeros(*meta) if bar is None else bar for bar, meta in zip(bars, self.meta, strict=True))
        return tuple(filled)

    def _lifted_result(self, lift: type[Variable]) -> Any:
        if not self.variant.reads_z:
            return self.z
        if isinstance(self.z, tuple):
            return tuple(lift._make(z, self, i) for i, z in enumerate(self.z))
        return lift._make(self.z, self, 0)

    def _lifted(self, lift: type[Variable]) -> tuple[list[Any], dict[str, Any]]:
        """The saved arguments again as variables of the graph, so that their derivative is recorded."""
        args, kwargs = list(self.args or ()), dict(self.kwargs)
        for edge, place in zip(self.edges, self.layout or self._plain_layout(), strict=True):
            if edge is not None and self.plan.inputs[place.input] in self.variant.reads:
                place.put(args, kwargs, lambda value, edge=edge: lift._make(value, *edge))
        return args, kwargs

    def _plain_layout(self) -> tuple[Place, ...]:
        return tuple(Place(position, (), k, ()) for k, position in enumerate(self.plan.positions))[: len(self.edges)]

    def _along_edges(self, found: Any) -> Sequence[Any]:
        if self.layout is None:
            return (found,) if len(self.plan.inputs) == 1 else found
        per_input = (found,) if len(self.plan.inputs) == 1 else found
        return [None if edge is None else place.pick(per_input) for edge, place in zip(self.edges, self.layout, strict=True)]

    def release(self) -> None:
        if self.variant.reads:
            self.args = self.z = None
            self.kwargs, self.versions = NO_KEYWORDS, ()

    def __getattr__(self, name: str) -> Any:
        """``_saved_self``, ``_saved_other``, ``_saved_result``: what the pullback will read."""
        if not name.startswith("_saved_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        if self.args is None:
            raise RuntimeError(FREED)
        if name == "_saved_result" and self.variant.reads_z:
            return self.z
        parameter = {"self": 0, "other": 1, "exponent": 1, "input": 0}.get(name.removeprefix("_saved_"))
        if parameter is None or parameter >= len(self.args):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        return self.args[parameter]


def _as_numpy(value: Any) -> Any:
    """Among Python's floats ``1 / 0.0`` would raise."""
    return np.float64(value) if type(value) is float else value


class Place:
    """Where one edge's variable stands among the arguments, and its cotangent among the results.

    ``path`` leads to it within an argument that is a sequence, ``(1, 0)`` to ``x`` in ``[[y, y], [x, y]]``.
    """

    __slots__ = ("where", "path", "input", "entry")

    def __init__(self, where: int | str, path: tuple[int, ...], input: int, entry: tuple[int, ...]) -> None:
        self.where, self.path, self.input, self.entry = where, path, input, entry

    def put(self, args: list[Any], kwargs: dict[str, Any], change: Callable[[Any], Any]) -> None:
        store: Any = kwargs if isinstance(self.where, str) else args
        store[self.where] = _changed(store[self.where], self.path, change)

    def pick(self, per_input: Sequence[Any]) -> Any:
        found = per_input[self.input]
        for i in self.entry:
            if found is None:
                return None
            found = found[i]
        return found


def _changed(value: Any, path: tuple[int, ...], change: Callable[[Any], Any]) -> Any:
    """The nested sequence with the entry at the end of the path changed."""
    if not path:
        return change(value)
    items = list(value)
    items[path[0]] = _changed(items[path[0]], path[1:], change)
    return items if isinstance(value, list) else tuple(items)


class Saved:
    """A promise that a saved value was not written to since."""

    __slots__ = ("memory", "version", "shape", "dtype", "maker")

    def __init__(self, variable: Variable) -> None:
        if variable._inference:
            raise RuntimeError(INFERENCE_SAVED)
        self.memory = memory = variable._memory or memory_of(variable)
        self.version = memory.version
        value, node = variable._value, variable._node
        self.shape, self.dtype = value.shape, value.dtype
        self.maker = None if node is None else (type(node), variable._index)

    def check(self) -> None:
        if self.memory.version != self.version:
            raise RuntimeError(self.message())

    def message(self) -> str:
        output = ""
        if self.maker is not None:
            output = f", which is output {self.maker[1]} of {stem(self.maker[0].__name__)},"
        return MODIFIED.format(
            what=f"torch.{tensor_name(self.dtype)}",
            shape=list(self.shape), output=output, now=self.memory.version, then=self.version,
        )  # fmt: skip


def stem(node_name: str) -> str:
    """``Mul`` of ``MulBackward0``."""
    return node_name.rstrip("0123456789").removesuffix("Backward")


def tensor_name(dtype: np.dtype[Any]) -> str:
    names = {
        "float16": "Half", "float32": "Float", "float64": "Double", "complex64": "ComplexFloat",
        "complex128": "ComplexDouble", "int64": "Long", "int32": "Int", "bool": "Bool",
    }  # fmt: skip
    return names.get(dtype.name, dtype.name) + "Tensor"


class _Call:
    """A call's arguments with the variables taken out, and which of them are active."""

    __slots__ = ("values", "keywords", "first", "active")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.first: Variable | None = None
        self.active = 0
        self.values = [self.bare(a) for a in args]
        self.keywords = {k: self.bare(v) for k, v in kwargs.items()} if kwargs else kwargs

    def bare(self, argument: Any) -> Any:
        if isinstance(argument, Variable):
            if self.first is None:
                self.first = argument
            if requires_grad(argument):
                self.active += 1
            return argument._value
        if isinstance(argument, tuple | list):
            return _rebuilt(argument, [self.bare(item) for item in argument])
        if type(argument) is slice:
            return slice(self.bare(argument.start), self.bare(argument.stop), self.bare(argument.step))
        return argument


def apply(
    primitive: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] = NO_KEYWORDS,
    name: str | None = None,
    face: type[Variable] | None = None,
) -> Any:
    """``primitive(*args, **kwargs)`` on the bare values, recorded if its derivative may be asked for.

    Raises NoRule where an active value would meet a function without a rule.
    """
    if not kwargs and modes.GRAD.get():
        found = _quick(primitive, args, name, face)
        if found is not None:
            return found
    primitive, kwargs = _with_mask(primitive, kwargs)
    call = _Call(args, kwargs)
    if face is None:
        assert call.first is not None
        face = call.first._face()
    value = primitive(*call.values, **call.keywords)
    rule = lookup(primitive)
    if call.active and modes.GRAD.get() and _differentiable(value):
        if rule is None:
            raise no_rule(primitive)
        if rule.kind != "constant":
            return _recorded(rule, args, kwargs, call, value, name, face)
    result = _passive(face, value)
    if isinstance(result, Variable) and (rule is None or rule.sharing != "fresh"):
        _note_view(result, primitive, args, kwargs, call)
    return result


def _with_mask(primitive: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A reduction with ``where=`` or ``initial=`` is a primitive of its own."""
    found = masked(primitive, kwargs)
    if found is primitive:
        return primitive, kwargs
    kwargs = {k: v for k, v in kwargs.items() if not says_nothing(k, v)}
    return masked(primitive, kwargs), kwargs


_NUMBERS = frozenset([float, int, bool, complex, np.float64, np.float32, np.ndarray])


def _quick(
    primitive: Callable[..., Any], args: tuple[Any, ...], name: str | None, face: type[Variable] | None
) -> Any:
    """The usual call, without the choices of the general one: an elementwise rule, arrays and numbers.

    None where the call is not of this kind, or nothing is active.
    """
    plan = _plan_by_primitive(primitive)
    if plan is None or not plan.quick or len(args) != len(plan.inputs):
        return None
    values, edges = [], []
    for a in args:
        if isinstance(a, Variable):
            values.append(a._value)
            edges.append(edge_of(a))
            face = a._face() if face is None else face
        elif type(a) in _NUMBERS:
            values.append(a)
            edges.append(None)
        else:
            return None
    wanted = tuple([edge is not None for edge in edges])
    if True not in wanted:
        return None
    z = primitive(*values)
    meta = meta_of(z)
    if meta[1].kind not in "fc":
        return None
    variant = plan.variants.get(wanted) or plan.variant(wanted)
    node = node_class(name or plan.name, RuleNode)(tuple(edges), (meta,), plan, variant)  # type: ignore[call-arg]
    _save(node, plan.params, args, values, z)
    result = face._wrap(z, node, 0)  # type: ignore[union-attr]
    _watch_result(node, result)
    return result


def _watch_result(node: Any, result: Variable) -> None:
    if node.variant.reads_z and isinstance(result._value, np.ndarray):
        node.z = result._value
        node.versions = (*node.versions, Saved(result))


_BY_PRIMITIVE: dict[Any, Plan] = {}


def _plan_by_primitive(primitive: Callable[..., Any]) -> Plan | None:
    try:
        found = _BY_PRIMITIVE.get(primitive)
    except TypeError:
        return None
    if found is None:
        rule = lookup(primitive)
        if rule is None or rule.kind == "constant":
            return None
        found = _BY_PRIMITIVE[primitive] = plan_of(rule)
    return found


def _differentiable(value: Any) -> bool:
    """Integers, bools and strings have no derivative; a tuple has one if an entry has."""
    if isinstance(value, tuple | list):
        return any(_differentiable(v) for v in value)
    dtype = getattr(value, "dtype", None)
    if dtype is not None:
        return dtype.kind in "fc" or dtype.kind == "O"
    return isinstance(value, float | complex)


def no_rule(primitive: Callable[..., Any]) -> NoRule:
    shown = getattr(primitive, "__module__", None) or type(primitive).__module__
    own = getattr(primitive, "__qualname__", None) or getattr(primitive, "__name__", repr(primitive))
    return NoRule(
        f"no derivative rule for {shown}.{own}",
        remedy="Write it with functions that have one, detach() the argument, or enter a rule with rg.rule.",
    )


def _passive(face: type[Variable], value: Any) -> Any:
    if isinstance(value, tuple | list) and any(isinstance(v, np.ndarray) for v in value):
        return _rebuilt(value, [face._wrap(v) for v in value])
    return face._wrap(value)


def _rebuilt(like: Any, items: list[Any]) -> Any:
    """``items`` in the container that the primitive returned: list, tuple or named tuple."""
    if isinstance(like, list):
        return items
    return type(like)(*items) if hasattr(like, "_fields") else tuple(items)


def _recorded(
    rule: Rule,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    call: _Call,
    value: Any,
    name: str | None,
    face: type[Variable],
) -> Any:
    plan = plan_of(rule)
    if plan.simple and not kwargs and _no_sequences(plan, args):
        node = _simple_node(plan, args, call.values, value, name)
    else:
        node = _bound_node(plan, args, kwargs, call, value, name)
    placed = sum(edge is not None for edge in node.edges)
    if placed != call.active and placed + _inert(rule, args, kwargs) != call.active:
        raise NoRule(
            f"{rule.name} has no derivative with respect to one of the arguments it was given",
            remedy=f"It has one with respect to {', '.join(rule.inputs)}; detach() the others.",
        )
    return _outputs(node, rule, args, kwargs, call, value, face)


def _inert(rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """How many active arguments there are by which the derivative is zero."""
    given = [*zip(rule.params, args, strict=False), *kwargs.items()]
    return sum(name in rule.inert and isinstance(a, Variable) and requires_grad(a) for name, a in given)


def _no_sequences(plan: Plan, args: tuple[Any, ...]) -> bool:
    if len(args) > len(plan.params):
        return False
    return not any(isinstance(args[p], tuple | list) for p in plan.positions if p < len(args))


def _simple_node(plan: Plan, args: tuple[Any, ...], values: list[Any], z: Any, name: str | None) -> RuleNode:
    count = len(args)
    edges = tuple(
        [edge_of(args[p]) if p < count and isinstance(args[p], Variable) else None for p in plan.positions]
    )
    variant = plan.variant(tuple([edge is not None for edge in edges]))
    node = node_class(name or plan.name, RuleNode)(edges, _metas(z), plan, variant)  # type: ignore[call-arg]
    _save(node, plan.params, args, values, z)
    return node  # type: ignore[return-value]


def _metas(z: Any) -> tuple[Meta, ...]:
    return tuple(meta_of(v) for v in z) if isinstance(z, tuple | list) else (meta_of(z),)


def _save(node: Any, params: Sequence[str], args: Sequence[Any], values: Sequence[Any], z: Any) -> None:
    """Keep the arguments that the pullback reads, and only the shape of the others."""
    variant, kept, versions = node.variant, [], []
    node.several = isinstance(z, tuple | list)
    for param, argument, value in zip(params, args, values, strict=False):
        if param in variant.reads:
            kept.append(_kept(argument, value, versions))
        elif param in variant.shapes:
            kept.append(shape_only(value))
        else:
            kept.append(_nothing_of(param, value, node))
    node.args, node.versions = tuple(kept), tuple(versions)
    node.z = (tuple(z) if isinstance(z, list) else z) if variant.reads_z else _shape_of_result(z, variant)


def _shape_of_result(z: Any, variant: Variant) -> Any:
    return shape_only(z) if variant.shapes_z and not isinstance(z, tuple | list) else (z if variant.shapes_z else None)


def _nothing_of(param: str, value: Any, node: Any) -> Any:
    return None if param in node.plan.inputs and not isinstance(value, tuple | list) else value


def _kept(argument: Any, value: Any, versions: list[Saved]) -> Any:
    """A value that will be read: variables are watched, plain arrays copied, as anyone may write to them (M4)."""
    if isinstance(argument, Variable):
        if isinstance(value, np.ndarray):
            versions.append(Saved(argument))
        return value
    if type(argument) is np.ndarray:
        return argument.copy(order="K")
    if isinstance(argument, tuple | list):
        return _rebuilt(argument, [_kept(a, v, versions) for a, v in zip(argument, value, strict=True)])
    return value


def _bound_node(
    plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any], call: _Call, z: Any, name: str | None
) -> RuleNode:
    """The general case: keywords, sequences of arrays, any number of operands."""
    bare = plan.rule.bind(tuple(call.values), call.keywords)
    named = {k: v for k, v in kwargs.items() if k in plan.params}
    full = plan.rule.signature.bind(*args, **named)
    bare.apply_defaults()
    full.apply_defaults()
    edges, layout, wanted = [], [], []
    for k, param in enumerate(plan.inputs):
        variables = list(_variables_at(plan.rule, full, k, param))
        edges += [None if v is None else edge_of(v) for v, _ in variables]
        layout += [place for _, place in variables]
        wanted.append(any(v is not None and requires_grad(v) for v, _ in variables))
    node: Any = node_class(name or plan.name, RuleNode)(  # type: ignore[call-arg]
        tuple(edges), _metas(z), plan, plan.variant(tuple(wanted))
    )
    node.layout = tuple(layout)
    _save_bound(node, full, bare, z)
    return node


def _variables_at(
    rule: Rule, full: inspect.BoundArguments, k: int, param: str
) -> Iterator[tuple[Variable | None, Place]]:
    """Every place of one input that could hold a variable."""
    parameter, argument = rule.signature.parameters[param], full.arguments[param]
    where: int | str = param if parameter.kind is parameter.KEYWORD_ONLY else rule.params.index(param)
    if parameter.kind is parameter.VAR_POSITIONAL:
        for i, item in enumerate(argument):
            yield (item if isinstance(item, Variable) else None), Place(int(where) + i, (), k, (i,))
    else:
        for path, item in _entries(argument):
            yield (item if isinstance(item, Variable) else None), Place(where, path, k, path)


def _entries(argument: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The leaves of nested sequences with the path to each."""
    if isinstance(argument, tuple | list):
        for i, item in enumerate(argument):
            yield from (((i, *path), leaf) for path, leaf in _entries(item))
    else:
        yield (), argument


def _save_bound(node: Any, full: inspect.BoundArguments, bare: inspect.BoundArguments, z: Any) -> None:
    params = _spread(full)
    _save(node, params, full.args, bare.args, z)
    versions = list(node.versions)
    node.kwargs = {
        k: _kept(full.kwargs[k], v, versions) if k in node.variant.reads else v for k, v in bare.kwargs.items()
    }
    node.versions = tuple(versions)


def _spread(full: inspect.BoundArguments) -> list[str]:
    """The parameter of every positional argument, ``*operands`` repeated."""
    names: list[str] = []
    for name, parameter in full.signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [name] * len(full.arguments[name])
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            names.append(name)
    return names


def _outputs(
    node: RuleNode, rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any], call: _Call, value: Any, face: type[Variable]
) -> Any:
    if not isinstance(value, tuple | list):
        result = face._wrap(value, node, 0)
        _watch_result(node, result)
        if rule.sharing != "fresh":
            _note_view(result, rule.primitive, args, kwargs, call)
        return result
    outputs = []
    for i, v in enumerate(value):
        outputs.append(face._wrap(v, node, i) if _differentiable(v) else face._wrap(v))
        if rule.sharing != "fresh":
            _note_view(outputs[-1], rule.primitive, args, kwargs, call)
            outputs[-1]._origin = "multi"
    return _rebuilt(value, outputs)


# ---------------------------------------------------------------------------------------------- views


def _note_view(
    result: Variable, primitive: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], call: _Call
) -> None:
    """Share the version count with the variable whose memory this is, and remember how the view is taken."""
    parent = args[0] if args else None
    value = result._value
    if not isinstance(parent, Variable) or type(value) is not np.ndarray or type(parent._value) is not np.ndarray:
        return
    if np.may_share_memory(value, parent._value):
        join_view(result, parent, (primitive, tuple(call.values[1:]), call.keywords))


def join_view(result: Variable, parent: Variable, step: Step) -> None:
    base = parent if parent._base is None else parent._base
    result._memory = memory_of(parent)
    result._base, result._replay, result._synced = base, (*parent._replay, step), base._node
    result._origin = parent._origin if parent._base is not None else None
    if not modes.GRAD.get() and requires_grad(base):
        result._origin = result._origin or "no_grad"
    result._inference = parent._inference


def replayed(base: Any, replay: tuple[Step, ...]) -> Any:
    """The same view, of another base: plain arrays and variables alike."""
    for primitive, rest, keywords in replay:
        base = primitive(base, *rest, **keywords)
        if primitive is np.diagonal:  # NumPy's diagonals are read-only views
            _plain(base).flags.writeable = True
    return base


class ViewOf(Node):
    """A view whose base was written to: its cotangent lands in the viewed part of the base's."""

    __slots__ = ("replay",)

    def __init__(self, edge: Edge, replay: tuple[Step, ...], meta: Meta) -> None:
        super().__init__((edge,), (meta,))
        self.replay = replay

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        edge = self.edges[0]
        assert edge is not None
        base_bar = np.zeros(*edge_meta(edge))
        if lift is not None:
            base_bar = lift._make(base_bar)
        write(replayed(base_bar, self.replay), bars[0])
        return (base_bar,)


ViewOf.__name__ = ViewOf.__qualname__ = "AsStridedBackward0"
ViewOf.__module__ = "builtins"


class CopySlices(Node):
    """A write through a view: the base's old value lost the viewed part, the written value gained it."""

    __slots__ = ("replay",)

    def __init__(self, edges: tuple[Edge | None, ...], replay: tuple[Step, ...], meta: Meta) -> None:
        super().__init__(edges, (meta,))
        self.replay = replay

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        base_bar = bars[0].copy()
        value_bar = replayed(base_bar, self.replay).copy()
        write(replayed(base_bar, self.replay), 0)
        return base_bar, value_bar


CopySlices.__module__ = "builtins"


def write(place: Any, value: Any) -> None:
    """Store into a view; into a 0-d or empty-index place too."""
    place[...] = value


# ------------------------------------------------------------------------------------ in-place writes


def refuse_unsafe_write(target: Variable) -> None:
    """Raise where writing would lose or falsify a derivative."""
    if target._inference and not modes.INFERENCE.get():
        raise RuntimeError(INFERENCE_INPLACE)
    if target._base is None:
        if target._node is None and target._requires:
            raise RuntimeError(LEAF_INPLACE)
        return
    if target._base._node is None and target._base._requires:
        raise RuntimeError(LEAF_VIEW_INPLACE)
    _refuse_view(target)


def _refuse_view(target: Variable) -> None:
    name = stem(type(target._node).__name__)
    if target._origin == "no_grad":
        raise RuntimeError(NO_GRAD_VIEW)
    if target._origin == "multi":
        raise RuntimeError(MULTI_VIEW.format(index=target._index, name=name))
    if target._origin == "function":
        raise RuntimeError(FUNCTION_VIEW.format(index=target._index, name=name))


def snapshot(target: Variable) -> Variable:
    """The value before the write, at the same place in the graph."""
    edge = edge_of(target)
    copied = target._value.copy(order="K")
    return target._face()._make(copied, *(edge or (None, 0)))


def overwrite(target: Variable, value: Any, recorded: Variable | None) -> None:
    """Write ``value`` into the target's memory; if ``recorded``, the target becomes that value in the graph."""
    if np.ndim(target._value) and 0 in target._value.strides and target._value.size > 1 and _overlaps(target._value):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    np.copyto(target._value, value, casting="unsafe")
    memory_of(target).version += 1
    edge = None if recorded is None else edge_of(recorded)
    if edge is not None:
        rebase(target, edge)


def _overlaps(array: np.ndarray[Any, Any]) -> bool:
    return any(stride == 0 and length > 1 for stride, length in zip(array.strides, array.shape, strict=True))


def rebase(target: Variable, edge: Edge) -> None:
    """From now on the target was made by ``edge``; through a view, the base is a mixture of old and new."""
    base = target._base
    if base is None:
        target._node, target._index = edge
        return
    base._node = CopySlices((edge_of(base), edge), target._replay, meta_of(base._value))
    base._index = 0
    requires_grad(target)  # takes the view afresh


class PullbackNode(Node):
    """An operation whose pullback was given: ``pullback(*cotangents of the outputs)``, a sequence, one per edge."""

    __slots__ = ("pullback", "traced", "inputs", "once")

    def __init__(
        self,
        edges: tuple[Edge | None, ...],
        meta: tuple[Meta, ...],
        pullback: Callable[..., Any],
        traced: Callable[..., Any] | None,
        inputs: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(edges, meta)
        self.pullback: Callable[..., Any] | None = pullback
        self.traced, self.inputs = traced, inputs

    def pull(self, bars: list[Any], lift: type[Variable] | None) -> Sequence[Any]:
        if self.pullback is None:
            raise RuntimeError(FREED)
        if lift is None:
            filled = [np.zeros(*m) if bar is None else bar for bar, m in zip(bars, self.meta, strict=True)]
            return self._sequence(self.pullback(*filled))
        if self.traced is None:
            raise NoRule(
                f"{self.name()} has no second derivative here",
                remedy="Use rg.hessian or nested rg.grad; a function with a derivative by hand needs a jvp for that.",
            )
        filled = [lift._make(np.zeros(*m)) if bar is None else bar for bar, m in zip(bars, self.meta, strict=True)]
        inputs = [
            value if edge is None else lift._make(value, *edge)
            for value, edge in zip(self.inputs, self.edges, strict=True)
        ]
        return self._sequence(self.traced(*filled, *inputs))

    def _sequence(self, found: Any) -> Sequence[Any]:
        found = found if isinstance(found, tuple | list) else (found,)
        assert len(found) == len(self.edges), f"{self.name()}: one cotangent for each input"
        return found


def record(
    value: Any,
    inputs: Sequence[Variable],
    pullback: Callable[..., Any],
    name: str,
    traced_pullback: Callable[..., Any] | None = None,
    face: type[Variable] | None = None,
) -> Any:
    """Enter ``value`` (an array, or a tuple of them) into the graph as one node with a given pullback.

    ``pullback(*cotangents)`` takes one cotangent per output and returns one per input (None for none).
    ``traced_pullback(*cotangents, *inputs)`` does the same on ``TracedArray``s, for second derivatives;
    without it they are refused.
    """
    inputs = tuple(inputs)
    face = face or next(v._face() for v in inputs if isinstance(v, Variable))
    edges = tuple(edge_of(v) if isinstance(v, Variable) else None for v in inputs)
    several = isinstance(value, tuple | list)
    if not modes.GRAD.get() or not any(edges):
        return type(value)(face._wrap(v) for v in value) if several else face._wrap(value)
    kept = tuple(v._value if isinstance(v, Variable) else v for v in inputs) if traced_pullback else ()
    node = node_class(name, PullbackNode)(edges, _metas(value), pullback, traced_pullback, kept)  # type: ignore[call-arg]
    if several:
        return type(value)(face._wrap(v, node, i) for i, v in enumerate(value))
    return face._wrap(value, node, 0)


def source(face: type[Variable], value: Any) -> Any:
    """A variable whose cotangent can be asked of the engine, at the start of a traced function."""
    return face._make(value, node_class("Source", Source)((), (meta_of(value),)), 0)


# -------------------------------------------------------------------- pullbacks that can be differentiated


class TracedModule:
    """``numerics`` or ``math`` as a traced pullback sees it: every primitive of it is recorded."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.module, name)
        return tracing(found) if callable(found) and lookup(found) is not None else found


def tracing(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """The primitive, recorded when an argument is a variable."""

    shapes_alone = numerics.SHAPE_ONLY.get(f"numerics.{primitive.__name__}", ())

    @functools.wraps(primitive)
    def traced(*args: Any, **kwargs: Any) -> Any:
        args = tuple(_plain(a) if i in shapes_alone else a for i, a in enumerate(args))
        if any(_holds_variable(a) for a in itertools.chain(args, kwargs.values())):
            return apply(primitive, args, kwargs)
        return primitive(*args, **kwargs)

    return traced


def _plain(argument: Any) -> Any:
    """The value, or the nested values, without a place in the graph."""
    if isinstance(argument, tuple | list):
        return _rebuilt(argument, list(map(_plain, argument)))
    return argument._value if isinstance(argument, Variable) else argument


def _holds_variable(argument: Any) -> bool:
    if isinstance(argument, tuple | list):
        return any(map(_holds_variable, argument))
    return isinstance(argument, Variable)


_TRACED_MODULES = {module: TracedModule(module) for module in (numerics, math)}


@functools.cache
def traceable(pullback: Callable[..., Any]) -> Callable[..., Any]:
    """The same pullback with its primitives recorded, for derivatives of derivatives."""
    scope = dict(pullback.__globals__)
    for name in _named_globals(pullback):
        scope[name] = _traced_global(scope[name])
    function = type(traceable_template)(
        pullback.__code__, scope, pullback.__name__, pullback.__defaults__, pullback.__closure__
    )
    function.__kwdefaults__ = pullback.__kwdefaults__
    return function


def traceable_template() -> None:
    """Of the type of every Python function."""


def _named_globals(function: Any) -> Iterable[str]:
    return [name for name in function.__code__.co_names if name in function.__globals__]


def _traced_global(value: Any) -> Any:
    if isinstance(value, ModuleType):
        return _TRACED_MODULES.get(value, value)
    if callable(value) and getattr(value, "__module__", "") == numerics.__name__ and lookup(value) is not None:
        return tracing(value)
    return value
