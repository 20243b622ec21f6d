"""The faust application: account states and fills into windows.

A record is acknowledged by us once its windows are on disk: faust itself acknowledges also what failed. Merging is
idempotent, so whatever is delivered again after a crash changes nothing. No faust table, so no changelog topics: disk
and consumer group have one name (see ``Rows``), and a lost disk is rebuilt from the topics themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import faust
from faust.exceptions import ConsumerNotStarted

from tradewire.ports.bus import Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, RetryableError
from tradewire.ports.events import AccountStateChanged, OrderFilled
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.kafka_address import KafkaSecurity, split_address
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.progress import Progress
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.domain.windows import Change, Windows

log = logging.getLogger(__name__)

NAME = "telemetry-views"
EVENTS = (AccountStateChanged, OrderFilled)
TOPIC_NAMES = tuple(BY_EVENT[event].name for event in EVENTS)
GROUP = "telemetry-views-{generation}"
"""Consumer group of a generation of rows."""
SESSION_SECONDS = 10.0
"""A killed worker's partitions are free again after this long."""
RETRY_SECONDS = 1.0


def _credentials(security: KafkaSecurity) -> Any:
    """How faust's clients sign in and encrypt, in its own words; None for neither."""
    options = security.options()
    context, user = options.get("ssl_context"), options.get("sasl_plain_username")
    if user is None:
        return None if context is None else faust.SSLCredentials(context)
    return faust.SASLCredentials(
        username=user,
        password=options["sasl_plain_password"],
        ssl_context=context,
        mechanism=options["sasl_mechanism"],
    )


def _record(message: Any) -> Record:
    """A record as faust's consumer has it; its headers are of no use here."""
    timestamp_ms = round((message.timestamp or 0.0) * 1000)
    return Record(message.topic, message.partition, message.offset, message.key, message.value, (), timestamp_ms)


class ViewWorker:
    """Reads every partition of the topics into ``windows`` and ``rows``."""

    def __init__(
        self, bus_url: str, codec: Codec, windows: Windows, rows: Rows, clock: ClockPort, metrics: Metrics
    ) -> None:
        brokers, security, _ = split_address(bus_url)
        self._codec, self._windows, self._rows, self._clock, self._metrics = codec, windows, rows, clock, metrics
        self.progress = Progress(positions=rows.positions())
        self.busy = False
        """A record is in hand."""
        self.handled: Callable[[Record], None] = lambda _: None
        """Told of each record that was handled."""
        self.group = GROUP.format(generation=rows.generation)
        self.app = faust.App(
            self.group,
            broker=[f"kafka://{broker}" for broker in brokers.split(",")],
            broker_credentials=_credentials(security),
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
        async for event in stream.noack().events():
            record, self.busy = _record(event.message), True
            try:
                outcome = await self._take(record)
            except Exception as error:  # what can't be written would be passed over: the process begins again
                await self.app.crash(error)
                raise
            self._note(record, outcome)
            await stream.ack(event)
            yield

    @property
    def assigned(self) -> bool:
        """Does faust run, with partitions?"""
        if not self.app.started or self.app.crashed:
            return False
        try:
            return bool(self.app.consumer.assignment())
        except ConsumerNotStarted:  # its thread comes up after the application says that it is started
            return False

    def _note(self, record: Record, outcome: str) -> None:
        progress, self.busy = self.progress, False
        progress.positions[record.place] = record.offset + 1
        progress.handled += 1
        progress.last_success_us, progress.turned_s = self._clock.now_us(), self._clock.monotonic_s()
        self._metrics.processed.labels(NAME, record.topic, outcome).inc()
        self.handled(record)

    async def _take(self, record: Record) -> str:
        """One record; returns the outcome. What can't be read is the telemetry service's to park, here it is only
        counted.
        """
        changes: list[Change] = []
        outcome = "ok"
        try:
            if record.value is not None:
                event = await self._decoded(record)
                assert isinstance(event, EVENTS)
                changes = self._windows.take(event)
        except ContractViolationError as error:
            self.progress.last_error, outcome = str(error), "skipped"
            log.warning("left out of the views: %s", error, extra={"event": "view_skipped", "topic": record.topic})
        self._rows.write(changes, record.place, record.offset + 1)
        return outcome

    async def _decoded(self, record: Record) -> Event:
        """As every reader takes it; a registry that is away is asked again until it answers."""
        while True:
            try:
                return await read_record(self._codec, record)
            except RetryableError as error:
                log.warning("registry away: %s", error, extra={"event": "registry_away"})
                await asyncio.sleep(RETRY_SECONDS)
