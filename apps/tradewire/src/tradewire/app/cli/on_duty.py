"""The commands that stop trading, as an application of their own: they start without the platform's heavy parts."""

from __future__ import annotations

import typer

from tradewire.app.cli import controls, limits

app = typer.Typer(name="tradewire", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")


def add_to(app: typer.Typer) -> None:
    """Add the kill switch and the limits."""
    controls.add_to(app)
    app.add_typer(limits.app, name="limits")


add_to(app)
