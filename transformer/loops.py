"""Lowering of ``for`` and ``while``.

The names a body assigns are carried: the loop starts with their values, each pass yields the next ones.  Types of
carried values are found by lowering the body until they no longer change (T3).
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .builder import is_known, leaves, refill, same_structure, type_of
from .ir import UNDEFINED, Aggregate, Block, Call, Const, Each, For, Ref, Undefined, Var, While
from .types import INT, AggregateT, ArrayT, ListT, OpaqueT, RangeT, ScalarT, join
from .values import Compiletime, Stream

if TYPE_CHECKING:
    from .lower import Lowering

PASSES = 6
UNROLL = 32


def loop(low: Lowering, stmt: ast.For | ast.While) -> None:
    outer_go = low.frame.env.get("$go", Const(True))
    low.frame.env["$go"] = Const(True)
    low.frame.env.setdefault("$returned", Const(False))
    low.loop_depth += 1
    if isinstance(stmt, ast.While):
        while_(low, stmt)
    else:
        for_(low, stmt)
    low.loop_depth -= 1
    finished = low.frame.env["$go"]
    low.frame.env["$go"] = outer_go
    if stmt.orelse:
        _orelse(low, finished, stmt)


def _orelse(low: Lowering, finished: Any, stmt: ast.For | ast.While) -> None:
    """A loop's ``else``: runs if no ``break`` ended it."""
    if isinstance(finished, Const):
        if finished.value:
            low.block(stmt.orelse)
        return
    low.fork(finished, stmt.orelse, [], stmt)


# -- what is carried --------------------------------------------------------------------------------------


def assigned(stmts: list[ast.stmt]) -> list[str]:
    """The names that statements may bind, in order."""
    names: dict[str, None] = {}
    for stmt in stmts:
        if isinstance(stmt, (ast.FunctionDef, ast.ClassDef)):
            names[stmt.name] = None
            continue
        for node in ast.walk(stmt):
            if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
                names[node.id] = None
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                names[_base(node)] = None
    names.pop("", None)
    return list(names)


def _base(node: ast.expr) -> str:
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@dataclass
class Carried:
    """The values that go round: names, the atoms they start as, and the types of their leaves."""

    names: list[str]
    inits: dict[str, Any]
    types: dict[str, list[Any]]
    stored: set[str] = field(default_factory=set)
    left_alone: set[str] = field(default_factory=set)

    def args(self) -> dict[str, Any]:
        out = {}
        for name in self.names:
            hint = "" if name.startswith("$") else name
            init = self.inits[name]
            parts = [
                UNDEFINED if t is None else Var(hint if not isinstance(init, Aggregate) else "", t)
                for t in self.types[name]
            ]
            out[name] = refill(init, iter(parts)) if isinstance(init, Aggregate) else parts[0]
        return out


def start(low: Lowering, names: list[str]) -> Carried:
    inits = {name: low.frame.env.get(name, UNDEFINED) for name in names}
    names = [n for n in names if not isinstance(inits[n], Compiletime)]
    types = {n: [None if isinstance(leaf, Undefined) else type_of(leaf) for leaf in leaves(inits[n])] for n in names}
    return Carried(names, inits, types)


