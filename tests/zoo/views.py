"""Views, aliases and writes that another name sees (M1, M3)."""

import numpy as np

from tests.zoo.table import normal, program


@program(args=(normal(3),))
def write_through_a_slice(x):
    y = x * 1.0
    v = y[:1]
    v *= 3
    return np.sum(y**2)


@program(args=(normal(5), 0.7))
def chained_views(x, c):
    y = x * 2
    v = y[1:]
    w = v[::2]
    w[0] = c * v[1]
    w[1] += y[0]
    return np.sum(y * y * v[0])


@program(args=(normal(3, 3),))
def write_through_a_transpose(a):
    b = a + 0.0
    t = b.T
    t[0] = t[1] * 2
    b[0, 0] = 3 * b[1, 1]
    return np.sum(t * t * t)


@program(args=(normal(2, 3), 1.5))
def rows_are_views(a, c):
    b = a * 1.0
    for row in b:
        row *= c
        row[0] += row[1] * row[2]
    return np.sum(b * b)


@program(args=(normal(4),))
def reshape_of_fresh_memory_is_a_view(x):
    u = np.zeros(4)
    m = u.reshape(2, 2)
    u[:] = x
    m[0, 1] *= x[0]
    return np.sum(u * u) + np.sum(m)


@program(args=(normal(4),))
def a_view_read_after_its_base_changed(x):
    y = x * 1.0
    tail = y[2:]
    y *= x
    y[3] = 2 * y[0]
    return np.sum(tail * tail)


@program(args=(normal(3), 0.3))
def copies_do_not_see_writes(x, c):
    y = x * 1.0
    kept, mask = y.copy(), y[[0, 1]]
    y[0] = c * y[1]
    return np.sum(kept * y) + np.sum(mask * c)


@program(args=(normal(3), 0.3))
def aliases_in_containers(x, c):
    y = x * c
    box = {"y": y, "pair": [y, y]}
    box["pair"][0][1] = c * c
    y += 1
    return np.sum(box["y"] * y) + box["pair"][1][1]


def _double_first(u):
    u[0] *= 2
    return u


def _fill(u, value):
    u[:] = value
    u = u * 0
    return u


@program(args=(normal(3),))
def a_callee_writes(x):
    y = x * 1.0
    z = _double_first(y)
    _fill(y[1:], x[0])
    z[2] = y[0] * z[1]
    return np.sum(y * z)


@program(args=(normal(3), 0.4))
def scratch_argument(x, c):
    buffer = np.empty(3)

    def step(v, out):
        out[:] = np.sin(v)
        out *= c
        return out

    first = step(x, buffer).sum()
    return first + step(x * x, buffer).sum() * first


@program(args=(normal(3),))
def captured_array_changes_after_use(x):
    w = np.array([1.0, 2.0, 3.0])
    y = w * x
    w[0] = 100.0
    return y.sum() * w[1]


@program(args=(normal(3), 0.4))
def augmented_assignment_is_seen_by_aliases(x, c):
    y = x * c
    z = y
    y *= 2
    y += z
    return np.sum(z * y)


@program(args=(normal(3), 0.4))
def which_alias_depends_on_a_branch(x, c):
    a, b = x * c, x + c
    v = a if c > 0.2 else b
    return np.sum(v * a * b)


@program(args=(normal(4), 3))
def view_of_a_loop_buffer(x, n):
    u = x * 1.0
    left = u[:2]
    for i in range(n):
        left += u[2:] * 0.5
        u[3] = u[0] * 0.1
    return np.sum(u * u) + left[0]


@program(args=(normal(2, 4),))
def column_writes(a):
    b = a * 1.0
    b[:, 0] = b[:, 1] * 2
    b[:, 2:] *= b[:, :2]
    b[0][1] = b[1][0]
    return np.sum(b**2)


@program(args=(normal(4), np.array([0, 2, 2])))
def index_array_stores(x, idx):
    y = x * 1.0
    y[idx] += x[1:]
    y[idx] = y[idx] * 2
    return np.sum(y * y)


