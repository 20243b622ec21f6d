"""Whatever is killed, frozen, moved or forgotten, at any pace: the same result, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import psutil
import pytest
from tests.e2e.slices import ROOT

from tradewire.testkit.chaos.drill import Drill, DrillQuestion, Reference, drill, reference_of
from tradewire.testkit.chaos.plan import Amounts
from tradewire.testkit.chaos.scenario import CHANGING, drilled

pytestmark = pytest.mark.timeout(1800)
ONLY_KILLS = Amounts(restarts=0, broker_restarts=0, database_kills=0)
PATIENCE_SECONDS = 400.0
"""Everything begins anew within it on a machine that is busy with other work, too."""
LEAST_FILLS = 20


@lru_cache
def reference(name: str, bars: int | None, folder: Path) -> Reference:
    """The scenario in one process, once a session."""
    return asyncio.run(reference_of(drilled(name, ROOT, folder / "data", bars=bars), folder))


@pytest.fixture(scope="session")
def references(run_roots: Path) -> Path:
    """Where undisturbed runs have their files."""
    return run_roots / "references"


def under_fire(name: str, bars: int | None, root: Path, references: Path, **asked: object) -> Drill:
    """A drill that passed, or says what it found."""
    market = drilled(name, ROOT, root / "data", bars=bars)
    question = DrillQuestion(market, patience_s=PATIENCE_SECONDS, **asked)  # type: ignore[arg-type]
    done = asyncio.run(drill(question, root, reference=reference(name, bars, references)))
    assert (done.stopped, done.audit.findings, done.differences) == ("", [], [])
    assert done.result.fingerprint == done.reference.result.fingerprint
    assert done.result.fills > LEAST_FILLS
    assert sum(done.faults.values()) == question.amounts.total
    return done


@pytest.mark.parametrize(("name", "bars", "seed"), [("three-daily", None, 20), ("btc-hourly", 6_000, 21)])
def test_kills_and_restarts_at_full_speed_change_nothing(
    name: str, bars: int | None, seed: int, run_root: Path, references: Path
) -> None:
    under_fire(name, bars, run_root, references, seed=seed, amounts=Amounts(kills=30))


def test_kills_between_bars_and_just_behind_them_change_nothing(run_root: Path, references: Path) -> None:
    amounts = replace(ONLY_KILLS, kills=4, blackouts=1)
    done = under_fire(CHANGING, 12, run_root, references, seed=3, pace=0.0, amounts=amounts)
    assert done.question.drilled.publications


def test_two_instances_that_come_and_go_and_freeze_change_nothing(run_root: Path, references: Path) -> None:
    amounts = replace(ONLY_KILLS, kills=4, hand_overs=1, freezes=2, forgets=1)
    under_fire(CHANGING, 60, run_root, references, seed=4, pace=5.0, instances=2, amounts=amounts)


def test_broker_frozen_for_longer_than_a_session_changes_nothing(run_root: Path, references: Path) -> None:
    amounts = replace(ONLY_KILLS, kills=2, broker_frozen_s=(12.0,))
    under_fire(CHANGING, 40, run_root, references, seed=5, pace=5.0, amounts=amounts)


# ---- the command ----


def command(*arguments: str, root: Path) -> list[str]:
    """The drill as it is typed."""
    return [sys.executable, "-m", "tradewire.testkit.chaos", "--root", str(root), *arguments]


def test_ctrl_c_ends_everything_that_a_drill_started(run_root: Path) -> None:
    typed = command("--bars", "60", "--pace", "1", "--freezes", "8", "--broker-frozen", "60", root=run_root)
    with subprocess.Popen(typed, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert any("freeze" in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGINT)
        process.stderr.read()
    assert process.returncode == 128 + signal.SIGINT
    left = [other.cmdline() for other in psutil.process_iter() if str(run_root) in " ".join(other.cmdline())]
    assert left == []
