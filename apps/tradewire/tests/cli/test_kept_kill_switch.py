"""The kill switch of a platform on real servers: who obeys, who does not answer, what is refused."""

from __future__ import annotations

import subprocess
import sys
from threading import Event

import psutil
import pytest
from apps.tradewire.tests.cli.kept import Kept, kept

from tradewire.app.cli.output import Exit

__all__ = ["kept"]  # pytest finds the fixture here
pytestmark = pytest.mark.timeout(600)


def test_kill_switch_when_the_command_returns_then_risk_and_execution_obey(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = kept.ask("halt", "--account", "main", "--reason", "drill", capsys=capsys)
    assert (code, answer["scope"], answer["level"]) == (Exit.DONE, "account:main", "NO_NEW")
    assert {name: len(instances) for name, instances in answer["obeyed_by"].items()} == {"risk": 1, "execution": 1}
    for name in ("risk", "execution"):
        assert kept.service(name, capsys=capsys)["details"]["controls"] == {"account:main": "NO_NEW"}
    code, controls = kept.ask("controls", capsys=capsys)
    shown = controls["in_force"]["account:main"]
    assert (code, shown["reason"], shown["obeyed_by"]) == (Exit.DONE, "drill", ["risk", "execution"])
    code, answer = kept.ask("resume", "--account", "main", capsys=capsys)
    assert (code, answer["in_force"]) == (Exit.DONE, {})
    assert kept.service("risk", capsys=capsys)["details"]["controls"] == {}


def test_kill_switch_of_what_nobody_knows_is_refused_with_what_there_is(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    code, refusal = kept.ask("halt", "--account", "mian", capsys=capsys)
    assert (code, refusal["error"]) == (Exit.REFUSED, "account: found 'mian'; there are: main")
    code, refusal = kept.ask("pause", "--service", "risk", capsys=capsys)
    assert (code, refusal["error"]) == (Exit.REFUSED, "service: found 'risk'; there are: ingest")


def test_kill_switch_names_a_service_that_does_not_answer_and_acts_when_it_is_back(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen = psutil.Process(kept.service("execution", capsys=capsys)["pid"])
    frozen.suspend()
    try:
        code, refusal = kept.ask("reduce-only", "--within-s", "1", capsys=capsys)
    finally:
        frozen.resume()
    assert code == Exit.UNREACHABLE
    assert "execution (account partitions 0, 1, 2, 3, 4, 5)" in refusal["error"]
    while kept.ask("controls", capsys=capsys)[0] != Exit.DONE:
        Event().wait(0.05)  # between two looks; pytest's timeout bounds it
    assert kept.service("execution", capsys=capsys)["details"]["controls"] == {"global": "REDUCE_ONLY"}
    assert kept.ask("resume", "--within-s", "60", capsys=capsys)[0] == Exit.DONE


def test_kill_switch_that_works_loads_nothing_of_research(kept: Kept) -> None:
    heavy = ("numba", "polars", "numpy", "fastapi", "tradewire.backtest", "tradewire.trading.language")
    program = f"""
import sys
from tradewire.app.cli import main
codes = [main([word, "--root", {str(kept.root)!r}]) for word in ("halt", "controls", "resume")]
print(codes, [name for name in {heavy!r} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[0, 0, 0] []", ran.stderr
