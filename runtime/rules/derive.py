"""What are the partials of the declared functions?  SymPy differentiates; the result is committed.

Run ``python -m retrograd.runtime.rules.derive`` after a change of the rows in ``elementwise.py``.

>>> partials("tanh(x)")
('1 - z**2',)
>>> partials("x / y")
('1/y', '-z/y')
"""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path

import numpy as np
import sympy
from sympy.printing.str import StrPrinter

from retrograd.runtime import numerics

X, Y, Z = sympy.symbols("x y z")
NAMES = {"x": X, "y": Y, "cbrt": lambda x: x ** sympy.Rational(1, 3)}
#: Finite arguments at which partials may blow up.
EDGES = (0.0, -0.0, 1e-300, -1e-300, 0.5, -0.5, 1.0, -1.0, 3.0, -4.0, 1e3, -1e3, 1e100, -1e100)

HEADER = '''"""The partials of the functions declared in ``elementwise.py``.  Written by ``derive.py``; do not edit."""

# fmt: off
'''


class _Plain(StrPrinter):
    """Prints as an expert writes: numbers first in sums, decimal factors, ``0.5/z``."""

    def _print_Add(self, expression: sympy.Add, order: object = None) -> str:
        terms = sorted(expression.args, key=lambda t: (t.could_extract_minus_sign(), not t.is_number, str(t)))
        text = " + ".join(self._print(t) for t in terms)
        return text.replace("+ -", "- ")

    def _print_Mul(self, expression: sympy.Mul) -> str:
        factor, rest = expression.as_independent(X, Y, Z)
        if factor == 1 or rest == 1 or (factor == -1):
            return super()._print_Mul(expression)
        return self._scaled(factor, rest)

    def _scaled(self, factor: sympy.Expr, rest: sympy.Expr) -> str:
        number = self._number(factor)
        top, bottom = rest.as_numer_denom()
        if bottom == 1 or isinstance(rest, sympy.exp):  # 1/exp(x**2) overflows, exp(-x**2) does not
            return f"{number}*{self.parenthesize(rest, 50)}"
        above = number if top == 1 else f"{number}*{self.parenthesize(top, 50)}"
        return f"{above}/{self.parenthesize(bottom, 51)}"

    def _number(self, factor: sympy.Expr) -> str:
        if factor.is_Integer:
            return str(factor)
        return repr(float(factor))

    def _print_polygamma(self, expression: sympy.Expr) -> str:
        return f"digamma({self._print(expression.args[1])})"


def partials(expression: str) -> tuple[str, ...]:
    """The shortest partial by each argument, the result ``z`` reused where that is shorter."""
    z = sympy.sympify(expression, locals=NAMES)
    arguments = [s for s in (X, Y) if z.has(s)]
    return tuple(_shortest(sympy.diff(z, s), z) for s in arguments)


def _shortest(partial: sympy.Expr, z: sympy.Expr) -> str:
    plain = sympy.simplify(partial)
    forms = [partial, plain, *_reusing(partial, z), *_reusing(plain, z)]
    return min((_write(f) for f in forms), key=_cost)


def _reusing(partial: sympy.Expr, z: sympy.Expr) -> list[sympy.Expr]:
    """Ways to say the partial with the result: put ``z`` in, or solve ``z`` for the formula's core."""
    direct = [partial.subs(z, Z), sympy.simplify(partial / z) * Z, sympy.simplify(partial / z**2) * Z**2]
    core = next((f for f in z.atoms(sympy.Function, sympy.Pow) if f.has(X)), None)
    solved = [partial.subs(core, s) for s in sympy.solve(sympy.Eq(z, Z), core)] if core is not None else []
    root = [partial.subs(X, Z**3)] if z == NAMES["cbrt"](X) else []
    reused = (sympy.simplify(f) for f in (*direct, *solved))
    return [*(f for f in reused if not (f.has(Z) and f.has(z))), *(sympy.powdenest(f, force=True) for f in root)]


def _write(partial: sympy.Expr) -> str:
    if partial.is_number:
        return str(partial) if partial.is_Integer else repr(float(partial))
    return _Plain().doprint(partial)


def _cost(text: str) -> tuple[int, int, str]:
    """Functions are dear, then operators; the result is free where it stands for an argument."""
    calls = text.count("(") * 4 + sum(text.count(op) for op in "+-*/")
    return calls, len(text), text


def singular(texts: tuple[str, ...], expression: str) -> bool:
    """Whether a partial can be infinite or NaN where all arguments are finite."""
    names = {n: getattr(np, n) for n in ("exp", "log", "sin", "cos", "sinh", "cosh", "sqrt")}
    names["digamma"] = numerics.digamma
    z = sympy.lambdify((X, Y), sympy.sympify(expression, locals=NAMES), "numpy")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return any(
            not math.isfinite(_at(text, names, _value(z, x, y), x, y))
            for text in texts
            for x, y in itertools.product(EDGES, EDGES)
        )


def _value(z: object, x: float, y: float) -> float:
    try:
        return np.float64(z(np.float64(x), np.float64(y)))  # type: ignore[operator]
    except (NameError, TypeError, ValueError, OverflowError):  # functions that NumPy lacks
        return np.float64(np.inf)


def _at(text: str, names: dict, z: float, x: float, y: float) -> float:
    return float(eval(text, {"__builtins__": {}}, {**names, "x": np.float64(x), "y": np.float64(y), "z": z}))


def module_text(rows: list[tuple[str, str]]) -> str:
    """The text of ``derived.py`` for rows of (name, expression)."""
    found = {name: partials(expression) for name, expression in rows}
    poles = sorted(name for name, expression in rows if singular(found[name], expression))
    lines = [f'    "{name}": ({", ".join(_quoted(t) for t in texts)},),' for name, texts in found.items()]
    listed = [f'    "{name}",' for name in poles]
    return "\n".join(
        [
            HEADER + "PARTIALS: dict[str, tuple[str, ...]] = {",
            *lines,
            "}",
            "",
            "SINGULAR = frozenset({",
            *listed,
            "})",
            "",
        ]
    )


def _quoted(text: str) -> str:
    return f'"{text}"'


def declared() -> list[tuple[str, str]]:
    """The rows of ``elementwise.py``, read without entering them: ``derived.py`` may be out of date."""
    import ast

    tree = ast.parse((Path(__file__).parent / "elementwise.py").read_text())
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Row"]
    return [(ast.literal_eval(c.args[0]), ast.literal_eval(c.args[1])) for c in calls]


if __name__ == "__main__":
    target = Path(__file__).parent / "derived.py"
    target.write_text(module_text(declared()))
    print(f"wrote {target.name}")
