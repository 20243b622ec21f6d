"""etcd, a Kubernetes API server and its controllers on loopback, with certificates of their own.

It takes objects, gives namespaces their accounts and removes what was deleted. It runs no pods: there is no node.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.cluster.build import programs
from deploy.cluster.certificates import Authority, Pair
from deploy.cluster.processes import ClusterError, Processes

from tradewire.embedded.ports import choose_ports

HOST = "127.0.0.1"
START_S = 180.0
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
"""Address of the service ``kubernetes``: the first of SERVICES."""


class ControlPlane:
    """The control plane of a folder. Nothing of it lies elsewhere, and all of it is gone with the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes = Processes(folder)

    @property
    def kubeconfig(self) -> Path:
        """By which an administrator reaches it."""
        return self._folder / "kubeconfig"

    def running(self) -> bool:
        """Whether it was started and not ended."""
        return bool(self._processes.running())

    def start(self) -> None:
        """Start it; returns when it is ready. Raises ClusterError."""
        if self.running():
            raise ClusterError(f"a cluster runs already: {self.kubeconfig}")
        etcd, api_server, controllers = _etcd(), _program("kube-apiserver"), _program("kube-controller-manager")
        self.remove()
        self._folder.mkdir(parents=True, mode=0o700)
        ports = choose_ports(["etcd", "etcd-peers", "api", "controllers"], asked={}, root=self._folder)
        authority = Authority(self._folder / "certificates")
        store = f"http://{HOST}:{ports['etcd']}"
        self._processes.start("etcd", self._etcd_command(etcd, store, f"http://{HOST}:{ports['etcd-peers']}"))
        accounts, url = authority.signing_key("service-accounts"), f"https://{HOST}:{ports['api']}"
        self._processes.start("kube-apiserver", _api_command(api_server, authority, accounts, store, ports["api"]))
        write_kubeconfig(self.kubeconfig, url, authority.pair, authority.client("admin", ["system:masters"]))
        self._processes.wait("kube-apiserver", self._ready, seconds=START_S)
        user, config = authority.client("system:kube-controller-manager"), self._folder / "controllers.kubeconfig"
        write_kubeconfig(config, url, authority.pair, user)
        command = _controllers_command(controllers, config, authority, accounts, ports["controllers"])
        self._processes.start("kube-controller-manager", command)

    def remove(self) -> None:
        """End it and remove its folder."""
        self._processes.end()
        if self._folder.exists():
            shutil.rmtree(self._folder)

    @property
    def kubectl_command(self) -> tuple[str, ...]:
        """By which kubectl reaches it. Raises ClusterError when it is not built."""
        return (_program("kubectl"), "--kubeconfig", str(self.kubeconfig))

    def _ready(self) -> bool:
        asked = (*self.kubectl_command, "get", "--raw", "/readyz")
        return not subprocess.run(asked, capture_output=True, check=False).returncode  # noqa: S603 (words of this module)

    def _etcd_command(self, program: str, clients: str, peers: str) -> Sequence[str]:
        return (
            *(program, "--data-dir", str(self._folder / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        )


def _api_command(program: str, authority: Authority, accounts: Pair, store: str, port: int) -> Sequence[str]:
    server = authority.server("kube-apiserver", [HOST, API_SERVICE, "localhost", "kubernetes.default.svc"])
    return (
        *(program, f"--etcd-servers={store}", f"--bind-address={HOST}", f"--secure-port={port}"),
        *(f"--tls-cert-file={server.certificate}", f"--tls-private-key-file={server.key}"),
        *(f"--client-ca-file={authority.pair.certificate}", "--authorization-mode=Node,RBAC"),
        *(f"--service-account-key-file={accounts.certificate}", f"--service-account-signing-key-file={accounts.key}"),
        *("--service-account-issuer=https://kubernetes.default.svc", f"--service-cluster-ip-range={SERVICES}"),
        "--endpoint-reconciler-type=none",  # which refuses an address of loopback
    )


def _controllers_command(program: str, config: Path, authority: Authority, accounts: Pair, port: int) -> Sequence[str]:
    return (
        *(program, f"--kubeconfig={config}", f"--bind-address={HOST}", f"--secure-port={port}", "--leader-elect=false"),
        *(f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}"),
        *(f"--service-account-private-key-file={accounts.key}", f"--root-ca-file={authority.pair.certificate}"),
        "--use-service-account-credentials=true",
    )


def write_kubeconfig(path: Path, server: str, authority: Pair, user: Pair) -> None:
    """Write how a user reaches the API server. YAML takes JSON."""
    cluster = {"server": server, "certificate-authority": str(authority.certificate)}
    named = {"client-certificate": str(user.certificate), "client-key": str(user.key)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": "local", "user": named}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        "current-context": "local",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")


def _program(name: str) -> str:
    path = programs() / name
    if not path.exists():
        raise ClusterError(f"{name} is not built: `python -m deploy.cluster.build {name}`")
    return str(path)


def _etcd() -> str:
    found = shutil.which("etcd")
    if found is None:
        raise ClusterError("etcd is not on the PATH: `apt-get install etcd-server`, or a release of it")
    return found
