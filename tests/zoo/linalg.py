"""Products, norms and solves."""

import numpy as np

from tests.zoo.table import definite, normal, program


@program(args=(normal(3, 4), normal(4, 2, seed=1)))
def matrix_product(a, b):
    return np.tanh(a @ b)


@program(args=(normal(3, 4), normal(4, seed=1), normal(3, seed=2)))
def matrix_vector_products(a, x, y):
    return y @ a @ x + np.sum(a.T @ y)


@program(args=(normal(4), normal(4, seed=1)))
def inner_and_outer(x, y):
    return x @ y * np.outer(x, y) + np.dot(x, y)


@program(args=(normal(3), normal(3, 3, seed=1)))
def quadratic_form(x, a):
    return x @ a @ x


@program(args=(definite(3), normal(3)))
def solve(a, b):
    return np.linalg.solve(a, b)


@program(args=(definite(3), normal(3, 2)))
def solve_several(a, b):
    return np.sum(np.linalg.solve(a, b) ** 2)


@program(args=(definite(3),))
def inverse_and_determinant(a):
    return np.trace(np.linalg.inv(a)) + np.log(np.linalg.det(a))


@program(args=(normal(4),))
def norms(x):
    return np.linalg.norm(x) + np.linalg.norm(x - 1.0) ** 2


@program(args=(normal(5, 3), normal(3, 4, seed=1), normal(4, seed=2), normal(4, 2, seed=3), normal(5, 2, seed=4)))
def two_layer_network(x, w1, b1, w2, y):
    h = np.tanh(x @ w1 + b1)
    return np.mean((h @ w2 - y) ** 2)


@program(args=(normal(2, 3, 4), normal(2, 4, 2, seed=1)))
def batched_product(a, b):
    return a @ b


@program(args=(normal(3, 4), normal(3, 4, seed=1)))
def einsum(a, b):
    return np.einsum("ij,kj->ik", a, b) + np.einsum("ij,ij->", a, b)


@program(args=(normal(2, 3), normal(3, seed=1), 4))
def power_iteration(a, x, n):
    m = a.T @ a
    for i in range(n):
        x = m @ x
        x = x / np.linalg.norm(x)
    return x @ m @ x


@program(args=(normal(3, 4),))
def transposes_and_reshapes(a):
    return (a.T.reshape(2, 6) @ a.reshape(6, 2)).ravel() * a.size


@program(args=(np.array([[0.4, 1.9, 1.1], [1.3, 0.2, 1.6], [1.7, 0.9, 0.5]]),))
def rotation_from_a_singular_covariance(a):
    centred = a - np.mean(a, axis=1, keepdims=True)
    u, s, vh = np.linalg.svd(centred)
    turn = u @ vh
    if np.linalg.det(turn) < 0:
        turn -= 2 * np.outer(u[:, -1], vh[-1])
    return turn @ a
