"""Hold what the overlays say to operators against the schemas of those operators' releases.

A cluster drops a field that a definition does not know; here it is an error::

    python -m deploy.k8s.operators    # exit 1 when an object does not fit; needs Go and a network at the first run
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from deploy.k8s import definitions
from deploy.k8s.generate import ENVIRONMENTS, HERE

Json = Any
Kind = tuple[str, str]
BUILT_IN_ENDS = (".k8s.io",)


class _Loader(yaml.SafeLoader):
    """Reads a lone ``=`` as text, which a definition of prometheus-operator holds."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def strict(schema: Json) -> Json:
    """The schema of a definition with unknown fields forbidden, wherever it names the known ones."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def schemas(files: Iterator[Path]) -> dict[Kind, Json]:
    """Schema of ``spec`` by API version and kind, of the definitions in the files."""
    found: dict[Kind, Json] = {}
    for path in files:
        for definition in yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader):
            spec = (definition or {}).get("spec", {})
            for version in spec.get("versions", ()):
                properties = version["schema"]["openAPIV3Schema"]["properties"]
                kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[kind] = strict(properties.get("spec", {}))
    return found


def faults(objects: Iterator[Json], known: Mapping[Kind, Json]) -> Iterator[str]:
    """One sentence for each place of an object that does not fit the schema of its kind."""
    for found in objects:
        schema = known.get((found["apiVersion"], found["kind"]))
        if schema is None:
            continue
        for error in jsonschema.Draft202012Validator(schema).iter_errors(found["spec"]):
            place = ".".join(str(part) for part in ["spec", *error.path])
            yield f"{found['kind']}/{found['metadata']['name']}: {place}: {error.message}"


def main() -> int:
    """Print each fault; how many objects fit, and which kinds no definition was read of."""
    try:
        known = schemas(definitions.files())
    except definitions.DefinitionsError as error:
        sys.exit(str(error))
    failed = 0
    for name in ENVIRONMENTS:
        objects = [o for o in yaml.safe_load_all((HERE / f"rendered/{name}.yaml").read_text(encoding="utf-8")) if o]
        custom = [o for o in objects if _is_custom(o["apiVersion"])]
        wrong = list(faults(iter(custom), known))
        judged = [o for o in custom if (o["apiVersion"], o["kind"]) in known]
        others = sorted({o["kind"] for o in custom} - {o["kind"] for o in judged})
        print(*wrong, f"{name}: {len(judged)} objects checked; not checked: {', '.join(others) or 'none'}", sep="\n")
        failed += len(wrong)
    return 1 if failed else 0


def _is_custom(api_version: str) -> bool:
    group = api_version.rpartition("/")[0]
    return "." in group and not group.endswith(BUILT_IN_ENDS)


if __name__ == "__main__":
    sys.exit(main())
