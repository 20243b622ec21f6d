"""The list of files that the servers consist of, each with its size and SHA-256.

`python -m tradewire.embedded.lockfile` resolves KAFKA and REGISTRY anew and writes the list; run it to change a
version, and read the difference. Everyone else downloads exactly what the list names: no resolving at set-up, hence
no surprise (without `kafka-clients` named, a resolver takes 3.9.1 through log4j and the 4.3.1 broker dies of it).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.3.1"
REGISTRY_VERSION = "3.3.3"
KAFKA = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.kafka:kafka-clients:{KAFKA_VERSION}"
    f"+org.apache.kafka:kafka-tools:{KAFKA_VERSION}+org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"
)
REGISTRY = ("io.apicurio", "apicurio-registry-app", REGISTRY_VERSION, "all", "tar.gz")
LOCK_FILE = Path(__file__).with_name("servers.lock")


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file of a Maven repository. `size` in bytes, `sha256` in lower-case hex."""

    part: str
    group: str
    artifact: str
    version: str
    classifier: str
    packaging: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """File name in the repository and in the cache."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{suffix}.{self.packaging}"

    @property
    def line(self) -> str:
        """The line of the lock file."""
        coordinates = ":".join((self.group, self.artifact, self.version, self.classifier, self.packaging))
        return f"{self.part} {coordinates} {self.size} {self.sha256}"


def parse(line: str) -> LockedFile:
    """The file that a line of the lock names."""
    part, coordinates, size, sha256 = line.split()
    group, artifact, version, classifier, packaging = coordinates.split(":")
    return LockedFile(part, group, artifact, version, classifier, packaging, int(size), sha256)


def locked_files(part: str) -> tuple[LockedFile, ...]:
    """The files of a part, `kafka` or `registry`."""
    lines = LOCK_FILE.read_text(encoding="utf-8").splitlines()
    return tuple(file for file in map(parse, lines) if file.part == part)


def digest(path: Path) -> str:
    """SHA-256 of a file in lower-case hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _resolve() -> list[LockedFile]:
    import jgo
    from jgo.maven import MavenContext

    files = [("kafka", artifact) for artifact in jgo.resolve(KAFKA)]
    group, name, version, classifier, packaging = REGISTRY
    component = MavenContext(timeout=60).project(group, name).at_version(version)
    files.append(("registry", component.artifact(classifier, packaging)))
    return [
        LockedFile(
            part,
            artifact.groupId,
            artifact.artifactId,
            artifact.version,
            artifact.classifier,
            artifact.packaging,
            path.stat().st_size,
            digest(path),
        )
        for part, artifact in files
        for path in [artifact.resolve()]
    ]


if __name__ == "__main__":
    LOCK_FILE.write_text("".join(f"{line}\n" for line in sorted(file.line for file in _resolve())))
