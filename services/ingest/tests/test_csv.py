"""CSV files as a market data source: one stream, in event time, resumable, paced."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.ingest.adapters.pace import Pace
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, GapDetected
from tradewire.ports.market_data import MarketDataPort
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.market_data_suite import MarketDataSuite

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
HOUR_MS = 3_600_000
START_MS = 1_571_302_800_000
NOW_US = 1_700_000_000_000_000
HEADER = "open_time,open,high,low,close,volume"

INSTRUMENT = """
  - venue: {venue}
    symbol: {symbol}
    base: BTC
    quote: USD
    status: TRADING
    tick_size: "0.01"
    step_size: "0.0001"
    min_qty: "0.0001"
    max_qty: "1000"
    min_notional: "5"
    maker_fee: "0.0002"
    taker_fee: "0.0005"
    liquidation_fee: "0.0125"
    price_collar_ratio: "0.05"
    intervals: [1h]
    brackets: *brackets
    valid_from_us: 0
"""


def write_instruments(folder: Path, *keys: tuple[str, str]) -> Path:
    brackets = (
        'brackets: &brackets [{notional_floor: "0", notional_cap: "50000", maintenance_ratio: "0.004", '
        'maintenance_amount: "0", max_leverage: 125}]\ninstruments:'
    )
    text = brackets + "".join(INSTRUMENT.format(venue=venue, symbol=symbol) for venue, symbol in keys)
    path = folder / "instruments.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def write_bars(folder: Path, name: str, hours: Sequence[int], *, more: str = "") -> Path:
    lines = [f"{START_MS + hour * HOUR_MS},100,110,90,{100 + hour},7" for hour in hours]
    path = folder / name
    path.write_text("\n".join([HEADER, *lines]) + "\n" + more, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three markets; alpha:ETHUSD begins later and lacks two bars."""
    write_instruments(tmp_path, ("alpha", "BTCUSD"), ("alpha", "ETHUSD"), ("beta", "BTCUSD"))
    write_bars(tmp_path, "beta-BTCUSD-1h.csv", range(6))
    write_bars(tmp_path, "alpha-BTCUSD-1h.csv", range(6))
    write_bars(tmp_path, "alpha-ETHUSD-1h.csv", (2, 5))
    return tmp_path


def csv_data(folder: Path, **options: object) -> CsvMarketData:
    return CsvMarketData(folder, folder / "instruments.yaml", ManualClock(NOW_US), **options)  # type: ignore[arg-type]


