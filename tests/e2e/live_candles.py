"""The ingest service as a process against ``tradewire venue`` as a process, killed at drawn moments."""

from __future__ import annotations

import asyncio
import io
import json
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import httpx

from tradewire.embedded.service_processes import ServiceProcess
from tradewire.runtime.bus import connect
from tradewire.runtime.bus import topics as bus_topics
from tradewire.runtime.bus.readers import read_to_end

PROJECT = Path(__file__).parents[2]
SYMBOLS = ("BTCUSDT", "ETHUSDT", "LTCUSDT")
MINUTE_MS = 60_000
SPEED = 30
BEHIND_H = 2
"""More than the venue's time gains on the machine's: what lies ahead of its own clock the platform does not take."""
FAULTS = """
faults:
  - {kind: silent, at_s: 200, seconds: 150}
  - {kind: halt, symbol: ETHUSDT, at_s: 250, seconds: 190}
  - {kind: filters, symbol: BTCUSDT, at_s: 300, step_size: 0.01}
  - {kind: silent, at_s: 700, seconds: 90}
  - {kind: unavailable, probability: 0.05, call: GET /fapi/v1/klines}
  - {kind: unavailable, probability: 0.05, call: GET /fapi/v1/markPriceKlines}
  - {kind: reply_late, probability: 0.05, seconds: 0.5, call: GET /fapi/v1/klines}
  - {kind: reply_lost, probability: 0.05, call: GET /fapi/v1/klines}
"""
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Told:
    """What is on the topics in the end. ``candles``: decoded records of each symbol in the topic's order."""

    candles: dict[str, list[dict[str, Any]]]
    gaps: list[dict[str, Any]]
    instruments: list[dict[str, Any]]


@asynccontextmanager
async def venue(folder: Path, seed: int) -> AsyncIterator[dict[str, str]]:
    """``tradewire venue`` with its faults; its addresses."""
    faults = folder / "faults.yaml"
    faults.write_text(FAULTS)
    words = (
        "venue",
        "--speed",
        SPEED,
        "--behind",
        BEHIND_H,
        "--seed",
        seed,
        "--history",
        30,
        "--faults",
        faults,
        "--json",
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from tradewire.app.cli import main; sys.exit(main(sys.argv[1:]))",
        *map(str, words),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


def ingest(addresses: dict[str, str], bus_url: str, folder: Path) -> ServiceProcess:
    """The service as ``tradewire up`` starts it."""
    environment = {
        "TRADEWIRE_BUS_URL": bus_url,
        "TRADEWIRE_MARKET_SOURCE": "binance",
        "TRADEWIRE_INSTRUMENTS_FILE": str(PROJECT / "data/sample/instruments.yaml"),
        "TRADEWIRE_BINANCE_SYMBOLS": json.dumps(SYMBOLS),
        "TRADEWIRE_BINANCE_REST_URL": addresses["rest"],
        "TRADEWIRE_BINANCE_WS_URL": addresses["ws"],
        "TRADEWIRE_BINANCE_LATE_SECONDS": "20",
        "TRADEWIRE_BINANCE_SILENT_SECONDS": "2",
    }
    return ServiceProcess("ingest", environment, folder / "logs")


async def drill(bus_url: str, folder: Path, *, kills: int, seed: int) -> tuple[Told, dict[str, dict[int, list[Any]]]]:
    """Kill ingest at drawn moments, let it catch up, and read what it published, and what the venue shows.

    The venue's candles are by symbol and open time, ms.
    """
    dice = random.Random(seed)
    await bus_topics.apply(bus_url, await bus_topics.plan(bus_url))
    async with venue(folder, seed) as addresses, httpx.AsyncClient(base_url=addresses["rest"]) as client:
        service = ingest(addresses, bus_url, folder)
        service.start()
        try:
            await _published(bus_url, service)
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0.0, 6.0))  # the drawn moment of a kill
                service.kill()
                await asyncio.sleep(dice.uniform(0.0, 3.0))
                service.start()
            end_ms = (await client.get("/fapi/v1/time")).json()["serverTime"] // MINUTE_MS * MINUTE_MS
            await _published(bus_url, service, until_ms=end_ms)
            shown = {symbol: await _shown(client, symbol, end_ms) for symbol in SYMBOLS}
        finally:
            service.stop()
    return await _told(bus_url, end_ms), shown


async def _published(bus_url: str, service: ServiceProcess, until_ms: int = 0) -> None:
    """Until each symbol has a candle that closes at a time or later."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            told = await _told(bus_url, 2**62)
            if all(told.candles[s] and told.candles[s][-1]["close_time_us"] >= until_ms * 1000 for s in SYMBOLS):
                return
            service.check()
            await asyncio.sleep(0.5)  # between two looks


async def _told(bus_url: str, end_ms: int) -> Told:
    candles: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in await _records(bus_url, "market.candle.v1"):
        if record["close_time_us"] <= end_ms * 1000:
            candles[record["symbol"]].append(record)
    return Told(candles, await _records(bus_url, "market.gap.v1"), await _records(bus_url, "market.instrument.v1"))


async def _records(bus_url: str, topic: str) -> list[dict[str, Any]]:
    """Records of a topic, decoded with the schema alone."""
    schema = json.loads((PROJECT / "contracts" / f"{topic}.avsc").read_text())
    bus = connect(bus_url)
    await bus.start()
    try:
        values = [record.value async for record in read_to_end(bus, topic) if record.value is not None]
    finally:
        await bus.close()
    found: list[dict[str, Any]] = []
    for value in values:
        read = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)
        assert isinstance(read, dict)
        found.append(read)
    return found


async def _shown(client: httpx.AsyncClient, symbol: str, end_ms: int) -> dict[int, list[Any]]:
    """The venue's own candles of a symbol that closed by a time."""
    query = {"symbol": symbol, "interval": "1m", "startTime": str(end_ms - 1400 * MINUTE_MS), "limit": "1500"}
    answer = await _asked(client, query)
    while answer is None or answer.status_code != httpx.codes.OK:
        answer = await _asked(client, query)  # a fault of the venue: asked again
    return {row[0]: row for row in answer.json() if row[0] + MINUTE_MS <= end_ms}


async def _asked(client: httpx.AsyncClient, query: dict[str, str]) -> httpx.Response | None:
    """The venue's answer; None where its fault was to lose it."""
    try:
        return await client.get("/fapi/v1/klines", params=query)
    except httpx.TransportError:
        return None
