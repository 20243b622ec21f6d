"""Records that vanished before they were read are a hole that everybody can see, on whichever door."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pytest

from tradewire.ports.bus import Place
from tradewire.ports.events import (
    AuditRecorded,
    CandleClosed,
    IndicatorStateSaved,
    IndicatorsUpdated,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.health import Health
from tradewire.runtime.service import Service, Store, on
from tradewire.testkit.builders import candle
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.worker_rig import WorkerRig

CANDLES, STATES = BY_EVENT[CandleClosed].name, BY_EVENT[IndicatorStateSaved].name
STATUSES, SNAPSHOTS = BY_EVENT[StrategyStatusChanged].name, BY_EVENT[IndicatorsUpdated].name
PLACE = Place(CANDLES, 0)


def delete(rig: WorkerRig, place: Place, before: int) -> None:
    """As retention does."""
    held = rig.bus._log(place)
    del held._records[: before - held.begin]
    held.begin = before


def counted(rig: WorkerRig, service: str, topic: str) -> float | None:
    """What the metric says."""
    labels = {"service": service, "topic": topic}
    return rig.metrics.registry.get_sample_value("tradewire_records_lost_total", labels)


def in_health(rig: WorkerRig, worker: Worker) -> object:
    """What /health says."""
    return Health([worker], rig.clock).report()[worker.service.name]["records_lost"]


async def test_group_whose_unread_records_were_deleted_says_how_many_everywhere(
    rig: WorkerRig, caplog: pytest.LogCaptureFixture
) -> None:
    service = rig.summing()
    service = Service(
        **{name: getattr(service, name) for name in ("name", "inputs", "store")},
        outputs=(IndicatorsUpdated, AuditRecorded),
    )
    await rig.say(candle(0), candle(1))
    async with rig.running(service, checkpoint_records=1) as worker:
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 2)
        assert counted(rig, "indicator", CANDLES) == 0
        assert in_health(rig, worker) == {}
    await rig.say(*(candle(number) for number in range(2, 9)))
    delete(rig, PLACE, 6)
    again = rig.summing()
    again = Service(
        **{name: getattr(again, name) for name in ("name", "inputs", "store")},
        outputs=(IndicatorsUpdated, AuditRecorded),
    )
    with caplog.at_level(logging.ERROR):
        async with rig.running(again, checkpoint_records=1) as worker:
            await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 9)
            assert in_health(rig, worker) == {CANDLES: 4}
    assert counted(rig, "indicator", CANDLES) == 4
    (told,) = [e for _, e in await rig.said(AuditRecorded) if isinstance(e, AuditRecorded) and e.name == "records_lost"]
    assert told.attributes["count"] == "4"
    assert [r.getMessage() for r in caplog.records if getattr(r, "event", "") == "records_lost"] == [told.message]


async def test_records_deleted_under_a_slow_reader_are_counted(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    service = rig.summing()
    async with rig.running(service, checkpoint_records=1) as worker:
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 1)
        rig.bus.subscriptions[-1].pause([PLACE])
        await rig.say(*(candle(number) for number in range(1, 6)))
        delete(rig, PLACE, 4)
        rig.bus.subscriptions[-1].resume([PLACE])
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 6)
        assert in_health(rig, worker) == {CANDLES: 3}


async def test_fanout_that_the_store_wants_from_below_what_is_kept_is_counted(rig: WorkerRig) -> None:
    class From2(Store):
        async def fanout_starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
            return {PLACE: 2}

    await rig.say(*(candle(number) for number in range(6)))
    delete(rig, PLACE, 5)
    inputs = (on(CandleClosed, lambda *_: (), fanout=True), on(StrategyEvaluated, lambda *_: ()))
    async with rig.running(Service(name="risk", inputs=inputs, store=From2())) as worker:
        await rig.until(lambda: worker.progress.handled == 1)
    assert counted(rig, "risk", CANDLES) == 3


async def test_state_and_configuration_that_were_deleted_are_counted(rig: WorkerRig) -> None:
    await rig.say(candle(0), candle(1))
    async with rig.running(rig.summing(), checkpoint_records=1):
        await rig.until(lambda: rig.count(STATES) > 0)
    await rig.say(status(active(document())), status(active(document())))
    states = Place(STATES, rig.bus._log(PLACE).place.partition)
    kept = rig.bus._log(states).end
    delete(rig, states, kept)
    delete(rig, Place(STATUSES, 0), 1)
    again = rig.summing()
    inputs = (*again.inputs, on(StrategyStatusChanged, lambda *_: ()))
    service = Service(name="indicator", inputs=inputs, outputs=again.outputs, store=again.store)
    async with rig.running(service):
        await rig.until(lambda: counted(rig, "indicator", STATES) == kept)
    assert counted(rig, "indicator", STATUSES) == 1


async def test_offsets_beyond_the_end_of_a_topic_that_was_made_anew_are_told_and_it_is_read_from_its_beginning(
    rig: WorkerRig,
) -> None:
    await rig.say(*(candle(number) for number in range(5)))
    async with rig.running(rig.summing(), checkpoint_records=1):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 5)
    held = rig.bus._log(PLACE)
    held._records.clear()
    held.begin = held.end = 0
    await rig.say(candle(7), candle(8))
    async with rig.running(rig.summing(), checkpoint_records=1) as worker:
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 2)
        assert in_health(rig, worker) == {CANDLES: 3}
