"""The stack's rules that need no server: folders, ports, locks, leftovers, and the files it downloads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewire.embedded import (
    FetchError,
    FolderError,
    PortTakenError,
    Stack,
    StackError,
    StackPaths,
    fetch,
    jars,
    read_state,
    shut_down,
)
from tradewire.embedded.kafka import cluster_id
from tradewire.embedded.lockfile import LockedFile, digest, locked_files, parse
from tradewire.embedded.paths import check_room, make_folder
from tradewire.embedded.ports import FIRST_PORT, LAST_PORT, choose_ports
from tradewire.embedded.process_mark import ProcessMark
from tradewire.embedded.state import Endpoints, StackState, end_leftovers, is_running, write_state

SLEEPER = "import sys; sys.stdin.read()"


@pytest.fixture
def paths(tmp_path: Path) -> StackPaths:
    (tmp_path / "root").mkdir()
    return StackPaths.under(tmp_path / "root", jars=tmp_path / "jars")


@pytest.fixture
def sleeper(paths: StackPaths) -> Iterator[subprocess.Popen[bytes]]:
    """A process that names the stack's folder on its command line and ends with its input."""
    argv = [sys.executable, "-c", SLEEPER, str(paths.root / "kafka")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_paths_when_jars_variable_set_then_it_names_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIRE_JARS", str(tmp_path / "mirror"))

    assert StackPaths.under(tmp_path).jars == tmp_path / "mirror"


def test_cluster_id_when_any_folder_then_own_stable_and_no_option() -> None:
    folders = [Path(f"/somewhere/{number}/kafka/data") for number in range(1_000)]
    ids = [cluster_id(folder) for folder in folders]

    assert ids == [cluster_id(folder) for folder in folders]
    assert len(set(ids)) == len(folders)
    assert {len(found) for found in ids} == {22}
    assert [found for found in ids if found.startswith("-")] == []


def test_make_folder_when_a_file_is_in_the_way_then_error_names_path_and_purpose(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(FolderError, match=r"can't write the broker's data to .*file/data: Not a directory"):
        make_folder(tmp_path / "file" / "data", purpose="the broker's data")


def test_check_room_when_disk_is_too_small_then_error_tells_free_and_needed(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"MiB left, the stack's data need 1073741824 MiB"):
        check_room(tmp_path, needed_bytes=2**50, purpose="the stack's data")


def test_choose_ports_when_asked_port_is_taken_then_error_names_part_and_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortTakenError, match=f"port {port} of kafka is taken"):
            choose_ports(["kafka"], asked={"kafka": port}, root=tmp_path)


def test_choose_ports_when_nothing_is_asked_then_distinct_stable_and_outside_the_outgoing_range(tmp_path: Path) -> None:
    names = ["kafka", "kafka-controller", "postgres", "registry", "redis"]

    chosen = choose_ports(names, asked={}, root=tmp_path)

    assert chosen == choose_ports(names, asked={}, root=tmp_path)
    assert len(set(chosen.values())) == len(names)
    assert all(FIRST_PORT <= port < LAST_PORT for port in chosen.values())


def test_choose_ports_when_first_choice_is_taken_then_next_is_used(tmp_path: Path) -> None:
    first = choose_ports(["kafka"], asked={}, root=tmp_path)["kafka"]
    with socket.create_server(("127.0.0.1", first)):
        assert choose_ports(["kafka"], asked={}, root=tmp_path)["kafka"] != first


def test_leftovers_when_process_is_the_stacks_own_then_it_is_ended(
    paths: StackPaths, sleeper: subprocess.Popen[bytes]
) -> None:
    _write(paths, ProcessMark.of(sleeper.pid))

    assert end_leftovers(paths) == (sleeper.pid,)
    assert sleeper.poll() is not None
    assert read_state(paths) is None


def test_leftovers_when_pid_was_given_to_a_stranger_then_it_lives(
    paths: StackPaths, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    mark = ProcessMark.of(sleeper.pid)
    born_earlier = ProcessMark(mark.pid, mark.started_s - 60.0, mark.command)
    elsewhere = StackPaths.under(tmp_path / "elsewhere", jars=tmp_path)
    elsewhere.root.mkdir()
    _write(paths, born_earlier)
    _write(elsewhere, mark)

    assert end_leftovers(paths) == ()
    assert end_leftovers(elsewhere) == ()
    assert sleeper.poll() is None


def test_state_when_written_then_read_back_the_same(paths: StackPaths) -> None:
    state = _write(paths, ProcessMark.of(os.getpid()))

    assert read_state(paths) == state


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"owner": {"pid": "x"}}'])
def test_state_when_file_is_broken_then_there_is_none(paths: StackPaths, text: str) -> None:
    paths.state_file.write_text(text)

    assert read_state(paths) is None


def test_shut_down_when_nothing_runs_then_says_so(paths: StackPaths) -> None:
    assert shut_down(paths) is False


def test_stack_when_registry_without_kafka_then_refused(paths: StackPaths) -> None:
    with pytest.raises(StackError, match="the registry keeps its schemas in Kafka"):
        Stack(paths, kafka=False)


def test_start_when_root_is_a_file_then_folder_error(tmp_path: Path) -> None:
    (tmp_path / "root").write_text("in the way")

    with pytest.raises(FolderError, match="can't write the stack's data"):
        Stack(StackPaths.under(tmp_path / "root", jars=tmp_path)).start()


def test_start_when_nothing_was_fetched_then_error_tells_how_and_lock_is_free(paths: StackPaths) -> None:
    with pytest.raises(FetchError, match=r"93 files of the broker are not in .*; run `tradewire setup`"):
        Stack(paths).start()

    assert not is_running(paths)


def test_start_when_asked_port_is_taken_then_refused_and_lock_is_free(paths: StackPaths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        stack = Stack(paths, kafka=False, registry=False, ports={"postgres": port})

        with pytest.raises(PortTakenError, match=f"port {port} of postgres"):
            stack.start()

    assert not is_running(paths)


def test_lock_list_when_read_then_every_kafka_jar_has_the_brokers_version() -> None:
    kafka = [file for file in locked_files("kafka") if file.group == "org.apache.kafka"]

    assert "kafka-clients" in {file.artifact for file in kafka}
    assert {file.version for file in kafka} == {"4.3.1"}
    assert all(parse(file.line) == file for file in kafka)
    assert len(locked_files("registry")) == 1


def test_fetch_when_server_sends_other_bytes_then_refused_and_nothing_is_kept(
    paths: StackPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve_from(tmp_path, monkeypatch, {"one-1.jar": b"right"}, locked={"one-1.jar": b"wrong"})

    with pytest.raises(FetchError, match=r"one-1\.jar has SHA-256 \w{64}, locked is \w{64}"):
        fetch(paths, registry=False)

    assert list(jars.kafka_jars(paths).iterdir()) == []


def test_fetch_when_repository_does_not_answer_then_error_asks_for_the_network(
    paths: StackPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve_from(tmp_path, monkeypatch, {}, locked={"one-1.jar": b"bytes"})

    with pytest.raises(FetchError, match=r"can't download group:one:1 .*is there a network"):
        fetch(paths, registry=False)


def test_fetch_when_a_file_is_corrupt_then_only_that_is_repaired(
    paths: StackPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"one-1.jar": b"one", "two-1.jar": b"two"}
    asked = _serve_from(tmp_path, monkeypatch, content, locked=content)
    fetch(paths, registry=False)
    folder = jars.kafka_jars(paths)
    (folder / "two-1.jar").write_bytes(b"owt")
    (folder / ".repository-cut-short").mkdir()
    asked.clear()

    fetch(paths, registry=False)

    assert asked == ["two-1.jar"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == content


def test_fetch_when_a_strange_file_lies_there_then_refused_and_it_stays(
    paths: StackPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"one-1.jar": b"one"}
    _serve_from(tmp_path, monkeypatch, content, locked=content)
    fetch(paths, registry=False)
    trap = jars.kafka_jars(paths) / "kafka-clients-3.9.1.jar"
    trap.write_bytes(b"the resolver's trap")

    with pytest.raises(FolderError, match=r"what the broker must not load: kafka-clients-3\.9\.1\.jar; remove it"):
        fetch(paths, registry=False)
    assert trap.exists()


def _write(paths: StackPaths, mark: ProcessMark) -> StackState:
    endpoints = Endpoints(bootstrap_servers="127.0.0.1:1")
    state = StackState(owner=ProcessMark.of(os.getpid()), ready=True, endpoints=endpoints, servers={"kafka": (mark,)})
    write_state(paths, state)
    return state


def _serve_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, bytes], *, locked: dict[str, bytes]
) -> list[str]:
    """Put a small repository in the place of the real one; returns the names of the files that are asked for."""
    asked: list[str] = []

    def listed(part: str) -> tuple[LockedFile, ...]:
        return tuple(_locked(folder, name, data) for name, data in locked.items())

    def resolve(file: LockedFile, repository: Path) -> Path:
        asked.append(file.name)
        if file.name not in content:
            raise ConnectionError("no route")
        repository.mkdir(parents=True, exist_ok=True)
        (repository / file.name).write_bytes(content[file.name])
        return repository / file.name

    monkeypatch.setattr(jars, "locked_files", listed)
    monkeypatch.setattr(jars, "_resolve", resolve)
    return asked


def _locked(folder: Path, name: str, data: bytes) -> LockedFile:
    (folder / name).write_bytes(data)
    artifact = name.removesuffix("-1.jar")
    return LockedFile("kafka", "group", artifact, "1", "", "jar", len(data), digest(folder / name))
