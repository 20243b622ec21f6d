"""The floor: the same hops with nothing but aiokafka and fastavro.

``python -m benchmarks.floor hop …`` reads the topics that a service reads, decodes every record with the same schema,
encodes the records that the service wrote, and sends them: idempotent producer, acks=all, manual commits. There are
no ids, spans, metrics, models, joins or state. ``ping`` and ``pong`` are the two ends of a round trip.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.measure import CpuSlope, say_result
from tradewire.ports.topics import TOPICS

PREFIX_BYTES = 5
RECORDS_PER_POLL = 500
SINK = "bench.sink"
PING, PONG = "bench.ping", "bench.pong"


def schema_of(topic: str) -> Any:
    """The topic's schema as fastavro wants it, decimals included."""
    return fastavro.parse_schema(json.loads(TOPICS[topic].schema_json), named_schemas={})


def decoded(schema: Any, value: bytes) -> Any:
    """A record's value as a dict."""
    stream = io.BytesIO(value)
    stream.seek(PREFIX_BYTES)
    return fastavro.schemaless_reader(stream, schema, None)


def encoded(schema: Any, prefix: bytes, fields: Any) -> bytes:
    """A dict as a record's value."""
    out = io.BytesIO()
    out.write(prefix)
    fastavro.schemaless_writer(out, schema, fields)
    return out.getvalue()


def consumer_of(servers: str, group: str | None) -> AIOKafkaConsumer:
    """As the platform's consumers are set."""
    return AIOKafkaConsumer(
        bootstrap_servers=servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=1_048_576,
    )


def producer_of(servers: str) -> AIOKafkaProducer:
    """As the platform's producers are set."""
    return AIOKafkaProducer(
        bootstrap_servers=servers, enable_idempotence=True, acks="all", linger_ms=0, max_batch_size=262_144
    )


async def read_all(servers: str, topic: str, count: int) -> list[Any]:
    """The first ``count`` records of a topic."""
    consumer = consumer_of(servers, None)
    consumer.subscribe([topic])
    await consumer.start()
    try:
        found: list[Any] = []
        while len(found) < count:
            batches = await consumer.getmany(timeout_ms=500)
            found += [record for records in batches.values() for record in records]
        return found[:count]
    finally:
        await consumer.stop()


async def hop(servers: str, inputs: Sequence[str], output: str, group: str, count: int, outputs: int) -> None:
    """Read ``count`` records of ``inputs`` and write ``outputs`` records like those of ``output``."""
    schemas = {topic: schema_of(topic) for topic in inputs}
    schema_out = schema_of(output)
    written = await read_all(servers, output, outputs)
    values = [decoded(schema_out, record.value) for record in written]
    consumer, producer = consumer_of(servers, group), producer_of(servers)
    consumer.subscribe(list(inputs))
    await producer.start()
    await consumer.start()
    slope, done, sent = CpuSlope(), 0, 0
    try:
        while done < count:
            batches = await consumer.getmany(timeout_ms=500, max_records=RECORDS_PER_POLL)
            for place, records in batches.items():
                schema = schemas[place.topic]
                for record in records:
                    decoded(schema, record.value)
                done += len(records)
            futures = []
            while sent < min(outputs, outputs * done // count):
                like, prefix = written[sent], written[sent].value[:PREFIX_BYTES]
                value = encoded(schema_out, prefix, values[sent])
                futures.append(await producer.send(SINK, value, like.key, headers=list(like.headers)))
                sent += 1
            await asyncio.gather(*futures)
            if batches:
                await consumer.commit()
            slope.note(done)
    finally:
        await consumer.stop()
        await producer.stop()
    say_result({"cpu_us": slope.cpu_us(), "wall_us": slope.wall_us(), "events": done})


async def feed(servers: str, path: str, output: str, outputs: int) -> None:
    """Ingest's floor: rows of a file become records."""
    schema_out = schema_of(output)
    written = await read_all(servers, output, outputs)
    values = [decoded(schema_out, record.value) for record in written]
    producer, slope, sent = producer_of(servers), CpuSlope(), 0
    await producer.start()
    try:
        rows = (await asyncio.to_thread(Path(path).read_text, encoding="utf-8")).splitlines()[1 : outputs + 1]
        while sent < outputs:
            futures = []
            for row in rows[sent : sent + RECORDS_PER_POLL]:
                [float(number) for number in row.split(",")]
                like = written[sent]
                value = encoded(schema_out, like.value[:PREFIX_BYTES], values[sent])
                futures.append(await producer.send(SINK, value, like.key, headers=list(like.headers)))
                sent += 1
            await asyncio.gather(*futures)
            slope.note(sent)
    finally:
        await producer.stop()
    say_result({"cpu_us": slope.cpu_us(), "wall_us": slope.wall_us(), "events": sent})


async def trip(servers: str, role: str, count: int, sample_of: str) -> None:
    """One end of a round trip, one record at a time, each decoded, encoded and committed like a hop's."""
    source, target = (PONG, PING) if role == "ping" else (PING, PONG)
    (like,) = await read_all(servers, sample_of, 1)
    schema = schema_of(sample_of)
    fields = decoded(schema, like.value)
    consumer, producer = consumer_of(servers, f"floor-{role}"), producer_of(servers)
    consumer.subscribe([source])
    await producer.start()
    await consumer.start()
    times_s: list[float] = []

    async def send() -> None:
        value = encoded(schema, like.value[:PREFIX_BYTES], fields)
        await producer.send_and_wait(target, value, like.key, headers=list(like.headers))

    try:
        if role == "ping":
            await send()
        for done in range(count):
            began_s = time.perf_counter()
            records: list[Any] = []
            while not records:
                batches = await consumer.getmany(timeout_ms=500, max_records=RECORDS_PER_POLL)
                records = [record for batch in batches.values() for record in batch]
            for record in records:
                decoded(schema, record.value)
            if role == "pong" or done < count - 1:
                await send()
            if done % RECORDS_PER_POLL == 0:
                await consumer.commit()
            times_s.append(time.perf_counter() - began_s)
    finally:
        await consumer.stop()
        await producer.stop()
    steady = sorted(times_s[len(times_s) // 5 :])
    say_result({"median_ms": steady[len(steady) // 2] * 1e3, "mean_ms": sum(steady) / len(steady) * 1e3})


def main() -> None:
    """Run one floor and print its result as a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["hop", "feed", "ping", "pong"])
    parser.add_argument("--servers", required=True)
    parser.add_argument("--inputs", default="")
    parser.add_argument("--output", default="")
    parser.add_argument("--group", default="")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--outputs", type=int, default=0)
    parser.add_argument("--file", default="")
    given = parser.parse_args()
    match given.what:
        case "hop":
            work = hop(given.servers, given.inputs.split(","), given.output, given.group, given.count, given.outputs)
        case "feed":
            work = feed(given.servers, given.file, given.output, given.count)
        case role:
            work = trip(given.servers, role, given.count, given.output)
    uvloop.run(work)


if __name__ == "__main__":
    main()
