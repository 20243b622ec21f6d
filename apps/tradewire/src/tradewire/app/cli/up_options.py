"""The options of ``tradewire up``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.options import finite, of_setting
from tradewire.app.operating.market import BARS_PER_SECOND
from tradewire.embedded.service_processes import SERVICES
from tradewire.trading.candle_files import ALLOWED_NAMES

ServicesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[SERVICE]…", help=f"Default: all of {', '.join(SERVICES)}.")
]
LeanOption = Annotated[bool, typer.Option("--lean", help="Without schema registry, windowed views and dashboard.")]
MonolithOption = Annotated[bool, typer.Option("--monolith", help="All six services in one process.")]
MarketOption = Annotated[
    str | None,
    typer.Option("--market", help="replay: the sample of this folder (default); live: public candles of a venue."),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help=f"Replay the candle files of this folder: {ALLOWED_NAMES}.")
]
ZoneOption = Annotated[
    str | None,
    typer.Option("--tz", help="Zone of times in those files that name none, e.g. Europe/Berlin; default: UTC."),
]
VenueOption = Annotated[
    str | None,
    typer.Option(
        "--venue",
        help="Follow the public candles of this venue: binance or http://HOST:PORT of a venue with its protocol, both "
        "by WebSocket; another id of ccxt, by polling.",
    ),
]
SymbolsOption = Annotated[str | None, typer.Option("--symbols", help="The venue's own symbols, with commas between.")]
IntervalOption = Annotated[str | None, typer.Option("--interval", help="Interval of those candles, e.g. 1m.")]
StrategiesOption = Annotated[
    Path | None, typer.Option("--strategies", help="Start with the strategy files of this folder.")
]
PaceOption = Annotated[
    float | None,
    typer.Option(
        "--bars-per-second",
        min=0.01,
        callback=finite,
        help=f"Pace of a replay, bars/s; default: {BARS_PER_SECOND:g}. At full speed until an account's markets began.",
    ),
]
OwnBusOption = Annotated[
    str | None,
    of_setting(
        *("--bus", "TRADEWIRE_BUS_URL"),
        "Your own bus instead of an embedded Kafka: kafka://HOST:PORT, redis://HOST:PORT/0.",
    ),
]
OwnRegistryOption = Annotated[
    str | None, of_setting("--registry", "TRADEWIRE_REGISTRY_URL", "Your own schema registry, a Confluent API.")
]
DsnOption = Annotated[
    list[str] | None,
    typer.Option("--dsn", metavar="SERVICE=DSN", help="Your own Postgres database for a service."),
]
ForegroundOption = Annotated[
    bool, typer.Option("--foreground", help="Stay here until Ctrl-C instead of running in the background.")
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the dashboard in the browser, once it is up.")]
