"""Dead letters from outside: listed with their lineage, replayed in order, given up on purpose."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tradewire.app.cli.dlq import show_list
from tradewire.app.inspecting.lag import by_topic, partition_lags
from tradewire.app.operating.dead_letters import ReplayRefusedError, letters, replay_key
from tradewire.app.operating.operator import Operator
from tradewire.ports.bus import Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import RiskStateSaved, StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import copy_of, dead_letter
from tradewire.testkit.builders import evaluation
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.refusing_desk import RefusingDesk
from tradewire.testkit.worker_rig import WorkerRig

LETTERS = DEAD_LETTERS["risk"]
EVALUATIONS = BY_EVENT[StrategyEvaluated].name
KEY = "alpha"


@pytest.fixture
def rig() -> WorkerRig:
    return WorkerRig()


def operator(rig: WorkerRig) -> Operator:
    return Operator(rig.bus, rig.codec, rig.clock, author="ann")


async def say(rig: WorkerRig, *numbers: int) -> None:
    await rig.say(*(evaluation(number, candle_offset=number) for number in numbers))


async def test_letters_are_listed_with_their_lineage_and_message(rig: WorkerRig) -> None:
    await say(rig, 0, 1, 2)
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    first, second = await letters(rig.bus)
    assert (first.service, first.topic, first.key) == ("risk", EVALUATIONS, KEY)
    assert (first.stage, second.stage) == ("handle", "parked")
    assert (first.waits, first.parks) == (True, True)
    assert first.lineage()["dlq.error.message"] == "broken"
    assert await first.decoded(rig.codec) == evaluation(1, candle_offset=1)


async def test_letter_that_was_written_again_is_listed_once_with_its_age(rig: WorkerRig) -> None:
    await say(rig, 0, 1, 2)
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    before = await letters(rig.bus)
    for _ in range(2):
        newest = [one.record for one in await letters(rig.bus)]
        await rig.put(*(copy_of(replace(one, timestamp_ms=one.timestamp_ms + 1)) for one in newest))
    listed = await letters(rig.bus)
    assert [one.lineage()["dlq.offset"] for one in listed] == [one.lineage()["dlq.offset"] for one in before]
    assert [one.written_ms for one in listed] == [one.written_ms + 1 for one in before], "of the first"
    assert [one.record.offset for one in listed] == [4, 5]


async def test_letter_that_can_t_be_read_says_why(rig: WorkerRig) -> None:
    await rig.put(replace(rig.record(evaluation(0)), value=b"\x00nonsense"))
    async with rig.running(RefusingDesk().service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    (letter,) = await letters(rig.bus, ("risk",))
    assert "schema id" in str(await letter.decoded(rig.codec))


async def test_replay_handles_everything_in_order_and_frees_the_key(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 0, 1, 2)
    async with rig.running(desk.service, checkpoint_records=1):
        await rig.until(lambda: rig.count(LETTERS) == 2)
        desk.broken.clear()
        done = await replay_key(operator(rig), service="risk", key=KEY)
        await say(rig, 3)
        await rig.until(lambda: len(desk.handled) == 4)
    assert desk.handled == [0, 1, 2, 3]
    assert (done.replayed, done.failed_again, done.confirmed) == (2, None, True)
    assert [letter.waits for letter in await letters(rig.bus)] == [False, False]


async def test_record_that_arrives_before_the_answer_is_handled_behind_the_letters(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    desk.broken.clear()
    replaying = asyncio.create_task(replay_key(operator(rig), service="risk", key=KEY, within_s=60))
    await rig.until(lambda: rig.count(LETTERS) == 2)
    await say(rig, 2)
    async with rig.running(desk.service, checkpoint_records=1):
        done = await replaying
        await say(rig, 3)
        await rig.until(lambda: len(desk.handled) == 3)
    assert desk.handled == [1, 2, 3]
    assert (done.failed_again, done.confirmed) == (None, True)


async def test_replay_stops_at_a_letter_that_fails_again_and_says_why(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1, 2)
    async with rig.running(desk.service, checkpoint_records=1):
        await rig.until(lambda: rig.count(LETTERS) == 2)
        desk.broken = {2}
        done = await replay_key(operator(rig), service="risk", key=KEY)
        assert done.failed_again is not None
        assert (done.failed_letter, done.failed_again.stage, done.failed_again.message) == ("0/1", "handle", "broken")
        assert (done.replayed, desk.handled) == (1, [1])
        waiting = [letter for letter in await letters(rig.bus) if letter.waits]
        assert [(letter.place, letter.stage, letter.reason) for letter in waiting] == [("0/1", "handle", "broken")]
        given_up = await replay_key(operator(rig), service="risk", key=KEY, discard=["0/1"])
        await say(rig, 3)
        await rig.until(lambda: len(desk.handled) == 2)
    assert desk.handled == [1, 3]
    assert (given_up.replayed, given_up.discarded, given_up.failed_again) == (0, 1, None)


async def test_last_letter_of_a_key_may_be_given_up(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1)
    async with rig.running(desk.service, checkpoint_records=1):
        await rig.until(lambda: rig.count(LETTERS) == 1)
        (letter,) = await letters(rig.bus)
        done = await replay_key(operator(rig), service="risk", key=KEY, discard=[letter.place])
        await say(rig, 2)
        await rig.until(lambda: desk.handled == [2])
    assert (done.replayed, done.discarded, done.confirmed) == (0, 1, True)


async def test_replay_while_the_service_is_away_is_not_confirmed(rig: WorkerRig) -> None:
    await say(rig, 1)
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    done = await replay_key(operator(rig), service="risk", key=KEY, within_s=0.01)
    assert (done.replayed, done.confirmed) == (0, False)


async def test_nothing_to_replay_is_refused_with_what_waits(rig: WorkerRig) -> None:
    await say(rig, 1)
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    with pytest.raises(ReplayRefusedError, match="waiting keys: alpha"):
        await replay_key(operator(rig), service="risk", key="beta")
    with pytest.raises(ReplayRefusedError, match="no letter 0/99 waits"):
        await replay_key(operator(rig), service="risk", key=KEY, discard=["0/99"])


async def test_lag_counts_records_and_the_age_of_the_next_one(rig: WorkerRig) -> None:
    await say(rig, 0)
    async with rig.running(RefusingDesk().service, checkpoint_records=1):
        await rig.until(lambda: rig.bus_committed(EVALUATIONS, "risk") == 1)
    await say(rig, 1, 2)
    every = await partition_lags(rig.bus, ManualClock(rig.clock.now_us() + 5_000_000))
    lags = [lag for lag in every if lag.records and lag.group == "risk"]  # telemetry never read here, and lags too
    (lag,) = lags
    assert (lag.group, lag.topic, lag.records) == ("risk", EVALUATIONS, 2)
    assert lag.seconds is not None
    assert lag.seconds >= 5.0
    (topic,) = by_topic(lags)
    assert (topic.partitions, topic.records, topic.seconds) == (1, 2, lag.seconds)


async def test_list_in_a_narrow_terminal_then_keys_reasons_and_commands_stay_whole(
    rig: WorkerRig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(rig, 0, 1, 2)
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    show_list(await letters(rig.bus), each=True)
    first, why, second, why_parked, parked = capsys.readouterr().out.splitlines()
    assert first.split()[:3] == ["risk", "0/0", "handle"]
    assert second.split()[:3] == ["risk", "0/1", "parked"]
    assert (first.split()[-1], second.split()[-1]) == (KEY, KEY)
    assert why.strip() == f"{EVALUATIONS}/0@1: broken"
    assert why_parked.strip().startswith(f"{EVALUATIONS}/0@2: ")
    assert parked == f"{KEY} is parked: tradewire dlq replay --service risk --key {KEY}"
    assert max(map(len, (first, why, second, parked))) <= 80
    show_list(await letters(rig.bus))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [first, why, f"{KEY}: 1 waiting behind that; --all lists each", parked]


@pytest.mark.parametrize(("topic", "parks"), [(EVALUATIONS, True), (BY_EVENT[RiskStateSaved].name, False)])
async def test_list_names_as_parked_only_keys_whose_later_records_wait(rig: WorkerRig, topic: str, parks: bool) -> None:
    bad = Record(topic, 0, 7, b"alpha", b"garbage", (), 0)
    error = ContractViolationError("broken")
    await rig.put(dead_letter(bad, service="risk", version="0", stage="decode", error=error))
    (letter,) = await letters(rig.bus)
    assert (letter.waits, letter.parks) == (True, parks)
