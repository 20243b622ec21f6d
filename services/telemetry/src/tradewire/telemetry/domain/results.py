"""Results by day, strategy and symbol, within bounds: the oldest days make room."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tradewire.ports.events import AccountStateChanged, OrderFilled

DAY_US = 86_400_000_000
ROWS_MAX = 100_000
DAYS_MAX = 20_000
ResultKey = tuple[str, int, str, str]
"""Account, day (µs of its beginning, UTC), strategy and symbol."""


@dataclass(slots=True)
class DayResult:
    """What fills came to, quote. ``realized_pnl``: as the fills report it, before fees."""

    realized_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    fills: int = 0


@dataclass(slots=True)
class AccountDay:
    """An account over a day (UTC), quote: equity at its begin and its end so far, funding paid up to each."""

    equity_begin: Decimal
    equity_end: Decimal
    funding_begin: Decimal
    funding_end: Decimal
    as_of_us: int


class ResultBook:
    """Sums of fills and days of accounts."""

    def __init__(self, *, rows_max: int = ROWS_MAX, days_max: int = DAYS_MAX) -> None:
        self._rows_max, self._days_max = rows_max, days_max
        self.rows: dict[ResultKey, DayResult] = {}
        self.days: dict[tuple[str, int], AccountDay] = {}
        self.dropped_until_us: int | None = None

    def take_fill(self, event: OrderFilled) -> None:
        """A fill, seen for the first time."""
        key = (event.account_id, day_of(event.event_time_us), event.strategy_id, event.symbol)
        row = self.rows.setdefault(key, DayResult())
        row.realized_pnl += event.realized_pnl
        row.fees += event.fee
        row.fills += 1
        if len(self.rows) > self._rows_max:
            oldest = next(iter(self.rows))
            del self.rows[oldest]
            self._dropped(oldest[1])

    def take_state(self, event: AccountStateChanged, before: AccountStateChanged | None) -> None:
        """A state, seen for the first time; ``before``: the account's last one, with which its day began."""
        begin = event if before is None else before
        day_us = day_of(event.event_time_us)
        day = self.days.get((event.account_id, day_us))
        if day is None:
            day = AccountDay(begin.equity, event.equity, begin.funding_paid, event.funding_paid, event.event_time_us)
            self.days[event.account_id, day_us] = day
        day.equity_end, day.funding_end, day.as_of_us = event.equity, event.funding_paid, event.event_time_us
        if len(self.days) > self._days_max:
            oldest = next(iter(self.days))
            del self.days[oldest]
            self._dropped(oldest[1])

    def take_back(self, rows: Iterable[tuple[ResultKey, DayResult]], dropped_until_us: int | None) -> None:
        """Sums of fills that a snapshot has, beside those that are there."""
        self.rows = dict(sorted((*self.rows.items(), *rows), key=lambda row: row[0][1]))
        if dropped_until_us is not None:
            self.dropped_until_us = max(self.dropped_until_us or 0, dropped_until_us)

    def forget(self, accounts: Iterable[str]) -> None:
        """Let go of accounts."""
        gone = set(accounts)
        self.rows = {key: row for key, row in self.rows.items() if key[0] not in gone}
        self.days = {key: day for key, day in self.days.items() if key[0] not in gone}

    def _dropped(self, day_us: int) -> None:
        self.dropped_until_us = max(self.dropped_until_us or 0, day_us + DAY_US)


def day_of(time_us: int) -> int:
    """Begin of the UTC day, µs."""
    return time_us - time_us % DAY_US
