"""What other people's packages do: each program is the smallest that showed a fault there."""

import enum
import functools
import logging
from types import MappingProxyType

import numpy as np

from tests.zoo.table import normal, positive, program

LOGGER = logging.getLogger(__name__)
SCALES = {"metre": (1.0, 2.0), "inch": (0.0254, 3.0)}
OTHERS = {"foot": (0.3048, 4.0)}


class Unit(enum.Enum):
    METRE = 1.0
    INCH = 0.0254


FACTORS = {Unit.METRE: 1.0, Unit.INCH: 0.0254}


@program(args=(positive(4),))
def positional_out(x):
    y = x * 2
    np.negative(y[1:], y[1:])
    return y / np.dot(x, x)


@program(args=(positive(4),))
def keyword_out(x):
    y = np.zeros(4)
    np.multiply(x, x, out=y)
    np.add(y, x, y)
    return y * x


@program(args=(np.array([-1.0, 2.0, 3.0]),), smooth=False)
def root_of_clip_method(x):
    return np.sqrt(x.clip(min=0))


@program(args=(positive(4),))
def none_on_another_path(x):
    if x[0] > 100:
        return None
    return np.array([x[0] * x[0], x[-1]])


@program(args=(1.5,))
def falls_off_the_end(x):
    if x > 0:
        return x * x


@program(args=(0.7, 1.2))
def tuple_and_list_of_sequences(x, y):
    items = list((x, y * x))
    return sum(tuple(v * v for v in items)) + max(list(items))


@program(args=(0.7, positive(3)))
def concatenated_by_index(x, v):
    return np.r_[x, v, 2.0] * np.r_[1, -1, -1, -1, 1]


@program(args=(positive(3), positive(3, seed=1)))
def columns_by_index(x, y):
    return np.c_[x, y] @ np.array([1.0, 2.0])


@program(args=(0.7,))
def mask_of_a_0d_array(x):
    x = np.asarray(x)
    y = np.zeros_like(x)
    positive = x > 0
    y[positive] = x[positive] * np.log(x[positive])
    return y


@program(args=(positive(3),))
def own_dtype(x):
    return np.sum(x * x, axis=0, dtype=np.float64) / np.mean(x, dtype=float)


@program(args=(0.7, Unit.INCH))
def member_of_an_enumeration(x, unit):
    return x * x * FACTORS[unit] if unit is not Unit.METRE else x


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        args = tuple(2 * a for a in args)
        return f(*args, **kwargs)

    return wrapper


@program(args=(0.7, 1.2))
@doubled
def decorated(x, y=3.0):
    return x * y


@program(args=(0.7, 1.2))
def comprehension_over_its_own_name(x, y):
    xs = [x, y]
    xs = [a * a for a in xs]
    xs = tuple(a + 1 for a in xs)
    return xs[0] * xs[1]


@program(args=(0.7,))
def lookup_in_try(x):
    try:
        scale, power = SCALES["inch"]
    except KeyError:
        scale, power = OTHERS["inch"]
    return scale * x**power


@program(args=(0.7,))
def logged(x):
    y = x * x
    LOGGER.debug("a message about %s", y)
    return y * x


@program(args=(positive(2, 3),))
def astype_of_a_number(x):
    return np.sum(x).astype("float") * x.astype(float, "K", "unsafe", True, True)


@program(args=(-0.7,))
def store_into_a_number_on_a_dead_path(x):
    y = x * x
    if np.any(x > 0):
        y[0] = x
    return y * x


def _salinity(ratio, t):
    ratio, t = list(map(np.asanyarray, (ratio, t)))
    root = ratio**0.5
    s = 0.5 * root * ratio
    s += 0.1 * t / (1 + 0.3 * t) * root
    return s


@program(args=(2.0, 1.5))
def newton_for_each_entry_of_a_ravelled_scalar(s, t):
    s, t = list(map(np.asanyarray, (s, t)))
    shape = s.shape
    s, t = list(map(np.ravel, (s, t)))
    roots = []
    for target, other in zip(s, t):
        r = np.sqrt(target)
        missing = _salinity(r * r, other)
        for _ in range(4):
            r = r + (target - missing) / (r + 1)
            missing = _salinity(r * r, other)
        roots.append(r)
    return np.array(roots).reshape(shape) * t


@program(args=(1.5,))
def masked_stores_into_an_array_of_no_axes(x):
    x = np.asarray(x)
    y = np.asarray(x * 2)
    y[x > 0] = (x[x > 0] + 1) ** 2
    y[()] += x * y
    return y if y.size == 1 else np.float64(y)


@program(args=(1.5,))
def masked_reads_beside_others(x):
    x = np.array(x)
    x[...] *= x
    return x + x[x > 0].sum() * x[x > 1].sum() + x * x


@program(args=(1.5, 3))
def masked_updates_in_a_loop(x, n):
    y = np.array(x)
    for k in range(n):
        y[y > 0] *= x + k
        y[...] = y * x
    return y


@program(args=(positive(3),))
def ellipsis_keeps_the_array(x):
    y = x[0, ...] * x[1]
    return y * x[1, ...] + x[-1, ...]


@program(args=(positive(3),))
def scalars_indexed_like_arrays(x):
    s = np.sum(x)
    parts = [v[..., np.newaxis] * s[()] for v in np.sin(x)]
    return np.concatenate([np.concatenate(parts, axis=-1), s[None], s[s > 100]])


@program(args=(0.3,))
def scalar_or_array_by_question(t, gain=1):
    if np.isscalar(gain):
        gain = np.array(gain)
    x = np.cos(t)
    x = 0.999 if np.isscalar(x) and x == 1 else np.where(x == 1, 0.999, x)
    x = -0.999 if np.isscalar(x) and x == -1 else np.where(x == -1, -0.999, x)
    return np.dot(gain, x) * gain.T


