"""What the ingest service answers: event → events."""

from __future__ import annotations

from tradewire.ingest.feed import Feed
from tradewire.ports.events import ControlChanged
from tradewire.runtime.service import Input, on


def inputs(feed: Feed) -> tuple[Input, ...]:
    """The table; everything else enters the system here."""
    return (on(ControlChanged, feed.on_control, deleted=feed.on_control_deleted),)
