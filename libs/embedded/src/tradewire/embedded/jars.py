"""Downloads the broker and the registry into the shared cache, and proves that they are the locked ones."""

from __future__ import annotations

import fcntl
import shutil
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tradewire.embedded.errors import FetchError, FolderError
from tradewire.embedded.lockfile import (
    KAFKA_VERSION,
    REGISTRY_VERSION,
    LockedFile,
    digest,
    locked_files,
)
from tradewire.embedded.paths import JARS_VARIABLE, StackPaths, check_room, make_folder
from tradewire.embedded.progress import Phase, Progress, Step, quiet

_CONNECTIONS = 4
_TIMEOUT_S = 30
_TRIES = 3
_REPOSITORY = ".repository-"
"""Names of folders that downloads go through."""


def kafka_jars(paths: StackPaths) -> Path:
    """Folder of the broker's jar files."""
    return paths.jars / f"kafka-{KAFKA_VERSION}"


def registry_home(paths: StackPaths) -> Path:
    """Folder that holds the registry's `quarkus-run.jar`."""
    return paths.jars / f"apicurio-registry-{REGISTRY_VERSION}"


def fetch(paths: StackPaths, *, registry: bool = True, progress: Progress = quiet) -> None:
    """Download what is missing of the broker and, if wanted, the registry; check what is there.

    Safe to run again, from several processes at once, and after an interruption. Needs no network when nothing is
    missing.

    Raises: FetchError when a file can't be had or is not the locked one; FolderError when the cache can't be written.
    """
    make_folder(paths.jars, purpose="the servers' files")
    with _only_one(paths.jars):
        jars = kafka_jars(paths)
        jars.mkdir(exist_ok=True)
        wanted = locked_files("kafka")
        _fetch_into(jars, wanted, progress=progress, part="kafka")
        _check_strangers(jars, wanted)
        if registry:
            _fetch_registry(paths, progress)


def require(paths: StackPaths, *, registry: bool) -> None:
    """Check, without a network and without hashing, that everything has been fetched.

    Raises: FetchError that tells how to fetch.
    """
    missing = [file for file in locked_files("kafka") if not (kafka_jars(paths) / file.name).is_file()]
    if missing or (registry and not registry_home(paths).is_dir()):
        what = f"{len(missing)} files of the broker" if missing else "the schema registry"
        raise FetchError(f"{what} are not in {paths.jars}; run `tradewire setup` with a network to download them")


def _fetch_registry(paths: StackPaths, progress: Progress) -> None:
    home = registry_home(paths)
    if home.is_dir():
        progress(Step("registry", Phase.FETCH, "there", 1.0))
        return
    with TemporaryDirectory(dir=paths.jars, prefix="registry-") as folder:
        (archive,) = locked_files("registry")
        _fetch_into(Path(folder), (archive,), progress=progress, part="registry")
        progress(Step("registry", Phase.FETCH, "unpacking"))
        with tarfile.open(Path(folder) / archive.name) as packed:
            # Python before 3.11.4 has no filters; the archive is the locked one in any case.
            packed.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            packed.extractall(Path(folder) / "unpacked")  # noqa: S202  filtered
        (starter,) = (Path(folder) / "unpacked").rglob("quarkus-run.jar")
        starter.parent.replace(home)
    progress(Step("registry", Phase.FETCH, "there", 1.0))


def _fetch_into(folder: Path, wanted: tuple[LockedFile, ...], *, progress: Progress, part: str) -> None:
    missing = [file for file in wanted if not _is_there(folder, file)]
    total = sum(file.size for file in wanted)
    done = total - sum(file.size for file in missing)
    progress(Step(part, Phase.FETCH, f"{len(wanted) - len(missing)} of {len(wanted)} files", done / total))
    if not missing:
        return
    check_room(folder, needed_bytes=3 * (total - done), purpose=f"{part}'s files")
    with (
        TemporaryDirectory(dir=folder, prefix=_REPOSITORY) as repository,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):
        jobs = {pool.submit(_download, file, Path(repository), folder): file for file in missing}
        try:
            for job in as_completed(jobs):
                job.result()
                done += jobs[job].size
                progress(Step(part, Phase.FETCH, jobs[job].name, done / total))
        finally:
            pool.shutdown(cancel_futures=True)


def _is_there(folder: Path, file: LockedFile) -> bool:
    path = folder / file.name
    return path.is_file() and path.stat().st_size == file.size and digest(path) == file.sha256


def _download(file: LockedFile, repository: Path, folder: Path) -> None:
    """Bring one file through a repository of its own, because an interrupted download stays behind as if whole."""
    reason: Exception | None = None
    for attempt in range(_TRIES):
        try:
            path = _resolve(file, repository / f"{attempt}")
        except Exception as error:  # the resolver passes on whatever its HTTP client raises
            reason = error
            continue
        found = digest(path)
        if found != file.sha256:
            raise FetchError(f"{file.name} has SHA-256 {found}, locked is {file.sha256}: not using it")
        path.replace(folder / file.name)
        return
    raise FetchError(
        f"can't download {file.group}:{file.artifact}:{file.version} ({reason}); "
        "is there a network, and does the Maven repository answer?"
    ) from reason


def _resolve(file: LockedFile, repository: Path) -> Path:
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=repository, timeout=_TIMEOUT_S)
    component = context.project(file.group, file.artifact).at_version(file.version)
    return Path(component.artifact(file.classifier, file.packaging).resolve())


def _check_strangers(folder: Path, wanted: tuple[LockedFile, ...]) -> None:
    """The broker loads every jar of the folder, so nothing else may lie in it. Only downloads cut short are deleted."""
    names = {file.name for file in wanted}
    strangers = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(_REPOSITORY) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in names:
            strangers.append(path.name)
    if strangers:
        raise FolderError(
            f"{folder} holds what the broker must not load: {', '.join(strangers[:3])}; "
            f"remove it, or name another folder in {JARS_VARIABLE}"
        )


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
