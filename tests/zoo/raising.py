"""Handlers that see how far a ``try`` block got: bodies that change things, in loops and branches, before they raise (L3)."""

import math

import numpy as np

from tests.zoo.table import program


@program(args=(0.37, 5))
def breaks_at_an_error(x, n):
    best = x
    for k in range(n):
        try:
            y = math.sqrt(1.0 - x * k)
        except ValueError:
            break
        best = best * y
    return best


@program(args=(0.37, 5))
def counts_its_errors(x, n):
    total = 0.0
    fails = 0
    for k in range(n):
        try:
            total += math.log(x - k)
        except ValueError:
            fails += 1
    return total * x + fails


@program(args=(0.37, 5))
def appends_or_not(x, n):
    xs = []
    for k in range(n):
        try:
            xs.append(math.sqrt(1.0 - x * k))
        except ValueError:
            xs.append(0.0)
    return sum(xs) * x


@program(args=(0.37, 5))
def rows_stored_until_one_raises(x, n):
    u = np.zeros(n)
    for k in range(n):
        try:
            u[k] = math.sqrt(1.0 - x * k)
            if k == 3:
                raise RuntimeError("k")
        except (ValueError, RuntimeError):
            u[k] = x
    return np.sum(u**2)


@program(args=(0.37, 5))
def loops_until_stopped(x, n):
    i = 0
    y = x
    while True:
        try:
            if i >= n:
                raise StopIteration
            y = y * x + i
            i += 1
        except StopIteration:
            break
    return y


@program(args=(0.37, 5))
def raised_in_a_loop_over_stores(x, n):
    u = np.array([x, 2 * x])
    try:
        for k in range(n):
            u[0] = u[0] * u[1]
            if k == 2:
                raise ValueError
            u[1] += x
    except ValueError:
        u[1] = u[1] * 3.0
    finally:
        u = u * 2.0
    return np.sum(u)


@program(args=(0.37, 5))
def sum_until_division_by_zero(x, n):
    s = 0.0
    try:
        for k in range(n):
            s += x / (3 - k)
    except ZeroDivisionError:
        s = s * 10
    return s * x


@program(args=(0.37, 5))
def all_four_clauses_in_a_loop(x, n):
    s = 0.0
    for k in range(n):
        try:
            s += x / (3 - k)
        except ZeroDivisionError:
            continue
        else:
            s *= 1.1
        finally:
            s += x
    return s


@program(args=(0.37, 5))
def item_of_a_list_that_is_not_there(x, n):
    u = [x] * 3
    for k in range(n):
        try:
            u[k] = u[k] * x
        except IndexError:
            u[0] = u[0] + x
    return sum(u)


@program(args=(0.37, 5))
def item_of_an_array_that_is_not_there(x, n):
    u = np.full(3, x)
    for k in range(n):
        try:
            u[k] = u[k] * x
        except IndexError:
            u[0] = u[0] + x
    return np.sum(u)


@program(args=(0.37, 5))
def newton_that_does_not_converge(x, n):
    tol = 1.0
    y = x
    try:
        while tol > 1e-3:
            new = y - (y * y - 2) / (2 * y)
            tol = abs(new - y)
            y = new
            n -= 1
            if n < 0:
                raise RuntimeError("did not converge")
    except RuntimeError:
        return y * 0.5
    return y


@program(args=(0.37, 5))
def changed_twice_before_it_raises(x, n):
    try:
        a = x * 2
        b = math.sqrt(3 - n - x)
        a = a * b
        c = math.log(1.5 - n)
        a = a + c
    except ValueError:
        return a
    return a * a


@program(args=(0.37, 5))
def halves_its_step(x, n):
    attempts = 0
    step = x
    while attempts < n:
        try:
            val = math.log(1.0 - step)
            assert val > -1.0
            return val * attempts
        except (ValueError, AssertionError):
            step = step * 0.5
            attempts += 1
    return step


@program(args=(0.37, 5))
def rows_of_lists(x, n):
    rows = []
    for k in range(n):
        row = []
        try:
            for j in range(3):
                row.append(x**j / (k - j))
        except ZeroDivisionError:
            row.append(x)
        rows.append(row)
    return sum(sum(r) for r in rows)


@program(args=(0.37, 5))
def errors_under_errstate(x, n):
    y = 0.0
    with np.errstate(all="ignore"):
        for k in range(n):
            try:
                y += np.sqrt(x) * k
                if k > 1:
                    raise KeyError
            except KeyError:
                y *= 0.5
    return y


@program(args=(0.37, 5))
def two_handlers_and_a_message(x, n):
    log = []
    y = x
    try:
        for k in range(n):
            y = y * math.sqrt(2.0 - k)
            log.append(y)
            if k == 4:
                raise RuntimeError("four")
    except ValueError as e:
        y = y * (2.0 if "math" in str(e) else 3.0)
    except RuntimeError:
        y = y * 5.0
    else:
        y = y + 1.0
    return y + sum(log)


