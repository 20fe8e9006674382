"""What are the derivatives of the functions that rules call?  With these, higher order works.

Most are linear in the cotangent ``g`` and use the other arguments for their shapes only.

>>> from retrograd.runtime.rules import lookup
>>> lookup(numerics.unbroadcast).inputs
('g',)
"""

from __future__ import annotations

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import elementwise, pushforward_of, rule


@rule(numerics.unbroadcast, linear=("g",), sharing="maybe")
def unbroadcast(z_bar, z, g, x):
    g_bar = numerics.broadcast_like(z_bar, g)
    return g_bar


@rule(numerics.broadcast_like, linear=("g",), sharing="view")
def broadcast_like(z_bar, z, g, x):
    g_bar = numerics.unbroadcast(z_bar, g)
    return g_bar


@rule(numerics.cast_like, linear=("g",), sharing="maybe")
def cast_like(z_bar, z, g, x):
    g_bar = z_bar
    return g_bar


@rule(numerics.unreduce, linear=("g",), sharing="view")
def unreduce(z_bar, z, g, x, axis=None, keepdims=False):
    g_bar = np.reshape(np.sum(z_bar, axis=axis, keepdims=keepdims), np.shape(g))
    return g_bar


@rule(numerics.merge_axes, linear=("x",), sharing="maybe")
def merge_axes(z_bar, z, x, axis=None):
    x_bar = numerics.split_axes(z_bar, x, axis)
    return x_bar


@rule(numerics.split_axes, linear=("g",), sharing="maybe")
def split_axes(z_bar, z, g, x, axis=None):
    g_bar = numerics.merge_axes(z_bar, axis)
    return g_bar


@rule(numerics.instantiate, linear=("g",), sharing="maybe")
def instantiate(z_bar, z, g, like):
    g_bar = z_bar
    return g_bar


@rule(numerics.reshape_back, linear=("g",), sharing="maybe")
def reshape_back(z_bar, z, g, x, order="C"):
    g_bar = numerics.reshape_back(z_bar, g, order)
    return g_bar


# -- zeros, kinks and poles ----------------------------------------------------------------------------


@rule(numerics.strong, bilinear=("g", "partial"), broadcasts=True)
def strong(z_bar, z, g, partial):
    g_bar = numerics.strong(z_bar, numerics.conj(partial))
    partial_bar = z_bar * numerics.conj(g)
    return g_bar, partial_bar


@rule(numerics.divide_or_zero, inputs=("g", "y"), broadcasts=True)
def divide_or_zero(z_bar, z, g, y):
    g_bar = numerics.divide_or_zero(z_bar, numerics.conj(y))
    y_bar = -g_bar * numerics.conj(z)
    return g_bar, y_bar


@pushforward_of(numerics.divide_or_zero)
def divide_or_zero_pushforward(g_dot, y_dot, z, g, y):
    return numerics.divide_or_zero(g_dot, y), -numerics.divide_or_zero(y_dot, y) * z


@rule(numerics.reduced_exponent, inputs=("y",), flat=("x",), broadcasts=True)
def reduced_exponent(z_bar, z, x, y):
    y_bar = z_bar
    return y_bar


@pushforward_of(numerics.reduced_exponent)
def reduced_exponent_pushforward(y_dot, z, x, y):
    contribution = y_dot
    return contribution


# by x and by the modulus together: 0 for real x, whose sign does not move
@rule(numerics.phase, inputs=("x", "modulus"), broadcasts=True)
def phase(z_bar, z, x, modulus):
    x_bar = numerics.divide_or_zero(z_bar, modulus)
    modulus_bar = -numerics.real(numerics.conj(z) * x_bar)
    return x_bar, modulus_bar


@pushforward_of(numerics.phase)
def phase_pushforward(x_dot, modulus_dot, z, x, modulus):
    from_x = numerics.divide_or_zero(x_dot, modulus)
    from_modulus = -numerics.divide_or_zero(modulus_dot, modulus) * z
    return from_x, from_modulus


