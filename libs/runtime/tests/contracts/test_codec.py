"""The codec: Confluent's wire format, and what it says about bytes and values that don't fit."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import fastavro
import pytest

from tradewire.ports import events
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, IndicatorsUpdated
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import Codec, SchemaIds, UnknownSchemaIdError

CANDLES = "market.candle.v1"


def candle(**changes: object) -> CandleClosed:
    values = {
        "venue": "binance",
        "symbol": "BTCUSDT",
        "interval": "1h",
        "open_time_us": 1_700_000_000_000_000,
        "close_time_us": 1_700_003_600_000_000,
        "open": Decimal("60000.1"),
        "high": Decimal("60100"),
        "low": Decimal("59900"),
        "close": Decimal("60050.5"),
        "volume": Decimal("12.345"),
    }
    return CandleClosed.model_validate(values | changes)


@pytest.fixture
def codec() -> Codec:
    return Codec(SchemaIds.static())


def written(schema: dict[str, object], values: dict[str, object], schema_id: int) -> bytes:
    """A value as any other writer makes it."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), values)
    return b"\x00" + schema_id.to_bytes(4, "big") + out.getvalue()


def test_encode_begins_with_magic_byte_and_big_endian_schema_id(codec: Codec) -> None:
    value = codec.encode(candle())

    assert value[:5] == b"\x00" + TOPICS[CANDLES].schema_id.to_bytes(4, "big")


def test_encode_writes_what_a_plain_avro_reader_reads(codec: Codec) -> None:
    value = codec.encode(candle())

    schema = fastavro.parse_schema(json.loads(TOPICS[CANDLES].schema_json))
    fields = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)

    assert fields == candle().model_dump()


def test_encode_accepts_zeros_beyond_the_scale(codec: Codec) -> None:
    value = codec.encode(candle(close=Decimal("60050.5000000000")))

    assert codec.decode(CANDLES, value) == candle()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("close", Decimal("0.000000001")),
        ("close", Decimal("1e31")),
        ("volume", Decimal("123456789012345678901234567890.123456789")),
        ("open_time_us", 2**63),
    ],
)
def test_encode_of_what_the_schema_cannot_hold_refuses(codec: Codec, field: str, value: object) -> None:
    with pytest.raises(ContractViolationError, match=r"market\.candle\.v1 can't hold") as caught:
        codec.encode(candle(**{field: value}))

    assert caught.value.stage == "publish"


def test_encode_keeps_the_largest_and_the_smallest_decimal(codec: Codec) -> None:
    largest = Decimal("9" * 30 + "." + "9" * 8)
    extremes = candle(close=largest, low=largest.copy_negate(), open=Decimal("1e-8"))

    assert codec.decode(CANDLES, codec.encode(extremes)) == extremes


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "value has 0 bytes; allowed: 5 and more"),
        (b"\x00\x00\x00", "value has 3 bytes"),
        (b"\x01\x00\x00\x00\x06abc", "magic byte 0x01; allowed: 0x00"),
        (b'{"open": 1}', "magic byte 0x7b"),
        (b"\x00\x00\x00\x27\x0fabc", "schema id 9999 is unknown"),
    ],
)
def test_decode_of_foreign_bytes_says_what_was_found_and_allowed(codec: Codec, value: bytes, said: str) -> None:
    with pytest.raises(ContractViolationError) as caught:
        codec.decode(CANDLES, value)

    assert said in str(caught.value)
    assert caught.value.stage == "decode"


def test_decode_of_a_cut_event_refuses(codec: Codec) -> None:
    with pytest.raises(ContractViolationError, match="bytes are no CandleClosed: EOFError"):
        codec.decode(CANDLES, codec.encode(candle())[:-1])


def test_static_ids_know_the_schemas_that_newer_releases_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    older = json.loads(TOPICS[CANDLES].schema_json)
    older["fields"] = [field for field in older["fields"] if "default" not in field]
    monkeypatch.setattr("tradewire.runtime.codec.schema_ids.OLDER_SCHEMAS", {500: json.dumps(older)})

    codec = Codec(SchemaIds.static())

    assert codec.decode(CANDLES, written(older, candle().to_avro(), 500)) == candle()


def test_decode_with_bytes_after_the_event_refuses(codec: Codec) -> None:
    with pytest.raises(ContractViolationError, match="2 bytes after the event; allowed: 0"):
        codec.decode(CANDLES, codec.encode(candle()) + b"\x00\x00")


