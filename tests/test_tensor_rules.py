"""Does every rule, recorded in a graph, give the derivative?  The samples of the rules, through both faces.

The references are differences of the primitive itself.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import retrograd.torch_names as torch
from retrograd.runtime import engine
from retrograd.runtime.errors import DifferentiationError, NoRule
from retrograd.runtime.graph import Variable, apply, edge_of, source
from retrograd.runtime.tensor import Tensor
from retrograd.runtime.traced import TracedArray
from tests.rule_samples import SAMPLES, Sample
from tests.test_rules import REFUSED, active, bound, close, direction, inner, leaves, mapped, moved, richardson, stepped

SMOOTH = [s for s in SAMPLES if not s.kink]


def named(sample: Sample) -> bool:
    """A function that users call on arrays, not one of the rules' own."""
    return not sample.primitive.__module__.startswith("retrograd") if hasattr(sample.primitive, "__module__") else True


def entered(value: Any, make: Callable[[Any], Any]) -> Any:
    """The floats of an argument as variables."""
    return mapped(lambda leaf: make(leaf) if isinstance(leaf, np.ndarray | np.generic | float | complex) else leaf, value)


def placed(sample: Sample, make: Callable[[Any], Any]) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
    """The call's arguments with variables for the active ones, which are also returned by name."""
    found, call = bound(sample)
    variables = {x: entered(value, make) for x, value in active(sample).items()}
    call.arguments.update(variables)
    return call.args, call.kwargs, variables


def bare(value: Any) -> Any:
    return mapped(lambda v: v._value if isinstance(v, Variable) else v, value)


def outputs(z: Any) -> list[Variable]:
    return [v for v in leaves(tuple(z) if isinstance(z, tuple) else z) if isinstance(v, Variable) and edge_of(v)]


def swept(z: Any, z_bar: Any, variables: dict[str, Any], lift: Any = None) -> dict[str, Any]:
    """The cotangents of the variables; zeros where the result does not depend on one."""
    flat_z = leaves(tuple(z) if isinstance(z, tuple) else z)
    pairs = [(edge_of(v), b) for v, b in zip(flat_z, leaves(z_bar), strict=True) if isinstance(v, Variable) and edge_of(v)]
    inputs = [v for value in variables.values() for v in leaves(value)]
    seeds = [_seed(b, v, lift) for (v, b) in pairs]
    bars = iter(engine.run([e for e, _ in pairs], seeds, [edge_of(v) for v in inputs], True, lift))
    return {x: mapped(lambda v: _filled(next(bars), v), value) for x, value in variables.items()}


def _seed(bar: Any, edge: Any, lift: Any) -> Any:
    node, index = edge
    shape, dtype = node.meta[index]
    value = np.asarray(bar).astype(dtype) if dtype.kind == "c" else np.asarray(bar).real.astype(dtype)
    return value if lift is None else (bar if isinstance(bar, Variable) else lift._make(value))


def _filled(bar: Any, variable: Any) -> Any:
    return np.zeros_like(variable._value) if bar is None else bar


@pytest.mark.parametrize("sample", SMOOTH, ids=lambda s: s.id)
def test_a_traced_call_has_the_derivative_and_the_same_value(sample: Sample) -> None:
    args, kwargs, variables = placed(sample, lambda v: source(TracedArray, v))
    if not variables:
        return
    with np.errstate(all="ignore"):
        z = apply(sample.primitive, args, kwargs)
        plain = sample.call()
    for a, b in zip(leaves(bare(tuple(z) if isinstance(z, tuple) else z)), leaves(plain), strict=True):
        np.testing.assert_array_equal(a, b)
    z_bar = direction(mapped(np.asarray, bare(tuple(z) if isinstance(z, tuple) else z)), 1)
    found = swept(z, z_bar, variables)
    for x, value in active(sample).items():
        v = direction(value, 7)
        expected = richardson(lambda h, x=x, v=v: moved(sample, {x: v}, h))
        reference = inner(z_bar, expected)
        scale = abs(reference) + math.sqrt(inner(expected, expected))
        assert close(inner(found[x], v), reference, scale, sample), x
        for leaf, bar in zip(leaves(value), leaves(found[x]), strict=True):
            assert np.shape(bar) == np.shape(leaf)
            assert np.asarray(bar).dtype == np.asarray(leaf).dtype


