"""Does the Tensor print and differentiate as the autograd tutorial says, and right?"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import retrograd as torch
from tests import oracle

TUTORIAL = pathlib.Path(__file__).parent.parent / "examples" / "autograd_tutorial.py"


def test_the_tutorial_prints_what_it_says() -> None:
    out = subprocess.run([sys.executable, str(TUTORIAL)], capture_output=True, text=True, check=True).stdout
    out = re.sub(r"0x[0-9a-f]+", "0x...", out)
    lines = out.splitlines()
    assert lines[:8] == [
        "tensor([[1., 1.],",
        "        [1., 1.]], requires_grad=True)",
        "tensor([[3., 3.],",
        "        [3., 3.]], grad_fn=<AddBackward0>)",
        "<AddBackward0 object at 0x...>",
        "tensor([[27., 27.],",
        "        [27., 27.]], grad_fn=<MulBackward0>) tensor(27., grad_fn=<MeanBackward0>)",
        "False",
    ]
    assert lines[8:13] == ["None", "True", "<SumBackward0 object at 0x...>", "tensor([[4.5000, 4.5000],", "        [4.5000, 4.5000]])"]
    assert lines[13].endswith("grad_fn=<MulBackward0>)") and lines[14].startswith("tensor([")
    assert lines[15:] == ["True", "True", "False", "False", "tensor(True)"]


def test_gradient_after_nine_doublings() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    for _ in range(8):
        y = y * 2
    y.backward(torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float))
    assert str(x.grad) == "tensor([5.1200e+01, 5.1200e+02, 5.1200e-02])"


def test_a_chain_of_a_million_nodes() -> None:
    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    del y


PROGRAMS: dict[str, Any] = {
    "chain": lambda np_, x: np_.sum(np_.exp(np_.sin(x)) * x),
    "quotient": lambda np_, x: np_.sum(x / (1 + x * x)),
    "power": lambda np_, x: np_.sum(x**3),
    "matmul": lambda np_, x: np_.sum((x @ x.T) ** 2),
    "broadcast": lambda np_, x: np_.sum(x * x[:, :1] + x[0]),
    "mean": lambda np_, x: np_.mean(np_.tanh(x)) + np_.max(x),
    "norm": lambda np_, x: np_.linalg.norm(x) ** 2,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_numpy_functions_on_tensors(name: str) -> None:
    value = np.random.default_rng(0).standard_normal((3, 4))
    x = torch.tensor(value, requires_grad=True)
    PROGRAMS[name](np, x).backward()
    estimate = oracle.gradient(lambda a: PROGRAMS[name](np, a), (value,), (0,))
    oracle.assert_close(np.asarray(x.grad.detach().numpy()).ravel(), estimate, what=name)


def test_grad_accumulates_and_graphs_are_freed() -> None:
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(RuntimeError):
        y.backward()
