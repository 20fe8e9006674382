"""What are the derivatives of sums, products and extremes along axes?

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.sum).pullback(1.0, 3.0, np.array([1.0, 2.0]))
array([1., 1.])

Keywords that NumPy places behind ``dtype`` and ``out`` are keyword-only here.
"""

from __future__ import annotations

import math

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import pushforward_of, rule


@rule(np.sum, linear=("a",), probe=True)
def sum(z_bar, z, a, axis=None, *, keepdims=False):
    a_bar = numerics.unreduce(z_bar, a, axis, keepdims)
    return a_bar


@rule(np.mean, linear=("a",), probe=True)
def mean(z_bar, z, a, axis=None, *, keepdims=False):
    a_bar = numerics.unreduce(z_bar / numerics.count(a, axis), a, axis, keepdims)
    return a_bar


# z / a would divide by zero; the product of the others is finite there
@rule(np.prod, probe=True)
def prod(z_bar, z, a, axis=None, *, keepdims=False):
    merged = numerics.merge_axes(a, axis)
    before = numerics.cumprod_before(merged)
    after = np.flip(numerics.cumprod_before(np.flip(merged, -1)), -1)
    others = numerics.split_axes(before * after, a, axis)
    a_bar = numerics.unreduce(z_bar, a, axis, keepdims) * numerics.conj(others)
    return a_bar


@pushforward_of(np.prod)
def prod_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    merged = numerics.merge_axes(a, axis)
    before = numerics.cumprod_before(merged)
    after = np.flip(numerics.cumprod_before(np.flip(merged, -1)), -1)
    others = numerics.split_axes(before * after, a, axis)
    contribution = np.sum(a_dot * others, axis=axis, keepdims=keepdims)
    return contribution


# ties share evenly: the mean of the gradients on either side of the kink
@rule(np.min, np.amin, real_only=True, probe=True)
@rule(np.max, np.amax, real_only=True, probe=True)
def max(z_bar, z, a, axis=None, *, keepdims=False):
    peak = numerics.same(a, numerics.unreduce(z, a, axis, keepdims))
    ties = np.sum(peak, axis=axis, keepdims=keepdims)
    a_bar = np.where(peak, numerics.unreduce(z_bar / ties, a, axis, keepdims), 0)
    return a_bar


@pushforward_of(np.min)
@pushforward_of(np.max)
def max_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    peak = numerics.same(a, numerics.unreduce(z, a, axis, keepdims))
    ties = np.sum(peak, axis=axis, keepdims=keepdims)
    contribution = np.sum(np.where(peak, a_dot, 0), axis=axis, keepdims=keepdims) / ties
    return contribution


@rule(np.var, probe=True)
def var(z_bar, z, a, axis=None, *, ddof=0, keepdims=False):
    centred = a - np.mean(a, axis=axis, keepdims=True)
    scale = 2 / (numerics.count(a, axis) - ddof)
    a_bar = numerics.unreduce(z_bar * scale, a, axis, keepdims) * centred
    return a_bar


@pushforward_of(np.var)
def var_pushforward(a_dot, z, a, axis=None, *, ddof=0, keepdims=False):
    centred = a - np.mean(a, axis=axis, keepdims=True)
    scale = 2 / (numerics.count(a, axis) - ddof)
    contribution = np.sum(numerics.real(numerics.conj(centred) * a_dot), axis=axis, keepdims=keepdims) * scale
    return contribution


# a standard deviation is a norm: its subgradient at 0 is 0
@rule(np.std, probe=True)
def std(z_bar, z, a, axis=None, *, ddof=0, keepdims=False):
    centred = a - np.mean(a, axis=axis, keepdims=True)
    scaled = numerics.divide_or_zero(z_bar, z) / (numerics.count(a, axis) - ddof)
    a_bar = numerics.unreduce(scaled, a, axis, keepdims) * centred
    return a_bar


@pushforward_of(np.std)
def std_pushforward(a_dot, z, a, axis=None, *, ddof=0, keepdims=False):
    centred = a - np.mean(a, axis=axis, keepdims=True)
    total = np.sum(numerics.real(numerics.conj(centred) * a_dot), axis=axis, keepdims=keepdims)
    contribution = numerics.divide_or_zero(total, z) / (numerics.count(a, axis) - ddof)
    return contribution


@rule(np.ptp, real_only=True)
def ptp(z_bar, z, a, axis=None, *, keepdims=False):
    high = numerics.same(a, np.max(a, axis=axis, keepdims=True))
    low = numerics.same(a, np.min(a, axis=axis, keepdims=True))
    from_high = high / np.sum(high, axis=axis, keepdims=True)
    from_low = low / np.sum(low, axis=axis, keepdims=True)
    a_bar = numerics.unreduce(z_bar, a, axis, keepdims) * (from_high - from_low)
    return a_bar


