"""A backtest's markets, strategy and account as the files and settings that the services run on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from tradewire.app.operating.scenario import Scenario
from tradewire.backtest.warmup import bars_seen, lead_of
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarketHistory
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.language import INTERVALS_US, parse_strategy, with_defaults, with_names, with_symbols

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

INSTRUMENTS = "instruments.yaml"
STRATEGY = "strategy.yaml"
WARM_UP, NAME_ROOM = "-warm-up", 32
"""End of the names of what warms indicators up; letters of a name ahead of it."""
LEAST = Decimal("0.00000001")
Limits = tuple[RiskLimitsChanged, ...]


def write_scenario(request: BacktestRequest, folder: Path) -> Scenario:
    """Write candles, instruments and the strategy, on the request's markets alone, to ``folder``; returns what to run.

    Numbers are written as the shortest decimals that read back equal, so nothing is lost on the way.
    """
    symbols = [market.symbol for market in request.markets]
    document = with_symbols(with_defaults(request.strategy, request.params), symbols)
    (folder / STRATEGY).write_text(document, encoding="utf-8")
    begins_us = _begins_us(request.markets)
    limits: Limits = () if request.account.limits is None else (request.account.limits,)
    warm_up, limits = _warm_up(document, folder, limits) if begins_us else ((), limits)
    instruments = [request.account.priced(market.instrument).model_dump(mode="json") for market in request.markets]
    text = yaml.safe_dump({"instruments": instruments}, sort_keys=False)
    (folder / INSTRUMENTS).write_text(text, encoding="utf-8")
    return Scenario(
        name="backtest",
        data=folder,
        files=tuple(_write_candles(market, folder) for market in request.markets),
        strategies=(folder / STRATEGY,),
        limits=limits,
        paper=paper_settings(request.account),
        begins_us=begins_us,
        warm_up=warm_up,
    )


def _begins_us(markets: Sequence[MarketHistory]) -> int:
    """The first close that is traded where bars come before; else 0, the first bar of all."""
    if not any(map(lead_of, markets)):
        return 0
    return min(int(market.open_time_us[0]) + INTERVALS_US[market.interval] for market in markets)


def _warm_up(document: str, folder: Path, limits: Limits) -> tuple[tuple[Path, ...], Limits]:
    """The strategy once more, on an account that may hold nothing, so that its indicators begin at the first bar."""
    strategy = parse_strategy(document)
    account = f"{strategy.account[:NAME_ROOM]}{WARM_UP}"
    path = folder / f"strategy{WARM_UP}.yaml"
    named = with_names(document, strategy_id=f"{strategy.id[:NAME_ROOM]}{WARM_UP}", account=account)
    path.write_text(named, encoding="utf-8")
    nothing = RiskLimitsChanged(
        account_id=account, version=1, max_order_notional=LEAST, author="warm-up", changed_at_us=0
    )
    return (path,), (*limits, nothing)


def paper_settings(account: AccountSettings) -> dict[str, str]:
    """The account as settings of the execution service."""
    return {
        "paper_balance": str(account.capital),
        "paper_leverage": str(account.leverage),
        "paper_margin_mode": account.margin_mode.value,
        "slippage_bps": str(account.slippage_bps),
        "volume_share": str(account.volume_share),
        "latency_us": str(account.latency_us),
    }


def _write_candles(market: MarketHistory, folder: Path) -> str:
    """Candles, and marks and funding beside them, as ingest finds them."""
    stem = f"{market.instrument.venue}-{market.symbol}-{market.interval}"
    seen = bars_seen(market)
    columns = [_texts(column) for column in seen.columns().values()]
    opens = (np.asarray(seen.open_time_us) // 1_000).tolist()
    _write_rows(folder / f"{stem}.csv", "open_time,open,high,low,close,volume", opens, columns)
    times = opens[lead_of(market) :]
    if market.mark is not None:
        known = np.flatnonzero(~np.isnan(market.mark.close))
        marks = (market.mark.open, market.mark.high, market.mark.low, market.mark.close)
        marked = [times[at] for at in known.tolist()]
        columns = [_texts(np.asarray(column)[known]) for column in marks]
        _write_rows(folder / f"{stem}.mark.csv", "open_time,open,high,low,close", marked, columns)
    if market.funding_rate is not None:
        settled = np.flatnonzero(market.funding_rate)
        length_ms = INTERVALS_US[market.interval] // 1_000
        closes = [times[at] + length_ms for at in settled.tolist()]
        rates = [_texts(np.asarray(market.funding_rate)[settled])]
        _write_rows(folder / f"{stem}.funding.csv", "funding_time,funding_rate", closes, rates)
    return f"{stem}.csv"


def _write_rows(path: Path, header: str, times: list[int], columns: list[list[str]]) -> None:
    rows = (f"{time_ms},{','.join(values)}" for time_ms, *values in zip(times, *columns, strict=True))
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def _texts(values: FloatArray) -> list[str]:
    return [f"{Decimal(repr(value)):f}" for value in values.tolist()]
