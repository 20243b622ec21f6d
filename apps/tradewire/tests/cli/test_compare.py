"""``tradewire compare``, as typed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradewire.app.cli.entry import main
from tradewire.app.cli.output import Exit

ROOT = Path(__file__).parents[4]
SAMPLE = ROOT / "data/sample"
HOURLY = str(ROOT / "strategies/ema-cross-btc.yaml")
CANDLES = str(SAMPLE / "coinbase-BTCUSD-1h.csv")
SPAN = ("--from", "2018-01-01", "--to", "2018-03-01")


def test_engines_that_agree_are_certified(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", HOURLY, "--data", CANDLES, *SPAN, "--engines", "futures,vectorized,replay", "--json"]

    assert main(words) == Exit.DONE

    found = json.loads(capsys.readouterr().out)
    assert found["clean"] is True
    ready = next(iter(found["ready_from_us"].values()))
    assert ready == int(datetime(2018, 1, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000, "every engine has warmed up"
    futures, vectorized, replay = found["engines"]
    assert futures["fingerprint"] == replay["fingerprint"]
    assert futures["fills"] == vectorized["fills"] > 0


def test_engines_that_model_different_things_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--limit", "max_order_notional=10", "--engines", "futures,vectorized"]

    assert main(["compare", HOURLY, "--data", CANDLES, *SPAN, *words]) == Exit.REFUSED

    out = capsys.readouterr().out
    assert "vectorized leaves futures at 2018-01" in out
    assert "refused, not sent or not filled" in out
    assert "left out by vectorized" in out


def test_several_strategies_are_compared_in_one_call_each_on_its_own_markets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = sorted(str(path) for path in (ROOT / "strategies").glob("*.yaml"))
    words = ["--data", str(SAMPLE), *SPAN, "--engines", "futures,vectorized"]

    assert main(["compare", *files, *words, "--json"]) == Exit.DONE
    found = json.loads(capsys.readouterr().out)
    assert main(["compare", *files, *words]) == Exit.DONE
    text = capsys.readouterr().out

    assert found["clean"] is True
    assert [item["strategy"] for item in found["strategies"]] == files
    assert all(item["clean"] for item in found["strategies"])
    assert f"{len(files)} of {len(files)} strategies are equal to futures by every engine" in text


def test_one_strategy_that_differs_makes_the_whole_answer_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daily = tmp_path / "still.yaml"
    text = (ROOT / "strategies/trend-daily.yaml").read_text()
    daily.write_text(re.sub(r"(?m)^(entry_long|entry_short):.*$", r"\1: close < 0", text))
    words = ["--data", str(SAMPLE), *SPAN, "--engines", "futures,vectorized", "--limit", "max_order_notional=10"]

    assert main(["compare", str(daily), HOURLY, *words]) == Exit.REFUSED

    assert "1 of 2 strategies are equal to futures" in capsys.readouterr().out


@pytest.mark.parametrize("engines", ["futures", "futures,fast", ""])
def test_engines_that_are_not_two_of_those_known_are_refused_before_anything_runs(
    engines: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", HOURLY, "--data", CANDLES, "--engines", engines]) == Exit.USAGE

    said = " ".join(capsys.readouterr().err.split())
    assert f"--engines: found {engines!r}, allowed at least two of vectorized, futures, replay, kafka" in said
