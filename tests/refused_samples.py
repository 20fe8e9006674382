"""Which rule samples does the source transformer refuse, and why?  This table may only shrink."""

from __future__ import annotations

BY_REASON: dict[str, tuple[str, ...]] = {
    "the type of inverse_gaps is not inferred": (
        "retrograd.runtime.numerics.inverse_gaps(float64[3])",
    ),
    "the type of tensordot is not inferred": (
        "numpy.tensordot(float64[2,3,3], float64[3,3,2], axes=([1,2],[1,0]))",
        "numpy.tensordot(float64[2,3], float64[3,2], ([0,1],[1,0]))",
    ),
    "the type of tensordot_left is not inferred": (
        "retrograd.runtime.numerics.tensordot_left(float64[3,4], float64[3,3,4], 3, ([0,2],[1,0]))",
    ),
    "the type of tensordot_right is not inferred": (
        "retrograd.runtime.numerics.tensordot_right(float64[3,4], float64[3,3,3], 3, ([0,2],[1,0]))",
    ),
    "unpacking a value whose length is not known before the run": (
        "retrograd.runtime.numerics.einsum_pullback(0.5, ii->, tuple[float64[2,2]])",
        "retrograd.runtime.numerics.einsum_pullback(float64[2,2], ij,jk->ik, tuple[float64[2,3] float64[3,2]])",
        "retrograd.runtime.numerics.einsum_pushforward(tuple[float64[2,3] float64[3,2]], ij,jk->ik, tuple[float64[2,3] float64[3,2]])",
    ),
}
REFUSED = {name: reason for reason, names in BY_REASON.items() for name in names}
