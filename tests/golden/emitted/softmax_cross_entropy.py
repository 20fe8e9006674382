def softmax_cross_entropy_value_and_grad(w, b, x, labels):
    z = x @ w + b                                       # 16
    m = np.max(z, axis=1, keepdims=True)                # 17
    e = np.exp(z - m)                                   # 18
    t = np.sum(e, axis=1)
    lse = np.log(t) + m[:, 0]
    t2 = np.arange(len(labels))                         # 19
    t3 = lse - z[t2, labels]
    # reverse
    t4 = 1.0 / t3.size
    lse_bar = broadcast_like(t4, t3)
    z_bar = np.zeros_like(z)
    t3 = np.mean(t3)
    np.add.at(z_bar, (t2, labels), -lse_bar)
    m_bar = np.zeros_like(m)                            # 18
    m_bar[:, 0] += lse_bar
    t = (t4 / t)[:, None] * e
    z_bar += t
    m_bar += np.sum(-t, axis=1, keepdims=True)
    t = same(z, broadcast_like(m, z))                   # 17
    z_bar += np.where(t, broadcast_like(m_bar / np.sum(t, axis=1, keepdims=True), z), 0)
    b_bar = np.sum(z_bar, axis=0)                       # 16
    w_bar = x.T @ z_bar
    return t3, (w_bar, b_bar)
