"""The kill switch: the level in force for a scope is the most severe of all that cover it (docs/controls.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tradewire.ports.bounds import GLOBAL
from tradewire.ports.events import ControlChanged, ControlLevel, LevelInForce, OrderLeg

SERVICE = "service:"
"""What the scope of a service begins with."""
SEVERITY = (
    ControlLevel.NORMAL,
    ControlLevel.NO_NEW,
    ControlLevel.REDUCE_ONLY,
    ControlLevel.PAUSED,
    ControlLevel.FLATTEN,
)


def may_work(level: ControlLevel, leg: OrderLeg) -> bool:
    """May an order of this leg be sent to the venue, and stay at work there?

    Protective orders of an open position always may, and so may what FLATTEN sends. An exit on its way counts as a
    part of a FLATTEN.
    """
    if leg is OrderLeg.ENTRY:
        return level is ControlLevel.NORMAL
    return leg is not OrderLeg.EXIT or level is not ControlLevel.PAUSED


def decides(level: ControlLevel) -> bool:
    """May a strategy's signals still lead to orders? At PAUSED and FLATTEN not even exits do."""
    return level not in (ControlLevel.PAUSED, ControlLevel.FLATTEN)


def obeyed_level(scope: str, level: ControlLevel) -> ControlLevel:
    """The level that a scope is at when it is asked for one: a service knows NORMAL and PAUSED, and the stricter of
    them is what any other level is to it.
    """
    return level if level is ControlLevel.NORMAL or not scope.startswith(SERVICE) else ControlLevel.PAUSED


class InForce(NamedTuple):
    """A level as it is obeyed, and the offset of the record on ``ops.control.v1`` that asked."""

    event: ControlChanged
    offset: int


class Controls:
    """Levels by scope: ``global``, ``account:<id>``, ``strategy:<id>`` or ``service:<name>``.

    The order of the records on the topic decides, never the time that somebody's clock wrote into them.
    """

    def __init__(self) -> None:
        self._by_scope: dict[str, InForce] = {}

    def apply(self, event: ControlChanged, offset: int | None = None) -> bool:
        """Take a change in; False when a later one of its scope is known.

        ``offset``: of its record on the topic; None: it comes after all that came before.
        """
        known = self._by_scope.get(event.scope)
        if offset is None:
            offset = known.offset + 1 if known is not None else 0
        if known is not None and known.offset > offset:
            return False
        if (level := obeyed_level(event.scope, event.level)) is not event.level:
            event = event.model_copy(update={"level": level})
        self._by_scope[event.scope] = InForce(event, offset)
        return True

    def lift(self, scope: str, offset: int) -> bool:
        """The record of a scope was deleted: the scope is at NORMAL. False when a later change is known."""
        known = self._by_scope.get(scope)
        if known is None or known.offset > offset:
            return False
        del self._by_scope[scope]
        return True

    def level(self, account_id: str, strategy_id: str) -> ControlLevel:
        """The level that an order of a strategy on an account is under."""
        return self._most_severe(GLOBAL, f"account:{account_id}", f"strategy:{strategy_id}")

    def paused(self, service: str) -> bool:
        """Is a service paused, by name or with everything? Another level of another scope never lets it go on."""
        controls = (self._by_scope.get(scope) for scope in (GLOBAL, f"service:{service}"))
        return any(control is not None and control.event.level is ControlLevel.PAUSED for control in controls)

    def levels(self) -> dict[str, str]:
        """Scopes that are not at NORMAL."""
        return {found.event.scope: found.event.level.value for found in self.in_force()}

    def told(self) -> Iterator[LevelInForce]:
        """The same as a message tells it."""
        for event, offset in self.in_force():
            yield LevelInForce(**event.model_dump(), control_offset=offset)

    def in_force(self) -> Iterator[InForce]:
        """Every level but NORMAL, in the order of their scopes."""
        for _, found in sorted(self._by_scope.items()):
            if found.event.level is not ControlLevel.NORMAL:
                yield found

    def flattening(self, account_id: str, strategy_id: str) -> ControlChanged | None:
        """The demand that a strategy's share of an account be closed; the widest when there are several."""
        for scope in (GLOBAL, f"account:{account_id}", f"strategy:{strategy_id}"):
            control = self._by_scope.get(scope)
            if control is not None and control.event.level is ControlLevel.FLATTEN:
                return control.event
        return None

    def _most_severe(self, *scopes: str) -> ControlLevel:
        levels = [self._by_scope[scope].event.level for scope in scopes if scope in self._by_scope]
        return max(levels, key=SEVERITY.index, default=ControlLevel.NORMAL)
