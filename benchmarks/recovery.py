"""How long after SIGKILL each service is heard of again: ``make bench-recovery`` puts it into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import machine
from benchmarks.report import table, verdict
from benchmarks.scenarios import ROOT
from tradewire.app.operating.platform import Platform, RunOptions, begin, platform
from tradewire.embedded.service_processes import until_ready
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import CandleClosed
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.clock import SystemClock
from tradewire.testkit.builders import candle
from tradewire.testkit.chaos.drill import UNTIL_SETTING
from tradewire.testkit.chaos.market import PacedMarket
from tradewire.testkit.chaos.plan import TRADING, Fault, FaultKind
from tradewire.testkit.chaos.recovery import Recovery
from tradewire.testkit.chaos.scenario import CHANGING, Drilled, drilled
from tradewire.testkit.chaos.striker import Striker

RESULT = ROOT / "docs/benchmarks.md"
HEADING = "## 7. Recovery after `kill -9`"
AIM_SECONDS = 5.0
PACE = 5.0
BARS_AT_ONCE = 200
"""At full speed so many bars come with each kill, so that every service has something to say."""
ROUNDS = 5
HEARD_SECONDS_MAX = 120.0
RECORDS_AT_ONCE = 1_000
SAID_EVERY = 100_000
LIMIT_MINUTES = 60.0
RETAINED = (10_000, 1_000_000)

Times = Mapping[str, list[float]]


async def recoveries(folder: Path, market_of: Drilled, *, paced: bool, rounds: int, retained: int = 0) -> Times:
    """Kill each service in turn, once all are at work; seconds until each was heard of again, by service.

    ``retained``: so many candles of a market that nobody trades are on the topic before anything starts.
    """
    until = folder / "until"
    market = PacedMarket(until, market_of.times_us)
    options = RunOptions(root=folder / "servers", registry=False, environment={UNTIL_SETTING: str(until)})
    async with platform(market_of.scenario, options) as running:
        await _retain(running, retained)
        await begin(running, market_of.scenario)
        recovery = Recovery(running.bus, SystemClock())
        striker = Striker(running, recovery, lambda _: None)
        beside = [asyncio.create_task(striker.revive()), asyncio.create_task(recovery.watch())]
        if paced:
            beside.append(asyncio.create_task(_paced(market)))
        try:
            for number in range(rounds):
                for service in TRADING:
                    sys.stderr.write(f"  round {number + 1} of {rounds}: {service}\n")
                    await _once(running, striker, recovery, market, service)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
    return recovery.seconds


async def _retain(running: Platform, count: int) -> None:
    """Fill the topic of candles with history."""
    old = candle(0, 100, "OLDUSDT")
    spec, value = BY_EVENT[CandleClosed], running.codec.encode(old)
    headers = (("event_id", b"old"), ("event_time_us", b"%d" % old.close_time_us), ("producer", b"benchmark"))
    partitions = await running.bus.partitions(spec.name)
    for first in range(0, count, RECORDS_AT_ONCE):
        numbers = range(first, min(first + RECORDS_AT_ONCE, count))
        key = spec.key_of(old).encode()
        await running.bus.publish([Outgoing(spec.name, key, value, headers, n % partitions) for n in numbers])
        if numbers.stop % SAID_EVERY == 0 or numbers.stop == count:
            sys.stderr.write(f"  {numbers.stop:,} of {count:,} candles written\n")


async def _paced(market: PacedMarket) -> None:
    while True:
        market.let(market.bars + 1)
        await asyncio.sleep(1 / PACE)  # the pace itself


async def _once(running: Platform, striker: Striker, recovery: Recovery, market: PacedMarket, service: str) -> None:
    """One kill, on a platform all of whose services are at work."""
    await until_ready(list(running.services.values()))
    market.let(market.bars + BARS_AT_ONCE)
    await striker.strike(Fault(market.bars, FaultKind.KILL, service))
    async with asyncio.timeout(HEARD_SECONDS_MAX):
        await recovery.heard(service)


def section(found: Mapping[str, Times]) -> str:
    """The part of the document. ``found``: by pace, then by service."""
    rows = [
        (pace, service, len(times), f"{median(times):.1f}", f"{max(times):.1f}", verdict(max(times), AIM_SECONDS))
        for pace, services in found.items()
        for service, times in services.items()
    ]
    head = ("pace", "service", "kills", "median s", "longest s", f"aim < {AIM_SECONDS:.0f} s, every time")
    facts = machine()
    load = next((f"; {name}: {value}" for name, value in facts.items() if name.startswith("load average")), "")
    return (
        f"{HEADING}\n\nWritten by `make bench-recovery`. Each service in turn is killed while six processes trade "
        "three markets over Kafka, and started again at once: from the kill to the timestamp of its next record. "
        f"At {PACE:.0f} bars/s, and at full speed with {BARS_AT_ONCE} bars of work at each kill; then with candles "
        f"retained of a market that nobody trades{load}.\n\n" + table(head, rows)
    )


def section_in(document: str) -> str:
    """This section of a document, which others leave as it is; empty when there is none."""
    _, heading, behind = document.partition(HEADING)
    return f"\n{heading}{behind}" if heading else ""


def put_into(document: str, part: str) -> str:
    """The document with this section, its last one, replaced or added."""
    return f"{document.partition(HEADING)[0].rstrip()}\n\n{part}"


async def measured(
    folder: Path, rounds: int, retained: Sequence[int], paces: Sequence[bool], limit_minutes: float
) -> dict[str, Times]:
    """Each pace (paced or not), then with candles retained, each on servers of its own; what the time suffices for."""
    found: dict[str, Times] = {}
    try:
        async with asyncio.timeout(limit_minutes * 60):
            await _measure(found, folder, rounds, retained, paces)
    except TimeoutError:
        sys.stderr.write(f"stopped after {limit_minutes:g} minutes: {', '.join(found) or 'nothing'} measured\n")
    return found


async def _measure(
    found: dict[str, Times], folder: Path, rounds: int, retained: Sequence[int], paces: Sequence[bool]
) -> None:
    market = drilled(CHANGING, ROOT, folder / "data", bars=None)
    for paced in paces:
        name = f"{PACE:.0f} bars/s" if paced else "full speed"
        sys.stderr.write(f"{name}\n")
        found[name] = await recoveries(folder / ("paced" if paced else "unpaced"), market, paced=paced, rounds=rounds)
    for count in retained:
        sys.stderr.write(f"{count} candles retained\n")
        servers = folder / f"retained-{count}"
        found[f"{PACE:.0f} bars/s, {count:,} candles retained"] = await recoveries(
            servers, market, paced=True, rounds=rounds, retained=count
        )


def main() -> None:
    """Measure, put the section into the document, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="kills of each service at each pace (%(default)s)")
    parser.add_argument(
        "--retained",
        type=int,
        nargs="*",
        default=RETAINED,
        metavar="N",
        help="candles on the topic beforehand (%(default)s)",
    )
    parser.add_argument("--retained-only", action="store_true", help="leave out the two paces without history")
    parser.add_argument(
        "--limit-minutes", type=float, default=LIMIT_MINUTES, help="write what was measured by then (%(default)g)"
    )
    given = parser.parse_args()
    paces = () if given.retained_only else (True, False)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="tradewire-recovery-", ignore_cleanup_errors=True) as folder:
        found = asyncio.run(measured(Path(folder), given.rounds, given.retained, paces, given.limit_minutes))
    if not found:
        raise SystemExit("nothing was measured, so nothing is written")
    RESULT.write_text(put_into(RESULT.read_text(encoding="utf-8"), section(found)), encoding="utf-8")
    sys.stdout.write(json.dumps({"written": str(RESULT.relative_to(ROOT)), "seconds": found}) + "\n")


if __name__ == "__main__":
    main()
