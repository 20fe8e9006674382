"""Memory with several names: views, overlaps, attributes, containers, duplicate indices (16-32)."""

import numpy as np

from tests.silent_wrong.table import item, normal, vector


@item(16, "M1", normal(6))
def write_through_a_piece_of_split(x):
    y = x * 1.0
    a, b = np.split(y, 2)
    a *= b
    return np.sum(y * y)


@item(16, "M1", normal(6))
def write_through_every_piece_of_split(x):
    y = x * 1.0
    pieces = np.split(y, 3)
    for piece in pieces:
        piece *= piece[0]
    return np.sum(y * y)


@item(16, "M1", normal(6))
def write_through_a_piece_of_split_at(x):
    y = x * 1.0
    pieces = np.split(y, [1, 4])
    pieces[1][0] = pieces[0][0] * pieces[2][1]
    pieces[2][...] = pieces[2] * pieces[1][0]
    return np.sum(y * y)


@item(16, "M1", normal(2, 6))
def write_through_a_piece_of_hsplit(x):
    y = x * 1.0
    a, b = np.hsplit(y, 2)
    a += b * x[0, 0]
    b[0] = 0.0
    return np.sum(y * y)


@item(16, "M1", normal(4, 3))
def write_through_a_piece_of_vsplit(x):
    y = x * 1.0
    a, b = np.vsplit(y, 2)
    b[:, 1] = a[:, 0]
    return np.sum(y * y) + np.sum(b)


@item(16, "M1", normal(7))
def write_through_a_piece_of_array_split(x):
    y = x * 1.0
    a, b, c = np.array_split(y, 3)
    c *= a[0]
    return np.sum(y * y) + np.sum(b)


@item(16, "M1", normal(2, 6))
def write_through_a_piece_along_an_axis(x):
    y = x * 1.0
    a, b = np.split(y, 2, axis=1)
    np.multiply(a, b, out=a)
    return np.sum(y * y)


@item(16, "M1", normal(6))
def write_to_the_base_of_pieces(x):
    y = x * 1.0
    a, b = np.split(y, 2)
    y[0] = x[5] ** 2
    y[3:] *= 2
    return np.sum(a * b)


@item(16, "M1", normal(2, 6))
def chain_of_views(x):
    y = x * 1.0
    v = y.T[1:4].reshape(3, 2)[::-1]
    v = v[:, 0]
    v *= x[0, 0]
    return np.sum(y * y)


@item(16, "M1", normal(2, 6))
def chain_of_views_behind_a_split(x):
    y = x * 1.0
    v = np.split(y, 2, axis=1)[1].T[1:]
    v[0] = x[:, 0] * v[1]
    return np.sum(y * y)


@item(16, "M1", normal(3, 2))
def rows_unpacked(x):
    y = x * 1.0
    a, b, c = y
    a *= b
    c[0] = a[1]
    return np.sum(y * y)


@item(16, "M1", normal(3, 2))
def rows_in_a_loop(x):
    y = x * 1.0
    for row in y:
        row *= row[0]
    return np.sum(y * y)


@item(18, "M3", normal(2, 3))
def reshape_of_a_transpose_is_a_copy(x):
    y = x * 1.0
    v = y.T.reshape(-1)
    v *= 2
    return np.sum(y * y) + np.sum(v * x[0, 0])


@item(18, "M3", normal(2, 3))
def ravel_of_a_transpose_is_a_copy(x):
    y = x * 1.0
    v = y.T.ravel()
    v[0] = 5.0
    return np.sum(y * y) + np.sum(v * x[0, 0])


@item(18, "M3", normal(2, 3))
def reshape_of_contiguous_is_a_view(x):
    y = x.copy()
    v = y.reshape(-1)
    v *= 2
    return np.sum(y * y) + np.sum(v * x[0, 0])


@item(18, "M3", normal(2, 3))
def ravel_of_contiguous_is_a_view(x):
    y = np.zeros((2, 3))
    v = y.ravel()
    v[1:4] = x[0]
    return np.sum(y * x)