@pytest.mark.parametrize("sample", [s for s in SMOOTH if named(s)], ids=lambda s: s.id)
def test_second_derivatives_are_differences_of_the_first(sample: Sample) -> None:
    """create_graph: the pullback is recorded and differentiated again."""
    every = leaves([*sample.args])
    if any(np.size(leaf) == 0 or np.asarray(leaf).dtype == np.float32 for leaf in every):
        return
    args, kwargs, variables = placed(sample, lambda v: source(TracedArray, v))
    if not variables:
        return
    with np.errstate(all="ignore"):
        z = apply(sample.primitive, args, kwargs)
    plain_bar = direction(mapped(np.asarray, bare(tuple(z) if isinstance(z, tuple) else z)), 11)
    weights = {x: direction(value, 12) for x, value in active(sample).items()}
    if not outputs(z):
        return
    try:
        first = swept(z, plain_bar, variables, lift=TracedArray)
        total = _weighted(first, weights)
        if not isinstance(total, Variable) or edge_of(total) is None:
            second = {x: mapped(lambda v: np.zeros_like(v._value), value) for x, value in variables.items()}
        else:
            second = swept(total, np.ones(()), variables)
    except NoRule:
        complex_ = any(np.iscomplexobj(leaf) for leaf in [*every, *leaves(bare(tuple(z) if isinstance(z, tuple) else z))])
        assert complex_ or bound(sample)[0].name in SECOND_ORDER_REFUSED | REFUSED
        return
    except np.linalg.LinAlgError:
        assert sample.primitive is np.linalg.det
        return
    steps = {x: direction(value, 13) for x, value in active(sample).items()}
    expected = float(np.real(richardson(lambda h: first_order(sample, plain_bar, weights, steps, h))[0]))
    found = sum(inner(second[x], steps[x]) for x in steps)
    assert abs(found - expected) <= 1e-5 * (1 + abs(expected)), (found, expected)


#: Rules whose second derivative is refused by name (rules/helpers.py says so).
SECOND_ORDER_REFUSED = {"np.linalg.norm", "np.einsum"}


def _weighted(first: dict[str, Any], weights: dict[str, Any]) -> Any:
    total: Any = 0.0
    for x, bars in first.items():
        for bar, w in zip(leaves(bars), leaves(weights[x]), strict=True):
            total = total + np.sum(np.real(np.conj(w) * bar))
    return total


def first_order(sample: Sample, z_bar: Any, weights: dict[str, Any], steps: dict[str, Any], h: float) -> Any:
    """The weighted sum of cotangents with the arguments moved by ``h`` times ``steps``."""
    found, call = bound(sample)
    for x, step in steps.items():
        call.arguments[x] = mapped(lambda a, v: stepped(a, h * v), call.arguments[x], step)
    there = Sample(sample.primitive, call.args, call.kwargs)
    args, kwargs, variables = placed(there, lambda v: source(TracedArray, v))
    with np.errstate(all="ignore"):
        z = apply(sample.primitive, args, kwargs)
        return np.asarray(float(_weighted(swept(z, z_bar, variables), weights)))


# -- through NumPy's protocols ---------------------------------------------------------------------------

PROTOCOL = [
    s for s in SMOOTH
    if named(s) and (isinstance(s.primitive, np.ufunc) or getattr(s.primitive, "__module__", "").startswith("numpy"))
    and s.primitive not in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.full, np.linspace, np.float64)
    and not isinstance(s.primitive, type)
]  # fmt: skip


@pytest.mark.parametrize("sample", PROTOCOL, ids=lambda s: s.id)
@pytest.mark.parametrize("face", [Tensor, TracedArray])
def test_numpy_functions_take_variables(sample: Sample, face: type) -> None:
    """``np.sin(x)`` on a variable is recorded and gives what ``np.sin`` gives; it is never lost without an error."""
    args, kwargs, variables = placed(sample, lambda v: _leaf(face, v))
    if not variables or all(not isinstance(v, np.ndarray) for v in leaves(list(active(sample).values()))):
        return
    with np.errstate(all="ignore"):
        try:
            z = sample.primitive(*args, **kwargs)
        except (DifferentiationError, RuntimeError) as error:
            assert isinstance(error, NoRule) or "lose its derivative" in str(error) or "numpy()" in str(error)
            return
        plain = sample.call()
    found = leaves(tuple(z) if isinstance(z, tuple) else z)
    for a, b in zip(found, leaves(plain), strict=True):
        np.testing.assert_array_equal(a._value if isinstance(a, Variable) else a, b)
        if np.asarray(b).dtype.kind in "fc":
            assert isinstance(a, Variable)


