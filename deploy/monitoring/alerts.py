"""Every alert of the platform. Each has a runbook of its name, and tests that it fires and that it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy.monitoring.objectives import OBJECTIVES, burns
from deploy.monitoring.scope import Scope

RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True, slots=True)
class Alert:
    """``page`` wakes somebody; a ``ticket`` waits for the morning. ``service`` where the series have no such label."""

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    service: str = ""

    @property
    def runbook(self) -> str:
        """Path of the page that says what to do."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", self.name.removeprefix("Tradewire")).lower()
        return f"{RUNBOOKS}/{words}.md"


def alerts(scope: Scope, services: Sequence[str], groups: Sequence[str]) -> Iterator[Alert]:
    """All alerts. ``groups``: services that read topics as a consumer group."""
    yield from _absence(scope, services)
    yield from _standing(scope)
    yield from _reading(scope, groups)
    yield from _loss(scope)
    yield from _market(scope)
    yield from _truth(scope)
    yield from _operation(scope)
    yield from _budgets(scope)


def _absence(scope: Scope, services: Sequence[str]) -> Iterator[Alert]:
    for service in services:
        yield Alert(
            "TradewireServiceAbsent",
            f"absent({scope.of('tradewire_service_ready', service=service)})",
            "2m",
            "page",
            f"No instance of {service} is scraped: it is gone, or nobody would know",
            service,
        )
    yield Alert(
        "TradewireServiceNotReady",
        f"max by (service) ({scope.of('tradewire_service_ready')}) == 0",
        "5m",
        "page",
        "No instance of {{ $labels.service }} does its work; waits_for in /health names what stands against it",
    )
    yield Alert(
        "TradewireInstanceNotReady",
        f"min by (service) ({scope.of('tradewire_service_ready')}) == 0",
        "15m",
        "ticket",
        "An instance of {{ $labels.service }} does not do its work; others may carry its part",
    )


def _standing(scope: Scope) -> Iterator[Alert]:
    yield Alert(
        "TradewireLoopStands",
        f"time() - max by (service) ({scope.of('tradewire_service_heartbeat_timestamp_seconds')}) > 60",
        "1m",
        "page",
        "The loop of {{ $labels.service }} has not come round for a minute",
    )
    yield Alert(
        "TradewireNothingPasses",
        _named(
            "stage", f"time() - max by (stage) ({scope.of('tradewire_pipeline_heartbeat_timestamp_seconds')}) > 120"
        ),
        "2m",
        "page",
        "No heartbeat record has come through {{ $labels.service }} for two minutes; the first such stage is the one",
    )
    yield Alert(
        "TradewireDependencyAway",
        f"time() - max by (service, dependency) ({scope.of('tradewire_dependency_reached_timestamp_seconds')}) > 90",
        "1m",
        "page",
        "{{ $labels.dependency }} does not answer {{ $labels.service }}",
    )


def _reading(scope: Scope, groups: Sequence[str]) -> Iterator[Alert]:
    reading = "~" + "|".join(groups)
    lag = scope.of("tradewire_kafka_consumer_lag_seconds", group=reading)
    yield Alert(
        "TradewireReadsLate",
        _named("group", f"max by (group, topic) ({lag}) > 60"),
        "5m",
        "page",
        "{{ $labels.service }} has not read a record of {{ $labels.topic }} of {{ $value | humanizeDuration }} ago",
    )
    handled = scope.of("tradewire_kafka_consumer_last_progress_timestamp_seconds", group=reading)
    behind = scope.of("tradewire_kafka_consumer_lag_records", group=reading)
    yield Alert(
        "TradewireConsumerStands",
        _named("group", f"time() - max by (group, topic) ({handled}) > 120 and sum by (group, topic) ({behind}) > 0"),
        "1m",
        "page",
        "{{ $labels.service }} handles nothing of {{ $labels.topic }} although records wait",
    )
    yield Alert(
        "TradewireRebalancesTooOften",
        _named("group", f"sum by (group) (increase({scope.of('tradewire_kafka_rebalances_total')}[15m])) > 10"),
        "0m",
        "ticket",
        "The group {{ $labels.service }} was assigned anew {{ $value | humanize }} times in 15 minutes",
    )


