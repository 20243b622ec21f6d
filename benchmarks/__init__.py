"""What the platform costs, beside what the bare libraries cost on the same machine in the same run: `make bench`."""
