"""Is every rule the derivative of its primitive?  Differences are the reference; both modes must agree.

The inner product throughout is ``Re(conj(a) b)``, summed over all arrays of a structure.
"""

from __future__ import annotations

import ast
import inspect
import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from retrograd.runtime import numerics
from retrograd.runtime.errors import ArgumentError, NoRule, UnsupportedSyntax
from retrograd.runtime.rules import ATTRIBUTES, METHODS, VARIADIC, Rule, lookup, rule, table, text
from retrograd.transformer.custom import Primitive
from tests.rule_samples import CONSTANTS, SAMPLES, Sample

MOVING = pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.id)
SMOOTH = pytest.mark.parametrize("sample", [s for s in SAMPLES if not s.kink], ids=lambda s: s.id)


# -- structures of arrays ------------------------------------------------------------------------------


def leaves(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None else [value]


def mapped(f: Callable[..., Any], *values: Any) -> Any:
    """Apply ``f`` to the leaves of equal structures; named tuples become tuples."""
    if isinstance(values[0], (tuple, list)):
        items = [mapped(f, *item) for item in zip(*values, strict=True)]  # a list beside a tuple will do
        return items if isinstance(values[0], list) else tuple(items)
    return f(*values)


def inner(a: Any, b: Any) -> float:
    pairs = zip(leaves(a), leaves(b), strict=True)
    return float(sum(np.sum(np.real(np.conj(x) * y)) for x, y in pairs))


def moves(value: Any) -> bool:
    """Whether an argument may be differentiated: it holds floats or complex numbers only."""
    found = leaves(value)
    return bool(found) and all(np.asarray(leaf).dtype.kind in "fc" for leaf in found)


def direction(value: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)

    def one(leaf: Any) -> Any:
        v = rng.uniform(-1, 1, np.shape(leaf))
        return (v + 1j * rng.uniform(-1, 1, np.shape(leaf)) if np.iscomplexobj(leaf) else v)[()]

    return mapped(one, value)


def widened(value: Any) -> Any:
    """float32 as float64, so that differences of it say something."""
    return mapped(lambda x: x.astype(np.float64) if getattr(x, "dtype", None) == np.float32 else x, value)


# -- calls of rules ------------------------------------------------------------------------------------


def bound(sample: Sample) -> tuple[Rule, inspect.BoundArguments]:
    found = lookup(sample.primitive)
    assert found is not None
    return found, found.bind(sample.args, sample.kwargs)


def active(sample: Sample) -> dict[str, Any]:
    found, call = bound(sample)
    return {x: call.arguments[x] for x in found.inputs if x in call.arguments and moves(call.arguments[x])}


def moved(sample: Sample, steps: dict[str, Any], h: float) -> Any:
    """The primitive with some arguments moved by ``h`` times a step, in float64."""
    found, call = bound(sample)
    for x, step in steps.items():
        call.arguments[x] = mapped(lambda a, v: stepped(a, h * v), widened(call.arguments[x]), step)
    with np.errstate(all="ignore"):
        z = sample.primitive(*call.args, **call.kwargs)
    return z


def stepped(a: Any, step: Any) -> Any:
    """``a + step`` of the type of ``a``."""
    moved_ = a + step
    if type(a) in (float, complex):
        return type(a)(moved_)
    return np.asarray(moved_) if isinstance(a, np.ndarray) else moved_


def richardson(f: Callable[[float], Any], h: float = 1e-3) -> Any:
    """The derivative of ``f`` at 0 by central differences, extrapolated three times.

    A result in single precision here is a cast, which is linear: a large step is exact.
    """
    single = any(np.asarray(leaf).dtype in (np.float32, np.complex64) for leaf in leaves(f(0.0)))
    h = 0.25 if single else h

    def central(k: float) -> list[np.ndarray]:
        return [(a - b) / (2 * k) for a, b in zip(leaves(f(k)), leaves(f(-k)), strict=True)]

    column = [central(h / 2**i) for i in range(4)]
    for order in (4, 16, 64):
        column = [[(order * b - a) / (order - 1) for a, b in zip(p, q, strict=True)]
                  for p, q in zip(column, column[1:], strict=False)]  # fmt: skip
    return column[0]


def pulled(sample: Sample, z: Any, z_bar: Any, wanted: frozenset[str] | None = None) -> dict[str, Any]:
    """The cotangents as a consumer finishes them: summed over broadcast axes, cast to the primal's dtype."""
    found, call = bound(sample)
    pullback = found.pullback if wanted is None else found.pullback_for(wanted)
    with np.errstate(all="ignore"):
        bars = pullback(z_bar, z, *call.args, **call.kwargs)
    bars = (bars,) if len(found.inputs) == 1 else bars
    finish = numerics.unbroadcast if found.broadcasts else numerics.cast_like
    given = {x: bar for x, bar in zip(found.inputs, bars, strict=True) if x in active(sample)}
    return {
        x: mapped(np.zeros_like, call.arguments[x]) if bar is None else mapped(lambda a, b: finish(b, a),
                                                                              call.arguments[x], bar)
        for x, bar in given.items()
    }  # fmt: skip


def pushed(sample: Sample, z: Any, dots: dict[str, Any]) -> Any:
    """The tangent of the result: the sum of the contributions of the given tangents."""
    found, call = bound(sample)
    every = [dots.get(x, mapped(lambda a: np.zeros(np.shape(a)), call.arguments.get(x))) for x in found.inputs]
    with np.errstate(all="ignore"):
        contributions = found.pushforward(*every, z, *call.args, **call.kwargs)
    contributions = (contributions,) if len(found.inputs) == 1 else contributions
    total = mapped(lambda leaf: np.zeros(np.shape(leaf), np.result_type(leaf, np.float64)), z)
    for x, contribution in zip(found.inputs, contributions, strict=True):
        if x in dots and contribution is not None:
            total = mapped(operator.add, total, contribution)
    return total


def call(sample: Sample) -> Any:
    with np.errstate(all="ignore"):
        z = sample.call()
    return tuple(z) if isinstance(z, tuple) else z


def close(a: float, b: float, scale: float, sample: Sample) -> bool:
    single = any(getattr(leaf, "dtype", None) in (np.float32, np.complex64) for leaf in leaves(call(sample)))
    single |= any(getattr(leaf, "dtype", None) in (np.float32, np.complex64) for leaf in leaves(sample.args))
    return math.isclose(a, b, rel_tol=0, abs_tol=(2e-5 if single else 2e-8) * (1 + scale))


# -- the tests -----------------------------------------------------------------------------------------


@SMOOTH
def test_pullback_is_the_transposed_derivative(sample: Sample) -> None:
    z = call(sample)
    for x, value in active(sample).items():
        for seed in (1, 2):
            z_bar, v = direction(z, seed), direction(value, seed + 10)
            expected = richardson(lambda h, x=x, v=v: moved(sample, {x: v}, h))
            reference = inner(z_bar, expected)
            found = inner(pulled(sample, z, z_bar)[x], v)
            scale = abs(reference) + math.sqrt(inner(expected, expected))
            assert close(found, reference, scale, sample), (x, found, reference)


@SMOOTH
def test_pushforward_is_the_derivative(sample: Sample) -> None:
    z = call(sample)
    for x, value in active(sample).items():
        v = direction(value, 3)
        expected = richardson(lambda h, x=x, v=v: moved(sample, {x: v}, h))
        for a, b in zip(leaves(pushed(sample, z, {x: v})), expected, strict=True):
            scale = float(np.max(np.abs(b), initial=0.0))
            assert all(close(p, q, scale, sample) for p, q in zip(np.ravel(a.real), np.ravel(b.real), strict=True))
            assert all(close(p, q, scale, sample) for p, q in zip(np.ravel(a.imag), np.ravel(b.imag), strict=True))


@MOVING
def test_both_modes_agree(sample: Sample) -> None:
    """R5: kinks included."""
    z = call(sample)
    for x, value in active(sample).items():
        z_bar, v = direction(z, 4), direction(value, 5)
        forward, backward = inner(z_bar, pushed(sample, z, {x: v})), inner(pulled(sample, z, z_bar)[x], v)
        assert close(forward, backward, abs(forward), sample), x


@MOVING
def test_cotangents_have_their_primal_type(sample: Sample) -> None:
    z = call(sample)
    bars = pulled(sample, z, mapped(lambda leaf: np.ones(np.shape(leaf), np.asarray(leaf).dtype)[()], z))
    for x, value in active(sample).items():
        for primal, bar in zip(leaves(value), leaves(bars[x]), strict=True):
            assert np.shape(bar) == np.shape(primal) and np.asarray(bar).dtype == np.asarray(primal).dtype, x


@MOVING
def test_a_pruned_pullback_says_the_same(sample: Sample) -> None:
    z = call(sample)
    z_bar = direction(z, 6)
    whole = pulled(sample, z, z_bar)
    for x in whole:
        alone = pulled(sample, z, z_bar, frozenset({x}))[x]
        for a, b in zip(leaves(whole[x]), leaves(alone), strict=True):
            np.testing.assert_array_equal(a, b)


@MOVING
def test_what_is_not_read_is_not_needed(sample: Sample) -> None:
    """A pullback runs without the values it is said not to read, and with shapes where it reads only those."""
    found, arguments = bound(sample)
    z = call(sample)
    z_bar = direction(z, 7)
    for x in active(sample):
        wanted = frozenset({x})
        reads, shapes = found.reads_for(wanted), found.reads_shape_for(wanted)
        z_left = z if "z" in reads else hollow(z) if "z" in shapes else None
        left = found.signature.bind(*sample.args, **sample.kwargs)
        for name, value in arguments.arguments.items():
            if name in found.inputs and name not in reads and moves(value):
                left.arguments[name] = hollow(value) if name in shapes else mapped(lambda _: "unread", value)
        with np.errstate(all="ignore"):
            bars = found.pullback_for(wanted)(z_bar, z_left, *left.args, **left.kwargs)
            full = found.pullback_for(wanted)(z_bar, z, *arguments.args, **arguments.kwargs)
        for a, b in zip(leaves(bars), leaves(full), strict=True):
            np.testing.assert_array_equal(a, b)


def hollow(value: Any) -> Any:
    """Something with the shape and dtype of a value, and nothing else of it."""
    return mapped(lambda x: x * np.nan if type(x) in (float, complex) else np.full_like(x, np.nan)[()]
                  if np.ndim(x) == 0 else np.full_like(x, np.nan), value)  # fmt: skip


@MOVING
def test_rules_write_to_nothing(sample: Sample) -> None:
    found, arguments = bound(sample)
    z = call(sample)
    z_bar = direction(z, 8)
    guarded = [leaf for leaf in leaves([z, z_bar, *arguments.args, *arguments.kwargs.values()])]
    before = [np.array(leaf, copy=True) for leaf in guarded if isinstance(leaf, np.ndarray)]
    pulled(sample, z, z_bar)
    pushed(sample, z, {x: direction(v, 9) for x, v in active(sample).items()})
    for old, now in zip(before, [leaf for leaf in guarded if isinstance(leaf, np.ndarray)], strict=True):
        np.testing.assert_array_equal(old, now)


@MOVING
def test_the_probe_flag_is_honest(sample: Sample) -> None:
    """T2: on unit arrays the primitive gives the rank and dtype it gives on the real ones."""
    found, arguments = bound(sample)
    if not found.probe:
        return
    for name in arguments.arguments:
        if moves(arguments.arguments[name]) or isinstance(arguments.arguments[name], np.ndarray):
            arguments.arguments[name] = mapped(unit, arguments.arguments[name])
    try:
        with np.errstate(all="ignore"):
            probed, z = sample.primitive(*arguments.args, **arguments.kwargs), call(sample)
    except ValueError:  # outside the domain: such a probe answers "no type"
        return
    assert np.ndim(probed) == np.ndim(z) and np.asarray(probed).dtype == np.asarray(z).dtype
    assert type(probed) is type(z)


def unit(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.ones((1,) * value.ndim, value.dtype)
    return type(value)(1)


@MOVING
def test_sharing_is_as_stated(sample: Sample) -> None:
    found, arguments = bound(sample)
    z, first = call(sample), sample.args[0]
    arrays = [leaf for leaf in leaves(sample.args) if isinstance(leaf, np.ndarray)]
    results = [leaf for leaf in leaves(z) if isinstance(leaf, np.ndarray)]
    if found.sharing == "fresh":
        assert not any(np.shares_memory(a, b) for a in arrays for b in results)
    elif found.sharing == "view" and isinstance(first, np.ndarray) and len(results) == 1 and results[0].size:
        assert np.shares_memory(first, z)


@MOVING
def test_fresh_cotangents_are_fresh(sample: Sample) -> None:
    """M5: what is said to be newly allocated shares memory with nothing, and can be written."""
    found, arguments = bound(sample)
    z = call(sample)
    z_bar = direction(z, 14)
    with np.errstate(all="ignore"):
        bars = found.pullback(z_bar, z, *arguments.args, **arguments.kwargs)
    around = [leaf for leaf in leaves([z_bar, z, sample.args]) if isinstance(leaf, np.ndarray)]
    for x, bar in zip(found.inputs, (bars,) if len(found.inputs) == 1 else bars, strict=True):
        for leaf in leaves(bar) if x in found.fresh else ():
            assert not any(np.shares_memory(leaf, other) for other in around)
            assert not isinstance(leaf, np.ndarray) or leaf.flags.writeable


def own() -> list[tuple[Any, Any]]:
    """The rules of this package, those that other tests register apart."""
    return [(primitive, found) for primitive, found in table() if not isinstance(primitive, Primitive)]


@pytest.mark.parametrize("sample", CONSTANTS, ids=lambda s: s.id)
def test_constants_do_not_move(sample: Sample) -> None:
    found = lookup(sample.primitive)
    assert found is not None and found.kind == "constant"
    for i, value in enumerate(sample.args):
        nudged = [*sample.args[:i], value + 1e-9, *sample.args[i + 1 :]]
        np.testing.assert_array_equal(sample.primitive(*nudged), sample.call())


def is_optional(found: Rule) -> bool:
    """A rule that is there only because another test loaded SciPy."""
    return found.namespace.__name__.startswith("scipy")


def test_every_rule_has_a_sample() -> None:
    sampled = {sample.primitive for sample in SAMPLES}
    required = [(p, found) for p, found in own() if found.kind != "constant" and not is_optional(found)]
    assert not [found.name for primitive, found in required if primitive not in sampled]


def test_every_input_is_tried() -> None:
    tried = {(lookup(s.primitive), x) for s in SAMPLES for x in active(s)}
    missing = [(found.name, x) for _, found in own() if found.kind != "constant" for x in found.inputs
               if (found, x) not in tried and not is_optional(found)]  # fmt: skip
    # the exponent of ldexp is an integer
    assert set(missing) == {("math.ldexp", "y"), ("np.ldexp", "y")}


# -- the form of rules ---------------------------------------------------------------------------------

WRITTEN = [found for found in dict.fromkeys(f for _, f in own()) if found.pullback is not None]
#: What has no rule itself: there the orders of differentiation end, with NoRule.
LAST = {"numerics.einsum_second", "numerics.einsum_mixed", "numerics.norm_curvature", "numerics.norm_bend"}
ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.FloorDiv: operator.floordiv,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.USub: operator.neg,
    ast.Eq: operator.eq,
    ast.Lt: operator.lt,
    ast.Gt: operator.gt,
}


@pytest.mark.parametrize("found", WRITTEN, ids=lambda f: f.name)
def test_a_rule_is_straight_line(found: Rule) -> None:
    """R3: single assignments, one return, and a cotangent for every input."""
    for function in (found.pullback, found.pushforward):
        body = text.function_ast(function).body
        assert all(isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name) for s in body[:-1])
        assert isinstance(body[-1], ast.Return)
        names = [s.targets[0].id for s in body[:-1]]
        assert len(names) == len(set(names))
        assert not (set(names) & {"np", "numerics", "math", "z", "z_bar", *found.params})
        assert not any(isinstance(n, (ast.Lambda, ast.IfExp, ast.ListComp)) for s in body for n in ast.walk(s))


