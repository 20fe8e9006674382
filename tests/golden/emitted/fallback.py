def fallback_value_and_grad(a, b):
    scale = np.sum(a * a)              # 22
    try:                               # 23
        if b < 0.5:                    # 16
            raise ZeroDivisionError()  # 17
        t = scale / b                  # 18
        y = t
    except ZeroDivisionError:
        completed = False
        y = scale * b                  # 26
    else:
        completed = True
    # reverse
    if completed:                      # 23
        b_bar = y - t                  # 18
        scale_bar = 1.0
    else:
        scale_bar = b * b              # 26
        b_bar = y + b * scale
    a_bar = scale_bar * (a + a)        # 22
    return y * b, (a_bar, b_bar)