elementwise("quotient", ("quotient(1, y)", "-quotient(z, y)"), numerics.quotient, singular=True, real_only=True)
elementwise("safe_log", ("divide_or_zero(1.0, x)",), numerics.safe_log)
elementwise("digamma", ("polygamma(1, x)",), numerics.digamma, singular=True, real_only=True)


@rule(numerics.polygamma, inputs=("x",), singular=True, real_only=True)
def polygamma(z_bar, z, n, x):
    x_bar = z_bar * numerics.polygamma(n + 1, x)
    return x_bar


@pushforward_of(numerics.polygamma)
def polygamma_pushforward(x_dot, z, n, x):
    contribution = x_dot * numerics.polygamma(n + 1, x)
    return contribution


@rule(numerics.spread_weights, linear=("weights",), sharing="view")
def spread_weights(z_bar, z, weights, a, axis=None):
    weights_bar = numerics.gather_weights(z_bar, weights, axis)
    return weights_bar


@rule(numerics.spread_tangent, linear=("dot",), sharing="view")
def spread_tangent(z_bar, z, dot, weights, a, axis=None):
    dot_bar = numerics.gather_weights(z_bar, dot, axis)
    return dot_bar


@rule(numerics.gather_weights, linear=("g",), sharing="maybe")
def gather_weights(z_bar, z, g, weights, axis=None):
    g_bar = numerics.spread_weights(z_bar, g, axis)
    return g_bar


# -- products ------------------------------------------------------------------------------------------


@rule(numerics.matmul_left, bilinear=("z_bar", "y"), broadcasts=True)
def matmul_left(w_bar, w, z_bar, y, ndim_x):
    z_bar_bar = np.matmul(w_bar, y)
    y_bar = numerics.matmul_right(z_bar, w_bar, np.ndim(y))
    return z_bar_bar, y_bar


@rule(numerics.matmul_right, bilinear=("z_bar", "x"), broadcasts=True)
def matmul_right(w_bar, w, z_bar, x, ndim_y):
    z_bar_bar = np.matmul(x, w_bar)
    x_bar = numerics.matmul_left(z_bar, w_bar, np.ndim(x))
    return z_bar_bar, x_bar


@rule(numerics.dot_left, bilinear=("z_bar", "b"))
def dot_left(w_bar, w, z_bar, b, ndim_a):
    z_bar_bar = np.dot(w_bar, b)
    b_bar = numerics.dot_right(z_bar, w_bar, np.ndim(b))
    return z_bar_bar, b_bar


@rule(numerics.dot_right, bilinear=("z_bar", "a"))
def dot_right(w_bar, w, z_bar, a, ndim_b):
    z_bar_bar = np.dot(a, w_bar)
    a_bar = numerics.dot_left(z_bar, w_bar, np.ndim(a))
    return z_bar_bar, a_bar


@rule(numerics.inner_left, bilinear=("z_bar", "b"))
def inner_left(w_bar, w, z_bar, b, ndim_a):
    z_bar_bar = np.inner(w_bar, b)
    b_bar = numerics.inner_right(z_bar, w_bar, np.ndim(b))
    return z_bar_bar, b_bar


@rule(numerics.inner_right, bilinear=("z_bar", "a"))
def inner_right(w_bar, w, z_bar, a, ndim_b):
    z_bar_bar = np.inner(a, w_bar)
    a_bar = numerics.inner_left(z_bar, w_bar, np.ndim(a))
    return z_bar_bar, a_bar


@rule(numerics.tensordot_left, bilinear=("z_bar", "b"))
def tensordot_left(w_bar, w, z_bar, b, ndim_a, axes=2):
    z_bar_bar = np.tensordot(w_bar, b, axes)
    b_bar = numerics.tensordot_right(z_bar, w_bar, np.ndim(b), axes)
    return z_bar_bar, b_bar


@rule(numerics.tensordot_right, bilinear=("z_bar", "a"))
def tensordot_right(w_bar, w, z_bar, a, ndim_b, axes=2):
    z_bar_bar = np.tensordot(a, w_bar, axes)
    a_bar = numerics.tensordot_left(z_bar, w_bar, np.ndim(a), axes)
    return z_bar_bar, a_bar


