"""A Python strategy that looks ahead, installed as a package, is refused wherever strategies are taken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.engine_runs import ENGINES
from tradewire.app.cli.output import Exit
from tradewire.app.operating.operator import Operator
from tradewire.ports.events import ConfigStatus
from tradewire.strategy.settings import Settings
from tradewire.strategy.wiring import build
from tradewire.testkit.builders import BTC, instrument
from tradewire.testkit.worker_rig import WITHIN_SECONDS, WorkerRig

MODULE = '''
"""Buys when the next bar closes higher."""

import numpy as np


class Rules:
    demands = ("sma(close,3)",)

    def __init__(self, params):
        pass

    def rules(self, values, previous):
        return {"entry_long": values["close"] > values["sma(close,3)"]}

    def rules_array(self, values, previous):
        tomorrow = np.append(values["close"][1:], values["close"][-1:])
        return {"entry_long": ENTRY}
'''
ENTRIES = {"sees_tomorrow": "tomorrow > values['close']", "sees_today": "values['close'] > values['sma(close,3)']"}
HOUR_MS = 3_600_000
REASON = re.compile(
    r"bar \d+: `entry_long` is [01], expected [01]; looks ahead: the answer changes when the bars after bar \d+"
)


def document(module: str) -> str:
    """A strategy whose rules are that module's."""
    return (
        f"id: {module.replace('_', '-')}\nvenue: sim\naccount: alpha\nsymbols: [{BTC}]\ninterval: 1h\n"
        f"python: '{module}:Rules'\nsizing: {{fixed_qty: 1}}\n"
    )


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both modules in one package that offers them through its entry points, as pip would leave it."""
    for module, entry in ENTRIES.items():
        (tmp_path / f"{module}.py").write_text(MODULE.replace("ENTRY", entry))
    information = tmp_path / "rules_to_test-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: rules-to-test\nVersion: 1.0\n")
    offered = "\n".join(f"{module} = {module}:Rules" for module in ENTRIES)
    (information / "entry_points.txt").write_text(f"[tradewire.strategies]\n{offered}\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("module", "answer"), [("sees_tomorrow", ConfigStatus.REFUSED), ("sees_today", ConfigStatus.ACCEPTED)]
)
async def test_publish_when_a_plugin_looks_ahead_then_the_service_refuses_it_with_bar_value_and_rule(
    module: str, answer: ConfigStatus
) -> None:
    rig = WorkerRig()
    operator = Operator(rig.bus, rig.codec, rig.clock, author="quant")
    await rig.say(instrument(BTC, intervals=("1h",)))
    async with rig.running(build(Settings())):
        config = await operator.publish_strategy(document(module))
        answers = await operator.answers({config.strategy_id: config.version}, WITHIN_SECONDS)
    status = answers[config.strategy_id]
    assert status.status is answer
    assert bool(status.active) is (answer is ConfigStatus.ACCEPTED)
    assert [bool(REASON.search(reason.message)) for reason in status.reasons][:1] == (
        [True] if answer is ConfigStatus.REFUSED else []
    )


def test_validate_when_a_plugin_looks_ahead_then_refused_with_bar_value_and_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "strategy.yaml"
    file.write_text(document("sees_tomorrow"))
    assert main(["strategy", "validate", str(file)]) == Exit.REFUSED
    assert REASON.search(capsys.readouterr().out)


@pytest.mark.parametrize(
    "words",
    [
        *(("backtest", "--engine", engine) for engine in ENGINES),
        ("compare", "--engines", "futures,vectorized"),
        ("sweep", "--engine", "vectorized"),
        ("sweep", "--engine", "futures"),
    ],
    ids=" ".join,
)
def test_research_when_a_plugin_looks_ahead_then_refused_before_anything_runs(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "strategy.yaml", tmp_path / "bars.csv"
    file.write_text(document("sees_tomorrow") + "params: {length: {default: 3, low: 1, high: 9, step: 1}}\n")
    rows = [f"{1_700_000_000_000 // HOUR_MS * HOUR_MS + n * HOUR_MS},10,11,9,10,5" for n in range(60)]
    data.write_text("\n".join(["open_time,open,high,low,close,volume", *rows]) + "\n")
    out = ["--out", str(tmp_path / "found")] if words[0] == "sweep" else []

    code = main([words[0], str(file), "--data", f"{BTC}={data}", *words[1:], *out])

    assert code == Exit.REFUSED
    assert REASON.search(" ".join("".join(capsys.readouterr()).split()))
    assert not (tmp_path / "found").exists()
