"""A parked key comes free when its service has handled its letters: in order, before it reads on, and never in part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.events import RiskAssessed, StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import is_letter, original
from tradewire.runtime.dead_letters.releases import ReleaseAnswer, read_answer, write_request
from tradewire.testkit.builders import evaluation
from tradewire.testkit.refusing_desk import RefusingDesk
from tradewire.testkit.worker_rig import WorkerRig

LETTERS = DEAD_LETTERS["risk"]
EVALUATIONS = BY_EVENT[StrategyEvaluated].name
ASSESSMENTS = BY_EVENT[RiskAssessed].name
Ask = Callable[..., Awaitable[None]]


async def say(rig: WorkerRig, *numbers: int, account_id: str = "alpha") -> None:
    """Evaluations of one account; the candle's offset tells them apart."""
    await rig.say(*(evaluation(number, candle_offset=number, account_id=account_id) for number in numbers))


async def letters(rig: WorkerRig, key: bytes = b"alpha") -> list[Record]:
    """The letters of a key."""
    return [record for record in await rig.read(LETTERS) if is_letter(record) and record.key == key]


async def ask(rig: WorkerRig, *given_up: int, key: bytes = b"alpha") -> None:
    """Request the release of a key; ``given_up``: which of its letters, counted from 0, are passed over."""
    found = await letters(rig, key)
    await rig.put(write_request(found[-1], {found[number].offset for number in given_up}))


async def answers(rig: WorkerRig) -> list[ReleaseAnswer]:
    """What the service answered."""
    return [answer for record in await rig.read(LETTERS) if (answer := read_answer(record)) is not None]


async def park(rig: WorkerRig, desk: RefusingDesk, *numbers: int) -> None:
    """A life in which the first of ``numbers`` is refused, so that all are parked."""
    before = rig.count(LETTERS)
    desk.broken.add(numbers[0])
    await say(rig, *numbers)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == before + len(numbers))


async def test_letters_are_handled_in_order_then_the_key_goes_on(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 0, 1, 2, 3)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 3)
        assert rig.metrics.parked_keys.labels("risk")._value.get() == 1
        desk.broken.clear()
        await ask(rig)
        await rig.until(lambda: rig.count(LETTERS) == 5)
        await say(rig, 4)
        await rig.until(lambda: len(desk.handled) == 5)
    assert desk.handled == [0, 1, 2, 3, 4]
    assert await answers(rig) == [ReleaseAnswer(request=3, released=2, handled=3, given_up=())]
    assert rig.count(EVALUATIONS) == 5, "nothing was written to the input again"
    assert rig.metrics.parked_keys.labels("risk")._value.get() == 0


async def test_letter_about_a_topic_of_other_services_parks_nothing(rig: WorkerRig) -> None:
    desk = RefusingDesk()
    strange = (("dlq.topic", b"market.quote.v1"), ("dlq.partition", b"0"), ("dlq.offset", b"7"))
    unreadable = (("dlq.topic", b"\xff"), *strange[1:])
    await rig.put(*(Outgoing(LETTERS, b"alpha", b"x", headers) for headers in (strange, unreadable)))
    async with rig.running(desk.service):
        await say(rig, 0)
        await rig.until(lambda: desk.handled == [0])
        assert rig.metrics.parked_keys.labels("risk")._value.get() == 0


async def test_answers_are_as_if_nothing_was_ever_parked(rig: WorkerRig) -> None:
    undisturbed, desk = WorkerRig(), RefusingDesk()
    await say(undisturbed, 1, 2, 3)
    async with undisturbed.running(RefusingDesk().service):
        await undisturbed.until(lambda: undisturbed.count(ASSESSMENTS) == 3)
    await park(rig, desk, 1, 2)
    desk.broken.clear()
    await ask(rig)
    await say(rig, 3)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(ASSESSMENTS) == 3)
    said, wanted = await rig.read(ASSESSMENTS), await undisturbed.read(ASSESSMENTS)
    assert [(r.key, r.value) for r in said] == [(r.key, r.value) for r in wanted]
    lineage = ("event_id", "causation_id", "correlation_id", "event_time_us")
    for record, other in zip(said, wanted, strict=True):
        assert [dict(record.headers)[name] for name in lineage] == [dict(other.headers)[name] for name in lineage]


