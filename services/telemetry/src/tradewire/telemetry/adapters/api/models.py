"""Answers of the state API. Money is text, times are µs UTC, ratios are 0–1."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field, PlainSerializer

from tradewire.ports.events import ActiveVersion, ConfigStatus, LevelInForce, RefusalReason
from tradewire.ports.message import Event
from tradewire.ports.telemetry import PAGE_MAX
from tradewire.telemetry.adapters.payloads import decoded, encoded

E = TypeVar("E", bound=Event)


Money = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json")]
"""A decimal as its digits: 0.00000000, not 0E-8."""
Plain = Annotated[E, PlainSerializer(lambda event: decoded(encoded(event.to_avro())), when_used="json")]
"""An event with its decimals written like that."""


class Balances(BaseModel):
    """Fields of the account, quote."""

    equity: Money = Field(examples=["10250.00000000"])
    wallet_balance: Money
    unrealized_pnl: Money
    realized_pnl: Money
    fees_paid: Money
    funding_paid: Money
    initial_margin: Money
    maintenance_margin: Money


class StrategyResult(BaseModel):
    """What a strategy's fills on an account came to, quote; PnL before fees."""

    strategy_id: str
    realized_pnl: Money
    fees: Money
    fills: int


class AccountView(Balances):
    """An account as of its newest state."""

    account_id: str
    as_of_us: int
    sequence: int
    peak_equity: Money
    drawdown_ratio: float
    gross_exposure: Money
    strategies: list[StrategyResult]


class PositionView(BaseModel):
    """A net position; ``shares``: signed quantity by strategy, base."""

    account_id: str
    as_of_us: int
    venue: str
    symbol: str
    qty: Money
    entry_price: Money
    mark_price: Money
    unrealized_pnl: Money
    liquidation_price: Money | None
    shares: dict[str, Money]


class Item(BaseModel, Generic[E]):
    """A message with what finds it again: in traces, in the log and in topics."""

    event_id: str
    event_time_us: int
    trace_id: str | None
    event: Plain[E]


class Page(BaseModel, Generic[E]):
    """Newest first. ``next``: give it as ``after`` for older ones; null at the end of what is in memory."""

    items: list[Item[E]]
    next: str | None


class CurvePoint(BaseModel):
    """An account as of an event time."""

    time_us: int
    equity: Money
    realized_pnl: Money
    drawdown_ratio: float


class CurveView(BaseModel):
    """Equity over time. ``thinned``: lows and highs of equal stretches stand for all of their points."""

    account_id: str
    thinned: bool
    points: list[CurvePoint]


class ControlsView(BaseModel):
    """The kill switch as one instance of a service obeys it.

    ``partitions``: account partitions that it answers for; ``control_offset``: the newest record of ``ops.control.v1``
    that it has carried out; ``told_us``: when it said so.
    """

    service: str
    instance: str
    partitions: list[int]
    control_offset: int
    levels: list[LevelInForce]
    told_us: int


class StrategyView(BaseModel):
    """A strategy: the platform's answer to its newest version, what is in force, and when it last decided."""

    strategy_id: str
    published_version: int | None
    version: int | None
    status: ConfigStatus | None
    reasons: list[RefusalReason]
    active: list[ActiveVersion]
    last_evaluated_us: int | None


class LagView(BaseModel):
    """How far a topic was read here. ``behind_us``: event time between it and the newest of any topic."""

    topic: str
    newest_event_time_us: int
    behind_us: int
    records_behind: int


class LogEntry(BaseModel):
    """A message in the log store."""

    event_id: str
    topic: str
    partition: int
    offset: int
    event_time_us: int
    recorded_at_us: int
    kind: str
    account_id: str | None
    strategy_id: str | None
    symbol: str | None
    client_order_id: str | None
    trace_id: str | None
    correlation_id: str | None
    causation_id: str | None
    payload: dict[str, object] | None


class LogAnswer(BaseModel):
    """Oldest first. ``next``: give it as ``after`` for the rest; null at the end."""

    entries: list[LogEntry]
    next: str | None


class Beat(BaseModel):
    """The stream lives. ``queued``: updates that wait for this reader; ``event_time_us``: newest that was read."""

    now_us: int
    event_time_us: int | None
    at: str
    queued: int


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str = Field(examples=["account paper-9 is unknown; known: paper-1"])


class InvalidField(BaseModel):
    """What is wrong with one field. ``loc``: where it is, e.g. query, limit."""

    loc: list[str | int]
    msg: str
    type: str


class InvalidRequest(BaseModel):
    """Why a question can't be answered: a sentence, or what is wrong with each field."""

    detail: str | list[InvalidField]


class Span(BaseModel):
    """From when to when, event time, and how many at once."""

    from_us: Annotated[int | None, Field(description="Event time, µs UTC, inclusive.")] = None
    to_us: Annotated[int | None, Field(description="Event time, µs UTC, exclusive.")] = None
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX, description="Items per page.")] = 100
    after: Annotated[str | None, Field(description="`next` of the page before.")] = None


class Selection(Span):
    """What to show of the messages in memory."""

    account_id: str | None = None
    strategy_id: str | None = None
    symbol: str | None = None


class OrderSelection(Selection):
    """Which orders."""

    status: Annotated[str | None, Field(description="An order status, e.g. FILLED.", examples=["FILLED"])] = None
    working: Annotated[bool | None, Field(description="True: only orders that may still fill; false: the rest.")] = None


class EvaluationSelection(Selection):
    """Which evaluations."""

    signal: Annotated[str | None, Field(description="A signal, e.g. ENTER_LONG.", examples=["ENTER_LONG"])] = None


class DecisionSelection(Selection):
    """Which risk decisions."""

    decision: Annotated[str | None, Field(description="A decision, e.g. REFUSED.", examples=["REFUSED"])] = None
    rule: Annotated[str | None, Field(description="A rule that failed, e.g. max_leverage.")] = None


class LogSelection(Span):
    """Which entries of the log store: those that match all that is given."""

    trace_id: str | None = None
    client_order_id: str | None = None
    strategy_id: str | None = None
    account_id: str | None = None
    symbol: str | None = None
    kind: Annotated[str | None, Field(description="Event type, e.g. OrderFilled.", examples=["OrderFilled"])] = None
