"""The servers under the bus suite: one of the embedded stack, or one in a container. Both can be frozen and killed."""

from __future__ import annotations

from typing import Protocol

from tradewire.embedded import Stack
from tradewire.embedded.freezing import freeze, thaw


class BusServers(Protocol):
    """Kafka and Redis as a test needs them. ``part``: kafka or redis."""

    @property
    def bootstrap_servers(self) -> str:
        """Address of the broker."""

    @property
    def redis_url(self) -> str:
        """Address of Redis."""

    def freeze(self, part: str) -> None:
        """From now on it answers nothing, and whoever talks to it is not told."""

    def thaw(self, part: str) -> None:
        """It goes on where it was."""

    def kill(self, part: str) -> None:
        """End it as a crash would."""

    def restart(self, part: str) -> None:
        """Start it again on the same address and data; returns when it serves."""


class EmbeddedServers(BusServers):
    """Those of the embedded stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @property
    def bootstrap_servers(self) -> str:
        return self._stack.bootstrap_servers

    @property
    def redis_url(self) -> str:
        return self._stack.redis_url

    def freeze(self, part: str) -> None:
        freeze(self._pid(part))

    def thaw(self, part: str) -> None:
        thaw(self._pid(part))

    def kill(self, part: str) -> None:
        self._stack.kill(part)

    def restart(self, part: str) -> None:
        self._stack.restart(part)

    def _pid(self, part: str) -> int:
        pid = self._stack.pid(part)
        assert pid is not None, f"{part} does not run"
        return pid
