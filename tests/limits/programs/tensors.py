"""Tensors, and rules as they are used on them."""

from __future__ import annotations

import numpy as np

import retrograd as rg
from retrograd.runtime.numerics import scatter_add
from retrograd.runtime.traced import trace_vjp

from ..table import Theme, plainly

tensors = Theme(
    "Tensors and rules",
    "A `Tensor` raises PyTorch's errors where PyTorch would. Refused besides is what the rule table does not cover.",
)


def t(*values):
    """A tensor to differentiate by."""
    return rg.tensor(values[0] if len(values) == 1 else list(values), dtype=rg.float64, requires_grad=True)


@rg.primitive
def first(x, y):
    return x * y


@rg.rule(first, inputs=("x",))
def _first(z_bar, z, x, y):
    x_bar = z_bar * y
    return x_bar


@rg.primitive
def misshapen(x):
    return x * 2.0


@rg.rule(misshapen)
def _misshapen(z_bar, z, x):
    x_bar = np.ones(5)
    return x_bar


@rg.custom_vjp
def by_hand(x):
    return x * x


by_hand.defvjp(lambda x: (x * x, x), lambda x, z_bar: (2 * x * z_bar,))


@rg.differentiable
def multiples(x):
    return [x * k for k in range(int(x))]


@tensors(by=plainly)
def argument_without_a_derivative():
    return first(t(2.0), t(3.0))  # --


@tensors(by=plainly)
def keyword_that_no_rule_names():
    return np.std(t(1.0, 2.0), correction=1)  # --


@tensors(by=plainly)
def einsum_by_lists():
    return np.einsum(np.ones(2), [0], t(1.0, 2.0), [0]).backward()  # --


@tensors(by=plainly)
def average_along_two_axes():
    a = np.reshape(t(1.0, 2.0, 3.0, 4.0), (2, 2, 1))
    return np.sum(np.average(a, weights=np.ones((2, 2)), axis=(0, 1))).backward()  # --


@tensors(by=plainly)
def pad_by_a_dict():
    return np.sum(np.pad(t(1.0, 2.0), {0: 1})).backward()  # --


@tensors(by=plainly)
def cotangent_that_does_not_fit():
    return np.sum(misshapen(t(1.0, 2.0))).backward()  # --


@tensors(by=plainly)
def second_derivative_by_hand():
    x = t(2.0)
    return rg.autograd.grad(by_hand(x), x, create_graph=True)  # --


@tensors(by=plainly)
def third_derivative_of_a_function():
    x = t(2.0)
    f = rg.differentiable(lambda x: x**4)
    (first_,) = rg.autograd.grad(f(x), x, create_graph=True)
    (second,) = rg.autograd.grad(first_, x, create_graph=True)
    return rg.autograd.grad(second, x)  # --


@tensors(by=plainly)
def arguments_that_overlap():
    def swap(x, y):
        x[0] = y[0]

    x = np.ones(3)
    return trace_vjp(swap, x, x)  # --


@tensors(by=plainly)
def cotangent_with_too_few_leaves():
    _, pullback = trace_vjp(lambda x: (x, x), 2.0)
    return pullback((1.0,))  # --


@tensors(by=plainly)
def cotangent_of_another_shape():
    _, pullback = trace_vjp(lambda x: x * 2, np.ones(3))
    return pullback(np.ones(2))  # --


@tensors(by=plainly)
def list_of_unknown_length():
    return multiples(t(2.0))  # --


@tensors(by=plainly)
def cotangent_of_an_item():
    return scatter_add(1.0, 0, [1.0, 2.0])  # --
