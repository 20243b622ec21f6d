"""A registry that asks who is there: the address signs in, and no message shows its password."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tradewire.ports.errors import FatalError, RetryableError
from tradewire.runtime.codec.schema_registry import RegistryClient

PASSWORD = "canary-7f3"


class Guarded(BaseHTTPRequestHandler):
    """Answers who knows the password."""

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(f"risk:{PASSWORD}".encode()).decode()
        known = self.headers["Authorization"] == expected
        body = b"[]" if known else b'{"error_code": 401}'
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@contextmanager
def guarded() -> Iterator[str]:
    """Host and port of the server."""
    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_user_and_password_of_the_address_sign_in() -> None:
    with guarded() as address:
        async with RegistryClient(f"http://risk:{PASSWORD}@{address}") as registry:
            assert await registry.subjects() == []


async def test_refusal_and_silence_do_not_show_the_password() -> None:
    with guarded() as address:
        async with RegistryClient(f"http://other:{PASSWORD}@{address}") as registry:
            with pytest.raises(FatalError, match="401") as refused:
                await registry.subjects()
    async with RegistryClient(f"http://risk:{PASSWORD}@{address}") as registry:
        with pytest.raises(RetryableError, match="no answer") as silent:
            await registry.subjects()
    assert PASSWORD not in f"{refused.value}{silent.value}"
