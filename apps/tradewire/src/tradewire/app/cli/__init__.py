"""The ``tradewire`` command."""

from __future__ import annotations

import logging

import typer

from tradewire.app.cli import run as run_commands
from tradewire.app.cli.output import EXIT_CODES

app = typer.Typer(
    name="tradewire",
    help="An event-driven quant trading platform: six services over Kafka.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("setup", epilog=EXIT_CODES)(run_commands.setup)
app.command("run", epilog=EXIT_CODES)(run_commands.run)


def main() -> None:
    """Entry point of the console script."""
    logging.basicConfig(level=logging.CRITICAL)
    app()
