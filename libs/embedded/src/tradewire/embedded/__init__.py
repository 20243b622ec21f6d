"""Real servers with nothing but Python: Kafka, PostgreSQL, a schema registry, Redis."""

from tradewire.embedded.errors import (
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
from tradewire.embedded.jars import fetch
from tradewire.embedded.paths import StackPaths
from tradewire.embedded.progress import Phase, Progress, Step, quiet
from tradewire.embedded.stack import Stack
from tradewire.embedded.state import Endpoints, StackState, is_running, read_state, shut_down

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
