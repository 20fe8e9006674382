"""Arguments of Retrograd's own functions, and where the source of a function comes from."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np

import retrograd as rg

from ..table import Theme, plainly

api = Theme(
    "Arguments of Retrograd's functions",
    "What `rg.grad` and the others are given: functions, names, seeds and directions. No line of a program is at fault here.",
)

U = np.array([1.0, 2.0, 3.0])


def cube(x):
    return x**3


def twice(u):
    return 2 * u


def both(p):
    return p[0] * p[1]


@api(by=plainly)
def no_function():
    return rg.grad(3.0)  # --


@api(by=plainly)
def wrt_by_an_unknown_name():
    return rg.grad(cube, wrt="y")  # --


@api(by=plainly)
def wrt_by_a_number_too_large():
    return rg.grad(cube, wrt=1)  # --


@api(by=plainly)
def array_of_ints():
    return rg.grad(lambda u: np.sum(u))(np.arange(3))  # --


class Renewed:
    """Its function is another one each time it is read."""

    @property
    def scale(self):
        return lambda x: 2 * x


RENEWED = Renewed()


@api(by=plainly)
def other_each_time():
    return rg.grad(lambda x: RENEWED.scale(x))(2.0)  # --


@api(by=plainly)
def source_before_a_call():
    return rg.source(rg.grad(cube))  # --


@api(by=plainly)
def source_without_arguments():
    return rg.source(cube)  # --


@api(by=plainly)
def cotangent_of_another_shape():
    _, pullback = rg.vjp(twice, U)
    return pullback(np.ones(2))  # --


@api(by=plainly)
def too_few_tangents():
    return rg.jvp(lambda x, y: x * y, (1.0, 2.0), (1.0,))  # --


@api(by=plainly)
def tangent_of_another_shape():
    return rg.jvp(twice, (U,), (np.ones(2),))  # --


@api(by=plainly)
def jacobian_of_a_pair():
    return rg.jacobian(lambda x: (x, x))(2.0)  # --


@api(by=plainly)
def jacobian_by_a_pair():
    return rg.jacobian(both)((1.0, 2.0))  # --


# -- where a function comes from --


@api(by=plainly)
def function_without_a_source():
    scope: dict[str, Any] = {}
    exec("def f(x): return x", scope)
    f = scope["f"]
    return rg.grad(f)(2.0)  # --


def _in_a_file(name: str, text: str, later: str) -> Any:
    """A function whose file has changed since it was imported."""
    scope: dict[str, Any] = {}
    exec(compile(text, name, "exec"), scope)
    linecache.cache[name] = (len(later), None, later.splitlines(keepends=True), name)
    return scope["f"]


@api(by=plainly)
def source_that_changed():
    f = _in_a_file("edited.py", "def f(x):\n    return x\n", "def f(x):\n    return x * x\n")
    return rg.grad(f)(2.0)  # --


@api(by=plainly)
def source_that_is_gone():
    f = _in_a_file("renamed.py", "def f(x):\n    return x\n", "def g(x):\n    return x * x\n")
    return rg.grad(f)(2.0)  # --


@api(by=plainly)
def source_that_does_not_parse():
    f = _in_a_file("broken.py", "def f(x):\n    return x\n", "def f(x) return x\n")
    return rg.grad(f)(2.0)  # --


# -- a function behind one node of a Tensor's graph --


@api(by=plainly)
def tensor_from_outside():
    w = rg.tensor(2.0, requires_grad=True)
    return rg.grad(lambda x: x * w)(3.0)  # <- w


@rg.differentiable(wrt=("x",))
def by_x_alone(x, y):
    return x * y


@api(by=plainly)
def tensor_that_wrt_leaves_out():
    return by_x_alone(1.0, rg.tensor(2.0, requires_grad=True))  # --


@rg.differentiable
def overwritten(u):
    u[0] = 1.0
    return np.sum(u * u)


@api(by=plainly)
def tensor_that_is_written_to():
    return overwritten(rg.tensor([1.0, 2.0], requires_grad=True))  # --


# -- rules by hand --


def plain(x):
    return x * x


@api(by=plainly)
def rule_for_a_plain_function():
    @rg.rule(plain)  # --
    def plain_rule(z_bar, z, x):
        x_bar = 2 * x * z_bar
        return x_bar


OFFSET = 1.0


@rg.primitive
def primitive(x):
    return x * x


def _reads_a_global(z_bar, z, x):
    x_bar = 2 * x * z_bar * OFFSET
    return x_bar


def _changes_in_place(z_bar, z, x):
    z_bar += x  # <- z_bar += x
    return z_bar


@api(by=plainly)
def rule_that_reads_a_global():
    return rg.rule(primitive)(_reads_a_global)  # --


@api(by=plainly)
def rule_that_reads_a_local():
    slope = 2.0
    return rg.rule(primitive)(lambda z_bar, z, x: slope * z_bar)  # --


@api(by=plainly, at=_changes_in_place)
def rule_that_is_not_straight_line():
    rg.rule(primitive)(_changes_in_place)
    return rg.vjp(lambda x: primitive(x), rg.tensor(2.0, requires_grad=True))


def _by_hand(fwd: Any, bwd: Any) -> Any:
    @rg.custom_vjp
    def f(x, y):
        return np.sum(x * y)

    f.defvjp(fwd, bwd)
    return rg.grad(lambda x, y: f(x, y))(U, U)  # <- f(x, y)


@api(by=plainly, at=_by_hand)
def fwd_without_residuals():
    return _by_hand(lambda x, y: np.sum(x * y), lambda kept, z_bar: (None, None))


@api(by=plainly, at=_by_hand)
def bwd_of_too_few():
    return _by_hand(lambda x, y: (np.sum(x * y), None), lambda kept, z_bar: (None,))


@api(by=plainly, at=_by_hand)
def bwd_of_another_shape():
    return _by_hand(lambda x, y: (np.sum(x * y), None), lambda kept, z_bar: (np.ones(2), None))


@rg.constant
def lookup(x):
    try:
        return {True: 2.0}[bool(x > 3)]
    except KeyError:
        return [1.0]


@api(2.0)
def constant_that_is_no_number(x):
    return x * lookup(x)  # <- lookup(x)


@rg.custom_vjp
def scaled(x, *, scale=1.0):
    return x * scale


scaled.defvjp(lambda x: (x, None), lambda kept, z_bar: (z_bar,))


@api(by=plainly)
def by_hand_with_keyword_only():
    return scaled(rg.tensor(2.0, requires_grad=True))  # --
