"""Rules of reductions, selections and powers, at the points where formulas fail (48-52, 55, 56, 59-63)."""

import math

import numpy as np

from retrograd.runtime.errors import NoRule
from tests.silent_wrong.table import item, normal, vector

MASK = np.array([True, False, True])
NO_INITIAL = (NoRule, "initial")


@item(48, "R1", vector(1.0, 2.0, 3.0), MASK, wrt=0, traced=True, gradient=[2, 0, 6])
def masked_sum(x, m):
    return np.sum(x * x, where=m)


@item(48, "R1", vector(1.0, 2.0, 3.0), MASK, wrt=0, traced=True, gradient=[1, 0, 3])
def masked_mean(x, m):
    return np.mean(x * x, where=m)


@item(48, "R1", vector(1.0, 2.0, 3.0), MASK, wrt=0)
def masked_sum_by_method(x, m):
    return (x * x).sum(where=m)


@item(48, "R1", normal(2, 3), MASK, wrt=0, traced=True)
def masked_sum_along_an_axis(x, m):
    return np.sum(np.sum(x * x, axis=1, where=m) ** 2)


@item(48, "R1", normal(2, 3), MASK, wrt=0, traced=True)
def masked_variance(x, m):
    return np.var(x, where=m)


@item(48, "R1", vector(1.0, 2.0, 3.0), MASK, wrt=0, traced=True)
def masked_product(x, m):
    return np.prod(x, where=m)


@item(48, "R1", vector(1.0, 2.0, 3.0), MASK, wrt=0, traced=True, gradient=[0, 0, 1])
def masked_maximum(x, m):
    return np.max(x, where=m, initial=-1.0)


@item(48, "R1", vector(1.0, 2.0), traced=True, gradient=[0, 0])
def maximum_with_an_initial(x):
    return np.max(x, initial=5.0)


@item(48, "R1", vector(1.0, 2.0), traced=True, gradient=[0, 1])
def maximum_with_a_lower_initial(x):
    return np.max(x, initial=0.0)


@item(48, "R1", vector(1.0, 2.0), 0.5, wrt=0, traced=True, gradient=[1, 1])
def sum_with_an_initial(x, y):
    return np.sum(x, initial=y)


@item(48, "R1", vector(2.0, 3.0), MASK[:2], wrt=0, traced=True, gradient=[5, 0])
def product_with_an_initial(x, m):
    return np.prod(x, where=m, initial=5.0)


@item(48, "R1", normal(2, 3), MASK, wrt=0, traced=True)
def masked_deviation(x, m):
    return np.sum(np.std(x, axis=1, where=m, ddof=1, keepdims=True))


@item(48, "R1", normal(2, 3), MASK, vector(0.0, 0.0), wrt=0)
def masked_sum_with_out(x, m, y):
    np.sum(x * x, axis=1, where=m, out=y)
    return np.sum(y * y)


@item(48, "R1", normal(2, 3), MASK, wrt=0, traced=True)
def masked_by_an_argument_that_says_nothing(x, m):
    return np.sum(np.sum(x * x, axis=1, where=True) ** 2)


@item(48, "R1", vector(1.0, 2.0), 0.5, refused=NO_INITIAL)
def sum_with_an_active_initial(x, y):
    return np.sum(x, initial=y)


@item(48, "R1", vector(1.0, 2.0), traced=True, gradient=[1, 0])
def minimum_with_an_initial(x):
    return np.min(x, initial=5.0)


@item(49, "R6", vector(1.0, -2.0), traced=True, gradient=[1, 1])
def maximum_of_itself(x):
    return np.sum(np.maximum(x, x))


@item(49, "R6", 0.7, gradient=[1])
def builtin_max_of_itself(x):
    return max(x, x)


@item(49, "R6", vector(1.0, -2.0), traced=True, gradient=[1, 1])
def minimum_of_itself(x):
    return np.sum(np.minimum(x, x))


@item(49, "R6", 0.7, gradient=[1])
def builtin_min_of_itself(x):
    return min(x, x)


@item(49, "R6", vector(1.0, -2.0), traced=True, gradient=[1, 1])
def fmax_of_itself(x):
    return np.sum(np.fmax(x, x))


@item(49, "R6", vector(1.0, 1.0), vector(1.0, 2.0), traced=True, kink=True, gradient=[0.5, 0, 0.5, 1])
def maximum_with_a_tie(x, y):
    return np.sum(np.maximum(x, y))


@item(49, "R6", vector(1.0, 1.0), traced=True, kink=True, gradient=[0.5, 0.5])
def max_of_equal_entries(x):
    return np.max(x)


@item(49, "R6", 0.7, 0.7, kink=True, gradient=[1, 0])
def builtin_max_with_a_tie(x, y):
    return max(x, y)


