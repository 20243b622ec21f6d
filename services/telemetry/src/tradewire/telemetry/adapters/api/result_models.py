"""Answers about results and limits. Money is text in the account's quote currency, times are µs UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from tradewire.ports.events import Side
from tradewire.telemetry.adapters.api.models import Money, Selection


class TradeView(BaseModel):
    """A strategy's share of a symbol from flat to flat; ``exit_time_us`` null: it is still open.

    ``pnl``: by the prices of the strategy's own fills, less fees, funding left out; ``orders``: client order ids.
    The account's realized PnL nets strategies against each other: both agree once all shares of a symbol are flat.
    """

    account_id: str
    strategy_id: str
    venue: str
    symbol: str
    side: Side
    qty: Money
    entry_time_us: int
    exit_time_us: int | None
    entry_price: Money
    exit_price: Money | None
    fees: Money
    pnl: Money | None
    exit_leg: str | None = Field(examples=["STOP_LOSS"])
    orders: list[str]


class TradesView(BaseModel):
    """Newest first. ``next``: give it as ``after`` for older ones; null at the end of what is in memory.

    ``complete_from_us``: trades that ended before have begun to make room; null: none has.
    """

    items: list[TradeView]
    next: str | None
    complete_from_us: int | None


class TradeSelection(Selection):
    """Which trades; times are those of the exit, or of the entry while there is none."""

    open: Annotated[bool | None, Field(description="True: only those still open; false: only ended ones.")] = None


class Grouping(StrEnum):
    """What a row of results is about."""

    DAY = "day"
    STRATEGY = "strategy"
    SYMBOL = "symbol"


class PnlRow(BaseModel):
    """Results of one account. ``key``: the day (begin, UTC, ISO 8601), strategy or symbol.

    ``realized_pnl``: as fills report it, before fees and funding; ``funding`` (paid: negative) and ``equity_change``
    (with what is unrealized) are known by day alone, ``as_of_us``: newest state of the day.
    """

    account_id: str
    key: str = Field(examples=["2019-01-01"])
    from_us: int | None
    realized_pnl: Money
    fees: Money
    fills: int
    funding: Money | None
    equity_change: Money | None
    as_of_us: int | None


class PnlView(BaseModel):
    """Days newest first, strategies and symbols by name. ``complete_from_us``: older days made room; null: none has."""

    by: Grouping
    rows: list[PnlRow]
    complete_from_us: int | None


class PnlSelection(BaseModel):
    """Which results. Days are of UTC."""

    by: Annotated[Grouping, Field(description="A row for each of these and each account.")] = Grouping.DAY
    account_id: str | None = None
    strategy_id: Annotated[str | None, Field(description="Fills of one strategy; equity is then left out.")] = None
    symbol: Annotated[str | None, Field(description="Fills of one symbol; equity is then left out.")] = None
    from_us: Annotated[int | None, Field(description="Days that begin then or later, µs UTC.")] = None
    to_us: Annotated[int | None, Field(description="Days that begin before, µs UTC.")] = None
    limit: Annotated[int, Field(ge=1, le=20_000, description="Most rows.")] = 400


class LimitUseView(BaseModel):
    """One limit. ``limit`` null: not set. ``used``, ``headroom``: by the newest account state, positions at the mark.

    Null where risk judges each order by itself; ``last_value``, ``last_limit`` and ``last_us`` are then what it judged
    last. ``ratio``: used share of the limit, 1: all of it.
    """

    limit_name: str = Field(examples=["max_leverage"])
    unit: str
    limit: Money | None
    used: Money | None
    headroom: Money | None
    ratio: float | None
    last_value: str | None
    last_limit: str | None
    last_us: int | None


class LimitsInUseView(BaseModel):
    """Limits of an account, all that there are, and what is used. ``version`` null: none were ever set.

    Orders at work are not in ``used``; risk counts them when it judges the next order.
    """

    account_id: str
    as_of_us: int
    version: int | None
    author: str | None
    changed_at_us: int | None
    limits: list[LimitUseView]
