"""The names that make ``import retrograd as torch`` run a program about autograd."""

from __future__ import annotations

import math as _math
from types import SimpleNamespace
from typing import Any

from retrograd.runtime import autograd as _autograd
from retrograd.runtime import creation as _creation
from retrograd.runtime import dtypes as _dtypes
from retrograd.runtime import operators as _operators
from retrograd.runtime import protocol as _protocol
from retrograd.runtime.autograd import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from retrograd.runtime.dtypes import Size, device, finfo, get_default_dtype, iinfo, set_default_dtype
from retrograd.runtime.modes import is_grad_enabled, is_inference_mode_enabled
from retrograd.runtime.printing import set_printoptions
from retrograd.runtime.tensor import Tensor

_protocol.install(Tensor)

_CREATION = (
    "tensor as_tensor asarray from_numpy zeros ones empty full eye arange linspace logspace empty_strided zeros_like "
    "ones_like empty_like full_like randn rand randn_like rand_like randint randperm normal bernoulli manual_seed "
    "initial_seed get_rng_state set_rng_state Generator meshgrid broadcast_tensors is_tensor"
).split()
_FUNCTIONS = "cat stack hstack vstack einsum tensordot where".split()

#: Every name of the torch-like interface, and what it stands for.
NAMES: dict[str, Any] = {
    **_operators.OPERATIONS,
    **_dtypes.NAMES,
    **{name: getattr(_creation, name) for name in _CREATION},
    **{name: getattr(_operators, name) for name in _FUNCTIONS},
    **{d.tensor_name: _creation.typed(d.tensor_name) for d in _dtypes.NAMES.values()},
    "complex": _operators.complex_,
    "concat": _operators.cat,
    "concatenate": _operators.cat,
    "pi": _math.pi,
    "e": _math.e,
    "inf": _math.inf,
    "nan": _math.nan,
    "autograd": _autograd,
    "Tensor": Tensor,
    "Size": Size,
    "device": device,
    "dtype": _dtypes.dtype,
    "finfo": finfo,
    "iinfo": iinfo,
    "get_default_dtype": get_default_dtype,
    "set_default_dtype": set_default_dtype,
    "no_grad": no_grad,
    "enable_grad": enable_grad,
    "inference_mode": inference_mode,
    "set_grad_enabled": set_grad_enabled,
    "is_grad_enabled": is_grad_enabled,
    "is_inference_mode_enabled": is_inference_mode_enabled,
    "is_inference": Tensor.is_inference,
    "set_printoptions": set_printoptions,
    "strided": "torch.strided",
    "contiguous_format": "torch.contiguous_format",
    "preserve_format": "torch.preserve_format",
    "channels_last": "torch.channels_last",
    "nn": SimpleNamespace(Parameter=_creation.Parameter),
}
globals().update(NAMES)
__all__ = sorted(NAMES)  # noqa: PLE0605
