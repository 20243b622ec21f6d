"""A promoted stage is looked at again and again; one that breaks its gates is demoted by itself."""

from __future__ import annotations

from dataclasses import dataclass

from tradewire.app.promoting.deciding import WATCHER, Promoting
from tradewire.app.promoting.gates import GateResult, PromotionStage
from tradewire.app.promoting.record import PromotionDecision

LOOKS_MAX = 3
"""So many looks in a row must find a gate broken, or without data: one scrape that failed demotes nobody."""


@dataclass
class StageWatch:
    """Looks at one stage. ``broken``: looks in a row that found a gate that is not kept."""

    promoting: Promoting
    stage: PromotionStage
    halt: bool = True
    broken: int = 0

    async def look(self) -> tuple[list[GateResult], PromotionDecision | None]:
        """What the gates come to, and the demotion if it came to that. Raises TradewireError."""
        results = await self.promoting.look(self.stage)
        failed = [result for result in results if not result.passed]
        self.broken = self.broken + 1 if failed else 0
        if self.broken < LOOKS_MAX:
            return results, None
        self.broken = 0
        why = "; ".join(f"{r.gate}: {r.missing or f'{r.value:g}'}, allowed {r.allowed}" for r in failed)
        return results, await self.promoting.demote(self.stage, WATCHER, why, results, halt=self.halt)
