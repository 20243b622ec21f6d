"""A platform kept by ``up`` on real servers, spoken to by every command, and ended by ``down`` without a trace."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import psutil
import pytest
from apps.tradewire.tests.cli.kept import PROJECT, Kept, kept, processes_of

from tradewire.app.cli.output import Exit
from tradewire.embedded import StackPaths, read_state
from tradewire.embedded.platform_state import read_platform
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.events import StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, SERVICES
from tradewire.runtime.bus import connect
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_to_end

EVALUATIONS = BY_EVENT[StrategyEvaluated].name
__all__ = ["kept"]  # pytest finds the fixture here
pytestmark = pytest.mark.timeout(600)


def command(*words: str) -> subprocess.Popen[str]:
    """The command as a process of its own, as a terminal would start it."""
    return subprocess.Popen(
        [sys.executable, "-m", "tradewire.app.cli", *words],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_status_tells_of_every_server_and_service(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    code, status = kept.ask("status", capsys=capsys)
    assert code == Exit.DONE
    assert {server["name"] for server in status["servers"]} == {"kafka", "postgres"}
    services = {service["name"]: service for service in status["services"]}
    assert set(services) == set(SERVICES)
    assert {service["health"] for service in services.values()} == {"ok"}
    assert services["risk"]["last_success_us"] > 0


def test_second_up_is_refused_and_names_the_first(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    state = read_state(StackPaths.under(kept.root))
    assert state is not None
    code, refusal = kept.ask("up", capsys=capsys)
    assert code == Exit.REFUSED
    assert f"pid {state.owner.pid}" in refusal["error"]


def test_strategies_are_published_answered_listed_and_retired(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (PROJECT / "strategies/ema-cross-btc.yaml").read_text()
    good = tmp_path / "good.yaml"
    good.write_text(source.replace("id: ema-cross-btc", "id: my-cross"))
    code, answer = kept.ask("strategy", "publish", str(good), capsys=capsys)
    assert (code, answer["status"], answer["version"]) == (Exit.DONE, "ACCEPTED", 1)
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(good.read_text().replace("venue: coinbase", "venue: kraken"))
    code, answer = kept.ask("strategy", "publish", str(elsewhere), capsys=capsys)
    assert (code, answer["status"], answer["version"]) == (Exit.REFUSED, "REFUSED", 2)
    assert "known: coinbase:BTCUSD" in answer["reasons"][0]["message"]
    _, listed = kept.ask("strategy", "list", capsys=capsys)
    assert {"my-cross", "ema-cross-btc"} <= {strategy["strategy_id"] for strategy in listed["strategies"]}
    code, shown = kept.ask("strategy", "show", "my-cross", capsys=capsys)
    assert shown["status"]["active"][0]["document"] == good.read_text()
    code, answer = kept.ask("strategy", "retire", "my-cross", capsys=capsys)
    assert (code, answer["status"]) == (Exit.DONE, "RETIRED")
    code, refusal = kept.ask("strategy", "retire", "my-cross", capsys=capsys)
    assert code == Exit.REFUSED
    assert "retired already" in refusal["error"]


def test_limits_are_set_and_shown_with_what_was_set_before(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    code, refusal = kept.ask("limits", "set", "other", "max_leverage=2.5", capsys=capsys)
    assert code == Exit.REFUSED
    assert "account: found 'other'; there are: main" in refusal["error"]
    kept.ask("limits", "set", "other", "max_leverage=2.5", "--new-account", capsys=capsys)
    kept.ask("limits", "set", "other", "max_order_notional=1000", capsys=capsys)
    code, shown = kept.ask("limits", "show", "other", capsys=capsys)
    assert (code, shown["version"]) == (Exit.DONE, 2)
    assert (shown["max_leverage"], shown["max_order_notional"], shown["max_drawdown_ratio"]) == ("2.5", "1000", None)
    code, _ = kept.ask("limits", "show", "nobody", capsys=capsys)
    assert code == Exit.REFUSED


def test_topics_are_as_the_map_wants_them(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    code, plan = kept.ask("topics", "plan", capsys=capsys)
    assert (code, plan["create"], plan["drift"], plan["blocked"]) == (Exit.DONE, [], [], False)
    code, plan = kept.ask("topics", "plan", "--partitions", "3", capsys=capsys)
    assert (code, plan["blocked"]) == (Exit.REFUSED, True)


def test_lag_names_the_groups_that_read(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    code, lag = kept.ask("lag", capsys=capsys)
    assert code == Exit.DONE
    assert {topic["group"] for topic in lag["topics"]} >= {"indicator", "strategy", "risk", "execution"}


def test_contracts_of_a_lean_platform_need_a_registry(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    code, refusal = kept.ask("contracts", "check", capsys=capsys)
    assert code == Exit.UNREACHABLE
    assert "--registry-url" in refusal["error"]


def test_bar_is_explained(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("explain", "rsi-reversion-btc", "BTCUSD", "2017-07-02T00:00Z")
    code, found = kept.ask(*asked, capsys=capsys)
    assert code == Exit.DONE
    assert found["candle"]["event"]["close_time_us"] == 1_498_953_600_000_000
    assert found["evaluation"]["event"]["strategy_id"] == "rsi-reversion-btc"
    assert len(found["trace_id"]) == 32
    code, found = kept.ask("explain", "rsi-reversion-btc", "BTCUSD", "2099-07-02T00:00Z", capsys=capsys)
    assert (code, found["verdict"][:28]) == (Exit.REFUSED, "not yet: the newest 1h bar of"[:28])


async def _corrupt(url: str) -> None:
    """One evaluation of the account that nobody can read."""
    bus = connect(url)
    await bus.start()
    try:
        await bus.publish([Outgoing(EVALUATIONS, b"main", b"\x00corrupt")])
        place = Place(DEAD_LETTERS["risk"], partition_of(b"main", await bus.partitions(DEAD_LETTERS["risk"])))
        tail = await bus.tail({place: 0})
        async with asyncio.timeout(60):
            while not await tail.poll(max_records=1, timeout_s=0.5):
                pass
        await tail.close()
    finally:
        await bus.close()


async def _evaluated(url: str) -> int:
    bus = connect(url)
    await bus.start()
    try:
        return len([record async for record in read_to_end(bus, "risk.assessment.v1")])
    finally:
        await bus.close()


def test_corrupt_record_parks_its_account_until_it_is_given_up(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_corrupt(kept.bus_url))
    code, listed = kept.ask("dlq", "list", "--service", "risk", capsys=capsys)
    assert code == Exit.REFUSED
    first = listed["letters"][0]
    assert (first["key"], first["stage"], first["topic"], first["parks_key"]) == ("main", "decode", EVALUATIONS, True)
    _, shown = kept.ask("dlq", "show", first["letter"], "--service", "risk", capsys=capsys)
    assert shown["value_hex"] == b"\x00corrupt".hex()
    assert shown["headers"]["dlq.topic"] == EVALUATIONS
    words = ("dlq", "replay", "--service", "risk", "--key", "main")
    code, failed = kept.ask(*words, capsys=capsys)
    assert code == Exit.REFUSED
    assert failed["failed_again"]["stage"] == "decode"
    before = asyncio.run(_evaluated(kept.bus_url))
    _, done = kept.ask(*words, "--discard", failed["failed_again"]["letter"], capsys=capsys)
    assert (done["discarded"], done["failed_again"]) == (1, None)
    assert asyncio.run(_evaluated(kept.bus_url)) > before


def test_service_that_dies_is_started_again(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    state = read_platform(kept.root)
    assert state is not None
    mark = state.services["indicator"].mark
    assert mark is not None
    process = psutil.Process(mark.pid)
    process.kill()
    process.wait()

    said = kept.root / "logs/up.log"
    while "indicator started again" not in said.read_text():
        Event().wait(0.05)  # between two looks; pytest's timeout bounds it
    _, status = kept.ask("status", capsys=capsys)
    (indicator,) = [service for service in status["services"] if service["name"] == "indicator"]
    assert (indicator["restarts"], indicator["pid"] != mark.pid) == (1, True)
    assert "indicator ended by SIGKILL" in said.read_text()


@pytest.mark.parametrize("said", ["kafka: ", "creating topics", "starting the other services"])
def test_interrupted_run_leaves_no_process(said: str, tmp_path: Path) -> None:
    """Ctrl-C, twice, in each phase of a run."""
    root = tmp_path.resolve()
    run = command("run", "--scenario", "three-daily", "--no-registry", "--root", str(root))
    try:
        assert run.stdout is not None
        lines = []
        for line in run.stdout:
            lines.append(line)
            if said.strip(": ") in line:
                break
        assert run.poll() is None, "".join(lines)
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate(timeout=120)
    finally:
        run.kill()
        run.wait()
    assert run.returncode == Exit.INTERRUPTED, "".join(lines) + rest
    assert "Traceback" not in rest
    assert processes_of(root) == []
    assert not (root / "stack.json").exists()
