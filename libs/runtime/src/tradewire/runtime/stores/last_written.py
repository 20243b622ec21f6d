"""What a store wrote last, so that what did not change is not written again."""

from __future__ import annotations

from hashlib import blake2b

DIGEST_BYTES = 16


class LastWritten:
    """Digests of the newest state written, by partition and key."""

    def __init__(self) -> None:
        self._digests: dict[int, dict[str, bytes]] = {}

    def differs(self, partition: int, key: str, state: bytes) -> bool:
        """Is it another state than the last one? From now on it counts as written: keep it until it is."""
        digests, digest = self._digests.setdefault(partition, {}), blake2b(state, digest_size=DIGEST_BYTES).digest()
        if digests.get(key) == digest:
            return False
        digests[key] = digest
        return True

    def forget(self, partition: int) -> None:
        """Another member writes these from now on."""
        self._digests.pop(partition, None)
