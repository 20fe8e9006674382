"""Is a transformed function one operation of the graph, and a right one?

Every program of the zoo that can be traced: the bridge, the tracer and Richardson differences agree.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest

import retrograd as rg
from retrograd.runtime.errors import AliasedMutation, ArgumentError, DifferentiationError, NoRule
from retrograd.runtime.graph import Variable, edge_of
from retrograd.runtime.traced import TracedArray, trace_vjp
from tests import oracle
from tests.test_zoo import LATER, REQUIRED, each, is_scalar, plain, rng_of, wrt_of
from tests.zoo import Program

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


# -- the zoo ----------------------------------------------------------------------------------------------


def pulled_back(function: Any, program: Program, seed: Any) -> tuple[Any, np.ndarray]:
    """Value and cotangents of the float arguments, by recording ``function`` on traced arrays."""
    wrt = wrt_of(program)
    args = program.fresh_args()

    def of_wrt(*chosen: Any) -> Any:
        full = list(args)
        for i, value in zip(wrt, chosen, strict=True):
            full[i] = value
        return function(*full)

    value, pullback = trace_vjp(of_wrt, *(args[i] for i in wrt))
    bars = pullback(seed)
    return value, np.concatenate([oracle.cotangent_vector(args[i], bar) for i, bar in zip(wrt, bars, strict=True)])


def is_plain(tree: Any) -> bool:
    """Dataclasses are no structure to the tracer's own ``trace_vjp``."""
    parts = oracle.children(tree)
    return parts is None or (isinstance(tree, (tuple, list, dict)) and all(map(is_plain, parts)))


TRACEABLE = [p for p in REQUIRED if is_plain(p.args) and is_plain(plain(p))]


@each(TRACEABLE)
def test_the_bridge_agrees_with_tracing_and_with_differences(program: Program) -> None:
    seed = oracle.random_like(plain(program), rng_of(program))
    bridged = rg.differentiable(program.function)
    try:
        value, bars = pulled_back(bridged, program, seed)
    except AliasedMutation as refusal:
        assert "writes to its argument" in str(refusal)
        pytest.skip("writes to its argument: refused by name")
    assert oracle.bit_equal(value, plain(program)), f"{value!r}, expected {plain(program)!r}"
    with np.errstate(all="ignore"):
        estimate = oracle.gradient(program.function, program.args, wrt_of(program), seed)
    oracle.assert_close(bars, estimate, what=program.name)
    try:
        traced, traced_bars = pulled_back(program.function, program, seed)
    except (DifferentiationError, TypeError, ValueError, RuntimeError) as refusal:  # math.sin, range(n), ...: not for the tracer
        pytest.skip(f"the tracer refuses: {str(refusal).splitlines()[0]}")
    assert oracle.bit_equal(traced, value)
    np.testing.assert_allclose(bars, traced_bars, rtol=1e-12, atol=1e-12)


@each(LATER)
def test_later_programs_cross_the_bridge_rightly_or_not_at_all(program: Program) -> None:
    seed = oracle.random_like(plain(program), rng_of(program))
    try:
        value, bars = pulled_back(rg.differentiable(program.function), program, seed)
    except DifferentiationError as refusal:
        pytest.xfail(f"not yet: {refusal}")
    assert oracle.bit_equal(value, plain(program))
    with np.errstate(all="ignore"):
        estimate = oracle.gradient(program.function, program.args, wrt_of(program), seed)
    oracle.assert_close(bars, estimate, what=program.name)


SMOOTH = [p for p in TRACEABLE if p.smooth and is_scalar(plain(p))]


@each(SMOOTH)
def test_second_derivatives_cross_the_bridge(program: Program) -> None:
    """The Hessian along a direction, by recording the pullback, against the source transformation's own."""
    wrt, rng = wrt_of(program), rng_of(program)
    direction = tuple(oracle.random_like(program.args[i], rng) for i in wrt)
    bridged = rg.differentiable(program.function)
    try:
        found = recorded_product(bridged, program, direction)
    except AliasedMutation:
        pytest.skip("writes to its argument: refused by name")
    args = [np.float64(a) if type(a) is float else a for a in program.fresh_args()]  # as the bridge has them: 1 / 0 does not raise
    expected = rg.hvp(program.function, wrt=wrt)(*args, direction)
    vector = [oracle.cotangent_vector(program.args[i], bar) for i, bar in zip(wrt, expected, strict=True)]
    np.testing.assert_allclose(found, np.concatenate(vector), rtol=1e-9, atol=1e-9)


