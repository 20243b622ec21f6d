"""Bad input: said where it must be, and without a trace in what the run comes to."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.e2e.faults import CANDLES, SNAPSHOTS, Fault, Saboteur, dead_letters, until
from tests.e2e.slices import replay_with

from tradewire.app.operating.monolith import Scenario
from tradewire.app.operating.platform import Platform, RunOptions, begin, platform
from tradewire.app.operating.watch import RunResult, RunWatcher
from tradewire.embedded import StackBusyError
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
from tradewire.runtime.bus.readers import read_to_end

pytestmark = pytest.mark.timeout(1800)


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
        return watcher.result.bars >= 20

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
        options = RunOptions(root=run_root, registry=False, environment={"TRADEWIRE_BARS_PER_SECOND": "15"})
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
