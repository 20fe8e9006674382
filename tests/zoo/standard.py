"""Functions and classes of the standard library on sequences: itertools, collections, copy, sorting."""

import collections
import copy
import dataclasses
import itertools
from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np

from tests.zoo.table import program

X = np.array([0.5, 0.7, 0.9, 0.3])


@dataclass
class Point:
    x: float
    v: float


class Base:
    SCALE = 2.0

    def scaled(self, x):
        return x * self.SCALE


class Sub(Base):
    SCALE = 3.0

    def scaled(self, x):
        return super().scaled(x) + super().SCALE


@program(args=(0.7,))
def constants_of_a_base_class(x):
    return Sub().scaled(x)


@program(args=(0.7, 1.3))
def the_first_of_an_iterator(x, y):
    a, b = next(zip([x, y], [y, x]))
    return a * b + next(v for v in [x, y] if v > 1.0)


@program(args=(0.7, 5))
def the_key_of_the_least(x, n):
    table = {i: (i - 2.2) ** 2 * x for i in range(n)}
    least = min(table, key=table.get)
    return table[least] * least


@program(args=([(0.5, 1), (0.7, 2)] * 10, 1))
def pairs_of_an_argument(pairs, k):
    return sum(a * i for a, i in pairs) * pairs[k][0]


@program(args=(0.7,))
def stack_of_pairs(x):
    stack, total = [(x, 0)], 0.0
    while stack:
        value, depth = stack.pop()
        total += value * depth
        if depth < 3:
            stack.append((value * x, depth + 1))
            stack.append((value + x, depth + 2))
    return total


@program(args=(0.7, 4))
def the_best_of_pairs(x, n):
    pairs = [(np.sin(x * i), x * i) for i in range(n)]
    first = max(pairs, key=lambda q: q[0])
    best = pairs[0]
    for pair in pairs:
        if pair[1] > best[1]:
            best = pair
    return first[1] * x + best[0]


@program(args=(0.7,))
def dict_pairs(x):
    d = dict([("x", x), ("y", x * x)])
    return d["x"] * d["y"]


@program(args=(0.7, 1.3))
def dict_zip(x, y):
    names = ["a", "b"]
    d = dict(zip(names, [x, y]))
    return d["a"] * d["b"]


@program(args=(0.7, 4))
def dict_zip_run(x, n):
    d = dict(zip(range(n), [x * i for i in range(n)]))
    return d[1] * d[2]


@program(args=(0.7, 1.3))
def dict_enumerate(x, y):
    d = dict(enumerate([x, y]))
    return d[0] * d[1]


@program(args=(0.7, 1.3))
def sort_method(x, y):
    xs = [y, x, x * y]
    xs.sort()
    ys = [x, y]
    ys.sort(reverse=True)
    return xs[0] * ys[0]


@program(args=(0.7, 5))
def sort_run(x, n):
    xs = [np.sin(x * i * 7) for i in range(n)]
    xs.sort()
    return xs[0] * xs[1]


@program(args=(0.7, 5))
def sorted_run(x, n):
    xs = sorted([np.sin(x * i * 7) for i in range(n)], reverse=True)
    return xs[0] * xs[1]


@program(args=(0.7, 1.3))
def sorted_key(x, y):
    xs = sorted([(y, 1), (x, 2), (x * y, 0)], key=lambda t: -t[0])
    return xs[0][0] * xs[1][0] + xs[0][1]


@program(args=(0.7, 1.3))
def sorted_key_abs(x, y):
    xs = sorted([y, -x, x * y], key=abs)
    return xs[0] * 2 + xs[1]


@program(args=(0.7, 1.3))
def tuple_less(x, y):
    if (x, y) < (x, 2.0):
        return x * y
    return x


@program(args=(0.7, 1.3))
def list_less(x, y):
    return x * y if [x, y] >= [y, x] else x


@program(args=(0.7, 1.3))
def tuple_sort(x, y):
    xs = sorted([(y, 1.0), (x, 2.0)])
    return xs[0][0] * xs[1][1]


@program(args=(0.7, 1.3))
def next_gen(x, y):
    return next(v for v in [x, y] if v > 1.0)


@program(args=(0.7, 1.3))
def index_run(x, y):
    xs = [x, y, x * y]
    return xs.index(y) * x + xs.count(y)


@program(args=(0.7, 1.3))
def remove_known(x, y):
    xs = ["a", "b", "c"]
    xs.remove("b")
    ys = [x, y]
    ys.remove(y)
    return ys[0] * len(xs)


