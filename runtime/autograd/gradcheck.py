"""Do the gradients agree with differences of the function?  PyTorch's ``gradcheck``.

>>> from retrograd.runtime.creation import tensor
>>> from retrograd.runtime.dtypes import float64
>>> gradcheck(lambda x: x.sin(), tensor([1.0, 2.0], dtype=float64, requires_grad=True))
True
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retrograd.runtime import modes
from retrograd.runtime.autograd.sweep import grad
from retrograd.runtime.tensor import Tensor

NO_INPUT = "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
SINGLE_PRECISION = (
    "Input #{} requires gradient and is not a double precision floating point or complex. This check will likely fail if "
    "all the inputs are not of double precision floating point or complex. "
)


class GradcheckError(RuntimeError):
    """The gradients differ from the differences."""


def _outputs(result: Any) -> list[Tensor]:
    results = result if isinstance(result, tuple | list) else (result,)
    return [z for z in results if isinstance(z, Tensor) and z._value.dtype.kind in "fc"]


def numerical_jacobian(function: Callable[..., Any], inputs: Sequence[Any], x: Tensor, eps: float) -> list[Any]:
    """Central differences: one matrix an output, a row for each entry of ``x`` (of its parts, if complex)."""
    flat = x._value.reshape(-1)
    shared = np.may_share_memory(flat, x._value)
    directions = (1.0, 1j) if flat.dtype.kind == "c" else (1.0,)
    rows = []
    for i in range(flat.size):
        for direction in directions:
            rows.append(_difference(function, inputs, x, flat if shared else None, i, eps * direction, eps))
    return [np.stack(columns) for columns in zip(*rows, strict=True)] if rows else []


def _difference(function: Any, inputs: Any, x: Tensor, flat: Any, i: int, step: Any, eps: float) -> list[Any]:
    values = []
    key = np.unravel_index(i, x._value.shape)
    before = x._value[key].copy()
    with modes.no_grad():
        for sign in (1, -1):
            x._value[key] = before + sign * step
            values.append([z._value.reshape(-1).copy() for z in _outputs(function(*inputs))])
        x._value[key] = before
    return [(high - low) / (2 * eps) for high, low in zip(*values, strict=True)]


def analytical_jacobian(z: Tensor, x: Tensor) -> np.ndarray[Any, Any]:
    """The same matrix by reverse mode, a column for each entry of ``z`` (of its parts, if complex)."""
    parts = (1.0, 1j) if z.is_complex() else (1.0,)
    columns = []
    for i in range(z.numel()):
        for part in parts:
            seed = np.zeros(z.numel(), z._value.dtype)
            seed[i] = part
            bar = Tensor._make(seed.reshape(z._value.shape))
            (found,) = grad(z, x, bar, retain_graph=True, allow_unused=True, materialize_grads=True)
            columns.append(_split_parts(found._value.reshape(-1)))  # type: ignore[union-attr]
    return np.stack(columns, -1) if columns else np.zeros((x.numel(), 0))


def _split_parts(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Real and imaginary parts side by side: derivatives along both directions of a complex input."""
    return np.stack([value.real, value.imag], -1).reshape(-1) if value.dtype.kind == "c" else value


def _real_columns(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if matrix.dtype.kind != "c":
        return matrix
    return np.stack([matrix.real, matrix.imag], -1).reshape(len(matrix), -1)


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    check_sparse_nnz: bool = False,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether reverse mode agrees with central differences, for every output and input."""
    inputs = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    active = [(i, x) for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not active:
        raise ValueError(NO_INPUT)
    for i, x in active:
        if x._value.dtype not in (np.float64, np.complex128):
            warnings.warn(SINGLE_PRECISION.format(i), UserWarning, stacklevel=2)
    try:
        with modes.enable_grad():
            _compare(func, inputs, active, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _compare(func: Any, inputs: Any, active: Any, eps: float, atol: float, rtol: float) -> None:
    outputs = _outputs(func(*inputs))
    for j, (_, x) in enumerate(active):
        numeric = numerical_jacobian(func, inputs, x, eps)
        for i, z in enumerate(outputs):
            if not z.requires_grad:
                analytic = np.zeros(numeric[i].shape)
            else:
                analytic = analytical_jacobian(z, x)
            wanted = _real_columns(numeric[i]) if numeric else analytic
            if not np.allclose(analytic, wanted, rtol, atol, equal_nan=True):
                raise GradcheckError(
                    f"Jacobian mismatch for output {i} with respect to input {j},\n"
                    f"numerical:{Tensor._make(wanted)!r}\nanalytical:{Tensor._make(analytic)!r}\n"
                )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    **options: Any,
) -> bool:
    """``gradcheck`` of the gradient."""
    inputs = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    with modes.enable_grad():
        outputs = [z for z in _outputs(func(*inputs)) if z.requires_grad]
    bars = _random_bars(outputs) if grad_outputs is None else grad_outputs
    bars = tuple(bars) if isinstance(bars, tuple | list) else (bars,)
    count = len(inputs)

    def gradient(*args: Any) -> Any:
        xs, vs = args[:count], args[count:]
        with modes.enable_grad():
            zs = [z for z in _outputs(func(*xs)) if z.requires_grad]
            active = [x for x in xs if isinstance(x, Tensor) and x.requires_grad]
            found = grad(zs, active, list(vs), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(gradient, (*inputs, *bars), raise_exception=raise_exception, **options)


def _random_bars(outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    rng = np.random.default_rng(0)
    return tuple(
        Tensor._make(rng.standard_normal(z._value.shape).astype(z._value.dtype)).requires_grad_() for z in outputs
    )
