def kernel_value_and_grad(x, width):
    scale = width * width + 0.1                         # 15
    t = x - 0.0                                         # 18
    t2 = -t ** 2 / scale
    e = np.exp(t2)
    t3 = np.sum(e)
    t4 = x - 1.0
    t5 = -t4 ** 2 / scale
    e2 = np.exp(t5)
    t6 = np.sum(e2)
    # reverse
    x_bar = -(t3 * (2 * (e2 * t4)) / scale + t6 * (2 * (e * t)) / scale)
    width_bar = -(2 * ((t3 * np.sum(e2 * t5 / scale) + t6 * np.sum(e * t2 / scale)) * width))  # 15
    return t3 * t6, (x_bar, width_bar)
