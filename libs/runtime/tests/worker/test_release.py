"""A parked key goes on where it stopped: after its letters were replayed in order, and never before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.events import StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.dead_letters import release, replayed
from tradewire.testkit.builders import evaluation
from tradewire.testkit.refusing_desk import RefusingDesk
from tradewire.testkit.worker_rig import WorkerRig

LETTERS = DEAD_LETTERS["risk"]
EVALUATIONS = BY_EVENT[StrategyEvaluated].name


async def say(rig: WorkerRig, *numbers: int) -> None:
    """Evaluations of one account; the candle's offset tells them apart."""
    await rig.say(*(evaluation(number, candle_offset=number) for number in numbers))


async def write_again(rig: WorkerRig, letters: list[Record]) -> int:
    """Replay letters; returns the offset behind the last."""
    name = f"replay {rig.clock.now_us()}"
    acks = await MemoryBus.publish(rig.bus, [replayed(letter, name) for letter in letters])
    return acks[-1].offset + 1


async def replay(rig: WorkerRig, letters: list[Record]) -> None:
    """Replay letters and free their key."""
    await rig.put(release(letters, until_offset=await write_again(rig, letters)))


async def test_replayed_letters_are_handled_in_order_and_the_key_goes_on(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 0, 1, 2, 3)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 3)
        desk.broken.clear()
        await replay(rig, await rig.read(LETTERS))
        await rig.until(lambda: len(desk.handled) == 4)
        await say(rig, 4)
        await rig.until(lambda: len(desk.handled) == 5)
    assert desk.handled == [0, 1, 2, 3, 4]


async def test_key_is_parked_and_free_again_after_a_restart(rig: WorkerRig) -> None:
    first = RefusingDesk(1)
    await say(rig, 0, 1)
    async with rig.running(first.service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    second = RefusingDesk()
    await say(rig, 2)
    async with rig.running(second.service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    assert second.handled == []
    await replay(rig, await rig.read(LETTERS))
    third = RefusingDesk()
    await say(rig, 3)
    async with rig.running(third.service):
        await rig.until(lambda: len(third.handled) == 3)
    assert third.handled == [1, 2, 3]


async def test_record_that_came_between_stays_behind_the_letters(rig: WorkerRig) -> None:
    first = RefusingDesk(1)
    await say(rig, 1)
    async with rig.running(first.service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    await say(rig, 2)  # while the service is down: before the letters that are written again
    await replay(rig, await rig.read(LETTERS))
    second = RefusingDesk()
    async with rig.running(second.service):
        await rig.until(lambda: rig.count(LETTERS) == 3)
        assert second.handled == [1]
        letters = [letter for letter in await rig.read(LETTERS) if dict(letter.headers).get("dlq.offset") == b"1"]
        await replay(rig, letters)
        await rig.until(lambda: len(second.handled) == 2)
        await say(rig, 3)
        await rig.until(lambda: len(second.handled) == 3)
    assert second.handled == [1, 2, 3]


async def test_letter_that_fails_again_keeps_its_key_parked(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
        await replay(rig, await rig.read(LETTERS))
        await rig.until(lambda: rig.count(LETTERS) == 3)
        await say(rig, 2)
        await rig.until(lambda: rig.count(LETTERS) == 4)
    assert desk.handled == []
    newest = (await rig.read(LETTERS))[-1]
    assert dict(newest.headers)["dlq.error.stage"] == b"parked"


async def test_letters_behind_one_that_fails_again_wait_for_the_next_replay(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1, 2, 3)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 3)
        await replay(rig, await rig.read(LETTERS))
        await rig.until(lambda: rig.count(LETTERS) == 7)
        assert desk.handled == []
        desk.broken.clear()
        await replay(rig, (await rig.read(LETTERS))[-3:])
        await rig.until(lambda: len(desk.handled) == 3)
        await say(rig, 4)
        await rig.until(lambda: len(desk.handled) == 4)
    assert desk.handled == [1, 2, 3, 4]


async def test_replay_without_a_marker_frees_nothing(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
        desk.broken.clear()
        await write_again(rig, await rig.read(LETTERS))
        await rig.until(lambda: desk.handled == [1])
        await say(rig, 2)
        await rig.until(lambda: rig.count(LETTERS) == 2)
    assert desk.handled == [1]


async def test_release_of_one_key_leaves_another_parked(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1)
    await rig.say(evaluation(1, candle_offset=1, account_id="beta"))
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
        desk.broken.clear()
        await replay(rig, [letter for letter in await rig.read(LETTERS) if letter.key == b"alpha"])
        await rig.say(evaluation(2, candle_offset=2, account_id="beta"))
        await rig.until(lambda: rig.count(LETTERS) == 4)
    assert desk.handled == [1]


@pytest.mark.parametrize("headers", [(), (("dlq.topic", b"nonsense"),), (("dlq.topic", b"\xff"),)])
async def test_stranger_in_the_dead_letter_topic_changes_nothing(
    rig: WorkerRig, headers: tuple[tuple[str, bytes], ...]
) -> None:
    desk = RefusingDesk()
    await rig.put(Outgoing(LETTERS, b"alpha", b"x", headers))
    await say(rig, 1)
    async with rig.running(desk.service):
        await rig.until(lambda: desk.handled == [1])


async def test_replayed_record_has_its_own_headers_and_place_again(rig: WorkerRig) -> None:
    original = rig.record(evaluation(1, candle_offset=1))
    await rig.put(replace(original, partition=1))
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    again = replayed(letter, "drill")
    assert (again.topic, again.key, again.value, again.partition) == (EVALUATIONS, b"alpha", original.value, 1)
    assert [name for name, _ in again.headers] == [*(name for name, _ in original.headers), "dlq.replayed"]
