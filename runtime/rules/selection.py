"""What are the derivatives of choosing: ``where``, ``clip``, sorting, indexing?

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.where).pullback(1.0, None, True, 2.0, 3.0)
(array(1.), array(0.))

The zeros here say "not selected": against an infinite partial they win (``numerics.strong``).
"""

from __future__ import annotations

import operator

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import pushforward_of, rule


@rule(np.where, linear=("x", "y"), flat=("condition",), broadcasts=True, probe=True)
def where(z_bar, z, condition, x, y, /):
    x_bar = np.where(condition, z_bar, 0)
    y_bar = np.where(condition, 0, z_bar)
    return x_bar, y_bar


# the bounds count as inside: slope 1 there, as if nothing had been clipped
@rule(np.clip, inputs=("a", "a_min", "a_max"), broadcasts=True, real_only=True, probe=True)
def clip(z_bar, z, a, a_min=None, a_max=None):
    a_bar = np.where(numerics.inside(a, a_min, a_max), z_bar, 0)
    a_min_bar = np.where(numerics.at_low(a, a_min, a_max), z_bar, 0)
    a_max_bar = np.where(numerics.at_high(a, a_min, a_max), z_bar, 0)
    return a_bar, a_min_bar, a_max_bar


@pushforward_of(np.clip)
def clip_pushforward(a_dot, a_min_dot, a_max_dot, z, a, a_min=None, a_max=None):
    from_a = np.where(numerics.inside(a, a_min, a_max), a_dot, 0)
    from_min = np.where(numerics.at_low(a, a_min, a_max), a_min_dot, 0)
    from_max = np.where(numerics.at_high(a, a_min, a_max), a_max_dot, 0)
    return from_a, from_min, from_max


@rule(np.ndarray.clip, inputs=("a", "min", "max"), broadcasts=True, real_only=True, probe=True)
def clip_method(z_bar, z, a, min=None, max=None):
    a_bar = np.where(numerics.inside(a, min, max), z_bar, 0)
    min_bar = np.where(numerics.at_low(a, min, max), z_bar, 0)
    max_bar = np.where(numerics.at_high(a, min, max), z_bar, 0)
    return a_bar, min_bar, max_bar


@pushforward_of(np.ndarray.clip)
def clip_method_pushforward(a_dot, min_dot, max_dot, z, a, min=None, max=None):
    from_a = np.where(numerics.inside(a, min, max), a_dot, 0)
    from_min = np.where(numerics.at_low(a, min, max), min_dot, 0)
    from_max = np.where(numerics.at_high(a, min, max), max_dot, 0)
    return from_a, from_min, from_max


@rule(np.sort, real_only=True, probe=True)
def sort(z_bar, z, a, axis=-1):
    order = np.argsort(a, axis=axis, kind="stable")
    a_bar = np.reshape(np.take_along_axis(z_bar, np.argsort(order, axis=axis), axis), np.shape(a))
    return a_bar


@pushforward_of(np.sort)
def sort_pushforward(a_dot, z, a, axis=-1):
    contribution = np.take_along_axis(a_dot, np.argsort(a, axis=axis, kind="stable"), axis)
    return contribution


# which entry went where is asked of the values: np.partition and np.argpartition need not agree on it
@rule(np.partition, real_only=True, probe=True)
def partition(z_bar, z, a, kth, axis=-1):
    in_order = np.take_along_axis(z_bar, np.argsort(z, axis=axis, kind="stable"), axis)
    places = np.argsort(np.argsort(a, axis=axis, kind="stable"), axis=axis)
    a_bar = np.reshape(np.take_along_axis(in_order, places, axis), np.shape(a))
    return a_bar


@pushforward_of(np.partition)
def partition_pushforward(a_dot, z, a, kth, axis=-1):
    in_order = np.take_along_axis(a_dot, np.argsort(a, axis=axis, kind="stable"), axis)
    places = np.argsort(np.argsort(z, axis=axis, kind="stable"), axis=axis)
    contribution = np.take_along_axis(in_order, places, axis)
    return contribution


@rule(np.take_along_axis, linear=("arr",))
def take_along_axis(z_bar, z, arr, indices, axis=-1):
    arr_bar = numerics.scatter_along_axis(z_bar, indices, axis, arr)
    return arr_bar


@rule(np.take, linear=("a",))
def take(z_bar, z, a, indices, axis=None):
    a_bar = numerics.untake(z_bar, indices, axis, a)
    return a_bar


