"""``tradewire token``: tokens with roles for the file that ``TRADEWIRE_TOKENS_FILE`` names."""

from __future__ import annotations

from typing import Annotated

import typer

from tradewire.app.cli.options import JsonOption, epilog
from tradewire.app.cli.output import Exit, fail, print_json, say, tell
from tradewire.runtime.access.roles import Identity, Role
from tradewire.runtime.access.tokens import NAME, line_of, new_token


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Make tokens for people and programs, each with a role.",
        no_args_is_help=True,
        epilog=epilog("tradewire token new alice operator"),
    )
    group.command("new", epilog=epilog("tradewire token new alice operator"))(new)
    app.add_typer(group, name="token")


def new(
    name: Annotated[str, typer.Argument(help="Who gets it; stands in audit events.")],
    role: Annotated[Role, typer.Argument(help="What it lets its holder do.")],
    as_json: JsonOption = False,
) -> None:
    """Print a new token, which is kept nowhere, and its line for the file that TRADEWIRE_TOKENS_FILE names."""
    if NAME.fullmatch(name) is None:
        fail(f"NAME: found {name!r}; allowed: 1 to 64 letters, digits and . _ @ -, a letter or digit first", Exit.USAGE)
    token = new_token()
    line = line_of(Identity(name, role), token)
    if as_json:
        print_json({"name": name, "role": role, "token": token, "line": line})
        return
    say(f"The token of {name}, shown this once, then its line for the file of tokens:")
    tell(token)
    tell(line)
