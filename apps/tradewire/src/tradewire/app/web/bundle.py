"""The built pages, as the package holds them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from tradewire.ports.errors import FatalError

TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
FOLDER = files("tradewire.app.web") / "bundle"


def is_built() -> bool:
    """Are there pages to serve?"""
    return (FOLDER / "index.html").is_file()


def bundle() -> Mapping[str, bytes]:
    """The built files by name. Raises FatalError where they were not built."""
    if not is_built():
        raise FatalError("the dashboard's pages were not built: `make web` builds them, with Node from PyPI")
    return {entry.name: entry.read_bytes() for entry in FOLDER.iterdir() if Path(entry.name).suffix in TYPES}
