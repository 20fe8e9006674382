"""Lists, tuples, dicts and objects whose structure only the run knows."""

from __future__ import annotations

import collections
import copy
import functools
import itertools
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..table import Theme, rewritten

containers = Theme(
    "Containers and objects",
    "A container whose parts are known before the run may hold anything. A list whose length only the run knows holds items of one type.",
)

U = np.array([1.0, 2.0, 3.0])
SETTINGS = {"rate": 2.0}
SCALES = MappingProxyType({0: 1.0, 1: 2.0})


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
def keys_that_are_floats(x):
    table = {}
    for k in range(int(x)):
        table[k * x] = 1.0  # <- table[k * x]
    return sum(key for key in table)


@rewritten(keys_that_are_floats)
def keys_that_are_ints(x):
    table = {}
    for k in range(int(x)):
        table[k] = k * x
    return sum(table.values())


@containers(2.5)
def values_of_two_kinds(x):
    table = {}
    for k in range(int(x)):
        table[k] = x
        table[k] = "seen"  # <- table[k]
    return table[0]


@containers(2.5)
def key_of_unlike_values(x):
    table = {0: x, 1: "linear"}
    for k in range(int(x) - 1):
        table[k] = x * x  # <- table[k]
    return table[0]


@rewritten(key_of_unlike_values)
def key_of_like_values(x):
    table = {0: x}
    for k in range(int(x) - 1):
        table[k] = x * x
    return table[0]


@containers(2.5)
def new_key_in_an_item(x):
    rows = [{0: x} for _ in range(int(x))]
    for k in range(int(x)):
        rows[0][k] = x * x  # <- rows[0][k]
    return rows[0][0]


@containers(2.5)
def last_entry_of_a_table(x):
    table = {k: x * k for k in range(int(x))}
    return table.popitem()[1]  # <- table.popitem()


@rewritten(last_entry_of_a_table)
def entry_by_its_key(x):
    table = {k: x * k for k in range(int(x))}
    return table.pop(int(x) - 1)


@containers(2.5)
def popped_with_a_default(x):
    table = {k: x * k for k in range(int(x))}
    return table.pop(int(x) - 1, 0.0)  # <- table.pop(int(x) - 1, 0.0)


@rewritten(popped_with_a_default)
def popped_where_it_is(x):
    table = {k: x * k for k in range(int(x))}
    return table.pop(int(x) - 1) if int(x) - 1 in table else 0.0


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
    xs = [x * k for k in range(int(x))]
    return x if xs < [2.0, x] else 2 * x  # <- xs < [2.0, x]


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
    xs[::2] = [x]  # <- xs[::2]
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
    return SCALES[int(x) - 1] * x  # <- SCALES[int(x) - 1]


@rewritten(key_unknown)
def index_unknown(x):
    scales = [1.0, 2.0]
    return scales[int(x) - 1] * x


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
    table = {"a": x}
    return table.popitem()[1]  # <- table.popitem()


@rewritten(list_method)
def new_list(x):
    table = {"a": x}
    return table.pop("a")


@containers(2.5)
def pop_of_nothing(x):
    xs = [x]
    return xs.pop(3)  # <- xs.pop(3)


@rewritten(pop_of_nothing)
def pop_of_something(x):
    xs = [x]
    return xs.pop(3) if len(xs) > 3 else xs.pop()


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
    return max([a * a for a in u], default=0.0)  # <- max([a * a for a in u], default=0.0)


@rewritten(max_of_a_stream)
def max_of_a_list(u):
    return max([a * a for a in u]) if len(u) else 0.0


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
    pairs = [(x * k, k) for k in range(int(x))]
    return sorted(pairs)[1][0]  # <- sorted(pairs)


@rewritten(sorted_by_key)
def sorted_by_number(x):
    pairs = [(x * k, k) for k in range(int(x))]
    return sorted(pairs, key=lambda p: p[0])[1][0]


@containers(2.5)
def next_of_what_is_mapped(x):
    both = map(np.sin, [x, x])
    return next(both)  # <- next(both)


@rewritten(next_of_what_is_mapped)
def next_of_a_list(x):
    both = iter(list(map(np.sin, [x, x])))
    return next(both)


@containers(2.5)
def iterator_over_a_dict(x):
    values = iter({"a": x}.values())  # <- iter({"a": x}.values())
    return next(values)


@rewritten(iterator_over_a_dict)
def iterator_over_its_values(x):
    values = iter(list({"a": x}.values()))
    return next(values)


@containers(2.5)
def next_of_some_items(x):
    some = (v * x for v in [1.0, 2.0] if v > 1.0)  # <- (v * x for v in [1.0, 2.0] if v > 1.0)
    return next(some)


@rewritten(next_of_some_items)
def next_of_a_list_of_some(x):
    some = iter([v * x for v in [1.0, 2.0] if v > 1.0])
    return next(some)


@containers(2.5)
def iterator_over_a_generator(x):
    items = iter(v * x for v in [1.0, 2.0])  # <- iter(v * x for v in [1.0, 2.0])
    return next(items)


@rewritten(iterator_over_a_generator)
def iterator_over_a_list(x):
    items = iter([v * x for v in [1.0, 2.0]])
    return next(items)


@containers(2.5)
def iterator_over_a_growing_list(x):
    xs = [x]
    items = iter(xs)
    xs.append(x)
    return next(items)  # <- next(items)


