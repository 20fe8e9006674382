"""How does a tensor look?  As PyTorch prints it.

>>> import numpy as np
>>> print(shown(np.float32([[1, 2.5], [3, 4]]), suffixes=["requires_grad=True"]))
tensor([[1.0000, 2.5000],
        [3.0000, 4.0000]], requires_grad=True)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class PrintOptions:
    """``sci_mode`` None means: decide from the values."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_OPTIONS: ContextVar[PrintOptions] = ContextVar("retrograd_print_options", default=PrintOptions())


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set options for printing; ``profile`` is ``default``, ``short`` or ``full``.

    Args:
        precision: digits after the point (default 4).
        threshold: how many elements print in full (default 1000).
        edgeitems: how many items a summary shows at each end of an axis (default 3).
        linewidth: where vectors wrap (default 80).
        sci_mode: scientific notation always, never, or (None) as the values need.
    """
    start = PROFILES[profile] if profile is not None else _OPTIONS.get()
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changed = {name: value for name, value in given.items() if value is not None}
    _OPTIONS.set(replace(start, sci_mode=sci_mode, **changed))


@dataclass(frozen=True)
class Format:
    """How every number of one tensor prints, and how wide."""

    text: Callable[[Any], str]
    width: int = 1

    def __call__(self, value: Any) -> str:
        return self.text(value).rjust(self.width)


def _whole(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


def number_format(values: Array, options: PrintOptions) -> Format:
    """One format for all values: whole, fixed or scientific."""
    if values.dtype.kind != "f":
        return Format(str, max([1, *(len(str(v)) for v in values.flat)]))
    counted = np.abs(values.astype(np.float64)).ravel()
    finite = np.isfinite(counted) & (counted != 0)
    if not finite.any():
        return Format(_whole)
    text = _float_text(counted[finite], options)
    return Format(text, max(len(text(v)) for v in values.ravel()[finite]))


def _float_text(sizes: Array, options: PrintOptions) -> Callable[[Any], str]:
    whole = bool(np.all(sizes == np.ceil(sizes)))
    scientific = options.sci_mode
    if scientific is None:
        biggest, smallest = sizes.max(), sizes.min()
        spread = biggest / smallest > 1000 or biggest > 1e8
        scientific = bool(spread or (not whole and smallest < 1e-4))
    if scientific:
        return lambda v: f"{v:.{options.precision}e}"
    return _whole if whole else lambda v: f"{v:.{options.precision}f}"


def complex_format(values: Array, options: PrintOptions) -> Format:
    """The parts are formatted each in its own way, the sign joins them."""
    real, imag = number_format(values.real, options), number_format(values.imag, options)

    def text(value: complex) -> str:
        imaginary = imag(value.imag).lstrip() + "j"
        return real(value.real) + (imaginary if imaginary[0] in "+-" else "+" + imaginary)

    return Format(text, real.width + imag.width + 1)


def _edges(values: Array, options: PrintOptions) -> Array:
    """The entries that a summary shows; widths depend on nothing else."""
    for axis, length in enumerate(values.shape):
        if length > 2 * options.edgeitems:
            kept = np.r_[: options.edgeitems, length - options.edgeitems : length]
            values = values.take(kept, axis=axis)
    return values


def _vector(values: Array, indent: int, form: Format, options: PrintOptions, brief: bool) -> str:
    # a complex entry counts two wider than it prints less its "+" and "j", as PyTorch does
    per_line = max(1, (options.linewidth - indent) // (form.width + 2))
    if brief and len(values) > 2 * options.edgeitems:
        ends = options.edgeitems
        items = [form(v) for v in values[:ends]] + [" ..."] + [form(v) for v in values[-ends:]]
    else:
        items = [form(v) for v in values]
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(values: Array, indent: int, form: Format, options: PrintOptions, brief: bool) -> str:
    if values.ndim == 0:
        return form(values[()])
    if values.ndim == 1:
        return _vector(values, indent, form, options, brief)
    if brief and len(values) > 2 * options.edgeitems:
        ends = options.edgeitems
        rows = [_nested(v, indent + 1, form, options, brief) for v in values[:ends]]
        rows += ["..."] + [_nested(v, indent + 1, form, options, brief) for v in values[-ends:]]
    else:
        rows = [_nested(v, indent + 1, form, options, brief) for v in values]
    return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def body(values: Array, indent: int, options: PrintOptions | None = None) -> str:
    """The numbers, bracketed and aligned, without ``tensor(`` around them."""
    options = options or _OPTIONS.get()
    if values.size == 0:
        return "[]"
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    brief = values.size > options.threshold
    visible = _edges(values, options) if brief else values
    form = complex_format(visible, options) if values.dtype.kind == "c" else number_format(visible, options)
    return _nested(values, indent, form, options, brief)


def with_suffixes(text: str, suffixes: Sequence[str], indent: int, linewidth: int) -> str:
    """Append ``dtype=...``, ``grad_fn=...``, each on a new line where the last is full."""
    last_line = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if last_line + len(suffix) + 2 > linewidth:
            text += ",\n" + " " * indent + suffix
            last_line = indent + len(suffix)
        else:
            text += ", " + suffix
            last_line += len(suffix) + 2
    return text + ")"


def shown(values: Array, suffixes: Sequence[str] = (), prefix: str = "tensor(") -> str:
    """The whole ``tensor(...)``; ``suffixes`` says what else is to be known."""
    indent = len(prefix)
    return with_suffixes(prefix + body(values, indent), suffixes, indent, _OPTIONS.get().linewidth)
