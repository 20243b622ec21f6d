"""Records about strategy versions that are not known yet: kept aside until the answers about strategies explain them.

Strategy writes its answer about a version before the first evaluation by it. So once the topic of the answers is read
to the end that it had after such a record was read, the version is known, or was never accepted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tradewire.ports.message import Envelope, WaitReason
from tradewire.trading.pending_offsets import PendingOffsets


class OfVersion(Protocol):
    """An event about a strategy's version."""

    @property
    def account_id(self) -> str:
        """Whose bar it is."""

    @property
    def strategy_id(self) -> str:
        """Whose version."""

    @property
    def config_version(self) -> int:
        """Number of the version."""

    @property
    def event_time_us(self) -> int:
        """Close of the bar, µs."""


E = TypeVar("E", bound=OfVersion)


@dataclass(slots=True)
class Unexplained(Generic[E]):
    """A record that is kept; ``settled``: nothing that is still to be read can explain it."""

    event: E
    envelope: Envelope
    settled: bool = False


class UnknownVersions(Generic[E]):
    """Per account, in the order in which they were read; ``knows``: was a strategy's version answered?"""

    def __init__(self, knows: Callable[[str, int], bool], pending: PendingOffsets) -> None:
        self._knows, self._pending = knows, pending
        self._kept: dict[str, deque[Unexplained[E]]] = {}

    def keep(self, event: E, envelope: Envelope) -> None:
        """Keep a record until it is explained."""
        self._pending.take(envelope)
        self._kept.setdefault(event.account_id, deque()).append(Unexplained(event, envelope))

    def has(self, account_id: str) -> bool:
        """Is a record of the account kept?"""
        return account_id in self._kept

    def first_us(self, account_id: str) -> int | None:
        """Event time of the account's oldest bar that a kept record is about."""
        kept = self._kept.get(account_id)
        return min(item.event.event_time_us for item in kept) if kept else None

    def doubts(self) -> bool:
        """Is anything kept? For ``Service.doubts``."""
        return bool(self._kept)

    def settle(self) -> None:
        """All was read that may explain what is kept. For ``Service.settle``."""
        for kept in self._kept.values():
            for item in kept:
                item.settled = True

    def explained(self) -> Iterator[Unexplained[E]]:
        """Take out what need not be kept any longer, in order: the version is known, or will not be."""
        for account_id, kept in list(self._kept.items()):
            while kept and (kept[0].settled or self._knows(kept[0].event.strategy_id, kept[0].event.config_version)):
                item = kept.popleft()
                self._pending.release(item.envelope)
                if not kept:
                    del self._kept[account_id]
                yield item

    def forget(self, gone: Callable[[str, Envelope], bool]) -> None:
        """Let go of records by account and envelope: another member reads them."""
        for account_id, kept in list(self._kept.items()):
            for item in [item for item in kept if gone(account_id, item.envelope)]:
                kept.remove(item)
                self._pending.release(item.envelope)
            if not kept:
                del self._kept[account_id]

    def waits(self) -> Iterator[WaitReason]:
        """Accounts with records of unknown versions."""
        for account_id, kept in self._kept.items():
            whose = ", ".join(sorted(map(_whose, kept)))
            oldest_us = min(item.event.event_time_us for item in kept)
            yield WaitReason("strategy_status", f"{account_id}: the answer about {whose}", oldest_us)


def _whose(item: Unexplained[E]) -> str:
    event, record = item.event, item.envelope
    return f"{event.strategy_id} version {event.config_version} ({record.topic} {record.partition} {record.offset})"
