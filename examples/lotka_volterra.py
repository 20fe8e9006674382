"""Hares and lynxes: fits the predator-prey equations to a century-old fur record.

The model is plain Python: a right-hand side, a Runge-Kutta step, two loops, a log-normal likelihood.  Nothing in it
knows about differentiation; `rg.value_and_grad(loss)` is all that SciPy's optimiser needs.

    python examples/lotka_volterra.py [--plot lotka_volterra.png]
"""

import argparse
import time
from pathlib import Path

import numpy as np
import scipy.optimize

import retrograd as rg

DATA = Path(__file__).parent / "data" / "lynx_hare.csv"
NAMES = ("hare growth", "predation", "lynx decline", "lynx growth", "hares in 1900", "lynxes in 1900", "noise scale")
STEPS_A_YEAR = 10


# -- the model --------------------------------------------------------------------------------------------


def rates_of_change(hare, lynx, growth, predation, decline, conversion):
    return hare * (growth - predation * lynx), lynx * (conversion * hare - decline)


def runge_kutta_step(hare, lynx, h, growth, predation, decline, conversion):
    hare_1, lynx_1 = rates_of_change(hare, lynx, growth, predation, decline, conversion)
    hare_2, lynx_2 = rates_of_change(
        hare + h / 2 * hare_1, lynx + h / 2 * lynx_1, growth, predation, decline, conversion
    )
    hare_3, lynx_3 = rates_of_change(
        hare + h / 2 * hare_2, lynx + h / 2 * lynx_2, growth, predation, decline, conversion
    )
    hare_4, lynx_4 = rates_of_change(hare + h * hare_3, lynx + h * lynx_3, growth, predation, decline, conversion)
    hare = hare + h / 6 * (hare_1 + 2 * hare_2 + 2 * hare_3 + hare_4)
    lynx = lynx + h / 6 * (lynx_1 + 2 * lynx_2 + 2 * lynx_3 + lynx_4)
    return hare, lynx


def loss(log_parameters, log_hares, log_lynxes):
    """Minus the log-likelihood of the pelts, log-normal around the populations of the model."""
    growth, predation, decline, conversion, hare, lynx, noise = np.exp(log_parameters)
    squares = 0.0
    for year in range(len(log_hares)):
        squares += (log_hares[year] - np.log(hare)) ** 2 + (log_lynxes[year] - np.log(lynx)) ** 2
        for step in range(STEPS_A_YEAR):
            hare, lynx = runge_kutta_step(hare, lynx, 1 / STEPS_A_YEAR, growth, predation, decline, conversion)
    return 0.5 * squares / noise**2 + 2 * len(log_hares) * np.log(noise)


# -- the fit ----------------------------------------------------------------------------------------------


def fit(value_and_grad, start, log_hares, log_lynxes):
    return scipy.optimize.minimize(
        value_and_grad, start, args=(log_hares, log_lynxes), method="L-BFGS-B", jac=True, options={"maxiter": 500}
    )


def first_guess(hares, lynxes):
    return np.log([0.5, 0.025, 0.8, 0.025, hares[0], lynxes[0], 0.5])


def populations(log_parameters, years):
    """The fitted populations, at every step: for the plot."""
    growth, predation, decline, conversion, hare, lynx, _ = np.exp(log_parameters)
    path = [(hare, lynx)]
    for _ in range((len(years) - 1) * STEPS_A_YEAR):
        path.append(runge_kutta_step(*path[-1], 1 / STEPS_A_YEAR, growth, predation, decline, conversion))
    return np.linspace(years[0], years[-1], len(path)), np.array(path)


# -- the checks -------------------------------------------------------------------------------------------


def complex_step(function, x, *args):
    """The gradient to the last bit, since `loss` is analytic: Im f(x + ih) / h."""
    slopes = []
    for i in range(len(x)):
        moved = x.astype(complex)
        moved[i] += 1e-30j
        slopes.append(np.imag(function(moved, *args)) / 1e-30)
    return np.array(slopes)


def fastest(function, *args, calls=5):
    """The least of a few timings, in milliseconds."""
    durations = []
    for _ in range(calls):
        begin = time.perf_counter()
        function(*args)
        durations.append(time.perf_counter() - begin)
    return 1e3 * min(durations)


def finite_differences(x, *args):
    return scipy.optimize.approx_fprime(x, loss, 1e-7, *args)


def plot(path, years, hares, lynxes, log_parameters):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    times, model = populations(log_parameters, years)
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for k, (name, data) in enumerate({"hare": hares, "lynx": lynxes}.items()):
        axes.plot(times, model[:, k], color=f"C{k}", label=f"{name}, fitted")
        axes.plot(years, data, "o", color=f"C{k}", label=f"{name}, pelts collected")
    axes.set(xlabel="year", ylabel="thousands", title="The fur record and the predator-prey equations")
    axes.legend()
    figure.savefig(path, dpi=120)
    print(f"\nplot written to {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", default="lotka_volterra.png", help="where to write the plot")
    options = parser.parse_args()

    years, lynxes, hares = np.loadtxt(DATA, delimiter=",", skiprows=2, unpack=True)
    data = np.log(hares), np.log(lynxes)
    start = first_guess(hares, lynxes)

    value_and_grad = rg.value_and_grad(loss)
    value, gradient = value_and_grad(start, *data)
    print("The adjoint of the loss, as emitted:\n")
    print(rg.source(value_and_grad))

    exact = complex_step(loss, start, *data)
    error = np.max(np.abs(gradient - exact)) / np.max(np.abs(exact))
    print(f"relative distance of the gradient from complex step: {error:.1e}")
    assert error < 1e-10, "the gradient is wrong"

    result = fit(value_and_grad, start, *data)
    print(f"\n{result.nit} iterations, {result.nfev} gradients: loss {value:.3f} -> {result.fun:.3f}")
    for name, estimate in zip(NAMES, np.exp(result.x)):
        print(f"  {name:15s} {estimate:8.4f}")

    primal = fastest(loss, start, *data)
    adjoint = fastest(value_and_grad, start, *data)
    differences = fastest(finite_differences, start, *data)
    print(f"\nloss {primal:.2f} ms; value and gradient {adjoint:.2f} ms ({adjoint / primal:.1f}x the loss);")
    print(f"gradient by finite differences {differences:.2f} ms ({differences / primal:.1f}x, and 8 digits fewer)")
    plot(options.plot, years, hares, lynxes, result.x)


if __name__ == "__main__":
    main()
