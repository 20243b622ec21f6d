"""What a run leaves behind: its files, its provenance and a report to look at."""

from tradewire.backtest.report.files import result_document, write_run
from tradewire.backtest.report.provenance import Provenance, data_hash, provenance_of

__all__ = ["Provenance", "data_hash", "provenance_of", "result_document", "write_run"]
