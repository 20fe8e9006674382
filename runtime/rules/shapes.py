"""What are the derivatives of functions that only move entries about?  They are linear: each has a transpose.

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.transpose).sharing
'view'
"""

from __future__ import annotations

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import rule


@rule(np.reshape, linear=("a",), sharing="maybe")
def reshape(z_bar, z, a, shape, order="C"):
    a_bar = numerics.reshape_back(z_bar, a, order)
    return a_bar


@rule(np.ravel, linear=("a",), sharing="maybe", probe=True)
def ravel(z_bar, z, a, order="C"):
    a_bar = numerics.reshape_back(z_bar, a, order)
    return a_bar


@rule(np.ndarray.flatten, linear=("a",), probe=True)
def flatten(z_bar, z, a, order="C"):
    a_bar = numerics.reshape_back(z_bar, a, order)
    return a_bar


@rule(np.transpose, linear=("a",), sharing="view", probe=True)
def transpose(z_bar, z, a, axes=None):
    a_bar = np.transpose(z_bar, numerics.inverse_order(axes))
    return a_bar


@rule(np.swapaxes, linear=("a",), sharing="view", probe=True)
def swapaxes(z_bar, z, a, axis1, axis2):
    a_bar = np.swapaxes(z_bar, axis1, axis2)
    return a_bar


@rule(np.moveaxis, linear=("a",), sharing="view", probe=True)
def moveaxis(z_bar, z, a, source, destination):
    a_bar = np.moveaxis(z_bar, destination, source)
    return a_bar


@rule(np.expand_dims, linear=("a",), sharing="view", probe=True)
def expand_dims(z_bar, z, a, axis):
    a_bar = np.reshape(z_bar, np.shape(a))
    return a_bar


@rule(np.squeeze, linear=("a",), sharing="view")
def squeeze(z_bar, z, a, axis=None):
    a_bar = np.reshape(z_bar, np.shape(a))
    return a_bar


@rule(np.atleast_1d, np.ascontiguousarray, linear=("a",), sharing="maybe", probe=True)
def atleast_1d(z_bar, z, a):
    a_bar = np.reshape(z_bar, np.shape(a))
    return a_bar


@rule(np.atleast_2d, linear=("a",), sharing="maybe", probe=True)
def atleast_2d(z_bar, z, a):
    a_bar = np.reshape(z_bar, np.shape(a))
    return a_bar


@rule(np.atleast_3d, linear=("a",), sharing="maybe", probe=True)
def atleast_3d(z_bar, z, a):
    a_bar = np.reshape(z_bar, np.shape(a))
    return a_bar


@rule(np.matrix_transpose, numerics.swap_last, linear=("x",), sharing="view", probe=True)
def matrix_transpose(z_bar, z, x):
    x_bar = numerics.swap_last(z_bar)
    return x_bar


@rule(np.broadcast_to, linear=("array",), sharing="view")
def broadcast_to(z_bar, z, array, shape):
    array_bar = numerics.unbroadcast(z_bar, array)
    return array_bar


@rule(np.flip, linear=("m",), sharing="view", probe=True)
def flip(z_bar, z, m, axis=None):
    m_bar = np.flip(z_bar, axis)
    return m_bar


@rule(np.fliplr, linear=("m",), sharing="view", probe=True)
def fliplr(z_bar, z, m):
    m_bar = np.fliplr(z_bar)
    return m_bar


@rule(np.flipud, linear=("m",), sharing="view", probe=True)
def flipud(z_bar, z, m):
    m_bar = np.flipud(z_bar)
    return m_bar


@rule(np.rot90, linear=("m",), sharing="view", probe=True)
def rot90(z_bar, z, m, k=1, axes=(0, 1)):
    m_bar = np.rot90(z_bar, -k, axes)
    return m_bar


@rule(np.roll, linear=("a",), probe=True)
def roll(z_bar, z, a, shift, axis=None):
    a_bar = np.roll(z_bar, np.negative(shift), axis)
    return a_bar


@rule(np.tile, linear=("A",))
def tile(z_bar, z, A, reps):
    A_bar = numerics.untile(z_bar, A, reps)
    return A_bar


@rule(np.repeat, linear=("a",))
def repeat(z_bar, z, a, repeats, axis=None):
    a_bar = numerics.unrepeat(z_bar, a, repeats, axis)
    return a_bar