def test_decode_of_another_topics_event_refuses(codec: Codec) -> None:
    quote = events.TopOfBook(
        venue="binance",
        symbol="BTCUSDT",
        event_time_us=1,
        update_id=2,
        bid=Decimal(1),
        bid_qty=Decimal(1),
        ask=Decimal(2),
        ask_qty=Decimal(1),
    )
    with pytest.raises(ContractViolationError, match=r"is a tradewire\.events\.TopOfBook; allowed: .*CandleClosed"):
        codec.decode(CANDLES, codec.encode(quote))


def test_decode_of_an_unknown_topic_refuses(codec: Codec) -> None:
    with pytest.raises(ContractViolationError, match=r"topic 'market\.moon\.v1' is not in the topic map"):
        codec.decode("market.moon.v1", codec.encode(candle()))


def test_decode_of_a_nan_names_the_field(codec: Codec) -> None:
    spec = TOPICS["indicator.snapshot.v1"]
    snapshot = IndicatorsUpdated(
        venue="binance",
        symbol="BTCUSDT",
        interval="1h",
        open_time_us=1,
        event_time_us=2,
        close=Decimal(1),
        values={"rsi(close, 14)": 51.0},
        previous={},
        input_partition=0,
        input_offset=0,
    )
    fields = snapshot.to_avro() | {"values": {"rsi(close, 14)": float("nan")}}
    value = written(json.loads(spec.schema_json), fields, spec.schema_id)

    with pytest.raises(ContractViolationError, match=r"field values.rsi\(close, 14\): found nan"):
        codec.decode("indicator.snapshot.v1", value)


def test_decode_resolves_a_newer_writers_schema(codec: Codec) -> None:
    newer = json.loads(TOPICS[CANDLES].schema_json)
    newer["fields"].append({"name": "trades", "type": "long"})
    codec.ids.learn(77, json.dumps(newer))

    value = written(newer, candle().to_avro() | {"trades": 12}, 77)

    assert codec.decode(CANDLES, value) == candle()


def test_decode_resolves_an_older_writers_schema_with_defaults(codec: Codec) -> None:
    older = json.loads(TOPICS[CANDLES].schema_json)
    older["fields"] = [field for field in older["fields"] if "default" not in field]
    codec.ids.learn(78, json.dumps(older))

    assert codec.decode(CANDLES, written(older, candle().to_avro(), 78)) == candle()


def test_decode_of_a_new_level_gives_the_strictest(codec: Codec) -> None:
    topic = "ops.control.v1"
    newer = json.loads(TOPICS[topic].schema_json)
    (level,) = [field["type"] for field in newer["fields"] if field["name"] == "level"]
    level["symbols"].append("HALF")
    codec.ids.learn(79, json.dumps(newer))
    fields = {"scope": "global", "level": "HALF", "reason": "r", "author": "a", "issued_at_us": 1}

    event = codec.decode(topic, written(newer, fields, 79))

    assert isinstance(event, events.ControlChanged)
    assert event.level is events.ControlLevel.FLATTEN


def test_decode_of_an_unresolvable_writers_schema_refuses(codec: Codec) -> None:
    renamed = json.loads(TOPICS[CANDLES].schema_json)
    renamed["fields"][0]["name"] = "exchange"
    codec.ids.learn(80, json.dumps(renamed))
    fields = {("exchange" if name == "venue" else name): value for name, value in candle().to_avro().items()}

    with pytest.raises(ContractViolationError, match="are no CandleClosed"):
        codec.decode(CANDLES, written(renamed, fields, 80))


def test_decode_with_a_registry_asks_to_fetch_an_unknown_id() -> None:
    own = {name: spec.schema_id for name, spec in TOPICS.items()}
    codec = Codec(SchemaIds(own, registry_url="http://127.0.0.1:1"))

    with pytest.raises(UnknownSchemaIdError) as caught:
        codec.decode(CANDLES, b"\x00\x00\x00\x27\x0fabc")

    assert caught.value.schema_id == 9999


async def test_fetch_without_a_registry_refuses_what_is_unknown(codec: Codec) -> None:
    await codec.ids.fetch(TOPICS[CANDLES].schema_id)

    with pytest.raises(ContractViolationError, match=r"schema id 9999 is unknown to contracts/ids\.json"):
        await codec.ids.fetch(9999)
