"""Runge-Kutta steps on logistic growth: four stages recorded as one tuple an iteration."""

WRT = ("a", "b", "y")
SIZES = (10, 1000)


def args(n):
    return 0.9, 0.4, 0.3, 5.0 / n, n


def rk4(a, b, y, h, n):
    for i in range(n):
        k1 = a * y - b * y * y
        u2 = y + h / 2 * k1
        k2 = a * u2 - b * u2 * u2
        u3 = y + h / 2 * k2
        k3 = a * u3 - b * u3 * u3
        u4 = y + h * k3
        k4 = a * u4 - b * u4 * u4
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def rk4_value_and_grad(a, b, y, h, n):
    tape = []
    for i in range(n):
        k1 = a * y - b * y * y
        u2 = y + h / 2 * k1
        k2 = a * u2 - b * u2 * u2
        u3 = y + h / 2 * k2
        k3 = a * u3 - b * u3 * u3
        u4 = y + h * k3
        k4 = a * u4 - b * u4 * u4
        tape.append((y, u2, u3, u4))
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    value = y
    a_bar, b_bar, y_bar = 0.0, 0.0, 1.0
    for i in reversed(range(n)):
        y, u2, u3, u4 = tape.pop()
        k4_bar = h / 6 * y_bar
        u4_bar = k4_bar * (a - 2 * b * u4)
        k3_bar = 2 * k4_bar + h * u4_bar
        u3_bar = k3_bar * (a - 2 * b * u3)
        k2_bar = 2 * k4_bar + h / 2 * u3_bar
        u2_bar = k2_bar * (a - 2 * b * u2)
        k1_bar = k4_bar + h / 2 * u2_bar
        a_bar += k4_bar * u4 + k3_bar * u3 + k2_bar * u2 + k1_bar * y
        b_bar -= k4_bar * u4 * u4 + k3_bar * u3 * u3 + k2_bar * u2 * u2 + k1_bar * y * y
        y_bar += u4_bar + u3_bar + u2_bar + k1_bar * (a - 2 * b * y)
    return value, (a_bar, b_bar, y_bar)
