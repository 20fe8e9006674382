def thermostat_value_and_grad(start, gain, loss, n):
    y_tape = []
    y = start
    for i in range(n):                          # 13
        y_tape.append(y)
        if y < 1.0:                             # 14
            y *= gain                           # 15
        else:
            y -= loss * y * y                   # 17
    # reverse
    y_bar = 1.0
    gain_bar = 0.0
    loss_bar = 0.0
    for _ in reversed(range(n)):                # 13
        y2 = y_tape.pop()
        if y2 < 1.0:                            # 14
            y_bar2 = y_bar * gain               # 15
            gain_bar += y_bar * y2
            y_bar = y_bar2
        else:
            loss_bar -= y_bar * y2 * y2         # 17
            y_bar -= 2 * (y_bar * (loss * y2))
    return y, (y_bar, gain_bar, loss_bar)