@rule(np.diff, linear=("a",), sharing="maybe", probe=True)
def diff(z_bar, z, a, n=1, axis=-1):
    a_bar = numerics.undiff(z_bar, a, n, axis)
    return a_bar


@rule(np.tril, linear=("m",), probe=True)
def tril(z_bar, z, m, k=0):
    m_bar = numerics.unbroadcast(np.tril(z_bar, k), m)
    return m_bar


@rule(np.triu, linear=("m",), probe=True)
def triu(z_bar, z, m, k=0):
    m_bar = numerics.unbroadcast(np.triu(z_bar, k), m)
    return m_bar


@rule(np.diagonal, linear=("a",), sharing="view", probe=True)
def diagonal(z_bar, z, a, offset=0, axis1=0, axis2=1):
    a_bar = numerics.undiagonal(z_bar, a, offset, axis1, axis2)
    return a_bar


@rule(np.diag, linear=("v",), sharing="maybe")
def diag(z_bar, z, v, k=0):
    v_bar = numerics.undiag(z_bar, v, k)
    return v_bar


@rule(np.diagflat, linear=("v",))
def diagflat(z_bar, z, v, k=0):
    v_bar = np.reshape(np.diagonal(z_bar, k), np.shape(v))
    return v_bar


def _pad_pushforward(array_dot, z, array, pad_width, mode="constant", *, constant_values=0):
    """The border is filled with a constant, whose tangent is 0."""
    contribution = np.pad(array_dot, pad_width, mode)
    return contribution


@rule(np.pad, pushforward=_pad_pushforward, probe=True)
def pad(z_bar, z, array, pad_width, mode="constant", *, constant_values=0):
    array_bar = numerics.unpad(z_bar, array, pad_width, mode)
    return array_bar


# -- copies and casts ----------------------------------------------------------------------------------


@rule(np.copy, np.ndarray.copy, linear=("a",), probe=True)
def copy(z_bar, z, a, order="K"):
    a_bar = z_bar
    return a_bar


def _astype_pushforward(a_dot, z, a, dtype, order="K", casting="unsafe", subok=True, copy=True):
    contribution = numerics.cast_like(a_dot, z)
    return contribution


@rule(np.ndarray.astype, linear=("a",), pushforward=_astype_pushforward, sharing="maybe", probe=True)
def astype(z_bar, z, a, dtype, order="K", casting="unsafe", subok=True, copy=True):
    a_bar = z_bar
    return a_bar


def _item_pushforward(a_dot, z, a, *args):
    contribution = numerics.item(a_dot, *args)
    return contribution


@rule(np.ndarray.item, numerics.item, linear=("a",), pushforward=_item_pushforward)
def item(z_bar, z, a, *args):
    a_bar = numerics.unitem(z_bar, args, a)
    return a_bar


@rule(np.array, linear=("object",))
def array(z_bar, z, object, dtype=None, *, copy=True):
    object_bar = numerics.unstack_like(z_bar, object)
    return object_bar


@rule(np.asarray, np.asanyarray, np.asarray_chkfinite, linear=("a",), sharing="maybe")
def asarray(z_bar, z, a, dtype=None, *, copy=None):
    a_bar = numerics.unstack_like(z_bar, a)
    return a_bar


def _nan_to_num_pushforward(x_dot, z, x, copy=True, nan=0.0, posinf=None, neginf=None):
    contribution = np.where(np.isfinite(x), x_dot, 0)
    return contribution


@rule(np.nan_to_num, pushforward=_nan_to_num_pushforward, probe=True)
def nan_to_num(z_bar, z, x, copy=True, nan=0.0, posinf=None, neginf=None):
    x_bar = np.where(np.isfinite(x), z_bar, 0)
    return x_bar


@rule(np.full, linear=("fill_value",), broadcasts=True)
def full(z_bar, z, shape, fill_value, dtype=None):
    fill_value_bar = z_bar
    return fill_value_bar


@rule(np.full_like, linear=("fill_value",), broadcasts=True, probe=True)
def full_like(z_bar, z, a, fill_value, dtype=None):
    fill_value_bar = z_bar
    return fill_value_bar


