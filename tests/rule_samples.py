"""At which calls is each rule tried?  One table, for the rules, the Tensor and the source transformer alike.

>>> sample = next(s for s in SAMPLES if s.primitive is np.matmul)
>>> sample.call().shape
(3, 2)

``kink`` marks a point where differences are no reference (both modes must still agree there).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrograd.runtime import numerics


@dataclass(frozen=True, eq=False)
class Sample:
    """One call of one primitive."""

    primitive: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    kink: bool = False

    def call(self) -> Any:
        return self.primitive(*self.args, **self.kwargs)

    @property
    def id(self) -> str:
        name = getattr(self.primitive, "__qualname__", self.primitive.__name__)
        shown = [_show(a) for a in self.args] + [f"{k}={_show(v)}" for k, v in self.kwargs.items()]
        return f"{getattr(self.primitive, '__module__', '')}.{name}({', '.join(shown)})"


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}".replace(" ", "")
    if isinstance(value, (tuple, list)) and any(isinstance(v, np.ndarray) for v in value):
        return f"{type(value).__name__}[{' '.join(_show(v) for v in value)}]"
    return str(value).replace(" ", "")


_rng = np.random.default_rng(20)


def n(*shape: int) -> np.ndarray:
    """Normal numbers, none near 0 and no two near each other."""
    size = math.prod(shape)
    values = np.linspace(-1.9, 1.7, size + 1)[:size] + 0.03 if size else np.zeros(0)
    values = np.where(np.abs(values) < 0.05, 0.11, values)
    return _rng.permutation(values).reshape(shape)


def u(*shape: int) -> np.ndarray:
    """Numbers inside (0, 1)."""
    return _rng.uniform(0.2, 0.9, shape)


def c(*shape: int) -> np.ndarray:
    """Complex numbers off the real axis's branch cuts."""
    return _rng.uniform(0.2, 0.9, shape) + 1j * _rng.uniform(0.2, 0.9, shape)


def f32(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def strided(x: np.ndarray) -> np.ndarray:
    """The same numbers, not contiguous."""
    return np.repeat(x, 2, axis=-1)[..., ::2]


def spd(k: int, *batch: int) -> np.ndarray:
    """Symmetric positive definite matrices."""
    a = _rng.normal(size=(*batch, k, k))
    return a @ np.swapaxes(a, -1, -2) + k * np.eye(k)


def regular(k: int, *batch: int) -> np.ndarray:
    """Well conditioned matrices."""
    return _rng.normal(size=(*batch, k, k)) + 2 * np.eye(k)


def S(primitive: Callable[..., Any], *args: Any, kink: bool = False, **kwargs: Any) -> Sample:
    return Sample(primitive, args, kwargs, kink)


# -- elementwise ---------------------------------------------------------------------------------------

#: Functions of one real or complex argument, everywhere smooth on (0.2, 0.9).
_ANALYTIC = (
    "negative positive reciprocal square sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos"
    " arctan sinh cosh tanh arcsinh arctanh"
)
_COMPLEX_TOO = _ANALYTIC
_REAL = "cbrt degrees radians rad2deg deg2rad fabs"
_MATH = (
    "sqrt exp expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh atanh degrees radians"
    " erf erfc gamma lgamma fabs exp2 cbrt"
)
_TWO = "add subtract multiply divide power float_power arctan2 hypot logaddexp logaddexp2 maximum minimum fmax fmin"


def _one_argument() -> list[Sample]:
    samples = []
    for name in f"{_ANALYTIC} {_REAL} absolute".split():
        f = getattr(np, name)
        layouts = (u(2, 3), strided(u(4)), np.array(0.37), 0.43, np.float64(0.6), f32(u(3)), np.zeros((0, 2)))
        samples += [S(f, x) for x in layouts]
    samples += [S(getattr(np, name), c(3)) for name in f"{_COMPLEX_TOO} absolute".split()]
    samples += [S(np.arccosh, 1 + u(3)), S(np.arccosh, 1.5), S(np.arccosh, 1j + c(3)), S(math.acosh, 1.4)]
    samples += [S(getattr(math, name), 0.41) for name in _MATH.split() if hasattr(math, name)]
    samples += [S(f, -0.7) for f in (abs, operator.abs, math.fabs, np.absolute, np.fabs, operator.neg, operator.pos)]
    samples += [S(f, x, kink=True) for f in (abs, np.absolute, np.fabs, math.fabs) for x in (0.0, -0.0)]
    samples += [S(np.absolute, np.array([0j, 1 + 1j]), kink=True)]
    samples += [S(f, 0.3) for f in (float, np.float64)] + [S(float, np.float64(0.3))]
    samples += [S(np.float32, 0.25), S(complex, 0.5)]
    samples += [S(f, 0.3 + 0.4j) for f in (np.complex128,)] + [S(np.complex64, 0.25 + 0.5j), S(np.complex128, 0.3)]
    samples += [S(math.lgamma, x) for x in (-0.4, 12.5, 0.05)] + [S(math.gamma, -1.3)]
    samples += [S(np.cbrt, -2.0), S(np.tan, 1.5), S(np.tanh, 30.0), S(np.exp, -50.0)]
    return samples


def _two_arguments() -> list[Sample]:
    samples = []
    for name in _TWO.split():
        f = getattr(np, name)
        pairs = ((u(2, 3), n(2, 3)), (u(3, 1), n(4)), (u(1), n(2, 2)), (0.3, n(3)), (u(3), 0.8), (0.5, 0.7))
        more = ((np.array(0.4), np.array(0.6)), (f32(u(3)), f32(n(3))), (np.zeros((0, 3)), n(1, 3)))
        samples += [S(f, x, y) for x, y in (*pairs, *more)]
    samples += [S(getattr(np, f), c(2, 1), c(3)) for f in ("add", "subtract", "multiply", "divide", "power")]
    samples += [S(getattr(np, f), u(3), c(3)) for f in ("add", "subtract", "multiply", "divide", "power")]
    arithmetic = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, pow)
    samples += [S(f, x, y) for f in arithmetic for x, y in ((0.6, 1.7), (u(2, 2), n(2)), (u(2), 3.0))]
    in_place = (operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow)
    samples += [S(f, 0.6, 1.7) for f in in_place]
    samples += [S(f, 0.6, 1.7) for f in (math.pow, math.atan2, math.hypot)]
    return samples


def _powers() -> list[Sample]:
    zeros = np.array([0.0, 0.5, -0.5])
    samples = [S(np.power, n(3), y) for y in (0, 1, 2, 3, -1, -2)]
    samples += [S(np.power, zeros, y) for y in (0, 1, 2, 3)] + [S(np.power, u(3), 2.0)]
    samples += [S(np.power, np.array([0.0, 0.5]), y, kink=True) for y in (1.5, 2.0)]
    samples += [S(operator.pow, 0.0, y) for y in (0, 1, 2)] + [S(operator.pow, 0.0, y, kink=True) for y in (1.0, 2.0)]
    samples += [S(np.power, zeros, np.array([0, 0, 1])), S(np.power, zeros, np.array([2, 1, 0]))]
    samples += [S(np.power, np.array([0.0, 0.0]), np.array([1.5, 2.5]), kink=True)]
    samples += [S(np.power, 2.0, 0.0), S(np.power, u(2), np.array([0.0, 1.0])), S(operator.pow, -1.5, 2)]
    samples += [S(np.power, c(2), 2), S(np.power, c(2), 0.5), S(np.power, 0.5, -0.5), S(operator.pow, 0.5, 0.0)]
    return samples


