"""Gradient bugs that shipped in other systems, as programs: the table that the modules here fill, by section."""

from tests.silent_wrong import aliasing, control_flow, mutation, numerics, rules  # noqa: F401  (imported for their rows)
from tests.silent_wrong.table import ITEMS, ROWS, Row

__all__ = ["ITEMS", "ROWS", "Row"]