def _arange_pushforward(start_dot, step_dot, z, start, stop=None, step=1):
    from_start = np.full(np.shape(z), start_dot * numerics.given(stop))
    from_step = step_dot * np.arange(np.size(z))
    return from_start, from_step


# a single argument is the stop, on which no entry depends
@rule(np.arange, inputs=("start", "step"), flat=("stop",), pushforward=_arange_pushforward)
def arange(z_bar, z, start, stop=None, step=1):
    start_bar = np.sum(z_bar) * numerics.given(stop)
    step_bar = np.sum(z_bar * np.arange(np.size(z)))
    return start_bar, step_bar


def _linspace_pushforward(start_dot, stop_dot, z, start, stop, num=50, endpoint=True):
    from_start = np.linspace(start_dot, np.zeros(np.shape(stop)), num, endpoint)
    from_stop = np.linspace(np.zeros(np.shape(start)), stop_dot, num, endpoint)
    return from_start, from_stop


@rule(np.linspace, linear=("start", "stop"), broadcasts=True, pushforward=_linspace_pushforward)
def linspace(z_bar, z, start, stop, num=50, endpoint=True):
    weight = numerics.ramp(num, endpoint, np.ndim(z))
    start_bar = np.sum(z_bar * (1 - weight), axis=0)
    stop_bar = np.sum(z_bar * weight, axis=0)
    return start_bar, stop_bar


# -- sequences of arrays -------------------------------------------------------------------------------


@rule(np.concatenate, linear=("arrays",))
def concatenate(z_bar, z, arrays, axis=0):
    arrays_bar = numerics.split_like(z_bar, arrays, axis)
    return arrays_bar


@rule(np.stack, linear=("arrays",))
def stack(z_bar, z, arrays, axis=0):
    arrays_bar = numerics.unstack_like(z_bar, arrays, axis)
    return arrays_bar


@rule(np.vstack, linear=("tup",))
def vstack(z_bar, z, tup):
    tup_bar = numerics.rows_like(z_bar, tup, 2, 0)
    return tup_bar


@rule(np.hstack, linear=("tup",))
def hstack(z_bar, z, tup):
    tup_bar = numerics.rows_like(z_bar, tup, 1, 1)
    return tup_bar


@rule(np.dstack, linear=("tup",))
def dstack(z_bar, z, tup):
    tup_bar = numerics.rows_like(z_bar, tup, 3, 2)
    return tup_bar


@rule(np.column_stack, linear=("tup",))
def column_stack(z_bar, z, tup):
    tup_bar = numerics.rows_like(z_bar, tup, -2, 1)
    return tup_bar


def _append_pushforward(arr_dot, values_dot, z, arr, values, axis=None):
    from_arr = np.append(arr_dot, np.zeros(np.shape(values)), axis)
    from_values = np.append(np.zeros(np.shape(arr)), values_dot, axis)
    return from_arr, from_values


@rule(np.append, linear=("arr", "values"), pushforward=_append_pushforward)
def append(z_bar, z, arr, values, axis=None):
    parts = numerics.split_like(z_bar, (arr, values), axis)
    return parts[0], parts[1]


@rule(np.split, linear=("ary",), sharing="view")
def split(z_bar, z, ary, indices_or_sections, axis=0):
    ary_bar = np.concatenate(numerics.instantiate(z_bar, z), axis)
    return ary_bar


@rule(np.array_split, linear=("ary",), sharing="view")
def array_split(z_bar, z, ary, indices_or_sections, axis=0):
    ary_bar = np.concatenate(numerics.instantiate(z_bar, z), axis)
    return ary_bar


@rule(np.meshgrid, linear=("xi",), sharing="maybe")
def meshgrid(z_bar, z, *xi, copy=True, sparse=False, indexing="xy"):
    xi_bar = numerics.unmeshgrid(z_bar, z, xi, indexing, sparse)
    return xi_bar


@rule(np.broadcast_arrays, linear=("args",), sharing="view")
def broadcast_arrays(z_bar, z, *args):
    args_bar = numerics.unbroadcast_each(z_bar, z, args)
    return args_bar


# np.astype came with NumPy 2.1
if hasattr(np, "astype"):

    @rule(np.astype, linear=("x",), sharing="maybe", probe=True)
    def np_astype(z_bar, z, x, dtype, *, copy=True):
        x_bar = z_bar
        return x_bar
