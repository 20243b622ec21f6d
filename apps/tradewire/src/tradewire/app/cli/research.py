"""What the research commands share: their options, and the request that they make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewire.app.cli.limits import parse_limits
from tradewire.app.cli.moments import moment
from tradewire.app.cli.output import Exit, fail
from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarginMode
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.language import CompiledStrategy, compile_strategy, parse_strategy

StrategyArgument = Annotated[Path, typer.Argument(help="Strategy file.", exists=True, dir_okay=False)]
DataOption = Annotated[
    list[str],
    typer.Option("--data", help="Candles, CSV or Parquet: a file, SYMBOL=FILE for each symbol, or a folder."),
]
MarkOption = Annotated[list[str] | None, typer.Option("--mark", help="Mark-price candles, named like --data.")]
FundingOption = Annotated[list[str] | None, typer.Option("--funding", help="Funding settlements, named like --data.")]
BracketsOption = Annotated[Path | None, typer.Option("--brackets", help="Maintenance brackets by symbol, JSON.")]
InstrumentsOption = Annotated[
    Path | None, typer.Option("--instruments", help="Instruments; default: instruments.yaml beside the candles.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="First open time, ISO 8601 in UTC or ms.")]
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
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Parameter, NAME=VALUE; else the file's defaults.")]
LimitOption = Annotated[
    list[str] | None, typer.Option("--limit", help="Risk limit, as `tradewire limits set` takes it.")
]


@dataclass(frozen=True, slots=True)
class Where:
    """Files of a run, as typed."""

    data: Sequence[str]
    mark: Sequence[str] | None = None
    funding: Sequence[str] | None = None
    brackets: Path | None = None
    instruments: Path | None = None
    begin: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class How:
    """Account of a run, as typed."""

    capital: str
    fees: str | None
    slippage: str
    leverage: int
    margin_mode: MarginMode
    volume_share: str
    limits: Sequence[str] | None


def request_of(strategy: Path, where: Where, how: How, params: Sequence[str] | None) -> BacktestRequest:
    """What to run. Raises CommandError, StrategyErrors, MarketDataError."""
    text = read_text(strategy)
    values = parse_params(params or ())
    compiled = compile_strategy(parse_strategy(text), values)
    markets = load_markets(
        compiled,
        MarketFiles(
            data=tuple(where.data),
            mark=tuple(where.mark or ()),
            funding=tuple(where.funding or ()),
            brackets=where.brackets,
            instruments=where.instruments,
        ),
        start_us=None if where.begin is None else moment(where.begin),
        end_us=None if where.end is None else moment(where.end),
    )
    return BacktestRequest(text, markets, values, account_of(compiled, how))


def account_of(strategy: CompiledStrategy, how: How) -> AccountSettings:
    """The account that trades."""
    fee = None if how.fees is None else _number("--fees", how.fees, "0", "1")
    return AccountSettings(
        capital=_number("--capital", how.capital, "0.00000001", "90000000000"),
        leverage=how.leverage,
        margin_mode=how.margin_mode,
        slippage_bps=_number("--slippage", how.slippage, "0", "9999"),
        taker_fee=fee,
        maker_fee=fee,
        volume_share=_number("--volume-share", how.volume_share, "0", "1"),
        limits=_limits(strategy.account, how.limits or ()),
    )


def parse_params(words: Sequence[str]) -> dict[str, float]:
    """Parameter values as typed. Raises CommandError."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            found[name.strip()] = float(text)
        except ValueError:
            fail(f"found parameter {word!r}, allowed NAME=NUMBER", Exit.USAGE)
        if not equals:
            fail(f"found parameter {word!r}, allowed NAME=NUMBER", Exit.USAGE)
    return found


def read_text(path: Path) -> str:
    """A strategy file's text. Raises CommandError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path}: {error}", Exit.USAGE)


def _limits(account_id: str, words: Sequence[str]) -> RiskLimitsChanged | None:
    if not words:
        return None
    changes: dict[str, Any] = dict(parse_limits(list(words)))
    return RiskLimitsChanged(account_id=account_id, version=1, author="backtest", changed_at_us=0, **changes)


def _number(option: str, text: str, least: str, most: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        fail(f"{option}: found {text!r}, allowed a number", Exit.USAGE)
    if not Decimal(least) <= value <= Decimal(most):
        fail(f"{option}: found {text}, allowed {least} to {most}", Exit.USAGE)
    if value != value.quantize(Decimal("0.00000001")):
        fail(f"{option}: found {text}, allowed at most 8 decimals", Exit.USAGE)
    return value