def _kinks_and_steps() -> list[Sample]:
    ties = (np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    samples = [S(f, *ties, kink=True) for f in (np.maximum, np.minimum, np.fmax, np.fmin)]
    samples += [S(f, np.array([np.nan, 1.0]), np.array([2.0, 2.5])) for f in (np.fmax, np.fmin)]
    samples += [S(np.hypot, 0.0, 0.0, kink=True), S(np.hypot, np.zeros(2), np.array([0.0, 1.0]), kink=True)]
    samples += [S(np.logaddexp, 800.0, 1.0), S(np.logaddexp, np.array([-900.0]), np.array([700.0]))]
    for f in (np.remainder, np.fmod):
        samples += [S(f, np.array([5.3, -5.3]), np.array([2.1, 2.2])), S(f, 5.5, -1.7), S(f, n(2, 1), 1 + u(3))]
    samples += [S(f, 5.3, 2.1) for f in (operator.mod, operator.imod, math.fmod, math.remainder)]
    samples += [S(operator.mod, -5.3, 2.1), S(math.remainder, 5.3, -1.3)]
    samples += [S(f, -0.6, 2.0) for f in (np.copysign, math.copysign)] + [S(np.copysign, n(3), n(3))]
    samples += [S(np.heaviside, n(3), 0.5), S(np.heaviside, np.array([0.0, 1.0]), 0.5, kink=True)]
    samples += [S(np.ldexp, n(3), np.array([1, -2, 3])), S(math.ldexp, 0.3, 4)]
    samples += [S(np.nan_to_num, np.array([1.0, np.nan, np.inf])), S(np.nan_to_num, n(3), nan=1.0)]
    return samples


# -- reductions ----------------------------------------------------------------------------------------


def _masked_reductions() -> list[Sample]:
    """As rules see them: a call of NumPy's with ``where=`` or ``initial=`` is a call of one of these."""
    h = numerics
    row, whole = np.array([True, False, True]), np.array([[True, False, True], [False, True, True]])
    samples = []
    for f in (h.masked_sum, h.masked_mean, h.masked_prod, h.masked_var, h.masked_std):
        samples += [S(f, n(2, 3), where=row), S(f, n(2, 3), axis=1, where=whole), S(f, n(2, 3), axis=0, keepdims=True, where=True)]
    for f in (h.masked_max, h.masked_min):
        samples += [S(f, n(2, 3), where=row, initial=0.1), S(f, n(2, 3), axis=1, where=whole, initial=0.1), S(f, n(3), initial=9.0)]
    samples += [S(h.masked_prod, n(3), where=row, initial=2.0), S(h.masked_sum, n(3), initial=2.0)]
    samples += [S(np.cov, n(3, 5)), S(np.cov, n(5, 3), rowvar=False, bias=True), S(np.cov, n(6), ddof=0), S(np.cov, c(2, 4))]
    samples += [S(h.centred_rows, n(2, 3), True), S(h.uncentred_rows, n(3, 2), n(2, 3), False)]
    samples += [S(np.sinc, np.array([0.0, 0.3, -1.0, 2.5])), S(np.sinc, 0.0)]
    samples += [S(h.sinc_slope, k, np.array([0.0, 0.3, -1.2, 2.5])) for k in (1, 2)]
    return samples


def _reductions() -> list[Sample]:
    samples = []
    for f in (np.sum, np.mean, np.prod, np.max, np.min, np.amax, np.amin, np.var, np.std, np.median):
        samples += [S(f, n(2, 3)), S(f, n(2, 3), 0), S(f, n(2, 3), axis=-1), S(f, n(2, 3), axis=1, keepdims=True)]
        samples += [S(f, n(2, 3, 2), axis=(0, 2)), S(f, n(2, 3, 2), axis=(2, 0), keepdims=True), S(f, f32(n(4)))]
        samples += [S(f, strided(n(2, 3)), axis=0), S(f, n(1, 3), axis=0), S(f, n(2, 2), keepdims=True)]
        samples += [S(f, np.array(0.7))] if f is not np.std else []
    samples += _masked_reductions()
    samples += [S(f, np.zeros((0, 2)), axis=0) for f in (np.sum, np.prod)] + [S(np.sum, np.zeros(0)), S(np.sum, 0.5)]
    samples += [S(np.max, np.zeros((0, 2)), axis=1), S(np.mean, np.zeros((0, 2)), axis=1)]
    samples += [S(f, c(2, 3), axis=1) for f in (np.sum, np.mean, np.prod, np.var, np.std)]
    samples += [S(f, n(2, 4), axis=1, ddof=1) for f in (np.var, np.std)] + [S(np.std, np.ones(3), kink=True)]
    samples += [S(np.std, np.array([[1.0, 1.0], [1.0, 2.0]]), axis=1, kink=True)]
    samples += [S(np.prod, np.array(x)) for x in ([0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0])]
    samples += [S(np.prod, np.array([[0.0, 2.0], [3.0, 0.5]]), axis=0, keepdims=True)]
    ties = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    samples += [S(f, ties, axis=a, kink=True) for f in (np.max, np.min) for a in (None, 0, 1)]
    for f in (np.cumsum, np.cumprod):
        samples += [S(f, n(4)), S(f, n(2, 3)), S(f, n(2, 3), axis=0), S(f, n(2, 3), axis=-1), S(f, f32(n(3)))]
        samples += [S(f, c(3)), S(f, np.zeros(0)), S(f, np.array([2.0, 0.0, 3.0, 0.0, 1.0]))]
    samples += [S(np.trapezoid, n(4)), S(np.trapezoid, n(2, 4), dx=0.5, axis=0), S(np.trapezoid, n(3, 2), dx=2.0)]
    samples += [S(np.trapezoid, np.ones(1))]
    holes = np.array([[1.0, np.nan, 2.0], [0.5, 1.5, -1.0]])
    skipping = (np.nansum, np.nanmean, np.nanmax, np.nanmin, np.nanprod, np.nanvar, np.nanstd)
    samples += [S(f, holes, axis=a) for f in skipping for a in (None, 1)]
    samples += [S(f, holes, axis=0) for f in (np.nansum, np.nanmean, np.nanmax, np.nanmin, np.nanprod, np.nanvar)]
    samples += [S(f, n(2, 3), axis=(0, 1), keepdims=True) for f in skipping] + [S(f, f32(n(3))) for f in skipping]
    samples += [S(f, holes, axis=1, ddof=1) for f in (np.nanvar, np.nanstd)]
    samples += [S(f, ties, axis=1, kink=True) for f in (np.nanmax, np.nanmin)]
    samples += [S(f, c(2, 3), axis=1) for f in (np.nanprod, np.nanvar, np.nanstd)]
    samples += [S(np.nanprod, np.array([[0.0, np.nan, 3.0], [0.0, 0.0, 2.0]]), axis=1)]
    samples += [S(math.fsum, [0.1, 0.5, -2.0]), S(math.fsum, (0.3,))]
    return samples


# -- linear algebra ------------------------------------------------------------------------------------


def _products() -> list[Sample]:
    shapes = (
        ((3, 4), (4, 2)),
        ((4,), (4, 2)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (4, 2)),
        ((2, 3, 4), (2, 4, 2)),
    )
    more = (((3, 4), (2, 4, 2)), ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((5, 1, 3, 4), (2, 4, 2)), ((1, 1), (1, 1)))
    edge = (((1, 4), (4, 1)), ((3, 0), (0, 2)), ((0, 3), (3, 2)), ((1, 2, 3), (4, 3, 2)))
    samples = [S(np.matmul, n(*a), n(*b)) for a, b in (*shapes, *more, *edge)]
    samples += [S(operator.matmul, n(2, 3), n(3, 3))]
    samples += [S(np.matmul, c(2, 3), c(3, 2)), S(np.matmul, n(2, 3), c(3)), S(np.matmul, c(3), n(3))]
    samples += [S(np.matmul, f32(n(2, 3)), f32(n(3, 2))), S(np.matmul, strided(n(2, 3)), n(3, 2).T.copy().T)]
    dots = (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 4, 3), (3,)), ((2, 3), (4, 3, 2)))
    samples += [S(np.dot, n(*a), n(*b)) for a, b in (*dots, ((3,), (4, 3, 2)), ((2, 2, 3), (4, 3, 2)))]
    samples += [S(f, 2.0, n(3)) for f in (np.dot, np.inner)] + [S(f, n(2, 2), 0.5) for f in (np.dot, np.inner)]
    samples += [S(f, 2.0, 0.5) for f in (np.dot, np.inner)]
    inners = (((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 2, 3), (4, 3)))
    samples += [S(np.inner, n(*a), n(*b)) for a, b in inners] + [S(np.inner, c(3), c(2, 3)), S(np.dot, c(2, 3), c(3))]
    samples += [S(np.outer, n(3), n(2)), S(np.outer, n(2, 2), n(3)), S(np.outer, 2.0, n(3)), S(np.outer, c(2), c(3))]
    samples += [S(np.vdot, n(3), n(3)), S(np.vdot, n(2, 2), n(2, 2)), S(np.vdot, c(3), c(3))]
    axes = (1, 2, 0, ([1, 2], [1, 0]), (1, 0), ([-1], [0]))
    samples += [S(np.tensordot, n(2, 3, 3), n(3, 3, 2), axes=a) for a in axes]
    samples += [S(np.tensordot, n(2, 3), n(3, 2), ([0, 1], [1, 0])), S(np.tensordot, c(2, 3), c(3, 2), 1)]
    krons = (((2, 3), (3, 2)), ((2,), (3,)), ((2,), (2, 2)), ((2, 2), (3,)))
    samples += [S(np.kron, n(*a), n(*b)) for a, b in krons] + [S(np.kron, c(2), c(2, 2))]
    samples += [S(np.cross, n(3), n(3)), S(np.cross, n(4, 3), n(3)), S(np.cross, n(3, 4), n(3, 4), axis=0)]
    samples += [S(np.cross, c(3), c(3)), S(numerics.cross, n(2, 3), n(2, 3))]
    return samples


