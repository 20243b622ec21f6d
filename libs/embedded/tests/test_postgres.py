"""PostgreSQL of the embedded stack: who may enter, and what a start by root leaves on the machine."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg
import pytest

from tradewire.embedded import Stack, StackPaths
from tradewire.embedded.as_root import undo

pytest_plugins = ["tradewire.embedded.fixtures"]


async def test_postgres_when_asked_without_its_password_then_refuses_and_nobody_else_may_read_it(stack: Stack) -> None:
    dsn = stack.postgres_dsn("guarded")
    password = (stack.paths.part("postgres") / "password").read_text()
    assert (len(password) >= 32, f":{password}@" in dsn) == (True, True)
    for path in (stack.paths.part("postgres") / "password", stack.paths.state_file):
        assert path.stat().st_mode & 0o077 == 0
    for wrong in (dsn.replace(f":{password}@", "@"), dsn.replace(password, "guess")):
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
            await asyncpg.connect(wrong)
    assert all(password not in log.read_text(errors="replace") for log in stack.paths.logs.rglob("*.log"))


async def test_postgres_when_its_data_was_made_without_a_password_then_asks_for_one_from_the_next_start_on(
    open_folder: Path,
) -> None:
    paths = StackPaths.under(open_folder)
    with Stack(paths, kafka=False, registry=False) as first:
        first.start()
        await (await asyncpg.connect(first.postgres_dsn("kept"))).execute("ALTER ROLE postgres PASSWORD NULL")
    rules = paths.part("postgres") / "data/pg_hba.conf"
    rules.write_text(rules.read_text().replace("scram-sha-256", "trust"))
    (paths.part("postgres") / "password").unlink()
    with Stack(paths, kafka=False, registry=False) as second:
        second.start()
        dsn = second.postgres_dsn("kept")
        await (await asyncpg.connect(dsn)).close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(dsn.rpartition(":")[0].rpartition(":")[0] + ":no@" + dsn.rpartition("@")[2])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes anything outside the stack's folder")
def test_start_as_root_when_undone_then_folders_and_owner_are_as_before(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    paths = StackPaths.under(closed / "stack")
    with Stack(paths, kafka=False, registry=False) as stack:
        stack.start()
        assert closed.stat().st_mode & 0o777 == 0o701
        assert paths.part("postgres").stat().st_uid != 0
    said = undo(paths.root, paths.part("postgres"))
    assert any(str(closed) in line for line in said)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_uid == 0 for path in paths.root.rglob("*"))
    assert undo(paths.root, paths.part("postgres")) == []
    with Stack(paths, kafka=False, registry=False) as again:
        again.start()
    undo(paths.root, paths.part("postgres"))
