"""``tradewire backtest`` and ``tradewire compare``: strategies over history, by every engine."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tradewire.app.cli import research
from tradewire.app.cli.moments import iso
from tradewire.app.cli.optional_value import STDOUT, OptionalJson
from tradewire.app.cli.options import epilog
from tradewire.app.cli.output import Exit, err, fail, out, print_json, say, tell
from tradewire.app.watch import RunResult
from tradewire.backtest.data import assumptions
from tradewire.backtest.parity import Agreement, Certificate, certify
from tradewire.backtest.report import Provenance, provenance_of, result_document, write_report, write_run
from tradewire.backtest.statistics import Statistics, statistics_of, statistics_table
from tradewire.ports.backtest import BacktestPort, BacktestRequest, BacktestResult, MarginMode

ENGINES = ("vectorized", "futures", "replay", "kafka")
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for trades, fills and equity (Parquet), result and report.")
]
JsonOutOption = Annotated[
    str | None,
    typer.Option("--json", metavar="[OUT]", help="Write the result as JSON to this file; to stdout without a name."),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    example = "tradewire backtest strategies/ema-cross-btc.yaml --data data/sample/coinbase-BTCUSD-1h.csv"
    app.command("backtest", cls=OptionalJson, epilog=epilog(example, f"{example} --json result.json --open"))(backtest)
    example = "tradewire compare strategies/trend-daily.yaml --data data/sample --engines futures,replay"
    app.command("compare", epilog=epilog(example))(compare)


def backtest(
    strategy: research.StrategyArgument,
    data: research.DataOption,
    engine: Annotated[str, typer.Option("--engine", help=f"One of: {', '.join(ENGINES)}.")] = "futures",
    mark: research.MarkOption = None,
    funding: research.FundingOption = None,
    brackets: research.BracketsOption = None,
    instruments: research.InstrumentsOption = None,
    begin: research.FromOption = None,
    end: research.ToOption = None,
    capital: research.CapitalOption = "100000",
    fees: research.FeesOption = None,
    slippage: research.SlippageOption = "1",
    leverage: research.LeverageOption = 5,
    margin_mode: research.MarginOption = MarginMode.CROSS,
    volume_share: research.ShareOption = "0",
    params: research.SetOption = None,
    limits: research.LimitOption = None,
    out_folder: OutOption = None,
    open_report: Annotated[bool, typer.Option("--open", help="Show the report in the browser.")] = False,
    as_json: JsonOutOption = None,
) -> None:
    """Trade a strategy over history; prints statistics and the fingerprint, and writes files where asked to."""
    where = research.Where(data, mark, funding, brackets, instruments, begin, end)
    how = research.How(capital, fees, slippage, leverage, margin_mode, volume_share, limits)
    request = research.request_of(strategy, where, how, params)
    result = run_engine(engine, request)
    stats = statistics_of(result, request.markets)
    origin = provenance_of(result, request.markets, rerun=("tradewire", *sys.argv[1:]))
    folder = out_folder if out_folder is not None or not open_report else Path(f"backtest-{result.strategy_id}")
    if folder is not None:
        _write(folder, request, result, stats, origin)
    if as_json is not None:
        _write_json(as_json, result, stats)
    if as_json != STDOUT:
        _show(result, stats)
        for sentence in assumptions(request.markets):
            tell(f"assumed: {sentence}")
        typer.echo(f"fingerprint: {result.fingerprint}")
    if open_report and folder is not None:
        webbrowser.open((folder / "report.html").resolve().as_uri())


def compare(
    strategy: research.StrategyArgument,
    data: research.DataOption,
    engines: Annotated[str, typer.Option("--engines", help="Comma-separated; the first is the reference.")] = (
        "futures,vectorized,replay"
    ),
    mark: research.MarkOption = None,
    funding: research.FundingOption = None,
    brackets: research.BracketsOption = None,
    instruments: research.InstrumentsOption = None,
    begin: research.FromOption = None,
    end: research.ToOption = None,
    capital: research.CapitalOption = "100000",
    fees: research.FeesOption = None,
    slippage: research.SlippageOption = "1",
    leverage: research.LeverageOption = 5,
    margin_mode: research.MarginOption = MarginMode.CROSS,
    volume_share: research.ShareOption = "0",
    params: research.SetOption = None,
    limits: research.LimitOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
) -> None:
    """The parity certificate: do the engines agree on fills, fees, funding and equity? Exit code 1 if not."""
    names = [name.strip() for name in engines.split(",") if name.strip()]
    if len(names) < 2:
        fail(f"--engines: found {engines!r}, allowed at least two of {', '.join(ENGINES)}", Exit.USAGE)
    where = research.Where(data, mark, funding, brackets, instruments, begin, end)
    how = research.How(capital, fees, slippage, leverage, margin_mode, volume_share, limits)
    request = research.request_of(strategy, where, how, params)
    results = [run_engine(name, request) for name in names]
    certificate = certify(results)
    if as_json:
        print_json({"clean": certificate.clean, "engines": [_engine(r) for r in results], "certificate": certificate})
    else:
        _show_certificate(results, certificate)
    if not certificate.clean:
        raise typer.Exit(Exit.REFUSED)


def run_engine(name: str, request: BacktestRequest) -> BacktestResult:
    """Run one engine with progress on stderr. Raises CommandError."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    bars = sum(len(market) for market in request.markets)
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(f"{name}: {bars:,} bars", total=None)

        def follow(seen: RunResult) -> None:
            progress.update(task, description=f"{name}: {seen.bars:,} closes of {bars:,} bars")

        try:
            return _engine_named(name, follow).run(request)
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


