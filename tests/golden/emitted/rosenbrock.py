def rosenbrock_value_and_grad(x):
    total = 0.0
    for i in range(len(x) - 1):                         # 15
        t = x[i]                                        # 16
        total += 100.0 * (x[i + 1] - t ** 2) ** 2 + (1.0 - t) ** 2
    # reverse
    x_bar = np.zeros_like(x)                            # 15
    for i in reversed(range(len(x) - 1)):
        t = x[i]                                        # 16
        t2 = x[i + 1] - t ** 2
        x_bar[i] -= 2 * (1.0 - t) + 400.0 * (t2 * t)
        x_bar[i + 1] += 200.0 * t2
    return total, x_bar
