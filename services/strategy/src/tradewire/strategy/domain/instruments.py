"""What can be traded, as far as this process was told."""

from __future__ import annotations

from tradewire.ports.events import InstrumentChanged
from tradewire.strategy.domain.validation import Examination, lacks_market


class Instruments:
    """``known``: by venue and symbol; ``read_until``: offset before which all that was told was handled."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], InstrumentChanged] = {}
        self.read_until = 0

    def take(self, event: InstrumentChanged, offset: int) -> bool:
        """An instrument at an offset of the topic; is it a new one?"""
        is_new = (event.venue, event.symbol) not in self.known
        self.known[event.venue, event.symbol] = event
        self.handled(offset + 1)
        return is_new

    def handled(self, end: int) -> None:
        """What stands before this offset was handled, be it as a dead letter."""
        self.read_until = max(end, self.read_until)

    def lack(self, finding: Examination) -> bool:
        """Does a document that can be read trade a market that is not known?"""
        return lacks_market(finding, self.known)