def _einsums() -> list[Sample]:
    calls = (
        ("ij,jk->ik", n(2, 3), n(3, 2)),
        ("ij,jk", n(2, 3), n(3, 2)),
        ("ij->", n(2, 3)),
        ("ij->ji", n(2, 3)),
        ("ij", n(2, 3)),
        ("ii->i", n(3, 3)),
        ("ii", n(3, 3)),
        ("ii->", n(3, 3)),
        ("iij->j", n(2, 2, 3)),
        ("ij,ij->j", n(2, 3), n(2, 3)),
        ("i,j->ij", n(2), n(3)),
        ("i,j,ij->", n(2), n(3), n(2, 3)),
        ("...ij,...jk->...ik", n(2, 2, 3), n(3, 2)),
        ("...i,...i", n(2, 3), n(3)),
        ("i...->...", n(3, 2)),
        ("ij,kl->i", n(2, 3), n(2, 2)),
        ("bij, bj -> bi", n(2, 3, 2), n(2, 2)),
        ("ij,jk->ik", n(2, 1), n(3, 2)),
        ("...i,...i->...", n(1, 3), n(2, 3)),
        ("i,i,i->i", n(3), n(3), n(3)),
        ("ij,jk->ik", c(2, 3), c(3, 2)),
    )
    return [S(np.einsum, *call) for call in calls] + [
        S(np.einsum, "ij,jk,kl->il", n(2, 2), n(2, 2), n(2, 2), optimize=True)
    ]


def _matrices() -> list[Sample]:
    samples = [S(np.linalg.solve, regular(3), n(3)), S(np.linalg.solve, regular(3), n(3, 2))]
    samples += [S(np.linalg.solve, regular(2, 3), n(3, 2, 2)), S(np.linalg.solve, regular(2, 3), n(2))]
    samples += [S(np.linalg.solve, regular(2), n(3, 2, 2)), S(np.linalg.solve, regular(2) + 1j * regular(2), c(2))]
    for f in (np.linalg.inv, np.linalg.det):
        samples += [S(f, regular(3)), S(f, regular(2, 2)), S(f, regular(2) + 1j * n(2, 2)), S(f, regular(1))]
    samples += [S(np.linalg.det, np.array(a)) for a in ([[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]])]
    samples += [S(np.linalg.det, np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]))]
    samples += [
        S(np.linalg.slogdet, regular(3)),
        S(np.linalg.slogdet, -regular(3)),
        S(np.linalg.slogdet, regular(2, 2)),
    ]
    samples += [S(np.linalg.cholesky, spd(3)), S(np.linalg.cholesky, spd(2, 2)), S(np.linalg.cholesky, spd(1))]
    samples += [S(np.linalg.eigh, np.diag([1.0, 3.0, 6.0]) + 0.1 * spd(3)), S(np.linalg.eigvalsh, spd(3))]
    samples += [S(np.linalg.eigvalsh, spd(2, 2))]
    samples += [S(np.linalg.matrix_power, regular(2), k) for k in (0, 1, 2, 3, 5, -1, -2)]
    samples += [S(np.linalg.matrix_power, regular(2) + 1j * n(2, 2), 3)]
    return samples