async def test_request_made_while_the_service_is_away_is_carried_out_before_it_reads_on(rig: WorkerRig) -> None:
    first = RefusingDesk()
    await park(rig, first, 0, 1)
    await ask(rig)
    await say(rig, 2, 3)
    second = RefusingDesk()
    async with rig.running(second.service):
        await rig.until(lambda: len(second.handled) == 4)
    assert second.handled == [0, 1, 2, 3]


async def test_records_that_keep_arriving_never_keep_a_release_from_its_end(rig: WorkerRig) -> None:
    """As many as are handled come in at every step: the old way, in rounds, never ended."""
    desk, number = RefusingDesk(), 3
    await park(rig, desk, 0, 1, 2)
    desk.broken.clear()

    async def feed(step: str) -> None:
        nonlocal number
        if step == "before publish" and number < 40:
            await say(rig, number)
            number += 1

    await ask(rig)
    rig.journal.hook = feed
    async with rig.running(desk.service, poll_records_max=1):
        await rig.until(lambda: len(desk.handled) == 40)
    assert desk.handled == list(range(40))
    assert len(await answers(rig)) == 1


async def test_letter_that_fails_again_keeps_its_key_parked_behind_those_that_are_done(rig: WorkerRig) -> None:
    desk = RefusingDesk()
    await park(rig, desk, 1, 2, 3, 4)
    desk.broken = {3}
    async with rig.running(desk.service):
        await ask(rig)
        await rig.until(lambda: rig.count(LETTERS) == 6)
        await say(rig, 5)
        await rig.until(lambda: rig.count(LETTERS) == 7)
        assert desk.handled == [1, 2]
        (answer,) = await answers(rig)
        assert (answer.released, answer.handled) == (1, 2)
        assert answer.failure is not None
        assert (answer.failure.letter, answer.failure.message, answer.failure.stage) == (2, "broken", "handle")
        desk.broken.clear()
        await ask(rig)
        await rig.until(lambda: len(desk.handled) == 5)
    assert desk.handled == [1, 2, 3, 4, 5]


async def test_letter_given_up_stays_given_up_though_its_record_is_read_again(rig: WorkerRig) -> None:
    desk = RefusingDesk()
    await park(rig, desk, 1, 2)
    await ask(rig, 0)
    async with rig.running(desk.service):
        await rig.until(lambda: desk.handled == [2])
        await rig.until(lambda: rig.count(LETTERS) == 4)
    rig.bus._groups["risk"].committed.clear()  # as after a crash before any checkpoint
    again = RefusingDesk(1)
    await say(rig, 3)
    async with rig.running(again.service):
        await rig.until(lambda: again.handled[-1:] == [3])
    assert again.handled == [2, 3]
    assert len(await letters(rig)) == 2
    assert [answer.given_up for answer in await answers(rig)] == [(0,)]


