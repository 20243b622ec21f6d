"""Where two runs part: the first fill or account state of an account that is not the same in both."""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest

from tradewire.ports.events import AccountStateChanged, OrderFilled
from tradewire.ports.message import Event

NAMES_ONLY = {"sequence", "venue_trade_id", "venue_order_id"}
"""Fields that only name a record: the fingerprint leaves them out too."""


class AccountStory:
    """What happened to the accounts of a run, as far as the fingerprint tells it."""

    def __init__(self) -> None:
        self._told: dict[str, dict[int, AccountStateChanged | OrderFilled]] = defaultdict(dict)

    def take(self, event: Event) -> None:
        """One more message of a run."""
        if isinstance(event, AccountStateChanged | OrderFilled):
            self._told[event.account_id][event.sequence] = event

    def differences(self, other: AccountStory) -> list[str]:
        """The first difference of each account; ``other`` is the undisturbed run."""
        found = []
        for account_id in sorted({*self._told, *other._told}):
            mine, theirs = self._in_order(account_id), other._in_order(account_id)
            for ours, wanted in zip_longest(mine, theirs):
                if ours is None or wanted is None:
                    found.append(f"{account_id}: {_named(ours or wanted)} is only in {'this' if ours else 'that'} run")
                elif changed := _changed(ours, wanted):
                    found.append(f"{account_id}: {_named(ours)}: {changed}")
                else:
                    continue
                break
        return found

    def _in_order(self, account_id: str) -> list[AccountStateChanged | OrderFilled]:
        return [event for _, event in sorted(self._told.get(account_id, {}).items())]


def _named(event: AccountStateChanged | OrderFilled | None) -> str:
    return f"{type(event).__name__} at {event.event_time_us}" if event is not None else ""


def _changed(ours: AccountStateChanged | OrderFilled, wanted: AccountStateChanged | OrderFilled) -> str:
    if type(ours) is not type(wanted):
        return f"that run has {_named(wanted)}"
    mine, theirs = ours.model_dump(), wanted.model_dump()
    names = [name for name in mine if name not in NAMES_ONLY and mine[name] != theirs[name]]
    return ", ".join(f"{name} {mine[name]} where that run has {theirs[name]}" for name in names)
