"""Branches, loops and jumps (33-47)."""

import numpy as np

from tests.silent_wrong.table import item, normal, vector


@item(33, "L1", 0.7, 1.3, 3)
def swapped_in_a_loop(a, b, n):
    for _ in range(n):
        a, b = b, a
        a = a * b
    return a + 2 * b


@item(33, "L1", 0.7, 1.3, -0.4, 4)
def cycled_in_a_loop(a, b, c, n):
    for _ in range(n):
        a, b, c = b, c, a
        c = c + a * b
    return a + 2 * b + 3 * c


@item(33, "L1", 0.7, 1.3, 3)
def swapped_through_a_temporary(a, b, n):
    for _ in range(n):
        t = a
        a = b
        b = t * a
    return a + 2 * b


@item(33, "L1", normal(2), normal(2, seed=1), 3)
def swapped_arrays_in_a_loop(a, b, n):
    for _ in range(n):
        a, b = b, a
        a = a * b
    return np.sum(a + 2 * b)


@item(33, "M1", normal(2), normal(2, seed=1), 3)
def swapped_arrays_that_are_written(a, b, n):
    a, b = a * 1.0, b * 1.0
    for _ in range(n):
        a, b = b, a
        a *= b
    return np.sum(a + 2 * b)


@item(33, "L1", normal(3), 4)
def swapped_items_in_a_loop(x, n):
    for k in range(n):
        x[0], x[1], x[2] = x[1], x[2], x[0] * x[1]
    return np.sum(x * np.arange(3))


@item(33, "L1", normal(3), 4)
def swapped_rows_in_a_loop(x, n):
    y = np.outer(x, x)
    for _ in range(n):
        y[[0, 1]] = y[[1, 0]]
        y[0] *= x
    return np.sum(y * np.arange(3))


@item(34, "L4", normal(3), 2.0)
def divisor_inline(x, y):
    total = 0.0
    for i in range(3):
        total += x[i] / (y * x[i] + 3.0)
    return total


@item(34, "L4", normal(3), 2.0)
def divisor_named(x, y):
    total = 0.0
    for i in range(3):
        d = y * x[i] + 3.0
        total += x[i] / d
    return total


@item(34, "L4", normal(3), 2.0)
def divisor_carried(x, y):
    total = 1.0
    for i in range(3):
        total /= y * x[i] ** 2 + total
    return total


@item(35, "L2", normal(4))
def continue_then_break(x):
    total = 0.0
    for i in range(4):
        if i == 1:
            continue
        if i == 3:
            break
        total += x[i] ** 2
    return total


@item(35, "L2", normal(4), gradient=[0, 0, 0, 0])
def break_on_the_first_iteration(x):
    total = 0.0
    for e in x:
        if total == 0.0:
            break
        total += e * e
    return total


@item(35, "L2", vector(0.5, 2.0, 0.7, 0.3))
def continue_and_break_on_values(x):
    total = 1.0
    for e in x:
        if e > 1:
            continue
        total *= e
        if total < 0.36:
            break
    return total


@item(35, "L2", vector(0.5, 2.0, 0.7, 0.3))
def break_after_an_update_on_the_first_iteration(x):
    total = 1.0
    for e in x:
        total *= e * e
        if e < 1:
            break
    return total


@item(35, "L2", 0.5, 6)
def continue_and_break_in_a_while_loop(x, n):
    total, i = 1.0, 0
    while True:
        i += 1
        if i % 2:
            continue
        total *= x + i
        if i >= n:
            break
    return total


@item(36, "L2", 2.6)
def bound_of_an_active_value(x):
    total = 0.0
    for i in range(int(x)):
        total += x * (i + 1)
    return total


@item(36, "L2", 0.7)
def condition_on_an_active_value(x):
    y = x
    while y < 10:
        y = y * y + 1
    return y


@item(36, "L2", 0.7)
def walrus_in_a_condition(x):
    total = 0.0
    k = 1
    while (term := x**k) > 0.1:
        total += term
        k += 1
    return total + term


@item(36, "L2", normal(4))
def bound_changed_in_the_body(x):
    n = 4
    total = 1.0
    for i in range(n):
        total *= x[i]
        n = 2
    return total * n


@item(36, "L2", 5.3)
def condition_of_two_active_values(x):
    y, z = x, 1.0
    while y > z and z < 100:
        y, z = y - 1, z * 1.5 + 0.1 * y
    return y * z


@item(36, "L2", vector(2.7, 1.5))
def bound_of_an_active_array(x):
    total = 0.0
    for i in range(int(x.sum())):
        for e in x[: int(x[1])]:
            total += e * e * i
    return total


@item(37, "L2", 0.7, 4)
def counter_as_a_value(val, n):
    for i in range(n):
        val += i
    return val * val


@item(37, "L2", 0.7, 4)
def counter_as_a_factor(val, n):
    for i in range(n):
        val *= i + 1
    return val


