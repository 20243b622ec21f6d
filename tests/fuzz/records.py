"""Records that nobody means well with: seeded, so that a run can be repeated.

A third holds values at and beyond every edge that the schema allows; a third looks like what the platform says, with a
field or two at an edge, so that it gets as far into a service as it can; the rest is broken bytes, keys and headers.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import fastavro

from tradewire.ports.bus import Outgoing
from tradewire.ports.events import ActiveVersion, ControlLevel, InstrumentChanged, Side, Signal
from tradewire.ports.message import Event
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec import PREFIX
from tradewire.testkit import builders, strategies

Schema = Any
LONGS = (0, 1, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**62, 2**63 - 1, -(2**63), 3_600_000_000, 253_402_300_800_000_001)
INTS = (0, 1, -1, 2**31 - 1, -(2**31))
UNSCALED = (0, 1, -1, 10**8, 10**18, 10**19, 9 * 10**26, 10**38 - 1, -(10**38) + 1, 2**63, 123_456_789)
TEXTS = (
    *("", "\0", "a\0b", "main", "alpha", "sim", "BTCUSDT", "ETHUSDT", "1h", "10m", "7m", "1w", "global", "trend"),
    *(
        "x" * 300,
        "é" * 5_000,
        "🂡",
        "\ud7ff",
        "\u202e",
        "; DROP TABLE accounts",
        "{{7*7}}",
        "nan",
        "-1",
        "\n\r\t",
        "a:b:c",
    ),
)
DOUBLES = (0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"), 1e18, 0.1)
DOCUMENTS = (
    *(
        "",
        "\0",
        "[",
        "a: b: c",
        "id: [",
        "&a [*a]",
        "id: trend\nparams: {n: {default: , low: 1}}",
        "!!python/object:x {}",
    ),
    strategies.document(),
    strategies.document(entry_long="close > mean / 0", exit_long="1e400 < close"),
    strategies.document(indicators="{mean: 'sma(close, 99999999999)'}"),
    strategies.document(sizing="{fixed_qty: .nan}"),
    strategies.document(entry_long="(" * 3_000 + "close > 1" + ")" * 3_000),
    strategies.document(interval="10m", symbols="[BTCUSDT, BTCUSDT]"),
)


class Records:
    """Records for one topic."""

    def __init__(self, topic: str, seed: int) -> None:
        self._spec, self._random = TOPICS[topic], random.Random(f"{topic}|{seed}")
        self._schema = json.loads(self._spec.schema_json)
        self._avro = fastavro.parse_schema(self._schema, named_schemas={})
        self._prefix = PREFIX.pack(0, self._spec.schema_id)
        self._likely = LIKELY.get(topic)
        self._number = 0

    def take(self, count: int) -> Iterator[Outgoing]:
        """So many records."""
        makers = (self._extreme, self._similar, self._broken)
        for self._number in range(count):
            yield self._random.choice(makers)()

    def _extreme(self) -> Outgoing:
        fields = _Values(self._random).value(self._schema)
        if "account_id" in fields and self._random.random() < 0.9:
            fields["account_id"] = self._account()
        return self._record(fields, self._encoded(fields))

    def _similar(self) -> Outgoing:
        """What the platform might say, with up to two fields that it would not."""
        if self._likely is None:
            return self._extreme()
        fields = self._likely(self._random, self._number).to_avro()
        spoilt = self._random.sample(sorted(fields), self._random.choice((0, 0, 1, 1, 2)))
        for name in spoilt:
            fields[name] = _Values(self._random).value(self._schema)[name]
        if spoilt and "account_id" in fields and "account_id" not in spoilt:
            fields["account_id"] = self._account()
        return self._record(fields, self._encoded(fields))

    def _account(self) -> str:
        """Behind a dead letter an account's later records wait: those that are whole should not stand behind others."""
        return f"account-{self._random.randrange(10**9)}"

    def _broken(self) -> Outgoing:
        """Bytes cut, changed or made up; keys and headers of all kinds; tombstones."""
        record = self._extreme() if self._likely is None or self._spec.group == "A" else self._similar()
        value, chance = bytearray(record.value or b""), self._random.random()
        if chance < 0.1:
            return Outgoing(record.topic, record.key, None, record.headers)
        if chance < 0.4 and value:
            for _ in range(self._random.randint(1, 4)):
                value[self._random.randrange(len(value))] ^= self._random.randint(1, 255)
        elif chance < 0.5:
            del value[self._random.randrange(len(value) + 1) :]
        elif chance < 0.6:
            value = bytearray(self._random.randbytes(self._random.randint(0, 64)))
        elif chance < 0.7:
            return Outgoing(record.topic, self._key(), bytes(value), record.headers)
        elif chance < 0.8:
            value[:0] = self._random.randbytes(3)
        return Outgoing(record.topic, record.key, bytes(value), self._headers())

    def _key(self) -> bytes | None:
        """A key that is not the value's. Kafka itself takes no record without one on a topic that it compacts."""
        none = b"" if "compact" in self._spec.cleanup else None
        return self._random.choice(
            (none, b"", b"\xff\xfe", b"main", b"sim:BTCUSDT", b"\0", b"k" * 2_000, b"sim", b"::")
        )

    def _headers(self) -> tuple[tuple[str, bytes], ...]:
        names = ("event_id", "causation_id", "event_time_us", "producer", "traceparent", "dlq.offset", "dlq.skip", "x")
        values = (b"", b"\xff", b"0", b"-1", b"1e9", b"9" * 30, b"4102444800000000", b"00-0-0-0", b"0/0", b"\0")
        return tuple((name, self._random.choice(values)) for name in names if self._random.random() < 0.4)

    def _record(self, fields: dict[str, Any], value: bytes) -> Outgoing:
        key = self._spec.key.format_map(fields).encode(errors="replace")
        time_us = fields.get("event_time_us", fields.get("close_time_us", 0))
        headers = (("event_id", f"fuzz-{self._number}".encode()), ("event_time_us", str(time_us).encode()))
        return Outgoing(self._spec.name, key, value, headers)

    def _encoded(self, fields: dict[str, Any]) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self._avro, fields)
        return self._prefix + out.getvalue()


