"""The zoo: small programs by theme, each a row of one table (`PROGRAMS`)."""

from tests.zoo import (  # noqa: F401  (imported for the rows they add)
    branches,
    broadcasting,
    calls,
    closures,
    containers,
    exits,
    formulas,
    indexing,
    later,
    linalg,
    lists,
    loops,
    memory,
    mutation,
    objects,
    recursion,
    reductions,
    reuse,
    scopes,
    sequences,
    shapes,
    straight,
    trajectories,
    tuples,
    views,
    wild,
)
from tests.zoo.table import PROGRAMS, Program

__all__ = ["PROGRAMS", "Program"]