@item(50, "R6", vector(2.0, 0.0, 3.0), traced=True, gradient=[0, 6, 0])
def product_with_one_zero(x):
    return np.prod(x)


@item(50, "R6", vector(2.0, 0.0, 0.0), traced=True, gradient=[0, 0, 0])
def product_with_two_zeros(x):
    return np.prod(x)


@item(50, "R6", vector(2.0, 0.0, 0.0), traced=True)
def product_with_two_zeros_by_method(x):
    return x.prod() + np.sum(x)


@item(50, "R6", np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0]]), traced=True)
def products_with_zeros_along_an_axis(x):
    return np.sum(np.prod(x, axis=1) * vector(2.0, 3.0))


@item(50, "R6", vector(2.0, 0.0, 3.0, 0.0))
def product_with_zeros_in_a_loop(x):
    p = 1.0
    for e in x:
        p *= e
    return p


@item(50, "R6", vector(2.0, 0.0, 3.0), traced=True)
def cumulative_product_with_a_zero(x):
    return np.sum(np.cumprod(x) * np.arange(1.0, 4.0))


@item(50, "R6", vector(2.0, 0.0, 3.0))
def math_product_with_a_zero(x):
    return math.prod(list(x))


@item(51, "R7", 0.0, traced=True, gradient=[0.5])
def softplus_by_logaddexp(x):
    return np.logaddexp(0.0, x)


@item(51, "R7", 0.0, traced=True, gradient=[0.5])
def softplus_by_log1p(x):
    return np.log1p(np.exp(x))


@item(51, "R7", 0.0, traced=True, kink=True, gradient=[0.5])
def softplus_that_is_stable(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@item(51, "R7", vector(-50.0, 0.0, 50.0), traced=True)
def softplus_of_an_array(x):
    return np.sum(np.logaddexp(x, 0.0))


def _logsumexp(x, b):
    top = np.max(x)
    return top + np.log(np.sum(b * np.exp(x - top)))


@item(51, "R6", vector(1.0, 2.0, 0.5), vector(1.0, 0.0, 2.0))
def logsumexp_with_a_zero_weight(x, b):
    return _logsumexp(x, b)


@item(51, "R6", np.full(3, -np.inf), traced=True, kink=True, gradient=[0, 0, 0])
def logaddexp_of_minus_infinities(x):
    return np.sum(np.where(np.isfinite(x), np.logaddexp(x, x), 0.0))


@item(51, "R6", vector(-np.inf, 0.0), traced=True, kink=True, gradient=[0, 1])
def logaddexp_with_one_minus_infinity(x):
    return np.logaddexp(x[0], x[1])


@item(52, "R6", vector(-1.5, 2.0, -0.5), traced=True)
def copysign_of_negatives(x):
    return np.sum(np.copysign(x, -1.0) * np.arange(1.0, 4.0))


@item(52, "R6", vector(-1.5, 2.0), vector(1.0, -1.0), traced=True)
def copysign_of_two(x, y):
    return np.sum(np.copysign(x, y))


@item(52, "R6", -1.5, gradient=[-1])
def copysign_of_math(x):
    return math.copysign(x, 1.0)


@item(52, "R6", normal(3, 5), traced=True)
def covariance(x):
    return np.sum(np.cov(x) * np.arange(9.0).reshape(3, 3))


@item(52, "R6", normal(3, 5), traced=True)
def covariance_by_hand(x):
    centred = x - np.mean(x, axis=1, keepdims=True)
    return np.sum((centred @ centred.T) * np.arange(9.0).reshape(3, 3)) / 4


@item(55, "L4", 0.3)
def dead_arccos(x):
    y = np.arccos(-5 / 3)  # noqa: F841
    return x * x


@item(55, "L4", -5 / 3)
def dead_arccos_of_the_input(x):
    y = np.arccos(x)  # noqa: F841
    return x * x


@item(55, "L4", vector(-5 / 3, 0.3))
def half_dead_arccos(x):
    y = np.arccos(x)
    return y[1] * x[0]


@item(55, "R6", vector(-5 / 3, 0.3), traced=True)
def overwritten_arccos(x):
    y = np.arccos(x)
    return np.sum(np.where(x > -1, y, 1.0) * x)


@item(55, "M2", vector(-5 / 3, 0.3))
def arccos_overwritten_in_place(x):
    y = np.arccos(x)
    y[0] = 1.0
    return np.sum(y * x)


@item(55, "M2", vector(-1.0, 4.0))
def singular_result_is_overwritten(x):
    y = np.sqrt(x)
    y[x < 0] = x[0]
    return np.sum(y * x)


@item(56, "R6", vector(-1.0, 4.0), traced=True, gradient=[0, 0.25])
def where_root(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0))