class _Values:
    """Values of a schema, mostly at its edges."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self._named: dict[str, Schema] = {}

    def value(self, schema: Schema) -> Any:
        if isinstance(schema, list):
            return self.value(self._random.choice(schema))
        if isinstance(schema, str):
            return self.value(self._named[schema]) if schema in self._named else self._plain(schema)
        if "name" in schema:
            self._named[schema["name"]] = schema
        match schema["type"]:
            case "record":
                return {field["name"]: self._field(field) for field in schema["fields"]}
            case "array":
                return [self.value(schema["items"]) for _ in range(self._random.choice((0, 0, 1, 2, 3)))]
            case "map":
                names = self._random.sample(TEXTS, self._random.choice((0, 1, 3)))
                return {name: self.value(schema["values"]) for name in names}
            case "enum":
                return self._random.choice(schema["symbols"])
        if schema.get("logicalType") == "decimal":
            return Decimal(self._random.choice(UNSCALED)).scaleb(-schema["scale"])
        return self._plain(schema["type"])

    def _field(self, field: Schema) -> Any:
        return self._random.choice(DOCUMENTS) if field["name"] == "document" else self.value(field["type"])

    def _plain(self, kind: str) -> Any:
        chosen = {
            "null": (None,),
            "boolean": (True, False),
            "int": INTS,
            "long": LONGS,
            "double": DOUBLES,
            "string": TEXTS,
            "bytes": (b"", b"\0", b"{}", b"[]", b"null", b'{"exchange": 1}', b"\xff" * 40),
        }[kind]
        return self._random.choice(chosen)


@cache
def _active() -> ActiveVersion:
    return strategies.active(strategies.document())


def _account(chance: random.Random) -> str:
    return chance.choice(("alpha", "alpha", "beta", f"account-{chance.randrange(1_000)}"))


def _instrument(chance: random.Random, _: int) -> InstrumentChanged:
    return builders.instrument(chance.choice(("BTCUSDT", "ETHUSDT", "LTCUSDT")))


def _assessed(chance: random.Random, number: int) -> Event:
    intent = builders.intent(f"order-{number}", qty=chance.choice((1, 0, "0.001", 9 * 10**10)))
    orders = (intent,) if chance.random() < 0.5 else ()
    return builders.assessment(
        number // 10, *orders, account_id=_account(chance), step_size=chance.choice((0, 1, 1, 2))
    )


LIKELY: dict[str, Callable[[random.Random, int], Event]] = {
    "market.candle.v1": lambda chance, number: builders.candle(
        number // 3, chance.choice((100, 101, "0.00000001", 10**10)), chance.choice(("BTCUSDT", "ETHUSDT"))
    ),
    "market.instrument.v1": _instrument,
    "indicator.snapshot.v1": lambda chance, number: builders.snapshot(
        number // 3, 100, values={"open": 100.0, "close": 100.0, "sma(close, 3)": chance.choice((1.0, 1e300, 99.0))}
    ),
    "strategy.evaluation.v1": lambda chance, number: builders.evaluation(
        number // 5, chance.choice(tuple(Signal)), account_id=_account(chance)
    ),
    "strategy.config.v1": lambda chance, number: strategies.config(strategies.document(), number % 50 + 1),
    "strategy.config-status.v1": lambda chance, number: strategies.status(
        _active().model_copy(update={"version": number % 50 + 1}), strategy_id="trend"
    ),
    "risk.limits.v1": lambda chance, number: builders.limits(_account(chance), number % 100, max_leverage=Decimal(2)),
    "risk.assessment.v1": _assessed,
    "execution.fill.v1": lambda chance, number: builders.fill(
        number, chance.choice(tuple(Side)), account_id=_account(chance)
    ),
    "execution.account.v1": lambda chance, number: builders.account_state(number // 5, account_id=_account(chance)),
    "ops.control.v1": lambda chance, number: builders.control(
        chance.choice(("global", "account:alpha", "strategy:trend", "service:ingest", "service:risk", "x")),
        chance.choice(tuple(ControlLevel)),
        chance.choice(LONGS),
    ),
}
