"""Consumer-declared fields: what ``consumers.yaml`` says that services use, held against the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = Any
Declared = dict[str, dict[str, list[str]]]
"""Fields by topic by service, as in consumers.yaml."""


def field_paths(schema: Schema, prefix: str = "") -> Iterator[str]:
    """Every field of a schema by its path, e.g. ``positions.qty``, whatever arrays, maps and unions lie between."""
    if isinstance(schema, list):
        for branch in schema:
            yield from field_paths(branch, prefix)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            yield f"{prefix}{field['name']}"
            yield from field_paths(field["type"], f"{prefix}{field['name']}.")
        for inner in ("items", "values"):
            if inner in schema:
                yield from field_paths(schema[inner], prefix)


def missing_fields(declared: Declared, schemas: dict[str, Schema]) -> list[str]:
    """One sentence for each field that a service uses and that its topic's schema lacks."""
    known = {topic: set(field_paths(schema)) for topic, schema in schemas.items()}
    return [
        f"{service} uses {field} of {topic}, which the schema does not have: keep the field, "
        f"or change {service} first and then contracts/consumers.yaml"
        for service, topics in declared.items()
        for topic, fields in topics.items()
        for field in fields
        if field not in known.get(topic, ())
    ]


def unlike_topic_map(declared: Declared, topics: dict[str, dict[str, Any]]) -> list[str]:
    """One sentence for each pair of service and topic that only one of consumers.yaml and topics.yaml names."""
    here = {(service, topic) for service, rows in declared.items() for topic in rows}
    there = {
        (service, topic) for topic, row in topics.items() for service in [*row["consumers"], *row.get("reads_back", ())]
    }
    undeclared = [
        f"consumers.yaml: {s} reads {topic}, topics.yaml does not say so" for s, topic in sorted(here - there)
    ]
    unlisted = [f"topics.yaml: {s} reads {t}, consumers.yaml lists no fields" for s, t in sorted(there - here)]
    return undeclared + unlisted
