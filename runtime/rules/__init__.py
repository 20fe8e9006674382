"""The table of derivative rules, filled.

>>> import operator
>>> lookup(operator.mul).partials
('y', 'x')
"""

from retrograd.runtime.rules import (
    constant,
    elementwise,
    fft,
    helpers,
    linalg,
    masked,
    reductions,
    selection,
    shapes,
    stable,
)
from retrograd.runtime.rules.methods import ATTRIBUTES, METHODS, VARIADIC
from retrograd.runtime.rules.rule import Rule, lookup, pushforward_of, register, rule, table

__all__ = ["ATTRIBUTES", "METHODS", "VARIADIC", "Rule", "lookup", "pushforward_of", "register", "rule", "table"]

#: The modules whose import filled the table.
AREAS = (constant, elementwise, fft, helpers, linalg, masked, reductions, selection, shapes, stable)