@program(args=(positive(3),))
def what_a_dtype_says(x):
    y = np.zeros(3, dtype=x.dtype)
    if x.dtype.kind == "f" and np.issubdtype(x.dtype, np.floating) and not np.iscomplexobj(x):
        y = x.astype(x.dtype) * 2
    return y / np.fmax(np.sum(x * x), np.finfo(float).eps) + np.iinfo(np.int8).max * x


class _Mode:
    """Sets a mode while a block runs."""

    def __init__(self, mode):
        self._mode = mode
        self._before = _MODES["now"]

    def __enter__(self):
        _MODES["now"] = self._mode
        return self

    def __exit__(self, *args):
        _MODES["now"] = self._before


_MODES = {"now": "plain"}


@program(args=(positive(3),))
def mode_left_after_a_block_inside_a_block(x):
    with _Mode("safe"):
        with np.errstate(divide="ignore"):
            y = np.nan_to_num(x / (x - x[0]), nan=0, posinf=0, neginf=0)
        z = y * x
    return z + y


@program(args=(1.5,))
def method_a_literal_does_not_have(x, model="Plain"):
    model = model.lower() if isinstance(model, str) else model.tolist()
    if x > 100:
        model = model.tolist()
    return x * len(model)


SHIFTED = True


@program(args=(positive(3), 1.5))
def function_chosen_by_a_value(x, y):
    outer = np.sin if x[0] > y else np.cos
    inner = lambda t: t * y  # noqa: E731
    if x[1] > 0.1:
        inner = lambda t: t * t * x[0]  # noqa: E731
    if SHIFTED:
        rise = np.tanh
    elif y > 3:
        rise = np.exp
    else:
        rise = np.sqrt
    total = 0.0
    for k in range(3):
        bend = np.cos if x[k] > 1 else outer
        total = total + bend(x[k] * y)
    return outer(x) * inner(y) + rise(x) * total


@program(args=(positive(3),))
def store_through_atleast_2d(x):
    if x.ndim < 2:
        x = np.atleast_2d(x)
    x /= np.linalg.norm(x, axis=1)[:, None]
    y = np.atleast_1d(np.sum(x))
    y[0] *= y[0]
    return x * y + np.atleast_3d(x)[:, :, 0]


@program(args=(positive(2, 3),))
def output_of_the_rest_of_a_shape(x):
    out = np.empty(x.shape[1:])
    np.divide(np.mean(x, axis=0), np.std(x, axis=0), out=out)
    total = np.empty(x.shape[2:])
    total[()] = np.sum(out)
    return out * total.item()


@program(args=(positive(3), positive(2, seed=1)))
def grids_and_joined_ranges(x, y):
    a, b = np.meshgrid(x, y, sparse=True)
    whole = np.r_[0.0, np.cumsum(x), [y[0], 2.0]]
    return (a * b + b)[:, np.r_[0:2]] * whole[np.r_[1:3]] + np.c_[y, y * y]


METHODS = MappingProxyType({"Plain": np.sin, "Other": np.cos})
NAMES = frozenset({"plain", "other"})


@program(args=(positive(3),))
def asks_for_forgiveness(x):
    s = np.sum(x)
    try:
        scale = np.finfo(s.type).eps
    except (AttributeError, ValueError):
        scale = 3.0
    try:
        c = [v.value for v in x.values()]
    except Exception:
        c = x
    y = x * scale
    try:
        y.name = "result"
    except AttributeError:
        y = y * s
    squares = []
    for v in c:
        try:
            squares.append(v.value)
        except AttributeError:
            squares.append(v * v)
    return y * np.array(squares)


@program(args=(positive(3),))
def conditions_with_a_known_part(x, scale=None):
    s = np.sum(x)
    if s < 100 and scale is not None and x[0] > 0:
        return x * scale
    if not (s > 100 or scale is None):
        return x * scale * 2
    while s > 1e9 and scale is not None:
        s = s * scale
    return x * s


@program(args=(positive(3),))
def names_of_a_mapping_outside(x, method="plain"):
    if method.lower() not in [name.lower() for name in tuple(METHODS)]:
        raise ValueError(method)
    return METHODS["Plain"](x) * len([name for name in NAMES])


@program(args=(positive(3),))
def copies_of_more_axes(x):
    y = np.array(x, ndmin=2)
    z = np.array(x[0], ndmin=1).flatten()
    y[0, 0] *= 2
    return y * z


@program(args=(normal(3, 3),))
def row_order_and_one_column(a):
    w, v = np.linalg.eigh(a + a.T)
    q = v[[2, 0, 1], np.argmax(w)]
    if q[0] < 0:
        np.negative(q, q)
    return q * a[0, [0, 1, 2]] + a[[0, 1], 1, None].sum(axis=0)


@np.vectorize
def _kind_of_item(x, y):
    return x * y if isinstance(x, float) and np.isscalar(y) else 0.0


@program(args=(1.5, positive(3)))
def items_of_an_array_without_axes(x, y):
    return _kind_of_item(np.asarray(x), np.asarray(x) * 2) * _kind_of_item(y, np.asarray(x))


@program(args=(1.5,))
def asks_a_number_for_items(x):
    try:
        n = len(x)
    except TypeError:
        n = 1
    try:
        squares = [v * v for v in x]
    except TypeError:
        squares = [x * 3]
    try:
        first = x[0]
    except (TypeError, IndexError):
        first = x
    try:
        a, b = x
    except TypeError:
        a, b = first, x * 2
    return a * b * n + np.sum(squares)
