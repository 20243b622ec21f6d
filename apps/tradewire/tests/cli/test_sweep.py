"""``tradewire sweep``, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tradewire.app.cli.entry import main
from tradewire.app.cli.output import Exit

ROOT = Path(__file__).parents[4]
WORDS = [
    "sweep",
    str(ROOT / "strategies/ema-cross-btc.yaml"),
    "--data",
    str(ROOT / "data/sample/coinbase-BTCUSD-1h.csv"),
    "--to",
    "2017-11-01",
    "--params",
    "fast_len=5:15:5",
    "slow_len=10,20,30",
    "--where",
    "fast_len < slow_len",
]


def test_sweep_ranks_writes_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sweep"
    assert main([*WORDS, "--out", str(folder), "--json"]) == Exit.DONE
    found = json.loads(capsys.readouterr().out)

    assert found["sets"] == 7
    assert found["ranked"][0]["in_sample"]["sharpe"] >= found["ranked"][1]["in_sample"]["sharpe"]
    assert 0 <= found["overfitting"]["probability"] <= 1
    assert len(pl.read_parquet(folder / "results.parquet")) == 7
    assert json.loads((folder / "evidence.json").read_text())["report"]["sets"] == 7
    assert (folder / "heat-map.html").exists()
    assert found["activity"]["signals"] >= found["activity"]["entries"] > 0
    assert any(line.startswith("without effect: ") for line in found["not_happened"])

    assert main([*WORDS, "--out", str(folder)]) == Exit.DONE
    text = capsys.readouterr().out
    assert "best of 7 sets by sharpe, grid search" in text
    assert "probability of backtest overfitting" in text
    assert "of the best set: without effect: " in text

    assert main([*WORDS, "--out", str(folder), "--objective", "return"]) == Exit.REFUSED
    assert "holds a sweep with another objective" in " ".join(capsys.readouterr().err.split())


def test_sweep_without_a_folder_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(WORDS) == Exit.DONE

    assert list(tmp_path.iterdir()) == []
    told = capsys.readouterr()
    assert "best of 7 sets" in told.out
    assert "no files written: --out FOLDER keeps them" in told.err


def test_faults_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--out", str(tmp_path), "--search", "luck"]) == Exit.USAGE
    assert "allowed grid, random, tpe" in " ".join(capsys.readouterr().err.split())
    assert main([*WORDS, "--out", str(tmp_path), "--publish", "--json"]) == Exit.USAGE


def test_the_account_of_a_sweep_is_asked_for_as_that_of_a_backtest(tmp_path: Path) -> None:
    account = [
        "--margin-mode",
        "isolated",
        "--volume-share",
        "0.1",
        "--latency",
        "5",
        "--limit",
        "max_order_notional=9",
    ]
    folder = tmp_path / "sweep"

    assert main([*WORDS, *account, "--out", str(folder), "--json", str(tmp_path / "found.json")]) == Exit.DONE

    settings = json.loads((folder / "evidence.json").read_text())["inputs"]["settings"]
    assert (settings["margin_mode"], settings["volume_share"], settings["latency_us"]) == ("ISOLATED", "0.1", 5000)
    assert settings["limits"]["max_order_notional"] == "9"
    left_out = " ".join(json.loads((tmp_path / "found.json").read_text())["left_out"])
    for found in (
        "Margin is not modelled (asked for: isolated",
        "risk limits",
        "volume share of 0.1",
        "latency of 5000",
    ):
        assert found in left_out
