"""What the ledger must hold before it is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.message import Emit

JOURNALED = frozenset((OrderChanged, OrderFilled))
"""Asked for every message, so by type alone."""


class OrderJournal:
    """Transitions and fills since it was last taken."""

    def __init__(self) -> None:
        self._events: list[OrderChanged | OrderFilled] = []

    def noted(self, emits: Iterable[Emit]) -> Iterator[Emit]:
        """The same messages, with those of orders noted."""
        for emit in emits:
            event = emit.event
            if type(event) in JOURNALED:
                assert isinstance(event, OrderChanged | OrderFilled)
                self._events.append(event)
            yield emit

    def take(self) -> list[OrderChanged | OrderFilled]:
        """All that was noted, in order."""
        taken, self._events = self._events, []
        return taken
