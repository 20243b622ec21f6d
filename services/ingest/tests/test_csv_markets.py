"""Files whose rows name their market."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed

from .test_csv import csv_data, write_bars, write_instruments


async def test_events_of_a_file_of_several_markets_are_those_of_its_name(tmp_path: Path) -> None:
    write_instruments(tmp_path, ("alpha", "BTCUSD"))
    path = write_bars(tmp_path, "alpha-BTCUSD-1h.csv", range(4))
    header, *lines = path.read_text().splitlines()
    named = [f"{line},{name}" for line, name in zip(lines, ("BTC/USD", "ETH/USD") * 2, strict=True)]
    path.write_text("\n".join([f"{header},symbol", *named]))
    events = [event async for event in csv_data(tmp_path).events({})]
    assert [event.close for event in events if isinstance(event, CandleClosed)] == [100, 102]
    path.write_text("\n".join([f"{header},symbol", *(line for line in named if "ETH" in line)]))
    with pytest.raises(FatalError, match="found ETH/USD in column symbol, allowed BTCUSD"):
        await anext(aiter(csv_data(tmp_path).events({})))
