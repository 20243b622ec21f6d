"""A record that the books can't take is a dead letter; also when its first letter is no longer kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tradewire.ports.events import OrderFilled
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.dead_letters.letters import letter_place
from tradewire.runtime.loop.failures import run_in_turn
from tradewire.runtime.service import Service
from tradewire.telemetry.domain.round_trips import TradeBook
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.wiring import build
from tradewire.testkit.compaction import CompactableLog
from tradewire.testkit.worker_rig import WorkerRig

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any
FILLS, LETTERS = BY_EVENT[OrderFilled].name, "dlq.telemetry.v1"
BAD = 2
"""Sequence of a fill that the books can't take."""


async def lived(rig: WorkerRig, service: Service, *, letters: int) -> list[tuple[int, int]]:
    """A life of the service until all fills are answered and so many letters written; where their records are."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_in_turn([rig.worker(service, checkpoint_records=1)], 0, stop))
    fills, letters_from = rig.count(FILLS), rig.count(LETTERS) + letters
    await rig.until(lambda: rig.count(LETTERS) >= letters_from and rig.bus_committed(FILLS, "telemetry") == fills, task)
    stop.set()
    await task
    return [letter_place(letter) for letter in await rig.read(LETTERS)]


async def test_record_when_it_fails_the_books_and_its_letter_has_expired_then_it_gets_another_and_nothing_ends(
    messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, settings, take = WorkerRig(), Settings(bus_url="memory:"), TradeBook.take

    def failing(book: TradeBook, event: OrderFilled) -> None:
        if event.sequence == BAD:
            raise ValueError("a fault of the books")
        take(book, event)

    monkeypatch.setattr(TradeBook, "take", failing)
    bad = messages.fill(sequence=BAD)
    await rig.say(messages.fill(sequence=1), bad)
    place = rig.place(FILLS, bad)
    assert await lived(rig, build(settings), letters=1) == [(place.partition, 1)]
    for log in rig.bus._logs(LETTERS):
        assert isinstance(log, CompactableLog)
        log.expire()
    assert await lived(rig, build(settings), letters=1) == [(place.partition, 1)]
    assert await lived(rig, build(settings), letters=0) == [(place.partition, 1)], "known, and passed over"