def recorded_product(function: Any, program: Program, direction: Any) -> np.ndarray:
    """``d/dx <grad f(x), v>`` with the gradient's own graph (``create_graph``)."""
    args, wrt = program.fresh_args(), wrt_of(program)
    entered: list[Any] = []

    def enter(leaf: Any) -> Any:
        if not oracle.is_float(leaf):
            return leaf
        entered.append(rg.tensor(leaf, dtype=rg_dtype(leaf), requires_grad=True))
        return entered[-1]

    full = [oracle.map_leaves(enter, arg) if i in wrt else arg for i, arg in enumerate(args)]
    order = [x for i in wrt for x in oracle.every_leaf(full[i]) if isinstance(x, Variable)]
    value = function(*full)
    firsts = rg.autograd.grad(value, order, create_graph=True, allow_unused=True)
    along = [leaf for d in direction for leaf in oracle.leaves(d)]
    total = sum((g * rg.tensor(v, dtype=g.dtype)).sum() for g, v in zip(firsts, along, strict=True) if g is not None)
    if not isinstance(total, Variable) or edge_of(total) is None:
        return np.zeros(sum(np.size(v) for v in along))
    seconds = rg.autograd.grad(total, order, allow_unused=True)
    parts = [np.zeros(np.size(v)) if s is None else s.numpy().ravel() for s, v in zip(seconds, along, strict=True)]
    return np.concatenate(parts).astype(float)


def rg_dtype(leaf: Any) -> Any:
    return getattr(rg, np.asarray(leaf).dtype.name)


# -- what the user sees -----------------------------------------------------------------------------------


@rg.differentiable
def energy(x, k):
    total = 0.0
    for i in range(len(x)):
        total = total + k * x[i] ** 2
    return total


def tensor(value: Any, **options: Any) -> Any:
    return rg.tensor(value, dtype=rg.float64, **options)


def test_plain_arrays_reach_the_users_function_itself() -> None:
    seen = []

    @rg.differentiable
    def noted(x):
        seen.append(x)
        x[0] = 5.0
        return x

    x = np.ones(2)
    assert noted(x) is x and seen[0] is x
    assert x[0] == 5.0, "a plain call never restores"


def test_one_node_is_recorded() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = energy(x, 3.0)
    assert type(y.grad_fn).__name__ == "EnergyBackward0"
    assert [type(f).__name__ for f, _ in y.grad_fn.next_functions] == ["AccumulateGrad"]
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), [6.0, 12.0])


def test_it_composes_with_tensor_operations_on_both_sides() -> None:
    x, k = tensor([1.0, 2.0], requires_grad=True), tensor(3.0, requires_grad=True)
    (energy(x.sin(), k * 2).exp() * 1e-3).backward()

    def whole(x: Any, k: Any) -> Any:
        return np.exp(energy(np.sin(x), k * 2)) * 1e-3

    estimate = oracle.gradient(whole, (x.detach().numpy(), 3.0), (0, 1), 1.0)
    oracle.assert_close(np.append(x.grad.numpy(), k.grad.numpy()), estimate)


def test_containers_of_tensors() -> None:
    @rg.differentiable
    def model(params, x, *rest, scale=1.0):
        hidden = np.tanh(x @ params["w"] + params["b"][0])
        return {"loss": np.sum(hidden**2) * scale, "hidden": hidden, "n": len(rest)}

    w, b = tensor(np.ones((2, 2)), requires_grad=True), tensor(np.zeros(2), requires_grad=True)
    s = tensor(2.0, requires_grad=True)
    out = model({"w": w, "b": [b, "bias"]}, np.array([0.5, -1.0]), 1, 2, scale=s)
    assert out["n"] == 2 and type(out["hidden"].grad_fn) is type(out["loss"].grad_fn)
    (out["loss"] + out["hidden"].sum()).backward()

    def whole(w: Any, b: Any, s: Any) -> Any:
        found = model({"w": w, "b": [b, "bias"]}, np.array([0.5, -1.0]), 1, 2, scale=s)
        return found["loss"] + np.sum(found["hidden"])

    estimate = oracle.gradient(whole, (np.ones((2, 2)), np.zeros(2), 2.0), (0, 1, 2), 1.0)
    oracle.assert_close(np.concatenate([w.grad.numpy().ravel(), b.grad.numpy(), [s.grad.numpy()]]), estimate)


def test_float32_stays_float32() -> None:
    x = rg.tensor([1.0, 2.0], requires_grad=True)
    y = energy(x, 3.0)
    y.backward()
    assert y.dtype == rg.float32 and x.grad.dtype == rg.float32


def test_no_grad_and_inactive_inputs_record_nothing() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    with rg.no_grad():
        assert not energy(x, 3.0).requires_grad
    quiet = energy(tensor([1.0, 2.0]), 3.0)
    assert isinstance(quiet, rg.Tensor) and not quiet.requires_grad and quiet.item() == 15.0


def test_only_what_requires_grad_gets_a_gradient() -> None:
    x, k = tensor([1.0, 2.0], requires_grad=True), tensor(3.0)
    energy(x, k).backward()
    assert k.grad is None and x.grad is not None


def test_an_input_changed_after_the_call_does_not_change_the_gradient() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = energy(x, 3.0)
    with rg.no_grad():
        x.mul_(10.0)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), [6.0, 12.0])


