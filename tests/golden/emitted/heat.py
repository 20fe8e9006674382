def heat_value_and_grad(u0, r, target, steps):
    u = u0.copy()                     # 15
    t_tape = []
    for k in range(steps):            # 16
        t = u[1:-1]                   # 17
        t2 = u[2:] - 2 * t + u[:-2]
        t_tape.append(t2)
        u[1:-1] = t + r * t2
    t = u - target                    # 18
    # reverse
    u_bar = 2 * t
    t = np.sum(t ** 2)
    r_bar = 0.0
    for _ in reversed(range(steps)):  # 16
        t2 = t_tape.pop()
        t3 = u_bar[1:-1].copy()       # 17
        u_bar[1:-1] = 0.0
        r_bar += t3 @ t2
        t2 = t3 * r
        u_bar[:-2] += t2
        t3 += -2 * t2
        u_bar[2:] += t2
        u_bar[1:-1] += t3
    return t, (u_bar, r_bar)
