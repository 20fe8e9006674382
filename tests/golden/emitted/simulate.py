def simulate_value_and_grad(theta, x, n):
    x_tape = []
    for i in range(n):                        # 14
        x_tape.append(x)
        x += 0.1 * np.sin(theta * x)          # 15
    # reverse
    x_bar = 1.0
    theta_bar = 0.0
    for _ in reversed(range(n)):              # 14
        x2 = x_tape.pop()
        t = 0.1 * x_bar * np.cos(theta * x2)  # 15
        theta_bar += t * x2
        x_bar += t * theta
    return x, (theta_bar, x_bar)
