"""Which functions have a zero derivative wherever they have one?

>>> from retrograd.runtime.rules import lookup
>>> lookup(np.floor).kind
'constant'
"""

from __future__ import annotations

import builtins
import math
import operator

import numpy as np

from retrograd.runtime import numerics
from retrograd.runtime.rules.rule import constant

#: Steps: flat between their jumps.
STEPS = "floor ceil trunc rint round fix floor_divide around"
#: Questions answered with a bool.
QUESTIONS = (
    "less less_equal greater greater_equal equal not_equal logical_and logical_or logical_not logical_xor isnan isinf"
    " isfinite isposinf isneginf isclose allclose array_equal array_equiv signbit any all isin isreal iscomplex"
    " isrealobj iscomplexobj isscalar may_share_memory shares_memory in1d"
)
#: Shapes, positions, counts and types.
FACTS = (
    "shape ndim size argmax argmin argsort nanargmax nanargmin argwhere nonzero flatnonzero count_nonzero searchsorted"
    " digitize bincount lexsort argpartition result_type finfo iinfo dtype broadcast_shapes unravel_index"
    " ravel_multi_index spacing"
)
#: Arrays made of shapes, lengths and integers.
MAKERS = (
    "zeros ones empty zeros_like ones_like empty_like eye identity indices tri tril_indices triu_indices"
    " diag_indices tril_indices_from triu_indices_from ix_ hanning hamming blackman bartlett"
)
#: Integers and bits.
BITS = "bitwise_and bitwise_or bitwise_xor bitwise_not invert left_shift right_shift gcd lcm"
INTEGERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 intp bool_"

OPERATORS = (
    "lt le gt ge eq ne not_ truth is_ is_not contains floordiv ifloordiv and_ or_ xor invert lshift rshift index"
)
BUILTINS = "int bool len isinstance issubclass str repr type range hash id callable hasattr format print round"
MATH = "floor ceil trunc isnan isinf isfinite isclose gcd lcm factorial comb perm isqrt"


def _enter(home: object, names: str, probe: bool = False) -> None:
    constant(*{getattr(home, name) for name in names.split() if hasattr(home, name)}, probe=probe)


_enter(np, STEPS, probe=True)
_enter(np, f"{QUESTIONS} {FACTS} {MAKERS} {BITS} {INTEGERS}")
_enter(operator, OPERATORS)
_enter(builtins, BUILTINS)
_enter(math, MATH)
_enter(
    numerics,
    "count same inside at_low at_high selects_once ramp inverse_order dual_norm fft_length half_weights segment any_of"
    " reads_knots vander_powers selected_count freedom"
    " given positions nowhere first_places quantile_places quantile_part",
)
# the sign of a complex number is its direction, which is not constant
constant(np.sign, real_only=True, probe=True)