@rule(numerics.kron_left, bilinear=("z_bar", "b"))
def kron_left(w_bar, w, z_bar, b, shape_a):
    z_bar_bar = np.kron(w_bar, b)
    b_bar = numerics.kron_right(z_bar, w_bar, np.shape(b))
    return z_bar_bar, b_bar


@rule(numerics.kron_right, bilinear=("z_bar", "a"))
def kron_right(w_bar, w, z_bar, a, shape_b):
    z_bar_bar = np.kron(a, w_bar)
    a_bar = numerics.kron_left(z_bar, w_bar, np.shape(a))
    return z_bar_bar, a_bar


@rule(numerics.einsum_pullback, inputs=("z_bar", "operands"), sharing="maybe")
def einsum_pullback(w_bar, w, z_bar, subscripts, operands):
    """The pullback of the pullback is, in the cotangent, the pushforward."""
    z_bar_bar = numerics.einsum_pushforward(w_bar, subscripts, operands)
    operands_bar = numerics.einsum_second(w_bar, z_bar, subscripts, operands)
    return z_bar_bar, operands_bar


@pushforward_of(numerics.einsum_pullback)
def einsum_pullback_pushforward(z_bar_dot, operands_dot, w, z_bar, subscripts, operands):
    along_z = numerics.einsum_pullback(z_bar_dot, subscripts, operands)
    along_operands = numerics.einsum_second(operands_dot, z_bar, subscripts, operands)
    return along_z, along_operands


@rule(numerics.einsum_pushforward, inputs=("dots", "operands"))
def einsum_pushforward(w_bar, w, dots, subscripts, operands):
    dots_bar = numerics.einsum_pullback(w_bar, subscripts, operands)
    operands_bar = numerics.einsum_second(dots, w_bar, subscripts, operands)
    return dots_bar, operands_bar


@pushforward_of(numerics.einsum_pushforward)
def einsum_pushforward_pushforward(dots_dot, operands_dot, w, dots, subscripts, operands):
    along_dots = numerics.einsum_pushforward(dots_dot, subscripts, operands)
    along_operands = numerics.einsum_mixed(dots, operands_dot, subscripts, operands)
    return along_dots, along_operands


@rule(numerics.unconvolve, bilinear=("g", "v"))
def unconvolve(z_bar, z, g, v, n, mode="full"):
    g_bar = np.convolve(z_bar, v, mode)
    v_bar = numerics.unconvolve(g, z_bar, np.size(v), mode)
    return g_bar, v_bar


@rule(numerics.cut_correlation, linear=("full",), sharing="view")
def cut_correlation(z_bar, z, full, n, m, mode):
    full_bar = numerics.uncut_correlation(z_bar, n, m, mode)
    return full_bar


@rule(numerics.uncut_correlation, linear=("g",))
def uncut_correlation(z_bar, z, g, n, m, mode):
    g_bar = numerics.cut_correlation(z_bar, n, m, mode)
    return g_bar


@rule(numerics.refit, linear=("g",), sharing="maybe")
def refit(z_bar, z, g, x):
    g_bar = numerics.refit(z_bar, g)
    return g_bar


# -- indexing and stores -------------------------------------------------------------------------------


@rule(numerics.scatter_add, linear=("g",))
def scatter_add(z_bar, z, g, key, x):
    g_bar = z_bar[key]
    return g_bar


@rule(numerics.store, inputs=("a", "v"))
def store(z_bar, z, a, key, v):
    a_bar = numerics.store(z_bar, key, 0)
    v_bar = numerics.gather_stored(z_bar, key, v)
    return a_bar, v_bar


@pushforward_of(numerics.store)
def store_pushforward(a_dot, v_dot, z, a, key, v):
    from_a = numerics.store(a_dot, key, 0)
    from_v = numerics.spread_stored(v_dot, key, z)
    return from_a, from_v


@rule(numerics.gather_stored, linear=("g",), sharing="maybe")
def gather_stored(z_bar, z, g, key, v):
    g_bar = numerics.spread_stored(z_bar, key, g)
    return g_bar


@rule(numerics.spread_stored, linear=("v",))
def spread_stored(z_bar, z, v, key, g):
    v_bar = numerics.gather_stored(z_bar, key, v)
    return v_bar


