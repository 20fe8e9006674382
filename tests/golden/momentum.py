"""A class with state: an optimizer whose attributes change at every step."""

WRT = ("x", "rate", "decay")
SIZES = (10, 1000)


def args(n):
    return 1.5, 0.1, 0.9, n


class Momentum:
    def __init__(self, x, rate, decay):
        self.x = x
        self.rate = rate
        self.decay = decay
        self.velocity = 0.0

    def step(self):
        slope = self.x * (self.x * self.x - 1.0)
        self.velocity = self.decay * self.velocity - self.rate * slope
        self.x += self.velocity


def momentum(x, rate, decay, n):
    state = Momentum(x, rate, decay)
    for _ in range(n):
        state.step()
    return state.x


def momentum_value_and_grad(x, rate, decay, n):
    tape = []
    velocity = 0.0
    for _ in range(n):
        slope = x * (x * x - 1.0)
        tape.append((x, velocity, slope))
        velocity = decay * velocity - rate * slope
        x += velocity
    value = x
    x_bar, velocity_bar, rate_bar, decay_bar = 1.0, 0.0, 0.0, 0.0
    for _ in reversed(range(n)):
        x, velocity, slope = tape.pop()
        velocity_bar += x_bar
        decay_bar += velocity_bar * velocity
        rate_bar -= velocity_bar * slope
        slope_bar = -rate * velocity_bar
        velocity_bar *= decay
        x_bar += slope_bar * (3 * x * x - 1.0)
    return value, (x_bar, rate_bar, decay_bar)
