"""An early return from inside nested loops: the sweep back starts where the search ended."""

WRT = ("x", "step")
SIZES = (4, 30)


def args(n):
    return 0.4, 1.05, 0.2 * n * n, n


def search(x, step, limit, n):
    total = 0.0
    for _ in range(n):
        for _ in range(n):
            x = x * step
            total = total + x * x
            if total > limit:
                return total * x
    return total - x


def search_value_and_grad(x, step, limit, n):
    tape, counts = [], []
    total = 0.0
    found = False
    for _ in range(n):
        count = 0
        for _ in range(n):
            tape.append(x)
            count += 1
            x = x * step
            total = total + x * x
            if total > limit:
                found = True
                break
        counts.append(count)
        if found:
            break
    value = total * x if found else total - x
    if found:
        total_bar, x_bar = x, total
    else:
        total_bar, x_bar = 1.0, -1.0
    step_bar = 0.0
    for count in reversed(counts):
        for _ in range(count):
            x_bar += 2 * total_bar * x
            x = tape.pop()
            step_bar += x_bar * x
            x_bar *= step
    return value, (x_bar, step_bar)