def _named(label: str, expression: str) -> str:
    """The expression with its label also under the name ``service``, so that every alert says whose it is."""
    return f'label_replace({expression}, "service", "$1", "{label}", "(.*)")'


def _loss(scope: Scope) -> Iterator[Alert]:
    yield Alert(
        "TradewireDeadLetters",
        f"sum by (service, topic) (increase({scope.of('tradewire_dead_letters_total')}[10m])) > 0",
        "0m",
        "ticket",
        "{{ $labels.service }} could not handle a record of {{ $labels.topic }}",
    )
    yield Alert(
        "TradewireParkedKeys",
        f"max by (service) ({scope.of('tradewire_parked_keys')}) > 0",
        "1m",
        "page",
        "{{ $value }} accounts of {{ $labels.service }} stand still behind a dead letter",
    )
    yield Alert(
        "TradewireRecordsLost",
        f"sum by (service, topic) (increase({scope.of('tradewire_records_lost_total')}[10m])) > 0",
        "0m",
        "page",
        "Records of {{ $labels.topic }} were deleted before {{ $labels.service }} read them",
    )
    yield Alert(
        "TradewireErrorsLogged",
        f"sum(increase({scope.of('tradewire_log_records_total', severity='~ERROR|CRITICAL')}[10m])) > 0",
        "0m",
        "ticket",
        "{{ $value | humanize }} errors were logged in ten minutes",
        "any",
    )


def _market(scope: Scope) -> Iterator[Alert]:
    yield Alert(
        "TradewireCandlesNotFollowing",
        f"sum by (service, verdict) (increase({scope.of('tradewire_candles_not_following_total')}[10m])) > 0",
        "0m",
        "ticket",
        "{{ $labels.service }} read candles that do not follow the last of their market: {{ $labels.verdict }}",
    )
    yield Alert(
        "TradewireMarketFaults",
        f"sum by (kind) (increase({scope.of('tradewire_market_faults_total', kind='!filled')}[15m])) > 0",
        "0m",
        "ticket",
        "The market stream has bars that are {{ $labels.kind }}",
        "ingest",
    )


def _truth(scope: Scope) -> Iterator[Alert]:
    yield Alert(
        "TradewireLedgerMismatch",
        f"max by (account) ({scope.of('tradewire_ledger_mismatch_orders')}) > 0",
        "2m",
        "page",
        "{{ $value }} orders of account {{ $labels.account }} are at work for ledger or venue, not for both",
        "execution",
    )
    yield Alert(
        "TradewireAccountHalted",
        f"max by (account) ({scope.of('tradewire_account_halted')}) > 0",
        "1m",
        "page",
        "Account {{ $labels.account }} takes no order that opens a position: its records and the venue differ",
        "execution",
    )
    yield Alert(
        "TradewireExposureAboveLimit",
        f"max by (account) ({scope.of('tradewire_exposure_ratio')}) > 1",
        "5m",
        "page",
        "Account {{ $labels.account }} holds {{ $value | humanizePercentage }} of what its limit allows",
        "risk",
    )
    yield Alert(
        "TradewireClockOff",
        f"abs({scope.of('tradewire_exchange_clock_offset_seconds')}) > 0.5",
        "1m",
        "page",
        "The venue's clock and ours differ by {{ $value }} s: orders will be refused",
        "ingest",
    )


def _operation(scope: Scope) -> Iterator[Alert]:
    yield Alert(
        "TradewireKillSwitchEngaged",
        f"max by (scope) ({scope.of('tradewire_kill_switch_engaged')}) > 0",
        "1h",
        "ticket",
        "A kill switch or pause has been on for {{ $labels.scope }} for an hour",
        "any",
    )
    yield Alert(
        "TradewireVersionsDiffer",
        f"count(count by (schema_set) ({scope.of('tradewire_build_info')})) > 1",
        "1h",
        "ticket",
        "Services have run with {{ $value }} different sets of schemas for an hour",
        "any",
    )


def _budgets(scope: Scope) -> Iterator[Alert]:
    for objective in OBJECTIVES:
        for severity in ("page", "ticket"):
            yield Alert(
                objective.alert,
                burns(scope, objective, severity),
                "0m",
                severity,
                f"The error budget of {objective.name} burns too fast: {objective.promise}",
                "any",
            )
