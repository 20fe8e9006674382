"""What users call: ``grad``, ``value_and_grad``, ``vjp``, ``jvp``, ``jacobian``, ``hessian``, ``hvp``, ``differentiable``, ``source``.

>>> float(grad(lambda x: x * x)(3.0))
6.0
"""

from __future__ import annotations

import functools
import inspect
import linecache
import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import BuiltinMethodType, FunctionType, MethodType, MethodWrapperType
from typing import Any

import numpy as np

from retrograd.runtime import emitted
from retrograd.runtime.errors import (
    AliasedMutation,
    ArgumentError,
    DifferentiationError,
    Location,
    NoRule,
    TangentError,
    UnsupportedSyntax,
    UnusedInput,
)
from retrograd.runtime.rules import lookup

from . import pipeline
from .builder import type_of
from .callers import ByCount, caller_of, caller_with, counts_beyond
from .calls import undecorated
from .checked import checked
from .compile import bind, load, write_guard
from .dialect import NUMBA, NUMBA_PAIRS, PYTHON, Dialect
from .ir import Const, Function, Ref, Var
from .jit import load as jit_load
from .jit import options_of
from .lower import Demand, Lowering, MoreDetail, lower
from .pairs import Plan, Replan, Separation
from .types import AggregateT, ConstT, OpaqueT, abstract, construct, is_inexact, with_lengths
from .values import Detail

Wrt = int | str | Sequence[int | str]
#: Compile with Numba?  A dict holds options of ``numba.njit``.
Jit = bool | dict[str, Any]
Options = dict[str, Any] | None
SPECIALISATIONS = 64


# -- the function, and how it is called -------------------------------------------------------------------


