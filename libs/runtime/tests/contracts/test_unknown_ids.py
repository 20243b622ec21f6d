"""Made-up schema ids ask the registry little, whatever their number, and a schema that is new is still found."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import SchemaIds
from tradewire.runtime.codec.unknown_ids import UNKNOWN_MAX, UNKNOWN_SECONDS
from tradewire.testkit.manual_clock import ManualClock

NEW_ID = 777


class Registry(ThreadingHTTPServer):
    """Knows one schema when told so, and what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.knows = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = self.server.knows and self.path.endswith(f"/{NEW_ID}")
        schema = {"schema": TOPICS["market.candle.v1"].schema_json}
        body = json.dumps(schema if found else {"error_code": 40403, "message": "Schema not found"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = Registry()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ids(registry: Registry, clock: ManualClock) -> SchemaIds:
    own = {name: spec.schema_id for name, spec in TOPICS.items()}
    return SchemaIds(own, registry_url=registry.url, clock=clock)


async def refused(ids: SchemaIds, schema_id: int) -> str:
    """Why an id is refused."""
    with pytest.raises(ContractViolationError, match=f"schema id {schema_id} is unknown to http") as caught:
        await ids.fetch(schema_id)
    return str(caught.value)


async def test_fetch_when_an_id_is_unknown_then_asked_once_a_minute(
    registry: Registry, ids: SchemaIds, clock: ManualClock
) -> None:
    for _ in range(100):
        await refused(ids, NEW_ID)
    assert len(registry.asked) == 1
    registry.knows = True
    assert "less than 60 s ago" in await refused(ids, NEW_ID)
    clock.advance(seconds=UNKNOWN_SECONDS)
    await ids.fetch(NEW_ID)
    assert ids.writer(NEW_ID) is not None
    assert len(registry.asked) == 2


async def test_fetch_when_every_record_names_another_id_then_asked_for_a_few_and_in_a_minute_for_others_again(
    registry: Registry, ids: SchemaIds, clock: ManualClock
) -> None:
    texts = [await refused(ids, 10_000 + number) for number in range(1_000)]
    assert len(registry.asked) == UNKNOWN_MAX
    assert ["replay it later" in text for text in texts] == [False] * UNKNOWN_MAX + [True] * (1_000 - UNKNOWN_MAX)
    registry.knows = True
    assert "replay it later" in await refused(ids, NEW_ID)
    clock.advance(seconds=UNKNOWN_SECONDS)
    await ids.fetch(NEW_ID)
    assert ids.writer(NEW_ID) is not None
