"""A server under its keeper: how it starts, stops, crashes and goes down with its parent."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import psutil
import pytest

from tradewire.embedded import NotReadyError, ServerDiedError, StartCancelledError, quiet
from tradewire.embedded.server import Launch, Server, tail

OBEDIENT = "print('serving', flush=True); import signal; signal.sigwait([signal.SIGUSR1])"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('serving', flush=True); signal.pause()"
DYING = "import sys; print('\\n'.join(f'line {n}' for n in range(50))); sys.exit('no room on device')"
PARENT_OF_TWO = (
    "import subprocess, sys, signal\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], start_new_session=True)\n"
    "print('serving', child.pid, flush=True); signal.pause()"
)
OWNER = """
import sys; from pathlib import Path; from threading import Event
from tradewire.embedded import quiet
from tradewire.embedded.server import Launch, Server
class Sleeper:
    name = "sleeper"
    def launch(self):
        program = "import signal; signal.pause()"
        return Launch(argv=(sys.executable, "-c", program), folder=Path(sys.argv[1]), log=Path(sys.argv[1], "log"))
server = Server(Sleeper(), root=Path(sys.argv[1]))
server.start()
print(server.keeper_pid, server.pid, flush=True)
sys.stdin.read()
"""


class Program:
    """A part that runs a Python program and is ready when the program has printed `serving`."""

    name = "program"

    def __init__(self, folder: Path, code: str, *, quiet_s: float = 30.0) -> None:
        self.log = folder / "program.log"
        self._launch = Launch(
            argv=(sys.executable, "-c", code),
            folder=folder,
            log=self.log,
            grace_s=0.2,
            quiet_s=quiet_s,
        )

    def prepare(self) -> None:
        pass

    def launch(self) -> Launch:
        return self._launch

    def is_ready(self) -> bool:
        return "serving" in tail(self.log)

    def settle(self) -> None:
        pass


@contextmanager
def _running(program: Program, folder: Path) -> Iterator[Server]:
    server = Server(program, root=folder)
    server.start()
    try:
        server.wait_ready(cancelled=Event(), progress=quiet)
        yield server
    finally:
        server.kill()


def test_server_when_started_and_stopped_then_process_and_keeper_are_gone(tmp_path: Path) -> None:
    with _running(Program(tmp_path, OBEDIENT), tmp_path) as server:
        assert server.pid is not None
        assert server.keeper_pid is not None
        processes = [psutil.Process(server.pid), psutil.Process(server.keeper_pid)]
        alive_before = server.alive

        server.stop()

        assert (alive_before, server.alive) == (True, False)
        assert not any(process.is_running() for process in processes)


def test_server_when_it_ignores_the_stop_signal_then_it_is_killed_after_its_grace(tmp_path: Path) -> None:
    with _running(Program(tmp_path, STUBBORN), tmp_path) as server:
        server.stop()

        assert not server.alive


def test_server_when_it_leaves_a_child_behind_then_the_child_is_ended_too(tmp_path: Path) -> None:
    program = Program(tmp_path, PARENT_OF_TWO)
    with _running(program, tmp_path) as server:
        child = psutil.Process(int(program.log.read_text().split()[1]))

        server.kill()

        assert not child.is_running()


def test_server_when_killed_then_it_can_be_started_again(tmp_path: Path) -> None:
    with _running(Program(tmp_path, OBEDIENT), tmp_path) as server:
        first = server.pid
        server.kill()

        server.start()

        assert server.alive
        assert server.pid != first


def test_server_when_it_dies_at_start_then_error_has_code_log_and_last_20_lines(tmp_path: Path) -> None:
    program = Program(tmp_path, DYING)
    server = Server(program, root=tmp_path)
    server.start()

    with pytest.raises(ServerDiedError) as death:
        server.wait_ready(cancelled=Event(), progress=quiet)

    message = str(death.value)
    assert f"program ended with code 1 before it was ready; last lines of {program.log}:\nline 31\n" in message
    assert message.endswith("no room on device")


def test_server_when_program_is_missing_then_error_says_so(tmp_path: Path) -> None:
    program = Program(tmp_path, "")
    program._launch = Launch(argv=("/no/such/program",), folder=tmp_path, log=program.log)

    with pytest.raises(ServerDiedError, match=r"code 127 .*\n.*can't start /no/such/program: .*No such file"):
        Server(program, root=tmp_path).start()


def test_server_when_it_does_not_answer_in_time_then_error_names_the_wait_and_the_log(tmp_path: Path) -> None:
    server = Server(Program(tmp_path, "import signal; signal.pause()", quiet_s=0.1), root=tmp_path)
    server.start()

    with pytest.raises(NotReadyError, match=r"program did not answer within 0 s; last lines of .*log"):
        server.wait_ready(cancelled=Event(), progress=quiet)
    server.stop()


@pytest.mark.timeout(60)
def test_server_when_it_writes_to_its_log_for_ever_then_it_is_given_up(tmp_path: Path) -> None:
    chatter = "import time\nwhile True: print('no broker', flush=True); time.sleep(0.01)"
    server = Server(Program(tmp_path, chatter, quiet_s=0.3), root=tmp_path)
    server.start()

    with pytest.raises(NotReadyError, match="program did not answer within"):
        server.wait_ready(cancelled=Event(), progress=quiet)
    server.stop()


def test_server_when_start_is_cancelled_then_waiting_ends(tmp_path: Path) -> None:
    server = Server(Program(tmp_path, "import signal; signal.pause()"), root=tmp_path)
    server.start()
    cancelled = Event()
    cancelled.set()

    with pytest.raises(StartCancelledError, match="the start of program was given up"):
        server.wait_ready(cancelled=cancelled, progress=quiet)
    server.stop()


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_server_when_parent_is_gone_then_server_and_keeper_end(tmp_path: Path, how: str) -> None:
    with _owner(tmp_path) as (owner, processes):
        if how == "exit":
            assert owner.stdin is not None
            owner.stdin.close()
        else:
            owner.kill()

        _, alive = psutil.wait_procs(processes, timeout=120)

        assert not alive


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what a killed keeper left")
def test_server_when_keeper_is_killed_then_server_dies_with_it(tmp_path: Path) -> None:
    with _owner(tmp_path) as (_, (keeper, server)):
        keeper.send_signal(signal.SIGKILL)

        _, alive = psutil.wait_procs([server], timeout=120)

        assert not alive


def test_log_when_too_long_then_kept_as_previous_and_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(tmp_path, OBEDIENT)
    with program.log.open("wb") as log:
        log.truncate(17 * 1024 * 1024)

    with _running(program, tmp_path):
        assert program.log.stat().st_size < 1024
        assert program.log.with_suffix(".log.1").stat().st_size == 17 * 1024 * 1024


@contextmanager
def _owner(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[psutil.Process]]]:
    """A process that runs a server; with the keeper's and the server's process."""
    argv = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        yield owner, [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
