"""Reading partitions from Redis: a fetcher in the background fills a buffer that polls take from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from tradewire.ports.bus import Place, Record, TailPort
from tradewire.ports.errors import RetryableError, TradewireError
from tradewire.runtime.bus.redis_wire import decode, stream_key, translation
from tradewire.runtime.bus.tasks import end

if TYPE_CHECKING:
    from tradewire.runtime.bus.redis_streams import RedisBus

log = logging.getLogger(__name__)


class RedisReader(TailPort):
    """Partitions with positions. A poll that is cancelled loses nothing: only what it returns counts as read."""

    def __init__(self, bus: RedisBus) -> None:
        self._bus = bus
        self.positions: dict[Place, int] = {}
        self._buffers: dict[Place, list[Record]] = {}
        self._paused: set[Place] = set()
        self._held = False
        self._opened = 0
        self._filled, self._wanted = asyncio.Event(), asyncio.Event()
        self._failure: TradewireError | None = None
        self._closed = False
        self._fetching = asyncio.create_task(self._fetch())

    def open(self, positions: Mapping[Place, int], *, held: bool = False) -> None:
        """Read these instead of what was read before; deliver nothing while ``held``."""
        self._opened += 1
        self.positions = dict(positions)
        self._buffers.clear()
        self._paused.clear()
        self._held = held
        self._wanted.set()

    def release(self) -> None:
        """Deliver what was opened as held."""
        self._held = False
        self._wanted.set()
        self._filled.set()

    def fail(self, error: TradewireError) -> None:
        """Raise ``error`` from this poll and every later one."""
        self._failure = error
        self._filled.set()

    async def poll(self, *, max_records: int, timeout_s: float) -> list[Record]:
        await asyncio.sleep(0)  # a loop over polls that always find something must not starve the others
        records = self._take(max_records)
        if records or timeout_s <= 0:
            return records
        try:
            async with asyncio.timeout(timeout_s):
                while not (records or self._closed):
                    self._filled.clear()
                    await self._filled.wait()
                    records = self._take(max_records)
        except TimeoutError:
            return []
        return records

    def pause(self, places: Sequence[Place]) -> None:
        for place in places:
            if place in self.positions:
                self._paused.add(place)
                self._buffers.pop(place, None)

    def resume(self, places: Sequence[Place]) -> None:
        self._paused.difference_update(places)
        self._wanted.set()

    async def close(self) -> None:
        self._closed = True
        self.positions = {}
        self._filled.set()
        await end(self._fetching, timeout_s=self._bus.settings.close_s)

    def _take(self, records_max: int) -> list[Record]:
        if self._failure is not None:
            raise self._failure
        taken: list[Record] = []
        if self._held:
            return taken
        for place in list(self._buffers):
            # Taken out and put back at the end, so that partitions take turns.
            buffer = self._buffers.pop(place)
            room = records_max - len(taken)
            taken += buffer[:room]
            self.positions[place] = taken[-1].offset + 1
            if rest := buffer[room:]:
                self._buffers[place] = rest
            if len(taken) >= records_max:
                break
        self._wanted.set()
        return taken

    async def _fetch(self) -> None:
        while True:
            places = [place for place in self.positions if place not in self._paused]
            # Only an empty buffer is filled: a read that waits for some would keep the drained others waiting.
            if not places or self._held or self._buffers:
                self._wanted.clear()
                await self._wanted.wait()
                continue
            opened = self._opened
            try:
                found = await self._bus.read({place: self.positions[place] for place in places})
            except (RedisError, OSError) as error:
                await self._on_error(error)
                continue
            if opened == self._opened:
                self._fill(found)

    def _fill(self, found: Mapping[Place, list[Record]]) -> None:
        for place, records in found.items():
            if place not in self._paused and records[-1].offset >= self.positions[place]:
                self._buffers[place] = records
        self._filled.set()

    async def _on_error(self, error: Exception) -> None:
        failure = translation(error, "reading")
        if not isinstance(failure, RetryableError):
            self.fail(failure)
        log.warning("reading failed, trying again: %s", failure, extra={"event": "redis_read_failed"})
        await asyncio.sleep(self._bus.settings.retry_s)


def read_arguments(positions: Mapping[Place, int], *, records_max: int, wait_ms: int) -> list[str | int]:
    """XREAD for the records from these positions on."""
    # XREAD wants the id before the first one; the ids of an offset are <offset>-0 to <offset>-1.
    ids = [f"{position}-0" for position in positions.values()]
    return ["XREAD", "COUNT", records_max, "BLOCK", wait_ms, "STREAMS", *map(stream_key, positions), *ids]


def read_reply(positions: Mapping[Place, int], reply: object) -> dict[Place, list[Record]]:
    """Records per place in an answer to ``read_arguments``."""
    places = {stream_key(place).encode(): place for place in positions}
    found: dict[Place, list[Record]] = {}
    for stream, entries in reply or ():  # type: ignore[attr-defined]  # redis-py's replies are untyped
        place = places[stream]
        found[place] = [decode(place, entry_id, fields[b"r"]) for entry_id, fields in entries]
    return found
