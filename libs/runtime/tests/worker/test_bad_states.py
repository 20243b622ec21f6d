"""A record of a changelog that is no state is a dead letter, and the service goes on from the state before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.events import IndicatorStateSaved, IndicatorsUpdated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import is_letter, letter_place, stage_of
from tradewire.testkit.builders import candle
from tradewire.testkit.worker_rig import WorkerRig

STATES = BY_EVENT[IndicatorStateSaved].name
UPDATES = BY_EVENT[IndicatorsUpdated].name
LETTERS = DEAD_LETTERS["indicator"]


async def volume_after(rig: WorkerRig, bars: int) -> float:
    """Let the service answer the next bar, begun anew; the volume that it has summed up."""
    before = rig.count(UPDATES)
    async with rig.running(rig.summing()) as worker:
        await rig.say(candle(bars, 100))
        await rig.until(lambda: rig.count(UPDATES) == before + 1)
        assert [wait.reason for wait in worker.waits() if wait.reason == "parked_key"] == []
    (*_, (_, last)) = await rig.said(IndicatorsUpdated)
    assert isinstance(last, IndicatorsUpdated)
    return last.values["sum"] or 0.0


async def newest_state(rig: WorkerRig) -> Record:
    return [record for record in await rig.read(STATES) if record.value is not None][-1]


def odd_records(rig: WorkerRig, state: Record) -> list[tuple[str, Outgoing]]:
    """By what is wrong with each: the stage of its dead letter, and the record."""
    event = rig.codec.decode(STATES, state.value or b"")
    assert isinstance(event, IndicatorStateSaved)
    key, claim = (state.key or b"").decode().split("@")

    def holding(value: bytes | None, record_key: str | None = None, header: bytes | None = None) -> Outgoing:
        headers = (("claim", claim.encode() if header is None else header),)
        return Outgoing(STATES, (record_key or f"{key}@{claim}").encode(), value, headers, state.partition)

    def body(text: bytes, **update: object) -> bytes:
        return rig.codec.encode(event.model_copy(update={"state": text, **update}))

    return [
        ("decode", holding(b"garbage")),
        ("decode", holding((state.value or b"")[:-1])),
        ("decode", holding(body(b"1.0"), header=b"x")),
        ("decode", holding(body(b"1.0"), header=b"9" * 5_000)),
        ("decode", holding(body(b"1.0"), f"{key}@999999", b"999999")),
        ("validate", holding(body(b"1.0"), "nobody@1")),
        ("validate", holding(body(b"1.0", interval="7m"), f"sim:{event.symbol}:7m@{claim}")),
        ("handle", holding(body(b"{}"))),
        ("handle", holding(body(b""))),
        ("handle", holding(body(b"{}", symbol="ZZZUSDT"), f"sim:ZZZUSDT:1h@{claim}")),
    ]


async def test_state_that_is_none_is_a_dead_letter_and_the_one_before_it_counts() -> None:
    rig = WorkerRig()
    one = await volume_after(rig, 0)
    for number in range(len(odd_records(rig, await newest_state(rig)))):
        stage, odd = odd_records(rig, await newest_state(rig))[number]
        await rig.put(odd)
        bars = number + 1
        assert await volume_after(rig, bars) == pytest.approx(one * (bars + 1)), stage
        letters = [record for record in await rig.read(LETTERS) if is_letter(record)]
        assert len(letters) == bars
        newest = max(letters, key=lambda record: letter_place(record)[1])
        assert (stage_of(newest), newest.value) == (stage, odd.value)
        assert dict(newest.headers)["dlq.topic"] == STATES.encode()


async def test_states_that_are_none_are_dead_letters_all_in_one_start_and_never_again() -> None:
    rig = WorkerRig()
    one = await volume_after(rig, 0)
    odd = [record for _, record in odd_records(rig, await newest_state(rig))]
    await rig.put(*odd, *odd)
    for bars in range(1, 4):
        assert await volume_after(rig, bars) == pytest.approx(one * (bars + 1))
        assert sum(map(is_letter, await rig.read(LETTERS))) == 2 * len(odd)


async def test_state_before_a_bad_one_of_its_record_key_outlives_compaction() -> None:
    rig = WorkerRig()
    one = await volume_after(rig, 0)
    state = await newest_state(rig)
    await rig.put(Outgoing(STATES, state.key, b"garbage", state.headers, state.partition))
    async with rig.running(rig.summing()) as worker:
        await rig.until(lambda: worker.progress.phase == "running" and rig.count(LETTERS) > 0)
    for log in rig.bus._logs(STATES):
        newest = {record.key: record.offset for record in log._records}
        log._records = [r if newest[r.key] == r.offset else replace(r, key=b"", value=None) for r in log._records]
    assert await volume_after(rig, 1) == pytest.approx(2 * one)
