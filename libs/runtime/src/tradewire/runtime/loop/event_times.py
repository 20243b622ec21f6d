"""Event times that can't be: nothing happened in the future."""

from __future__ import annotations

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Envelope, Event
from tradewire.runtime.loop.publisher import event_time_us

AHEAD_SECONDS_MAX = 60.0
"""Most that a producer's clock may be ahead of ours."""


def hold_past(event: Event, envelope: Envelope, now_us: int) -> None:
    """Raises ContractViolationError for an event of the future: a watermark that followed it would shut out all that
    really comes.
    """
    ahead_s = (event_time_us(event, envelope) - now_us) / 1e6
    if ahead_s > AHEAD_SECONDS_MAX:
        raise ContractViolationError(
            f"event time is {ahead_s:.0f} s ahead of the clock; allowed: {AHEAD_SECONDS_MAX:.0f} s"
        )
