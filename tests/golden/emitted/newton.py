def newton_value_and_grad(a):
    x_tape = []
    x = a
    trips = 0
    while abs(x * x - a) > 1e-12 * a:   # 13
        trips += 1
        x_tape.append(x)
        x = 0.5 * (x + a / x)           # 14
    # reverse
    x_bar = 1.0
    a_bar = 0.0
    for _ in reversed(range(trips)):    # 13
        x2 = x_tape.pop()
        x_bar = 0.5 * x_bar             # 14
        a_bar += x_bar / x2
        x_bar -= x_bar * (a / x2 / x2)
    a_bar += x_bar
    return x, a_bar