def _norms() -> list[Sample]:
    norm, inf = np.linalg.norm, np.inf
    samples = [S(norm, n(3)), S(norm, n(2, 3)), S(norm, n(2, 3), axis=0), S(norm, n(2, 3), axis=1, keepdims=True)]
    samples += [S(norm, n(3), p) for p in (1, 2, 3, 2.5, inf, -inf)] + [S(norm, n(2, 3), p, 1) for p in (1, 2, inf, 3)]
    samples += [S(norm, n(2, 3), "fro"), S(norm, n(2, 2, 3), axis=(1, 2)), S(norm, n(2, 2, 2), "fro", (0, 2), True)]
    samples += [S(norm, c(3)), S(norm, c(2, 3), axis=0), S(norm, c(3), 1), S(norm, c(3), 3), S(norm, f32(n(3)))]
    samples += [S(norm, np.zeros(3), p, kink=True) for p in (None, 1, 2, 3, inf)]
    samples += [S(norm, np.array([[0.0, 0.0], [1.0, 2.0]]), axis=1, kink=True)]
    samples += [S(norm, np.array([1.0, -1.0, 0.5]), inf, kink=True), S(norm, n(2, 3), keepdims=True)]
    samples += [
        S(np.trace, n(3, 3)),
        S(np.trace, n(2, 3), 1),
        S(np.trace, n(2, 3, 2), -1, 0, 1),
        S(np.trace, n(2, 3), 5),
    ]
    return samples


# -- shapes --------------------------------------------------------------------------------------------


def _shapes() -> list[Sample]:
    x = n(2, 3)
    samples = [
        S(np.reshape, x, (3, 2)),
        S(np.reshape, x, -1),
        S(np.reshape, x, (3, 2), order="F"),
        S(np.reshape, 0.5, (1, 1)),
    ]
    samples += [S(np.reshape, strided(x), (6,)), S(np.reshape, np.zeros((0, 2)), (2, 0)), S(np.reshape, x.T, (2, 3))]
    samples += [S(np.ravel, x), S(np.ravel, x, order="F"), S(np.ravel, np.array(0.5)), S(np.ndarray.flatten, x)]
    samples += [S(np.ndarray.flatten, x, "F"), S(np.transpose, x), S(np.transpose, n(2, 3, 4), (2, 0, 1))]
    samples += [S(np.transpose, n(2, 3, 4), (-1, 0, 1)), S(np.transpose, c(2, 3)), S(np.transpose, n(3))]
    samples += [S(np.swapaxes, n(2, 3, 4), 0, -1), S(np.moveaxis, n(2, 3, 4), 0, -1)]
    samples += [S(np.moveaxis, n(2, 3, 4), (0, 1), (2, 0)), S(np.expand_dims, x, 0), S(np.expand_dims, x, (0, -1))]
    samples += [S(np.squeeze, n(1, 3, 1)), S(np.squeeze, n(1, 3, 1), 0), S(np.squeeze, n(1, 3, 1), axis=-1)]
    for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
        samples += [S(f, np.array(0.5)), S(f, n(3)), S(f, x)]
    samples += [S(np.ascontiguousarray, x.T), S(np.matrix_transpose, n(2, 2, 3)), S(numerics.swap_last, x)]
    samples += [S(np.broadcast_to, n(3), (2, 3)), S(np.broadcast_to, n(2, 1), (2, 3)), S(np.broadcast_to, 0.5, (2,))]
    samples += [S(np.flip, x), S(np.flip, x, 0), S(np.flip, x, axis=(0, 1)), S(np.fliplr, x), S(np.flipud, x)]
    samples += [
        S(np.rot90, x),
        S(np.rot90, x, 2),
        S(np.rot90, n(2, 3, 2), 1, (1, 2)),
        S(np.roll, x, 1),
        S(np.roll, x, -1, 0),
    ]
    samples += [S(np.roll, x, (1, 2), axis=(0, 1)), S(np.roll, x, 4, axis=1)]
    samples += [S(np.tile, x, 2), S(np.tile, x, (2, 1)), S(np.tile, n(3), (2, 2)), S(np.tile, n(2, 2, 2), 2)]
    samples += [S(np.tile, 0.5, 3), S(np.repeat, x, 2), S(np.repeat, x, 2, axis=0), S(np.repeat, x, [1, 0, 2], axis=1)]
    samples += [S(np.repeat, n(3), 3), S(np.repeat, x, 2, axis=-1)]
    samples += [
        S(np.diff, n(4)),
        S(np.diff, x, axis=0),
        S(np.diff, n(5), 2),
        S(np.diff, n(2, 4), n=3),
        S(np.diff, n(3), 0),
    ]
    samples += [S(np.diff, n(2), 2), S(np.tril, n(3, 3)), S(np.triu, n(3, 3), 1), S(np.tril, n(2, 2, 3), -1)]
    samples += [
        S(np.triu, n(3)),
        S(np.diagonal, n(3, 3)),
        S(np.diagonal, n(2, 3), 1),
        S(np.diagonal, n(2, 3, 4), -1, 0, 2),
    ]
    samples += [
        S(np.diag, n(3)),
        S(np.diag, n(3), 1),
        S(np.diag, n(3, 3)),
        S(np.diag, n(2, 3), -1),
        S(np.diagflat, n(2, 2), 1),
    ]
    samples += [S(np.pad, x, 1), S(np.pad, x, ((1, 0), (0, 2))), S(np.pad, n(3), (2, 1), constant_values=3.0)]
    samples += [S(np.pad, n(3), 2, "constant")]
    return samples


def _copies_and_makers() -> list[Sample]:
    x = n(2, 3)
    samples = [S(np.copy, x), S(np.copy, 0.5), S(np.ndarray.copy, x.T), S(np.ndarray.astype, x, np.float64)]
    samples += [S(np.ndarray.astype, f32(x), np.float64), S(np.ndarray.astype, x, complex, copy=False)]
    samples += [S(np.ndarray.astype, x, float, copy=False), S(np.ndarray.item, np.array([0.5]))]
    samples += [
        S(np.ndarray.item, x, 4),
        S(np.ndarray.item, x, 1, 2),
        S(np.ndarray.item, np.array(0.5)),
        S(numerics.item, x, 1),
    ]
    samples += [
        S(np.array, [0.1, 0.2]),
        S(np.array, [[0.1, 0.2], (0.3, 0.4)]),
        S(np.array, [n(2), n(2)]),
        S(np.array, x),
    ]
    samples += [S(np.array, 0.5), S(np.array, (0.5, 1.5)), S(np.array, [0.5, 0.25], dtype=np.float32)]
    samples += [
        S(np.array, [np.float64(0.1), np.array(0.2)]),
        S(np.asarray, x),
        S(np.asarray, [0.5, 1.5]),
        S(np.asanyarray, x),
        S(np.asarray_chkfinite, x),
    ]
    samples += [S(np.full, (2, 3), 0.5), S(np.full, (2, 3), n(3)), S(np.full, 4, 0.5)]
    samples += [S(np.full_like, x, 0.5), S(np.full_like, x, n(2, 1))]
    samples += [S(np.linspace, 0.1, 0.9, 5), S(np.linspace, 0.1, 0.9, 4, endpoint=False), S(np.linspace, n(2), n(2), 3)]
    samples += [S(np.linspace, 0.1, n(2), 3), S(np.linspace, 0.3, 0.9, num=1)]
    if hasattr(np, "astype"):
        samples += [S(np.astype, x, np.float64), S(np.astype, f32(x), np.float64)]
    return samples


