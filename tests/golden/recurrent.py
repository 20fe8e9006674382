"""A recurrent network over the rows of an array: states are recorded by reference."""

import numpy as np

WRT = ("w", "u", "b")
SIZES = (5, 100)


def args(n):
    rng = np.random.default_rng(0)
    w, u = rng.standard_normal((16, 16)) / 4, rng.standard_normal((16, 8)) / 4
    return w, u, rng.standard_normal(16), rng.standard_normal((n, 8))


def recurrent(w, u, b, xs):
    h = np.zeros(len(b))
    for x in xs:
        h = np.tanh(w @ h + u @ x + b)
    return np.sum(h**2)


def recurrent_value_and_grad(w, u, b, xs):
    h = np.zeros(len(b))
    h_tape = []
    for x in xs:
        h_tape.append(h)
        h = np.tanh(w @ h + u @ x + b)
    value = np.sum(h**2)
    h_bar = 2 * h
    w_bar = np.zeros_like(w)
    u_bar = np.zeros_like(u)
    b_bar = np.zeros_like(b)
    for x in reversed(xs):
        z_bar = h_bar * (1 - h**2)
        h = h_tape.pop()
        w_bar += np.outer(z_bar, h)
        u_bar += np.outer(z_bar, x)
        b_bar += z_bar
        h_bar = w.T @ z_bar
    return value, (w_bar, u_bar, b_bar)
