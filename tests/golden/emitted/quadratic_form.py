def quadratic_form_value_and_grad(x, a):
    t = x @ a                     # 15
    # reverse
    a_bar = np.outer(x, x)
    x_bar = t + a @ x
    return t @ x, (x_bar, a_bar)
