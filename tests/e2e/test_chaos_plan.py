"""A drill's plan follows from its seed, and the command says what is wrong with a question."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.e2e.slices import ROOT

from tradewire.testkit.chaos.market import PacedMarket, close_times_us
from tradewire.testkit.chaos.plan import SEVERAL, Amounts, ChaosPlan, FaultKind
from tradewire.testkit.chaos.scenario import CHANGING, drilled

AMOUNTS = st.builds(
    Amounts,
    kills=st.integers(0, 40),
    restarts=st.integers(0, 5),
    freezes=st.integers(0, 5),
    hand_overs=st.integers(0, 5),
    forgets=st.integers(0, 5),
    blackouts=st.integers(0, 3),
    broker_restarts=st.integers(0, 3),
    database_kills=st.integers(0, 3),
    broker_frozen_s=st.lists(st.floats(1, 120), max_size=2).map(tuple),
)


def drawn(seed: int, bars: int, amounts: Amounts, instances: int) -> ChaosPlan:
    """A plan over services that each have so many instances."""
    return ChaosPlan.drawn(
        seed=seed, bars=bars, amounts=amounts, instances=dict.fromkeys(SEVERAL, instances), session_s=6.0
    )


@given(seed=st.integers(0, 10**6), bars=st.integers(2, 500), amounts=AMOUNTS, instances=st.integers(1, 2))
def test_plan_when_drawn_again_then_the_same_and_all_of_it_within_the_run(
    seed: int, bars: int, amounts: Amounts, instances: int
) -> None:
    plan = drawn(seed, bars, amounts, instances)
    assert plan == drawn(seed, bars, amounts, instances)
    assert len(plan.faults) == amounts.total == sum(plan.counts.values())
    assert all(1 <= fault.after_bars < bars for fault in plan.faults)
    assert [fault.after_bars for fault in plan.faults] == sorted(fault.after_bars for fault in plan.faults)


def test_plan_when_services_have_two_instances_then_both_are_hit_and_the_second_hands_over() -> None:
    plan = drawn(1, 100, Amounts(kills=22, hand_overs=5, freezes=10), 2)
    killed = {fault.target for fault in plan.faults if fault.kind is FaultKind.KILL}
    assert {"risk", "risk-1", "telemetry-1", "ingest"} <= killed
    assert "ingest-1" not in killed
    moved = {fault.target for fault in plan.faults if fault.kind is FaultKind.HAND_OVER}
    assert moved == {f"{service}-1" for service in SEVERAL}
    assert all(fault.seconds > 6 for fault in plan.faults if fault.kind in (FaultKind.FREEZE, FaultKind.HAND_OVER))


def test_market_when_it_lets_bars_come_then_the_file_names_their_close(tmp_path: Path) -> None:
    until = tmp_path / "until"
    market = PacedMarket(until, (10, 20, 30))
    read = []
    for bars in (1, 2, 1, 3):
        market.let(bars)
        read.append(int(until.read_text()))
    assert read[:3] == [10, 20, 20]
    assert read[3] > 30


def test_changing_scenario_when_cut_then_versions_follow_one_another_and_start_behind_their_publication(
    tmp_path: Path,
) -> None:
    found = drilled(CHANGING, ROOT, tmp_path, bars=80)
    assert found.times_us == close_times_us(found.scenario)
    versions: dict[str, int] = {}
    for publication in found.publications:
        config = publication.config
        assert config.version == versions.get(config.strategy_id, 1) + 1
        versions[config.strategy_id] = config.version
        assert config.effective_from_us > found.times_us[publication.after_bars]
    assert min(versions.values()) > 3


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command answers."""
    return subprocess.run(
        [sys.executable, "-m", "tradewire.testkit.chaos", *arguments], capture_output=True, text=True, check=False
    )


def test_command_when_asked_for_a_plan_then_the_same_for_the_same_seed_and_nothing_runs(tmp_path: Path) -> None:
    asked = (
        "--pace",
        "5",
        "--instances",
        "2",
        "--kills",
        "4",
        "--plan",
        "--json",
        "--seed",
        "7",
        "--root",
        str(tmp_path),
    )
    first, second = typed(*asked), typed(*asked)
    assert first.returncode == 0
    assert first.stdout == second.stdout
    assert json.loads(first.stdout)["seed"] == 7
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pace", "-1"), "found '-1', allowed 0 or bars per second"),
        (("--pace", "nan"), "allowed 0 or bars per second"),
        (("--kills", "some"), "found 'some', allowed 0, 1, 2"),
        (("--scenario", "none"), "invalid choice: 'none'"),
        (("--instances", "3"), "invalid choice: 3"),
    ],
)
def test_command_when_asked_wrongly_then_says_what_is_allowed(arguments: tuple[str, ...], said: str) -> None:
    answer = typed(*arguments)
    assert answer.returncode == 2
    assert said in answer.stderr


def test_command_when_asked_for_help_then_shows_examples() -> None:
    answer = typed("--help")
    assert answer.returncode == 0
    assert answer.stdout.count("python -m tradewire.testkit.chaos --") >= 4
