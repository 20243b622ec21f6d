"""Records that could not be handled: written down with lineage, keys that wait, and the way back."""
