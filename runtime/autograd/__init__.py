"""PyTorch's ``torch.autograd``: derivatives of tensors, and what can be said about the graph."""

from retrograd.runtime.autograd import function, functional, graph
from retrograd.runtime.autograd.function import Function
from retrograd.runtime.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from retrograd.runtime.autograd.sweep import backward, grad
from retrograd.runtime.modes import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
)
from retrograd.runtime.tensor import Tensor as Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