def _leaf(face: type, value: Any) -> Any:
    if face is TracedArray:
        return source(TracedArray, value)
    return Tensor._make(np.array(value)).requires_grad_()


# -- the tensor's own operations ---------------------------------------------------------------------------

M = [[0.3, 0.7, 0.45], [0.9, 0.25, 0.6], [0.15, 0.8, 0.35]]
UNARY = sorted(
    set(torch.NAMES) & set("""abs acos asin asinh atan atanh cos cosh deg2rad exp exp2 expm1 frac log log10 log1p log2 logit
    logsigmoid neg rad2deg reciprocal relu rsqrt sigmoid silu sin sinh softplus sqrt square tan tanh positive""".split())
)  # fmt: skip
CASES: dict[str, Callable[..., Any]] = {
    **{name: lambda x, name=name: getattr(torch, name)(x) for name in UNARY},
    "add": lambda x: x + x * 2 + 1.5,
    "sub": lambda x: 1 - x - x[0],
    "div": lambda x: 2 / x + x / (x + 1) + x / 3,
    "pow": lambda x: x**3 + x**0.5 + x**x + 2**x,
    "remainder": lambda x: (5 * x) % 0.77,
    "maximum": lambda x: torch.maximum(x, x.flip(0) + 0.01),
    "atan2": lambda x: torch.atan2(x, x.t() + 1),
    "clamp": lambda x: x.clamp(0.2, 0.65),
    "clamp_min": lambda x: x.clamp_min(0.32),
    "where": lambda x: torch.where(x > 0.5, x, x * x),
    "lerp": lambda x: x.lerp(x * x, 0.3),
    "addcmul": lambda x: x.addcmul(x, x, value=2),
    "addcdiv": lambda x: x.addcdiv(x, x + 1, value=2),
    "sum": lambda x: x.sum(0) * x.sum() * x.sum((0, 1)) * x.sum(1, keepdim=True),
    "mean": lambda x: x.mean(0) * x.mean() * x.mean(dim=1, keepdim=True),
    "prod": lambda x: x.prod() + x.prod(0),
    "var": lambda x: x.var() + x.var(0) + x.var(dim=1, unbiased=False),
    "std": lambda x: x.std() + x.std(0),
    "norm": lambda x: x.norm() + x.norm(1) + x.norm(3, dim=0) + x.norm(dim=1, keepdim=True),
    "max": lambda x: x.max() + x.max(0).values + x.max(1, keepdim=True)[0] + x.amax(0),
    "min": lambda x: x.min() + x.min(0)[0] + x.amin(1),
    "median": lambda x: x.median() + x.median(0)[0],
    "sort": lambda x: x.sort(0)[0] * torch.arange(3.0, dtype=torch.float64),
    "topk": lambda x: x.topk(2)[0] + x.kthvalue(2, keepdim=True)[0],
    "cumsum": lambda x: x.cumsum(0) * x.cumprod(1),
    "softmax": lambda x: x.softmax(0) * x + x.log_softmax(1) + x.logsumexp(0),
    "matmul": lambda x: x @ x + (x @ x[0]) + x.mv(x[1]) + x[0].dot(x[1]),
    "bmm": lambda x: torch.bmm(x[None], x[None] * 2),
    "addmm": lambda x: torch.addmm(x, x, x, beta=2, alpha=3),
    "einsum": lambda x: torch.einsum("ij,jk->ik", x, x),
    "outer": lambda x: torch.outer(x[0], x[1]),
    "tensordot": lambda x: torch.tensordot(x, x, 1),
    "kron": lambda x: torch.kron(x, x),
    "trace": lambda x: x.trace() * x.diagonal() + x.diag(),
    "view": lambda x: x.view(9) * x.reshape(-1) * x.flatten(),
    "transpose": lambda x: x.t() * x.T * x.mT * x.transpose(0, 1) * x.permute(1, 0) * x.movedim(0, 1) * x,
    "unsqueeze": lambda x: x.unsqueeze(0).squeeze(0) * x[None].squeeze(),
    "expand": lambda x: x[0].expand(2, 3) * x[1],
    "repeat": lambda x: x.repeat(2, 1) * 2 + x.repeat_interleave(2, 0),
    "index": lambda x: x[0] * x[1:, :1] * x[:, torch.tensor([0, 0, 2])][1] * x[x > 0.55].sum(),
    "narrow": lambda x: x.narrow(0, 1, 2) * x.select(1, 0)[:2, None],
    "gather": lambda x: x.gather(0, torch.tensor([[0, 2, 2]])) + x.take(torch.tensor([0, 0, 8])),
    "index_select": lambda x: x.index_select(0, torch.tensor([0, 0, 2])),
    "masked": lambda x: x.masked_fill(x > 0.5, 2.0) * x.masked_select(x < 0.85).sum(),
    "scatter": lambda x: x.scatter(0, torch.tensor([[0, 1, 2]]), x * x) + x.scatter_add(0, torch.tensor([[1, 1, 1]]), x * x),
    "index_add": lambda x: x.index_add(0, torch.tensor([0, 0]), x[:2] ** 2) + x.index_copy(1, torch.tensor([2]), x[:, :1]),
    "split": lambda x: x.split(2)[0] * x.chunk(2)[0] * x.unbind()[0],
    "cat": lambda x: torch.cat([x, x * x]) + torch.stack([x, x]).sum(0).repeat(2, 1) + torch.vstack([x, x]),
    "flip": lambda x: x.flip(0) * x.roll(1) * x.rot90() * x.tril() + x.triu(),
    "diff": lambda x: x.diff(),
    "clone": lambda x: x.clone() * x.contiguous() * x.double(),
    "cross": lambda x: torch.cross(x, x.flip(0), dim=1),
    "xlogy": lambda x: torch.xlogy(x, x),
    "dist": lambda x: torch.dist(x, x * x),
    "nansum": lambda x: x.nansum() * x,
    "complex": lambda x: torch.view_as_real(torch.complex(x, x * 2) ** 2) + torch.complex(x, x).abs()[..., None],
}


