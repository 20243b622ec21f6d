"""A Kafka admin client with the project's errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from tradewire.ports.errors import FatalError, RetryableError, TradewireError
from tradewire.runtime.bus.kafka_address import KafkaSecurity

REQUEST_TIMEOUT_MS = 30_000


@asynccontextmanager
async def admin_client(bootstrap_servers: str, security: KafkaSecurity) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected client. Raises RetryableError when no broker answers; FatalError when one refuses."""
    options = security.options()
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS, **options)
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        raise _translated(error, bootstrap_servers) from error
    finally:
        await admin.close()


def _translated(error: KafkaError, where: str) -> TradewireError:
    detail = f"Kafka at {where}: {error}"
    if error.retriable or isinstance(error, KafkaConnectionError):
        return RetryableError(detail)
    return FatalError(detail)
