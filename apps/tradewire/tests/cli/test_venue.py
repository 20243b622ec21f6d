"""``tradewire venue`` as a process: its line of JSON, a call to it, its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tradewire.app.cli.entry import main

COMMAND = [sys.executable, "-m", "tradewire.app.cli", "venue"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_venue_says_where_it_is_in_one_line_and_ends_when_told(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND, "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            told = json.loads(running.stdout.readline())
            assert set(told) == {"rest", "ws", "api_key", "secret"}
            assert httpx.get(f"{told['rest']}/fapi/v1/ping").json() == {}
            running.send_signal(number)
            assert running.wait(60) == 128 + number
            assert running.stdout.read() == ""
        finally:
            running.kill()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{told['rest']}/fapi/v1/ping")
    assert list(tmp_path.iterdir()) == []


def test_a_seed_gives_the_same_keys_again() -> None:
    keys = []
    for _ in range(2):
        with subprocess.Popen([*COMMAND, "--json", "--seed", "7"], stdout=subprocess.PIPE, text=True) as running:
            try:
                assert running.stdout is not None
                keys.append(json.loads(running.stdout.readline())["secret"])
            finally:
                running.terminate()
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "nowhere"], "--data nowhere: no such folder"),
        (["--balance", "much"], "--balance: found much, allowed is a number > 0"),
        (["--speed", "0"], "--speed"),
        (["--tz", "Tokyo"], "--tz: found 'Tokyo', allowed a name of the time zone database"),
    ],
)
def test_a_wrong_option_is_refused_by_name(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["venue", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_without_instruments_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binance-BTCUSDT-1m.csv").write_text("open_time,open,high,low,close,volume\n")
    assert main(["venue", "--data", str(tmp_path)]) == 1
    assert "instruments.yaml: can't be read" in capsys.readouterr().err
