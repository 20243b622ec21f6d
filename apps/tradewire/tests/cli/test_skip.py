"""An operator passes over a record that ends a service."""

from __future__ import annotations

import pytest

from tradewire.app.operating.operator import Operator
from tradewire.app.operating.skipping import SkipRefusedError, skip_record
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.dead_letters.releases import Skip, read_skip
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

    done = await skip_record(operator(rig), skip, "execution")

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
        await skip_record(operator(rig), Skip(topic, partition, offset, "why", "ops"), service)
    assert await rig.read(DEAD_LETTERS["execution"]) == []