@pytest.mark.parametrize("found", WRITTEN, ids=lambda f: f.name)
def test_a_rule_calls_only_what_has_a_rule(found: Rule) -> None:
    for function in (found.pullback, found.pushforward):
        tree = text.function_ast(function)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = eval(ast.unparse(node.func), function.__globals__)
                assert lookup(called) is not None or ast.unparse(node.func) in LAST, ast.unparse(node)


# -- second order: the pullbacks themselves, run on dual numbers by the table ---------------------------


class Dual:
    """A value and its tangent; ``None`` is the tangent of what does not move."""

    def __init__(self, value: Any, dot: Any = None) -> None:
        self.value, self.dot = value, dot


def dual_call(function: Callable[..., Any], args: list[Dual], kwargs: dict[str, Dual]) -> Dual:
    value = function(*(a.value for a in args), **{k: v.value for k, v in kwargs.items()})
    if all(a.dot is None for a in (*args, *kwargs.values())):
        return Dual(value)
    found = lookup(function)
    if found is None and text.dotted(function) in LAST:
        raise NoRule(text.dotted(function))
    assert found is not None, function
    if found.real_only and any(np.iscomplexobj(leaf) for a in (*args, *kwargs.values()) for leaf in leaves(a.value)):
        raise NoRule(f"{found.name} of complex numbers")
    if found.kind == "constant":
        return Dual(value)
    call = found.signature.bind(*args, **kwargs)
    duals = call.arguments
    gathered = {x: tuple(d.dot for d in v) if isinstance(v, tuple) else v.dot for x, v in duals.items()}
    loose = [x for x, dot in gathered.items() if x not in {*found.inputs, *found.inert} and _moving(dot)]
    if loose:
        raise NoRule(f"{found.name} by {loose}")
    plain = found.signature.bind(*(a.value for a in args), **{k: v.value for k, v in kwargs.items()})
    if not any(_moving(gathered.get(x)) for x in found.inputs):
        return Dual(value)
    dots = [gathered.get(x) if _moving(gathered.get(x)) else _zeros(plain.arguments.get(x)) for x in found.inputs]
    contributions = found.pushforward(*dots, value, *plain.args, **plain.kwargs)
    contributions = (contributions,) if len(found.inputs) == 1 else contributions
    moving = [c for x, c in zip(found.inputs, contributions, strict=True) if _moving(gathered.get(x)) and c is not None]
    total = mapped(lambda leaf: np.zeros(np.shape(leaf)), value)
    for c in moving:
        total = mapped(operator.add, total, c)
    return Dual(value, total)


