"""The services on Redis Streams: topics made by the command, a replay to the same fingerprint as in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import slices

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.monolith import run_monolith
from tradewire.embedded import Stack, StackPaths
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import topics as bus_topics

BARS = 300


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of its own."""
    paths = StackPaths.under(tmp_path / "redis")
    with Stack(paths, kafka=False, postgres=False, registry=False, redis=True) as stack:
        stack.start()
        yield stack.redis_url


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Exit code and JSON document of a command."""
    capsys.readouterr()
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_topics_when_the_bus_is_redis_then_planned_and_created_by_the_command(
    redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = {*TOPICS, *DEAD_LETTERS.values()}
    code, plan = told(capsys, "topics", "plan", "--bus", redis_url)
    assert (code, {topic["name"] for topic in plan["create"]}) == (Exit.DONE, wanted)
    assert told(capsys, "topics", "apply", "--bus", redis_url)[0] == Exit.DONE
    code, plan = told(capsys, "topics", "plan", "--bus", redis_url)
    assert (code, plan["create"], plan["drift"], plan["unmanaged"]) == (Exit.DONE, [], [], [])
    code, plan = told(capsys, "topics", "plan", "--bus", redis_url, "--partitions", "3")
    assert (code, plan["blocked"]) == (Exit.REFUSED, True)
    code, error = told(capsys, "topics", "apply", "--bus", "memory:")
    assert "allowed kafka://HOST:PORT and redis://HOST:PORT/0" in error["error"]


async def test_replay_when_the_bus_is_redis_then_ends_with_the_fingerprint_of_one_in_memory(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "BARS", BARS)
    scenario = slices.first_weeks(tmp_path)
    expected = await run_monolith(scenario)
    await bus_topics.apply(redis_url, await bus_topics.plan(redis_url))
    bus = connect(redis_url)
    await bus.start()
    try:
        found = await run_monolith(scenario, bus=bus)
    finally:
        await bus.close()
    assert (found.fingerprint, found.fills, found.conflicts) == (expected.fingerprint, expected.fills, 0)
    assert found.fills > 0


def test_run_when_the_bus_holds_another_run_then_refused(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", "--monolith", "--scenario", "three-daily", "--bus", redis_url)
    code, document = told(capsys, *words)
    assert (code, len(document["fingerprint"])) == (Exit.DONE, 64)
    code, document = told(capsys, *words)
    assert code == Exit.REFUSED
    assert "holds records of another run; allowed: a bus without any" in document["error"]
