"""Lines of a record's handling say which record, which trace, and whose it is; files are per module and rotated."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from tradewire.ports.bus import Outgoing
from tradewire.ports.events import StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.observe import logs
from tradewire.runtime.observe.logs import JsonFormatter, configure_logging
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import evaluation
from tradewire.testkit.worker_rig import WorkerRig

EVALUATIONS = BY_EVENT[StrategyEvaluated].name
OF_A_RECORD = {"trace_id", "span_id", "trace_flags", "topic", "partition", "offset", "event_id"}


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What every logger writes meanwhile, as JSON."""
    stream = StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(JsonFormatter("risk", "0", "test"))
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def lines(stream: StringIO, said: str) -> list[dict[str, object]]:
    """Lines with a message."""
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in found if line["message"] == said]


async def test_lines_of_a_record_s_handling_name_record_trace_and_strategy(rig: WorkerRig, written: StringIO) -> None:
    log = logging.getLogger("tradewire.test")

    def look(_: StrategyEvaluated, __: Envelope) -> Iterable[Emit]:
        log.warning("looking")
        return ()

    trace = f"00-{'ab' * 16}-{'cd' * 8}-00"
    record = rig.record(evaluation(0))
    headers = (*(pair for pair in record.headers if pair[0] != "traceparent"), ("traceparent", trace.encode()))
    await rig.put(Outgoing(record.topic, record.key, record.value, headers))
    async with rig.running(Service(name="risk", inputs=(on(StrategyEvaluated, look),))) as worker:
        await rig.until(lambda: worker.progress.handled == 1)
        log.warning("idle")
    (line,) = lines(written, "looking")
    assert line.keys() >= OF_A_RECORD | {"strategy_id", "config_version", "service.name", "service.version", "severity"}
    assert (line["trace_id"], line["topic"], line["strategy_id"]) == ("ab" * 16, EVALUATIONS, "trend")
    (idle,) = lines(written, "idle")
    assert idle.keys() & (OF_A_RECORD | {"strategy_id"}) == set(), "it is handled no more"


async def test_line_of_a_dead_letter_has_key_event_id_and_trace(rig: WorkerRig, written: StringIO) -> None:
    trace = f"00-{'ab' * 16}-{'cd' * 8}-00"
    headers = (("event_id", b"e1"), ("traceparent", trace.encode()))
    await rig.put(Outgoing(EVALUATIONS, b"alpha", b"no event", headers))

    def nothing(_: StrategyEvaluated, __: Envelope) -> Iterable[Emit]:
        return ()

    async with rig.running(Service(name="risk", inputs=(on(StrategyEvaluated, nothing),))):
        await rig.until(lambda: rig.count(DEAD_LETTERS["risk"]) == 1)
    found = [json.loads(line) for line in written.getvalue().splitlines()]
    (line,) = [line for line in found if line.get("event_id") == "e1"]
    assert (line["key"], line["trace_id"], line["topic"]) == ("alpha", "ab" * 16, EVALUATIONS)


def test_each_module_has_a_file_of_its_own_that_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES_MAX", 2_000)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logging(service="risk", version="0", environment="test", level="INFO", folder=tmp_path)
        for number in range(100):
            logging.getLogger("tradewire.risk.store").info("line %d", number)
        logging.getLogger("tradewire.runtime.loop.worker").info("one")
        logging.getLogger("aiokafka.consumer.fetcher").warning("theirs")
        for handler in root.handlers:
            handler.close()
    finally:
        root.handlers = handlers
        root.setLevel(level)
    files = {path.name for path in tmp_path.iterdir()}
    assert files >= {"tradewire.risk.store.log", "tradewire.risk.store.log.1", "tradewire.runtime.loop.log"}
    assert files >= {"aiokafka.consumer.fetcher.log"}
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 2_000
    assert len([name for name in files if name.startswith("tradewire.risk.store")]) == logs.FILES_KEPT + 1
