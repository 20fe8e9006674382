"""Handlers that see how far a ``try`` block got: bodies that change things, in loops and branches, before they raise (L3)."""

import contextlib
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


@program(args=(0.7, 2))
def roots_until_one_raises(x, n):
    u = np.full(4, x)
    with np.errstate(all="raise"):
        try:
            for k in range(4):
                u[k] = np.sqrt(u[k]) * x
                u[k] += np.sqrt(n - k - 0.5 * u[k]) * u[k]
        except FloatingPointError:
            u[:] = u * 3.0
    return np.sum(u)


@program(args=(0.7, 3))
def arithmetic_suppressed(x, n):
    y = x
    with np.errstate(all="raise"), contextlib.suppress(ArithmeticError):
        y = np.sqrt(x) + np.cbrt(y) * n
        y = y * np.log(y - y)
    return y * x


@program(args=(0.7, 3))
def rows_of_roots(x, n):
    rows = []
    with np.errstate(all="raise"):
        for k in range(n):
            try:
                rows.append([np.sqrt(x), np.log(x * (1 - k))])
                rows[-1][0] = rows[-1][0] * np.exp(x)
            except Exception:
                rows.append([x, np.sqrt(x) * k])
    return sum(a * b for a, b in rows)


def power_by_halves(x, n):
    if n < 1:
        raise ValueError("n")
    return np.sqrt(x) * x if n == 1 else power_by_halves(x * 0.9, n - 1) / x


@program(args=(0.7, 3))
def recursion_in_a_try_block(x, n):
    y = 0.0
    for k in range(n):
        try:
            y = y + power_by_halves(x, k)
        except ValueError:
            y = y + x * x
    return y


@program(args=(0.7, 3))
def walks_until_three(x, n):
    t = x
    with np.errstate(all="raise"):
        try:
            while t < 3:
                t = t + np.sqrt(t) * x
        except BaseException:
            return x
        finally:
            n = 0
    return t * x + n


@program(args=(0.7, 3))
def unread_logarithm_decides(x, n):
    y = x
    with np.errstate(all="raise"):
        for k in range(n):
            try:
                np.log(np.float64(k - 1))
                y = y * 3.0
            except FloatingPointError:
                y = y * x
    return y


@program(args=(np.array([0.7, 0.4]),))
def unread_quotient_decides(u):
    with np.errstate(all="raise"):
        try:
            z = 1.0 / (u - u)  # noqa: F841
            y = u[0] * 3.0
        except ArithmeticError:
            y = u[0] * u[0]
    return y


@program(args=(0.7, 0))
def quotient_again_where_it_raises(x, n):
    u = np.array([x, 2.0])
    zero = np.float64(n)
    with np.errstate(all="ignore"):
        z = np.isinf(u / zero)
    y = x * z[0]
    with np.errstate(all="raise"):
        try:
            y = y * np.isinf(u / zero)[1]
        except FloatingPointError:
            y = y * y
    return y


@program(args=(0.37, 2))
def messages_of_nested_errors(x, n):
    s = x
    try:
        s *= 2.0
        s *= math.sqrt(1 - n)
    except ValueError as err:
        s = s + len(str(err))
        try:
            s *= 2.0
            s *= math.log(1 - n)
        except ValueError as other:
            s = s * len(str(other))
        s = s * len(repr(err))
    return s


@program(args=(0.37, 5))
def name_of_an_error_bound_again(x, n):
    s = 0.0
    for k in range(n):
        try:
            s += math.sqrt(3 - k - x)
            s *= 2.0
        except ValueError as err:
            s += x * x * len(str(err))
            err = 2.0 * x
            s += err
    return s


# -- functions that are called in a block, change things, and raise -----------------------------------------

def stored_in(u, k, x):
    u[k] = u[k] * x
    if k == 3:
        raise IndexError("k")
    u[k] += 1.0
    return u[k]


class Walker:
    def __init__(self, x):
        self.x = x
        self.n = 0

    def step(self, k):
        self.n += 1
        self.x = self.x * math.log(3.5 - k)
        self.n += 1


@program(args=(0.37,))
def method_changes_its_object_and_raises(x):
    p = Walker(x)
    try:
        for k in range(5):
            p.step(k)
    except ValueError:
        p.x = p.x + p.n
    return p.x * p.n


