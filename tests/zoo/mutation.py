"""Stores into arrays that the program made itself: u[i] = v, u[i] += v, slices, augmented assignment."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(0.7, 5))
def fill_elements(x, n):
    u = np.zeros(n)
    for i in range(n):
        u[i] = x**i
    return u


@program(args=(0.9, positive(5)))
def recurrence(a, f):
    u = np.zeros(len(f))
    u[0] = f[0]
    for i in range(1, len(f)):
        u[i] = a * u[i - 1] + f[i]
    return u


@program(args=(0.9, 0.5, 6))
def euler(rate, start, n):
    u = np.empty(n + 1)
    u[0] = start
    for i in range(n):
        u[i + 1] = u[i] + 0.1 * rate * u[i] * (1 - u[i])
    return np.sum(u**2)


@program(args=(normal(4),))
def add_to_elements(x):
    u = np.zeros(4)
    for i in range(4):
        u[i] += x[i] ** 2
        u[0] += x[i]
    return np.sum(u * u)


@program(args=(normal(6), 0.1))
def heat_steps(u0, r):
    u = u0.copy()
    for k in range(3):
        u[1:-1] = u[1:-1] + r * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u


@program(args=(normal(5),))
def slice_update(x):
    u = x * 1.0
    u[1:4] *= 2
    u[0] = u[1] * u[2]
    u[3:] += x[:2]
    return np.sum(u**2)


@program(args=(normal(5),))
def overlapping_slice_update(x):
    z = x.copy()
    z[1:] += z[:-1]
    return z * z


@program(args=(normal(3),))
def read_then_overwrite(x):
    y = x * x
    z = np.sin(y)
    y[1] = 4.0
    return np.sum(y * z)


@program(args=(normal(3), 0.7))
def overwrite_twice(x, c):
    u = np.zeros(3)
    u[0] = x[0] * c
    u[0] = u[0] * x[1]
    u[1] = x[1]
    u[1] = 2.0
    return np.sum(u * x)


@program(args=(normal(2, 3),))
def fill_rows(a):
    out = np.zeros((3, 2))
    for i in range(3):
        out[i] = np.tanh(a[:, i])
        out[i, 1] = out[i, 0] * a[0, i]
    return out


@program(args=(normal(3, 3),))
def fill_a_matrix(a):
    m = np.zeros((3, 3))
    for i in range(3):
        for j in range(i + 1):
            m[i, j] = a[i, j] * a[j, i]
            m[j, i] = m[i, j]
    return m


@program(args=(normal(4), 0.5))
def store_a_scalar_in_a_slice(x, c):
    u = x.copy()
    u[1:3] = c
    return u * x


@program(args=(normal(4),))
def augmented_on_an_array(x):
    y = x * 2
    y += x
    y *= y
    y -= 1.5
    y /= 3
    return np.sum(y * x)


@program(args=(0.8,))
def augmented_on_a_number(x):
    y = x
    y *= x
    y += 2 * x
    y -= x / 3
    y **= 2
    return y


@program(args=(normal(4),))
def rebinding_is_not_mutation(x):
    y = x
    y = y + x
    y = y * x
    return y


@program(args=(normal(3),), later=True)
def write_through_a_view(x):
    y = x * 1.0
    v = y[:1]
    v *= 3
    return np.sum(y**2)


@program(args=(normal(3), 1.3))
def alias_sees_the_write(x, c):
    y = x * c
    z = y
    z[0] = c * c
    return np.sum(y * z)


@program(args=(normal(4), 0.3, 3))
def zero_a_part(x, c, n):
    u = x * c
    for i in range(n):
        u[i] = 0.0
        u[i + 1] = u[i + 1] * c + u[i]
    return np.sum(u)


@program(args=(normal(4),))
def cumulative_in_place(x):
    u = x.copy()
    for i in range(1, len(u)):
        u[i] = u[i] + u[i - 1]
    return np.sum(u * u)


@program(args=(normal(4), 3))
def branch_with_a_store(x, n):
    u = np.zeros(4)
    for i in range(4):
        if x[i] > 0:
            u[i] = x[i] ** 2
        elif i < n:
            u[i] -= x[i]
    return np.sum(u * x)


@program(args=(normal(3),))
def full_and_ones_like(x):
    a = np.ones_like(x)
    b = np.full(3, 2.5)
    a[0] = x[1]
    b[2] *= x[2]
    return np.sum(a * b * x)


@program(args=(positive(4), 0.2, 3))
def wave_with_two_buffers(u0, r, n):
    u = u0.copy()
    previous = u0.copy()
    for k in range(n):
        new = np.zeros(4)
        new[1:-1] = 2 * u[1:-1] - previous[1:-1] + r * (u[2:] - 2 * u[1:-1] + u[:-2])
        previous = u
        u = new
    return np.sum(u**2)


def _store_square(u, i, x):
    u[i] = x * x


@program(args=(normal(3),))
def helper_that_stores(x):
    u = np.zeros(3)
    for i in range(3):
        _store_square(u, i, x[i])
    return np.sum(u * x)


@program(args=(normal(3), normal(3, seed=1)))
def caller_array_is_written(x, y):
    x *= 2
    x[0] = y[1]
    return np.sum(x * y)


@program(args=(normal(3), 0.5))
def made_on_both_paths_and_written_on_one(x, limit):
    if x[0] < limit:
        y = np.full(x.shape, 2.0) * x
    else:
        y = x * 2
        y *= 2 / (1.5 + x[1] ** 2)
    return np.sum(y * y)


@program(args=(normal(3), -5.0))
def made_and_written_on_one_path(x, limit):
    if x[0] < limit:
        z = x * 3
    else:
        y = x * 2
        y[0] = 2 * x[1]
        z = y * y
    return np.sum(z)


@program(args=(normal(3),))
def written_on_paths_in_a_loop(x):
    total = 0.0
    for k in range(3):
        if k == 1:
            y = x * k
            y[0] += x[2]
        else:
            y = x - k
        total += np.sum(y * x)
    return total


# -- arrays that change places ----------------------------------------------------------------------------


@program(args=(normal(5), 3))
def two_buffers(x, n):
    u = x.copy()
    v = np.zeros_like(x)
    for _ in range(n):
        for i in range(1, len(x) - 1):
            v[i] = u[i] + 0.1 * (u[i - 1] - 2 * u[i] + u[i + 1]) * u[i]
        u, v = v, u
    return np.sum(u**2) + v[1]


@program(args=(normal(5), 4))
def three_buffers(x, n):
    before, now, after = x.copy(), x * 2, np.zeros(5)
    for _ in range(n):
        after[1:-1] = 2 * now[1:-1] - before[1:-1] + 0.1 * now[2:] ** 2
        before, now, after = now, after, before
    return np.sum(before * now) + after[0]


@program(args=(normal(4), 3))
def buffers_by_a_third_name(x, n):
    old, new = x.copy(), np.zeros(4)
    for _ in range(n):
        new[1:-1] = 0.5 * (old[2:] + old[:-2]) * old[1:-1]
        spare = old
        old = new
        new = spare
    return np.sum(old**2)


@program(args=(normal(4), 4))
def buffers_that_change_places_now_and_then(x, n):
    u, v = x.copy(), x * 2
    for i in range(n):
        v[1] = u[0] * v[2]
        if i % 2:
            u, v = v, u
    return np.sum(u) * v[1]


@program(args=(normal(4), 3))
def buffers_in_a_loop_in_a_loop(x, n):
    u, v = x.copy(), x * 2
    for _ in range(n):
        k = 0
        while k < 2:
            v[1] = u[0] * v[2]
            u, v = v, u
            k += 1
        u[3] = v[1]
    return np.sum(u) * v[1]


@program(args=(normal(4), normal(4, seed=1), 3))
def arguments_that_change_places(u, v, n):
    for _ in range(n):
        v[1] = u[0] * v[2]
        u, v = v, u
    return np.sum(u) * v[1]


@program(args=(np.array([1.5, np.nan, 0.3]),), smooth=False)
def nan_to_num_in_place(x):
    y = x * 2
    z = np.nan_to_num(y, copy=False, nan=0.5)
    y[0] = 3.0
    return z * y * np.nan_to_num(x)