def _moving(dot: Any) -> bool:
    return any(_moving(d) for d in dot) if isinstance(dot, (tuple, list)) else dot is not None


def _zeros(value: Any) -> Any:
    return None if value is None else mapped(lambda a: np.zeros(np.shape(a)), value)


def run_dual(function: Callable[..., Any], arguments: dict[str, Dual]) -> Dual:
    """Interpret a straight-line function on dual numbers."""
    scope = dict(arguments)
    body = text.function_ast(function).body
    for statement in body[:-1]:
        scope[statement.targets[0].id] = evaluate(statement.value, scope, function.__globals__)
    return evaluate(body[-1].value, scope, function.__globals__)


def evaluate(node: ast.expr, scope: dict[str, Dual], globals_: dict[str, Any]) -> Dual:
    def at(n: ast.expr) -> Dual:
        return evaluate(n, scope, globals_)

    if isinstance(node, ast.Name):
        return scope[node.id]
    if isinstance(node, (ast.Tuple, ast.List)):
        items = [at(n) for n in node.elts]
        dots = [i.dot for i in items] if any(i.dot is not None for i in items) else None
        return Dual(tuple(i.value for i in items), dots and tuple(_filled(i) for i in items))
    if isinstance(node, ast.BinOp):
        return dual_call(ARITHMETIC[type(node.op)], [at(node.left), at(node.right)], {})
    if isinstance(node, ast.UnaryOp):
        inner_ = at(node.operand)
        return dual_call(operator.neg, [inner_], {}) if inner_.dot is not None else Dual(-inner_.value)
    if isinstance(node, ast.Compare):
        return dual_call(ARITHMETIC[type(node.ops[0])], [at(node.left), at(node.comparators[0])], {})
    if isinstance(node, ast.Subscript):
        base, key = at(node.value), at(node.slice)
        if isinstance(base.value, tuple):
            return Dual(base.value[key.value], None if base.dot is None else base.dot[key.value])
        return dual_call(operator.getitem, [base, key], {})
    if isinstance(node, ast.Call):
        args: list[Dual] = []
        for n in node.args:
            starred = isinstance(n, ast.Starred)
            args += _spread(at(n.value)) if starred else [at(n)]
        kwargs = {k.arg: at(k.value) for k in node.keywords}
        return dual_call(eval(ast.unparse(node.func), globals_), args, kwargs)
    return Dual(eval(ast.unparse(node), globals_))


