def logistic_loss_value_and_grad(w, b, x, y):
    z = x @ w + b                                       # 16
    e = np.exp(-z)                                      # 17
    p = 1 / (1 + e)
    t = 1 - y                                           # 18
    t2 = 1 - p
    # reverse
    t3 = -1.0 / y.size
    t4 = (y / p - t / t2) * p ** 2                      # 17
    z_bar = t3 * (t4 * e)
    b_bar = t3 * (t4 @ e)                               # 16
    w_bar = x.T @ z_bar
    return -np.mean(y * np.log(p) + t * np.log(t2)), (w_bar, b_bar)