@item(18, "M3", normal(2, 3))
def reshape_of_a_product(x):
    y = x * 1.0
    v = y.reshape(3, 2)
    v[0] *= 3
    return np.sum(y * y)


@item(18, "M3", normal(2, 3).T)
def reshape_of_a_product_of_a_transpose(x):
    y = x * 1.0
    v = y.reshape(-1)
    v[0] *= 3
    return np.sum(y * y) + np.sum(v)


@item(18, "M3", normal(4, 3))
def reshape_of_columns_is_a_copy(x):
    y = x * 1.0
    v = y[:, :2].reshape(-1)
    v *= 3
    return np.sum(y * y) + np.sum(v * v)


@item(18, "M3", normal(4, 3))
def reshape_of_rows_is_a_view(x):
    y = x * 1.0
    v = y[:2].reshape(-1)
    v *= 3
    return np.sum(y * y) + np.sum(v * v)


@item(18, "M3", normal(2, 3))
def flatten_is_a_copy(x):
    y = x * 1.0
    v = y.flatten()
    v *= 3
    return np.sum(y * y) + np.sum(v)


@item(18, "M3", normal(2, 3))
def reshape_of_an_argument(x):
    v = x.reshape(-1)
    v[0] = v[1] * v[2]
    return np.sum(x * x)


@item(18, "M3", normal(3, 2).T)
def reshape_of_a_transposed_argument(x):
    v = x.reshape(-1)
    v[0] = v[1] * v[2]
    return np.sum(x * x) + np.sum(v)


@item(18, "M3", normal(2, 3))
def write_to_the_base_of_a_reshape(x):
    y = x * 1.0
    v = y.reshape(-1)
    y[0] = x[1] * 2
    return np.sum(v * v)


@item(18, "M3", normal(3, 2).T)
def write_to_the_base_of_a_reshape_that_copies(x):
    y = x * 1.0
    v = y.reshape(-1)
    y[0] = x[1] * 2
    return np.sum(v * v)


@item(18, "M3", normal(2, 3))
def reshape_in_fortran_order(x):
    y = x * 1.0
    v = y.reshape(-1, order="F")
    v[1] = 4.0
    return np.sum(y * y) + np.sum(v * v)


@item(19, "M1", normal(1, 3), normal(2, 3, seed=1))
def expanded_view_as_source(x, y):
    v = np.broadcast_to(x, (2, 3))
    y[:] = v * y
    y += v
    return np.sum(y * y)


@item(19, "M1", normal(4))
def overlapping_source_and_target(x):
    x[1:] = x[:-1] * 2
    return np.sum(x * x)


@item(19, "M1", normal(4))
def reversed_source_and_target(x):
    x[:] = x[::-1]
    return np.sum(x * np.arange(4))


@item(19, "M1", normal(3, 3))
def transposed_source_and_target(x):
    y = x * 1.0
    y += y.T
    return np.sum(y * y)


@item(19, "M1", normal(3))
def written_source_of_an_expanded_view(x):
    y = x * 1.0
    v = np.broadcast_to(y, (2, 3))
    y *= 2
    return np.sum(v * v)


@item(19, "M1", normal(3))
def column_expanded_into_itself(x):
    m = np.zeros((3, 3))
    m[:, 0] = x
    m[:, 1:] = m[:, :1]
    return np.sum(m * m * np.arange(3))


@item(20, "M2", normal(2, 3), 2, gradient=[0, 0, 1, 0, 0, 1])
def columns_zeroed(x, k):
    x[:, :k] = 0
    return x.sum()


@item(20, "M2", normal(2, 3), 2, gradient=[0, 0, 1, 0, 0, 1])
def columns_zeroed_in_a_copy(x, k):
    y = x.copy()
    y[:, :k] = 0
    return np.sum(y)


@item(20, "M2", normal(2, 3), 2, gradient=[0, 0, 1, 0, 0, 1])
def columns_scaled_to_zero(x, k):
    x[:, :k] *= 0
    return x.sum()


@item(20, "M2", normal(2, 3), 2, gradient=[0, 0, 1, 0, 0, 1])
def columns_zeroed_through_a_view(x, k):
    v = x[:, :k]
    v[...] = 0
    return x.sum()


