"""Software bills of materials of the images, as CycloneDX: ``python -m requirements.sbom dist/sbom``.

Each names the Python distributions of one image, ours and those of its lock. The same sources give the same bytes.
Debian's packages of the base image are not in it: a scanner of the built image tells those.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from requirements import lock

SPECIFICATION = "1.6"
LICENSE = "Apache-2.0"


def bills() -> Iterator[tuple[str, str]]:
    """The bill of each image, by the image's name."""
    versions = _our_versions()
    third_party = {name: block.split()[0].partition("==")[2] for name, block in lock.locked().items()}
    for image in (*lock.SERVICES, lock.COMMAND):
        names = lock.reached([lock.distribution_of(image)])
        parts = [
            _component(name, versions[name], license_id=LICENSE)
            if name in versions
            else _component(name, third_party[name])
            for name in sorted(names)
        ]
        yield image, json.dumps(_bill(image, versions[lock.distribution_of(image)], parts), indent=2) + "\n"


def _our_versions() -> dict[str, str]:
    projects = (tomllib.loads(path.read_text())["project"] for path in sorted(lock.ROOT.glob("*/*/pyproject.toml")))
    return {project["name"]: project["version"] for project in projects}


def _component(name: str, version: str, *, license_id: str | None = None) -> dict[str, Any]:
    address = f"pkg:pypi/{name}@{version}"
    known = {"licenses": [{"license": {"id": license_id}}]} if license_id else {}
    return {"type": "library", "bom-ref": address, "name": name, "version": version, "purl": address, **known}


def _bill(image: str, version: str, parts: list[dict[str, Any]]) -> Mapping[str, Any]:
    name = f"tradewire/{image}"
    whole = {"type": "container", "bom-ref": name, "name": name, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": whole},
        "components": parts,
        "dependencies": [{"ref": name, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def main() -> None:
    """Write a file for each image."""
    parser = argparse.ArgumentParser(
        prog="python -m requirements.sbom", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where they are written, e.g. dist/sbom")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for image, text in bills():
        path = folder / f"{image}.cdx.json"
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {len(json.loads(text)['components'])} distributions")


if __name__ == "__main__":
    main()
