"""How a parked key comes free: an operator's request in the dead-letter topic, and the service's answer behind it.

Both are records of the key with an empty value, in the partition of its letters, so they have a place in the order of
the letters; what they say is in their headers. A request asks the service that parked the key to handle its letters in
order. The answer says up to which letter that went well, and why the one behind it failed again, if one did.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.dead_letters.letters import MESSAGE_BYTES_MAX, is_letter, number, origin

REQUEST = "dlq.request"
"""Header of a request: offset of the newest letter that its writer saw."""
ANSWER = "dlq.answer"
"""Header of an answer: offset of the request."""
RELEASED = "dlq.released"
"""Header of an answer: offset of the last letter of the key that waits no longer."""
HANDLED = "dlq.handled"
"""Header of an answer: how many letters were handled."""
GIVEN_UP = "dlq.given_up"
"""Header of both: offsets of letters that are passed over for good, with commas."""
ASKED_BY = "dlq.author"
"""Header of a request: who wrote it."""
FAILED = "dlq.failed"
"""Header of an answer: offset of the letter that failed again; its reason is in ``dlq.error.*``."""

SKIP = "dlq.skip"
"""Header of an operator's word that a record is to be passed over: its partition and offset, as ``0/17``."""
REASON, AUTHOR = "dlq.skip.reason", "dlq.skip.author"


@dataclass(frozen=True, slots=True)
class Skip:
    """A record that a service must not handle: one that ends it. ``topic``: where the record is."""

    topic: str
    partition: int
    offset: int
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class Request:
    """Handle the letters of a key. ``offset``: its own, in the dead-letter topic; ``given_up``: letters left out.

    ``author``: who asked; empty: the request does not say.
    """

    offset: int
    given_up: frozenset[int]
    author: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Offset of the letter that failed again, and why."""

    letter: int
    error_type: str
    message: str
    stage: str

    @classmethod
    def of(cls, letter: int, error: ContractViolationError) -> Failure:
        """What stopped a release."""
        return cls(letter, type(error).__name__, str(error), error.stage)


@dataclass(frozen=True, slots=True)
class ReleaseAnswer:
    """What a request came to. ``request``: its offset; ``released``: the last letter that waits no longer."""

    request: int
    released: int
    handled: int
    given_up: tuple[int, ...]
    failure: Failure | None = None


def write_request(newest: Record, given_up: Collection[int] = (), author: str = "") -> Outgoing:
    """A request for the key of ``newest``, the newest letter of it that the operator has seen."""
    offsets = ",".join(map(str, sorted(given_up)))
    return _marker(newest, {REQUEST: newest.offset, GIVEN_UP: offsets, ASKED_BY: author})


def write_answer(letter: Record, answer: ReleaseAnswer) -> Outgoing:
    """The answer about the key of ``letter``, which is any record of it in the dead-letter topic."""
    said: dict[str, object] = {
        ANSWER: answer.request,
        RELEASED: answer.released,
        HANDLED: answer.handled,
        GIVEN_UP: ",".join(map(str, answer.given_up)),
    }
    if answer.failure is not None:
        said |= {
            FAILED: answer.failure.letter,
            "dlq.error.type": answer.failure.error_type,
            "dlq.error.message": answer.failure.message,
            "dlq.error.stage": answer.failure.stage,
        }
    return _marker(letter, said)


def read_request(record: Record) -> Request | None:
    """The request that a record is; None when it is something else."""
    if is_letter(record) or REQUEST not in dict(record.headers):
        return None
    author = dict(record.headers).get(ASKED_BY, b"").decode(errors="replace")
    return Request(record.offset, frozenset(_numbers(record)), author)


def read_answer(record: Record) -> ReleaseAnswer | None:
    """The answer that a record is; None when it is something else."""
    if is_letter(record) or ANSWER not in dict(record.headers):
        return None
    failed, text = number(record, FAILED), {name: value.decode(errors="replace") for name, value in record.headers}
    why = (text.get(f"dlq.error.{part}", "?") for part in ("type", "message", "stage"))
    return ReleaseAnswer(
        number(record, ANSWER),
        number(record, RELEASED),
        number(record, HANDLED),
        _numbers(record),
        Failure(failed, *why) if failed >= 0 else None,
    )


def write_skip(skip: Skip, letters_topic: str) -> Outgoing:
    """The word to a service, in its dead-letter topic, which it reads before its first record."""
    said = {
        "dlq.topic": skip.topic,
        SKIP: f"{skip.partition}/{skip.offset}",
        REASON: skip.reason,
        AUTHOR: skip.author,
    }
    headers = tuple((name, text.encode(errors="replace")[:MESSAGE_BYTES_MAX]) for name, text in said.items())
    return Outgoing(letters_topic, skip.topic.encode(), b"", headers)


def read_skip(record: Record) -> Skip | None:
    """The skip that a record is; None when it is something else."""
    text = {name: value.decode(errors="replace") for name, value in record.headers}
    partition, _, offset = text.get(SKIP, "").partition("/")
    if not (partition.isascii() and partition.isdigit() and offset.isascii() and offset.isdigit()):
        return None
    return Skip(text.get("dlq.topic", ""), int(partition), int(offset), text.get(REASON, ""), text.get(AUTHOR, ""))


def _marker(beside: Record, said: dict[str, object]) -> Outgoing:
    found = origin(beside)
    if found is None:
        raise ContractViolationError(f"record {beside.partition}/{beside.offset} does not say which topic it is about")
    headers = [("dlq.topic", found[0].encode())]
    headers += [(name, str(value).encode(errors="replace")) for name, value in said.items()]
    return Outgoing(
        beside.topic,
        beside.key,
        b"",
        tuple((name, value if name == GIVEN_UP else value[:MESSAGE_BYTES_MAX]) for name, value in headers),
        beside.partition,
    )


def _numbers(record: Record) -> tuple[int, ...]:
    """Offsets of letters given up; what is no number says nothing."""
    words = dict(record.headers).get(GIVEN_UP, b"").decode(errors="replace").split(",")
    return tuple(int(word) for word in words if word.isascii() and word.isdigit())
