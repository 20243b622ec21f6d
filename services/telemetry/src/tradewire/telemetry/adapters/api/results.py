"""What came of trading: round trips, results by day, strategy and symbol, and how near limits are."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from tradewire.telemetry.adapters.api.examples import answers
from tradewire.telemetry.adapters.api.paging import cursor_of
from tradewire.telemetry.adapters.api.result_models import (
    Grouping,
    LimitsInUseView,
    LimitUseView,
    PnlRow,
    PnlSelection,
    PnlView,
    TradeSelection,
    TradesView,
    TradeView,
)
from tradewire.telemetry.domain.account import AccountBook
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.limit_use import LimitUse, limit_uses
from tradewire.telemetry.domain.results import AccountDay, DayResult, ResultKey, day_of
from tradewire.telemetry.domain.round_trips import StrategyTrade

UNITS_SHOWN = Decimal("1e-8")


class ResultRoutes:
    """Routes that answer from the books."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.router = APIRouter(tags=["results"])
        get = self.router.get
        get("/trades", summary="Round trips of strategies, newest first", responses=answers("trades"))(self.trades)
        get("/pnl", summary="Results by day, strategy or symbol", responses=answers("pnl"))(self.pnl)
        get("/limits/in-use", summary="Limits and what is used of them", responses=answers("in-use"))(self.in_use)

    async def trades(self, chosen: Annotated[TradeSelection, Query()]) -> TradesView:
        """Entries with their exits, by strategy; those still open come with the time of their entry."""
        before = cursor_of(chosen.after)
        book = self._books.trades
        every = (*book.ended, *book.working())
        fits = (one for one in every if _is_chosen(one, chosen) and (before is None or one.order < before))
        found = heapq.nlargest(chosen.limit + 1, fits, key=lambda one: one.order)
        shown = found[: chosen.limit]
        last = shown[-1].order if len(found) > len(shown) else None
        full = len(book.ended) == book.ended.maxlen
        return TradesView(
            items=[_trade(one) for one in shown],
            next=f"{last[0]}:{last[1]}" if last is not None else None,
            complete_from_us=book.ended[0].exit_time_us if full else None,
        )

    async def pnl(self, chosen: Annotated[PnlSelection, Query()]) -> PnlView:
        """Sums of fills; by day also funding and the change of equity."""
        results = self._books.results
        rows = {key: row for key, row in results.rows.items() if _counts(key, chosen)}
        whole = chosen.by is Grouping.DAY and chosen.strategy_id is None and chosen.symbol is None
        days = {key: day for key, day in results.days.items() if whole and _in_stretch(*key, chosen)}
        found = sorted(_rows(rows, days, chosen.by), key=lambda row: (row.key, row.account_id))
        if chosen.by is Grouping.DAY:
            found.reverse()
        return PnlView(by=chosen.by, rows=found[: chosen.limit], complete_from_us=results.dropped_until_us)

    async def in_use(self, account_id: str | None = None) -> list[LimitsInUseView]:
        """Every limit that risk knows, set or not, for each account that has a state."""
        accounts = sorted(self._books.accounts.items())
        return [
            self._limits(book)
            for name, book in accounts
            if account_id in (None, name) and book.state is not None and book.peak_equity is not None
        ]

    def _limits(self, book: AccountBook) -> LimitsInUseView:
        state, limits = book.state, book.limits
        assert state is not None, "accounts with a state were chosen"
        day = self._books.results.days.get((book.account_id, day_of(state.event_time_us)))
        last = self._books.last_outcomes.get(book.account_id, {})
        uses = limit_uses(book, day.equity_begin if day is not None else state.equity, last)
        return LimitsInUseView(
            account_id=book.account_id,
            as_of_us=state.event_time_us,
            version=limits.version if limits is not None else None,
            author=limits.author if limits is not None else None,
            changed_at_us=limits.changed_at_us if limits is not None else None,
            limits=[_limit(use) for use in uses],
        )


def _is_chosen(one: StrategyTrade, chosen: TradeSelection) -> bool:
    time_us = one.order[0]
    return (
        chosen.account_id in (None, one.account_id)
        and chosen.strategy_id in (None, one.strategy_id)
        and chosen.symbol in (None, one.symbol)
        and chosen.open in (None, one.exit_time_us is None)
        and (chosen.from_us is None or time_us >= chosen.from_us)
        and (chosen.to_us is None or time_us < chosen.to_us)
    )


def _trade(one: StrategyTrade) -> TradeView:
    fields = {name: getattr(one, name) for name in TradeView.model_fields if name != "orders"}
    return TradeView(**fields, orders=list(one.orders))


def _in_stretch(account_id: str, day_us: int, chosen: PnlSelection) -> bool:
    return (
        chosen.account_id in (None, account_id)
        and (chosen.from_us is None or day_us >= chosen.from_us)
        and (chosen.to_us is None or day_us < chosen.to_us)
    )


def _counts(key: ResultKey, chosen: PnlSelection) -> bool:
    account_id, day_us, strategy_id, symbol = key
    same = chosen.strategy_id in (None, strategy_id) and chosen.symbol in (None, symbol)
    return same and _in_stretch(account_id, day_us, chosen)


def _rows(rows: dict[ResultKey, DayResult], days: dict[tuple[str, int], AccountDay], by: Grouping) -> Iterable[PnlRow]:
    sums: dict[tuple[str, str, int | None], DayResult] = {}
    for (account_id, day_us, strategy_id, symbol), row in rows.items():
        name = {Grouping.DAY: _iso(day_us), Grouping.STRATEGY: strategy_id, Grouping.SYMBOL: symbol}[by]
        total = sums.setdefault((account_id, name, day_us if by is Grouping.DAY else None), DayResult())
        total.realized_pnl += row.realized_pnl
        total.fees += row.fees
        total.fills += row.fills
    for account_id, day_us in days:
        sums.setdefault((account_id, _iso(day_us), day_us), DayResult())
    for (account_id, name, day_us_or_none), total in sums.items():
        day = days.get((account_id, day_us_or_none)) if day_us_or_none is not None else None
        yield PnlRow(
            account_id=account_id,
            key=name,
            from_us=day_us_or_none,
            realized_pnl=total.realized_pnl,
            fees=total.fees,
            fills=total.fills,
            funding=day.funding_begin - day.funding_end if day is not None else None,
            equity_change=day.equity_end - day.equity_begin if day is not None else None,
            as_of_us=day.as_of_us if day is not None else None,
        )


def _iso(day_us: int) -> str:
    return datetime.fromtimestamp(day_us / 1_000_000, UTC).date().isoformat()


def _limit(use: LimitUse) -> LimitUseView:
    return LimitUseView(
        limit_name=use.field,
        unit=use.measured.unit,
        limit=use.limit,
        used=_rounded(use.used),
        headroom=_rounded(use.headroom),
        ratio=use.ratio,
        last_value=use.last.value if use.last is not None else None,
        last_limit=use.last.limit if use.last is not None else None,
        last_us=use.last_us,
    )


def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(UNITS_SHOWN)