class TestCsvContract(MarketDataSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder

    def market(self) -> MarketDataPort:
        return csv_data(self.folder)


class TestSampleContract(MarketDataSuite):
    def market(self) -> MarketDataPort:
        files = [SAMPLE / f"bitstamp-{asset}USD-1d.csv" for asset in ("ETH", "LTC")]
        return CsvMarketData(files, SAMPLE / "instruments.yaml", ManualClock(NOW_US))


async def test_events_of_several_files_go_by_close_then_venue_then_symbol(folder: Path) -> None:
    events = [event async for event in csv_data(folder).events({})]
    told = [
        (
            event.venue,
            event.symbol,
            f"{event.missing} missing" if isinstance(event, GapDetected) else int(event.close) - 100,
        )
        for event in events
        if isinstance(event, CandleClosed | GapDetected)
    ]
    btc: list[list[tuple[str, str, object]]] = [
        [("alpha", "BTCUSD", hour), ("beta", "BTCUSD", hour)] for hour in range(6)
    ]
    btc[2].insert(1, ("alpha", "ETHUSD", 2))
    btc[5][1:1] = [("alpha", "ETHUSD", "2 missing"), ("alpha", "ETHUSD", 5)]
    assert told == [line for moment in btc for line in moment]


async def test_events_when_resumed_per_key_leaves_the_other_keys_whole(folder: Path) -> None:
    after_us = (START_MS + 5 * HOUR_MS) * 1000
    events = [event async for event in csv_data(folder).events({("alpha", "BTCUSD"): after_us})]
    hours = [int(event.close) - 100 for event in events if isinstance(event, CandleClosed) and event.venue == "alpha"]
    assert hours == [2, 5, 5]
    assert sum(isinstance(event, CandleClosed) and event.venue == "beta" for event in events) == 6


async def test_events_when_resumed_behind_a_gap_does_not_report_it_again(folder: Path) -> None:
    for hour, reports in ((5, 1), (6, 0)):
        resume = {("alpha", "ETHUSD"): (START_MS + hour * HOUR_MS) * 1000}
        events = [event async for event in csv_data(folder).events(resume)]
        assert sum(isinstance(event, GapDetected) for event in events) == reports


async def test_events_when_the_last_row_is_cut_reports_it_and_marks_the_bar_before(tmp_path: Path) -> None:
    write_instruments(tmp_path, ("alpha", "BTCUSD"))
    write_bars(tmp_path, "alpha-BTCUSD-1h.csv", range(3), more=f"{START_MS + 3 * HOUR_MS},100,1")
    *_, fault, last = [event async for event in csv_data(tmp_path).events({})]
    assert isinstance(last, CandleClosed)
    assert isinstance(fault, GapDetected)
    assert last.last_of_stream
    assert (fault.field, fault.found, fault.allowed, fault.row) == ("row", "3 columns", "6 columns", 5)


async def test_events_when_bars_have_not_closed_by_the_clock_are_refused(folder: Path) -> None:
    clock = ManualClock((START_MS + 4 * HOUR_MS) * 1000)
    data = CsvMarketData([folder / "beta-BTCUSD-1h.csv"], folder / "instruments.yaml", clock)
    events = [event async for event in data.events({})]
    assert [type(event) for event in events] == [CandleClosed] * 4 + [GapDetected] * 2


@pytest.mark.parametrize("text", ["", HEADER, "a,b\n1,2\n"])
async def test_events_when_a_file_is_no_table_of_bars_is_fatal_and_names_it(folder: Path, text: str) -> None:
    (folder / "beta-BTCUSD-1h.csv").write_text(text)
    with pytest.raises(FatalError, match=r"beta-BTCUSD-1h\.csv.*found .*, allowed "):
        async for _ in csv_data(folder).events({}):
            pass


async def test_events_when_a_file_is_not_utf_8_is_fatal(folder: Path) -> None:
    (folder / "beta-BTCUSD-1h.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FatalError, match=r"beta-BTCUSD-1h\.csv: can't be read"):
        await anext(aiter(csv_data(folder).events({})))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BTCUSD.csv", r"BTCUSD\.csv: found this name, allowed <venue>-<symbol>-<interval>\.csv"),
        ("alpha-BTCUSD-1y.csv", r"allowed <venue>-<symbol>-<interval>\.csv"),
        ("alpha-BTCUSD-1h.parquet", r"a second file of alpha:BTCUSD:1h, allowed one"),
        ("alpha-DOGE-1h.csv", r"alpha:DOGE is not there, but .*alpha-DOGE-1h\.csv needs it"),
    ],
)
def test_build_when_a_file_does_not_fit_says_which_and_why(folder: Path, name: str, message: str) -> None:
    write_bars(folder, name, range(2))
    with pytest.raises(FatalError, match=message):
        csv_data(folder)


