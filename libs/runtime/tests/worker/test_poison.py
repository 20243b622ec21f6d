"""A record that can't be handled goes to the dead-letter topic with its lineage, and the service goes on."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, ControlChanged, IndicatorsUpdated, RiskAssessed, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import assessment, candle, evaluation
from tradewire.testkit.worker_rig import WorkerRig, ended

CANDLES = BY_EVENT[CandleClosed].name
SNAPSHOTS = BY_EVENT[IndicatorsUpdated].name
EVALUATIONS = BY_EVENT[StrategyEvaluated].name
LETTERS = DEAD_LETTERS["indicator"]
LINEAGE = {
    "dlq.topic",
    "dlq.partition",
    "dlq.offset",
    "dlq.timestamp_ms",
    "dlq.group",
    "dlq.error.type",
    "dlq.error.message",
    "dlq.error.stage",
    "dlq.attempts",
    "dlq.service.version",
}
Spoil = Callable[[Outgoing], Outgoing]


def spoiled_value(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda record: replace(record, value=change(record.value or b""))


def spoiled_header(name: str, value: bytes) -> Spoil:
    return lambda record: replace(record, headers=(*record.headers, (name, value)))


POISONS: dict[str, Spoil] = {
    "corrupt Avro": spoiled_value(lambda value: value[:5] + bytes([0xFF] * 40)),
    "truncated": spoiled_value(lambda value: value[:-7]),
    "empty": spoiled_value(lambda _: b""),
    "not Confluent's format": spoiled_value(lambda value: b"{" + value[1:]),
    "unknown schema id": spoiled_value(lambda value: struct.pack(">bI", 0, 987_654) + value[5:]),
    "bytes after the event": spoiled_value(lambda value: value + b"x"),
    "event time that is no number": spoiled_header("event_time_us", b"yesterday"),
    "header that is no text": spoiled_header("event_id", b"\xff\xfe"),
}


@pytest.mark.parametrize("name", POISONS)
async def test_poison_is_kept_with_its_lineage_while_the_rest_goes_on(rig: WorkerRig, name: str) -> None:
    poison = POISONS[name](rig.record(candle(1)))
    await rig.say(candle(0))
    await rig.put(poison)
    await rig.say(candle(2))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 2 and rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (poison.key, poison.value)
    assert letter.headers[: len(poison.headers)] == poison.headers
    assert headers.keys() >= LINEAGE
    assert (headers["dlq.topic"], headers["dlq.offset"]) == (CANDLES.encode(), b"1")
    assert headers["dlq.error.stage"] == b"decode"
    assert await rig.committed(CANDLES, "indicator") == 3


@pytest.mark.parametrize("traceparent", [b"00-" + b"z" * 52, b"0" * 55, b"\xc3\xbc" * 30, b"", b"00-12-34-01"])
async def test_bad_trace_context_does_not_keep_a_record_from_being_handled(rig: WorkerRig, traceparent: bytes) -> None:
    await rig.put(spoiled_header("traceparent", traceparent)(rig.record(candle(0))))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 1)
    assert rig.count(LETTERS) == 0


async def test_tombstone_whose_key_is_no_text_is_a_dead_letter(rig: WorkerRig) -> None:
    service = Service(
        name="indicator",
        inputs=(on(ControlChanged, lambda *_: (), deleted=lambda *_: ()),),
        outputs=(IndicatorsUpdated,),
    )
    await rig.put(Outgoing(BY_EVENT[ControlChanged].name, b"\xff\xfe", None))
    async with rig.running(service):
        await rig.until(lambda: rig.count(LETTERS) == 1)


async def test_event_from_the_future_is_a_dead_letter(rig: WorkerRig) -> None:
    ahead = math.ceil(rig.clock.now_us() / 3_600_000_000) + 24
    await rig.say(candle(0), candle(ahead), candle(1))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 2 and rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    assert dict(letter.headers)["dlq.error.stage"] == b"validate"


async def test_offset_waits_for_the_dead_letter_s_acknowledgement(rig: WorkerRig) -> None:
    async def refuse(step: str) -> None:
        if step == "before publish":
            raise FatalError("struck")

    rig.journal.hook = refuse
    await rig.put(POISONS["truncated"](rig.record(candle(0))))
    task = asyncio.create_task(rig.worker(rig.summing(), checkpoint_records=1).run(asyncio.Event()))
    assert isinstance(await ended(task), FatalError)
    assert await rig.committed(CANDLES, "indicator") == 0


def deciding() -> Service:
    """Answers each evaluation with a refusal."""

    def decide(event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        yield Emit(assessment(event.candle_offset, account_id=event.account_id), envelope)

    return Service(name="risk", inputs=(on(StrategyEvaluated, decide),), outputs=(RiskAssessed,))


async def test_key_of_an_account_is_parked_behind_its_dead_letter(rig: WorkerRig) -> None:
    await rig.say(evaluation(0))
    await rig.put(POISONS["truncated"](rig.record(evaluation(1))))
    await rig.say(evaluation(2), evaluation(3), evaluation(0, account_id="beta"))
    async with rig.running(deciding()):
        await rig.until(lambda: rig.count(DEAD_LETTERS["risk"]) == 3)
        await rig.until(lambda: rig.count(BY_EVENT[RiskAssessed].name) == 2)
    letters = await rig.read(DEAD_LETTERS["risk"])
    assert [dict(letter.headers)["dlq.error.stage"] for letter in letters] == [b"decode", b"parked", b"parked"]
    offsets = [int(dict(letter.headers)["dlq.offset"]) for letter in letters]
    assert offsets == sorted(offsets)
    assert rig.metrics.parked_keys.labels("risk")._value.get() == 1


async def test_symbol_s_key_is_not_parked(rig: WorkerRig) -> None:
    await rig.put(POISONS["truncated"](rig.record(candle(0))))
    await rig.say(candle(1))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 1)


async def test_writer_s_schema_is_fetched_when_its_id_is_new(rig: WorkerRig) -> None:
    learnt: list[int] = []

    class FetchingIds(type(rig.codec.ids)):  # type: ignore[misc]  # a registry in memory
        async def fetch(self, schema_id: int) -> None:
            learnt.append(schema_id)
            self.learn(schema_id, BY_EVENT[CandleClosed].schema_json)

    rig.codec.ids = FetchingIds({name: rig.codec.ids.own(name) for name in rig.topics()}, "http://registry")
    value = rig.codec.encode(candle(0))
    await rig.put(replace(rig.record(candle(0)), value=struct.pack(">bI", 0, 4711) + value[5:]))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 1)
    assert learnt == [4711]


async def test_handler_s_own_crash_ends_the_worker_and_commits_nothing(rig: WorkerRig) -> None:
    def broken(event: CandleClosed, _: Envelope) -> Iterator[Emit]:
        raise KeyError(event.symbol)

    await rig.say(candle(0))
    service = Service(name="indicator", inputs=(on(CandleClosed, broken),), outputs=(IndicatorsUpdated,))
    task = asyncio.create_task(rig.worker(service).run(asyncio.Event()))
    assert isinstance(await ended(task), KeyError)
    assert await rig.committed(CANDLES, "indicator") == 0


async def test_tombstone_calls_the_handler_of_deletions_with_its_key(rig: WorkerRig) -> None:
    deleted: list[str] = []

    def forget(key: str, _: Envelope) -> tuple[Emit, ...]:
        deleted.append(key)
        return ()

    service = Service(
        name="indicator", inputs=(on(ControlChanged, lambda *_: (), deleted=forget),), outputs=(IndicatorsUpdated,)
    )
    await rig.put(Outgoing(BY_EVENT[ControlChanged].name, b"account:alpha", None))
    async with rig.running(service):
        await rig.until(lambda: deleted == ["account:alpha"])