@program(args=(normal(4),))
def masked_stores(x):
    y = x * x
    y[x < 0] = x[0]
    y[x > 0] *= 3
    return np.sum(y)


@program(args=(normal(3),))
def expand_dims_is_a_view(x):
    y = x * 1.0
    column = y[:, None]
    y[0] = 5 * x[1]
    column[1] = column[0] * 2
    return np.sum(y * y)


@program(args=(normal(3), 0.8))
def swap_through_temporaries(x, c):
    a, b = x * c, x - c
    a[0], b[0] = b[0], a[0]
    a[:2], b[1:] = b[:2] * 1.0, a[1:] * 1.0
    return np.sum(a * a * b)


@program(args=(normal(3, 3),))
def lower_triangle_in_place(a):
    m = a @ a.T + 3 * np.eye(3)
    for j in range(3):
        m[j, j] = np.sqrt(m[j, j] - np.sum(m[j, :j] ** 2))
        for i in range(j + 1, 3):
            m[i, j] = (m[i, j] - np.sum(m[i, :j] * m[j, :j])) / m[j, j]
        m[j, j + 1 :] = 0.0
    return np.sum(m * m * a)


@program(args=(normal(4),))
def out_arguments(x):
    y = np.empty_like(x)
    np.multiply(x, x, out=y)
    np.add(y, x, y)
    np.sin(y[:2], out=y[2:])
    z = np.cumsum(y, out=np.zeros(4))
    return np.sum(z * y)


@program(args=(normal(3), np.array([0, 1, 1, 2])))
def add_at(x, indices):
    u = np.zeros(3)
    np.add.at(u, indices, x[indices] ** 2)
    np.subtract.at(u, [0, 0], x[:2])
    return u * x


@program(args=(normal(3), 0.4))
def fill_and_copyto(x, c):
    y = np.log(x * x)
    x = x * 1.0
    x.fill(c)
    np.copyto(y[1:], x[:2] * c, where=np.array([True, False]))
    return np.sum(y + x)


@program(args=(normal(4),))
def sorted_in_place(x):
    y = x * x
    z = y
    y.sort()
    return np.sum(z * np.arange(4.0))


@program(args=(normal(3, 3), 2.5))
def diagonal_filled(a, c):
    b = a * 1.0
    np.fill_diagonal(b, c)
    return np.sum(b @ b)


@program(args=(normal(2, 3),))
def written_reshape_in_fortran_order(x):
    y = np.zeros((2, 3))
    v = y.reshape(-1, order="F")
    v[1] = x[0, 0] ** 2
    return np.sum(y * x) + np.sum(v)


@program(args=(normal(2, 3),))
def written_ravel_of_fortran_order(x):
    y = np.ones((2, 3), order="F")
    v = y.ravel()
    v[1] = x[0, 0] ** 2
    return np.sum(y * x) + np.sum(v)


@program(args=(normal(2, 3),))
def written_ravel_of_every_other_entry(x):
    y = x[0] * x[1]
    v = y[::2].ravel()
    v *= x[0, 0]
    return np.sum(y * y) + np.sum(v)


@program(args=(normal(3, 2),))
def whole_store_keeps_the_layout(x):
    y = x.T * 1.0
    w = np.array([[1e16, 1.0], [-1e16, 3.0], [7.0, 5.0]]).T * 1.0
    y[...] = w + 0.0 * x.T
    return np.sum(y * 1e-16) + np.sum(x * x)


@program(args=(normal(4), 3))
def columns_in_a_list_are_written(x, n):
    m = np.outer(x, x)
    rows = [m[i] * 2 for i in range(n)]
    rows[0][1] = x[2] ** 2
    rows[2] *= rows[0]
    return np.sum(np.array(rows) * x)


@program(args=(normal(7), 0.7))
def stores_into_uneven_pieces(x, c):
    u = x * c
    first, second, third = np.array_split(u, 3)
    second[1] = first[2] * x[5]
    third *= c
    first[0] = third[1]
    return np.sum(u**2) * c