@program(args=(0.37,))
def callee_appends_and_raises(x):
    def g(xs, k):
        xs.append(x * k)
        if k == 2:
            raise ValueError
        xs.append(x)
    xs = []
    try:
        for k in range(5):
            g(xs, k)
    except ValueError:
        xs.append(3 * x)
    return sum(xs)


@program(args=(0.37,))
def callee_stores_and_raises(x):
    def g(u, k):
        u[k] = math.sqrt(1.2 - x * k)
        u[0] = u[0] * x
        math.sqrt(1.0 - x * k)
        u[k] += 1.0
    u = np.full(5, x)
    for k in range(5):
        try:
            g(u, k)
        except ValueError:
            u[k] = u[k] * 2
    return np.sum(u * u)


@program(args=(0.37,))
def callees_in_one_expression(x):
    log = []
    def g(v):
        log.append(v)
        if v > 1:
            raise ValueError
        return v * 2
    y = x
    try:
        y = g(y) + g(y * 3)
    except ValueError:
        y = y + sum(log)
    return y


@program(args=(0.37,))
def callee_changes_an_outer_name(x):
    n = 0.0
    def g(v):
        nonlocal n
        n = n + v
        if n > 2:
            raise ValueError
        n = n + x
    try:
        for k in range(9):
            g(x * k)
    except ValueError:
        n = n * 10
    return n


@program(args=(0.37,))
def callee_of_a_callee_raises(x):
    def h(xs, k):
        xs.append(x)
        if k == 2:
            raise KeyError
    def g(xs, k):
        xs.append(x * x)
        h(xs, k)
        xs.append(1.0)
    xs = []
    try:
        g(xs, 1)
        g(xs, 2)
        g(xs, 3)
    except KeyError:
        xs.append(4.0 * x)
    return sum(xs)


@program(args=(0.37,))
def recursion_that_appends_and_raises(x):
    def rec(xs, k):
        xs.append(x * k)
        if k == 3:
            raise ValueError
        rec(xs, k + 1)
    xs = []
    try:
        rec(xs, 0)
    except ValueError:
        xs.append(x * x)
    return sum(xs)


@program(args=(0.37,))
def callee_returns_from_a_loop_or_raises(x):
    def g(u, k):
        for j in range(3):
            u[j] += x
            if j == k:
                return u[j]
            if j > k:
                raise IndexError
        return x
    u = np.zeros(3)
    y = x
    try:
        y += g(u, 0)
        y += g(u, 2)
        y += g(u, 5)
        y += g(u, -1)
    except IndexError:
        y += u[0] * 7
    return y * np.sum(u)


@program(args=(0.37,))
def callee_changes_a_dict_and_raises(x):
    def g(d, k):
        d["s"] = d["s"] * x
        d["c"] += 1
        if d["c"] > 3:
            raise RuntimeError("c")
        d["s"] += 1.0
    d = {"s": x, "c": 0}
    try:
        while True:
            g(d, 0)
    except RuntimeError as err:
        d["s"] += d["c"]
    return d["s"]


@program(args=(0.37,))
def callee_in_a_loop_condition(x):
    def ok(xs, k):
        xs.append(x * k)
        if k == 3:
            raise StopIteration
        return k < 5
    xs = [x]
    k = 0
    try:
        while ok(xs, k):
            k += 1
    except StopIteration:
        xs[0] = xs[-1] * 2
    return sum(xs) * k


@program(args=(0.37,))
def function_stores_and_raises(x):
    u = np.full(5, x)
    y = 0.0
    try:
        for k in range(5):
            y += stored_in(u, k, x) * u[0]
    except (IndexError, ValueError) as err:
        y = y * len(str(err))
    return y + np.sum(u)


@program(args=(0.37,))
def callee_raises_for_the_outer_block(x):
    u = np.full(5, x)
    y = x
    try:
        for k in range(5):
            try:
                y = y + stored_in(u, k, x)
            except ZeroDivisionError:
                y = 0.0
            y = y * 1.5
    except IndexError:
        y = y + u[3]
    return y * np.sum(u)


@program(args=(0.37,))
def callee_changes_what_was_read(x):
    def g(u):
        u[0] = u[0] * 3.0
        if u[0] > 5:
            raise OverflowError
        return u[0]
    u = np.array([x, 1.0])
    y = 0.0
    try:
        while True:
            y = u[0] + g(u) * u[0] - y
    except OverflowError:
        y = y - u[0]
    return y


