"""``tradewire compare``: the parity certificate of strategies over engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tradewire.app.cli.engine_runs import ENGINES, run_engine
from tradewire.app.cli.grouped import grouped
from tradewire.app.cli.moments import iso
from tradewire.app.cli.options import JsonOption, epilog
from tradewire.app.cli.output import Exit, fail, out, print_json, tell
from tradewire.app.cli.research import ResearchOptions, data_lines, ready_line, request_of
from tradewire.backtest.not_happened import not_happened
from tradewire.backtest.parity import Agreement, Certificate, certify
from tradewire.backtest.report import activity_document
from tradewire.backtest.warmup import ready_from_us
from tradewire.ports.backtest import BacktestResult

SHORT = 12
"""Digits of a fingerprint that a table shows."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A strategy file by every engine asked for."""

    file: Path
    results: Sequence[BacktestResult]
    certificate: Certificate
    ready: Mapping[str, int | None]
    data: Sequence[str]

    def document(self) -> dict[str, object]:
        """Its fields as JSON has them."""
        engines = [_engine(result) for result in self.results]
        clean = self.certificate.clean
        return {
            "strategy": self.file,
            "clean": clean,
            "ready_from_us": self.ready,
            "data": list(self.data),
            "engines": engines,
            "certificate": self.certificate,
        }


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    example = "tradewire compare strategies/trend-daily.yaml --data data/sample --engines futures,replay"
    every = "tradewire compare strategies/*.yaml --data data/sample --engines futures,vectorized,replay,kafka"
    app.command("compare", epilog=epilog(example, every))(compare)


@grouped
def compare(
    strategies: Annotated[
        list[Path], typer.Argument(metavar="STRATEGY", help="Strategy files.", exists=True, dir_okay=False)
    ],
    asked: ResearchOptions,
    engines: Annotated[
        str, typer.Option("--engines", help=f"Of {', '.join(ENGINES)}; the first is the reference.")
    ] = "futures,vectorized,replay",
    as_json: JsonOption = False,
) -> None:
    """The parity certificate: do the engines agree on fills, fees, funding and equity? Exit code 1 if not."""
    names = [name.strip() for name in engines.split(",") if name.strip()]
    if len(names) < 2 or not set(names) <= set(ENGINES):
        fail(f"--engines: found {engines!r}, allowed at least two of {', '.join(ENGINES)}", Exit.USAGE)
    compared = []
    for file in strategies:
        request = request_of(file, asked)
        results = [run_engine(name, request) for name in names]
        compared.append(Compared(file, results, certify(results), ready_from_us(request), data_lines(request)))
        if not as_json:
            _show(compared[-1])
    clean = all(item.certificate.clean for item in compared)
    if as_json:
        documents = [item.document() for item in compared]
        print_json(documents[0] if len(documents) == 1 else {"clean": clean, "strategies": documents})
    elif len(compared) > 1:
        _show_sum(compared)
    if not clean:
        raise typer.Exit(Exit.REFUSED)


def _engine(result: BacktestResult) -> dict[str, object]:
    final = int(result.equity_e8[-1]) if len(result.equity_e8) else 0
    return {
        "engine": result.engine,
        "fills": len(result.fills),
        "trades": len(result.trades),
        "fees": result.fees,
        "funding": sum(payment.amount for payment in result.funding),
        "final_equity": f"{final / 1e8:.8f}",
        "fingerprint": result.fingerprint,
        "left_out": result.left_out,
        "activity": activity_document(result),
    }


def _show(compared: Compared) -> None:
    results = compared.results
    span = (
        f", {iso(int(results[0].time_us[0]))} – {iso(int(results[0].time_us[-1]))}" if len(results[0].time_us) else ""
    )
    tell(f"{results[0].strategy_id}: {len(results[0].time_us):,} closes{span}")
    table = Table("engine", box=None, pad_edge=False, header_style="bold")
    for name in ("fills", "trades", "fees", "funding", "final equity"):
        table.add_column(name, justify="right")
    table.add_column("fingerprint", no_wrap=True)
    for result in results:
        row = _engine(result)
        counts = (f"{row[name]:,}" for name in ("fills", "trades"))
        amounts = (f"{row[name]:,.2f}" for name in ("fees", "funding"))
        equity = f"{float(str(row['final_equity'])):,.2f}"
        table.add_row(result.engine, *counts, *amounts, equity, result.fingerprint[:SHORT])
    out.print(table)
    tell(ready_line(compared.ready))
    for line in compared.data:
        tell(line)
    for agreement in compared.certificate.agreements:
        _show_agreement(agreement, compared.certificate.reference)
    for result in results:
        for line in not_happened(result):
            tell(f"{result.engine}: {line}")
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


def _show_sum(compared: Sequence[Compared]) -> None:
    """A line a strategy, and what they come to."""
    names = [agreement.engine for agreement in compared[0].certificate.agreements]
    tell()
    table = Table("strategy", *names, box=None, pad_edge=False, header_style="bold")
    for item in compared:
        cells = ["[red]differs[/]" if one.divergence else "[green]equal[/]" for one in item.certificate.agreements]
        table.add_row(item.results[0].strategy_id, *cells)
    out.print(table)
    clean = sum(item.certificate.clean for item in compared)
    reference = compared[0].certificate.reference
    style = "green" if clean == len(compared) else "red"
    tell(f"{clean} of {len(compared)} strategies are equal to {reference} by every engine", style=style)