@item(56, "R6", vector(0.0, 4.0), traced=True, kink=True, gradient=[0, 0.25])
def where_root_at_zero(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0))


@item(56, "R6", vector(0.0, 1.0), traced=True, kink=True, gradient=[0, math.cos(1) - math.sin(1)])
def where_sinc(x):
    return np.sum(np.where(x != 0, np.sin(x) / x, 1))


@item(56, "R6", 0.0, traced=True, kink=True, gradient=[0])
def where_sinc_of_a_number(x):
    return np.where(x != 0, np.sin(x) / x, 1) * 1.0


@item(56, "R6", vector(-1.0, 4.0), traced=True)
def where_log_through_names(x):
    y = np.log(x)
    z = y * y + x
    return np.sum(np.where(x > 0, z, x * x))


@item(56, "R6", vector(-1.0, 4.0), traced=True)
def where_power(x):
    return np.sum(np.where(x > 0, x**0.5, -x))


@item(56, "R6", vector(0.0, 4.0), vector(1.0, 2.0), traced=True, gradient=[0, -0.125, 0, 0.25], kink=True)
def where_quotient(x, y):
    return np.sum(np.where(x != 0, y / x, 0.0))


@item(56, "R6", vector(-1.0, 4.0), traced=True)
def masked_root(x):
    return np.sum(np.sqrt(x)[x > 0])


@item(56, "R6", vector(-1.0, 4.0), traced=True)
def selected_root(x):
    return np.sum(np.select([x > 0], [np.sqrt(x)], x))


@item(56, "R6", vector(-1.0, 4.0))
def stored_root(x):
    y = x * 1.0
    y[x > 0] = np.sqrt(x)[x > 0]
    return np.sum(y * x)


@item(56, "R6", vector(-1.0, 4.0), traced=True)
def clipped_root(x):
    return np.sum(np.sqrt(np.where(x > 0, x, 1.0)) * x)


@item(59, "R6", vector(0.0, 0.0), traced=True, smooth=False, gradient=[0, 0])
def norm_squared_at_zero(x):
    return np.linalg.norm(x) ** 2


@item(59, "R6", vector(2.0, 2.0, 2.0), traced=True, smooth=False, gradient=[0, 0, 0])
def deviation_squared_at_a_constant(x):
    return np.std(x) ** 2


@item(59, "R6", 0.0, traced=True, gradient=[0])
def sinc_at_zero(x):
    return np.sinc(x)


@item(59, "R6", vector(0.0, 0.3, 1.0), traced=True)
def sinc_of_an_array(x):
    return np.sum(np.sinc(x))


@item(59, "R6", 0.0, 0.0, traced=True, smooth=False, gradient=[0, 0])
def root_of_squares_squared_at_zero(x, y):
    return np.sqrt(x**2 + y**2) ** 2


@item(59, "R6", 0.0, 0.0, traced=True, smooth=False, gradient=[0, 0])
def hypot_squared_at_zero(x, y):
    return np.hypot(x, y) ** 2


@item(59, "R6", vector(1.0, -3.0, 2.0), traced=True, gradient=[0, -1, 0])
def largest_entry_norm(x):
    return np.linalg.norm(x, np.inf)


@item(59, "R6", vector(1.0, -3.0, 2.0), traced=True, gradient=[1, 0, 0])
def smallest_entry_norm(x):
    return np.linalg.norm(x, ord=-np.inf)


@item(59, "R6", vector(0.0, 0.0), traced=True, kink=True, gradient=[0, 0])
def norm_at_zero(x):
    return np.linalg.norm(x)


@item(59, "R6", vector(3.0, 0.0), traced=True, kink=True, gradient=[1, 0])
def one_norm_with_a_zero(x):
    return np.linalg.norm(x, 1)


@item(59, "R6", vector(0.0, 0.0), kink=True, traced=True, gradient=[0, 0])
def row_norms_squared_at_zero(x):
    return np.sum(np.linalg.norm(np.stack([x, x]), axis=1) ** 2)


@item(60, "R3", MASK, 0.5, vector(1.0, 2.0, 3.0), traced=True, gradient=[2, 0, 1, 0])
def where_with_a_number(m, s, x):
    return np.sum(np.where(m, s, x))


@item(60, "R3", MASK, np.float64(0.5), vector(1.0, 2.0, 3.0), traced=True)
def where_with_a_numpy_number(m, s, x):
    return np.sum(np.where(m, x, s) ** 2)


@item(60, "R3", MASK, np.array(0.5), vector(1.0, 2.0, 3.0), traced=True)
def where_with_an_array_without_axes(m, s, x):
    return np.sum(np.where(m, s, x) ** 2)


