"""The zoo: small programs by theme, each a row of one table (`PROGRAMS`)."""

from tests.zoo import (  # noqa: F401  (imported for the rows they add)
    branches,
    broadcasting,
    calls,
    containers,
    exits,
    indexing,
    later,
    linalg,
    loops,
    mutation,
    reductions,
    reuse,
    sequences,
    shapes,
    straight,
    tuples,
    wild,
)
from tests.zoo.table import PROGRAMS, Program

__all__ = ["PROGRAMS", "Program"]
