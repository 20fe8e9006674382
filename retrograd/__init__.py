"""Differentiate the Python you already write, and read the derivative."""

from retrograd.runtime.errors import DifferentiationError
from retrograd.transformer.api import grad, hessian, hvp, jacobian, jvp, source, value_and_grad, vjp

__all__ = ["DifferentiationError", "grad", "hessian", "hvp", "jacobian", "jvp", "source", "value_and_grad", "vjp"]
