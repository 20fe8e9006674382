def network_value_and_grad(w1, b1, w2, b2, x, y):
    h = np.tanh(x @ w1 + b1)                            # 17
    r = h @ w2 + b2 - y                                 # 18
    # reverse
    r_bar = 2 * r / r.size                              # 19
    b2_bar = np.sum(r_bar, axis=0)                      # 18
    h_bar = r_bar @ w2.T
    w2_bar = h.T @ r_bar
    t = h_bar * (1 - h ** 2)                            # 17
    b1_bar = np.sum(t, axis=0)
    w1_bar = x.T @ t
    return np.mean(r ** 2), (w1_bar, b1_bar, w2_bar, b2_bar)
