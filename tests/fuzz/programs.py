"""Which programs does the fuzzer write?  Strategies that draw whole functions, as text, with arguments to call them with.

A program is built statement by statement from what is in scope: names of known kind and length, so that it runs.
Numbers stay near 1 (``np.tanh`` closes every loop of growth), conditions compare with odd constants, and divisors
are at least 1.5, so that differences of the plain function settle.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

#: What programs may call: helpers that write to their arguments, return them, or return views of them, and a class.
LIBRARY = '''
import numpy as np


def bump(v, s):
    v[0] += s
    return v[-1] * s


def tail(v):
    return v[1:]


def same(v):
    return v


def pair(s, v):
    if s > 0.217:
        return s * 0.5, v * 2.0
    return s, v


def repeated(f, s, n):
    for _ in range(n):
        s = np.tanh(f(s))
    return s


class Box:
    scale = 0.75

    def __init__(self, s, v):
        self.s = s
        self.v = v

    def grow(self, by):
        self.v *= by
        self.s = self.s * self.scale
        return self

    @property
    def total(self):
        return self.s + np.sum(self.v)

    def __add__(self, other):
        return Box(self.s + other.s, self.v + other.v)
'''


@dataclass(frozen=True)
class Kind:
    """A float, an array of these lengths, or a list of at least that many floats."""

    name: str
    shape: tuple[int, ...] = ()


FLOAT, BOX = Kind("float"), Kind("box", (3,))
VECTORS = [Kind("array", (n,)) for n in (3, 4)]
MATRIX = Kind("array", (3, 4))
LISTS = [Kind("list", (n,)) for n in (2, 3)]


@dataclass(frozen=True)
class Program:
    """The text of a module that defines ``f``, and the arguments of ``f``."""

    text: str
    args: tuple[Any, ...] = field(compare=False)


@st.composite
def programs(draw: Any) -> Program:
    """A function of one to three arguments that returns a number, or a tuple of a number and an array."""
    kinds = [draw(st.sampled_from([FLOAT, *VECTORS, MATRIX, LISTS[1]])) for _ in range(draw(st.integers(1, 3)))]
    names = "xyz"[: len(kinds)]
    writer = Writer(draw, dict(zip(names, kinds)))
    writer.block(draw(st.integers(2, 6)), depth=0)
    body = "\n".join([*writer.lines, f"    return {writer.result()}"])
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return Program(f"{LIBRARY}\n\ndef f({', '.join(names)}):\n{body}\n", tuple(argument(k, rng) for k in kinds))


def argument(kind: Kind, rng: np.random.Generator) -> Any:
    values = rng.uniform(-1.2, 1.2, kind.shape)
    return float(values) if kind is FLOAT else values.tolist() if kind.name == "list" else values


class Writer:
    """A function in the making: its lines, and the kinds of the names in scope."""

    def __init__(self, draw: Any, scope: dict[str, Kind]) -> None:
        self.draw, self.scope, self.lines, self.indent, self.count = draw, scope, [], 1, 0
        self.loops = 0

    # -- drawing ------------------------------------------------------------------------------------------

    def one_of(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def number(self) -> str:
        return str(self.one_of(0.3, -0.7, 1.1, 0.45, 2))

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def names(self, *kinds: Kind) -> list[str]:
        return [n for n, k in self.scope.items() if k in kinds]

    def arrays(self, rank: int = 1) -> list[str]:
        return [n for n, k in self.scope.items() if k.name == "array" and len(k.shape) == rank]

    # -- expressions --------------------------------------------------------------------------------------

    def float(self, depth: int = 2) -> str:
        """A float expression of at most this depth."""
        atoms = [*self.names(FLOAT), self.number()]
        atoms += [f"{v}[{self.draw(st.integers(-2, 1))}]" for v in self.arrays() + self.names(*LISTS)]
        atoms += [f"{b}.total" for b in self.names(BOX)] + [f"{b}.s" for b in self.names(BOX)]
        if depth == 0 or self.draw(st.booleans()):
            return str(self.one_of(*atoms))
        a = self.float(depth - 1)
        form = self.one_of("{a} * {b}", "({a} - {b})", "np.sin({a})", "np.tanh({a} + {b})", "{a} / (1.5 + {b} * {b})", "sum", "ternary", "max")
        if form == "sum":
            return self.reduced()
        if form == "ternary":
            return f"({a} if {self.condition()} else {self.float(depth - 1)})"
        if form == "max":
            return f"{self.one_of('max', 'min')}({a}, {self.float(depth - 1)} + 0.113)"
        return str(form.format(a=f"({a})", b=f"({self.float(depth - 1)})"))

    def reduced(self) -> str:
        """A number made of an array or a list."""
        options = [f"np.tanh({how}({v}))" for v in self.arrays() + self.arrays(2) for how in ("np.sum", "np.mean")]
        options += [f"np.tanh({v} @ {w})" for v in self.arrays() for w in self.arrays() if self.scope[v] == self.scope[w]]
        options += [f"np.tanh(sum({v}))" for v in self.names(*LISTS)]
        return str(self.one_of(*options)) if options else self.number()

    def condition(self) -> str:
        test = f"{self.float(1)} {self.one_of('<', '>')} {self.one_of(0.217, -0.391, 0.683)}"
        form = self.one_of("{}", "{}", "not {}", "{} and {more}", "{} or {more}", "-0.9 < {a} < 0.523")
        return str(form.format(test, more=f"{self.float(0)} > 0.157", a=self.float(0)))

    def vector(self, kind: Kind) -> str:
        """An expression for a new array of this kind."""
        same = self.names(kind)
        n = kind.shape[0]
        options = [f"np.full({n}, {self.float(1)})", f"np.linspace({self.float(0)}, 1.3, {n})", f"np.zeros({n})"]
        options += [f"np.array([{', '.join(self.float(1) for _ in range(n))}])"]
        options += [f"{v}[::-1] * {self.float(0)}" for v in same] + [f"np.sin({v})" for v in same] + [f"{v}.copy()" for v in same]
        options += [f"np.where({v} > 0.117, {v}, {self.float(0)})" for v in same] + [f"{v} + {self.one_of(*same)}" for v in same]
        options += [f"np.tanh({m}.T @ {v})" for m in self.names(MATRIX) if n == 4 for v in self.names(VECTORS[0])]
        options += [f"np.array([{self.float(0)} * e for e in {v}])" for v in same] + [f"{v}[[{n - 1}, 0, 0, 1][:{n}]]" for v in same]
        options += [f"np.concatenate([{v}, [{self.float(0)}]])[:{n}]" for v in same] + [f"np.maximum({v}, 0.057)" for v in same]
        return str(self.one_of(*options))

    def alias(self) -> tuple[str, Kind] | None:
        """An expression that is, or may be, the memory of another name."""
        found: list[tuple[str, Kind]] = []
        for name, kind in self.scope.items():
            if kind.name == "array" and len(kind.shape) == 1:
                found += [(name, kind), (f"same({name})", kind), (f"{name}[::-1]", kind), (f"np.asarray({name})", kind)]
                found += [(f"{how}", VECTORS[0]) for how in (f"{name}[1:]", f"tail({name})", f"{name}[:3]") if kind.shape == (4,)]
            elif kind == MATRIX:
                found += [(f"{name}[{self.draw(st.integers(0, 2))}]", VECTORS[1]), (f"{name}[:, {self.draw(st.integers(0, 3))}]", VECTORS[0])]
                found += [(f"{name}.T[2]", VECTORS[0]), (f"{name}.reshape(-1)[2:6]", VECTORS[1]), (f"np.ravel({name})[::4]", VECTORS[0])]
            elif kind == BOX:
                found.append((f"{name}.v", VECTORS[0]))
            elif kind.name == "list":
                found.append((name, kind))
        return self.one_of(*found) if found else None

    def result(self) -> str:
        """Everything that is in scope, in one number."""
        parts = [f"np.sum(np.sin({n}))" if k.name == "array" else f"{n}.total" if k == BOX else f"sum({n})" if k.name == "list" else n
                 for n, k in self.scope.items()]  # fmt: skip
        total = " + ".join(f"{w} * {p}" for w, p in zip((1.0, 0.7, -1.3, 0.9, 2.1, -0.4) * 9, parts))
        vectors = self.arrays()
        return f"{total}, {self.one_of(*vectors)} * 2.0" if vectors and self.draw(st.integers(0, 3)) == 0 else total

    # -- statements ---------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    @contextmanager
    def indented(self, header: str) -> Iterator[None]:
        """The lines of a block, which may turn out empty; what only it defines is out of scope behind it."""
        self.line(header)
        outside, start = dict(self.scope), len(self.lines)
        self.indent += 1
        yield
        if len(self.lines) == start:
            self.line("pass")
        self.indent -= 1
        self.scope = {n: k for n, k in outside.items() if self.scope.get(n) == k}

    def block(self, size: int, depth: int) -> None:
        for _ in range(size):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        simple = [self.assign, self.assign, self.augment, self.store, self.store, self.make_alias, self.in_place, self.containers, self.call]
        nested = [self.branch, self.for_loop, self.for_loop, self.while_loop, self.guarded, self.closure, self.jump]
        self.one_of(*(simple + nested if depth < 2 else simple))(depth)

    def assign(self, depth: int) -> None:
        if self.draw(st.booleans()):
            self.bind(self.float(), FLOAT)
        else:
            kind = self.one_of(*VECTORS)
            self.bind(self.vector(kind), kind)

    def bind(self, text: str, kind: Kind) -> None:
        """``name = text``, with a name of that kind or a new one."""
        own = [n for n in self.names(kind) if n not in "xyz"]
        name = self.one_of(*own) if own and self.draw(st.booleans()) else self.fresh({"float": "s", "array": "v", "list": "h", "box": "b"}[kind.name])
        self.line(f"{name} = {text}")
        self.scope[name] = kind

    def augment(self, depth: int) -> None:
        targets = self.names(FLOAT) + self.arrays() + self.arrays(2)
        if targets:
            name = self.one_of(*targets)
            self.line(f"{name} {self.one_of('+=', '*=', '-=')} {self.float(1)}")
            if self.scope[name] is FLOAT and self.loops:
                self.line(f"{name} = np.tanh({name})")

    def store(self, depth: int) -> None:
        targets = self.arrays() + self.names(MATRIX) + self.names(*LISTS)
        if not targets:
            return self.assign(depth)
        name = self.one_of(*targets)
        kind = self.scope[name]
        if kind.name == "list":
            self.line(f"{name}[{self.draw(st.integers(-2, 1))}] = {self.float()}")
        elif kind == MATRIX:
            row = self.names(VECTORS[1])
            texts = [f"{name}[1, 2] = {self.float()}", f"{name}[:, 1] *= {self.float(1)}", f"{name}[0] = {name}[2] * {self.float(0)}", f"{name}.T[1] += {name}[:, 0]"]
            self.line(self.one_of(*texts, *[f"{name}[1] += {v}" for v in row]))
        else:
            i = self.draw(st.integers(-3, 2))
            self.line(self.one_of(
                f"{name}[{i}] = {self.float()}", f"{name}[{i}] *= {self.float(1)}", f"{name}[1:] += {name}[:-1]", f"{name}[1:] = {name}[:-1] * {self.float(0)}",
                f"{name}[{name} > 0.317] = {self.float(1)}", f"{name}[[0, 0, 1]] += {self.float(1)}", f"{name}[::2] -= {self.float(1)}",
                f"np.add.at({name}, [0, 0, 1], {self.float(0)})", f"{name}[...] = {name} * {self.float(0)}", f"{name}[{i}], {name}[0] = {name}[0], {name}[{i}]",
            ))  # fmt: skip
        return None

    def make_alias(self, depth: int) -> None:
        found = self.alias()
        if found is not None:
            self.bind(*found)

    def in_place(self, depth: int) -> None:
        kind = self.one_of(*VECTORS)
        names = self.names(kind)
        if names:
            a, b = self.one_of(*names), self.one_of(*names)
            self.line(self.one_of(f"np.multiply({a}, {self.float(0)}, out={b})", f"np.add({a}, {b}, out={a})", f"np.copyto({a}, {b} * 0.5)", f"{a}.fill({self.float(0)})"))

    def containers(self, depth: int) -> None:
        lists = self.names(*LISTS)
        choice = self.one_of("list", "list", "append", "pop", "dict", "box", "grow", "tuple")
        if choice == "append" and lists:
            self.line(f"{self.one_of(*lists)}.append({self.float()})")
        elif choice == "pop" and lists and not self.loops:
            name = self.one_of(*lists)
            self.line(f"{name}.append({self.float(0)})")
            self.bind(f"{name}.pop({self.one_of('', 0, -1)})", FLOAT)
        elif choice == "dict":
            d = self.fresh("d")
            self.line(f"{d} = {{'a': {self.float()}, 'b': {self.float(0)}}}")
            self.line(f"{d}['a'] {self.one_of('=', '*=')} {self.float(1)}")
            self.bind(f"{d}['a'] + {d}.get('b')", FLOAT)
        elif choice == "box":
            self.bind(f"Box({self.float(1)}, {self.vector(VECTORS[0])})", BOX)
        elif choice == "grow" and self.names(BOX):
            box = self.one_of(*self.names(BOX))
            self.line(self.one_of(f"{box}.grow({self.float(0)})", f"{box}.s = {self.float(1)}", f"{box}.v[1] = {self.float(1)}", f"{box} = {box} + {box}"))
        elif choice == "tuple":
            a, b = self.fresh("s"), self.fresh("s")
            self.line(f"{a}, {b} = {self.float(1)}, {self.float(1)}")
            self.line(f"{a}, {b} = {b}, {a}")
            self.scope.update({a: FLOAT, b: FLOAT})
        else:
            kind = self.one_of(*LISTS)
            self.bind(f"[{', '.join(self.float(1) for _ in range(kind.shape[0]))}]", kind)

    def call(self, depth: int) -> None:
        vectors = self.arrays()
        if vectors and self.draw(st.booleans()):
            v = self.one_of(*vectors)
            if self.draw(st.booleans()):
                self.bind(f"bump({v}, {self.float(0)})", FLOAT)
            else:
                a, b = self.fresh("s"), self.fresh("v")
                self.line(f"{a}, {b} = pair({self.float(1)}, {v})")
                self.scope.update({a: FLOAT, b: self.scope[v]})
        else:
            self.bind(f"repeated(lambda t: t * {self.float(0)} + 0.1, {self.float(0)}, {self.draw(st.integers(0, 3))})", FLOAT)

    # -- statements with blocks ---------------------------------------------------------------------------

    def inside(self, depth: int) -> None:
        self.block(self.draw(st.integers(1, 3)), depth + 1)

    def branch(self, depth: int) -> None:
        with self.indented(f"if {self.condition()}:"):
            self.inside(depth)
        for header in self.one_of([], ["else:"], [f"elif {self.condition()}:", "else:"]):
            with self.indented(header):
                self.inside(depth)

    def for_loop(self, depth: int) -> None:
        target, source, kinds = "k", f"range({self.draw(st.integers(0, 3))})", {}
        vectors, lists = self.arrays(), self.names(*LISTS)
        choice = self.one_of("range", "items", "enumerate", "zip", "rows")
        item = self.fresh("e")
        if choice == "items" and vectors + lists:
            target, source, kinds = item, self.one_of(*vectors, *(f"list({h})" for h in lists)), {item: FLOAT}
        elif choice == "enumerate" and vectors:
            target, source, kinds = f"k, {item}", f"enumerate({self.one_of(*vectors)})", {item: FLOAT}
        elif choice == "zip" and vectors:
            other = self.fresh("e")
            target, source = f"{item}, {other}", f"zip({self.one_of(*vectors)}, {self.one_of(*vectors)}[::-1])"
            kinds = {item: FLOAT, other: FLOAT}
        elif choice == "rows" and self.names(MATRIX):
            target, source, kinds = item, self.one_of(*self.names(MATRIX)), {item: VECTORS[1]}
        self.loops += 1
        with self.indented(f"for {target} in {source}:"):
            self.scope.update(kinds)
            self.inside(depth)
            self.leave(self.one_of("", "", "break", "continue"))
        self.loops -= 1
        if self.draw(st.integers(0, 4)) == 0:
            with self.indented("else:"):
                self.inside(depth)

    def while_loop(self, depth: int) -> None:
        n = self.fresh("n")
        self.line(f"{n} = 0")
        self.loops += 1
        with self.indented(f"while {n} < {self.draw(st.integers(1, 3))} and {self.condition()}:"):
            self.line(f"{n} += 1")
            self.inside(depth)
            self.leave(self.one_of("", "break"))
        self.loops -= 1

    def leave(self, word: str) -> None:
        if word:
            self.line(f"if {self.condition()}:")
            self.line(f"    {word}")
            self.assign(2)

    def guarded(self, depth: int) -> None:
        """``try`` with an exception that depends on numbers, or ``with``."""
        if self.draw(st.integers(0, 3)) == 0:
            with self.indented("with np.errstate(all='ignore'):"):
                self.inside(depth)
            return
        with self.indented("try:"):
            self.inside(depth)
            self.line(f"if {self.condition()}:")
            self.line("    raise ValueError('too far')")
            self.inside(depth)
        with self.indented("except ValueError:"):
            self.inside(depth)
        if self.draw(st.booleans()):
            with self.indented("finally:"):
                self.inside(depth)

    def closure(self, depth: int) -> None:
        """A function that reads, and perhaps writes, what is around it."""
        own = [n for n in self.names(FLOAT) if n.startswith("s")]
        name, written = self.fresh("g"), own and self.draw(st.booleans())
        outside = dict(self.scope)
        with self.indented(f"def {name}(t):"):
            self.scope["t"] = FLOAT
            if written:
                target = self.one_of(*own)
                self.line(f"nonlocal {target}")
                self.line(f"{target} = np.tanh({target} + {self.float(1)})")
            self.line(f"return {self.float()}")
        self.scope = outside
        self.bind(f"{name}({self.float(0)}) + {name}({self.float(0)})", FLOAT)

    def jump(self, depth: int) -> None:
        """An early return."""
        self.line(f"if {self.float(1)} > 1.037:")
        self.line(f"    return {self.float()}")


def shown(program: Program) -> str:
    """A program as a file that shows what is wrong with it."""
    args = ",\n".join(f"    {arg!r}" for arg in program.args)
    return textwrap.dedent(f"{program.text}\n\nfrom numpy import array\n\nARGS = (\n{args},\n)\n")