def _filled(d: Dual) -> Any:
    return _zeros(d.value) if d.dot is None else d.dot


def _spread(d: Dual) -> list[Dual]:
    return [Dual(v, None if d.dot is None else d.dot[i]) for i, v in enumerate(d.value)]


@SMOOTH
def test_second_order(sample: Sample) -> None:
    """The pullback, differentiated along its arguments by the table, is as differences say."""
    found, arguments = bound(sample)
    z = call(sample)
    if not active(sample) or any(np.size(leaf) == 0 for leaf in leaves(sample.args)):
        return
    z_bar = direction(z, 11)
    steps = {x: direction(v, 12) for x, v in active(sample).items()}
    z_dot = pushed(sample, z, steps)
    filled = found.signature.bind(*sample.args, **sample.kwargs)
    filled.apply_defaults()
    scope = {name: Dual(value, steps.get(name)) for name, value in filled.arguments.items()}
    names = list(inspect.signature(found.pullback).parameters)
    scope |= {names[0]: Dual(z_bar, direction(z_bar, 13)), names[1]: Dual(z, z_dot)}
    pullback = found.pullback_for(frozenset(steps))
    try:
        with np.errstate(all="ignore"):
            result = run_dual(pullback, scope)
    except NoRule:
        assert found.name in REFUSED or any(np.iscomplexobj(leaf) for leaf in leaves([z, sample.args]))
        return
    except np.linalg.LinAlgError:  # the first derivative of det exists at a singular matrix, not the form of the second
        assert found.primitive is np.linalg.det
        return

    def along(h: float) -> Any:
        call_ = found.signature.bind(*sample.args, **sample.kwargs)
        for x, step in steps.items():
            call_.arguments[x] = mapped(lambda a, v: stepped(a, h * v), widened(call_.arguments[x]), step)
        bar = mapped(lambda a, v: a + h * v, z_bar, direction(z_bar, 13))
        with np.errstate(all="ignore"):
            z_ = sample.primitive(*call_.args, **call_.kwargs)
            return pullback(bar, tuple(z_) if isinstance(z_, tuple) else z_, *call_.args, **call_.kwargs)

    expected = richardson(along)
    values = leaves(result.value)
    dots = leaves(_filled(result))
    for value, a, b in zip(values, dots, expected, strict=True):
        a = np.broadcast_to(a, np.shape(value))
        scale = float(np.max(np.abs(b), initial=0.0))
        single = any(np.asarray(leaf).dtype == np.float32 for leaf in leaves([sample.args, z]))
        tolerance = (1e-3 if single else 1e-6) * (1 + scale)
        np.testing.assert_allclose(a, np.broadcast_to(b, np.shape(value)), rtol=0, atol=tolerance)


