"""The smallest service with state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tradewire.ports.events import CandleClosed, IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.trading.tracking import Tracked


@dataclass
class Sum:
    """Volume of a symbol so far."""

    partition: int
    time_us: int = -1
    volume: float = 0.0


class Summing:
    """The smallest service with state: answers each candle with the symbol's volume so far."""

    def __init__(self) -> None:
        self.sums: Tracked[str, Sum] = Tracked()

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """One snapshot; a bar that the state includes is left alone."""
        found = self.sums.get(event.symbol)
        if found is None:
            found = self.sums[event.symbol] = Sum(envelope.partition)
        if event.close_time_us <= found.time_us:
            return
        found.time_us, found.volume = event.close_time_us, found.volume + float(event.volume)
        yield Emit(
            IndicatorsUpdated(
                venue=event.venue,
                symbol=event.symbol,
                interval=event.interval,
                open_time_us=event.open_time_us,
                event_time_us=event.close_time_us,
                close=event.close,
                values={"sum": found.volume},
                previous={},
                input_partition=envelope.partition,
                input_offset=envelope.offset,
            ),
            envelope,
        )

    def changed(self) -> Iterator[tuple[int, IndicatorStateSaved]]:
        """What the changelog keeps."""
        for symbol, found in self.sums.touched():
            yield (
                found.partition,
                IndicatorStateSaved(
                    venue="sim",
                    symbol=symbol,
                    interval="1h",
                    event_time_us=found.time_us,
                    demands=(),
                    state=str(found.volume).encode(),
                    input_partition=found.partition,
                    input_offset=-1,
                ),
            )

    def restore(self, partition: int, event: Event) -> None:
        """Take one saved sum back."""
        assert isinstance(event, IndicatorStateSaved)
        self.sums.restore(event.symbol, Sum(partition, event.event_time_us, float(event.state)))

    def forget(self, partition: int) -> None:
        """Drop a partition's sums."""
        for symbol in [symbol for symbol, found in self.sums.peek().items() if found.partition == partition]:
            self.sums.pop(symbol)