@rule(numerics.scatter_along_axis, linear=("g",))
def scatter_along_axis(z_bar, z, g, indices, axis, x):
    g_bar = np.take_along_axis(z_bar, indices, axis)
    return g_bar


@rule(numerics.untake, linear=("g",))
def untake(z_bar, z, g, indices, axis, x):
    g_bar = np.take(z_bar, indices, axis)
    return g_bar


@rule(numerics.unselect, linear=("g",))
def unselect(z_bar, z, g, condlist, choicelist):
    g_bar = numerics.broadcast_like(np.select(condlist, z_bar, 0), g)
    return g_bar


# -- sequences of arrays -------------------------------------------------------------------------------


@rule(numerics.split_like, linear=("g",), sharing="maybe")
def split_like(z_bar, z, g, arrays, axis=0):
    g_bar = np.concatenate(z_bar, axis)
    return g_bar


@rule(numerics.unstack_like, linear=("g",), sharing="maybe")
def unstack_like(z_bar, z, g, arrays, axis=0):
    g_bar = numerics.stack_nested(z_bar, axis)
    return g_bar


@rule(numerics.stack_nested, linear=("arrays",))
def stack_nested(z_bar, z, arrays, axis=0):
    arrays_bar = numerics.unstack_like(z_bar, arrays, axis)
    return arrays_bar


@rule(numerics.rows_like, linear=("g",), sharing="maybe")
def rows_like(z_bar, z, g, arrays, rank, axis):
    g_bar = numerics.raise_and_join(z_bar, rank, axis)
    return g_bar


@rule(numerics.raise_and_join, linear=("arrays",))
def raise_and_join(z_bar, z, arrays, rank, axis):
    arrays_bar = numerics.rows_like(z_bar, arrays, rank, axis)
    return arrays_bar


# -- the transposes of linear shape functions ----------------------------------------------------------


@rule(numerics.unpad, linear=("g",), sharing="view")
def unpad(z_bar, z, g, x, pad_width, mode="constant"):
    g_bar = np.pad(z_bar, pad_width)
    return g_bar


@rule(numerics.undiff, linear=("g",), sharing="maybe")
def undiff(z_bar, z, g, x, n=1, axis=-1):
    g_bar = np.diff(z_bar, n, axis)
    return g_bar


@rule(numerics.unrepeat, linear=("g",))
def unrepeat(z_bar, z, g, x, repeats, axis=None):
    g_bar = np.repeat(z_bar, repeats, axis)
    return g_bar


@rule(numerics.untile, linear=("g",))
def untile(z_bar, z, g, x, reps):
    g_bar = np.tile(z_bar, reps)
    return g_bar


@rule(numerics.undiagonal, linear=("g",))
def undiagonal(z_bar, z, g, x, offset=0, axis1=0, axis2=1):
    g_bar = np.diagonal(z_bar, offset, axis1, axis2)
    return g_bar


@rule(numerics.untrace, linear=("g",))
def untrace(z_bar, z, g, x, offset=0, axis1=0, axis2=1):
    g_bar = np.trace(z_bar, offset, axis1, axis2)
    return g_bar


@rule(numerics.undiag, linear=("g",), sharing="maybe")
def undiag(z_bar, z, g, x, k=0):
    g_bar = numerics.undiag(z_bar, g, k)
    return g_bar


@rule(numerics.untrapezoid, linear=("g",))
def untrapezoid(z_bar, z, g, y, dx=1.0, axis=-1):
    g_bar = np.trapezoid(z_bar, dx=dx, axis=axis)
    return g_bar


@rule(numerics.unitem, linear=("g",))
def unitem(z_bar, z, g, args, x):
    g_bar = numerics.item(z_bar, *args)
    return g_bar


# which entries are in the middle does not move with x
@rule(numerics.unmedian, inputs=("g",), flat=("x",))
def unmedian(z_bar, z, g, x, axis=None, keepdims=False):
    weights = numerics.unmedian(np.ones_like(g), x, axis, keepdims)
    g_bar = np.sum(z_bar * weights, axis=axis, keepdims=keepdims)
    return g_bar


