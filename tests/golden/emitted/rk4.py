def rk4_value_and_grad(a, b, y, h, n):
    y_tape = []
    for i in range(n):                                  # 12
        y_tape.append(y)
        k1 = a * y - b * y * y                          # 13
        t = h / 2                                       # 14
        u2 = y + t * k1
        k2 = a * u2 - b * u2 * u2                       # 15
        u3 = y + t * k2                                 # 16
        k3 = a * u3 - b * u3 * u3                       # 17
        u4 = y + h * k3                                 # 18
        k4 = a * u4 - b * u4 * u4                       # 19
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)        # 20
    # reverse
    y_bar = 1.0
    a_bar = 0.0
    b_bar = 0.0
    for _ in reversed(range(n)):                        # 12
        y2 = y_tape.pop()
        t = b * y2                                      # 13
        t2 = h / 2                                      # 14
        k1 = a * y2 - t * y2                            # 13
        u2 = y2 + t2 * k1                               # 14
        t3 = b * u2                                     # 15
        k2 = a * u2 - t3 * u2
        u3 = y2 + t2 * k2                               # 16
        t4 = b * u3                                     # 17
        k3 = a * u3 - t4 * u3
        u4 = y2 + h * k3                                # 18
        k4_bar = y_bar * (h / 6)                        # 20
        k3_bar = 2 * k4_bar
        t5 = k4_bar * u4                                # 19
        b_bar -= t5 * u4
        a_bar += t5
        u4_bar = k4_bar * a - (k4_bar * (b * u4) + t5 * b)
        y_bar += u4_bar                                 # 18
        k3_bar2 = k3_bar + u4_bar * h
        t5 = k3_bar2 * u3                               # 17
        b_bar -= t5 * u3
        a_bar += t5
        u3_bar = k3_bar2 * a - (k3_bar2 * t4 + t5 * b)
        y_bar += u3_bar                                 # 16
        k2_bar = k3_bar + u3_bar * t2
        t4 = k2_bar * u2                                # 15
        b_bar -= t4 * u2
        a_bar += t4
        u2_bar = k2_bar * a - (k2_bar * t3 + t4 * b)
        y_bar += u2_bar                                 # 14
        k1_bar = k4_bar + u2_bar * t2
        t2 = k1_bar * y2                                # 13
        y_bar -= k1_bar * t
        b_bar -= t2 * y2
        y_bar -= t2 * b
        a_bar += t2
        y_bar += k1_bar * a
    return y, (a_bar, b_bar, y_bar)
