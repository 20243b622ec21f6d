"""How a user reaches an API server, as kubectl and every other client reads it."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.cluster.certificates import Pair


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
