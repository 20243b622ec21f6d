"""Why there was a trade, or none. Indicator values and bars are floats, money is text. Null: not known."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from tradewire.ports.events import (
    GapDetected,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    StrategyEvaluated,
)
from tradewire.telemetry.adapters.api.models import Item, Plain


class BarView(BaseModel):
    """Prices: quote per base; volume: base."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class RuleView(BaseModel):
    """A rule of the strategy: its text, its truth (null: unknown), and what it saw at the bar and at the one before."""

    rule: str = Field(examples=["entry_long"])
    expression: str = Field(examples=["crossed_above(fast, slow) and close > regime"])
    truth: bool | None
    values: dict[str, float | None]
    previous: dict[str, float | None]


class OrderStoryView(BaseModel):
    """One order: each transition that is known, and its fills. What risk asked for is in the assessment's intents."""

    client_order_id: str
    changes: list[Plain[OrderChanged]]
    fills: list[Plain[OrderFilled]]


class ExplanationView(BaseModel):
    """The chain of one decision: bar, values, rules, risk, orders, fills; the verdict first.

    ``rules``: the strategy's rules evaluated once more on the values of then; null where its version's file or the
    values are not in memory any more (``evaluation.event.seen`` has the values all the same); ``unknown``: sentences
    about what is not known any more.
    """

    question: str = Field(examples=["order tw-7f3a9c21e05b4d68"])
    verdict: str = Field(examples=["no order: no rule asked for one"])
    strategy_id: str
    venue: str
    symbol: str
    interval: str | None
    time_us: int
    trace_id: str | None
    bar: BarView | None
    evaluation: Item[StrategyEvaluated] | None
    rules: list[RuleView] | None
    notes: list[str]
    assessment: Item[RiskAssessed] | None
    orders: list[OrderStoryView]
    gaps: list[Plain[GapDetected]]
    unknown: list[str]


class ExplainSelection(BaseModel):
    """Which decision: an order, or a strategy, a symbol and a time."""

    client_order_id: Annotated[str | None, Field(description="Why this order?")] = None
    strategy_id: Annotated[str | None, Field(description="With symbol and time: what did it do with that bar?")] = None
    symbol: Annotated[str | None, Field(description="Of the strategy.", examples=["BTCUSDT"])] = None
    time_us: Annotated[
        int | None, Field(description="Close of the bar, or a time at which it was open; event time, µs UTC.")
    ] = None
