def recurrent_value_and_grad(w, u, b, xs):
    h = np.zeros(len(b))                          # 16
    h_tape = []
    h_tape2 = []
    for x in xs:                                  # 17
        h_tape.append(h)
        h = np.tanh(w @ h + u @ x + b)            # 18
        h_tape2.append(h)
    # reverse
    h_bar = 2 * h                                 # 19
    w_bar = np.zeros_like(w)                      # 17
    u_bar = np.zeros_like(u)
    b_bar = np.zeros_like(b)
    for t in reversed(range(len(xs))):
        x = xs[t]
        t2 = h_bar * (1 - h_tape2.pop() ** 2)     # 18
        b_bar += t2
        u_bar += np.outer(t2, x)
        h_bar = w.T @ t2
        w_bar += np.outer(t2, h_tape.pop())
    return np.sum(h ** 2), (w_bar, u_bar, b_bar)