def _write(
    folder: Path, request: BacktestRequest, result: BacktestResult, stats: Statistics, origin: Provenance
) -> None:
    write_run(folder, result, stats, origin)
    write_report(folder / "report.html", result, request.markets, request.strategy, stats, origin)
    say(f"written: {folder}/ (report.html, result.json, provenance.json, trades, fills and equity as Parquet)")


def _write_json(target: str, result: BacktestResult, stats: Statistics) -> None:
    document = json.dumps(result_document(result, stats), allow_nan=False, ensure_ascii=False)
    if target == STDOUT:
        typer.echo(document)
        return
    try:
        Path(target).write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{target}: {error.strerror}", Exit.FAILED)


def _show(result: BacktestResult, stats: Statistics) -> None:
    span = f"{iso(int(result.time_us[0]))} – {iso(int(result.time_us[-1]))}" if len(result.time_us) else "no bars"
    tell(f"{result.strategy_id} by the {result.engine} engine, {len(result.time_us):,} closes, {span}")
    out.print(statistics_table(stats))
    tell(f"fill model: {result.fill_model}")
    for sentence in result.left_out:
        tell(f"left out: {sentence}")


def _engine(result: BacktestResult) -> dict[str, object]:
    final = int(result.equity_e8[-1]) if len(result.equity_e8) else 0
    return {
        "engine": result.engine,
        "fills": len(result.fills),
        "trades": len(result.trades),
        "fees": sum(fill.fee for fill in result.fills),
        "funding": sum(payment.amount for payment in result.funding),
        "final_equity": f"{final / 1e8:.8f}",
        "fingerprint": result.fingerprint,
        "left_out": result.left_out,
    }


def _show_certificate(results: Sequence[BacktestResult], certificate: Certificate) -> None:
    table = Table("engine", "fills", "trades", "fees", "funding", "final equity", "fingerprint")
    for result in results:
        row = _engine(result)
        amounts = (f"{row[name]:,.2f}" for name in ("fees", "funding"))
        equity = f"{float(str(row['final_equity'])):,.2f}"
        table.add_row(
            result.engine, f"{row['fills']:,}", f"{row['trades']:,}", *amounts, equity, result.fingerprint[:12]
        )
    out.print(table)
    for agreement in certificate.agreements:
        _show_agreement(agreement, certificate.reference)
    for result in results:
        for sentence in result.left_out:
            tell(f"left out by {result.engine}: {sentence}")


def _show_agreement(agreement: Agreement, reference: str) -> None:
    first = agreement.divergence
    if first is None:
        how = "to the last unit" if agreement.exact else "within 1e-9 (float64)"
        tell(f"{agreement.engine} agrees with {reference} {how}", style="green")
        return
    tell(f"{agreement.engine} leaves {reference} at {iso(first.time_us)}: {first.what}", style="red")
    tell(f"  found {first.found}, expected {first.expected}")
    tell(f"  likely cause: {first.cause}; largest equity difference {agreement.largest_equity_difference:f}")
