"""Events to record values and back, in Confluent's wire format.

A value is the byte 0x00, the writer's schema id (4 bytes, big-endian) and the Avro binary of the event, so
any client of any registry with Confluent's API reads it. Source: Confluent Platform, "Schema Registry wire
format"; Apache Avro 1.12 specification, "Binary encoding" and "Schema resolution".
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import fastavro
import pydantic
from fastavro.read import SchemaResolutionError

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.message import Event, TopicSpec
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.codec.avro_reading import reader
from tradewire.runtime.codec.avro_writing import writer
from tradewire.runtime.codec.decimals import Convert, bare, packing, plan, unpacking
from tradewire.runtime.codec.headers import decode_headers, encode_headers
from tradewire.runtime.codec.schema_ids import Schema, SchemaIds

MAGIC_BYTE = 0
PREFIX = struct.Struct(">bI")
"""Magic byte and schema id: the first five bytes of a value."""


_UNWRITABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    ArithmeticError,
    struct.error,
    AttributeError,
)
_UNREADABLE = (*_UNWRITABLE, EOFError, SchemaResolutionError, MemoryError)
"""All that fastavro was seen to raise on values and on bytes that do not fit a schema."""


@cache
def schema_set() -> str:
    """Twelve hex digits that name the schemas of all topics together: equal where they are equal."""
    texts = "\n".join(f"{name} {spec.schema_json}" for name, spec in sorted(TOPICS.items()))
    return hashlib.sha256(texts.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Format:
    """All that encoding and decoding one topic needs, looked up once."""

    spec: TopicSpec
    prefix: bytes
    schema: Schema  # ours, for resolution
    binary: Schema  # ours with bytes in place of decimals
    read: Callable[[bytes], Event]  # any exception of these two sends the value to fastavro
    write: Callable[[Event], bytes]
    pack: Convert
    unpack: Convert
    validate: Any  # pydantic's compiled validator of the event type


class Codec:
    """Encodes and decodes every event of the topic map; shared within a process, holds no connection."""

    def __init__(self, ids: SchemaIds) -> None:
        self.ids = ids
        self._formats = {name: self._format(spec) for name, spec in TOPICS.items()}
        self._by_event = {spec.event: self._formats[spec.name] for spec in BY_EVENT.values()}

    def _format(self, spec: TopicSpec) -> _Format:
        own_id, plain = self.ids.own(spec.name), json.loads(spec.schema_json)
        return _Format(
            spec=spec,
            prefix=PREFIX.pack(MAGIC_BYTE, own_id),
            schema=self.ids.writer(own_id),
            binary=fastavro.parse_schema(bare(plain), named_schemas={}),
            read=reader(plain, spec.event, PREFIX.size),
            write=writer(plain, PREFIX.pack(MAGIC_BYTE, own_id)),
            pack=plan(plain, packing) or _unchanged,
            unpack=plan(plain, unpacking) or _unchanged,
            validate=spec.event.__pydantic_validator__.validate_python,
        )

    def encode(self, event: Event) -> bytes:
        """Record value of an event.

        Raises: ContractViolationError(stage="publish") for what the schema can't hold: an integer beyond 64
        bits, a decimal with more than 8 digits after the point or more than 38 in all.
        """
        form = self._by_event[type(event)]
        try:
            return form.write(event)
        except Exception:
            return self._encode(form, event)

    @staticmethod
    def _encode(form: _Format, event: Event) -> bytes:
        """The value as fastavro writes it, and what is wrong with one that it can't write."""
        out = io.BytesIO()
        out.write(form.prefix)
        try:
            fastavro.schemaless_writer(out, form.binary, form.pack(event.to_avro()))
        except _UNWRITABLE as error:
            raise ContractViolationError(
                f"{form.spec.name} can't hold {event!r}: {_said(error)}", stage="publish"
            ) from error
        return out.getvalue()

    def decode(self, topic: str, value: bytes, *, texts: str = "strict") -> Event:
        """Event in a record's value. ``texts``: "replace" for what is not UTF-8 in them, instead of raising.

        Raises: UnknownSchemaIdError, see there; ContractViolationError(stage="decode") for an unknown topic
        and for bytes that are not one valid event of the topic's type.
        """
        form = self._formats.get(topic)
        if form is None:
            raise ContractViolationError(f"topic {topic!r} is not in the topic map", stage="decode")
        if not value.startswith(form.prefix):
            return self._decode(form, value, texts)
        try:
            return form.read(value)
        except Exception:
            return self._decode(form, value, texts)

    def _decode(self, form: _Format, value: bytes, texts: str = "strict") -> Event:
        """The event as fastavro and pydantic read it, and what is wrong with a value that they can't read."""
        topic = form.spec.name
        if len(value) < PREFIX.size:
            raise _violation(topic, f"value has {len(value)} bytes; allowed: {PREFIX.size} and more")
        stream = io.BytesIO(value)
        stream.seek(PREFIX.size)
        try:
            if value.startswith(form.prefix):
                fields = form.unpack(fastavro.schemaless_reader(stream, form.binary, None, handle_unicode_errors=texts))
            else:
                writer = self._foreign(form, value)
                fields = fastavro.schemaless_reader(stream, writer, form.schema, handle_unicode_errors=texts)
        except _UNREADABLE as error:
            raise _violation(topic, f"{len(value)} bytes are no {form.spec.event.__name__}: {_said(error)}") from error
        if stream.tell() != len(value):
            raise _violation(topic, f"{len(value) - stream.tell()} bytes after the event; allowed: 0")
        try:
            event: Event = form.validate(fields)
        except pydantic.ValidationError as error:
            raise _violation(topic, _first_error(error)) from error
        return event

    def _foreign(self, form: _Format, value: bytes) -> Schema:
        """Schema of a value that was not written with our own."""
        magic, schema_id = PREFIX.unpack_from(value)
        if magic != MAGIC_BYTE:
            raise _violation(form.spec.name, f"magic byte 0x{value[0]:02x}; allowed: 0x{MAGIC_BYTE:02x}")
        writer = self.ids.writer(schema_id)
        names = {form.schema["name"], *form.schema.get("aliases", ())}
        found = writer.get("name") if isinstance(writer, dict) else writer
        if found not in names:
            raise _violation(form.spec.name, f"schema id {schema_id} is a {found}; allowed: {', '.join(sorted(names))}")
        return writer

    encode_headers = staticmethod(encode_headers)
    decode_headers = staticmethod(decode_headers)


def _unchanged(value: Any) -> Any:
    return value


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {error}".rstrip()


def _violation(topic: str, detail: str) -> ContractViolationError:
    return ContractViolationError(f"{topic}: {detail}", stage="decode")


def _first_error(error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"field {where}: found {first['input']!r}; {first['msg'].removeprefix('Value error, ')}"