@pytest.mark.parametrize("name", CASES)
def test_operations_against_differences_to_second_order(name: str) -> None:
    x = torch.tensor(M, dtype=torch.float64, requires_grad=True)
    function = CASES[name]
    assert torch.autograd.gradcheck(function, (x,), atol=1e-6)
    assert torch.autograd.gradgradcheck(function, (x,), atol=1e-5)


IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {
    "add_": lambda x, y: x.add_(y),
    "iadd": lambda x, y: operator.iadd(x, y * y),
    "mul_": lambda x, y: x.mul_(y),
    "mul_ by itself": lambda x, y: x.mul_(x),
    "div_": lambda x, y: x.div_(y),
    "exp_": lambda x, y: x.exp_(),
    "zero_": lambda x, y: x.zero_().add_(y),
    "fill_": lambda x, y: x.fill_(3.0).mul_(y),
    "fill_ with a tensor": lambda x, y: x.fill_(y[0, 0]),
    "copy_": lambda x, y: x.copy_(y[0]),
    "row": lambda x, y: x[0].mul_(y[1]),
    "view of a view": lambda x, y: x[1:][0, :2].copy_(y[0, 1:]),
    "transposed view": lambda x, y: x.t()[0].add_(y[2] ** 2),
    "reshaped view": lambda x, y: x.view(9)[3:7].mul_(y.reshape(9)[:4]),
    "store": lambda x, y: x.__setitem__(0, y[1] * 2),
    "store a scalar": lambda x, y: x.__setitem__((slice(None), 1), 0.5),
    "store at indices": lambda x, y: x.__setitem__(torch.tensor([0, 0, 1]), y * y),
    "store at a mask": lambda x, y: x.__setitem__(x > 0.5, y.sum()),
    "diagonal": lambda x, y: x.diagonal().mul_(y[0]),
    "masked_fill_": lambda x, y: x.masked_fill_(y > 0.5, 0.0),
    "index_add_": lambda x, y: x.index_add_(0, torch.tensor([1, 1, 0]), y),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_writes_against_differences(name: str) -> None:
    """Also what was read before the write, and through a view taken before it."""

    def function(a: Any, b: Any) -> Any:
        x = a * 1.5
        before, old = x * 3, x[:, 0]
        old_value = old.clone()
        IN_PLACE[name](x, b)
        return x * x + before + old[None] ** 3, old_value

    a = torch.tensor(M, dtype=torch.float64, requires_grad=True)
    b = (torch.tensor(M, dtype=torch.float64).t() + 0.1).detach().requires_grad_()
    assert torch.autograd.gradcheck(function, (a, b), atol=1e-6)
    assert torch.autograd.gradgradcheck(function, (a, b), atol=1e-5)
