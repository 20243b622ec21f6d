"""Looks into questions beside the trading loop: what others have reached, and whether a strategy is fit."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from tradewire.ports.bus import Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.events import (
    AccountStateChanged,
    IndicatorsUpdated,
    InstrumentChanged,
    RefusalReason,
    StrategyConfigPublished,
)
from tradewire.ports.message import Emit
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readable_ends import end_of_records
from tradewire.runtime.bus.tasks import stopped
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.loop.resuming import RECORDS_MAX, newest
from tradewire.runtime.service import StoreContext
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.strategy.domain.questions import Question
from tradewire.strategy.domain.starts import Feed, ToLookUp
from tradewire.strategy.domain.validation import Examination, examined

Item = TypeVar("Item", Feed, bytes)
log = logging.getLogger(__name__)
INSTRUMENTS = Place(BY_EVENT[InstrumentChanged].name, 0)
RETRY_SECONDS = 1.0
SWITCH_SECONDS = 0.0005
"""How long a thread that checks a strategy may keep the trading loop waiting for the interpreter (default: 5 ms)."""


class Examiner:
    """One question after the other, each with ``desk.examined`` at its end."""

    def __init__(self, desk: StrategyDesk, clock: ClockPort) -> None:
        self._desk, self._clock = desk, clock
        self._waiting: asyncio.Queue[Question] = asyncio.Queue()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="strategy-checks")
        self._context: StoreContext | None = None
        self._task: asyncio.Task[None] | None = None
        self._followed: dict[Feed, int] = {}

    def open(self, context: StoreContext) -> None:
        """Begin to look into questions."""
        self._context = context
        self._desk.examine = self._waiting.put_nowait
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_SECONDS))
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; what is not looked into is asked again after the next start."""
        if self._task is not None:
            await stopped(self._task)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def tick(self, now_us: int) -> Iterator[Emit]:
        """What the desk answers. Raises whatever has ended the examination."""
        if self._task is not None and self._task.done():
            self._task.result()
        if self._context is not None:
            self._desk.instruments.handled(self._context.position(INSTRUMENTS) or 0)
        yield from self._desk.tick(now_us)

    async def _run(self) -> None:
        while True:
            question = await self._waiting.get()
            finding = question.finding
            if finding is None and question.config is not None:
                finding = await self._checked(question.config)
            wanted = self._desk.wanted(question, finding)
            await self._look_up(wanted)
            if finding is not None and self._desk.instruments.lack(finding):
                question.instruments_end = await self._end_of_instruments()
            self._desk.examined(question, finding, wanted)

    async def _checked(self, config: StrategyConfigPublished) -> Examination:
        """What a thread finds. A document that breaks the check itself is refused: no input stops the service."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, examined, config)
        except Exception as error:
            log.exception("checking %s failed", config.strategy_id, extra={"event": "strategy_check_failed"})
            what = f"the strategy could not be checked: {type(error).__name__}: {error}"
            return Examination(None, (RefusalReason(message=what),))

    # ---- what others have reached ----

    def forget(self, partitions: Collection[int]) -> None:
        """Partitions whose newest bars another process knows from now on."""
        self._followed = {feed: at for feed, at in self._followed.items() if at not in partitions}

    async def _look_up(self, wanted: ToLookUp) -> None:
        while True:
            try:
                await self._bars(wanted.feeds)
                return await self._accounts(wanted.accounts)
            except RetryableError as error:
                log.warning("looking up bars failed, trying again: %s", error, extra={"event": "look_up_failed"})
                await asyncio.sleep(RETRY_SECONDS)

    async def _end_of_instruments(self) -> int:
        """Offset behind the last instrument that anybody told of."""
        assert self._context is not None
        while True:
            try:
                return await end_of_records(self._context.bus, INSTRUMENTS)
            except RetryableError as error:
                log.warning("looking up instruments failed, trying again: %s", error, extra={"event": "look_up_failed"})
                await asyncio.sleep(RETRY_SECONDS)

    async def _bars(self, feeds: Collection[Feed]) -> None:
        """The newest bars of feeds that this process does not follow, or of which it may not know the newest.

        What was evaluated before a restart, or by another process, is on the topic.
        """
        assert self._context is not None
        bus, topic, owned = self._context.bus, BY_EVENT[IndicatorsUpdated].name, self._desk.owned()
        count = await bus.partitions(topic)
        places = {feed: Place(topic, partition_of(_key(feed), count)) for feed in feeds if feed not in self._followed}
        lacking = _by_place(places)
        begins, ends = await bus.begin_offsets(list(lacking)), await bus.end_offsets(list(lacking))
        keys = set(map(_key, places))
        async for record, time_us in self._newest(lacking):
            self._desk.reached(time_us)
            if record.key in keys and (feed := await self._saw(record, time_us)) is not None:
                lacking[record.place].discard(feed)
        for place, unseen in lacking.items():
            if begins[place] > 0 or ends[place] > RECORDS_MAX:
                self._desk.not_found(unseen)
        still = owned & self._desk.owned()
        self._followed |= {feed: place.partition for feed, place in places.items() if place.partition in still}

    async def _saw(self, record: Record, time_us: int) -> Feed | None:
        """Show the desk a bar; returns its feed."""
        assert self._context is not None
        with suppress(ContractViolationError):  # not written by indicator; its reader keeps it as a dead letter
            event = await read_record(self._context.codec, record)
            if isinstance(event, IndicatorsUpdated) and event.event_time_us == time_us:
                feed = (event.venue, event.symbol, event.interval)
                self._desk.saw(feed, event.event_time_us)
                return feed
        return None

    async def _accounts(self, accounts: Collection[str]) -> None:
        """How far accounts have come that have, or had, a version."""
        assert self._context is not None
        topic = BY_EVENT[AccountStateChanged].name
        count = await self._context.bus.partitions(topic)
        keys = {account.encode(): account for account in accounts}
        lacking = _by_place({key: Place(topic, partition_of(key, count)) for key in keys})
        async for record, time_us in self._newest(lacking):
            if record.key in keys:
                self._desk.passed(keys[record.key], time_us)
                lacking[record.place].discard(record.key)

    async def _newest(self, lacking: Mapping[Place, Collection[object]]) -> AsyncIterator[tuple[Record, int]]:
        """Records at the ends of partitions, with their event times, until nothing is ``lacking`` of a partition."""
        assert self._context is not None
        bus, clock = self._context.bus, self._clock
        looked = newest(bus, clock, lacking, lambda place: not lacking[place], records_max=RECORDS_MAX)
        async for record, time_us in looked:
            if time_us is not None:
                yield record, time_us


def _key(feed: Feed) -> bytes:
    """Record key of a feed's bars."""
    return f"{feed[0]}:{feed[1]}".encode()


def _by_place(places: Mapping[Item, Place]) -> dict[Place, set[Item]]:
    """What is looked for in each partition."""
    found: dict[Place, set[Item]] = {}
    for item, place in places.items():
        found.setdefault(place, set()).add(item)
    return found
