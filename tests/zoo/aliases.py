"""Two ways to one container, where only the run knows whether there are: right, or refused."""

from dataclasses import dataclass

import numpy as np

from tests.zoo.table import normal, program


@dataclass
class Body:
    x: float
    v: float


@program(args=(0.7, 4, 1), later=True)
def one_row_many_times(x, n, k):
    row = [x, 2.0 * x]
    rows = [row for _ in range(n)]
    rows[k][0] = x * x
    return rows[0][0] * row[0]


@program(args=(0.7, 4, 1), later=True)
def rows_in_two_lists(x, n, k):
    a = [[x] * 2 for _ in range(n)]
    b = [r for r in a]
    a[k][0] = x * x
    return b[k][0] * b[0][0]


@program(args=(0.7, 4, 1), later=True)
def rows_in_a_copy(x, n, k):
    a = [[x] * 2 for _ in range(n)]
    b = list(a)
    a[k][0] = x * x
    return b[k][0] * b[0][0]


@program(args=(0.7, 4), later=True)
def rows_in_a_slice(x, n):
    a = [[x] * 2 for _ in range(n)]
    b = a[1:]
    b[0][0] = x * x
    return a[1][0] * b[0][1]


@program(args=(0.7, 4, 1), later=True)
def an_item_put_in_again(x, n, k):
    a = [[x * i, x] for i in range(n)]
    a[0] = a[k]
    a[0][0] = x * x
    return a[k][0] * a[0][0]


@program(args=(0.7, 4, 1), later=True)
def neighbours_side_by_side(x, n, k):
    rows = [[x * i, x] for i in range(n)]
    for a, b in zip(rows, rows[1:]):
        b[0] = a[0] * x + b[0]
    return rows[k][0] + rows[-1][0]


@program(args=(0.7, 4, 1), later=True)
def one_of_two_rows(x, n, k):
    rows = [[x * i, x] for i in range(n)]
    row = rows[k] if x > 0.5 else rows[0]
    row[0] = x * x
    return rows[k][0] + rows[0][0]


@program(args=(0.7, 4), later=True)
def a_row_taken_out_and_put_back(x, n):
    rows = [[x * i, x] for i in range(n)]
    row = rows.pop()
    row[0] = x * x
    rows.append(row)
    row[1] = x * 3.0
    return rows[-1][0] * rows[-1][1]


@program(args=(0.7, 4, 1), later=True)
def one_row_changed_and_put_in(x, n, k):
    row = [x, x]
    rows = []
    for _ in range(n):
        row[0] = x * row[1]
        rows.append(row)
    return rows[k][0]


@program(args=(normal(2), 4, 1), later=True)
def one_array_many_times(x, n, k):
    a = x * 2.0
    rows = [a for _ in range(n)]
    rows[k][1] = x[0]
    return rows[0][0] * rows[0][1]


@program(args=(normal(2), 4, 1), later=True)
def rows_that_are_views(x, n, k):
    m = np.outer(x, x)
    rows = [m[i] for i in range(2)] + [x * 1.0 for _ in range(n)]
    rows[k][1] = x[0]
    return np.sum(m) * rows[k][1]


@program(args=(normal(2), 4, 1), later=True)
def an_array_kept_and_written(x, n, k):
    rows = [x * i for i in range(n)]
    kept = rows[k]
    rows.pop(0)
    kept[0] = x[0] * x[1]
    return kept[0] * rows[k][0]


@program(args=(0.7, 4, 1), later=True)
def one_array_in_objects(x, n, k):
    a = np.array([x, x])
    bodies = [Body(a, x * i) for i in range(n)]
    bodies[k].x[0] = x * x
    return bodies[0].x[0] * a[0]


@program(args=([1.0, 2.0], [3.0, 4.0], 0.5), later=True)
def one_of_two_arguments(a, b, x):
    one = a if x > 0.1 else b
    one[0] = 5.0 * x
    return a[0] * b[0]


@program(args=(Body(1.0, 2.0), Body(3.0, 4.0), 0.5), later=True)
def one_of_two_objects(a, b, x):
    if x > 0.1:
        one = a
    else:
        one = b
    one.x = 5.0 * x
    return a.x * b.x


@program(args=(0.7,), later=True)
def one_of_two_and_one_of_them_written(x):
    a = [x, 1.0]
    b = [2.0, 3.0]
    one = a if x > 0.1 else b
    a[0] = 5.0 * x
    return one[0]


@program(args=(0.7, 3), later=True)
def another_name_from_the_last_pass(x, n):
    b = [2.0, x]
    one = [1.0, x]
    s = 0.0
    for _ in range(n):
        b[0] = b[0] * x
        s += one[0]
        one = b
    return s


@program(args=(0.7, 3), later=True)
def two_names_for_what_a_pass_makes(x, n):
    one = other = [x, 1.0]
    s = 0.0
    for i in range(n):
        one[0] = one[0] * x
        s += other[0]
        one = other = [x * i, 2.0]
    return s


@program(args=([1.0, 2.0], 0.5, 4), later=True)
def an_argument_put_into_a_list(a, x, n):
    rows = []
    for _ in range(n):
        rows.append(a)
    a[0] = 5.0 * x
    return rows[0][0] + rows[1][1]


# -- arrays that change places, and may be one ------------------------------------------------------------


@program(args=(normal(4), 3), later=True)
def one_array_under_both_names(x, n):
    u = x.copy()
    v = u
    for _ in range(n):
        v[1] = u[0] * v[2]
        u, v = v, u
    return np.sum(u) * v[1]


@program(args=(normal(4), 3), later=True)
def a_view_under_the_other_name(x, n):
    u = x.copy()
    v = u[::-1]
    for _ in range(n):
        v[1] = u[0] * v[2]
        u, v = v, u
    return np.sum(u) * v[1]


@program(args=(normal(4), 4), later=True)
def arrays_that_become_one(x, n):
    u, v = x.copy(), x * 2
    for i in range(n):
        v[0] = u[1] * x[0]
        if i == 2:
            u = v
        else:
            u, v = v, u
    return np.sum(u) * v[1]


@program(args=(normal(4), 3), later=True)
def a_third_name_of_one_of_them(x, n):
    u, v = x.copy(), x * 2
    w = u
    for _ in range(n):
        v[1] = u[0] * v[2]
        u, v = v, u
    return np.sum(u) * w[1]


@program(args=(normal(4), 3), later=True)
def what_a_pass_made_under_two_names(x, n):
    u, v = x.copy(), x * 2
    for i in range(n):
        t = x * i
        u = t
    w = u if n > 1 else v
    w[0] = x[1]
    return np.sum(u) * w[1]
