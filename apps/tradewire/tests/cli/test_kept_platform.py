"""A day on duty: a platform on real servers, kept by `up`, spoken to by every command, ended by `down`.

The tests share one platform and go on where the one before left it; `up` and `down` run as processes, as people run
them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tradewire.app.cli import main
from tradewire.app.processes import SERVICES
from tradewire.app.stack import StackPaths, read_state
from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.events import OrderFilled, StrategyEvaluated
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus import connect
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.readers import read_to_end

PROJECT = Path(__file__).parents[4]
ACCOUNT = "main"
BARS_PER_SECOND = 20
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.2
EVALUATIONS = BY_EVENT[StrategyEvaluated].name


def tradewire(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tradewire.app.cli", *words],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80"},
    )


@dataclass
class Kept:
    """A kept platform and what `up` said."""

    root: Path
    up: subprocess.CompletedProcess[str]
    capsys: pytest.CaptureFixture[str] | None = None

    def ask(self, *words: str) -> tuple[int, Any]:
        """Exit code and JSON document of a command."""
        assert self.capsys is not None, "bound to a test"
        self.capsys.readouterr()
        code = main([*words, "--root", str(self.root), "--json"])
        said = self.capsys.readouterr()
        assert said.out, said.err
        return code, json.loads(said.out)

    def until(self, words: tuple[str, ...], holds: Callable[[int, Any], bool]) -> Any:
        """Ask until the answer is as wanted; returns it."""
        deadline_s = time.monotonic() + PATIENCE_SECONDS
        while True:
            code, answer = self.ask(*words)
            if holds(code, answer):
                return answer
            assert time.monotonic() < deadline_s, f"{' '.join(words)} went on to answer {code}: {answer}"
            time.sleep(LOOK_SECONDS)  # between two questions

    def bus_url(self) -> str:
        """The platform's bus."""
        state = read_state(StackPaths.under(self.root))
        assert state is not None
        return f"kafka://{state.endpoints.bootstrap_servers}"

    def first(self, topic: str, also: Callable[[Record], Record | None] = lambda _: None) -> Record:
        """A topic's first record; ``also`` may turn it into one to write."""

        async def work() -> Record:
            bus = connect(self.bus_url(), client_id="test")
            await bus.start()
            try:
                found = await anext(read_to_end(bus, topic))
                if (more := also(found)) is not None:
                    await bus.publish([Outgoing(more.topic, more.key, more.value, more.headers, more.partition)])
                return found
            finally:
                await bus.close()

        return asyncio.run(work())


