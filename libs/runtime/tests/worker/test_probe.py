"""The health check of a container: what it asks, and the exit code that it ends with."""

from __future__ import annotations

import asyncio
import sys

import pytest
from fastapi import FastAPI, Response

from tradewire.runtime.observe.health import HealthServer


async def _probe(port: str) -> tuple[int | None, str]:
    """(exit code, output) of the check as a container runs it."""
    command = (sys.executable, "-m", "tradewire.runtime.probe")
    process = await asyncio.create_subprocess_exec(
        *command, env={"TRADEWIRE_HTTP_PORT": port}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
async def test_probe_when_the_service_answers_exits_by_its_readiness(
    status: int, exit_code: int, unused_tcp_port: int
) -> None:
    app = FastAPI()

    @app.get("/health/ready")
    def ready() -> Response:
        return Response('{"status": "as asked"}', status)

    server = HealthServer(app, "127.0.0.1", unused_tcp_port, None)
    await server.start()
    try:
        assert await _probe(str(unused_tcp_port)) == (exit_code, '{"status": "as asked"}\n')
    finally:
        await server.close()


async def test_probe_when_nothing_listens_exits_1_and_names_the_address(unused_tcp_port: int) -> None:
    exit_code, output = await _probe(str(unused_tcp_port))
    assert exit_code == 1
    assert f"no answer from 127.0.0.1:{unused_tcp_port}" in output


@pytest.mark.parametrize("port", ["", "0", "eighty"])
async def test_probe_without_a_port_exits_1_and_names_the_variable(port: str) -> None:
    exit_code, output = await _probe(port)
    assert exit_code == 1
    assert output == f"TRADEWIRE_HTTP_PORT: found {port!r}; allowed: the port on which the service listens\n"