@item(37, "L2", 0.7, 3)
def counter_of_an_outer_loop_as_a_value(x, n):
    total = 0.0
    for i in range(n):
        for j in range(i):
            total += i * x**j
    return total


@item(37, "L2", 0.7, 4)
def counter_of_a_while_loop_as_a_value(x, n):
    total, i = x, 0
    while i < n:
        total = total + i * x
        i += 1
    return total * i


@item(38, "L2", vector(0.3, 0.4, 0.5, 0.6))
def early_exit_by_return(x):
    total = 0.0
    for i in range(4):
        total += x[i] ** 2
        if total > 0.3:
            return total
    return total * 10


@item(38, "L2", vector(0.3, 0.4, 0.5, 0.6))
def early_exit_by_break(x):
    total = 0.0
    for i, e in enumerate(x):
        if total > 0.2:
            break
        total += e * e * (i + 1)
    return total * x[i]


@item(38, "L2", vector(0.3, 0.4, 0.5, 0.6))
def early_exit_after_stores(x):
    out = np.zeros(4)
    for i in range(4):
        out[i] = np.sin(x[i])
        if x[i] > 0.45:
            break
    return out


@item(38, "L2", vector(0.3, 0.4, 0.5, 0.6))
def early_exit_with_else(x):
    total = 1.0
    for e in x:
        if e > 0.9:
            break
        total *= e
    else:
        total = total * total
    return total


@item(39, "H1", 0.9, 3)
def repeated_squaring(x, n):
    for _ in range(n):
        x = x * x
    return x


@item(39, "H1", normal(2), 2)
def repeated_squaring_in_place(x, n):
    for _ in range(n):
        x *= x
    return np.sum(x)


@item(40, "L2", 0.7, 3, 2)
def nested_ranges(x, n, m):
    total = 0.0
    for i in range(n):
        for j in range(m):
            total += x * x
    return total


@item(40, "L2", 0.7, np.array([2, 0, 3]), wrt=0)
def nested_ranges_of_data(x, counts):
    total = 0.0
    for i in range(counts[0]):
        for j in range(counts[i]):
            total += x ** (j + 1) * total + x
    return total


@item(40, "L2", 2.7)
def nested_ranges_of_active_data(x):
    total = 0.0
    for i in range(int(x)):
        for _ in range(int(x * (i + 1))):
            total += x * x
    return total


@item(40, "L2", 0.7, 3, 2)
def sibling_inner_loops(x, n, m):
    total = 1.0
    for i in range(n):
        for j in range(m):
            total *= x + j
        for j in range(i):
            total += x * total
        total = total * total / (1 + total)
    return total


@item(41, "L2", 0.3, normal(4))
def scanned_sequence(carry, xs):
    for x in xs:
        carry = np.tanh(carry * x + x)
    return carry


@item(41, "L2", 0.3, normal(4))
def scanned_sequence_with_outputs(carry, xs):
    out = []
    for x in xs:
        carry = np.tanh(carry * x)
        out.append(carry * x)
    return np.array(out)


@item(41, "L2", normal(2), normal(4, 2))
def scanned_rows(carry, xs):
    out = np.empty((4, 2))
    for i, x in enumerate(xs):
        carry = np.sin(carry) * x
        out[i] = carry
    return np.sum(out * xs)


@item(41, "L2", normal(3), normal(3, seed=1))
def scanned_pairs(xs, ys):
    total = 0.0
    for x, y in zip(xs, ys):
        total = total * x + y
    return total


@item(42, "T3", 0.7, 4)
def carry_that_looks_constant(x, n):
    total = 0.0
    for i in range(n):
        if i > 0:
            total = total + x * i
    return total


@item(42, "T3", 0.7, 4)
def carry_that_starts_as_an_int(x, n):
    scale, total = 1, 0
    for i in range(n):
        if i == 2:
            scale = x
        total += scale * x
    return total


@item(42, "T3", normal(3), 4)
def carry_that_is_a_constant_array(x, n):
    state = np.zeros(3)
    for i in range(n):
        if i % 2:
            state = state + x * x
        else:
            state = state * x
    return np.sum(state)


@item(42, "T3", 0.7, 4)
def carry_behind_another(x, n):
    a, b, c = 0.0, 0.0, 0.0
    for i in range(n):
        c, b = c + b, b + a
        if i == 0:
            a = x * x
    return c + b


def _signed(x):
    return np.exp(x) if x > 0 else x * x


@item(43, "C1", -0.7, gradient=[-1.4])
def branch_by_sign(x):
    if x < 0:
        return x * x
    return np.exp(x)


@item(43, "C1", 0.7)
def branch_by_sign_in_a_callee(x):
    return _signed(x) * x


