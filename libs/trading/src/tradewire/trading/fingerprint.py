"""The run fingerprint: one hash over all fills and account states."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Context, Decimal

from tradewire.ports.events import AccountStateChanged, OrderFilled

_EXACT = Context(prec=60)
"""More digits than the wire's 38: normalising never rounds."""


def canonical(value: object) -> str:
    """One text per value: 60050.5 and 60050.50000000 are the same number, and fields come in name order."""
    if isinstance(value, Decimal):
        return f"{value.normalize(_EXACT):f}" if value else "0"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    return str(value)


class Fingerprint:
    """sha256 over every fill and account state of a run, by account and sequence.

    Order of arrival, repeated delivery, partitions, wall-clock times and trace ids don't enter. Two records under one
    (account, sequence) that differ are a fault of the run and are listed in ``conflicts``.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], bytes] = {}
        self.conflicts: list[tuple[str, int]] = []

    def add(self, event: OrderFilled | AccountStateChanged) -> bool:
        """Take a record in; False when it was there already."""
        key = (event.account_id, event.sequence)
        line = hashlib.sha256(f"{type(event).__name__} {canonical(event.model_dump())}".encode()).digest()
        known = self._lines.setdefault(key, line)
        if known is line:
            return True
        if known != line:
            self.conflicts.append(key)
        return False

    def hexdigest(self) -> str:
        """64 hex digits."""
        total = hashlib.sha256()
        for (account_id, sequence), line in sorted(self._lines.items()):
            total.update(f"{account_id}|{sequence}|".encode())
            total.update(line)
        return total.hexdigest()
