"""Stores that would be seen by somebody who must not see them, or that have nowhere to go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import retrograd as rg

from ..table import Theme, rewritten

mutation = Theme(
    "Mutation and aliasing",
    "Stores into arrays, views, containers and objects are differentiated. Refused are those where only the run knows which memory is "
    "meant, and stores into what cannot change.",
)

U = np.array([1.0, 2.0, 3.0])


class Box:
    def __init__(self, value):
        self.value = value


@mutation(2.5)
def part_that_an_item_did_not_have(x):
    rows = [{"start": x} for _ in range(int(x))]
    rows[0]["end"] = x * x  # <- rows[0]["end"]
    return rows[0]["end"]


@rewritten(part_that_an_item_did_not_have)
def part_that_an_item_has(x):
    rows = [{"start": x, "end": 0.0} for _ in range(int(x))]
    rows[0]["end"] = x * x
    return rows[0]["end"]


@mutation(2.5)
def part_that_becomes_another_kind(x):
    rows = [{"at": x} for _ in range(int(x))]
    rows[0]["at"] = [x, x * x]  # <- rows[0]["at"]
    return rows[1]["at"]


@rewritten(part_that_becomes_another_kind)
def part_that_stays_of_its_kind(x):
    rows = [{"at": [x]} for _ in range(int(x))]
    rows[0]["at"] = [x, x * x]
    return rows[1]["at"][0]


@mutation(2.5)
def item_of_another_kind_put_into_an_item(x):
    rows = [[x] for _ in range(int(x))]
    rows[0].append("end")  # <- rows[0].append("end")
    return rows[1][0]


@rewritten(item_of_another_kind_put_into_an_item)
def items_of_one_kind_put_into_an_item(x):
    rows = [[x] for _ in range(int(x))]
    rows[0].append(x * x)
    return rows[0][1]


@mutation(2.5)
def one_of_two_when_another_was_changed(x):
    a, b = [x, 1.0], [2.0, x]
    one = a if x > 1 else b
    a[0] = 5.0 * x
    return one[0]  # <- one


@rewritten(one_of_two_when_another_was_changed)
def a_copy_of_one_of_two(x):
    a, b = [x, 1.0], [2.0, x]
    one = list(a) if x > 1 else list(b)
    a[0] = 5.0 * x
    return one[0]


@mutation(U)
def one_of_several_views(u):
    wide, _ = np.broadcast_arrays(u * 2.0, u[0])
    wide[0] = 3.0  # <- wide[0]
    return np.sum(wide)


@rewritten(one_of_several_views)
def one_of_several_copies(u):
    wide, _ = np.broadcast_arrays(u * 2.0, u[0])
    wide = wide.copy()
    wide[0] = 3.0
    return np.sum(wide)


@mutation([U, U])
def one_array_twice_in_an_argument(xs):
    xs[0][1] = 3.0  # <- xs[0][1]
    return np.sum(xs[0] * xs[1])


@mutation(U)
def list_that_grows_under_a_loop(u):
    xs = [v * 2 for v in u]
    for v in xs:  # <- for v in xs
        if len(xs) < 8:
            xs.append(v * 1.5)
    return sum(xs)


@rewritten(list_that_grows_under_a_loop)
def copy_of_a_list_that_grows(u):
    xs = [v * 2 for v in u]
    for v in list(xs):
        if len(xs) < 8:
            xs.append(v * 1.5)
    return sum(xs)


@mutation(2.5)
def list_changed_under_a_loop_where_the_run_says(x):
    xs = [x, 1.0]
    for v in xs:  # <- for v in xs
        xs[int(v) % 2] = v * x
    return xs[0] + xs[1]


@rewritten(list_changed_under_a_loop_where_the_run_says)
def copy_of_a_list_that_changes(x):
    xs = [x, 1.0]
    for v in list(xs):
        xs[int(v) % 2] = v * x
    return xs[0] + xs[1]


@mutation(2.5)
def changed_after_it_was_put_in(x):
    row, rows = [x, x], []
    for _ in range(int(x)):
        rows.append(row)
    row[0] = x**3  # <- row[0]
    return rows[1][0]


@rewritten(changed_after_it_was_put_in)
def changed_before_it_is_put_in(x):
    row, rows = [x, x], []
    row[0] = x**3
    for _ in range(int(x)):
        rows.append(row)
    return rows[1][0]


@mutation(2.5)
def one_list_many_times(x):
    row = [x * k for k in range(int(x))]
    rows = [row for _ in range(int(x))]
    rows[int(x) - 2][0] = x * x  # <- rows[int(x) - 2][0]
    return rows[1][0]


@mutation(U, 2)
def item_that_is_another_item_too(u, n):
    rows = [u * k for k in range(n)]
    rows.append(rows[0])
    rows[0][1] = 3.0  # <- rows[0][1]
    return np.sum(rows[-1])


@rewritten(item_that_is_another_item_too)
def item_that_is_a_copy(u, n):
    rows = [u * k for k in range(n)]
    rows.append(rows[0].copy())
    rows[0][1] = 3.0
    return np.sum(rows[-1])


@mutation(2.5)
def store_seen_by_another_name(x):
    row, rows = np.ones(3) * x, []
    for _ in range(int(x)):
        rows.append(row)
    row[0] = x * x  # <- row[0]
    return rows[1][0]


@rewritten(store_seen_by_another_name)
def store_after_a_copy(x):
    row, rows = np.ones(3) * x, []
    for _ in range(int(x)):
        rows.append(row)
    row = row.copy()
    row[0] = x * x
    return rows[1][0]


@mutation(U)
def store_through_a_perhaps_view(u):
    v = u * 2
    w = np.real(v)
    w[0] = 3.0  # <- w[0]
    return np.sum(v)


@rewritten(store_through_a_perhaps_view)
def store_through_a_copy(u):
    w = np.real(u * 2).copy()
    w[0] = 3.0
    return np.sum(w)


@mutation(U)
def read_of_a_perhaps_view(u):
    v = u * 2
    w = np.asarray_chkfinite(v)
    v[0] = 3.0
    return np.sum(w)  # <- w


@rewritten(read_of_a_perhaps_view)
def read_of_a_copy(u):
    v = u * 2
    w = np.asarray_chkfinite(v).copy()
    v[0] = 3.0
    return np.sum(w)


@mutation(U)
def float_into_an_int_array(u):
    counts = np.zeros(3, dtype=int)
    counts[0] = u[0]  # <- counts[0]
    return np.sum(counts * u)


@rewritten(float_into_an_int_array)
def float_into_a_float_array(u):
    counts = np.zeros(3)
    counts[0] = u[0]
    return np.sum(counts * u)


@mutation(U)
def float_added_to_an_int_array(u):
    counts = np.zeros(3, dtype=int)
    counts += u  # <- counts += u
    return np.sum(counts * u)


@rewritten(float_added_to_an_int_array)
def float_added_to_a_float_array(u):
    counts = np.zeros(3, dtype=float)
    counts += u
    return np.sum(counts * u)


@mutation(U)
def function_into_an_array(u):
    v = u * 2
    v[0] = np.sin.reduce  # <- v[0]
    return np.sum(v)


@mutation(2.5)
def one_of_two_containers(x):
    a, b = [x, 1.0], [2.0, x]
    c = a if x > 0 else b
    c[0] = 3.0  # <- c[0]
    return a[0] + b[1]


@rewritten(one_of_two_containers)
def each_in_its_branch(x):
    a, b = [x, 1.0], [2.0, x]
    if x > 0:
        a[0] = 3.0
    else:
        b[0] = 3.0
    return a[0] + b[1]


@mutation((1.0, 2.0))
def store_into_a_tuple(xs):
    xs[0] = 3.0  # <- xs[0]
    return xs[0] + xs[1]


@rewritten(store_into_a_tuple)
def new_tuple(xs):
    xs = (3.0, xs[1])
    return xs[0] + xs[1]


@mutation((1.0, 2.0))
def attribute_of_a_tuple(xs):
    xs.first = 3.0  # <- xs.first
    return xs[0]


@rewritten(attribute_of_a_tuple)
def local_variable(xs):
    first = 3.0
    return xs[0] * first


class Pair(NamedTuple):
    left: float
    right: float


@mutation(2.5)
def attribute_of_a_named_tuple(x):
    pair = Pair(x, x)
    pair.left = 3.0  # <- pair.left
    return pair.left


@rewritten(attribute_of_a_named_tuple)
def named_tuple_replaced(x):
    pair = Pair(x, x)
    pair = pair._replace(right=3.0)
    return pair.left


@mutation(2.5)
def item_of_a_function(x):
    f = lambda y: y * x
    f[0] = 3.0  # <- f[0]
    return f(x)


@mutation(2.5)
def attribute_of_a_function(x):
    def f(y):
        return x * y

    f.rate = 3.0  # <- f.rate
    return f(x)


@rewritten(attribute_of_a_function)
def local_in_place_of_an_attribute(x):
    def f(y):
        return x * y

    rate = 3.0
    return f(x) * rate


@mutation(2.5)
def del_of_an_attribute(x):
    box = Box(x)
    del box.value  # <- box.value
    return x


@rewritten(del_of_an_attribute)
def attribute_bound_to_none(x):
    box = Box(x)
    box.value = None
    return x


@mutation(U)
def del_of_an_item_of_an_array(u):
    del u[0]  # <- u[0]
    return u[0]


@mutation(2.5)
def same_list_many_times(x):
    rows = [[x, x]] * int(x)  # <- [[x, x]] * int(x)
    return rows[0][0]


@rewritten(same_list_many_times)
def list_for_each_row(x):
    rows = [[x, x] for _ in range(int(x))]
    return rows[0][0]


@mutation(2.5)
def item_held_twice(x):
    rows = [[x * k for k in range(int(x))] for _ in range(int(x))]
    rows[1] = rows[0]
    rows[0][0] = 3.0  # <- rows[0][0]
    return rows[1][0]


@rewritten(item_held_twice)
def item_of_its_own(x):
    rows = [[x * k for k in range(int(x))] for _ in range(int(x))]
    rows[1] = [item for item in rows[0]]
    rows[0][0] = 3.0
    return rows[1][1] + rows[0][0]


@mutation(U, by=lambda f, u: rg.grad(f)(u, u))
def arguments_that_overlap(u, v):
    u[0] = v[0] * v[1]  # --
    return np.sum(u * v)


@mutation(by=lambda f: rg.grad(f)(np.lib.stride_tricks.sliding_window_view(np.arange(5.0), 3, writeable=True)))
def array_that_overlaps_itself(w):
    w[0, 1] = w[0, 0] * 3.0  # <- w[0, 1]
    return np.sum(w)


@mutation([2.0], by=lambda f, xs: rg.grad(f)(xs, xs))
def one_list_as_two_arguments(xs, ys):
    xs[0] = 2 * xs[0]  # --
    return ys[0] * xs[0]


def _counter():
    total = 0.0

    def count(x):
        nonlocal total
        total = total + x  # <- total = total + x
        return x * total

    return count


mutation(2.0)(_counter())


@rewritten(mutation.programs[-1].function)
def total_returned(x):
    total = 0.0
    total = total + x
    return x * total
