"""Prometheus rule groups: recorded ratios of the objectives, then alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploy.monitoring.alerts import Alert, alerts
from deploy.monitoring.objectives import recordings
from deploy.monitoring.scope import Scope

Group = dict[str, Any]


def groups(scope: Scope, services: Sequence[str], readers: Sequence[str]) -> list[Group]:
    """The groups of one platform. ``readers``: services that read topics as a consumer group."""
    prefix = scope.namespace or "tradewire"
    own = {"namespace": scope.namespace} if scope.namespace else {}
    recorded = [
        {"record": name, "expr": expression, **({"labels": own} if own else {})}
        for name, expression in recordings(scope)
    ]
    return [
        {"name": f"{prefix}.objectives", "rules": recorded},
        {"name": f"{prefix}.alerts", "rules": [_rule(found, own) for found in alerts(scope, services, readers)]},
    ]


def _rule(alert: Alert, own: dict[str, str]) -> dict[str, Any]:
    service = {"service": alert.service} if alert.service else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasting,
        "labels": {"severity": alert.severity, **service, **own},
        "annotations": {"summary": alert.summary, "runbook_url": alert.runbook},
    }
