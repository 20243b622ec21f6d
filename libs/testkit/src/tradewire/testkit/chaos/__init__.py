"""The chaos drill: a scenario at any pace under kills, freezes and hand-overs, and the audit behind it."""
