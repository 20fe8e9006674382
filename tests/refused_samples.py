"""Which rule samples does the source transformer refuse, and why?  This table may only shrink."""

from __future__ import annotations

BY_REASON: dict[str, tuple[str, ...]] = {
    "the type of block_diagonals is not inferred": (
        "retrograd.runtime.numerics.block_diagonals(float64[2,4,4])",
    ),
    "the type of cross is not inferred": (
        "numpy.cross(complex128[3], complex128[3])",
        "numpy.cross(float64[3,4], float64[3,4], axis=0)",
        "numpy.cross(float64[3], float64[3])",
        "numpy.cross(float64[4,3], float64[3])",
        "retrograd.runtime.numerics.cross(float64[2,3], float64[2,3])",
    ),
    "the type of inverse_gaps is not inferred": (
        "retrograd.runtime.numerics.inverse_gaps(float64[3])",
    ),
    "the type of kron_left is not inferred": (
        "retrograd.runtime.numerics.kron_left(float64[4,6], float64[2,3], (2,2))",
    ),
    "the type of kron_right is not inferred": (
        "retrograd.runtime.numerics.kron_right(float64[4,6], float64[2,2], (2,3))",
    ),
    "the type of repeat is not inferred": (
        "numpy.repeat(float64[2,3], [1,0,2], axis=1)",
    ),
    "the type of rows_like is not inferred": (
        "retrograd.runtime.numerics.rows_like(float64[3,3], list[float64[2,3] float64[3]], 2, 0)",
        "retrograd.runtime.numerics.rows_like(float64[4], list[float64[3] 0.5], 1, 1)",
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
    "the type of unstack_like is not inferred": (
        "retrograd.runtime.numerics.unstack_like(float64[2,3], list[float64[2] float64[2] float64[2]], 1)",
        "retrograd.runtime.numerics.unstack_like(float64[2,3], list[float64[3] float64[3]])",
        "retrograd.runtime.numerics.unstack_like(float64[2], [0.5,0.5])",
    ),
    "unpacking a value whose length is not known before the run": (
        "retrograd.runtime.numerics.einsum_pullback(0.5, ii->, tuple[float64[2,2]])",
        "retrograd.runtime.numerics.einsum_pullback(float64[2,2], ij,jk->ik, tuple[float64[2,3] float64[3,2]])",
        "retrograd.runtime.numerics.einsum_pushforward(tuple[float64[2,3] float64[3,2]], ij,jk->ik, tuple[float64[2,3] float64[3,2]])",
    ),
}
REFUSED = {name: reason for reason, names in BY_REASON.items() for name in names}
