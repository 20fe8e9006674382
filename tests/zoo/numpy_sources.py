"""Functions of NumPy that are lowered as Python: from their own source, or as a function that gives the same."""

import numpy as np

from tests.zoo.table import normal, positive, program

COEFFICIENTS = [0.5, -1.0, 2.0]


@program(args=(normal(3), 0.7))
def polynomials(c, x):
    value = np.polyval(c, x) + np.polyval(COEFFICIENTS, c)
    return np.polyadd(np.polyder(c), value) - np.polysub(c, COEFFICIENTS)


@program(args=(normal(5), normal(5, seed=1)))
def fitted_line(x, y):
    slope, offset = np.polyfit(x, y, 1)
    return slope * x + offset


@program(args=(normal(4), normal(4, seed=1), normal(3, 4, seed=2)))
def correlations(x, y, rows):
    return np.corrcoef(x, y)[0, 1] * np.cov(x, y) + np.corrcoef(rows)[:2, 1:] + np.cov(rows.T[:2], rows.T[2:], rowvar=True)[0, :2]


@program(args=(normal(4),))
def pieces_of_a_line(x):
    two = np.piecewise(x, [x < 0, x >= 0], [lambda t: t * t, lambda t, k=3: k * t])
    return two + np.piecewise(x, [x > 0.5], [2.0, lambda t: np.sin(t)])


@program(args=(normal(4),))
def steps_and_sums(x):
    steps = np.ediff1d(x, to_begin=x[0], to_end=[1.0, 2.0])
    return np.nancumsum(steps[:4]) * np.nancumprod(x) + np.cumulative_sum(x)


@program(args=(0.3, 1.2))
def logarithmic_grid(low, high):
    return np.logspace(low, high, 4) + np.logspace(low, high, num=4, base=2.0, endpoint=False)


@program(args=(positive(5),))
def unwrapped_angles(x):
    return np.unwrap(4 * x) * x


@program(args=(normal(3, 3),))
def matrix_facts(a):
    b = a + 3 * np.eye(3)
    total = np.linalg.cond(b) + np.linalg.vector_norm(a) * np.linalg.matrix_norm(b) + np.linalg.trace(b)
    return total * np.linalg.outer(a[0], np.linalg.cross(a[1], a[2])) + np.linalg.diagonal(b)


@program(args=(normal(2, 3),))
def stored_along_an_axis(x):
    y = x * 2
    np.put_along_axis(y, np.argmax(x, axis=1)[:, None], x[:, :1], axis=1)
    return y * np.extract(x > -10, x)[:3]
