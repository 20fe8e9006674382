def heat_value_and_grad(u0, r, target, steps):
    u = u0.copy()                          # 15
    t_tape = []
    for k in range(steps):                 # 16
        t = u[1:-1]                        # 17
        t2 = u[2:] - 2 * t + u[:-2]
        t_tape.append(t2)
        u[1:-1] = t + r * t2
    t = u - target                         # 18
    # reverse
    u_bar = 2 * t
    r_bar = 0.0
    for _ in reversed(range(steps)):       # 16
        t2 = u_bar[1:-1]                   # 17
        r_bar += t2 @ t_tape.pop()
        t2 = t2 * r
        u_bar[:-2] += t2
        u_bar[2:] += t2
        u_bar[1:-1] -= 2 * t2
    return np.sum(t ** 2), (u_bar, r_bar)
