"""``iter`` and ``next``: items taken one by one, by hand and by loops, until there are no more."""

import numpy as np

from tests.zoo.table import program


@program(args=(0.37,))
def two_items_of_a_known_list(x):
    it = iter([x, x * x, 3.0])
    a = next(it)
    b = next(it)
    return a * b + next(it) * a + next(it, 5.0) * b


@program(args=(np.array([0.7, 0.4, 1.3]),))
def first_of_an_array_then_the_rest(u):
    it = iter(u)
    best = next(it)
    for v in it:
        best = best * 0.5 + v * v
    return best


@program(args=([0.7, 0.4, 1.3], 2))
def until_stopped(xs, n):
    it = iter(xs)
    y = 1.0
    while True:
        try:
            y = y * 0.5 + next(it) ** n
        except StopIteration:
            break
    return y


@program(args=([0.7, 0.4, 1.3],))
def until_a_default(xs):
    it = iter(xs)
    y = 0.0
    v = next(it, None)
    while v is not None:
        y = y * 0.5 + v * v
        v = next(it, None)
    return y


@program(args=(np.array([0.7, 0.4, 1.3]), np.array([0.2, 1.4])))
def pairs_one_by_one(u, v):
    pairs = zip(u, v)
    a, b = next(pairs)
    y = a * b
    try:
        while True:
            a, b = next(pairs)
            y = y + a * b * b
    except StopIteration:
        y = y * a
    return y


@program(args=([0.7, 0.4, 1.3],))
def numbered_one_by_one(xs):
    items = enumerate(xs, 1)
    total = 0.0
    k, v = next(items)
    total += k * v
    for k, v in items:
        if k == 3:
            break
        total += k * v * v
    return total + k * v


@program(args=([0.7, 0.4, 1.3], 2.0))
def squares_when_asked(xs, a):
    squares = (a * v * v for v in xs)
    y = next(squares)
    a = a * 3.0
    y = y + next(squares)
    return y * sum(squares)


@program(args=([0.7, 0.4, 1.3, 0.9],))
def sum_of_what_is_left(xs):
    it = iter(xs)
    first = next(it)
    next(it)
    rest = list(it)
    return first * sum(rest) + len(rest) + next(it, first)


@program(args=([0.7, 0.4, 1.3, 0.9],))
def every_second_one(xs):
    it = iter(xs)
    y = 0.0
    for v in it:
        w = next(it, 0.0)
        y = y + v * w
    return y


@program(args=([0.7, 0.4, 1.3, 0.9],))
def two_iterators_over_one_list(xs):
    it, other = iter(xs), iter(xs)
    next(other)
    y = 0.0
    for v in it:
        try:
            y = y + v * next(other)
        except StopIteration:
            y = y + v * v
    return y


@program(args=([0.7, 0.4, 1.3, 0.9],))
def iterator_handed_to_a_function(xs):
    def step(it, y):
        return y * next(it) + 1.0

    it = iter(xs)
    y = step(it, 1.0)
    y = step(it, y)
    return step(it, y)


class Halves:
    def __init__(self, x, n):
        self.x, self.n = x, n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        self.x = self.x * 0.5
        return self.x


@program(args=(0.37, 4))
def iterator_of_ones_own(x, n):
    it = iter(Halves(x, n))
    y = next(it)
    try:
        for _ in range(9):
            y = y * 2.0 + next(it)
    except StopIteration:
        y = y * y
    return y + next(it, x)


@program(args=(0.37, 4))
def counted_from_a_range(x, n):
    ks = iter(range(1, 2 * n, 2))
    y = x * next(ks)
    for k in ks:
        y = y * x + k
        if k > 4:
            break
    return y * next(ks)


@program(args=([0.7, 0.4, 1.3, 0.9],))
def list_written_while_it_is_walked(xs):
    xs = list(xs)
    it = iter(xs)
    y = next(it)
    xs[1] = xs[1] * y
    y = y + next(it)
    xs[2] = y
    return y * next(it) + next(it)


@program(args=(0.37,))
def unpacked_rest(x):
    it = iter([x, 2.0 * x, x * x])
    a = next(it)
    b, c = it
    return a * b * c


@program(args=(np.array([[0.7, 0.4], [1.3, 0.9]]),))
def rows_one_by_one(m):
    rows = iter(m)
    y = next(rows) @ next(rows, m[0])
    return y + next(rows, m[0])[-1]


@program(args=(np.array([0.3, 1.2, 0.7, 2.0]),))
def zip_walked_by_two_loops(xs):
    z = zip(xs, xs[1:])
    s = 0.0
    for a, b in z:
        s = s + a * b
    for a, b in z:
        s = s + a * b
    return s


@program(args=(0.7,))
def generator_of_a_name_bound_again(x):
    k = 2.0
    it = (v * k for v in [x, x * x])
    k = 5.0
    return sum(it) * k
