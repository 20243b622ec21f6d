"""What the research commands share: their options, and the request that they make of them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from tradewire.app.cli.limits import parse_limits
from tradewire.app.cli.moments import iso, moment
from tradewire.app.cli.output import Exit, fail, say_warnings
from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarginMode
from tradewire.ports.events import RiskLimitsChanged
from tradewire.trading.bounds import WORTH_BOUND
from tradewire.trading.language import CompiledStrategy, compile_strategy, parse_strategy
from tradewire.trading.limit_bounds import fault_of

StrategyArgument = Annotated[Path, typer.Argument(help="Strategy file.", exists=True, dir_okay=False)]
DataOption = Annotated[
    list[str],
    typer.Option(
        "--data",
        help="Candles, CSV or Parquet, plain or packed: FILE, SYMBOL=FILE or a folder. Those of one symbol are joined.",
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
        "--from", help="First open time that is traded, ISO 8601 in UTC or ms; indicators warm up on the bars before."
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
LimitOption = Annotated[
    list[str] | None, typer.Option("--limit", help="Risk limit, as `tradewire limits set` takes it.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
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


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each field of `Asked` in place of its parameter ``asked``."""
    own = inspect.signature(command, eval_str=True)
    hints = get_type_hints(Asked, include_extras=True)
    shared = [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(Asked)
    ]
    parameters: list[Parameter] = []
    for parameter in own.parameters.values():
        parameters += shared if parameter.name == "asked" else [parameter.replace(kind=Parameter.KEYWORD_ONLY)]

    def typed(**words: Any) -> None:
        asked = Asked(**{field.name: words.pop(field.name) for field in fields(Asked)})
        command(asked=asked, **words)

    typed.__name__, typed.__doc__ = command.__name__, command.__doc__
    typed.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # typer reads it
    return typed


def request_of(strategy: Path, asked: Asked) -> BacktestRequest:
    """What to run. Raises CommandError, StrategyErrors, MarketDataError."""
    text = read_text(strategy)
    values, document = parse_params(asked.params or ()), parse_strategy(text)
    say_warnings(strategy, document.warnings)
    for name in values:
        if name not in document.params:
            allowed = ", ".join(document.params) or "none: the strategy has no parameters"
            fail(f"--set: found {name!r}, allowed {allowed}", Exit.USAGE)
    compiled = compile_strategy(document, values)
    markets = load_markets(
        compiled,
        MarketFiles(
            data=tuple(asked.data),
            mark=tuple(asked.mark or ()),
            funding=tuple(asked.funding or ()),
            brackets=asked.brackets,
            instruments=asked.instruments,
            path=tuple(asked.path_data or ()),
        ),
        start_us=None if asked.begin is None else moment(asked.begin),
        end_us=None if asked.end is None else moment(asked.end),
    )
    return BacktestRequest(text, markets, values, account_of(compiled, asked))


def ready_line(ready: Mapping[str, int | None]) -> str:
    """From which close on the strategy could decide, by symbol."""
    told = [f"{symbol} {'never' if at is None else f'from {iso(at)}'}" for symbol, at in ready.items()]
    return f"ready: {', '.join(told)}"


def account_of(strategy: CompiledStrategy, asked: Asked) -> AccountSettings:
    """The account that trades."""
    fee = None if asked.fees is None else _number("--fees", asked.fees, "0", "1")
    return AccountSettings(
        capital=_number("--capital", asked.capital, "0.00000001", str(WORTH_BOUND)),
        leverage=asked.leverage,
        margin_mode=asked.margin_mode,
        slippage_bps=_number("--slippage", asked.slippage, "0", "9999"),
        taker_fee=fee,
        maker_fee=fee,
        volume_share=_number("--volume-share", asked.volume_share, "0", "1"),
        latency_us=asked.latency * 1000,
        limits=_limits(strategy.account, asked.limits or ()),
    )


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


def _limits(account_id: str, words: Sequence[str]) -> RiskLimitsChanged | None:
    if not words:
        return None
    changes: dict[str, Any] = dict(parse_limits(list(words)))
    limits = RiskLimitsChanged(account_id=account_id, version=1, author="backtest", changed_at_us=0, **changes)
    fault = fault_of(limits)
    if fault is not None:
        fail(f"--limit: {fault}", Exit.USAGE)
    return limits


def _number(option: str, text: str, least: str, most: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        fail(f"{option}: found {text!r}, allowed a number", Exit.USAGE)
    if not value.is_finite() or not Decimal(least) <= value <= Decimal(most):
        fail(f"{option}: found {text}, allowed {least} to {most}", Exit.USAGE)
    if value != value.quantize(Decimal("0.00000001")):
        fail(f"{option}: found {text}, allowed at most 8 decimals", Exit.USAGE)
    return value
