"""Backtests by the services themselves: all in one process on the memory bus, and six processes over Kafka."""
