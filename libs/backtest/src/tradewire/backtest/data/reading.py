"""How the files of a run are read, where they leave it open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True)
class Reading:
    """``zone``: of times that name none. ``rounded``: numbers of more than 8 decimals are rounded; else refused."""

    zone: tzinfo = UTC
    rounded: bool = False


PLAIN = Reading()
