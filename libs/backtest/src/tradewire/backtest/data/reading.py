"""How the files of a run are read, where they leave it open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True)
class Reading:
    """``zone``: of times that name none. ``rounded``: numbers of more than 8 decimals are rounded; else refused.

    ``symbol``: whose rows are read where a column names the markets; "" for none told: then there must be one.
    """

    zone: tzinfo = UTC
    rounded: bool = False
    symbol: str = ""


PLAIN = Reading()
