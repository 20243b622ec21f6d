"""From a strategy's evaluation to orders: sizing, limits and the order intents that pass them. Pure functions."""
