"""The chaos drill: replay a scenario while everything is killed now and then, and prove that nothing came of it.

Example: python -m tests.e2e.drill --scenario three-daily --kills 30 --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tradewire.app.chaos import ChaosPlan, replay_under_fire
from tradewire.app.monolith import Scenario, run_monolith, sample_scenarios
from tradewire.app.platform import RunOptions, begin, platform
from tradewire.app.watch import RunResult
from tradewire.testkit.checker import Audit, audit, read_ledger, read_topics

ROOT = Path(__file__).parents[2]
FINDINGS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill came to, beside an undisturbed run of the same scenario."""

    reference: RunResult
    result: RunResult
    audit: Audit
    blows: dict[str, int]
    seconds: float

    @property
    def passed(self) -> bool:
        """Same fingerprint, nothing lost, nothing doubled."""
        return self.result.fingerprint == self.reference.fingerprint and not self.audit.findings


async def drill(
    scenario: Scenario,
    options: RunOptions,
    *,
    seed: int,
    kills: int,
    brokers: int = 2,
    databases: int = 1,
    reference: RunResult | None = None,
    quiet: bool = False,
) -> Drill:
    """Run the scenario undisturbed in one process, then under fire on real servers, and audit what is left."""

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    reference = reference or await run_monolith(scenario)
    plan = ChaosPlan.drawn(seed=seed, bars=reference.bars, kills=kills, brokers=brokers, databases=databases)
    started = time.monotonic()
    async with platform(scenario, options, say=say) as running:
        accounts = await begin(running, scenario, say=say)
        result, log = await replay_under_fire(running, accounts, plan, say=say)
        seconds = time.monotonic() - started
        said = await read_topics(running.stack.bootstrap_servers)
        ledger = await read_ledger(running.stack.postgres_dsn("execution"))
    return Drill(reference, result, audit(said, ledger), dict(log.blows), seconds)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=sorted(sample_scenarios(ROOT)), default="three-daily")
    parser.add_argument("--kills", type=int, default=30, help="service kills, spread over the services (default 30)")
    parser.add_argument("--brokers", type=int, default=2, help="broker restarts (default 2)")
    parser.add_argument("--databases", type=int, default=1, help="Postgres crashes (default 1)")
    parser.add_argument("--seed", type=int, help="the same seed deals the same blows (default: a new one, printed)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def _report(scenario: str, seed: int, done: Drill) -> dict[str, object]:
    return {
        "scenario": scenario,
        "seed": seed,
        "blows": done.blows,
        "records": done.audit.records,
        "resent_identically": done.audit.resent,
        "orders": done.audit.orders,
        "fills": done.audit.fills,
        "lost": done.audit.lost,
        "duplicated": done.audit.duplicated,
        "findings": len(done.audit.findings),
        "first_findings": done.audit.findings[:FINDINGS_SHOWN],
        "undisturbed": done.reference.fingerprint,
        "fingerprint": done.result.fingerprint,
        "seconds": round(done.seconds, 1),
        "passed": done.passed,
    }


def main() -> int:
    """Run the drill that the command line asks for; 1 when it found anything."""
    given = _given()
    logging.basicConfig(level=logging.CRITICAL)
    seed = given.seed if given.seed is not None else secrets.randbelow(10**6)
    print(f"seed {seed}", file=sys.stderr)
    options = RunOptions(root=ROOT / ".tradewire/chaos")
    blows = {"kills": given.kills, "brokers": given.brokers, "databases": given.databases}
    done = asyncio.run(drill(sample_scenarios(ROOT)[given.scenario], options, seed=seed, **blows))
    report = _report(given.scenario, seed, done)
    if given.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in report.items():
            print(f"{name}: {value}")
    return 0 if done.passed else 1


if __name__ == "__main__":
    sys.exit(main())
