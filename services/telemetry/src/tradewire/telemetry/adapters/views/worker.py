"""The faust application: account states and fills into windows.

A record is acknowledged after its windows are on disk, and merging is idempotent: whatever is delivered again after a
crash changes nothing. No faust table, so no changelog topics: disk and consumer group have one name (see ``Rows``), and
a lost disk is rebuilt from the topics themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import faust

from tradewire.ports.checks import CHECKS
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.events import AccountStateChanged, OrderFilled
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.codec import Codec, UnknownSchemaIdError
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.domain.windows import Windows

log = logging.getLogger(__name__)

EVENTS = (AccountStateChanged, OrderFilled)
TOPIC_NAMES = tuple(BY_EVENT[event].name for event in EVENTS)
SESSION_SECONDS = 10.0
"""A killed worker's partitions are free again after this long."""
RETRY_SECONDS = 1.0


class ViewWorker:
    """Reads every partition of the topics into ``windows`` and ``rows``. ``last_success_us``: of a record, UTC µs."""

    def __init__(self, brokers: str, codec: Codec, windows: Windows, rows: Rows, clock: ClockPort) -> None:
        self._codec, self._windows, self._rows, self._clock = codec, windows, rows, clock
        self.handled = self.skipped = 0
        self.last_success_us: int | None = None
        self.last_error: str | None = None
        self.positions: dict[tuple[str, int], int] = {}
        self.app = faust.App(
            f"telemetry-views-{rows.generation}",
            broker=f"kafka://{brokers}",
            broker_session_timeout=SESSION_SECONDS,
            broker_heartbeat_interval=SESSION_SECONDS / 4,
            consumer_auto_offset_reset="earliest",
            topic_allow_declare=False,
            topic_disable_leader=True,
            store="memory://",
            datadir=str(rows.folder / "faust"),  # else faust makes a folder wherever the process was started
            web_enabled=False,
            logging_config=None,
        )
        topic = self.app.topic(*TOPIC_NAMES, key_serializer="raw", value_serializer="raw")
        self.app.agent(topic, name="windows")(self._windows_of)

    async def _windows_of(self, stream: Any) -> AsyncIterator[None]:
        async for event in stream.events():
            message = event.message
            await self._take(message.topic, message.value)
            self.positions[message.topic, message.partition] = message.offset + 1
            self.handled += 1
            self.last_success_us = self._clock.now_us()
            yield

    async def _take(self, topic: str, value: bytes | None) -> None:
        """One record; what can't be read is the telemetry service's to park, here it is only counted."""
        if value is None:
            return
        try:
            event = await self._decoded(topic, value)
        except ContractViolationError as error:
            self.skipped, self.last_error = self.skipped + 1, str(error)
            log.warning("left out of the views: %s", error, extra={"event": "view_skipped", "topic": topic})
            return
        assert isinstance(event, EVENTS)
        self._rows.write(self._windows.take(event))

    async def _decoded(self, topic: str, value: bytes) -> Event:
        """As the codec says; a registry that is away is asked again until it answers."""
        while True:
            try:
                event = self._codec.decode(topic, value)
                CHECKS[type(event)](event)
                return event
            except UnknownSchemaIdError as unknown:
                try:
                    await self._codec.ids.fetch(unknown.schema_id)
                except RetryableError as error:
                    log.warning("registry away: %s", error, extra={"event": "registry_away"})
                    await asyncio.sleep(RETRY_SECONDS)
