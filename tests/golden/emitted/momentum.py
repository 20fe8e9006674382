def momentum_value_and_grad(x, rate, decay, n):
    tape = []
    velocity = 0.0
    for _ in range(n):                                  # 26
        tape.append((x, velocity))
        slope = x * (x * x - 1.0)                       # 19
        velocity = decay * velocity - rate * slope      # 20
        x = x + velocity
    # reverse
    x_bar = 1.0
    velocity_bar = 0.0
    decay_bar = 0.0
    rate_bar = 0.0
    for _ in reversed(range(n)):                        # 26
        x2, velocity = tape.pop()
        t = x2 * x2 - 1.0                               # 19
        slope = x2 * t
        t2 = velocity_bar + x_bar                       # 21
        rate_bar -= t2 * slope                          # 20
        decay_bar += t2 * velocity
        velocity_bar = t2 * decay
        x_bar -= t2 * rate * t + 2 * (t2 * rate * x2 * x2)  # 19
    return x, (x_bar, rate_bar, decay_bar)
