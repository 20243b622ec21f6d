"""Sums over all positions of an account, carried along while one position after the other changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class MarginShares(Protocol):
    """What a position adds to sums over all of them, quote e8, as it is now."""

    @property
    def surplus_share_e8(self) -> int:
        """Of the surplus of the margin balance over the maintenance margin."""

    @property
    def free_share_e8(self) -> int:
        """Of the balance that is free for others."""


@dataclass(slots=True)
class CarriedSums:
    """Over all positions but the one that is left out, quote e8: their shares of the surplus and of what is free."""

    surplus_e8: int
    free_e8: int
    left_out: MarginShares | None = None

    def leave_out(self, position: MarginShares) -> None:
        """Take a position's shares out, and put those of the one before back as they are now."""
        before = self.left_out
        if before is position:
            return
        if before is not None:
            self.surplus_e8 += before.surplus_share_e8
            self.free_e8 += before.free_share_e8
        self.surplus_e8 -= position.surplus_share_e8
        self.free_e8 -= position.free_share_e8
        self.left_out = position
