"""Where a run came from: all that is needed to run it again and to know whether it is the same."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import numpy as np

from tradewire.backtest.digits import plain
from tradewire.backtest.report.code_version import code_version as running_code
from tradewire.backtest.warmup import COLUMNS
from tradewire.ports.backtest import AccountSettings, BacktestResult, MarketHistory, PathHistory

LIBRARIES = ("tradewire-backtest", "tradewire-trading", "tradewire-ports", "numba", "numpy", "polars", "TA-Lib")
"""Distributions whose version may change a number of a run, or the form of its files."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Provenance:
    """``rerun`` is the command that repeats the run; ``code_version`` the commit of the program, with ``+dirty`` where
    files differ from it, or the release.
    """

    code_version: str
    engine: str
    strategy_id: str
    strategy_hash: str
    data_hash: str
    fingerprint: str
    settings: Json
    libraries: Mapping[str, str]
    python: str
    rerun: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Its fields as JSON has them."""
        return {**asdict(self), "rerun": list(self.rerun)}


def provenance_of(
    result: BacktestResult,
    markets: Sequence[MarketHistory],
    *,
    code_version: str | None = None,
    rerun: Sequence[str] = (),
) -> Provenance:
    """The provenance of a run. ``code_version``: by default that of the code that runs."""
    libraries = {name: metadata.version(name) for name in LIBRARIES if _installed(name)}
    return Provenance(
        code_version=code_version or running_code(),
        engine=result.engine,
        strategy_id=result.strategy_id,
        strategy_hash=result.strategy_hash,
        data_hash=data_hash(markets),
        fingerprint=result.fingerprint,
        settings=settings_of(result),
        libraries=libraries,
        python=platform.python_version(),
        rerun=tuple(rerun),
    )


def _installed(name: str) -> bool:
    return any(True for _ in metadata.distributions(name=name))


def data_hash(markets: Sequence[MarketHistory]) -> str:
    """sha256 hex of all that the markets hold, the order of the markets aside: times, prices, marks, funding, rules."""
    whole = hashlib.sha256()
    for market in sorted(markets, key=lambda m: (m.instrument.venue, m.symbol)):
        whole.update(f"{market.instrument.model_dump_json()}|{market.interval}|{len(market)}|".encode())
        columns = [market.open_time_us, market.open, market.high, market.low, market.close, market.volume]
        if market.earlier is not None:
            columns += [getattr(market.earlier, name) for name in COLUMNS]
            whole.update(f"earlier {len(market.earlier)}|".encode())
        if market.mark is not None:
            columns += [market.mark.open, market.mark.high, market.mark.low, market.mark.close]
        if market.funding_rate is not None:
            columns.append(market.funding_rate)
        if market.path is not None:
            columns += _path_columns(market.path)
            whole.update(f"path {market.path.interval}|{len(market.path)}|".encode())
        for version in market.later_instruments:
            whole.update(f"{version.model_dump_json()}|".encode())
        whole.update(f"{market.mark is not None}|{market.funding_rate is not None}|".encode())
        for column in columns:
            whole.update(np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<"), copy=False).tobytes())
    return whole.hexdigest()


def _path_columns(path: PathHistory) -> list[Any]:
    marks = () if path.mark is None else (path.mark.open, path.mark.high, path.mark.low, path.mark.close)
    return [path.open_time_us, path.open, path.high, path.low, path.close, path.volume, *marks]


def settings_of(result: BacktestResult) -> dict[str, object]:
    """Parameters, account and fill model of a run as JSON: money and rates as strings."""
    return {
        "strategy_hash": result.strategy_hash,
        "params": dict(result.params),
        **_account(result.account),
        "fill_model": result.fill_model,
        "left_out": list(result.left_out),
    }


def _account(account: AccountSettings) -> dict[str, object]:
    return {
        "capital": plain(account.capital),
        "leverage": account.leverage,
        "margin_mode": str(account.margin_mode),
        "slippage_bps": plain(account.slippage_bps),
        "taker_fee": None if account.taker_fee is None else plain(account.taker_fee),
        "maker_fee": None if account.maker_fee is None else plain(account.maker_fee),
        "volume_share": plain(account.volume_share),
        "latency_us": account.latency_us,
        "limits": None if account.limits is None else account.limits.model_dump(mode="json"),
    }