@item(43, "C1", vector(-0.7, 0.3))
def branch_by_sign_of_entries(x):
    total = 0.0
    for e in x:
        if e < 0:
            total += e * e
        else:
            total += np.exp(e)
    return total


@item(44, "R5", 0.0, kink=True, gradient=[0])
def zero_short_circuits(x):
    if x == 0:
        return 0.0
    return x * 3


@item(44, "R5", 0.0, kink=True, gradient=[0])
def zero_short_circuits_in_a_ternary(x):
    return 0.0 if x == 0 else np.sin(x) / x


@item(44, "R5", 0.0, kink=True, gradient=[2])
def zero_takes_a_branch_of_its_own(x):
    if x == 0:
        y = 2 * x
    else:
        y = x * 3
    return y


@item(44, "R5", vector(0.0, 2.0), kink=True, gradient=[0, 1])
def zero_short_circuits_in_a_loop(x):
    total = 0.0
    for e in x:
        if e == 0:
            continue
        total += e
    return total


@item(45, "R6", 0.7)
def conditional_with_a_constant(x):
    return x * x if x > 0 else 1.0


@item(45, "R6", -0.7, gradient=[0])
def conditional_that_takes_the_constant(x):
    return x * x if x > 0 else 1.0


@item(45, "R6", vector(-0.7, 0.7), gradient=[0, 1.4])
def where_with_a_constant(x):
    return np.sum(np.where(x > 0, x * x, 1.0))


@item(45, "R6", -0.7)
def constant_is_replaced(x):
    y = 1.0
    if x < 0:
        y = x
    return y * x


@item(45, "R6", vector(-0.7, 0.7))
def constant_array_is_replaced(x):
    y = np.ones(2)
    if x[0] < 0:
        y = x * x
    return np.sum(y * x)


def _three_ways(x, way):
    if way == 0:
        return x, x * x, "zero"
    elif way == 1:
        return x * x, 1.0, "one"
    else:
        return 2.0, x**3, "two"


@item(46, "L4", 0.7, 0)
def multi_way_first(x, way):
    a, b, _ = _three_ways(x, way)
    return a * b


@item(46, "L4", 0.7)
def multi_way_every(x):
    total = 0.0
    for way in range(3):
        a, b, _ = _three_ways(x, way)
        total += a * b + a
    return total


@item(46, "L4", vector(-0.5, 0.2, 1.5))
def multi_way_by_value(x):
    total = 0.0
    for e in x:
        if e < 0:
            a, b = e, 1.0
        elif e < 1:
            a, b = 2.0, e * e
        else:
            a, b = e * e, e
        total += a * b
    return total


@item(46, "L4", 0.7, 2)
def multi_way_match(x, way):
    match way:
        case 0:
            a, b = x, 1.0
        case 1:
            a, b = x * x, x
        case _:
            a, b = 2.0, np.sin(x)
    return a * b * x


@item(46, "L4", 0.7)
def written_only_in_one_branch(x):
    if x > 0:
        a = x * x
        b = a
    else:
        b = x
    return b * x


@item(46, "M1", normal(4), 3)
def empty_that_is_partly_filled(x, n):
    y = np.empty(4)
    for i in range(n):
        y[i] = x[i] ** 2
    return np.sum(y[:n] * x[:n])


@item(46, "M1", normal(4))
def empty_that_is_filled_in_branches(x):
    y = np.empty(4)
    y[:] = np.nan
    for i in range(4):
        if x[i] > 0:
            y[i] = x[i] ** 2
        else:
            y[i] = np.sin(x[i])
    return np.sum(y * x)


@item(47, "L2", 0.7, 0)
def zero_trips(x, n):
    y = x * x
    for i in range(n):
        y = y * x + i
    return y


@item(47, "L2", normal(0), 0.7)
def zero_trips_of_an_array(xs, y):
    for x in xs:
        y = y * x
    return y * y


@item(47, "L2", 0.7, 0)
def zero_trips_with_stores(x, n):
    y = np.full(3, x)
    for i in range(n):
        y[i] = y[i] * x
    return np.sum(y * y)


@item(47, "L2", 5.0)
def zero_trips_of_a_while_loop(x):
    y = x
    while y < 1:
        y = y * y
    return y * x


@item(47, "L2", 0.7, 4)
def counter_used_after_the_loop(x, n):
    for i in range(n):
        x = x * x + 0.1
    return x**i


@item(47, "L2", normal(3))
def element_used_after_the_loop(xs):
    total = 0.0
    for x in xs:
        y = x * x
        total += y
    return total * x * y


@item(47, "L2", normal(3), 3)
def counter_indexes_after_the_loop(xs, n):
    for i in range(n):
        if xs[i] > 10:
            break
    return xs[i] ** 2


@item(47, "L2", 0.7, 3, 0)
def zero_trips_of_an_inner_loop(x, n, m):
    for i in range(n):
        for j in range(m):
            x = x * j
        x = x * x + i
    return x
