"""Do imports go one way, and does `import retrograd` stay light?"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.layout import DIRECTORIES, ROOT, modules

# Lowest first: a module imports only from its own layer and from those before it.
# The longest prefix that fits a name decides; what no longer prefix names belongs to its package.
LAYERS: list[tuple[str, ...]] = [
    (
        "retrograd.runtime.errors",
        "retrograd.runtime.numerics",
        "retrograd.runtime.dtypes",
        "retrograd.runtime.printing",
    ),
    ("retrograd.runtime.rules",),
    ("retrograd.runtime.graph", "retrograd.runtime.modes"),
    ("retrograd.runtime.engine",),
    (
        "retrograd.runtime.tensor",
        "retrograd.runtime.traced",
        "retrograd.runtime.operators",
        "retrograd.runtime.creation",
    ),
    ("retrograd.runtime.protocol",),
    ("retrograd.runtime.autograd",),
    ("retrograd.runtime",),
    ("retrograd.transformer",),
    ("retrograd",),
]
HEAVY = ("sympy", "scipy", "numba", "matplotlib", "sklearn")


def layer(name: str) -> int:
    """The layer whose pattern fits the name most closely."""
    fits = [(len(prefix), i) for i, row in enumerate(LAYERS) for prefix in row if within(name, prefix)]
    return max(fits)[1]


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imports(name: str, *, top_level: bool = False) -> Iterator[tuple[str, int]]:
    """What a module imports, by full name, with the line; also inside functions unless `top_level`."""
    tree = ast.parse(modules()[name].read_text())
    nodes = top_level_statements(tree) if top_level else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((target, node.lineno) for target in from_targets(name, node))


def top_level_statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements run by the import: not those in functions, nor under `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or is_type_checking(node):
            continue
        waiting.extend(ast.iter_child_nodes(node))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def from_targets(name: str, node: ast.ImportFrom) -> Iterator[str]:
    """`from package import module` imports the module; `from module import thing` the module it is in."""
    base = absolute(name, node)
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield whole if whole in modules() else base


def absolute(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    if modules()[name].name != "__init__.py":
        parts = parts[:-1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join(parts + ([node.module] if node.module else []))


@pytest.mark.parametrize("name", modules())
def test_imports_go_one_way(name: str) -> None:
    upward = [
        f"line {line}: {name} imports {target}"
        for target, line in imports(name)
        if within(target, "retrograd") and layer(target) > layer(name)
    ]
    assert not upward


@pytest.mark.parametrize("name", modules())
def test_the_directories_are_never_imported_bare(name: str) -> None:
    bare = [target for target, _ in imports(name) if target.split(".")[0] in {"runtime", "transformer"}]
    assert not bare


@pytest.mark.parametrize("name", [n for n in modules() if n != "retrograd.runtime.rules.derive"])
def test_heavy_packages_are_imported_on_demand(name: str) -> None:
    eager = [target for target, _ in imports(name, top_level=True) if target.split(".")[0] in HEAVY]
    assert not eager or not loaded_by_import_retrograd(name), f"{name} imports {eager} at its top"


def loaded_by_import_retrograd(name: str) -> bool:
    return name in loaded_modules()


def loaded_modules() -> set[str]:
    code = "import sys, retrograd; print('\\n'.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_import_retrograd_is_light() -> None:
    heavy = {module.split(".")[0] for module in loaded_modules()} & set(HEAVY)
    assert not heavy, f"`import retrograd` loads {sorted(heavy)}"


def test_every_package_is_installed() -> None:
    """A new directory that pyproject.toml does not list would be missing from the wheel."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {name for name, path in modules().items() if path.name == "__init__.py"}
    directories = {
        ".".join([package, *path.parent.relative_to(ROOT / directory).parts])
        for package, directory in DIRECTORIES.items()
        for path in (ROOT / directory).rglob("*.py")
    }
    assert there | directories <= set(listed)
