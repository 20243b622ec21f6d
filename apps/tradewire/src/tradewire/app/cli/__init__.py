"""The ``tradewire`` command."""

from tradewire.app.cli.entry import main

__all__ = ["main"]
