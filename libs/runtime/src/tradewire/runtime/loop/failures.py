"""What a record can do to a service that handles it, and how the service goes on without it.

A handler that fails may leave the state half changed, and so may one whose answer can't be encoded or stored. Nothing
of that state is kept: the record becomes a dead letter, the worker ends, and another begins from what was stored last,
as after a crash, with a service whose memory is empty. It knows the dead letter and passes the record over. What is
handled twice on the way makes the same ids and is dropped like anything read twice.

A worker whose partitions went to another member while it could not write begins anew in the same way (see ``lease``).

A record that an operator asks to pass over may wait in the service's memory already. The worker then begins anew in the
same way: what waits was not committed, so it is read again, and passed over.

Only a broken invariant of our own (AssertionError) and what no restart mends (FatalError) end the process. The log then
names the record and the command with which an operator passes over it: ``tradewire dlq skip``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError, FatalError
from tradewire.runtime.loop.lease import LeaseLostError

if TYPE_CHECKING:
    import asyncio

    from tradewire.runtime.loop.worker import Worker
    from tradewire.runtime.service import Service

log = logging.getLogger(__name__)
Position = Callable[[Place], int | None]
ENDING = (AssertionError, FatalError)
"""What ends the process: see the module."""


class HandlerFailedError(Exception):
    """A record whose handling left the state unknown. ``answer``: what is to be published in place of its effects."""

    def __init__(self, record: Record, violation: ContractViolationError) -> None:
        super().__init__(str(violation))
        self.record, self.violation = record, violation
        self.answer: Sequence[Outgoing] = ()


class BatchRefusedError(Exception):
    """The effects of several records could not be stored or published, and which of them is to blame is not known.

    ``records``: how many are to be handled one by one to find out.
    """

    def __init__(self, records: int, violation: ContractViolationError) -> None:
        super().__init__(str(violation))
        self.records, self.violation = records, violation


class SkippedRecordError(FatalError):
    """A record that waits in the service's memory, or that its store has just refused, is to be passed over."""


def leave_out_skipped(skipped: Iterable[tuple[Place, int]], service: Service, position: Position) -> None:
    """Raises SkippedRecordError when a record to be passed over was handled and is not answered.

    ``position``: offset behind the last record handled of a partition.
    """
    if service.renew is None:
        return
    for place, offset in skipped:
        if service.holds(place, offset) and offset < (position(place) or 0):
            raise SkippedRecordError(f"{place.topic}/{place.partition} offset {offset} is passed over as asked")


def violation_of(error: Exception) -> ContractViolationError:
    """An exception of a handler as the reason of a dead letter."""
    if isinstance(error, ContractViolationError):
        return error
    violation = ContractViolationError(f"{type(error).__name__}: {error}", stage="handle")
    violation.__cause__ = error
    return violation


def tell_how_to_skip(record: Record, service: str, error: Exception) -> None:
    """Log which record ends the process, and the command that passes over it."""
    log.critical(
        "%s/%d offset %d ends %s: %s %s; if it does so again: tradewire dlq skip %s %d %d %s --reason TEXT",
        record.topic,
        record.partition,
        record.offset,
        service,
        type(error).__name__,
        error,
        record.topic,
        record.partition,
        record.offset,
        service,
        extra={
            "event": "record_ends_service",
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
        },
    )


async def run_in_turn(workers: list[Worker], place: int, stop: asyncio.Event) -> None:
    """Run the worker at ``place`` of the list, and another in its place whenever a record failed or its lease was lost.

    Raises what a worker raises otherwise.
    """
    while True:
        try:
            return await workers[place].run(stop)
        except HandlerFailedError as failed:
            alone, reason = 0, str(failed.violation)
        except BatchRefusedError as refused:
            alone, reason = refused.records, str(refused.violation)
        except SkippedRecordError as skipped:
            alone, reason = 0, str(skipped)
        except LeaseLostError as lost:
            if stop.is_set() or workers[place].service.renew is None:
                raise
            alone, reason = 0, str(lost)
        name = workers[place].service.name
        log.error("%s begins again from its stored state: %s", name, reason, extra={"event": "rolled_back"})
        workers[place] = workers[place].renewed(alone)