@program(args=(0.7, 6))
def defaultdict_float(x, n):
    d = defaultdict(float)
    for i in range(n):
        d[i % 3] += x * i
    return d[0] * d[1] + d[17]


@program(args=(0.7, 6))
def defaultdict_list(x, n):
    d = defaultdict(list)
    for i in range(n):
        d[i % 3].append(x * i)
    return sum(d[0]) * d[1][0]


@program(args=(0.7, 6))
def defaultdict_known(x, n):
    d = collections.defaultdict(float)
    d["a"] += x
    d["b"] += x * x
    return d["a"] * d["b"]


@program(args=(0.7, 6))
def deque_left(x, n):
    q = deque([x])
    s = 0.0
    while q:
        v = q.popleft()
        s += v * v
        if v < 3:
            q.append(v * 2)
            q.append(v + 1.5)
    return s


@program(args=(0.7, 6))
def deque_window(x, n):
    q = deque()
    s = 0.0
    for i in range(n):
        q.append(x * i)
        if len(q) > 3:
            q.popleft()
        s += sum(q)
    q.appendleft(x)
    return s * q[0]


@program(args=(0.7, 1.3))
def product_known(x, y):
    return sum(a * b * a for a, b in itertools.product([x, y], [1.0, x]))


@program(args=(0.7, 3))
def product_run(x, n):
    return sum(x * i + j for i, j in itertools.product(range(n), range(2)))


@program(args=(0.7, 1.3))
def combos(x, y):
    return sum(a * b for a, b in itertools.combinations([x, y, x * y], 2))


@program(args=(0.7, 4))
def combos_run(x, n):
    return sum(abs(a - b) for a, b in itertools.combinations([x * i * i for i in range(n)], 2))


@program(args=(0.7, 4))
def accumulate_run(x, n):
    return sum(v * v for v in itertools.accumulate([x * i for i in range(n)]))


@program(args=(X,))
def accumulate_arr(x):
    return sum(v * v for v in itertools.accumulate(x, lambda a, b: a * b))


@program(args=(X, 4))
def chain(x, n):
    return sum(v * v for v in itertools.chain(x, [1.0, x[0]], [x[1] * i for i in range(n)]))


@program(args=(X, 4))
def pairwise(x, n):
    return sum(a * b for a, b in itertools.pairwise(x))


@program(args=(X, 4))
def islice(x, n):
    return sum(v * v for v in itertools.islice(x, 1, n))


@program(args=(X, 4))
def count_zip(x, n):
    return sum(v * k for v, k in zip(x, itertools.count(1)))


@program(args=(X, 4))
def repeat_zip(x, n):
    return sum(v * k for v, k in zip(x, itertools.repeat(x[0])))


@program(args=(0.7, 1.3))
def zip_longest(x, y):
    return sum(a * b for a, b in itertools.zip_longest([x, y, x], [y], fillvalue=2.0))


@program(args=(0.7, 4))
def dc_replace_list(x, n):
    ps = [Point(x * i, 1.0) for i in range(n)]
    ps = [dataclasses.replace(q, v=q.x * x) for q in ps]
    return sum(q.v for q in ps)


@program(args=(0.7, 4))
def copies_run(x, n):
    a = [[x * i, x] for i in range(n)]
    b = copy.deepcopy(a)
    a[0][0] = 5.0
    b[1][1] = x * x
    c = copy.copy(a)
    return b[0][0] + a[0][0] * b[1][1] * a[1][1] + c[0][1]


@program(args=(0.7, 4))
def copies_obj_run(x, n):
    a = [Point(x * i, x) for i in range(n)]
    b = copy.deepcopy(a)
    a[0].x = 5.0
    b[1].v = x * x
    return b[0].x + a[0].x * b[1].v * a[1].v


@program(args=(0.7, 5))
def max_vals(x, n):
    d = {i: x * i for i in range(n)}
    return max(d.values()) * min(d.values()) + sorted(d.values())[1]


@program(args=(0.7, 1.3))
def shallow_and_deep_copies(x, y):
    a = [[x, y], {"a": x}, Point(x, y)]
    b = copy.copy(a)
    c = copy.deepcopy(a)
    d = dataclasses.replace(a[2], v=x * x)
    a[0][0] = 5.0
    a[1]["a"] = 2.0
    a[2].x = 3.0
    return b[0][0] * c[0][0] + b[2].x * c[2].x * c[1]["a"] + d.x * d.v * y
