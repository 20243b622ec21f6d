"""An explanation is what the topics say: compared with a whole run whose every message is known."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tradewire.app.cli.explain import document
from tradewire.app.cli.moments import iso
from tradewire.app.cli.output import plain
from tradewire.app.inspecting import archive as archive_module
from tradewire.app.inspecting.archive import Archive, Found
from tradewire.app.inspecting.explain import NothingFoundError, explain_bar, explain_order
from tradewire.app.operating.monolith import Scenario, memory_topics, run_monolith, sample_scenarios
from tradewire.ports.bus import Place, TailPort
from tradewire.ports.events import (
    CandleClosed,
    OrderChanged,
    OrderFilled,
    OrderStatus,
    RiskAssessed,
    RiskDecision,
    Signal,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.testkit.builders import ETH, evaluation
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

PROJECT = Path(__file__).parents[4]
DAY_US = 86_400_000_000
ROWS = 500


@dataclass(frozen=True)
class Finished:
    """A run that is over, by kind of message."""

    archive: Archive
    said: dict[type[Event], list[Found]]

    def of(self, kind: type[Event]) -> list[Found]:
        return self.said[kind]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The beginning of the daily sample, traded on a memory bus."""
    bus = MemoryBus(memory_topics())
    asyncio.run(
        run_monolith(shortened(sample_scenarios(PROJECT)["three-daily"], tmp_path_factory.mktemp("data")), bus=bus)
    )
    archive = Archive(bus, Codec(SchemaIds.static()))

    async def read(kind: type[Event]) -> list[Found]:
        return [found async for record in archive.everywhere(kind) if (found := await archive.read(record)) is not None]

    kinds = (CandleClosed, StrategyEvaluated, RiskAssessed, OrderChanged, OrderFilled)
    return Finished(archive, {kind: asyncio.run(read(kind)) for kind in kinds})


def shortened(scenario: Scenario, folder: Path) -> Scenario:
    """The same on the first rows of each file."""
    shutil.copy(scenario.data / "instruments.yaml", folder)
    for name in scenario.files:
        lines = (scenario.data / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(lines[:ROWS]))
    return replace(scenario, data=folder)


def asked_about(finished: Finished, decision: RiskDecision) -> tuple[StrategyEvaluated, RiskAssessed]:
    """An evaluation from the middle of the run that risk answered so."""
    answers = [f.event for f in finished.of(RiskAssessed) if isinstance(f.event, RiskAssessed)]
    chosen = [answer for answer in answers if answer.decision is decision]
    answer = chosen[len(chosen) // 2]
    by_id = {f.envelope.event_id: f.event for f in finished.of(StrategyEvaluated)}
    evaluation = by_id[answer.evaluation_id]
    assert isinstance(evaluation, StrategyEvaluated)
    return evaluation, answer


@pytest.mark.parametrize("decision", list(RiskDecision))
async def test_bar_is_explained_with_the_messages_of_its_chain(finished: Finished, decision: RiskDecision) -> None:
    evaluation, answer = asked_about(finished, decision)
    found = await explain_bar(finished.archive, evaluation.strategy_id, evaluation.symbol, evaluation.event_time_us)
    assert found.evaluation is not None
    assert found.evaluation.event == evaluation
    assert found.assessment is not None
    assert found.assessment.event == answer
    assert found.candle is not None
    assert isinstance(found.candle.event, CandleClosed)
    assert (found.candle.event.symbol, found.candle.event.close_time_us) == (
        evaluation.symbol,
        evaluation.event_time_us,
    )
    assert found.rules is not None
    assert (found.rules.signal.value, found.rules.ready) == (evaluation.signal.value, evaluation.ready)
    assert [story.intent for story in found.orders] == list(answer.intents)
    assert found.trace_id == found.candle.trace_id
    assert found.verdict.startswith("traded" if decision is RiskDecision.APPROVED else "no order")


async def test_refusal_names_the_rule_with_its_numbers(finished: Finished) -> None:
    evaluation, answer = asked_about(finished, RiskDecision.REFUSED)
    found = await explain_bar(finished.archive, evaluation.strategy_id, evaluation.symbol, evaluation.event_time_us)
    (broken, *_) = [rule for rule in answer.rules if not rule.passed]
    assert f"{broken.rule}: {broken.value}, allowed {broken.limit}" in found.verdict


async def test_bar_may_be_named_by_any_time_at_which_it_was_open(finished: Finished) -> None:
    evaluation, _ = asked_about(finished, RiskDecision.APPROVED)
    for before_us in (1, DAY_US // 2, DAY_US - 1):
        found = await explain_bar(
            finished.archive, evaluation.strategy_id, evaluation.symbol, evaluation.event_time_us - before_us
        )
        assert found.evaluation is not None
        assert found.evaluation.event == evaluation


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.CANCELED])
async def test_order_is_explained_with_all_its_transitions_and_fills(finished: Finished, status: OrderStatus) -> None:
    changes = [f.event for f in finished.of(OrderChanged) if isinstance(f.event, OrderChanged)]
    order_id = [change for change in changes if change.status is status][-1].client_order_id
    found = await explain_order(finished.archive, order_id)
    (story,) = [story for story in found.orders if story.client_order_id == order_id]
    assert list(story.changes) == [change for change in changes if change.client_order_id == order_id]
    fills = [f.event for f in finished.of(OrderFilled) if isinstance(f.event, OrderFilled)]
    assert list(story.fills) == [fill for fill in fills if fill.client_order_id == order_id]
    assert status.value in found.verdict


