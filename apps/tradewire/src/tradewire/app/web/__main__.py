"""The dashboard as a process that a platform keeps: settings from the environment, as every service has them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tradewire.app.cli.interrupts import run_until_told
from tradewire.app.web.server import serve
from tradewire.runtime.clock import SystemClock

PORT, PORT_FILE = "TRADEWIRE_HTTP_PORT", "TRADEWIRE_HTTP_PORT_FILE"
"""What a kept process is given. The file is in the logs of the platform's folder, which is the one to show."""


async def _serve() -> None:
    root = Path(os.environ[PORT_FILE]).parents[1]
    async with serve(root, SystemClock(), port=int(os.environ.get(PORT, "0"))):
        await asyncio.Event().wait()


if __name__ == "__main__":
    run_until_told(_serve, lambda _: None)
