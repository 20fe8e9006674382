def pendulum_value_and_grad(angle, speed, length, drag, dt, n):
    speed_tape = []
    angle_tape = []
    t_tape = []
    for i in range(n):                                  # 18
        speed_tape.append(speed)
        angle_tape.append(angle)
        t = math.sin(angle)                             # 14
        t_tape.append(t)
        speed += dt * (-9.81 / length * t - drag * speed)  # 19
        angle += dt * speed                             # 20
    # reverse
    speed_bar = 0.0
    angle_bar = 1.0
    length_bar = 0.0
    drag_bar = 0.0
    for _ in reversed(range(n)):                        # 18
        speed = speed_tape.pop()
        angle2 = angle_tape.pop()
        t = -9.81 / length                              # 14
        t2 = t_tape.pop()
        speed_bar += angle_bar * dt                     # 20
        t3 = speed_bar * dt                             # 19
        drag_bar -= t3 * speed                          # 14
        speed_bar -= t3 * drag
        angle_bar += t3 * t * math.cos(angle2)
        length_bar -= t3 * t2 * (t / length)
    return angle, (angle_bar, speed_bar, length_bar, drag_bar)
