"""Recorded marks differ from last prices: told by every door, and what positions are valued and liquidated by."""

from __future__ import annotations

from pathlib import Path

import pytest
from libs.venue.tests.test_loading import FILE, put
from libs.venue.tests.test_loading import NOW_US as LOADED_US
from libs.venue.tests.test_partial_fills import BTC, bot_of
from libs.venue.tests.venues import NOW_US, Client, bar, market

from tradewire.ports.errors import FatalError
from tradewire.venue.loading import load_markets
from tradewire.venue.tape import Tape


def marked(*marks: str) -> Client:
    """A last price that stands at 1,000 while the mark goes from one price to the next."""
    listing, still = market(*(bar(n, "1000.0") for n in range(len(marks))))
    beside = Tape([bar(n, price) for n, price in enumerate(marks)], tick_e8=1)
    return Client((listing, Tape(still.bars, tick_e8=10**7, marks=beside)))


async def test_mark_when_recorded_then_told_beside_the_last_price() -> None:
    venue = marked("990.12345678", "980.5", "970")
    venue.order("BUY", "1.000")
    async with bot_of(venue) as bot:
        assert (await bot.fetch_funding_rate(BTC))["markPrice"] == 990.12345678
        venue.wait(70)
        assert (await bot.fetch_ticker(BTC))["last"] == 1000.0
        assert (await bot.fetch_funding_rate(BTC))["markPrice"] == 980.5
        rows = await bot.fetch_mark_ohlcv(BTC, "1m")
        assert [row[4] for row in rows if row[0] * 1000 >= NOW_US] == [990.12345678, 980.5]
        (held,) = await bot.fetch_positions()
        assert (held["markPrice"], held["unrealizedPnl"]) == (980.5, -19.5)
        venue.order("BUY", "1.000")
        (held,) = await bot.fetch_positions()
        assert held["markPrice"] == 980.5, "an order does not move the mark"


async def test_liquidation_when_the_mark_alone_falls_then_made() -> None:
    venue = marked("1000", "1000", "100", "100")
    venue.order("BUY", "200.000")
    venue.wait(190)
    made = [order for order in venue.venue.account.orders.values() if order.client_order_id.startswith("autoclose-")]
    assert len(made) == 1


def test_marks_when_a_file_lies_beside_the_candles_then_they_move_with_them(tmp_path: Path) -> None:
    folder = put(tmp_path)
    beside = folder / FILE.replace(".csv", ".mark.csv")
    text = (folder / FILE).read_bytes().decode("utf-16").replace("\t105\t5", "\t101\t0")
    beside.write_text(text)
    ((_, tape),) = load_markets(folder, now_us=LOADED_US, history=3)
    assert tape.marks is not None
    assert [mark.open_time_us for mark in tape.marks.bars] == [item.open_time_us for item in tape.bars]
    assert {mark.close_e8 for mark in tape.marks.bars} == {101 * 10**8}
    beside.write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(
        FatalError, match=r"found no mark for 1 candles of coinbase-BTCUSD-1h\.csv.*allowed: one for each"
    ):
        load_markets(folder, now_us=LOADED_US, history=3)
