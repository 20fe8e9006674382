"""Complex numbers, derivatives by hand and inside, seeds, views as results, inputs that do not matter (15, 17, 53, 54, 57, 58, 64).
"""

import numpy as np

import retrograd as rg
from tests.silent_wrong.table import item, normal

Z = normal(3) + 1j * normal(3, seed=1)


@item(57, "R4", Z)
def element_dependent_real(z):
    return np.sum(np.array([z[0].real, z[1].imag, np.abs(z[2])]))


@item(57, "R4", Z)
def absolute_square(z):
    return np.sum(np.abs(z) ** 2)


@item(57, "R4", Z)
def absolute_square_by_conjugate(z):
    return np.sum((z * np.conj(z)).real)


@item(57, "R4", Z)
def absolute_square_by_vdot(z):
    return np.vdot(z, z).real


@item(57, "R4", complex(0.3, -0.7))
def absolute_square_of_a_number(z):
    return abs(z) ** 2


@item(57, "R4", normal(3), normal(3, seed=1))
def real_through_a_complex_detour(x, y):
    z = x + 1j * y
    return np.sum((z * z * np.exp(z)).real)


@item(57, "R4", normal(4))
def real_through_a_fourier_detour(x):
    return np.sum(np.abs(np.fft.fft(x)) ** 2 * np.arange(4))


@item(57, "R4", normal(3))
def real_cast_to_complex(x):
    z = x.astype(complex) * 1j
    return np.sum(z.imag * x)


@item(57, "R4", normal(3))
def real_stored_into_complex(x):
    z = np.zeros(3, complex)
    z[:] = x * 1j
    z[1] = x[0] * z[2]
    return np.sum(np.abs(z) ** 2)


@item(57, "R4", Z)
def complex_branch_by_element(z):
    total = 0.0
    for e in z:
        if e.real > 0:
            total += e.real * e.imag
        else:
            total += abs(e) ** 2
    return total


@item(57, "R4", Z)
def complex_power(z):
    return np.sum((z**3).real + np.abs(z) * np.angle(z))


@item(57, "R4", normal(3), normal(3, seed=1))
def gradient_of_the_real_part_alone(x, y):
    return np.sum(np.real(x + 1j * y) * np.imag((x + 1j * y) ** 2))


# -- results that are views -------------------------------------------------------------------------------


@item(17, "M6", normal(4))
def returns_a_written_view(x):
    y = x * x
    v = y[1:]
    v *= x[:3]
    return v


@item(17, "M6", normal(4))
def returns_a_written_view_of_an_argument(x):
    v = x[1:]
    v *= x[0]
    return v


@item(17, "M6", normal(2, 3))
def returns_a_written_transpose(x):
    v = (x * x).T
    v[0] += 1.0
    v[1] *= x[0, 0]
    return v


@item(17, "M6", normal(4))
def returns_a_view_and_its_base(x):
    y = x * x
    v = y[::2]
    v[0] = x[3] * x[2]
    return v, y


def _block(x):
    y = np.sin(x)
    v = y[1:]
    v *= y[:-1]
    return v


@item(17, "M6", normal(5))
def blocks_that_return_written_views(x):
    return np.sum(_block(_block(x)) ** 2)


# -- derivatives given by hand ----------------------------------------------------------------------------


@rg.custom_vjp
def squared(x):
    return x * x


squared.defvjp(lambda x: (x * x, 2 * x), lambda doubled, z_bar: (z_bar * doubled,))


@rg.custom_jvp
def exponential(x):
    return np.exp(x)


@exponential.defjvp
def _(primals, tangents):
    z = exponential(*primals)
    return z, tangents[0] * z


@rg.custom_jvp
def tanh_of_a_saved_exponential(x):
    e = np.exp(2 * x)
    return (e - 1) / (e + 1)


@tanh_of_a_saved_exponential.defjvp
def _(primals, tangents):
    e = np.exp(2 * primals[0])
    return (e - 1) / (e + 1), tangents[0] * 4 * e / (e + 1) ** 2


@item(15, "M7", normal(3), once=True)
def custom_vjp_twice(x):
    return np.sum(squared(x) * x + squared(x))


@item(15, "M7", normal(3), once=True)
def custom_vjp_of_its_own_result(x):
    y = squared(x)
    return np.sum(squared(y) * y + squared(x))


