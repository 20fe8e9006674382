"""Logistic regression on the breast-cancer data that comes with scikit-learn.

    python examples/logistic_regression.py [--plot logistic_regression.png]
"""

import argparse

import numpy as np
import scipy.optimize
from sklearn.datasets import load_breast_cancer

import retrograd as rg


def loss(parameters, x, y, penalty):
    """Mean cross-entropy with a ridge on the weights; parameters are the weights, then the intercept."""
    w, b = parameters[:-1], parameters[-1]
    z = x @ w + b
    return np.mean(np.logaddexp(0.0, z) - y * z) + penalty * np.sum(w**2)


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def split(x, y, share=0.7):
    """Training and test rows, shuffled the same way every time."""
    order = np.random.default_rng(0).permutation(len(y))
    cut = int(share * len(y))
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


def accuracy(parameters, x, y):
    return np.mean((x @ parameters[:-1] + parameters[-1] > 0) == y)


def plot(path, parameters, x, y):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    z = x @ parameters[:-1] + parameters[-1]
    figure, axes = plt.subplots(layout="constrained")
    axes.hist([z[y == 0], z[y == 1]], bins=40, label=["malignant", "benign"])
    axes.set(xlabel="log-odds of benign", ylabel="tumours in the test set")
    axes.legend()
    figure.savefig(path, dpi=120)
    print(f"plot written to {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", default="logistic_regression.png", help="where to write the plot")
    options = parser.parse_args()

    data = load_breast_cancer()
    x, y, x_test, y_test = split(standardised(data.data), data.target.astype(float))
    start = np.zeros(x.shape[1] + 1)

    value_and_grad = rg.value_and_grad(loss)
    value, _ = value_and_grad(start, x, y, 1e-3)
    print("The gradient, as emitted:\n")
    print(rg.source(value_and_grad))

    result = scipy.optimize.minimize(value_and_grad, start, args=(x, y, 1e-3), method="L-BFGS-B", jac=True)
    print(f"{result.nit} iterations: loss {value:.4f} -> {result.fun:.4f}, slope {np.max(np.abs(result.jac)):.1e}")
    print(f"accuracy: {accuracy(result.x, x, y):.3f} in training, {accuracy(result.x, x_test, y_test):.3f} on the rest")
    strongest = np.argsort(-np.abs(result.x[:-1]))[:5]
    print("strongest weights:", ", ".join(f"{data.feature_names[i]} {result.x[i]:+.2f}" for i in strongest))
    plot(options.plot, result.x, x_test, y_test)


if __name__ == "__main__":
    main()
