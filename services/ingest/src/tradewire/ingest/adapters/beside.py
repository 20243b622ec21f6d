"""Mark prices and funding that lie beside a file of candles, joined to its bars."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradewire.ports.errors import FatalError
from tradewire.ports.events import CandleClosed
from tradewire.trading.bars_csv import BarsFileError, DecimalBar
from tradewire.trading.marks_csv import read_funding, read_marks

MARK, FUNDING = ".mark.csv", ".funding.csv"


@dataclass(frozen=True, slots=True)
class Beside:
    """What the venue said beside the last prices, by a bar's open time (µs)."""

    marks: dict[int, DecimalBar]
    rates: dict[int, Decimal]

    @classmethod
    def of(cls, candles: Path, interval_us: int) -> Beside:
        """Of ``<candles>.mark.csv`` and ``<candles>.funding.csv``, those that are there. Raises FatalError."""
        stem = candles.name.removesuffix(".csv")
        marks, funding = candles.with_name(stem + MARK), candles.with_name(stem + FUNDING)
        try:
            return cls(
                read_marks(marks.read_text(encoding="utf-8"), str(marks)) if marks.exists() else {},
                read_funding(funding.read_text(encoding="utf-8"), str(funding), interval_us)
                if funding.exists()
                else {},
            )
        except BarsFileError as error:
            raise FatalError(str(error)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise FatalError(f"{candles}: the files beside it can't be read: {error}") from error

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