@rewritten(iterator_over_a_growing_list)
def iterator_over_a_copy(x):
    xs = [x]
    items = iter(list(xs))
    xs.append(x)
    return next(items)


@containers(2.5)
def iterator_over_a_list_that_the_run_makes_longer(x):
    xs = [x * k for k in range(int(x))]
    items = iter(xs)
    xs.append(x)
    return next(items) + x  # <- next(items)


@containers(2.5)
def iterator_handed_to_zip(x):
    items = iter([x, 2.0 * x])
    return sum([a * b for a, b in zip(items, items)])  # <- zip(items, items)


@rewritten(iterator_handed_to_zip)
def lists_handed_to_zip(x):
    items = [x, 2.0 * x]
    return sum([a * b for a, b in zip(items[::2], items[1::2])])


@containers(2.0)
def iterator_read_twice(x):
    doubled = map(lambda v: v * 2, [x, 3.0])  # <- map(lambda v: v * 2, [x, 3.0])
    return sum(doubled) + max(doubled)


@rewritten(iterator_read_twice)
def list_read_twice(x):
    doubled = list(map(lambda v: v * 2, [x, 3.0]))
    return sum(doubled) + max(doubled)


@containers(2.5)
def membership_in_an_iterator(x):
    items = iter([1.0, 2.0])
    return x if 2.0 in items else 2.0 * x  # <- 2.0 in items


@rewritten(membership_in_an_iterator)
def membership_in_a_list(x):
    items = iter([1.0, 2.0])
    return x if 2.0 in list(items) else 2.0 * x


@containers(2.5)
def comprehension_over_an_iterator(x):
    items = iter([x, 2.0])
    return sum(v * x for v in items)  # <- (v * x for v in items)


@rewritten(comprehension_over_an_iterator)
def comprehension_over_a_list(x):
    items = iter([x, 2.0])
    return sum(v * x for v in list(items))


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


@containers([Point(float(k), 1.0) for k in range(20)], shown="sum(p.x for p in points)")
def list_of_objects(points):
    return sum(p.x for p in points)  # --


@containers(2.5)
def keys_from_a_list(x):
    table = {k: x for k in range(int(x))}
    return {9: x, **table}[1]  # <- {9: x, **table}


@rewritten(keys_from_a_list)
def keys_as_literals(x):
    table = {k: x for k in range(int(x))}
    table[9] = x
    return table[1]


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


@containers(2.5)
def deque_returned(x):
    return collections.deque([x])  # <- collections.deque([x])


@containers(2.5)
def deque_with_a_bound(x):
    last = collections.deque(maxlen=2)  # <- collections.deque(maxlen=2)
    for k in range(int(x) + 2):
        last.append(x * k)
    return sum(last)


@rewritten(deque_with_a_bound)
def deque_that_is_kept_short(x):
    last = collections.deque()
    for k in range(int(x) + 2):
        last.append(x * k)
        if len(last) > 2:
            last.popleft()
    return sum(last)


@containers(2.5)
def product_as_often_as_the_run_says(x):
    return sum(a for a, *_ in itertools.product([x, 1.0], repeat=int(x)))  # <- itertools.product([x, 1.0], repeat=int(x))


@containers(2.5)
def product_of_four(x):
    xs = [x * k for k in range(int(x))]
    return sum(a * b * c * d for a, b, c, d in itertools.product(xs, xs, xs, xs))  # <- itertools.product(xs, xs, xs, xs)


@rewritten(product_of_four)
def four_loops(x):
    xs = [x * k for k in range(int(x))]
    return sum(a * b * c * d for a in xs for b in xs for c in xs for d in xs)


@containers(2.5)
def triples_of_unknown_length(x):
    xs = [x * k for k in range(int(x) + 2)]
    return sum(a * b * c for a, b, c in itertools.combinations(xs, 3))  # <- itertools.combinations(xs, 3)


@rewritten(triples_of_unknown_length)
def triples_by_loops(x):
    xs = [x * k for k in range(int(x) + 2)]
    n = len(xs)
    return sum(xs[i] * xs[j] * xs[k] for i in range(n) for j in range(i + 1, n) for k in range(j + 1, n))


@containers(2.5)
def the_longest_of_unknown_lengths(x):
    xs = [x * k for k in range(int(x))]
    return sum(a * b for a, b in itertools.zip_longest(xs, [x], fillvalue=1.0))  # <- itertools.zip_longest(xs, [x], fillvalue=1.0)


@containers(U)
def counted_by_twos(u):
    return sum(a * k for a, k in zip(u, itertools.count(0, 2)))  # <- itertools.count(0, 2)


@rewritten(counted_by_twos)
def doubled_numbers(u):
    return sum(a * 2 * k for k, a in enumerate(u))


@containers(U)
def used_where_it_may_be_none(u):
    found = None
    for v in u:
        if v > 5.0:
            found = v
    return found * 2.0  # <- found


@rewritten(used_where_it_may_be_none)
def used_where_it_is_a_number(u):
    found = None
    for v in u:
        if v > 5.0:
            found = v
    return u[0] if found is None else found * 2.0


@containers(1.5)
def an_object_that_knows_itself(x):
    node = {"value": x}
    node["self"] = node
    return node["self"]["value"]  # <- return node["self"]["value"]


@rewritten(an_object_that_knows_itself)
def an_object_that_does_not_know_itself(x):
    node = {"value": x}
    return node["value"]
