"""How is a pullback that a user wrote called, and held to its contract?

>>> class Doubled:
...     __name__ = "doubled"
...     fwd = staticmethod(lambda x: (2 * x, None))
...     bwd = staticmethod(lambda residuals, z_bar: (2 * z_bar,))
>>> out, kept = run_forward(Doubled(), 3.0)
>>> out, run_backward(Doubled(), kept, 1.0)
(6.0, (2.0,))
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from retrograd.runtime.errors import ArgumentError, UntypedValue
from retrograd.runtime.structure import Path, at, leaves, mapped


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a custom pullback needs: the user's residuals, and what cotangents must look like."""

    residuals: Any
    args: tuple[Any, ...]
    out: Any


def run_forward(custom: Any, *args: Any) -> tuple[Any, Kept]:
    """``out, residuals`` of a function with a custom vjp; residuals that are the caller's memory are copied (M4)."""
    found = custom.fwd(*args)
    if not isinstance(found, tuple) or len(found) != 2:
        raise ArgumentError(
            f"fwd of {custom.__name__} must return a pair: (out, residuals)", remedy="Return (out, None) where bwd needs nothing."
        )
    out, residuals = found
    outside = [leaf for _, leaf in leaves((args, out)) if isinstance(leaf, np.ndarray)]
    own = mapped(lambda _, leaf: _apart(leaf, outside), residuals)
    return out, Kept(own, mapped(_alike, args), mapped(_alike, out))


def run_backward(custom: Any, kept: Kept, z_bar: Any) -> tuple[Any, ...]:
    """The cotangents of all arguments, checked against them; None stands for zeros."""
    bars = custom.bwd(kept.residuals, _like_out(kept.out, z_bar))
    if not isinstance(bars, tuple) or len(bars) != len(kept.args):
        count = f"{len(bars)} in a {type(bars).__name__}" if isinstance(bars, (tuple, list)) else f"a {type(bars).__name__}"
        raise ArgumentError(
            f"bwd of {custom.__name__} must return a tuple of {len(kept.args)} cotangents, one for each argument; it returned {count}",
            remedy="Return (x_bar, ...), with None for an argument without a derivative.",
        )
    return tuple(_fitted(custom, k, alike, bar) for k, (alike, bar) in enumerate(zip(kept.args, bars)))


class Alike:
    """The shape and kind of a number or array; not a dataclass, as it stands for a leaf."""

    __slots__ = ("shape", "dtype", "kind")

    def __init__(self, leaf: Any) -> None:
        array = np.asarray(leaf)
        self.shape, self.dtype, self.kind = array.shape, array.dtype, type(leaf)

    def zeros(self) -> Any:
        return np.zeros(self.shape, self.dtype) if self.kind is np.ndarray else self.kind(0)


def _alike(path: Path, leaf: Any) -> Any:
    if isinstance(leaf, (np.ndarray, np.generic, float, complex)) and not isinstance(leaf, bool):
        return Alike(leaf) if np.asarray(leaf).dtype.kind in "fc" else None
    return None


def _apart(leaf: Any, outside: list[np.ndarray]) -> Any:
    shared = isinstance(leaf, np.ndarray) and any(np.may_share_memory(leaf, other) for other in outside)
    return leaf.copy(order="K") if shared else leaf


def _like_out(out: Any, z_bar: Any) -> Any:
    """The cotangent in the structure of the result, zeros where nothing arrived."""
    given = iter([leaf for _, leaf in leaves(z_bar)])

    def fill(path: Path, alike: Any) -> Any:
        bar = None if z_bar is None else next(given)
        return alike.zeros() if bar is None and alike is not None else bar

    return mapped(fill, out)


def _fitted(custom: Any, k: int, alike: Any, bar: Any) -> Any:
    """One argument's cotangent with its shape and dtype."""

    def fit(path: Path, like: Any) -> Any:
        found = None if bar is None else at(bar, path)
        if like is None:
            return None
        if found is None:
            return like.zeros()
        if np.shape(found) != like.shape:
            raise ArgumentError(
                f"bwd of {custom.__name__} returned a cotangent of shape {np.shape(found)} for argument {k}, which has {like.shape}",
                remedy="Sum it over the axes that the argument does not have.",
            )
        real = np.real(found) if like.dtype.kind == "f" else found
        return np.asarray(real, like.dtype) if like.kind is np.ndarray else like.kind(real)

    return mapped(fit, alike)


def zeros_of(values: Any) -> Any:
    """Zeros at every inexact leaf, the other leaves as they are."""
    return mapped(lambda path, leaf: leaf if _alike(path, leaf) is None else _alike(path, leaf).zeros(), values)


def one_scalar(value: Any, name: str) -> Any:
    """``value`` itself; an error unless it is a real number, as the gradient of ``name`` asks."""
    if isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        return value
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "biuf":
        return value
    what = f"an array of shape {np.shape(value)}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
    raise ArgumentError(
        f"grad of {name}: the result is {what}, not a scalar", remedy="Reduce it to a real number, or use rg.jacobian or rg.vjp."
    )


def one_array(value: Any, name: str) -> Any:
    """``value`` itself; an error unless it is a number or an array, as was assumed of what ``name`` returns."""
    if isinstance(value, (bool, int, float, complex, np.generic)) or type(value) is np.ndarray:
        return value
    raise UntypedValue(
        f"{name} returned a {type(value).__name__}, and its type could not be known before the run",
        remedy="Return one number or array from it.",
    )
