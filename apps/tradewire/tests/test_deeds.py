"""Every use of a write is an audit event with who, whatever the write is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from tradewire.app.operating.dead_letters import replay_key
from tradewire.app.operating.limit_changes import LimitChanges
from tradewire.app.operating.operator import AUTHOR, NoAnswerError, Operator
from tradewire.app.operating.skipping import skip_record
from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import (
    AuditRecorded,
    ControlLevel,
    StrategyConfigPublished,
)
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.releases import Skip, read_request
from tradewire.testkit.builders import candle, evaluation
from tradewire.testkit.refusing_desk import RefusingDesk
from tradewire.testkit.strategies import document
from tradewire.testkit.worker_rig import WorkerRig

SHORT_S = 0.05
"""A wait that is meant to end without an answer."""
CANDLES = "market.candle.v1"


@pytest.fixture
def rig() -> WorkerRig:
    return WorkerRig()


@pytest.fixture
def operator(rig: WorkerRig) -> Operator:
    return Operator(rig.bus, rig.codec, rig.clock, author="ann")


async def audits(rig: WorkerRig, source: str = "operator") -> list[AuditRecorded]:
    return [
        event
        for _, event in await rig.said(AuditRecorded)
        if isinstance(event, AuditRecorded) and event.source == source
    ]


async def _halt(rig: WorkerRig, operator: Operator) -> None:
    await operator.control("global", ControlLevel.NO_NEW, "odd fills")


async def _limits(rig: WorkerRig, operator: Operator) -> None:
    with pytest.raises(NoAnswerError):
        await LimitChanges(operator).change("alpha", {"max_data_age_s": 5.0}, SHORT_S)


async def _publish(rig: WorkerRig, operator: Operator) -> None:
    await operator.publish_strategy(document("trend", "alpha"))


async def _retire(rig: WorkerRig, operator: Operator) -> None:
    with pytest.raises(NoAnswerError):
        await operator.retire_strategy("trend", SHORT_S)


async def _skip(rig: WorkerRig, operator: Operator) -> None:
    await rig.say(candle(0))
    partition = rig.place(CANDLES, candle(0)).partition
    asked = Skip(CANDLES, partition, 0, "ends execution", operator.author)
    await skip_record(operator, asked, "execution", within_s=SHORT_S)


async def _replay(rig: WorkerRig, operator: Operator) -> None:
    await rig.say(evaluation(0, candle_offset=0))
    async with rig.running(RefusingDesk(0).service):
        await rig.until(lambda: rig.count(DEAD_LETTERS["risk"]) == 1)
    await replay_key(operator, service="risk", key="alpha", discard=["0/0"], within_s=SHORT_S)


@dataclass(frozen=True)
class Write:
    """A door: what is asked for, and its audit event's name and details."""

    ask: Callable[[WorkerRig, Operator], Awaitable[None]]
    name: str
    details: dict[str, str]


WRITES = [
    Write(_halt, "control_asked", {"scope": "global", "level": "NO_NEW", "reason": "odd fills"}),
    Write(_limits, "limits_asked", {"account": "alpha", "version": "1"}),
    Write(_publish, "strategy_published", {"strategy": "trend", "version": "1"}),
    Write(_retire, "strategy_retired", {"strategy": "trend"}),
    Write(_skip, "skip_asked", {"service": "execution", "offset": "0", "reason": "ends execution"}),
    Write(_replay, "replay_asked", {"service": "risk", "key": "alpha", "given_up": "0/0"}),
]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
async def test_write_when_asked_for_then_an_audit_event_says_who(
    write: Write, rig: WorkerRig, operator: Operator
) -> None:
    await write.ask(rig, operator)
    (event,) = await audits(rig)
    assert event.name == write.name
    assert event.message.startswith("ann ")
    assert event.attributes.items() >= (write.details | {"who": "ann"}).items()


async def test_two_writes_at_one_moment_when_told_then_both_events_are_kept_apart(
    rig: WorkerRig, operator: Operator
) -> None:
    await operator.control("global", ControlLevel.NO_NEW, "first")
    await operator.control("account:alpha", ControlLevel.NO_NEW, "second")
    ids = [event_id for event_id, _ in await rig.said(AuditRecorded)]
    assert len(set(ids)) == 2


async def test_tombstone_and_request_when_read_then_they_name_their_author(rig: WorkerRig, operator: Operator) -> None:
    await _retire(rig, operator)
    await _replay(rig, operator)
    (tombstone,) = await rig.read(BY_EVENT[StrategyConfigPublished].name)
    assert dict(tombstone.headers)[AUTHOR] == b"ann"
    requests = [found for record in await rig.read(DEAD_LETTERS["risk"]) if (found := read_request(record))]
    assert [request.author for request in requests] == ["ann"]


async def test_release_when_a_service_carries_it_out_then_its_event_says_who_asked(
    rig: WorkerRig, operator: Operator
) -> None:
    desk = RefusingDesk(0)
    await rig.say(evaluation(0, candle_offset=0))
    told = replace(desk.service, outputs=(*desk.service.outputs, AuditRecorded))
    async with rig.running(told, checkpoint_records=1):
        await rig.until(lambda: rig.count(DEAD_LETTERS["risk"]) == 1)
        desk.broken.clear()
        await replay_key(operator, service="risk", key="alpha", within_s=5.0)
    released = [event for event in await audits(rig, "risk") if event.name == "letters_released"]
    assert [event.attributes["who"] for event in released] == ["ann"]


async def test_halt_when_no_audit_event_can_be_written_then_it_is_asked_for_all_the_same(
    rig: WorkerRig, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = rig.bus.publish

    async def without_audits(records: list[Outgoing]) -> object:
        if any(record.topic == BY_EVENT[AuditRecorded].name for record in records):
            raise RetryableError("the topic's leader is away")
        return await publish(records)

    monkeypatch.setattr(rig.bus, "publish", without_audits)
    await operator.control("global", ControlLevel.FLATTEN, "odd fills")
    assert list(await operator.controls()) == ["global"]
    assert rig.count(BY_EVENT[AuditRecorded].name) == 0
