"""The order of all updates: each has a number; every fact is kept for a while, and of state the newest by key."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from tradewire.ports.events import AccountStateChanged, CandleClosed, MarkPriceUpdated, TopOfBook
from tradewire.ports.message import Event
from tradewire.telemetry.domain.seen import Seen

FACTS_KEPT = 50_000
"""Newest facts that a reader who comes back can still get."""
KEYS_KEPT = 20_000
"""Keys of state whose newest value is kept for them."""
FACTS_QUEUED_MAX = 10_000
"""Facts that wait for one reader; one that is further behind is told to read the state again."""

Key = tuple[str, ...]
_STATE: dict[type[Event], tuple[str, ...]] = {
    AccountStateChanged: ("account_id",),
    CandleClosed: ("venue", "symbol", "interval"),
    MarkPriceUpdated: ("venue", "symbol"),
    TopOfBook: ("venue", "symbol"),
}
"""Events of which only the newest counts, and what it is the newest of. All other events are facts."""


def state_key(event: Event) -> Key | None:
    """What a state event is the newest of; None: a fact."""
    names = _STATE.get(type(event))
    return None if names is None else (type(event).__name__, *(getattr(event, name) for name in names))


class ResetReason(StrEnum):
    """Why a reader has to read the state again."""

    RESTART = "restart"
    TOO_OLD = "too_old"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """A place in the order of all updates. ``epoch`` changes when the service starts or reads its books again."""

    epoch: str
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"


def position_from(text: str) -> StreamPosition | None:
    """The position that ``text`` says; None when it says none."""
    epoch, _, digits = text.rpartition("-")
    return (
        StreamPosition(epoch, int(digits))
        if epoch and digits.isascii() and digits.isdigit() and len(digits) < 20
        else None
    )


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """One change with its number. ``key``: of state, what it is the newest of."""

    number: int
    seen: Seen[Event]
    key: Key | None


@dataclass(frozen=True, slots=True)
class Reset:
    """What was up to ``number`` is not told one by one: read the state again."""

    number: int
    reason: ResetReason


class Updates:
    """Numbers updates and keeps the newest."""

    def __init__(self, epoch: str, *, facts_kept: int = FACTS_KEPT, keys_kept: int = KEYS_KEPT) -> None:
        self._facts_kept, self._keys_kept = facts_kept, keys_kept
        self.begin(epoch)

    def begin(self, epoch: str) -> None:
        """Forget all and count anew."""
        self.epoch, self.newest, self._dropped = epoch, 0, 0
        self._facts: deque[Update] = deque()
        self._state: dict[Key, Update] = {}

    @property
    def at(self) -> StreamPosition:
        """Where the order is now."""
        return StreamPosition(self.epoch, self.newest)

    def add(self, seen: Seen[Event], key: Key | None) -> Update:
        """Give the next number."""
        self.newest += 1
        update = Update(self.newest, seen, key)
        if key is None:
            self._facts.append(update)
            if len(self._facts) > self._facts_kept:
                self._dropped = max(self._dropped, self._facts.popleft().number)
        else:
            self._state.pop(key, None)
            self._state[key] = update
            if len(self._state) > self._keys_kept:
                self._dropped = max(self._dropped, self._state.pop(next(iter(self._state))).number)
        return update

    def after(self, position: StreamPosition | None) -> tuple[Reset | None, list[Update]]:
        """What a reader at ``position`` has yet to get: a reset, or each fact and the newest state behind it."""
        if position is None or position.epoch != self.epoch or position.number > self.newest:
            return Reset(self.newest, ResetReason.RESTART), []
        if position.number < self._dropped:
            return Reset(self.newest, ResetReason.TOO_OLD), []
        rest = [update for update in (*self._facts, *self._state.values()) if update.number > position.number]
        return None, sorted(rest, key=lambda update: update.number)


@dataclass
class ReaderQueue:
    """What waits for one reader, within bounds: taken out by number, so what is behind a number was all taken."""

    facts_max: int = FACTS_QUEUED_MAX
    _reset: Reset | None = None
    _facts: deque[Update] = field(default_factory=deque)
    _state: dict[Key, Update] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._facts) + len(self._state) + (self._reset is not None)

    def put(self, update: Update) -> None:
        """Add an update; a state replaces the one that waits under its key."""
        if update.key is not None:
            self._state.pop(update.key, None)
            self._state[update.key] = update
        elif len(self._facts) < self.facts_max:
            self._facts.append(update)
        else:
            self.reset(Reset(update.number, ResetReason.SLOW))

    def reset(self, reset: Reset) -> None:
        """Instead of all that waits."""
        self._facts.clear()
        self._state.clear()
        self._reset = reset

    def take(self) -> Reset | Update | None:
        """The next for the reader; None: nothing waits."""
        if (reset := self._reset) is not None:
            self._reset = None
            return reset
        state = next(iter(self._state.values()), None)
        if self._facts and (state is None or self._facts[0].number < state.number):
            return self._facts.popleft()
        return self._state.pop(state.key) if state is not None and state.key is not None else None
