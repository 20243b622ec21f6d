"""Golden approval: what each sample strategy did on real bars, line by line, for anyone to read.

A run that differs fails with the difference. When the difference is meant, approve it:
``UPDATE_GOLDEN=1 pytest tests/acceptance/test_scenarios.py`` and read the diff before the commit.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tradewire.app.operating.monolith import Scenario, memory_topics, run_monolith, sample_scenarios
from tradewire.app.operating.watch import RunResult
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    RiskAssessed,
    RiskDecision,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec, SchemaIds

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
BARS = {"btc-hourly": 1_500, "three-daily": 600}
"""Newest bars of each file: enough for 15 to 60 round trips a strategy, and all daily markets at once."""
TOLD = {OrderStatus.TRIGGERED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
DIFF_LINES = 60

SAMPLES = sample_scenarios(ROOT)
CASES = {
    path.stem: replace(scenario, strategies=(path,)) for scenario in SAMPLES.values() for path in scenario.strategies
}
CASES["three-strategies-one-account"] = SAMPLES["btc-hourly"]


@pytest.mark.parametrize("name", CASES)
async def test_scenario_when_replayed_then_tells_the_approved_story(name: str, tmp_path: Path) -> None:
    scenario = cut(CASES[name], tmp_path)
    bus = MemoryBus(memory_topics())
    result = await run_monolith(scenario, bus=bus)
    assert result.conflicts == 0
    text = "".join(f"{line}\n" for line in story(scenario, result, await everything(bus)))
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    approved = golden.read_text(encoding="utf-8") if golden.exists() else ""
    if text != approved:
        pytest.fail(difference(approved, text, golden), pytrace=False)


def cut(scenario: Scenario, folder: Path) -> Scenario:
    """The scenario on the newest ``BARS`` of each file."""
    for name in scenario.files:
        lines = (scenario.data / name).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / name).write_text("".join([lines[0], *lines[-BARS[scenario.name] :]]), encoding="utf-8")
    instruments = scenario.data / "instruments.yaml"
    (folder / instruments.name).write_bytes(instruments.read_bytes())
    return replace(scenario, data=folder)


def difference(approved: str, text: str, golden: Path) -> str:
    """The first lines that differ, and how to approve them."""
    lines = list(
        difflib.unified_diff(approved.splitlines(), text.splitlines(), "approved", "this run", lineterm="", n=2)
    )
    more = [f"... and {len(lines) - DIFF_LINES} lines more"] if len(lines) > DIFF_LINES else []
    title = f"{golden.name} is not what was approved; if it is meant: UPDATE_GOLDEN=1"
    return "\n".join([title, *lines[:DIFF_LINES], *more])


async def everything(bus: MemoryBus) -> list[Event]:
    """All that was said about market, decisions and orders, each once, in the order that a reader expects."""
    codec = Codec(SchemaIds.static())
    kinds = (CandleClosed, RiskAssessed, OrderChanged, OrderFilled, AccountStateChanged)
    found: dict[str, Event] = {}
    for kind in kinds:
        async for record in read_to_end(bus, BY_EVENT[kind].name):
            if record.value is not None:
                found.setdefault(codec.decode_headers(record).event_id, codec.decode(record.topic, record.value))
    return in_order(list(found.values()))


def in_order(events: Sequence[Event]) -> list[Event]:
    """What happened inside a bar, then its close, then decisions and what the next open made of them."""
    closed = {(e.account_id, e.event_time_us): e.sequence for e in events if isinstance(e, AccountStateChanged)}

    def place(event: Event) -> tuple[object, ...]:
        match event:
            case CandleClosed():
                return (event.close_time_us, 1, "", event.symbol, 0)
            case RiskAssessed():
                return (event.event_time_us, 2, event.account_id, "", event.step_index)
            case OrderChanged() | OrderFilled() | AccountStateChanged():
                after = event.sequence > closed.get((event.account_id, event.event_time_us), event.sequence)
                return (event.event_time_us, 3 if after else 0, event.account_id, "", event.sequence)
            case _:
                raise AssertionError(f"{type(event).__name__} is no part of a story")

    return sorted(events, key=place)


def story(scenario: Scenario, result: RunResult, events: Iterable[Event]) -> Iterator[str]:
    """Decision, orders and fills with the market around them, and what it came to."""
    yield f"# {scenario.name}: {', '.join(path.stem for path in scenario.strategies)}"
    yield f"# the newest {BARS[scenario.name]} bars of {', '.join(scenario.files)}"
    for limits in scenario.limits:
        bounds = limits.model_dump(exclude={"account_id", "version", "author", "changed_at_us"}, exclude_none=True)
        yield f"# limits of {limits.account_id}: " + ", ".join(f"{name} {value}" for name, value in bounds.items())
    yield ""
    close: dict[str, CandleClosed] = {}
    state: dict[str, AccountStateChanged] = {}
    for event in events:
        match event:
            case CandleClosed():
                close[event.symbol] = event
            case AccountStateChanged():
                state[event.account_id] = event
            case RiskAssessed() if event.decision in (RiskDecision.APPROVED, RiskDecision.REFUSED):
                yield from _decision(event, close[event.symbol])
            case OrderChanged() if event.status in TOLD:
                why = f" ({event.reason})" if event.reason else ""
                yield f"{_at(event.event_time_us)}     {event.leg} {event.symbol} {event.status.lower()}{why}"
            case OrderFilled():
                yield _fill(event)
            case _:
                pass
    yield ""
    yield from _summary(result, state)


def _decision(event: RiskAssessed, bar: CandleClosed) -> Iterator[str]:
    at = _at(event.event_time_us)
    yield f"{at} {bar.symbol} closes at {_text(bar.close)} (high {_text(bar.high)}, low {_text(bar.low)})"
    equity = f"{event.equity:.2f}" if event.equity is not None else "unknown"
    yield f"{at}   {event.strategy_id} on {event.account_id}: {event.decision.lower()}, equity {equity}"
    for rule in event.rules:
        if not rule.passed:
            yield f"{at}     {rule.rule}: {rule.value}, allowed {rule.limit}"
    for intent in event.intents:
        price = f" at {_text(intent.stop_price)}" if intent.stop_price is not None else ""
        trail = f" trailing by {_text(intent.trailing_distance)}" if intent.trailing_distance is not None else ""
        yield f"{at}     send {intent.leg} {intent.side} {_text(intent.qty)}{price}{trail}"
    for client_id in event.cancels:
        yield f"{at}     withdraw {client_id}"


def _fill(event: OrderFilled) -> str:
    gain = f", gains {event.realized_pnl:.2f}" if event.realized_pnl else ""
    deal = f"{event.leg} {event.side} {_text(event.qty)} {event.symbol} at {_text(event.price)}"
    return (
        f"{_at(event.event_time_us)}   * filled {deal}, fee {event.fee:.2f}{gain}; holds {_text(event.position_after)}"
    )


def _summary(result: RunResult, states: dict[str, AccountStateChanged]) -> Iterator[str]:
    yield f"{'account':<10}{'equity':>14}{'wallet':>14}{'unrealized':>14}{'PnL':>14}{'fees':>12}{'max drawdown':>14}"
    for account_id, state in sorted(states.items()):
        account = result.accounts[account_id]
        money = f"{state.equity:>14.2f}{state.wallet_balance:>14.2f}{state.unrealized_pnl:>14.2f}{account.pnl:>14.2f}"
        yield f"{account_id:<10}{money}{state.fees_paid:>12.2f}{account.max_drawdown_ratio:>14.4%}"
    yield ""
    yield f"evaluations {result.evaluations}, signals {result.signals}, orders {result.orders}, fills {result.fills}"
    refusals = ", ".join(f"{rule} {count}" for rule, count in sorted(result.refusals.items())) or "none"
    yield f"refusals by rule: {refusals}"
    yield f"fingerprint: {result.fingerprint}"


def _at(time_us: int) -> str:
    """UTC to the second."""
    return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def _text(value: Decimal) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".")
