"""Why there was a trade, or none: the chain from the bar to the fills, read back from Kafka alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tradewire.app.inspecting.archive import Archive, Found
from tradewire.ports.bus import Place
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    GapDetected,
    IndicatorsUpdated,
    OrderChanged,
    OrderFilled,
    OrderIntent,
    RiskAssessed,
    StrategyConfigPublished,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.trading.language import (
    INTERVALS_US,
    Evaluation,
    StrategyDocument,
    StrategyErrors,
    compile_strategy,
    parse_strategy,
)
from tradewire.trading.verdict import OrderStory, unevaluated, verdict


class NothingFoundError(TradewireError):
    """The topics hold nothing about what was asked; the text says what they do hold."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain of one decision; a link that the topics no longer hold, or never held, is None.

    ``document``: the strategy file that decided; ``rules``: its rules evaluated once more on the snapshot; ``account``:
    the state that risk decided on; ``gaps``: faults of the market data around a bar that is not there.
    """

    question: str
    verdict: str
    trace_id: str = ""
    candle: Found | None = None
    snapshot: Found | None = None
    evaluation: Found | None = None
    document: str | None = None
    rules: Evaluation | None = None
    account: AccountStateChanged | None = None
    assessment: Found | None = None
    orders: tuple[OrderStory, ...] = ()
    gaps: tuple[GapDetected, ...] = ()


async def explain_order(archive: Archive, client_order_id: str) -> Explanation:
    """Explain an order by its client order id. Raises NothingFoundError."""
    found = await archive.mention(OrderChanged, client_order_id, lambda event: _is_of(event, client_order_id))
    if found is None:
        found = await archive.mention(RiskAssessed, client_order_id, lambda event: _asks_for(event, client_order_id))
    if found is None:
        topics = f"{BY_EVENT[OrderChanged].name} and {BY_EVENT[RiskAssessed].name}"
        raise NothingFoundError(f"no order {client_order_id!r} in {topics}; is the id complete?")
    event = found.event
    assert isinstance(event, OrderChanged | RiskAssessed), "two kinds were searched"
    question = f"order {client_order_id}"
    evaluation = await _evaluation_of(archive, event)
    if evaluation is not None:
        return await _chain(archive, question, evaluation, asked=client_order_id)
    story = await _story(archive, client_order_id, None, event.account_id, 0)
    return Explanation(question, verdict(None, None, (story,), asked=client_order_id), found.trace_id, orders=(story,))


async def explain_bar(archive: Archive, strategy_id: str, symbol: str, time_us: int) -> Explanation:
    """Explain what a strategy did with the bar of ``symbol`` that closed at ``time_us``, or was open then.

    Raises: NothingFoundError saying what is known instead.
    """
    status, documents = await _known(archive, strategy_id)
    traded = {symbol: parsed for parsed in map(parse_strategy, documents.values()) for symbol in parsed.symbols}
    if symbol not in traded:
        known = ", ".join(sorted(traded)) or "nothing"
        raise NothingFoundError(f"{strategy_id} does not trade {symbol!r}; it trades {known}")
    market = traded[symbol]
    question = f"{strategy_id} on {symbol} at {time_us // 1000} ms"
    evaluation = await archive.first(
        StrategyEvaluated,
        market.account,
        time_us,
        lambda found: _is_about(found.event, strategy_id, symbol),
        texts=(strategy_id, symbol),
    )
    if evaluation is not None and evaluation.envelope.event_time_us < time_us + INTERVALS_US[market.interval]:
        return await _chain(archive, question, evaluation)
    return await _nothing_evaluated(archive, question, status, market, symbol, time_us)


def _is_of(event: Event, order_id: str) -> bool:
    return isinstance(event, OrderChanged) and event.client_order_id == order_id


def _asks_for(event: Event, order_id: str) -> bool:
    return isinstance(event, RiskAssessed) and any(intent.client_order_id == order_id for intent in event.intents)


def _is_about(event: Event, strategy_id: str, symbol: str) -> bool:
    return isinstance(event, StrategyEvaluated) and (event.strategy_id, event.symbol) == (strategy_id, symbol)


# ---- one link after the other ----


async def _chain(archive: Archive, question: str, evaluation: Found, asked: str | None = None) -> Explanation:
    event = evaluation.event
    assert isinstance(event, StrategyEvaluated), "evaluations were searched"
    key = f"{event.venue}:{event.symbol}"
    snapshot = await archive.with_id(IndicatorsUpdated, key, event.event_time_us, evaluation.envelope.causation_id)
    seen = snapshot.event if snapshot is not None and isinstance(snapshot.event, IndicatorsUpdated) else None
    candle = None
    if seen is not None:
        candle = await archive.at(Place(BY_EVENT[CandleClosed].name, seen.input_partition), seen.input_offset)
    _, documents = await _known(archive, event.strategy_id)
    document = documents.get(event.config_version)
    evaluation_id = evaluation.envelope.event_id
    assessment = await archive.first(
        RiskAssessed,
        event.account_id,
        event.event_time_us,
        lambda found: isinstance(found.event, RiskAssessed) and found.event.evaluation_id == evaluation_id,
        texts=(evaluation_id,),
    )
    answer = assessment.event if assessment is not None and isinstance(assessment.event, RiskAssessed) else None
    account = await _account(archive, answer) if answer is not None else None
    orders = await _stories(archive, answer) if answer is not None else ()
    return Explanation(
        question,
        verdict(event, answer, orders, account=account, asked=asked),
        evaluation.trace_id,
        candle,
        snapshot,
        evaluation,
        document,
        _evaluated_again(document, seen),
        account,
        assessment,
        orders,
    )


async def _nothing_evaluated(
    archive: Archive, question: str, status: StrategyStatusChanged, market: StrategyDocument, symbol: str, time_us: int
) -> Explanation:
    """No evaluation: was there a bar at all, and was the strategy in force?"""
    key, length_us = f"{market.venue}:{symbol}", INTERVALS_US[market.interval]
    candle = await archive.first(
        CandleClosed,
        key,
        time_us,
        lambda found: isinstance(found.event, CandleClosed) and found.event.interval == market.interval,
    )
    if candle is not None and candle.envelope.event_time_us >= time_us + length_us:
        candle = None
    faults = archive.mentions(GapDetected, key, time_us - length_us)
    gaps = tuple([g async for found in faults if isinstance(g := found.event, GapDetected) and _covers(g, time_us)])
    bar_us = candle.envelope.event_time_us if candle is not None else None
    text = unevaluated(status, f"{market.interval} bar of {key}", bar_us, faulty=bool(gaps))
    if candle is None and not gaps:
        text = await _not_yet(archive, key, market.interval, time_us) or text
    return Explanation(question, text, candle.trace_id if candle is not None else "", candle=candle, gaps=gaps)


async def _not_yet(archive: Archive, key: str, interval: str, time_us: int) -> str:
    """One sentence when bars have not come so far; empty when later ones are there."""
    newest = await archive.last(
        CandleClosed, key, lambda found: isinstance(found.event, CandleClosed) and found.event.interval == interval
    )
    if newest is None:
        return f"not yet: there is no {interval} bar of {key} so far"
    newest_us = newest.envelope.event_time_us
    closed = datetime.fromtimestamp(newest_us / 1e6, UTC).isoformat().replace("+00:00", "Z")
    return f"not yet: the newest {interval} bar of {key} closed at {closed}" if newest_us < time_us else ""


def _covers(gap: GapDetected, time_us: int) -> bool:
    """Is the fault about the time asked for?"""
    first = gap.after_us if gap.after_us is not None else gap.event_time_us
    last = gap.before_us if gap.before_us is not None else gap.event_time_us
    return first <= time_us <= last


async def _evaluation_of(archive: Archive, event: OrderChanged | RiskAssessed) -> Found | None:
    """The evaluation behind an order: of the same bar as its first transition; else the whole partition is read."""
    if event.evaluation_id is None:
        return None
    for from_us in (event.event_time_us, 0):
        found = await archive.with_id(StrategyEvaluated, event.account_id, from_us, event.evaluation_id)
        if found is not None:
            return found
    return None


async def _account(archive: Archive, answer: RiskAssessed) -> AccountStateChanged | None:
    """The account state that risk decided on."""
    seen_us = answer.account_time_us
    if seen_us is None:
        return None
    found = await archive.first(
        AccountStateChanged, answer.account_id, seen_us, lambda found: found.envelope.event_time_us == seen_us
    )
    return found.event if found is not None and isinstance(found.event, AccountStateChanged) else None


async def _stories(archive: Archive, answer: RiskAssessed) -> tuple[OrderStory, ...]:
    return tuple(
        [
            await _story(archive, intent.client_order_id, intent, answer.account_id, answer.event_time_us)
            for intent in answer.intents
        ]
    )


async def _story(
    archive: Archive, order_id: str, intent: OrderIntent | None, account_id: str, from_us: int
) -> OrderStory:
    changes: dict[int, OrderChanged] = {}
    async for found in archive.mentions(OrderChanged, account_id, from_us, order_id):
        if isinstance(found.event, OrderChanged) and found.event.client_order_id == order_id:
            changes[found.event.sequence] = found.event
    fills: dict[str, OrderFilled] = {}
    if any(change.filled_qty > 0 for change in changes.values()):
        async for found in archive.mentions(OrderFilled, account_id, from_us, order_id):
            if isinstance(found.event, OrderFilled) and found.event.client_order_id == order_id:
                fills[found.event.venue_trade_id] = found.event
    return OrderStory(order_id, intent, tuple(change for _, change in sorted(changes.items())), tuple(fills.values()))


async def _known(archive: Archive, strategy_id: str) -> tuple[StrategyStatusChanged, dict[int, str]]:
    """The platform's newest answer about a strategy, and the files by version that the compacted topics keep."""
    statuses = await archive.newest(StrategyStatusChanged)
    status = statuses.get(strategy_id)
    if not isinstance(status, StrategyStatusChanged):
        raise NothingFoundError(f"no strategy {strategy_id!r}; known: {', '.join(sorted(statuses)) or 'none'}")
    documents = {active.version: active.document for active in status.active}
    config = (await archive.newest(StrategyConfigPublished)).get(strategy_id)
    if isinstance(config, StrategyConfigPublished):
        documents.setdefault(config.version, config.document)
    return status, documents


def _evaluated_again(document: str | None, seen: IndicatorsUpdated | None) -> Evaluation | None:
    """The rules on the same snapshot: the evaluation is a pure function of it, so this is what was decided."""
    if document is None or seen is None:
        return None
    try:
        return compile_strategy(parse_strategy(document)).evaluate(seen.values, seen.previous)
    except StrategyErrors:
        return None
