def relaxation_value_and_grad(u, f, sweeps):
    u = copy_in_layout(u)                              # 15
    for _ in range(sweeps):
        for i in range(1, len(u) - 1):                 # 16
            u[i] = 0.5 * (u[i - 1] + u[i + 1] + f[i])  # 17
    # reverse
    u_bar = 2 * u                                      # 18
    f_bar = np.zeros_like(f)                           # 15
    for _ in reversed(range(sweeps)):
        for i in reversed(range(1, len(u) - 1)):       # 16
            t = u_bar[i]                               # 17
            u_bar[i] = 0.0
            t = 0.5 * t
            f_bar[i] += t
            u_bar[i + 1] += t
            u_bar[i - 1] += t
    return np.sum(u ** 2), (u_bar, f_bar)
