"""Each image's bill of materials names what its lock installs, and our own distributions beside it."""

from __future__ import annotations

import json
import re

from requirements import lock, sbom


def test_bills_when_made_then_they_name_every_pin_of_the_lock_and_our_own_distributions() -> None:
    made = dict(sbom.bills())
    assert made.keys() == {*lock.SERVICES, lock.COMMAND}
    for image, text in made.items():
        bill = json.loads(text)
        named = {(part["name"], part["version"]) for part in bill["components"]}
        pins = re.findall(r"^([\w.-]+)==(\S+)", (lock.FOLDER / f"{image}.txt").read_text(), re.MULTILINE)
        own = {name for name, _ in named if name in lock.ours()}
        assert {name for name, _ in named} - own == {name for name, _ in pins}
        assert named >= set(pins)
        assert lock.distribution_of(image) in own
        refs = [part["bom-ref"] for part in bill["components"]]
        assert bill["dependencies"] == [{"ref": f"tradewire/{image}", "dependsOn": refs}]
        assert len(set(refs)) == len(refs)
