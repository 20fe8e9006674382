"""Lists that grow, stacks, tables, comprehensions, dicts that change."""

from functools import partial, reduce

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(0.7, 4))
def appended(x, n):
    values = []
    for i in range(n):
        values.append(x**i)
    return np.array(values)


@program(args=(0.7, 3))
def read_while_growing(x, n):
    v = [x]
    for i in range(n):
        v.append(v[-1] * x + v[0])
    return v[-1] + sum(v)


@program(args=(normal(2, 3), 3))
def list_of_arrays(w, n):
    states = [w[0]]
    for i in range(n):
        states.append(np.tanh(states[-1] * w[1]))
    return np.sum(np.stack(states) ** 2) + np.sum(np.concatenate(states))


@program(args=(0.9,))
def stack_of_work(x):
    stack, total = [x], 0.0
    while stack:
        v = stack.pop()
        total += v * v
        if v < 3:
            stack.append(v * 2)
            stack.append(v + 1.5)
    return total


@program(args=(0.7, 4))
def table_of_lists(x, n):
    t = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            t[i][j] = x * i + j * x * x
            if i and j:
                t[i][j] += t[i - 1][j - 1]
    return t[-1][-1] * t[0][1]


@program(args=(positive(4),))
def difference_table(x):
    rows = [list(x)]
    while len(rows[-1]) > 1:
        last = rows[-1]
        rows.append([b - a * a for a, b in zip(last[:-1], last[1:])])
    return rows[-1][0] + rows[1][1]


@program(args=(normal(4), 0.5))
def comprehension(x, c):
    return sum([c * a**2 for a in x if a < 10]) + max(a * c for a in x)


@program(args=(normal(3), 3))
def nested_comprehension(x, n):
    return np.array([[a * b for a in x] for b in x[:n]]).sum()


@program(args=(0.6, 4))
def comprehension_over_a_range(x, n):
    powers = [x**k for k in range(n) if k != 2]
    return sum(p * q for p, q in zip(powers, powers[1:]))


@program(args=(0.6, 1.4))
def dict_comprehension(x, y):
    table = {name: value * x for name, value in {"a": x, "b": y}.items()}
    table["c"] = table["a"] * table["b"]
    return sum(v for v in table.values()) * len(table)


@program(args=(0.6, 3))
def dict_updated_in_a_loop(x, n):
    d = {"a": x, "b": 0.0}
    for i in range(n):
        d["b"] = d["b"] + d["a"] * i
        d["a"] *= 1.1
    return d["b"] * d.get("missing", x)


@program(args=(0.6,))
def list_methods(x):
    a = [x, 2 * x]
    b = a
    b.append(x * x)
    a.insert(0, 3.0 * x)
    a.extend([x, 1.0])
    last = b.pop()
    b.reverse()
    a[1:3] = [a[1] * 2]
    del a[0]
    return sum(a) * a[0] * last + len(b)


@program(args=(0.6, 1.7))
def sorted_values(x, y):
    values = sorted([y, x, x * y], reverse=True)
    return values[0] * values[1] - values[2]


@program(args=(normal(4),))
def builtins_over_sequences(x):
    if any(a > 10 for a in x) or not all(a < 5 for a in x):
        return x[0]
    pairs = list(map(lambda a, b: a * b, x, x[::-1]))
    positive_ones = list(filter(lambda a: a > 0, x))
    total = reduce(lambda s, a: s * 0.5 + a, pairs, 1.0)
    return total + sum(positive_ones) + max(x) * min(pairs)


@program(args=(normal(4), 2.0))
def partial_application(x, c):
    def scaled(k, v, power=1):
        return k * v**power

    f = partial(scaled, c, power=2)
    return sum(f(a) for a in x)


@program(args=(0.8, 5))
def list_in_both_branches(x, n):
    out = []
    for i in range(n):
        if i % 2:
            out.append(x * i)
        else:
            out += [x, x * x]
    return sum(out) + out[1] * len(out)


@program(args=(0.8, 4))
def overwritten_list_items(x, n):
    u = [0.0] * n
    u[0] = x
    for i in range(1, n):
        u[i] = u[i - 1] * x + u[0]
    u[0] = 5.0
    return u[-1] * u[0]


@program(args=(normal(3),))
def list_of_pairs(x):
    pairs = [(a, a * a) for a in x]
    total = 0.0
    for a, b in pairs:
        total += a * b
    return total


@program(args=(normal(4), 2))
def sliding_windows(x, k):
    means = [np.mean(x[i : i + k]) for i in range(len(x) - k + 1)]
    return np.array(means) @ np.array(means)


@program(args=(0.7,))
def starred(x):
    first, *rest = [x, x * x, 3 * x]
    *init, last = (x, *rest, 2.0)
    return first * sum(rest) + sum(init) * last


@program(args=(normal(5), 2))
def pop_from_anywhere(x, n):
    queue = [v * 2 for v in x]
    total = 0.0
    for k in range(n):
        total = total * 1.5 + queue.pop(k) * x[k]
    return total + queue.pop(-2) * sum(queue)


@program(args=(normal(4), 4))
def insert_and_reverse(x, n):
    queue = []
    for k in range(n):
        queue.insert(k // 2, x[k] * (k + 1))
    queue.insert(-1, x[0] * x[1])
    queue.reverse()
    total = 0.0
    for k, v in enumerate(queue):
        total += k * v * v
    for v in reversed(queue):
        total = 0.5 * total + v
    return total


@program(args=(normal(3),))
def array_as_a_list(x):
    items = x.tolist()
    items[1] *= items[0]
    return sum(items) * x[2].item()


@program(args=(normal(2, 3),))
def matrix_as_lists(m):
    total = 1.0
    for row in m.tolist():
        for v in row:
            total = total * 0.5 + v * v
    return total


@program(args=(normal(3),))
def tuple_of_unknown_length(x):
    squares = tuple([v * v for v in x if v > -9.0])
    total = 0.0
    for s in squares:
        total = total * 0.5 + s
    return total + squares[1]


@program(args=(normal(3), 3))
def literal_beside_a_list(x, n):
    squares = [x[k] ** 2 for k in range(n)]
    total = 0.0
    for a, b in zip([1.0, x[0], 3.0], squares):
        total += a * b
    for a, b in zip(squares, (2.0, x[1], 4.0)):
        total += a * b
    return total


@program(args=(0.7, 6, 2))
def slices_of_a_list_exchanged(x, n, k):
    xs = [x * i for i in range(n)]
    ys = xs
    xs[:k] = [x * x, x, 1.0]
    xs[-2:] = xs[:2]
    del xs[1:k], xs[k]
    xs[3:2] = [x]
    return ys[0] * ys[-1] + len(ys) * ys[3]


@program(args=(0.7, 0.5))
def a_list_that_grows_on_one_path(x, c):
    out = [x]
    if x > c:
        out.append(x * x)
    else:
        out[0] = 3.0
        out += [x, x]
    return sum(out) * out[-1]