@dataclass(eq=False)
class Target:
    """A function to differentiate: its parameters in order, and how arguments reach them."""

    fn: FunctionType
    bound: tuple[Any, ...] = ()
    signature: inspect.Signature = field(init=False)
    names: tuple[str, ...] = field(init=False)
    simple: bool = field(init=False)

    def __post_init__(self) -> None:
        self.signature = inspect.signature(self.fn, follow_wrapped=False)
        self.names = tuple(self.signature.parameters)
        kinds = {p.kind for p in self.signature.parameters.values()}
        self.simple = not self.bound and kinds <= {
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        }

    def arrange(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The values of all parameters, in order."""
        if self.simple and not kwargs and len(args) == len(self.names):
            return args
        bound = self.signature.bind(*self.bound, *args, **kwargs)
        bound.apply_defaults()
        return tuple(bound.arguments[name] for name in self.names)


def target_of(f: Any) -> Target:
    """The Python function behind what the user passed."""
    f = undecorated(f)
    if hasattr(f, "__retrograd__") or (not isinstance(f, FunctionType) and lookup(f) is not None):
        return Target(caller_of(f))
    if isinstance(getattr(type(f), "__call__", None), FunctionType):  # an object of the user's that can be called
        f = f.__call__
    if inspect.ismethod(f) and isinstance(abstract(f.__self__), OpaqueT):  # its attributes are read as those of things outside are
        return Target(caller_of(f))
    if inspect.ismethod(f):
        bound: Any = f
        return Target(undecorated(bound.__func__), (bound.__self__,))
    if not callable(f) or isinstance(f, type) or not _has_signature(f):
        raise ArgumentError(
            f"{getattr(f, '__name__', f)!r} is not a Python function",
            remedy="Pass a function written in Python, or a lambda around it.",
        )
    if not isinstance(f, FunctionType):
        return Target(caller_of(f))
    return Target(caller_of(f) if hasattr(f, "__wrapped__") else f)


def _has_signature(f: Any) -> bool:
    try:
        return inspect.signature(f) is not None
    except ValueError:  # of a built-in
        return False


def wrt_names(target: Target, wrt: Wrt) -> tuple[tuple[str, ...], bool]:
    """The names of the parameters asked for, and whether one (not a tuple) was asked for."""
    single = isinstance(wrt, (int, str))
    asked: list[int | str] = [wrt] if isinstance(wrt, (int, str)) else list(wrt)
    names = target.names[len(target.bound) :]
    out = []
    for item in asked:
        if isinstance(item, str):
            if item not in target.names:
                raise ArgumentError(
                    f"wrt={item!r}: {target.fn.__name__} has no parameter of that name",
                    remedy=f"It has: {', '.join(names)}.",
                )
            out.append(item)
            continue
        try:
            out.append(names[item])
        except IndexError:
            raise ArgumentError(
                f"wrt={item}: {target.fn.__name__} has {len(names)} parameters", remedy="Count them from 0, or name them."
            ) from None
    return tuple(out), single


# -- specialisation ---------------------------------------------------------------------------------------


@dataclass(eq=False)
class Specialised:
    """One program for one signature."""

    program: Function
    params: tuple[str, ...]
    captures: tuple[Any, ...]
    guard: Callable[..., bool]
    identities: tuple[tuple[Any, Any], ...]
    types: dict[str, Any]
    notes: tuple[Any, ...] = ()  # what became of each call, for ``explain``
    changes: bool = False  # is a container changed that came in?

    def by_name(self, names: Sequence[str]) -> tuple[Var, ...]:
        found = {p.hint: p for p in self.program.params[: len(self.params)]}
        return tuple(found[name] for name in names if name in found)


def specialise(
    target: Target,
    values: tuple[Any, ...],
    wrt: Sequence[str],
    build: Callable[[Specialised], Any] = lambda special: None,
    separate: bool = True,
) -> tuple[Specialised, Any]:
    """The program of the function for these argument types, and what is built of it.

    Long and recursive functions that it calls are programs of their own, where ``separate``.

    Where types are not enough, lengths of arrays, ints and tuples of ints join by value (T4), unless that does not help.
    """

    def attempt(detail: Detail) -> tuple[Specialised, Any]:
        special = _specialised(target, values, wrt, detail, separate)
        return special, build(special)

    first = _tried(attempt, Detail.TYPES)
    if isinstance(first, tuple):
        return first
    closer = _tried(attempt, Detail.VALUES)
    if isinstance(closer, tuple) and not any(note.verdict == "traced" for note in closer[0].notes):
        return closer
    last = _tried(attempt, Detail.TYPES_ALONE) if isinstance(first, MoreDetail) else first
    for made in (last, closer):
        if isinstance(made, tuple):
            return made
    raise last


def _tried(attempt: Callable[[Detail], Any], detail: Detail) -> Any:
    """What an attempt makes, or why it cannot."""
    try:
        return attempt(detail)
    except (MoreDetail, UnsupportedSyntax, NoRule) as refusal:
        return refusal


def _specialised(
    target: Target, values: tuple[Any, ...], wrt: Sequence[str], detail: Detail, separate: bool
) -> Specialised:
    given = dict(zip(target.names, values))
    types = {n: _parameter_type(n, v, n in wrt, target) for n, v in given.items()}
    called = {n: Ref(v, n) for n, v in given.items() if isinstance(types[n], OpaqueT) and callable(v)}
    types.update({n: ConstT(ref.value) for n, ref in called.items()})  # functions are part of the program
    fixed: dict[str, Any] = {}
    plan = Plan()
    if detail is Detail.VALUES:
        types = {n: with_lengths(t, given[n]) for n, t in types.items()}
        fixed = {n: v for n, v in given.items() if type(v) is int}
    while True:
        bindings = {n: Const(fixed[n]) if n in fixed else called.get(n, t) for n, t in types.items()}
        low = Lowering()
        low.detail = detail
        low.separation = Separation(plan) if separate else None
        try:
            program, low = lower(target.fn, bindings, low=low)
        except Demand as demand:
            fixed[demand.var.hint] = given[demand.var.hint]
            continue
        except Replan as change:
            change.enter(plan)
            continue
        captured = tuple(getter for _, getter in low.captures.values())
        variables = tuple(
            n for n in target.names if not isinstance(bindings[n], Const) and not isinstance(types[n], ConstT)
        )
        captured_types = tuple(var.type for var, _ in low.captures.values())
        names = (*target.names, *(f"captured {k}" for k in range(len(captured))))
        guard = write_guard(names, (*types.values(), *captured_types), fixed)
        return Specialised(program, variables, captured, guard, tuple(low.guards.values()), types, tuple(low.notes), low.opens)


#: What is another object each time it is read, and equal if it means the same.
MADE_ANEW = (str, int, float, bytes, MethodType, BuiltinMethodType, MethodWrapperType)


def _same(now: Any, value: Any) -> bool:
    """Is it still what the program was made for?  Literals and bound methods are made anew whenever they are read."""
    if type(value) is tuple and now is not value:
        return type(now) is tuple and len(now) == len(value) and all(map(_same, now, value))
    return now is value or (type(now) is type(value) and isinstance(value, MADE_ANEW) and now == value)


def _parameter_type(name: str, value: Any, wanted: bool, target: Target) -> Any:
    t = abstract(value, name, argument=True)
    if type(value) is bool:
        t = ConstT(value)
    if wanted and not is_inexact(t):
        what = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"of type {type(value).__name__}"
        raise ArgumentError(
            f"{target.fn.__name__}: the argument {name!r} to differentiate is {what}, which has no derivative",
            remedy=f"Pass floats, e.g. {name}=float(...) or an array with dtype=float.",
        )
    return t


# -- transformed functions --------------------------------------------------------------------------------


@dataclass(eq=False)
class Entry:
    """A compiled specialisation: when it applies, where its inputs are, what to run."""

    guard: Callable[..., bool]
    captures: tuple[Any, ...]
    identities: tuple[tuple[Any, Any], ...]
    positions: tuple[int, ...]
    run: Any
    text: str
    written: bool
    changes: bool
    everything: bool

    def __post_init__(self) -> None:
        # the guard says all there is to know, and what runs takes the arguments as they are
        self.is_plain = self.everything and not (self.written or self.changes or self.captures or self.identities)


class Transformed:
    """A derivative that is emitted at the first call for each signature of arguments, and cached."""

    __retrograd__: tuple[str, Any, Wrt | None, bool]  # what it is when another function that is differentiated calls it

    def __init__(self, f: Any, build: Callable[[Specialised], Any], wrt: Wrt, name: str, separate: bool = True) -> None:
        self.target = target_of(f)
        self.separate = separate
        self.names, self.single = wrt_names(self.target, wrt)
        self._build = build
        self._entries: list[Entry] = []
        self._plain: list[tuple[Callable[..., bool], Any]] = []  # the guards and functions of those that say all there is to know
        self._direct = len(self.target.names) if self.target.simple else -1  # how many arguments need no arranging
        self._kind = name
        self.warns = True
        functools.update_wrapper(self, self.target.fn, updated=())
        self.__name__ = f"{name}({self.target.fn.__name__})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) == self._direct:
            for guard, run in self._plain:
                if guard(*args):
                    try:
                        return run(*args)
                    except Exception as error:
                        raise explained(error)
        target = self.target
        values = (
            args if target.simple and not kwargs and len(args) == len(target.names) else target.arrange(args, kwargs)
        )
        entry, captured = self.found(values)
        return self.run(entry, values, captured)

    def found(self, values: tuple[Any, ...]) -> tuple[Entry, tuple[Any, ...]]:
        """The specialisation for these values, made if there is none, and what it reads from outside."""
        for entry in self._entries:
            if not entry.captures and not entry.identities:
                if entry.guard(*values):
                    return entry, ()
            else:
                captured = self._captured(entry)
                if captured is not None and entry.guard(*values, *captured):
                    return entry, captured
        entry = self._specialise(values)
        captured = self._captured(entry)
        if captured is None:
            raise ArgumentError(
                f"{self.target.fn.__name__} reads something from outside that is another object each time it is read",
                remedy="Bind it to a name once, or pass it as an argument.",
            )
        return entry, captured

    def _captured(self, entry: Entry) -> tuple[Any, ...] | None:
        fn = self.target.fn
        try:
            for getter, value in entry.identities:
                if not _same(getter(fn), value):
                    return None
            return tuple(getter(fn) for getter in entry.captures)
        except (KeyError, AttributeError, ValueError):
            return None

    def run(self, entry: Entry, values: tuple[Any, ...], captured: tuple[Any, ...] = ()) -> Any:
        if not entry.everything:
            values = tuple([values[k] for k in entry.positions])
        if entry.changes:
            _refuse_one_container((*values, *captured))
        if entry.written:
            _refuse_overlap((*values, *captured))
        return located(entry.run, *values, *captured)

    def _specialise(self, values: tuple[Any, ...]) -> Entry:
        special, built = specialise(self.target, values, self.names, self._build, self.separate)
        entry = make_entry(self.target, special, built)
        if built.ignored and self.warns:
            _warn_of_unused(self, built.ignored)
        self._entries.insert(0, entry)
        del self._entries[SPECIALISATIONS:]
        self._plain = [(e.guard, e.run) for e in self._entries if e.is_plain]
        return entry

    def emitted(self, *args: Any, **kwargs: Any) -> str:
        """The text for these arguments, or for the latest call."""
        if args or kwargs:
            return self._specialise(self.target.arrange(args, kwargs)).text
        if not self._entries:
            raise ArgumentError(
                f"{self.__name__} has not been called yet, so its types are not known",
                remedy="Call it once, or rg.source(f, *example_args).",
            )
        return self._entries[0].text


def make_entry(target: Target, special: Specialised, built: Any) -> Entry:
    positions = tuple(target.names.index(n) for n in special.params)
    return Entry(
        special.guard, special.captures, special.identities, positions, built.run, built.text,
        built.written, special.changes, positions == tuple(range(len(target.names))),
    )  # fmt: skip


def _warn_of_unused(made: Transformed, names: tuple[str, ...]) -> None:
    """At the line of the user's that calls the derivative; once for each specialisation."""
    depth, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("retrograd."):
        depth, frame = depth + 1, frame.f_back
    which = " and ".join(names)
    message = (
        f"{made.__name__}: the result does not depend on {which}, so this gradient is zero; "
        f"leave {which} out of wrt, or pass it through rg.stop_gradient where that is meant"
    )
    warnings.warn(message, UnusedInput, stacklevel=depth)


@dataclass(frozen=True)
class Built:
    run: Any
    text: str
    written: bool
    ignored: tuple[str, ...] = ()


def loaded(written: pipeline.Written, options: Options = None) -> Any:
    """The function that a finished program is, with those that it calls."""
    if options is None:
        whole: dict[Any, pipeline.Written] = {None: written, **written.beside}
        texts = {key: each.checked or each.text for key, each in whole.items()}
        functions = {key: load(each.checked or each.text, each.program.name) for key, each in whole.items()}
        bind(texts, functions)
        return functions[None]
    return jit_load(written.text, written.program, options)


def _dialect(options: Options) -> Dialect:
    return PYTHON if options is None else NUMBA


def _refuse_one_container(values: tuple[Any, ...]) -> None:
    """Arguments may be, or hold, one container only if none of theirs is changed (M1)."""
    containers = [id(v) for v in _parts(values) if not isinstance(v, (np.ndarray, tuple))]
    if len(set(containers)) < len(containers):
        raise AliasedMutation(
            "two arguments are, or hold, one container and the function changes an argument",
            remedy="Pass a copy of one: copy.copy(x).",
        )


def _refuse_overlap(values: tuple[Any, ...]) -> None:
    """Arguments may share memory only if none of them is written (M1)."""
    arrays = [v for v in _parts(values) if isinstance(v, np.ndarray)]
    for k, a in enumerate(arrays):
        for b in arrays[k + 1 :]:
            if np.may_share_memory(a, b):
                raise AliasedMutation(
                    "two arguments share memory and the function writes to one of them",
                    remedy="Pass a copy of one: x.copy().",
                )


def _parts(value: Any) -> Iterator[Any]:
    """The arrays and containers in a value."""
    if isinstance(value, np.ndarray):
        yield value
        return
    if value is None or isinstance(value, (int, float, complex, str, np.generic)):
        return
    if isinstance(value, (tuple, list)):
        inside: Iterable[Any] = value
    elif isinstance(value, dict):
        inside = value.values()
    elif isinstance(abstract(value, argument=True), AggregateT):
        inside = vars(value).values() if hasattr(value, "__dict__") else ()
    else:
        return
    yield value
    for item in inside:
        yield from _parts(item)


def located(run: Callable[..., Any], *args: Any) -> Any:
    """``run(*args)`` of emitted code; what it raises names the user's line."""
    try:
        return run(*args)
    except Exception as error:
        raise explained(error)


def explained(error: Exception) -> Exception:
    """What emitted code raised, with the user's line."""
    if isinstance(error, DifferentiationError):
        return error.at(_origin(error.__cause__ if isinstance(error, TangentError) and error.__cause__ else error))
    _note(error)
    return error


def _note(error: BaseException) -> None:
    """Cite the user's line of a failure inside emitted code (L5)."""
    loc = _origin(error)
    if loc is not None:
        error.add_note(f"{loc.file}:{loc.line}: {loc.text or linecache.getline(loc.file, loc.line).strip()}")


def _origin(error: BaseException) -> Location | None:
    """The user's line that the failing line of emitted code came from."""
    tb = error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        if code.co_filename.startswith("<retrograd "):
            fn = tb.tb_frame.f_globals.get(code.co_name)
            lines = getattr(fn, "__retrograd_lines__", ())
            at = tb.tb_lineno - 1
            return next((lines[k] for k in range(min(at, len(lines) - 1), -1, -1) if lines[k] is not None), None)
        tb = tb.tb_next
    return None


# -- the public functions ---------------------------------------------------------------------------------


def _decorator(make: Callable[..., Any]) -> Callable[..., Any]:
    """Let ``make(f, ...)`` be used as ``@make`` and as ``@make(...)`` too."""

    @functools.wraps(make)
    def entry(f: Any = None, /, *args: Any, **options: Any) -> Any:
        if f is None:
            return lambda g: entry(g, *args, **options)
        wrt = _wrt(args[0] if args else options.get("wrt", 0), options.get("argnums"))
        if not counts_beyond(f, wrt):
            return make(f, *args, **options)
        known = (make.__name__, f, wrt, options.get("has_aux", False))
        return ByCount(f, lambda g: make(g, *args, **options), make.__name__ == "hvp", known)

    return entry


def _wrt(wrt: Wrt, argnums: Wrt | None) -> Wrt:
    return wrt if argnums is None else argnums


@_decorator
def value_and_grad(
    f: Callable[..., Any], wrt: Wrt = 0, *, has_aux: bool = False, argnums: Wrt | None = None, jit: Jit = False
) -> Callable[..., Any]:
    """A function that returns ``f``'s value and its gradient.

    ``f`` returns a scalar (with ``has_aux`` a pair: the scalar, and anything else).  ``wrt`` names or counts the
    arguments to differentiate: one, or a tuple; numbers count those that ``*args`` takes too.  Gradients have the structure, shapes
    and dtypes of those arguments.
    With ``jit=True`` the emitted program is compiled by Numba at the first call, or ``CompilationFailed`` says which
    line it does not take; a dict holds further options of ``numba.njit``, e.g. ``jit={"fastmath": True}``.

    >>> f = value_and_grad(lambda x, y: x * y, wrt=("x", "y"))
    >>> f(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """
    return _gradient(f, _wrt(wrt, argnums), True, has_aux, jit)


@_decorator
def grad(
    f: Callable[..., Any], wrt: Wrt = 0, *, has_aux: bool = False, argnums: Wrt | None = None, jit: Jit = False
) -> Callable[..., Any]:
    """A function that returns the gradient of the scalar function ``f``; see ``value_and_grad``.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    """
    return _gradient(f, _wrt(wrt, argnums), False, has_aux, jit)


def _gradient(f: Any, wrt: Wrt, value: bool, has_aux: bool, jit: Jit = False) -> Transformed:
    options = options_of(f, jit)

    def build(special: Specialised) -> Built:
        variables = special.by_name(made.names)
        written = pipeline.gradient(special.program, variables, value, has_aux, made.single, _dialect(options))
        return Built(loaded(written, options), written.source, bool(written.written), written.ignored)

    made = Transformed(f, build, wrt, "value_and_grad" if value else "grad", options is None)
    made.__retrograd__ = (made._kind, f, wrt, has_aux)
    return made


def default_wrt(target: Target, values: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(n for n, v in zip(target.names, values) if is_inexact(abstract(v, n, argument=True)))


class Pullbacks:
    """``vjp`` of one function: primal and adjoint programs by signature."""

    def __init__(self, f: Any, wrt: Wrt | None, jit: Jit = False) -> None:
        self.__retrograd__ = ("vjp", f, wrt, False)
        self.f, self.target = f, target_of(f)
        self.wrt = None if wrt is None else wrt_names(self.target, wrt)[0]
        self.options = options_of(f, jit)
        self._made: dict[tuple[str, ...], Transformed] = {}

    def pairs(self, names: tuple[str, ...]) -> Transformed:
        """Primal and adjoint for cotangents of these arguments."""
        if names not in self._made:
            self._made[names] = _pairs(self.f, names, self.options)
            self._made[names].warns = self.wrt is not None  # nobody asked by which arguments
        return self._made[names]

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Callable[..., Any]]:
        values = self.target.arrange(args, kwargs)
        names = self.wrt if self.wrt is not None else default_wrt(self.target, values)
        (value, record), adjoint, seeds = self.pairs(names)(*args, **kwargs)

        def pullback(z_bar: Any) -> tuple[Any, ...]:
            return tuple(located(adjoint, *record, *seeds(z_bar, value)))

        return value, pullback


def _pairs(f: Any, names: tuple[str, ...], options: Options = None) -> Transformed:
    dialect = PYTHON if options is None else NUMBA_PAIRS

    def build(special: Specialised) -> Built:
        first, second = pipeline.pair(special.program, special.by_name(names), dialect=dialect)
        primal, adjoint = loaded(first, options), loaded(second, options)
        seeds = Seeds(type_of(special.program.result))

        def run(*values: Any) -> Any:
            return primal(*values), adjoint, seeds

        text = f"{first.source}\n\n{second.source}"
        return Built(run, text, bool(first.written), first.ignored)

    return Transformed(f, build, names, "vjp", options is None)


@dataclass(frozen=True)
class Seeds:
    """The inexact parts of a result, in the order in which the adjoint takes their cotangents."""

    type: Any

    def __call__(self, z_bar: Any, value: Any) -> list[Any]:
        """A cotangent of the result as the adjoint's arguments, checked against the value."""
        return [seed_of(bar, leaf) for bar, leaf in zip(self.leaves(z_bar), self.leaves(value))]

    def leaves(self, value: Any) -> list[Any]:
        """The inexact parts of the value, or of a cotangent of it; None where it has none."""
        out: list[Any] = []
        _flatten(self.type, value, out)
        return out

    def refilled(self, value: Any, leaves: Sequence[Any], other: Callable[[Any], Any]) -> Any:
        """The value with its inexact parts exchanged, and ``other`` done to the rest."""
        return _refill(self.type, value, iter(leaves), other)


def _flatten(t: Any, value: Any, out: list[Any]) -> None:
    if isinstance(t, AggregateT):
        by_position = isinstance(value, tuple)  # a plain tuple is a cotangent of a named one
        pick: Any = operator.getitem if by_position else _picker(t)
        for key, item in zip(range(len(t.items)) if by_position else t.labels, t.items):
            _flatten(item, None if value is None else pick(value, key), out)
    elif is_inexact(t):
        out.append(value)


def _refill(t: Any, value: Any, leaves: Any, other: Callable[[Any], Any]) -> Any:
    if isinstance(t, AggregateT):
        pick = _picker(t)
        parts = [_refill(item, pick(value, key), leaves, other) for key, item in zip(t.labels, t.items)]
        return construct(t.kind, parts, t.keys)
    return next(leaves) if is_inexact(t) else other(value)


def _picker(t: AggregateT) -> Callable[[Any, Any], Any]:
    return getattr if t.keys is not None and t.kind is not dict else operator.getitem


def seed_of(z_bar: Any, value: Any) -> Any:
    """A cotangent with the shape and dtype of its value; zeros for None."""
    if z_bar is None:
        z_bar = np.zeros_like(value)
    if np.shape(z_bar) != np.shape(value):
        raise ArgumentError(
            f"the cotangent has shape {np.shape(z_bar)}, the result {np.shape(value)}", remedy="Give it the shape of the result."
        )
    return _like(z_bar, value)


def vjp(f: Callable[..., Any], *args: Any, wrt: Wrt | None = None, jit: Jit = False, **kwargs: Any) -> Any:
    """``value, pullback = vjp(f, *args)``: the pullback takes a cotangent of the value and returns a tuple of cotangents.

    ``wrt`` defaults to every argument that holds floats.  Without arguments, returns a function of them.  The pullback
    may be called any number of times.

    >>> value, pullback = vjp(lambda x: x * x, 3.0)
    >>> value, pullback(1.0)
    (9.0, (6.0,))
    """
    made: Any
    if counts_beyond(f, -1 if wrt is None else wrt):
        made = ByCount(f, lambda g: Pullbacks(g, wrt, jit), 0, ("vjp", f, wrt, False))
    else:
        made = Pullbacks(f, wrt, jit)
    return made(*args, **kwargs) if args or kwargs else made


class Pushforwards:
    """``jvp`` of one function: programs by signature of primals."""

    def __init__(self, f: Any, wrt: Wrt | None, jit: Jit = False) -> None:
        self.__retrograd__ = ("jvp", f, wrt, False)
        self.f, self.target = f, target_of(f)
        self.wrt = None if wrt is None else wrt_names(self.target, wrt)[0]
        self.options = options_of(f, jit)
        self._made: dict[tuple[str, ...], Transformed] = {}

    def __call__(self, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        values = self.target.arrange(tuple(primals), {})
        names = self.wrt if self.wrt is not None else default_wrt(self.target, values)
        if self.wrt is None and len(tangents) == len(values):
            tangents = [t for n, t in zip(self.target.names, tangents) if n in names]
        if len(tangents) != len(names):
            raise ArgumentError(
                f"{len(names)} tangents are wanted, one for each of {', '.join(names)}; {len(tangents)} were given",
                remedy="Give one for each argument that holds floats, or choose with wrt=.",
            )
        if names not in self._made:
            self._made[names] = _tangents(self.f, names, self.options)
        run = self._made[names](*primals)
        by_name = dict(zip(self.target.names, values))
        return run(*[_tangent(t, by_name[n], n) for n, t in zip(names, tangents)])  # type: ignore[no-any-return]


def _tangent(tangent: Any, primal: Any, name: str) -> Any:
    if isinstance(primal, np.ndarray) and np.shape(tangent) != primal.shape:
        raise ArgumentError(
            f"the tangent of {name} has shape {np.shape(tangent)}, its value {primal.shape}",
            remedy=f"Give it the shape of {name}.",
        )
    if type(primal) is dict and isinstance(tangent, dict) and set(tangent) == set(primal):
        return {key: _tangent(tangent[key], value, name) for key, value in primal.items()}
    if type(primal) in (tuple, list) and type(tangent) is type(primal) and len(tangent) == len(primal):
        return type(primal)(_tangent(t, value, name) for t, value in zip(tangent, primal))
    return _like(tangent, primal) if is_inexact(abstract(primal)) and tangent is not None else tangent


def _like(given: Any, primal: Any) -> Any:
    """A cotangent or tangent as the emitted code takes it: of the type and dtype of its primal."""
    if isinstance(primal, np.ndarray):
        return np.asarray(given, primal.dtype)
    if isinstance(primal, np.generic):
        return primal.dtype.type(given)
    if isinstance(primal, (bool, int, float)):
        return float(given)
    return complex(given) if isinstance(primal, complex) else given


def _tangents(f: Any, names: tuple[str, ...], options: Options = None) -> Transformed:
    def build(special: Specialised) -> Built:
        program = pipeline.tangent(special.program, special.by_name(names))
        written = pipeline.finish(program, {}, (), 0, dialect=_dialect(options))
        compiled = loaded(written, options)
        count = len(special.program.params)

        def run(*values: Any) -> Any:
            return lambda *tangents: located(compiled, *values[:count], *tangents)

        return Built(run, written.source, bool(written.written))

    return Transformed(f, build, names, "jvp", options is None)


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any] | None = None,
    tangents: Sequence[Any] | None = None,
    *,
    wrt: Wrt | None = None,
    jit: Jit = False,
) -> Any:
    """``value, tangent = jvp(f, primals, tangents)``: the directional derivative, by forward mode.

    One tangent for each argument in ``wrt`` (default: every argument that holds floats).

    >>> jvp(lambda x: x * x, (3.0,), (1.0,))
    (9.0, 6.0)
    """
    if primals is not None and counts_beyond(f, -1 if wrt is None else wrt):
        f = caller_with(f, len(primals))
    made = Pushforwards(f, wrt, jit)
    return made if primals is None else made(primals, tangents or ())


