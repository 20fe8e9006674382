"""Arrays that are filled row by row, written in part, and copies whose originals are still there."""

import numpy as np

from tests.zoo.table import normal, positive, program

# -- rows written once ------------------------------------------------------------------------------------


@program(args=(0.9, 0.3, 5))
def logistic_map(rate, start, n):
    u = np.zeros(n + 1)
    u[0] = start
    for i in range(n):
        u[i + 1] = rate * u[i] * (1 - u[i])
    return np.sum(u**2)


@program(args=(0.7, 0.4, 6))
def two_steps_back(a, b, n):
    u = np.empty(n + 2)
    u[0] = a
    u[1] = b
    for i in range(2, n + 2):
        u[i] = np.sin(u[i - 1] * u[i - 2]) + a * u[i - 2]
    return u[-1] * u[2]


@program(args=(normal(3, 3), normal(3), 4))
def rows_of_states(w, x, n):
    h = np.zeros((n + 1, 3))
    h[0] = x
    for i in range(n):
        h[i + 1] = np.tanh(w @ h[i]) * h[i]
    return np.sum(h * h)


@program(args=(0.6, 5))
def two_components(x, n):
    u = np.zeros((n + 1, 2))
    u[0, 0] = x
    u[0, 1] = x * x
    for i in range(0, n, 1):
        u[i + 1, 0] = u[i, 0] * u[i, 1]
        u[i + 1, 1] = np.sin(u[i, 1]) + u[i + 1, 0] ** 2
    return np.sum(u) * u[2, 1]


@program(args=(0.6, 0.8, 7))
def every_other_row(x, y, n):
    u = np.zeros(n + 2)
    u[0] = x
    u[1] = y
    for i in range(0, n, 2):
        u[i + 2] = u[i] * u[i + 1] + y * u[i] ** 2
    return np.sum(u**3)


@program(args=(0.6, 4))
def the_last_row_is_read_first(x, n):
    u = np.zeros(n + 1)
    u[-1] = x
    for i in range(n):
        u[i] = u[i - 1] ** 2 + x * u[i - 1]
    return np.sum(u**2)


@program(args=(normal(5), 4))
def rows_that_are_written_again(x, n):
    u = x * x
    for i in range(n):
        u[i + 1] = u[i] * u[i + 1] + x[i] * u[i]
    for i in range(n):
        u[i] = u[i + 1] ** 2 * u[i]
    return np.sum(u**2)


@program(args=(0.8, 5))
def from_the_end(x, n):
    u = np.zeros(n + 1)
    u[n] = x
    for i in range(n - 1, -1, -1):
        u[i] = x * u[i + 1] ** 2
    for i in reversed(range(n)):
        u[i + 1] = u[i] * u[i + 1]
    return np.sum(u)


@program(args=(0.8, 5))
def rows_that_are_read_behind(x, n):
    u = np.full(n + 2, x)
    for i in range(n):
        u[i] = u[i + 1] * u[i + 2] * x
    return np.sum(u**2)


@program(args=(0.8, 5))
def the_row_just_written(x, n):
    u = np.zeros(n + 1)
    for i in range(n):
        u[i + 1] = x + u[i] ** 2
        x = x * u[i + 1]
    return x + u[2]


@program(args=(0.6, 4))
def a_row_given_before_the_loop(x, n):
    u = np.zeros(n + 1)
    u[0] = x
    u[2] = x * x
    for i in range(n):
        u[i + 1] = x * u[i] ** 2 + x
    return np.sum(u**2)


@program(args=(0.6, 4))
def the_row_before_is_written_again(x, n):
    u = np.zeros(n)
    for k in range(n):
        u[k - 1] = x * (k + 2)
        u[k] = x * x + k * x
    return np.sum(u**2)


@program(args=(0.5, 6))
def until_it_is_large(x, n):
    u = np.zeros(n + 1)
    u[0] = x
    for i in range(n):
        u[i + 1] = 2 * u[i] + u[i] ** 2
        if u[i + 1] > 5:
            break
    return np.sum(u**2)


@program(args=(0.5, 3))
def filled_many_times(x, n):
    total = 0.0
    for k in range(2):
        u = np.zeros(n + 1)
        u[0] = x + k
        for i in range(n):
            u[i + 1] = np.cos(u[i]) * u[i]
        total = total + u[n] ** 2 * x
    return total


@program(args=(0.5, 4))
def only_some_rows(x, n):
    u = np.zeros(n + 1)
    u[0] = x
    for i in range(n):
        if i != 2:
            u[i + 1] = u[i] ** 2 + x
    return np.sum(u**2)


@program(args=(normal(5), 4))
def part_of_the_input(x, n):
    u = x.copy()
    for i in range(n):
        u[i + 1] = u[i] * x[i + 1]
    return u[1] * u[-1]


# -- parts of arrays that are added to --------------------------------------------------------------------


@program(args=(normal(6), 0.3))
def smoothed_in_place(x, c):
    u = x * x
    for _ in range(3):
        u[1:-1] += c * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


