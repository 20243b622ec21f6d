"""The chaos drill: run a scenario while its processes and servers are killed, frozen and moved, and prove that nothing
came of it: the fingerprint of an undisturbed run, nothing lost, nothing doubled.

Examples:
  python -m tradewire.testkit.chaos --kills 30 --seed 7                  at full speed
  python -m tradewire.testkit.chaos --pace 5 --instances 2 --hand-overs 4 --freezes 4
  python -m tradewire.testkit.chaos --pace 0 --kills 20 --bars 60        each bar behind a quiet stretch
  python -m tradewire.testkit.chaos --pace 5 --broker-frozen 59 --broker-frozen 120 --blackouts 1 --forgets 2
  python -m tradewire.testkit.chaos --pace 5 --kills 300 --plan          show the plan, run nothing
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import secrets
import sys
from pathlib import Path

from tradewire.app.cli.interrupts import InterruptedRunError, run_until_told
from tradewire.app.operating.scenario import sample_scenarios
from tradewire.ports.errors import TradewireError
from tradewire.testkit.chaos.drill import Drill, DrillQuestion, drill
from tradewire.testkit.chaos.plan import Amounts
from tradewire.testkit.chaos.scenario import CHANGING, drilled

PROJECT = Path(__file__).parents[6]
ROOT = Path(".tradewire/chaos")
FINDINGS_SHOWN = 10
SECONDS_A_FAULT = 2.0
"""In a run with a pace, unless --bars says otherwise."""
BARS_A_FAULT = 2
"""In a run of quiet stretches."""
BARS_MIN, BARS_UNPACED = 60, 1_200
COUNTS = {
    "kills": "SIGKILL of a service, each in turn",
    "restarts": "orderly restarts of a service",
    "freezes": "SIGSTOP of an instance for longer than its session, then SIGCONT",
    "hand_overs": "an instance leaves its group, and joins again after its session",
    "forgets": "a service is killed and the committed offsets of its group are deleted",
    "blackouts": "everything is killed at once, servers too",
    "broker_restarts": "restarts of Kafka",
    "database_kills": "SIGKILL of Postgres",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tradewire.testkit.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    defaults = Amounts()
    names = [CHANGING, *sorted(sample_scenarios(PROJECT))]
    parser.add_argument("--scenario", choices=names, default=CHANGING, help=f"default {CHANGING}: versions change")
    parser.add_argument("--bars", type=_count, help="bars to run (default: as many as the faults need)")
    parser.add_argument(
        "--pace", type=_pace, help="bars a second; 0: a bar comes once all is quiet (default: full speed)"
    )
    parser.add_argument("--instances", type=int, choices=(1, 2), default=1, help="of each service that may have two")
    parser.add_argument("--session", type=float, default=6.0, help="seconds until Kafka gives up a silent member")
    for name, text in COUNTS.items():
        default = getattr(defaults, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=_count, default=default, help=f"{text} ({default})")
    frozen = "freeze Kafka for so many seconds; may be repeated"
    parser.add_argument("--broker-frozen", type=float, action="append", default=[], metavar="S", help=frozen)
    parser.add_argument("--seed", type=int, help="the same seed draws the same plan (default: a new one, printed)")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of its servers and logs (%(default)s)")
    parser.add_argument("--plan", action="store_true", help="print the plan and run nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 0, 1, 2, …")
    return int(text)


def _pace(text: str) -> float | None:
    try:
        pace = float(text) if text else None
    except ValueError:
        pace = math.nan
    if pace is not None and not 0 <= pace < math.inf:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 0 or bars per second")
    return pace


def _bars(given: argparse.Namespace, amounts: Amounts) -> int:
    if given.bars is not None:
        return max(2, int(given.bars))
    if given.pace is None:
        return BARS_UNPACED
    a_fault = SECONDS_A_FAULT * given.pace if given.pace else BARS_A_FAULT
    return max(BARS_MIN, math.ceil(amounts.total * a_fault))


def _question(given: argparse.Namespace, folder: Path) -> DrillQuestion:
    counts = {name: getattr(given, name) for name in COUNTS}
    amounts = Amounts(**counts, broker_frozen_s=tuple(given.broker_frozen))
    seed = given.seed if given.seed is not None else secrets.randbelow(10**6)
    market = drilled(given.scenario, PROJECT, folder / "data", bars=_bars(given, amounts))
    return DrillQuestion(market, seed, amounts, given.pace, given.instances, given.session)


def _asked(question: DrillQuestion) -> dict[str, object]:
    return {
        "scenario": question.drilled.scenario.name,
        "seed": question.seed,
        "pace": "full speed" if question.pace is None else question.pace,
        "instances": question.instances,
        "bars": len(question.drilled.times_us),
        "versions_published": len(question.drilled.publications),
    }


def report(done: Drill) -> dict[str, object]:
    """All figures of a drill, by name."""
    return _asked(done.question) | {
        "faults": dict(sorted(done.faults.items())),
        "first_output_after_kill": dict(done.recovery),
        "records": done.audit.records,
        "resent_identically": done.audit.resent,
        "orders": done.audit.orders,
        "fills": done.audit.fills,
        "lost": done.audit.lost,
        "duplicated": done.audit.duplicated,
        "findings": len(done.audit.findings),
        "first_findings": done.audit.findings[:FINDINGS_SHOWN],
        "first_differences": list(done.differences),
        "stopped": done.stopped or "no",
        "undisturbed": done.reference.result.fingerprint,
        "fingerprint": done.result.fingerprint or "none: not at its end",
        "seconds": round(done.seconds, 1),
        "passed": done.passed,
    }


def _show(document: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    for name, value in document.items():
        if isinstance(value, dict | list):
            print(f"{name}:{'' if value else ' none'}")
            items = value.items() if isinstance(value, dict) else ((str(item), "") for item in value)
            for key, text in items:
                print(f"  {key}{f': {text}' if text != '' else ''}")
        else:
            print(f"{name}: {value}")


def _run(given: argparse.Namespace, folder: Path) -> int:
    question = _question(given, folder)
    if given.plan:
        faults = [f"after bar {fault.after_bars}, {fault.moment}: {fault}" for fault in question.plan.faults]
        _show(_asked(question) | {"plan": faults}, given.json)
        return 0

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    say(f"seed {question.seed}")
    try:
        done = run_until_told(lambda: drill(question, folder, say=say), lambda _: say("stopping"))
    except InterruptedRunError as stopped:
        return stopped.exit_code
    except TradewireError as error:
        say(f"error: {error}")
        return 1
    _show(report(done), given.json)
    return 0 if done.passed else 1


def main() -> int:
    """Run the drill that was asked for: 0 when it passed, 1 when it found anything, 2 when it can't be asked so."""
    given = _parser().parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    return _run(given, given.root.resolve())


if __name__ == "__main__":
    sys.exit(main())
