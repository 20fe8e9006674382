"""Derivatives inside differentiated functions, and second derivatives."""

from __future__ import annotations

import numpy as np

import retrograd as rg

from ..table import Theme, directional, rewritten

nested = Theme(
    "Derivatives of derivatives",
    "`rg.grad` and its like may be called in a function that is differentiated; what the inner function may do is limited, "
    "because the outer reverse sweep evaluates it again.",
)

U = np.array([1.0, 2.0, 3.0])


@nested(2.0)
def inner_argument_of_no_floats(x):
    return x * rg.grad(lambda n: n * n)(3)  # <- rg.grad(lambda n: n * n)(3)


@rewritten(inner_argument_of_no_floats)
def inner_argument_of_floats(x):
    return x * rg.grad(lambda n: n * n)(3.0)


@nested(2.0)
def inner_change_of_a_variable(x):
    total = [x]

    def cost(y):
        total.append(y)
        return y * y

    return x * rg.grad(cost)(x)  # <- rg.grad(cost)(x)


@rewritten(inner_change_of_a_variable)
def inner_value_returned(x):
    def cost(y):
        return y * y

    total = [x]
    total.append(x)
    return x * rg.grad(cost)(x)


@nested(2.0)
def inner_effect(x):
    def cost(y):
        print("cost")
        return y * y

    return x * rg.grad(cost)(x)  # <- rg.grad(cost)(x)


@rewritten(inner_effect)
def outer_effect(x):
    def cost(y):
        return y * y

    print("cost")
    return x * rg.grad(cost)(x)


class Spring:
    def energy(self, y):
        return y * y


@nested(2.0)
def inner_derivative_of_a_method(x):
    spring = Spring()
    return x * rg.grad(spring.energy)(x)  # <- rg.grad(spring.energy)(x)


@rewritten(inner_derivative_of_a_method)
def inner_derivative_of_a_lambda(x):
    spring = Spring()
    return x * rg.grad(lambda y: spring.energy(y))(x)


@nested(2.0)
def inner_function_returned(x):
    return rg.grad(lambda y: lambda: y)(x)  # <- rg.grad(lambda y: lambda: y)(x)


@rewritten(inner_function_returned)
def inner_number_returned(x):
    return rg.grad(lambda y: (lambda: y * y)())(x)


@nested(U)
def inner_result_of_no_scalar(u):
    return np.sum(rg.grad(lambda v: v * v)(u))  # <- rg.grad(lambda v: v * v)(u)


@rewritten(inner_result_of_no_scalar)
def inner_result_summed(u):
    return np.sum(rg.grad(lambda v: np.sum(v * v))(u))


@nested(2.0)
def inner_wrt_of_no_parameter(x):
    return rg.grad(lambda y: y * y, wrt="z")(x)  # <- rg.grad(lambda y: y * y, wrt="z")(x)


@rewritten(inner_wrt_of_no_parameter)
def inner_wrt_of_a_parameter(x):
    return rg.grad(lambda y: y * y, wrt="y")(x)


@nested(2.0)
def inner_aux_without_a_pair(x):
    return rg.grad(lambda y: y * y, has_aux=True)(x)[0]  # <- rg.grad(lambda y: y * y, has_aux=True)(x)


@rewritten(inner_aux_without_a_pair)
def inner_aux_with_a_pair(x):
    return rg.grad(lambda y: (y * y, y), has_aux=True)(x)[0]


@nested(2.0)
def inner_jvp_without_tuples(x):
    return rg.jvp(lambda y: y * y, x, x)[1]  # <- rg.jvp(lambda y: y * y, x, x)


@rewritten(inner_jvp_without_tuples)
def inner_jvp_with_tuples(x):
    return rg.jvp(lambda y: y * y, (x,), (x,))[1]


@nested(2.0)
def inner_tangent_of_another_structure(x):
    return rg.jvp(lambda p: p[0] * p[1], ((x, x),), ((x,),))[1]  # <- rg.jvp(lambda p: p[0] * p[1], ((x, x),), ((x,),))


@rewritten(inner_tangent_of_another_structure)
def inner_tangent_of_the_structure(x):
    return rg.jvp(lambda p: p[0] * p[1], ((x, x),), ((x, 1.0),))[1]


@nested(U)
def inner_tangent_of_another_shape(u):
    return rg.jvp(lambda v: np.sum(v * v), (u,), (1.0,))[1]  # <- rg.jvp(lambda v: np.sum(v * v), (u,), (1.0,))


