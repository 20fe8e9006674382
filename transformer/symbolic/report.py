"""What did holding a derivative against its closed form find?

>>> print(Verification("f", 8, 0, 1.2e-16))
f: value and gradient agree with the closed form at 8 points (largest relative error 1.2e-16)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrograd.runtime.errors import DifferentiationError, Location


class VerificationError(DifferentiationError, AssertionError):
    """A computed value or derivative that is not what the closed form says.

    ``input`` is the parameter of the wrong derivative (None: the value is wrong), ``point`` the arguments,
    ``found`` and ``expected`` the two numbers.
    """

    def __init__(
        self, function: str, input: str | None, point: dict[str, Any], found: Any, expected: Any, where: Location | None
    ) -> None:
        self.input, self.point, self.found, self.expected = input, point, found, expected
        what = f"the value of {function}" if input is None else f"the derivative of {function} by {input!r}"
        at = ", ".join(f"{name}={value!r}" for name, value in point.items())
        super().__init__(
            f"{what} at {at} is {found!r}, the closed form says {expected!r}",
            where=where,
            remedy="If the function is ill-conditioned there, pass rtol=...; otherwise please report this as a bug.",
        )


@dataclass(frozen=True)
class Verification:
    """A check that passed: how many points were compared, how many lay outside the domain, how near it was."""

    function: str
    checked: int
    skipped: int
    largest_error: float

    def __str__(self) -> str:
        outside = f", {self.skipped} outside the domain" if self.skipped else ""
        return (
            f"{self.function}: value and gradient agree with the closed form at {self.checked} points"
            f"{outside} (largest relative error {self.largest_error:.2g})"
        )
