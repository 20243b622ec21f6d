"""Roles: each may do what the ones before it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """What a person or a program may do."""

    VIEWER = "viewer"
    """Look: state, history, metrics of trading."""
    TRADER = "trader"
    """Publish and retire strategies."""
    OPERATOR = "operator"
    """Halt, flatten, resume, set limits, replay dead letters, promote."""

    def includes(self, wanted: Role) -> bool:
        """May who has this role do what ``wanted`` may?"""
        order = list(Role)
        return order.index(self) >= order.index(wanted)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who holds a token."""

    name: str
    role: Role


LOCAL = Identity("local", Role.OPERATOR)
"""Who calls a process on loopback that has no tokens: whoever works on this machine."""
