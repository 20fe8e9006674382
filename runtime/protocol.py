"""What does NumPy do with a variable?  It asks us: ``__array_ufunc__`` and ``__array_function__``.

>>> import numpy as np
>>> from retrograd.runtime.graph import source
>>> from retrograd.runtime.traced import TracedArray
>>> np.sin(source(TracedArray, np.array([0.0])))._node
<SinBackward0 ...>
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrograd.runtime.errors import NoRule
from retrograd.runtime.graph import Variable, apply, requires_grad
from retrograd.runtime.rules.rule import lookup
from retrograd.runtime.traced import TracedArray, clone, lost, store

# A reduction by a ufunc, under the name that has a rule.
REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}


def array_ufunc(self: Variable, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A ufunc, or one of its methods, was called with a variable."""
    out = kwargs.pop("out", None)
    if method == "at":
        raise lost(f"np.{ufunc.__name__}.at")
    primitive, inputs, kwargs = METHODS[method](ufunc, inputs, kwargs)
    result = apply(primitive, inputs, kwargs)
    return result if out is None else _into(out, result)


def _called(ufunc: np.ufunc, inputs: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    return ufunc, inputs, kwargs


def _reduced(ufunc: np.ufunc, inputs: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    """``np.add.reduce`` goes along axis 0 where ``np.sum`` goes along all."""
    if ufunc not in REDUCTIONS or lookup(ufunc.reduce) is not None:
        return ufunc.reduce, inputs, kwargs
    given = {k: v for k, v in kwargs.items() if v is not None or k == "axis"}
    if len(inputs) == 1:
        given.setdefault("axis", 0)
    return REDUCTIONS[ufunc], inputs, given


def _accumulated(ufunc: np.ufunc, inputs: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    if ufunc not in ACCUMULATIONS or lookup(ufunc.accumulate) is not None:
        return ufunc.accumulate, inputs, kwargs
    if len(inputs) == 1:
        kwargs.setdefault("axis", 0)
    return ACCUMULATIONS[ufunc], inputs, {k: v for k, v in kwargs.items() if v is not None}


def _outer(ufunc: np.ufunc, inputs: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    """Every pair of entries: the first operand gets as many new axes as the second has."""
    if lookup(ufunc.outer) is not None:
        return ufunc.outer, inputs, kwargs
    x, y = inputs
    return ufunc, (np.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y), kwargs


def _reduceat(ufunc: np.ufunc, inputs: Any, kwargs: Any) -> tuple[Any, Any, Any]:
    return ufunc.reduceat, inputs, kwargs


METHODS: dict[str, Callable[..., tuple[Any, Any, Any]]] = {
    "__call__": _called, "reduce": _reduced, "accumulate": _accumulated, "outer": _outer, "reduceat": _reduceat,
}  # fmt: skip


def _into(out: tuple[Any, ...], result: Any) -> Any:
    """``out=``: a store into a variable; into a plain array only what has no derivative."""
    results = result if isinstance(result, tuple) else (result,)
    for target, value in zip(out, results, strict=True):
        if target is None:
            continue
        if isinstance(target, Variable):
            store(target, Ellipsis, value)
        elif isinstance(value, Variable) and requires_grad(value):
            raise lost("out=")
        else:
            target[...] = value._value if isinstance(value, Variable) else value
    return out[0] if len(out) == 1 else out


def array_function(self: Variable, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """One of NumPy's functions was called with a variable somewhere among its arguments."""
    special = SPECIAL.get(function)
    if special is not None:
        return special(*args, **kwargs)
    out = kwargs.get("out")
    if out is not None:
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
        return _into(out if isinstance(out, tuple) else (out,), apply(function, args, kwargs))
    return apply(function, tuple(args), kwargs)


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, Variable):
        if isinstance(src, Variable) and requires_grad(src):
            raise lost("np.copyto")
        np.copyto(dst, src._value if isinstance(src, Variable) else src, casting=casting, where=where)
    elif where is True:
        store(dst, Ellipsis, src)
    else:
        raise NoRule("np.copyto(where=) has no rule", remedy="Write dst[...] = np.where(mask, src, dst).")


def _refused(name: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise lost(f"np.{name}")

    return refuse


def _copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return clone(a, order)


def _savetxt_like(function: Callable[..., Any]) -> Callable[..., Any]:
    """Printing shows the plain value."""
    return lambda a, *args, **kwargs: function(a._value if isinstance(a, Variable) else a, *args, **kwargs)


SPECIAL: dict[Callable[..., Any], Callable[..., Any]] = {
    np.copyto: _copyto,
    np.copy: _copy,
    np.put: _refused("put"),
    np.place: _refused("place"),
    np.putmask: _refused("putmask"),
    np.put_along_axis: _refused("put_along_axis"),
    np.fill_diagonal: _refused("fill_diagonal"),
    np.array_repr: _savetxt_like(np.array_repr),
    np.array_str: _savetxt_like(np.array_str),
    np.array2string: _savetxt_like(np.array2string),
    np.save: _refused("save"),
}


def install(face: type[Variable]) -> None:
    """NumPy functions on values of this face come here."""
    face.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
    face.__array_function__ = array_function  # type: ignore[attr-defined]


install(TracedArray)
