"""The embedded stack: real servers on this machine, from Python packages alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event, Lock, RLock
from types import TracebackType
from typing import Self

from tradewire.embedded.errors import StackError, StartCancelledError
from tradewire.embedded.jars import require
from tradewire.embedded.kafka import KafkaPart
from tradewire.embedded.lock import FolderLock
from tradewire.embedded.ownership import claim
from tradewire.embedded.paths import StackPaths, check_room, make_folder
from tradewire.embedded.ports import choose_ports
from tradewire.embedded.postgres import PostgresPart
from tradewire.embedded.process_mark import ProcessMark
from tradewire.embedded.progress import Phase, Progress, Step, quiet
from tradewire.embedded.redis import RedisPart
from tradewire.embedded.registry import RegistryPart
from tradewire.embedded.server import Server, ServerPart
from tradewire.embedded.state import Endpoints, StackState, end_leftovers, write_state

# Ports that no client uses.
SECOND_PORTS = {"kafka": "kafka-controller", "registry": "registry-management"}
ROOM_NEEDED_BYTES = 512 * 1024 * 1024


class Stack:
    """Starts, watches and stops the servers of one folder.

    All methods block; from a coroutine call them through `asyncio.to_thread`. They may be called from any thread. When
    the process ends without `stop`, even by SIGKILL, the servers are ended by their keepers.

    Parameters: kafka, postgres, registry, redis: the parts to run (the registry needs kafka); ports: loopback ports
    that are asked for, by name `kafka`, `postgres`, `registry`, `redis`, `kafka-controller`, `registry-management`; the
    others are chosen; external: servers of the user's own, for those who ask where everything is.
    """

    def __init__(
        self,
        paths: StackPaths,
        *,
        kafka: bool = True,
        postgres: bool = True,
        registry: bool = True,
        redis: bool = False,
        ports: Mapping[str, int] | None = None,
        external: Endpoints | None = None,
    ) -> None:
        if registry and not kafka:
            raise StackError("the registry keeps its schemas in Kafka: run both or neither")
        self.paths = paths
        flags = {"kafka": kafka, "postgres": postgres, "registry": registry, "redis": redis}
        self.parts = tuple(name for name, wanted in flags.items() if wanted)
        self._asked_ports = dict(ports or {})
        self._lock = FolderLock(paths.lock_file, root=paths.root)
        self._servers: dict[str, Server] = {}
        self._mutex = RLock()
        self._state_mutex = Lock()
        self._cancelled = Event()
        self._ready = False
        self._external = external or Endpoints()
        self.endpoints = self._external

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, progress: Progress = quiet, *, later: Container[str] = ()) -> None:
        """Start all parts, in parallel where they don't need each other; returns when every one serves.

        What was fetched before is used; nothing is downloaded. After an error nothing is left running. Parts in `later`
        are left for `restart` to start when they are needed.

        Raises: StackBusyError, FolderError, PortTakenError, FetchError, JavaMissingError, ServerDiedError,
        NotReadyError; any other StackError.
        """
        tell = _one_at_a_time(progress)
        claim(self.paths.root)
        make_folder(self.paths.root, purpose="the stack's data")
        make_folder(self.paths.logs, purpose="the stack's logs")
        check_room(self.paths.root, needed_bytes=ROOM_NEEDED_BYTES, purpose="the stack's data")
        self._lock.acquire()
        try:
            end_leftovers(self.paths, tell)
            if "kafka" in self.parts:
                require(self.paths, registry="registry" in self.parts and "registry" not in later)
            self._cancelled.clear()
            self._build()
            self._start_all(tell, later)
            self._ready = True
            self._write_state()
        except BaseException:
            self._cancelled.set()
            self.stop(tell)
            raise

    def stop(self, progress: Progress = quiet) -> None:
        """End all parts in order, each with time to save its data; harmless when nothing runs."""
        tell = _one_at_a_time(progress)
        self._cancelled.set()
        with self._mutex:
            self._ready = False
            if not self._servers:
                self._lock.release()
                return
            with ThreadPoolExecutor() as pool:
                for chain in self._chains():
                    pool.submit(self._stop_chain, tuple(reversed(chain)), tell)
            self._servers.clear()
            self.paths.state_file.unlink(missing_ok=True)
            self._lock.release()

    def restart(self, part: str, progress: Progress = quiet) -> None:
        """End one part if it runs and start it again, on the same port with the same data.

        Raises: as `start`, but leaves the other parts running.
        """
        tell = _one_at_a_time(progress)
        with self._mutex:
            self._stop_chain((part,), tell)
            # In a thread of its own, since the caller's may have a running event loop.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self._start_chain, (part,), tell).result()

    def kill(self, part: str) -> None:
        """SIGKILL one part, as a crash would end it; returns when it is gone. `restart` brings it back."""
        self._server(part).kill()

    def dead(self) -> tuple[str, ...]:
        """The parts that don't run: killed, crashed or stopped."""
        return tuple(part for part, server in self._servers.items() if not server.alive)

    def pid(self, part: str) -> int | None:
        """Process id of a part's server; None when it does not run."""
        server = self._server(part)
        return server.pid if server.alive else None

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address. Raises: StackError when the stack does not run it."""
        return _required(self.endpoints.bootstrap_servers, "kafka")

    @property
    def registry_url(self) -> str:
        """Base URL of the registry's Confluent API. Raises: StackError when the stack does not run it."""
        return _required(self.endpoints.registry_url, "registry")

    @property
    def redis_url(self) -> str:
        """Address of Redis. Raises: StackError when the stack does not run it."""
        return _required(self.endpoints.redis_url, "redis")

    def postgres_dsn(self, database: str) -> str:
        """Address of a database, which is made when missing; may be called with or without a running event loop.

        Raises: StackError when the stack does not run PostgreSQL, or the name is not a plain identifier.
        """
        _required(self.endpoints.postgres_dsn, "postgres")
        part = self._server("postgres").part
        assert isinstance(part, PostgresPart), "the part named postgres is PostgreSQL"
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(part.ensure_database, database).result()

    def _build(self) -> None:
        names = [*self.parts, *(second for part, second in SECOND_PORTS.items() if part in self.parts)]
        ports = choose_ports(names, asked=self._asked_ports, root=self.paths.root)
        parts: list[ServerPart] = []
        kafka, postgres, registry, redis = None, None, None, None
        if "kafka" in self.parts:
            kafka = KafkaPart(self.paths, port=ports["kafka"], controller_port=ports["kafka-controller"])
            parts.append(kafka)
        if "postgres" in self.parts:
            postgres = PostgresPart(self.paths, port=ports["postgres"])
            parts.append(postgres)
        if kafka is not None and "registry" in self.parts:
            registry = RegistryPart(
                self.paths,
                port=ports["registry"],
                management_port=ports["registry-management"],
                bootstrap_servers=kafka.bootstrap_servers,
            )
            parts.append(registry)
        if "redis" in self.parts:
            redis = RedisPart(self.paths, port=ports["redis"])
            parts.append(redis)
        self.endpoints = Endpoints(
            bootstrap_servers=kafka.bootstrap_servers if kafka else None,
            postgres_dsn=postgres.dsn() if postgres else None,
            registry_url=registry.url if registry else self._external.registry_url,
            redis_url=redis.url if redis else None,
            bus_url=self._external.bus_url,
        )
        self._servers = {part.name: Server(part, root=self.paths.root) for part in parts}

    def _chains(self) -> list[tuple[str, ...]]:
        """Parts that need each other, in order; the chains are independent."""
        chains = (("kafka", "registry"), ("postgres",), ("redis",))
        return [tuple(part for part in chain if part in self._servers) for chain in chains]

    def _start_all(self, progress: Progress, later: Container[str]) -> None:
        chains = [tuple(part for part in chain if part not in later) for chain in self._chains()]
        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(self._start_chain, chain, progress) for chain in chains]
            try:
                wait(jobs, return_when=FIRST_EXCEPTION)
            finally:
                if not all(job.done() and job.exception() is None for job in jobs):
                    self._cancelled.set()
        _raise_first(jobs)

    def _start_chain(self, chain: tuple[str, ...], progress: Progress) -> None:
        for name in chain:
            server = self._server(name)
            progress(Step(name, Phase.PREPARE))
            server.part.prepare()
            if self._cancelled.is_set():
                raise StartCancelledError(f"the start of {name} was given up")
            progress(Step(name, Phase.START))
            server.start()
            self._write_state()
            elapsed_s = server.wait_ready(cancelled=self._cancelled, progress=progress)
            server.part.settle()
            progress(Step(name, Phase.READY, elapsed_s=elapsed_s))

    def _stop_chain(self, chain: tuple[str, ...], progress: Progress) -> None:
        for name in chain:
            if self._server(name).alive:
                progress(Step(name, Phase.STOP))
            self._server(name).stop()
            progress(Step(name, Phase.STOPPED))

    def _server(self, part: str) -> Server:
        if part not in self._servers:
            raise StackError(f"the stack does not run {part!r}; it runs {', '.join(self._servers) or 'nothing'}")
        return self._servers[part]

    def _write_state(self) -> None:
        with self._state_mutex:
            marks = {
                name: tuple(ProcessMark.of(pid) for pid in (server.pid, server.keeper_pid) if pid is not None)
                for name, server in self._servers.items()
            }
            owner = ProcessMark.of(os.getpid())
            state = StackState(owner=owner, ready=self._ready, endpoints=self.endpoints, servers=marks)
            write_state(self.paths, state)


def _required(endpoint: str | None, part: str) -> str:
    if endpoint is None:
        raise StackError(f"the stack does not run {part}")
    return endpoint


def _raise_first(jobs: list[Future[None]]) -> None:
    """Raise the error that came first, not the cancellations that it caused."""
    errors = [error for job in jobs if (error := job.exception()) is not None]
    causes = [error for error in errors if not isinstance(error, StartCancelledError)]
    if errors:
        raise (causes or errors)[0]


def _one_at_a_time(progress: Progress) -> Callable[[Step], None]:
    """Parts report from threads of their own; the watcher need not care."""
    mutex = RLock()

    def tell(step: Step) -> None:
        with mutex:
            progress(step)

    return tell
