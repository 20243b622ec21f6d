"""An independent auditor of a finished run: reads topics and ledger, and trusts neither.

It shares nothing with the services but the message models: its own consumer, its own decoding, its own arithmetic.
"""

from __future__ import annotations

import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import asyncpg
import fastavro
from aiokafka import AIOKafkaConsumer, TopicPartition

from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorsUpdated,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    RiskAssessed,
    Side,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT

AUDITED: tuple[type[Event], ...] = (
    CandleClosed,
    IndicatorsUpdated,
    StrategyEvaluated,
    RiskAssessed,
    OrderChanged,
    OrderFilled,
    AccountStateChanged,
)
ENDS = {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.DENIED}


@dataclass(frozen=True, slots=True)
class Said:
    """One record of a run: what was said, under which id, because of what."""

    event: Event
    event_id: str
    causation_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """The ledger as found: order → (status, filled qty, venue order id); trade id → (order, qty, price)."""

    orders: dict[tuple[str, str], tuple[str, Decimal, str | None]]
    fills: dict[tuple[str, str], tuple[str, Decimal, Decimal]]


@dataclass
class Audited:
    """What was found. A clean run has no findings; re-sent records are no finding when they are identical."""

    records: int = 0
    resent: int = 0
    orders: int = 0
    fills: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Findings of something missing."""
        return sum(finding.startswith("lost") for finding in self.findings)

    @property
    def duplicated(self) -> int:
        """Findings of something done twice."""
        return sum(finding.startswith("duplicate") for finding in self.findings)

    def note(self, kind: str, detail: str) -> None:
        """Add a finding."""
        self.findings.append(f"{kind}: {detail}")


async def read_topics(bootstrap_servers: str) -> list[Said]:
    """Every record of the audited topics as they stand now, in order per partition."""
    kinds = {BY_EVENT[kind].name: kind for kind in AUDITED}
    said: list[Said] = []
    consumer = AIOKafkaConsumer(*kinds, bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    await consumer.start()  # returns once the metadata of its topics is there
    try:
        places = [TopicPartition(topic, p) for topic in kinds for p in consumer.partitions_for_topic(topic) or ()]
        assert {place.topic for place in places} == set(kinds), f"{bootstrap_servers} does not show every audited topic"
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        consumer.unsubscribe()
        consumer.assign(places)
        for place in places:
            consumer.seek(place, begins[place])
        waiting = {place for place in places if ends[place] > begins[place]}
        while waiting:
            for place, batch in (await consumer.getmany(timeout_ms=500, max_records=5_000)).items():
                said += [decoded(kinds[place.topic], r.value, r.headers) for r in batch if r.value is not None]
                if batch[-1].offset + 1 >= ends[place]:
                    waiting.discard(place)
    finally:
        await consumer.stop()
    return said


_SCHEMAS = {kind: fastavro.parse_schema(json.loads(BY_EVENT[kind].schema_json)) for kind in AUDITED}


def decoded(kind: type[Event], value: bytes, headers: Iterable[tuple[str, bytes]]) -> Said:
    """A record as said; the value's first five bytes are the wire format's prefix."""
    found = {name: text.decode() for name, text in headers}
    event = kind.model_validate(fastavro.schemaless_reader(io.BytesIO(value[5:]), _SCHEMAS[kind], None))
    return Said(event, found["event_id"], found.get("causation_id", ""), value)


async def read_ledger(dsn: str) -> LedgerRows:
    """Orders and fills as the ledger has them."""
    connection = await asyncpg.connect(dsn)
    try:
        orders = await connection.fetch("SELECT * FROM execution.orders")
        fills = await connection.fetch("SELECT * FROM execution.fills")
    finally:
        await connection.close()
    return LedgerRows(
        {(r["account_id"], r["client_order_id"]): (r["status"], r["filled_qty"], r["venue_order_id"]) for r in orders},
        {(r["account_id"], r["venue_trade_id"]): (r["client_order_id"], r["qty"], r["price"]) for r in fills},
    )


def audit(said: Sequence[Said], ledger: LedgerRows | None) -> Audited:
    """Check a finished run."""
    report = Audited(records=len(said))
    if not said:
        report.note("lost", "the topics hold nothing")
    unique = _deduplicated(said, report)
    by_kind: dict[type[Event], list[Said]] = defaultdict(list)
    for one in unique:
        by_kind[type(one.event)].append(one)
    _check_chain(by_kind, report)
    orders: list[OrderChanged] = [s.event for s in by_kind[OrderChanged] if isinstance(s.event, OrderChanged)]
    fills: list[OrderFilled] = [s.event for s in by_kind[OrderFilled] if isinstance(s.event, OrderFilled)]
    states = [s.event for s in by_kind[AccountStateChanged] if isinstance(s.event, AccountStateChanged)]
    assessed = [s.event for s in by_kind[RiskAssessed] if isinstance(s.event, RiskAssessed)]
    report.orders, report.fills = len({o.client_order_id for o in orders}), len(fills)
    _check_orders(assessed, orders, fills, report)
    _check_sequences([*orders, *fills, *states], report)
    _check_books(fills, states, report)
    if ledger is not None:
        _check_ledger(ledger, orders, fills, report)
    return report


def _deduplicated(said: Sequence[Said], report: Audited) -> list[Said]:
    """One record per event id. Sent again is harmless; sent again and different is not (two values at one id)."""
    first: dict[tuple[type[Event], str], Said] = {}
    for one in said:
        key = (type(one.event), one.event_id)
        known = first.setdefault(key, one)
        if known is not one:
            report.resent += 1
            if known.event != one.event:
                report.note("inconsistent", f"{key[0].__name__} {one.event_id} was sent twice with different contents")
    return list(first.values())


def _check_chain(by_kind: dict[type[Event], list[Said]], report: Audited) -> None:
    """Every bar has one snapshot; every evaluation comes of a snapshot and has one assessment."""
    for cause, effect, several in (
        (CandleClosed, IndicatorsUpdated, False),
        (IndicatorsUpdated, StrategyEvaluated, True),
        (StrategyEvaluated, RiskAssessed, False),
    ):
        causes = {one.event_id for one in by_kind[cause]}
        answers = Counter(one.causation_id for one in by_kind[effect] if getattr(one.event, "step_size", 1))
        for event_id in causes - set(answers):
            report.note("lost", f"no {effect.__name__} answers {cause.__name__} {event_id}")
        for event_id in set(answers) - causes:
            report.note("phantom", f"{effect.__name__} answers a {cause.__name__} {event_id} that is not there")
        if not several:
            for event_id, count in answers.items():
                if count > 1:
                    report.note("duplicate", f"{count} {effect.__name__} answer {cause.__name__} {event_id}")


def _check_orders(
    assessed: Sequence[RiskAssessed], orders: Sequence[OrderChanged], fills: Sequence[OrderFilled], report: Audited
) -> None:
    """Each approved intent became one order at the venue; each order ended at most once, filled by its fills."""
    approved = Counter(intent.client_order_id for event in assessed for intent in event.intents)
    for client_id, count in approved.items():
        if count > 1:
            report.note("duplicate", f"order {client_id} was approved {count} times")
    history: dict[str, list[OrderChanged]] = defaultdict(list)
    for order in orders:
        history[order.client_order_id].append(order)
    for client_id in set(approved) - set(history):
        report.note("lost", f"order {client_id} was approved and never sent")
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        filled[fill.client_order_id] += fill.qty
    purposes: Counter[tuple[str, str | None, str]] = Counter()
    for client_id, changes in history.items():
        changes.sort(key=lambda change: change.sequence)
        last = changes[-1]
        venue_made = last.leg == "LIQUIDATION"
        if client_id not in approved and not venue_made:
            report.note("phantom", f"order {client_id} was sent and never approved")
        if not venue_made:
            purposes[last.account_id, last.evaluation_id, last.leg] += 1
        sent = sum(change.status is OrderStatus.SUBMITTED for change in changes)
        venue_ids = {change.venue_order_id for change in changes if change.venue_order_id}
        if sent > 1 or len(venue_ids) > 1:
            report.note("duplicate", f"order {client_id} was sent {sent} times, venue ids {sorted(venue_ids)}")
        if sum(change.status in ENDS for change in changes) > 1:
            report.note("duplicate", f"order {client_id} ended more than once")
        if last.filled_qty != filled.get(client_id, Decimal(0)):
            report.note("lost", f"order {client_id} says {last.filled_qty} filled, its fills {filled.get(client_id)}")
    for purpose, count in purposes.items():
        if count > 1:
            report.note("duplicate", f"{count} orders for one decision and leg: {purpose}")
    trades = Counter((fill.account_id, fill.venue_trade_id) for fill in fills)
    for trade, count in trades.items():
        if count > 1:
            report.note("duplicate", f"trade {trade} was reported under {count} event ids")


def _check_sequences(events: Sequence[OrderChanged | OrderFilled | AccountStateChanged], report: Audited) -> None:
    """What an account reports is numbered 1, 2, … without a gap."""
    numbers: dict[str, Counter[int]] = defaultdict(Counter)
    for event in events:
        numbers[event.account_id][event.sequence] += 1
    for account_id, found in numbers.items():
        for number in set(range(1, max(found) + 1)) - set(found):
            report.note("lost", f"account {account_id} reported nothing as number {number}")
        for number, count in found.items():
            if count > 1:
                report.note("duplicate", f"account {account_id} reported {count} things as number {number}")


def _check_books(fills: Sequence[OrderFilled], states: Sequence[AccountStateChanged], report: Audited) -> None:
    """Fills add up to positions, and money to the last unit, at every state."""
    story: dict[str, list[OrderFilled | AccountStateChanged]] = defaultdict(list)
    everything: list[OrderFilled | AccountStateChanged] = [*fills, *states]
    for reported in everything:
        story[reported.account_id].append(reported)
    for account_id, events in story.items():
        events.sort(key=lambda event: event.sequence)
        held: dict[str, Decimal] = defaultdict(Decimal)
        opening: Decimal | None = None
        for event in events:
            if isinstance(event, OrderFilled):
                held[event.symbol] += event.qty if event.side is Side.BUY else -event.qty
                if held[event.symbol] != event.position_after:
                    report.note(
                        "books", f"{account_id}: fills sum to {held[event.symbol]}, fill says {event.position_after}"
                    )
                continue
            booked = event.wallet_balance - event.realized_pnl + event.fees_paid + event.funding_paid
            opening = booked if opening is None else opening
            at = f"{account_id} at {event.event_time_us}"
            if booked < opening:
                report.note("books", f"{at}: wallet {event.wallet_balance} lacks {opening - booked}")
            if event.wallet_balance + event.unrealized_pnl != event.equity:
                report.note("books", f"{at}: cash + unrealized is not equity {event.equity}")
            positions = {p.symbol: p.qty for p in event.positions}
            shares: dict[str, Decimal] = defaultdict(Decimal)
            for share in event.strategy_positions:
                shares[share.symbol] += share.qty
            for symbol in set(positions) | set(held) | set(shares):
                three = positions.get(symbol, Decimal(0)), held[symbol], shares[symbol]
                if len(set(three)) > 1:
                    report.note("books", f"{at}: {symbol} position, fills, shares are {three}")


def _check_ledger(
    ledger: LedgerRows, orders: Sequence[OrderChanged], fills: Sequence[OrderFilled], report: Audited
) -> None:
    """The ledger and the topics tell the same story."""
    last: dict[tuple[str, str], OrderChanged] = {}
    for order in sorted(orders, key=lambda order: order.sequence):
        last[order.account_id, order.client_order_id] = order
    for key in set(last) ^ set(ledger.orders):
        report.note("lost", f"order {key} is only in the {'topics' if key in last else 'ledger'}")
    for key in set(last) & set(ledger.orders):
        told = (last[key].status.value, last[key].filled_qty)
        if told != ledger.orders[key][:2]:
            report.note("inconsistent", f"order {key}: topics say {told}, the ledger {ledger.orders[key][:2]}")
    told_fills = {(f.account_id, f.venue_trade_id): (f.client_order_id, f.qty, f.price) for f in fills}
    for key in set(told_fills) ^ set(ledger.fills):
        report.note("lost", f"fill {key} is only in the {'topics' if key in told_fills else 'ledger'}")
    for key in set(told_fills) & set(ledger.fills):
        if told_fills[key] != ledger.fills[key]:
            report.note("inconsistent", f"fill {key}: topics say {told_fills[key]}, the ledger {ledger.fills[key]}")
