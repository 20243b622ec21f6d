"""Real servers with nothing but Python: Kafka, PostgreSQL, a schema registry, Redis."""

from tradewire.app.stack.errors import (
    FetchError,
    FolderError,
    JavaMissingError,
    NotReadyError,
    PortTakenError,
    ServerDiedError,
    StackBusyError,
    StackError,
    StartCancelledError,
)
from tradewire.app.stack.jars import fetch
from tradewire.app.stack.paths import StackPaths
from tradewire.app.stack.progress import Phase, Progress, Step, quiet
from tradewire.app.stack.stack import Stack
from tradewire.app.stack.state import Endpoints, StackState, is_running, read_state, shut_down

__all__ = [
    "Endpoints",
    "FetchError",
    "FolderError",
    "JavaMissingError",
    "NotReadyError",
    "Phase",
    "PortTakenError",
    "Progress",
    "ServerDiedError",
    "Stack",
    "StackBusyError",
    "StackError",
    "StackPaths",
    "StackState",
    "StartCancelledError",
    "Step",
    "fetch",
    "is_running",
    "quiet",
    "read_state",
    "shut_down",
]