@pushforward_of(numerics.unmedian)
def unmedian_pushforward(g_dot, z, g, x, axis=None, keepdims=False):
    contribution = numerics.unmedian(g_dot, x, axis, keepdims)
    return contribution


@rule(numerics.put_back, linear=("g",))
def put_back(z_bar, z, g, where, x):
    g_bar = numerics.unbroadcast(numerics.pick(z_bar, where), g)
    return g_bar


@rule(numerics.pick, linear=("x",))
def pick(z_bar, z, x, where):
    x_bar = numerics.put_back(z_bar, where, x)
    return x_bar


@rule(numerics.ungradient, linear=("g",))
def ungradient(z_bar, z, g, f, spacings, axis, edge_order):
    g_bar = np.gradient(z_bar, *spacings, axis=axis, edge_order=edge_order)
    return g_bar


@rule(numerics.unmeshgrid, linear=("g",))
def unmeshgrid(z_bar, z, g, outputs, xi, indexing, sparse):
    g_bar = np.meshgrid(*z_bar, indexing=indexing, sparse=sparse)
    return g_bar


@rule(numerics.unbroadcast_each, linear=("g",))
def unbroadcast_each(z_bar, z, g, outputs, args):
    g_bar = np.broadcast_arrays(*z_bar)
    return g_bar


# -- recurrences ---------------------------------------------------------------------------------------


# s[i] = b[i] + a[i] s[i-1]: the transpose is the same recurrence from the other end
@rule(numerics.recurrence, inputs=("b", "a"))
def recurrence(z_bar, z, b, a):
    factors = numerics.conj(np.flip(numerics.shifted(a, -1, 0.0), -1))
    b_bar = np.flip(numerics.recurrence(np.flip(z_bar, -1), factors), -1)
    a_bar = b_bar * numerics.conj(numerics.shifted(z, 1, 0.0))
    return b_bar, a_bar


@pushforward_of(numerics.recurrence)
def recurrence_pushforward(b_dot, a_dot, z, b, a):
    from_b = numerics.recurrence(b_dot, a)
    from_a = numerics.recurrence(a_dot * numerics.shifted(z, 1, 0.0), a)
    return from_b, from_a


@rule(numerics.shifted)
def shifted(z_bar, z, x, by, fill):
    x_bar = numerics.shifted(z_bar, -by, 0.0)
    return x_bar


@pushforward_of(numerics.shifted)
def shifted_pushforward(x_dot, z, x, by, fill):
    contribution = numerics.shifted(x_dot, by, 0.0)
    return contribution


@rule(numerics.cumprod_before)
def cumprod_before(z_bar, z, x):
    factors = numerics.conj(np.flip(x, -1))
    later = np.flip(numerics.shifted(z_bar, -1, 0.0), -1)
    x_bar = np.flip(numerics.recurrence(later, numerics.shifted(factors, 1, 0.0)), -1) * numerics.conj(z)
    return x_bar


@pushforward_of(numerics.cumprod_before)
def cumprod_before_pushforward(x_dot, z, x):
    contribution = numerics.recurrence(numerics.shifted(x_dot * z, 1, 0.0), numerics.shifted(x, 1, 0.0))
    return contribution


@rule(numerics.along, linear=("x",), sharing="maybe")
def along(z_bar, z, x, axis):
    x_bar = numerics.unalong(z_bar, x, axis)
    return x_bar


@rule(numerics.unalong, linear=("g",), sharing="maybe")
def unalong(z_bar, z, g, x, axis):
    g_bar = np.reshape(numerics.along(z_bar, axis), np.shape(g))
    return g_bar


# -- linear algebra ------------------------------------------------------------------------------------


@rule(numerics.solve, inputs=("a", "b"), broadcasts=True, singular=True)
def solve(z_bar, z, a, b, ndim_b):
    b_bar = numerics.solve(numerics.swap_last(numerics.conj(a)), z_bar, ndim_b)
    a_bar = -numerics.outer_last(b_bar, z, ndim_b)
    return a_bar, b_bar


