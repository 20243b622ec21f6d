"""Limits in memory, as read from ``risk.limits.v1``."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.ports.events import InstrumentChanged, RiskLimitsChanged, RuleOutcome
from tradewire.ports.risk import Entry, RiskPort
from tradewire.trading.assessment.rules import judge


class MemoryRules(RiskPort):
    """Newest limits by account; the topic restores them at every start."""

    def __init__(self) -> None:
        self._limits: dict[str, RiskLimitsChanged] = {}

    def validate_trade(self, entry: Entry, instrument: InstrumentChanged) -> tuple[RuleOutcome, ...]:
        return judge(entry, instrument, self.limits(entry.account_id))

    def change(self, limits: RiskLimitsChanged) -> None:
        known = self._limits.get(limits.account_id)
        if known is None or known.version <= limits.version:
            self._limits[limits.account_id] = limits

    def every(self) -> Sequence[RiskLimitsChanged]:
        return tuple(self._limits.values())

    def limits(self, account_id: str) -> RiskLimitsChanged:
        return self._limits.get(account_id) or RiskLimitsChanged(
            account_id=account_id, version=0, author="", changed_at_us=0
        )
