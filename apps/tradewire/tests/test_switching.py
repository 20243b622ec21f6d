"""The kill switch, from the command to the services that obey, over the memory bus."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from apps.tradewire.tests.conftest import execution, risk

from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.app.operating.switching import Switching, UnknownScopeError
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import ControlChanged, ControlLevel, OrderChanged
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.service import Service
from tradewire.testkit.builders import (
    BTC,
    account_state,
    assessment,
    candle,
    control,
    instrument,
    intent,
)
from tradewire.testkit.worker_rig import WorkerRig

CONTROLS = BY_EVENT[ControlChanged].name
ORDERS = BY_EVENT[OrderChanged].name
WITHIN_S = 10.0
SHORT_S = 0.2
"""A wait that is meant to end without an answer."""


class SkewedClock(SystemClock):
    """The clock of a host that is ahead, or behind."""

    def __init__(self, ahead_s: float) -> None:
        super().__init__()
        self._ahead_us = round(ahead_s * 1e6)

    def now_us(self) -> int:
        return super().now_us() + self._ahead_us


def levels(service: Service) -> object:
    return service.status()["controls"]


HELD_BY_TWO = [
    (scope, level)
    for scope in ("global", "account:alpha", "strategy:trend")
    for level in ControlLevel
    if level is not ControlLevel.NORMAL and (scope, level) != ("global", ControlLevel.PAUSED)
]


@pytest.mark.parametrize(("scope", "level"), HELD_BY_TWO)
async def test_switch_when_it_returns_then_risk_and_execution_obey(
    platform: dict[str, Service], operator: Operator, scope: str, level: ControlLevel
) -> None:
    obeyed = await Switching(operator).switch(scope, level, "drill", WITHIN_S)
    assert sorted(obeyed.obeyed_by) == ["execution", "risk"]
    assert [levels(service) for service in platform.values()] == [{scope: level.value}] * 2
    asked = await Switching(operator).asked()
    assert (asked[scope].obeyed_by, asked[scope].not_obeyed_by) == (["risk", "execution"], [])
    lifted = await Switching(operator).switch(scope, ControlLevel.NORMAL, "drill", WITHIN_S)
    assert lifted.in_force == {}
    assert [levels(service) for service in platform.values()] == [{}, {}]
    assert await Switching(operator).asked() == {}


@pytest.mark.parametrize("ahead_s", [-3_600, -60, 61, 90, 86_400])
@pytest.mark.usefixtures("platform")
async def test_switch_when_the_operators_clock_is_off_then_the_order_of_the_topic_decides(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator, ahead_s: float
) -> None:
    elsewhere = Operator(rig.bus, rig.codec, SkewedClock(ahead_s), author="bob")
    for speaker, level in ((operator, ControlLevel.NORMAL), (elsewhere, ControlLevel.FLATTEN)):
        await Switching(speaker).switch("global", level, "drill", WITHIN_S)
    assert [levels(service) for service in platform.values()] == [{"global": "FLATTEN"}] * 2
    await Switching(operator).switch("global", ControlLevel.NO_NEW, "drill", WITHIN_S)
    assert [levels(service) for service in platform.values()] == [{"global": "NO_NEW"}] * 2
    assert [rig.count(DEAD_LETTERS[name]) for name in platform] == [0, 0]


async def unanswered(operator: Operator, scope: str, level: ControlLevel, *but: str) -> str:
    """What is said about those who never answer, once the others (``but``) did."""
    while True:
        with pytest.raises(NoAnswerError) as missing:
            await Switching(operator).switch(scope, level, "drill", SHORT_S)
        if not any(name in str(missing.value) for name in but):
            return str(missing.value)


@pytest.mark.parametrize("missing", ["risk", "execution"])
async def test_switch_when_a_service_is_away_then_it_is_named(rig: WorkerRig, operator: Operator, missing: str) -> None:
    (there,) = {"risk", "execution"} - {missing}
    service = {"risk": risk, "execution": execution}[there]()
    async with rig.running(service):
        said = await unanswered(operator, "account:alpha", ControlLevel.NO_NEW, there)
        assert f"NO_NEW was asked for, and {missing} did not answer" in said
        assert levels(service) == {"account:alpha": "NO_NEW"}
        asked = await Switching(operator).asked()
        assert (asked["account:alpha"].obeyed_by, asked["account:alpha"].not_obeyed_by) == ([there], [missing])


@pytest.mark.usefixtures("platform")
async def test_switch_when_everything_is_paused_then_ingest_must_answer_too(operator: Operator) -> None:
    said = await unanswered(operator, "global", ControlLevel.PAUSED, "risk", "execution")
    assert "PAUSED was asked for, and ingest did not answer" in said


async def test_switch_when_an_instance_was_killed_then_its_partitions_are_named(
    rig: WorkerRig, operator: Operator
) -> None:
    task = asyncio.create_task(rig.worker(execution()).run(asyncio.Event()))
    async with rig.running(risk()):
        await Switching(operator).switch("global", ControlLevel.NO_NEW, "drill", WITHIN_S)
        task.cancel()
        await asyncio.wait({task})
        said = await unanswered(operator, "global", ControlLevel.NORMAL, "risk")
        assert "execution (account partitions 0, 1) did not answer" in said


async def test_switch_when_a_service_has_two_instances_then_all_owners_answer(
    rig: WorkerRig, operator: Operator
) -> None:
    async with AsyncExitStack() as stack:
        for service in (risk(), risk(), execution(), execution()):
            await stack.enter_async_context(rig.running(service))
        switching = Switching(operator)
        obeyed = await switching.switch("global", ControlLevel.REDUCE_ONLY, "drill", WITHIN_S)
        while any(len(instances) < 2 for instances in obeyed.obeyed_by.values()):  # the groups are still forming
            obeyed = await switching.switch("global", ControlLevel.REDUCE_ONLY, "drill", WITHIN_S)
        one = await switching.switch("account:alpha", ControlLevel.NO_NEW, "drill", WITHIN_S)
        assert [len(instances) for instances in one.obeyed_by.values()] == [1, 1]


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("account:mian", "account: found 'mian'; there are: alpha, beta"),
        ("account:alpha\udc80", "there are: alpha, beta"),
        ("strategy:trand", "strategy: found 'trand'; there are: trend"),
        ("service:risk", "service: found 'risk'; there are: ingest"),
    ],
)
async def test_switch_when_nobody_knows_the_scope_then_refused_with_those_that_exist(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator, scope: str, said: str
) -> None:
    await rig.say(account_state(0, account_id="beta"))
    await rig.until(lambda: "beta" in platform["risk"].accounts())
    await Switching(operator).switch("account:alpha", ControlLevel.NORMAL, "all that is known is told", WITHIN_S)
    before = rig.count(CONTROLS)
    with pytest.raises(UnknownScopeError) as refused:
        await Switching(operator).switch(scope, ControlLevel.NO_NEW, "drill", WITHIN_S)
    assert said in str(refused.value)
    assert rig.count(CONTROLS) == before


@pytest.mark.parametrize("reason", ["a\0b", "lone \udc80 surrogate", "x" * 100_000, "two\nlines", "", "ünïcode ✓"])
async def test_switch_when_the_reason_is_any_text_then_carried_out(
    platform: dict[str, Service], operator: Operator, reason: str
) -> None:
    obeyed = await Switching(operator).switch("global", ControlLevel.NO_NEW, reason, WITHIN_S)
    told = obeyed.in_force["global"].reason
    assert told.isprintable()
    assert len(told) <= 500
    assert levels(platform["execution"]) == {"global": "NO_NEW"}


@pytest.mark.parametrize("reason", [b"\xff\xfe", b"\xed\xb2\x80", b"a\0b", b"z" * 200_000])
@pytest.mark.parametrize(
    "headers", [(), (("event_time_us", b"tomorrow"),), (("event_id", b"\xff"), ("event_time_us", b"99999999999999999"))]
)
async def test_level_when_another_client_writes_bad_texts_and_headers_then_carried_out(
    rig: WorkerRig, platform: dict[str, Service], reason: bytes, headers: tuple[tuple[str, bytes], ...]
) -> None:
    event = control("global", ControlLevel.NO_NEW).model_copy(update={"reason": "R" * len(reason)})
    value = rig.codec.encode(event).replace(b"R" * len(reason), reason)
    await rig.put(Outgoing(CONTROLS, b"global", value, headers))
    for service in platform.values():
        await rig.until(lambda service=service: levels(service) == {"global": "NO_NEW"})  # type: ignore[misc]
    assert [rig.count(DEAD_LETTERS[name]) for name in platform] == [0, 0]


async def test_switch_when_a_broken_record_is_on_the_topic_then_the_next_is_obeyed(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator
) -> None:
    await rig.put(Outgoing(CONTROLS, b"global", b"garbage"), Outgoing(CONTROLS, b"account:alpha", None))
    await rig.say(control("acount:alpha", ControlLevel.FLATTEN))
    await Switching(operator).switch("account:alpha", ControlLevel.NO_NEW, "drill", WITHIN_S)
    assert [levels(service) for service in platform.values()] == [{"account:alpha": "NO_NEW"}] * 2
    assert [rig.count(DEAD_LETTERS[name]) for name in platform] == [2, 2]


async def test_switch_when_it_returns_then_what_was_at_work_is_withdrawn_already(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator
) -> None:
    del platform
    await rig.say(instrument(BTC), candle(0), assessment(0, intent("entry", qty=2)))
    await rig.until(lambda: rig.count(ORDERS) == 2)
    await Switching(operator).switch("strategy:trend", ControlLevel.NO_NEW, "drill", WITHIN_S)
    told = [event for _, event in await rig.said(OrderChanged) if isinstance(event, OrderChanged)]
    assert [event.status for event in told] == ["SUBMITTED", "ACCEPTED", "CANCELED"]
    assert told[-1].reason == "kill_switch NO_NEW"
    await rig.say(candle(1), assessment(1, intent("late", qty=2)))
    await rig.until(lambda: rig.count(ORDERS) == 4)
    (_, last) = (await rig.said(OrderChanged))[-1]
    assert isinstance(last, OrderChanged)
    assert (last.client_order_id, last.status) == ("late", "DENIED")
