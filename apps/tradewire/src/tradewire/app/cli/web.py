"""``tradewire web | dashboard``: the pages of a platform, and the way to them."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tradewire.app.cli.environment import hold_names
from tradewire.app.cli.options import JsonOption, epilog
from tradewire.app.cli.output import CommandError, Exit, print_json, run_async, tell
from tradewire.app.cli.reach import ROOTS, Where
from tradewire.app.web.address import address, one_time_link
from tradewire.runtime.clock import SystemClock

ASK_SECONDS = 10.0
OpenOption = Annotated[bool, typer.Option("--open", help="Open the page in the browser too.")]
WebRootOption = Annotated[
    Path | None, typer.Option("--root", help="Folder of the platform; default: the one running under .tradewire/.")
]


def web(
    root: WebRootOption = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0: any that is free.")] = 0,
    open_page: OpenOption = False,
    as_json: JsonOption = False,
) -> None:
    """Serve the dashboard of a running platform on 127.0.0.1 until Ctrl-C; prints a link that opens it once."""
    from tradewire.app.web.server import serve  # a web server: a second that the other commands need not wait

    hold_names()
    folder, clock = _folder(root), SystemClock()

    before = address(folder)
    known = before is None or not _answers(before)

    async def work() -> None:
        async with serve(folder, clock, port=port, known=known) as taken:
            _show(one_time_link(folder, f"http://127.0.0.1:{taken}", clock), open_page=open_page, as_json=as_json)
            await asyncio.Event().wait()

    run_async(work)


def dashboard(root: WebRootOption = None, open_page: OpenOption = False, as_json: JsonOption = False) -> None:
    """Find the dashboard of a running platform and print a link that opens it once, within ten minutes."""
    folder = _folder(root)
    base = address(folder)
    if base is None or not _answers(base):
        raise CommandError(
            f"no dashboard serves the platform in {folder}; start one with `tradewire web`", Exit.UNREACHABLE
        )
    _show(one_time_link(folder, base, SystemClock()), open_page=open_page, as_json=as_json)


def show_link(root: Path, *, open_page: bool, say: Callable[[str], None] = tell) -> None:
    """Say where the dashboard of a platform is, and open it where asked to."""
    base = address(root)
    if base is not None:
        link = one_time_link(root, base, SystemClock())
        say(f"dashboard: {link}")
        if open_page:
            webbrowser.open(link)


def _folder(root: Path | None) -> Path:
    """Folder of the platform that runs. Raises CommandError when none does."""
    return Where(root).running()[0]


def _answers(base: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{base}/health", timeout=ASK_SECONDS).is_success
    except httpx.HTTPError:
        return False


def _show(link: str, *, open_page: bool, as_json: bool) -> None:
    if as_json:
        print_json({"url": link})
    else:
        tell(f"dashboard: {link}")
    sys.stdout.flush()  # whoever reads a pipe waits for it
    if open_page:
        webbrowser.open(link)


def add_to(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("web", epilog=epilog("tradewire web", "tradewire web --port 8420 --open"))(web)
    app.command("dashboard", epilog=epilog("tradewire dashboard --open", f"tradewire dashboard --root {ROOTS[0]}"))(
        dashboard
    )
