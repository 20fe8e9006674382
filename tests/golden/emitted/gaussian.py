def gaussian_value_and_grad(beta, log_s, x, y):
    s = np.exp(log_s)                                   # 15
    r = (y - x @ beta) / s                              # 16
    t = np.sum(r ** 2)                                  # 17
    # reverse
    beta_bar = x.T @ -(r / s)                           # 16
    log_s_bar = len(y) - t                              # 15
    return 0.5 * t + len(y) * log_s, (beta_bar, log_s_bar)
