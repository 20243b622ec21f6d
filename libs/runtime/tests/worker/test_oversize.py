"""What no bus takes: a record that is too large is a dead letter of its cause, and a dead letter itself always fits."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX, record_bytes
from tradewire.runtime.dead_letters.letters import KEY_KEPT_BYTES, VALUE_KEPT_BYTES, dead_letter, original, own_headers
from tradewire.runtime.service import LastPublished, Service, on
from tradewire.testkit.builders import candle, snapshot
from tradewire.testkit.worker_rig import WorkerRig

CANDLES, SNAPSHOTS = BY_EVENT[CandleClosed].name, BY_EVENT[IndicatorsUpdated].name
LETTERS = DEAD_LETTERS["indicator"]
TOO_MANY = {f"value {number:060}": 0.0 for number in range(RECORD_BYTES_MAX // 60)}
KIB = 1024


def swollen(number: int) -> IndicatorsUpdated:
    """A snapshot beyond every bound."""
    return snapshot(number).model_copy(update={"values": TOO_MANY})


async def test_record_whose_answer_is_too_large_is_a_dead_letter_while_the_rest_goes_on(rig: WorkerRig) -> None:
    def on_candle(event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        number = envelope.offset
        yield Emit(swollen(number) if number == 1 else snapshot(number), envelope)

    service = Service(name="indicator", inputs=(on(CandleClosed, on_candle),), outputs=(IndicatorsUpdated,))
    said = await rig.say(candle(0), candle(1), candle(2))
    async with rig.running(service):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 2 and rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (said[1].key, said[1].value)
    assert (headers["dlq.topic"], headers["dlq.error.stage"]) == (CANDLES.encode(), b"publish")
    assert str(RECORD_BYTES_MAX) in headers["dlq.error.message"].decode()
    assert await rig.committed(CANDLES, "indicator") == 3


async def test_unasked_record_that_is_too_large_is_a_cut_dead_letter_of_its_own(rig: WorkerRig) -> None:
    waiting = [Emit(swollen(0), None, event_id="a" * 32), Emit(snapshot(1), None, event_id="b" * 32)]

    def tick(_: int) -> list[Emit]:
        said = list(waiting)
        waiting.clear()
        return said

    service = Service(name="indicator", outputs=(IndicatorsUpdated,), tick=tick)
    async with rig.running(service):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 1 and rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    headers = dict(letter.headers)
    assert (headers["dlq.topic"], headers["dlq.offset"]) == (SNAPSHOTS.encode(), b"-1")
    assert len(letter.value or b"") == VALUE_KEPT_BYTES
    assert headers["event_id"] == b"a" * 32


async def test_largest_foreign_record_that_makes_no_sense_is_a_dead_letter_that_fits(rig: WorkerRig) -> None:
    good = rig.record(candle(0))
    await rig.put(replace(good, value=bytes(RECORD_BYTES_MAX - record_bytes(replace(good, value=b"")))))
    await rig.say(candle(1))
    async with rig.running(rig.summing()):
        await rig.until(lambda: rig.count(SNAPSHOTS) == 1 and rig.count(LETTERS) == 1)
    (letter,) = await rig.read(LETTERS)
    headers = dict(letter.headers)
    size = int(headers["dlq.value.bytes"])
    assert headers["dlq.value.sha256"].decode() == hashlib.sha256(bytes(size)).hexdigest()
    assert letter.value == bytes(VALUE_KEPT_BYTES)
    assert own_headers(letter) == good.headers
    with pytest.raises(ContractViolationError, match=f"holds {VALUE_KEPT_BYTES} of {size} bytes"):
        original(letter)


@given(
    key=st.none() | st.integers(0, 1100).map(lambda kib: b"k" * kib * KIB),
    value=st.none() | st.integers(0, 1100).map(lambda kib: b"v" * kib * KIB),
    headers=st.lists(st.integers(0, 300).map(lambda kib: ("h", b"h" * kib * KIB)), max_size=4).map(tuple),
)
def test_every_dead_letter_fits_and_keeps_what_it_can(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    record = Record(CANDLES, 0, 7, key, value, headers, 0)
    letter = dead_letter(record, service="indicator", version="0", stage="decode", error=ValueError("x" * KIB * KIB))
    assert record_bytes(letter) <= RECORD_BYTES_MAX
    size = record_bytes(Outgoing(CANDLES, key, value, headers))
    if size < RECORD_BYTES_MAX - 4 * KIB:
        assert (letter.key, letter.value, letter.headers[: len(headers)]) == (key, value, headers)
    elif size > RECORD_BYTES_MAX:
        assert letter.value == (value or b"")[:VALUE_KEPT_BYTES]
        assert key is None or len(key) > KEY_KEPT_BYTES or letter.key == key


async def test_event_of_a_source_beyond_a_bound_is_a_dead_letter_while_the_source_goes_on(rig: WorkerRig) -> None:
    odd = candle(1).model_copy(update={"mark_high": Decimal("1e29"), "symbol": "BTC\0USDT"})

    async def source(_: LastPublished) -> AsyncIterator[Sequence[Emit]]:
        yield [Emit(event, event_id=str(number)) for number, event in enumerate((candle(0), odd, candle(2)))]

    async with rig.running(Service(name="ingest", outputs=(CandleClosed,), source=source)) as worker:
        await rig.until(lambda: worker.progress.dead_letters == 1 and rig.count(CANDLES) == 2)
    (letter,) = await rig.read(DEAD_LETTERS["ingest"])
    assert b"BTC" in (letter.value or b"")
