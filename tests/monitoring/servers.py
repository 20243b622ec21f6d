"""Prometheus and Alertmanager as processes of their own on loopback, and a receiver of what Alertmanager sends."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx
import yaml
from deploy.k8s.topic_map import ROOT

from tradewire.embedded.ports import choose_ports

Json = Any
Notifications = SimpleQueue[dict[str, Json]]


def program(name: str, package: str) -> str:
    """Path of a program. It must be there: nothing is skipped."""
    found = shutil.which(name)
    assert found, f"{name} is needed: `apt-get install {package}`"
    return found


@contextmanager
def serving(command: list[str], ready_url: str, folder: Path) -> Iterator[None]:
    """A server's process, from when it is ready until it is ended; its log is in the folder."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            until(lambda: process.poll() is not None or _ok(ready_url))
            assert process.poll() is None, Path(log.name).read_text()
            yield
        finally:
            process.terminate()
            process.wait()


def until(holds: Any) -> None:
    """Wait until it holds; pytest's timeout bounds it."""
    while not holds():
        threading.Event().wait(0.3)


def _ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=10).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def receiver() -> Iterator[tuple[str, Notifications]]:
    """Address of a webhook, and what arrives at it."""
    arrived: Notifications = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what arrived where a test fails."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """Address of an Alertmanager with the project's routes, which tells the webhook instead of people."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/alertmanager.yml").read_text())
    for found in config["receivers"]:
        found["webhook_configs"] = [{"url": webhook}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    port = choose_ports(["alertmanager"], asked={}, root=folder)["alertmanager"]
    command = [
        program("prometheus-alertmanager", "prometheus-alertmanager"),
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with serving(command, f"http://127.0.0.1:{port}/-/ready", folder):
        yield f"127.0.0.1:{port}"


@contextmanager
def prometheus(folder: Path, targets: Iterable[str], alerts_to: str) -> Iterator[str]:
    """Base URL of a Prometheus with the project's settings and rules, on targets of this machine."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(ROOT / "deploy/prometheus" / name) for name in config["rule_files"]]
    config["scrape_configs"][0]["static_configs"] = [{"targets": sorted(targets)}]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alerts_to]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = choose_ports(["prometheus"], asked={}, root=folder / "prometheus")["prometheus"]
    command = [
        program("prometheus", "prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with serving(command, f"http://127.0.0.1:{port}/-/ready", folder):
        yield f"http://127.0.0.1:{port}"
