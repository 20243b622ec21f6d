"""A schema registry in this process: the part of Confluent's API that clients use, on a free loopback port.

Compatibility is judged by ``contracts.compatibility``. The same tests run against a real registry.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from contracts.compatibility import violations

Answer = tuple[int, Any]
SUBJECT = r"([^/]+)"
NO_SUBJECT = (404, {"error_code": 40401, "message": "Subject not found."})
NO_SCHEMA = (404, {"error_code": 40403, "message": "Schema not found."})


@dataclass
class Registry:
    """What the registry holds: schemas by id, versions by subject, compatibility levels."""

    schemas: dict[int, Any] = field(default_factory=dict)
    versions: dict[str, list[int]] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    ignores_levels: bool = False

    def id_of(self, subject: str, schema: Any) -> int | None:
        """Id of a schema under a subject."""
        return next((known for known in self.versions.get(subject, ()) if self.schemas[known] == schema), None)

    def broken(self, subject: str, schema: Any) -> list[str]:
        """Why the subject's level forbids a schema."""
        level = self.levels.get(subject, "NONE")
        history = [self.schemas[known] for known in self.versions.get(subject, ())]
        return [] if level == "NONE" else violations([*history, schema], level)

    def subjects(self, _body: Any) -> Answer:
        return 200, list(self.versions)

    def look_up(self, body: Any, subject: str) -> Answer:
        if subject not in self.versions:
            return NO_SUBJECT
        schema_id = self.id_of(subject, json.loads(body["schema"]))
        if schema_id is None:
            return NO_SCHEMA
        version = self.versions[subject].index(schema_id) + 1
        return 200, {"subject": subject, "version": version, "id": schema_id, "schema": body["schema"]}

    def register(self, body: Any, subject: str) -> Answer:
        schema = json.loads(body["schema"])
        known = self.id_of(subject, schema)
        if known is not None:
            return 200, {"id": known}
        if reasons := self.broken(subject, schema):
            return 409, {"error_code": 409, "message": "; ".join(reasons)}
        schema_id = len(self.schemas) + 1001
        self.schemas[schema_id] = schema
        self.versions.setdefault(subject, []).append(schema_id)
        return 200, {"id": schema_id}

    def list_versions(self, _body: Any, subject: str) -> Answer:
        ids = self.versions.get(subject)
        return NO_SUBJECT if ids is None else (200, list(range(1, len(ids) + 1)))

    def version(self, _body: Any, subject: str, number: str) -> Answer:
        ids = self.versions.get(subject)
        if ids is None:
            return NO_SUBJECT
        version = len(ids) if number == "latest" else int(number)
        schema_id = ids[version - 1]
        schema = json.dumps(self.schemas[schema_id])
        return 200, {"subject": subject, "version": version, "id": schema_id, "schema": schema}

    def by_id(self, _body: Any, schema_id: str) -> Answer:
        schema = self.schemas.get(int(schema_id))
        return NO_SCHEMA if schema is None else (200, {"schema": json.dumps(schema)})

    def level(self, _body: Any, subject: str) -> Answer:
        level = self.levels.get(subject)
        return NO_SUBJECT if level is None else (200, {"compatibilityLevel": level})

    def set_level(self, body: Any, subject: str) -> Answer:
        if not self.ignores_levels:
            self.levels[subject] = body["compatibility"]
        return 200, {"compatibility": body["compatibility"]}

    def test_level(self, body: Any, subject: str) -> Answer:
        if subject not in self.versions:
            return NO_SUBJECT
        reasons = self.broken(subject, json.loads(body["schema"]))
        return 200, {"is_compatible": not reasons, "messages": reasons}

    routes: ClassVar[list[tuple[str, str, str]]] = [
        ("GET", "/subjects", "subjects"),
        ("POST", f"/subjects/{SUBJECT}", "look_up"),
        ("POST", f"/subjects/{SUBJECT}/versions", "register"),
        ("GET", f"/subjects/{SUBJECT}/versions", "list_versions"),
        ("GET", f"/subjects/{SUBJECT}/versions/{SUBJECT}", "version"),
        ("GET", r"/schemas/ids/(\d+)", "by_id"),
        ("GET", f"/config/{SUBJECT}", "level"),
        ("PUT", f"/config/{SUBJECT}", "set_level"),
        ("POST", f"/compatibility/subjects/{SUBJECT}/versions", "test_level"),
    ]


@contextlib.contextmanager
def serving(registry: Registry) -> Iterator[str]:
    """Serve a registry; yields the base URL of its API."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, found = 404, {"error_code": 404, "message": f"no {self.command} {self.path}"}
            for method, pattern, name in Registry.routes:
                match = re.fullmatch(pattern, urlsplit(self.path).path)
                if match and method == self.command:
                    status, found = getattr(registry, name)(body, *map(unquote, match.groups()))
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
