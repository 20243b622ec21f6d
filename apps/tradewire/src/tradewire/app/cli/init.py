"""``tradewire init``: a project to begin with, in an empty folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.options import JsonOption, epilog
from tradewire.app.cli.output import print_json, tell
from tradewire.app.operating.sample import PARTS, write_project


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it; made when missing.")] = Path("."),
    as_json: JsonOption = False,
) -> None:
    """Write a sample project: recorded candles, their instruments, strategies. Never writes over a file."""
    written = write_project(folder)
    if as_json:
        print_json({"folder": folder, "written": written})
        return
    tell(f"wrote {len(written)} files to {' and '.join(str(folder / part) for part in PARTS)}")
    tell("next: `tradewire setup` fetches the servers once, `tradewire up` trades the sample;")
    tell("your own market: `tradewire up --help`")


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("init", epilog=epilog("tradewire init", "tradewire init my-project"))(init)