@program(args=(normal(4, 3), 0.5))
def columns_added_to(x, c):
    u = x * c
    u[:, 0] += u[:, 1] * u[:, 2]
    u[1] -= c * u[0] ** 2
    u[2:, 1] += u[0, 0]
    return np.sum(u**3)


@program(args=(normal(5), normal(5, seed=1), 3))
def entries_added_to(x, y, n):
    u = x * y
    for i in range(n):
        u[i] += u[i + 1] * y[i]
        u[i + 1] = u[i + 1] + u[i] * u[i + 2]
        u[0] -= u[i] ** 2
    return np.sum(u**2)


@program(args=(normal(6),))
def added_to_and_scaled(x):
    u = x + 1
    u[::2] += u[1::2] ** 2
    u[::2] *= u[1::2]
    u[1:3] = u[1:3] + u[1:3]
    return np.sum(u**2)


@program(args=(normal(6), normal(6, seed=1)))
def added_to_under_a_mask(x, y):
    u = x * y
    u[y > 0] += np.sin(y[y > 0]) * 2
    return np.sum(u**2)


# -- copies whose originals are still there ---------------------------------------------------------------


@program(args=(normal(6), 0.5))
def products_of_neighbours(x, c):
    u = x.copy()
    u[1:-1] = c * u[2:] * u[:-2]
    return np.sum(u**2)


@program(args=(normal(6), 0.5))
def products_of_neighbouring_sines(x, c):
    u = np.sin(x)
    u[1:-1] = c * u[2:] * u[:-2]
    return np.sum(u**2)


@program(args=(normal(4, 3), normal(3)))
def scaled_rows_of_a_copy(x, w):
    u = np.copy(x)
    u[1:] *= u[:-1] * w
    return np.sum(u**2)


@program(args=(normal(5), normal(5, seed=1)))
def copy_of_a_product(x, y):
    z = x * y
    u = z.copy()
    first = u[0]
    u[:3] = np.sin(u[2:]) * u[:3]
    return np.sum(u * z) * first


@program(args=(normal(5),))
def copy_whose_original_is_written(x):
    z = x * x
    u = z.copy()
    u[1:] *= u[:-1]
    z[:2] = u[3:] * z[:2]
    return np.sum(u * z)


@program(args=(normal(4, 3), normal(4, seed=1)))
def column_of_a_transposed_copy(x, y):
    u = x.T.copy()
    u[0] = u[1] * u[2] * y
    return np.sum(u**2)


# -- what cancels -----------------------------------------------------------------------------------------


@program(args=(normal(5),))
def log_of_a_shifted_sum(x):
    m = np.max(x)
    return np.log(np.sum(np.exp(x - m))) + m


@program(args=(normal(4, 3), normal(3)))
def log_sums_of_rows(x, b):
    z = x * b
    m = np.max(z, axis=1, keepdims=True)
    return np.sum(np.log(np.sum(np.exp(z - m), axis=1, keepdims=True)) + m)


@program(args=(normal(4, 3), normal(4, seed=1)))
def weighted_log_sums(x, w):
    m = np.max(x, axis=1)
    return (np.log(np.sum(np.exp(x - m[:, None]), axis=1)) + m) @ w


@program(args=(normal(3, 4), 0.7))
def log_sums_of_columns(x, shift):
    s = np.log(np.sum(np.exp(x - shift), axis=0)) + shift
    return np.sum(s**2)


@program(args=(positive(4, 3), normal(4, seed=1)))
def cross_entropy(x, y):
    m = np.max(x, axis=1, keepdims=True)
    z = x - m
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[:, 0] * y)


@program(args=(0.7, 1))
def cancelled_in_a_branch(x, n):
    y = x * 2.0
    z = -x if n > 0 else x * x - x
    return x + z + y * 0.5


@program(args=(0.7, 1))
def cancelled_in_both_branches(x, n):
    y = x * x
    z = -y if n > 0 else 1.5 - y
    return y + z + x * 0.5


@program(args=(normal(4, 1), normal(4)))
def a_column_that_is_all(x, y):
    return np.sum(x[:, 0] * y) + np.sum(x[:, -1] ** 2) + np.sum(x)


@program(args=(normal(1, 3), normal(1, 1)))
def a_row_that_is_all(x, y):
    return x[0] * y[0, 0] + y[0] * x[-1]


@program(args=(0.4, 3))
def row_before_the_first(x, n):
    u = np.full(n, x)
    for k in range(n):
        u[k] = x * (k + 1) + u[k - 1] ** 2
    return np.sum(u)


@program(args=(positive(6), 2))
def neighbours_averaged_in_place(u, sweeps):
    for _ in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1])
    return np.sum(u * u)


@program(args=(positive(4, 3), 2))
def rows_relaxed_in_place(u, sweeps):
    for k in range(sweeps):
        for i in range(u.shape[0] - 1):
            u[i + 1] = u[i + 1] * 0.5 + u[i] * (k + 1)
    return np.sum(np.sin(u))
