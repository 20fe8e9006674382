"""A least-squares fit of two overlapping peaks, with an exact Jacobian for scipy.optimize.least_squares.

    python examples/curve_fitting.py [--plot curve_fitting.png]
"""

import argparse

import numpy as np
import scipy.optimize

import retrograd as rg

TRUTH = np.array([1.0, 2.0, 0.6, 0.7, 3.6, 0.9, 0.2])
START = np.array([0.5, 1.5, 1.0, 0.5, 4.5, 1.0, 0.0])


def peak(t, height, centre, width):
    return height * np.exp(-(((t - centre) / width) ** 2))


def spectrum(p, t):
    return peak(t, p[0], p[1], p[2]) + peak(t, p[3], p[4], p[5]) + p[6]


def residuals(p, t, y):
    return spectrum(p, t) - y


def measurements(n=120, noise=0.02):
    t = np.linspace(0.0, 6.0, n)
    return t, spectrum(TRUTH, t) + noise * np.random.default_rng(0).standard_normal(n)


def plot(path, t, y, p):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(layout="constrained")
    axes.plot(t, y, ".", label="measured")
    axes.plot(t, spectrum(p, t), label="fitted")
    axes.plot(t, spectrum(START, t), "--", label="first guess")
    axes.legend()
    figure.savefig(path, dpi=120)
    print(f"plot written to {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", default="curve_fitting.png", help="where to write the plot")
    options = parser.parse_args()

    t, y = measurements()
    jacobian = rg.jacobian(residuals)
    exact = scipy.optimize.least_squares(residuals, START, jac=jacobian, args=(t, y))
    differences = scipy.optimize.least_squares(residuals, START, jac="2-point", args=(t, y))

    shape = jacobian(START, t, y).shape
    print(f"our Jacobian, {shape[0]} x {shape[1]}:", end=" ")
    print(f"{exact.nfev} residuals, {exact.njev} Jacobians, cost {exact.cost:.6f}")
    # SciPy counts the calls that a finite-difference Jacobian makes separately: one per parameter.
    calls = differences.nfev + len(START) * differences.njev
    print(f"finite differences: {calls} residuals, cost {differences.cost:.6f}")

    covariance = np.linalg.inv(exact.jac.T @ exact.jac) * 2 * exact.cost / (len(y) - len(START))
    for k, name in enumerate(("height 1", "centre 1", "width 1", "height 2", "centre 2", "width 2", "offset")):
        print(f"  {name}  {exact.x[k]:7.4f} +- {np.sqrt(covariance[k, k]):.4f}   (true {TRUTH[k]})")
    plot(options.plot, t, y, exact.x)


if __name__ == "__main__":
    main()
