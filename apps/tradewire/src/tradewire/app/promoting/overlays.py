"""Images of kustomize overlays: the `images:` list of a kustomization.yaml, moved without touching another line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tradewire.app.promoting.gates import PromotionStage
from tradewire.backtest.whole_file import write_whole
from tradewire.ports.errors import TradewireError

Images = Mapping[str, Mapping[str, str]]
"""What an overlay says of each image: newName, newTag, digest."""
_ENTRY = re.compile(r"^  - \{name: (?P<name>[^,}]+)[^}]*\}$", re.MULTILINE)


class OverlayError(TradewireError):
    """An overlay is not as expected."""


def images_of(overlays: Path, stage: PromotionStage) -> dict[str, dict[str, str]]:
    """Images by name. Raises OverlayError."""
    path = _path(overlays, stage)
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")).get("images", [])
        return {entry["name"]: {k: str(v) for k, v in entry.items() if k != "name"} for entry in found}
    except OSError as error:
        raise OverlayError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise OverlayError(f"{path} is no kustomization with a list of images") from error


def without_digest(images: Images) -> list[str]:
    """Images that another build may take the place of."""
    return sorted(name for name, entry in images.items() if not entry.get("digest", "").startswith("sha256:"))


@dataclass(frozen=True, slots=True)
class OverlayChange:
    """What an overlay's file is to hold."""

    path: Path
    text: str

    def write(self) -> None:
        """Make the file so."""
        write_whole(self.path, self.text)


def images_moved(overlays: Path, stage: PromotionStage, images: Images) -> OverlayChange:
    """The change by which a stage's overlay names these images; nothing is written. Raises OverlayError."""
    path = _path(overlays, stage)
    known = images_of(overlays, stage)
    if known.keys() != images.keys():
        raise OverlayError(f"{path} names {', '.join(sorted(known))}; to be moved are {', '.join(sorted(images))}")
    if not os.access(path, os.W_OK):
        raise OverlayError(f"{path} can't be written")

    def entry(match: re.Match[str]) -> str:
        words = {"name": match["name"], **images[match["name"]]}
        return "  - {" + ", ".join(f"{key}: {value}" for key, value in words.items()) + "}"

    head, mark, tail = path.read_text(encoding="utf-8").partition("\nimages:\n")
    after = head + mark + _ENTRY.sub(entry, tail)
    changed = yaml.safe_load(after).get("images", [])
    if {item["name"]: {k: str(v) for k, v in item.items() if k != "name"} for item in changed} != dict(images):
        raise OverlayError(f"{path}: its images are not one `  - {{name: …}}` on each line; write them so")
    return OverlayChange(path, after)


def _path(overlays: Path, stage: PromotionStage) -> Path:
    return overlays / stage.value / "kustomization.yaml"
