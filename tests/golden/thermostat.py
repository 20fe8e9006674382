"""A branch in a loop: the recorded value decides the branch again, so the branch is not recorded."""

WRT = ("start", "gain", "loss")
SIZES = (10, 1000)


def args(n):
    return 0.7, 1.03, 0.02, n


def thermostat(start, gain, loss, n):
    y = start
    for i in range(n):
        if y < 1.0:
            y = y * gain
        else:
            y = y - loss * y * y
    return y


def thermostat_value_and_grad(start, gain, loss, n):
    y_tape = []
    y = start
    for i in range(n):
        y_tape.append(y)
        if y < 1.0:
            y = y * gain
        else:
            y = y - loss * y * y
    value = y
    y_bar, gain_bar, loss_bar = 1.0, 0.0, 0.0
    for i in reversed(range(n)):
        y = y_tape.pop()
        if y < 1.0:
            gain_bar += y_bar * y
            y_bar = y_bar * gain
        else:
            loss_bar -= y_bar * y * y
            y_bar -= 2 * y_bar * loss * y
    return value, (y_bar, gain_bar, loss_bar)