#: Helpers that already are a second derivative.
REFUSED = {"numerics.einsum_pullback", "numerics.einsum_pushforward", "numerics.norm_partial"}


# -- the interface -------------------------------------------------------------------------------------


def test_operators_and_ufuncs_share_rules() -> None:
    assert lookup(operator.add) is lookup(np.add)
    assert lookup(math.sin) is not lookup(np.sin)
    assert lookup(math.sin).resolve("cos") is math.cos
    assert lookup(np.sin).resolve("cos") is np.cos
    assert lookup(lambda x: x) is None and lookup([]) is None


@pytest.mark.parametrize("keyword", [{"where": np.array([True, False])}, {"dtype": np.float32}, {"initial": 1.0}])
def test_an_unnamed_keyword_is_refused(keyword: dict[str, Any]) -> None:
    with pytest.raises(NoRule, match="np.sum"):
        lookup(np.sum).bind((np.ones(2),), keyword)


def test_neutral_keywords_pass() -> None:
    call_ = lookup(np.sum).bind((np.ones(2),), {"out": None, "dtype": None, "initial": np._NoValue, "where": True})
    assert set(call_.arguments) == {"a"}


def test_positions_behind_dtype_are_refused() -> None:
    with pytest.raises(NoRule):
        lookup(np.sum).bind((np.ones(2), 0, None, None, True), {})


