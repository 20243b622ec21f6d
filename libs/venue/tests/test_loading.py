"""Candle files of other programs and other zones are played as they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from shutil import copy

import pytest

from tradewire.ports.errors import FatalError
from tradewire.trading.times import zone_of
from tradewire.venue.loading import load_markets

SAMPLE = Path(__file__).parents[3] / "data/sample"
FILE = "coinbase-BTCUSD-1h.csv"
FIRST = datetime(2024, 3, 30, 22, tzinfo=UTC)
NOW_US = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp()) * 10**6


def put(folder: Path) -> Path:
    """Six hours of MetaTrader in UTF-16, in which the clocks of Berlin go forward."""
    hours = [FIRST + timedelta(hours=number) for number in range(8) if number != 4]
    rows = [f"{hour:%Y.%m.%d\t%H:%M:%S}\t100\t110\t90\t105\t5" for hour in hours]
    text = "\n".join(["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>", *rows])
    (folder / FILE).write_bytes(text.encode("utf-16"))
    copy(SAMPLE / "instruments.yaml", folder)
    return folder


def steps(folder: Path, zone: str) -> set[int]:
    ((_, tape),) = load_markets(folder, now_us=NOW_US, history=3, zone=zone_of(zone))
    opens = [bar.open_time_us for bar in tape.bars]
    return {(later - earlier) // 3_600_000_000 for earlier, later in pairwise(opens)}


def test_times_are_of_the_zone_that_is_named(tmp_path: Path) -> None:
    assert steps(put(tmp_path), "Europe/Berlin") == {1}
    assert steps(put(tmp_path), "UTC") == {1, 2}


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    (put(tmp_path) / FILE).write_bytes(b"\xe9\x80")
    with pytest.raises(FatalError, match=FILE):
        load_markets(tmp_path, now_us=NOW_US)


def test_a_file_of_another_market_is_not_played(tmp_path: Path) -> None:
    copy(SAMPLE / "instruments.yaml", tmp_path)
    header, *rows = (SAMPLE / FILE).read_text().splitlines()[:9]
    (tmp_path / FILE).write_text("\n".join([f"{header},symbol", *(f"{row},ETH/USD" for row in rows)]))
    with pytest.raises(FatalError, match="found ETH/USD in column symbol, allowed BTCUSD"):
        load_markets(tmp_path, now_us=NOW_US)
