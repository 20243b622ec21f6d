"""The platform itself: where one is, what runs, which feeds come, at which prices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from fastapi import APIRouter, HTTPException, Response

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import RetryableError
from tradewire.ports.topics import SERVICES
from tradewire.runtime.observe.instance_status import InstanceStatus, problems
from tradewire.telemetry.adapters.api.examples import AWAY
from tradewire.telemetry.adapters.api.platform_models import (
    FeedView,
    InstanceView,
    MarkView,
    Mode,
    Partitions,
    PlatformView,
    ServicesView,
    ServiceView,
)
from tradewire.telemetry.adapters.api.stream import UpdateStream
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.market import BarFeed, NewestPrices

ASKED_SECONDS = 2.0
"""An answer about services is good for so long, however many ask."""
DEPLOYED: dict[str, Mode] = {"paper": "paper", "testnet": "testnet", "mainnet": "mainnet"}
"""Environments that say the mode."""
DAY_US = 86_400_000_000
PARTITIONS_HEADER = "Tradewire-Partitions"

Instances = Callable[[], Awaitable[Sequence[InstanceStatus]]]
Assigned = Callable[[], tuple[list[int], int]]
State = Literal["ready", "not ready", "lost", "stopped"]


class PlatformRoutes:
    """Routes about the platform. ``instances`` raises RetryableError; ``held``: account partitions here, and all."""

    def __init__(
        self, desk: TelemetryDesk, stream: UpdateStream, clock: ClockPort, *, instances: Instances, held: Assigned
    ) -> None:
        self._desk, self._stream, self._clock = desk, stream, clock
        self._instances, self._held = instances, held
        self.environment, self.version = "local", "0"
        self._started_us = clock.now_us()
        self._asking = asyncio.Lock()
        self._answer: tuple[float, ServicesView] | None = None
        self.router = APIRouter(tags=["platform"])
        get = self.router.get
        get("/platform", summary="Mode, version, clocks and whose accounts are shown")(self.platform)
        get("/services", summary="Services and their instances", responses=AWAY)(self.services)
        get("/feeds", summary="Streams of bars and when the next is due")(self.feeds)
        get("/marks", summary="Newest prices")(self.marks)

    async def tell_partitions(self, response: Response) -> None:
        """A dependency of routes: whose accounts they show, in a header."""
        held, all_ = self._held()
        response.headers[PARTITIONS_HEADER] = f"{','.join(map(str, held)) or 'none'} of {all_}"

    async def platform(self) -> PlatformView:
        """Where one is."""
        held, all_ = self._held()
        return PlatformView(
            mode=self._mode(),
            environment=self.environment,
            version=self.version,
            now_us=self._clock.now_us(),
            event_time_us=self._desk.newest_event_time_us(),
            started_us=self._started_us,
            partitions=Partitions(held=held, all=all_),
            at=self._stream.at,
        )

    async def services(self) -> ServicesView:
        """What each instance last said of itself."""
        async with self._asking:
            now_s = self._clock.monotonic_s()
            if self._answer is None or now_s - self._answer[0] >= ASKED_SECONDS:
                try:
                    found = await self._instances()
                except RetryableError as error:
                    raise HTTPException(503, f"the bus does not answer: {error}") from error
                self._answer = now_s, services_view(found, self._clock.now_us())
            return self._answer[1]

    async def feeds(self) -> list[FeedView]:
        """Every stream of bars that was seen, the worst first."""
        now_us = self._clock.now_us()
        views = [feed_view(feed, now_us) for feed in self._desk.market.feeds.values()]
        worst = ("DEAD", "LATE", "UNKNOWN", "LIVE", "ENDED")
        return sorted(views, key=lambda view: (worst.index(view.state), view.venue, view.symbol, view.interval))

    async def marks(self, venue: str | None = None, symbol: str | None = None) -> list[MarkView]:
        """Newest mark, bar and quote of each symbol."""
        return [
            mark_view(price)
            for key, price in sorted(self._desk.market.prices.items())
            if venue in (None, key[0]) and symbol in (None, key[1])
        ]

    def _mode(self) -> Mode | None:
        if (deployed := DEPLOYED.get(self.environment)) is not None:
            return deployed
        newest_us = self._desk.newest_event_time_us()
        return "replay" if newest_us is not None and self._clock.now_us() - newest_us > DAY_US else None


def services_view(found: Sequence[InstanceStatus], now_us: int) -> ServicesView:
    """The services in the order of the pipeline; those that nobody knows of come as absent."""
    wrong = problems(found, SERVICES)
    names = [*SERVICES, *sorted({one.service for one in found} - set(SERVICES))]
    services = [_service(name, [one for one in found if one.service == name], now_us) for name in names]
    return ServicesView(asked_us=now_us, healthy=not wrong, problems=wrong, services=services)


def _service(name: str, instances: Sequence[InstanceStatus], now_us: int) -> ServiceView:
    views = [_instance(one, now_us) for one in instances]
    states = {view.state for view in views}
    order: tuple[State, ...] = ("ready", "not ready", "lost", "stopped")
    best = next((state for state in order if state in states), None)
    return ServiceView(name=name, state=best or "absent", instances=views)


def _instance(one: InstanceStatus, now_us: int) -> InstanceView:
    fields = {name: getattr(one, name) for name in InstanceView.model_fields if hasattr(one, name)}
    fields |= {"started_us": one.started_at_us, "reported_us": now_us - round(one.reported_seconds_ago * 1e6)}
    return InstanceView.model_validate(fields | {"why": list(one.why), "waits_for": list(one.waits_for)})


def feed_view(feed: BarFeed, now_us: int) -> FeedView:
    """A feed as of now."""
    return FeedView(
        venue=feed.venue,
        symbol=feed.symbol,
        interval=feed.interval,
        last_event_us=feed.last_event_us,
        received_us=feed.received_us,
        due_us=feed.due_us,
        silent_seconds=None if feed.received_us is None else max(0.0, (now_us - feed.received_us) / 1e6),
        state=feed.state(now_us),
    )


def mark_view(price: NewestPrices) -> MarkView:
    """Prices as an answer."""
    mark, quote, last = price.mark, price.quote, price.last
    return MarkView(
        venue=price.venue,
        symbol=price.symbol,
        mark=mark.mark_price if mark else None,
        mark_time_us=mark.event_time_us if mark else None,
        last=last.close if last else None,
        last_time_us=last.close_time_us if last else None,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        quote_time_us=quote.event_time_us if quote else None,
        received_us=price.received_us,
    )
