"""What a worker has done so far, as /health shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tradewire.ports.bus import Place

if TYPE_CHECKING:
    from tradewire.runtime.dead_letters.shared import UnwrittenLetters


@dataclass
class Progress:
    """What a worker has done; ``turned_s`` is the monotonic clock when its loop last came round.

    ``unwritten_letters``: dead letters that it left to another instance, see ``dead_letters.shared``;
    ``unanswered_skips``: records passed over that the service failed to answer, see ``loop.skipped_records``.
    """

    phase: str = "starting"
    last_success_us: int | None = None
    handled: int = 0
    published: int = 0
    dead_letters: int = 0
    last_error: str | None = None
    positions: dict[Place, int] = field(default_factory=dict)
    records_lost: dict[str, int] = field(default_factory=dict)
    turned_s: float | None = None
    unwritten_letters: UnwrittenLetters = field(default_factory=dict)
    unanswered_skips: set[tuple[Place, int]] = field(default_factory=set)

    def note_published(self, count: int, now_us: int) -> None:
        """So many records were acknowledged: a success, where there were any."""
        if count:
            self.published += count
            self.last_success_us = now_us