def _shift_into(a, b):
    a[0] = b[0] * b[1]
    return np.sum(a * a) + np.sum(b)


def _scale_first(a, b):
    a *= 2
    return np.sum(a * b)


def _read_only(a, b):
    return np.sum(a[: len(b)] * b)


@item(21, "M1", normal(4))
def overlapping_arguments_of_a_callee(a):
    return _shift_into(a, a[1:])


@item(21, "M1", normal(4))
def one_array_as_two_arguments_of_a_callee(a):
    return _shift_into(a, a) + _scale_first(a, a)


@item(21, "M1", normal(4))
def overlapping_slices_as_arguments_of_a_callee(a):
    return _shift_into(a[:3], a[1:]) + np.sum(a * a)


@item(21, "M1", normal(4))
def second_argument_is_a_view_of_the_first(a):
    return _scale_first(a, a[::-1])


@item(21, "M1", normal(4))
def overlapping_arguments_that_nobody_writes(a):
    return _read_only(a, a[1:]) * _read_only(a, a)


class Model:
    def __init__(self, a):
        self.a = a
        self.again = a

    def energy(self, x):
        return np.sum(self.a * x)

    def grow(self, by):
        self.a = self.a * by

    def grow_in_place(self, by):
        self.a *= by


@item(22, "M1", normal(3), normal(3, seed=1))
def attribute_aliases_a_parameter(a, x):
    model = Model(a)
    return model.energy(x)


@item(22, "M1", normal(3))
def attribute_aliases_the_input(x):
    model = Model(x)
    return np.sum(model.a * model.again) + np.sum(x)


@item(22, "M1", normal(3), normal(3, seed=1))
def attribute_changes_the_parameter(a, x):
    model = Model(a)
    model.grow_in_place(x)
    return np.sum(a * model.again)


@item(23, "M4", normal(3), normal(3, seed=1))
def field_replaced_after_use(a, x):
    model = Model(a)
    before = model.energy(x)
    model.grow(x)
    return before * model.energy(x)


@item(23, "M4", normal(3), normal(3, seed=1))
def field_written_after_use(a, x):
    model = Model(a * 1.0)
    before = model.a * x
    model.grow_in_place(x)
    return np.sum(before * model.a) * model.energy(x)


@item(23, "M4", 0.7, 1.3)
def number_in_a_field_changed_after_use(a, x):
    model = Model(a)
    before = model.a * x
    model.grow_in_place(x)
    return before * model.a


@item(24, "L1", normal(3))
def chained_assignment_of_a_number(x):
    r = u = v = 0.0
    for e in x:
        r += e * e
        u += r * e
        v = u * e
    return r * u + v


@item(24, "L1", 0.7)
def chained_assignment_of_an_expression(x):
    r = u = v = x * x
    u += x
    v *= u
    return r * u * v


@item(24, "M1", normal(3))
def chained_assignment_of_an_array(x):
    r = u = np.zeros(3)
    u += x
    r *= x
    return np.sum(u)


@item(24, "L1", normal(3))
def chained_assignment_to_items(x):
    y = np.zeros(3)
    y[0] = y[2] = z = x[1] * x[0]
    return np.sum(y * x) * z


GLOBAL = np.zeros(3)
HOLDER = {"state": np.zeros(3), "name": "holder"}
HISTORY = [np.zeros(3), np.ones(3)]


def _put(x):
    GLOBAL[:] = x * x


@item(25, "M6", normal(3))
def through_a_global(x):
    GLOBAL[0] = x[1] * x[2]
    GLOBAL[1:] += x[0]
    return np.sum(GLOBAL * x)


@item(25, "M6", normal(3))
def through_a_global_in_a_callee(x):
    _put(x)
    return np.sum(GLOBAL * x)


@item(25, "M1", normal(3))
def through_a_dict_of_constants(x):
    holder = {"state": np.zeros(3), "count": 0}
    holder["state"][0] = x[1] * x[2]
    holder["count"] += 1
    return np.sum(holder["state"] * x) * holder["count"]


