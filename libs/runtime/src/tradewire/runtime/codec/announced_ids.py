"""Schema ids as running services use them, told where nobody needs a schema to read them.

A service looks its ids up once, at its start, and trades on while the registry is away. A command must be able to stop
it then. So whoever tells on ``ops.control-status.v1`` which levels it obeys tells its ids in a header of that record
(docs/adr/0040-schema-ids-without-the-registry.md).
"""

from __future__ import annotations

import json

from tradewire.ports.bus import Record
from tradewire.runtime.codec.schema_ids import SchemaIds

HEADER = "schema_ids"
BYTES_MAX = 65_536
"""A header that is larger than this is none of ours."""
ID_MAX = 2**32 - 1
"""The wire has four bytes for an id."""


def announcement(ids: SchemaIds) -> tuple[str, bytes]:
    """The header: fingerprint by id of every schema known, as JSON."""
    return HEADER, json.dumps(ids.fingerprints, separators=(",", ":")).encode()


def announced(record: Record) -> dict[int, str] | None:
    """Fingerprints by id in a record's header; None where there is none that can be read."""
    header = next((value for name, value in record.headers if name == HEADER), b"")
    if not 0 < len(header) <= BYTES_MAX:
        return None
    try:
        found = {int(schema_id): str(fingerprint) for schema_id, fingerprint in json.loads(header).items()}
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if all(0 <= schema_id <= ID_MAX for schema_id in found) else None
