def softmax_cross_entropy_value_and_grad(w, b, x, labels):
    z = x @ w + b                         # 16
    m = np.max(z, axis=1, keepdims=True)  # 17
    e = np.exp(z - m)                     # 18
    t = np.sum(e, axis=1)
    lse = np.log(t) + m[:, 0]
    t2 = np.arange(len(labels))           # 19
    value = np.mean(lse - z[t2, labels])
    # reverse
    t3 = 1.0 / lse.size
    z_bar = (t3 / t)[:, None] * e         # 18
    np.add.at(z_bar, (t2, labels), -t3)
    b_bar = np.sum(z_bar, axis=0)         # 16
    w_bar = x.T @ z_bar
    return value, (w_bar, b_bar)
