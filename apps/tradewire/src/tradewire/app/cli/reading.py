"""How the files of candles are read: what the commands on data and those of research share."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

import typer

from tradewire.app.cli.output import Exit, fail
from tradewire.backtest.data.reading import Reading
from tradewire.trading.times import zone_of

ZoneOption = Annotated[
    str | None, typer.Option("--tz", help="Zone of times that name none, e.g. Europe/Berlin; default: UTC.")
]


def reading_of(tz: str | None, *, rounded: bool = False) -> Reading:
    """How files are read. Raises CommandError for a zone that there is not."""
    try:
        return Reading(UTC if tz is None else zone_of(tz), rounded)
    except ValueError as error:
        fail(f"--tz: {error}", Exit.USAGE)