@program(args=(0.37,))
def outer_name_read_before_the_call(x):
    n = x
    def g():
        nonlocal n
        n = n * 2 + 1
        if n > 9:
            raise StopIteration
        return n
    y = 1.0
    try:
        while True:
            y = n * g() + n + y
    except StopIteration:
        y = y * n
    return y


@program(args=(0.37,))
def callee_pops_and_raises(x):
    def g(xs, k):
        for j in range(4):
            xs.append(x * j)
            if j == k:
                return x
            while len(xs) > 5:
                xs.pop()
                if k == 3:
                    raise IndexError
        return 2.0 * x
    xs = []
    y = x
    for k in range(5):
        try:
            y = y * g(xs, k) + 1
        except IndexError:
            y = y + len(xs) * x
    return y + sum(xs)


@program(args=(0.37,))
def callee_changes_in_a_suppressing_context(x):
    xs = [x]
    def g(k):
        xs.append(xs[-1] * x)
        xs[0] = math.sqrt(1.5 - x * k)
    with contextlib.suppress(ValueError):
        for k in range(9):
            g(k)
    return sum(xs)


@program(args=(0.37,))
def callee_raises_in_two_blocks(x):
    def g(d, key):
        d[key] = d[key] * x
        d["n"] += 1
        if d["n"] == 3:
            raise KeyError(key)
    d = {"a": x, "b": 2 * x, "n": 0}
    try:
        g(d, "a")
        g(d, "b")
    except KeyError:
        d["a"] = 0.0
    else:
        d["a"] = d["a"] + 1
    try:
        g(d, "a")
        g(d, "b")
    except KeyError:
        d["b"] += 3.0 * x
    return d["a"] * d["b"]


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


# -- finally: run last, however a block is left -------------------------------------------------------------

@program(args=(0.37, 5))
def list_changed_in_finally(x, n):
    xs = []
    try:
        for k in range(n):
            try:
                xs.append(x * k)
                xs.append(math.sqrt(2.5 - k))
            finally:
                xs.append(xs[-1] * x)
    except ValueError:
        xs.append(3 * x)
    return sum(xs)


@program(args=(0.37, 5))
def array_changed_in_finally(x, n):
    u = np.full(n, x)
    try:
        for k in range(n + 1):
            try:
                u[k] = u[k] * x
                u[k] += math.log(3.5 - k)
            except ValueError:
                u[0] = u[0] * u[k]
            finally:
                u[1] = u[1] * 1.5 + u[0]
    except IndexError:
        u[2] = u[2] * 3.0
    return np.sum(u * u)


@program(args=(0.37, 5))
def number_changed_in_finally(x, n):
    y = x
    try:
        try:
            y = y * 3.0
            y = y + math.sqrt(x - n)
            y = y * 7.0
        finally:
            y = y * x
    except ValueError:
        y = y + 1.0
    return y * y


@program(args=(0.37, 5))
def returned_from_try_with_finally(x, n):
    log = []
    def f(k):
        for j in range(3):
            try:
                log.append(x * j)
                if j == k:
                    return log[-1] * 2.0
                log.append(math.sqrt(1.5 - j))
            finally:
                log.append(x * x)
        return x
    y = x
    for k in range(n):
        try:
            y = y + f(k)
        except ValueError:
            y = y * 1.5
    return y * sum(log)


@program(args=(0.37, 5))
def jumps_through_a_finally(x, n):
    d = {"s": x, "n": 0}
    for k in range(n):
        try:
            d["s"] = d["s"] * 1.1
            if k == 1:
                continue
            if k == 4:
                break
            d["s"] += x / (k - 2)
        except ZeroDivisionError:
            d["s"] += 0.5
            continue
        finally:
            d["n"] += 1
            d["s"] = d["s"] + x * d["n"]
        d["s"] = d["s"] * 2.0
    return d["s"] * d["n"]


@program(args=(0.37, 5))
def finally_that_raises(x, n):
    u = np.array([x, 2 * x])
    for k in range(n):
        try:
            try:
                u[0] = u[0] + x
                if k == 2:
                    continue
                u[1] = u[1] * u[0]
            finally:
                u[0] = u[0] * 1.5
                u[1] += math.sqrt(1.5 - k)
                u[0] = u[0] + 1.0
        except ValueError:
            u[1] = u[1] - u[0]
    return u[0] * u[1]


