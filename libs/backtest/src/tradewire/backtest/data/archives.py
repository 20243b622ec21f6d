"""History from a copy of the exchange's bulk archives: one zip with one CSV a month or a day, as ``data fetch`` takes.

Layout and columns: github.com/binance/binance-public-data, README, USD-M futures: ``data/futures/um/monthly/klines/
BTCUSDT/1h/BTCUSDT-1h-2024-01.zip``, ``daily`` likewise; ``markPriceKlines``; ``fundingRate`` by month, no interval.
Beside each file lies its SHA-256 as ``….zip.CHECKSUM``.
"""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from tradewire.backtest.data.contents import read_contents
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.fetching import FetchedPage, FetchKind
from tradewire.backtest.data.inspection import candles_of, inspect_file
from tradewire.trading.language import INTERVALS_US

FOLDER: Final = Path("data/futures/um")
_KINDS: Final = {FetchKind.CANDLES: "klines", FetchKind.MARK: "markPriceKlines", FetchKind.FUNDING: "fundingRate"}
_NAMES: Final = ("open", "high", "low", "close", "volume")


class Archives:
    """One market in a folder that holds ``data/futures/um/…``, or is that folder's copy.

    ``missing`` names the days for which no file lies there. Raises MarketDataError for a folder, symbol or interval
    that there is not.
    """

    def __init__(self, root: Path, symbol: str, interval: str, *, now_ms: int) -> None:
        if interval not in INTERVALS_US:
            raise MarketDataError("--interval", found=interval, allowed=", ".join(INTERVALS_US))
        self._root = root / FOLDER if (root / FOLDER).is_dir() else root
        self._symbol, self._interval, self._now_ms = symbol.split(":")[0].replace("/", ""), interval, now_ms
        self.missing: list[str] = []
        if not any(self.offers(kind) for kind in FetchKind):
            allowed = f"a folder with {FOLDER}/monthly/klines/{self._symbol}/{interval}"
            raise MarketDataError("--archives", found=str(root), allowed=allowed)

    @property
    def symbol_id(self) -> str:
        """The venue's own name of the market."""
        return self._symbol

    def now_ms(self) -> int:
        """The time as it was given."""
        return self._now_ms

    def offers(self, kind: FetchKind) -> bool:
        """Whether files of a kind lie there."""
        return any(self._folder(span, kind).is_dir() for span in ("monthly", "daily"))

    def page(self, kind: FetchKind, since_ms: int, until_ms: int) -> FetchedPage:
        """Rows of the month, or else of the day, of ``since_ms``, from it up to before ``until_ms``."""
        since = datetime.fromtimestamp(since_ms / 1000, UTC)
        day = since.replace(hour=0, minute=0, second=0, microsecond=0)
        month_ends = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        found = self._file("monthly", kind, f"{day:%Y-%m}"), month_ends
        if found[0] is None:
            found = self._file("daily", kind, f"{day:%Y-%m-%d}"), day + timedelta(days=1)
        path, ends = found
        if path is None:
            self.missing.append(f"{kind.value} {day:%Y-%m-%d}")
        table = self._table(kind, path) if path is not None else _empty(kind)
        time = table.columns[0]
        rows = table.filter((pl.col(time) >= since_ms) & (pl.col(time) < until_ms))
        return FetchedPage(rows, min(round(ends.timestamp() * 1000), until_ms))

    def _folder(self, span: str, kind: FetchKind) -> Path:
        folder = self._root / span / _KINDS[kind] / self._symbol
        return folder if kind is FetchKind.FUNDING else folder / self._interval

    def _file(self, span: str, kind: FetchKind, date: str) -> Path | None:
        name = "fundingRate" if kind is FetchKind.FUNDING else self._interval
        path = self._folder(span, kind) / f"{self._symbol}-{name}-{date}.zip"
        return path if path.is_file() else None

    def _table(self, kind: FetchKind, path: Path) -> pl.DataFrame:
        """A file's rows. Raises MarketDataError for one that is damaged or not as it is described."""
        _check_sum(path)
        if kind is FetchKind.FUNDING:
            return _funding(path)
        candles = candles_of(inspect_file(path, self._interval), str(path), any_volume=kind is FetchKind.MARK)
        columns = dict(zip(_NAMES, candles.columns, strict=True))
        return pl.DataFrame({"open_time": candles.open_time_us // 1000, **columns})


def _empty(kind: FetchKind) -> pl.DataFrame:
    if kind is FetchKind.FUNDING:
        return pl.DataFrame(schema={"funding_time": pl.Int64, "funding_rate": pl.Float64})
    return pl.DataFrame(schema={"open_time": pl.Int64, **dict.fromkeys(_NAMES, pl.Float64)})


def _check_sum(path: Path) -> None:
    """Raises MarketDataError when the checksum beside a file is another's."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if not beside.is_file():
        return
    told, found = beside.read_text().split()[:1], hashlib.sha256(path.read_bytes()).hexdigest()
    if told != [found]:
        allowed = f"{' '.join(told)}, as {beside.name} says"
        raise MarketDataError(str(path), field="SHA-256", found=found, allowed=allowed)


def _funding(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_csv(io.BytesIO(read_contents(path)))
        rows = table.select(
            pl.col("calc_time").cast(pl.Int64).alias("funding_time"),
            pl.col("last_funding_rate").cast(pl.Float64).alias("funding_rate"),
        )
    except pl.exceptions.PolarsError as error:
        allowed = "columns calc_time and last_funding_rate"
        raise MarketDataError(str(path), found=str(error).splitlines()[0], allowed=allowed) from error
    return rows.sort("funding_time")
