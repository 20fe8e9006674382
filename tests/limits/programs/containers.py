"""Lists, tuples, dicts and objects whose structure only the run knows."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass

import numpy as np

from ..table import Theme, rewritten

containers = Theme(
    "Containers and objects",
    "A container whose parts are known before the run may hold anything. A list whose length only the run knows holds items of one type.",
)

U = np.array([1.0, 2.0, 3.0])
SETTINGS = {"rate": 2.0}


class Box:
    def __init__(self, value):
        self.value = value


@dataclass
class Point:
    x: float
    y: float


@containers(2.5)
def unpacking_of_unknown_length(x):
    xs = [x * k for k in range(int(x))]
    return max(*xs)  # <- *xs


@rewritten(unpacking_of_unknown_length)
def list_as_it_is(x):
    xs = [x * k for k in range(int(x))]
    return max(xs)


@containers(2.5)
def starred_target(x):
    first, *rest = [x * k for k in range(int(x))]  # <- first, *rest
    return first


@rewritten(starred_target)
def first_by_index(x):
    xs = [x * k for k in range(int(x))]
    return xs[0]


@containers(2.5)
def too_many_values(x):
    a, b = (x, x, x)  # <- a, b
    return a


@rewritten(too_many_values)
def the_rest_as_a_list(x):
    a, *b = (x, x, x)
    return a


@containers(2.5)
def one_structure_or_another(x):
    pair = (x, 1.0) if x > 0 else {"x": x}  # <- (x, 1.0) if x > 0 else {"x": x}
    return pair[0]


@rewritten(one_structure_or_another)
def same_structure(x):
    pair = (x, 1.0) if x > 0 else (x, 2.0)
    return pair[0]


@containers(2.5)
def structure_that_grows(x):
    nested = (x,)
    for _ in range(int(x)):
        nested = (nested,)
    return nested[0]  # <- nested[0]


@rewritten(structure_that_grows)
def array_that_stays(x):
    nested = np.array([x])
    for _ in range(int(x)):
        nested = nested * x
    return nested[0]


@containers(2.5)
def dict_that_grows(x):
    table = {}
    for k in range(int(x)):
        table[k] = x  # <- table[k]
    return table[0]


@rewritten(dict_that_grows)
def list_that_grows(x):
    table = []
    for _ in range(int(x)):
        table.append(x)
    return table[0]


@containers(2.5)
def join_of_unlike_items(x):
    xs = [x * k for k in range(int(x))]
    ys = xs + [x, "name"]  # <- xs + [x, "name"]
    return ys[0]


@containers(2.5)
def arithmetic_on_a_list(x):
    return sum([x, x] * x)  # <- [x, x] * x


@rewritten(arithmetic_on_a_list)
def arithmetic_on_an_array(x):
    return sum(np.array([x, x]) * x)


@containers(2.5)
def order_of_lists(x):
    return x if [x, 1.0] < [2.0, x] else 2 * x  # <- [x, 1.0] < [2.0, x]


@rewritten(order_of_lists)
def order_of_parts(x):
    return x if x < 2.0 else 2 * x


@containers(2.5)
def item_of_unlike_items(x):
    pair = (x, "name")
    return pair[int(x) - 2]  # <- pair[int(x) - 2]


@rewritten(item_of_unlike_items)
def item_by_branch(x):
    pair = (x, "name")
    return pair[0] if x > 1 else 0.0


@containers(2.5)
def store_among_unlike_items(x):
    pair = [x, "name"]
    pair[int(x) - 2] = x  # <- pair[int(x) - 2]
    return pair[0]


@rewritten(store_among_unlike_items)
def list_for_each_kind(x):
    numbers, names = [x, 1.0], ["name"]
    numbers[int(x) - 2] = x
    return numbers[0]


@containers(2.5)
def store_into_a_slice(x):
    xs = [x * k for k in range(int(x))]
    xs[:1] = [x]  # <- xs[:1]
    return xs[0]


@rewritten(store_into_a_slice)
def store_item_by_item(x):
    xs = [x * k for k in range(int(x))]
    xs[0] = x
    return xs[0]


@containers(2.5)
def store_past_the_end(x):
    xs = [x, x]
    xs[2] = x  # <- xs[2]
    return xs[0]


@rewritten(store_past_the_end)
def append_past_the_end(x):
    xs = [x, x]
    xs.append(x)
    return xs[0]


@containers(2.5)
def key_unknown(x):
    table = {0: x, 1: 2 * x}
    return table[int(x) - 1]  # <- table[int(x) - 1]


@rewritten(key_unknown)
def index_unknown(x):
    table = [x, 2 * x]
    return table[int(x) - 1]


@containers(2.5)
def short_integers_by_r(x):
    return np.sum(np.r_[np.ones(3, np.int32)] * x)  # <- np.r_[np.ones(3, np.int32)]


@rewritten(short_integers_by_r)
def short_integers_by_concatenate(x):
    return np.sum(np.concatenate([np.ones(3, np.int32)]) * x)


@containers(2.5)
def matrices_by_r(x):
    return np.sum(np.r_[np.eye(2), np.eye(2)] * x)  # <- np.r_[np.eye(2), np.eye(2)]


@rewritten(matrices_by_r)
def matrices_by_concatenate(x):
    return np.sum(np.concatenate([np.eye(2), np.eye(2)]) * x)


@containers(2.5)
def list_method(x):
    xs = [x, 1.0]
    xs.sort()  # <- xs.sort()
    return xs[0]


@rewritten(list_method)
def new_list(x):
    xs = [x, 1.0]
    xs = sorted(xs)
    return xs[0]


@containers(2.5)
def method_of_a_long_list(x):
    xs = [x * k for k in range(int(x))]
    xs.sort()  # <- xs.sort()
    return xs[0]


@containers(2.5)
def pop_of_nothing(x):
    xs = [x]
    return xs.pop(3)  # <- xs.pop(3)


@rewritten(pop_of_nothing)
def pop_of_something(x):
    xs = [x]
    return xs.pop(3) if len(xs) > 3 else xs.pop()


@containers(2.5)
def index_of_unknown(x):
    xs = [x, 3.0]
    return x * xs.index(x)  # <- xs.index(x)


@rewritten(index_of_unknown)
def index_by_argmax(x):
    xs = [x, 3.0]
    return x * np.argmax(np.array(xs) == x)


@containers(2.5)
def count_of_unknown(x):
    xs = [x, 3.0]
    return x * xs.count(x)  # <- xs.count(x)


@rewritten(count_of_unknown)
def count_by_sum(x):
    xs = [1.0, 3.0]
    return x * np.sum(np.array(xs) == 3.0)


@containers(2.5)
def pop_of_a_key(x):
    table = {"a": x}
    return table.pop("b")  # <- table.pop("b")


@rewritten(pop_of_a_key)
def pop_with_a_default(x):
    table = {"a": x}
    return table.pop("b", x)


@containers(2.5)
def items_of_different_kinds(x):
    xs = []
    for k in range(int(x)):
        xs.append((x, x))
    xs.append("end")  # <- xs.append("end")
    return xs[0][0]


@rewritten(items_of_different_kinds)
def items_of_one_kind(x):
    xs, names = [], []
    for k in range(int(x)):
        xs.append((x, x))
    names.append("end")
    return xs[0][0]


@containers(2.5)
def loop_over_a_number(x):
    total = 0.0
    for part in x:  # <- x
        total += part
    return total


@rewritten(loop_over_a_number)
def loop_over_a_list(x):
    total = 0.0
    for part in [x]:
        total += part
    return total


@containers(2.5)
def max_of_nothing(x):
    return max([]) * x  # <- max([])


@rewritten(max_of_nothing)
def max_with_default(x):
    return max([], default=0.0) * x


@containers(U)
def max_of_a_stream(u):
    return max(zip(u, u))[0]  # <- max(zip(u, u))


@rewritten(max_of_a_stream)
def max_of_a_list(u):
    return max([a * b for a, b in zip(u, u)])


@containers(np.eye(2))
def max_of_rows(a):
    return sum(max(a))  # <- max(a)


@rewritten(max_of_rows)
def np_max_of_rows(a):
    return np.sum(np.max(a * np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0))


@containers(2.5)
def reduce_without_start(x):
    xs = [x * k for k in range(int(x))]
    return functools.reduce(lambda a, b: a + b, xs)  # <- functools.reduce(lambda a, b: a + b, xs)


@rewritten(reduce_without_start)
def reduce_with_start(x):
    xs = [x * k for k in range(int(x))]
    return functools.reduce(lambda a, b: a + b, xs, 0.0)


@containers(2.5)
def sorted_by_key(x):
    return sorted([x, 1.0], key=abs)[0]  # <- sorted([x, 1.0], key=abs)


@rewritten(sorted_by_key)
def sorted_by_argsort(x):
    xs = np.array([x, 1.0])
    return xs[np.argsort(np.abs(xs))][0]


@containers(2.5)
def next_of_an_iterator(x):
    return next(zip([x], [x]))[0]  # <- next(zip([x], [x]))


@rewritten(next_of_an_iterator)
def index_of_a_list(x):
    return list(zip([x], [x]))[0][0]


@containers(2.5)
def item_of_an_iterator(x):
    return zip([x], [x])[0]  # <- zip([x], [x])[0]


@rewritten(item_of_an_iterator)
def item_of_a_list(x):
    return list(zip([x], [x]))[0][1]


@containers(2.5)
def copy_of_a_function(x):
    f = copy.copy(np.sin)  # <- copy.copy(np.sin)
    return f(x)


@containers(2.5)
def getattr_computed(x):
    point = Point(x, 1.0)
    return getattr(point, "x" if x > 0 else "y")  # <- getattr(point, "x" if x > 0 else "y")


@rewritten(getattr_computed)
def attribute_by_name(x):
    point = Point(x, 1.0)
    return point.x if x > 0 else point.y


@containers(2.5)
def setattr_computed(x):
    point = Point(1.0, 1.0)
    setattr(point, "x" if x > 0 else "y", x)  # <- setattr(point, "x" if x > 0 else "y", x)
    return point.x


@rewritten(setattr_computed)
def attribute_written_out(x):
    point = Point(1.0, 1.0)
    if x > 0:
        point.x = x
    else:
        point.y = x
    return point.x


@containers(2.5)
def unknown_attribute(x):
    return Box(x).valeu  # <- Box(x).valeu


@rewritten(unknown_attribute)
def known_attribute(x):
    box = Box(x)
    box.valeu = x
    return box.valeu


@containers(2.5)
def membership_of_a_float(x):
    xs = [x * k for k in range(int(x))]
    return x if 2.0 in xs else 2 * x  # <- 2.0 in xs


@rewritten(membership_of_a_float)
def membership_by_any(x):
    xs = [x * k for k in range(int(x))]
    return x if any(k == 2.0 for k in xs) else 2 * x


@containers(2.5)
def identity_of_numbers(x):
    y = x + 0.0
    return x if x is y else 2 * x  # <- x is y


@rewritten(identity_of_numbers)
def equality_of_numbers(x):
    y = x + 0.0
    return x if x == y else 2 * x


@containers(2.5)
def list_of_objects(x):
    points = [Point(x, 1.0) for _ in range(int(x))]
    return points[0].x  # <- points[0]


@rewritten(list_of_objects)
def list_for_each_attribute(x):
    xs = [x for _ in range(int(x))]
    return xs[0]


@containers(2.5)
def keys_from_a_list(x):
    table = dict([("x", x)])  # <- dict([("x", x)])
    return table["x"]


@rewritten(keys_from_a_list)
def keys_as_literals(x):
    table = {"x": x}
    return table["x"]


@containers(2.5)
def reversed_text(x):
    total = 0.0
    for _ in reversed(str(x)):  # <- reversed(str(x))
        total += x
    return total


@rewritten(reversed_text)
def reversed_list(x):
    total = 0.0
    for _ in reversed(["2", ".", "0"]):
        total += x
    return total


@containers(2.5)
def unlike_items_in_a_comprehension(x):
    xs = [x if k > 0 else "name" for k in range(int(x))]  # <- [x if k > 0 else "name" for k in range(int(x))]
    return xs[1]


@rewritten(unlike_items_in_a_comprehension)
def like_items_in_a_comprehension(x):
    xs = [x if k > 0 else 0.0 for k in range(int(x))]
    return xs[1]


@containers(2.5)
def comparison_with_a_function(x):
    f = lambda y: y * x
    return f + 1.0  # <- f + 1.0


@rewritten(comparison_with_a_function)
def function_called(x):
    f = lambda y: y * x
    return f(1.0) + 1.0


@containers(2.5, None)
def method_of_none(x, xs):
    xs.append(x)  # <- xs.append(x)
    return x
