"""The one node of a local cluster: kubelet, scheduler, proxy and names, in namespaces of their own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.cluster.build import IMAGE_PROGRAMS, image_programs, program
from deploy.cluster.certificates import Authority, Pair
from deploy.cluster.container_runtime import PLUGINS, PODS, SOCKET, ContainerRuntime, image_of
from deploy.cluster.control_groups import ControlGroups
from deploy.cluster.kubeconfig import write_kubeconfig
from deploy.cluster.namespaces import ADDRESS, Namespaces
from deploy.cluster.processes import ClusterError, Processes

NODE = "node"
DNS_ADDRESS = "10.96.0.10"
NEEDS = {"containerd": "containerd", "runc": "runc", "iptables": "iptables", "ip": "iproute2", "nsenter": "util-linux"}


class Node:
    """The node of a folder's cluster."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder
        self._processes = processes
        self._groups = ControlGroups(folder)
        self.namespaces = Namespaces(folder, processes, image_programs() / "pause")
        self.runtime = ContainerRuntime(folder, processes, self.namespaces)

    def start(self) -> None:
        """Start its namespaces and containerd, with the images that every cluster needs. Raises ClusterError."""
        _refuse_without_needs()
        self._groups.make()
        self.namespaces.start()
        self.runtime.start()
        for name in IMAGE_PROGRAMS:
            self.runtime.take(image_of(f"docker.io/local/{name}:1", image_programs() / name))

    def join(self, authority: Authority, server: str) -> None:
        """Start what makes it a node of the cluster whose API server is there. Raises ClusterError."""
        users = {
            "kubelet": authority.client(f"system:node:{NODE}", ["system:nodes"]),
            "kube-proxy": authority.client("system:kube-proxy"),
            "kube-scheduler": authority.client("system:kube-scheduler"),
        }
        served = authority.server("kubelet-server", [ADDRESS, NODE])
        settings = self._folder / "kubelet.json"
        settings.write_text(json.dumps(self._kubelet_settings(authority.pair, served), indent=2), encoding="utf-8")
        for name, words in _commands(self._folder, settings).items():
            config = self._folder / f"{name}.kubeconfig"
            write_kubeconfig(config, server, authority.pair, users[name])
            command = (*self.namespaces.inside(), program(name), f"--kubeconfig={config}", *words)
            self._processes.start(name, command)

    def running(self) -> bool:
        """Whether it was started and not ended."""
        return self.namespaces.running()

    def end(self) -> None:
        """End every process of it, pods included, and leave nothing of it on the machine."""
        self.namespaces.end()
        self._groups.remove()

    def _kubelet_settings(self, authority: Pair, served: Pair) -> Mapping[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": ADDRESS,
            "healthzBindAddress": "127.0.0.1",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(served.certificate),
            "tlsPrivateKeyFile": str(served.key),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._groups.name}",
            "failSwapOn": False,
            "failCgroupV1": False,
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            "resolvConf": "",
            "clusterDNS": [DNS_ADDRESS],
            "clusterDomain": "cluster.local",
            "podLogsDir": str(self._folder / "pods"),
            "volumePluginDir": str(self._folder / "volume-plugins"),
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
        }


def _commands(folder: Path, settings: Path) -> Mapping[str, Sequence[str]]:
    """Each program's settings. Its user's is not among them."""
    unmanaged = ("--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0")
    return {
        "kubelet": (
            *(f"--config={settings}", f"--hostname-override={NODE}", f"--node-ip={ADDRESS}"),
            *(f"--root-dir={folder / 'kubelet'}", f"--cert-dir={folder / 'kubelet-certificates'}"),
            "--node-labels=topology.kubernetes.io/zone=local",
        ),
        "kube-proxy": (
            *(f"--hostname-override={NODE}", "--proxy-mode=iptables", f"--cluster-cidr={PODS}", "--oom-score-adj=0"),
            *(f"--bind-address={ADDRESS}", *unmanaged, "--conntrack-tcp-timeout-close-wait=0"),
        ),
        "kube-scheduler": ("--bind-address=127.0.0.1", "--leader-elect=false"),
    }


def _refuse_without_needs() -> None:
    if os.geteuid():
        raise ClusterError("a node needs root, for namespaces and control groups: without one, `up --without-node`")
    missing = [f"{word} ({package})" for word, package in NEEDS.items() if shutil.which(word) is None]
    if not (PLUGINS / "bridge").exists():
        missing.append(f"{PLUGINS / 'bridge'} (containernetworking-plugins)")
    if missing:
        raise ClusterError(f"a node needs these programs, by the name of their Debian package: {', '.join(missing)}")