@pushforward_of(np.ptp)
def ptp_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    high = numerics.same(a, np.max(a, axis=axis, keepdims=True))
    low = numerics.same(a, np.min(a, axis=axis, keepdims=True))
    from_high = high / np.sum(high, axis=axis, keepdims=True)
    from_low = low / np.sum(low, axis=axis, keepdims=True)
    contribution = np.sum(a_dot * (from_high - from_low), axis=axis, keepdims=keepdims)
    return contribution


@rule(np.average, inputs=("a", "weights"))
def average(z_bar, z, a, axis=None, weights=None, *, keepdims=False):
    spread = numerics.spread_weights(weights, a, axis)
    total = np.sum(spread, axis=axis, keepdims=True)
    scaled = numerics.unreduce(z_bar, a, axis, keepdims) / numerics.conj(total)
    a_bar = scaled * numerics.conj(spread)
    centred = a - numerics.unreduce(z, a, axis, keepdims)
    weights_bar = numerics.gather_weights(scaled * numerics.conj(centred), weights, axis)
    return a_bar, weights_bar


@pushforward_of(np.average)
def average_pushforward(a_dot, weights_dot, z, a, axis=None, weights=None, *, keepdims=False):
    spread = numerics.spread_weights(weights, a, axis)
    total = np.sum(spread, axis=axis, keepdims=True)
    from_a = np.sum(a_dot * (spread / total), axis=axis, keepdims=keepdims)
    centred = (a - numerics.unreduce(z, a, axis, keepdims)) / total
    moved = numerics.spread_tangent(weights_dot, weights, a, axis)
    from_weights = np.sum(moved * centred, axis=axis, keepdims=keepdims)
    return from_a, from_weights


@rule(np.cumsum, linear=("a",), probe=True)
def cumsum(z_bar, z, a, axis=None):
    a_bar = np.reshape(np.flip(np.cumsum(np.flip(z_bar, axis), axis), axis), np.shape(a))
    return a_bar


# flip(cumsum(flip(z_bar * z))) / a would divide by zero; the recurrence does not divide
@rule(np.cumprod, probe=True)
def cumprod(z_bar, z, a, axis=None):
    merged = numerics.along(a, axis)
    before = numerics.cumprod_before(merged)
    factors = np.flip(numerics.shifted(merged, -1, 0.0), -1)
    totals = np.flip(numerics.recurrence(np.flip(numerics.along(z_bar, axis), -1), numerics.conj(factors)), -1)
    a_bar = numerics.unalong(numerics.conj(before) * totals, a, axis)
    return a_bar


@pushforward_of(np.cumprod)
def cumprod_pushforward(a_dot, z, a, axis=None):
    merged = numerics.along(a, axis)
    before = numerics.cumprod_before(merged)
    contribution = numerics.unalong(numerics.recurrence(numerics.along(a_dot, axis) * before, merged), z, axis)
    return contribution


@rule(np.trapezoid, linear=("y",))
def trapezoid(z_bar, z, y, *, dx=1.0, axis=-1):
    y_bar = numerics.untrapezoid(z_bar, y, dx, axis)
    return y_bar


@rule(np.nansum, linear=("a",), pushforward=None, probe=True)
def nansum(z_bar, z, a, axis=None, *, keepdims=False):
    a_bar = np.where(np.isnan(a), 0, numerics.unreduce(z_bar, a, axis, keepdims))
    return a_bar


@pushforward_of(np.nansum)
def nansum_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    contribution = np.sum(np.where(np.isnan(a), 0, a_dot), axis=axis, keepdims=keepdims)
    return contribution


@rule(np.nanmean, probe=True)
def nanmean(z_bar, z, a, axis=None, *, keepdims=False):
    there = np.logical_not(np.isnan(a))
    counted = np.sum(there, axis=axis, keepdims=keepdims)
    a_bar = np.where(there, numerics.unreduce(z_bar / counted, a, axis, keepdims), 0)
    return a_bar


@pushforward_of(np.nanmean)
def nanmean_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    there = np.logical_not(np.isnan(a))
    counted = np.sum(there, axis=axis, keepdims=keepdims)
    contribution = np.sum(np.where(there, a_dot, 0), axis=axis, keepdims=keepdims) / counted
    return contribution


# ties share evenly, as for max; NaNs take no part
@rule(np.nanmin, real_only=True, probe=True)
@rule(np.nanmax, real_only=True, probe=True)
def nanmax(z_bar, z, a, axis=None, *, keepdims=False):
    peak = numerics.unreduce(z, a, axis, keepdims) == a
    ties = np.sum(peak, axis=axis, keepdims=keepdims)
    a_bar = np.where(peak, numerics.unreduce(z_bar / ties, a, axis, keepdims), 0)
    return a_bar


