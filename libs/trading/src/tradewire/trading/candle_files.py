"""Files of candles in a folder that is replayed: which they are, by their names."""

from __future__ import annotations

ENDINGS = (".csv", ".parquet", ".feather", ".arrow")
MARK, FUNDING = "mark", "funding"
"""What may lie beside a file of candles, in a file of its own: ``<candles>.mark.csv``, ``<candles>.funding.csv``."""
ALLOWED_NAMES = f"<venue>-<symbol>-<interval>{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"


def has_candles(name: str) -> bool:
    """Whether a file of this name holds candles; those beside them do not.

    >>> [has_candles(name) for name in ("binance-BTCUSDT-1h.feather", "binance-BTCUSDT-1h.mark.csv", "notes.txt")]
    [True, False, False]
    """
    stem, dot, ending = name.rpartition(".")
    return dot + ending in ENDINGS and not stem.endswith((f".{MARK}", f".{FUNDING}"))