async def test_events_when_a_symbol_has_two_intervals_come_in_event_time_and_none_is_lost_on_resuming(
    tmp_path: Path,
) -> None:
    instruments = write_instruments(tmp_path, ("alpha", "BTCUSD"))
    instruments.write_text(instruments.read_text().replace("[1h]", "[1h, 4h]"))
    write_bars(tmp_path, "alpha-BTCUSD-1h.csv", range(5, 9))
    write_bars(tmp_path, "alpha-BTCUSD-4h.csv", [3, 7])
    data = csv_data(tmp_path)
    assert len(await data.instruments()) == 1
    candles = [event async for event in data.events({}) if isinstance(event, CandleClosed)]
    hours = [(candle.close_time_us // 1000 - START_MS) // HOUR_MS for candle in candles]
    assert hours == [6, 7, 7, 8, 9, 11]
    assert [(c.interval, c.last_of_stream) for c in candles if c.last_of_stream] == [("1h", True), ("4h", True)]
    assert [candle.interval for candle in candles[1:3]] == ["1h", "4h"]
    resumed = csv_data(tmp_path).events({("alpha", "BTCUSD"): candles[1].close_time_us})
    assert [event async for event in resumed if isinstance(event, CandleClosed)] == candles[1:]


@pytest.mark.parametrize("symbol", ["BTC-USD", "BTC_USD_PERP", "币安人生USDT", "1000PEPEUSDT"])
async def test_a_symbol_may_be_what_a_venue_lists(tmp_path: Path, symbol: str) -> None:
    write_instruments(tmp_path, ("alpha", symbol))
    write_bars(tmp_path, f"alpha-{symbol}-1h.csv", range(2))
    candles = [event async for event in csv_data(tmp_path).events({}) if isinstance(event, CandleClosed)]
    assert [candle.symbol for candle in candles] == [symbol] * 2


def test_build_when_the_interval_is_not_offered_says_so(tmp_path: Path) -> None:
    write_instruments(tmp_path, ("alpha", "BTCUSD"))
    write_bars(tmp_path, "alpha-BTCUSD-4h.csv", range(2))
    with pytest.raises(FatalError, match="intervals: found 1h, allowed 4h among them"):
        csv_data(tmp_path)


def test_build_when_the_folder_has_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="found no candle file"):
        csv_data(tmp_path)


async def test_events_when_a_file_bounds_the_replay_then_waits_until_it_names_a_later_time(folder: Path) -> None:
    bound, looks = folder / "until", 0

    async def sleep(_: float) -> None:
        nonlocal looks
        bound.write_text(f"{times_us[looks]}\n")
        looks += 1

    files = [folder / "beta-BTCUSD-1h.csv"]
    free = CsvMarketData(files, folder / "instruments.yaml", ManualClock(NOW_US))
    times_us = [event.close_time_us async for event in free.events({}) if isinstance(event, CandleClosed)]
    pace = Pace(until_file=bound)
    data = CsvMarketData(files, folder / "instruments.yaml", ManualClock(NOW_US), pace=pace, sleep=sleep)
    came_after_looks = [looks async for event in data.events({}) if isinstance(event, CandleClosed)]
    assert came_after_looks == list(range(1, len(times_us) + 1))


@pytest.mark.parametrize("text", ["soon", "", "-1", "1.5"])
async def test_events_when_the_bounding_file_names_no_time_then_fatal(folder: Path, text: str) -> None:
    bound = folder / "until"
    bound.write_text(text)
    pace = Pace(until_file=bound)
    data = CsvMarketData(folder, folder / "instruments.yaml", ManualClock(NOW_US), pace=pace)
    with pytest.raises(FatalError, match="allowed an event time in microseconds"):
        async for _ in data.events({}):
            pass


@pytest.mark.parametrize("options", [{"bars_per_second": 0}, {"speed": -1}, {"bars_per_second": 1, "speed": 1}])
def test_pace_when_it_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        Pace(**options)


async def test_events_of_the_sample_are_what_its_readme_says() -> None:
    data = CsvMarketData(SAMPLE, SAMPLE / "instruments.yaml", ManualClock(NOW_US))
    events = [event async for event in data.events({})]
    candles = [event for event in events if isinstance(event, CandleClosed)]
    faults = [event for event in events if isinstance(event, GapDetected)]
    counts = {
        (venue, symbol): sum((candle.venue, candle.symbol) == (venue, symbol) for candle in candles)
        for venue, symbol in {(candle.venue, candle.symbol) for candle in candles}
    }
    assert counts == {
        ("coinbase", "BTCUSD"): 20_111,
        ("bitstamp", "BTCUSD"): 1_865,
        ("bitstamp", "ETHUSD"): 788,
        ("bitstamp", "LTCUSD"): 925,
    }
    assert [(fault.kind, fault.symbol, fault.missing) for fault in faults] == [
        ("MISSING", symbol, 12) for symbol in ("BTCUSD", "ETHUSD", "LTCUSD")
    ]
    assert sum(candle.volume == 0 for candle in candles if candle.venue == "coinbase") == 28
    tick = Decimal("0.01")
    assert all(number % tick == 0 for c in candles for number in (c.open, c.high, c.low, c.close))
