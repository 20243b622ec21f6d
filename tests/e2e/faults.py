"""Bad records of every kind, put onto the topics of a run as a broken producer would."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from tradewire.ports.bus import EventBusPort, Outgoing, Record
from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.message import Envelope, Event, derived_id
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec

DAY_US = 86_400_000_000
UNKNOWN_SCHEMA_ID = 987_654
CANDLES, SNAPSHOTS = BY_EVENT[CandleClosed].name, BY_EVENT[IndicatorsUpdated].name


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad record, and who must say so: (service, stage) of every dead letter that it leads to."""

    record: Outgoing
    letters: frozenset[tuple[str, str]]

    def found_in(self, letters: dict[str, list[Record]]) -> frozenset[tuple[str, str]]:
        """Who said so: by value, which a dead letter keeps as it was."""
        return frozenset(
            (service, dict(letter.headers)["dlq.error.stage"].decode())
            for service, records in letters.items()
            for letter in records
            if letter.value == self.record.value
        )


def by(stage: str, topic: str) -> frozenset[tuple[str, str]]:
    """Every service that reads the topic, refusing at this stage."""
    return frozenset((service, stage) for service in TOPICS[topic].consumers if service in DEAD_LETTERS)


class Saboteur:
    """Makes faults out of a good candle and a good snapshot."""

    def __init__(self, codec: Codec, candle: CandleClosed, snapshot: IndicatorsUpdated) -> None:
        self._codec, self._candle, self._snapshot = codec, candle, snapshot

    def record(self, event: Event, name: str) -> Outgoing:
        """An event as a stranger would publish it, on its topic and under its key."""
        spec = BY_EVENT[type(event)]
        time_us = getattr(event, "close_time_us", getattr(event, "event_time_us", 0))
        envelope = Envelope(event_id=derived_id("saboteur", name, 0), event_time_us=time_us, producer="saboteur")
        headers = self._codec.encode_headers(envelope)
        return Outgoing(spec.name, spec.key_of(event).encode(), self._codec.encode(event), headers)

    def faults(self) -> dict[str, Fault]:
        """By name. Each value is different, so that its dead letters can be told apart."""
        candle, snapshot = self._candle, self._snapshot
        future_us = time.time_ns() // 1000 + 2 * DAY_US
        good = self.record(candle, "good")
        assert good.value is not None
        value = good.value

        def spoiled(change: Callable[[bytes], bytes]) -> Fault:
            return Fault(Outgoing(CANDLES, good.key, change(value), good.headers), by("decode", CANDLES))

        wrong = self.record(snapshot, "wrong type")
        return {
            "corrupt Avro": spoiled(lambda v: v[:5] + b"\xff" * 40),
            "truncated value": spoiled(lambda v: v[:-7]),
            "unknown schema id": spoiled(lambda v: struct.pack(">bI", 0, UNKNOWN_SCHEMA_ID) + v[5:]),
            "wrong type": Fault(Outgoing(CANDLES, good.key, wrong.value, wrong.headers), by("decode", CANDLES)),
            "NaN in a snapshot": Fault(self._with_nan(), by("decode", SNAPSHOTS)),
            "future time": Fault(
                self.record(candle.model_copy(update={"open_time_us": future_us, "close_time_us": future_us + 1}), "f"),
                by("validate", CANDLES),
            ),
            "negative price": Fault(self._negative_price(), by("validate", CANDLES)),
            "unknown symbol": Fault(self.record(candle.model_copy(update={"symbol": "NOSUCH"}), "u"), frozenset()),
        }

    def _negative_price(self) -> Outgoing:
        """The next candle, below zero."""
        length_us = self._candle.close_time_us - self._candle.open_time_us
        times = {name: getattr(self._candle, name) + length_us for name in ("open_time_us", "close_time_us")}
        prices = dict.fromkeys(("open", "high", "low", "close"), Decimal(-1))
        return self.record(self._candle.model_copy(update=times | prices), "negative")

    def _with_nan(self) -> Outgoing:
        marked = self._snapshot.model_copy(update={"values": {"close": 12345.678}, "previous": {}})
        record = self.record(marked, "nan")
        assert record.value is not None
        pack = struct.Struct("<d").pack
        assert record.value.count(pack(12345.678)) == 1
        spoiled = record.value.replace(pack(12345.678), pack(float("nan")))
        return Outgoing(record.topic, record.key, spoiled, record.headers)


async def dead_letters(bus: EventBusPort) -> dict[str, list[Record]]:
    """Everything in every dead-letter topic, by service."""
    return {name: [record async for record in read_to_end(bus, topic)] for name, topic in DEAD_LETTERS.items()}


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float = 60.0) -> None:
    """Look again and again until something holds. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        while not await holds():
            await asyncio.sleep(0.1)
