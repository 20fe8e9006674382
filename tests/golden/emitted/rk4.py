def rk4_value_and_grad(a, b, y, h, n):
    tape = []
    for i in range(n):                                  # 12
        k1 = a * y - b * y * y                          # 13
        u2 = y + h / 2 * k1                             # 14
        k2 = a * u2 - b * u2 * u2                       # 15
        u3 = y + h / 2 * k2                             # 16
        k3 = a * u3 - b * u3 * u3                       # 17
        u4 = y + h * k3                                 # 18
        tape.append((y, u2, u3, u4))
        k4 = a * u4 - b * u4 * u4                       # 19
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)        # 20
    # reverse
    y_bar = 1.0
    a_bar = 0.0
    b_bar = 0.0
    for _ in reversed(range(n)):                        # 12
        y2, u2, u3, u4 = tape.pop()
        k4_bar = y_bar * (h / 6)                        # 20
        u4_bar = k4_bar * (a - 2 * (b * u4))            # 19
        k3_bar = 2 * k4_bar + u4_bar * h                # 18
        u3_bar = k3_bar * (a - 2 * (b * u3))            # 17
        k2_bar = 2 * k4_bar + u3_bar * (h / 2)          # 16
        u2_bar = k2_bar * (a - 2 * (b * u2))            # 15
        k1_bar = k4_bar + u2_bar * (h / 2)              # 14
        b_bar -= k4_bar * u4 * u4 + k3_bar * u3 * u3 + k2_bar * u2 * u2 + k1_bar * y2 * y2  # 13
        a_bar += k4_bar * u4 + k3_bar * u3 + k2_bar * u2 + k1_bar * y2
        y_bar += u4_bar + u3_bar + u2_bar + k1_bar * (a - 2 * (b * y2))
    return y, (a_bar, b_bar, y_bar)
