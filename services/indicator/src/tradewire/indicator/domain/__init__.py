"""The indicator service's domain: one engine per stream of candles."""
