def pendulum_value_and_grad(angle, speed, length, drag, dt, n):
    tape = []
    for i in range(n):                                  # 18
        t = math.sin(angle)                             # 14
        tape.append((speed, angle, t))
        speed += dt * (-9.81 / length * t - drag * speed)  # 19
        angle += dt * speed                             # 20
    # reverse
    speed_bar = 0.0
    angle_bar = 1.0
    length_bar = 0.0
    drag_bar = 0.0
    for _ in reversed(range(n)):                        # 18
        speed, angle2, t = tape.pop()
        speed_bar += angle_bar * dt                     # 20
        t2 = speed_bar * dt                             # 19
        drag_bar -= t2 * speed                          # 14
        speed_bar -= t2 * drag
        angle_bar += t2 * (-9.81 / length) * math.cos(angle2)
        length_bar -= t2 * t * (-9.81 / length / length)
    return angle, (angle_bar, speed_bar, length_bar, drag_bar)
