"""Answers about the platform itself: what runs, what feeds it, at which prices. Null: not known."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from tradewire.telemetry.adapters.api.models import Money
from tradewire.telemetry.domain.market import FeedState

Mode = Literal["paper", "testnet", "mainnet", "replay"]


class Partitions(BaseModel):
    """Account partitions: ``held`` are those whose accounts this instance shows, of ``all`` that there are."""

    held: list[int]
    all: int


class PlatformView(BaseModel):
    """Where one is.

    ``mode``: paper, testnet or mainnet as deployed; replay when the newest market event is more than a day older than
    the clock; null where nothing says it. ``event_time_us``: newest event time that was read.
    """

    mode: Mode | None
    environment: str
    version: str
    now_us: int
    event_time_us: int | None
    started_us: int
    partitions: Partitions
    at: str = Field(examples=["64a3f0e17b2c1-17"])


class InstanceView(BaseModel):
    """One instance of a service, as it says of itself every few seconds and as ``tradewire status`` shows it.

    ``why``: what stands against it; ``waits_for``: all that it waits for, reason and thing; ``starts``: recent starts
    that no orderly stop preceded.
    """

    instance_id: str
    state: Literal["ready", "not ready", "lost", "stopped"]
    why: list[str]
    waits_for: list[str]
    phase: str
    version: str
    host: str
    pid: int
    started_us: int
    starts: int
    reported_us: int
    last_success_us: int | None
    handled: int
    dead_letters: int
    lag_records: int | None
    lag_seconds: float | None
    last_error: str | None


class ServiceView(BaseModel):
    """A service. ``state``: ready when one instance is; absent when none reported itself."""

    name: str
    state: Literal["ready", "not ready", "lost", "stopped", "absent"]
    instances: list[InstanceView]


class ServicesView(BaseModel):
    """The six services in the order in which events pass. ``problems``: what is wrong, a sentence each."""

    asked_us: int
    healthy: bool
    problems: list[str]
    services: list[ServiceView]


class FeedView(BaseModel):
    """A stream of bars: LIVE, LATE or DEAD by the time at which its next bar is due, ENDED when its source said so.

    ``due_us``: null for bars of the past (a replay), which come at any pace, and after the end. ``received_us``: wall
    time at which its newest bar was sent; null and the state UNKNOWN where the sender did not say.
    """

    venue: str
    symbol: str
    interval: str
    last_event_us: int
    received_us: int | None
    due_us: int | None
    silent_seconds: float | None
    state: FeedState


class MarkView(BaseModel):
    """The newest prices of a symbol, quote per base. ``last``: close of its newest bar. Each has its event time."""

    venue: str
    symbol: str
    mark: Money | None
    mark_time_us: int | None
    last: Money | None
    last_time_us: int | None
    bid: Money | None
    ask: Money | None
    quote_time_us: int | None
    received_us: int | None
