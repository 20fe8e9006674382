"""Functions that call themselves, and long ones that are called at several places: emitted as functions of their own."""

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(0.7, 5))
def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


@program(args=(0.7, 60))
def deep(x, n):
    if n == 0:
        return np.sin(x)
    return 0.9 * deep(x, n - 1) + 0.1 * x


@program(args=(0.6, 7))
def fibonacci(x, n):
    return x if n < 2 else fibonacci(x, n - 1) + x * fibonacci(x, n - 2)


def adaptive(f, a, b, eps):
    c = 0.5 * (a + b)
    d, e, h = 0.5 * (a + c), 0.5 * (c + b), b - a
    whole = h / 6 * (f(a) + 4 * f(c) + f(b))
    halves = h / 12 * (f(a) + 4 * f(d) + 2 * f(c) + 4 * f(e) + f(b))
    if abs(halves - whole) <= 15 * eps:
        return halves + (halves - whole) / 15
    return adaptive(f, a, c, eps / 2) + adaptive(f, c, b, eps / 2)


@program(args=(1.3,))
def integral(t):
    return adaptive(lambda x: np.sin(t * x) * x, 0.0, 2.0 + t, 1e-4)


@program(args=(1.3, 0.4))
def two_integrals(t, b):
    return adaptive(lambda x: np.exp(-t * x), 0.0, b, 1e-6) * adaptive(lambda x: np.cos(x * b), b, t, 1e-6)


def rising(x, n):
    return x if n == 0 else falling(x * 1.1, n - 1) + 1.0


def falling(x, n):
    if n == 0:
        return np.sin(x)
    y = rising(x * x, n - 1)
    return y * 0.5


@program(args=(0.8, 6))
def mutual(x, n):
    return rising(x, n)


@program(args=(normal(9),))
def halves(x):
    if len(x) == 1:
        return x[0] * x[0]
    m = len(x) // 2
    return halves(x[:m]) * 0.5 + halves(x[m:])


@program(args=(normal(8),))
def transform(x):
    if len(x) == 1:
        return x * 1.0
    even, odd = transform(x[::2]), transform(x[1::2])
    return np.concatenate([even + odd, even - odd])


@program(args=(normal(2, 2), 6))
def matrix_power(a, n):
    if n == 0:
        return np.eye(2)
    half = matrix_power(a, n // 2)
    return half @ half if n % 2 == 0 else half @ half @ a


@program(args=(0.5, 6))
def accumulator(x, n, total=0):
    if n == 0:
        return total
    return accumulator(x, n - 1, total + x**n)


@program(args=(0.5, 0.2, 5))
def pair_of_results(x, v, n):
    if n == 0:
        return x, v
    x, v = pair_of_results(x + 0.1 * v, v - 0.1 * np.sin(x), n - 1)
    return x * 1.01, v


@program(args=(0.9, 4))
def local_recursion(x, n):
    scale = x * 0.5

    def go(y, k):
        if k == 0:
            return y
        return go(y * scale + np.sin(x), k - 1)

    return go(x, n) + go(1.0, n + 1)


class Chain:
    def __init__(self, rate):
        self.rate = rate

    def run(self, x, n):
        if n == 0:
            return x
        return self.run(x + self.rate * np.cos(x), n - 1) * self.rate


@program(args=(0.3, 0.8, 4))
def recursive_method(rate, x, n):
    return Chain(rate).run(x, n)


@program(args=(0.8, 0.03))
def until_small(x, eps):
    if x < eps:
        return x * x
    return until_small(x * 0.5, eps) + np.sqrt(x)


def tree_sum(x, depth, k):
    total = x * k
    if depth > 0:
        for j in range(1, 3):
            total = total + tree_sum(x * 0.5, depth - 1, k + j) * x
    return total


@program(args=(0.7, 3))
def recursion_in_a_loop(x, depth):
    return tree_sum(x, depth, 1)


@program(args=(0.7, 3))
def recursion_in_a_comprehension(x, n):
    if n == 0:
        return x
    return sum(recursion_in_a_comprehension(x * k, n - 1) for k in range(1, 3)) * np.sin(x)


@program(args=(0.7, 5))
def where_it_is_not_taken(x, n):
    if n == 0:
        return np.where(x > 0, x, np.sqrt(np.abs(x)))
    return np.maximum(where_it_is_not_taken(x - 0.3, n - 1), 0.1) * x


def rates(y, a, b, c, d):
    prey, predators = y
    birth = a * prey
    if prey > 2.0:
        birth = birth * (3.0 - prey)
    meetings = prey * predators
    loss = b * meetings
    gain = d * meetings
    death = c * predators
    for _ in range(2):
        death = death * 0.9 + 0.01 * prey
    first = birth - loss
    second = gain - death
    return np.array([first, second])


@program(args=(positive(2), 0.7, 0.3, 0.4, 0.2))
def long_helper(y, a, b, c, d):
    h = 0.1
    for _ in range(3):
        k1 = rates(y, a, b, c, d)
        k2 = rates(y + 0.5 * h * k1, a, b, c, d)
        k3 = rates(y + 0.5 * h * k2, a, b, c, d)
        k4 = rates(y + h * k3, a, b, c, d)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y)


def long_and_writes(u, x):
    a = x * x
    b = a + 1.0
    c = np.sin(b)
    d = c * a
    u[0] = d
    u[1] += c
    e = d * 2.0
    f = e + c
    g = f * x
    h = g - a
    i = h * h
    return i


@program(args=(0.7, normal(3)))
def long_helper_that_writes(x, u):
    return long_and_writes(u, x) + long_and_writes(u, x * 2.0) + np.sum(u * u)


def long_and_chooses(u, v, x):
    a = x * x
    b = a + 1.0
    c = np.sin(b)
    d = c * a
    e = d * 2.0
    f = e + c
    g = f * x
    h = g - a
    i = h * h
    if i > 0.1:
        return u
    return v * i


@program(args=(0.7, normal(3), normal(3)))
def long_helper_that_returns_its_argument(x, u, v):
    w = long_and_chooses(u, v, x)
    z = long_and_chooses(v, u, x * 0.1)
    return np.sum(w * z) + np.sum(u)


def long_scaled(x, scale, kind="sin", limits=(0.1, 2.0)):
    low, high = limits
    if kind == "sin":
        y = np.sin(x)
    else:
        y = np.cos(x)
    z = y * scale
    w = z * z
    if np.sum(w) > 1.0:
        w = w / np.sum(w)
    v = np.clip(w, low, high)
    u = v + y
    t = u * 2.0
    s = t - z
    return {"value": s, "parts": [u, t]}


@program(args=(normal(4), 0.6))
def long_helper_with_containers(x, scale):
    first = long_scaled(x, scale)
    second = long_scaled(x * 2.0, scale)
    third = long_scaled(x, scale, kind="cos")
    first["parts"][0] *= 2.0
    return np.sum(first["value"] * second["parts"][1]) + np.sum(third["value"] * first["parts"][0])


@program(args=(0.7, 2.0))
def recursion_that_may_fail(x, y):
    def root(v, n):
        if v > 3.0:
            raise ValueError("too large")
        if n == 0:
            return np.sqrt(v)
        return root(v * y, n - 1) + v

    try:
        a = root(x, 5)
    except ValueError:
        a = root(x * 0.1, 2)
    return a * x
