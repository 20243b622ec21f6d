"""Records of the kill switch, which no text and no header can keep from being carried out."""

from __future__ import annotations

from dataclasses import replace

from tradewire.ports.bus import Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import ControlChanged
from tradewire.ports.message import Envelope, Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.codec import Codec

TOPIC = BY_EVENT[ControlChanged].name
TEXT_CHARACTERS_MAX = 500
"""Length of a reason or an author; the rest is cut off."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def cleaned(text: str, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """A text that every store and terminal takes: bounded, without control characters and lone surrogates."""
    if len(text) > characters_max:
        text = f"{text[: characters_max - 1]}…"
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one in "\t\r\n" else REPLACEMENT for one in text)


def control_envelope(codec: Codec, record: Record) -> Envelope:
    """Lineage of a record of the topic; by its place alone where its headers can't be read."""
    try:
        return codec.decode_headers(record)
    except ContractViolationError:
        return codec.decode_headers(replace(record, headers=()))


def decode_control(codec: Codec, value: bytes) -> Event:
    """The level that a record asks for, with texts that can be kept. Raises as ``Codec.decode`` does."""
    try:
        event = codec.decode(TOPIC, value)
    except ContractViolationError:
        event = codec.decode(TOPIC, value, texts="replace")
    assert isinstance(event, ControlChanged), "the topic carries controls"
    clean = {name: cleaned(getattr(event, name)) for name in ("reason", "author")}
    return event if clean == {"reason": event.reason, "author": event.author} else event.model_copy(update=clean)
