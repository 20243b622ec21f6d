"""Metrics, the log store, windowed views and the state API."""
