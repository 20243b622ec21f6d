"""Message contracts, one Protocol per port, instruments, clock and errors."""
