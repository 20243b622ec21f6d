"""Where a platform's dashboard serves, and the link that opens it once."""

from __future__ import annotations

from pathlib import Path

from tradewire.app.web.keys import Keys, key_of
from tradewire.embedded import StackPaths
from tradewire.ports.clock import ClockPort

HOST = "127.0.0.1"
PORT_FILE = "web.port"


def address(root: Path) -> str | None:
    """Base URL of the dashboard that serves the platform in ``root``; None when none does."""
    try:
        found = int((StackPaths.under(root).logs / PORT_FILE).read_text())
    except (OSError, ValueError):
        return None
    return f"http://{HOST}:{found}"


def one_time_link(root: Path, base: str, clock: ClockPort) -> str:
    """An address that opens the pages once, within ten minutes."""
    return f"{base}/enter?token={keys_of(root).link(clock.now_us() // 1_000_000)}"


def keys_of(root: Path) -> Keys:
    """What signs the links and sessions of the platform in ``root``."""
    return Keys(key_of(StackPaths.under(root).root))