@pytest.mark.parametrize("f", [np.max, np.maximum, np.sort, np.sign, np.clip])
def test_complex_arguments_are_refused_where_order_matters(f: Any) -> None:
    with pytest.raises(NoRule, match="real arguments"):
        lookup(f).bind((np.array([1j]), np.array([1j])), {})


@pytest.mark.parametrize("ord", ["nuc", 2, 1, np.inf])
def test_matrix_norms_are_refused(ord: Any) -> None:
    with pytest.raises(NoRule, match="norm"):
        lookup(np.linalg.norm).pullback(1.0, 1.0, np.ones((2, 2)), ord)


def test_other_refusals() -> None:
    with pytest.raises(NoRule, match="mode='edge'"):
        lookup(np.pad).pullback(np.ones(4), None, np.ones(2), 1, "edge")
    with pytest.raises(NoRule, match="three entries"):
        lookup(np.cross).pullback(np.ones(3), None, np.ones(2), np.ones(3))
    with pytest.raises(NoRule, match="string form"):
        lookup(np.einsum).pullback(1.0, None, np.ones(2), [0], np.ones(2))
    with pytest.raises(NoRule, match="eigenvalues"):
        lookup(np.linalg.eigh).pullback((None, np.eye(2)), np.linalg.eigh(np.eye(2)), np.eye(2))


