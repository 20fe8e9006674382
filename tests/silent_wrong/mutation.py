"""Values that are overwritten after, or before, somebody used them (1-15)."""

import numpy as np

from retrograd.runtime.errors import AliasedMutation
from tests.silent_wrong.table import item, normal, vector

WEIGHTS = np.array([1.0, 2.0])


def captured():
    w = np.array([1.0, 2.0])

    def f(x):
        y = w * x
        w[0] = 100.0
        return y.sum()

    return f


@item(1, "M4", vector(3.0, 4.0), gradient=[1, 2])
def overwritten_operand(x):
    w = np.array([1.0, 2.0])
    y = w * x
    w[0] = 100.0
    return y.sum()


@item(1, "M6", vector(3.0, 4.0), gradient=[1, 2])
def overwritten_global(x):
    y = WEIGHTS * x
    WEIGHTS[0] = 100.0
    return y.sum()


item(1, "M6", vector(3.0, 4.0), gradient=[1, 2])(captured())


@item(1, "M4", vector(3.0, 4.0), vector(1.0, 2.0), gradient=[1, 2, 3, 4])
def overwritten_argument(x, w):
    y = w * x
    w[0] = 100.0
    return y.sum()


@item(1, "M4", vector(3.0, 4.0), vector(1.0, 2.0), gradient=[1, 2, 3, 4])
def scaled_argument(x, w):
    y = w * x
    w *= 100.0
    return y.sum()


@item(1, "M4", vector(3.0, 4.0))
def overwritten_by_the_input(x):
    w = np.array([1.0, 2.0])
    y = w * x
    w[0] = x[1]
    return (y * w).sum()


@item(2, "M6", vector(1.0, 2.0), gradient=[8, 16])
def doubled_in_place(x):
    y = x
    y *= 2
    return (x**2).sum()


@item(2, "M6", vector(1.0, 2.0), gradient=[8, 16])
def doubled_by_out(x):
    y = x
    np.multiply(y, 2, out=y)
    return (x**2).sum()


@item(2, "M6", vector(1.0, 2.0), gradient=[8, 16])
def doubled_by_slice(x):
    y = x
    y[:] = y * 2
    return (x**2).sum()


@item(2, "M6", vector(1.0, 2.0), gradient=[8, 16])
def doubled_by_item(x):
    y = x
    for i in range(2):
        y[i] *= 2
    return (x**2).sum()


@item(2, "M6", vector(1.0, 2.0), gradient=[8, 16])
def doubled_by_copyto(x):
    y = x
    np.copyto(y, 2 * y)
    return (x**2).sum()


@item(2, "M3", vector(1.0, 2.0), gradient=[8, 16])
def doubled_through_asarray(x):
    y = np.asarray(x)
    y *= 2
    return (x**2).sum()


@item(3, "M1", vector(1.0, 2.0), gradient=[18, 4])
def tripled_view(x):
    y = x * 1.0
    v = y[:1]
    v *= 3
    return (y**2).sum()


@item(3, "M1", vector(1.0, 2.0), gradient=[18, 4])
def tripled_view_of_a_view(x):
    y = x * 1.0
    v = y[0:2][:1]
    v[0] *= 3
    return (y**2).sum()


@item(3, "M1", vector(1.0, 2.0), gradient=[18, 4])
def tripled_view_by_out(x):
    y = x.copy()
    v = y[:1]
    np.multiply(v, 3, out=v)
    return (y**2).sum()


@item(3, "M1", vector(1.0, 2.0), gradient=[18, 4])
def tripled_view_by_store(x):
    y = x + 0.0
    v = y[:1]
    v[...] = v * 3
    return (y**2).sum()


@item(3, "M1", vector(1.0, 2.0), gradient=[18, 4])
def tripled_reversed_view(x):
    y = x * 1.0
    v = y[::-1]
    v[1] *= 3
    return (y**2).sum()


@item(4, "L1", 0.7, 1.3)
def power_grows_later(x, y):
    power = x * y
    z = power * x
    w = np.sin(power)
    power += y * z
    return z + w * power


@item(4, "L1", normal(3), normal(3, seed=1))
def power_grows_later_in_place(x, y):
    power = x * y
    z = power * x
    w = np.sin(power)
    power += y * z
    return np.sum(z + w * power)


@item(4, "M1", normal(3), normal(3, seed=1))
def power_grows_under_another_name(x, y):
    power = x * y
    base = power
    z = power * x
    power += y * z
    return np.sum(base * z)


@item(4, "L1", 0.7, 1.3, 4)
def power_grows_in_a_loop(x, y, n):
    power = 1.0
    total = 0.0
    for _ in range(n):
        total += power * y
        power *= x
    power += total
    return power * total


@item(5, "M4", vector(1.0, 2.0), gradient=[1, 0.5])
def filled_after_log(x):
    y = np.log(x)
    x.fill(0)
    return (y + x).sum()


@item(5, "M4", vector(1.0, 2.0), gradient=[1, 0.5])
def sliced_after_log(x):
    y = np.log(x)
    x[:] = 0
    return (y + x).sum()


