def fallback_value_and_grad(a, b):
    scale = np.sum(a * a)              # 21
    try:                               # 22
        if b < 0.5:                    # 15
            raise ZeroDivisionError()  # 16
        t = scale / b                  # 17
        y = t
    except ZeroDivisionError:
        completed = False
        y = scale * b                  # 25
    else:
        completed = True
    # reverse
    if completed:                      # 22
        b_bar = y - t                  # 17
        scale_bar = 1.0
    else:
        scale_bar = b * b              # 25
        b_bar = y + b * scale
    a_bar = scale_bar * (a + a)        # 21
    return y * b, (a_bar, b_bar)