@rewritten(inner_tangent_of_another_shape)
def inner_tangent_of_the_shape(u):
    return rg.jvp(lambda v: np.sum(v * v), (u,), (np.ones(3),))[1]


@nested(2.0)
def inner_cotangent_of_another_structure(x):
    _, pull = rg.vjp(lambda y: (y, y * y), x)
    return pull((1.0,))[0]  # <- pull((1.0,))


@rewritten(inner_cotangent_of_another_structure)
def inner_cotangent_of_the_structure(x):
    _, pull = rg.vjp(lambda y: (y, y * y), x)
    return pull((1.0, 1.0))[0]


@nested(2.0)
def inner_jacobian_of_two(x):
    return rg.jacobian(lambda y, z: y * z, wrt=(0, 1))(x, x)[0]  # <- rg.jacobian(lambda y, z: y * z, wrt=(0, 1))(x, x)


@rewritten(inner_jacobian_of_two)
def inner_jacobian_of_one(x):
    return rg.jacobian(lambda y, z: y * z, wrt=0)(x, x)


@nested(np.eye(2))
def inner_jacobian_of_a_matrix(a):
    return np.sum(rg.jacobian(lambda b: b * b)(a))  # <- rg.jacobian(lambda b: b * b)(a)


@rewritten(inner_jacobian_of_a_matrix)
def inner_jacobian_of_a_vector(a):
    return np.sum(rg.jacobian(lambda b: b * b)(np.ravel(a)))


@nested(2.0)
def inner_derivative_of_nothing(x):
    return rg.grad(wrt=0)(lambda y: y * y)(x)  # <- rg.grad(wrt=0)


@rewritten(inner_derivative_of_nothing)
def inner_derivative_of_a_function(x):
    return rg.grad(lambda y: y * y, wrt=0)(x)


@nested(2.0)
def inner_wrt_computed(x):
    return rg.grad(lambda y: y * y, wrt=int(x) - 2)(x)  # <- rg.grad(lambda y: y * y, wrt=int(x) - 2)


@rewritten(inner_wrt_computed)
def inner_wrt_written_out(x):
    return rg.grad(lambda y: y * y, wrt=0)(x)


@nested(2.0)
def inner_wrt_in_a_list(x):
    return rg.grad(lambda y, z: y * z, wrt=[0, int(x) - 1])(x, x)[0]  # <- rg.grad(lambda y, z: y * z, wrt=[0, int(x) - 1])


@rg.custom_vjp
def squared(x):
    return x * x


squared.defvjp(lambda x: (x * x, x), lambda x, z_bar: (2 * x * z_bar,))


@nested(2.0, by=directional)
def custom_vjp_forwards(x):
    return squared(x)  # <- squared(x)


@rewritten(custom_vjp_forwards)
def custom_jvp_forwards(x):
    return squared_forwards(x)


@rg.custom_jvp
def squared_forwards(x):
    return x * x


squared_forwards.defjvp(lambda primals, tangents: (primals[0] ** 2, 2 * primals[0] * tangents[0]))


@rg.custom_jvp
def half_a_pushforward(x):
    return x * x


half_a_pushforward.defjvp(lambda primals, tangents: 2 * primals[0] * tangents[0])


@nested(2.0)
def jvp_of_half(x):
    return half_a_pushforward(x)  # <- half_a_pushforward(x)


@rewritten(jvp_of_half)
def jvp_of_both(x):
    return squared_forwards(x)


@rg.custom_jvp
def pushforward_by_recursion(x):
    return x * x


def _endless(primals, tangents):
    return _endless(primals, tangents)


pushforward_by_recursion.defjvp(_endless)


@rg.custom_vjp
def keyword_only(x, *, scale=1.0):
    return x * scale


@nested(2.0)
def custom_with_keyword_only(x):
    return keyword_only(x)  # <- keyword_only(x)


@nested(2.0)
def custom_without_its_argument(x):
    return squared() * x  # <- squared()


@rewritten(custom_without_its_argument)
def custom_with_its_argument(x):
    return squared(x) * x


@nested(2.0)
def custom_of_a_function(x):
    return squared(lambda: x)  # <- squared(lambda: x)


@rg.custom_vjp
def undeclared(x):
    return x * x


@nested(2.0)
def custom_without_a_derivative(x):
    return undeclared(x)  # <- undeclared(x)
