def search_value_and_grad(x, step, limit, n):
    x_tape = []
    total_tape = []
    trips_tape = []
    t2 = False
    total = 0.0
    trips = 0
    for _ in range(n):                                 # 14
        trips += 1
        trips2 = 0
        for _ in range(n):                             # 15
            trips2 += 1
            x_tape.append(x)
            x *= step                                  # 16
            total += x * x                             # 17
            total_tape.append(total)
            if total > limit:                          # 18
                t3 = total * x
                t2 = True
                break
        trips_tape.append(trips2)
        if t2:
            break
    # reverse
    if t2:                                             # 19
        t = 1.0
        total_bar = 0.0
        x_bar = 0.0
    else:
        t = 0.0
        total_bar = 1.0
        x_bar = -1.0
    step_bar = 0.0
    for _ in reversed(range(trips)):                   # 14
        for _ in reversed(range(trips_tape.pop())):    # 15
            x2 = x_tape.pop()
            x3 = x2 * step                             # 16
            total2 = total_tape.pop()
            if total2 > limit:                         # 18
                total_bar += t * x3                    # 19
                x_bar += t * total2
                t = 0.0
            x_bar2 = x_bar + 2 * (total_bar * x3)      # 17
            x_bar = x_bar2 * step                      # 16
            step_bar += x_bar2 * x2
    return t3 if t2 else total - x, (x_bar, step_bar)