@pushforward_of(numerics.solve)
def solve_pushforward(a_dot, b_dot, z, a, b, ndim_b):
    along_a = -numerics.solve(a, numerics.apply(a_dot, z, ndim_b), ndim_b)
    along_b = numerics.solve(a, b_dot, ndim_b)
    return along_a, along_b


@rule(numerics.outer_last, bilinear=("x", "y"), broadcasts=True)
def outer_last(z_bar, z, x, y, ndim_b):
    x_bar = numerics.apply(z_bar, y, ndim_b)
    y_bar = numerics.apply(numerics.swap_last(numerics.conj(z_bar)), x, ndim_b)
    return x_bar, y_bar


@rule(numerics.apply, bilinear=("a", "x"), broadcasts=True)
def apply(z_bar, z, a, x, ndim_b):
    a_bar = numerics.outer_last(z_bar, x, ndim_b)
    x_bar = numerics.apply(numerics.swap_last(numerics.conj(a)), z_bar, ndim_b)
    return a_bar, x_bar


@rule(numerics.as_matrix, linear=("x",), sharing="view")
def as_matrix(z_bar, z, x):
    x_bar = np.reshape(z_bar, np.shape(x))
    return x_bar


@rule(numerics.columns, linear=("x",), sharing="view")
def columns(z_bar, z, x):
    x_bar = np.reshape(z_bar, np.shape(x))
    return x_bar


@rule(numerics.weigh_columns, bilinear=("x", "weights"))
def weigh_columns(z_bar, z, x, weights):
    x_bar = numerics.weigh_columns(z_bar, weights)
    weights_bar = numerics.column_sums(z_bar * x, weights)
    return x_bar, weights_bar


@rule(numerics.column_sums, linear=("x",))
def column_sums(z_bar, z, x, like):
    x_bar = numerics.weigh_columns(np.ones_like(x), z_bar)
    return x_bar


@rule(numerics.reduced_svd, linear=("factors",), sharing="view")
def reduced_svd(z_bar, z, factors):
    factors_bar = z_bar
    return factors_bar


@rule(numerics.reduced_qr, linear=("factors",), sharing="view")
def reduced_qr(z_bar, z, factors, mode):
    factors_bar = z_bar
    return factors_bar


@rule(numerics.identity_less)
def identity_less(z_bar, z, x):
    x_bar = -z_bar
    return x_bar


@pushforward_of(numerics.identity_less)
def identity_less_pushforward(x_dot, z, x):
    contribution = -x_dot
    return contribution


@rule(numerics.if_tall, flat=("u",), sharing="maybe", probe=True)
def if_tall(z_bar, z, x, u, other):
    x_bar = numerics.if_tall(z_bar, u, 0.0)
    return x_bar


@pushforward_of(numerics.if_tall)
def if_tall_pushforward(x_dot, z, x, u, other):
    contribution = numerics.if_tall(x_dot, u, 0.0)
    return contribution


@rule(numerics.hermitian, linear=("x",))
def hermitian(z_bar, z, x):
    x_bar = numerics.hermitian(z_bar)
    return x_bar


@rule(numerics.half_lower, linear=("x",))
def half_lower(z_bar, z, x):
    x_bar = numerics.half_lower(z_bar)
    return x_bar


@rule(numerics.from_lower, linear=("x",))
def from_lower(z_bar, z, x):
    x_bar = numerics.onto_lower(z_bar)
    return x_bar


@rule(numerics.onto_lower, linear=("g",))
def onto_lower(z_bar, z, g):
    g_bar = numerics.from_lower(z_bar)
    return g_bar


@rule(numerics.block_upper, inputs=("a", "direction"))
def block_upper(z_bar, z, a, direction):
    a_bar = numerics.block_diagonals(z_bar)
    direction_bar = numerics.upper_right(z_bar)
    return a_bar, direction_bar


@pushforward_of(numerics.block_upper)
def block_upper_pushforward(a_dot, direction_dot, z, a, direction):
    from_a = numerics.block_upper(a_dot, np.zeros_like(direction))
    from_direction = numerics.in_upper_right(direction_dot)
    return from_a, from_direction


