"""containerd of a node: its settings, the images that it is given, and images of one program."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from deploy.cluster.namespaces import Namespaces
from deploy.cluster.processes import ClusterError, Processes

NAME = "containerd"
SOCKET = "/run/node/containerd.sock"
START_S = 60.0
PODS = "10.244.0.0/16"
PLUGINS = Path("/usr/lib/cni")
PAUSE = "local/pause:1"
SETTINGS = """\
version = 2
root = "{folder}/containerd"
state = "/run/node/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/{pause}"
  disable_apparmor = true
  restrict_oom_score_adj = true  # root of a container may not lower it
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/networks"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


class ContainerRuntime:
    """containerd in a node's namespaces."""

    def __init__(self, folder: Path, processes: Processes, namespaces: Namespaces) -> None:
        self._folder = folder
        self._processes = processes
        self._namespaces = namespaces

    def start(self) -> None:
        """Start it. Raises ClusterError."""
        networks, settings = self._folder / "networks", self._folder / "containerd.toml"
        networks.mkdir()
        (networks / "pods.conflist").write_text(json.dumps(_pod_network()), encoding="utf-8")
        text = SETTINGS.format(folder=self._folder, socket=SOCKET, pause=PAUSE, plugins=PLUGINS)
        settings.write_text(text, encoding="utf-8")
        words = (*self._namespaces.inside(), "containerd", "--config", str(settings))
        self._processes.start(NAME, words)
        self._processes.wait(NAME, self._answers, seconds=START_S)

    def take(self, image: bytes) -> None:
        """Take an image of one program."""
        self._namespaces.run(*_ctr("images", "import", "-"), stdin=image)

    def take_from_docker(self, images: Sequence[str]) -> None:
        """Take images from the Docker engine of this machine. Raises ClusterError."""
        saving = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603, S607
        assert saving.stdout is not None
        assert saving.stderr is not None
        words = [*self._namespaces.inside(), *_ctr("images", "import", "-")]
        taken = subprocess.run(words, stdin=saving.stdout, capture_output=True, check=False)  # noqa: S603
        saving.stdout.close()
        said = saving.stderr.read().decode(errors="replace")
        if saving.wait() or taken.returncode:
            raise ClusterError(f"images were not taken from Docker:\n{said}{taken.stderr.decode(errors='replace')}")

    def _answers(self) -> bool:
        words = [*self._namespaces.inside(), *_ctr("version")]
        return not subprocess.run(words, capture_output=True, check=False).returncode  # noqa: S603


def image_of(name: str, program: Path) -> bytes:
    """An image, as ``docker save`` writes it, of a program that needs no other file."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        _add(files, program.name, program.read_bytes(), mode=0o755)
    layer_hash = hashlib.sha256(layer.getvalue()).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": [f"/{program.name}"], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_hash}"]},
        }
    ).encode()
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    image = io.BytesIO()
    with tarfile.open(fileobj=image, mode="w") as files:
        _add(files, "config.json", config)
        _add(files, "layer.tar", layer.getvalue())
        _add(files, "manifest.json", json.dumps(manifest).encode())
    return image.getvalue()


def _add(files: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    files.addfile(entry, io.BytesIO(content))


def _ctr(*words: str) -> Sequence[str]:
    return ("ctr", "--address", SOCKET, "--namespace", "k8s.io", *words)


def _pod_network() -> dict[str, object]:
    """A bridge of the node, an address of its own for each pod."""
    addresses = {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": "pods", "isGateway": True, "ipMasq": True, "hairpinMode": True}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge | {"ipam": addresses}]}
