"""Whose memory is it?  Views of arrays that are written, cotangents that are views of each other, values overwritten."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(normal(3, 3), normal(3, 3, seed=1)))
def transposed_beside_itself(x, y):
    c = np.sin(y)
    b = np.exp(x)
    s = np.sum(b**3)
    a = b.T + c
    return s + np.sum(a * a)


@program(args=(normal(3), normal(3, seed=1)))
def a_plain_sum(x, y):
    return x + y


@program(args=(normal(3),))
def the_argument_itself(x):
    return x


@program(args=(0.7, 4))
def overwritten_in_each_iteration(x, n):
    y = x * x
    for i in range(n):
        y = x * (i + 1)
    return y * y


@program(args=(normal(4), 3))
def array_overwritten_in_each_iteration(x, n):
    y = x * x
    for i in range(n):
        y = np.sin(x) * (i + 1)
    return np.sum(y * y)


@program(args=(normal(3), 4))
def entries_read_and_overwritten(x, n):
    u = x.copy()
    for _ in range(n):
        t = u[1]
        u[1] = np.sin(t) * u[0]
        u[0] = 0.5 * t * t
    return np.sum(u * u)


@program(args=(normal(2, 2),), later=True)
def store_through_a_transpose(x):
    u = x * 1.0
    v = u.T
    v[0, 1] = x[0, 0] * x[1, 1]
    return np.sum(u * u * x)


@program(args=(normal(4),), later=True)
def store_under_a_view(x):
    u = x * 1.0
    v = u[1:]
    u[2] = x[0] * x[1]
    return np.sum(v * v)


@program(args=(np.array([1.0, -1.0, 2.0]),))
def root_of_a_masked_array(x):
    y = np.where(x > 0, x, 0.0)
    return np.sum(np.sqrt(y))


@program(args=(np.array([1.0, -1.0, 2.0]),))
def masked_root(x):
    return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 0.0)), x))


@program(args=(normal(3), 4))
def read_whole_and_written_in_part(x, n):
    u = x.copy()
    s = 0.0
    for _ in range(n):
        s = s + np.sum(np.sin(u))
        u[0] = u[1] * u[0]
        u[1] = np.cos(u[0]) * u[2]
    return s


@program(args=(positive(3),))
def converted_to_its_own_dtype(x):
    y = x * 2
    z = np.float64(y)
    z[0] = 3.0
    np.double(np.atleast_2d(y))[0, 1] *= x[1]
    return z * y * np.double(np.atleast_2d(x)).copy()[0]


@program(args=(1.5,))
def conjugate_of_a_python_complex(x):
    m = 2j * x * x
    return (m * m.conjugate()).real + (x.conjugate() * m).imag


@program(args=(1.5, 1.2))
def broadcast_of_unknown_ranks(x, y):
    a = np.asarray(x) * 1.0 if y > 1 else x * y
    b, c = np.broadcast_arrays(a, y)
    p, q = np.meshgrid(a, y)
    return b * c + p[0, 0] * q[0, 0]


@program(args=(0.6, 6))
def filled_by_a_loop_and_stored_into_on_one_path(x, n):
    u = np.zeros(n)
    for i in range(1, n):
        u[i] = u[i - 1] * x + 1.0
    if u[1] > 0.9:
        u[0] = x
        return np.sum(u) * u[2]
    return u[-1]


@program(args=(0.6, 5))
def filled_twice_and_read_between(x, n):
    u = np.ones(n)
    for i in range(n):
        u[i] = u[i] * x + i
    v = u * x
    u[1] = x * x
    for i in range(1, n):
        u[i] = u[i - 1] * v[i]
    if x > 0.5:
        u[2] = v[0]
        return np.sum(u) + u[2] * v[1]
    return np.sum(v)


@program(args=(normal(4, 3), normal(4, 3, seed=1), 3))
def rows_of_two_arguments(x, y, n):
    total = 0.0
    for k in range(n):
        if k % 2 == 0:
            v = x[k]
        else:
            v = y[k]
        total = total + np.sum(v * v * v)
    return total


# -- entries that do not move: their tangents are zeros which no infinite slope may touch (R6) ---------------


@program(args=(positive(3),))
def roots_of_a_stored_zero(x):
    u = x * 1.0
    u[0] = 0.0
    return np.sum(np.sqrt(u))


@program(args=(0.7, 3))
def roots_of_what_is_reset(x, n):
    v = x
    total = 0.0
    for _ in range(n):
        total = total + np.sqrt(v)
        v = 0.0
    return total


@program(args=(positive(2), 4))
def roots_of_rows_not_filled(x, n):
    u = np.zeros((n, 2))
    for k in range(1, n):
        u[k] = x * k
    total = 0.0
    for row in u:
        total = total + np.sum(np.sqrt(row))
    return total


@program(args=(positive(2),))
def roots_of_joined_zeros(x):
    joined = np.concatenate([x, np.zeros(2)])
    longer = np.append(x, 0.0)
    listed = np.array([x[0], 0.0])
    return np.sum(np.sqrt(joined)) + np.sum(np.sqrt(longer) * 2) + np.sum(np.sqrt(listed) * 3)


@program(args=(positive(2),))
def roots_of_a_diagonal_matrix(x):
    return np.sum(np.sqrt(np.diag(x))) + np.sum(np.sqrt(np.pad(x, 1)) * 2)


@program(args=(np.array([0.7, 0.2]),))
def roots_of_picked_zeros(x):
    u = np.where(x > 0.5, x, 0.0)
    return np.sqrt(u[0]) + np.sqrt(u[1]) + np.sum(np.sqrt(u.reshape(2, 1)))


@program(args=(0.7, 3))
def roots_of_listed_zeros(x, n):
    xs = []
    for k in range(n):
        xs.append(x if k == 1 else 0.0)
    total = np.sqrt(xs[2])
    for v in xs:
        total = total + np.sqrt(v)
    return total


@program(args=(positive(2),))
def roots_of_zeros_from_a_block(x):
    u = x * 1.0
    with np.errstate(all="ignore"):
        u[0] = 0.0
        v = u
    return np.sum(np.sqrt(v))
