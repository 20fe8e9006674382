"""Which functions of other people's packages are differentiated?  Drawn by lot, once, with a seed.

`python -m tests.wild.draw` walks every module of `PACKAGES`, calls module-level functions in a random order with the few
kinds of arguments in `LADDER`, and keeps the first `CAP` of each package that have a derivative there: a deterministic
result of floats, differences that settle, a gradient that is not zero.  Nothing here knows of Retrograd.
The list in `functions.json` is never edited; an installation of other versions may change what is found.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import importlib.metadata
import inspect
import io
import itertools
import json
import os
import pkgutil
import random
import signal
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from tests import oracle

HERE = Path(__file__).parent
SEED = 20260101
CAP = 6
TRIED_PER_PACKAGE = 400
SECONDS = 2

#: What is imported, and the name it is installed under.
PACKAGES = {
    "ahrs": "ahrs",
    "antropy": "antropy",
    "astral": "astral",
    "chemicals": "chemicals",
    "coloraide": "coloraide",
    "colormath": "colormath",
    "colour": "colour-science",
    "empyrical": "empyrical-reloaded",
    "filterpy": "filterpy",
    "fluids": "fluids",
    "geographiclib": "geographiclib",
    "haversine": "haversine",
    "ht": "ht",
    "hydroeval": "hydroeval",
    "iapws": "iapws",
    "lmfit": "lmfit",
    "metpy": "metpy",
    "miepython": "miepython",
    "numpy_financial": "numpy-financial",
    "peakutils": "peakutils",
    "pvlib": "pvlib",
    "pyet": "pyet",
    "pymap3d": "pymap3d",
    "pyquaternion": "pyquaternion",
    "pysolar": "pysolar",
    "pythermalcomfort": "pythermalcomfort",
    "seawater": "seawater",
    "skfuzzy": "scikit-fuzzy",
    "skinematics": "scikit-kinematics",
    "thermo": "thermo",
    "transforms3d": "transforms3d",
    "windpowerlib": "windpowerlib",
}
SHAPES: dict[str, tuple[int, ...]] = {"float": (), "vector": (4,), "vector3": (3,), "matrix": (3, 3)}
RANGES = {"unit": (0.5, 2.0), "below one": (0.1, 0.9), "large": (5.0, 50.0)}
#: Modules that are not the package's own numerics, or that act on the world.
PASSED_OVER = ("test", "tests", "testing", "conftest", "__main__", "plotting", "plot", "examples", "numba", "setup", "gui", "viewer")


@dataclass(frozen=True)
class Drawn:
    """One function and how it is called."""

    package: str
    version: str
    module: str
    function: str
    kinds: tuple[str, ...]
    range: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.module}.{self.function}"


def load() -> list[Drawn]:
    rows = json.loads((HERE / "functions.json").read_text())
    return [Drawn(**{**row, "kinds": tuple(row["kinds"])}) for row in rows]


def found(drawn: Drawn) -> FunctionType:
    """The function itself; ImportError where its package is not installed."""
    with quiet():
        return getattr(importlib.import_module(drawn.module), drawn.function)


def arguments(drawn: Drawn) -> tuple[Any, ...]:
    """The arguments, the same ones every time."""
    rng = np.random.default_rng(drawn.seed)
    low, high = RANGES[drawn.range]
    values = [rng.uniform(low, high, SHAPES[kind]) for kind in drawn.kinds]
    return tuple(v if v.shape else float(v) for v in map(np.asarray, values))


def result_of(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    with quiet(), np.errstate(all="ignore"):
        return function(*copy.deepcopy(args))


def seed_of(drawn: Drawn, result: Any) -> Any:
    return oracle.random_like(result, np.random.default_rng(drawn.seed + 1))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


# -- walking ----------------------------------------------------------------------------------------------


def modules(package: str) -> Iterator[ModuleType]:
    """The package and all its modules that can be imported, in the order of their names."""
    root = importlib.import_module(package)
    yield root
    names = sorted(m.name for m in pkgutil.walk_packages(getattr(root, "__path__", ()), f"{package}.", lambda _: None))
    for name in names:
        if not set(name.split(".")) & set(PASSED_OVER):
            with contextlib.suppress(Exception, SystemExit, TooSlow), limited(20):
                yield importlib.import_module(name)


def functions(package: str) -> list[tuple[str, str]]:
    """(module, name) of every function the package defines at the top of a module."""
    return sorted({(m.__name__, name) for m in modules(package) for name, f in vars(m).items() if _own(m, name, f)})


def _own(module: ModuleType, name: str, f: Any) -> bool:
    return isinstance(f, FunctionType) and f.__module__ == module.__name__ and name == f.__name__ and "test" not in name


def required(f: FunctionType) -> int:
    """How many arguments a call must pass; -1 where some cannot be passed by position."""
    parameters = [p for p in inspect.signature(f).parameters.values() if p.default is p.empty]
    if any(p.kind is p.KEYWORD_ONLY for p in parameters):
        return -1
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def ladder(count: int) -> Iterator[tuple[tuple[str, ...], str]]:
    """Kinds and ranges to try, the plainest first: all alike, then mixed where that is few."""
    alike = [(kind,) * count for kind in SHAPES]
    mixed = [k for k in itertools.product(SHAPES, repeat=count) if len(set(k)) > 1] if count <= 3 else []
    return ((kinds, low_high) for kinds in alike + mixed for low_high in RANGES)


# -- choosing ---------------------------------------------------------------------------------------------


class TooSlow(BaseException):
    """A call that took longer than a test should."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def has_a_derivative(f: FunctionType, drawn: Drawn) -> bool:
    """Does this call give floats, the same ones twice, that move smoothly with the arguments?"""
    args = arguments(drawn)
    result = result_of(f, args)
    if not _numbers(result) or not oracle.bit_equal(result, result_of(f, args)):
        return False
    with quiet(), np.errstate(all="ignore"):
        estimate = oracle.gradient(f, args, tuple(range(len(args))), seed_of(drawn, result))
    return settled(estimate)


