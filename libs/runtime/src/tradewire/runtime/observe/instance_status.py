"""Every instance that reported itself on the bus, and what stands against each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tradewire.ports.bus import EventBusPort
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import InstanceReported
from tradewire.runtime.codec import Codec
from tradewire.runtime.observe.instance_reports import newest_reports

LOST_SECONDS = 20.0
"""An instance reports every 5 s; one that was not heard of for so long is lost."""
FORGOTTEN_SECONDS = 120.0
"""After so long a lost one no longer counts where another instance of its service does its work."""


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """One instance. ``state``: ready, not ready, lost or stopped; ``why``: what stands against it.

    ``waits_for``: what it could not go on without when it reported.
    """

    instance_id: str
    service: str
    version: str
    host: str
    pid: int
    state: str
    why: tuple[str, ...]
    reported_seconds_ago: float
    started_at_us: int
    starts: int
    last_success_us: int | None
    lag_records: int | None
    lag_seconds: float | None
    waits_for: tuple[str, ...] = ()
    phase: str = ""
    handled: int = 0
    dead_letters: int = 0
    last_error: str | None = None


async def seen_instances(bus: EventBusPort, codec: Codec, clock: ClockPort) -> list[InstanceStatus]:
    """All that reported in about the last half hour. Raises RetryableError."""
    try:
        reports = await newest_reports(bus, codec)
    except ContractViolationError:
        return []  # the bus has no such topic: nobody can have reported
    now_us = clock.now_us()
    found = [status_of(report, now_us) for report in reports.values()]
    return sorted(found, key=lambda one: (one.service, one.instance_id))


def status_of(report: InstanceReported, now_us: int) -> InstanceStatus:
    """What a report says as of now."""
    age_s = max(0.0, (now_us - report.reported_at_us) / 1e6)
    why = report.unready
    if report.phase == "stopped":
        state = "stopped"
    elif report.phase == "ended":
        state, why = "lost", (f"it ended: {report.last_error or 'see its log'}",)
    elif age_s > LOST_SECONDS:
        state, why = "lost", (f"not heard of for {age_s:.0f} s", *report.unready)
    else:
        state = "ready" if report.ready else "not ready"
        why = why or (() if report.ready else (f"starting: {report.phase}",))
    return InstanceStatus(
        report.instance_id,
        report.service,
        report.version,
        report.host,
        report.pid,
        state,
        why,
        age_s,
        report.started_us[-1],
        len(report.started_us),
        report.last_success_us,
        report.lag_records,
        report.lag_seconds,
        report.waits_for,
        report.phase,
        report.handled,
        report.dead_letters,
        report.last_error,
    )


def problems(instances: Iterable[InstanceStatus], wanted: Iterable[str]) -> list[str]:
    """What is wrong with the instances, a sentence each; a service of which none is ready is wrong, too."""
    known = list(instances)
    working = {one.service for one in known if one.state == "ready"}
    found = [f"{name}: no instance is ready" for name in wanted if name not in working]
    for one in known:
        replaced = one.service in working and one.reported_seconds_ago > FORGOTTEN_SECONDS
        if one.state == "not ready" or (one.state == "lost" and not replaced):
            found.append(f"{one.instance_id} is {one.state}: {'; '.join(one.why)}")
    return found
