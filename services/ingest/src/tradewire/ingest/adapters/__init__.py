"""Sources of market data: CSV files, recorded sessions, public candles of a venue."""
