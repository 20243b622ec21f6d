"""Custom resource definitions of the operators that the overlays speak to, at pinned versions.

They come from operators' Go modules, whose checksums Go verifies; Strimzi's, which publishes none, are written by its
own generator from its Java library.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tradewire.embedded.java import java

MODULES = {
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd",
    "github.com/external-secrets/external-secrets@v0.18.2": "config/crds/bases",
}
"""Module of each operator, and where its definitions are in it."""
STRIMZI_VERSION = "0.49.1"
STRIMZI = f"io.strimzi:api:{STRIMZI_VERSION}+io.strimzi:crd-generator:0.45.0+io.strimzi:crd-annotations:0.45.0"
"""The newest generator that is published reads newer classes, too."""
STRIMZI_CLASSES = {
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "KafkaUser": "io.strimzi.api.kafka.model.user.KafkaUser",
    "KafkaNodePool": "io.strimzi.api.kafka.model.nodepool.KafkaNodePool",
    "Kafka": "io.strimzi.api.kafka.model.kafka.Kafka",
}


class DefinitionsError(Exception):
    """The definitions can't be had; the message says what to do."""


def files() -> Iterator[Path]:
    """The files of every operator's definitions. Raises DefinitionsError."""
    if shutil.which("go") is None:
        raise DefinitionsError("the definitions of operators are read from their Go modules: install Go 1.24 or newer")
    for module, folder in MODULES.items():
        found = sorted((_source(module) / folder).glob("*.yaml"))
        yield from (path for path in found if path.name != "kustomization.yaml")
    yield from sorted(_strimzi().glob("*.yaml"))


def _source(module: str) -> Path:
    with tempfile.TemporaryDirectory() as empty:
        command = ["go", "mod", "download", "-json", module]
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)  # noqa: S603
    answer = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in answer:
        raise DefinitionsError(f"{module} can't be had: {answer.get('Error') or done.stderr.strip()}")
    return Path(answer["Dir"])


def _strimzi() -> Path:
    """Folder of Strimzi's definitions in the user's cache; written when they are not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradewire"
    folder = cache / f"strimzi-{STRIMZI_VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        made = Path(name) / "made"
        made.mkdir()
        wanted = [f"{cls}={made / kind}.yaml" for kind, cls in STRIMZI_CLASSES.items()]
        versions = ("--crd-api-version", "v1", "--api-versions", "v1", "--storage-version", "v1")
        program = (java(), "-cp", _class_path(), "io.strimzi.crdgenerator.CrdGenerator")
        command = (*program, "--yaml", "--target-kube", "1.25+", *versions, *wanted)
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise DefinitionsError(f"Strimzi's definitions were not written: {done.stderr.strip()[-500:]}")
        made.rename(folder)
    return folder


def _class_path() -> str:
    import jgo

    try:
        return os.pathsep.join(str(artifact.resolve()) for artifact in jgo.resolve(STRIMZI))
    except Exception as error:  # the resolver passes on whatever its HTTP client raises
        raise DefinitionsError(f"{STRIMZI} can't be had from a Maven repository: {error}") from error