async def test_what_a_crash_left_uncommitted_is_handled_before_the_letters(rig: WorkerRig) -> None:
    first = RefusingDesk(2)
    await say(rig, 0, 1, 2, 3)
    async with rig.running(first.service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
    rig.bus._groups["risk"].committed.clear()
    await ask(rig)
    second = RefusingDesk()
    async with rig.running(second.service):
        await rig.until(lambda: len(second.handled) == 4)
    assert second.handled == [0, 1, 2, 3]
    assert len(await letters(rig)) == 2, "a record whose letter waits gets no second one"


async def test_letter_that_was_written_twice_is_handled_once(rig: WorkerRig) -> None:
    desk = RefusingDesk()
    await park(rig, desk, 1, 2)
    desk.broken.clear()
    found = await letters(rig)
    await rig.put(*(Outgoing(r.topic, r.key, r.value, r.headers, r.partition) for r in found))
    await ask(rig)
    async with rig.running(desk.service):
        await rig.until(lambda: len(desk.handled) == 2)
        await say(rig, 3)
        await rig.until(lambda: len(desk.handled) == 3)
    assert desk.handled == [1, 2, 3]
    assert [answer.released for answer in await answers(rig)] == [3]


async def test_second_request_is_answered_too(rig: WorkerRig) -> None:
    desk = RefusingDesk()
    await park(rig, desk, 1)
    desk.broken.clear()
    async with rig.running(desk.service):
        await ask(rig)
        await rig.until(lambda: rig.count(LETTERS) == 3)
        await ask(rig)
        await rig.until(lambda: rig.count(LETTERS) == 5)
    assert [(answer.request, answer.handled) for answer in await answers(rig)] == [(1, 1), (3, 0)]


async def test_release_of_one_key_leaves_another_parked(rig: WorkerRig) -> None:
    desk = RefusingDesk(1)
    await say(rig, 1)
    await say(rig, 1, account_id="beta")
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 2)
        desk.broken.clear()
        await ask(rig)
        await rig.until(lambda: rig.count(LETTERS) == 4)
        await say(rig, 2, account_id="beta")
        await rig.until(lambda: rig.count(LETTERS) == 5)
    assert desk.handled == [1]


async def test_two_instances_then_the_owner_of_the_partition_carries_the_release_out(rig: WorkerRig) -> None:
    desk, idle = RefusingDesk(), RefusingDesk()
    await park(rig, desk, 1, 2)
    desk.broken.clear()
    async with rig.running(desk.service, member="a"), rig.running(idle.service, member="b"):
        await ask(rig)
        await rig.until(lambda: len(desk.handled) + len(idle.handled) == 2)
        await rig.until(lambda: rig.count(LETTERS) == 4)
    assert {tuple(desk.handled), tuple(idle.handled)} == {(), (1, 2)}
    assert len(await answers(rig)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("dlq.topic", b"nonsense"),),
        (("dlq.topic", b"\xff"),),
        (("dlq.topic", EVALUATIONS.encode()),),
        (("dlq.topic", EVALUATIONS.encode()), ("dlq.answer", b"x"), ("dlq.released", b""), ("dlq.given_up", b"\xff,")),
    ],
)
async def test_stranger_in_the_dead_letter_topic_changes_nothing(
    rig: WorkerRig, headers: tuple[tuple[str, bytes], ...]
) -> None:
    desk = RefusingDesk()
    await rig.put(Outgoing(LETTERS, b"alpha", b"x", headers))
    await say(rig, 1)
    async with rig.running(desk.service):
        await rig.until(lambda: desk.handled == [1])


async def test_letter_holds_its_record_with_its_own_headers_place_and_time(rig: WorkerRig) -> None:
    written = rig.record(evaluation(1, candle_offset=1))
    await rig.put(replace(written, partition=1))
    async with rig.running(RefusingDesk(1).service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    (record,) = await rig.read(EVALUATIONS)
    assert original(letter) == record


async def test_letter_that_a_stopped_member_writes_late_parks_its_key_until_it_is_released_again(
    rig: WorkerRig,
) -> None:
    """Its record was handled meanwhile; handled again it says the same."""
    desk = RefusingDesk(1)
    await say(rig, 0, 1)
    async with rig.running(desk.service):
        await rig.until(lambda: rig.count(LETTERS) == 1)
        (letter,) = await letters(rig)
        desk.broken.clear()
        await ask(rig)
        await rig.until(lambda: desk.handled == [0, 1])
        said = {event_id for event_id, _ in await rig.said(RiskAssessed)}
    late = Outgoing(letter.topic, letter.key, letter.value, letter.headers, letter.partition)
    await rig.put(late)
    again = RefusingDesk()
    async with rig.running(again.service):
        await say(rig, 2)
        await rig.until(lambda: rig.metrics.parked_keys.labels("risk")._value.get() == 1)
        await rig.until(lambda: len(rig.bus._logs(LETTERS)[letter.partition]._records) == 5)
        await ask(rig)
        await rig.until(lambda: again.handled == [1, 2])
    assert {event_id for event_id, _ in await rig.said(RiskAssessed)} >= said
