"""Nothing secret leaves a process: canaries planted wherever a text may come from, looked for at every door."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tradewire.ports.bus import Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, FatalError
from tradewire.ports.events import AuditRecorded, CandleClosed
from tradewire.ports.message import Emit, Envelope, WaitReason
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.environment import load
from tradewire.runtime.observe import secrets
from tradewire.runtime.observe.health import Booting, Health
from tradewire.runtime.observe.logs import configure_logging
from tradewire.runtime.observe.secrets import scrub
from tradewire.runtime.service import Service, on
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit.builders import candle
from tradewire.testkit.manual_clock import ManualClock
from tradewire.testkit.worker_rig import WorkerRig

CANARY = "cAnArY-7f3/+="
TEXTS = [
    f"connecting to postgresql://trader:{CANARY}@db:5432/risk failed",
    f"postgresql://{CANARY}@db/risk",
    f"redis://:{CANARY}@cache:6379/0",
    f"host=db user=trader password={CANARY} dbname=risk",
    f"headers: {{'Authorization': 'Bearer {CANARY}', 'x': 1}}",
    f'{{"api_key": "{CANARY}", "symbol": "BTCUSDT"}}',
    f"GET /order?symbol=BTCUSDT&signature={CANARY}",
    f"apiSecret: {CANARY}",
    f"sasl: token={CANARY}",
    f"bearer {CANARY}",
]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """No secret of another test."""
    before = set(secrets._own)
    yield
    secrets._own.clear()
    secrets._own.update(before)


@pytest.mark.parametrize("text", TEXTS)
def test_secret_is_known_by_its_shape(text: str) -> None:
    assert CANARY not in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "qty 0.0004 BTC is below step 0.001 BTC",
        "Kafka: connecting to 127.0.0.1:9092: ConnectionError()",
        "stage=decode topic=market.candle.v1",
        "http://127.0.0.1:8081/apis/ccompat/v7 lacks our schema",
    ],
)
def test_text_without_a_secret_is_left_as_it_is(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize("part", ["y", "://", "password", "password=", "bearer ", "a-b.c"])
def test_long_text_is_scrubbed_in_one_walk(part: str) -> None:
    """A walk that begins anew at each character would take hours, which pytest's timeout would end."""
    assert len(scrub(part * (1_000_000 // len(part)))) > 0


def test_password_of_a_setting_is_known_by_itself_in_either_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIRE_REGISTRY_URL", "http://user:p%40ss%2Fword@registry")
    load(RuntimeSettings)
    assert scrub("refused p%40ss%2Fword, that is p@ss/word") == "refused ***, that is ***"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    """Folder of a process's log files."""
    root = logging.getLogger()
    before, level = root.handlers, root.level
    configure_logging(service="risk", version="1", environment="test", level="DEBUG", folder=tmp_path)
    yield tmp_path
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = before, level


def written(folder: Path) -> str:
    """All that was logged."""
    return "".join(path.read_text() for path in folder.iterdir())


def test_no_log_line_shows_a_secret_wherever_it_was(lines: Path) -> None:
    log = logging.getLogger("tradewire.risk.domain.desk")
    for text in TEXTS:
        log.info(text)
        log.info("said %s", text)
        log.info("nested", extra={"what": {"inner": [text, {"deep": text}]}})
        try:
            try:
                raise ValueError(text)
            except ValueError as error:
                raise RuntimeError(f"outer: {text}") from error
        except RuntimeError:
            log.exception("failed")
        logging.getLogger("aiokafka.conn").error("vendor: %s", text)
    log.info("unlisted", extra={"dsn": CANARY, "found": {"x": CANARY}, "account": [CANARY]})
    log.info("named", extra={"what": {"headers": {"authorization": CANARY, "X-Api-Key": CANARY}}})
    text = written(lines)
    assert text.count("\n") == 5 * len(TEXTS) + 2
    assert CANARY not in text
    assert all(json.loads(line) for line in text.splitlines())


async def test_no_letter_event_or_span_shows_a_secret_of_an_error(lines: Path) -> None:
    def broken(event: CandleClosed, _: Envelope) -> Iterable[Emit]:
        raise ContractViolationError(TEXTS[0])

    rig = WorkerRig()
    service = Service(name="indicator", inputs=(on(CandleClosed, broken),), outputs=(AuditRecorded,))
    await rig.say(candle(0))
    async with rig.running(service):
        await rig.until(lambda: rig.count(DEAD_LETTERS["indicator"]) == 1)
    records: list[Record] = [
        *await rig.read(DEAD_LETTERS["indicator"]),
        *await rig.read(BY_EVENT[AuditRecorded].name),
    ]
    assert any(b"dead_letter" in (record.value or b"") for record in records)
    assert CANARY.encode() not in b"".join(
        (record.value or b"") + b"".join(value for _, value in record.headers) for record in records
    )
    assert CANARY not in written(lines)


def test_health_shows_no_secret_of_an_error() -> None:
    clock: ClockPort = ManualClock()
    booting = Booting(Service(name="risk"))
    health = Health([booting], clock)
    health.note_waiting("the bus")(TEXTS[0])
    assert booting.waits() == [WaitReason("starting", f"the bus: {TEXTS[0]}")]
    assert CANARY not in json.dumps(health.report())
    assert "db:5432" in json.dumps(health.report())


async def test_line_of_a_dead_letter_has_its_key_id_and_trace(lines: Path) -> None:
    def broken(event: CandleClosed, _: Envelope) -> Iterable[Emit]:
        logging.getLogger("tradewire.indicator").info("looking at it")
        raise ContractViolationError("no such bar")

    rig, trace = WorkerRig(), f"00-{'a' * 32}-{'b' * 16}-01"
    record = rig.record(candle(0))
    headers = (*(pair for pair in record.headers if pair[0] != "traceparent"), ("traceparent", trace.encode()))
    await rig.put(type(record)(record.topic, record.key, record.value, headers))
    async with rig.running(Service(name="indicator", inputs=(on(CandleClosed, broken),))):
        await rig.until(lambda: rig.count(DEAD_LETTERS["indicator"]) == 1)
    found = [json.loads(line) for line in written(lines).splitlines()]
    event_id = dict(record.headers)["event_id"].decode()
    (letter,) = [line for line in found if line["event"] == "dead_letter"]
    (looked,) = [line for line in found if line["message"] == "looking at it"]
    for line in (letter, looked):
        assert (line["trace_id"], line["event_id"]) == ("a" * 32, event_id)
        assert (line["topic"], line["offset"]) == (record.topic, 0)
    assert letter["key"] == (record.key or b"").decode()
    assert (letter["stage"], letter["reason"]) == ("validate", "ContractViolationError")


def test_error_that_ends_a_process_shows_no_secret(lines: Path) -> None:
    try:
        raise FatalError(TEXTS[3])
    except FatalError as error:
        logging.getLogger("tradewire.runtime.process").critical("%s", error, exc_info=error)
    assert CANARY not in written(lines)