@pushforward_of(np.nanmin)
@pushforward_of(np.nanmax)
def nanmax_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    peak = numerics.unreduce(z, a, axis, keepdims) == a
    ties = np.sum(peak, axis=axis, keepdims=keepdims)
    contribution = np.sum(np.where(peak, a_dot, 0), axis=axis, keepdims=keepdims) / ties
    return contribution


@rule(np.nanprod, probe=True)
def nanprod(z_bar, z, a, axis=None, *, keepdims=False):
    there = np.logical_not(np.isnan(a))
    merged = numerics.merge_axes(np.where(there, a, 1), axis)
    before = numerics.cumprod_before(merged)
    after = np.flip(numerics.cumprod_before(np.flip(merged, -1)), -1)
    others = numerics.split_axes(before * after, a, axis)
    a_bar = np.where(there, numerics.unreduce(z_bar, a, axis, keepdims) * numerics.conj(others), 0)
    return a_bar


@pushforward_of(np.nanprod)
def nanprod_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    there = np.logical_not(np.isnan(a))
    merged = numerics.merge_axes(np.where(there, a, 1), axis)
    before = numerics.cumprod_before(merged)
    after = np.flip(numerics.cumprod_before(np.flip(merged, -1)), -1)
    others = numerics.split_axes(before * after, a, axis)
    contribution = np.sum(np.where(there, a_dot * others, 0), axis=axis, keepdims=keepdims)
    return contribution


@rule(np.nanvar, probe=True)
def nanvar(z_bar, z, a, axis=None, *, ddof=0, keepdims=False):
    there = np.logical_not(np.isnan(a))
    centred = np.where(there, a - np.nanmean(a, axis=axis, keepdims=True), 0)
    scaled = z_bar * 2 / (np.sum(there, axis=axis, keepdims=keepdims) - ddof)
    a_bar = numerics.unreduce(scaled, a, axis, keepdims) * centred
    return a_bar


@pushforward_of(np.nanvar)
def nanvar_pushforward(a_dot, z, a, axis=None, *, ddof=0, keepdims=False):
    there = np.logical_not(np.isnan(a))
    centred = np.where(there, a - np.nanmean(a, axis=axis, keepdims=True), 0)
    total = np.sum(numerics.real(numerics.conj(centred) * a_dot), axis=axis, keepdims=keepdims)
    contribution = total * 2 / (np.sum(there, axis=axis, keepdims=keepdims) - ddof)
    return contribution


@rule(np.nanstd, probe=True)
def nanstd(z_bar, z, a, axis=None, *, ddof=0, keepdims=False):
    there = np.logical_not(np.isnan(a))
    centred = np.where(there, a - np.nanmean(a, axis=axis, keepdims=True), 0)
    scaled = numerics.divide_or_zero(z_bar, z) / (np.sum(there, axis=axis, keepdims=keepdims) - ddof)
    a_bar = numerics.unreduce(scaled, a, axis, keepdims) * centred
    return a_bar


@pushforward_of(np.nanstd)
def nanstd_pushforward(a_dot, z, a, axis=None, *, ddof=0, keepdims=False):
    there = np.logical_not(np.isnan(a))
    centred = np.where(there, a - np.nanmean(a, axis=axis, keepdims=True), 0)
    total = np.sum(numerics.real(numerics.conj(centred) * a_dot), axis=axis, keepdims=keepdims)
    contribution = numerics.divide_or_zero(total, z) / (np.sum(there, axis=axis, keepdims=keepdims) - ddof)
    return contribution


@rule(math.fsum, linear=("seq",))
def fsum(z_bar, z, seq):
    seq_bar = numerics.unstack_like(np.broadcast_to(z_bar, len(seq)), seq)
    return seq_bar


# the mean's share in the derivative is zero: centred rows add up to 0
@rule(np.cov)
def cov(z_bar, z, m, *, rowvar=True, bias=False, ddof=None):
    centred = numerics.centred_rows(m, rowvar)
    square = np.reshape(z_bar, (np.shape(centred)[0], np.shape(centred)[0])) / numerics.freedom(m, rowvar, bias, ddof)
    m_bar = numerics.uncentred_rows((square + numerics.conj(np.transpose(square))) @ centred, m, rowvar)
    return m_bar


@pushforward_of(np.cov)
def cov_pushforward(m_dot, z, m, *, rowvar=True, bias=False, ddof=None):
    centred = numerics.centred_rows(m, rowvar)
    half = numerics.centred_rows(m_dot, rowvar) @ numerics.conj(np.transpose(centred))
    total = (half + numerics.conj(np.transpose(half))) / numerics.freedom(m, rowvar, bias, ddof)
    contribution = np.reshape(total, np.shape(z))
    return contribution
