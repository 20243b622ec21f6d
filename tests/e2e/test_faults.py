"""Bad input and broken surroundings: said where it must be, and without a trace in what the run comes to."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from drill import ROOT
from faults import CANDLES, SNAPSHOTS, Fault, Saboteur, dead_letters, until

from tradewire.app.monolith import Scenario, run_monolith, sample_scenarios
from tradewire.app.platform import Platform, RunOptions, begin, platform
from tradewire.app.processes import until_ready
from tradewire.app.stack import FolderError, PortTakenError, Stack, StackBusyError, StackPaths
from tradewire.app.watch import RunResult, RunWatcher
from tradewire.ports.bus import Outgoing, Record
from tradewire.ports.events import (
    CandleClosed,
    ConfigStatus,
    IndicatorsUpdated,
    RefusalReason,
    StrategyConfigPublished,
    StrategyEvaluated,
    TradingMode,
)
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.readers import read_to_end

BARS = 1200
OUTAGE_SECONDS = 60.0
HOURLY = sample_scenarios(ROOT)["btc-hourly"]
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The first weeks of the hourly sample."""
    folder, name = tmp_path_factory.mktemp("data"), HOURLY.files[0]
    lines = (HOURLY.data / name).read_text().splitlines()[: BARS + 1]
    (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "instruments.yaml").write_text((HOURLY.data / "instruments.yaml").read_text())
    return dataclasses.replace(HOURLY, data=folder)


@pytest.fixture(scope="module")
def undisturbed(scenario: Scenario) -> RunResult:
    """What the slice comes to when nothing goes wrong."""
    result = asyncio.run(run_monolith(scenario))
    assert result.fills > 5
    return result


async def replay_with(
    running: Platform, accounts: set[str], at_bar: int, work: Callable[[], Awaitable[None]]
) -> RunResult:
    """Replay; do ``work`` beside it from the moment when a number of bars has happened. Raises if a service died."""
    reached = asyncio.Event()

    def look(result: RunResult) -> None:
        if result.bars >= at_bar:
            reached.set()
        for service in running.services.values():
            service.check()

    async def worked() -> None:
        await reached.wait()
        await work()

    watcher = RunWatcher(running.bus, running.codec, accounts)
    result, _ = await asyncio.gather(watcher.until_over(look), worked())
    return result


async def first_of(running: Platform, topic: str) -> Record:
    """The first record of a topic."""
    records = read_to_end(running.bus, topic)
    try:
        return await anext(records)
    finally:
        await records.aclose()


# ---- bad records ----


async def sabotaged(scenario: Scenario, root: Path) -> tuple[RunResult, dict[str, Fault], dict[str, list[Record]]]:
    """A run into whose topics bad records are published, what was published, and every dead letter."""
    faults: dict[str, Fault] = {}
    options = RunOptions(root=root, registry=False, environment={"TRADEWIRE_BARS_PER_SECOND": "150"})
    async with platform(scenario, options) as running:

        async def sabotage() -> None:
            raw = [await first_of(running, topic) for topic in (CANDLES, SNAPSHOTS)]
            candle, snapshot = (running.codec.decode(r.topic, r.value or b"") for r in raw)
            assert isinstance(candle, CandleClosed)
            assert isinstance(snapshot, IndicatorsUpdated)
            faults.update(Saboteur(running.codec, candle, snapshot).faults())
            await running.bus.publish([fault.record for fault in faults.values()])

        result = await replay_with(running, await begin(running, scenario), 100, sabotage)
        wanted = sum(len(fault.letters) for fault in faults.values())

        async def all_there() -> bool:
            return sum(map(len, (await dead_letters(running.bus)).values())) >= wanted

        await until(all_there)
        return result, faults, await dead_letters(running.bus)


def test_bad_market_records_become_dead_letters_and_change_nothing(
    scenario: Scenario, undisturbed: RunResult, run_root: Path
) -> None:
    result, faults, letters = asyncio.run(sabotaged(scenario, run_root))
    assert {name: fault.found_in(letters) for name, fault in faults.items()} == {
        name: fault.letters for name, fault in faults.items()
    }
    for record in (letter for records in letters.values() for letter in records):
        headers = dict(record.headers)
        assert headers["dlq.topic"].decode() in (CANDLES, SNAPSHOTS)
        assert headers["dlq.error.message"]
        assert headers["producer"] == b"saboteur"
    assert result.fingerprint == undisturbed.fingerprint


# ---- a bad record of an account; what can't be traded; a second run ----


async def parked(running: Platform, scenario: Scenario) -> tuple[list[Record], int]:
    """Spoil one evaluation of a running replay; returns risk's dead letters and the evaluations after it."""
    accounts = await begin(running, scenario)
    evaluations = BY_EVENT[StrategyEvaluated].name
    watcher = RunWatcher(running.bus, running.codec, accounts)
    watching = asyncio.create_task(watcher.until_over())

    async def well_under_way() -> bool:
        return watcher.result.bars >= 50

    async def several_parked() -> bool:
        return len((await dead_letters(running.bus))["risk"]) >= 10

    try:
        await until(well_under_way)
        good = await first_of(running, evaluations)
        assert good.value is not None
        spoiled = Outgoing(good.topic, good.key, good.value[:-5], good.headers, good.partition)
        (ack,) = await running.bus.publish([spoiled])
        await until(several_parked)
        assert not watching.done()
        return (await dead_letters(running.bus))["risk"], ack.offset
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def refusal(running: Platform, document: str, version: int) -> tuple[RefusalReason, ...]:
    """Why the platform refuses a strategy that was published past the CLI's own checks."""
    config = StrategyConfigPublished(
        strategy_id="another",
        version=version,
        document=document,
        mode=TradingMode.PAPER,
        author="saboteur",
        effective_from_us=0,
        published_at_us=0,
    )
    await running.operator.say(config)
    answers = await running.operator.answers({"another": version}, 30)
    assert answers["another"].status is ConfigStatus.REFUSED
    return answers["another"].reasons