@item(5, "M4", vector(1.0, 2.0), gradient=[1, 0.5])
def multiplied_after_log(x):
    y = np.log(x)
    x *= 0
    return (y + x).sum()


@item(5, "M4", vector(1.0, 2.0), gradient=[1, 0.5])
def put_after_log(x):
    y = np.log(x)
    x[0], x[1] = 0.0, 0.0
    return (y + x).sum()


@item(6, "M5", normal(3))
def two_consumers(x):
    y = np.sin(x)
    a = y.copy()
    a[0] = 0.0
    b = y.copy()
    b[1] *= 3
    return np.sum(a + b + y)


@item(6, "M5", normal(3), normal(3, seed=1))
def two_sums_of_one(x, y):
    z = x + y
    a = z + x
    b = z + y
    z[0] = x[1]
    return np.sum(a * b) + np.sum(z)


@item(6, "M5", normal(2, 3))
def two_views_of_one(x):
    y = x * 2
    a, b = y.T, y.reshape(-1)
    a = a + 1
    b = b * b
    return np.sum(a) + np.sum(b) + np.sum(y[0])


class Buffer:
    def __init__(self, data):
        self.data = data

    def put(self, i, value):
        self.data[i] = value

    def scaled(self, by):
        return Buffer(self.data * by)


def wrapping_closure():
    buffer = np.zeros(3)

    def f(x):
        wrapped = Buffer(buffer)
        wrapped.put(0, x[0] * x[1])
        wrapped.data[1:] = x[:2]
        return np.sum(buffer * x) + np.sum(wrapped.data**2)

    return f


item(7, "M6", normal(3))(wrapping_closure())


@item(7, "M1", normal(3))
def wrapped_inside(x):
    buffer = np.zeros(3)

    def write(i, value):
        Buffer(buffer).put(i, value)

    write(0, x[0] * x[1])
    write(2, x[2] ** 2)
    return np.sum(buffer * x)


@item(7, "M1", normal(3))
def wrapped_in_a_view(x):
    buffer = np.zeros(3)
    wrapped = Buffer(buffer[1:])
    wrapped.put(0, x[0] * x[1])
    return np.sum(buffer * x) + np.sum(wrapped.scaled(x[2]).data)


@item(8, "M1", normal(3), np.zeros(3))
def scratch_argument(x, scratch):
    scratch[:] = x * x
    scratch *= x
    return np.sum(scratch)


@item(8, "M1", normal(3), np.zeros(3), wrt=0)
def scratch_argument_by_out(x, scratch):
    np.sin(x, out=scratch)
    np.multiply(scratch, x, out=scratch)
    return np.sum(scratch)


def _fill(out, x):
    for i in range(len(x)):
        out[i] = x[i] ** 2


@item(8, "M1", normal(3), np.full(3, 7.0), wrt=0)
def scratch_of_a_callee(x, scratch):
    _fill(scratch, x)
    return np.sum(scratch * x)


@item(8, "M1", normal(3), normal(2, 3, seed=1))
def preallocated_then_broadcast(x, m):
    row = np.empty(3)
    for i in range(3):
        row[i] = x[i] ** 2
    return np.sum(m * row)


@item(8, "M1", normal(3), normal(2, 3, seed=1))
def preallocated_then_expanded(x, m):
    row = np.zeros_like(x)
    row[:] = np.sin(x)
    return np.sum(np.broadcast_to(row, m.shape) * m + row[None, :])


@item(9, "M2", normal(3), normal(2, seed=1))
def two_writes_to_one_element(x, y):
    x[0] = y[0] * 2
    x[0] = y[1] * 3
    return np.sum(x * x)


@item(9, "M2", normal(3), normal(2, seed=1))
def two_writes_with_a_read_between(x, y):
    x[0] = y[0] * 2
    z = x[0] * x[1]
    x[0] = y[1] * 3
    return np.sum(x * x) + z


@item(9, "M2", normal(3), normal(2, seed=1), 1)
def two_writes_by_overlapping_slices(x, y, k):
    x[:2] = y
    x[k : k + 2] = y * y
    return np.sum(x * x)


@item(9, "M2", normal(3), normal(4, seed=1))
def many_writes_in_a_loop(x, y):
    for i in range(4):
        x[i % 2] = y[i] ** 2
    return np.sum(x * x)


@item(10, "M2", normal(4), gradient=[1, 1, 1, 1])
def item_plus_one(a):
    for i in range(4):
        a[i] = a[i] + 1
    return np.sum(a)


@item(10, "M2", normal(4))
def item_plus_neighbour(a):
    for i in range(1, 4):
        a[i] = a[i] * a[i - 1] + 1
    return np.sum(a)


@item(10, "M2", normal(4), gradient=[0, 1, 2, 3])
def item_times_index(a):
    for i in range(4):
        a[i] *= i
    return np.sum(a)


@item(10, "M2", normal(4), gradient=[0, 1, 2, 3])
def item_times_index_spelt_out(a):
    for i in range(4):
        a[i] = a[i] * i
    return np.sum(a)


@item(10, "M2", normal(4), gradient=[0, 1, 2, 3])
def items_times_indices(a):
    a *= np.arange(4)
    return np.sum(a)


