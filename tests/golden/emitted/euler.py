def euler_value_and_grad(rate, start, h, n):
    u = np.zeros(n + 1)                            # 14
    u[0] = start                                   # 15
    t_tape = []
    for i in range(n):                             # 16
        t = u[i]                                   # 17
        t_tape.append(t)
        u[i + 1] = t + h * rate * t * (1 - t)
    t = u ** 2                                     # 18
    # reverse
    u_bar = 2 * u / t.size
    t = np.mean(t)
    rate_bar = 0.0
    for i in reversed(range(n)):                   # 16
        t2 = t_tape.pop()
        t3 = h * rate                              # 17
        t4 = i + 1
        t5 = u_bar[t4]
        u_bar[t4] = 0.0
        t4 = t5 * (1 - t2)
        rate_bar += t4 * t2 * h
        u_bar[i] += t5 - t5 * (t3 * t2) + t4 * t3
    start_bar = u_bar[0]                           # 15
    return t, (rate_bar, start_bar)