@item(25, "M1", normal(3))
def through_a_list_of_constants(x):
    holder = [np.zeros(3), np.ones(3)]
    holder[0][:] = x * x
    holder[1] *= x
    return np.sum(holder[0] * holder[1])


@item(25, "M6", normal(3))
def through_a_global_dict(x):
    HOLDER["state"][0] = x[1] * x[2]
    return np.sum(HOLDER["state"] * x)


@item(25, "M6", normal(3))
def through_a_global_list(x):
    HISTORY[0][:] = x * x
    HISTORY[1] *= x
    return np.sum(HISTORY[0] * HISTORY[1])


@item(25, "M1", normal(3), {"state": np.zeros(3)}, wrt=0)
def through_an_inactive_argument(x, holder):
    holder["state"][:] = x * x
    return np.sum(holder["state"] * x)


@item(25, "M1", normal(3))
def through_an_object_of_constants(x):
    model = Model(np.ones(3))
    model.grow_in_place(x)
    model.a[0] = x[1] * x[2]
    return model.energy(x)


@item(26, "M5", normal(3))
def one_array_twice(x):
    return np.dot(x, x) + np.sum(np.outer(x, x))


@item(26, "M5", normal(3, 3))
def a_matrix_and_its_transpose(x):
    return np.sum((x @ x.T) * (x + x.T))


@item(26, "M5", normal(3))
def pair_of_one_array(x):
    pair = (x, x)
    a, b = pair
    return np.sum(a * np.sin(b))


@item(26, "M5", normal(3))
def symmetric_matrix_of_one_vector(x):
    m = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            m[i, j] = m[j, i] = x[i] * x[j] + x[i]
    return np.sum(m * m)


@item(26, "M5", normal(3))
def list_of_one_array(x):
    rows = [x] * 3
    return np.sum(np.stack(rows) * np.arange(9.0).reshape(3, 3)) * np.sum(rows[0])


@item(26, "M5", normal(3))
def list_of_one_array_that_is_written(x):
    y = x * 1.0
    rows = [y] * 2
    rows[0][0] = x[1] * x[2]
    return np.sum(rows[1] * x)


def _mutating(m, *args):
    for k, a in enumerate(args):
        m[k] += a * m[0]
    return np.sum(m)


def _mutating_by_name(m, **named):
    m[0] *= named["a"]
    m[1] = named["b"] * m[0]


@item(27, "M1", normal(3), 0.7, 1.3)
def splat_call(m, a, b):
    args = (a, b)
    total = _mutating(m, *args)
    return total * np.sum(m * m)


@item(27, "M1", normal(3), 0.7, 1.3)
def splat_call_of_names(m, a, b):
    _mutating_by_name(m, **{"a": a, "b": b})
    return np.sum(m * m)


@item(27, "M1", normal(3), normal(2, seed=1))
def splat_call_of_an_array(m, a):
    _mutating(m, *a)
    return np.sum(m * m)


@item(27, "M1", normal(3), normal(3, seed=1))
def splat_call_of_the_mutated_array(m, a):
    args = [m, a[0]]
    total = _mutating(*args)
    return total * np.sum(args[0] * a)


def _rebinds(x, y):
    x = y * 2
    return x * x


def _rebinds_and_reads(x, y):
    y = x * y
    x = np.sin(y)
    return x * y


def _rebinds_in_a_branch(x, y):
    if y > 0:
        x = y * y
    return x * y


@item(28, "L1", 0.7, 1.3, gradient=[0, 8 * 1.3])
def callee_rebinds_its_parameter(x, y):
    return _rebinds(x, y)


@item(28, "L1", 0.7, 1.3)
def callee_rebinds_and_caller_reads(x, y):
    z = _rebinds(x, y) + x
    return z * _rebinds_and_reads(y, x) * x


@item(28, "L1", 0.7, 1.3)
def callee_rebinds_in_a_branch(x, y):
    return _rebinds_in_a_branch(x, y) * _rebinds_in_a_branch(y, -x)


@item(28, "M1", normal(3), normal(3, seed=1))
def callee_rebinds_an_array(x, y):
    return np.sum(_rebinds_and_reads(x, y) * _rebinds(y, x) + x)


