"""Research on the strategy files that the services trade: backtests, sweeps, statistics and reports."""
