"""The in-memory rules keep the risk port's contract."""

from __future__ import annotations

from tradewire.ports.risk import RiskPort
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.testkit.risk_suite import RiskSuite


class TestMemoryRules(RiskSuite):
    """A restart reads the topic's last record per account again."""

    accounts = ("paper-1", "paper-2")

    async def made(self) -> RiskPort:
        return MemoryRules()

    async def restarted(self, rules: RiskPort) -> RiskPort:
        again = MemoryRules()
        for account_id in self.accounts:
            again.change(rules.limits(account_id))
        return again
