"""From an emitted program to machine code: ``numba.njit`` over a file that holds its text.

A program that refers to nothing but NumPy, ``math`` and this package is written to a directory, under a name made of
its text, so that Numba can cache what it compiles; any other lives in memory only, since Numba would not notice
a change of what it refers to.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import linecache
import math
import operator
import os
import re
import sys
import tempfile
import traceback
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from retrograd.runtime.errors import CompilationFailed, MissingExtra

from .emit import Text
from .flatten import Ports
from .ir import Function

#: IndexError for an index out of range, as in Python; division by zero as in NumPy.
OPTIONS: dict[str, Any] = {"boundscheck": True, "error_model": "numpy"}
#: Modules whose functions every process finds as they are here, as long as versions are the same.
LIBRARIES = ("numpy", "numba", "math", "builtins", "retrograd", "_operator")
Options = tuple[tuple[str, Any], ...]
_counter = itertools.count(1)
REMEDY = "Leave out jit=True: the interpreted derivative takes it."


@cache
def numba() -> Any:
    """Numba itself, knowing the functions that emitted code calls."""
    try:
        module = importlib.import_module("numba")
    except ImportError as error:
        raise MissingExtra("jit=True needs Numba", remedy="Install it: pip install retrograd[jit].") from error
    importlib.import_module("retrograd.runtime.overloads")
    return module


# -- where programs are kept ------------------------------------------------------------------------------


def directory() -> Path:
    """``RETROGRAD_CACHE``, or a place for caches in the user's home, or a temporary one."""
    for choice in (os.environ.get("RETROGRAD_CACHE"), _of_user()):
        if choice and _is_writable(Path(choice)):
            return Path(choice)
    return _temporary()


def _of_user() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    else:
        base = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(base).expanduser() / "retrograd"


def _is_writable(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK)


@cache
def _temporary() -> Path:
    return Path(tempfile.mkdtemp(prefix="retrograd-"))


# -- a program --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Compiled:
    """A program and the machine code for each layout of arguments it has met."""

    dispatcher: Any
    text: Text
    file: str
    name: str
    ports: Ports

    def __call__(self, *values: Any) -> Any:
        try:
            return self.ports.result(self.dispatcher(*self.ports.flat(values)))
        except numba().core.errors.NumbaError as error:
            raise self.refusal(error) from error
        except Exception as error:
            if not self.has_compiled(values):  # an error inside Numba, not of the program
                raise self.refusal(error) from error
            error.add_note(self.note(error))
            raise

    def has_compiled(self, values: tuple[Any, ...]) -> bool:
        """Is there machine code for arguments of these types?"""
        return tuple(map(numba().typeof, self.ports.flat(values))) in self.dispatcher.overloads

    def note(self, error: Exception) -> str:
        """The user's line of a failure in machine code, where Numba tells it (L5)."""
        frames = traceback.extract_tb(error.__traceback__)
        loc = next((self.location(f.lineno) for f in frames if f.filename == self.file and f.lineno), None)
        if loc is None:
            return f"in {self.name}, compiled by Numba, which does not say where; without jit=True the line is named"
        return f"{loc.file}:{loc.line}: {loc.text}"

    def refusal(self, error: Exception) -> CompilationFailed:
        """What Numba said, at the user's line."""
        line = self.line_of(error)
        emitted = f"In the emitted program: {self.text.source.splitlines()[line - 1].split('  #')[0].strip()}\n  "
        return CompilationFailed(
            f"Numba cannot compile the derivative {self.name}: {_reason(str(error) or repr(error))}",
            where=self.location(line), remedy=emitted + REMEDY,
        )  # fmt: skip

    def line_of(self, error: Exception) -> int:
        """The line of the emitted text that an error of Numba's is about."""
        loc = getattr(error, "loc", None)
        if loc is not None and loc.filename == self.file:
            return int(loc.line)
        found = re.search(re.escape(self.file) + r" \((\d+)\)", str(error))
        return int(found.group(1)) if found else 1

    def location(self, line: int) -> Any:
        """The user's line that a line of the emitted text came from."""
        sources = self.text.sources
        before = reversed(sources[: min(line, len(sources))])
        return next((loc for loc in (*before, *sources) if loc is not None), None)


def _reason(message: str) -> str:
    """The first sentence of what Numba says, without the names of its stages."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    kept = [
        line for line in lines if not line.startswith(("Failed in nopython", "Overload", "- Of which", "There are"))
    ]
    said = " ".join(kept[:2] if kept and kept[0].endswith(":") else kept[:1])
    return re.sub(r"Untyped global name '(\w+)'.*", r"it knows no \1", said.replace(" >>> ", " "))


def options_of(f: Any, jit: bool | dict[str, Any]) -> dict[str, Any] | None:
    """The options to compile with: what was asked for, over what a jitted ``f`` itself has; None to interpret."""
    if jit is False:
        return None
    own = getattr(f, "targetoptions", {})
    kept = {name: own[name] for name in ("fastmath", "error_model") if name in own}
    return {**OPTIONS, **kept, **({} if jit is True else jit)}


def load(text: Text, program: Function, options: dict[str, Any]) -> Compiled:
    """The emitted function, compiled when it is called."""
    name = program.name
    scope = {"np": np, "math": math, "operator": operator, **text.scope}
    if all(map(is_library, text.scope.values())):
        file, dispatcher = _from_file(text.source, name, scope, tuple(sorted(options.items())))
    else:
        file, dispatcher = _from_memory(text.source, name, scope, options)
    return Compiled(dispatcher, text, file, name, program.options["ports"])


def is_library(value: Any) -> bool:
    """May a cached program refer to it?"""
    module = getattr(value, "__module__", None) or getattr(type(value), "__module__", "")
    return callable(value) and module.split(".")[0] in LIBRARIES


def _from_file(source: str, name: str, scope: dict[str, Any], options: Options) -> tuple[str, Any]:
    """The program in a module of its own; equal programs share it, for as long as the process lives."""
    path = directory() / f"{name}_{_digest(source, options)}.py"
    module = f"retrograd.emitted.{path.stem}"
    if module not in sys.modules:
        _write(source, path)
        sys.modules[module] = made = ModuleType(module)  # Numba's cache looks for it by name
        made.__dict__.update(scope, __file__=str(path))
        exec(compile(source, str(path), "exec"), made.__dict__)
        made.__dict__["compiled"] = numba().njit(cache=True, **dict(options))(made.__dict__[name])
    return str(sys.modules[module].__file__), sys.modules[module].__dict__["compiled"]


def _write(source: str, path: Path) -> None:
    """A file once written is never touched again: Numba compares its date."""
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(source)
        draft.replace(path)


def _digest(source: str, options: Options) -> str:
    """A name for a program: another text, version of Numba, or meaning of what it calls, gives another."""
    parts = (source, repr(options), numba().__version__, np.__version__, _helpers())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def _helpers() -> str:
    """The text of the functions that emitted code calls."""
    runtime = Path(str(sys.modules["retrograd.runtime.overloads"].__file__)).parent
    return "".join((runtime / name).read_text() for name in ("numerics.py", "emitted.py", "jitted.py", "overloads.py"))


def _from_memory(source: str, name: str, scope: dict[str, Any], options: dict[str, Any]) -> tuple[str, Any]:
    file = f"<retrograd {name} {next(_counter)}>"
    exec(compile(source, file, "exec"), scope)
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    dispatcher = numba().njit(**options)(scope[name])
    weakref.finalize(dispatcher, linecache.cache.pop, file, None)
    return file, dispatcher
