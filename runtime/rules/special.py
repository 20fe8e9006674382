"""What are the derivatives of SciPy's special functions, and of what it shares with NumPy?  Entered when one is first looked up.

SciPy is never imported from here: a function of its that someone looks up proves that it is loaded.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from types import ModuleType

import numpy as np

from retrograd.runtime.rules import text
from retrograd.runtime.rules.rule import elementwise, lookup, register

#: Partials by name; 1.128... is 2/sqrt(pi), 0.398... is 1/sqrt(2 pi).
PARTIALS: dict[str, tuple[str, ...]] = {
    "erf": ("1.1283791670955126*exp(-x**2)",),
    "erfc": ("-1.1283791670955126*exp(-x**2)",),
    "erfinv": ("0.886226925452758*exp(z**2)",),
    "erfcinv": ("-0.886226925452758*exp(z**2)",),
    "ndtr": ("0.3989422804014327*exp(-x**2/2)",),
    "ndtri": ("2.5066282746310002*exp(z**2/2)",),
    "gamma": ("z*digamma(x)",),
    "gammaln": ("digamma(x)",),
    "digamma": ("polygamma(1, x)",),
    "expit": ("z*(1 - z)",),
    "logit": ("1/(x*(1 - x))",),
    "xlogy": ("safe_log(y)", "divide_or_zero(x, y)"),
    "j0": ("-j1(x)",),
    "y0": ("-y1(x)",),
    "i0": ("i1(x)",),
    "k0": ("-k1(x)",),
}


#: Functions of ``scipy.linalg`` that are those of ``np.linalg`` but for keywords, which the rules do not take.
SHARED = ("inv", "pinv", "det", "solve", "norm", "svdvals")


def register_loaded() -> bool:
    """Enter the rules, once for each module, if SciPy's modules are loaded; whether one is."""
    found = False
    for name, enter in (("scipy.special", _register), ("scipy.linalg", _share)):
        module = sys.modules.get(name)
        if module is not None:
            enter(module)
            found = True
    return found


@cache
def _share(module: ModuleType) -> None:
    for name in SHARED:
        known = lookup(getattr(np.linalg, name))
        assert known is not None
        register(replace(known, primitive=getattr(module, name), name=f"scipy.linalg.{name}"))


@cache
def _register(module: ModuleType) -> None:
    text.GLOBALS["special"] = module
    for name, partials in PARTIALS.items():
        elementwise(name, partials, getattr(module, name), namespace=module, singular=True, real_only=True)
