"""``make bench-commands``: what a user waits for, as CPU and peak memory of whole commands.

Writes its section of docs/benchmarks-research.md; the rest of the page stays as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from benchmarks.report import table
from benchmarks.research.data import MINUTE_S, START_S, candles

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs/benchmarks-research.md"
HEADING = "## Whole commands"
YEAR_MINUTES = 525_600
HOUR_S = 3_600
RULES = """
account: desk
interval: {interval}
indicators: {{fast: "ema(close, f)", slow: "ema(close, s)", atr: "atr(14)"}}
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
sizing: {sizing}
params:
  f: {{default: {fast}, low: 2, high: 1000, step: 1}}
  s: {{default: {slow}, low: 2, high: 1000, step: 1}}
"""
MEASURER = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=open("output", "w"), stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""A small process in between: a child's largest memory begins with what its parent had."""
SMALL, LARGE = "{fixed_notional: 100}", "{fraction_of_equity: 0.5, max_leverage: 5}"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command: CPU, user and system, and the largest resident memory."""

    what: str
    cpu_s: float
    peak_mib: float


def write_market(folder: Path, symbols: int, bars: int, step_s: int) -> None:
    """Candles of made-up markets, with their instruments."""
    folder.mkdir()
    interval = {MINUTE_S: "1m", HOUR_S: "1h"}[step_s]
    times = (START_S + step_s * np.arange(bars, dtype=np.int64)) * 1_000
    volume = np.full(bars, 1_000.0)
    for number in range(symbols):
        columns = {"open_time": times, **candles(bars, seed=number)._asdict(), "volume": volume}
        pl.DataFrame(columns).write_csv(folder / f"bench-{_symbol(number)}-{interval}.csv")
    listed = [_instrument(_symbol(number), interval) for number in range(symbols)]
    (folder / "instruments.yaml").write_text(yaml.safe_dump({"instruments": listed}), encoding="utf-8")


def _symbol(number: int) -> str:
    return f"S{number:04d}USDT"


def _instrument(symbol: str, interval: str) -> dict[str, object]:
    bracket = {"notional_floor": "0", "notional_cap": "1000000000", "maintenance_ratio": "0.004"}
    amounts = {"tick_size": "0.01", "step_size": "0.001", "min_qty": "0.001", "max_qty": "1000000", "min_notional": "5"}
    fees = {"maker_fee": "0.0002", "taker_fee": "0.0005", "liquidation_fee": "0.0125", "price_collar_ratio": "0.05"}
    names = {"venue": "bench", "symbol": symbol, "base": symbol, "quote": "USDT", "status": "TRADING"}
    tiers = [{**bracket, "maintenance_amount": "0", "max_leverage": 125}]
    return {**names, **amounts, **fees, "intervals": [interval], "brackets": tiers, "valid_from_us": START_S * 10**6}


def write_strategy(path: Path, symbols: int, interval: str, sizing: str, fast: int = 10, slow: int = 50) -> Path:
    """A crossing of averages over the first so many markets."""
    names = ", ".join(map(_symbol, range(symbols)))
    rules = RULES.format(interval=interval, sizing=sizing, fast=fast, slow=slow)
    path.write_text(f"id: {path.stem}\nvenue: bench\nsymbols: [{names}]{rules}", encoding="utf-8")
    return path


def cost(what: str, words: Sequence[str | Path], folder: Path) -> Cost:
    """Run ``tradewire`` with these words. Raises: CalledProcessError."""
    command = [str(Path(sys.executable).parent / "tradewire"), *map(str, words)]
    sys.stderr.write(f"{what}\n")
    told = subprocess.run([sys.executable, "-c", MEASURER, *command], cwd=folder, capture_output=True, check=True)  # noqa: S603 - a command of our own
    code, cpu_s, peak_mib = json.loads(told.stdout)
    if code:
        raise subprocess.CalledProcessError(code, command, (folder / "output").read_text()[-2000:])
    return Cost(what, cpu_s, peak_mib)


def measured(folder: Path, *, quick: bool) -> Iterator[Cost]:
    """All commands, one after the other."""
    years = 1 if quick else 5
    minutes, hours = years * YEAR_MINUTES, 2_000
    write_market(folder / "minutes", 3, minutes, MINUTE_S)
    one, three = (write_strategy(folder / f"minutes-{n}.yaml", n, "1m", SMALL) for n in (1, 3))
    compile_once(folder)
    yield cost("strategy validate", ["strategy", "validate", one], folder)
    yield cost("--help", ["--help"], folder)
    for strategy, symbols in ((one, 1), (three, 3)):
        what = f"backtest --out, {years} years of minutes, {symbols} symbols"
        yield cost(what, ["backtest", strategy, "--data", "minutes", "--out", f"run-{symbols}"], folder)
    data = f"minutes/bench-{_symbol(0)}-1m.csv"
    space = ["--params", "f=5:50:5", "s=60:100:10"]
    yield cost(f"sweep, 50 sets, {minutes:,} bars", ["sweep", one, "--data", data, *space], folder)
    often = write_strategy(folder / "often.yaml", 2, "1m", SMALL, 3, 10)
    yield cost(
        f"backtest --out, {years} years of minutes, 2 symbols, many trades",
        ["backtest", often, "--data", "minutes", "--out", "often"],
        folder,
    )
    for symbols in (100, 500) if quick else (500, 2_000):
        name = f"hours-{symbols}"
        write_market(folder / name, symbols, hours, HOUR_S)
        for sizing, sort in ((SMALL, "none refused"), (LARGE, "most refused")):
            strategy = write_strategy(folder / f"{name}.yaml", symbols, "1h", sizing)
            what = f"backtest, {symbols:,} symbols × {hours:,} hours, {sort}"
            yield cost(what, ["backtest", strategy, "--data", name], folder)
    files = [write_strategy(folder / f"of-{n}.yaml", 10, "1h", SMALL, 5 + n % 10, 20 + n) for n in range(50)]
    words: list[str | Path] = ["compare", *files, "--data", f"hours-{100 if quick else 500}"]
    words += ["--engines", "futures,vectorized"]
    yield cost("compare, 50 strategies × 10 symbols, two engines", words, folder)


def compile_once(folder: Path) -> None:
    """Have each loop's machine code on disk."""
    write_market(folder / "few", 2, 2_000, MINUTE_S)
    for sizing in (SMALL, LARGE):
        strategy = write_strategy(folder / "few.yaml", 2, "1m", sizing)
        cost("compile: backtest", ["backtest", strategy, "--data", "few", "--out", "run-few"], folder)
        cost("compile: compare", ["compare", strategy, "--data", "few", "--engines", "futures,vectorized"], folder)
        cost("compile: sweep", ["sweep", strategy, "--data", "few", "--params", "f=5,9", "s=60:100:10"], folder)
        shutil.rmtree(folder / "sweep-few")


def section(costs: Sequence[Cost]) -> str:
    """The section of the page."""
    rows = [(one.what, f"{one.cpu_s:.1f} s", f"{one.peak_mib:,.0f} MiB") for one in costs]
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    lines = [
        HEADING,
        "",
        "Written by `make bench-commands`. CPU, user and system, of one process from start to end, with the machine",
        f"code that an earlier process left on disk; {os.cpu_count()} cores, load average at the end {load}.",
        "",
        table(("command", "CPU", "peak memory"), rows),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and put the section in place of the one before."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.research.commands", epilog="example: make bench-commands"
    )
    parser.add_argument("--quick", action="store_true", help="one year and 100 symbols")
    with tempfile.TemporaryDirectory(prefix="tradewire-bench-") as name:
        found = section(list(measured(Path(name), quick=parser.parse_args().quick)))
    page, _, _ = RESULT.read_text(encoding="utf-8").partition(HEADING)
    RESULT.write_text(page.rstrip("\n") + "\n\n" + found, encoding="utf-8")
    sys.stderr.write(f"written to {RESULT.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
