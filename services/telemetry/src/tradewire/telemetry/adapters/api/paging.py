"""Pages of what is in memory: newest first, the same cursor before and after a restart."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import TypeVar

from fastapi import HTTPException

from tradewire.ports.message import Event
from tradewire.ports.telemetry import position
from tradewire.telemetry.adapters.api.models import Item, Page, Span
from tradewire.telemetry.domain.seen import Seen

E = TypeVar("E", bound=Event)
IDS = ("account_id", "strategy_id", "symbol")


def page(messages: Iterable[Seen[E]], chosen: Span, also: Callable[[E], bool] = lambda _: True) -> Page[E]:
    """The page that ``chosen`` asks for. Raises HTTPException 422 for a cursor that is none."""
    wanted = {name: value for name in IDS if (value := getattr(chosen, name, None)) is not None}
    before = cursor_of(chosen.after)

    def fits(seen: Seen[E]) -> bool:
        time_us = seen.envelope.event_time_us
        return (
            (before is None or seen.order < before)
            and (chosen.from_us is None or time_us >= chosen.from_us)
            and (chosen.to_us is None or time_us < chosen.to_us)
            and all(getattr(seen.event, name, None) == value for name, value in wanted.items())
            and also(seen.event)
        )

    found = heapq.nlargest(chosen.limit + 1, filter(fits, messages), key=lambda seen: seen.order)
    shown = found[: chosen.limit]
    last = shown[-1].order if len(found) > len(shown) else None
    return Page(items=[item(seen) for seen in shown], next=f"{last[0]}:{last[1]}" if last is not None else None)


def item(seen: Seen[E]) -> Item[E]:
    """A message as the API shows it."""
    return Item(
        event_id=seen.envelope.event_id,
        event_time_us=seen.envelope.event_time_us,
        trace_id=seen.trace_id,
        event=seen.event,
    )


def cursor_of(after: str | None) -> tuple[int, str] | None:
    """Place of a cursor. Raises HTTPException 422."""
    try:
        return position(after) if after is not None else None
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
