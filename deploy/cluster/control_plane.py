"""etcd, a Kubernetes API server and its controllers, with certificates of their own; and a node, where one is wanted.

It takes objects, gives namespaces their accounts and removes what was deleted. With a node it runs pods.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.cluster.build import program
from deploy.cluster.certificates import Authority, Pair
from deploy.cluster.kubeconfig import write_kubeconfig
from deploy.cluster.namespaces import ADDRESS
from deploy.cluster.node import NODE, Node
from deploy.cluster.processes import ClusterError, Processes

from tradewire.embedded.ports import choose_ports

HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"
START_S = 180.0
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
"""Address of the service ``kubernetes``: the first of SERVICES."""


class ControlPlane:
    """The cluster of a folder. Nothing of it lies elsewhere, and all of it is gone with the folder.

    Without a node it listens on the machine's loopback. With one it is in the node's namespaces.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes = Processes(folder)
        self.node = Node(folder, self._processes)

    @property
    def kubeconfig(self) -> Path:
        """By which an administrator reaches it."""
        return self.folder / "kubeconfig"

    @property
    def kubectl_script(self) -> Path:
        """kubectl for people, as a program that reaches it from the machine."""
        return self.folder / "kubectl"

    def running(self) -> bool:
        """Whether it was started and not ended."""
        return bool(self._processes.running())

    def start(self, *, with_node: bool) -> None:
        """Start it; returns when it is ready, pods and names included. Raises ClusterError."""
        if self.running():
            raise ClusterError(f"a cluster runs already: {self.kubeconfig}")
        _etcd(), program("kube-apiserver"), program("kube-controller-manager")
        self.remove()
        self.folder.mkdir(parents=True, mode=0o700)
        if with_node:
            self.node.start()
        authority = Authority(self.folder / "certificates")
        url = self._start_servers(authority)
        if with_node:
            self.node.join(authority, url)
            self._wait_for_node()

    def _start_servers(self, authority: Authority) -> str:
        """Start etcd, API server and controllers; returns the API server's address."""
        inside, host = self._place()
        ports = choose_ports(["etcd", "etcd-peers", "api", "controllers"], asked={}, root=self.folder)
        store = f"http://{LOOPBACK}:{ports['etcd']}"
        etcd = self._etcd_command(store, f"http://{LOOPBACK}:{ports['etcd-peers']}")
        self._processes.start("etcd", (*inside, *etcd))
        accounts, url = authority.signing_key("service-accounts"), f"https://{host}:{ports['api']}"
        admin = authority.client("admin", ["system:masters"])
        write_kubeconfig(self.kubeconfig, url, authority.pair, admin)
        command = _api_command(authority, accounts, admin, store, (host, ports["api"]))
        self._processes.start("kube-apiserver", (*inside, *command))
        self.kubectl_script.write_text(f'#!/bin/sh\nexec {shlex.join(self.kubectl_command)} "$@"\n', encoding="utf-8")
        self.kubectl_script.chmod(0o700)
        self._processes.wait("kube-apiserver", self._ready, seconds=START_S)
        user, config = authority.client("system:kube-controller-manager"), self.folder / "controllers.kubeconfig"
        write_kubeconfig(config, url, authority.pair, user)
        command = _controllers_command(config, authority, accounts, ports["controllers"])
        self._processes.start("kube-controller-manager", (*inside, *command))
        return url

    def _place(self) -> tuple[Sequence[str], str]:
        """Words before a command that is to run where the servers do, and the address that they listen on."""
        return (self.node.namespaces.inside(), ADDRESS) if self.node.running() else ((), LOOPBACK)

    def _wait_for_node(self) -> None:
        """Wait until pods run and have names. Raises ClusterError."""
        self._processes.wait("kubelet", lambda: self._kubectl("get", "node", NODE) == 0, seconds=START_S)
        self._kubectl("apply", "--filename", str(HERE / "names.yaml"))
        self._wait_for("Ready", f"node/{NODE}")
        self._wait_for("Available", "deployment/coredns")

    def _wait_for(self, condition: str, name: str) -> None:
        asked = ("wait", f"--for=condition={condition}", name, "--namespace=kube-system", "--timeout=1s")
        self._processes.wait("kubelet", lambda: self._kubectl(*asked) == 0, seconds=START_S)

    def remove(self) -> None:
        """End it and remove its folder."""
        self.node.end()
        self._processes.end()
        if self.folder.exists():
            shutil.rmtree(self.folder)

    @property
    def kubectl_command(self) -> tuple[str, ...]:
        """By which kubectl reaches it. Raises ClusterError when it is not built."""
        inside = self.node.namespaces.network() if self.node.running() else ()
        return (*inside, program("kubectl"), "--kubeconfig", str(self.kubeconfig))

    def _ready(self) -> bool:
        return self._kubectl("get", "--raw", "/readyz") == 0

    def _kubectl(self, *words: str) -> int:
        command = (*self.kubectl_command, *words)
        return subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603 (words of this module)

    def _etcd_command(self, clients: str, peers: str) -> Sequence[str]:
        return (
            *(_etcd(), "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        )


def _api_command(
    authority: Authority, accounts: Pair, admin: Pair, store: str, address: tuple[str, int]
) -> Sequence[str]:
    host, port = address
    names = [LOOPBACK, ADDRESS, API_SERVICE, "localhost", "kubernetes.default.svc"]
    server = authority.server("kube-apiserver", names)
    # The default one refuses an address of loopback.
    reconciler = ("--endpoint-reconciler-type=none",) if host == LOOPBACK else ()
    return (
        *(program("kube-apiserver"), f"--etcd-servers={store}", f"--bind-address={host}", f"--secure-port={port}"),
        *(f"--tls-cert-file={server.certificate}", f"--tls-private-key-file={server.key}"),
        *(f"--client-ca-file={authority.pair.certificate}", "--authorization-mode=Node,RBAC"),
        *(f"--service-account-key-file={accounts.certificate}", f"--service-account-signing-key-file={accounts.key}"),
        *("--service-account-issuer=https://kubernetes.default.svc", f"--service-cluster-ip-range={SERVICES}"),
        *(f"--kubelet-client-certificate={admin.certificate}", f"--kubelet-client-key={admin.key}"),
        f"--kubelet-certificate-authority={authority.pair.certificate}",
        "--kubelet-preferred-address-types=InternalIP",  # nobody knows the node by its name
        *reconciler,
    )


def _controllers_command(config: Path, authority: Authority, accounts: Pair, port: int) -> Sequence[str]:
    return (
        *(program("kube-controller-manager"), f"--kubeconfig={config}", "--leader-elect=false"),
        *(f"--bind-address={LOOPBACK}", f"--secure-port={port}"),
        *(f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}"),
        *(f"--service-account-private-key-file={accounts.key}", f"--root-ca-file={authority.pair.certificate}"),
        "--use-service-account-credentials=true",
    )


def _etcd() -> str:
    found = shutil.which("etcd")
    if found is None:
        raise ClusterError("etcd is not on the PATH: `apt-get install etcd-server`, or a release of it")
    return found
