"""Strategy language, indicators, sizing and the simulated futures exchange: pure domain."""
