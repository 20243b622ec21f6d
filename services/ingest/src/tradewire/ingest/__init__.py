"""Market data in: closed bars, marks, instruments and gaps."""
