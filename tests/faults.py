"""Would the tests notice?  One-line faults of the transformer and the rules, each of which some test must catch (O2).

    python -m tests.faults                 plant every fault in a copy of the tree and run the tests that should fail
    python -m tests.faults --only 3 17     these only
    python -m tests.faults --list          what there is

A fault that its own selection of tests misses is given to the whole suite before it counts as survived.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.layout import ROOT

IGNORED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "benchmarks")
ABOUT_FAULTS = "tests/test_faults.py"  # finds the fault in the text, which is no merit
TIMEOUT = 600  # seconds; a fault that makes a test hang is caught by whoever waits for it


@dataclass(frozen=True)
class Fault:
    """One line planted wrong, what that breaks, and which tests are asked first."""

    file: str
    old: str
    new: str
    breaks: str
    tests: tuple[str, ...] = ("tests/test_zoo.py",)


def zoo(words: str) -> tuple[str, ...]:
    return ("tests/test_zoo.py", "-k", words)


CHECKED = ("tests/test_checked.py", "tests/test_verify.py", "tests/test_rules_transformed.py")
RULES = ("tests/test_rules.py",)
PARTIALS = ("tests/test_partials.py",)
PAIRS = ("tests/test_pairs.py",)
PAIRS_IN_THE_ZOO = ("tests/test_pairs.py", "tests/test_zoo.py", "-k", "test_pairs or recursion")
REFUSALS = ("tests/test_limits.py",)
MADE_ANEW = ("tests/test_refusals.py",)
TRANSFORMED = ("tests/test_rules_transformed.py",)
TENSOR = ("tests/test_tensor_rules.py", "-k", "operations or in_place or traced_call")
DERIVED = ("tests/test_derived.py", "tests/test_rules.py")

FAULTS: list[Fault] = [
    # -- the reverse sweep
    Fault("transformer/adjoint/reverse.py",
          'rest = build.call(numerics.store, z_bar, key, Const(0.0), form="store", type=type_of(z_bar))', "rest = z_bar",
          "an overwritten part keeps its cotangent (M2)", zoo("mutation")),
    Fault("transformer/adjoint/reverse.py", "replace(stmt.each, backwards=True)", "stmt.each",
          "reverse loops run forwards (L2)", zoo("loops or mutation")),
    Fault("transformer/adjoint/reverse.py", "self.bars[place] = g if before is None else self._add(before, g, place)",
          "self.bars[place] = g", "a second use replaces the cotangent of the first", zoo("straight or reuse")),
    Fault("transformer/adjoint/reverse.py", "(context.is_singular(rule, env) or self._reads_pole(rule, at, scope))", "False",
          "zeros that mean 'not selected' meet infinite slopes (R6)", zoo("unselected_branch or mode_left")),
    Fault("transformer/adjoint/reverse.py", "seen[(seq, ())] = None", "pass",
          "a sequence read only by the loop's header gets no cotangent", zoo("sequences")),
    Fault("transformer/adjoint/reverse.py", "slope = self.build.call(numerics.conj, slope)", "pass",
          "complex cotangents are not conjugated (R4)", TRANSFORMED),
    Fault("transformer/adjoint/reverse.py", "then.append(ends[0])", "then.append(ends[1])",
          "a branch hands over the other branch's cotangent", zoo("branches")),
    Fault("transformer/adjoint/reverse.py",
          "bar = bar if bar is not None else self._zero_carried_again(stmt, k, args[carried.index(k)])",
          "bar = bar if bar is not None else args[carried.index(k)]",
          "a carried value that an iteration overwrites keeps its cotangent", zoo("memory or loops")),
    Fault("transformer/adjoint/reverse.py", "            if other is not count:", "            if False:",
          "a zip is reversed over the first sequence's length", zoo("sequences")),
    Fault("transformer/adjoint/reverse.py",
          "alike = known is not None and equal_shapes(type_of(known), self.type_at(*place))", "alike = known is not None",
          "zeros on one side of a branch shaped like the other side's array", ("tests/test_checked.py",)),
    Fault("transformer/adjoint/reverse.py", "        self._refuse_unruled(stmt, rule, env)\n", "",
          "an active argument the rule has no cotangent for is passed over", REFUSALS),
    Fault("transformer/adjoint/reverse.py", "return fn in MASKING or (rule is not None and rule.primitive in MASKING)",
          "return False", "np.where's zeros are taken for numbers (R6)", zoo("root_of or masked_root or roots_of")),
    Fault("transformer/adjoint/reverse.py", "if isinstance(stmt, While) or stmt.breaks:", "if isinstance(stmt, While):",
          "a loop left early is reversed over all its iterations (L2)", zoo("exits")),
    Fault("transformer/adjoint/reverse.py", "g = context.fit(self.low, g, self.value_at(atom, path))", "pass",
          "cotangents keep the shape of the broadcast (T1)", zoo("broadcasting")),
    # -- cotangents fitted to their primals
    Fault("transformer/adjoint/context.py",
          "ones = [k for k, (m, n) in enumerate(zip(kept, u.shape)) if n.one is True and m.one is not True]", "ones = []",
          "no sum over axes of length 1 (T1)", zoo("broadcasting or length_of_one")),
    Fault("transformer/adjoint/context.py", "if any(n.one is None and not surely_equal(m, n) for m, n in zip(kept, u.shape)):",
          "if False:", "lengths that may be 1 are taken for equal (T1)", zoo("shapes or indexing")),
    Fault("transformer/adjoint/context.py", "g = low.build.call(np.real, g)", "pass",
          "a real value gets a complex cotangent (R4)", TRANSFORMED),
    Fault("transformer/adjoint/context.py", "        g = low.build.call(np.sum, g)\n    return _to_dtype(low, g, u)",
          "        pass\n    return _to_dtype(low, g, u)", "a scalar gets an array as cotangent", zoo("broadcasting")),
    Fault("transformer/adjoint/context.py", "    if t.dtype == u.dtype or (", "    if True or (",
          "cotangents keep the dtype of what they come from", TRANSFORMED),
    # -- forward mode
    Fault("transformer/adjoint/forward.py", "total = part if total is None else self.add(total, part, stmt.var)",
          "total = part", "only the last operand's tangent counts", zoo("forward_and_reverse")),
    Fault("transformer/adjoint/forward.py",
          "numerics.store, dot, key, sweep.dot(v), hint", "numerics.store, sweep.zeros(stmt.var), key, sweep.dot(v), hint",
          "a store forgets the tangents of the other entries", zoo("forward_and_reverse")),
    Fault("transformer/adjoint/forward.py", "if target in self.active and self.is_active(seq):", "if False:",
          "loop variables have no tangents", zoo("sequences and forward_and_reverse")),
    Fault("transformer/adjoint/forward.py", "strong = context.is_singular(rule, env) and dot in self.masked", "strong = False",
          "zero tangents meet infinite slopes (R6)", zoo("forward_and_reverse or memory")),
    # -- records
    Fault("transformer/analysis/recording.py", "(var in rec.written or var in rec.exposed)", "var in rec.exposed",
          "a record is the array that later iterations write (M4)", zoo("memory or mutation")),
    Fault("transformer/analysis/recording.py", "return [*steps, replace(stmt, forward=False)]",
          "return [replace(stmt, forward=False), *steps]", "values are recomputed before their operands", zoo("loops")),
    Fault("transformer/analysis/recording.py", "step = Let(nxt, Call(operator.add, (arg, Const(1)), (), \"operator\"), None, False)",
          "step = Let(nxt, Call(operator.add, (arg, Const(0)), (), \"operator\"), None, False)",
          "the iterations of a while loop are not counted (L2)", zoo("exits or loops")),
    Fault("transformer/analysis/recording.py", "first = [*stmt.args, *(stmt.each.targets if isinstance(stmt, For) else ())]",
          "first = [*(stmt.each.targets if isinstance(stmt, For) else ())]", "carried values are not recorded", zoo("loops")),
    Fault("transformer/emit.py", 'return ast.Call(ast.Attribute(e.expr(call.args[0]), "pop", ast.Load()), [], [])',
          'return ast.Call(ast.Attribute(e.expr(call.args[0]), "pop", ast.Load()), [ast.Constant(0)], [])',
          "records come back in the order they were made", zoo("loops")),
    # -- memory
    Fault("transformer/analysis/ownership.py", 'sharing(call.fn, call.args, call.kwargs) != "fresh"',
          'sharing(call.fn, call.args, call.kwargs) == "maybe"', "views are taken for copies (M1)", zoo("memory or mutation")),
    Fault("transformer/analysis/ownership.py", "foreign = any(is_external(root) for root in own)", "foreign = False",
          "stores reach the caller's arrays (M6)", zoo("mutation or inputs_are_unchanged")),
    Fault("transformer/analysis/ownership.py", "        if not foreign and seen is None:\n", "        if not foreign:\n",
          "what the reverse sweep still reads is written over (M4)", zoo("mutation")),
    Fault("transformer/analysis/ownership.py", "            if seen is not None:\n                raise",
          "            if False:\n                raise",
          "a store that another name sees is let through (M1)", zoo("later_programs")),
    Fault("transformer/analysis/ownership.py", "READ_ONLY = {numerics.broadcast_like, numerics.unreduce, np.broadcast_to}",
          "READ_ONLY: set[Any] = set()", "broadcast views are written in place (M5)", zoo("reductions or reuse or mutation")),
    Fault("transformer/analysis/updates.py", "if not mine or any(is_external(root) for root in mine):", "if not mine:",
          "the seed is accumulated into (M5)", zoo("inputs_are_unchanged")),
    Fault("transformer/analysis/updates.py", "    return not readers and first not in after", "    return True",
          "what others still read is updated in place (M5)", zoo("memory or reuse")),
    Fault("transformer/pipeline.py", "if is_view(var, calls) or mine & taken or not mine or any(is_external(r) for r in mine):",
          "if is_view(var, calls):",
          "returned cotangents are the seed, or each other (M5)", zoo("callers_own")),
    Fault("transformer/pipeline.py", "        if outlives and var in exposed and", "        if False and",
          "a pullback reads arguments that the caller has changed since (M4)", zoo("later_writes and memory")),
    Fault("transformer/analysis/ownership.py", "or any(map(is_external, own)))", "or (EXTERNAL, v) in own)",
          "a tape holds rows of an argument that the caller has changed since (M4)", zoo("later_writes and memory")),
    Fault("transformer/pipeline.py", 'if isinstance(var.type, ListT) and var.hint.endswith("tape"):', "if False:",
          "a second call of a pullback finds its tapes empty (M7)", zoo("the_second_call")),
    Fault("transformer/api.py", "            _refuse_overlap((*values, *captured))\n", "            pass\n",
          "arguments that share memory are written (M1)", REFUSALS),
    # -- guards
    Fault("transformer/compile.py", "f\"({path}.ndim == 1 and len({path}) {'==' if t.shape[0].one else '!='} 1)\"", "f\"{path}.ndim == 1\"",
          "a gradient made for long axes is used for axes of length 1 (T1)", zoo("an_axis_of_length_one")),
    Fault("transformer/compile.py", '            writer.tests.append(f"{path} == {writer.constant(fixed[name])}")\n', "            pass\n",
          "the value an int was specialised on is not looked at (T4)", MADE_ANEW),
    Fault("transformer/api.py", "    return now is value or (type(now)", "    return True or (type(now)",
          "a function that was exchanged is not noticed (C2)", MADE_ANEW),
    Fault("transformer/api.py", "if np.shape(z_bar) != np.shape(value):", "if False:", "a cotangent of any shape is taken", REFUSALS),
    # -- functions of their own
    Fault("transformer/definitions.py", "self.of.masked = self.of.masked or masked", "pass",
          "a callee is not told that its seed may mean 'not selected' (R6)", PAIRS),
    Fault("transformer/definitions.py", "self.of.outlives = True", "pass",
          "a callee's record is the caller's memory, and its tapes are popped for good (M4, M7)", PAIRS_IN_THE_ZOO),
    Fault("transformer/pairs.py", "return self.known.setdefault(axis.symbol, fresh_axis(axis.one))", "return axis",
          "two calls share a length that the callee makes (T1)", PAIRS),
    Fault("transformer/pairs.py", "found.append((name, self.outside(self.low.now(at.env[name]))))", "pass",
          "a callee reads what another call captured", PAIRS),
    Fault("transformer/pairs.py", "if is_older:", "if False:", "what a callee writes is lost (M1)", PAIRS_IN_THE_ZOO),
    Fault("transformer/pairs.py", "while others := [c for c in group if c.definition.fresh and not _is_own(c.body)]:",
          "while others := []:", "a callee's result is not the argument it may be (M1)", PAIRS),
    Fault("transformer/scopes.py",
          "early = {key for key, moment in self.moments if moment is not None and moment.get(id(stmts), 0) <= last}",
          "early: set[Any] = set()", "a handler sees what was changed before it was reached as it was before that (L3)",
          zoo("raising")),
    Fault("transformer/raising.py", "found.append((handler, [*note, self.set(self.caught, ast.Constant(-1), at)]))",
          "found.append((handler, note))", "a block goes on after an exception for a handler further out (L3)", zoo("raising")),
    Fault("transformer/loops.py", "(control or is_note(name) or not name.startswith(\"$\"))", "(control or not name.startswith(\"$\"))",
          "a loop does not know that a function it calls was left by an exception (L3)", zoo("raising")),
    Fault("transformer/adjoint/forward.py", "if not self.guarded or together:", "if True:",
          "a handler of the user's sees what a tangent raises (L3)", ("tests/test_raising.py",)),
    Fault("transformer/emit.py", "return [DifferentiationError] if _catches_refusals(stmt) else []", "return []",
          "a handler of the user's sees a refusal (L3)", ("tests/test_raising.py",)),
    Fault("transformer/simplify/dce.py", "warned = stmt.catches(FloatingPointError)", "warned = False",
          "NumPy's operations raise nothing in a try block (L4)", zoo("raising")),
    Fault("transformer/simplify/fold.py", "out += _flush(pending, lambda let: not cannot_raise(let))", "pass",
          "a tangent runs before what the user's handler is meant for (L3)", zoo("raising")),
    Fault("transformer/api.py", "        if entry.changes:\n            _refuse_one_container((*values, *captured))\n", "",
          "one container passed twice is taken for two (M1)", ("tests/test_arguments.py",)),
    Fault("transformer/analysis/ownership.py", "yield stmt.var, _union(call.args[:1], roots) | {(EXTERNAL, stmt.var)}",
          "yield stmt.var, frozenset({(EXTERNAL, stmt.var)})", "a cotangent made as large as a value is taken for a copy (M4)",
          zoo("mutation")),
    Fault("transformer/emit.py", "if self.names[var] not in bound:", "if True:",
          "a name that some path leaves unbound wipes out the parameter of that name", zoo("scopes")),
    Fault("transformer/names.py", "naming.clash(stmt.results[0], inside - says)", "pass",
          "how a loop ended is overwritten by values of its body", zoo("exits")),
    # -- simplification
    Fault("transformer/simplify/cse.py",
          "parts = tuple(map(_atom_key, call.args)) + tuple((k, _atom_key(a)) for k, a in call.kwargs)",
          "parts = tuple(map(_atom_key, call.args))", "calls that differ in a keyword become one", zoo("formulas or reductions")),
    Fault("transformer/simplify/cse.py", "tables = [dict(table), dict(table)]", "tables = [table, table]",
          "a value of one branch is read in the other", zoo("branches")),
    Fault("transformer/simplify/dce.py", "        return stmt if stmt.var in live or not is_droppable(stmt) else None\n",
          "        return stmt if stmt.var in live else None\n", "a statement that can fail is dropped with its error (L4)"),
    Fault("transformer/simplify/fold.py", "            if _writes(stmt):\n", "            if False:\n",
          "a read moves across a store (L4)", zoo("mutation")),
    Fault("transformer/simplify/stores.py", "old.dtype == new.dtype and same_shape(old, new)", "same_shape(old, new)",
          "x += v takes the dtype of v", MADE_ANEW),
    Fault("transformer/simplify/laws.py", "return t.call(SUB, b, minus_a())", "return t.call(SUB, minus_a(), b)",
          "-a + b becomes a - b", zoo("straight or formulas")),
    Fault("transformer/simplify/laws.py", "return t.call(MUL, parts[0], t.inner(np.sum, parts[1]))",
          "return t.inner(np.sum, parts[1])", "sum(s * a) loses s", zoo("straight or formulas")),
    Fault("transformer/simplify/laws.py", "return t.call(NEG, t.inner(fn, a, inner))", "return t.inner(fn, a, inner)",
          "a / -b loses its sign", zoo("formulas")),
    # -- shorter adjoints
    Fault("transformer/analysis/writeonce.py", "row > read if k >= place else row >= read", "row >= read",
          "a row that is written later is read again", zoo("trajectories or mutation")),
    Fault("transformer/analysis/writeonce.py", "return read is not None and read + start >= 0 and (", "return read is not None and (",
          "the last row, read as the one before the first, is taken for a row further down", zoo("trajectories")),
    Fault("transformer/analysis/writeonce.py", "read is not None and read + start >= 0 and all(", "read is not None and all(",
          "the last row, read as the one before the first, is taken for unwritten", zoo("trajectories")),
    Fault("transformer/analysis/writeonce.py", "return handed_on == 1 and elsewhere and", "return handed_on == 1 and",
          "a row that is read again is not zeroed", zoo("trajectories or mutation")),
    Fault("transformer/analysis/writeonce.py", "type(first.value) is int and 0 <= first.value < bound", "type(first.value) is int",
          "what was not zeroed is read after the loop", zoo("trajectories")),
    Fault("transformer/simplify/parts.py", 'found.call.form == "add_once" and found.call.args[1] == key', 'found.call.form == "add_once"',
          "an addition elsewhere is taken for the one that puts back (M2)", zoo("trajectories or mutation")),
    Fault("transformer/simplify/copies.py", "        if not needs_copies(params, tried):\n", "        if True:\n",
          "a part is read after its array was written (M2)", zoo("trajectories or mutation")),
    Fault("transformer/simplify/copies.py", "if not stmt.forward or call.fn not in COPIES or len(call.args) != 1 or call.kwargs:",
          "if not stmt.forward or len(call.args) != 1 or call.kwargs:", "what is computed of an array is taken for its copy",
          zoo("trajectories")),
    Fault("transformer/names.py", "if isinstance(stmt, Let) and stmt.call.fn in IN_PLACE:", "if False:",
          "an array takes a name that its own store still reads", zoo("shapes")),
    Fault("transformer/tapes.py", "if any(at.get(nexts.get(p.call.args[1]), k) < k for p in group):", "if False:",
          "a tuple is recorded when its first value has its next one already", ("tests/test_golden.py",)),
    Fault("transformer/adjoint/reverse.py", "sign != other_sign and self._same(one, other)", "self._same(one, other)",
          "b + b is taken for b - b", zoo("straight or branches")),
    Fault("transformer/adjoint/reverse.py", "for place in [p for p in self.bars if p not in a and p not in b]:", "for place in []:",
          "what cancelled in both branches is still there", zoo("trajectories")),
    # -- types
    Fault("transformer/types.py", "return Axis(name, False if a.one is False and b.one is False else None)",
          "return Axis(name, False)", "an axis that is 1 on one path is never 1", zoo("shapes or branches")),
    Fault("transformer/types.py", "return all(surely_equal(m, n) or (m.one is False and n.one is False) for m, n in zip(a.shape, b.shape))",
          "return True", "shapes of one rank are equal (T1)", zoo("broadcasting")),
    Fault("transformer/infer.py", "COUNTS = (1, 0, 1)", "COUNTS = (1, 1, 1)", "a length that follows an int is an argument's (T2)",
          zoo("shapes")),
    Fault("transformer/infer.py", "return _shorter(axis, (start or 0) - (stop or 0))", "return axis",
          "a slice is as long as its array", zoo("indexing or mutation")),
    # -- names and text
    Fault("transformer/names.py", "            naming.clash(var, after)\n", "            pass\n",
          "two values needed at once share a name", zoo("straight or branches or loops")),
    Fault("transformer/emit.py", "        if tangled:\n", "        if False:\n", "parallel copies are made one by one", zoo("tuples")),
    Fault("transformer/emit.py", "        if stmt.call.form == \"add_once\":\n", "        if True:\n",
          "an index that occurs twice counts once", zoo("indexing")),
    Fault("transformer/analysis/liveness.py", "            if inside <= into:\n", "            if True:\n",
          "what the next iteration reads is not live", zoo("loops or mutation")),
    # -- rules
    Fault("runtime/rules/derived.py", '"tanh": ("1 - z**2",)', '"tanh": ("1 + z**2",)', "a wrong partial", DERIVED),
    Fault("runtime/rules/stable.py", '"y*x**reduced_exponent(x, y)", "z*safe_log(x)"', '"y*x**reduced_exponent(x, y)", "z*log(x)"',
          "0 * log(0) in the exponent's slope", RULES),
    Fault("runtime/rules/stable.py", 'stable(np.maximum, partials=("where(x == y, 0.5, x > y)"',
          'stable(np.maximum, partials=("where(x == y, 1.0, x > y)"',
          "ties do not share", RULES),
    Fault("runtime/rules/reductions.py", "numerics.unreduce(z_bar / numerics.count(a, axis), a, axis, keepdims)",
          "numerics.unreduce(z_bar, a, axis, keepdims)", "a mean is a sum", RULES),
    Fault("runtime/rules/linalg.py", "b_bar = numerics.solve(numerics.swap_last(numerics.conj(a)), z_bar, np.ndim(b))",
          "b_bar = numerics.solve(numerics.conj(a), z_bar, np.ndim(b))", "the adjoint solve is not transposed", RULES),
    Fault("runtime/rules/selection.py", "    y_bar = np.where(condition, 0, z_bar)\n", "    y_bar = np.where(condition, z_bar, 0)\n",
          "np.where sends both cotangents to one side", RULES),
    Fault("runtime/rules/shapes.py", '@rule(np.transpose, linear=("a",), sharing="view", probe=True)',
          '@rule(np.transpose, linear=("a",), probe=True)', "a view is called fresh (M1)", (*RULES, "tests/test_checked.py")),
    Fault("runtime/numerics.py", "        np.add.at(z, key, g)\n", "        z[key] += g\n",
          "an index that occurs twice counts once", RULES),
    Fault("runtime/numerics.py", "    return np.where(np.equal(g, 0), 0, product)[()]\n", "    return product\n",
          "strong zeros are weak (R6)", RULES),
    Fault("runtime/numerics.py", "        return _sum_batch(np.matmul(y, z_bar[..., None])[..., 0]) if np.ndim(y) > 2 else y @ z_bar\n",
          "        return y @ z_bar\n", "a vector times a batch of matrices", RULES),
    # -- entries that do not move
    Fault("transformer/adjoint/forward.py", "            self.masked.add(self.dots[var])", "            pass",
          "a stored zero meets an infinite slope in forward mode (R6)", zoo("roots_of")),
    Fault("transformer/adjoint/forward.py", "arg not in self.masked and self.may_be_nothing(stmt.body.yields[k])", "False",
          "what an iteration resets is taken for moving in the next (R6)", zoo("roots_of")),
    Fault("transformer/adjoint/forward.py", "then.append(a[k])", "then.append(b[k])",
          "a branch hands on the other branch's tangent", zoo("branches and forward_and_reverse")),
    # -- try blocks
    Fault("transformer/raising.py", "return [*made, *self.when(True, rest, first)]", "return [*made, *rest]",
          "what follows a block runs though it raised (L3)", zoo("raising")),
    Fault("transformer/raising.py", "self.set(self.caught, ast.Constant(k + 1), at)", "self.set(self.caught, ast.Constant(1), at)",
          "every exception goes to the first handler (L3)", zoo("raising")),
    Fault("transformer/analysis/recording.py", "    if stmt.certain or not pushes:\n", "    if True:\n",
          "what a block recorded before it raised stays on the tape (L3)", zoo("raising")),
    # -- calls
    Fault("transformer/callers.py", "return p.default is not p.empty and (p.kind is p.KEYWORD_ONLY) == named", "return False",
          "an argument that is not passed has no default", ("tests/test_arguments.py",)),
    Fault("transformer/callers.py", "while any(f\"{name}_{k}\" in taken for k in range(count)):", "while False:",
          "an argument that *args takes hides the parameter of its name", ("tests/test_arguments.py",)),
    Fault("transformer/pairs.py", "if not callee.asked or callee.types == before:", "if True:",
          "a recursive function returns what its paths that do not recur return (T3)", zoo("recursion")),
    # -- what mutable things hold
    Fault("transformer/heap.py", "            if self.may_be(other, ident):\n", "            if False:\n",
          "a list that may be the one that was changed is as it was (M1)", REFUSALS),
    Fault("transformer/heap.py", "if self.places_of(base)[0] == self.places_of(view.version)[0]:", "if True:",
          "an item that was taken is the one that is now in its place (M1)", zoo("items or lists")),
    Fault("transformer/stores.py", "        if view.fn.of is np.split:\n", "        if True:\n",
          "a store into an uneven piece reaches another part of the array (M1)", zoo("views")),
    Fault("transformer/analysis/exchange.py", "return bool(ends) and all(", "return bool(ends) or all(",
          "arrays that change places are apart, whatever they began as (M1)", zoo("later_programs or aliases")),
    # -- the Tensor
    Fault("runtime/engine.py", "slots[index] = bar if slots[index] is None else slots[index] + bar", "slots[index] = bar",
          "a second path replaces the cotangent of the first", TENSOR),
    Fault("runtime/engine.py", "    found.sort(key=_sequence)\n", "    pass\n",
          "a node is visited before all its cotangents are there", TENSOR),
    Fault("runtime/engine.py", "value.dtype == dtype and value.shape == shape:", "value.dtype == dtype:",
          "cotangents keep the shape of the broadcast", TENSOR),
    Fault("runtime/graph.py", "            if saved.memory.version != saved.version:\n", "            if False:\n",
          "a saved value that was written since is read", ("tests/test_tensor_facts.py", "-k", "errors_say")),
    Fault("runtime/graph.py", "view._node = None if edge is None else ViewOf(edge, view._replay, meta_of(view._value))", "pass",
          "a view keeps its history when its base is written", ("tests/test_tensor_rules.py", "-k", "in_place")),
    # -- partials of a statement, late returns, layouts
    Fault("transformer/symbolic/partials.py",
          "if _factors(pole.xreplace(names) for pole in _poles(form)) <= poles:", "if True:",
          "the slope of a statement has a pole of its own", PARTIALS),
    Fault("transformer/symbolic/partials.py",
          "return found if shorter and _holds(asked, found, exact) else None", "return found if shorter else None",
          "a slope overflows where the rules do not (R7)", PARTIALS),
    Fault("transformer/simplify/quotients.py", "return a.call.args[1] is b.call.args[1]", "return True",
          "a quotient whose divisor does not divide again is dropped with its error (L4)", PARTIALS),
    Fault("transformer/jumps.py", "if sum(isinstance(node, ast.Return) for node in nodes) != 1 or", "if",
          "of two returns from a loop the first is taken for the only one", zoo("exits")),
    Fault("transformer/analysis/recording.py", "isinstance(arg.type, ArrayT) and equal_shapes(arg.type, last.type):",
          "isinstance(arg.type, ArrayT):", "an array that gets shorter is as long in each pass as in the end", zoo("exits")),
    Fault("runtime/emitted.py", "steps[axis] = here if stride == packed else 2 * here", "steps[axis] = here",
          "an argument is copied without its gaps, and rounds otherwise (M6)", ("tests/test_arguments.py",)),
    Fault("transformer/analysis/ownership.py", "while isinstance(var, Var) and steps < 1000 and var not in after:",
          "while isinstance(var, Var) and steps < 1000:", "a store after a loop is copied before the loop, to no avail", zoo("memory")),
]  # fmt: skip


# -- the tree ---------------------------------------------------------------------------------------------


def copy_of_the_tree(directory: Path) -> Path:
    """The project; its import package holds the other two directories as links, so that nothing comes from elsewhere."""
    tree = directory / "tree"
    shutil.copytree(ROOT, tree, ignore=IGNORED)
    for name in ("runtime", "transformer"):
        (tree / "retrograd" / name).symlink_to(tree / name)
    return tree


def planted(text: str, fault: Fault) -> str:
    """The text with the fault in it; an error if it is not there exactly once."""
    if text.count(fault.old) != 1:
        raise LookupError(f"{fault.file}: found {text.count(fault.old)} times, not once: {fault.old}")
    return text.replace(fault.old, fault.new)


def fails(tree: Path, tests: Iterable[str]) -> bool:
    """Does any of the tests fail, with the package taken from this tree?"""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--ignore={ABOUT_FAULTS}", *tests]
    try:
        ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return True
    if ran.returncode not in (0, 1, 2):
        raise RuntimeError(f"pytest {' '.join(tests)} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}")
    return ran.returncode != 0


def caught(tree: Path, fault: Fault, whole_suite: bool = True) -> str:
    """Which tests noticed the fault, planted in this tree and removed again: its own, others, or none."""
    path = tree / fault.file
    before = path.read_text()
    path.write_text(planted(before, fault))
    try:
        if fails(tree, fault.tests):
            return "its own tests"
        return "other tests" if whole_suite and fails(tree, ()) else ""
    finally:
        path.write_text(before)


# -- the command ------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description="Plant each fault and see whether a test notices.")
    parser.add_argument("--only", type=int, nargs="*", help="the numbers of the faults to plant")
    parser.add_argument("--list", action="store_true", help="print the faults and plant none")
    parser.add_argument("--own-tests-only", action="store_true", help="never fall back to the whole suite")
    options = parser.parse_args()
    chosen = range(len(FAULTS)) if options.only is None else options.only
    if options.list:
        print("\n".join(f"{k:3} {FAULTS[k].file}: {FAULTS[k].breaks}" for k in chosen))
        return 0
    with tempfile.TemporaryDirectory() as directory:
        tree = copy_of_the_tree(Path(directory))
        if fails(tree, ()):
            raise SystemExit("the tests fail without any fault")
        survived = [k for k in chosen if not report(k, tree, not options.own_tests_only)]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} caught; survived: {survived or 'none'}")
    return bool(survived)


def report(k: int, tree: Path, whole_suite: bool) -> bool:
    start = time.perf_counter()
    by = caught(tree, FAULTS[k], whole_suite)
    verdict = f"caught by {by}" if by else "SURVIVED"
    print(f"{k:3} {time.perf_counter() - start:5.0f}s {verdict:22} {FAULTS[k].file}: {FAULTS[k].breaks}", flush=True)
    return bool(by)


if __name__ == "__main__":
    sys.exit(main())
