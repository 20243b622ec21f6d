"""The stages, and the gates of each: a number against a limit. A number that is not there fails its gate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from tradewire.ports.topics import SERVICES


class PromotionStage(Enum):
    """Where a revision runs. Each has a namespace and an overlay of its name."""

    TESTNET = "testnet"
    PAPER = "paper"
    MAINNET = "mainnet"

    @property
    def before(self) -> PromotionStage | None:
        """The stage that a revision comes from."""
        order = list(PromotionStage)
        place = order.index(self)
        return order[place - 1] if place else None

    @property
    def namespace(self) -> str:
        """Its namespace in Kubernetes, and the label of its metrics."""
        return f"tradewire-{self.value}"


@dataclass(frozen=True, slots=True)
class PromotionGate:
    """One number against one limit.

    ``query``: in PromQL, with NAMESPACE and REVISION in the place of the stage's and the revision's; empty for a number
    that the platform itself knows. ``least``: is the limit the least or the most that is allowed?
    """

    name: str
    promise: str
    limit: float
    query: str = ""
    least: bool = False

    def asked(self, stage: PromotionStage, revision: str) -> str:
        """The query about a revision in a stage."""
        return self.query.replace("NAMESPACE", stage.namespace).replace("REVISION", revision)


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate came to. ``value``: None where there was none; ``missing`` says why."""

    gate: str
    promise: str
    value: float | None
    allowed: str
    passed: bool
    missing: str = ""


def judged(gate: PromotionGate, value: float | None, missing: str = "") -> GateResult:
    """A number, or its absence, against the gate's limit."""
    there = value is not None and math.isfinite(value)
    passed = value is not None and there and (value >= gate.limit if gate.least else value <= gate.limit)
    allowed = f"at {'least' if gate.least else 'most'} {gate.limit:g}"
    why = "" if there else missing or "no data"
    return GateResult(gate.name, gate.promise, value if there else None, allowed, passed, why)


def _soak(hours: float) -> PromotionGate:
    running = f'tradewire_build_info{{namespace="NAMESPACE", git_sha="REVISION", service=~"{"|".join(SERVICES)}"}}'
    together = f"count(count by (service) ({running})) == bool {len(SERVICES)}"
    promise = f"hours of the last 14 days in which all {len(SERVICES)} services ran the revision"
    return PromotionGate("soak_hours", promise, hours, f"sum_over_time(({together})[14d:1m]) / 60", least=True)


def _measured(window: str, burn: float) -> tuple[PromotionGate, ...]:
    """Objectives of docs/operations.md over a window, with budgets that may burn ``burn`` times as fast."""
    return (
        PromotionGate(
            "event_age_errors",
            f"share of bars that reached execution late, over {window}",
            0.01 * burn,
            f'max(tradewire:event_age_errors:ratio_rate{window}{{namespace="NAMESPACE"}})',
        ),
        PromotionGate(
            "heartbeat_errors",
            f"share of the time without a heartbeat through every stage, over {window}",
            0.005 * burn,
            f'max(tradewire:heartbeat_errors:ratio_rate{window}{{namespace="NAMESPACE"}})',
        ),
        PromotionGate(
            "dead_letters",
            f"records put aside in {window}",
            0,
            f'sum(increase(tradewire_dead_letters_total{{namespace="NAMESPACE"}}[{window}]))',
        ),
    )


ONE_REVISION = PromotionGate(
    "revisions",
    "revisions that run in the stage",
    1,
    'count(count by (git_sha) (tradewire_build_info{namespace="NAMESPACE"}))',
)
LEDGER = 'tradewire_ledger_mismatch_orders{namespace="NAMESPACE"}'
PARITY = PromotionGate("parity_differences", "strategies whose engines disagree on the fills of the soak's range", 0)
DIGESTS = PromotionGate("images_without_digest", "images of the stage's overlay that are not named by digest", 0)


def _approvals(count: int) -> PromotionGate:
    return PromotionGate("approvals", "people who approved the revision for the stage", count, least=True)


def _gates(hours: float, approvals: int) -> tuple[PromotionGate, ...]:
    ledger = PromotionGate(
        "ledger_mismatch",
        "most orders in a day on which ledger and venue differed",
        0,
        f"max(max_over_time({LEDGER}[1d]))",
    )
    return (_soak(hours), ONE_REVISION, *_measured("3d", 1), ledger, PARITY, DIGESTS, _approvals(approvals))


GATES = {PromotionStage.PAPER: _gates(24, 1), PromotionStage.MAINNET: _gates(168, 2)}
"""What a revision must have kept in the stage before, to be promoted to each."""
STANDING = (
    *_measured("1h", 14.4),
    PromotionGate(
        "ledger_mismatch",
        "orders on which ledger and venue have differed for 10 min",
        0,
        f"max(min_over_time({LEDGER}[10m]))",
    ),
)
"""What a revision must keep to stay in a stage."""
