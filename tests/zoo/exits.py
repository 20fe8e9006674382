"""while, break, continue and early return, also inside nested loops."""

import math

import numpy as np

from tests.zoo.table import normal, positive, program


@program(args=(5.0,))
def while_newton(a):
    x = a
    while abs(x * x - a) > 1e-13 * a:
        x = 0.5 * (x + a / x)
    return x


@program(args=(0.7, 4))
def while_counter(x, n):
    i = 0
    y = x
    while i < n:
        y = y * x + i
        i += 1
    return y


@program(args=(3.0,))
def while_never_entered(x):
    y = x * x
    while y < 0:
        y = y * x
    return y


@program(args=(0.3, 1.9))
def while_on_an_active_value(x, rate):
    y = x
    while y < 5:
        y = rate * y + x
    return y


@program(args=(0.6, 10))
def break_out(x, n):
    y = x
    for i in range(n):
        y = y + 0.5 * y * x
        if y > 1.5:
            break
        y = y * 1.1
    return y


@program(args=(0.6, 6))
def continue_past(x, n):
    y = x
    for i in range(n):
        if i % 3 == 1:
            continue
        y = y * np.cos(x) + x
    return y


@program(args=(0.6, 6))
def continue_then_break(x, n):
    y = x
    for i in range(n):
        if i == 0:
            y = y * 3
            continue
        y = y * x
        if i == 2:
            break
    return y


@program(args=(0.6,))
def break_in_the_first_iteration(x):
    y = x
    for i in range(5):
        y = y * x
        break
    return y


@program(args=(0.8, 4))
def early_return(x, n):
    y = x
    for i in range(n):
        y = y * 1.4
        if y > 1.5:
            return y * x
    return y


@program(args=(1.4,))
def return_from_branches(x):
    if x < 0:
        return -x
    y = x * x
    if y > 1:
        return y + x
    return y


@program(args=(0.8, 4, 3))
def return_from_nested_loops(x, n, m):
    y = x
    for i in range(n):
        for j in range(m):
            y = y + 0.2 * x * y
            if y > 1.7:
                return y * y
        y = y * x
    return y


@program(args=(0.8, 4, 4))
def break_from_the_inner_loop(x, n, m):
    y = x
    for i in range(n):
        for j in range(m):
            if j > i:
                break
            y = y + 0.1 * x * y
        y = y * 1.05
    return y


@program(args=(0.8, 4, 4))
def continue_in_the_inner_loop(x, n, m):
    y = x
    for i in range(n):
        z = y
        for j in range(m):
            if (i + j) % 2:
                continue
            z = z * np.sin(z + x)
        y = y + z
    return y


@program(args=(0.8,))
def while_true(x):
    y = x
    count = 0
    while True:
        count += 1
        y = y * 1.3
        if count == 4:
            break
        if y > 100:
            return y
    return y * x


@program(args=(normal(5),))
def break_over_elements(x):
    total = 0.0
    for a in x:
        total += a * a
        if total > 0.5:
            break
    return total


@program(args=(0.4, 3))
def for_inside_while(x, n):
    y = x
    k = 0
    while k < n:
        for j in range(k):
            y = y + x * y
        k += 1
        y = y * 0.9
    return y


@program(args=(positive(3),))
def return_inside_while(x):
    s = np.sum(x)
    while s > 0.1:
        x = x / 2
        s = np.sum(x * x)
        if s < 0.5:
            return x * s
    return x


@program(args=(0.9, 7))
def loop_else_after_break(x, n):
    y = x
    for i in range(n):
        y = y * 1.2
        if y > 2:
            break
    else:
        y = y * x
    return y * x


class _Kept:
    def __init__(self, v):
        self.v = v


@program(args=(normal(3),))
def object_made_on_one_path_of_a_try(x):
    y = x * 1.0
    try:
        if y[0] < 0.217:
            made = _Kept(y * 2.0)
            y[0] = y[1] * 0.3
    finally:
        s = 0.2
    return np.sum(np.sin(y)) * s


@program(args=(0.7, 1.0))
def returned_inside_one_branch(x, c):
    if c > 0.0:
        if np.tanh(x) > 0.9:
            return 1.1 * x
        x = x * x
        with np.errstate(all="ignore"):
            x = x + np.sin(x) * c
    x = x * 2
    return x * c


def early_in_one_branch(x, c):
    if c > 0.5:
        if x > 1.5:
            return 1.1 * x
        w = x * x
        y = np.sin(w) * w
    else:
        w = x * 1.5
        y = w * w
    v = w * 2 + y
    if v > 5:
        return v * y * w
    return v * y * y


@program(args=(2.0,))
def helper_that_returns_inside_one_branch(x):
    for k in range(3):
        x = x + 0.1 * early_in_one_branch(x, 1.0 - 0.4 * k) * np.cos(x)
    return x


