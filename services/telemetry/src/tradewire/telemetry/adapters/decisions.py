"""Finds the messages of one decision: in memory first, then in the log store, which keeps more of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from tradewire.ports.events import OrderChanged, OrderFilled, OrderIntent, RiskAssessed, StrategyEvaluated
from tradewire.ports.message import Envelope, Event
from tradewire.ports.telemetry import PAGE_MAX, LogQuery, LogStorePort, TelemetryEntry
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.seen import Seen
from tradewire.trading.verdict import OrderStory

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class DecisionMessages:
    """Looks for messages in the books and in the log store. All methods raise RetryableError."""

    books: Books
    log_store: LogStorePort

    async def evaluation(
        self, strategy_id: str, symbol: str, from_us: int, to_us: int
    ) -> Seen[StrategyEvaluated] | None:
        """A strategy's first answer of event time ``from_us`` or later and before ``to_us``."""

        def fits(seen: Seen[StrategyEvaluated]) -> bool:
            event = seen.event
            same = (event.strategy_id, event.symbol) == (strategy_id, symbol)
            return same and from_us <= event.event_time_us < to_us

        found = min(filter(fits, self.books.evaluations), key=lambda seen: seen.order, default=None)
        if found is not None:
            return found
        asked = LogQuery(strategy_id=strategy_id, symbol=symbol, from_us=from_us, to_us=to_us)
        return await self._first(StrategyEvaluated, asked, fits)

    async def evaluation_of(self, cause: OrderChanged | RiskAssessed) -> Seen[StrategyEvaluated] | None:
        """The evaluation behind an order, of the same bar as its first message."""

        def fits(seen: Seen[StrategyEvaluated]) -> bool:
            return seen.envelope.event_id == cause.evaluation_id

        found = next(filter(fits, self.books.evaluations), None)
        if found is not None:
            return found
        at_us = cause.event_time_us
        asked = LogQuery(strategy_id=cause.strategy_id, symbol=cause.symbol, from_us=at_us, to_us=at_us + 1)
        return await self._first(StrategyEvaluated, asked, fits)

    async def assessment(self, evaluation: Seen[StrategyEvaluated]) -> Seen[RiskAssessed] | None:
        """Risk's answer to an evaluation."""
        event_id, event = evaluation.envelope.event_id, evaluation.event

        def fits(seen: Seen[RiskAssessed]) -> bool:
            return seen.event.evaluation_id == event_id

        found = next(filter(fits, self.books.assessments), None)
        if found is not None:
            return found
        at_us = event.event_time_us
        asked = LogQuery(strategy_id=event.strategy_id, symbol=event.symbol, from_us=at_us, to_us=at_us + 1)
        return await self._first(RiskAssessed, asked, fits)

    async def asking_for(self, order_id: str) -> Seen[RiskAssessed] | None:
        """Risk's answer that asked for an order, as far as memory has it."""
        for seen in self.books.assessments:
            if any(intent.client_order_id == order_id for intent in seen.event.intents):
                return seen
        return None

    async def story(self, order_id: str, intent: OrderIntent | None) -> OrderStory:
        """All that became of an order: of the log store, where it has more than memory."""
        logged = await self.log(OrderChanged, LogQuery(client_order_id=order_id))
        newest = self.books.orders.get(order_id)
        changes = {seen.event.sequence: seen.event for seen in (*logged, *((newest,) if newest is not None else ()))}
        filled = [seen for seen in self.books.fills if seen.event.client_order_id == order_id]
        filled += await self.log(OrderFilled, LogQuery(client_order_id=order_id))
        fills = {seen.event.sequence: seen.event for seen in filled}
        return OrderStory(
            order_id,
            intent,
            tuple(changes[number] for number in sorted(changes)),
            tuple(fills[number] for number in sorted(fills)),
        )

    async def log(self, kind: type[E], asked: LogQuery) -> list[Seen[E]]:
        """Messages of the log store, oldest first, at most a page."""
        found = await self.log_store.query(replace(asked, kind=kind.__name__, limit=PAGE_MAX))
        return list(_seen(kind, found.entries))

    async def _first(self, kind: type[E], asked: LogQuery, fits: Callable[[Seen[E]], bool]) -> Seen[E] | None:
        return next(filter(fits, await self.log(kind, asked)), None)


def _seen(kind: type[E], entries: Sequence[TelemetryEntry]) -> Iterable[Seen[E]]:
    """Entries as messages; one that an older version wrote in another form is left out."""
    for entry in entries:
        try:
            event = kind.model_validate(dict(entry.payload or {}))
        except ValidationError:
            continue
        yield Seen(event, _envelope(entry))


def _envelope(entry: TelemetryEntry) -> Envelope:
    fields: dict[str, Any] = {
        name: getattr(entry, name) for name in ("event_id", "event_time_us", "topic", "partition", "offset")
    }
    ids = {"correlation_id": entry.correlation_id or "", "causation_id": entry.causation_id or ""}
    trace = f"00-{entry.trace_id}-0000000000000000-01" if entry.trace_id else ""
    return Envelope(**fields | ids, traceparent=trace)
