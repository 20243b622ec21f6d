"""Recorded funding is settled at its own times and told by every door that ccxt asks."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from libs.venue.tests.test_loading import FILE, put
from libs.venue.tests.test_loading import NOW_US as LOADED_US
from libs.venue.tests.test_partial_fills import BTC, bot_of
from libs.venue.tests.venues import MINUTE_US, NOW_US, Client, bar, market

from tradewire.ports.errors import FatalError
from tradewire.venue.loading import load_markets
from tradewire.venue.tape import Tape

RATES = {NOW_US + 7 * MINUTE_US: Decimal("0.00020000"), NOW_US + 9 * MINUTE_US: Decimal("-0.00050000")}


async def test_funding_when_recorded_then_settled_at_its_times_and_told() -> None:
    listing, still = market(*(bar(n, "1000.0") for n in range(20)))
    venue = Client((listing, Tape(still.bars, tick_e8=10**7, rates=RATES)))
    venue.order("BUY", "1.000")
    async with bot_of(venue) as bot:
        told = await bot.fetch_funding_rate(BTC)
        assert (told["fundingRate"], told["fundingTimestamp"]) == (0.0002, (NOW_US + 7 * MINUTE_US) // 1000)
        venue.wait(12 * 60)
        rates = await bot.fetch_funding_rate_history(BTC)
        assert [(row["timestamp"] * 1000, row["fundingRate"]) for row in rates] == [
            (time_us, float(rate)) for time_us, rate in RATES.items()
        ]
        paid = [row.income for row in venue.venue.account.income if row.income_type == "FUNDING_FEE"]
        assert paid == [Decimal("-0.2"), Decimal("0.5")], "a long position pays a positive rate"


def test_funding_when_a_file_lies_beside_the_candles_then_it_moves_with_them(tmp_path: Path) -> None:
    folder = put(tmp_path)
    beside = folder / FILE.replace(".csv", ".funding.csv")
    beside.write_text("funding_time,funding_rate\n2024-03-31T00:00:00Z,0.0003\n")
    ((_, tape),) = load_markets(folder, now_us=LOADED_US, history=3)
    ((settled_us, rate),) = tape.rates.items()
    assert rate == Decimal("0.0003")
    assert settled_us in {item.close_time_us for item in tape.bars}
    beside.write_text("when,rate\n")
    with pytest.raises(FatalError, match="funding_time"):
        load_markets(folder, now_us=LOADED_US, history=3)
