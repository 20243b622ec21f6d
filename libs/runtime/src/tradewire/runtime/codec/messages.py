"""The message in a record, as every reader takes it: services, their stores and the commands.

What one reader refuses, all refuse: a command never shows as in force what the services made a dead letter of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tradewire.ports.bus import Record
from tradewire.ports.checks import CHECKS
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import RiskLimitsAnswered
from tradewire.ports.message import Event
from tradewire.ports.risk import limits_told
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import Codec, UnknownSchemaIdError
from tradewire.runtime.codec.control_records import TOPIC as CONTROLS
from tradewire.runtime.codec.control_records import decode_control

WITHIN: Mapping[type[Any], Callable[[Any], object]] = {RiskLimitsAnswered: limits_told}
"""Messages that hold another as text: how it is read. Raises ContractViolationError when the text holds none."""


def text_key(record: Record) -> str:
    """A record's key as text. Raises ContractViolationError."""
    try:
        return (record.key or b"").decode()
    except UnicodeDecodeError as error:
        raise ContractViolationError(f"key: {error}; allowed: UTF-8", stage="decode") from error


def decode_record(codec: Codec, record: Record) -> Event:
    """The message of a record that has a value, not checked yet. Raises as ``Codec.decode`` does."""
    value = record.value or b""
    return decode_control(codec, value) if record.topic == CONTROLS else codec.decode(record.topic, value)


def check_record(record: Record, event: Event) -> None:
    """Raises ContractViolationError for a message out of its bounds, or under another key than its own."""
    CHECKS[type(event)](event)
    if (read_within := WITHIN.get(type(event))) is not None:
        read_within(event)
    found, allowed = text_key(record), TOPICS[record.topic].key_of(event)
    if found != allowed:
        raise ContractViolationError(f"{record.topic}: key: found {found!r}; allowed: {allowed!r}, as in the value")


async def read_unchecked(codec: Codec, record: Record) -> Event:
    """The message of a record that has a value, whatever its values and its key; for who shows or checks them itself.

    A writer's schema that was not seen before is fetched first. Raises: ContractViolationError as ``decode_record``
    does; RetryableError: the registry is away.
    """
    try:
        return decode_record(codec, record)
    except UnknownSchemaIdError as unknown:
        await codec.ids.fetch(unknown.schema_id)
        return decode_record(codec, record)


async def read_record(codec: Codec, record: Record) -> Event:
    """The same, checked. Raises ContractViolationError as ``check_record`` does, too."""
    event = await read_unchecked(codec, record)
    check_record(record, event)
    return event
