"""What all aiokafka clients here share: settings, errors, and an end that comes in bounded time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnrecognizedBrokerVersion,
    UnsupportedVersionError,
)

from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError, TradewireError
from tradewire.runtime.bus.kafka_address import KafkaSecurity
from tradewire.runtime.bus.partitioner import RECORD_BYTES_MAX

log = logging.getLogger(__name__)

REQUEST_BYTES_MAX = 1_048_576

REFUSED = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnrecognizedBrokerVersion,
    UnsupportedVersionError,
)


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Bounds of the Kafka adapter; seconds unless the name says otherwise.

    ``session_s``: a member that sends no heartbeat for so long loses its partitions. Heartbeats run on the
    event loop: what computes for longer than this in one go must leave the loop (``asyncio.to_thread``).
    ``fetch_bytes_min``: the broker answers a reader when it has so much or after ``fetch_wait_ms``.
    ``rebalance_s``: how long the group waits for a member that is still in its ``on_revoked``. ``poll_s``: a
    member that is not polled for so long leaves the group. ``stall_s``: see ``KafkaBus.stalled``.
    """

    connect_s: float = 10.0
    send_s: float = 10.0
    request_s: float = 10.0
    close_s: float = 5.0
    session_s: float = 45.0
    heartbeat_s: float = 3.0
    rebalance_s: float = 30.0
    poll_s: float = 300.0
    stall_s: float = 60.0
    probe_s: float = 5.0
    topic_wait_s: float = 2.0
    linger_ms: int = 0
    batch_bytes_max: int = 262_144
    record_bytes_max: int = RECORD_BYTES_MAX
    fetch_wait_ms: int = 100
    fetch_bytes_min: int = 1
    replication: int = 1
    security: KafkaSecurity = field(default_factory=KafkaSecurity)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise the project's errors instead of aiokafka's and of timeouts."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise translation(error, doing) from error


def translation(error: BaseException, doing: str) -> TradewireError:
    """The project's error for one of aiokafka's."""
    detail = f"Kafka: {doing}: {error!r}"
    if isinstance(error, REFUSED):
        return FatalError(detail)
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError | InvalidTopicError):
        return ContractViolationError(detail, stage="publish")
    return RetryableError(detail)


def build_consumer(
    bootstrap_servers: str, client_id: str, settings: KafkaSettings, *, group: str | None, member: str | None
) -> AIOKafkaConsumer:
    """A consumer with every default that matters overridden; not started."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        group_id=group,
        group_instance_id=member,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=round(settings.session_s * 1000),
        heartbeat_interval_ms=round(settings.heartbeat_s * 1000),
        rebalance_timeout_ms=round(settings.rebalance_s * 1000),
        max_poll_interval_ms=round(settings.poll_s * 1000),
        request_timeout_ms=round(max(settings.request_s, settings.rebalance_s + 5) * 1000),
        fetch_max_wait_ms=settings.fetch_wait_ms,
        fetch_min_bytes=settings.fetch_bytes_min,
        max_partition_fetch_bytes=REQUEST_BYTES_MAX,
        **settings.security.options(),
    )


def build_producer(bootstrap_servers: str, client_id: str, settings: KafkaSettings) -> AIOKafkaProducer:
    """An idempotent producer that waits for all in-sync replicas; not started."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=settings.linger_ms,
        max_batch_size=settings.batch_bytes_max,
        max_request_size=REQUEST_BYTES_MAX,
        request_timeout_ms=round(settings.send_s * 1000),
        **settings.security.options(),
    )


async def stop(client: AIOKafkaConsumer | AIOKafkaProducer, timeout_s: float) -> None:
    """Stop gracefully; by force after ``timeout_s``, since it may take for ever (aiokafka#773)."""
    # A task of its own: aiokafka's stop() may raise a CancelledError that nobody asked for.
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait([stopping], timeout=timeout_s)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is None:
        return
    stopping.cancel()
    log.warning("stopping %r by force", client, extra={"event": "kafka_forced_stop"})
    await abandon(client)


async def abandon(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """End a client's tasks and connections at once; nothing that it still held is written any more.

    aiokafka offers no public way, so this names the tasks of the pinned version 0.14.0.
    """
    client._closed = True
    if isinstance(client, AIOKafkaProducer):
        connections, tasks = client.client, [client._sender.sender_task]
    else:
        connections, coordinator, fetcher = client._client, client._coordinator, client._fetcher
        tasks = [getattr(fetcher, "_fetch_task", None), *getattr(fetcher, "_pending_tasks", ())]
        names = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task")
        tasks += [getattr(coordinator, name, None) for name in names]
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    # A cancelled sender still waits for its requests in flight: closed connections fail them.
    for connection in list(connections._conns.values()):
        connection.close()
    if running:
        await asyncio.wait(running, timeout=1.0)
    if isinstance(client, AIOKafkaProducer):
        client._message_accumulator.fail_all(KafkaError("the producer was abandoned"))
    await connections.close()