def test_bad_record_of_an_account_parks_it_and_the_platform_goes_on_answering(
    scenario: Scenario, run_root: Path
) -> None:
    good = scenario.strategies[1].read_text().replace("id: ema-cross-btc", "id: another")
    refused: dict[str, tuple[RefusalReason, ...]] = {}

    async def run() -> tuple[list[Record], int]:
        options = RunOptions(root=run_root, registry=False, environment={"TRADEWIRE_BARS_PER_SECOND": "150"})
        async with platform(scenario, options) as running:
            with pytest.raises(StackBusyError) as busy:
                async with platform(scenario, options):
                    raise AssertionError("a second run began on the folder of the first")
            assert busy.value.pid == os.getpid()
            found = await parked(running, scenario)
            for version, (name, old, new) in enumerate(
                (
                    ("rule", "crossed_above(fast, slow) and", "crossed_abov(fast, slow) and"),
                    ("symbol", "[BTCUSD]", "[NOSUCH]"),
                    ("interval", "interval: 1h", "interval: 1m"),
                    ("look-ahead", "ema(close, fast_len)", "ema(close[-1], fast_len)"),
                    ("plug-in", "entry_long:  crossed_above(fast, slow) and close > regime", "python: no.such:Rules"),
                ),
                1,
            ):
                assert old in good
                refused[name] = await refusal(running, good.replace(old, new), version)
            return found

    letters, offset = asyncio.run(run())
    lineage = [dict(letter.headers) for letter in letters]
    assert int(lineage[0]["dlq.offset"]) == offset
    assert lineage[0]["dlq.error.stage"] == b"decode"
    assert {headers["dlq.error.stage"] for headers in lineage[1:]} == {b"parked"}
    assert [int(headers["dlq.offset"]) for headers in lineage] == list(range(offset, offset + len(letters)))
    lines = good.splitlines()
    wanted = next(number for number, line in enumerate(lines, 1) if line.startswith("entry_long"))
    assert (refused["rule"][0].line, refused["rule"][0].column) == (wanted, lines[wanted - 1].index("crossed") + 1)
    assert "crossed_above" in (refused["rule"][0].suggestion or refused["rule"][0].message)
    assert "NOSUCH" in refused["symbol"][0].message
    assert "1m" in refused["interval"][0].message
    assert refused["look-ahead"][0].line is not None
    assert refused["plug-in"]


# ---- servers that go away ----


async def through_outages(scenario: Scenario, root: Path) -> RunResult:
    """A run whose broker is away at a service's start and for a minute later on, and its database meanwhile."""
    options = RunOptions(root=root, registry=False)
    async with platform(scenario, options) as running:
        stack, early = running.stack, running.services["indicator"]
        await asyncio.to_thread(stack.kill, "kafka")
        early.start()

        async def waits() -> bool:
            early.check()
            return "bus_unreachable" in early.log_file.read_text()

        await until(waits)
        await asyncio.to_thread(stack.restart, "kafka")
        await until_ready([early])
        await asyncio.to_thread(early.stop)

        async def outages() -> None:
            await asyncio.to_thread(stack.kill, "postgres")
            await asyncio.to_thread(stack.kill, "kafka")
            await asyncio.sleep(OUTAGE_SECONDS)  # the outage itself: what is tried is its length
            await asyncio.to_thread(stack.restart, "kafka")
            await asyncio.to_thread(stack.restart, "postgres")

        return await replay_with(running, await begin(running, scenario), 100, outages)


@pytest.mark.drill
def test_broker_and_database_away_change_nothing(scenario: Scenario, undisturbed: RunResult, run_root: Path) -> None:
    assert asyncio.run(through_outages(scenario, run_root)).fingerprint == undisturbed.fingerprint


# ---- folders and ports ----


def test_folder_that_can_t_be_made_is_told_by_name(tmp_path: Path, scenario: Scenario) -> None:
    taken = tmp_path / "file"
    taken.write_text("in the way")

    async def run() -> None:
        async with platform(scenario, RunOptions(root=taken / "run")):
            raise AssertionError("it began")

    with pytest.raises((FolderError, OSError)) as refused:
        asyncio.run(run())
    assert str(taken) in str(refused.value)


def test_port_that_is_taken_is_told_by_number(run_root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            Stack(StackPaths.under(run_root), kafka=False, registry=False, ports={"postgres": port}).start()


# ---- Ctrl-C ----

PHASES = ("", "creating topics", "starting ingest and strategy", "starting the other services")


def processes_of(root: Path) -> set[int]:
    """Processes whose arguments or environment name a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(root).encode() in text:
                found.add(int(entry.name))
    return found


def interrupted_at(phase: str, root: Path) -> int:
    """Exit code of ``tradewire run`` after Ctrl-C, once it says ``phase``; at once when that is empty."""
    command = [sys.executable, "-m", "tradewire.app.cli", "run", "--no-registry", "--root", str(root)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        if phase:
            seen = next((line for line in process.stderr if phase in line), None)
            assert seen is not None, f"it never said {phase!r}"
        else:
            lock = StackPaths.under(root).lock_file
            while not lock.exists():
                time.sleep(0.05)  # between two looks at whether it has begun
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        return process.wait(60)


def test_ctrl_c_in_any_phase_leaves_no_process_and_the_next_start_is_clean(run_root: Path) -> None:
    for phase in PHASES:
        assert interrupted_at(phase, run_root) == 128 + signal.SIGINT, phase
        assert processes_of(run_root) == set(), phase
