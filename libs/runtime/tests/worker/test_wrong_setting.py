"""What can't be built from the settings ends the process with one sentence that names the setting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [
        ("ingest", "MARKET_PATH", "nowhere"),
        ("ingest", "BARS_PER_SECOND", "0"),
        ("risk", "BUS_URL", "kafka://risk:canary@broker:9092"),
        ("risk", "REGISTRY_URL_FILE", "nowhere"),
    ],
)
def test_process_ends_with_2_and_one_line(service: str, name: str, value: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", f"tradewire.{service}"],
        cwd=tmp_path,
        env={f"TRADEWIRE_{name}": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"TRADEWIRE_{name}")
    assert ended.stderr.count("\n") == 1
    assert "canary" not in ended.stderr