def _sequences() -> list[Sample]:
    a, b, v = n(2, 3), n(1, 3), n(3)
    samples = [S(np.concatenate, [a, b]), S(np.concatenate, (a, n(2, 1)), axis=1), S(np.concatenate, [v, n(2)])]
    samples += [S(np.concatenate, [a, v], axis=None), S(np.concatenate, n(2, 3, 2)), S(np.concatenate, [a, a], -1)]
    samples += [S(np.concatenate, [np.zeros(0), v]), S(np.concatenate, [f32(v), v])]
    samples += [
        S(np.stack, [v, n(3)]),
        S(np.stack, (a, n(2, 3)), axis=1),
        S(np.stack, [v, v], -1),
        S(np.stack, n(2, 3)),
    ]
    samples += [S(np.stack, [0.5, 0.25]), S(np.stack, n(2, 3), axis=1)]
    samples += [S(np.vstack, [a, v]), S(np.vstack, (v, n(3))), S(np.hstack, [a, n(2, 1)]), S(np.hstack, [v, n(2)])]
    samples += [S(np.hstack, [0.5, v]), S(np.vstack, [0.5, 0.25]), S(np.dstack, [a, n(2, 3)]), S(np.dstack, [v, n(3)])]
    samples += [S(np.column_stack, [v, n(3)]), S(np.column_stack, [v, n(3, 2)])]
    samples += [S(np.append, v, 0.5), S(np.append, a, b, 0), S(np.append, a, n(2))]
    samples += [S(np.split, n(4, 2), 2), S(np.split, n(5), [2, 3]), S(np.split, n(2, 4), 2, axis=1)]
    samples += [S(np.array_split, n(5), 2), S(np.meshgrid, n(2), n(3)), S(np.meshgrid, n(2), n(3), indexing="ij")]
    samples += [S(np.meshgrid, n(2), n(3), sparse=True), S(np.meshgrid, n(2), n(3), indexing="ij", sparse=True, copy=False)]
    samples += [S(np.meshgrid, n(2), n(3), n(2)), S(np.meshgrid, n(2)), S(np.broadcast_arrays, n(2, 1), n(3))]
    return samples


# -- selection -----------------------------------------------------------------------------------------


def _selection() -> list[Sample]:
    mask = np.array([[True, False, True], [False, False, True]])
    x = n(2, 3)
    samples = [S(np.where, mask, x, n(2, 3)), S(np.where, mask, n(3), 0.5), S(np.where, mask[0], x, n(2, 1))]
    samples += [S(np.where, True, 0.5, 0.25), S(np.where, mask, f32(x), f32(x)), S(np.where, mask, c(3), n(2, 1))]
    limits = ((-0.5, 0.5), (None, 0.5), (-0.5, None), (n(3) - 2, 0.5), (n(2, 1) - 2, n(3) + 2), (0.5, -0.5))
    samples += [S(np.clip, x, low, high) for low, high in limits] + [S(np.clip, 0.7, 0.0, 0.5)]
    samples += [S(np.clip, np.array([0.0, 0.5, 1.0]), 0.0, 1.0, kink=True)]
    samples += [S(np.ndarray.clip, x, -0.5, 0.5), S(np.ndarray.clip, x, min=-0.5), S(np.ndarray.clip, x, max=0.3)]
    samples += [S(np.sort, n(5)), S(np.sort, x), S(np.sort, x, 0), S(np.sort, x, axis=None)]
    samples += [S(np.sort, np.array([1.0, 1.0, 0.5]), kink=True)]
    samples += [
        S(np.take_along_axis, x, np.argsort(x, axis=1), 1),
        S(np.take_along_axis, x, np.array([[0, 0], [2, 0]]), 1),
    ]
    samples += [S(np.take_along_axis, x, np.array([0, 4, 4]), None), S(np.take_along_axis, x, np.array([[1, 0, 1]]), 0)]
    samples += [S(np.take, x, [0, 2, 2], 1), S(np.take, x, np.array([[1, 0]]), axis=0), S(np.take, x, [0, 5, 5])]
    samples += [S(np.take, n(3), 1), S(np.take, x, -1, axis=-1), S(np.take, n(2, 3, 2), [1, 1], axis=-2)]
    keys: tuple[Any, ...] = (
        0,
        -1,
        np.int64(1),
        slice(1),
        (0, 1),
        (slice(None), 1),
        (slice(None, None, -1), slice(0, 2)),
        Ellipsis,
        (None, 0),
        (Ellipsis, 0),
        mask,
        mask[:, 0],
        (slice(None), mask[0]),
        np.array([0, 0, 1]),
        [0, 0],
        (np.array([0, 1, 0]), np.array([2, 2, 2])),
        (slice(None), [0, 0, 2]),
        (np.array([[0, 1], [1, 1]]),),
        slice(0, 0),
        (np.array([0, 0]), slice(1, 3)),
        (np.zeros(0, int),),
    )
    samples += [S(operator.getitem, x, key) for key in keys] + [S(operator.getitem, c(3), 1)]
    samples += [S(operator.getitem, f32(n(3)), np.array([0, 0]))]
    return samples


def _complex_parts() -> list[Sample]:
    samples = [S(f, x) for f in (np.real, np.imag, np.conj, np.conjugate, numerics.conj) for x in (c(3), n(3))]
    return samples + [S(numerics.real, c(2)), S(numerics.real, n(2)), S(np.angle, c(3)), S(np.angle, 0.3 + 0.4j)]


# -- the functions that rules share --------------------------------------------------------------------