async def test_explanation_has_a_json_form(finished: Finished) -> None:
    evaluation, _ = asked_about(finished, RiskDecision.APPROVED)
    found = await explain_bar(finished.archive, evaluation.strategy_id, evaluation.symbol, evaluation.event_time_us)
    shown = plain(document(found))
    assert shown["evaluation"]["event"]["signal"] != Signal.HOLD.value
    assert shown["orders"][0]["changes"][-1]["status"] == "FILLED"
    assert shown["rules"]["reasons"][0]["expression"]


async def test_order_id_must_be_whole(finished: Finished) -> None:
    order = finished.of(OrderChanged)[0].event
    assert isinstance(order, OrderChanged)
    with pytest.raises(NothingFoundError):
        await explain_order(finished.archive, order.client_order_id[:-1])


async def test_time_without_a_bar_says_so(finished: Finished) -> None:
    evaluation, _ = asked_about(finished, RiskDecision.APPROVED)
    found = await explain_bar(finished.archive, evaluation.strategy_id, evaluation.symbol, 1)
    assert found.evaluation is None
    assert "no 1d bar" in found.verdict


async def test_time_that_no_bar_has_reached_is_not_yet_and_the_newest_bar_is_named(finished: Finished) -> None:
    evaluation, _ = asked_about(finished, RiskDecision.APPROVED)
    bars = [found.event for found in finished.of(CandleClosed)]
    newest_us = max(c.close_time_us for c in bars if isinstance(c, CandleClosed) and c.symbol == evaluation.symbol)
    found = await explain_bar(finished.archive, evaluation.strategy_id, evaluation.symbol, newest_us + 1)
    market = f"{evaluation.venue}:{evaluation.symbol}"
    assert found.verdict == f"not yet: the newest 1d bar of {market} closed at {iso(newest_us)}"


@pytest.mark.parametrize(
    ("words", "said"),
    [(("nobody", "BTCUSD"), "known: band-reversion-daily"), (("trend-daily", "XRPUSD"), "it trades BTCUSD")],
)
async def test_unknown_name_is_answered_with_the_known_ones(
    finished: Finished, words: tuple[str, str], said: str
) -> None:
    with pytest.raises(NothingFoundError, match=said):
        await explain_bar(finished.archive, *words, 0)
    with pytest.raises(NothingFoundError, match="no order 'twe-x'"):
        await explain_order(finished.archive, "twe-x")


@pytest.fixture
async def live() -> tuple[MemoryBus, Archive, list[StrategyEvaluated]]:
    """Evaluations of two symbols of one account, written as they happen, one symbol ten bars behind the other."""
    rig, clock = WorkerRig(), ManualClock()
    bus = MemoryBus({BY_EVENT[StrategyEvaluated].name: 1}, clock=clock)
    said = [event for hour in range(10, 400) for event in (evaluation(hour), evaluation(hour - 10, symbol=ETH))]
    for event in said:
        clock.advance(seconds=max(0, event.event_time_us - clock.now_us()) / 1e6)
        await bus.publish([rig.record(event)])
    return bus, Archive(bus, rig.codec), said


@pytest.mark.parametrize("window", [1, 8, 100_000])
async def test_search_by_halves_finds_every_record(
    live: tuple[MemoryBus, Archive, list[StrategyEvaluated]], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "WINDOW_RECORDS", window)
    _, archive, said = live
    for wanted in said[::37]:

        def is_wanted(found: Found, wanted: StrategyEvaluated = wanted) -> bool:
            return bool(found.event == wanted)

        found = await archive.first(StrategyEvaluated, wanted.account_id, wanted.event_time_us, is_wanted)
        assert found is not None


@pytest.mark.parametrize("window", [1, 8, 100_000])
async def test_newest_message_of_a_key_is_read_from_the_end_on(
    live: tuple[MemoryBus, Archive, list[StrategyEvaluated]], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "WINDOW_RECORDS", window)
    bus, archive, said = live
    starts = _watched_starts(bus, monkeypatch)
    for newest in said[-2:]:  # one of each symbol

        def is_wanted(found: Found, symbol: str = newest.symbol) -> bool:
            return isinstance(found.event, StrategyEvaluated) and found.event.symbol == symbol

        found = await archive.last(StrategyEvaluated, newest.account_id, is_wanted)
        assert found is not None
        assert found.event == newest
    assert min(starts) >= max(0, len(said) - max(4, window))
    starts.clear()
    assert await archive.last(StrategyEvaluated, said[0].account_id, lambda found: False) is None
    assert min(starts) == 0


async def test_search_reads_no_more_than_it_must(
    live: tuple[MemoryBus, Archive, list[StrategyEvaluated]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "WINDOW_RECORDS", 8)
    bus, archive, said = live
    starts = _watched_starts(bus, monkeypatch)
    records = archive.of_key(StrategyEvaluated, said[-20].account_id, said[-20].event_time_us)
    found = [record async for record in records]
    assert starts[-1] > len(said) - 60
    assert found


def _watched_starts(bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Offsets from which the bus is read from now on."""
    starts: list[int] = []
    tail = bus.tail

    async def watched(places: Mapping[Place, int]) -> TailPort:
        starts.extend(places.values())
        return await tail(places)

    monkeypatch.setattr(bus, "tail", watched)
    return starts
