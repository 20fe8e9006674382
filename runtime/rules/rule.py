"""What is the derivative of one primitive?  The table that both halves read.

A rule is straight-line Python.  The Tensor *calls* it; the transformer *inlines* its body.

>>> import numpy as np
>>> from retrograd.runtime.rules import lookup
>>> lookup(np.sin).partials
('cos(x)',)
>>> float(lookup(np.sin).pullback(1.0, None, 0.0))
1.0
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Any, Literal

import numpy as np

from retrograd.runtime.errors import ArgumentError, NoRule
from retrograd.runtime.rules import text

Kind = Literal["elementwise", "linear", "bilinear", "general", "constant"]
Sharing = Literal["fresh", "view", "maybe"]

#: Functions that overflow at ordinary arguments: their values are infinite where they have no pole.
OVERFLOWING = frozenset({"exp", "exp2", "expm1", "sinh", "cosh"})

#: Keywords that say nothing when they hold these values; a rule need not name them.
NEUTRAL: dict[str, Any] = {
    "out": None,
    "dtype": None,
    "where": True,
    "like": None,
    "subok": False,
    "compute_uv": True,
    "hermitian": False,
}


@dataclass(frozen=True, eq=False)
class Rule:
    """The derivative of one primitive, and what the analyses need to know about it.

    ``pullback(z_bar, z, *primitive's own parameters)`` returns one cotangent per entry of ``inputs``
    (a bare value when there is one input).  ``pushforward(*dots, z, *parameters)`` returns the
    contribution of each input's tangent to ``z_dot``; the consumer adds those that are wanted (a
    contribution may be smaller than ``z`` where the primitive broadcasts).  An input that is a
    sequence of arrays has a sequence of cotangents and of tangents, an inactive entry's being zeros.
    An active argument that is neither among ``inputs`` nor ``inert`` has no rule.

    inputs       the parameters that may be active, in the order the pullback returns them
    partials     elementwise rules: one expression text per input, over the parameters and ``z``,
                 for real arguments; for complex ones ``pullback`` and ``pushforward`` are right
    namespace    where the bare function names of the partials are looked up first (``resolve``)
    broadcasts   the consumer sums each cotangent over the axes its input was broadcast along
    probe        the result type may be found by running the primitive on small arrays (T2)
    singular     partials may be infinite at finite arguments: a structural zero must win (R6)
    sharing      whether the result is fresh memory, a view of the first input, or either
    real_only    complex arguments are refused
    flat         parameters whose values are read, but by which the derivative is zero
    """

    primitive: Callable[..., Any]
    name: str
    kind: Kind
    signature: inspect.Signature
    inputs: tuple[str, ...] = ()
    written_pullback: Callable[..., Any] | None = None
    written_pushforward: Callable[..., Any] | None = None
    partials: tuple[str, ...] = ()
    namespace: ModuleType = np
    broadcasts: bool = False
    probe: bool = False
    singular: bool = False
    sharing: Sharing = "fresh"
    real_only: bool = False
    flat: tuple[str, ...] = ()

    @property
    def params(self) -> tuple[str, ...]:
        return tuple(self.signature.parameters)

    @cached_property
    def inert(self) -> frozenset[str]:
        """Parameters that may be active and contribute nothing: the flat ones and those read for their shape."""
        positions = text.numerics.SHAPE_ONLY.get(self.name, ())
        return frozenset(self.flat) | {self.params[i] for i in positions if i < len(self.params)}

    @cached_property
    def fresh(self) -> frozenset[str]:
        """Inputs whose cotangent the pullback allocates; others may alias ``z_bar`` or an argument (M5)."""
        return text.fresh_cotangents(self, lookup)

    @property
    def unbounded(self) -> bool:
        """May its value be infinite or NaN where its arguments are neither?"""
        return self.singular or self.name.rpartition(".")[2] in OVERFLOWING

    @cached_property
    def pullback(self) -> Callable[..., Any] | None:
        """``(z_bar, z, *params) -> cotangents``; its source can be had with ``inspect.getsource``."""
        if self.written_pullback is not None or not self.partials:
            return self.written_pullback
        return text.elementwise_pullback(self)

    @cached_property
    def pushforward(self) -> Callable[..., Any] | None:
        """``(*dots, z, *params) -> contributions``; its source can be had with ``inspect.getsource``."""
        if self.written_pushforward is not None:
            return self.written_pushforward
        if self.partials:
            return text.elementwise_pushforward(self)
        if self.kind in ("linear", "bilinear"):
            return text.linear_pushforward(self)
        return None

    @cached_property
    def _pruned(self) -> dict[tuple[frozenset[str], bool], text.Pruned]:
        return {}

    def _prune(self, wanted: frozenset[str], strong: bool = False) -> text.Pruned:
        key = (wanted, strong)
        if key not in self._pruned:
            self._pruned[key] = text.prune(self, wanted, strong)
        return self._pruned[key]

    def pullback_for(self, wanted: frozenset[str], strong: bool = False) -> Callable[..., Any]:
        """The pullback with only the lines that reach the ``wanted`` cotangents; the others are None.

        ``strong`` asks an elementwise rule for the form in which zeros of ``z_bar`` win (R6).
        """
        return self._prune(wanted, strong).function

    def reads_for(self, wanted: frozenset[str]) -> frozenset[str]:
        """Which of ``z`` and the parameters the pullback of ``wanted`` reads as values."""
        return self._prune(wanted).reads

    def reads_shape_for(self, wanted: frozenset[str]) -> frozenset[str]:
        """Which of them it reads for their shape, rank or dtype only."""
        return self._prune(wanted).reads_shape

    @property
    def reads(self) -> frozenset[str]:
        return self.reads_for(frozenset(self.inputs))

    @property
    def reads_shape(self) -> frozenset[str]:
        return self.reads_shape_for(frozenset(self.inputs))

    def resolve(self, name: str) -> Any:
        """The function that a bare name in a partial means: the namespace's, else NumPy's, else ours."""
        return text.resolve(name, self.namespace)[1]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """The call's arguments by the rule's parameter names; ``NoRule`` where the rule does not cover it (R1)."""
        named = {k: v for k, v in kwargs.items() if k in self.params or not says_nothing(k, v)}
        try:
            bound = self.signature.bind(*args, **named)
        except TypeError as error:
            raise NoRule(
                f"the rule of {self.name} does not cover this call: {error}",
                remedy=f"It covers {self.name}{self.signature}.",
            ) from None
        self._refuse_complex(bound)
        return bound

    def _refuse_complex(self, bound: inspect.BoundArguments) -> None:
        if self.real_only and any(_is_complex(value) for value in bound.arguments.values()):
            raise NoRule(
                f"the rule of {self.name} is for real arguments",
                remedy="Differentiate np.real(x) and np.imag(x), or write the formula out.",
            )


def says_nothing(keyword: str, value: Any) -> bool:
    return value is np._NoValue or (keyword in NEUTRAL and value is NEUTRAL[keyword])


def _is_complex(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(_is_complex(item) for item in value)
    return isinstance(value, complex) or getattr(getattr(value, "dtype", None), "kind", "") == "c"


_TABLE: dict[Callable[..., Any], Rule] = {}


def lookup(primitive: Callable[..., Any]) -> Rule | None:
    """The rule of a primitive, or None.  ``operator.add`` and ``np.add`` answer with the same rule."""
    try:
        found = _TABLE.get(primitive)
    except TypeError:  # unhashable callables have no rules
        return None
    if found is None and _on_demand(primitive):
        return _TABLE.get(primitive)
    return found


def _on_demand(primitive: Callable[..., Any]) -> bool:
    """Load the rules of a library that is not imported with this package; True if that was done just now."""
    home = (getattr(primitive, "__module__", None) or type(primitive).__module__ or "").split(".")[0]
    if home not in ("scipy", "bottleneck") and not isinstance(primitive, np.ufunc):
        return False
    from retrograd.runtime.rules import special  # not at the top: it is of use only when SciPy is loaded

    return special.register_loaded()


def table() -> Iterator[tuple[Callable[..., Any], Rule]]:
    yield from _TABLE.items()


def register(rule_: Rule, *aliases: Callable[..., Any]) -> Rule:
    """Enter a rule in the table under its primitive and every alias."""
    for primitive in (rule_.primitive, *aliases):
        _TABLE[primitive] = rule_
    return rule_


def rule(
    primitive: Callable[..., Any],
    *aliases: Callable[..., Any],
    inputs: tuple[str, ...] = (),
    linear: tuple[str, ...] = (),
    bilinear: tuple[str, ...] = (),
    pushforward: Callable[..., Any] | None = None,
    name: str = "",
    **facts: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the pullback of ``primitive``: straight-line, one cotangent per entry of ``inputs``.

    ``linear`` or ``bilinear`` name the inputs and give the pushforward for nothing.
    """

    def enter(pullback: Callable[..., Any]) -> Callable[..., Any]:
        if pullback.__closure__ or (pushforward is not None and pushforward.__closure__):
            raise ArgumentError(
                f"the rule of {text.dotted(primitive)} reads variables of an enclosing function",
                remedy="Define it at the top level of a module: its text is inlined into emitted code.",
            )
        signature = inspect.signature(pullback)
        own = list(signature.parameters.values())[2:]
        register(
            Rule(
                primitive=primitive,
                name=name or text.dotted(primitive),
                kind="linear" if linear else "bilinear" if bilinear else "general",
                signature=signature.replace(parameters=own),
                inputs=linear or bilinear or inputs or (own[0].name,),
                written_pullback=pullback,
                written_pushforward=pushforward,
                **facts,
            ),
            *aliases,
        )
        return pullback

    return enter


