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
from retrograd.runtime.rules.rule import constant, elementwise, lookup, register

#: Partials by name: empty where no derivative is known, 0 by orders that are cut to integers.
#: 1.128... is 2/sqrt(pi), 0.398... is 1/sqrt(2 pi).
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
    "j1": ("(j0(x) - jv(2, x))/2",),
    "y1": ("(y0(x) - yv(2, x))/2",),
    "i1": ("(i0(x) + iv(2, x))/2",),
    "k1": ("-(k0(x) + kv(2, x))/2",),
    "i0e": ("i1e(x) - sign(x)*z",),
    "i1e": ("(i0e(x) + ive(2, x))/2 - sign(x)*z",),
    "k0e": ("z - k1e(x)",),
    "k1e": ("z - (k0e(x) + kve(2, x))/2",),
    "jv": ("", "(jv(x - 1, y) - jv(x + 1, y))/2"),
    "yv": ("", "(yv(x - 1, y) - yv(x + 1, y))/2"),
    "iv": ("", "(iv(x - 1, y) + iv(x + 1, y))/2"),
    "kv": ("", "-(kv(x - 1, y) + kv(x + 1, y))/2"),
    "ive": ("", "(ive(x - 1, y) + ive(x + 1, y))/2 - sign(y)*z"),
    "kve": ("", "z - (kve(x - 1, y) + kve(x + 1, y))/2"),
    "jn": ("", "(jv(x - 1, y) - jv(x + 1, y))/2"),
    "yn": ("0", "(yv(trunc(x) - 1, y) - yv(trunc(x) + 1, y))/2"),
    "kn": ("0", "-(kv(trunc(x) - 1, y) + kv(trunc(x) + 1, y))/2"),
    "exp1": ("-exp(-x)/x",),
    "expi": ("exp(x)/x",),
    "expn": ("0", "-expn(x - 1, y)"),
    "exp2": ("0.69314718055994531*z",),
    "exp10": ("2.3025850929940457*z",),
    "expm1": ("exp(x)",),
    "exprel": ("(exp(x) - z)/x",),
    "log1p": ("1/(x + 1)",),
    "cbrt": ("1/(3*z**2)",),
    "cosm1": ("-sin(x)",),
    "erfcx": ("2*x*z - 1.1283791670955126",),
    "erfi": ("1.1283791670955126*exp(x**2)",),
    "dawsn": ("1 - 2*x*z",),
    "log_ndtr": ("0.3989422804014327*exp(-x**2/2 - z)",),
    "log_expit": ("expit(-x)",),
    "xlog1py": ("log1p(y)", "divide_or_zero(x, y + 1)"),
    "entr": ("-log(x) - 1",),
    "rel_entr": ("log(x/y) + 1", "-x/y"),
    "kl_div": ("log(x/y)", "1 - x/y"),
    "beta": ("z*(digamma(x) - digamma(x + y))", "z*(digamma(y) - digamma(x + y))"),
    "betaln": ("digamma(x) - digamma(x + y)", "digamma(y) - digamma(x + y)"),
    "poch": ("z*(digamma(x + y) - digamma(x))", "z*digamma(x + y)"),
    "rgamma": ("-z*digamma(x)",),
    "gammainc": ("", "exp((x - 1)*log(y) - y - gammaln(x))"),
    "gammaincc": ("", "-exp((x - 1)*log(y) - y - gammaln(x))"),
    "betainc": ("", "", "exp((x - 1)*log(w) + (y - 1)*log1p(-w) - betaln(x, y))"),
    "ellipk": ("(ellipe(x)/(1 - x) - z)/(2*x)",),
    "ellipe": ("(z - ellipk(x))/(2*x)",),
    "ellipkinc": ("1/sqrt(1 - y*sin(x)**2)", ""),
    "ellipeinc": ("sqrt(1 - y*sin(x)**2)", "(z - ellipkinc(x, y))/(2*y)"),
    "spence": ("-log(x)/(x - 1)",),
    "lpmv": ("", "", "(y*w*z - (x + y)*lpmv(x, y - 1, w))/(w**2 - 1)"),
    "eval_legendre": ("", "x*(y*z - eval_legendre(x - 1, y))/(y**2 - 1)"),
    "eval_chebyt": ("", "x*eval_chebyu(x - 1, y)"),
    "spherical_jn": ("0", "trunc(x)*z/y - spherical_jn(x + 1, y)"),
    "spherical_yn": ("0", "trunc(x)*z/y - spherical_yn(x + 1, y)"),
    "spherical_in": ("0", "trunc(x)*z/y + spherical_in(x + 1, y)"),
    "spherical_kn": ("0", "trunc(x)*z/y - spherical_kn(x + 1, y)"),
}

#: The same for functions that are analytic where they are used: complex arguments, or complex results of real ones.
ANALYTIC: dict[str, tuple[str, ...]] = {"wofz": ("-2*x*z + 1.1283791670955126j",), "loggamma": ("digamma(x)",)}
#: What ``scipy.special.lambertw`` calls.
LAMBERTW = ("1/(exp(z)*(z + 1))", "", "")

#: Functions of ``scipy.linalg`` that are those of ``np.linalg`` but for keywords, which the rules do not take.
SHARED = ("inv", "pinv", "det", "solve", "norm", "svdvals")
#: Functions of ``bottleneck`` that are those of NumPy of the same name, written in C.
SKIPPING = ("nansum", "nanmean", "nanmin", "nanmax", "nanvar", "nanstd", "median")


def register_loaded() -> bool:
    """Enter the rules, once for each module, if SciPy's modules are loaded; whether one is."""
    found = False
    for name, enter in (("scipy.special", _register), ("scipy.linalg", _share), ("bottleneck", _share_fast)):
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
def _share_fast(module: ModuleType) -> None:
    for name in SKIPPING:
        known = lookup(getattr(np, name))
        assert known is not None
        register(replace(known, primitive=getattr(module, name), name=f"bottleneck.{name}"))
    constant(*(getattr(module, name) for name in ("nanargmax", "nanargmin", "allnan", "anynan")))


@cache
def _register(module: ModuleType) -> None:
    text.GLOBALS["special"] = module
    for name, partials in PARTIALS.items():
        elementwise(name, partials, getattr(module, name), namespace=module, singular=True, real_only=True)
    for name, partials in ANALYTIC.items():
        elementwise(name, partials, getattr(module, name), namespace=module, singular=True)
    elementwise("lambertw", LAMBERTW, module._ufuncs._lambertw, namespace=module, singular=True)
