"""What a replay came to, as the commands that end with one print it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from tradewire.app.cli.output import CommandError, out, print_json
from tradewire.app.inspecting.latency import HopLatency
from tradewire.app.operating.scenario import Scenario
from tradewire.app.operating.watch import RunResult


@dataclass(frozen=True, slots=True)
class Finished:
    """A run with its figures. ``hops`` are empty for the monolith."""

    result: RunResult
    seconds: float
    hops: tuple[HopLatency, ...] = ()


def show_finished(scenario: Scenario, finished: Finished, root: Path | None, *, as_json: bool) -> None:
    """Print a run; the text's last line is its fingerprint. ``root``: folder of its logs, if they are here."""
    if as_json:
        print_json(_document(scenario, finished))
    else:
        _summary(scenario, finished, root)


def bars_of(scenario: Scenario) -> int:
    """Bars in the scenario's files. Raises CommandError for a file without one, whose end would never come."""
    bars = {name: len((scenario.data / name).read_text().splitlines()) - 1 for name in scenario.files}
    if empty := [str(scenario.data / name) for name, count in bars.items() if count < 1]:
        raise CommandError(f"no bars in {', '.join(empty)}: found a header at most, allowed one bar and more")
    return sum(bars.values())


def _document(scenario: Scenario, finished: Finished) -> dict[str, Any]:
    result = finished.result
    return {
        "scenario": scenario.name,
        "bars": bars_of(scenario),
        "evaluations": result.evaluations,
        "signals": result.signals,
        "orders": result.orders,
        "fills": result.fills,
        "decisions": dict(sorted(result.decisions.items())),
        "refusals": dict(sorted(result.refusals.items())),
        "accounts": {
            name: {
                "equity": str(account.equity),
                "pnl": str(account.pnl),
                "fees": str(account.fees),
                "funding": str(account.funding),
                "max_drawdown_ratio": f"{account.max_drawdown_ratio:.6f}",
            }
            for name, account in sorted(result.accounts.items())
        },
        "seconds": round(finished.seconds, 3),
        "bars_per_second": round(bars_of(scenario) / finished.seconds, 1),
        "hops": [
            {"hop": hop.name, "count": hop.count, "p50_ms": hop.p50_ms, "p99_ms": hop.p99_ms} for hop in finished.hops
        ],
        "fingerprint": result.fingerprint,
    }


def _summary(scenario: Scenario, finished: Finished, root: Path | None) -> None:
    """The result for people; the last line is the fingerprint."""
    result, seconds = finished.result, finished.seconds
    out.print(f"{scenario.name}: {bars_of(scenario):,} bars in {seconds:.1f} s", highlight=False)
    counts = Table(show_header=False)
    for name, value in (
        ("evaluations", f"{result.evaluations:,}"),
        ("signals", f"{result.signals:,}"),
        ("orders", f"{result.orders:,}"),
        ("fills", f"{result.fills:,}"),
        ("refused", ", ".join(f"{rule} {count:,}" for rule, count in result.refusals.most_common()) or "none"),
        ("bars a second", f"{bars_of(scenario) / seconds:,.0f}"),
    ):
        counts.add_row(name, value)
    out.print(counts)
    accounts = Table("account", "equity", "PnL", "fees", "max drawdown")
    for name, account in sorted(result.accounts.items()):
        money = (f"{value:,.2f}" for value in (account.equity, account.pnl, account.fees))
        accounts.add_row(name, *money, f"{account.max_drawdown_ratio:.1%}")
    out.print(accounts)
    if finished.hops:
        hops = Table("hop (queueing included)", "records", "p50 ms", "p99 ms")
        for hop in finished.hops:
            hops.add_row(hop.name, f"{hop.count:,}", f"{hop.p50_ms:,.0f}", f"{hop.p99_ms:,.0f}")
        out.print(hops)
    if root is not None:
        out.print(
            f"logs: {root / 'logs'}   data: {root}   strategies: strategies/   data in: {scenario.data}", soft_wrap=True
        )
    typer.echo(f"fingerprint: {result.fingerprint}")
