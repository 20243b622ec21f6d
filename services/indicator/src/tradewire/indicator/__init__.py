"""Indicator values of every closed bar."""
