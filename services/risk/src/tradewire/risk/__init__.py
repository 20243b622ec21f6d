"""Answers every evaluation with approved order intents and refusals."""
