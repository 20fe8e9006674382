"""What are the derivatives of reductions with ``where=`` and ``initial=``?

>>> masked(np.sum, {"where"}) is numerics.masked_sum
True

A call of NumPy's reduction with one of these keywords is a call of the function here of that name, which computes the same bits:
so the plain rules, which are most of what is emitted, need not ask for a mask.  What the mask leaves out has the cotangent 0; an
``initial`` takes no share in a tie, and is not differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import pushforward_of, rule

#: The function here that a reduction with ``where=`` or ``initial=`` is.
MASKED: dict[Any, Callable[..., Any]] = {
    np.sum: numerics.masked_sum, np.mean: numerics.masked_mean, np.prod: numerics.masked_prod,
    np.max: numerics.masked_max, np.amax: numerics.masked_max, np.min: numerics.masked_min, np.amin: numerics.masked_min,
    np.var: numerics.masked_var, np.std: numerics.masked_std,
}  # fmt: skip


def masked(primitive: Callable[..., Any], keywords: Container[str]) -> Callable[..., Any]:
    """The primitive of a call with these keywords, which say something."""
    return MASKED.get(primitive, primitive) if "where" in keywords or "initial" in keywords else primitive


@rule(numerics.masked_sum, inputs=("a",), probe=True)
def masked_sum(z_bar, z, a, axis=None, *, keepdims=False, where=True, initial=None):
    a_bar = np.where(where, numerics.unreduce(z_bar, a, axis, keepdims), 0)
    return a_bar


@pushforward_of(numerics.masked_sum)
def masked_sum_pushforward(a_dot, z, a, axis=None, *, keepdims=False, where=True, initial=None):
    contribution = np.sum(np.where(where, a_dot, 0), axis=axis, keepdims=keepdims)
    return contribution


@rule(numerics.masked_mean, inputs=("a",), probe=True)
def masked_mean(z_bar, z, a, axis=None, *, keepdims=False, where=True):
    counted = numerics.selected_count(where, a, axis, keepdims)
    a_bar = np.where(where, numerics.unreduce(z_bar / counted, a, axis, keepdims), 0)
    return a_bar


@pushforward_of(numerics.masked_mean)
def masked_mean_pushforward(a_dot, z, a, axis=None, *, keepdims=False, where=True):
    counted = numerics.selected_count(where, a, axis, keepdims)
    contribution = np.sum(np.where(where, a_dot, 0), axis=axis, keepdims=keepdims) / counted
    return contribution


# z / a would divide by zero; the product of the others is finite there
@rule(numerics.masked_prod, inputs=("a",), probe=True)
def masked_prod(z_bar, z, a, axis=None, *, keepdims=False, where=True, initial=1):
    merged = numerics.merge_axes(np.where(where, a, 1), axis)
    before = numerics.cumprod_before(merged)
    after = np.flip(numerics.cumprod_before(np.flip(merged, -1)), -1)
    others = numerics.split_axes(before * after, a, axis)
    a_bar = np.where(where, numerics.unreduce(z_bar * initial, a, axis, keepdims) * numerics.conj(others), 0)
    return a_bar


@pushforward_of(numerics.masked_prod)
def masked_prod_pushforward(a_dot, z, a, axis=None, *, keepdims=False, where=True, initial=1):
    merged = numerics.merge_axes(np.where(where, a, 1), axis)
    before = numerics.cumprod_before(merged)
    after = np.flip(numerics.cumprod_before(np.flip(merged, -1)), -1)
    others = numerics.split_axes(before * after, a, axis)
    contribution = np.sum(np.where(where, a_dot * others, 0), axis=axis, keepdims=keepdims) * initial
    return contribution


# ties share evenly, as for max
@rule(numerics.masked_min, real_only=True, probe=True)
@rule(numerics.masked_max, real_only=True, probe=True)
def masked_max(z_bar, z, a, axis=None, *, keepdims=False, where=True, initial=None):
    peak = np.where(where, numerics.same(a, numerics.unreduce(z, a, axis, keepdims)), False)
    ties = np.maximum(np.sum(peak, axis=axis, keepdims=keepdims), 1)
    a_bar = np.where(peak, numerics.unreduce(z_bar / ties, a, axis, keepdims), 0)
    return a_bar


@pushforward_of(numerics.masked_min)
@pushforward_of(numerics.masked_max)
def masked_max_pushforward(a_dot, z, a, axis=None, *, keepdims=False, where=True, initial=None):
    peak = np.where(where, numerics.same(a, numerics.unreduce(z, a, axis, keepdims)), False)
    ties = np.maximum(np.sum(peak, axis=axis, keepdims=keepdims), 1)
    contribution = np.sum(np.where(peak, a_dot, 0), axis=axis, keepdims=keepdims) / ties
    return contribution


@rule(numerics.masked_var, inputs=("a",), probe=True)
def masked_var(z_bar, z, a, axis=None, *, ddof=0, keepdims=False, where=True):
    centred = np.where(where, a - numerics.masked_mean(a, axis=axis, keepdims=True, where=where), 0)
    scaled = z_bar * 2 / (numerics.selected_count(where, a, axis, keepdims) - ddof)
    a_bar = numerics.unreduce(scaled, a, axis, keepdims) * centred
    return a_bar


@pushforward_of(numerics.masked_var)
def masked_var_pushforward(a_dot, z, a, axis=None, *, ddof=0, keepdims=False, where=True):
    centred = np.where(where, a - numerics.masked_mean(a, axis=axis, keepdims=True, where=where), 0)
    total = np.sum(numerics.real(numerics.conj(centred) * a_dot), axis=axis, keepdims=keepdims)
    contribution = total * 2 / (numerics.selected_count(where, a, axis, keepdims) - ddof)
    return contribution


@rule(numerics.masked_std, inputs=("a",), probe=True)
def masked_std(z_bar, z, a, axis=None, *, ddof=0, keepdims=False, where=True):
    centred = np.where(where, a - numerics.masked_mean(a, axis=axis, keepdims=True, where=where), 0)
    scaled = numerics.divide_or_zero(z_bar, z) / (numerics.selected_count(where, a, axis, keepdims) - ddof)
    a_bar = numerics.unreduce(scaled, a, axis, keepdims) * centred
    return a_bar


@pushforward_of(numerics.masked_std)
def masked_std_pushforward(a_dot, z, a, axis=None, *, ddof=0, keepdims=False, where=True):
    centred = np.where(where, a - numerics.masked_mean(a, axis=axis, keepdims=True, where=where), 0)
    total = np.sum(numerics.real(numerics.conj(centred) * a_dot), axis=axis, keepdims=keepdims)
    contribution = numerics.divide_or_zero(total, z) / (numerics.selected_count(where, a, axis, keepdims) - ddof)
    return contribution