def test_absent_cotangents_are_zero() -> None:
    a = np.diag([1.0, 3.0, 6.0])
    z = np.linalg.eigh(a)
    whole = lookup(np.linalg.eigh).pullback((np.ones(3), np.zeros((3, 3))), z, a)
    np.testing.assert_array_equal(lookup(np.linalg.eigh).pullback((np.ones(3), None), z, a), whole)


def test_structural_zeros_win() -> None:
    x = np.array([0.0, 4.0])
    pullback = lookup(np.sqrt).pullback_for(frozenset({"x"}), strong=True)
    np.testing.assert_array_equal(pullback(np.array([0.0, 1.0]), np.sqrt(x), x), [0.0, 0.25])


def test_reads() -> None:
    assert lookup(np.exp).reads == {"z"} and lookup(np.sin).reads == {"x"} and lookup(np.add).reads == set()
    assert lookup(np.multiply).reads_for(frozenset({"x"})) == {"y"}
    assert lookup(np.sum).reads == {"axis", "keepdims"} and lookup(np.sum).reads_shape == {"a"}
    assert lookup(np.matmul).reads_for(frozenset({"x"})) == {"y"}
    assert lookup(np.matmul).reads_shape_for(frozenset({"x"})) == {"x"}


def test_fresh() -> None:
    assert lookup(np.multiply).fresh == {"x", "y"} and lookup(np.subtract).fresh == {"y"}
    assert lookup(np.matmul).fresh == {"x", "y"} and not lookup(np.sum).fresh


def test_a_new_rule_is_found() -> None:
    def softplus(x: Any) -> Any:
        return np.logaddexp(0.0, x)

    @rule(softplus)
    def pullback(z_bar, z, x):
        x_bar = z_bar / (1 + np.exp(-x))
        return x_bar

    try:
        assert lookup(softplus).kind == "general"
        assert lookup(softplus).pullback_for(frozenset({"x"}))(1.0, None, 0.0) == 0.5
    finally:
        forget(softplus)


def forget(primitive: Callable[..., Any]) -> None:
    sys.modules[Rule.__module__]._TABLE.pop(primitive, None)  # type: ignore[attr-defined]


def test_a_rule_with_a_branch_is_refused() -> None:
    def f(x: Any) -> Any:
        return x

    @rule(f)
    def pullback(z_bar, z, x):
        if x > 0:
            return z_bar
        return -z_bar

    try:
        with pytest.raises(UnsupportedSyntax, match=r"test_rules.py:\d+: the rule pullback is not straight-line"):
            lookup(f).pullback_for(frozenset({"x"}))
    finally:
        forget(f)


def test_a_rule_with_a_closure_is_refused() -> None:
    scale = 2.0
    with pytest.raises(ArgumentError, match="enclosing"):

        @rule(test_a_rule_with_a_closure_is_refused)
        def pullback(z_bar, z, x):
            x_bar = scale * z_bar
            return x_bar


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_their_primitives(name: str) -> None:
    assert lookup(METHODS[name]) is not None


def test_methods_and_attributes_mean_what_numpy_means() -> None:
    x = np.array([[1.0, 3.0, 2.0], [0.5, -1.0, 4.0]])
    extra: dict[str, tuple[Any, ...]] = {
        "dot": (x.T,),
        "reshape": ((3, 2),),
        "swapaxes": (0, 1),
        "repeat": (2,),
        "take": ([0, 1],),
        "astype": (np.float32,),
        "item": (2,),
        "clip": (0.0, 1.0),
        "searchsorted": (0.5,),
        "argpartition": (1,),
        "__getitem__": (1,),
    }
    for name, primitive in METHODS.items():
        value = np.array([0.7]) if name == "__float__" else x[0].copy() if name == "searchsorted" else x
        if name == "__float__":
            value = np.array(0.7)
        args = extra.get(name, ())
        np.testing.assert_array_equal(primitive(value, *args), getattr(value, name)(*args))
    for name, primitive in ATTRIBUTES.items():
        np.testing.assert_array_equal(primitive(x), getattr(x, name))
    assert VARIADIC <= set(METHODS)


# -- conventions: the rows of docs/conventions.md ------------------------------------------------------