def pushforward_of(primitive: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the pushforward that belongs beside an already entered pullback."""

    def enter(pushforward: Callable[..., Any]) -> Callable[..., Any]:
        known = _TABLE[primitive]
        aliases = [key for key, value in _TABLE.items() if value is known]
        register(replace(known, written_pushforward=pushforward), *aliases)
        return pushforward

    return enter


def elementwise(
    name: str, partials: tuple[str, ...], *primitives: Callable[..., Any], namespace: ModuleType = np, **facts: Any
) -> Rule:
    """Enter one row: a function of one to three scalars, known by its partials; an empty one is not known."""
    arguments = text.ARGUMENTS[: len(partials)]
    inputs = tuple(x for x, partial in zip(arguments, partials, strict=True) if partial)
    parameters = [inspect.Parameter(x, inspect.Parameter.POSITIONAL_ONLY) for x in arguments]
    return register(
        Rule(
            primitive=primitives[0],
            name=text.dotted(primitives[0]) or name,
            kind="elementwise",
            signature=inspect.Signature(parameters),
            inputs=inputs,
            partials=tuple(partial for partial in partials if partial),
            namespace=namespace,
            broadcasts=len(partials) > 1 and namespace is not math,
            probe=True,
            **facts,
        ),
        *primitives,
    )


def constant(*primitives: Callable[..., Any], real_only: bool = False, probe: bool = False) -> None:
    """Enter functions whose derivative is zero wherever it exists."""
    anything = inspect.Signature(
        [
            inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
            inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
        ]
    )
    for primitive in primitives:
        register(Rule(primitive, text.dotted(primitive), "constant", anything, real_only=real_only, probe=probe))