def test_a_second_derivative_after_a_change_is_refused() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = energy(x, 3.0)
    with rg.no_grad():
        x.mul_(10.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        rg.autograd.grad(y, x, create_graph=True)


def test_a_third_derivative_is_refused_by_name() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    cubed = rg.differentiable(lambda x: np.sum(x**3))
    (g,) = rg.autograd.grad(cubed(x), x, create_graph=True)
    (h,) = rg.autograd.grad(g.sum(), x, create_graph=False, retain_graph=True)
    np.testing.assert_allclose(h.numpy(), 6 * x.detach().numpy())
    with pytest.raises(NoRule, match="second derivative"):
        rg.autograd.grad(g.sum(), x, create_graph=True)


def test_the_result_has_memory_of_its_own() -> None:
    both = rg.differentiable(lambda x: (x, x[:1], x))
    x = tensor([1.0, 2.0], requires_grad=True)
    a, b, c = both(x)
    arrays = [x.detach().numpy(), *(t.detach().numpy() for t in (a, b, c))]
    assert not any(np.may_share_memory(p, q) for i, p in enumerate(arrays) for q in arrays[i + 1 :])
    (a.sum() + 10 * b.sum() + 100 * c.sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), [111.0, 101.0])


def test_a_write_to_an_argument_is_refused() -> None:
    @rg.differentiable
    def overwritten(x):
        x[0] = 5.0
        return np.sum(x)

    x = tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(AliasedMutation, match="overwritten writes to its argument"):
        overwritten(x)
    with pytest.raises(ValueError, match="read-only"), rg.no_grad():
        overwritten(x)
    np.testing.assert_array_equal(x.detach().numpy(), [1.0, 2.0])


def test_wrt_that_leaves_an_active_tensor_out_is_an_error() -> None:
    first = rg.differentiable(lambda x, y: np.sum(x * y), wrt="x")
    x, y = tensor([1.0], requires_grad=True), tensor([2.0], requires_grad=True)
    with pytest.raises(ArgumentError, match="'y' requires grad"):
        first(x, y)
    first(x, y.detach()).backward()
    assert x.grad.item() == 2.0


def test_a_tensor_from_outside_is_refused() -> None:
    w = tensor([1.0], requires_grad=True)
    scaled = rg.differentiable(lambda x: np.sum(x * w))
    with pytest.raises(DifferentiationError, match="w is a Tensor from outside"):
        scaled(tensor([2.0], requires_grad=True))


def test_traced_arrays_cross_too() -> None:
    def outer(x: Any) -> Any:
        y = energy(np.cos(x), 2.0)
        assert type(y) is TracedArray
        return y * x[0]

    x = np.array([0.3, 0.7])
    value, pullback = trace_vjp(outer, x)
    estimate = oracle.gradient(lambda x: energy(np.cos(x), 2.0) * x[0], (x,), (0,), 1.0)
    oracle.assert_close(pullback(1.0)[0], estimate)


def test_it_crosses_inside_a_traced_callee() -> None:
    scope: dict[str, Any] = {"np": np, "energy": energy}
    exec("def g(x):\n    return energy(np.cos(x), 2.0) * x[0]", scope)
    x = np.array([0.3, 0.7])
    estimate = oracle.gradient(lambda x: energy(np.cos(x), 2.0) * x[0], (x,), (0,), 1.0)
    inner = scope["g"]
    oracle.assert_close(rg.grad(lambda x: inner(x))(x), estimate)


@dataclasses.dataclass
class Spring:
    k: float

    @rg.differentiable
    def energy(self, x):
        return 0.5 * self.k * np.sum(x**2)


def test_methods() -> None:
    spring = Spring(3.0)
    assert spring.energy(np.array([2.0])) == 6.0
    x = tensor([2.0], requires_grad=True)
    spring.energy(x).backward()
    assert x.grad.item() == 6.0


def test_the_derivatives_beside_the_function() -> None:
    @rg.differentiable(wrt=("x", "k"))
    def f(x, k):
        return k * np.sum(x**2)

    x = np.array([1.0, 2.0])
    value, (x_bar, k_bar) = f.value_and_grad(x, 3.0)
    assert (value, k_bar) == (15.0, 5.0) and list(x_bar) == [6.0, 12.0]
    assert list(f.grad(x, 3.0)[0]) == [6.0, 12.0]
    assert f.vjp(x, 3.0)[1](1.0)[1] == 5.0
    assert f.jvp((x, 3.0), (np.zeros(2), 1.0)) == (15.0, 5.0)


def test_the_transformer_sees_through_the_decorator() -> None:
    def whole(x):
        return energy(x * 2, 3.0) + energy(x, x[0])

    x = np.array([0.5, 1.5])
    estimate = oracle.gradient(whole, (x,), (0,), 1.0)
    oracle.assert_close(rg.grad(whole)(x), estimate)
    assert rg.source(rg.grad(energy), x, 3.0).startswith("def energy_grad")
    rg.check_grads(whole, (copy.copy(x),))