@pytest.fixture(scope="module")
def platform() -> Iterator[Kept]:
    """A platform on a replay slow enough to last for all tests."""
    with tempfile.TemporaryDirectory(prefix="tradewire-up-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        words = ("--market", "replay", "--bars-per-second", str(BARS_PER_SECOND), "--root", str(root), "--json")
        try:
            yield Kept(root, tradewire("up", "--lean", *words))
        finally:
            tradewire("down", "--root", str(root))


@pytest.fixture
def kept(platform: Kept, capsys: pytest.CaptureFixture[str]) -> Kept:
    """The platform, speaking to this test."""
    return replace(platform, capsys=capsys)


def test_up_answers_when_every_service_is_ready(kept: Kept) -> None:
    assert kept.up.returncode == 0, kept.up.stderr
    told = json.loads(kept.up.stdout)
    assert {service["name"]: service["health"] for service in told["services"]} == dict.fromkeys(SERVICES, "ok")
    assert {server["name"] for server in told["servers"] if server["answers"]} == {"kafka", "postgres"}
    assert told["phase"] == "running"


def test_second_up_in_the_same_folder_is_refused(kept: Kept) -> None:
    second = tradewire("up", "--lean", "--market", "replay", "--root", str(kept.root))
    assert second.returncode == 1
    assert "tradewire down" in second.stderr


def test_sample_strategies_are_in_force_and_new_ones_are_answered(kept: Kept, tmp_path: Path) -> None:
    _, listed = kept.ask("strategy", "list")
    assert {status["status"] for status in listed["strategies"]} == {"ACCEPTED"}
    good = (PROJECT / "strategies/ema-cross-btc.yaml").read_text().replace("id: ema-cross-btc", "id: extra")
    file = tmp_path / "extra.yaml"
    file.write_text(good)
    code, answer = kept.ask("strategy", "publish", str(file))
    assert (code, answer["status"], answer["version"]) == (0, "ACCEPTED", 1)
    file.write_text(good.replace("[BTCUSD]", "[NOSUCH]"))
    code, answer = kept.ask("strategy", "publish", str(file))
    assert (code, answer["status"], answer["version"]) == (1, "REFUSED", 2)
    assert "NOSUCH" in answer["reasons"][0]["message"]
    assert [version["version"] for version in answer["active"]] == [1]
    _, shown = kept.ask("strategy", "show", "extra")
    assert shown["published"]["document"].count("NOSUCH") == 1
    code, answer = kept.ask("strategy", "retire", "extra")
    assert (code, answer["status"]) == (0, "RETIRED")
    code, answer = kept.ask("strategy", "retire", "extra")
    assert (code, answer["exit_code"]) == (1, 1)


def test_fill_is_explained_by_its_order_s_id(kept: Kept) -> None:
    kept.until(("lag",), lambda _code, answer: bool(answer["topics"]))
    fills = BY_EVENT[OrderFilled].name
    deadline_s = time.monotonic() + PATIENCE_SECONDS
    found: Record | None = None
    while found is None and time.monotonic() < deadline_s:
        with suppress(StopAsyncIteration):
            found = kept.first(fills)
    assert found is not None, "nothing was filled"
    order_id = client_order_id(found)
    code, story = kept.ask("explain", order_id)
    assert code == 0
    assert story["orders"][0]["client_order_id"] == order_id
    assert story["orders"][0]["fills"]
    assert story["evaluation"]["event"]["signal"]
    assert story["assessment"]["event"]["decision"] == "APPROVED"
    assert len(story["trace_id"]) == 32


def client_order_id(record: Record) -> str:
    """The order that a fill is of."""
    event = Codec(SchemaIds.static()).decode(record.topic, record.value or b"")
    assert isinstance(event, OrderFilled)
    return event.client_order_id


def test_switch_stays_in_force_until_it_is_lifted(kept: Kept) -> None:
    code, answer = kept.ask("reduce-only", "--account", ACCOUNT, "--reason", "drill")
    assert (code, answer["scope"], answer["level"]) == (0, f"account:{ACCOUNT}", "REDUCE_ONLY")
    _, answer = kept.ask("controls")
    assert answer["in_force"][f"account:{ACCOUNT}"]["reason"] == "drill"
    code, answer = kept.ask("resume", "--account", ACCOUNT)
    assert (code, answer["in_force"]) == (0, {})


def test_limits_are_counted_up_and_kept(kept: Kept) -> None:
    _, first = kept.ask("limits", "set", ACCOUNT, "max_leverage=3")
    _, second = kept.ask("limits", "set", ACCOUNT, "max_order_notional=123456.78")
    assert (first["version"], second["version"]) == (1, 2)
    _, shown = kept.ask("limits", "show", ACCOUNT)
    assert (shown["max_leverage"], shown["max_order_notional"]) == ("3", "123456.78")


def test_topics_are_as_the_map_wants_them(kept: Kept) -> None:
    code, plan = kept.ask("topics", "plan")
    assert (code, plan["create"], plan["drift"], plan["blocked"]) == (0, [], [], False)


def test_platform_without_a_registry_says_which_option_names_one(kept: Kept) -> None:
    code, answer = kept.ask("contracts", "check")
    assert code == 3
    assert "--registry-url" in answer["error"]


def test_parked_account_goes_on_after_its_letter_is_given_up(kept: Kept) -> None:
    kept.first(EVALUATIONS, lambda good: replace(good, value=(good.value or b"")[:-5]))
    waiting = ("dlq", "list", "--service", "risk")
    letters = kept.until(waiting, lambda code, answer: code == 1 and len(answer["letters"]) > 3)["letters"]
    assert (letters[0]["stage"], letters[0]["key"]) == ("decode", ACCOUNT)
    assert {letter["stage"] for letter in letters[1:]} == {"parked"}
    _, bad = kept.ask("dlq", "show", letters[0]["letter"], "--service", "risk")
    _, behind = kept.ask("dlq", "show", letters[1]["letter"], "--service", "risk")
    assert bad["unreadable"]
    assert behind["message"]["account_id"] == ACCOUNT
    code, replayed = kept.ask("dlq", "replay", "--service", "risk", "--key", ACCOUNT, "--discard", letters[0]["letter"])
    assert (code, replayed["discarded"]) == (0, 1)
    assert replayed["replayed"] >= len(letters) - 1
    assert kept.ask(*waiting) == (0, {"letters": []})


def test_killed_service_is_started_again(kept: Kept) -> None:
    _, before = kept.ask("status")
    victim = next(service for service in before["services"] if service["name"] == "risk")
    os.kill(victim["pid"], signal.SIGKILL)

    def back(code: int, answer: Any) -> bool:
        risk = next(service for service in answer["services"] if service["name"] == "risk")
        return code == 0 and risk["restarts"] == 1 and risk["pid"] not in (None, victim["pid"])

    kept.until(("status",), back)


def test_down_leaves_no_process_and_keeps_the_data(kept: Kept) -> None:
    _, before = kept.ask("status")
    pids = [before["owner_pid"], *(part["pid"] for part in (*before["servers"], *before["services"]))]
    down = tradewire("down", "--root", str(kept.root), "--json")
    assert (down.returncode, json.loads(down.stdout)["stopped"]) == (0, True)
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert StackPaths.under(kept.root).root.exists()
    code, answer = kept.ask("status")
    assert code == 3
    assert "tradewire up" in answer["error"]
