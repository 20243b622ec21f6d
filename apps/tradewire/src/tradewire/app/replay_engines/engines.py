"""BacktestPort on the services: they trade the request's history, and their records are the result."""

from __future__ import annotations

import asyncio
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from tradewire.app.operating.platform import RunOptions, begin, platform, replay
from tradewire.app.operating.scenario import Scenario
from tradewire.app.operating.watch import RunResult
from tradewire.app.replay_engines.collector import (
    Collector,
    equity_e8,
    funding_of,
    insurance_of,
    last_marks,
    position_e8,
    times_us,
)
from tradewire.app.replay_engines.market_files import write_scenario
from tradewire.backtest.accepted import accepted_strategy
from tradewire.backtest.market_details import details_left_out
from tradewire.backtest.on_access import MadeOnce
from tradewire.backtest.traded import traded_markets
from tradewire.backtest.trades import trades_of
from tradewire.backtest.warmup import answers_on
from tradewire.ports.backtest import BacktestPort, BacktestRequest, BacktestResult
from tradewire.ports.message import Event
from tradewire.trading.language import CompiledStrategy

FILL_MODEL = "simulated exchange of the execution service; what is decided at a close acts at the next open or later"
LEFT_OUT = ("slippage of single fills: the records hold the price paid, slippage included",)
Progress = Callable[[RunResult], None]


class ServicesEngine(BacktestPort):
    """Runs a request as the services do: through files, messages and joins."""

    def __init__(self, progress: Progress = lambda _: None) -> None:
        self._progress = progress

    @abstractmethod
    async def _play(self, scenario: Scenario, folder: Path, listen: Callable[[Event], None]) -> RunResult:
        """Run the scenario to its end; ``listen`` hears every message once."""

    def run(self, request: BacktestRequest) -> BacktestResult:
        """As `BacktestPort.run`. Raises also TradewireError when a service or a server fails."""
        strategy, collector = accepted_strategy(request), Collector()
        request = replace(request, markets=tuple(traded_markets(strategy, request.markets)))
        with tempfile.TemporaryDirectory(prefix="tradewire-") as name:
            folder = Path(name)
            scenario = write_scenario(request, folder)
            played = asyncio.run(self._play(scenario, folder, collector.take))
        return self._result(request, strategy, collector, played.fingerprint)

    def _result(
        self, request: BacktestRequest, strategy: CompiledStrategy, collector: Collector, fingerprint: str
    ) -> BacktestResult:
        closes, fills = collector.closes(), collector.fills()
        funding = funding_of(collector.filled(), closes, request.markets)
        answers = (answers_on(strategy, market) for market in request.markets)
        return BacktestResult(
            engine=self.name,
            strategy_id=strategy.id,
            strategy_hash=strategy.digest,
            params=strategy.params,
            account=request.account,
            make_fingerprint=MadeOnce.of(fingerprint),
            fill_model=FILL_MODEL,
            left_out=(*LEFT_OUT, *details_left_out(request.markets)),
            trades=trades_of(fills, funding, last_marks(request.markets)),
            fills=fills,
            funding=funding,
            time_us=times_us(closes),
            equity_e8=equity_e8(closes),
            position_e8={market.symbol: position_e8(closes, market.symbol) for market in request.markets},
            fees=sum((fill.fee for fill in fills), Decimal(0)),
            insurance=insurance_of(closes, request.account.capital),
            make_activity=MadeOnce.of(collector.activity(request.markets, answers, len(funding))),
        )


class ReplayEngine(ServicesEngine):
    """All services in this process on the memory bus, every message through the codec."""

    name = "replay"

    async def _play(self, scenario: Scenario, folder: Path, listen: Callable[[Event], None]) -> RunResult:
        from tradewire.app.operating.monolith import (
            run_monolith,  # six services: a second that other commands need not wait
        )

        return await run_monolith(scenario, progress=self._progress, listen=listen)


class KafkaEngine(ServicesEngine):
    """Six processes over a broker of their own, in a folder that is gone afterwards."""

    name = "kafka"

    async def _play(self, scenario: Scenario, folder: Path, listen: Callable[[Event], None]) -> RunResult:
        options = RunOptions(root=folder / "run", registry=False, telemetry=False)
        async with platform(scenario, options) as running:
            accounts = await begin(running, scenario)
            return await replay(running, accounts, progress=self._progress, listen=listen)