TWICE = np.array([0, 2, 0, 1])


@item(29, "R3", normal(3))
def augmented_duplicates(x):
    y = np.zeros(3)
    y[np.array([0, 0, 1])] += x
    return np.sum(y * y)


@item(29, "R3", normal(3), normal(4, seed=1))
def augmented_duplicates_of_an_argument(y, x):
    y[TWICE] += x
    return np.sum(y * y)


@item(29, "R3", normal(3), gradient=[1, 1, 1])
def augmented_duplicates_by_one(y):
    y[[0, 0, 1]] += 1
    return np.sum(y)


@item(29, "R3", normal(3), normal(4, seed=1))
def multiplied_duplicates(y, x):
    y[TWICE] *= x
    return np.sum(y * y)


@item(29, "R3", normal(3), normal(4, seed=1))
def added_at_duplicates(y, x):
    np.add.at(y, TWICE, x)
    return np.sum(y * y)


@item(29, "R3", normal(3), normal(4, seed=1))
def subtracted_at_duplicates(y, x):
    np.subtract.at(y, TWICE, x)
    return np.sum(y * y)


@item(30, "M1", normal(4))
def shifted_sum(x):
    z = x * 1.0
    z[1:] += z[:-1]
    return np.sum(z * z)


@item(30, "M1", normal(4))
def shifted_sum_of_the_argument(z):
    z[1:] += z[:-1]
    return np.sum(z * z)


@item(30, "M1", normal(4))
def shifted_sum_spelt_out(z):
    z[1:] = z[1:] + z[:-1]
    return np.sum(z * z)


@item(30, "M1", normal(4))
def shifted_sum_by_out(z):
    np.add(z[1:], z[:-1], out=z[1:])
    return np.sum(z * z)


@item(30, "M1", normal(4))
def shifted_product_backward(z):
    z[:-1] *= z[1:]
    return np.sum(z * z)


@item(30, "M1", normal(4, 3), 2)
def shifted_rows_in_a_loop(z, n):
    for _ in range(n):
        z[1:] += 0.5 * z[:-1]
        z[:, 1:] -= z[:, :-1]
    return np.sum(z * z)


@item(32, "R3", normal(3), normal(4, seed=1))
def gathered_duplicates(x, w):
    return np.sum(x[TWICE] * w)


@item(32, "R3", normal(3), normal(4, seed=1))
def gathered_duplicates_of_a_list(x, w):
    return np.sum(x[[0, 2, 0, 1]] * w)


@item(32, "R3", normal(3), normal(4, seed=1))
def taken_duplicates(x, w):
    return np.sum(np.take(x, TWICE) * w)


@item(32, "R3", normal(3, 2), normal(4, 2, seed=1))
def gathered_duplicate_rows(x, w):
    return np.sum(x[TWICE] * w)


@item(32, "R3", normal(3, 3), normal(4, seed=1))
def gathered_duplicate_entries(x, w):
    return np.sum(x[TWICE, TWICE] * w)


@item(32, "R3", normal(3), normal(4, seed=1), gradient=[0, 0, 0, 0, 1, 1, 1])
def assigned_duplicates(x, w):
    x[TWICE] = w
    return np.sum(x)


@item(32, "R3", normal(3), normal(4, seed=1))
def assigned_duplicates_of_a_copy(x, w):
    y = x.copy()
    y[TWICE] = w
    return np.sum(y * y * x)


@item(32, "R3", normal(3, 2), normal(4, 2, seed=1))
def assigned_duplicate_rows(x, w):
    x[TWICE] = w
    return np.sum(x * x)


@item(32, "R3", normal(3), normal(4, seed=1), TWICE, wrt=(0, 1))
def assigned_duplicates_of_an_argument(x, w, where):
    x[where] = w * x[where]
    return np.sum(x * x)


@item(29, "M1", vector(1.0, 2.0), gradient=[2, 16])
def augmented_through_a_mask(x):
    y = x * 1.0
    y[np.array([False, True])] *= 2
    return (y**2).sum()
