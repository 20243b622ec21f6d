"""The state API and the views ask for tokens, and listen nowhere but on loopback without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import line_of
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.process import face
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.wiring import build


@pytest.mark.parametrize("module", ["tradewire.telemetry", "tradewire.telemetry.adapters.views"])
@pytest.mark.parametrize(
    ("tokens", "says"),
    [(None, "TRADEWIRE_HTTP_HOST: found '0.0.0.0' without TRADEWIRE_TOKENS_FILE"), ("alice", "tokens, line 1: ")],
)
def test_a_process_when_it_may_not_listen_then_ends_with_2_and_one_line(
    module: str, tokens: str | None, says: str, tmp_path: Path
) -> None:
    settings = {"TRADEWIRE_HTTP_HOST": "0.0.0.0", "TRADEWIRE_HTTP_PORT": "0"}
    if tokens is not None:
        (tmp_path / "tokens").write_text(tokens)
        settings["TRADEWIRE_TOKENS_FILE"] = str(tmp_path / "tokens")
    ended = subprocess.run(
        [sys.executable, "-m", module], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_every_route_of_the_face_when_there_are_tokens_then_asks_for_one_but_health_and_metrics(
    tmp_path: Path,
) -> None:
    (tmp_path / "tokens").write_text(line_of(Identity("eve", Role.VIEWER), "token"))
    settings = Settings(
        bus_url="memory:", http_port=0, http_port_file=tmp_path / "port", tokens_file=tmp_path / "tokens"
    )
    async with face([build(settings)], settings, SystemClock(), Metrics(CollectorRegistry())):
        base = f"http://127.0.0.1:{(tmp_path / 'port').read_text()}"
        async with httpx.AsyncClient(base_url=base) as client:
            paths = (await client.get("/openapi.json")).json()["paths"]
            api = [path for path in paths if path.startswith("/api/")]
            assert len(api) > 10
            for path in api:
                assert (await client.get(path)).status_code == 401, path
            for path in ("/health", "/health/live", "/metrics"):
                assert (await client.get(path)).status_code != 401, path
            held = {"Authorization": "Bearer token"}
            assert (await client.get("/api/v1/accounts", headers=held)).json() == []
