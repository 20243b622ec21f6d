"""Marks on a chart, each at the event time of its bar: fills, refusals, rejections, versions, faults of the market."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from tradewire.ports.events import (
    GapDetected,
    OrderChanged,
    OrderFilled,
    OrderLeg,
    OrderStatus,
    RiskAssessed,
    RiskDecision,
)
from tradewire.telemetry.adapters.api.chart_models import Annotation, AnnotationKind, Annotations, AnnotationSelection
from tradewire.telemetry.adapters.api.paging import cursor_of
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.seen import Seen

LIQUIDATION = "LIQUIDATION"
TURNED_DOWN = frozenset({OrderStatus.REJECTED, OrderStatus.DENIED, OrderStatus.EXPIRED})
CAUSES_SHOWN = 3


def marks_at_bars(books: Books, chosen: AnnotationSelection) -> Annotations:
    """The marks of a stretch, newest first. Raises HTTPException 422 for a cursor that is none."""
    before = cursor_of(chosen.after)
    found = heapq.nlargest(
        chosen.limit + 1,
        (
            mark
            for mark in _marks(books)
            if _is_chosen(mark, chosen) and (before is None or (mark.time_us, mark.ref) < before)
        ),
        key=lambda mark: (mark.time_us, mark.ref),
    )
    shown = found[: chosen.limit]
    more = len(found) > len(shown)
    return Annotations(
        items=shown,
        next=f"{shown[-1].time_us}:{shown[-1].ref}" if more else None,
        complete_from_us=complete_from_us(books),
    )


def complete_from_us(books: Books) -> int | None:
    """From when on nothing has made room for newer: None while nothing has."""
    full = [kept for kept in (books.fills, books.assessments, books.gaps) if len(kept) == kept.maxlen]
    return max((kept[0].envelope.event_time_us for kept in full), default=None)


def _is_chosen(mark: Annotation, chosen: AnnotationSelection) -> bool:
    """A mark without an account or a strategy is about all of them; a simulated liquidation names no venue."""
    return (
        (chosen.from_us is None or mark.time_us >= chosen.from_us)
        and (chosen.to_us is None or mark.time_us < chosen.to_us)
        and (chosen.venue is None or mark.venue in ("", chosen.venue))
        and chosen.symbol in (None, mark.symbol)
        and (chosen.account_id is None or mark.account_id in (None, chosen.account_id))
        and (chosen.strategy_id is None or mark.strategy_id in (None, "", chosen.strategy_id))
        and (not chosen.kind or mark.kind in chosen.kind)
    )


def _marks(books: Books) -> Iterator[Annotation]:
    yield from _each(books.fills, _fill)
    yield from _each(books.orders.values(), _turned_down)
    yield from _each(books.assessments, _refusal)
    yield from _each(books.gaps, _fault)
    yield from _versions(books)


def _each(messages: Iterable[Seen[Any]], mark: Callable[[Seen[Any]], Annotation | None]) -> Iterator[Annotation]:
    yield from (found for seen in messages if (found := mark(seen)) is not None)


def _fill(seen: Seen[OrderFilled]) -> Annotation:
    event = seen.event
    kind = AnnotationKind.ENTRY if event.leg == OrderLeg.ENTRY else AnnotationKind.EXIT
    if event.leg == LIQUIDATION:
        kind = AnnotationKind.LIQUIDATION
    text = f"{event.leg} {event.side.value} {plain(event.qty)} at {plain(event.price)}"
    return _mark(seen, kind, text, side=event.side, price=event.price, qty=event.qty, order=event.client_order_id)


def _turned_down(seen: Seen[OrderChanged]) -> Annotation | None:
    event = seen.event
    if event.status not in TURNED_DOWN:
        return None
    text = f"{event.leg} {event.status.value}: {event.reason or 'no reason was given'}"
    order, price = event.client_order_id, event.price or event.stop_price
    return _mark(seen, AnnotationKind.REJECTION, text, side=event.side, price=price, qty=event.qty, order=order)


def _refusal(seen: Seen[RiskAssessed]) -> Annotation | None:
    event = seen.event
    if event.decision is not RiskDecision.REFUSED:
        return None
    broken = [f"{rule.rule} {rule.value}, allowed {rule.limit}" for rule in event.rules if not rule.passed]
    text = "; ".join(broken[:CAUSES_SHOWN]) or "refused"
    return _mark(seen, AnnotationKind.REFUSAL, text)


def _fault(seen: Seen[GapDetected]) -> Annotation:
    event = seen.event
    missing = f", {event.missing} missing" if event.missing else ""
    found = f": found {event.found}, allowed {event.allowed}" if event.found is not None else ""
    return _mark(seen, AnnotationKind.GAP, f"{event.interval} {event.kind.value}{missing}{found}")


def _versions(books: Books) -> Iterator[Annotation]:
    for (strategy_id, number), version in books.versions.items():
        for symbol in version.symbols:
            yield Annotation(
                kind=AnnotationKind.CONFIG,
                time_us=version.effective_from_us,
                venue=version.venue,
                symbol=symbol,
                account_id=version.account_id,
                strategy_id=strategy_id,
                text=f"{strategy_id} version {number} decides from here on",
                ref=f"{strategy_id}@{number}/{symbol}",
            )


def _mark(seen: Seen[Any], kind: AnnotationKind, text: str, **other: Any) -> Annotation:
    event = seen.event
    return Annotation(
        kind=kind,
        time_us=event.event_time_us,
        venue=event.venue,
        symbol=event.symbol,
        account_id=getattr(event, "account_id", None),
        strategy_id=getattr(event, "strategy_id", None),
        text=text,
        ref=seen.envelope.event_id,
        client_order_id=other.pop("order", None),
        **other,
    )


def plain(value: Decimal) -> str:
    """All digits that count, without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
