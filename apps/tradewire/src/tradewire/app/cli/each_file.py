"""Commands that take several files: an answer for each, and the worst exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import typer

from tradewire.app.cli.output import CommandError, Exit, plain, print_json, tell

T = TypeVar("T")


class FileAnswers(NamedTuple, Generic[T]):
    """How a command answers for a file: ``ask`` raises CommandError for one that can't be read."""

    ask: Callable[[Path], T]
    is_valid: Callable[[T], bool]
    document: Callable[[T], object]
    show: Callable[[Path, T], None]


def answer_each(files: Sequence[Path], answers: FileAnswers[T], *, as_json: bool) -> None:
    """Show the answer for each file; of several, JSON is a list that names the files. Exits with the worst code.

    Raises: CommandError when the only file can't be read; of several it is an answer like the others.
    """
    worst = Exit.DONE
    documents: list[object] = []
    for file in files:
        try:
            found = answers.ask(file)
        except CommandError as error:
            if len(files) == 1:
                raise
            worst = max(worst, error.code)
            documents.append({"file": file, "valid": False, "error": str(error)})
            if not as_json:
                tell(str(error), style="red")
            continue
        worst = max(worst, Exit.DONE if answers.is_valid(found) else Exit.REFUSED)
        document = plain(answers.document(found))
        documents.append({"file": file, **document} if len(files) > 1 else document)
        if not as_json:
            answers.show(file, found)
    if as_json:
        print_json(documents if len(files) > 1 else documents[0])
    if worst:
        raise typer.Exit(worst)
