"""Letters of a key that waits for longer than they are kept: nothing is lost, and the key stays parked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tradewire.ports.bus import Record
from tradewire.ports.events import StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.keeping import AGE_DAYS
from tradewire.runtime.dead_letters.letters import is_letter
from tradewire.runtime.dead_letters.releases import write_request
from tradewire.testkit.builders import evaluation
from tradewire.testkit.refusing_desk import RefusingDesk
from tradewire.testkit.worker_rig import WorkerRig

LETTERS, EVALUATIONS = DEAD_LETTERS["risk"], BY_EVENT[StrategyEvaluated].name
DAY_MS = 86_400_000


async def letters(rig: WorkerRig) -> list[Record]:
    """Those that are kept."""
    return [record for record in await rig.read(LETTERS) if is_letter(record)]


async def parked(rig: WorkerRig, *, days: float) -> None:
    """An account whose evaluations 1 and 2 have letters since some days, of which 1 was refused."""
    await rig.say(*(evaluation(number, candle_offset=number) for number in (0, 1, 2)))
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    for log in rig.bus._logs(LETTERS):
        log._records[:] = [replace(r, timestamp_ms=r.timestamp_ms - round(days * DAY_MS)) for r in log._records]


def retain(rig: WorkerRig, *, newest: int) -> None:
    """Remove all but the newest letters, as retention does."""
    for log in (log for log in rig.bus._logs(LETTERS) if log._records):
        log.begin = log.end - newest
        del log._records[:-newest]


def is_parked(rig: WorkerRig) -> bool:
    return bool(rig.metrics.parked_keys.labels("risk")._value.get() == 1)


async def release(rig: WorkerRig) -> None:
    await rig.put(write_request((await letters(rig))[-1]))


async def test_letters_when_they_wait_for_long_then_written_again_and_nothing_is_lost_by_retention(
    rig: WorkerRig,
) -> None:
    await parked(rig, days=AGE_DAYS + 1)
    old = await letters(rig)
    async with rig.running(RefusingDesk().service):
        await rig.until(lambda: rig.count(LETTERS) == 4)
    copies = (await letters(rig))[2:]
    assert [(c.key, c.value) for c in copies] == [(o.key, o.value) for o in old]
    retain(rig, newest=2)

    desk = RefusingDesk()
    await rig.say(evaluation(3, candle_offset=3))
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 5)
        assert (is_parked(rig), desk.handled) == (True, []), "the later record follows them"
        await release(rig)
        await rig.until(lambda: desk.handled == [1, 2, 3])
        await rig.until(lambda: not is_parked(rig))


async def asked_before(rig: WorkerRig, desk: RefusingDesk) -> None:
    """The key is released before its service is back."""
    await release(rig)
    async with rig.running(desk.service):
        await rig.until(lambda: desk.handled == [1, 2] and not is_parked(rig))
    assert len(await letters(rig)) == 2, "no copy of what is being handled"


async def asked_after(rig: WorkerRig, desk: RefusingDesk) -> None:
    """The key is released when its letters were written again."""
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 4)
        await release(rig)
        await rig.until(lambda: desk.handled == [1, 2] and not is_parked(rig))


@pytest.mark.parametrize("asked", [asked_before, asked_after])
async def test_release_when_letters_are_old_then_each_record_is_handled_once_and_the_key_stays_free(
    rig: WorkerRig, asked: Callable[[WorkerRig, RefusingDesk], Awaitable[None]]
) -> None:
    await parked(rig, days=AGE_DAYS + 1)
    await asked(rig, RefusingDesk())
    again = RefusingDesk()
    await rig.say(evaluation(3, candle_offset=3))
    async with rig.running(again.service):
        await rig.until(lambda: again.handled == [3])
        assert not is_parked(rig)


async def test_letters_when_they_are_new_or_another_instance_owns_them_then_not_written_again(rig: WorkerRig) -> None:
    await parked(rig, days=AGE_DAYS - 1)
    async with rig.running(RefusingDesk().service) as worker:
        await rig.until(lambda: worker._draining._keeping._looked_s is not None)
    assert rig.count(LETTERS) == 2
    for log in rig.bus._logs(LETTERS):
        log._records[:] = [replace(r, timestamp_ms=r.timestamp_ms - 2 * DAY_MS) for r in log._records]
    first, second = RefusingDesk(), RefusingDesk()
    async with rig.running(first.service, member="a") as a, rig.running(second.service, member="b") as b:
        await rig.until(lambda: rig.count(LETTERS) == 4)
        await rig.until(lambda: None not in (a._draining._keeping._looked_s, b._draining._keeping._looked_s))
    assert rig.count(LETTERS) == 4