@rule(numerics.upper_right, linear=("x",), sharing="view")
def upper_right(z_bar, z, x):
    x_bar = numerics.in_upper_right(z_bar)
    return x_bar


@rule(numerics.in_upper_right, linear=("g",))
def in_upper_right(z_bar, z, g):
    g_bar = numerics.upper_right(z_bar)
    return g_bar


@rule(numerics.block_diagonals, linear=("x",))
def block_diagonals(z_bar, z, x):
    x_bar = numerics.block_upper(z_bar, np.zeros_like(z_bar))
    return x_bar


@rule(numerics.on_diagonal, linear=("x",))
def on_diagonal(z_bar, z, x):
    x_bar = np.diagonal(z_bar, 0, -2, -1)
    return x_bar


# d (1/g) = -dg/g**2, antisymmetric in the two eigenvalues of a gap
@rule(numerics.inverse_gaps, singular=True)
def inverse_gaps(z_bar, z, w):
    weighted = z_bar * np.square(z)
    w_bar = np.sum(weighted, axis=-1) - np.sum(weighted, axis=-2)
    return w_bar


@pushforward_of(numerics.inverse_gaps)
def inverse_gaps_pushforward(w_dot, z, w):
    gaps_dot = w_dot[..., None, :] - w_dot[..., :, None]
    contribution = -gaps_dot * np.square(z)
    return contribution


# elementwise in x and in the norm z, which is spread to the shape of x
@rule(numerics.norm_partial, inputs=("x", "norm"), real_only=True)
def norm_partial(z_bar, z, x, norm, ord=None, axis=None):
    x_bar = z_bar * numerics.norm_curvature(x, norm, ord, axis)
    norm_bar = z_bar * numerics.norm_bend(x, norm, ord, axis)
    return x_bar, norm_bar


@pushforward_of(numerics.norm_partial)
def norm_partial_pushforward(x_dot, norm_dot, z, x, norm, ord=None, axis=None):
    from_x = x_dot * numerics.norm_curvature(x, norm, ord, axis)
    from_norm = norm_dot * numerics.norm_bend(x, norm, ord, axis)
    return from_x, from_norm


@rule(numerics.cofactor, inputs=("a", "det"), singular=True)
def cofactor(z_bar, z, a, det):
    """The cofactors are ``det * inv(a).T``; their derivative is taken where that is defined."""
    inverse = numerics.swap_last(numerics.conj(np.linalg.inv(a)))
    inverse_bar = numerics.swap_last(z_bar) * numerics.conj(numerics.as_matrix(det))
    a_bar = -(inverse @ inverse_bar @ inverse)
    det_bar = np.sum(z_bar * inverse, axis=(-2, -1))
    return a_bar, det_bar


@pushforward_of(numerics.cofactor)
def cofactor_pushforward(a_dot, det_dot, z, a, det):
    inverse = np.linalg.inv(a)
    from_a = -numerics.swap_last(inverse @ a_dot @ inverse) * numerics.as_matrix(det)
    from_det = numerics.as_matrix(det_dot) * numerics.swap_last(inverse)
    return from_a, from_det


# -- covariances, sinc ---------------------------------------------------------------------------------


@rule(numerics.centred_rows, linear=("m",), probe=True)
def centred_rows(z_bar, z, m, rowvar=True):
    m_bar = numerics.uncentred_rows(z_bar, m, rowvar)
    return m_bar


@rule(numerics.uncentred_rows, linear=("g",), probe=True)
def uncentred_rows(z_bar, z, g, m, rowvar=True):
    g_bar = numerics.centred_rows(z_bar, rowvar)
    return g_bar


elementwise("sinc", ("sinc_slope(1, x)",), np.sinc, real_only=True)


@rule(numerics.sinc_slope, inputs=("x",), real_only=True)
def sinc_slope(z_bar, z, n, x):
    x_bar = z_bar * numerics.sinc_slope(n + 1, x)
    return x_bar


@pushforward_of(numerics.sinc_slope)
def sinc_slope_pushforward(x_dot, z, n, x):
    contribution = x_dot * numerics.sinc_slope(n + 1, x)
    return contribution
