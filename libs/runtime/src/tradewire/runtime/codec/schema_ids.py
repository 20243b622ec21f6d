"""Which number stands for which schema in the values on the bus: the registry's numbers, or those without one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import fastavro

from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError
from tradewire.ports.topics import OLDER_SCHEMAS, TOPICS
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec.schema_registry import RegistryClient, subject_of
from tradewire.runtime.codec.unknown_ids import UnknownIds
from tradewire.runtime.observe.secrets import scrub

Schema = Any
"""An Avro schema as fastavro parsed it."""
FINGERPRINT_CHARS = 16


def fingerprint(schema: str) -> str:
    """Of a schema as JSON text, however that is laid out: the beginning of its SHA-256, in hex."""
    plain = json.dumps(json.loads(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()[:FINGERPRINT_CHARS]


class UnknownSchemaIdError(RetryableError):
    """A value names a schema id not seen before: ``await ids.fetch(error.schema_id)``, then decode again."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema id {schema_id} has not been fetched from the registry yet")
        self.schema_id = schema_id


class SchemaIds:
    """Which id stands for which schema: ours by topic, any writer's by id."""

    def __init__(self, own: dict[str, int], registry_url: str | None, clock: ClockPort | None = None) -> None:
        """``own``: id of our schema, by topic. Use ``static`` or ``from_registry``."""
        self._unknown = UnknownIds(clock or SystemClock())
        self._own = own
        self._registry_url = registry_url
        self._writers: dict[int, Schema] = {}
        self.fingerprints: dict[int, str] = {}
        """Of every schema known, by id."""
        for topic, schema_id in own.items():
            self.learn(schema_id, TOPICS[topic].schema_json)

    @classmethod
    def static(cls) -> SchemaIds:
        """The ids of ``contracts/ids.json``, for runs without a registry."""
        ids = cls({name: spec.schema_id for name, spec in TOPICS.items()}, registry_url=None)
        for schema_id, text in OLDER_SCHEMAS.items():
            ids.learn(schema_id, text)
        return ids

    @classmethod
    async def from_registry(cls, url: str) -> SchemaIds:
        """Look every schema of the topic map up by subject and content; never registers one.

        Parameters: url: base of Confluent's API, e.g. ``http://127.0.0.1:8081/apis/ccompat/v7``.
        Raises: FatalError naming the subjects that lack our schema; RetryableError when the registry is away.
        """
        async with RegistryClient(url) as registry:
            found = {name: await registry.lookup(subject_of(name), spec.schema_json) for name, spec in TOPICS.items()}
        missing = [subject_of(name) for name, schema_id in found.items() if schema_id is None]
        if missing:
            raise FatalError(
                f"the registry at {url} lacks our schema of {', '.join(missing)}: "
                "run `tradewire contracts register`, or `tradewire contracts diff` to see how they differ"
            )
        return cls({name: schema_id for name, schema_id in found.items() if schema_id is not None}, registry_url=url)

    @classmethod
    def announced(cls, fingerprints: Mapping[int, str]) -> SchemaIds:
        """The ids that a running service announced (``announced_ids``), of those schemas that are known here.

        Raises: FatalError naming the topics of whose schema of ours it knows no id.
        """
        ids = {found: schema_id for schema_id, found in fingerprints.items()}
        own = {name: ids.get(fingerprint(spec.schema_json)) for name, spec in TOPICS.items()}
        missing = [name for name, schema_id in own.items() if schema_id is None]
        if missing:
            raise FatalError(f"the services use other schemas than ours of {', '.join(missing)}")
        found = cls({name: schema_id for name, schema_id in own.items() if schema_id is not None}, registry_url=None)
        for text in OLDER_SCHEMAS.values():
            if (schema_id := ids.get(fingerprint(text))) is not None:
                found.learn(schema_id, text)
        return found

    def own(self, topic: str) -> int:
        """Id that our schema of ``topic`` has. Raises KeyError for a topic that is not in the topic map."""
        return self._own[topic]

    def writer(self, schema_id: int) -> Schema:
        """Schema that values with this id were written with.

        Raises: UnknownSchemaIdError when ``fetch`` may find it; ContractViolationError without a registry.
        """
        schema = self._writers.get(schema_id)
        if schema is not None:
            return schema
        if self._registry_url is None:
            raise ContractViolationError(
                f"schema id {schema_id} is unknown; without a registry the ids are {sorted(self._writers)}",
                stage="decode",
            )
        raise UnknownSchemaIdError(schema_id)

    async def fetch(self, schema_id: int) -> None:
        """Get a writer's schema from the registry; at once when it is known already.

        Raises: ContractViolationError when the registry knows no such id, or was asked for too many that it did not
        know (``unknown_ids``); RetryableError when it is away.
        """
        if schema_id in self._writers:
            return
        text, refusal = None, self._unknown.refusal(schema_id)
        if self._registry_url is not None and refusal is None:
            async with RegistryClient(self._registry_url) as registry:
                text = await registry.schema(schema_id)
        if text is None:
            if refusal is None:
                self._unknown.note(schema_id)
            where, why = scrub(self._registry_url or "") or "contracts/ids.json", f" ({refusal})" if refusal else ""
            raise ContractViolationError(f"schema id {schema_id} is unknown to {where}{why}", stage="decode")
        self.learn(schema_id, text)

    @property
    def has_registry(self) -> bool:
        """Is there a registry that knows ids which are new here?"""
        return self._registry_url is not None

    async def ping(self) -> None:
        """Ask the registry for a schema of ours. Raises RetryableError when it is away."""
        if self._registry_url is not None:
            async with RegistryClient(self._registry_url) as registry:
                await registry.schema(next(iter(self._own.values())))

    def learn(self, schema_id: int, text: str) -> None:
        """Take in a writer's schema, as JSON text."""
        self.fingerprints[schema_id] = fingerprint(text)
        self._writers[schema_id] = fastavro.parse_schema(json.loads(text), named_schemas={})
