"""Engines compared from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

import pandas as pd

from tradewire.backtest.asking import BacktestSettings, request_of
from tradewire.backtest.frames import Data
from tradewire.backtest.parity import Certificate, certify
from tradewire.backtest.running import ENGINES, Run, engine_of
from tradewire.ports.backtest import BacktestPort


@dataclass(frozen=True)
class EngineComparison:
    """One run by each engine, and whether they agree. In a notebook it shows a row an engine."""

    runs: tuple[Run, ...]
    certificate: Certificate

    @property
    def clean(self) -> bool:
        """Whether every engine agrees with the first."""
        return self.certificate.clean

    @property
    def table(self) -> pd.DataFrame:
        """A row an engine: fills, trades, final equity, fingerprint, and where it first differs from the first."""
        differs = {one.engine: one.divergence for one in self.certificate.agreements}
        rows = [
            {
                "engine": run.result.engine,
                "fills": len(run.result.fills),
                "trades": len(run.result.trades),
                "final_equity": float(run.equity.iloc[-1]) if len(run.equity) else None,
                "fingerprint": run.fingerprint,
                "differs": "" if (found := differs.get(run.result.engine)) is None else found.what,
            }
            for run in self.runs
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return f"<Comparison {'agrees' if self.clean else 'differs'}>\n{self.table}"

    def _repr_html_(self) -> str:
        return str(self.table.to_html())


def compare(
    strategy: str | Path,
    data: Data,
    *,
    engines: str | Sequence[str | BacktestPort] = tuple(ENGINES),
    **settings: Unpack[BacktestSettings],
) -> EngineComparison:
    """Trade a strategy by several engines, the first of them the reference, as ``"futures,vectorized"`` or a list;
    settings as of `run`.

    Raises as `run`; ValueError for fewer than two engines.
    """
    if isinstance(engines, str):
        engines = [name.strip() for name in engines.split(",")]
    if len(engines) < 2:
        raise ValueError(f"engines: found {len(engines)}, allowed two or more")
    request = request_of(strategy, data, **settings)
    runs = tuple(Run(request, engine_of(engine).run(request)) for engine in engines)
    return EngineComparison(runs, certify([run.result for run in runs]))
