"""Research on one machine beside its peers, each in its own environment and process: `make bench-research`."""
