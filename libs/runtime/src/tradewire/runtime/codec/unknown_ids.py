"""Schema ids that the registry did not know: it is not asked again for each record that names one."""

from __future__ import annotations

from tradewire.ports.clock import ClockPort

UNKNOWN_SECONDS = 60.0
"""How long an answer that an id is unknown stands: a schema is registered before anything is written with it."""
UNKNOWN_MAX = 50
"""Most ids that are found to be unknown in that time; more than that are not asked for."""


class UnknownIds:
    """Bounds what records with made-up ids can ask of the registry."""

    def __init__(self, clock: ClockPort) -> None:
        self._clock = clock
        self._found_s: dict[int, float] = {}

    def refusal(self, schema_id: int) -> str | None:
        """Why an id is not asked for now; None where it may be."""
        since_s = self._clock.monotonic_s() - UNKNOWN_SECONDS
        self._found_s = {known: found_s for known, found_s in self._found_s.items() if found_s > since_s}
        if schema_id in self._found_s:
            return f"as it said less than {UNKNOWN_SECONDS:g} s ago"
        if len(self._found_s) >= UNKNOWN_MAX:
            return f"not asked: {UNKNOWN_MAX} ids were unknown within {UNKNOWN_SECONDS:g} s; replay it later"
        return None

    def note(self, schema_id: int) -> None:
        """The registry does not know an id."""
        self._found_s[schema_id] = self._clock.monotonic_s()