@_decorator
def hvp(f: Callable[..., Any], wrt: Wrt = 0, *, argnums: Wrt | None = None, jit: Jit = False) -> Callable[..., Any]:
    """``hvp(f)(*args, v)``: the product of the Hessian of the scalar ``f`` with ``v``, without forming it (H1).

    >>> hvp(lambda x: x**3)(2.0, 1.0)
    12.0
    """
    asked, options = _wrt(wrt, argnums), options_of(f, jit)

    def build(special: Specialised) -> Built:
        variables = special.by_name(made.names)
        program = pipeline.tangent(special.program, variables, value=False)
        written = pipeline.gradient(program, variables, False, False, made.single, _dialect(options))
        compiled = loaded(written, options)
        count = len(special.program.params)

        def run(*values: Any) -> Any:
            return lambda *tangents: located(compiled, *values[:count], *tangents)

        return Built(run, written.source, bool(written.written))

    made = Transformed(f, build, asked, "hvp", options is None)

    @functools.wraps(made.target.fn)
    def product(*args: Any, **kwargs: Any) -> Any:
        *primals, v = args
        values = dict(zip(made.target.names, made.target.arrange(tuple(primals), kwargs)))
        tangents = (v,) if made.single else tuple(v)
        return made(*primals, **kwargs)(*[_tangent(t, values[n], n) for n, t in zip(made.names, tangents)])

    product.emitted = made.emitted  # type: ignore[attr-defined]
    if made.target.simple:
        own = made.target.signature.parameters.values()
        along = inspect.Parameter("v" if "v" not in made.target.names else "along", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        product.__signature__ = inspect.Signature([*(p.replace(default=p.empty) for p in own), along])  # type: ignore[attr-defined]
    product.__retrograd__ = ("hvp", f, asked, False)  # type: ignore[attr-defined]
    return product


@_decorator
def jacobian(
    f: Callable[..., Any], wrt: Wrt = 0, *, argnums: Wrt | None = None, jit: Jit = False
) -> Callable[..., Any]:
    """A function that returns the Jacobian: for a result of shape ``s`` and an argument of shape ``t``, shape ``s + t``.

    Row by row with reverse mode, or column by column with forward mode where the argument has fewer entries.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    target = target_of(f)
    names, single = wrt_names(target, _wrt(wrt, argnums))
    back = Pullbacks(f, names, jit)

    @functools.wraps(target.fn)
    def rows(*args: Any, **kwargs: Any) -> Any:
        value, pullback = back(*args, **kwargs)
        shape, dtype = np.shape(value), np.asarray(value).dtype
        if isinstance(value, (tuple, list, dict)):
            raise ArgumentError(
                f"jacobian of {target.fn.__name__}: the result must be one array",
                remedy="Return np.concatenate(...) of the parts.",
            )
        given = dict(zip(target.names, target.arrange(args, kwargs)))
        for name in names:
            if isinstance(given[name], (tuple, list, dict)):
                raise ArgumentError(
                    f"jacobian: the argument {name!r} is a container", remedy="Pass one array, or use rg.vjp."
                )
        size = int(np.prod(shape))
        out = [np.empty((size, *np.shape(given[n])), np.asarray(given[n]).dtype) for n in names]
        for k in range(size):
            seed = np.zeros(size, dtype)
            seed[k] = 1
            for array, bar in zip(out, pullback(seed.reshape(shape) if shape else dtype.type(1))):
                array[k] = bar
        made = tuple(a.reshape(shape + a.shape[1:]) for a in out)
        return made[0] if single else made

    rows.__retrograd__ = ("jacobian", f, _wrt(wrt, argnums), False)  # type: ignore[attr-defined]
    return rows


@_decorator
def hessian(
    f: Callable[..., Any], wrt: Wrt = 0, *, argnums: Wrt | None = None, jit: Jit = False
) -> Callable[..., Any]:
    """A function that returns the Hessian of the scalar ``f``: shape ``t + t`` for an argument of shape ``t``.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    asked = _wrt(wrt, argnums)
    product = hvp(f, asked, jit=jit)
    target = target_of(f)
    names, single = wrt_names(target, asked)

    @functools.wraps(target.fn)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(target.names, target.arrange(args, kwargs)))
        shapes = [np.shape(given[n]) for n in names]
        table = [[np.empty((*s, *t)) for t in shapes] for s in shapes]
        for j, name in enumerate(names):
            for at in np.ndindex(shapes[j]):
                v: list[Any] = [np.zeros(s) if s else 0.0 for s in shapes]
                if shapes[j]:
                    v[j][at] = 1.0
                else:
                    v[j] = 1.0
                columns = product(*args, v[0] if single else tuple(v), **kwargs)
                for i, column in enumerate([columns] if single else columns):
                    table[i][j][(..., *at)] = column
        return table[0][0][()] if single else tuple(tuple(a[()] for a in row) for row in table)

    matrix.__retrograd__ = ("hessian", f, asked, False)  # type: ignore[attr-defined]
    return matrix


