"""How far candles were read for the accounts of each partition: what is written with every checkpoint.

Candles are read outside the group, by one reader for all partitions that the process owns. So each partition has a
position of its own, the reader begins at the lowest, and a record below an account partition's position moves nothing
there. Positions belong to partitions and not to accounts: an account that has been quiet for years makes nobody read
its years again.

Candles and strategies' statuses come over topics without a common order. A candle that no account needed when it was
read is let go; when a status then says that one does, the partition is rewound to the time from which the version is
in force. Until the reader has been opened there, nothing is read and no position is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradewire.ports.ledger import ReadPosition
from tradewire.ports.message import Envelope

Offsets = dict[int, int]
"""Next offset by candle partition."""


class CandlePositions:
    """Positions of the account partitions that this process owns."""

    def __init__(self) -> None:
        self._floors: dict[int, Offsets] = {}
        self._read: Offsets = {}
        self._opened: set[int] = set()
        self._rewinds: dict[int, int] = {}
        self._statuses = 0

    @property
    def owned(self) -> Iterable[int]:
        """Account partitions."""
        return self._floors.keys()

    @property
    def rewinds(self) -> Mapping[int, int]:
        """Event time, UTC µs, from which account partitions need candles that were let go."""
        return self._rewinds

    def own(self, partition: int, known: ReadPosition | None) -> None:
        """Take an account partition over, with its position as it was written last; None: it never was."""
        self._settle()
        self._floors[partition] = dict(known.candles) if known is not None else {}
        self._opened.discard(partition)

    def forget(self, partition: int) -> None:
        """Another member owns an account partition now."""
        self._floors.pop(partition, None)
        self._rewinds.pop(partition, None)
        self._opened.discard(partition)

    def passed(self, partition: int, offset: int) -> None:
        """A candle was handled."""
        self._read[partition] = offset + 1

    def on_heartbeat(self, envelope: Envelope) -> None:
        """A record between candles was read: it moves nothing, and need not be read again."""
        if not self._rewinds:
            self.passed(envelope.partition, envelope.offset)

    def applied(self, offset: int) -> None:
        """A status was applied."""
        self._statuses = max(self._statuses, offset + 1)

    def rewind(self, partition: int, time_us: int) -> None:
        """Candles from an event time on are needed after all."""
        self._rewinds[partition] = min(time_us, self._rewinds.get(partition, time_us))

    def open(self, ends: Mapping[int, int], rewound: Mapping[int, Mapping[int, int]]) -> Offsets:
        """Where to read candles from, per candle partition; from now on that is what is read.

        ``ends``: where candle partitions end: an account partition without a position begins there; ``rewound``: the
        lowest offsets, by account partition, that its rewind can need.
        """
        self._settle()
        for partition, floor in self._floors.items():
            for number, end in ends.items():
                at = floor.get(number, end)
                floor[number] = min(at, rewound.get(partition, {}).get(number, at))
            self._opened.add(partition)
        self._rewinds = {p: time_us for p, time_us in self._rewinds.items() if p not in rewound}
        return {
            number: min((floor[number] for floor in self._floors.values()), default=end) for number, end in ends.items()
        }

    def saved(self, oldest: Mapping[int, int]) -> dict[int, ReadPosition]:
        """What to write, by account partition. ``oldest``: lowest offset in a buffer, per candle partition."""
        found = {}
        for partition in self._opened - self._rewinds.keys():
            floor = self._floors[partition]
            ats = {number: max(at, self._read.get(number, 0)) for number, at in floor.items()}
            found[partition] = ReadPosition({n: min(at, oldest.get(n, at)) for n, at in ats.items()}, self._statuses)
        return found

    def _settle(self) -> None:
        """Note what was read as the partitions' own."""
        for floor in self._floors.values():
            for number in floor:
                floor[number] = max(floor[number], self._read.get(number, 0))
        self._read = {}
