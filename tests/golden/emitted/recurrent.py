def recurrent_value_and_grad(w, u, b, xs):
    h = np.zeros(len(b))                # 16
    h_tape = []
    h_tape2 = []
    for x in xs:                        # 17
        h_tape.append(h)
        h = np.tanh(w @ h + u @ x + b)  # 18
        h_tape2.append(h)
    # reverse
    h_bar = 2 * h                       # 19
    w_bar = np.zeros_like(w)            # 17
    u_bar = np.zeros_like(u)
    b_bar = np.zeros_like(b)
    t2 = np.sum(h ** 2)                 # 19
    for t in reversed(range(len(xs))):  # 17
        h = h_tape.pop()
        x = xs[t]
        h2 = h_tape2.pop()
        t3 = h_bar * (1 - h2 ** 2)      # 18
        b_bar += t3
        u_bar += np.outer(t3, x)
        h_bar = w.T @ t3
        w_bar += np.outer(t3, h)
    return t2, (w_bar, u_bar, b_bar)
