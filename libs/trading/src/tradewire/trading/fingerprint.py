"""The run fingerprint: one hash over all fills and account states."""

from __future__ import annotations

import hashlib

from tradewire.ports.events import AccountStateChanged, OrderFilled


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
        line = hashlib.sha256(f"{type(event).__name__} {event.model_dump_json()}".encode()).digest()
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