@program(args=(0.37, 4))
def nested_blocks_in_nested_loops(x, n):
    y = x
    for i in range(n):
        try:
            for j in range(3):
                try:
                    y = y + x / (i - j)
                    if j == 1:
                        continue
                    y = y * 1.1
                except ZeroDivisionError:
                    y = y + 0.5
                    if i == 2:
                        raise ValueError
        except ValueError:
            y = y * y
            break
    return y


@program(args=(0.37, 5))
def returns_from_a_while_in_try(x, n):
    y = x
    try:
        i = 0
        while i < n:
            y = y * x
            if i == 3:
                return y * 10
            if y < 0.02:
                raise ArithmeticError
            i += 1
    except ArithmeticError:
        return y + 1.0
    finally:
        y = 0.0
    return y * 2


@program(args=(0.37, 5))
def stores_until_out_of_range(x, n):
    u = np.ones(3) * x
    try:
        for k in range(n):
            u[k] *= x
            u[k + 1] += u[k] * x
    except IndexError:
        u[:] = u * 3
    return np.sum(u * u)


@program(args=(0.37, 5))
def branches_in_a_guarded_body(x, n):
    total = 0.0
    for k in range(n):
        try:
            if k % 2:
                t = x * k
                total += t
                z = 1.0 / (k - 3)
                total += z * t
            else:
                total -= x
        except ZeroDivisionError:
            total *= 2.0
        total += 0.1
    return total * total


@program(args=(0.37, 5))
def dict_changed_before_it_raises(x, n):
    d = {"s": x, "c": 0}
    for k in range(n):
        try:
            d["s"] = d["s"] * math.log(3.5 - k)
            d["c"] += 1
        except ValueError:
            d["s"] = d["s"] + d["c"]
    return d["s"]


class Point:
    def __init__(self, x):
        self.x = x
        self.n = 0


@program(args=(0.37, 5))
def object_changed_before_it_raises(x, n):
    p = Point(x)
    try:
        for k in range(n):
            p.n += 1
            p.x = p.x * math.log(3.5 - k)
            p.n += 1
    except ValueError:
        p.x = p.x + p.n
    return p.x * p.n


@program(args=(0.37, 5))
def parallel_assignment_before_it_raises(x, n):
    a, b = x, 1.0
    try:
        for k, c in enumerate([1.0, 2.0, 0.0, 3.0][:n]):
            a, b = b / c, a * x
    except ZeroDivisionError:
        pass
    return a * 3 + b


@program(args=(0.37, 5))
def handler_that_may_raise_again(x, n):
    y = x
    try:
        y = y * 3
        if n == 2:
            raise KeyError("n")
        y = y + 1
    except (KeyError, IndexError):
        y = y * y
        if n == 7:
            raise
    return y


@program(args=(0.37, 5))
def callee_that_raises(x, n):
    def g(v):
        if v > 1.0:
            raise ValueError("big")
        return v * v

    y = x
    try:
        for _ in range(n):
            y = y + g(y)
    except ValueError:
        y = y * 0.5
    return y


@program(args=(0.37, 5))
def in_place_sum_and_an_index(x, n):
    v = np.array([x, x * x, 1.0])
    w = np.zeros(3)
    for k in range(n):
        try:
            w[k % 3] = v[k]
            w += v
        except IndexError as err:
            w -= 0.5 * v
    return w @ w


@program(args=(0.37, 5))
def asserted_in_a_loop(x, n):
    res = 0.0
    for k in range(n):
        try:
            assert k != 1, "one"
            v = x * k
        except AssertionError:
            v = -x
        except Exception:
            v = 100 * x
        else:
            v = v * 2
        res += v * v
    return res


@program(args=(0.37, 4))
def made_in_the_block(x, n):
    y = x
    with np.errstate(all="ignore"):
        try:
            z = np.array([y, 1.0])
            z[0] = z[0] * 2
            z[n] = z[0]
            y = np.sum(z)
        except IndexError:
            y = np.sum(z) * 3
    return y


@program(args=(0.37, 5))
def else_of_a_loop_in_try(x, n):
    y = x
    try:
        for k in range(n):
            for j in range(n):
                if j > k:
                    break
                y += x / (3 - j)
            else:
                y *= 1.5
    except ZeroDivisionError:
        y = y * 2
    return y


@program(args=(0.37, 6))
def error_for_the_outer_block(x, n):
    y = x
    try:
        for k in range(n):
            try:
                y = y * math.sqrt(3.5 - k)
                y = y + x / (k - 1)
                y = y * 1.1
            except ZeroDivisionError:
                y = y + 0.5
            else:
                y = y * 2.0
            y = y + 0.01
    except ValueError:
        y = y * 3.0
    return y


@program(args=(0.7, 0))
def the_second_handler_is_meant(x, n):
    total = x
    try:
        total = total * x
        total = total / n
        total = total * 7.0
    except ValueError:
        total = total * 5.0
    except ZeroDivisionError:
        total = total + x * x
    return total * x
