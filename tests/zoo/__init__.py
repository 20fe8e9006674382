"""The zoo: small programs by theme, each a row of one table (`PROGRAMS`)."""

from tests.zoo import (  # noqa: F401  (imported for the rows they add)
    branches,
    broadcasting,
    calls,
    containers,
    exits,
    formulas,
    indexing,
    later,
    linalg,
    loops,
    memory,
    mutation,
    reductions,
    reuse,
    sequences,
    shapes,
    straight,
    tuples,
)
from tests.zoo.table import PROGRAMS, Program

__all__ = ["PROGRAMS", "Program"]
