"""try, with, match: what an exception, a context or a pattern does to a derivative (L3)."""

import contextlib
import warnings

import numpy as np

from tests.zoo.table import normal, program


@program(args=(0.7,))
def handler_not_taken(x):
    try:
        y = x / 0.0 if x > 1 else x * x
    except ZeroDivisionError:
        y = x
    return y * x


@program(args=(0.7,))
def handler_taken(x):
    try:
        return x / (1 - 1)
    except (ZeroDivisionError, ValueError):
        return x * x


@program(args=(0.7, 5))
def try_in_a_loop(x, n):
    total = 0.0
    for i in range(n):
        try:
            a = x**i
            b = a / (i - 2)
            c = b * a
        except ZeroDivisionError:
            c = 3 * x * x
        total = total + c
    return total


@program(args=(0.7, 5))
def loop_inside_a_try(x, n):
    y = x
    try:
        z = x
        for i in range(n):
            z = z * x / (3 - i)
        y = z
    except ZeroDivisionError as error:
        y = x * x * len(error.args)
    else:
        y = y * 2
    finally:
        w = x * 3
    return y * w


@program(args=(0.7, 6))
def partial_work_is_forgotten(x, n):
    total = 0.0
    for i in range(n):
        try:
            inner = 1.0
            for j in range(3):
                inner = inner * x / (i + j - 4)
        except ZeroDivisionError:
            continue
        total += inner * x
    return total


@program(args=(0.7,))
def nested_handlers(x):
    try:
        try:
            y = x / 0
        except KeyError:
            y = x
    except ZeroDivisionError:
        y = x * x
    return y


@program(args=(0.7,))
def several_handlers(x):
    y = 0.0
    for k in range(3):
        try:
            if k == 0:
                raise KeyError("no")
            if k == 1:
                raise ValueError("bad")
            v = x * k
        except KeyError:
            v = x
        except (ValueError, TypeError):
            v = x * x
        y += v * (k + 1)
    return y


@program(args=(0.7,))
def finally_runs(x):
    y = x * x
    try:
        z = y * 2
    finally:
        y = y * 3
    return y * z


@program(args=(0.7, normal(2)))
def linalg_error(x, b):
    try:
        r = np.linalg.solve(np.array([[x, 1.0], [1.0, x]]), b)
    except np.linalg.LinAlgError:
        r = b * 0
    return r.sum()


@program(args=(0.7, 5))
def break_from_a_handler(x, n):
    for i in range(n):
        try:
            if i == 3:
                raise KeyError(i)
            x = x * 1.1
        except KeyError:
            break
    return x


@program(args=(0.7,))
def errstate(x):
    with np.errstate(all="ignore"):
        y = np.log(x) * x
        z = np.sqrt(y * y)
    return y + z


@program(args=(0.7,))
def suppressed(x):
    y = x
    with contextlib.suppress(ZeroDivisionError):
        _ = y / 0
    return y * x


@program(args=(normal(3),))
def warnings_caught(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.sum(x * x)


class Scaled:
    def __init__(self, s):
        self.s = s

    def __enter__(self):
        self.s = self.s * 2
        return self

    def __exit__(self, *exc):
        self.s = self.s + 1
        return False


@program(args=(0.7,))
def user_context(x):
    c = Scaled(x)
    with c as d:
        y = d.s * x
    return y * c.s


@program(args=(0.7, 1))
def match_literals(x, kind):
    match kind:
        case 0:
            return x
        case 1 | 2:
            return x**3
        case _:
            return -x


@program(args=(0.7,))
def match_structure(x):
    shape = ("circle", {"r": x, "scale": 2.0})
    match shape:
        case ("square", side):
            area = side
        case ("circle", {"r": r, "scale": s}) if r > 0:
            area = 3.14 * r * r * s
        case _:
            area = 0.0
    return area * x


def _checked(x):
    if x < 0:
        raise ValueError(f"negative: {x}")
    return x**0.5


@program(args=(0.7,))
def a_helper_that_raises(x):
    try:
        a = _checked(x)
    except ValueError:
        a = 0.0
    try:
        b = _checked(-x)
    except ValueError:
        b = x * 3
    return a * b


@program(args=(0.7, 4))
def early_return_inside_try_in_nested_loops(x, n):
    for i in range(n):
        for j in range(n):
            try:
                if i * j == 2:
                    return x * (i + 2 * j)
                x = x + 0.1 / (j - 9)
            except ZeroDivisionError:
                return -x
    return x * x
