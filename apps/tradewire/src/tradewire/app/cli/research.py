"""What the research commands share: their options, and the request that they make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.limit_words import parse_limits
from tradewire.app.cli.moments import iso, moment
from tradewire.app.cli.output import Exit, fail, say_warnings
from tradewire.app.cli.reading import ZoneOption, reading_of
from tradewire.backtest.accounts import AccountWords, SettingError
from tradewire.backtest.data import MarketFiles, assumptions, load_markets, remarks
from tradewire.backtest.volume import volume_reader
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarginMode
from tradewire.trading.language import CompiledStrategy, compile_strategy, parse_strategy

StrategyArgument = Annotated[Path, typer.Argument(help="Strategy file.", exists=True, dir_okay=False)]
DataOption = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="Candles: FILE, SYMBOL=FILE or a folder; CSV, Parquet or Feather. Those of one symbol are joined.",
    ),
]
MarkOption = Annotated[list[str] | None, typer.Option("--mark", help="Mark-price candles, named like --data.")]
FundingOption = Annotated[list[str] | None, typer.Option("--funding", help="Funding settlements, named like --data.")]
BracketsOption = Annotated[
    Path | None,
    typer.Option("--brackets", help="Maintenance brackets by symbol, JSON.", exists=True, dir_okay=False),
]
InstrumentsOption = Annotated[
    Path | None,
    typer.Option(
        "--instruments",
        help="Instruments and their versions; default: instruments.yaml beside the candles.",
        exists=True,
        dir_okay=False,
    ),
]
PathOption = Annotated[
    list[str] | None,
    typer.Option("--path-data", help="Finer candles: the way of the price inside the bars. Named like --data."),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="First open time that is traded, ISO 8601 in UTC, s or ms; indicators warm up on the bars before.",
    ),
]
ToOption = Annotated[str | None, typer.Option("--to", help="End (exclusive) of the open times, likewise.")]
CapitalOption = Annotated[str, typer.Option("--capital", help="Opening balance, quote.")]
FeesOption = Annotated[
    str | None, typer.Option("--fees", help="Fee rate of takers and makers, e.g. 0.0004; default: the instruments'.")
]
SlippageOption = Annotated[str, typer.Option("--slippage", help="Slippage of takers, basis points of price.")]
LeverageOption = Annotated[int, typer.Option("--leverage", min=1, help="Leverage of every symbol.")]
MarginOption = Annotated[
    MarginMode, typer.Option("--margin-mode", case_sensitive=False, help="Cross or isolated margin.")
]
ShareOption = Annotated[
    str, typer.Option("--volume-share", help="Largest share of a bar's volume that orders take; 0: no bound.")
]
LatencyOption = Annotated[
    int, typer.Option("--latency", min=0, max=86_400_000, help="Time that orders take to the venue, ms.")
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Parameter, NAME=VALUE; else the file's defaults.")]
RoundOption = Annotated[
    bool, typer.Option("--round-prices", help="Round prices to the instrument's tick; else 8 decimals are the most.")
]
LimitOption = Annotated[
    list[str] | None, typer.Option("--limit", help="Risk limit, as `tradewire limits set` takes it.")
]

_OPTIONS = {"fee": "fees", "slippage_bps": "slippage", "latency_ms": "latency", "limits": "limit"}
"""Options whose names differ from the settings' own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchOptions:
    """What the research commands share, as typed: files, span, account and parameters of a run."""

    data: DataOption
    mark: MarkOption = None
    funding: FundingOption = None
    brackets: BracketsOption = None
    instruments: InstrumentsOption = None
    path_data: PathOption = None
    begin: FromOption = None
    end: ToOption = None
    capital: CapitalOption = "100000"
    fees: FeesOption = None
    slippage: SlippageOption = "1"
    leverage: LeverageOption = 5
    margin_mode: MarginOption = MarginMode.CROSS
    volume_share: ShareOption = "0"
    latency: LatencyOption = 0
    params: SetOption = None
    limits: LimitOption = None
    tz: ZoneOption = None
    round_prices: RoundOption = False


def request_of(strategy: Path, asked: ResearchOptions) -> BacktestRequest:
    """What to run. Raises CommandError, StrategyErrors, MarketDataError."""
    text = read_text(strategy)
    values, document = parse_params(asked.params or ()), parse_strategy(text)
    say_warnings(strategy, document.warnings)
    for name in values:
        if name not in document.params:
            allowed = ", ".join(document.params) or "none: the strategy has no parameters"
            fail(f"--set: found {name!r}, allowed {allowed}", Exit.USAGE)
    compiled = compile_strategy(document, values)
    account = account_of(compiled, asked)
    markets = load_markets(
        compiled,
        MarketFiles(
            data=tuple(asked.data),
            mark=tuple(asked.mark or ()),
            funding=tuple(asked.funding or ()),
            brackets=asked.brackets,
            instruments=asked.instruments,
            path=tuple(asked.path_data or ()),
            reading=reading_of(asked.tz, rounded=asked.round_prices),
            volume_reader=volume_reader(compiled, account),
        ),
        start_us=None if asked.begin is None else moment(asked.begin),
        end_us=None if asked.end is None else moment(asked.end),
    )
    return BacktestRequest(text, markets, values, account)


NAMED_SYMBOLS = 5
"""More that are ready at the same close are told by their number."""


def ready_line(ready: Mapping[str, int | None]) -> str:
    """From which close on the strategy could decide, by symbol; many of the same close as their number."""
    moments: dict[int | None, list[str]] = {}
    for symbol, at in ready.items():
        moments.setdefault(at, []).append(symbol)
    told = []
    for at, symbols in moments.items():
        named = symbols if len(symbols) <= NAMED_SYMBOLS else [f"{len(symbols):,} symbols"]
        told += [f"{name} {'never' if at is None else f'from {iso(at)}'}" for name in named]
    return f"ready: {', '.join(told)}"


def account_of(strategy: CompiledStrategy, asked: ResearchOptions) -> AccountSettings:
    """The account that trades. Raises CommandError."""
    words = AccountWords(
        capital=asked.capital,
        leverage=asked.leverage,
        margin_mode=asked.margin_mode,
        slippage_bps=asked.slippage,
        fee=asked.fees,
        volume_share=asked.volume_share,
        latency_ms=asked.latency,
        limits=parse_limits(list(asked.limits or ())),
    )
    try:
        return words.settings(strategy.account)
    except SettingError as error:
        name, colon, rest = error.name.partition(":")
        option = _OPTIONS.get(name, name.replace("_", "-"))
        fail(f"--{option}{colon}{rest}: found {error.found}, allowed {error.allowed}", Exit.USAGE)


def data_lines(request: BacktestRequest) -> list[str]:
    """What was taken for what in the data, and what was assumed: lines of the answer."""
    said = [f"data: {sentence}" for sentence in remarks(request.markets)]
    return said + [f"assumed: {sentence}" for sentence in assumptions(request.markets)]


def parse_params(words: Sequence[str]) -> dict[str, float]:
    """Parameter values as typed. Raises CommandError."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            value = float(text) if equals else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            fail(f"found parameter {word!r}, allowed NAME=NUMBER, finite", Exit.USAGE)
        found[name.strip()] = value
    return found


def read_text(path: Path) -> str:
    """A strategy file's text. Raises CommandError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: {error}", Exit.USAGE)
