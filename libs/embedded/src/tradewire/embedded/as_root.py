"""What a start by root changes on the machine, because PostgreSQL refuses to run as root; and how it is undone.

Three things: a system user that the server runs as, other users' passage (not listing) through the folders above its
data and programs, and the data's owner. They are written down in the stack's folder as they are made.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tradewire.embedded.errors import FolderError
from tradewire.embedded.server import SystemUser

ACCOUNT_NAME = "tradewire-postgres"
FILE = "as-root.json"


@dataclass(slots=True)
class RootChanges:
    """What was changed. ``modes``: of folders, before; ``user_made``: whether the user is ours to remove."""

    modes: dict[str, int] = field(default_factory=dict)
    user_made: bool = False

    @classmethod
    def read(cls, folder: Path) -> RootChanges:
        """Those of the stack in ``folder``."""
        try:
            return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, folder: Path) -> None:
        """Note them."""
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


def server_account(folder: Path) -> SystemUser:
    """The user that root starts the server as: one of its own, or `nobody` where none can be made."""
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        _make_user(folder)
        try:
            entry = pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            entry = pwd.getpwnam("nobody")
    return SystemUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _make_user(folder: Path) -> None:
    useradd = shutil.which("useradd")
    if useradd is None:
        return
    argv = (useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME)
    if subprocess.run(argv, check=False, capture_output=True).returncode == 0:  # noqa: S603  fixed arguments
        changes = RootChanges.read(folder)
        changes.user_made = True
        changes.write(folder)


def let_through(path: Path, folder: Path) -> None:
    """Let other users pass through (not list) the folders above `path`, as the server's own user must."""
    for above in path.parents:
        mode = above.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        changes = RootChanges.read(folder)
        changes.modes.setdefault(str(above), stat.S_IMODE(mode))
        changes.write(folder)
        try:
            above.chmod(mode | stat.S_IXOTH)
        except OSError as error:
            raise FolderError(f"PostgreSQL can't pass through {above} to {path}: {error.strerror}") from error


def give(path: Path, account: SystemUser) -> None:
    """Make `account` the owner of everything under `path`."""
    for place in (path, *path.rglob("*")):
        os.chown(place, account.uid, account.gid, follow_symlinks=False)


def undo(folder: Path, data: Path) -> list[str]:
    """Undo what the stack in ``folder`` changed, once its server has ended; returns what was undone, in words.

    ``data``: the server's, which stays, as root's own. The user stays while a process runs as it.
    """
    changes, said = RootChanges.read(folder), list[str]()
    if os.geteuid() != 0:
        return said
    if data.is_dir() and data.stat().st_uid != 0:
        give(data, SystemUser(uid=0, gid=0))
        said.append(f"gave {data} back to root")
    for path, mode in changes.modes.items():
        if Path(path).is_dir():
            Path(path).chmod(mode)
            said.append(f"closed {path} to others again")
    userdel = shutil.which("userdel")
    busy = any(process.info["username"] == ACCOUNT_NAME for process in psutil.process_iter(["username"]))
    if changes.user_made and userdel is not None and not busy:
        subprocess.run((userdel, ACCOUNT_NAME), check=False, capture_output=True)  # noqa: S603  fixed arguments
        said.append(f"removed the user {ACCOUNT_NAME}")
    (folder / FILE).unlink(missing_ok=True)
    return said