@rule(operator.getitem, linear=("a",), sharing="maybe")
def getitem(z_bar, z, a, key, /):
    a_bar = numerics.scatter_add(z_bar, key, a)
    return a_bar


@rule(np.select, inputs=("choicelist", "default"))
def select(z_bar, z, condlist, choicelist, default=0):
    choicelist_bar = numerics.unselect(z_bar, condlist, choicelist)
    default_bar = numerics.unbroadcast(np.where(numerics.any_of(condlist), 0, z_bar), default)
    return choicelist_bar, default_bar


@pushforward_of(np.select)
def select_pushforward(choicelist_dot, default_dot, z, condlist, choicelist, default=0):
    from_choices = np.select(condlist, choicelist_dot, 0)
    from_default = np.where(numerics.any_of(condlist), 0, default_dot)
    return from_choices, from_default


# linear between the knots; constant outside, where the nearest knot's value is taken unless another is given
@rule(np.interp, inputs=("x", "xp", "fp"), real_only=True)
def interp(z_bar, z, x, xp, fp, left=None, right=None):
    at = numerics.segment(x, xp)
    width = xp[at + 1] - xp[at]
    between = numerics.inside(x, xp[0], xp[-1])
    part = np.where(between, (x - xp[at]) / width, x > xp[-1])
    slope = np.where(between, (fp[at + 1] - fp[at]) / width, 0)
    x_bar = z_bar * slope
    xp_bar = -numerics.scatter_add(x_bar * (1 - part), at, xp) - numerics.scatter_add(x_bar * part, at + 1, xp)
    reads = numerics.reads_knots(x, xp, left, right)
    fp_bar = numerics.scatter_add(z_bar * (reads * (1 - part)), at, fp) + numerics.scatter_add(z_bar * (reads * part), at + 1, fp)
    return x_bar, xp_bar, fp_bar


@pushforward_of(np.interp)
def interp_pushforward(x_dot, xp_dot, fp_dot, z, x, xp, fp, left=None, right=None):
    at = numerics.segment(x, xp)
    width = xp[at + 1] - xp[at]
    between = numerics.inside(x, xp[0], xp[-1])
    part = np.where(between, (x - xp[at]) / width, x > xp[-1])
    slope = np.where(between, (fp[at + 1] - fp[at]) / width, 0)
    from_x = x_dot * slope
    from_xp = -slope * (xp_dot[at] * (1 - part) + xp_dot[at + 1] * part)
    reads = numerics.reads_knots(x, xp, left, right)
    from_fp = reads * (fp_dot[at] * (1 - part) + fp_dot[at + 1] * part)
    return from_x, from_xp, from_fp


@rule(np.delete, linear=("arr",))
def delete(z_bar, z, arr, obj, axis=None):
    arr_bar = numerics.put_back(z_bar, np.delete(numerics.positions(arr), obj, axis), arr)
    return arr_bar


@rule(np.insert, inputs=("arr", "values"))
def insert(z_bar, z, arr, obj, values, axis=None):
    arr_bar = numerics.put_back(z_bar, np.insert(numerics.positions(arr), obj, numerics.nowhere(values), axis), arr)
    values_bar = numerics.put_back(z_bar, np.insert(numerics.nowhere(arr), obj, numerics.positions(values), axis), values)
    return arr_bar, values_bar


@pushforward_of(np.insert)
def insert_pushforward(arr_dot, values_dot, z, arr, obj, values, axis=None):
    from_arr = np.insert(arr_dot, obj, np.zeros_like(values), axis)
    from_values = np.insert(np.zeros_like(arr), obj, values_dot, axis)
    return from_arr, from_values


@rule(np.compress, linear=("a",))
def compress(z_bar, z, condition, a, axis=None):
    a_bar = numerics.put_back(z_bar, np.compress(condition, numerics.positions(a), axis), a)
    return a_bar


@rule(np.resize, linear=("a",))
def resize(z_bar, z, a, new_shape):
    a_bar = numerics.put_back(z_bar, np.resize(numerics.positions(a), new_shape), a)
    return a_bar


# of equal entries the first one stands for all
@rule(np.unique)
def unique(z_bar, z, ar):
    ar_bar = numerics.put_back(z_bar, numerics.first_places(ar), ar)
    return ar_bar


@pushforward_of(np.unique)
def unique_pushforward(ar_dot, z, ar):
    contribution = numerics.pick(ar_dot, numerics.first_places(ar))
    return contribution


