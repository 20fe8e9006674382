def logistic_loss_value_and_grad(w, b, x, y):
    z = x @ w + b                        # 16
    e = np.exp(-z)                       # 17
    p = 1 / (1 + e)
    t = 1 - y                            # 18
    t2 = 1 - p
    t3 = y * np.log(p) + t * np.log(t2)
    # reverse
    t4 = -1.0 / t3.size
    t = (y / p - t / t2) * p ** 2        # 17
    z_bar = t4 * (t * e)
    b_bar = t4 * (t @ e)                 # 16
    w_bar = x.T @ z_bar
    return -np.mean(t3), (w_bar, b_bar)
