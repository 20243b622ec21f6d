"""The file of tokens: what it lets in, what is wrong with it, how it is changed while it is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import Tokens, TokensFileError, line_of, new_token, read_tokens

ALICE, BOB = Identity("alice", Role.OPERATOR), Identity("bob@desk", Role.VIEWER)
LINE = line_of(ALICE, "a")


def test_tokens_when_presented_then_their_holder_is_known_and_the_file_has_hashes_alone(tmp_path: Path) -> None:
    token, other = new_token(), new_token()
    path = tmp_path / "tokens"
    path.write_text(f"# the desk\n\n{line_of(ALICE, token)}  # since June\n{line_of(BOB, other)}\n")
    tokens = Tokens(path)
    assert (tokens.identify(token), tokens.identify(other)) == (ALICE, BOB)
    assert token not in path.read_text()
    for stranger in ("", " ", token[:-1], token + " ", token.swapcase(), "é", "\udcff", line_of(ALICE, token)):
        assert tokens.identify(stranger) is None


def test_a_changed_file_when_it_is_used_then_new_tokens_are_let_in_and_old_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(line_of(ALICE, "old"))
    tokens = Tokens(path)
    path.write_text(f"{line_of(ALICE, 'old')}\n{line_of(ALICE, 'new')}\n")
    assert tokens.identify("old") == tokens.identify("new") == ALICE
    fresh = tmp_path / "fresh"  # as a mounted secret changes: another file in the place of the first, of any time
    fresh.write_text(f"{line_of(ALICE, 'new')}\n{line_of(BOB, 'bob')}\n")
    os.utime(fresh, ns=(0, 0))
    fresh.replace(path)
    assert (tokens.identify("old"), tokens.identify("new"), tokens.identify("bob")) == (None, ALICE, BOB)


@pytest.mark.parametrize("broken", ["", "alice operator", "\0"])
def test_a_file_when_changed_into_a_wrong_one_then_nobody_is_let_in_until_it_is_right(
    broken: str, tmp_path: Path
) -> None:
    path = tmp_path / "tokens"
    path.write_text(LINE)
    tokens = Tokens(path)
    assert tokens.identify("a") == ALICE
    path.write_text(broken)
    for _ in range(2):
        with pytest.raises(TokensFileError):
            tokens.identify("a")
    path.unlink()
    with pytest.raises(TokensFileError, match="can't be read: No such file"):
        tokens.identify("a")
    path.write_text(LINE)
    assert tokens.identify("a") == ALICE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "f: found no token; allowed: lines such as NAME ROLE sha256:64_HEX_DIGITS"),
        ("# alice operator", "f: found no token"),
        ("alice operator", "f, line 1: found 2 words"),
        ("alice operator canary", "f, line 1: the third word is no hash"),
        (LINE.upper().replace("ALICE OPERATOR", "alice operator"), "the third word is no hash"),
        (
            f"{LINE}\n{LINE.replace('operator', 'admin')}",
            "line 2: the second word is no role; allowed: viewer, trader,",
        ),
        (LINE.replace("alice", "al/ice"), "line 1: the name is not"),
        (f"{LINE}\n{LINE.replace('alice', 'bob')}", "f, line 2: the same token as on f, line 1"),
    ],
)
def test_a_wrong_file_when_read_then_the_line_is_named_and_nothing_of_it_is_shown(text: str, says: str) -> None:
    with pytest.raises(TokensFileError) as refused:
        read_tokens(text, "f")
    assert says in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_role_includes_those_before_it() -> None:
    assert [[a.includes(b) for b in Role] for a in Role] == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
