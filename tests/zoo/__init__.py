"""The zoo: small programs by theme, each a row of one table (`PROGRAMS`)."""

from tests.zoo import (  # noqa: F401  (imported for the rows they add)
    aliases,
    branches,
    broadcasting,
    calls,
    closures,
    containers,
    exits,
    formulas,
    indexing,
    items,
    later,
    linalg,
    lists,
    loops,
    memory,
    mutation,
    numpy_sources,
    objects,
    optional,
    recursion,
    reductions,
    reuse,
    scopes,
    sequences,
    shapes,
    standard,
    straight,
    tables,
    trajectories,
    tuples,
    views,
    wild,
)
from tests.zoo.table import PROGRAMS, Program

__all__ = ["PROGRAMS", "Program"]
