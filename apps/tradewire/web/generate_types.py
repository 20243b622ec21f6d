"""Writes src/api.ts: the types of the state API, from telemetry's OpenAPI document.

``python apps/tradewire/web/generate_types.py`` writes it, ``--check`` only compares.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from tradewire.telemetry.settings import Settings
from tradewire.telemetry.wiring import build

TARGET = Path(__file__).parent / "src/api.ts"
HEAD = "// Written by generate_types.py from the state API's OpenAPI document.\n"
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
Schema = Mapping[str, Any]


def document() -> dict[str, Any]:
    """The OpenAPI document of the state API."""
    app = FastAPI(title="telemetry")
    routes = build(Settings.model_construct(**_defaults())).routes
    assert routes is not None, "telemetry has routes"
    app.include_router(routes)
    return app.openapi()


def _defaults() -> dict[str, Any]:
    fields = Settings.model_fields.items()
    return {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}


def typescript(openapi: Mapping[str, Any]) -> str:
    """An interface for each schema, and the answer of each path."""
    schemas: dict[str, Schema] = openapi["components"]["schemas"]
    parts = [_declared(_name(name), schema) for name, schema in sorted(schemas.items())]
    answers = []
    for path, methods in sorted(openapi["paths"].items()):
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "application/json" in content:
            answers.append(f'  "{path}": {_type(content["application/json"]["schema"])};\n')
    return HEAD + "\n".join(parts) + "\nexport interface Answers {\n" + "".join(answers) + "}\n"


def _declared(name: str, schema: Schema) -> str:
    about = _comment(schema)
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{about}export type {name} = {_type(schema)};\n"
    rows = [f"  {field}: {_type(described)};\n" for field, described in schema["properties"].items()]
    return f"{about}export interface {name} {{\n{''.join(rows)}}}\n"


def _comment(schema: Schema) -> str:
    text = str(schema.get("description", "")).partition("\n")[0].replace("*/", "")
    return f"/** {text} */\n" if text else ""


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _name(str(schema["$ref"]).rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(map(_type, schema[key])))
    kind = schema.get("type")
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "object":
        return (
            f"Record<string, {_type(schema['additionalProperties'])}>" if _is_map(schema) else "Record<string, unknown>"
        )
    return PLAIN.get(str(kind), "unknown")


def _is_map(schema: Schema) -> bool:
    return isinstance(schema.get("additionalProperties"), dict) and bool(schema["additionalProperties"])


def _name(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")


def main() -> None:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is out of date")
    check, text = parser.parse_args().check, typescript(document())
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return
    if check:
        sys.exit(f"{os.path.relpath(TARGET)} is out of date: run python {os.path.relpath(__file__)}")
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
