def relaxation_value_and_grad(u, f, sweeps):
    t_tape = []
    u = np.copy(u)                                     # 16
    for _ in range(sweeps):
        t_tape.append(len(u) - 1)
        for i in range(1, len(u) - 1):                 # 17
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + f[i])  # 18
    # reverse
    u_bar = 2 * u                                      # 19
    f_bar = np.zeros_like(f)                           # 16
    for _ in reversed(range(sweeps)):
        for i in reversed(range(1, t_tape.pop())):     # 17
            t = u_bar[i]                               # 18
            u_bar[i] = 0.0
            t = 0.5 * t
            f_bar[i] += t
            u_bar[i + 1] += t
            u_bar[i - 1] += t
    return np.sum(u ** 2), (u_bar, f_bar)