@rule(np.quantile, real_only=True)
def quantile(z_bar, z, a, q, axis=None, *, method="linear", keepdims=False):
    part = numerics.quantile_part(a, q, z, axis)
    lower = numerics.put_back(z_bar * (1 - part), numerics.quantile_places(a, q, axis, keepdims, method, False), a)
    upper = numerics.put_back(z_bar * part, numerics.quantile_places(a, q, axis, keepdims, method, True), a)
    a_bar = lower + upper
    return a_bar


@pushforward_of(np.quantile)
def quantile_pushforward(a_dot, z, a, q, axis=None, *, method="linear", keepdims=False):
    part = numerics.quantile_part(a, q, z, axis)
    lower = numerics.pick(a_dot, numerics.quantile_places(a, q, axis, keepdims, method, False))
    upper = numerics.pick(a_dot, numerics.quantile_places(a, q, axis, keepdims, method, True))
    contribution = lower * (1 - part) + upper * part
    return contribution


@rule(np.percentile, real_only=True)
def percentile(z_bar, z, a, q, axis=None, *, method="linear", keepdims=False):
    fraction = np.true_divide(q, 100)
    part = numerics.quantile_part(a, fraction, z, axis)
    lower = numerics.put_back(z_bar * (1 - part), numerics.quantile_places(a, fraction, axis, keepdims, method, False), a)
    upper = numerics.put_back(z_bar * part, numerics.quantile_places(a, fraction, axis, keepdims, method, True), a)
    a_bar = lower + upper
    return a_bar


@pushforward_of(np.percentile)
def percentile_pushforward(a_dot, z, a, q, axis=None, *, method="linear", keepdims=False):
    fraction = np.true_divide(q, 100)
    part = numerics.quantile_part(a, fraction, z, axis)
    lower = numerics.pick(a_dot, numerics.quantile_places(a, fraction, axis, keepdims, method, False))
    upper = numerics.pick(a_dot, numerics.quantile_places(a, fraction, axis, keepdims, method, True))
    contribution = lower * (1 - part) + upper * part
    return contribution


@rule(np.gradient, linear=("f",))
def gradient(z_bar, z, f, *varargs, axis=None, edge_order=1):
    f_bar = numerics.ungradient(numerics.instantiate(z_bar, z), f, varargs, axis, edge_order)
    return f_bar


@rule(np.median, real_only=True, probe=True)
def median(z_bar, z, a, axis=None, *, keepdims=False):
    a_bar = numerics.unmedian(z_bar, a, axis, keepdims)
    return a_bar


@pushforward_of(np.median)
def median_pushforward(a_dot, z, a, axis=None, *, keepdims=False):
    weights = numerics.unmedian(np.ones_like(z), a, axis, keepdims)
    contribution = np.sum(weights * a_dot, axis=axis, keepdims=keepdims)
    return contribution


# -- complex parts -------------------------------------------------------------------------------------


@rule(np.real, numerics.real, linear=("val",), sharing="view", probe=True)
def real(z_bar, z, val):
    val_bar = z_bar
    return val_bar


@rule(numerics.complex_of, inputs=("re", "im"), real_only=True)
def complex_of(z_bar, z, re, im):
    re_bar = np.real(z_bar)
    im_bar = np.imag(z_bar)
    return re_bar, im_bar


@pushforward_of(numerics.complex_of)
def complex_of_pushforward(re_dot, im_dot, z, re, im):
    from_re = re_dot
    from_im = 1j * im_dot
    return from_re, from_im


@rule(np.imag, linear=("val",), sharing="maybe", probe=True)
def imag(z_bar, z, val):
    val_bar = 1j * z_bar
    return val_bar


@rule(np.conj, np.conjugate, linear=("x",), probe=True)
def conj(z_bar, z, x, /):
    x_bar = numerics.conj(z_bar)
    return x_bar


@rule(numerics.conj, linear=("x",), sharing="maybe", probe=True)
def helper_conj(z_bar, z, x):
    x_bar = numerics.conj(z_bar)
    return x_bar


@rule(np.angle, probe=True, singular=True)
def angle(z_bar, z, z_in):
    z_in_bar = z_bar * (1j * z_in) / np.square(np.abs(z_in))
    return z_in_bar


@pushforward_of(np.angle)
def angle_pushforward(z_in_dot, z, z_in):
    contribution = np.imag(numerics.conj(z_in) * z_in_dot) / np.square(np.abs(z_in))
    return contribution
