"""Containers as arguments and results: tuples, lists, dicts, dataclasses, nested."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tests.zoo.table import normal, program


@dataclass
class Rates:
    growth: float
    decay: float
    steps: int = 3


@dataclass(frozen=True)
class Layer:
    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Network:
    first: Layer
    scale: float
    name: str = "net"


class Point(NamedTuple):
    x: float
    y: float


@program(args=({"w": normal(3), "b": 0.2}, normal(2, 3, seed=1)))
def dict_argument(params, x):
    return np.tanh(x @ params["w"] + params["b"])


@program(args=((normal(2), (0.5, [normal(2, seed=1)])), 1.2))
def nested_tuple_argument(p, x):
    u, (c, rest) = p
    return np.sum(u * c) * x + rest[0] @ u


@program(args=(Rates(0.8, 0.3), 1.5))
def dataclass_argument(rates, x):
    for i in range(rates.steps):
        x = x + rates.growth * x - rates.decay * x**2
    return x


@program(args=(Network(Layer(normal(2, 3), normal(2, seed=1)), 0.7), normal(3, seed=2)))
def nested_dataclass(net, x):
    return np.sum(np.tanh(net.first.weight @ x + net.first.bias)) * net.scale


@program(args=([0.4, 1.3, -0.2],))
def list_argument(values):
    return values[0] * values[1] ** 2 + np.exp(values[-1])


@program(args=(Point(0.4, 1.3), 0.5))
def named_tuple_argument(p, r):
    return p.x * p.y**2 + r * p[0]


@program(args=(0.6, 1.4))
def dict_result(x, y):
    return {"product": x * y, "parts": (x**2, y)}


@program(args=(0.6, 1.4))
def dict_made_inside(x, y):
    table = {"a": x * y, "b": y}
    return table["a"] ** 2 * table["b"]


@program(args=(0.6, 1.4))
def dataclass_made_inside(x, y):
    r = Rates(growth=x * y, decay=y)
    return r.growth**2 + r.decay * r.steps


@program(args=({"inner": {"a": 0.3}, "list": [1.1, 2.2], "count": 2},))
def mixed_nest(tree):
    return tree["inner"]["a"] * tree["list"][1] ** tree["count"] + tree["list"][0]


@program(args=({"a": 0.3, "unused": 1.0}, 0.7))
def unused_leaf(p, x):
    return p["a"] * x
