"""Bars that did not come, as the states of an account say."""

from __future__ import annotations

from tradewire.ports.events import AccountStateChanged
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.roster import Stream


class AbsentBars:
    """Of the states that are at hand, by time."""

    def __init__(self, state: AccountStateChanged | None = None) -> None:
        self._bars: dict[int, frozenset[tuple[str, int]]] = {}
        if state is not None:
            self.note(state)

    def note(self, state: AccountStateChanged) -> None:
        """Take what a state says of its time."""
        if state.absent:
            bars = frozenset((bar.symbol, INTERVALS_US[bar.interval]) for bar in state.absent)
            self._bars[state.event_time_us] = bars

    def forget(self, state: AccountStateChanged | None) -> None:
        """Let go of what a state said that a newer one has replaced."""
        if state is not None:
            self._bars.pop(state.event_time_us, None)

    def has(self, stream: Stream, close_us: int) -> bool:
        """Did a stream's bar at ``close_us`` not come?"""
        return (stream.symbol, stream.interval_us) in self._bars.get(close_us, ())
