"""What can go wrong with the embedded stack. Every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path

from tradewire.embedded.process_mark import ProcessMark
from tradewire.ports.errors import FatalError


class StackError(FatalError):
    """Root of the stack's errors; its text is meant for the person at the terminal."""


class FetchError(StackError):
    """The servers' files could not be downloaded, or are not the ones that were locked."""


class JavaMissingError(StackError):
    """No Java runtime was found for the broker and the registry."""


class FolderError(StackError):
    """A folder can't be made or written, or its disk has too little room."""


class PortTakenError(StackError):
    """A port that was asked for belongs to another program."""

    def __init__(self, part: str, port: int) -> None:
        super().__init__(
            f"port {port} of {part} is taken by another program on 127.0.0.1; end that program, or ask for another port"
        )
        self.part = part
        self.port = port


class StackBusyError(StackError):
    """Another stack runs on the same folder. ``pid`` is None while its process can't be named."""

    def __init__(self, root: Path, holder: ProcessMark | None) -> None:
        self.pid = None if holder is None else holder.pid
        if holder is None:
            super().__init__(
                f"another stack is just starting or stopping on {root}: try again, or choose another folder"
            )
        else:
            super().__init__(
                f"a stack already runs on {root}: pid {holder.pid} ({holder.command or '?'}); "
                f"stop it with `tradewire down` or `kill {holder.pid}`, or choose another folder"
            )


class ServerDiedError(StackError):
    """A server ended while it should have been starting."""

    def __init__(self, part: str, *, code: int | None, log: Path, tail: str) -> None:
        super().__init__(f"{part} ended with code {code} before it was ready; last lines of {log}:\n{tail}")
        self.part = part
        self.log = log


class NotReadyError(StackError):
    """A server runs but did not answer within its time."""

    def __init__(self, part: str, *, waited_s: float, log: Path, tail: str) -> None:
        super().__init__(f"{part} did not answer within {waited_s:.0f} s; last lines of {log}:\n{tail}")
        self.part = part
        self.log = log


class StartCancelledError(StackError):
    """The start was given up because another part failed or the user interrupted it."""
