"""From records to acknowledged effects; finds the record whose effects can't be stored or published."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tradewire.ports.bus import Record
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.loop.answering import Answering
from tradewire.runtime.loop.checkpoints import Checkpoints
from tradewire.runtime.loop.failures import BatchRefusedError, HandlerFailedError
from tradewire.runtime.loop.publisher import Draft, Publisher
from tradewire.runtime.service import Service


class Effects:
    """Handles what was read in batches as large as they come.

    ``alone``: so many records are handled one by one, each with a checkpoint of its own, because something among them
    could not be stored: whatever is refused then is the doing of that one record.
    """

    def __init__(
        self, service: Service, answering: Answering, publisher: Publisher, checkpoints: Checkpoints, alone: int
    ) -> None:
        self._service, self._answering = service, answering
        self._publisher, self._checkpoints, self._alone = publisher, checkpoints, alone

    async def of(self, records: Sequence[Record], beside: Callable[[], list[Draft]], group: Reader | None) -> int:
        """All that follows from some records, and from what is to be said beside them, published; returns how much.

        Raises HandlerFailedError, BatchRefusedError; ContractViolationError for what no record is to blame for.
        """
        if not self._alone or not records:
            return await self._publish(records, beside, group)
        return sum([await self._publish([record], beside, group) for record in records])

    async def _publish(self, records: Sequence[Record], beside: Callable[[], list[Draft]], group: Reader | None) -> int:
        self._checkpoints.unanswered = True
        drafts = await self._answering.answer(records)
        self._checkpoints.note(records)
        drafts += beside()
        try:
            await self._publisher.publish(drafts)
            self._checkpoints.unanswered = False
            if self._alone and records:
                await self._checkpoints.write(group)
        except ContractViolationError as error:
            raise self._blamed(records, error) from error
        self._alone = max(0, self._alone - len(records))
        return len(drafts)

    async def checkpoint(self, group: Reader | None, *, idle: bool) -> None:
        """Write state and offsets when that is due. Raises as ``of``."""
        try:
            await self._checkpoints.write_if_due(group, idle=idle)
        except ContractViolationError as error:
            raise self._blamed((), error) from error

    def _blamed(self, records: Sequence[Record], error: ContractViolationError) -> Exception:
        """What follows when effects are refused: of one record, of several, or of none that we know."""
        several = max(self._checkpoints.dirty, len(records))
        if self._service.renew is None or not several:
            return error
        return HandlerFailedError(records[0], error) if self._alone and records else BatchRefusedError(several, error)
