"""What a run is asked for from Python: the settings that run, sweep and compare share, and the request made of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypedDict, Unpack

from tradewire.backtest.accounts import AccountWords, Amount, Named, decimal_of, named_amounts
from tradewire.backtest.data import MarketFiles, load_markets
from tradewire.backtest.data.reading import Reading
from tradewire.backtest.frames import Data, words_of
from tradewire.backtest.volume import volume_reader
from tradewire.ports.backtest import BacktestRequest, MarginMode
from tradewire.trading.language import compile_strategy, parse_strategy
from tradewire.trading.spelling import nearest_word
from tradewire.trading.times import moment_us, zone_of

Moment = str | int | datetime
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Files(TypedDict, total=False):
    """What stands beside the candles, and how all is read.

    ``mark``: candles of the mark price; ``funding``: frames or files with funding_time, funding_rate; ``path_data``:
    finer candles, which tell the way of the price inside the bars; ``instruments``, ``brackets``: files. ``start``,
    ``end``: open times, end exclusive: ISO 8601, a count since the epoch or a datetime; indicators warm up on what the
    data have before the start. ``tz``: of times that name no zone, UTC by default. ``round_prices``: round prices to
    the instrument's tick, as computed frames need.
    """

    mark: Data | None
    funding: Data | None
    path_data: Data | None
    instruments: str | Path | None
    brackets: str | Path | None
    start: Moment | None
    end: Moment | None
    tz: str | None
    round_prices: bool


class BacktestSettings(Files, total=False):
    """Files, parameters and account of a run; the account as ``AccountWords`` has it, its defaults included.

    ``params``, ``limits``: numbers by name, or texts as the commands take them, ``"max_leverage=1"``.
    """

    params: Named
    capital: Amount
    leverage: int
    margin_mode: MarginMode | str
    slippage_bps: Amount
    fee: Amount | None
    volume_share: Amount
    latency_ms: int
    limits: Named


_ACCOUNT = tuple(AccountWords.__dataclass_fields__)


def request_of(strategy: str | Path, data: Data, **settings: Unpack[BacktestSettings]) -> BacktestRequest:
    """What to run, with everything read and checked.

    Raises: StrategyErrors; MarketDataError for data that is not fit; ValueError for a setting out of range; TypeError
    for one that there is not.
    """
    _refuse_unknown(settings)
    text, values = strategy_text(strategy), params_of(named_amounts("params", settings.get("params")))
    document = parse_strategy(text)
    for warning in document.warnings:
        warnings.warn(f"the strategy: {warning}", stacklevel=3)
    compiled = compile_strategy(document, values)
    own = {name: value for name, value in settings.items() if name in _ACCOUNT}
    own["limits"] = named_amounts("limits", settings.get("limits"))
    words = AccountWords(**own)  # type: ignore[arg-type]  # TypedDict forgets which value is whose
    account = words.settings(compiled.account)
    zone = settings.get("tz")
    brackets, instruments = settings.get("brackets"), settings.get("instruments")
    files = MarketFiles(
        data=words_of(data, "data", compiled.symbols),
        mark=words_of(settings.get("mark"), "mark", compiled.symbols),
        funding=words_of(settings.get("funding"), "funding", compiled.symbols),
        path=words_of(settings.get("path_data"), "path_data", compiled.symbols),
        brackets=None if brackets is None else Path(brackets),
        instruments=None if instruments is None else Path(instruments),
        reading=Reading(UTC if zone is None else zone_of(zone), rounded=settings.get("round_prices", False)),
        volume_reader=volume_reader(compiled, account),
    )
    start, end = _moment_us("start", settings.get("start")), _moment_us("end", settings.get("end"))
    return BacktestRequest(text, load_markets(compiled, files, start_us=start, end_us=end), values, account)


def params_of(given: Mapping[str, Amount | None]) -> dict[str, float]:
    """Parameters as numbers. Raises SettingError for what is none."""
    return {name: float(decimal_of(f"params: {name}", value)) for name, value in given.items()}


def _refuse_unknown(settings: Mapping[str, object]) -> None:
    known = tuple(dict.fromkeys((*Files.__annotations__, *BacktestSettings.__annotations__)))
    for name in settings:
        if name not in known:
            near = nearest_word(name, known)
            raise TypeError(f"no setting {name!r}" + (f"; did you mean {near}?" if near else f"; allowed {known}"))


def strategy_text(strategy: str | Path) -> str:
    """The file's text; a string that holds a line break, or names no file, is a text itself."""
    if isinstance(strategy, Path) or ("\n" not in strategy and Path(strategy).suffix in (".yaml", ".yml")):
        return Path(strategy).read_text(encoding="utf-8")
    return strategy


def _moment_us(name: str, moment: Moment | None) -> int | None:
    """UTC µs; a time without a zone is UTC."""
    if moment is None:
        return None
    if isinstance(moment, datetime):
        if moment != moment:  # NaT of pandas is a datetime that equals nothing
            raise ValueError(f"{name}: found NaT, allowed a time, or None for none")
        zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return (zoned - EPOCH) // timedelta(microseconds=1)
    try:
        return moment_us(str(moment))
    except ValueError as error:
        raise ValueError(f"{name}: found {moment!r}, allowed {error}") from None
