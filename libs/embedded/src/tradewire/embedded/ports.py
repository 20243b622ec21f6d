"""Choosing the servers' ports."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tradewire.embedded.errors import PortTakenError, StackError

# Below the range from which Linux (32768 up) and macOS (49152 up) take the ports of outgoing connections: a client
# that keeps trying a stopped server from that range can end up connected to itself, and then holds the server's port.
FIRST_PORT = 21_000
LAST_PORT = 32_000


def choose_ports(names: Iterable[str], *, asked: Mapping[str, int], root: Path) -> dict[str, int]:
    """A free loopback port for each name.

    A port that was asked for is taken as it is; the others are searched from a place that depends on the folder, so
    that a stack finds the same ports again and two stacks seldom meet.

    Raises: PortTakenError when a port that was asked for is not free.
    """
    wanted = list(names)
    for name in wanted:
        if name in asked and not is_free(asked[name]):
            raise PortTakenError(name, asked[name])
    used = set(asked.values())
    chosen: dict[str, int] = {}
    for name in wanted:
        chosen[name] = asked[name] if name in asked else _search(root, used)
        used.add(chosen[name])
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether something listens on this loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _search(root: Path, used: set[int]) -> int:
    span = LAST_PORT - FIRST_PORT
    start = zlib.crc32(str(root).encode()) % span
    for step in range(span):
        port = FIRST_PORT + (start + step) % span
        if port not in used and is_free(port):
            return port
    raise StackError(f"no free port between {FIRST_PORT} and {LAST_PORT} on 127.0.0.1")
