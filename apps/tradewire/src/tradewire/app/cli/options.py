"""Options that several commands share, and the text under every command's help."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.output import EXIT_CODES

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the platform to talk to; default: the one running under .tradewire/."),
]
BusOption = Annotated[
    str | None,
    typer.Option("--bus", envvar="TRADEWIRE_BUS_URL", help="Talk to this bus instead, e.g. kafka://broker:9092."),
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry-url",
        envvar="TRADEWIRE_REGISTRY_URL",
        help="Schema registry of that bus; none: the ids of contracts/ids.json.",
    ),
]


def finite(value: float | None) -> float | None:
    """The callback of every option with decimals: infinity and NaN pass all of typer's own bounds, NaN even both."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"found {value}; allowed: a finite number")
    return value


ANSWER_SECONDS = 10.0
"""How long a command waits for the services by default."""
WithinOption = Annotated[
    float,
    typer.Option(
        "--within-s", min=0.1, max=600, callback=finite, help="Longest wait for the services' answers, seconds."
    ),
]


def epilog(*examples: str) -> str:
    """Examples and exit codes: how every command's help ends."""
    return "\n\n".join([*(f"Example: [cyan]{example}[/cyan]" for example in examples), EXIT_CODES])
