"""A recorded session: what each message becomes, and in which order."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradewire.ingest.adapters.recorded import RecordedSession
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed, GapDetected, MarkPriceUpdated, TopOfBook, TradeSeen
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.market_data_suite import MarketDataSuite, time_us

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("TRADEWIRE_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
NOW_US = 1_800_000_000_000_000
START_MS = 1_626_992_700_000
MINUTE_MS = 60_000

shared_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no shared data at {SHARED}: set TRADEWIRE_SHARED_DATA to read it elsewhere"
)

Message = dict[str, Any]


def kline(minute: int, *, symbol: str = "BTCUSDT", closed: bool = True, **fields: object) -> Message:
    opened = START_MS + minute * MINUTE_MS
    inner = {"t": opened, "T": opened + MINUTE_MS - 1, "s": symbol, "i": "1m", "x": closed}
    numbers = {"o": "100", "h": "110", "l": "90", "c": f"{100 + minute}.50", "v": "7"}
    return {"e": "kline", "E": opened + MINUTE_MS + 200, "s": symbol, "k": inner | numbers | fields}


def trade(at_ms: int, *, kind: str = "aggTrade", **fields: object) -> Message:
    ids = {"a": at_ms} if kind == "aggTrade" else {"t": at_ms, "X": "MARKET"}
    body = {"s": "BTCUSDT", "p": "61800.30", "q": "0.006", "m": False, "T": START_MS + at_ms, "E": START_MS + at_ms}
    return {"e": kind} | body | ids | fields


def quote(at_ms: int, **fields: object) -> Message:
    book = {"b": "61800.20", "B": "2.507", "a": "61800.30", "A": "2.510"}
    return {"e": "bookTicker", "u": at_ms, "s": "BTCUSDT", "T": START_MS + at_ms, "E": START_MS + at_ms} | book | fields


def mark(at_ms: int, *, next_ms: int, rate: str, **fields: object) -> Message:
    prices = {"p": "11794.15", "i": "11784.62659091"}
    times = {"E": START_MS + at_ms, "T": START_MS + next_ms}
    return {"e": "markPriceUpdate", "s": "BTCUSDT", "r": rate} | times | prices | fields


def write(folder: Path, messages: list[Message], *, name: str = "session.jsonl.gz") -> Path:
    lines = "".join(json.dumps({"origin": "sample", "msg": {"stream": "x", "data": item}}) + "\n" for item in messages)
    path = folder / name
    path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
    return path


async def read(path: Path, *, clock_us: int = NOW_US) -> list[Event]:
    session = RecordedSession(path, ManualClock(clock_us))
    return [event async for event in session.events({})]


class TestRecordedContract(MarketDataSuite):
    @pytest.fixture(autouse=True)
    def _session(self, tmp_path: Path) -> None:
        minutes = (0, 1, 2, 5, 6)
        messages = [kline(minute, symbol=symbol) for minute in minutes for symbol in ("BTCUSDT", "ETHUSDT")]
        messages += [kline(minute, closed=False) for minute in minutes]
        messages += [trade(minute * MINUTE_MS + 30_000) for minute in minutes]
        messages += [quote(minute * MINUTE_MS + 30_000) for minute in minutes]
        messages.sort(key=lambda message: int(message["E"]))
        self.path = write(tmp_path, messages)
        self.instruments_file = tmp_path / "instruments.yaml"
        sample = (REPOSITORY / "data" / "sample" / "instruments.yaml").read_text(encoding="utf-8")
        for old, new in (
            ("venue: coinbase", "venue: binance"),
            ("symbol: BTCUSD\n", "symbol: BTCUSDT\n"),
            ("venue: bitstamp\n    symbol: ETHUSD", "venue: binance\n    symbol: ETHUSDT"),
            ("intervals: [1h]", "intervals: [1m]"),
            ("intervals: [1d]", "intervals: [1m]"),
        ):
            sample = sample.replace(old, new)
        self.instruments_file.write_text(sample, encoding="utf-8")

    def market(self) -> MarketDataPort:
        return RecordedSession(self.path, ManualClock(NOW_US), instruments_file=self.instruments_file)


async def test_events_of_each_kind_of_message_are_exact(tmp_path: Path) -> None:
    messages = [trade(1), quote(2), mark(3, next_ms=9000, rate="0.00038167"), kline(0)]
    seen, top, price, candle = await read(write(tmp_path, messages))
    at_us = START_MS * 1000
    assert seen == TradeSeen(
        venue="binance",
        symbol="BTCUSDT",
        trade_id=1,
        event_time_us=at_us + 1000,
        price=Decimal("61800.30"),
        qty=Decimal("0.006"),
        buyer_is_maker=False,
    )
    assert top == TopOfBook(
        venue="binance",
        symbol="BTCUSDT",
        event_time_us=at_us + 2000,
        update_id=2,
        bid=Decimal("61800.20"),
        bid_qty=Decimal("2.507"),
        ask=Decimal("61800.30"),
        ask_qty=Decimal("2.510"),
    )
    assert price == MarkPriceUpdated(
        venue="binance",
        symbol="BTCUSDT",
        event_time_us=at_us + 3000,
        mark_price=Decimal("11794.15"),
        index_price=Decimal("11784.62659091"),
        next_funding_time_us=at_us + 9_000_000,
    )
    assert isinstance(candle, CandleClosed)
    assert str(candle.close) == "100.50"
    assert (candle.open_time_us, candle.close_time_us) == (at_us, at_us + 60_000_000)
    assert candle.last_of_stream


async def test_events_when_a_kline_is_unfinished_or_a_message_is_not_used_gives_nothing(tmp_path: Path) -> None:
    depth = {"e": "depthUpdate", "E": START_MS, "T": START_MS, "s": "BTCUSDT", "b": [], "a": []}
    fund = trade(1, kind="trade", X="INSURANCE_FUND", p="0", q="0")
    assert await read(write(tmp_path, [kline(0, closed=False), depth, fund, {"lastUpdateId": 1}])) == []


async def test_events_when_streams_overtake_each_other_are_put_in_event_time(tmp_path: Path) -> None:
    messages = [quote(60_150), trade(61_000, kind="trade"), kline(0), trade(59_999), quote(62_000)]
    events = await read(write(tmp_path, messages))
    assert [type(event) for event in events] == [TradeSeen, CandleClosed, TopOfBook, TradeSeen, TopOfBook]
    assert [time_us(event) for event in events] == sorted(time_us(event) for event in events)


async def test_events_when_one_comes_too_late_reports_it_instead(tmp_path: Path) -> None:
    messages = [trade(0), trade(60_000), trade(49_999), kline(0), trade(90_000), kline(-1)]
    events = await read(write(tmp_path, messages))
    late = [event for event in events if isinstance(event, GapDetected)]
    assert [(event.kind, event.interval) for event in late] == [("OUT_OF_ORDER", "trade"), ("OUT_OF_ORDER", "1m")]
    assert sum(isinstance(event, TradeSeen) for event in events) == 3
    assert sum(isinstance(event, CandleClosed) for event in events) == 1


async def test_events_when_klines_repeat_or_are_missing_says_so(tmp_path: Path) -> None:
    messages = [kline(0), kline(1), kline(1), kline(1, c="101.6"), kline(4), kline(5, h="1")]
    events = await read(write(tmp_path, messages))
    told = [event.kind if isinstance(event, GapDetected) else "bar" for event in events]
    assert told == ["bar", "bar", "DUPLICATE", "CONFLICT", "MISSING", "bar", "INVALID"]
    bars = [event.last_of_stream for event in events if isinstance(event, CandleClosed)]
    assert bars == [False, False, True]


@pytest.mark.parametrize(
    ("message", "field", "found"),
    [
        (trade(1, p="-5"), "p", "-5"),
        (trade(1, q="NaN"), "q", "NaN"),
        (trade(1, p=5.5), "p", "5.5"),
        (trade(1, a="x"), "a", "x"),
        (quote(1, b="61800.30"), "b", "61800.30"),
        (quote(1, A=None), "A", "None"),
        (mark(1, next_ms=2, rate="high"), "r", "high"),
        (kline(0, i="1s"), "i", "1s"),
        (kline(0, c=None), "c", "None"),
    ],
)
async def test_events_when_a_message_is_unsound_reports_field_and_line(
    tmp_path: Path, message: Message, field: str, found: str
) -> None:
    events = await read(write(tmp_path, [trade(0), message]))
    (fault,) = [event for event in events if isinstance(event, GapDetected)]
    assert (fault.kind, fault.field, fault.found, fault.row) == ("INVALID", field, found, 2)


async def test_events_when_funding_settles_tells_the_rate_at_its_time(tmp_path: Path) -> None:
    messages = [
        mark(1000, next_ms=5000, rate="0.00010000"),
        mark(4000, next_ms=5000, rate="-0.00020000"),
        quote(5500),
        mark(6000, next_ms=9000, rate="0.00030000"),
        mark(9000, next_ms=99000, rate="0.00040000"),
    ]
    events = await read(write(tmp_path, messages))
    told = [
        (event.event_time_us // 1000 - START_MS, event.funding_rate)
        for event in events
        if isinstance(event, MarkPriceUpdated)
    ]
    assert told == [
        (1000, None),
        (4000, None),
        (5000, Decimal("-0.0002")),
        (6000, None),
        (9000, Decimal("0.0003")),
    ]
    assert [time_us(event) for event in events] == sorted(time_us(event) for event in events)


async def test_events_of_bare_and_listed_messages_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    marks = [mark(1, next_ms=9000, rate=""), mark(1, next_ms=9000, rate="", s="ETHUSDT")]
    lines = [trade(0), {"stream": "!markPrice@arr", "data": marks}, {"msg": [quote(2), quote(3)]}]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    events = await read(path)
    assert [type(event).__name__ for event in events] == [
        "TradeSeen",
        "MarkPriceUpdated",
        "MarkPriceUpdated",
        "TopOfBook",
        "TopOfBook",
    ]


async def test_events_when_resumed_passes_over_what_is_known_of_that_symbol(tmp_path: Path) -> None:
    path = write(tmp_path, [trade(0), kline(0), trade(60_001), kline(0, symbol="ETHUSDT")])
    session = RecordedSession(path, ManualClock(NOW_US))
    resume = {("binance", "BTCUSDT"): (START_MS + MINUTE_MS) * 1000}
    events = [event async for event in session.events(resume)]
    assert [type(event) for event in events] == [CandleClosed, TradeSeen]


async def test_events_when_the_clock_is_behind_refuses_the_bar(tmp_path: Path) -> None:
    (fault,) = await read(write(tmp_path, [kline(0)]), clock_us=START_MS * 1000)
    assert isinstance(fault, GapDetected)
    assert fault.kind == "FUTURE"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"e": "kline"', r"session\.jsonl, line 2: "),
        ("[1]", r"session\.jsonl, line 2: msg: found \[1\], allowed a message"),
        ('{"e": "aggTrade", "E": 1}', r"session\.jsonl, line 2: s: found None, allowed text"),
    ],
)
async def test_events_when_a_line_is_no_message_is_fatal_and_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, [trade(0)], name="session.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    with pytest.raises(FatalError, match=message):
        await read(path)


async def test_events_when_the_archive_is_cut_is_fatal(tmp_path: Path) -> None:
    path = write(tmp_path, [trade(number) for number in range(100)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FatalError, match=r"session\.jsonl\.gz: can't be read"):
        await read(path)


async def test_events_when_the_file_is_absent_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"none\.jsonl: can't be read"):
        await read(tmp_path / "none.jsonl")


@shared_data
async def test_events_of_the_recorded_btc_minute_hold_every_trade_and_quote() -> None:
    events = await read(SHARED / "messages" / "sessions" / "BTCUSDT-um-20240808-60s.jsonl.gz")
    assert Counter(type(event).__name__ for event in events) == {"TopOfBook": 12_088, "TradeSeen": 2_501}
    assert [time_us(event) for event in events] == sorted(time_us(event) for event in events)


@shared_data
async def test_events_of_the_recorded_altcoin_session_hold_its_two_closed_klines() -> None:
    events = await read(SHARED / "messages" / "sessions" / "SUSHI_AKRO-um-20210722.jsonl.gz")
    candles = [event for event in events if isinstance(event, CandleClosed)]
    assert Counter(type(event).__name__ for event in events) == {"TopOfBook": 393, "TradeSeen": 48, "CandleClosed": 2}
    assert {(candle.symbol, str(candle.close), str(candle.volume)) for candle in candles} == {
        ("SUSHIUSDT", "7.6170", "3005"),
        ("AKROUSDT", "0.01733", "235736"),
    }
    assert all(candle.last_of_stream for candle in candles)
