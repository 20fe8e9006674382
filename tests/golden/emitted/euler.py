def euler_value_and_grad(rate, start, h, n):
    u = np.zeros(n + 1)                                 # 14
    u[0] = start                                        # 15
    for i in range(n):                                  # 16
        t = u[i]                                        # 17
        u[i + 1] = t + h * rate * t * (1 - t)
    # reverse
    u_bar = 2 * u / u.size                              # 18
    rate_bar = 0.0
    for i in reversed(range(n)):                        # 16
        t = u[i]                                        # 17
        t2 = u_bar[i + 1]
        t3 = t2 * (1 - t)
        rate_bar += t3 * t * h
        u_bar[i] += t2 - t2 * (h * rate * t) + t3 * (h * rate)
    start_bar = u_bar[0]                                # 15
    return np.mean(u ** 2), (rate_bar, start_bar)
