"""A record of a schema that nobody knows blinds no command: whoever reads a topic passes it over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tradewire.app.inspecting.archive import Archive
from tradewire.app.operating.dead_letters import letters
from tradewire.app.operating.monolith import memory_topics
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.watch import RunWatcher
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import InstanceReported, StrategyConfigPublished
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.instance_status import seen_instances
from tradewire.testkit.builders import candle, instance_report
from tradewire.testkit.manual_clock import ManualClock

UNKNOWN = b"\x00\x00\x00\xff\xffabc"


@pytest.fixture
def registry_url() -> Iterator[str]:
    """A registry that knows no schema by its id."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"error_code": 40403, "message": "Schema not found"}')

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["knows it not", "is away"])
def codec(request: pytest.FixtureRequest, registry_url: str) -> Codec:
    """Of a platform with a registry."""
    url = registry_url if request.param == "knows it not" else "http://127.0.0.1:1"
    return Codec(SchemaIds({name: spec.schema_id for name, spec in TOPICS.items()}, registry_url=url))


@pytest.fixture
async def bus() -> MemoryBus:
    """With an unknown record first on every topic."""
    bus = MemoryBus(memory_topics())
    await bus.publish([Outgoing(name, b"stranger", UNKNOWN) for name in TOPICS])
    return bus


async def test_instances_are_found_beside_it(bus: MemoryBus, codec: Codec) -> None:
    clock = ManualClock(1_700_000_000_000_000)
    report = instance_report(clock.now_us())
    await bus.publish([Outgoing(BY_EVENT[InstanceReported].name, b"risk-0", codec.encode(report))])
    assert [one.instance_id for one in await seen_instances(bus, codec, clock)] == ["risk-0"]


@pytest.mark.parametrize("codec", ["knows it not"], indirect=True)
async def test_explanations_and_operators_see_what_is_beside_it(bus: MemoryBus, codec: Codec) -> None:
    event = candle(0)
    await bus.publish([Outgoing(BY_EVENT[type(event)].name, b"sim:BTCUSDT", codec.encode(event))])
    assert await Archive(bus, codec).newest(StrategyConfigPublished) == {}
    assert event in (await Archive(bus, codec).newest(type(event))).values()
    assert await Operator(bus, codec, ManualClock(0)).latest(StrategyConfigPublished) == {}


@pytest.mark.parametrize("codec", ["knows it not"], indirect=True)
async def test_watch_of_a_run_goes_past_it(bus: MemoryBus, codec: Codec) -> None:
    result = await RunWatcher(bus, codec, accounts=set()).until_over()
    assert (result.fills, result.conflicts) == (0, 0)


@pytest.mark.parametrize("codec", ["knows it not"], indirect=True)
async def test_letter_of_it_is_shown_with_the_reason(bus: MemoryBus, codec: Codec) -> None:
    await bus.publish(
        [Outgoing("dlq.risk.v1", b"main", UNKNOWN, (("dlq.topic", b"strategy.evaluation.v1"), ("dlq.partition", b"0")))]
    )
    for letter in await letters(bus, ("risk",)):
        assert "unknown to http://127.0.0.1" in str(await letter.decoded(codec))


@pytest.fixture
def known() -> Codec:
    return Codec(SchemaIds.static())


@pytest.mark.parametrize("fault", ["under another's key", "out of bounds"])
async def test_message_that_services_refuse_is_shown_by_no_reader(known: Codec, fault: str) -> None:
    now_us = 1_700_000_000_000_000
    bus, good = MemoryBus(memory_topics()), (candle(0), instance_report(now_us))
    bad: list[Event] = list(good)
    if fault == "out of bounds":
        bad = [
            candle(0).model_copy(update={"interval": "7x"}),
            instance_report(now_us).model_copy(update={"version": "1" * 5_000}),
        ]
    for event in bad:
        spec = BY_EVENT[type(event)]
        key = b"another" if fault == "under another's key" else spec.key_of(event).encode()
        await bus.publish([Outgoing(spec.name, key, known.encode(event))])
    assert await Archive(bus, known).newest(type(good[0])) == {}
    assert await seen_instances(bus, known, ManualClock(now_us)) == []
