"""The ``tradewire`` command."""

from tradewire.app.cli.commands import app
from tradewire.app.cli.entry import main

__all__ = ["app", "main"]
