"""The kill switch: the level in force for a scope is the most severe of all that cover it."""

from __future__ import annotations

from tradewire.ports.events import ControlChanged, ControlLevel

SEVERITY = (
    ControlLevel.NORMAL,
    ControlLevel.NO_NEW,
    ControlLevel.REDUCE_ONLY,
    ControlLevel.PAUSED,
    ControlLevel.FLATTEN,
)
GLOBAL = "global"


class Controls:
    """Levels by scope: ``global``, ``account:<id>``, ``strategy:<id>`` or ``service:<name>``."""

    def __init__(self) -> None:
        self._by_scope: dict[str, ControlChanged] = {}

    def apply(self, event: ControlChanged) -> bool:
        """Take a change in; False when a newer one of its scope is known."""
        known = self._by_scope.get(event.scope)
        if known is not None and known.issued_at_us > event.issued_at_us:
            return False
        self._by_scope[event.scope] = event
        return True

    def level(self, account_id: str, strategy_id: str) -> ControlLevel:
        """The level that an order of a strategy on an account is under."""
        return self._most_severe(GLOBAL, f"account:{account_id}", f"strategy:{strategy_id}")

    def paused(self, service: str) -> bool:
        """Is a service paused, by name or with everything? Another level of another scope never lets it go on."""
        controls = (self._by_scope.get(scope) for scope in (GLOBAL, f"service:{service}"))
        return any(control is not None and control.level is ControlLevel.PAUSED for control in controls)

    def levels(self) -> dict[str, str]:
        """Scopes that are not at NORMAL."""
        return {
            scope: event.level.value
            for scope, event in self._by_scope.items()
            if event.level is not ControlLevel.NORMAL
        }

    def flattening(self, account_id: str, strategy_id: str) -> ControlChanged | None:
        """The demand that a strategy's share of an account be closed; the widest when there are several."""
        for scope in (GLOBAL, f"account:{account_id}", f"strategy:{strategy_id}"):
            control = self._by_scope.get(scope)
            if control is not None and control.level is ControlLevel.FLATTEN:
                return control
        return None

    def _most_severe(self, *scopes: str) -> ControlLevel:
        levels = [self._by_scope[scope].level for scope in scopes if scope in self._by_scope]
        return max(levels, key=SEVERITY.index, default=ControlLevel.NORMAL)
