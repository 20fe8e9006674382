def stencil_value_and_grad(x, c):
    u = x.copy()                         # 14
    t = u[2:]                            # 15
    t2 = c * t
    t3 = u[:-2]
    u2 = np.copy(u)
    u2[1:-1] = u[1:-1] + t2 * t3
    # reverse
    u_bar = 3 * u2 ** 2                  # 16
    t4 = u_bar[1:-1].copy()              # 15
    t5 = np.sum(u2 ** 3)                 # 16
    u_bar[1:-1] = 0.0                    # 15
    t3 = t4 * t3
    u_bar[:-2] += t4 * t2
    c_bar = t3 @ t
    u_bar[2:] += t3 * c
    u_bar[1:-1] += t4
    return t5, (np.array(u_bar), c_bar)