@item(10, "M2", normal(4), gradient=[0, 2, 8, 18])
def item_times_index_twice(a):
    b = a.copy()
    for i in range(4):
        b[i] *= i
        b[i] *= i
    return np.sum(b) * 2


@item(11, "M2", normal(2, 2), 0.3, 3, gradient=[1, 1, 1, 1, 3])
def accumulated_by_store(m, x, k):
    for _ in range(k):
        m[0, 0] = m[0, 0] + x
    return np.sum(m)


@item(11, "M2", normal(2, 2), 0.3, 3, gradient=[1, 1, 1, 1, 3])
def accumulated_in_place(m, x, k):
    for _ in range(k):
        m[0, 0] += x
    return np.sum(m)


@item(11, "M2", normal(2, 2), 0.3, 3)
def accumulated_through_a_row(m, x, k):
    row = m[0]
    for _ in range(k):
        row[0] += x * m[0, 1]
    return np.sum(m * m)


@item(11, "M2", normal(2, 2), 0.3, 3)
def accumulated_products(m, x, k):
    for _ in range(k):
        m[0, 0] = m[0, 0] * x
        m[1, 1] *= x
    return np.sum(m * m)


@item(12, "M1", normal(3))
def copied_and_read_again(x):
    y = x.copy()
    y *= 2
    return np.sum(y * x)


@item(12, "M1", normal(3))
def copied_by_slice_and_read_again(x):
    y = np.empty(3)
    y[:] = x
    z = np.sum(x * x)
    y[0] = 5.0
    return np.sum(y) + z


@item(12, "M1", normal(3))
def copied_by_copyto_and_read_again(x):
    y = np.zeros(3)
    np.copyto(y, x)
    y += x
    return np.sum(y * x) + np.sum(x)


@item(12, "M1", normal(3))
def copied_by_array_and_read_again(x):
    y = np.array(x)
    z = np.array(y)
    z[1] = x[0]
    return np.sum(y * z) + np.sum(x)


@item(12, "M1", normal(3))
def copied_item_by_item_and_read_again(x):
    y = np.zeros(3)
    for i in range(3):
        y[i] = x[i]
    return np.sum(y * x) + np.sum(x)


@item(13, "M4", normal(3), normal(3, seed=1))
def product_of_arguments(x, w):
    return np.sum(np.sin(w * x))


@item(13, "M4", normal(3), normal(3, 3, seed=1))
def array_of_arguments(x, w):
    y = w @ x
    return y * x


@item(13, "M4", normal(3))
def returns_its_argument(x):
    y = x * x
    return x, y


@item(14, "M4", normal(3), normal(3, seed=1))
def read_then_overwritten(x, b):
    loss = x * b
    b += 100
    return np.sum(loss)


@item(14, "M4", normal(3), normal(3, seed=1))
def read_then_filled(x, b):
    loss = np.exp(b) * x
    b[:] = x
    return np.sum(loss * b)


@item(14, "L1", 0.4, 1.2)
def rebound_to_a_product(t, x):
    x = np.cos(t) * x
    return x * x


@item(14, "M4", vector(0.4, 0.5), vector(1.2, -0.3), 3)
def rebound_to_products_in_a_loop(t, x, n):
    for _ in range(n):
        x = np.cos(t) * x
        t = t + x
    return np.sum(x * t)


@item(14, "M4", vector(0.4, 0.5), vector(1.2, -0.3), 3)
def overwritten_by_products_in_a_loop(t, x, n):
    for _ in range(n):
        x[:] = np.cos(t) * x
        t += x
    return np.sum(x * t)


@item(31, "R3", vector(1.5, 2.5), refused=(AliasedMutation, "truncates"))
def float_into_ints(x):
    y = np.zeros(2, int)
    y[0] = x[0]
    return np.sum(y * x)


@item(31, "R3", vector(1.5, 2.5), refused=(AliasedMutation, "truncates"))
def floats_into_a_slice_of_ints(x):
    y = np.arange(2)
    y[:] = x
    return np.sum(y * x)


@item(31, "R3", vector(1.5, 2.5), refused=(AliasedMutation, "truncates"))
def floats_into_a_view_of_ints(x):
    y = np.array([1, 2, 3])
    v = y[1:]
    v[...] = x
    return np.sum(y[:2] * x)


@item(31, "R3", vector(1.5, 2.5), refused=(AliasedMutation, "truncates"))
def floats_copied_into_ints(x):
    y = np.zeros_like(np.array([1, 2]))
    np.copyto(y, x, casting="unsafe")
    return np.sum(y * x)


@item(31, "R3", vector(1.5, 2.5), refused=(AliasedMutation, "truncates"))
def ints_filled_with_a_float(x):
    y = np.zeros(2, int)
    y.fill(x[0])
    return np.sum(y * x)


@item(31, "R3", vector(1.5, 2.5), refused=(AliasedMutation, "truncates"))
def ints_full_of_a_float(x):
    y = np.full(2, 0)
    y[np.array([0, 1])] = x
    return np.sum(y * x)
