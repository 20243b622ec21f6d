"""The log store and the state of reading: what memory does not hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from tradewire.ports.bus import Place
from tradewire.ports.errors import RetryableError
from tradewire.ports.telemetry import LogQuery, LogStorePort
from tradewire.ports.topics import TOPICS
from tradewire.telemetry.adapters.api.examples import AWAY, answers
from tradewire.telemetry.adapters.api.models import LagView, LogAnswer, LogEntry, LogSelection
from tradewire.telemetry.adapters.api.paging import cursor_of
from tradewire.telemetry.domain.desk import Freshness

Ends = Callable[[list[Place]], Awaitable[Mapping[Place, int]]]


class HistoryRoutes:
    """Routes that ask the log store and the bus. ``ends``: end offset by partition; raises RetryableError."""

    def __init__(self, log_store: LogStorePort, freshness: Mapping[str, Freshness], ends: Ends) -> None:
        self._log_store, self._freshness, self._ends = log_store, freshness, ends
        self.router = APIRouter(tags=["history"])
        get = self.router.get
        get("/log", summary="The log store, oldest first", responses=answers("log") | AWAY)(self.log)
        get("/lag", summary="How far behind each topic is", responses=answers("lag") | AWAY)(self.lag)

    async def log(self, chosen: Annotated[LogSelection, Query()]) -> LogAnswer:
        """Messages by trace, order, strategy, account, symbol, kind and time."""
        cursor_of(chosen.after)
        try:
            found = await self._log_store.query(LogQuery(**chosen.model_dump()))
        except RetryableError as error:
            raise HTTPException(503, f"the log store does not answer: {error}") from error
        entries = [LogEntry.model_validate(asdict(entry)) for entry in found.entries]
        return LogAnswer(entries=entries, next=found.next)

    async def lag(self) -> list[LagView]:
        """Event time and records between each topic and the newest."""
        read = {
            Place(topic, number): offset
            for topic, seen in self._freshness.items()
            for number, offset in seen.offsets.items()
        }
        try:
            ends = await self._ends(list(read))
        except RetryableError as error:
            raise HTTPException(503, f"the bus does not answer: {error}") from error
        # Control topics carry the time of whoever wrote them, not of the bars: a replay is not late by their measure.
        timed = {topic: seen.newest_us for topic, seen in self._freshness.items() if not TOPICS[topic].broadcast}
        newest_us = max(timed.values(), default=0)
        return [
            LagView(
                topic=topic,
                newest_event_time_us=seen.newest_us,
                behind_us=newest_us - timed.get(topic, newest_us),
                records_behind=sum(
                    max(0, ends[place] - offset) for place, offset in read.items() if place.topic == topic
                ),
            )
            for topic, seen in sorted(self._freshness.items())
        ]
