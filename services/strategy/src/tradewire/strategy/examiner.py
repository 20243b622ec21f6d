"""Looks into questions beside the trading loop: what others have reached, and whether a strategy is fit."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

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
from tradewire.runtime.loop.resuming import newest
from tradewire.runtime.service import StoreContext
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.strategy.domain.questions import Question
from tradewire.strategy.domain.validation import Examination, examined

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
        self._known: frozenset[int] = frozenset()

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
            await self._look_up(question)
            finding = None if question.config is None else await self._checked(question.config)
            if finding is not None and self._desk.instruments.lack(finding):
                question.instruments_end = await self._end_of_instruments()
            self._desk.examined(question, finding)

    async def _checked(self, config: StrategyConfigPublished) -> Examination:
        """What a thread finds. A document that breaks the check itself is refused: no input stops the service."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, examined, config)
        except Exception as error:
            log.exception("checking %s failed", config.strategy_id, extra={"event": "strategy_check_failed"})
            what = f"the strategy could not be checked: {type(error).__name__}: {error}"
            return Examination(None, (RefusalReason(message=what),))

    # ---- what others have reached ----

    async def _look_up(self, question: Question) -> None:
        while True:
            try:
                await self._bars(question.strategy_id)
                return await self._accounts(question.strategy_id)
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

    async def _bars(self, strategy_id: str) -> None:
        """The newest bars on the partitions that this process does not follow, or of which it may not know the newest.

        What was evaluated before a restart, or by another process, is on the topic.
        """
        assert self._context is not None
        bus, topic = self._context.bus, BY_EVENT[IndicatorsUpdated].name
        owned = self._desk.owned()
        partitions = [p for p in range(await bus.partitions(topic)) if p not in self._known & owned]
        versions = self._desk.versions_of(strategy_id)
        keys = {f"{version.venue}:{symbol}".encode() for version in versions[-1:] for symbol in version.symbols}
        async for record, time_us in self._newest(topic, partitions):
            self._desk.reached(time_us)
            if record.key in keys:
                await self._saw(record)
        self._known = owned

    async def _saw(self, record: Record) -> None:
        assert self._context is not None
        with suppress(ContractViolationError):  # not written by indicator; its reader keeps it as a dead letter
            event = await read_record(self._context.codec, record)
            if isinstance(event, IndicatorsUpdated):
                self._desk.saw((event.venue, event.symbol, event.interval), event.event_time_us)

    async def _accounts(self, strategy_id: str) -> None:
        """How far the accounts of a strategy's earlier versions have come."""
        assert self._context is not None
        accounts = {version.account_id.encode() for version in self._desk.versions_of(strategy_id)[:-1]}
        if not accounts:
            return
        topic = BY_EVENT[AccountStateChanged].name
        count = await self._context.bus.partitions(topic)
        async for record, time_us in self._newest(topic, {partition_of(account, count) for account in accounts}):
            if record.key in accounts:
                self._desk.passed(record.key.decode(), time_us)

    async def _newest(self, topic: str, partitions: Iterable[int]) -> AsyncIterator[tuple[Record, int]]:
        """Records at the ends of partitions, with their event times: of each at least one, if there is one."""
        assert self._context is not None
        places = [Place(topic, partition) for partition in partitions]
        silent = set(places)
        async for record, time_us in newest(self._context.bus, self._clock, places, lambda place: place not in silent):
            silent.discard(record.place)
            if time_us is not None:
                yield record, time_us
