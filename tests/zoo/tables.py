"""Dicts whose keys only the run knows."""

import numpy as np

from tests.zoo.table import program


@program(args=(0.7, 5))
def sums_by_key(x, n):
    d = {}
    for i in range(n):
        key = i % 3
        d[key] = d.get(key, 0.0) + x * i
    return d[0] * d[1]


@program(args=(0.7, ["a","b","a","c"]*5))
def words_that_are_met_again(x, ws):
    d = {}
    for w in ws:
        if w in d:
            d[w] *= x
        else:
            d[w] = x + len(d)
    return sum(d.values()) * d["a"]


@program(args=(0.7, 5))
def entries_in_their_order(x, n):
    d = {}
    for i in range(n):
        d[i * i % 7] = x ** i
    s = 0.0
    for k, v in d.items():
        s += k * v
    for k in d:
        s += d[k] * x
    return s


@program(args=(0.7, 5))
def values_changed_by_a_loop_over_them(x, n):
    d = {i: x * i for i in range(n)}
    for k in d:
        d[k] = d[k] * x + k
    for k, v in d.items():
        d[k] = v * v
    return sum(v for v in d.values()) / len(d)


@program(args=(0.7, 5))
def values_kept_by_number(x, n):
    d = {0: x, 1: x * x}
    for i in range(2, n):
        d[i] = d[i-1] * x + d[i-2]
    return d[n-1]


@program(args=(0.7, 5))
def lists_by_key(x, n):
    d = {}
    for i in range(n):
        d.setdefault(i % 2, []).append(x * i)
    return sum(d[0]) * d[1][0]


@program(args=(0.7, 5))
def arrays_by_key(x, n):
    d = {}
    for i in range(n):
        if i % 2 not in d:
            d[i % 2] = np.zeros(2)
        d[i % 2][0] += x * i
    return np.sum(d[0]) * d[1][0]


@program(args=(0.7, 5))
def keys_that_are_tuples(x, n):
    d = {}
    for i in range(n):
        for j in range(n):
            d[i, j] = x * i + j
    return d[1, 2] * d[(2, 1)]


@program(args=({"a": 0.5, "b": 0.7}, ["a","b","a"]*7))
def keys_into_an_argument(q, ws):
    s = 1.0
    for w in ws:
        s *= q[w]
        s += q.get(w, 0.0)
    return s


@program(args=({"a": 0.5, "b": 0.7}, ["a","b","a"]*7))
def stores_into_an_argument(q, ws):
    for w in ws:
        q[w] = q[w] * q["a"]
    return q["a"] + q["b"]


@program(args=(0.7, 5))
def entries_taken_out(x, n):
    d = {}
    for i in range(n):
        d[i] = x * i
    del d[n - 1]
    v = d.pop(n - 2)
    return sum(d.values()) * v + len(d)


@program(args=(0.7, 5))
def a_key_on_one_path(x, n):
    d = {"a": x}
    if x > 0.5:
        d["b"] = x * x
    return sum(d.values())


@program(args=(0.7, 5))
def copies_of_tables(x, n):
    d = {i: x * i for i in range(n)}
    e = dict(d)
    e[1] = x * 10
    f = d.copy()
    f.update(e)
    return d[1] * e[1] + f[1] + f[2]


@program(args=(0.7, 5))
def shortest_paths(x, n):
    dist = {i: 100.0 for i in range(n)}
    dist[0] = 0.0
    for _ in range(n):
        for i in range(n - 1):
            alt = dist[i] + x * (i + 1)
            if alt < dist[i + 1]:
                dist[i + 1] = alt
    return dist[n - 1]


@program(args=(0.7, 5))
def two_names_of_a_table(x, n):
    d = {i: x * i for i in range(n)}
    e = d
    for i in range(n):
        e[i] = x * x
    return d[1] + e[2]


@program(args=(0.7, 5))
def tables_of_dicts(x, n):
    d = {}
    for i in range(n):
        d[i] = {"v": x * i, "w": 1.0}
    for i in range(n):
        d[i]["v"] += d[i]["w"] * x
    return d[1]["v"] * d[2]["v"]


@program(args=(0.7, 5))
def keys_that_may_be_missing(x, n):
    d = {i: x * i for i in range(n)}
    s = 0.0
    for i in range(2 * n):
        if i in d:
            s += d[i]
        s += d.get(i + 1, x)
    return s


@program(args=(0.7, 4))
def literals_with_keys_of_the_run(x, n):
    total = 0.0
    for i in range(n):
        table = {-1: x, i: x * i, 7: 1.0}
        total += table[-1] * table[i]
    return total
