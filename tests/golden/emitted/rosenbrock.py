def rosenbrock_value_and_grad(x):
    t = len(x) - 1                                      # 15
    total = 0.0
    for i in range(t):
        t2 = x[i]                                       # 16
        total += 100.0 * (x[i + 1] - t2 ** 2) ** 2 + (1.0 - t2) ** 2
    # reverse
    x_bar = np.zeros_like(x)                            # 15
    total_bar = 1.0
    for i in reversed(range(t)):
        t = i + 1                                       # 16
        t2 = x[i]
        t3 = 100.0 * total_bar * (2 * (x[t] - t2 ** 2))
        x_bar[i] += -(total_bar * (2 * (1.0 - t2)) + t3 * (2 * t2))
        x_bar[t] += t3
    return total, x_bar
