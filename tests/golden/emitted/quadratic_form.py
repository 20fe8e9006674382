def quadratic_form_value_and_grad(x, a):
    x_bar = x @ a                      # 15
    # reverse
    a_bar = np.outer(x, x)
    x_bar2 = x_bar + a @ x
    return x_bar @ x, (x_bar2, a_bar)
