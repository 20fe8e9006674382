"""Values that are None until they are a number."""

import numpy as np

from tests.zoo.table import program

X = np.array([0.5, 0.7, 0.9, 0.3])


class Sums:
    def __init__(self):
        self.last = None
        self.total = 0.0

    def add(self, v):
        if self.last is not None:
            self.total += self.last * v
        self.last = v


@program(args=(X,))
def best_none(x):
    best = None
    for v in x:
        if best is None or v * v > best:
            best = v * v
    return best


@program(args=(X,))
def prev_none(x):
    prev = None
    s = 0.0
    for v in x:
        if prev is not None:
            s += v * prev
        prev = v
    return s


@program(args=(X, 4))
def prev_arr(x, n):
    prev = None
    s = 0.0
    for i in range(n):
        cur = x * i
        if prev is not None:
            s += np.sum(cur * prev)
        prev = cur
    return s


@program(args=(X, 4))
def best_if(x, n):
    best, at = None, None
    for i in range(n):
        v = np.sin(x[i] * 3)
        if best is None:
            best, at = v, i
        elif v > best:
            best, at = v, i
    return best * at


@program(args=(0.7, 4))
def while_none(x, n):
    last = None
    while n > 0:
        if last is None:
            last = x
        else:
            last = last * x
        n -= 1
    return last


@program(args=(X, 4))
def none_after(x, n):
    found = None
    for v in x:
        if v > 0.6:
            found = v
            break
    if found is None:
        return 0.0 * x[0]
    return found * x[1]


@program(args=(X, 4))
def none_ternary(x, n):
    prev = None
    out = []
    for v in x:
        d = v - prev if prev is not None else 0.0
        out.append(d * d)
        prev = v
    return sum(out)


@program(args=(X, 4))
def none_tuple(x, n):
    best = None
    for i, v in enumerate(x):
        if best is None or v > best[0]:
            best = (v, i)
    return best[0] * best[1]


@program(args=(0.7, 4))
def cond_set(x, n):
    last = None
    s = 0.0
    for i in range(n):
        if i % 2:
            last = x * i
        if last is not None:
            s += last
    return s


@program(args=(0.7, 4))
def reset(x, n):
    last = None
    s = 0.0
    for i in range(n):
        if last is None:
            last = x * i
        else:
            s += last
            last = None
    return s


@program(args=(X, 4))
def cond_use(x, n):
    prev, k = None, None
    s = 0.0
    for i in range(n):
        if prev is not None and prev > 0.3 and k is not None:
            s += prev * k
        if prev is not None:
            s += prev
        prev, k = x[i], i
    return s


@program(args=(X, 0))
def zero_trips(x, n):
    prev = None
    for i in range(n):
        prev = x[i]
    return x[0] if prev is None else prev


@program(args=(X, 4))
def inner_fn(x, n):
    def upd(prev, v):
        return v if prev is None else prev * v
    acc = None
    for v in x:
        acc = upd(acc, v)
    return acc


@program(args=(X, 4))
def attr_none(x, n):
    class_ = {"last": None}
    s = 0.0
    for v in x:
        if class_["last"] is not None:
            s += class_["last"] * v
        class_["last"] = v
    return s


@program(args=(X, 4))
def obj_none(x, n):
    o = Sums()
    for v in x:
        o.add(v)
    return o.total * o.last


@program(args=(X, 4))
def early_return(x, n):
    prev = None
    for v in x:
        if prev is not None and v > prev:
            return v * prev
        prev = v
    return prev


@program(args=(X, 4))
def guard_continue(x, n):
    prev = None
    s = 0.0
    for v in x:
        if prev is None:
            prev = v
            continue
        s += prev * v
        prev = v
    return s


@program(args=(X, 4))
def if_none_branch(x, n):
    w = None if x[0] > 0.6 else x * 2
    if w is None:
        return np.sum(x)
    return np.sum(w * x)


@program(args=(X, 4))
def iter_maybe(x, n):
    prev = None
    s = 0.0
    for v in x:
        if prev is not None:
            for a in prev:
                s += a * v
            a, b = prev
            s += prev[0] * b
        prev = (v, v * v)
    return s
