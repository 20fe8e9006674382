def stencil_value_and_grad(x, c):
    u = x.copy()                           # 14
    t = c * u[2:]                          # 15
    u[1:-1] += t * u[:-2]
    # reverse
    u_bar = 3 * u ** 2                     # 16
    t2 = u_bar[1:-1]                       # 15
    t3 = t2 * x[:-2]
    u_bar[:-2] += t2 * t
    c_bar = t3 @ x[2:]
    u_bar[2:] += t3 * c
    return np.sum(u ** 3), (u_bar, c_bar)
