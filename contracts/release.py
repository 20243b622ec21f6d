"""Releases of the schemas: what was ever written to a topic, kept for ever.

Every version of a topic's schema that left a developer's machine is in ``released/<topic>/<n>.avsc``, with
``<n>.golden.json``: bytes written with it once, which must be readable for ever. Run after a change of a schema::

    python -m contracts.release           # adds the next version of every changed schema, and its golden bytes
    python -m contracts.release --check   # exit 1 when a schema was changed and not released, or breaks its mode
"""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import sys
from typing import Any

import fastavro
import yaml
from contracts.compatibility import violations
from contracts.consumers import missing_fields, unlike_topic_map
from contracts.enums import unsafe_defaults, unsafe_readings
from contracts.examples import example, plain

HERE = pathlib.Path(__file__).parent
Schema = Any


def current(topic: str, root: pathlib.Path = HERE) -> Schema:
    """Today's schema of a topic."""
    return json.loads((root / f"{topic}.avsc").read_text())


def history(topic: str, root: pathlib.Path = HERE) -> list[Schema]:
    """Released schemas of a topic, version 1 first."""
    folder = root / "released" / topic
    versions = sorted(int(path.stem) for path in folder.glob("*.avsc"))
    assert versions == list(range(1, len(versions) + 1)), (
        f"{folder} has versions {versions}, want 1, 2, … without a gap"
    )
    return [json.loads((folder / f"{version}.avsc").read_text()) for version in versions]


def modes(root: pathlib.Path = HERE) -> dict[str, str]:
    """Compatibility mode by topic."""
    topics = yaml.safe_load((root / "topics.yaml").read_text())["topics"]
    return {name: row["compatibility"] for name, row in topics.items()}


def problems(root: pathlib.Path = HERE) -> list[str]:
    """What stands against releasing the schemas as they are, and what to do about it; empty when all is well."""
    found = consumer_problems(root)
    for topic, mode in modes(root).items():
        released, today = history(topic, root), current(topic, root)
        changed = not released or released[-1] != today
        versions = [*released, today] if changed else released
        broken = violations(versions, mode)
        found += [f"{topic}: {reason}" for reason in [*unsafe_defaults(today), *unsafe_readings(versions)]]
        found += [
            f"{topic}: {reason} ({mode}). Make the change compatible (a default, an alias, a new optional field), "
            f"or start a new topic version and let both run."
            for reason in broken
        ]
        if changed and not broken:
            found.append(
                f"{topic}: the schema differs from its last release ({len(released)}). "
                f"Run `python -m contracts.release`, then `python -m contracts.generate`, and commit what they write."
            )
    return found


def consumer_problems(root: pathlib.Path = HERE) -> list[str]:
    """What services use and the schemas or the topic map don't have."""
    declared = yaml.safe_load((root / "consumers.yaml").read_text())
    topics = yaml.safe_load((root / "topics.yaml").read_text())["topics"]
    schemas = {topic: current(topic, root) for topic in topics}
    return [*missing_fields(declared, schemas), *unlike_topic_map(declared, topics)]


def golden(schema: Schema) -> list[dict[str, Any]]:
    """Examples of a schema with their Avro binary: what follows the wire format's first five bytes."""
    parsed = fastavro.parse_schema(schema)
    found = []
    for name, full in (("full", True), ("sparse", False)):
        value, out = example(schema, full=full), io.BytesIO()
        fastavro.schemaless_writer(out, parsed, value)
        found.append({"name": name, "hex": out.getvalue().hex(), "event": plain(value)})
    return found


def release(root: pathlib.Path = HERE) -> list[pathlib.Path]:
    """Write the next version of every changed schema; returns the new files.

    Raises SystemExit when a change breaks its topic's compatibility mode, or an enum's default is not safe.
    """
    written: list[pathlib.Path] = []
    for topic, mode in modes(root).items():
        released, today = history(topic, root), current(topic, root)
        if released and released[-1] == today:
            continue
        versions = [*released, today]
        if broken := [*violations(versions, mode), *unsafe_defaults(today), *unsafe_readings(versions)]:
            raise SystemExit("\n".join(f"{topic}: {reason}" for reason in broken))
        folder, version = root / "released" / topic, len(released) + 1
        folder.mkdir(parents=True, exist_ok=True)
        contents = {
            folder / f"{version}.avsc": json.dumps(today, indent=2, ensure_ascii=False),
            folder / f"{version}.golden.json": json.dumps(golden(today), indent=1, ensure_ascii=False),
        }
        for path, text in contents.items():
            path.write_text(text + "\n")
            written.append(path)
    return written


def main() -> int:
    """Command line: see the module's documentation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="report, write nothing")
    if parser.parse_args().check:
        found = problems()
        print("\n".join(found) or "every schema is released and keeps its compatibility mode")
        return 1 if found else 0
    for path in release():
        print(f"written: {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
