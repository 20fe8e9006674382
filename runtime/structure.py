"""What are the parts of a nested value?  Tuples, lists, dicts and dataclasses, down to their leaves.

>>> list(leaves({"w": (1.0, 2.0)}))
[(('w', 0), 1.0), (('w', 1), 2.0)]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[Any, ...]


def labels(value: Any) -> list[Any] | None:
    """What the parts of a container are found under; None for a leaf."""
    if type(value) is dict:
        return list(value)
    if type(value) in (tuple, list):
        return list(range(len(value)))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(value._fields)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [field.name for field in dataclasses.fields(value)]
    return None


def part(value: Any, label: Any) -> Any:
    return value[label] if type(value) in (dict, tuple, list) else getattr(value, label)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The leaves of nested containers with the path to each."""
    found = labels(value)
    if found is None:
        yield path, value
    else:
        for label in found:
            yield from leaves(part(value, label), (*path, label))


def mapped(change: Callable[[Path, Any], Any], value: Any, path: Path = ()) -> Any:
    """The same containers with every leaf changed."""
    found = labels(value)
    if found is None:
        return change(path, value)
    parts = [mapped(change, part(value, label), (*path, label)) for label in found]
    if type(value) in (tuple, list):
        return type(value)(parts)
    return dict(zip(found, parts)) if type(value) is dict else type(value)(**dict(zip(found, parts)))


def at(value: Any, path: Path) -> Any:
    """The leaf at the end of a path."""
    for label in path:
        value = part(value, label)
    return value
