"""Promotion and demotion: gates, then the record, then what follows from it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tradewire.app.operating.operator import Operator
from tradewire.app.promoting.gates import GATES, STANDING, GateResult, PromotionStage, judged
from tradewire.app.promoting.overlays import Images, images_moved, images_of, without_digest
from tradewire.app.promoting.prometheus import measured
from tradewire.app.promoting.record import PromotionDecision, PromotionRecord, PromotionVerdict, standing
from tradewire.backtest.whole_file import write_whole
from tradewire.ports.bounds import GLOBAL
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import AuditRecorded, ControlLevel, Severity

SOURCE = "promotion"
"""Where its audit events come from."""
WATCHER = "promote watch"


class PromotionError(TradewireError):
    """What was asked for makes no sense."""


@dataclass(frozen=True)
class Promoting:
    """Where decisions come from and go to.

    Parameters: operator: of the platform of the stage that is decided about; permit: the file that lets accounts trade
    on the mainnet (``TRADEWIRE_BINANCE_PROMOTION``), written by a promotion to it and taken away by a demotion.
    """

    prometheus: str
    record: PromotionRecord
    operator: Operator
    clock: ClockPort
    overlays: Path
    permit: Path | None = None
    accounts: Sequence[str] = field(default_factory=tuple)

    async def promote(self, stage: PromotionStage, revision: str, why: str, parity: Path | None) -> PromotionDecision:
        """Run the gates of a stage and record what they came to; moves images when all are passed."""
        source = stage.before
        if source is None:
            raise PromotionError(f"nothing is promoted to {stage.value}; it is the first stage")
        if source.before is not None:
            await self._hold_promoted(source, revision)
        if stage is PromotionStage.MAINNET:
            self._hold_permit()
        images = images_of(self.overlays, source)
        moved = images_moved(self.overlays, stage, images)  # what can't be moved is found before anything is recorded
        results = await self.gates(stage, revision, parity)
        passed = all(result.passed for result in results)
        verdict = PromotionVerdict.PROMOTED if passed else PromotionVerdict.REFUSED
        decision = self._decision(
            stage, verdict, revision, self.operator.author, why, results, images if passed else {}
        )
        await self.record.add(decision)
        if passed:
            moved.write()
            await self._write_permit(decision)
        await self._tell(decision)
        return decision

    async def gates(self, stage: PromotionStage, revision: str, parity: Path | None) -> list[GateResult]:
        """What each gate of a stage comes to just now."""
        source = stage.before
        assert source is not None, "the first stage has no gates"
        known: dict[str, tuple[float | None, str]] = {
            "parity_differences": _differences(parity),
            "images_without_digest": (float(len(without_digest(images_of(self.overlays, source)))), ""),
            "approvals": (float(len(await self.record.approvers(stage, revision))), ""),
        }
        asked = {result.gate: result for result in await measured(self.prometheus, GATES[stage], source, revision)}
        return [asked[gate.name] if gate.query else judged(gate, *known[gate.name]) for gate in GATES[stage]]

    async def demote(
        self, stage: PromotionStage, who: str, why: str, results: Sequence[GateResult] = (), *, halt: bool = False
    ) -> PromotionDecision:
        """Take a stage's promotion back. Raises PromotionError when none holds."""
        decisions = await self.record.decisions(stage)
        held = standing(decisions)
        if held is None:
            raise PromotionError(f"{stage.value}: no promotion holds")
        earlier = [
            found
            for found in decisions
            if found.verdict is PromotionVerdict.PROMOTED and found.revision != held.revision
        ]
        images = earlier[-1].images or {} if earlier else {}
        moved = images_moved(self.overlays, stage, images) if images else None
        decision = self._decision(stage, PromotionVerdict.DEMOTED, held.revision, who, why, results, images)
        await self.record.add(decision)
        if stage is PromotionStage.MAINNET and self.permit is not None:
            self.permit.unlink(missing_ok=True)
        if halt:
            await self.operator.control(GLOBAL, ControlLevel.NO_NEW, f"{stage.value} was demoted: {why}"[:200])
        if moved is not None:
            moved.write()
        await self._tell(decision)
        return decision

    async def look(self, stage: PromotionStage) -> list[GateResult]:
        """What the gates come to that a promoted stage must keep; nothing while no promotion holds."""
        held = standing(await self.record.decisions(stage))
        return [] if held is None else await measured(self.prometheus, STANDING, stage, held.revision)

    def _hold_permit(self) -> None:
        """To the mainnet nothing goes that nobody may trade with afterwards."""
        if self.permit is None or not self.accounts:
            raise PromotionError(
                "a promotion to the mainnet writes who may trade there: --account NAME for each account, --permit FILE"
            )
        if not os.access(self.permit.absolute().parent, os.W_OK):
            raise PromotionError(f"{self.permit} can't be written")

    async def _hold_promoted(self, stage: PromotionStage, revision: str) -> None:
        held = standing(await self.record.decisions(stage))
        if held is None or held.revision != revision:
            found = "none" if held is None else held.revision
            raise PromotionError(f"{stage.value}: promoted is {found}, not {revision}; promote it there first")

    def _decision(
        self,
        stage: PromotionStage,
        verdict: PromotionVerdict,
        revision: str,
        who: str,
        why: str,
        results: Sequence[GateResult],
        images: Images,
    ) -> PromotionDecision:
        return PromotionDecision(stage, verdict, revision, who, why, self.clock.now_us(), tuple(results), images)

    async def _write_permit(self, decision: PromotionDecision) -> None:
        """The file that execution asks on the mainnet."""
        if decision.stage is not PromotionStage.MAINNET or self.permit is None:
            return
        approved_at = datetime.fromtimestamp(decision.decided_at_us / 1e6, UTC)
        approvers = await self.record.approvers(decision.stage, decision.revision)
        document: Mapping[str, object] = {
            "revision": decision.revision,
            "accounts": list(self.accounts),
            "approved_by": ", ".join(approvers),
            "approved_at": approved_at.isoformat(),
        }
        write_whole(self.permit, json.dumps(document) + "\n")

    async def _tell(self, decision: PromotionDecision) -> None:
        """The decision as an audit event."""
        failed = [result.gate for result in decision.gates if not result.passed]
        verdict, stage = decision.verdict.value, decision.stage.value
        await self.operator.say(
            AuditRecorded(
                source=SOURCE,
                severity=Severity.INFO if decision.verdict is PromotionVerdict.PROMOTED else Severity.WARNING,
                name=f"stage_{verdict}",
                message=f"{stage}: {decision.revision} was {verdict} by {decision.who}: {decision.why}"[:500],
                event_time_us=decision.decided_at_us,
                attributes={
                    "stage": stage,
                    "revision": decision.revision,
                    "who": decision.who,
                    "why": decision.why[:500],
                    "failed_gates": ", ".join(failed),
                },
            )
        )


def _differences(parity: Path | None) -> tuple[float | None, str]:
    """Strategies that differ in what ``tradewire compare --json`` wrote."""
    if parity is None:
        return None, "no certificate was given: --parity FILE, from `tradewire compare --json`"
    try:
        document = json.loads(parity.read_text(encoding="utf-8"))
        items = document.get("strategies", [document])
        if not items:
            return None, f"{parity} is a certificate of no strategy"
        return float(sum(1 for item in items if item["clean"] is not True)), ""
    except OSError as error:
        return None, f"{parity} can't be read: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, f"{parity} is no certificate of `tradewire compare --json`"
