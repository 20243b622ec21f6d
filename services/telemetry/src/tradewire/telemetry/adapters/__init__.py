"""Adapters of the telemetry service."""
