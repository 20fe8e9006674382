"""What are the derivatives of products, solves and factors of matrices?

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.matmul).kind
'bilinear'

Formulas for factorisations follow M. B. Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

import operator

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import pushforward_of, rule


@rule(np.matmul, operator.matmul, bilinear=("x", "y"), broadcasts=True, probe=True)
def matmul(z_bar, z, x, y, /):
    x_bar = numerics.matmul_left(z_bar, y, np.ndim(x))
    y_bar = numerics.matmul_right(z_bar, x, np.ndim(y))
    return x_bar, y_bar


@rule(np.dot, bilinear=("a", "b"), probe=True)
def dot(z_bar, z, a, b):
    a_bar = numerics.dot_left(z_bar, b, np.ndim(a))
    b_bar = numerics.dot_right(z_bar, a, np.ndim(b))
    return a_bar, b_bar


@rule(np.inner, bilinear=("a", "b"), probe=True)
def inner(z_bar, z, a, b, /):
    a_bar = numerics.inner_left(z_bar, b, np.ndim(a))
    b_bar = numerics.inner_right(z_bar, a, np.ndim(b))
    return a_bar, b_bar


@rule(np.outer, bilinear=("a", "b"), probe=True)
def outer(z_bar, z, a, b):
    a_bar = np.reshape(z_bar @ numerics.conj(np.ravel(b)), np.shape(a))
    b_bar = np.reshape(numerics.conj(np.ravel(a)) @ z_bar, np.shape(b))
    return a_bar, b_bar


# vdot conjugates its first argument
@rule(np.vdot, bilinear=("a", "b"), probe=True)
def vdot(z_bar, z, a, b, /):
    a_bar = np.reshape(numerics.conj(z_bar) * np.ravel(b), np.shape(a))
    b_bar = np.reshape(z_bar * np.ravel(a), np.shape(b))
    return a_bar, b_bar


@rule(np.tensordot, bilinear=("a", "b"), probe=True)
def tensordot(z_bar, z, a, b, axes=2):
    a_bar = numerics.tensordot_left(z_bar, b, np.ndim(a), axes)
    b_bar = numerics.tensordot_right(z_bar, a, np.ndim(b), axes)
    return a_bar, b_bar


@rule(np.kron, bilinear=("a", "b"), probe=True)
def kron(z_bar, z, a, b):
    a_bar = numerics.kron_left(z_bar, b, np.shape(a))
    b_bar = numerics.kron_right(z_bar, a, np.shape(b))
    return a_bar, b_bar


@rule(np.cross, numerics.cross, bilinear=("a", "b"), broadcasts=True)
def cross(z_bar, z, a, b, *, axis=None):
    a_bar = numerics.cross(numerics.conj(b), z_bar, axis=axis)
    b_bar = numerics.cross(z_bar, numerics.conj(a), axis=axis)
    return a_bar, b_bar


@rule(np.einsum, inputs=("operands",), sharing="maybe", probe=True)
def einsum(z_bar, z, subscripts, *operands, optimize=False):
    operands_bar = numerics.einsum_pullback(z_bar, subscripts, operands)
    return operands_bar


@pushforward_of(np.einsum)
def einsum_pushforward(operands_dot, z, subscripts, *operands, optimize=False):
    contribution = numerics.einsum_pushforward(operands_dot, subscripts, operands)
    return contribution


@rule(np.trace, linear=("a",), probe=True)
def trace(z_bar, z, a, offset=0, axis1=0, axis2=1):
    a_bar = numerics.untrace(z_bar, a, offset, axis1, axis2)
    return a_bar


@rule(np.linalg.solve, inputs=("a", "b"), broadcasts=True, singular=True, probe=True)
def solve(z_bar, z, a, b):
    b_bar = numerics.solve(numerics.swap_last(numerics.conj(a)), z_bar, np.ndim(b))
    a_bar = -numerics.outer_last(b_bar, z, np.ndim(b))
    return a_bar, b_bar


@pushforward_of(np.linalg.solve)
def solve_pushforward(a_dot, b_dot, z, a, b):
    along_a = -numerics.solve(a, numerics.apply(a_dot, z, np.ndim(b)), np.ndim(b))
    along_b = np.linalg.solve(a, b_dot)
    return along_a, along_b


@rule(np.linalg.inv, singular=True, probe=True)
def inv(z_bar, z, a):
    adjoint = numerics.swap_last(numerics.conj(z))
    a_bar = -(adjoint @ z_bar @ adjoint)
    return a_bar


@pushforward_of(np.linalg.inv)
def inv_pushforward(a_dot, z, a):
    contribution = -(z @ a_dot @ z)
    return contribution


# det * inv(a).T would fail at a singular matrix, where the derivative exists
@rule(np.linalg.det, probe=True)
def det(z_bar, z, a):
    a_bar = numerics.as_matrix(z_bar) * numerics.conj(numerics.cofactor(a, z))
    return a_bar


@pushforward_of(np.linalg.det)
def det_pushforward(a_dot, z, a):
    contribution = np.sum(numerics.cofactor(a, z) * a_dot, axis=(-2, -1))
    return contribution


@rule(np.linalg.slogdet, singular=True, real_only=True)
def slogdet(z_bar, z, a):
    log_bar = numerics.instantiate(z_bar[1], z[1])
    a_bar = numerics.as_matrix(log_bar) * numerics.swap_last(np.linalg.inv(a))
    return a_bar


@pushforward_of(np.linalg.slogdet)
def slogdet_pushforward(a_dot, z, a):
    log_dot = np.sum(numerics.swap_last(np.linalg.inv(a)) * a_dot, axis=(-2, -1))
    return np.zeros_like(z[0]), log_dot


@rule(np.linalg.norm, probe=True)
def norm(z_bar, z, x, ord=None, axis=None, keepdims=False):
    spread = numerics.unreduce(z, x, axis, keepdims)
    slope = numerics.norm_partial(x, spread, ord, axis)
    x_bar = numerics.unreduce(z_bar, x, axis, keepdims) * slope
    return x_bar


@pushforward_of(np.linalg.norm)
def norm_pushforward(x_dot, z, x, ord=None, axis=None, keepdims=False):
    spread = numerics.unreduce(z, x, axis, keepdims)
    slope = numerics.norm_partial(x, spread, ord, axis)
    contribution = np.sum(numerics.real(numerics.conj(slope) * x_dot), axis=axis, keepdims=keepdims)
    return contribution


# NumPy reads the lower triangle only, and that is where the cotangent is
@rule(np.linalg.cholesky, singular=True, probe=True)
def cholesky(z_bar, z, a):
    adjoint = numerics.swap_last(numerics.conj(z))
    middle = numerics.half_lower(adjoint @ z_bar)
    left = np.linalg.solve(adjoint, middle)
    full = numerics.swap_last(numerics.conj(np.linalg.solve(adjoint, numerics.swap_last(numerics.conj(left)))))
    a_bar = numerics.onto_lower(numerics.hermitian(full))
    return a_bar


@pushforward_of(np.linalg.cholesky)
def cholesky_pushforward(a_dot, z, a):
    left = np.linalg.solve(z, numerics.from_lower(a_dot))
    middle = numerics.swap_last(numerics.conj(np.linalg.solve(z, numerics.swap_last(numerics.conj(left)))))
    contribution = z @ numerics.half_lower(middle)
    return contribution


@rule(np.linalg.eigh, singular=True, real_only=True)
def eigh(z_bar, z, a):
    w_bar = numerics.instantiate(z_bar[0], z[0])
    v_bar = numerics.instantiate(z_bar[1], z[1])
    turned = numerics.swap_last(z[1]) @ v_bar
    middle = numerics.inverse_gaps(z[0]) * turned + numerics.on_diagonal(w_bar)
    a_bar = numerics.onto_lower(numerics.hermitian(z[1] @ middle @ numerics.swap_last(z[1])))
    return a_bar


@pushforward_of(np.linalg.eigh)
def eigh_pushforward(a_dot, z, a):
    middle = numerics.swap_last(z[1]) @ numerics.from_lower(a_dot) @ z[1]
    w_dot = np.diagonal(middle, 0, -2, -1)
    v_dot = z[1] @ (numerics.inverse_gaps(z[0]) * middle)
    return w_dot, v_dot


@rule(np.linalg.eigvalsh, real_only=True, probe=True)
def eigvalsh(z_bar, z, a):
    vectors = np.linalg.eigh(a)[1]
    a_bar = numerics.onto_lower((vectors * np.expand_dims(z_bar, -2)) @ numerics.swap_last(vectors))
    return a_bar


@pushforward_of(np.linalg.eigvalsh)
def eigvalsh_pushforward(a_dot, z, a):
    vectors = np.linalg.eigh(a)[1]
    contribution = np.diagonal(numerics.swap_last(vectors) @ numerics.from_lower(a_dot) @ vectors, 0, -2, -1)
    return contribution


@rule(np.linalg.svdvals)
def svdvals(z_bar, z, x):
    factors = numerics.reduced_svd(np.linalg.svd(x, full_matrices=False))
    x_bar = (factors[0] * np.expand_dims(z_bar, -2)) @ factors[2]
    return x_bar


@pushforward_of(np.linalg.svdvals)
def svdvals_pushforward(x_dot, z, x):
    factors = numerics.reduced_svd(np.linalg.svd(x, full_matrices=False))
    left = numerics.swap_last(numerics.conj(factors[0]))
    right = numerics.swap_last(numerics.conj(factors[2]))
    contribution = numerics.real(np.diagonal(left @ x_dot @ right, 0, -2, -1))
    return contribution


@rule(np.linalg.svd, singular=True, real_only=True)
def svd(z_bar, z, a, full_matrices=True):
    factors = numerics.reduced_svd(z)
    u = factors[0]
    s = np.expand_dims(factors[1], -2)
    vh = factors[2]
    ut = numerics.swap_last(u)
    v = numerics.swap_last(vh)
    bars = numerics.instantiate(z_bar, z)
    u_bar = bars[0]
    v_bar = numerics.swap_last(bars[2])
    gaps = numerics.inverse_gaps(np.square(factors[1]))
    turned_u = gaps * (ut @ u_bar - numerics.swap_last(ut @ u_bar))
    turned_v = gaps * (vh @ v_bar - numerics.swap_last(vh @ v_bar))
    middle = turned_u * s + numerics.swap_last(s) * turned_v + numerics.on_diagonal(bars[1])
    # of a square matrix there is no outside: a singular value of 0 would make rounding errors large
    beside_u = numerics.if_tall(numerics.identity_less(u @ ut), u, 0.0)
    beside_v = numerics.if_tall(numerics.identity_less(v @ vh), v, 0.0)
    outside_u = beside_u @ (u_bar / numerics.if_tall(s, u, 1.0)) @ vh
    outside_v = (u / numerics.if_tall(s, v, 1.0)) @ numerics.swap_last(v_bar) @ beside_v
    a_bar = u @ middle @ vh + outside_u + outside_v
    return a_bar


@pushforward_of(np.linalg.svd)
def svd_pushforward(a_dot, z, a, full_matrices=True):
    factors = numerics.reduced_svd(z)
    u = factors[0]
    s = np.expand_dims(factors[1], -2)
    vh = factors[2]
    ut = numerics.swap_last(u)
    v = numerics.swap_last(vh)
    gaps = numerics.inverse_gaps(np.square(factors[1]))
    core = ut @ a_dot @ v
    back = numerics.swap_last(core)
    beside_u = numerics.if_tall(numerics.identity_less(u @ ut), u, 0.0)
    beside_v = numerics.if_tall(numerics.identity_less(v @ vh), v, 0.0)
    inner_u = u @ (gaps * (core * s + numerics.swap_last(s) * back))
    u_dot = inner_u + beside_u @ (a_dot @ v / numerics.if_tall(s, u, 1.0))
    inner_v = v @ (gaps * (numerics.swap_last(s) * core + back * s))
    v_dot = inner_v + beside_v @ (numerics.swap_last(a_dot) @ u / numerics.if_tall(s, v, 1.0))
    return u_dot, np.diagonal(core, 0, -2, -1), numerics.swap_last(v_dot)


# G. H. Golub and V. Pereyra (1973): the derivative of the pseudoinverse, applied to b, at full column rank
@rule(np.linalg.lstsq, inputs=("a", "b"), singular=True, real_only=True)
def lstsq(z_bar, z, a, b, rcond=None):
    bars = numerics.instantiate(z_bar, z)
    factors = np.linalg.svd(a, full_matrices=False)
    inverse = (numerics.swap_last(factors[2]) / factors[1]) @ numerics.swap_last(factors[0])
    x = numerics.columns(z[0])
    left = numerics.columns(b) - a @ x
    spread = numerics.swap_last(inverse) @ numerics.columns(bars[0])
    more = 2 * numerics.weigh_columns(left, bars[1])
    values = (factors[0] * bars[3]) @ factors[2]
    a_bar = left @ numerics.swap_last(inverse @ spread) - (spread + more) @ numerics.swap_last(x) + values
    b_bar = np.reshape(spread + more, np.shape(b))
    return a_bar, b_bar


@pushforward_of(np.linalg.lstsq)
def lstsq_pushforward(a_dot, b_dot, z, a, b, rcond=None):
    factors = np.linalg.svd(a, full_matrices=False)
    inverse = (numerics.swap_last(factors[2]) / factors[1]) @ numerics.swap_last(factors[0])
    x = numerics.columns(z[0])
    left = numerics.columns(b) - a @ x
    moved = a_dot @ x
    turned = inverse @ (numerics.swap_last(inverse) @ (numerics.swap_last(a_dot) @ left)) - inverse @ moved
    values = np.diagonal(numerics.swap_last(factors[0]) @ a_dot @ numerics.swap_last(factors[2]))
    lost = numerics.column_sums(-2 * left * moved, z[1])
    from_a = np.reshape(turned, np.shape(z[0])), lost, 0, values
    gained = numerics.column_sums(2 * left * numerics.columns(b_dot), z[1])
    from_b = np.reshape(inverse @ numerics.columns(b_dot), np.shape(z[0])), gained, 0, np.zeros_like(z[3])
    return from_a, from_b


# S. F. Walter, "Structured higher-order algorithmic differentiation" (2012), section 3.2
@rule(np.linalg.qr, singular=True, real_only=True)
def qr(z_bar, z, a, mode="reduced"):
    factors = numerics.reduced_qr(z, mode)
    q = factors[0]
    r = factors[1]
    bars = numerics.instantiate(z_bar, z)
    middle = r @ numerics.swap_last(bars[1]) - numerics.swap_last(bars[0]) @ q
    scaled = bars[0] + q @ numerics.from_lower(middle)
    a_bar = numerics.swap_last(np.linalg.solve(r, numerics.swap_last(scaled)))
    return a_bar


@pushforward_of(np.linalg.qr)
def qr_pushforward(a_dot, z, a, mode="reduced"):
    factors = numerics.reduced_qr(z, mode)
    q = factors[0]
    r = factors[1]
    scaled = numerics.swap_last(np.linalg.solve(numerics.swap_last(r), numerics.swap_last(a_dot)))
    core = numerics.swap_last(q) @ scaled
    lower = np.tril(core, -1)
    upper = core - lower + numerics.swap_last(lower)
    return scaled - q @ upper, upper @ r


# G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses" (1973), for constant rank
@rule(np.linalg.pinv, singular=True)
def pinv(z_bar, z, a):
    adjoint = numerics.swap_last(numerics.conj(z))
    bar = numerics.swap_last(numerics.conj(z_bar))
    outside = numerics.identity_less(a @ z) @ bar @ z @ adjoint
    inside = adjoint @ z @ bar @ numerics.identity_less(z @ a)
    a_bar = outside + inside - adjoint @ z_bar @ adjoint
    return a_bar


@pushforward_of(np.linalg.pinv)
def pinv_pushforward(a_dot, z, a):
    adjoint = numerics.swap_last(numerics.conj(z))
    dot = numerics.swap_last(numerics.conj(a_dot))
    outside = z @ adjoint @ dot @ numerics.identity_less(a @ z)
    inside = numerics.identity_less(z @ a) @ dot @ adjoint @ z
    contribution = outside + inside - z @ a_dot @ z
    return contribution


@rule(np.convolve, bilinear=("a", "v"))
def convolve(z_bar, z, a, v, mode="full"):
    a_bar = numerics.unconvolve(z_bar, v, np.size(a), mode)
    v_bar = numerics.unconvolve(z_bar, a, np.size(v), mode)
    return a_bar, v_bar


@rule(np.correlate, inputs=("a", "v"), real_only=True)
def correlate(z_bar, z, a, v, mode="valid"):
    full_bar = numerics.uncut_correlation(z_bar, np.size(a), np.size(v), mode)
    a_bar = np.convolve(full_bar, v, "valid")
    v_bar = np.flip(np.correlate(full_bar, a, "valid"))
    return a_bar, v_bar


@pushforward_of(np.correlate)
def correlate_pushforward(a_dot, v_dot, z, a, v, mode="valid"):
    from_a = np.correlate(a_dot, v, mode)
    from_v = np.correlate(a, v_dot, mode)
    return from_a, from_v


@rule(np.vander)
def vander(z_bar, z, x, N=None, increasing=False):
    powers = numerics.vander_powers(z, increasing)
    slopes = powers * np.expand_dims(x, 1) ** np.maximum(powers - 1, 0)
    x_bar = np.sum(z_bar * numerics.conj(slopes), axis=1)
    return x_bar


@pushforward_of(np.vander)
def vander_pushforward(x_dot, z, x, N=None, increasing=False):
    powers = numerics.vander_powers(z, increasing)
    slopes = powers * np.expand_dims(x, 1) ** np.maximum(powers - 1, 0)
    contribution = slopes * np.expand_dims(x_dot, 1)
    return contribution


@rule(np.linalg.matrix_power, sharing="maybe", probe=True)
def matrix_power(z_bar, z, a, n):
    blocks = numerics.block_upper(numerics.swap_last(numerics.conj(a)), z_bar)
    a_bar = numerics.upper_right(np.linalg.matrix_power(blocks, n))
    return a_bar


@pushforward_of(np.linalg.matrix_power)
def matrix_power_pushforward(a_dot, z, a, n):
    contribution = numerics.upper_right(np.linalg.matrix_power(numerics.block_upper(a, a_dot), n))
    return contribution
