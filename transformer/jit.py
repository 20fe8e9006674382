"""From an emitted program to machine code: ``numba.njit`` over a file that holds its text.

A program that refers to nothing but NumPy, ``math`` and this package is written to a directory, under a name made of
its text, so that Numba can cache what it compiles; any other lives in memory only, since Numba would not notice
a change of what it refers to.
"""

from __future__ import annotations

import hashlib
import importlib
import linecache
import math
import operator
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from retrograd.runtime.errors import CompilationFailed, MissingExtra

from .emit import Text
from .flatten import Ports
from .ir import Function

#: IndexError for an index out of range, as in Python; division by zero as in NumPy.
OPTIONS: dict[str, Any] = {"boundscheck": True, "error_model": "numpy"}
REMEDY = "Leave out jit=True: the interpreted derivative takes it."


@cache
def numba() -> Any:
    """Numba itself, knowing the functions that emitted code calls."""
    try:
        module = importlib.import_module("numba")
    except ImportError as error:
        raise MissingExtra("jit=True needs Numba", remedy="pip install retrograd[jit]") from error
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

    def refusal(self, error: Exception) -> CompilationFailed:
        """What Numba said, at the user's line."""
        reason = f"Numba cannot compile the derivative {self.name}: {_reason(str(error))}"
        line = self.line_of(error)
        emitted = f"In the emitted program: {self.text.source.splitlines()[line - 1].split('  #')[0].strip()}\n  "
        return CompilationFailed(reason, where=self.location(line), remedy=emitted + REMEDY)

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
    return said.replace(" >>> ", " ")


def load(text: Text, program: Function, options: dict[str, Any]) -> Compiled:
    """The emitted function, compiled when it is called."""
    name, options = program.name, {**OPTIONS, **options}
    scope = {"np": np, "math": math, "operator": operator, **text.scope, "__name__": f"retrograd.emitted.{name}"}
    kept = all(map(_is_library, text.scope.values()))
    file = str(_written(text.source, name, options)) if kept else _in_memory(text.source, name)
    exec(compile(text.source, file, "exec"), scope)
    return Compiled(numba().njit(cache=kept, **options)(scope[name]), text, file, name, program.options["ports"])


def _is_library(value: Any) -> bool:
    """Is it what every process finds under the same name, as long as the versions are the same?"""
    module = getattr(value, "__module__", None) or getattr(type(value), "__module__", "")
    return callable(value) and module.split(".")[0] in ("numpy", "math", "builtins", "retrograd", "_operator")


def _written(source: str, name: str, options: dict[str, Any]) -> Path:
    """The file that holds the text; a file once written is never touched, since Numba compares its date."""
    path = directory() / f"{name}_{_digest(source, options)}.py"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(source)
        draft.replace(path)
    return path


def _digest(source: str, options: dict[str, Any]) -> str:
    """A name for a program: another text, version of Numba, or meaning of what it calls, gives another."""
    parts = (source, repr(sorted(options.items())), numba().__version__, np.__version__, _helpers())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def _helpers() -> str:
    """The text of the functions that emitted code calls."""
    runtime = Path(str(sys.modules["retrograd.runtime.overloads"].__file__)).parent
    return "".join((runtime / name).read_text() for name in ("numerics.py", "emitted.py", "jitted.py", "overloads.py"))


def _in_memory(source: str, name: str) -> str:
    file = f"<retrograd {name} {hashlib.sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    return file
