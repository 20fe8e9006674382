def gaussian_value_and_grad(beta, log_s, x, y):
    s = np.exp(log_s)                                   # 15
    r = (y - x @ beta) / s                              # 16
    t = r ** 2                                          # 17
    n = len(y)
    # reverse
    log_s_bar = 1.0 * n
    beta_bar = x.T @ -(r / s)                           # 16
    log_s_bar -= np.sum(t / s) * s                      # 15
    return 0.5 * np.sum(t) + n * log_s, (beta_bar, log_s_bar)
