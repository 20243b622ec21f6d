"""``tradewire token new``: what it prints lets its holder in."""

from __future__ import annotations

import json

import pytest

from tradewire.app.cli.entry import main
from tradewire.app.cli.output import Exit
from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import line_of, read_tokens


def test_a_new_token_is_let_in_by_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "new", "alice", "operator", "--json"]) == Exit.DONE
    made = json.loads(capsys.readouterr().out)
    identity = Identity("alice", Role.OPERATOR)
    assert made["line"] == line_of(identity, made["token"])
    assert [entry.identity for entry in read_tokens(made["line"], "tokens")] == [identity]
    assert main(["token", "new", "alice", "operator"]) == Exit.DONE
    token, line = capsys.readouterr().out.splitlines()
    assert line == line_of(identity, token)
    assert token != made["token"]


@pytest.mark.parametrize("name", ["al ice", "", "-", "a" * 65, "é"])
def test_a_name_that_the_file_would_not_take_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "new", "--json", "--", name, "viewer"]) == Exit.USAGE
    assert "allowed: 1 to 64 letters" in json.loads(capsys.readouterr().out)["error"]
