"""The running indicator service with each library that it may be set to, over the memory bus, from the same candles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from tradewire.app.operating.monolith import memory_topics, run_monolith, sample_scenarios
from tradewire.indicator.settings import Settings
from tradewire.ports.events import IndicatorsUpdated
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec, SchemaIds

ROOT = Path(__file__).parents[2]
SAMPLE = sample_scenarios(ROOT)["btc-hourly"]
BARS = 600
FADED = 400
"""pandas-ta seeds recursive averages in its own way; from this bar on the seed has faded."""


async def snapshots(folder: Path) -> list[IndicatorsUpdated]:
    """What the indicator service answers to the first weeks of the sample."""
    (name,) = SAMPLE.files
    lines = (SAMPLE.data / name).read_text().splitlines()[: BARS + 1]
    (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "instruments.yaml").write_text((SAMPLE.data / "instruments.yaml").read_text())
    bus, codec = MemoryBus(memory_topics()), Codec(SchemaIds.static())
    await run_monolith(replace(SAMPLE, data=folder), bus=bus)
    topic = BY_EVENT[IndicatorsUpdated].name
    found = [codec.decode(topic, record.value) async for record in read_to_end(bus, topic) if record.value is not None]
    return [event for event in found if isinstance(event, IndicatorsUpdated)]


@pytest.mark.parametrize(("adapter", "first", "tolerance"), [("talib", 0, 1e-9), ("pandas-ta", FADED, 1e-6)])
async def test_indicator_service_when_set_to_a_library_then_tells_the_same_values_as_our_own(
    adapter: str, first: int, tolerance: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await snapshots(tmp_path)
    monkeypatch.setenv("TRADEWIRE_INDICATOR_ADAPTER", adapter)
    theirs = await snapshots(tmp_path)
    assert len(own) == len(theirs) == BARS
    assert len(own[-1].values) > 10
    for plain, other in zip(own[first:], theirs[first:], strict=True):
        assert [name for name, value in other.values.items() if value is None] == [
            name for name, value in plain.values.items() if value is None
        ]
        expected = {name: value for name, value in plain.values.items() if value is not None}
        known = {name: value for name, value in other.values.items() if value is not None}
        assert known == pytest.approx(expected, rel=tolerance, abs=tolerance)
    assert [s.values for s in theirs] != [s.values for s in own]  # it is the other library that computed


def test_indicator_service_when_set_to_a_library_that_it_does_not_know_then_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"(?s)indicator_adapter.*'native', 'talib' or 'pandas-ta'.*'quantlib'"):
        Settings.model_validate({"indicator_adapter": "quantlib"})
