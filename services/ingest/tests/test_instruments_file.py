"""Instruments from YAML: exact amounts, checked brackets, errors that name the place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tradewire.ingest.adapters.instruments_file import read_instruments
from tradewire.ports.errors import FatalError

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "instruments.yaml"


def test_read_instruments_of_the_sample_has_the_four_markets_and_binances_amounts() -> None:
    instruments = read_instruments(SAMPLE)
    assert [(item.venue, item.symbol, item.intervals) for item in instruments] == [
        ("coinbase", "BTCUSD", ("1h",)),
        ("bitstamp", "BTCUSD", ("1d",)),
        ("bitstamp", "ETHUSD", ("1d",)),
        ("bitstamp", "LTCUSD", ("1d",)),
    ]
    # Binance's published table for BTCUSDT: 0, 50, 1,300, 46,300, …
    amounts = [0, 50, 1300, 46300, 546300, 2546300, 5046300, 8046300, 28046300, 103046300]
    for item in instruments:
        assert [bracket.maintenance_amount for bracket in item.brackets] == amounts
        assert (item.taker_fee, item.maker_fee) == (Decimal("0.0005"), Decimal("0.0002"))
        first_bar = (SAMPLE.parent / f"{item.venue}-{item.symbol}-{item.intervals[0]}.csv").read_text().splitlines()[1]
        assert item.valid_from_us == int(first_bar.split(",")[0]) * 1000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"46300"', '"46301"', r"coinbase:BTCUSD: brackets: 4: maintenance_amount: found 46301, allowed 46300"),
        (
            'notional_floor: "50000"',
            'notional_floor: "60000"',
            r"brackets: 2: notional_floor: found 60000, allowed 50000",
        ),
        ('tick_size: "0.01"', 'tick_size: "0"', r"coinbase:BTCUSD: tick_size: found 0, allowed > 0"),
        ('step_size: "0.0001"', "step_size: tiny", r"coinbase:BTCUSD: step_size: found 'tiny'"),
        ("status: TRADING", "status: OPEN", r"coinbase:BTCUSD: status: found 'OPEN'"),
        ('    taker_fee: "0.0005"\n', "", r"coinbase:BTCUSD: taker_fee: .*Field required"),
        ("symbol: ETHUSD", "symbol: LTCUSD", r"bitstamp:LTCUSD stands twice, allowed once"),
        ("instruments:", "markets:", r"found no instruments"),
        ("instruments:", "instruments: [", r"can't be read"),
    ],
)
def test_read_instruments_when_something_is_wrong_names_file_instrument_and_field(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "instruments.yaml"
    path.write_text(SAMPLE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(FatalError, match=r"instruments\.yaml: .*" + message):
        read_instruments(path)


def test_read_instruments_when_amounts_are_bare_numbers_takes_their_text(tmp_path: Path) -> None:
    path = tmp_path / "instruments.yaml"
    text = SAMPLE.read_text(encoding="utf-8").replace('taker_fee: "0.0005"', "taker_fee: 0.00050000000000000001")
    path.write_text(text, encoding="utf-8")
    assert str(read_instruments(path)[0].taker_fee) == "0.00050000000000000001"


def test_read_instruments_when_the_file_is_absent_says_so(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"none\.yaml: can't be read"):
        read_instruments(tmp_path / "none.yaml")
