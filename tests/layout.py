"""Which modules are there, and where do their files lie?

>>> modules()["retrograd.runtime.errors"].name
'errors.py'
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
DIRECTORIES = {"retrograd": "retrograd", "retrograd.runtime": "runtime", "retrograd.transformer": "transformer"}


def modules() -> dict[str, Path]:
    """Every module of the package by its import name."""
    return {
        module_name(package, path.relative_to(ROOT / directory)): path
        for package, directory in DIRECTORIES.items()
        for path in sorted((ROOT / directory).rglob("*.py"))
    }


def module_name(package: str, path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join([package, *parts]).removesuffix(".__init__")
