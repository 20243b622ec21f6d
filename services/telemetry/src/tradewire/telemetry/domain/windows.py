"""Windows of event time, made of aggregates that a repetition or another order can't change: last, highest, lowest.

Merging is idempotent, commutative and associative, so at-least-once delivery and a rebuild give the same windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from tradewire.ports.events import AccountStateChanged, OrderFilled

FILLS_PER_WINDOW_MAX = 10_000
"""Fills told apart per window and leg; of more, those of the lowest sequences count, and the view says so."""


class AccountKey(NamedTuple):
    """An account's window by its start, µs."""

    account_id: str
    start_us: int


class FillKey(NamedTuple):
    """A fill within the window of an account, strategy and symbol."""

    account_id: str
    strategy_id: str
    symbol: str
    start_us: int
    sequence: int


Key = AccountKey | FillKey


@dataclass(frozen=True, slots=True)
class AccountWindow:
    """Equity within a window, quote. ``last_*`` is of the highest sequence; sequences number all that happened."""

    low: Decimal
    high: Decimal
    first_sequence: int
    first_equity: Decimal
    last_sequence: int
    last_equity: Decimal

    def merged(self, other: AccountWindow) -> AccountWindow:
        """Both."""
        first = min(self, other, key=lambda window: window.first_sequence)
        last = max(self, other, key=lambda window: window.last_sequence)
        return AccountWindow(
            min(self.low, other.low),
            max(self.high, other.high),
            first.first_sequence,
            first.first_equity,
            last.last_sequence,
            last.last_equity,
        )


@dataclass(frozen=True, slots=True)
class FillFigures:
    """One fill, quote."""

    realized_pnl: Decimal
    fee: Decimal
    notional: Decimal


Row = AccountWindow | FillFigures


class Change(NamedTuple):
    """A row to keep, or to forget when it is None."""

    key: Key
    row: Row | None


class Windows:
    """The newest ``kept`` windows of ``size_us`` per account, reckoned from the newest event time of the account."""

    def __init__(self, *, size_us: int, kept: int) -> None:
        self.size_us, self.kept = size_us, kept
        self.accounts: dict[str, dict[int, AccountWindow]] = {}
        self.fills: dict[str, dict[tuple[int, str, str], dict[int, FillFigures]]] = {}
        self._newest_us: dict[str, int] = {}

    def take(self, event: AccountStateChanged | OrderFilled) -> list[Change]:
        """Merge an event; returns what changed, nothing when it was there before or is too old."""
        start_us = event.event_time_us - event.event_time_us % self.size_us
        if isinstance(event, OrderFilled):
            fill_key = FillKey(event.account_id, event.strategy_id, event.symbol, start_us, event.sequence)
            return self.put(fill_key, FillFigures(event.realized_pnl, event.fee, event.qty * event.price))
        equity = event.equity
        window = AccountWindow(equity, equity, event.sequence, equity, event.sequence, equity)
        return self.put(AccountKey(event.account_id, start_us), window)

    def put(self, key: Key, row: Row) -> list[Change]:
        """Merge a row, new or kept from before a restart; returns what changed."""
        changes = list(self._advanced(key.account_id, key.start_us))
        if key.start_us <= self._newest_us[key.account_id] - self.kept * self.size_us:
            return changes
        if isinstance(key, AccountKey):
            assert isinstance(row, AccountWindow)
            changes += self._put_window(key, row)
        else:
            assert isinstance(row, FillFigures)
            changes += self._put_fill(key, row)
        return changes

    def _advanced(self, account_id: str, start_us: int) -> Iterator[Change]:
        """Note the newest window; forget those that are too old now."""
        if start_us <= self._newest_us.get(account_id, start_us - 1):
            return
        self._newest_us[account_id] = start_us
        oldest_us = start_us - self.kept * self.size_us
        windows = self.accounts.get(account_id, {})
        for old_us in [start for start in windows if start <= oldest_us]:
            del windows[old_us]
            yield Change(AccountKey(account_id, old_us), None)
        legs = self.fills.get(account_id, {})
        for leg in [leg for leg in legs if leg[0] <= oldest_us]:
            for sequence in legs.pop(leg):
                yield Change(FillKey(account_id, leg[1], leg[2], leg[0], sequence), None)

    def _put_window(self, key: AccountKey, row: AccountWindow) -> Iterator[Change]:
        windows = self.accounts.setdefault(key.account_id, {})
        known = windows.get(key.start_us)
        merged = row if known is None else known.merged(row)
        if merged != known:
            windows[key.start_us] = merged
            yield Change(key, merged)

    def _put_fill(self, key: FillKey, row: FillFigures) -> Iterator[Change]:
        legs = self.fills.setdefault(key.account_id, {})
        fills = legs.setdefault((key.start_us, key.strategy_id, key.symbol), {})
        if key.sequence in fills:
            return
        if len(fills) >= FILLS_PER_WINDOW_MAX:
            highest = max(fills)
            if key.sequence > highest:
                return
            del fills[highest]
            yield Change(key._replace(sequence=highest), None)
        fills[key.sequence] = row
        yield Change(key, row)
