"""Calls of functions that are not known, not transformed, or not called as they must be."""

from __future__ import annotations

import numpy as np

import retrograd as rg

from ..table import Theme, directional, rewritten

calls = Theme(
    "Calls and rules",
    "Functions in Python are entered, NumPy's have rules. A call of which nothing is known is refused where an active value reaches it.",
)

U = np.array([1.0, 2.0, 3.0])
M = np.array([[2.0, 1.0], [1.0, 3.0]])
Z = np.array([1.0 + 2.0j, 3.0 - 1.0j])


class Base:
    rate = 2.0


class Child(Base):
    def __init__(self):
        self.value = 1.0

    def scaled(self, x):
        return x * super().pace  # <- super().pace


@calls(2.0)
def no_rule(x):
    return np.nextafter(x, 3.0)  # <- np.nextafter(x, 3.0)


@calls(2.0)
def number_called(x):
    f = 3.0
    return f(x)  # <- f(x)


@calls(2.0)
def list_called(x):
    fs = [x]
    return fs[0](x)  # <- fs[0](x)


@calls(U)
def where_without_out(u):
    return np.sum(np.log(u, where=u > 1))  # <- np.log(u, where=u > 1)


@rewritten(where_without_out)
def np_where(u):
    return np.sum(np.where(u > 1.5, np.log(u), 0))


@calls(U)
def out_of_another_kind(u):
    counts = np.zeros(3, dtype=int)
    np.multiply(u, u, out=counts)  # <- np.multiply(u, u, out=counts)
    return np.sum(u * counts)


@rewritten(out_of_another_kind)
def result_assigned(u):
    counts = np.multiply(u, u)
    return np.sum(u * counts)


@calls(U)
def function_as_an_argument(u):
    return np.sum(np.apply_along_axis(lambda v: v * v, 0, u))  # <- np.apply_along_axis(lambda v: v * v, 0, u)


@rewritten(function_as_an_argument)
def function_in_a_loop(u):
    return sum([v * v for v in u])


@calls(U)
def writer_without_a_rule(u):
    v = u * 2
    np.put(v, [0], 3.0)  # <- np.put(v, [0], 3.0)
    return np.sum(v)


@rewritten(writer_without_a_rule)
def store_instead(u):
    v = u * 2
    v[0] = 3.0
    return np.sum(v)


@calls(2.0)
def missing_argument(x):
    scaled = lambda y, scale: y * scale
    return scaled(x)  # <- scaled(x)


@rewritten(missing_argument)
def all_arguments(x):
    scaled = lambda y, scale: y * scale
    return scaled(x, 2.0)


@calls(U)
def array_method(u):
    return np.sum(u.byteswap())  # <- u.byteswap()


@rewritten(array_method)
def function_of_numpy(u):
    return np.sum(np.negative(u))


@calls(2.0)
def unhashable_callable(x):
    return UNHASHABLE(x)  # <- UNHASHABLE(x)


class _Unhashable:
    __hash__ = None
    __call__ = np.sin


UNHASHABLE = _Unhashable()


@calls(U)
def vectorised_of_lists(u):
    return np.sum(VECTORISED(u, [1.0, 2.0, 3.0]))  # <- VECTORISED(u, [1.0, 2.0, 3.0])


@rewritten(vectorised_of_lists)
def function_in_a_comprehension(u):
    return sum([v * k for v, k in zip(u, [1.0, 2.0, 3.0])])


VECTORISED = np.vectorize(lambda v, k: v * k)


calls(2.0)(Child().scaled)


@rewritten(calls.programs[-1].function)
def class_by_name(x):
    return x * Base.rate


@calls(2.0)
def super_outside(x):
    return super().rate * x  # <- super()


@rewritten(super_outside)
def super_inside(x):
    return super(Child, Child()).__init__() or Base.rate * x


@calls(U)
def unnamed_keyword(u):
    return np.std(u, correction=1)  # <- np.std(u, correction=1)


@rewritten(unnamed_keyword)
def keyword_of_the_rule(u):
    return np.std(u, ddof=1)


@calls(Z)
def order_of_complex(z):
    return np.real(np.max(z))  # <- np.max(z)


@calls(U, by=directional)
def no_forward_rule(u):
    return np.sum(ONE_WAY(u))  # <- ONE_WAY(u)


@rg.primitive
def ONE_WAY(x):  # noqa: N802
    return x * 2.0


@rg.rule(ONE_WAY)
def _one_way(z_bar, z, x):
    x_bar = 2.0 * z_bar
    return x_bar


