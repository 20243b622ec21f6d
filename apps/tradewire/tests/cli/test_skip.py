"""An operator passes over a record that ends a service."""

from __future__ import annotations

import asyncio

import pytest

from tradewire.app.cli import dlq, main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.skipping import Skipped, SkipRefusedError, skip_record
from tradewire.indicator.settings import Settings
from tradewire.indicator.wiring import build
from tradewire.ports.bus import Record
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.dead_letters.releases import Skip, read_skip
from tradewire.runtime.dead_letters.skip_words import SkipAnswer, SkipOutcome
from tradewire.testkit.builders import candle
from tradewire.testkit.worker_rig import WorkerRig

CANDLES = "market.candle.v1"


@pytest.fixture
def rig() -> WorkerRig:
    return WorkerRig()


def operator(rig: WorkerRig) -> Operator:
    return Operator(rig.bus, rig.codec, rig.clock, author="ann")


async def test_skip_when_the_record_is_there_then_the_word_is_in_the_services_topic(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    partition = rig.place(CANDLES, candle(0)).partition
    skip = Skip(CANDLES, partition, 0, "ends execution", "ops")

    done = await skip_record(operator(rig), skip, "execution", within_s=0.1)

    assert done.answer is None, "execution is not running"
    (word,) = await rig.read(DEAD_LETTERS["execution"])
    assert read_skip(word) == skip
    assert done.letter == f"{word.partition}/{word.offset}"
    assert done.record.key == b"sim:BTCUSDT"


@pytest.mark.parametrize(
    ("topic", "partition", "offset", "service", "said"),
    [
        ("market.candel.v1", 0, 0, "risk", r"found topic 'market\.candel\.v1'; allowed: market\.candle\.v1"),
        (CANDLES, 0, 0, "risk", r"risk does not read market\.candle\.v1; allowed: execution, indicator, ingest"),
        (CANDLES, 7, 0, "execution", "has partitions 0 to 1; found 7"),
        (CANDLES, 0, 5, "execution", "holds offsets none; found 5"),
    ],
)
async def test_skip_when_it_makes_no_sense_then_refused_in_words(
    rig: WorkerRig, topic: str, partition: int, offset: int, service: str, said: str
) -> None:
    with pytest.raises(SkipRefusedError, match=said):
        await skip_record(operator(rig), Skip(topic, partition, offset, "why", "ops"), service, within_s=0.1)
    assert await rig.read(DEAD_LETTERS["execution"]) == []


async def test_skip_when_the_service_has_handled_the_record_then_its_answer_says_so(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    asked = Skip(CANDLES, rig.place(CANDLES, candle(0)).partition, 0, "odd", "ops")
    async with rig.running(build(Settings(bus_url="memory:"))):
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 1)
        done = await skip_record(operator(rig), asked, "indicator", within_s=30)
    assert done.answer == SkipAnswer(0, SkipOutcome.HANDLED, 1)


async def test_skip_when_the_service_comes_while_the_command_waits_then_it_answers(rig: WorkerRig) -> None:
    await rig.say(candle(0))
    asked = Skip(CANDLES, rig.place(CANDLES, candle(0)).partition, 0, "odd", "ops")
    waiting = asyncio.create_task(skip_record(operator(rig), asked, "indicator", within_s=30))
    await rig.until(lambda: rig.count(DEAD_LETTERS["indicator"]) == 1)
    async with rig.running(build(Settings(bus_url="memory:"))):
        done = await waiting
        await rig.until(lambda: rig.bus_committed(CANDLES, "indicator") == 1)
    assert done.answer is not None
    assert done.answer.outcome in (SkipOutcome.AHEAD, SkipOutcome.PASSED_OVER)
    assert rig.count("indicator.snapshot.v1") == 0


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (None, Exit.UNREACHABLE, "indicator has not answered yet"),
        (SkipAnswer(0, SkipOutcome.HANDLED, 9), Exit.REFUSED, "has handled market.candle.v1/1 offset 3 already"),
        (SkipAnswer(0, SkipOutcome.AHEAD, 2), Exit.DONE, "passes over it when it comes to it"),
        (SkipAnswer(0, SkipOutcome.PASSED_OVER, 9), Exit.DONE, "has passed over market.candle.v1/1 offset 3"),
    ],
)
def test_skip_command_when_answered_then_words_and_exit_code_say_the_effect(
    answer: SkipAnswer | None,
    code: Exit,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = Record(CANDLES, 1, 3, b"sim:BTCUSDT", b"", (), 0)
    done = Skipped(Skip(CANDLES, 1, 3, "odd", "ops"), "indicator", "0/0", record, answer)
    monkeypatch.setattr(dlq, "run_async", lambda _: done)
    assert main(["dlq", "skip", CANDLES, "1", "3", "indicator", "--reason", "odd"]) == code
    assert said in " ".join(capsys.readouterr().out.split())