@program(args=(0.3, 1.0))
def record_named_as_a_parameter(x, c):
    if c < 0.5:
        x = x * x
        x = np.sin(x) * c
    elif x > 0.5:
        return x * 2
    for _ in range(2):
        x = x * np.cos(x) * c
    return x


@program(args=(0.5, np.array([0.3, 0.2, 0.1])))
def loop_that_ends_beside_a_zero(x, y):
    for e in y:
        y[0] = y[2] * e
        for a, b in zip(y, y[::-1]):
            if np.sin(min(a - a, b)) > x:
                break
        if e > 5.0:
            break
    else:
        x = x * 3.0
    return x * np.sum(y)


@program(args=(positive(5), 1.5))
def found_by_its_place(x, limit):
    total = 0.0
    for i in range(len(x)):
        total += x[i]
        if total > limit:
            part = (total - limit) / x[i]
            return i + part * x[i - 1]
    return total


@program(args=(positive(3, 4), 2.0), wrt="a")
def found_in_a_matrix(a, limit):
    for i in range(3):
        for j in range(4):
            s = a[i, j] * a[i, 0]
            if s * (1 + i + j) > limit:
                return np.sin(s) * a[i, j] + i
    return np.sum(a)


def root_of(x, a):
    while True:
        step = (x * x - a) / (2 * x)
        x = x - step
        if abs(step) < 1e-9:
            return x * a


@program(args=(0.8, 1.7, 3))
def helper_that_returns_from_its_loop(x, a, n):
    for k in range(n):
        x = root_of(x + 1.0, a * (k + 1)) * 0.5
    return x


@program(args=(0.6, 6))
def state_changes_before_the_return(x, n):
    u = np.zeros(n)
    for i in range(1, n):
        u[i] = u[i - 1] * x + 1.0
        x = x * 1.05
        if u[i] > 1.9:
            u[0] = x
            return np.sum(u) * u[i]
    return u[-1]


@program(args=(0.6, 4))
def returned_from_the_first_iteration_or_never(x, n):
    y = x
    for i in range(n):
        y = y * x + i
        if y > 100.0:
            return y / x
        y = np.cos(y)
    return y * x


@program(args=(positive(4), 9.0))
def pair_from_a_loop_with_else(x, limit):
    for i, v in enumerate(x):
        if v > limit:
            return v * x[0], i * v
    else:
        limit = limit * x[1]
    return limit, x[2]


@program(args=(1.3, 3))
def return_from_a_loop_over_a_literal(x, n):
    for scale in (1.0, 2.0, 3.0):
        for _ in range(n):
            x = x * scale
            if x > 20.0:
                return x * scale
    return x


@program(args=(0.4, 5))
def two_returns_from_one_loop(x, n):
    for i in range(n):
        x = x * 1.7
        if x > 30.0:
            return x
        if x > 2.0:
            return x * i
    return x - 1


@program(args=(0.4, 5))
def returned_from_a_loop_in_a_try(x, n):
    try:
        for i in range(n):
            x = x * 1.7
            if x > 2.0:
                return math.sqrt(x) / (i - 2)
    except ZeroDivisionError:
        return x * x
    return x


@program(args=(0.4, 3))
def value_of_a_loop_that_is_never_entered_is_not_asked_for(x, n):
    for i in range(n - 3):
        y = x * i
        if y > 1.0:
            return y * i
    return x * 2


@program(args=(positive(6), 2))
def sweeps_of_a_vector_that_stops(u, most):
    u = u.copy()
    for sweep in range(most):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1])
        if sweep * abs(u[1] - u[2]) > 1e-3:
            return np.sum(u**3) * (sweep + 1)
    return u[1]


@program(args=(positive(5),))
def pairs_of_what_is_left(x):
    total = 0.0
    while len(x) > 2:
        for i in range(len(x) - 1):
            total += x[i] * x[i + 1]
        x = x[1:] * 1.1
    return total + np.sum(x * x)


class Stepper:
    def __init__(self):
        self.at = 0

    def step(self):
        old = self.at
        self.at = self.at + 1
        return old * 2


@program(args=(0.37, 9))
def leaves_by_what_the_pass_has_changed(x, n):
    w = Stepper()
    y = x
    while True:
        y = y * x + w.at
        if w.step() > 4:
            break
    return y * w.step() + n


@program(args=(0.37, 9))
def leaves_a_branch_by_what_the_pass_has_changed(x, n):
    w = Stepper()
    y = x
    for _ in range(n):
        y = y * x + w.at
        if y > 0.0:
            if w.step() > 4:
                break
        else:
            y = 1.0 + x
    return y * w.step()
