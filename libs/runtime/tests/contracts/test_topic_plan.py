"""Plans of topics: what would be created, what differs, what is never changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.kafka_topics import FoundTopic, WantedTopic, apply, compare, plan, wanted_topics

CANDLES = WantedTopic("market.candle.v1", 12, 1, {"cleanup.policy": "delete", "retention.ms": "1000"})
FOUND = FoundTopic("market.candle.v1", 12, 1, {"cleanup.policy": "delete", "retention.ms": "1000"})


def test_wanted_topics_are_the_topic_map_and_a_dead_letter_topic_per_service() -> None:
    wanted = {topic.name: topic for topic in wanted_topics()}

    assert set(wanted) == {*TOPICS, *DEAD_LETTERS.values()}
    assert {name: topic.partitions for name, topic in wanted.items() if name in TOPICS} == {
        name: spec.partitions for name, spec in TOPICS.items()
    }
    assert wanted["strategy.config.v1"].configs == {
        "cleanup.policy": "compact",
        "delete.retention.ms": "604800000",
        "min.insync.replicas": "2",
    }
    assert wanted["dlq.risk.v1"].configs["retention.ms"] == "2592000000"


def test_wanted_topics_with_overrides_keep_groups_co_partitioned_and_broadcast_single() -> None:
    wanted = {topic.name: topic for topic in wanted_topics(partitions={"S": 2, "A": 3}, replication=1)}

    counts = {name: wanted[name].partitions for name in TOPICS}
    assert {TOPICS[name].group: count for name, count in counts.items()} == {"S": 2, "A": 3, "B": 1}
    assert {name for name in TOPICS if counts[name] != {"S": 2, "A": 3, "B": 1}[TOPICS[name].group]} == set()
    assert wanted["dlq.risk.v1"].partitions == 3
    assert {(t.replication, t.configs["min.insync.replicas"]) for t in wanted.values()} == {(1, "1")}


def test_compare_with_an_empty_cluster_creates_all() -> None:
    found = compare([CANDLES], [])

    assert found.create == (CANDLES,)
    assert str(found) == "create    market.candle.v1: 12 partitions, 1 replicas"


def test_compare_with_the_wanted_cluster_is_empty() -> None:
    found = compare([CANDLES], [FOUND])

    assert found.empty
    assert not found.blocked
    assert str(found) == "all topics are as contracts/topics.yaml wants them"


def test_compare_of_a_setting_reports_drift_and_keeps_settings_of_others() -> None:
    have = replace(FOUND, configs={"retention.ms": "5", "cleanup.policy": "delete", "max.message.bytes": "9"})

    found = compare([CANDLES], [have])

    assert [str(drift) for drift in found.drift] == ["set       market.candle.v1: retention.ms 5 → 1000"]
    assert found.configs_after == {
        "market.candle.v1": {"max.message.bytes": "9", "cleanup.policy": "delete", "retention.ms": "1000"}
    }


def test_compare_of_a_setting_that_the_map_leaves_open_resets_it() -> None:
    have = replace(FOUND, configs={**FOUND.configs, "min.compaction.lag.ms": "7"})

    found = compare([CANDLES], [have])

    assert "min.compaction.lag.ms 7 → the broker's default" in str(found)
    assert found.configs_after["market.candle.v1"] == CANDLES.configs


def test_compare_takes_a_list_setting_as_a_set() -> None:
    want = replace(CANDLES, configs={"cleanup.policy": "compact,delete"})

    assert compare([want], [replace(FOUND, configs={"cleanup.policy": "delete,compact"})]).empty


async def test_apply_of_a_partition_mismatch_refuses_before_anything_is_done() -> None:
    blocked = compare([CANDLES, replace(CANDLES, name="new.v1")], [replace(FOUND, partitions=6)])

    assert blocked.blocked
    with pytest.raises(FatalError, match="6 partitions, wanted 12; counts never change"):
        await apply("127.0.0.1:1", blocked)


def test_compare_names_replicas_and_unmanaged_topics_but_not_internal_ones() -> None:
    others = [replace(FOUND, name=name) for name in ("__consumer_offsets", "stray")]

    found = compare([CANDLES], [replace(FOUND, replication=3), *others])

    assert str(found) == (
        "note      market.candle.v1: 3 replicas, wanted 1; reassign with Kafka's own tools\nunmanaged stray"
    )


async def test_plan_without_a_broker_is_retryable() -> None:
    with pytest.raises(RetryableError, match=r"Kafka at 127\.0\.0\.1:1"):
        await plan("127.0.0.1:1")
