"""Functions that could not be transformed, and are recorded as they run."""

from __future__ import annotations

import copy
import math

import numpy as np

import retrograd as rg

from ..table import Theme, directional

traced = Theme(
    "Functions recorded as they run",
    "A callee that cannot be transformed is recorded, call by call (`rg.explain` says which, and why). What would leave the record without "
    "a derivative is refused where it happens.",
)

U = np.array([1.0, 2.0, 3.0])
W = np.array([1.0, 2.0, 3.0])


def recorded(source):
    """A function without a source: it is recorded."""
    scope = {"np": np, "math": math, "copy": copy, "W": W}
    exec(source, scope)
    scope["g"].text = source
    return scope["g"]


g_to_float = recorded("def g(u): return u * float(u[:1])")
g_to_int = recorded("def g(u): return u * int(u[0])")
g_to_complex = recorded("def g(u): return u * complex(u[0]).real")
g_to_index = recorded("def g(u): return [u, 2 * u][u[0].__index__()]")
g_to_math = recorded("def g(u): return u * math.sin(u[0])")
g_to_item = recorded("def g(u): return u * u[0].item()")
g_to_list = recorded("def g(u): return u * u.tolist()[0]")
g_to_bytes = recorded("def g(u): return u * len(u.tobytes())")
g_to_view = recorded("def g(u): return u.view(float)")
g_to_array = recorded("def g(u):\n v = np.zeros(3)\n v[0] = u[0]\n return v")
g_to_asarray = recorded("def g(u): return np.asarray(u) * 2")
g_to_out = recorded("def g(u):\n v = np.zeros(3)\n np.multiply(u, u, out=v)\n return v")
g_to_at = recorded("def g(u):\n v = u * 2\n np.add.at(v, [0], u[0])\n return v")
g_to_copyto = recorded("def g(u):\n v = np.zeros(3)\n np.copyto(v, u)\n return v")
g_to_copyto_where = recorded("def g(u):\n v = u * 2\n np.copyto(v, u, where=u > 1)\n return v")
g_to_file = recorded("def g(u):\n np.save('values.npy', u)\n return u")
g_to_put = recorded("def g(u):\n v = u * 2\n np.put(v, [0], 1.0)\n return v")
g_attribute = recorded("def g(u): return u.flat[0] * u")
g_no_rule = recorded("def g(u): return np.nextafter(u, 2.0)")
g_captured = recorded("def g(u): return u * W")
g_writes = recorded("def g(u):\n u[0] = 2.0\n return u * 1")
g_changes = recorded("def g(us):\n us.append(1.0)\n return us[0]")
g_returns = recorded("def g(u): return (u, u)")
g_plain = recorded("def g(u): return u * u")
g_complex = recorded("def g(u): return np.max(u * 1j)")


def _row(g, name):
    def program(u):
        return np.sum(g(u))  # <- g(u)

    program.__name__ = name
    traced(U, shown=g.text.replace("\n", ";").replace(":;", ":"))(program)


for _name, _g in list(globals().items()):
    if _name.startswith("g_to_") or _name in ("g_no_rule", "g_writes", "g_returns", "g_attribute", "g_complex"):
        _row(_g, _name)


@traced(by=lambda f: rg.grad(f)(W))
def active_array_that_is_read_elsewhere(u):
    return np.sum(g_captured(u))  # <- g_captured(u)


def logarithm(x):
    """A generator inside: it is recorded, and its own line is named."""
    def parts():
        yield x

    return sum(math.log(part) for part in parts())  # <- math.log(part)


@traced(2.0, at=logarithm)
def recorded_with_a_source(x):
    return logarithm(x)


@traced(2.0)
def list_that_is_changed(x):
    xs = [x]
    y = g_changes(xs)  # <- g_changes(xs)
    return y + x


@traced(U, by=directional)
def recorded_forwards(u):
    return np.sum(g_plain(u))  # <- g_plain(u)


@traced(U)
def recorded_inside_a_derivative(u):
    return np.sum(rg.grad(lambda v: np.sum(g_plain(v)))(u))  # <- rg.grad(lambda v: np.sum(g_plain(v)))(u)


@traced(2.0, by=lambda f, x: rg.grad(f)(x))
def recorded_result_of_no_scalar(x):
    return g_plain(np.array([x, x]))  # <- g_plain(np.array([x, x]))
