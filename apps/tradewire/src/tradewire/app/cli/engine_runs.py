"""Running the engines of research by name, with progress on stderr."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tradewire.app.cli.output import Exit, err, fail
from tradewire.app.operating.watch import RunResult
from tradewire.backtest.compiled import when_compiling
from tradewire.ports.backtest import BacktestPort, BacktestRequest, BacktestResult

ENGINES = ("vectorized", "futures", "replay", "kafka")


def run_engine(name: str, request: BacktestRequest) -> BacktestResult:
    """Run one engine with progress on stderr. Raises CommandError."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    bars = sum(len(market) for market in request.markets)
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(f"{name}: {bars:,} bars", total=None)

        def follow(seen: RunResult) -> None:
            progress.update(task, description=f"{name}: {seen.bars:,} closes of {bars:,} bars")

        def compiling() -> None:
            progress.update(task, description=f"{name}: compiling its loops, once on this machine")

        try:
            engine = _engine_named(name, follow)
            with when_compiling(compiling):
                return engine.run(request)
        except ValueError as error:
            fail(str(error))


def _engine_named(name: str, follow: Callable[[RunResult], None]) -> BacktestPort:
    """The engine; each is imported when it is asked for, since compiled loops and services take a second."""
    if name not in ENGINES:
        fail(f"found engine {name!r}, allowed {', '.join(ENGINES)}", Exit.USAGE)
    if name == "vectorized":
        from tradewire.backtest.vectorized import VectorizedEngine

        return VectorizedEngine()
    if name == "futures":
        from tradewire.backtest.futures import FuturesEngine

        return FuturesEngine()
    from tradewire.app.replay_engines.engines import KafkaEngine, ReplayEngine

    return ReplayEngine(follow) if name == "replay" else KafkaEngine(follow)
