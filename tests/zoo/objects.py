"""Classes: state, methods, properties, inheritance, operators."""

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tests.zoo.table import normal, program


class Oscillator:
    count = 2.0

    def __init__(self, x, v=0.0):
        self.x, self.v = x, v
        self.history = []

    def step(self, dt):
        self.v -= dt * np.sin(self.x)
        self.x += dt * self.v
        self.history.append(self.x)

    @property
    def energy(self):
        return self.v**2 / self.count + 1 - np.cos(self.x)

    @staticmethod
    def scale(a):
        return 3 * a

    @classmethod
    def at_rest(cls, x):
        return cls(x)

    def __call__(self, t):
        return self.x + t * self.v


class Damped(Oscillator):
    def __init__(self, x, v, damping):
        super().__init__(x, v)
        self.damping = damping

    def step(self, dt):
        super().step(dt)
        self.v *= 1 - self.damping


class Vec:
    def __init__(self, a, b):
        self.a, self.b = a, b

    def __add__(self, other):
        return Vec(self.a + other.a, self.b + other.b)

    def __mul__(self, k):
        return Vec(self.a * k, self.b * k)

    __rmul__ = __mul__

    def __getitem__(self, i):
        return self.b if i else self.a

    def __len__(self):
        return 2


@dataclass
class Layer:
    w: np.ndarray
    b: np.ndarray
    seen: list = field(default_factory=list)

    def __call__(self, x):
        y = np.tanh(self.w @ x + self.b)
        self.seen.append(y)
        return y


class Point(NamedTuple):
    x: float
    y: float

    def norm2(self):
        return self.x**2 + self.y**2


@program(args=(0.7, 3))
def state_in_an_object(x, n):
    o = Oscillator.at_rest(x)
    for i in range(n):
        o.step(0.1)
    return o.energy + o.history[-1] * o.history[0] + Oscillator.scale(o(0.5))


@program(args=(0.7, 0.2, 0.05))
def inheritance(x, v, damping):
    o = Damped(x, v, damping)
    for i in range(3):
        o.step(0.1)
    return o.energy


@program(args=(0.7, 0.2))
def operators_of_a_class(x, y):
    p, q = Vec(x, y), Vec(y, 2.0)
    r = 2 * (p + q) * x
    return r[0] * r[1] * len(r)


@program(args=(normal(2, 2), normal(2, seed=1), normal(2, seed=2)))
def dataclass_with_state(w, b, x):
    layer = Layer(w, b)
    layer(layer(x))
    layer.b = layer.b * 2
    return np.sum(layer(x) * layer.seen[0]) + len(layer.seen)


@program(args=(Point(0.3, 1.2),))
def named_tuple(p):
    q = p._replace(x=p.y * p.x) if hasattr(p, "_replace") else p
    return p.norm2() * q.x


@program(args=(0.4,))
def attribute_aliases_a_parameter(x):
    class_free = Vec(x, x)
    class_free.a = class_free.a * class_free.b
    return class_free.a * x


@program(args=(normal(3),))
def array_attribute_written(x):
    o = Oscillator(x * 1.0)
    u = o.x
    o.x[0] = 2 * u[1]
    u *= 2
    o.x += 1
    return np.sum(o.x * u)


@program(args=(0.5, 3))
def objects_in_a_list(x, n):
    many = [Oscillator(x * k) for k in (1, 2)]
    for i in range(n):
        for o in many:
            o.step(0.1)
    return sum(o.energy for o in many)


def _dot_of_a_dict(x, c):
    return x["a"] ** 2 * x["b"] * c


@program(args=({"a": 0.8, "b": 0.3}, 1.2))
def dict_changed_in_a_callee(p, c):
    def scale(q):
        q["a"] = q["a"] * c
        return q

    before = p["a"]
    q = scale(dict(p))
    return _dot_of_a_dict(q, before) + p["a"]


@dataclass
class Pair:
    a: float
    b: float
    v: np.ndarray


@program(args=(normal(3),))
def dataclass_helpers(x):
    first = Pair(x[0], x[1] * 2, x * x)
    a, b, v = dataclasses.astuple(first)
    second = dataclasses.replace(first, a=b)
    table = dataclasses.asdict(second)
    for part in dataclasses.fields(first):
        if part.name != "v":
            b = b + getattr(first, part.name)
    return a * b + np.sum(v) * second.a + table["a"] * table["v"][1]


@program(args=(normal(3),))
def shallow_and_deep_copies(x):
    y = copy.copy(x)
    y[0] = 3.0
    parts = [x * 1.0, [x[0], x[1]]]
    deep = copy.deepcopy(parts)
    shallow = copy.copy(parts)
    deep[1][0] = 5 * x[1]
    deep[0][1] = 0.0
    shallow[1][1] = x[2] ** 2
    return np.sum(y * x) + deep[1][0] * parts[1][1] + np.sum(deep[0] * parts[0])
