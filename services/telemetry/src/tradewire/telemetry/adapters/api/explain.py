"""Why there was a trade, or none: the chain from the bar to the fills."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from tradewire.ports.errors import RetryableError
from tradewire.ports.events import (
    AccountStateChanged,
    ActiveVersion,
    OrderChanged,
    RiskAssessed,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.intervals import INTERVALS_US
from tradewire.telemetry.adapters.api.examples import AWAY, UNKNOWN, answers
from tradewire.telemetry.adapters.api.explain_models import (
    BarView,
    ExplainSelection,
    ExplanationView,
    OrderStoryView,
    RuleView,
)
from tradewire.telemetry.adapters.api.paging import item
from tradewire.telemetry.adapters.decisions import DecisionMessages
from tradewire.telemetry.domain.bar_history import BarHistory
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.explanation import DecisionExplanation, bar_at, covering, evaluated_again
from tradewire.telemetry.domain.seen import Seen
from tradewire.trading.language import RuleReason
from tradewire.trading.verdict import unevaluated, verdict

ELSEWHERE = "`tradewire explain` reads the topics, which keep more"


class ExplainRoutes:
    """The route that explains, from the books, the history of bars and the log store."""

    def __init__(self, books: Books, history: BarHistory, messages: DecisionMessages) -> None:
        self._books, self._history, self._messages = books, history, messages
        self.router = APIRouter(tags=["chart"])
        responses = answers("explain") | UNKNOWN | AWAY
        self.router.get("/explain", summary="Why this order, or why none", responses=responses)(self.explain)

    async def explain(self, chosen: Annotated[ExplainSelection, Query()]) -> ExplanationView:
        """By ``client_order_id``, or by ``strategy_id``, ``symbol`` and ``time_us`` of a bar."""
        bar = (chosen.strategy_id, chosen.symbol, chosen.time_us)
        try:
            if chosen.client_order_id is not None and bar == (None, None, None):
                return explanation_view(await self._order(chosen.client_order_id))
            if chosen.client_order_id is None and None not in bar:
                return explanation_view(await self._bar(*bar))  # type: ignore[arg-type]  # none is None
        except RetryableError as error:
            raise HTTPException(503, f"the log store does not answer: {error}") from error
        raise HTTPException(422, "allowed: client_order_id alone, or strategy_id, symbol and time_us together")

    async def _order(self, order_id: str) -> DecisionExplanation:
        story = await self._messages.story(order_id, None)
        asking = await self._messages.asking_for(order_id)
        first = asking.event if asking is not None else next(iter(story.changes), None)
        if first is None:
            raise HTTPException(404, f"order {order_id} is neither in memory nor in the log; {ELSEWHERE}")
        question = f"order {order_id}"
        evaluation = await self._messages.evaluation_of(first) if first.evaluation_id is not None else None
        if evaluation is not None:
            return await self._chain(question, evaluation, order_id)
        gone = first.evaluation_id is not None
        return DecisionExplanation(
            question,
            verdict(None, None, (story,), asked=order_id) if not gone else _ending(story.changes, asking),
            first.strategy_id,
            first.venue,
            first.symbol,
            None,
            first.event_time_us,
            assessment=asking,
            orders=(story,),
            unknown=(f"the evaluation behind it is not known any more; {ELSEWHERE}",) if gone else (),
        )

    async def _bar(self, strategy_id: str, symbol: str, time_us: int) -> DecisionExplanation:
        status = self._books.statuses.get(strategy_id)
        if status is None:
            known = ", ".join(sorted(self._books.statuses)) or "none"
            raise HTTPException(404, f"strategy {strategy_id} is unknown; known: {known}")
        traded = {name: version for version in self._versions(strategy_id) for name in version.symbols}
        if symbol not in traded:
            raise HTTPException(404, f"{strategy_id} does not trade {symbol}; it trades {', '.join(sorted(traded))}")
        market = traded[symbol]
        question = f"{strategy_id} on {symbol} at {time_us // 1000} ms"
        to_us = time_us + INTERVALS_US[market.interval]
        evaluation = await self._messages.evaluation(strategy_id, symbol, time_us, to_us)
        if evaluation is not None:
            return await self._chain(question, evaluation)
        return self._nothing(question, status, market, symbol, time_us)

    def _versions(self, strategy_id: str) -> list[ActiveVersion]:
        return [version for (name, _), version in self._books.versions.items() if name == strategy_id]

    async def _chain(
        self, question: str, evaluation: Seen[StrategyEvaluated], asked: str | None = None
    ) -> DecisionExplanation:
        event = evaluation.event
        assessment = await self._messages.assessment(evaluation)
        answer = assessment.event if assessment is not None else None
        intents = answer.intents if answer is not None else ()
        orders = tuple([await self._messages.story(intent.client_order_id, intent) for intent in intents])
        version = self._books.versions.get((event.strategy_id, event.config_version))
        rules = evaluated_again(version.document, self._history, event) if version is not None else None
        key = (event.venue, event.symbol, event.interval)
        found = DecisionExplanation(
            question,
            verdict(event, answer, orders, account=self._account(answer), asked=asked),
            event.strategy_id,
            *key,
            event.event_time_us,
            bar_at(self._history, key, event.event_time_us),
            evaluation,
            rules,
            assessment,
            orders,
        )
        return replace(found, unknown=_unknown(found, has_file=version is not None))

    def _account(self, answer: RiskAssessed | None) -> AccountStateChanged | None:
        """The state that risk decided on, while it is the newest."""
        book = self._books.accounts.get(answer.account_id) if answer is not None else None
        state = book.state if book is not None else None
        return state if answer is not None and state and state.event_time_us == answer.account_time_us else None

    def _nothing(
        self, question: str, status: StrategyStatusChanged, market: ActiveVersion, symbol: str, time_us: int
    ) -> DecisionExplanation:
        """No evaluation: was there a bar at all, and was the strategy in force?"""
        key = (market.venue, symbol, market.interval)
        series = self._history.bars.get(key)
        rows = series.rows(time_us, time_us + INTERVALS_US[market.interval]) if series is not None else range(0)
        bar_us = series.times_us[rows.start] if series is not None and rows else None
        gaps = covering(self._books.gaps, key, time_us)
        text = unevaluated(status, f"{market.interval} bar of {key[0]}:{symbol}", bar_us, faulty=bool(gaps))
        unknown: tuple[str, ...] = ()
        if bar_us is None and (series is None or time_us < series.times_us[0]):
            text = "not known: neither that bar nor a decision about it is in memory"
            unknown = (f"bars and decisions of that time are not in memory; {ELSEWHERE}",)
        bar = bar_at(self._history, key, bar_us) if bar_us is not None else None
        at_us = bar_us if bar_us is not None else time_us
        return DecisionExplanation(question, text, status.strategy_id, *key, at_us, bar, gaps=gaps, unknown=unknown)


def _ending(changes: tuple[OrderChanged, ...], asking: Seen[RiskAssessed] | None) -> str:
    if not changes:
        return "risk asked for it" if asking is not None else "nothing is known of it"
    return f"{changes[-1].leg} order, {changes[-1].status.value}: a strategy's bar asked for it"


def _unknown(found: DecisionExplanation, *, has_file: bool) -> tuple[str, ...]:
    gone = []
    if found.bar is None:
        gone.append(f"the bar is not in memory; {ELSEWHERE}")
    if found.rules is None:
        what = "the values of then are not" if has_file else "the strategy version's file is not"
        gone.append(f"{what} in memory, so the rules could not be evaluated once more; {ELSEWHERE}")
    return tuple(gone)


def _rule(reason: RuleReason) -> RuleView:
    return RuleView(
        rule=reason.rule,
        expression=reason.expression,
        truth=reason.truth,
        values=dict(reason.values),
        previous=dict(reason.previous),
    )


def explanation_view(found: DecisionExplanation) -> ExplanationView:
    """The explanation as an answer."""
    reasons = found.rules.reasons if found.rules is not None else None
    first = found.evaluation or found.assessment
    return ExplanationView(
        question=found.question,
        verdict=found.verdict,
        strategy_id=found.strategy_id,
        venue=found.venue,
        symbol=found.symbol,
        interval=found.interval,
        time_us=found.time_us,
        trace_id=first.trace_id if first is not None else None,
        bar=BarView.model_validate(found.bar) if found.bar is not None else None,
        evaluation=item(found.evaluation) if found.evaluation is not None else None,
        rules=[_rule(reason) for reason in reasons] if reasons is not None else None,
        notes=list(found.rules.notes) if found.rules is not None else [],
        assessment=item(found.assessment) if found.assessment is not None else None,
        orders=[
            OrderStoryView(
                client_order_id=story.client_order_id,
                changes=list(story.changes),
                fills=list(story.fills),
            )
            for story in found.orders
        ],
        gaps=list(found.gaps),
        unknown=list(found.unknown),
    )
