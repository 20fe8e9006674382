"""Differentiate the Python you already write, and read the derivative."""

from retrograd.runtime.errors import DifferentiationError, UnusedInput
from retrograd.torch_names import *  # noqa: F403
from retrograd.transformer import fallback as fallback
from retrograd.transformer import nested as nested
from retrograd.transformer.api import (
    check_grads,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    source,
    stop_gradient,
    value_and_grad,
    vjp,
)
from retrograd.transformer.bridge import differentiable
from retrograd.transformer.custom import constant, custom_jvp, custom_vjp, primitive, rule
from retrograd.transformer.explain import explain
from retrograd.transformer.symbolic import symbolic

__all__ = [
    "DifferentiationError",
    "UnusedInput",
    "check_grads",
    "constant",
    "custom_jvp",
    "custom_vjp",
    "differentiable",
    "explain",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "primitive",
    "rule",
    "source",
    "stop_gradient",
    "symbolic",
    "value_and_grad",
    "vjp",
]
