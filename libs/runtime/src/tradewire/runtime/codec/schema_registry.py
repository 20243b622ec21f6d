"""The schema registry: a client of Confluent's API; the topic map checked, registered and compared with it.

Works with every registry that serves this API; tried with Apicurio Registry under ``/apis/ccompat/v7``.
Source: Confluent Platform, "Schema Registry API reference".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import httpx

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.ports.message import TopicSpec
from tradewire.ports.topics import TOPICS
from tradewire.runtime.observe.secrets import remember, scrub

TIMEOUT_SECONDS = 10.0
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
SERVER_ERROR = 500
CONFLICT = 409
UNPROCESSABLE = 422
BAD_REQUEST = 400
NOT_FOUND = 404


def subject_of(topic: str) -> str:
    """Subject of a topic's values: Confluent's topic name strategy."""
    return f"{topic}-value"


class SchemaRefusedError(FatalError):
    """The registry does not take a schema: it is invalid, or incompatible with an earlier version."""


class RegistryClient:
    """Connection to one registry; an async context manager.

    Every method raises RetryableError when the registry is away or failing, FatalError when it refuses.
    """

    def __init__(self, url: str) -> None:
        """``url``: base of the API, without a slash at its end."""
        remember([url])
        self._url, self._shown = url.rstrip("/"), scrub(url.rstrip("/"))
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, headers={"Content-Type": MEDIA_TYPE})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def subjects(self) -> list[str]:
        """All subjects, sorted."""
        return sorted(await self._call("GET", "/subjects") or [])

    async def versions(self, subject: str) -> list[int]:
        """Versions of a subject in order; empty when there is no such subject."""
        return sorted(await self._call("GET", f"/subjects/{subject}/versions") or [])

    async def version(self, subject: str, version: int) -> str | None:
        """Schema of one version, as JSON text."""
        found = await self._call("GET", f"/subjects/{subject}/versions/{version}")
        return None if found is None else str(found["schema"])

    async def lookup(self, subject: str, schema: str) -> int | None:
        """Id of this very schema under a subject, or None."""
        found = await self._call("POST", f"/subjects/{subject}", {"schema": schema})
        return None if found is None else int(found["id"])

    async def schema(self, schema_id: int) -> str | None:
        """Schema with an id, as JSON text, or None."""
        found = await self._call("GET", f"/schemas/ids/{schema_id}")
        return None if found is None else str(found["schema"])

    async def register(self, subject: str, schema: str) -> int:
        """Make this the newest version unless it is one already; its id. Raises SchemaRefusedError."""
        answer = await self._call("POST", f"/subjects/{subject}/versions", {"schema": schema})
        if answer is None:
            raise FatalError(f"the registry at {self._shown} has no way to register under {subject}")
        return int(answer["id"])

    async def incompatibilities(self, subject: str, schema: str) -> tuple[str, ...]:
        """Why the subject's compatibility level forbids this schema; empty when allowed or the first one."""
        path = f"/compatibility/subjects/{subject}/versions?verbose=true"
        answer = await self._call("POST", path, {"schema": schema})
        if answer is None or answer["is_compatible"]:
            return ()
        return tuple(map(str, answer.get("messages") or ["the registry gives no reason"]))

    async def compatibility(self, subject: str) -> str | None:
        """Compatibility level set for a subject itself, or None."""
        answer = await self._call("GET", f"/config/{subject}")
        return None if answer is None else str(answer.get("compatibilityLevel") or answer["compatibility"])

    async def set_compatibility(self, subject: str, level: str) -> None:
        """Set a subject's level and read it back. Raises FatalError when the registry kept another one."""
        await self._call("PUT", f"/config/{subject}", {"compatibility": level})
        kept = await self.compatibility(subject)
        if kept != level:
            raise FatalError(f"the registry at {self._shown} keeps compatibility {kept} for {subject}; wanted: {level}")

    async def _call(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        """JSON answer, or None for 404."""
        try:
            answer = await self._http.request(method, self._url + path, json=body)
        except httpx.TransportError as error:
            raise RetryableError(
                f"no answer from the registry at {self._shown}: {error or type(error).__name__}"
            ) from error
        if answer.status_code == NOT_FOUND:
            return None
        told = f"{answer.status_code} to {method} {path}: {answer.text[:500]}"
        detail = f"the registry at {self._shown} answers {told}"
        if answer.status_code >= SERVER_ERROR:
            raise RetryableError(detail)
        if answer.status_code in (CONFLICT, UNPROCESSABLE):
            raise SchemaRefusedError(detail)
        if answer.status_code >= BAD_REQUEST:
            raise FatalError(detail)
        try:
            return answer.json()
        except ValueError as error:
            raise FatalError(f"{detail} (not JSON: is this the base of the Confluent API?)") from error


class SubjectState(StrEnum):
    """How a subject of the registry stands to our schema."""

    CURRENT = "current"
    NEW = "new"
    CHANGED = "changed"
    INCOMPATIBLE = "incompatible"


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """One subject: ``changes`` since the newest registered version, ``reasons`` that forbid ours."""

    topic: str
    subject: str
    state: SubjectState
    schema_id: int | None
    compatibility_wanted: str
    compatibility_found: str | None
    changes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Something to register or to set."""
        return self.state is not SubjectState.CURRENT or self.compatibility_found != self.compatibility_wanted

    def lines(self) -> list[str]:
        """The report as text, one line and more."""
        head = f"{self.state:<12} {self.subject}"
        if self.schema_id is not None:
            head += f" (id {self.schema_id})"
        lines = [head]
        if self.compatibility_found != self.compatibility_wanted:
            found = self.compatibility_found or "not set"
            lines.append(f"    compatibility {found}; wanted: {self.compatibility_wanted}")
        return lines + [f"    {text}" for text in (*self.changes, *self.reasons)]


@dataclass(frozen=True, slots=True)
class RegistryReport:
    """All subjects of the topic map, and subjects that are not in it."""

    url: str
    subjects: tuple[SubjectReport, ...]
    unmanaged: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """The registry holds exactly our schemas with their compatibility levels."""
        return not any(report.drifted for report in self.subjects)

    @property
    def incompatible(self) -> tuple[SubjectReport, ...]:
        """Subjects whose registered versions forbid our schema."""
        return tuple(report for report in self.subjects if report.state is SubjectState.INCOMPATIBLE)

    def __str__(self) -> str:
        lines = [line for report in self.subjects if report.drifted for line in report.lines()]
        current = sum(not report.drifted for report in self.subjects)
        lines.append(f"{current} of {len(self.subjects)} subjects are as in contracts/ at {self.url}")
        if self.unmanaged:
            lines.append(f"not ours: {', '.join(self.unmanaged)}")
        return "\n".join(lines)


async def check(url: str) -> RegistryReport:
    """Compare every subject with ``contracts/``: state, id, compatibility. Changes nothing.

    Raises: RetryableError when the registry is away; FatalError when it refuses.
    """
    async with RegistryClient(url) as registry:
        reports = tuple([await _inspect(registry, spec) for spec in TOPICS.values()])
        ours = {subject_of(name) for name in TOPICS}
        return RegistryReport(url, reports, tuple(s for s in await registry.subjects() if s not in ours))


async def diff(url: str) -> RegistryReport:
    """As ``check``, only the subjects that differ."""
    report = await check(url)
    return RegistryReport(url, tuple(s for s in report.subjects if s.drifted), report.unmanaged)


async def register(url: str, topics: Iterable[TopicSpec] = tuple(TOPICS.values())) -> RegistryReport:
    """Register our schemas and set each subject's compatibility; doing it again changes nothing.

    A subject's level is set before a further version is offered, so the registry itself holds the new version
    against the old ones. Raises: SchemaRefusedError when it forbids one; RetryableError; FatalError.
    """
    specs: Sequence[TopicSpec] = tuple(topics)
    async with RegistryClient(url) as registry:
        for spec in specs:
            subject = subject_of(spec.name)
            known = bool(await registry.versions(subject))
            if known:
                await _set_level(registry, spec)
            if await registry.lookup(subject, spec.schema_json) is None:
                await registry.register(subject, spec.schema_json)
            if not known:
                await _set_level(registry, spec)
        return RegistryReport(url, tuple([await _inspect(registry, spec) for spec in specs]))


async def _set_level(registry: RegistryClient, spec: TopicSpec) -> None:
    if await registry.compatibility(subject_of(spec.name)) != spec.compatibility:
        await registry.set_compatibility(subject_of(spec.name), spec.compatibility)


async def _inspect(registry: RegistryClient, spec: TopicSpec) -> SubjectReport:
    subject = subject_of(spec.name)
    level = await registry.compatibility(subject)
    schema_id = await registry.lookup(subject, spec.schema_json)
    if schema_id is not None:
        return SubjectReport(spec.name, subject, SubjectState.CURRENT, schema_id, spec.compatibility, level)
    versions = await registry.versions(subject)
    newest = await registry.version(subject, versions[-1]) if versions else None
    if newest is None:
        return SubjectReport(spec.name, subject, SubjectState.NEW, None, spec.compatibility, level)
    reasons = await registry.incompatibilities(subject, spec.schema_json)
    state = SubjectState.INCOMPATIBLE if reasons else SubjectState.CHANGED
    changes = field_changes(json.loads(newest), json.loads(spec.schema_json))
    return SubjectReport(spec.name, subject, state, None, spec.compatibility, level, changes, reasons)


def field_changes(before: Any, after: Any, path: str = "") -> tuple[str, ...]:
    """Differences of two schemas in words, by path; documentation counts too."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[str] = []
        for key in [*before, *(key for key in after if key not in before)]:
            found += field_changes(before.get(key), after.get(key), f"{path}.{key}" if path else key)
        return tuple(found)
    if _named(before) and _named(after):
        return field_changes({f["name"]: f for f in before}, {f["name"]: f for f in after}, path)
    if before == after:
        return ()
    return (f"{path}: registered {json.dumps(before)}, ours {json.dumps(after)}",)


def _named(schema: Any) -> bool:
    """A list of fields, rather than of union branches or symbols."""
    return (
        isinstance(schema, list)
        and bool(schema)
        and all(isinstance(f, dict) and "name" in f and "type" in f for f in schema)
    )