def _helpers() -> list[Sample]:
    h, x = numerics, n(2, 3)
    samples = [S(h.unbroadcast, n(2, 3), n(1, 3)), S(h.unbroadcast, n(2, 3), n(3)), S(h.unbroadcast, x, x)]
    samples += [S(h.unbroadcast, n(2, 3), 0.5), S(h.unbroadcast, c(2), n(2)), S(h.unbroadcast, 0.5, 0.25)]
    samples += [
        S(h.broadcast_like, n(3), x),
        S(h.broadcast_like, x, x),
        S(h.cast_like, c(2), n(2)),
        S(h.cast_like, x, x),
    ]
    samples += [S(h.unreduce, 0.5, x), S(h.unreduce, n(2), x, 1), S(h.unreduce, n(2, 1), x, 1, True)]
    samples += [S(h.unreduce, n(3), n(2, 3, 2), (0, 2)), S(h.merge_axes, n(2, 3, 2), (0, 2)), S(h.merge_axes, x)]
    samples += [S(h.split_axes, n(3, 4), n(2, 3, 2), (0, 2)), S(h.split_axes, n(6), x), S(h.instantiate, x, x)]
    samples += [S(h.reshape_back, n(6), x), S(h.reshape_back, n(6), x, "F")]
    samples += [S(h.strong, n(3), n(3)), S(h.strong, n(2, 1), n(3)), S(h.strong, c(2), c(2))]
    samples += [S(h.strong, np.array([0.0, 1.0]), np.array([2.0, 3.0]), kink=True)]
    samples += [S(h.quotient, 0.7, 1.3), S(h.quotient, np.float64(0.7), -0.4)]
    samples += [S(h.divide_or_zero, n(3), n(3)), S(h.divide_or_zero, n(2, 1), n(3)), S(h.divide_or_zero, c(2), c(2))]
    samples += [S(h.divide_or_zero, n(2), np.array([0.0, 1.0]), kink=True)]
    samples += [S(h.phase, c(3), np.abs(c(3))), S(h.phase, np.array([3.0, -2.0]), np.array([3.0, 2.0]), kink=True)]
    samples += [S(h.safe_log, u(3)), S(h.safe_log, c(3)), S(h.safe_log, np.array([0.0, 1.5]), kink=True)]
    samples += [S(h.reduced_exponent, u(3), n(3)), S(h.reduced_exponent, 0.5, 2.0), S(h.reduced_exponent, 0.5, n(3))]
    samples += [S(h.digamma, np.array([0.3, 1.5, 20.0])), S(h.digamma, -0.6)]
    samples += [S(h.polygamma, k, np.array([0.3, 1.5, 20.0])) for k in (1, 2, 3)] + [S(h.polygamma, 1, -0.6)]
    pair, moves = (n(2, 3), n(3, 2)), (n(2, 3), n(3, 2))
    samples += [S(h.einsum_pushforward, moves, "ij,jk->ik", pair)]
    grid = np.meshgrid(n(2), n(3))
    samples += [S(h.unmeshgrid, tuple(grid), tuple(grid), (n(2), n(3)), "xy", False)]
    spread = np.broadcast_arrays(n(2, 1), n(3))
    samples += [S(h.unbroadcast_each, tuple(spread), tuple(spread), (n(2, 1), n(3)))]
    for xs, ys in (
        ((3, 4), (4, 2)),
        ((4,), (4, 2)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 3, 4), (2, 4, 2)),
        ((4,), (2, 4, 3)),
    ):
        zs = np.matmul(np.ones(xs), np.ones(ys)).shape
        samples += [S(h.matmul_left, n(*zs), n(*ys), len(xs)), S(h.matmul_right, n(*zs), n(*xs), len(ys))]
    samples += [S(h.matmul_right, n(2, 3), n(2, 3, 4), 1), S(h.matmul_left, c(2, 2), c(3, 2), 2)]
    for xs, ys in (((3,), (3,)), ((2, 3), (3, 2)), ((2, 3), (4, 3, 2)), ((), (3,)), ((3,), ())):
        zs = np.dot(np.ones(xs), np.ones(ys)).shape
        samples += [S(h.dot_left, n(*zs), n(*ys), len(xs)), S(h.dot_right, n(*zs), n(*xs), len(ys))]
    for xs, ys in (((3,), (3,)), ((2, 3), (4, 3)), ((), (3,)), ((2, 3), (3,))):
        zs = np.inner(np.ones(xs), np.ones(ys)).shape
        samples += [S(h.inner_left, n(*zs), n(*ys), len(xs)), S(h.inner_right, n(*zs), n(*xs), len(ys))]
    for axes in (1, 2, ([0, 2], [1, 0])):
        a, b = n(3, 3, 3), n(3, 3, 4)
        zs = np.tensordot(a, b, axes).shape
        samples += [S(h.tensordot_left, n(*zs), b, 3, axes), S(h.tensordot_right, n(*zs), a, 3, axes)]
    samples += [S(h.kron_left, n(4, 6), n(2, 3), (2, 2)), S(h.kron_right, n(4, 6), n(2, 2), (2, 3))]
    samples += [
        S(h.einsum_pullback, n(2, 2), "ij,jk->ik", (n(2, 3), n(3, 2))),
        S(h.einsum_pullback, 0.5, "ii->", (n(2, 2),)),
    ]
    return samples + _store_helpers() + _shape_helpers() + _matrix_helpers()


def _store_helpers() -> list[Sample]:
    h, x = numerics, n(2, 3)
    twice = np.array([0, 1, 0])
    samples = [S(h.scatter_add, n(3), 1, x), S(h.scatter_add, n(3), np.array([0, 0, 2]), n(4))]
    samples += [
        S(h.scatter_add, n(2), (slice(None), 1), x),
        S(h.store, x, 0, n(3)),
        S(h.store, x, (slice(None), 1), 0.5),
    ]
    samples += [
        S(h.store, n(3), twice, n(3)),
        S(h.store, n(3), np.array([True, False, True]), n(2)),
        S(h.store, n(3), 1, 0.5),
    ]
    samples += [S(h.store, x, Ellipsis, n(3)), S(h.store, n(3), twice, 0.5)]
    samples += [S(h.gather_stored, n(3), twice, n(3)), S(h.gather_stored, n(3), slice(0, 2), 0.5)]
    samples += [S(h.spread_stored, n(3), twice, n(3)), S(h.spread_stored, 0.5, slice(0, 2), n(3))]
    samples += [S(h.scatter_along_axis, n(2, 2), np.array([[0, 0], [2, 1]]), 1, x), S(h.untake, n(2, 2), [1, 1], 1, x)]
    samples += [S(h.scatter_along_axis, n(2), np.array([0, 0]), None, x), S(h.untake, n(2), np.array([1, 1]), None, x)]
    return samples


def _shape_helpers() -> list[Sample]:
    h, x = numerics, n(2, 3)
    samples = [S(h.split_like, n(3, 3), [x, n(1, 3)]), S(h.split_like, n(2, 4), [x, n(2, 1)], 1)]
    samples += [
        S(h.unstack_like, x, [n(3), n(3)]),
        S(h.unstack_like, x, [n(2)] * 3, 1),
        S(h.unstack_like, n(2), [0.5, 0.5]),
    ]
    samples += [S(h.stack_nested, [n(3), n(3)]), S(h.stack_nested, [n(3), n(3)], 1)]
    samples += [S(h.rows_like, n(3, 3), [x, n(3)], 2, 0), S(h.raise_and_join, [x, n(3)], 2, 0)]
    samples += [S(h.rows_like, n(4), [n(3), 0.5], 1, 1), S(h.raise_and_join, [n(3), 0.5], 1, 1)]
    samples += [S(h.unpad, n(4, 5), x, 1), S(h.undiff, n(2, 2), x), S(h.undiff, n(1, 3), x, 1, 0)]
    samples += [S(h.unrepeat, n(4, 3), x, 2, 0), S(h.untile, n(4, 3), x, (2, 1))]
    samples += [
        S(h.undiagonal, n(2), x, 1),
        S(h.untrace, 0.5, x),
        S(h.undiag, n(3, 3), n(3)),
        S(h.undiag, n(3), n(3, 3)),
    ]
    samples += [S(h.untrapezoid, n(2), x), S(h.unitem, 0.5, (4,), x), S(h.unitem, 0.5, (1, 2), x)]
    samples += [S(h.unmedian, n(2), n(2, 4), 1), S(h.along, x, 0), S(h.along, x, None)]
    samples += [S(h.unalong, n(3, 2), x, 0), S(h.unalong, n(6), x, None)]
    samples += [S(h.recurrence, n(4), n(4)), S(h.recurrence, n(2, 3), n(2, 3)), S(h.recurrence, c(3), c(3))]
    samples += [
        S(h.shifted, n(3), 1, 1.0),
        S(h.shifted, x, -1, 0.0),
        S(h.cumprod_before, n(4)),
        S(h.cumprod_before, c(2, 3)),
    ]
    return samples


