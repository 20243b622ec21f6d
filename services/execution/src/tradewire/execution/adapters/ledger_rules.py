"""What every ledger holds to, wherever it keeps its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import FatalError, FencedError
from tradewire.ports.events import OrderChanged, OrderFilled
from tradewire.ports.ledger import Changes, OrderIdReusedError

E = TypeVar("E", OrderChanged, OrderFilled)
Key = tuple[str, int | str]
OrderKey = tuple[str, str]

IDENTITY = ("strategy_id", "venue", "symbol", "side", "order_type", "leg", "evaluation_id", "qty")
"""Fields that never change in an order's life."""


def transition_key(event: OrderChanged) -> Key:
    """Account and sequence."""
    return event.account_id, event.sequence


def fill_key(event: OrderFilled) -> Key:
    """Account and the venue's trade id."""
    return event.account_id, event.venue_trade_id


def touched(changes: Changes, homes: Mapping[str, int]) -> list[int]:
    """Partitions written to, rising. ``homes``: partition by account. Raises FatalError for an account with no row."""
    found = {row.partition for row in changes.accounts} | changes.positions.keys()
    events: list[OrderChanged | OrderFilled] = [*changes.orders, *changes.fills]
    for event in events:
        if event.account_id not in homes:
            raise FatalError(f"account {event.account_id} has {type(event).__name__} but no row: whose is it?")
        found.add(homes[event.account_id])
    return sorted(found)


def home_of(record: Outgoing, homes: Mapping[str, int]) -> int | None:
    """Partition of the account that a record is keyed by; None when it is no known account's."""
    return None if record.key is None else homes.get(record.key.decode(errors="replace"))


def check_epochs(partitions: Iterable[int], *, held: Mapping[int, int], newest: Mapping[int, int]) -> None:
    """Raises FencedError when any partition has another writer by now, or never was this one's."""
    for partition in partitions:
        if partition not in held or held[partition] != newest.get(partition):
            raise FencedError(
                f"account partition {partition} is at epoch {newest.get(partition, 'none')}; "
                f"this writer acquired epoch {held.get(partition, 'none')}"
            )


def unwritten(events: Iterable[E], key: Callable[[E], Key], stored: Mapping[Key, E]) -> dict[Key, E]:
    """Events that are not stored yet, by key. Raises FatalError for one that differs from what its key holds."""
    new: dict[Key, E] = {}
    for event in events:
        known = stored.get(key(event)) or new.get(key(event))
        if known is None:
            new[key(event)] = event
        elif known != event:
            raise FatalError(f"{type(event).__name__} {key(event)} is written as {known!r} and came again as {event!r}")
    return new


def latest(transitions: Iterable[OrderChanged], known: Mapping[OrderKey, OrderChanged]) -> dict[OrderKey, OrderChanged]:
    """New latest transition by order. Raises OrderIdReusedError for another order's id, FatalError for one too late."""
    found: dict[OrderKey, OrderChanged] = {}
    for event in transitions:
        key = event.account_id, event.client_order_id
        before = known.get(key)
        for other in (before, found.get(key)):
            if other is not None and identity(other) != identity(event):
                raise OrderIdReusedError(event, other)
        if before is not None and before.sequence >= event.sequence:
            raise FatalError(f"order {key} is at {before!r}, later than the new {event!r}")
        if key not in found or found[key].sequence < event.sequence:
            found[key] = event
    return found


def identity(event: OrderChanged) -> tuple[object, ...]:
    """What makes two transitions those of one order."""
    return tuple(getattr(event, name) for name in IDENTITY)