def bars_of(primitive: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
    """The cotangents of a call for a seed of ones."""
    with np.errstate(all="ignore"):
        z = primitive(*args, **kwargs)
    found = lookup(primitive)
    assert found is not None
    with np.errstate(all="ignore"):
        bars = found.pullback(mapped(lambda leaf: np.ones(np.shape(leaf))[()], z), z, *args, **kwargs)
    return [bars] if len(found.inputs) == 1 else list(bars)


CONVENTIONS: tuple[tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]], ...] = (
    (abs, (0.0,), (0.0,)),
    (np.fabs, (np.array([0.0, -0.0]),), ([0.0, 0.0],)),
    (np.linalg.norm, (np.zeros(2),), ([0.0, 0.0],)),
    (np.linalg.norm, (np.array([0.0, -2.0]), 1), ([0.0, -1.0],)),
    (np.linalg.norm, (np.array([2.0, -2.0]), np.inf), ([0.5, -0.5],)),
    (np.hypot, (0.0, 0.0), (0.0, 0.0)),
    (np.std, (np.ones(2),), ([0.0, 0.0],)),
    (np.maximum, (1.0, 1.0), (0.5, 0.5)),
    (np.minimum, (1.0, 1.0), (0.5, 0.5)),
    (np.max, (np.array([1.0, 2.0, 2.0]),), ([0.0, 0.5, 0.5],)),
    (np.min, (np.array([1.0, 1.0, 2.0]),), ([0.5, 0.5, 0.0],)),
    (np.clip, (np.array([0.0, 1.0]), 0.0, 1.0), ([1.0, 1.0], [0.0, 0.0], [0.0, 0.0])),
    (np.clip, (0.5, 1.0, 0.0), (0.0, 0.0, 1.0)),
    (np.sort, (np.array([1.0, 1.0]),), ([1.0, 1.0],)),
    (np.heaviside, (0.0, 0.5), (None, 1.0)),
    (operator.mod, (4.0, 2.0), (1.0, -2.0)),
    (operator.pow, (0.0, 0), (0.0, 0.0)),
    (operator.pow, (0.0, 1), (1.0, 0.0)),
    (operator.pow, (0.0, 2), (0.0, 0.0)),
    (operator.pow, (np.inf, 0.0), (0.0, np.inf)),
    (np.power, (-2.0, 2.0), (-4.0, np.nan)),
    (np.sqrt, (0.0,), (np.inf,)),
    (np.nan_to_num, (np.array([np.nan, 1.0]),), ([0.0, 1.0],)),
    (np.prod, (np.array([0.0, 3.0]),), ([3.0, 0.0],)),
    (np.cumprod, (np.array([0.0, 3.0]),), ([4.0, 0.0],)),
    (np.linalg.det, (np.zeros((1, 1)),), ([[1.0]],)),
    (numerics.store, (np.zeros(2), np.array([0, 0]), np.array([1.0, 2.0])), ([0.0, 1.0], [0.0, 1.0])),
)


@pytest.mark.parametrize("primitive, args, expected", CONVENTIONS)
def test_conventions(primitive: Callable[..., Any], args: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    for found, value in zip(bars_of(primitive, *args), expected, strict=True):
        if value is None:
            assert found is None
        else:
            np.testing.assert_array_equal(found, value)


def test_mixed_second_derivative_of_a_power_at_exponent_zero() -> None:
    """d/dy of y * x**(y - 1) at y == 0 is 1/x: a partial that only patches y == 0 loses it."""
    z = Dual(2.0**0.0, 0.0)
    found = lookup(operator.pow)
    scope = {"z_bar": Dual(1.0), "z": z, "x": Dual(2.0), "y": Dual(0.0, 1.0)}
    assert float(run_dual(found.pullback_for(frozenset({"x"})), scope).dot[0]) == 0.5


@pytest.mark.parametrize("primitive, point", [(np.sqrt, 0.0), (np.log, 0.0), (np.exp, 1e4), (np.power, (0.0, 0.5))])
def test_strong_pullbacks_are_zero_where_the_cotangent_is(primitive: Any, point: Any) -> None:
    args = tuple(np.array([v]) for v in (point if isinstance(point, tuple) else (point,)))
    found = lookup(primitive)
    assert found.singular
    with np.errstate(all="ignore"):
        z = primitive(*args)
        bars = found.pullback_for(frozenset({"x"}), strong=True)(np.zeros(1), z, *args)
    np.testing.assert_array_equal(bars[0] if isinstance(bars, tuple) else bars, [0.0])