def settle(low: Lowering, carried: Carried, run: Any, node: ast.AST) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Lower the body until names and types are stable; returns what ``run`` made, the arguments and the yields."""
    before = [frame.env for frame in low.frames]
    env = low.frame.env
    for _ in range(PASSES * (len(carried.names) + 4)):
        args = carried.args()
        for frame, saved in zip(low.frames, before):
            frame.env = dict(saved)
        for name in carried.stored & set(args):
            low.replace_everywhere(carried.inits[name], args[name])
        low.frame.env.update(args)
        made = run()
        after = low.frame.env
        for frame, saved in zip(low.frames, before):
            frame.env = saved
        new = _newly_carried(carried, env, after)
        stored = _newly_stored(low, carried, args, after)
        if not new and not stored and not _changed(low, carried, args, after, node):
            return made, args, {n: after.get(n, UNDEFINED) for n in carried.names}
    raise low.unsupported(node, "the types of this loop's variables do not settle")


def _newly_carried(carried: Carried, env: dict[str, Any], after: dict[str, Any]) -> bool:
    """Names that the body changed without assigning them: arrays that a callee stores into."""
    new = [
        n for n, v in env.items()
        if n not in carried.names and n not in carried.left_alone and not n.startswith("$")
        and isinstance(v, Var) and isinstance(after.get(n), Var) and after[n] is not v
    ]  # fmt: skip
    for name in new:
        carried.names.append(name)
        carried.inits[name] = env[name]
        carried.types[name] = [type_of(env[name])]
    return bool(new)


def _newly_stored(low: Lowering, carried: Carried, args: dict[str, Any], after: dict[str, Any]) -> bool:
    """Arrays that stay the same object all the way round: the loop writes into them, under every name they have."""
    new = {
        n for n, arg in args.items()
        if n not in carried.stored and isinstance(arg, Var) and isinstance(after.get(n), Var)
        and after[n] is not arg and low.origin(after[n]) is arg and isinstance(carried.inits[n], Var)
    }  # fmt: skip
    carried.stored |= new
    return bool(new)


def _changed(low: Lowering, carried: Carried, args: dict[str, Any], after: dict[str, Any], node: ast.AST) -> bool:
    """Drop what the body leaves alone, widen what it gives another type."""
    changed = False
    for name in list(carried.names):
        end, arg = after.get(name, UNDEFINED), args[name]
        if end is arg or (
            isinstance(end, Aggregate)
            and all(x is y for x, y in zip(leaves(end), leaves(arg)))
            and same_structure(end, arg)
        ):
            carried.names.remove(name)
            changed = True
            continue
        if not isinstance(end, (Var, Aggregate, Undefined)) and end == carried.inits[name] and is_known(end):
            carried.names.remove(name)
            changed = True
            continue
        if isinstance(end, Compiletime):
            if isinstance(carried.inits[name], Undefined):
                carried.names.remove(name)
                changed = True
                continue
            raise low.unsupported(node, f"which function {name} is depends on the run")
        if isinstance(carried.inits[name], Undefined) and isinstance(end, Aggregate):
            shape = refill(end, iter([UNDEFINED] * len(leaves(end))))
            carried.inits[name], carried.types[name] = shape, [None] * len(leaves(end))
        if not same_structure(end, carried.inits[name]):
            raise low.unsupported(node, f"{name} changes its structure from one iteration to the next", "Use an array.")
        ends = [None if isinstance(leaf, Undefined) else type_of(leaf) for leaf in leaves(end)]
        wider = [_wider(old, new) for old, new in zip(carried.types[name], ends)]
        if wider != carried.types[name]:
            carried.types[name] = wider
            changed = True
    return changed


def _wider(old: Any, new: Any) -> Any:
    if old is None or new is None:
        return old if new is None else new
    return join(old, new)


def _finish(low: Lowering, carried: Carried, args: dict[str, Any], ends: dict[str, Any]) -> tuple[Any, ...]:
    """Flat arguments, starting values, yields and results; the environment takes the results."""
    order = sorted(carried.names, key=lambda n: n != "$go")
    flat_args, inits, yields, results = [], [], [], []
    for name in order:
        parts = []
        for arg, init, end in zip(leaves(args[name]), leaves(carried.inits[name]), leaves(ends[name])):
            if isinstance(arg, Undefined):
                parts.append(UNDEFINED)
                continue
            result = Var(arg.hint, arg.type)
            flat_args.append(arg)
            inits.append(init)
            yields.append(end)
            results.append(result)
            parts.append(result)
            if name in carried.stored:
                low.origins[result] = low.origin(init)
                low.replace_everywhere(init, result)
        shape = args[name]
        low.frame.env[name] = refill(shape, iter(parts)) if isinstance(shape, Aggregate) else parts[0]
    return tuple(flat_args), tuple(inits), tuple(yields), tuple(results), "$go" in carried.names


# -- while ------------------------------------------------------------------------------------------------


def while_(low: Lowering, stmt: ast.While) -> None:
    walrus = any(isinstance(n, ast.NamedExpr) for n in ast.walk(stmt.test))
    body = stmt.body
    test = stmt.test
    if walrus:
        leave = ast.copy_location(
            ast.If(ast.UnaryOp(ast.Not(), stmt.test), [ast.copy_location(ast.Break(), stmt)], []), stmt
        )
        ast.fix_missing_locations(leave)
        body, test = [leave, *stmt.body], ast.copy_location(ast.Constant(True), stmt)
    carried = start(low, ["$go", "$returned", "$ret", *assigned([ast.copy_location(ast.Expr(test), stmt), *body])])

    def run() -> tuple[Block, Block]:
        low.frame.env["$go"] = Const(True)
        with low.build.block() as head:
            cond = low.expr(test)
        with low.build.block() as stmts:
            low.block(body)
        return Block(tuple(head), (cond,)), Block(tuple(stmts))

    (head, block), args, ends = settle(low, carried, run, stmt)
    flat, inits, yields, results, breaks = _finish(low, carried, args, ends)
    low.build.add(
        While(results, flat, inits, head, Block(block.stmts, yields), breaks, low.location(stmt), low.build.forward)
    )


# -- for --------------------------------------------------------------------------------------------------


def for_(low: Lowering, stmt: ast.For) -> None:
    iterable = low.expr(stmt.iter)
    parts = unrolled(low, iterable, stmt)
    if parts is not None:
        _unroll(low, stmt, parts, 0)
        return
    run_for(low, stmt, iterable)


def unrolled(low: Lowering, iterable: Any, node: ast.AST) -> list[Any] | None:
    """The items, if they are known one by one; None for a loop that must run."""
    if isinstance(iterable, Aggregate):
        return low.unpack_all(iterable, node)
    if isinstance(iterable, Stream):
        return _unrolled_stream(low, iterable, node)
    t = type_of(iterable) if not isinstance(iterable, Compiletime) else None
    if isinstance(t, AggregateT):
        if t.kind is dict:
            return [Const(k) for k in t.keys or ()]
        return low.unpack_all(iterable, node)
    return None


def _unrolled_stream(low: Lowering, stream: Stream, node: ast.AST) -> list[Any] | None:
    if stream.kind in ("keys", "values", "items"):
        pairs = low.unpack_mapping(stream.args[0], node)
        made = {
            "keys": map(Const, pairs),
            "values": pairs.values(),
            "items": (_pair(Const(k), v) for k, v in pairs.items()),
        }
        return list(made[stream.kind])
    if stream.kind == "range":
        return None
    inner = [unrolled(low, a, node) for a in (stream.args if stream.kind == "zip" else stream.args[:1])]
    if any(i is None for i in inner):
        if stream.kind == "zip" and any(i is not None for i in inner):
            return _mixed_zip(low, stream, inner, node)
        return None
    if stream.kind == "zip":
        return [Aggregate(tuple, parts) for parts in zip(*inner)]  # type: ignore[arg-type]
    if stream.kind == "enumerate":
        first = stream.args[1].value if isinstance(stream.args[1], Const) else 0
        return [_pair(Const(first + k), v) for k, v in enumerate(inner[0] or [])]
    return list(reversed(inner[0] or []))


def _mixed_zip(low: Lowering, stream: Stream, inner: list[Any], node: ast.AST) -> list[Any] | None:
    raise low.unsupported(node, "zip of a literal sequence with one of unknown length", "Index the longer one.")


def _pair(a: Any, b: Any) -> Aggregate:
    return Aggregate(tuple, (a, b))


def _unroll(low: Lowering, stmt: ast.For, parts: list[Any], at: int) -> None:
    """The body once for each item; after a pass that may have broken out, the rest is conditional."""
    from .stores import assign_to

    for k in range(at, len(parts)):
        assign_to(low, stmt.target, parts[k])
        low.frame.env["$go"] = Const(True)
        low.block(stmt.body)
        go = low.frame.env["$go"]
        if isinstance(go, Const):
            if not go.value:
                return
            continue

        def rest(k: int = k) -> str:
            _unroll(low, stmt, parts, k + 1)
            return "falls"

        def stop() -> str:
            return "falls"

        low.fork_with(go, rest, stop, stmt)
        return


def run_for(low: Lowering, stmt: ast.For, iterable: Any) -> None:
    names = [
        "$go",
        "$returned",
        "$ret",
        *assigned([ast.copy_location(ast.Assign([stmt.target], ast.Constant(0)), stmt), *stmt.body]),
    ]
    carried = start(low, names)
    hints = _hints(stmt.target)

    def run() -> tuple[Each, Var, Block]:
        from .stores import assign_to

        low.frame.env["$go"] = Const(True)
        index = Var("", INT)
        each, item = header(low, iterable, hints, index, stmt)
        with low.build.block() as stmts:
            assign_to(low, stmt.target, item())
            low.block(stmt.body)
        return each, index, Block(tuple(stmts))

    (each, index, block), args, ends = settle(low, carried, run, stmt)
    flat, inits, yields, results, breaks = _finish(low, carried, args, ends)
    low.build.add(
        For(
            results,
            flat,
            inits,
            each,
            index,
            Block(block.stmts, yields),
            breaks,
            low.location(stmt),
            None,
            low.build.forward,
        )
    )


def _hints(target: ast.expr) -> Any:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, (ast.Tuple, ast.List)):
        return [_hints(e) for e in target.elts]
    return ""


def _hint(hints: Any, at: int | None = None) -> Any:
    if at is None:
        return hints if isinstance(hints, str) else ""
    return hints[at] if isinstance(hints, list) and at < len(hints) else ""


def header(low: Lowering, iterable: Any, hints: Any, index: Var, node: ast.AST) -> tuple[Each, Any]:
    """What the loop runs over, and what one item is, to be asked inside the body."""
    if isinstance(iterable, Stream) and iterable.kind == "range":
        target = Var(_hint(hints), INT)
        return Each("range", iterable.args, (target,)), lambda: target
    sequences: list[Any] = []
    targets: list[Var] = []
    value = _items(low, iterable, hints, index, sequences, targets, node)
    return Each("sequence", tuple(sequences), tuple(targets)), value


def _items(
    low: Lowering, iterable: Any, hints: Any, index: Var, sequences: list[Any], targets: list[Var], node: ast.AST
) -> Any:
    """Flatten ``zip`` and ``enumerate`` into sequences side by side."""
    if isinstance(iterable, Stream) and iterable.kind == "zip":
        parts = [_items(low, a, _hint(hints, k), index, sequences, targets, node) for k, a in enumerate(iterable.args)]
        return lambda: Aggregate(tuple, tuple(part() for part in parts))
    if isinstance(iterable, Stream) and iterable.kind == "enumerate":
        inner = _items(low, iterable.args[0], _hint(hints, 1), index, sequences, targets, node)
        return lambda: _pair(_counted(low, index, iterable.args[1], _hint(hints, 0)), inner())
    if isinstance(iterable, Stream) and iterable.kind == "reversed":
        return _items(low, _reversed(low, iterable.args[0], node), hints, index, sequences, targets, node)
    if isinstance(iterable, Stream) and iterable.kind == "range":
        t: Any = INT
        seq: Any = low.build.let(Call(range, iterable.args), RangeT())
    else:
        seq, t = iterable, _item_type(low, iterable, node)
    target = Var(_hint(hints), t)
    sequences.append(seq)
    targets.append(target)
    return lambda: target


def _counted(low: Lowering, index: Var, start_at: Any, hint: str) -> Any:
    if isinstance(start_at, Const) and start_at.value == 0:
        return index
    return low.build.call(operator.add, index, start_at, hint=hint, form="operator")


def _reversed(low: Lowering, inner: Any, node: ast.AST) -> Any:
    if isinstance(inner, Stream) and inner.kind == "range":
        made = low.build.let(Call(range, inner.args), RangeT())
        return low.build.let(Call(operator.getitem, (made, _backwards()), (), "operator"), RangeT())
    if isinstance(type_of(inner), ArrayT):
        return low.build.call(operator.getitem, inner, _backwards(), form="operator")
    raise low.unsupported(node, "reversed() of this cannot be differentiated", "Use x[::-1].")


def _backwards() -> Any:
    from .ir import SliceAtom

    return SliceAtom(Const(None), Const(None), Const(-1))


def _item_type(low: Lowering, iterable: Any, node: ast.AST) -> Any:
    if isinstance(iterable, Compiletime):
        raise low.unsupported(node, "a loop over this kind of value cannot be differentiated")
    t = type_of(iterable)
    if isinstance(t, ArrayT) and t.ndim:
        return ScalarT(t.dtype, False) if t.ndim == 1 else ArrayT(t.dtype, t.shape[1:])
    if isinstance(t, ListT):
        return t.item
    if isinstance(t, RangeT):
        return INT
    if isinstance(t, OpaqueT) or isinstance(iterable, Ref):
        return OpaqueT()
    raise low.unsupported(
        node, "a loop over this kind of value cannot be differentiated", "Loop over a range, an array or a list."
    )
