"""``tradewire backtest``: a strategy over history, by any engine."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.engine_runs import ENGINES, run_engine
from tradewire.app.cli.grouped import grouped
from tradewire.app.cli.moments import iso
from tradewire.app.cli.optional_value import STDOUT, OptionalJson, json_target
from tradewire.app.cli.options import epilog
from tradewire.app.cli.output import out, say, tell
from tradewire.app.cli.research import ResearchOptions, StrategyArgument, data_lines, ready_line, request_of
from tradewire.backtest.not_happened import headlines, lines_below
from tradewire.backtest.report import Provenance, provenance_of, result_document, write_report, write_run
from tradewire.backtest.statistics import Statistics, statistics_of, statistics_table
from tradewire.backtest.warmup import ready_from_us
from tradewire.backtest.whole_file import write_whole
from tradewire.ports.backtest import BacktestRequest, BacktestResult

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Folder for trades, fills and equity (Parquet), result and report.")
]
JsonOutOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="[OUT]", callback=json_target, help="JSON to this .json file; to stdout without a name."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    example = "tradewire backtest strategies/ema-cross-btc.yaml --data data/sample/coinbase-BTCUSD-1h.csv"
    app.command("backtest", cls=OptionalJson, epilog=epilog(example, f"{example} --json result.json --open"))(backtest)


@grouped
def backtest(
    strategy: StrategyArgument,
    asked: ResearchOptions,
    engine: Annotated[str, typer.Option("--engine", help=f"One of: {', '.join(ENGINES)}.")] = "futures",
    out_folder: OutOption = None,
    open_report: Annotated[bool, typer.Option("--open", help="Show the report in the browser.")] = False,
    as_json: JsonOutOption = None,
) -> None:
    """Trade a strategy over history; prints statistics and the fingerprint, and writes files where asked to."""
    request = request_of(strategy, asked)
    result = run_engine(engine, request)
    fingerprint = result.fingerprint  # made first, so that what it is made of is let go
    stats, ready = statistics_of(result, request.markets), ready_from_us(request)
    origin = provenance_of(result, request.markets, rerun=("tradewire", *sys.argv[1:]))
    folder = out_folder if out_folder is not None or not open_report else Path(f"backtest-{result.strategy_id}")
    if folder is not None:
        write_run(folder, result, stats, origin, ready, request.markets)
        _write_report(folder, request, result, stats, origin)
    if as_json is not None:
        told = {"data": lines} if (lines := data_lines(request)) else {}
        _write_json(as_json, {**result_document(result, stats, ready, request.markets), **told})
    if as_json != STDOUT:
        _show(result, stats)
        tell(ready_line(ready))
        for line in data_lines(request):
            tell(line)
        typer.echo(f"fingerprint: {fingerprint}")
    if open_report and folder is not None:
        webbrowser.open((folder / "report.html").resolve().as_uri())


def _write_report(
    folder: Path, request: BacktestRequest, result: BacktestResult, stats: Statistics, origin: Provenance
) -> None:
    write_report(folder / "report.html", result, request.markets, request.strategy, stats, origin)
    say(f"written: {folder}/ (report.html, result.json, provenance.json, trades, fills and equity as Parquet)")


def _write_json(target: str, content: Mapping[str, object]) -> None:
    document = json.dumps(content, allow_nan=False, ensure_ascii=False)
    if target == STDOUT:
        typer.echo(document)
        return
    write_whole(Path(target), document + "\n")


def _show(result: BacktestResult, stats: Statistics) -> None:
    span = f"{iso(int(result.time_us[0]))} – {iso(int(result.time_us[-1]))}" if len(result.time_us) else "no bars"
    for line in headlines(result):
        tell(line, style="bold red")
    tell(f"{result.strategy_id} by the {result.engine} engine, {len(result.time_us):,} closes, {span}")
    out.print(statistics_table(stats))
    for line in lines_below(result):
        tell(line)
    tell(f"fill model: {result.fill_model}")
    for sentence in result.left_out:
        tell(f"left out: {sentence}")
