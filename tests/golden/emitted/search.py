def search_value_and_grad(x, step, limit, n):
    x_tape = []
    trips_tape = []
    t2 = False
    total = 0.0
    trips = 0
    for _ in range(n):                                  # 13
        trips += 1
        trips2 = 0
        for _ in range(n):                              # 14
            trips2 += 1
            x_tape.append(x)
            x *= step                                   # 15
            total += x * x                              # 16
            if total > limit:                           # 17
                t2 = True
                break
        trips_tape.append(trips2)
        if t2:
            break
    # reverse
    if t2:                                              # 18
        total_bar = x
        x_bar = total
    else:
        total_bar = 1.0
        x_bar = -1.0
    step_bar = 0.0
    for _ in reversed(range(trips)):                    # 13
        for _ in reversed(range(trips_tape.pop())):     # 14
            x2 = x_tape.pop()
            x3 = x2 * step                              # 15
            x_bar2 = x_bar + 2 * (total_bar * x3)       # 16
            x_bar = x_bar2 * step                       # 15
            step_bar += x_bar2 * x2
    return total * x if t2 else total - x, (x_bar, step_bar)
