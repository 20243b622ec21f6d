"""Keys go where every Kafka client sends them; members get what Kafka's Range assignor gives."""

from __future__ import annotations

import pytest
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.partitioner import Partitioner, murmur2, partition_of, range_assignment, record_bytes

# From Apache Kafka's UtilsTest.testMurmur2, as unsigned numbers.
KAFKA_OWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", KAFKA_OWN)
def test_murmur2_when_kafkas_own_examples_then_equal(data: bytes) -> None:
    assert murmur2(data) == KAFKA_OWN[data] & 0xFFFFFFFF


@given(st.binary(max_size=64))
def test_murmur2_when_any_bytes_then_equal_to_aiokafkas(data: bytes) -> None:
    assert murmur2(data) == reference(data)


@given(st.binary(max_size=40), st.integers(1, 64))
def test_partition_of_when_any_key_then_equal_to_aiokafkas(key: bytes, partitions: int) -> None:
    everything = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everything, everything)


def test_partition_when_keys_are_absent_then_taken_in_turns() -> None:
    partitioner = Partitioner()
    assert [partitioner.partition(Outgoing("t", None, b""), 3) for _ in range(5)] == [0, 1, 2, 0, 1]


def test_partition_when_record_is_at_the_limit_then_taken_and_above_it_refused() -> None:
    record = Outgoing("t", b"key", b"value")
    assert Partitioner(record_bytes(record)).partition(record, 1) == 0
    with pytest.raises(ContractViolationError, match="above"):
        Partitioner(record_bytes(record) - 1).partition(record, 1)


class _Cluster:
    def __init__(self, partitions: dict[str, int]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self._partitions[topic]))


@given(
    st.dictionaries(st.sampled_from(["t1", "t2", "t3"]), st.integers(1, 13), min_size=1).flatmap(
        lambda partitions: st.tuples(
            st.just(partitions),
            st.dictionaries(
                st.text("abcd", min_size=1, max_size=3),
                st.sets(st.sampled_from(sorted(partitions)), min_size=1),
                min_size=1,
                max_size=5,
            ),
        )
    )
)
def test_range_assignment_when_any_group_then_equal_to_aiokafkas(
    case: tuple[dict[str, int], dict[str, set[str]]],
) -> None:
    partitions, subscriptions = case
    wanted = {topic for topics in subscriptions.values() for topic in topics}
    ours = range_assignment(subscriptions, {topic: partitions[topic] for topic in wanted})
    metadata = {
        member: ConsumerProtocolMemberMetadata(0, sorted(topics), b"") for member, topics in subscriptions.items()
    }
    theirs = RangePartitionAssignor.assign(_Cluster(partitions), metadata)
    assert {member: sorted(tuple(place) for place in places) for member, places in ours.items()} == {
        member: sorted((topic, part) for topic, parts in assigned.assignment for part in parts)
        for member, assigned in theirs.items()
    }