def _matrix_helpers() -> list[Sample]:
    h = numerics
    samples = [
        S(h.solve, regular(3), n(3), 1),
        S(h.solve, regular(2, 2), n(2, 2), 1),
        S(h.solve, regular(2), n(2, 3), 2),
    ]
    samples += [
        S(h.outer_last, n(2, 3), n(2, 3), 1),
        S(h.outer_last, n(3, 2), n(3, 2), 2),
        S(h.outer_last, c(2), c(2), 1),
    ]
    samples += [
        S(h.apply, n(3, 3), n(3), 1),
        S(h.apply, n(3, 3), n(3, 2), 2),
        S(h.as_matrix, n(2)),
        S(h.as_matrix, 0.5),
    ]
    samples += [S(h.hermitian, n(3, 3)), S(h.hermitian, c(2, 2)), S(h.half_lower, n(3, 3)), S(h.on_diagonal, n(3))]
    samples += [S(f, a) for f in (h.from_lower, h.onto_lower) for a in (n(3, 3), c(2, 2))]
    samples += [S(h.block_upper, n(2, 2), n(2, 2)), S(h.upper_right, n(4, 4)), S(h.in_upper_right, n(2, 2))]
    samples += [S(h.block_diagonals, n(2, 4, 4))]
    samples += [S(h.inverse_gaps, np.array([1.0, 2.5, 4.0]))]
    x = np.abs(n(3)) + 0.1
    spread = np.full(3, 4.0)
    samples += [S(h.norm_partial, x, spread, p) for p in (None, 1, 3)]
    samples += [S(h.norm_partial, x, np.full(3, np.abs(x).max()), np.inf, kink=True), S(h.cofactor, regular(3), 2.5)]
    return samples


def _transforms() -> list[Sample]:
    fft, samples = np.fft, []
    for f in (fft.fft, fft.ifft, fft.rfft, fft.irfft):
        x = n if f is fft.rfft else c
        samples += [S(f, x(4)), S(f, x(5)), S(f, x(3, 4), axis=0), S(f, x(4), 6), S(f, x(6), n=3), S(f, x(4), n=5)]
        samples += [S(f, x(4), norm=norm) for norm in ("ortho", "forward", "backward")] + [S(f, n(4))]
    for f in (fft.fft2, fft.ifft2, fft.fftn, fft.ifftn):
        samples += [
            S(f, c(2, 3)),
            S(f, c(2, 3, 2), axes=(0, 1), norm="ortho"),
            S(f, n(2, 3)),
            S(f, c(2, 3), (3, 2), (0, 1)),
        ]
    samples += [S(f, x) for f in (fft.fftshift, fft.ifftshift) for x in (n(5), c(2, 3))] + [S(fft.fftshift, n(2, 3), 1)]
    samples += [S(numerics.refit, n(2, 4), n(3, 2)), S(numerics.refit, n(2), n(2))]
    for mode in ("full", "same", "valid"):
        samples += [
            S(np.convolve, n(*a), n(*b), mode) for a, b in (((5,), (3,)), ((2,), (5,)), ((4,), (4,)), ((5,), (2,)))
        ]
        samples += [
            S(np.correlate, n(*a), n(*b), mode) for a, b in (((5,), (3,)), ((2,), (5,)), ((4,), (5,)), ((5,), (2,)))
        ]
        kept = len(np.correlate(n(2), n(5), mode))
        samples += [S(numerics.cut_correlation, n(6), 2, 5, mode), S(numerics.uncut_correlation, n(kept), 2, 5, mode)]
        size = len(np.convolve(n(5), n(2), mode))
        samples += [S(numerics.unconvolve, n(size), n(2), 5, mode), S(numerics.unconvolve, n(size), n(5), 2, mode)]
    samples += [S(np.vander, n(3)), S(np.vander, n(3), 2), S(np.vander, n(2), 4, increasing=True), S(np.vander, c(2), 3)]
    samples += [S(np.vander, np.array([0.0, 0.5]), 4), S(np.vander, n(2), 1), S(np.vander, f32(n(2)))]
    return [*samples, S(np.convolve, c(3), c(2)), S(np.convolve, n(3), c(2), "same")]


def _pieces() -> list[Sample]:
    x = n(2, 3)
    conditions = [x > 0.8, x > 0]
    samples = [S(np.select, conditions, [n(2, 3), n(3)], 0.5), S(np.select, conditions, [n(2, 3), 0.25])]
    samples += [S(np.select, [x[0] > 0], [n(3)], n(2, 1)), S(numerics.unselect, x, conditions, [x, n(3)])]
    xp = np.array([0.0, 1.0, 2.5])
    samples += [S(np.interp, np.array([-1.0, 0.3, 1.7, 2.2, 4.0]), xp, n(3)), S(np.interp, 0.4, xp, n(3))]
    samples += [S(np.interp, np.array([-1.0, 0.3, 4.0]), xp, n(3), left=a, right=b) for a, b in ((0.5, 0.25), (None, 2.0))]
    samples += [S(np.partition, n(5), 2), S(np.partition, n(2, 4), 1, axis=0)]
    samples += [S(np.partition, n(2, 3), [0, 2]), S(np.partition, f32(n(4)), 1)]
    samples += [S(np.partition, n(2, 3), 2, axis=None), S(np.partition, np.array([1.0, 2.0, 1.0]), 1, kink=True)]
    samples += [S(numerics.complex_of, 0.5, -1.5), S(numerics.complex_of, np.float64(0.5), 2.0)]
    mixed_up = np.array([0.9, 1.2, 0.5, 0.1, 1.4, 1.1, 1.3])
    samples += [S(np.interp, np.array([1.0, 1.35, 0.2, 1.05]), mixed_up, n(7)), S(np.interp, 1.0, mixed_up[:4], n(4), 0.3)]
    samples += [S(np.interp, np.array([0.0, 1.0, 2.5]), xp, n(3), kink=True)]
    return samples + _moved_entries() + _quantiles() + _differences()


