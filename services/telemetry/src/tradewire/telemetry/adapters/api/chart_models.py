"""Answers for charts. Bars and indicator values are floats, for drawing alone; money that counts is text elsewhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from tradewire.ports.events import Side
from tradewire.telemetry.adapters.api.models import Money, Selection
from tradewire.telemetry.domain.bar_history import BARS_MAX

Numbers = list[float | None]


class CandlesView(BaseModel):
    """Closed bars as columns of the same length, by rising time. Prices: quote per base; volume: base.

    ``time_us``: close of each bar, its event time, µs UTC; ``values``: what the indicator service published for it, by
    name, null where it had no value; ``next``: give it as ``after`` for older bars, null at the oldest in memory;
    ``kept_from_us``: oldest bar in memory; ``dropped``: older ones are on the topic ``market.candle.v1`` alone.
    """

    venue: str = Field(examples=["binance"])
    symbol: str = Field(examples=["BTCUSDT"])
    interval: str = Field(examples=["1h"])
    interval_us: int
    time_us: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    values: dict[str, Numbers]
    next: str | None
    kept_from_us: int
    dropped: bool


class CandleSelection(BaseModel):
    """Which bars: the newest ``limit`` of a stretch."""

    venue: Annotated[str, Field(description="Venue, lower case.", examples=["binance"])]
    symbol: Annotated[str, Field(description="The venue's name of the instrument.", examples=["BTCUSDT"])]
    interval: Annotated[str, Field(description="Length of a bar.", examples=["1h"])]
    from_us: Annotated[int | None, Field(description="Close of the bar, µs UTC, inclusive.")] = None
    to_us: Annotated[int | None, Field(description="Close of the bar, µs UTC, exclusive.")] = None
    limit: Annotated[int, Field(ge=1, le=BARS_MAX, description="Most bars.")] = 500
    after: Annotated[str | None, Field(description="`next` of the page before: bars older than those.")] = None
    indicator: Annotated[
        list[str] | None,
        Field(description="Names of indicator values, e.g. ema(close,12); none given: all.", max_length=100),
    ] = None


class AnnotationKind(StrEnum):
    """What happened. EXIT: any fill that closes; REFUSAL: by risk; REJECTION: by execution or the venue; CONFIG: a
    strategy's version begins to decide; GAP: a fault of the market data."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"
    LIQUIDATION = "LIQUIDATION"
    REFUSAL = "REFUSAL"
    REJECTION = "REJECTION"
    CONFIG = "CONFIG"
    GAP = "GAP"


class Annotation(BaseModel):
    """One mark at the event time of a bar. ``price``: quote per base; ``qty``: base; null where there is none.

    ``client_order_id``: of the order, for `/explain`; ``ref``: what tells this mark from others of its time.
    """

    kind: AnnotationKind
    time_us: int
    venue: str
    symbol: str
    account_id: str | None
    strategy_id: str | None
    text: str = Field(examples=["ENTRY BUY 1 at 3650"])
    ref: str
    side: Side | None = None
    price: Money | None = None
    qty: Money | None = None
    client_order_id: str | None = None


class Annotations(BaseModel):
    """Newest first. ``next``: give it as ``after`` for older ones, null at the end of what is in memory.

    ``complete_from_us``: from then on every mark is in memory; older ones have begun to make room, and are in the log.
    Null: none has since this instance started to read.
    """

    items: list[Annotation]
    next: str | None
    complete_from_us: int | None


class AnnotationSelection(Selection):
    """Which marks. Those of no account or strategy, such as faults of the market, come with any."""

    venue: Annotated[str | None, Field(description="Venue, lower case.")] = None
    kind: Annotated[list[AnnotationKind] | None, Field(description="Kinds of marks; none given: all.")] = None
