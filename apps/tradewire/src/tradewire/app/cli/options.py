"""Options that several commands share, and the text under every command's help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.outcome import EXIT_CODES

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of tables.")]
RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the platform to talk to; default: the one that runs under .tradewire/."),
]
BusOption = Annotated[
    str | None,
    typer.Option("--bus", envvar="TRADEWIRE_BUS_URL", help="Address of a bus, e.g. kafka://broker:9092."),
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry-url",
        envvar="TRADEWIRE_REGISTRY_URL",
        help="Schema registry of that bus; none: the ids of contracts/ids.json.",
    ),
]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="Folder with data/sample and strategies/; default: this one or one above it."),
]


def epilog(*examples: str) -> str:
    """Examples and exit codes, as every command's help ends."""
    shown = " · ".join(f"[cyan]{example}[/]" for example in examples)
    return f"Example: {shown}\n\n{EXIT_CODES}"