def source(f: Any, *example_args: Any, **kwargs: Any) -> str:
    """The emitted text of a derivative, or of the value and gradient of a plain function at example arguments.

    >>> print(source(grad(lambda x: x * x), 3.0))  # doctest: +ELLIPSIS
    def ...
    """
    if hasattr(f, "emitted"):
        return f.emitted(*example_args, **kwargs)  # type: ignore[no-any-return]
    if not example_args and not kwargs:
        raise ArgumentError(
            "the source depends on the argument types", remedy="Pass example arguments: rg.source(f, *args)."
        )
    target = target_of(f)
    names = default_wrt(target, target.arrange(example_args, kwargs))
    made = _gradient(f, names if len(names) != 1 else names[0], True, False)
    return made.emitted(*example_args, **kwargs)


def stop_gradient(x: Any) -> Any:
    """``x`` itself, as a constant: no derivative flows through it.

    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return emitted.stop_gradient(x)


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], *, wrt: Wrt | None = None, step: float = 1e-4, rtol: float = 1e-6
) -> None:
    """Raise ``AssertionError`` where reverse and forward mode disagree with central differences of ``f`` along a direction.

    >>> check_grads(lambda x: x**3, (2.0,))
    """
    target = target_of(f)
    values = target.arrange(tuple(args), {})
    names = default_wrt(target, values) if wrt is None else wrt_names(target, wrt)[0]
    rng = np.random.default_rng(0)
    primals = dict(zip(target.names, values))
    direction = {
        n: rng.standard_normal(np.shape(primals[n])) if np.ndim(primals[n]) else float(rng.standard_normal())
        for n in names
    }

    def moved(h: float) -> Any:
        return np.asarray(target.fn(*[v + h * direction[n] if n in direction else v for n, v in primals.items()]))

    coarse, fine = ((moved(h) - moved(-h)) / (2 * h) for h in (step, step / 2))
    expected = (4 * fine - coarse) / 3
    value, forward = jvp(f, values, [direction[n] for n in names], wrt=names)
    _, pullback = vjp(f, *values, wrt=names)
    seed = rng.standard_normal(np.shape(value)) if np.ndim(value) else 1.0
    reverse = sum(np.sum(bar * direction[n]) for n, bar in zip(names, pullback(seed)))
    np.testing.assert_allclose(forward, expected, rtol=rtol, atol=rtol, err_msg="forward mode against differences")
    np.testing.assert_allclose(
        reverse, np.sum(expected * seed), rtol=rtol, atol=rtol, err_msg="reverse mode against differences"
    )


__all__ = [
    "checked", "grad", "hessian", "hvp", "jacobian", "jvp", "source", "stop_gradient", "check_grads",
    "value_and_grad", "vjp",
]  # fmt: skip