@item(15, "M7", 0.7, 3, once=True)
def custom_vjp_in_a_loop(x, n):
    total = 0.0
    for _ in range(n):
        total = total + squared(x) * squared(total + x)
    return total


@item(15, "M7", normal(3), once=True)
def custom_vjp_of_what_is_overwritten(x):
    y = squared(x)
    x *= 3.0
    return np.sum(y * squared(x))


@item(15, "M7", normal(3))
def custom_jvp_twice(x):
    return np.sum(exponential(x) * x + exponential(x))


@item(53, "H3", normal(3))
def second_derivative_of_a_saved_result(x):
    return np.sum(exponential(x * x))


@item(53, "H3", normal(3))
def second_derivative_of_a_saved_intermediate(x):
    return np.sum(tanh_of_a_saved_exponential(x) * x)


# -- derivatives inside -----------------------------------------------------------------------------------


@item(54, "H1", 1.5, gradient=[1])
def inner_derivative_of_a_sum(x):
    return x * rg.grad(lambda y: x + y)(x)


@item(54, "H1", 1.5, gradient=[13.5])
def inner_derivative_of_a_product(x):
    return x * rg.grad(lambda y: x * y * y)(x)


@item(54, "H1", 1.5, gradient=[1])
def inner_tangent_of_a_sum(x):
    return x * rg.jvp(lambda y: x + y, (x,), (1.0,))[1]


@item(54, "H1", 1.5)
def inner_derivatives_of_two_depths(x):
    return rg.grad(lambda y: y * rg.grad(lambda z: x * y * z**3)(y))(x) * x


def _power(x, n):
    return 1.0 if n == 0 else x * _power(x, n - 1)


@item(54, "H1", 1.5)
def inner_derivative_of_a_recursive_function(x):
    return x * rg.grad(lambda y: _power(y, 3) * _power(x, 2))(x)


@item(54, "H1", 1.5)
def one_recursive_function_at_both_levels(x):
    return rg.grad(lambda y: _power(y, 3))(_power(x, 2)) * _power(x, 2)


@item(54, "H1", normal(3))
def inner_derivative_of_an_array(x):
    return np.sum(x * rg.grad(lambda y: np.sum(x * y * y))(x))


# -- seeds, and inputs that do not matter -----------------------------------------------------------------


@item(58, "M5", normal(3))
def seed_of_an_array(x):
    y = np.sin(x)
    y *= x
    return y


@item(58, "M5", normal(3))
def seed_of_an_argument_that_is_returned(x):
    return x


@item(58, "M5", normal(3))
def seed_of_parts(x):
    y = x * x
    y[0] = 0.0
    return y, y[1:], (x, x[0])


@item(58, "M5", normal(3), 4)
def seed_of_a_loop(x, n):
    for _ in range(n):
        x[1:] += x[:-1] * x[0]
    return x


@item(64, "R3", normal(3), normal(2, 2, seed=1), gradient=[1, 1, 1, 0, 0, 0, 0], ignores="unused")
def input_that_is_not_used(x, unused):
    return np.sum(x)


@item(64, "R3", normal(3), 0.7, gradient=[1, 1, 1, 0], ignores="flag")
def input_that_only_chooses(x, flag):
    return np.sum(x) if flag > 0 else np.sum(x * x)


@item(64, "R3", normal(3), normal(3, seed=1), gradient=[1, 1, 1, 0, 0, 0], ignores="y")
def input_that_is_overwritten(x, y):
    y = x * 1.0
    return np.sum(y)


@item(64, "R3", normal(3), normal(3, seed=1), gradient=[1, 1, 1, 0, 0, 0], ignores="y")
def input_of_which_only_the_shape_is_used(x, y):
    return np.sum(x) + y.shape[0] + len(y)


@item(64, "R3", normal(3), 0.7, gradient=[1, 1, 1, 0], ignores="y")
def input_that_is_rounded(x, y):
    return np.sum(x) * 1.0 + np.floor(y) + int(y)


@item(64, "R3", normal(3), gradient=[0, 0, 0], ignores="x")
def constant_result(x):
    return 2.0


@item(64, "R3", normal(3), {"a": normal(2), "b": 1.0}, wrt=1, gradient=[0, 0, 0], ignores="table")
def container_that_is_not_used(x, table):
    return np.sum(x)