def _numbers(result: Any) -> bool:
    parts = list(oracle.every_leaf(result))
    inexact = [p for p in parts if oracle.is_float(p) and np.asarray(p).dtype == np.float64 and np.size(p)]
    return bool(parts) and len(parts) == len(inexact) and all(_plain(p) and np.isfinite(p).all() for p in parts)


def _plain(leaf: Any) -> bool:
    return type(leaf) in (float, np.float64, np.ndarray)


def settled(estimate: oracle.Estimate) -> bool:
    size = np.max(np.abs(estimate.value), initial=0.0)
    worst = np.max(estimate.error, initial=0.0)
    return bool(1e-9 < size < 1e9 and worst < 1e-6 * size)


def chosen(package: str, module: str, name: str) -> Drawn | None:
    """The first rung of the ladder on which the function has a derivative."""
    f = getattr(importlib.import_module(module), name)
    with contextlib.suppress(TypeError, ValueError):
        count = required(f)
        for kinds, low_high in ladder(count) if 0 < count <= 10 else ():
            seed = zlib.crc32(f"{SEED} {module}.{name}".encode())
            version = importlib.metadata.version(PACKAGES[package])
            drawn = Drawn(package, version, module, name, kinds, low_high, seed)
            with contextlib.suppress(Exception, SystemExit, TooSlow), limited(SECONDS):
                if has_a_derivative(f, drawn):
                    return drawn
    return None


def draw(package: str) -> list[Drawn]:
    """The first `CAP` functions that qualify, in a random order."""
    with quiet():
        candidates = functions(package)
        random.Random(f"{SEED} {package}").shuffle(candidates)
        picked = (chosen(package, *candidate) for candidate in candidates[:TRIED_PER_PACKAGE])
        return list(itertools.islice((d for d in picked if d is not None), CAP))


def main() -> None:
    target = HERE / "functions.json"
    if target.exists():
        raise SystemExit(f"{target} exists: the draw is made once")
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        rows = [drawn for package in PACKAGES for drawn in draw(package)]
    target.write_text("[\n" + ",\n".join(json.dumps(asdict(row)) for row in rows) + "\n]\n")
    print(f"{len(rows)} functions of {len({row.package for row in rows})} packages")


if __name__ == "__main__":
    main()
