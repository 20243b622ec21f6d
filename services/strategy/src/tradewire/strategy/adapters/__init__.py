"""Adapters of the strategy service."""
