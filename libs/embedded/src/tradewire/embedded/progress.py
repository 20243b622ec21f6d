"""How the stack tells what it is doing, so that a terminal can show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a part is on its way from nothing to running and back."""

    FETCH = "fetch"
    PREPARE = "prepare"
    START = "start"
    READY = "ready"
    STOP = "stop"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of news. `done_ratio` runs from 0 to 1 where it is known; `elapsed_s` since the part's start."""

    part: str
    phase: Phase
    detail: str = ""
    done_ratio: float | None = None
    elapsed_s: float | None = None


Progress = Callable[[Step], None]


def quiet(step: Step) -> None:
    """Progress that nobody watches."""
