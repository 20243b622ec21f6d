"""``python -m tests.cluster.reading ADDRESS DSN``: what a replay left in topics and ledger, audited, as JSON.

It runs in the network of a cluster's node, where Kafka's administrator's listener is at ADDRESS.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from tradewire.testkit.checker import audit, read_ledger, read_topics

WRITES = {
    "ingest": "market.candle.v1",
    "indicator": "indicator.snapshot.v1",
    "strategy": "strategy.evaluation.v1",
    "risk": "risk.assessment.v1",
    "execution": "execution.account.v1",
}
"""A topic that a service writes for each bar."""


async def written_at_ms(address: str, topic: str) -> list[int]:
    """When each record of a topic was written, in order."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=address, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = await consumer.end_offsets(places)
        consumer.unsubscribe()
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        times: list[int] = []
        waiting = {place for place in places if ends[place]}
        while waiting:
            for place, records in (await consumer.getmany(timeout_ms=500, max_records=5_000)).items():
                times += [record.timestamp for record in records]
                if records[-1].offset + 1 >= ends[place]:
                    waiting.discard(place)
    finally:
        await consumer.stop()
    return sorted(times)


async def main(address: str, dsn: str) -> None:
    """Print it."""
    report = audit(await read_topics(address), await read_ledger(dsn))
    document = {
        "records": report.records,
        "resent": report.resent,
        "orders": report.orders,
        "fills": report.fills,
        "lost": report.lost,
        "doubled": report.duplicated,
        "findings": report.findings,
        "written_at_ms": {service: await written_at_ms(address, topic) for service, topic in WRITES.items()},
    }
    print(json.dumps(document))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
