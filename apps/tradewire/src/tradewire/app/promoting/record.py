"""Decisions and approvals, in the database of the strategy registry, in a schema of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from tradewire.app.promoting.gates import GateResult, PromotionStage
from tradewire.runtime.stores.postgres import Database

SCHEMA = "promotion"
MIGRATIONS = Path(__file__).parent / "migrations"


class PromotionVerdict(Enum):
    """What was decided."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    DEMOTED = "demoted"


@dataclass(frozen=True, slots=True)
class PromotionDecision:
    """A decision about a revision in a stage. ``images``: what the stage's overlay names from then on, by image."""

    stage: PromotionStage
    verdict: PromotionVerdict
    revision: str
    who: str
    why: str
    decided_at_us: int
    gates: Sequence[GateResult] = ()
    images: Mapping[str, Mapping[str, str]] | None = None


class PromotionRecord:
    """Append-only: nothing of it is ever changed."""

    def __init__(self, dsn: str) -> None:
        self._database = Database(dsn, schema=SCHEMA, migrations=MIGRATIONS)

    async def open(self) -> None:
        """Migrate and connect. Raises RetryableError, FatalError."""
        await self._database.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._database.close()

    async def add(self, decision: PromotionDecision) -> None:
        """Keep a decision. Raises RetryableError, FatalError."""
        async with self._database.transaction("recording a promotion") as connection:
            await connection.execute(
                "INSERT INTO decisions (stage, verdict, revision, who, why, decided_at_us, gates, images)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                *(decision.stage.value, decision.verdict.value, decision.revision, decision.who, decision.why),
                decision.decided_at_us,
                json.dumps([asdict(gate) for gate in decision.gates]),
                json.dumps(decision.images or {}),
            )

    async def decisions(self, stage: PromotionStage) -> list[PromotionDecision]:
        """All about a stage, oldest first."""
        async with self._database.connection("reading promotions") as connection:
            rows = await connection.fetch("SELECT * FROM decisions WHERE stage = $1 ORDER BY id", stage.value)
        return [
            PromotionDecision(
                stage,
                PromotionVerdict(row["verdict"]),
                *(row["revision"], row["who"], row["why"], row["decided_at_us"]),
                [GateResult(**gate) for gate in json.loads(row["gates"])],
                json.loads(row["images"]),
            )
            for row in rows
        ]

    async def approve(self, stage: PromotionStage, revision: str, who: str, why: str, now_us: int) -> None:
        """Keep that somebody approves a revision for a stage. Raises RetryableError, FatalError."""
        async with self._database.transaction("recording an approval") as connection:
            await connection.execute(
                "INSERT INTO approvals VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                *(stage.value, revision, who, why, now_us),
            )

    async def approvers(self, stage: PromotionStage, revision: str) -> list[str]:
        """Who approved a revision for a stage since it was last demoted from there."""
        async with self._database.connection("reading approvals") as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT who FROM approvals WHERE stage = $1 AND revision = $2 AND approved_at_us >"
                " coalesce((SELECT max(decided_at_us) FROM decisions"
                " WHERE stage = $1 AND revision = $2 AND verdict = 'demoted'), 0) ORDER BY who",
                *(stage.value, revision),
            )
        return [row["who"] for row in rows]


def standing(decisions: Sequence[PromotionDecision]) -> PromotionDecision | None:
    """The promotion that holds, of the decisions about a stage; None after a demotion, or before any."""
    found: PromotionDecision | None = None
    for decision in decisions:
        if decision.verdict is not PromotionVerdict.REFUSED:
            found = decision if decision.verdict is PromotionVerdict.PROMOTED else None
    return found