def _moved_entries() -> list[Sample]:
    x = n(2, 3)
    samples = [S(np.delete, n(4), 1), S(np.delete, x, [0, 2], axis=1), S(np.delete, x, slice(1, 3)), S(np.delete, f32(n(3)), -1)]
    samples += [S(np.insert, n(3), 1, 0.5), S(np.insert, n(3), [0, 2], n(2)), S(np.insert, x, 1, n(2), axis=1)]
    samples += [S(np.insert, x, 0, 0.5, axis=0), S(np.insert, f32(n(3)), 3, 0.5), S(np.insert, x, [1], n(2, 1), 1)]
    samples += [S(np.compress, [True, False, True], n(3)), S(np.compress, np.array([False, True, True]), x, axis=1)]
    samples += [S(np.resize, n(3), (2, 4)), S(np.resize, x, 4), S(np.unique, n(4)), S(np.unique, x)]
    samples += [S(np.unique, np.array([1.0, 0.5, 1.0]), kink=True)]
    places = np.array([[2, -1], [0, 2]])
    return [*samples, S(numerics.put_back, n(2, 2), places, n(3)), S(numerics.put_back, 0.5, places, n(3)), S(numerics.pick, n(3), places)]


def _quantiles() -> list[Sample]:
    x = n(3, 4)
    samples = [S(np.quantile, n(5), 0.3), S(np.quantile, n(5), [0.1, 0.5, 1.0]), S(np.quantile, x, 0.3, axis=1)]
    samples += [S(np.quantile, x, np.array([0.2, 0.7]), 0, keepdims=True), S(np.quantile, x, 0.6, axis=(0, 1), keepdims=True)]
    samples += [S(np.quantile, f32(n(4)), 0.4), S(np.quantile, np.array([1.0, 0.5, 1.0]), 0.7, kink=True)]
    return [*samples, S(np.percentile, n(5), 30), S(np.percentile, x, [10.0, 95.0], axis=1), S(np.percentile, x, 50, keepdims=True)]


def _differences() -> list[Sample]:
    x, at, uneven = n(4, 3), np.array([0.0, 0.5, 2.0, 2.5]), np.array([0.0, 1.0, 2.5, 3.0, 4.5])
    samples = [S(np.gradient, n(5)), S(np.gradient, n(5), 0.5), S(np.gradient, n(5), uneven), S(np.gradient, n(2))]
    samples += [S(np.gradient, n(5), edge_order=2), S(np.gradient, n(5), uneven, edge_order=2), S(np.gradient, x)]
    samples += [S(np.gradient, x, axis=1), S(np.gradient, x, at, 0.5), S(np.gradient, x, 2.0, axis=(1, 0)), S(np.gradient, f32(n(4)))]
    samples += [S(numerics.ungradient, n(4), n(4), (0.5,), None, 1), S(numerics.ungradient, [x, x], x, (at, 2.0), None, 2)]
    return samples


def _factors() -> list[Sample]:
    gapped = np.diag([1.0, 3.0, 6.0]) + 0.2 * n(3, 3)
    tall, wide = np.vstack([gapped, n(1, 3)]), np.hstack([gapped, n(3, 1)])
    singular = gapped - np.mean(gapped, axis=1, keepdims=True)
    samples = [S(np.linalg.svd, a, full_matrices=False) for a in (gapped, tall, wide, np.stack([gapped, gapped.T]))]
    samples += [
        S(np.linalg.svd, singular, kink=True),
        S(np.linalg.svd, gapped),
        S(np.linalg.svdvals, tall),
        S(np.linalg.svdvals, wide),
        S(np.linalg.svdvals, c(2, 2)),
    ]
    samples += [S(np.linalg.qr, a) for a in (gapped, tall, np.stack([tall, tall + 0.3]))] + [
        S(np.linalg.qr, tall, "reduced")
    ]
    samples += [S(np.linalg.pinv, a) for a in (gapped, tall, wide, tall + 1j * n(4, 3))]
    samples += [
        S(numerics.reduced_svd, (n(2, 2), n(2), n(2, 2))),
        S(numerics.reduced_qr, (n(2, 2), n(2, 2)), "reduced"),
    ]
    samples += [S(np.linalg.lstsq, tall, n(4)), S(np.linalg.lstsq, tall, n(4, 2), rcond=None), S(np.linalg.lstsq, gapped, n(3))]
    samples += [S(numerics.columns, n(3)), S(numerics.columns, n(3, 2)), S(numerics.weigh_columns, n(3, 2), n(2))]
    samples += [S(numerics.weigh_columns, n(3, 2), n(0)), S(numerics.column_sums, n(3, 2), n(2)), S(numerics.column_sums, n(3, 2), n(0))]
    samples += [S(numerics.if_tall, n(2, 2), n(3, shape), 0.5) for shape in (2, 3)]
    return [*samples, S(numerics.identity_less, n(3, 3))]


def _averages() -> list[Sample]:
    x = n(2, 3)
    samples = [S(np.average, x), S(np.average, x, 1), S(np.average, x, weights=u(2, 3)), S(np.average, x, 1, u(3))]
    samples += [S(np.average, x, 0, u(2), keepdims=True), S(np.average, n(2, 3, 2), axis=(0, 2), weights=u(2, 3, 2))]
    samples += [S(np.average, c(3), weights=u(3)), S(numerics.spread_weights, u(3), x, 1)]
    samples += [
        S(numerics.spread_tangent, n(3), u(3), x, 1),
        S(numerics.gather_weights, x, u(3), 1),
        S(numerics.gather_weights, x, u(2, 3)),
    ]
    samples += [S(np.ptp, x), S(np.ptp, x, 1), S(np.ptp, x, axis=0, keepdims=True)]
    samples += [S(np.ptp, np.array([1.0, 1.0, 0.0]), kink=True)]
    return [*samples, S(np.arange, 0.1, 0.95, 0.2), S(np.arange, 0.1, 2.05), S(np.arange, 2.5)]


def _constants() -> list[Sample]:
    x = n(2, 3)
    steps = "floor ceil trunc rint round fix around sign"
    samples = [S(getattr(np, name), v) for name in steps.split() for v in (x, 0.7)]
    samples += [S(f, 5.3, 2.1) for f in (np.floor_divide, operator.floordiv)] + [S(np.floor_divide, x, 0.7)]
    return samples


SAMPLES: tuple[Sample, ...] = (
    *_one_argument(),
    *_two_arguments(),
    *_powers(),
    *_kinks_and_steps(),
    *_reductions(),
    *_products(),
    *_einsums(),
    *_matrices(),
    *_norms(),
    *_shapes(),
    *_copies_and_makers(),
    *_sequences(),
    *_selection(),
    *_complex_parts(),
    *_transforms(),
    *_averages(),
    *_pieces(),
    *_factors(),
    *_helpers(),
)

#: Calls whose result does not move with the arguments.
CONSTANTS: tuple[Sample, ...] = tuple(_constants())