@item(60, "R3", True, vector(0.5), vector(1.0, 2.0, 3.0), wrt=(1, 2), traced=True)
def where_with_an_axis_of_one(m, s, x):
    return np.sum(np.where(m, s, x) ** 2)


@item(60, "R3", 0.5, vector(1.0, 2.0, 3.0), traced=True)
def every_broadcast_of_a_number(s, x):
    return np.sum(np.maximum(x, s) + np.hypot(x, s) * np.arctan2(s, x) + np.clip(x, s, 2.5) + np.power(x, s))


@item(61, "R2", normal(3), gradient=None)
def tuple_result(x):
    return np.sum(x * x), np.prod(x)


@item(61, "R2", normal(3))
def list_result(x):
    return [x * x, x[0]]


@item(61, "R2", normal(3))
def dict_result(x):
    return {"a": x * x, "b": (x[0], 1)}


@item(61, "R3", normal(3), 0.7, traced=True)
def full_like_of_an_active_number(x, a):
    return np.sum(x * np.full_like(x, a))


@item(61, "R3", normal(3), 0.7)
def full_of_an_active_number(x, a):
    return np.sum(x * np.full(3, a))


@item(61, "R3", normal(3), 0.7)
def filled_with_an_active_number(x, a):
    y = np.empty_like(x)
    y.fill(a)
    return np.sum(x * y)


@item(61, "R3", normal(2, 3), normal(3, seed=1))
def full_of_an_active_row(x, a):
    return np.sum(x * np.full((2, 3), a)) + np.sum(x * np.full_like(x, a * a))


@item(61, "R3", 0.7, 1.3)
def array_of_active_numbers(a, b):
    return np.sum(np.array([[a, b], [1.0, a]]) @ np.array([b, a]))


@item(61, "R3", normal(3))
def copies_in_every_spelling(x):
    return np.sum(np.array(x) * np.asarray(x) * np.copy(x) * x.copy() * x.astype(float))


@item(62, "R6", vector(-2.0, 3.0), traced=True, gradient=[-6, 6])
def power_with_an_integer_exponent(x):
    return np.sum(vector(1.5, 1.0) * x**2)


@item(62, "R6", vector(-2.0, 3.0), traced=True)
def negative_base_to_a_float(x):
    return np.sum(x**3.0 + np.power(x, 2) + x**-1)


@item(62, "R6", vector(-2.0, 0.0, 3.0), traced=True, gradient=[0, 0, 0])
def power_zero(x):
    return np.sum(x**0)


@item(62, "R6", vector(-2.0, 0.0, 3.0), traced=True, gradient=[0, 0, 0])
def power_zero_as_a_float(x):
    return np.sum(x**0.0)


@item(62, "R6", vector(-2.0, 0.0, 3.0), traced=True, gradient=[-4, 0, 6])
def square_at_zero(x):
    return np.sum(x**2)


@item(62, "R6", vector(-2.0, 0.0, 3.0), traced=True)
def square_of_an_exponent_array(x):
    return np.sum(x ** np.array([2, 2, 3]))


@item(62, "R6", vector(1.5, 2.0), traced=True, gradient=[0, 0])
def zero_to_a_power(y):
    return np.sum(0.0**y)


@item(62, "R6", 1.5, gradient=[0])
def zero_to_the_power_of_a_number(y):
    return 0**y


@item(62, "R6", 0.0, traced=True, gradient=[0])
def square_of_zero(x):
    return x**2


@item(62, "R6", 0.0, gradient=[0])
def math_pow_at_zero(x):
    return math.pow(x, 2)


@item(62, "R6", 0.0, traced=True, gradient=[1])
def first_power_of_zero(x):
    return x**1


@item(63, "T5", np.float32([0.5, 1.5]), traced=True)
def single_precision_times_a_constant(x):
    return np.sum(x * np.float64(2.0))


@item(63, "T5", np.float32([0.5, 1.5]), traced=True)
def single_precision_times_a_double_array(x):
    return np.sum(x * np.array([2.0, 3.0]))


@item(63, "T5", np.float32([0.5, 1.5]), normal(2), traced=True)
def single_and_double(x, y):
    return np.sum(np.sin(x) * y)


@item(63, "T5", np.float32([0.5, 1.5]))
def single_precision_stored_into_double(x):
    y = np.zeros(2)
    y[:] = x
    return np.sum(y * y * x)


@item(63, "T5", np.float32(0.5))
def single_precision_number(x):
    return x * np.float64(2.0) * np.pi


@item(63, "T5", np.float32([0.5, 1.5]))
def single_precision_that_is_cast(x):
    return np.sum(x.astype(np.float64) ** 2)
