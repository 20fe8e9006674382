"""Newton's square root: a while loop, whose tape is as long as it ran."""

WRT = "a"
SIZES = (5, 100_000)


def args(n):
    return (float(n),)


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def newton_value_and_grad(a):
    x_tape = []
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x_tape.append(x)
        x = 0.5 * (x + a / x)
    value = x
    x_bar, a_bar = 1.0, 0.0
    while x_tape:
        x = x_tape.pop()
        t_bar = 0.5 * x_bar
        a_bar += t_bar / x
        x_bar = t_bar - t_bar * a / x**2
    a_bar += x_bar
    return value, a_bar
