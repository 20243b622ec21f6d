"""Which kill-switch levels this instance obeys, told on ``ops.control-status.v1`` once they are carried out.

A command waits for this answer of every instance in charge: that a record was written is no effect.
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterable

from tradewire.ports.clock import ClockPort
from tradewire.ports.events import ControlStatusChanged
from tradewire.ports.message import Emit, derived_id
from tradewire.runtime.service import Service

_instances = itertools.count()


class ControlStatus:
    """Of a service that obeys controls: how far it read them, for which partitions, and what is in force."""

    def __init__(self, service: Service, clock: ClockPort, member: str) -> None:
        """``member``: what tells this process from others of the service; empty: its host and pid do."""
        self._service, self._clock = service, clock
        self._instance = member or f"{socket.gethostname()}:{os.getpid()}:{next(_instances)}"
        self._partitions: set[int] = set()
        self._offset = -1
        self._told: tuple[int, frozenset[int], int] | None = None

    def passed(self, offset: int) -> None:
        """A record of ``ops.control.v1`` was carried out, or is a dead letter."""
        self._offset = max(self._offset, offset)

    def own(self, partitions: Iterable[int]) -> None:
        """Answer for partitions."""
        self._partitions |= set(partitions)

    def forget(self, partitions: Iterable[int]) -> None:
        """Partitions that another instance answers for now."""
        self._partitions -= set(partitions)

    def take(self) -> list[Emit]:
        """What is to be told now: nothing while nothing changed."""
        if self._service.levels is None:
            return []
        accounts = self._service.accounts()
        now = (self._offset, frozenset(self._partitions), len(accounts))
        if now == self._told:
            return []
        self._told, now_us, name = now, self._clock.now_us(), self._service.name
        event = ControlStatusChanged(
            service=name,
            instance=self._instance,
            partitions=tuple(sorted(self._partitions)),
            control_offset=self._offset,
            levels=tuple(self._service.levels()),
            accounts=tuple(sorted(accounts)),
            event_time_us=now_us,
        )
        return [Emit(event, event_id=derived_id(f"{name}|{self._instance}", "ControlStatusChanged", now_us))]
