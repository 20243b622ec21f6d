"""Mark prices and funding that lie beside a file of candles, joined to its bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradewire.ingest.adapters.tables import beside, read_table
from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed
from tradewire.trading.bars_csv import DecimalBar
from tradewire.trading.bars_layout import BarsFileError
from tradewire.trading.candle_files import FUNDING, MARK
from tradewire.trading.marks_csv import read_funding, read_marks


@dataclass(frozen=True, slots=True)
class Beside:
    """What the venue said beside the last prices, by a bar's open time (µs)."""

    marks: dict[int, DecimalBar]
    rates: dict[int, Decimal]

    @classmethod
    def of(cls, candles: Path, interval_us: int, zone: tzinfo = UTC, symbol: str = "") -> Beside:
        """Of ``<candles>.mark`` and ``<candles>.funding``, those that exist; times in ``zone``, rows of ``symbol``.

        Raises FatalError.
        """
        marks, funding = beside(candles, MARK), beside(candles, FUNDING)
        try:
            return cls(
                read_marks(read_table(marks), str(marks), zone, symbol) if marks else {},
                read_funding(read_table(funding), str(funding), interval_us, zone, symbol) if funding else {},
            )
        except BarsFileError as error:
            raise FatalError(str(error)) from error

    def join(self, candle: CandleClosed) -> CandleClosed:
        """The candle with the mark over the same span and the rate settled in it, where there were any."""
        told: dict[str, Any] = {}
        mark = self.marks.get(candle.open_time_us)
        if mark is not None:
            told = {f"mark_{name}": getattr(mark, name) for name in ("open", "high", "low", "close")}
        rate = self.rates.get(candle.open_time_us)
        if rate:
            told["funding_rate"] = rate
        return candle.model_copy(update=told) if told else candle
