"""History from a real HTTP server that speaks Binance's REST format."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tradewire.backtest.data import MarketDataError, inspect_file, load_candles
from tradewire.backtest.data.fetching import FetchedPage, FetchKind, FetchSpan, fetch
from tradewire.backtest.data.marks_funding import read_funding
from tradewire.backtest.data.venue import HistoryVenue
from tradewire.ports.errors import RetryableError
from tradewire.testkit.rest_venue import HOUR_MS, START_MS, RestVenue

HOURS = 2500
SPAN = FetchSpan(START_MS, START_MS + HOURS * HOUR_MS)


@pytest.fixture
def served() -> Iterator[RestVenue]:
    venue = RestVenue(HOURS)
    yield venue
    venue.close()


def venue_at(served: RestVenue, waits: list[float] | None = None) -> HistoryVenue:
    noted = waits if waits is not None else []
    return HistoryVenue("binanceusdm", "BTC/USDT:USDT", "1h", base_url=served.url, sleep=noted.append)


def quiet(kind: FetchKind, reached_ms: int, rows: int) -> None:
    """No progress."""


@pytest.mark.parametrize("kind", [FetchKind.CANDLES, FetchKind.MARK])
def test_candles_of_many_pages_are_all_there_and_check_as_valid(
    served: RestVenue, tmp_path: Path, kind: FetchKind
) -> None:
    path = tmp_path / "x.parquet"
    fetch(venue_at(served), kind, SPAN, path, quiet)
    found = inspect_file(path)
    assert (found.valid, found.rows, found.interval, found.gaps) == (True, HOURS, "1h", ())
    assert (found.first_ms, found.last_ms) == (START_MS, START_MS + (HOURS - 1) * HOUR_MS)
    assert [since for _, since in served.asked] == [START_MS + n * 1000 * HOUR_MS for n in range(3)]
    assert list(tmp_path.iterdir()) == [path]
    assert len(load_candles(path)) == HOURS


def test_funding_of_the_whole_span(served: RestVenue, tmp_path: Path) -> None:
    served.page_rows = 100
    path = tmp_path / "f.parquet"
    fetch(venue_at(served), FetchKind.FUNDING, SPAN, path, quiet)
    times, rates = read_funding(path)
    assert len(times) == HOURS // 8 + 1
    assert set(rates.tolist()) == {0.0001}


def test_the_bar_that_is_still_open_is_left_out(served: RestVenue, tmp_path: Path) -> None:
    venue = venue_at(served)
    assert venue.now_ms() == served.now_ms
    span = FetchSpan(START_MS, venue.now_ms() - HOUR_MS + 1)
    table = fetch(venue, FetchKind.CANDLES, span, tmp_path / "x.parquet", quiet)
    assert table.get_column("open_time")[-1] == START_MS + (HOURS - 1) * HOUR_MS


def test_a_fetch_that_was_cut_goes_on_behind_its_last_chunk(served: RestVenue, tmp_path: Path) -> None:
    whole = fetch(venue_at(served), FetchKind.CANDLES, SPAN, tmp_path / "whole.parquet", quiet)
    served.asked.clear()
    served.stop_after = 2
    with pytest.raises((MarketDataError, RetryableError)):
        fetch(venue_at(served), FetchKind.CANDLES, SPAN, tmp_path / "x.parquet", quiet)
    assert not (tmp_path / "x.parquet").exists()
    served.stop_after = 10**9
    again = fetch(venue_at(served), FetchKind.CANDLES, SPAN, tmp_path / "x.parquet", quiet)
    assert [(since - START_MS) // HOUR_MS for _, since in served.asked] == [0, 1000, 2000]
    assert again.equals(whole)


CHILD = """
import sys
from pathlib import Path
from tradewire.backtest.data.fetching import FetchKind, FetchSpan, fetch
from tradewire.backtest.data.venue import HistoryVenue

def told(kind, reached_ms, rows):
    print(reached_ms, flush=True)
    sys.stdin.read()