@calls(U)
def average_with_other_weights(u):
    return np.sum(np.average(np.ones((2, 3)), weights=u))  # <- np.average(np.ones((2, 3)), weights=u)


@rewritten(average_with_other_weights)
def average_written_out(u):
    return np.sum(np.ones((2, 3)) * u) / np.sum(u)


@calls(U)
def quantile_by_another_method(u):
    return np.quantile(u, 0.3, method="midpoint")  # <- np.quantile(u, 0.3, method="midpoint")


@rewritten(quantile_by_another_method)
def quantile_by_interpolation(u):
    return np.quantile(u, 0.3, method="linear")


@calls(U)
def copy_that_depends_on_the_run(u):
    return np.sum(np.nan_to_num(u * 2, copy=u[0] > 0))  # <- np.nan_to_num(u * 2, copy=u[0] > 0)


@rewritten(copy_that_depends_on_the_run)
def copy_that_is_known(u):
    return np.sum(np.nan_to_num(u * 2, copy=True))


@calls(M)
def reshape_order_a(a):
    return np.sum(np.reshape(a, 4, order="A") * np.arange(4))  # <- np.reshape(a, 4, order="A")


@rewritten(reshape_order_a)
def reshape_order_c(a):
    return np.sum(np.reshape(a, 4, order="C") * np.arange(4))


@calls(U[:2])
def cross_of_two_entries(u):
    return np.cross(u, np.ones(2))  # <- np.cross(u, np.ones(2))


@rewritten(cross_of_two_entries)
def cross_of_three_entries(u):
    return np.cross(np.append(u, 0.0), np.array([1.0, 1.0, 0.0]))[2]


@calls(np.ones((3, 2)))
def cross_along_an_axis(a):
    return np.sum(np.cross(a, U, axis=0))  # <- np.cross(a, U, axis=0)


@rewritten(cross_along_an_axis)
def cross_along_the_last_axis(a):
    return np.sum(np.cross(a.T, U))


@calls(M)
def einsum_by_lists(a):
    return np.einsum(a, [0, 0])  # <- np.einsum(a, [0, 0])


@rewritten(einsum_by_lists)
def einsum_by_string(a):
    return np.einsum("ii", a)


@calls(U)
def pad_by_wrapping(u):
    return np.sum(np.pad(u, 1, mode="wrap") ** 2)  # <- np.pad(u, 1, mode="wrap")


@rewritten(pad_by_wrapping)
def pad_by_index(u):
    return np.sum(u[np.array([2, 0, 1, 2, 0])] ** 2)


@calls(M[:1])
def full_svd(a):
    u, s, vt = np.linalg.svd(a)  # <- np.linalg.svd(a)
    return np.sum(u) + np.sum(s)


@rewritten(full_svd)
def reduced_svd(a):
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return np.sum(u) + np.sum(s)


@calls(M)
def complete_qr(a):
    q, r = np.linalg.qr(a, mode="complete")  # <- np.linalg.qr(a, mode="complete")
    return np.sum(r)


@rewritten(complete_qr)
def reduced_qr(a):
    q, r = np.linalg.qr(a, mode="reduced")
    return np.sum(r)


@calls(np.eye(2))
def eigenvectors_of_equal_eigenvalues(a):
    w, v = np.linalg.eigh(a)  # <- np.linalg.eigh(a)
    return np.sum(v)


@rewritten(eigenvectors_of_equal_eigenvalues)
def eigenvalues_alone(a):
    return np.sum(np.linalg.eigvalsh(a))


@calls(M)
def matrix_norm(a):
    return np.linalg.norm(a, ord=2)  # <- np.linalg.norm(a, ord=2)


@rewritten(matrix_norm)
def norm_by_svd(a):
    return np.linalg.svd(a, compute_uv=False)[0]




@rg.primitive
def SCALED(x, scale):  # noqa: N802
    return x * scale


@rg.rule(SCALED, linear=("x",), probe=True)
def _scaled(z_bar, z, x, scale):
    x_bar = z_bar * scale
    return x_bar


@calls(2.0)
def argument_without_a_rule(x):
    return SCALED(x, x)  # <- SCALED(x, x)


@rewritten(argument_without_a_rule)
def constant_argument(x):
    return SCALED(x, 2.0)


@calls(2.0, by=directional)
def argument_without_a_forward_rule(x):
    return SCALED(x, x)  # <- SCALED(x, x)


@rewritten(argument_without_a_forward_rule)
def constant_argument_forwards(x):
    return SCALED(x, 3.0)
