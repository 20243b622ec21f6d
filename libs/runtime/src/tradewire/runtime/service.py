"""A service is a value: a table from event types to functions that return events, and the state behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from fastapi import APIRouter

from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import LevelInForce
from tradewire.ports.message import Emit, Envelope, Event, WaitReason
from tradewire.ports.metrics import Figure, Metric
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.codec import Codec

E = TypeVar("E", bound=Event)
Handler = Callable[[E, Envelope], Iterable[Emit]]
LastPublished = Callable[[Collection[str], Callable[[Sequence[Event]], bool]], Awaitable[Mapping[str, Sequence[Event]]]]
"""Newest messages of each of these keys in the topic of a source, oldest first, as far back as they are not enough."""
KeyHandler = Callable[[str, Envelope], Iterable[Emit]]


@dataclass(frozen=True, slots=True)
class Input:
    """A handler and how its topic is read.

    ``fanout`` reads every partition outside the group; broadcast topics are always read whole. ``deleted`` handles
    tombstones by key; ``displaced`` is told the key of a record that can't be read, behind which compaction drops the
    one before it; ``heartbeat`` is told of heartbeat records (``loop.heartbeat_records``); ``skipped`` answers a record
    that an operator had passed over, where it can be read (``loop.skipped_records``).
    """

    event: type[Event]
    handler: Handler[Any]
    fanout: bool = False
    deleted: KeyHandler | None = None
    heartbeat: Callable[[Envelope], None] | None = None
    displaced: Callable[[str], None] | None = None
    skipped: Handler[Any] | None = None

    @property
    def topic(self) -> str:
        """The topic that carries the event."""
        return BY_EVENT[self.event].name


def on(
    event: type[E],
    handler: Handler[E],
    *,
    fanout: bool = False,
    deleted: KeyHandler | None = None,
    heartbeat: Callable[[Envelope], None] | None = None,
    displaced: Callable[[str], None] | None = None,
    skipped: Handler[E] | None = None,
) -> Input:
    """One row of a service's table: ``handler`` answers every ``event`` with the events it returns.

    A handler of another event is a type error.
    """
    return Input(event, handler, fanout, deleted, heartbeat, displaced, skipped)


class Lost(Protocol):
    """Takes note of records that nobody can read any more."""

    def __call__(self, place: Place, first: int, until: int, *, why: str) -> None:
        """Records from ``first`` to before ``until`` of a partition."""


def _nowhere(_: Place) -> int | None:
    return None


def unnoticed(place: Place, first: int, until: int, *, why: str) -> None:
    """Takes no note: for stores that are used without a worker."""


async def unanswered(record: Record, error: ContractViolationError) -> None:
    """For stores that are used without a worker: raises the error."""
    raise error


@dataclass(frozen=True, slots=True)
class StoreContext:
    """What a store is given when it opens. ``passes_over`` tells the records that are left out: an operator asked for
    that, or they have a dead letter; ``refuse`` writes the dead letter of a record that is no state; ``lost`` takes
    note of records that it wanted and nobody has any more; ``position`` tells the offset behind the last record handled
    of a partition, None before the first.
    """

    bus: EventBusPort
    codec: Codec
    service: str
    passes_over: Callable[[Record], bool] = lambda _: False
    lost: Lost = unnoticed
    position: Callable[[Place], int | None] = _nowhere
    refuse: Callable[[Record, ContractViolationError], Awaitable[None]] = unanswered


class Store:
    """Where a service keeps its state. This one keeps none; see ``tradewire.runtime.stores.changelog`` and the ledger.

    The worker calls, in this order: ``acquire`` when partitions arrive; then per batch ``persist`` → publish →
    ``published``; per checkpoint ``checkpoint`` → commit of the input offsets; ``release`` when partitions leave.
    """

    async def open(self, context: StoreContext) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    async def ping(self) -> None:
        """Ask what the state is kept in whether it answers; asked beside the work. Raises TradewireError."""

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        """Restore the state of group partitions before their first record; returns what must be published again."""
        return ()

    async def release(self, partitions: Sequence[int]) -> None:
        """Forget the state of partitions that another member takes over."""

    async def persist(self, records: Sequence[Outgoing]) -> None:
        """Make the effects behind these records durable before they are published."""

    async def published(self, records: Sequence[Outgoing]) -> None:
        """All of ``records`` were acknowledged."""

    async def checkpoint(self) -> None:
        """Write all that decisions depend on and that is not written: input offsets are committed next.

        Most records change state and lead to no message, so ``persist`` alone never covers what was read.
        """

    def fanout_outdated(self) -> bool:
        """Does what was read since ``fanout_starts`` ask for fan-out records that were passed?"""
        return False

    async def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """Where to read fan-out topics from; places left out start at the beginning. Raises RetryableError.

        Asked for after each ``acquire``, and when ``fanout_outdated``; no fan-out record is handled in between.
        """
        return {}


def _nothing_held() -> Mapping[Place, int]:
    return {}


def _holds_nothing(_: Place, __: int) -> bool:
    return False


def _no_emits(_: int) -> Iterable[Emit]:
    return ()


def _no_waits() -> Iterable[WaitReason]:
    return ()


def _not_hurried() -> bool:
    return False


def _in_no_doubt() -> bool:
    return False


def _settles_nothing() -> None:
    pass


def _no_accounts() -> Collection[str]:
    return ()


def _no_details() -> dict[str, object]:
    return {}


def _no_figures() -> Iterable[Figure]:
    return ()


def _uncounted(_: Event) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable service.

    ``held`` tells the lowest offset per partition that is buffered but not yet answered (it must not be committed), and
    ``holds`` whether a record is; ``backlog`` how many records are buffered per partition (back-pressure); ``tick``
    runs after each batch and at least once a second with the wall clock in µs, and soon again while ``hurried`` says
    that there may be more to say;
    ``source`` yields batches of what enters the system here (ingest only),
    and may ask for the last published messages per key; ``waits`` what the service's own logic waits
    for just now; ``routes`` are served beside /health; ``levels`` tells the kill-switch levels that it obeys (None: it
    obeys none) and ``accounts`` the accounts that it knows; ``renew`` makes the service anew, with an empty memory,
    which is how it goes on when a handler failed (see ``failures``); ``doubts`` tells whether it keeps records that its
    broadcast topics may explain: they are read to their end, then ``settle`` is called, and nothing more can explain
    those; ``mode`` is live, replay or paper, for metrics;
    ``metrics`` are those of its own domain, ``figures`` tells their values now; ``sent`` is told of every event that
    the bus has acknowledged.
    """

    name: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[type[Event], ...] = ()
    store: Store = field(default_factory=Store)
    held: Callable[[], Mapping[Place, int]] = _nothing_held
    holds: Callable[[Place, int], bool] = _holds_nothing
    backlog: Callable[[], Mapping[Place, int]] = _nothing_held
    tick: Callable[[int], Iterable[Emit]] = _no_emits
    hurried: Callable[[], bool] = _not_hurried
    source: Callable[[LastPublished], AsyncIterator[Sequence[Emit]]] | None = None
    status: Callable[[], dict[str, object]] = _no_details
    waits: Callable[[], Iterable[WaitReason]] = _no_waits
    opened: Callable[[], Any] | None = None
    closed: Callable[[], Any] | None = None
    routes: APIRouter | None = None
    levels: Callable[[], Iterable[LevelInForce]] | None = None
    accounts: Callable[[], Collection[str]] = _no_accounts
    renew: Callable[[], Service] | None = None
    doubts: Callable[[], bool] = _in_no_doubt
    settle: Callable[[], None] = _settles_nothing
    mode: str = ""
    metrics: tuple[Metric, ...] = ()
    figures: Callable[[], Iterable[Figure]] = _no_figures
    sent: Callable[[Event], None] = _uncounted

    def __post_init__(self) -> None:
        topics = [item.topic for item in self.inputs]
        if len(set(topics)) != len(topics):
            raise ValueError(f"service {self.name}: two handlers for one topic: {topics}")

    def topics(self) -> tuple[list[str], list[str], list[str]]:
        """Topics that every instance reads whole, those it reads outside its group, those that the group shares."""
        broadcast = [item.topic for item in self.inputs if TOPICS[item.topic].broadcast]
        fanout = [item.topic for item in self.inputs if item.fanout]
        return broadcast, fanout, [item.topic for item in self.inputs if item.topic not in {*broadcast, *fanout}]

    def skips_answered(self) -> list[str]:
        """Topics of which it answers a record that an operator had passed over."""
        return [item.topic for item in self.inputs if item.skipped is not None]
