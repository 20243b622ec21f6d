"""What the compiled loops of all engines share: the exchange's arithmetic, and the path of a price inside a bar."""
