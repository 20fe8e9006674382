"""Reads of elements, rows, slices and gathers."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(normal(4),))
def elements(x):
    return x[0] * x[1] + x[-1] ** 2 + x[0]


@program(args=(normal(3, 4),))
def matrix_elements(a):
    return a[0, 1] * a[2, -1] + a[1][2] * a[0, 1]


@program(args=(normal(6),))
def slices(x):
    return x[1:4] * x[:3] - x[3:] + x[::2]


@program(args=(normal(6),))
def difference(x):
    return np.sum((x[1:] - x[:-1]) ** 2)


@program(args=(normal(5),))
def reversed_slice(x):
    return x[::-1] * x


@program(args=(normal(4, 5),))
def laplacian(u):
    return u[1:-1, 2:] + u[1:-1, :-2] + u[2:, 1:-1] + u[:-2, 1:-1] - 4 * u[1:-1, 1:-1]


@program(args=(normal(3, 4),))
def rows_and_columns(a):
    return a[1] * a[-1] + a[:, 2].sum() * a[0, :]


@program(args=(normal(5), np.array([0, 2, 2, 4])))
def gather_with_duplicates(x, indices):
    return x[indices] ** 2


@program(args=(normal(5), [3, 1, 1]))
def gather_with_a_list(x, indices):
    return np.sum(np.sin(x[indices]))


@program(args=(normal(5),))
def masked(x):
    return np.sum(x[x > 0] ** 2)


@program(args=(normal(3, 4),))
def ellipsis_and_newaxis(a):
    return a[..., 1] * a[0, ..., None].sum() + a[None, :, 0]


@program(args=(normal(4), 2))
def integer_argument_as_an_index(x, i):
    return x[i] * x[i - 1] + x[i + 1]


@program(args=(normal(4), 5))
def read_in_a_loop(x, n):
    total = 0.0
    for i in range(n):
        total += x[i % 4] * x[(i + 1) % 4]
    return total


@program(args=(normal(3, 4),))
def read_rows_in_a_loop(a):
    h = a[0]
    for i in range(1, 3):
        h = h * a[i] + a[i - 1]
    return h


@program(args=(normal(4), 3))
def slice_with_a_computed_bound(x, n):
    return np.sum(x[:n] ** 2) + x[n - 1 :].sum()


@program(args=(normal(4, 4),))
def diagonal(a):
    return np.diag(a) * a[0] + np.trace(a)


@program(args=(positive(2, 3),))
def shapes_as_numbers(a):
    n, m = a.shape
    return np.sum(a) / (n * m) + len(a) * a[0, 0] + a.size * a[1, 1]


@program(args=(normal(3),))
def index_computed_from_values(x):
    k = np.argmax(x)
    return x[k] * x[0] + x[k] ** 2


@program(args=(normal(4),))
def list_index_with_duplicates(x):
    return np.sum(x[[0, 0, 1]] * 2) + np.sum(x[[1, -1, 3]] ** 2)


@program(args=(normal(4), np.array([0, 3, 1, 4])))
def computed_index_with_duplicates(x, idx):
    return np.sum(x[idx % 3])


@program(args=(normal(3, 4),))
def list_index_on_an_axis(a):
    b = a * 1.0
    b[[0, 1]] = b[[1, 0]] * 2
    return np.sum(b[:, [1, 1]] * a[[2, 2, 2], :][:, :2])


@program(args=(normal(3, 4),))
def list_that_names_a_row_twice(x):
    return np.sum(x[[0, 0, 2]] ** 2) + np.sum(x[:, [1, 1]] ** 3) + np.sum(x[np.array([2, 2]), 1:3])


@program(args=(normal(3, 3),))
def rows_by_an_index_array_of_no_axes(a):
    i = np.array(np.digitize(a[0, 0], [-9.0, 0.0, 9.0]))
    i -= 1
    return a[i, 0] * a[i, 1] + a[i] * a[0, i] + a[..., i]


@program(args=(normal(3),))
def scalars_stacked_from_a_tuple(x):
    rows = np.vstack((np.sum(x), x[0], np.mean(x) * 2))
    return rows * np.hstack((np.sum(x), x[0])) + np.column_stack((x[:2], x[1:]))[0]


@program(args=(normal(2),))
def counts_scaled_in_place(x, bits=10):
    steps = np.array([16, 235])
    steps *= 2 ** (bits - 8)
    return x * steps / (2**bits - 1)
