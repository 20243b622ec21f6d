"""Answers every closed bar with one evaluation per strategy."""
