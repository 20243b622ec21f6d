"""Promotion of a revision from stage to stage, by gates."""
