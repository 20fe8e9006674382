"""A damped pendulum whose acceleration is a function of its own: by hand, the call is written out."""

import math

WRT = ("angle", "speed", "length", "drag")
SIZES = (10, 1000)


def args(n):
    return 0.5, 0.1, 1.2, 0.05, 2.0 / n, n


def acceleration(angle, speed, length, drag):
    return -9.81 / length * math.sin(angle) - drag * speed


def pendulum(angle, speed, length, drag, dt, n):
    for i in range(n):
        speed = speed + dt * acceleration(angle, speed, length, drag)
        angle = angle + dt * speed
    return angle


def pendulum_value_and_grad(angle, speed, length, drag, dt, n):
    tape = []
    for i in range(n):
        tape.append((angle, speed))
        speed = speed + dt * (-9.81 / length * math.sin(angle) - drag * speed)
        angle = angle + dt * speed
    value = angle
    angle_bar, speed_bar, length_bar, drag_bar = 1.0, 0.0, 0.0, 0.0
    for i in reversed(range(n)):
        angle, speed = tape.pop()
        speed_bar += dt * angle_bar
        a_bar = dt * speed_bar
        drag_bar -= a_bar * speed
        length_bar += a_bar * 9.81 / length**2 * math.sin(angle)
        angle_bar -= a_bar * 9.81 / length * math.cos(angle)
        speed_bar -= a_bar * drag
    return value, (angle_bar, speed_bar, length_bar, drag_bar)