url, start, end, path = sys.argv[1:]
venue = HistoryVenue("binanceusdm", "BTC/USDT:USDT", "1h", base_url=url)
fetch(venue, FetchKind.CANDLES, FetchSpan(int(start), int(end)), Path(path), told)
"""


def test_a_process_that_was_killed_is_gone_on_from(served: RestVenue, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    words = [sys.executable, "-c", CHILD, served.url, str(SPAN.start_ms), str(SPAN.end_ms), str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == START_MS + 1000 * HOUR_MS
        child.kill()
    assert fetch(venue_at(served), FetchKind.CANDLES, SPAN, path, quiet).height == HOURS
    assert [(since - START_MS) // HOUR_MS for _, since in served.asked] == [0, 1000, 2000]


def test_a_chunk_half_written_is_asked_for_again(served: RestVenue, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    chunks = tmp_path / ".x.parquet.chunks"
    chunks.mkdir()
    (chunks / f".{START_MS}-{START_MS + 1000 * HOUR_MS}.parquet.part").write_bytes(b"PAR1 half")
    assert fetch(venue_at(served), FetchKind.CANDLES, SPAN, path, quiet).height == HOURS


def test_a_later_fetch_asks_for_what_is_new_only(served: RestVenue, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    fetch(venue_at(served), FetchKind.CANDLES, FetchSpan(START_MS, START_MS + 1000 * HOUR_MS), path, quiet)
    served.asked.clear()
    assert fetch(venue_at(served), FetchKind.CANDLES, SPAN, path, quiet).height == HOURS
    assert [(since - START_MS) // HOUR_MS for _, since in served.asked] == [999, 2000]


def test_failures_in_passing_are_waited_out(served: RestVenue, tmp_path: Path) -> None:
    waits: list[float] = []
    served.fail = 3
    table = fetch(venue_at(served, waits), FetchKind.CANDLES, SPAN, tmp_path / "x.parquet", quiet)
    assert table.height == HOURS
    assert waits == [1.0, 2.0, 4.0]


def test_failure_in_passing_is_said_while_it_is_waited_out(served: RestVenue, tmp_path: Path) -> None:
    said = list[str]()
    venue = HistoryVenue(
        "binanceusdm", "BTC/USDT:USDT", "1h", base_url=served.url, sleep=lambda _: None, note=said.append
    )
    served.fail = 2
    fetch(venue, FetchKind.CANDLES, SPAN, tmp_path / "x.parquet", quiet)
    assert [line.partition(":")[2].partition(":")[0] for line in said] == [
        " attempt 1 of 6 failed, the next in 1 s",
        " attempt 2 of 6 failed, the next in 2 s",
    ]


def test_a_venue_that_stays_away_is_no_endless_wait(served: RestVenue, tmp_path: Path) -> None:
    venue = venue_at(served)
    served.fail = 1000
    with pytest.raises(RetryableError, match="6 attempts failed"):
        fetch(venue, FetchKind.CANDLES, SPAN, tmp_path / "x.parquet", quiet)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "BTC/USDT:USDT", "1h"), "--exchange: content: found nowhere"),
        (("binanceusdm", "XXX", "1h"), "--symbol: content: found XXX"),
        (("binanceusdm", "BTC/USDT:USDT", "7m"), "--interval: content: found 7m"),
    ],
)
def test_what_there_is_not_is_named(served: RestVenue, arguments: tuple[str, str, str], message: str) -> None:
    with pytest.raises(MarketDataError, match=message):
        HistoryVenue(*arguments, base_url=served.url)


class Twice:
    """Answers with another close each time."""

    def __init__(self) -> None:
        self.answers = 0

    def page(self, kind: FetchKind, since_ms: int, until_ms: int) -> FetchedPage:
        self.answers += 1
        columns: dict[str, Any] = {name: [1.0] for name in ("open", "high", "low", "close")}
        return FetchedPage(
            pl.DataFrame({"open_time": [START_MS], **columns, "volume": [float(self.answers)]}), until_ms
        )


def test_rows_of_one_time_that_differ_are_refused(tmp_path: Path) -> None:
    pages = Twice()
    fetch(pages, FetchKind.CANDLES, FetchSpan(START_MS, START_MS + 1), tmp_path / "x.parquet", quiet)
    with pytest.raises(MarketDataError, match="found rows that differ"):
        fetch(pages, FetchKind.CANDLES, FetchSpan(START_MS, START_MS + 2), tmp_path / "x.parquet", quiet)