@program(args=(0.37, 5))
def finally_that_swallows(x, n):
    y = x
    for k in range(n):
        try:
            y = y * 2.0
            y = y + math.log(2.5 - k)
        finally:
            y = y + x
            continue
    return y


@program(args=(0.37, 5))
def two_finallys(x, n):
    xs = [x]
    def f(k):
        try:
            try:
                xs.append(xs[0] * k)
                if k == 1:
                    return xs[-1]
                xs[0] = math.sqrt(2.5 - k)
                return x
            finally:
                xs[0] = xs[0] * x
        finally:
            xs[0] = xs[0] + 1.0
            xs.append(x)
    y = 0.0
    try:
        for k in range(n):
            y = y + f(k)
    except ValueError:
        y = y * xs[0]
    return y + sum(xs)


class Account:
    def __init__(self, x):
        self.x = x
        self.open = 0

    def move(self, k):
        self.open += 1
        try:
            self.x = self.x * 1.5
            self.x = self.x + math.sqrt(2.5 - k)
            self.x = self.x * 2.0
        finally:
            self.open -= 1
            self.x = self.x - 0.1 * self.x * self.x


@program(args=(0.37, 5))
def method_with_finally_raises(x, n):
    a = Account(x)
    fails = 0
    for k in range(n):
        try:
            a.move(k)
        except ValueError:
            fails += 1
            a.x = a.x * 0.5
    return a.x * (fails + a.open)


@program(args=(0.37, 5))
def raised_again_and_finally(x, n):
    u = np.full(3, x)
    try:
        try:
            for k in range(n):
                u[k % 3] *= 1.5
                u[0] += x / (k - 3)
        except ZeroDivisionError:
            u[1] = u[1] * u[0]
            if n > 4:
                raise
            u[2] = 0.0
        finally:
            u[2] = u[2] * u[1]
    except ArithmeticError as err:
        u[0] = u[0] * len(str(err))
    return np.sum(u)


@program(args=(0.37, 5))
def finally_in_a_while_loop(x, n):
    xs, k = [x], 0
    while True:
        try:
            k += 1
            xs.append(xs[-1] * x)
            if k > n:
                return sum(xs) * k
            xs[0] = math.sqrt(3.5 - k)
        except ValueError:
            xs[0] = xs[0] * 2.0
        else:
            xs[0] = xs[0] + 1.0
        finally:
            xs.append(x * k)


@program(args=(0.37, 5))
def returned_list_is_changed_in_finally(x, n):
    def f(k):
        xs = [x]
        try:
            xs.append(math.sqrt(2.5 - k))
            return xs
        except ValueError:
            xs.append(x * x)
        finally:
            xs.append(x * k)
        return xs

    return sum(sum(f(k)) for k in range(n))


@program(args=(0.37, 5))
def loop_inside_loop_with_finally(x, n):
    u = np.zeros(n)
    y = x
    try:
        for i in range(n):
            try:
                for j in range(n):
                    u[j] = u[j] + x * i
                    if j > i:
                        break
                    if i == 3 and j == 2:
                        raise KeyError(j)
                    y = y + u[j]
                else:
                    y = y * 2.0
            finally:
                u[i] = u[i] * x + 1.0
                y = y * 1.1
    except LookupError:
        y = y + u[3]
    return y * np.sum(u)


@program(args=(0.37, 5))
def finally_that_returns(x, n):
    y = x

    def f(k):
        nonlocal y
        try:
            y = y * 2.0
            y = y + math.log(2.5 - k)
        except KeyError:
            y = 0.0
        else:
            y = y * 1.1
            return y
        finally:
            y = y + x
            return y * 2

    return sum(f(k) for k in range(n)) + y


@program(args=(0.37, 5))
def list_grows_in_a_loop_of_a_block(x, n):
    log = []
    y = x
    for k in range(n):
        try:
            for j in range(2):
                log.append(x * j)
            y = y * math.sqrt(1.5 - k)
        except ValueError:
            y = y * 1.5
    return y * sum(log)


@program(args=(0.37, 5))
def outer_list_grows_in_a_loop_of_a_callee(x, n):
    log = []

    def f(k):
        for j in range(3):
            log.append(x * j)
            if j == k:
                return log[-1] * 2.0
            log.append(math.sqrt(1.5 - j))
        return x

    y = x
    for k in range(n):
        try:
            y = y + f(k)
        except ValueError:
            y = y * 1.5
    return y * sum(log)
