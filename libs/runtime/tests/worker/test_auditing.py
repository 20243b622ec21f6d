"""A service says of its own running what operators ask for, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from tradewire.ports.errors import RetryableError
from tradewire.ports.events import (
    AuditRecorded,
    ControlChanged,
    ControlLevel,
    ControlStatusChanged,
    LevelInForce,
    RiskAssessed,
    Severity,
    StrategyEvaluated,
)
from tradewire.ports.message import Emit, Envelope, WaitReason, Work
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.observe.auditing import TEXT_CHARACTERS_MAX, WAITING_MAX, Audit
from tradewire.runtime.service import Service, Store, on
from tradewire.testkit.builders import control, evaluation
from tradewire.testkit.refusing_desk import RefusingDesk
from tradewire.testkit.worker_rig import WorkerRig

AUDITS = BY_EVENT[AuditRecorded].name
LETTERS = DEAD_LETTERS["risk"]


def audited(desk: RefusingDesk) -> Service:
    """The desk as a service that may write events of its own running."""
    return replace(desk.service, outputs=(RiskAssessed, AuditRecorded))


async def names(rig: WorkerRig) -> list[str]:
    return [event.name for _, event in await rig.said(AuditRecorded) if isinstance(event, AuditRecorded)]


async def test_start_and_orderly_stop_are_told(rig: WorkerRig) -> None:
    async with rig.running(audited(RefusingDesk())):
        await rig.until(lambda: rig.count(AUDITS) == 1)
    assert await names(rig) == ["service_started", "service_stopped"]


async def test_what_a_handler_tells_people_is_logged_as_severe_as_it_is(
    rig: WorkerRig, caplog: pytest.LogCaptureFixture
) -> None:
    def tell(event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        said = AuditRecorded(
            source="risk",
            severity=Severity.ERROR,
            name="odd",
            message="odd",
            event_time_us=event.event_time_us,
            attributes={},
        )
        yield Emit(said, envelope, work=Work("odd", logged=True))

    service = Service(name="risk", inputs=(on(StrategyEvaluated, tell),), outputs=(AuditRecorded,))
    await rig.say(evaluation(0))
    async with rig.running(service):
        await rig.until(lambda: rig.count(AUDITS) == 2)
    assert [record.levelname for record in caplog.records if record.message == "odd"] == ["ERROR"]


async def test_service_that_may_not_write_them_tells_nothing(rig: WorkerRig) -> None:
    await rig.say(evaluation(0, candle_offset=0))
    async with rig.running(RefusingDesk(0).service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    assert rig.count(AUDITS) == 0


async def test_dead_letter_is_told_once_and_what_is_parked_behind_it_is_not(rig: WorkerRig) -> None:
    desk = RefusingDesk(0)
    await rig.say(*(evaluation(number, candle_offset=number) for number in range(3)))
    async with rig.running(audited(desk)) as worker:
        await rig.until(lambda: rig.count(LETTERS) == 3)
        await rig.until(lambda: rig.count(AUDITS) == 2)
        assert [waiting.reason for waiting in worker.waits()] == ["parked_key"]
        assert BY_EVENT[StrategyEvaluated].name in worker.waits()[0].what
    ((event_id, told),) = [found for found in await rig.said(AuditRecorded) if found[1].name == "dead_letter"]  # type: ignore[attr-defined]
    assert isinstance(told, AuditRecorded)
    assert (told.severity, told.attributes["stage"], told.attributes["offset"]) == ("ERROR", "handle", "0")
    again = Audit(audited(desk), SystemClock(), "another member")
    again.note("dead_letter", "x", cause=f"{told.attributes['topic']}|{told.attributes['partition']}|0")
    assert [emit.event_id for emit in again.take()] == [event_id], "told again after a crash, it is the same event"


class Away(Store):
    """A store whose servers are away until told."""

    def __init__(self) -> None:
        self.away = True

    async def persist(self, records: object) -> None:
        if self.away:
            raise RetryableError("connection refused")


async def test_servers_that_are_away_are_waited_for_and_their_return_is_told(rig: WorkerRig) -> None:
    store = Away()
    service = replace(audited(RefusingDesk()), store=store)
    async with rig.running(service) as worker:
        await rig.until(lambda: any(waiting.reason == "retry" for waiting in worker.waits()))
        assert worker.waits() == [WaitReason("retry", "servers: persist failed: connection refused")]
        store.away = False
        await rig.until(lambda: rig.count(AUDITS) >= 2)
        assert worker.waits() == []
    assert sorted(await names(rig)) == ["recovered", "service_started", "service_stopped"]


def test_more_than_can_wait_gives_up_the_oldest_and_says_how_many() -> None:
    audit = Audit(audited(RefusingDesk()), SystemClock())
    for number in range(WAITING_MAX + 3):
        audit.note("dead_letter", "y" * 10_000, cause=str(number))
    events = [emit.event for emit in audit.take()]
    assert all(isinstance(event, AuditRecorded) and len(event.message) <= TEXT_CHARACTERS_MAX for event in events)
    assert len(events) == WAITING_MAX + 1
    told = events[-1]
    assert isinstance(told, AuditRecorded)
    assert (told.name, told.message.split()[0]) == ("events_given_up", "3")
    assert audit.take() == []


async def test_kill_switch_is_shown_with_the_time_it_took_to_get_here(rig: WorkerRig) -> None:
    desk, obeyed = RefusingDesk().service, dict[str, LevelInForce]()

    def obey(event: ControlChanged, _: Envelope) -> Iterator[Emit]:
        level = LevelInForce(
            scope=event.scope, level=event.level, reason="", author="", issued_at_us=0, control_offset=0
        )
        if event.level is ControlLevel.NORMAL:
            obeyed.clear()
        else:
            obeyed[event.scope] = level
        return iter(())

    service = replace(
        desk,
        inputs=(on(ControlChanged, obey),),
        outputs=(*desk.outputs, ControlStatusChanged),
        levels=obeyed.values,
    )
    await rig.say(control("account:alpha", ControlLevel.NO_NEW))
    shown = partial(rig.metrics.registry.get_sample_value, "tradewire_kill_switch_engaged")
    took = partial(rig.metrics.registry.get_sample_value, "tradewire_kill_switch_propagation_seconds_count")
    async with rig.running(service) as worker:
        await rig.until(lambda: worker.progress.phase == "running")
        assert shown({"service": "risk", "scope": "account:alpha"}) == 1.0
        assert not took({"service": "risk"}), "it was on before"
        await rig.say(control("account:alpha", ControlLevel.NORMAL))
        await rig.until(lambda: shown({"service": "risk", "scope": "account:alpha"}) == 0.0)
        assert took({"service": "risk"}) == 1.0
