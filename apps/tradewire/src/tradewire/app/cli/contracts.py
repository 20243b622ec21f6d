"""``tradewire contracts``: our schemas compared with a registry, and registered."""

from __future__ import annotations

import typer

from tradewire.app.cli.options import JsonOption, RegistryOption, RootOption, epilog
from tradewire.app.cli.output import Exit, print_json, run_async, tell
from tradewire.app.cli.reach import Where
from tradewire.app.operating.permission import permitted
from tradewire.runtime.access.roles import Role
from tradewire.runtime.codec import schema_registry as registry
from tradewire.runtime.codec.schema_registry import RegistryReport

app = typer.Typer(
    help="Compare the schemas of contracts/ with a registry, and register them.",
    no_args_is_help=True,
    epilog=epilog("tradewire contracts check"),
)


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="contracts")


@app.command(epilog=epilog("tradewire contracts check"))
def check(root: RootOption = None, registry_url: RegistryOption = None, as_json: JsonOption = False) -> None:
    """Does the registry hold our schemas with their compatibility levels? Exit code 1 when it does not."""
    report = run_async(lambda: registry.check(Where(root, registry_url=registry_url).registry()))
    _show(report, as_json=as_json)
    if not report.clean:
        raise typer.Exit(Exit.REFUSED)


@app.command(epilog=epilog("tradewire contracts diff"))
def diff(root: RootOption = None, registry_url: RegistryOption = None, as_json: JsonOption = False) -> None:
    """Show every subject that differs, field by field. Exit code 1 when the registry forbids one of our schemas."""
    report = run_async(lambda: registry.diff(Where(root, registry_url=registry_url).registry()))
    if as_json:
        print_json(report)
    elif report.subjects:
        tell("\n".join(line for subject in report.subjects for line in subject.lines()))
    else:
        tell(f"no differences to the registry at {report.url}", style="green")
    if report.incompatible:
        raise typer.Exit(Exit.REFUSED)


@app.command(epilog=epilog("tradewire contracts register"))
def register(root: RootOption = None, registry_url: RegistryOption = None, as_json: JsonOption = False) -> None:
    """Register our schemas and set each subject's compatibility level. Again is harmless."""
    permitted(Role.OPERATOR)
    _show(run_async(lambda: registry.register(Where(root, registry_url=registry_url).registry())), as_json=as_json)


def _show(report: RegistryReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        tell(str(report), style="green" if report.clean else "red" if report.incompatible else "yellow")
